"""What a goal involves on the real sample, held against sets and networkx's components."""

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from planning_cases import make_case

from kgplan.planning.scope import NEAR, NEEDED, SURE, Scopes

COURSES = 12


@pytest.fixture(scope="module")
def scopes(sample_planner):
    return Scopes(sample_planner.graph, sample_planner.records)


@pytest.fixture(scope="module")
def courses(sample_planner):
    """Some courses with concepts: (id, positions of their concepts)."""
    graph = sample_planner.graph
    rows = np.flatnonzero(np.diff(graph.course_concepts.indptr))
    some = np.random.default_rng(3).permutation(rows)[:COURSES]
    return [
        (str(graph.course_ids[row]), graph.course_concepts[[row]].indices.astype(np.int64))
        for row in some
    ]


@pytest.fixture(scope="module")
def edges(sample_planner):
    """(before, after) -> strength, of prerequisites that lie in no cycle."""
    graph = sample_planner.graph
    stored = graph.prerequisites.tocoo()
    pairs = list(zip(stored.col.tolist(), stored.row.tolist(), strict=True))
    cycle = {}
    for number, nodes in enumerate(nx.strongly_connected_components(nx.DiGraph(pairs))):
        cycle |= dict.fromkeys(nodes, number)
    return {
        pair: strength
        for pair, strength in zip(pairs, graph.strength.tolist(), strict=True)
        if cycle[pair[0]] != cycle[pair[1]]
    }


def made(scopes, courses):
    nothing = np.zeros(0, np.int64)
    return [(course, asked, scopes.of_course(course, asked, nothing)) for course, asked in courses]


def rows_of(start, values):
    return [values[a:b].tolist() for a, b in pairwise(start)]


def test_beside_what_is_asked_for_it_has_what_that_surely_needs_near_and_taught(
    sample_planner, scopes, courses, edges
):
    fields = sample_planner.graph.concept_fields
    taught = set(scopes.covers.tocoo().col.tolist())
    for _, asked, scope in made(scopes, courses):
        extra = set(scope.concepts.tolist()) - set(asked.tolist())
        assert set(asked.tolist()) <= set(scope.concepts.tolist())
        assert extra <= taught
        assert len({fields[each] for each in extra}) <= 1
        reached = edge = set(asked.tolist())
        for _ in range(NEAR):
            edge = {p for (p, c), s in edges.items() if c in edge and s >= SURE} - reached
            reached = reached | edge
        assert extra <= reached
        if extra:
            field = {str(fields[each]) for each in extra}
            near = {p for p, c in edges if c in set(asked.tolist()) and edges[p, c] >= SURE}
            own = {p for p in near & taught if {str(fields[p])} == field}
            assert own <= set(scope.concepts.tolist())


def test_what_waits_makes_no_circle_and_is_what_the_graph_says(scopes, courses, edges):
    for _, _, scope in made(scopes, courses):
        layout, names = scope.layout, scope.concepts.tolist()
        needs = {}
        for concept, span in enumerate(
            zip(layout.require_start[:-1], layout.require_start[1:], strict=True)
        ):
            groups = rows_of(layout.any_start, layout.any_of)[span[0] : span[1]]
            needs[concept] = [before for group in groups for before in group]
        stated = {(names[before], names[after]) for after, all_ in needs.items() for before in all_}
        assert all(edges[pair] >= NEEDED for pair in stated)
        inside = {pair for pair in edges if set(pair) <= set(names)}
        # the course's order may overrule what is only predicted, and nothing else
        assert {pair for pair in inside if edges[pair] >= SURE} <= stated <= inside
        assert nx.is_directed_acyclic_graph(nx.DiGraph(stated))
        waits = rows_of(layout.waits_start, layout.waits)
        assert stated == {
            (names[before], names[after]) for before, all_ in enumerate(waits) for after in all_
        }


def test_the_course_s_order_overrules_predictions_where_it_teaches_what_needs_earlier(
    scopes, courses, edges
):
    for _, _, scope in made(scopes, courses):
        layout, names = scope.layout, scope.concepts.tolist()
        first = {}
        for concept, videos in zip(
            names, rows_of(layout.concept_start, layout.taught_by), strict=True
        ):
            first[concept] = min([np.inf, *layout.place[videos].tolist()])
        waits = rows_of(layout.waits_start, layout.waits)
        stated = {
            (names[before], names[after]) for before, all_ in enumerate(waits) for after in all_
        }
        for pair, strength in edges.items():
            if set(pair) <= set(names) and NEEDED <= strength < SURE:
                assert (pair in stated) == (first[pair[0]] <= first[pair[1]])


def test_videos_are_those_of_the_course_and_some_elsewhere_each_with_all_it_covers(
    sample_planner, scopes, courses
):
    records = sample_planner.records
    for course, _, scope in made(scopes, courses):
        row = records.courses.find(course)
        shown = set(records.course_items[[row]].indices.tolist()) if row >= 0 else set()
        assert set(scope.videos[scope.in_course].tolist()) == shown
        names = scope.concepts.tolist()
        covers = rows_of(scope.layout.video_start, scope.layout.covers)
        taught_by = rows_of(scope.layout.concept_start, scope.layout.taught_by)
        for at, video in enumerate(scope.videos.tolist()):
            whole = set(scopes.covers[[video]].indices.tolist())
            assert {names[concept] for concept in covers[at]} == whole & set(names)
        assert {(video, c) for video, all_ in enumerate(covers) for c in all_} == {
            (video, c) for c, all_ in enumerate(taught_by) for video in all_
        }
        tiers = [scope.layout.tier[videos].tolist() for videos in taught_by]
        assert all(tier == sorted(tier) for tier in tiers)


def test_what_is_asked_for_has_weight_and_nothing_else(sample_planner, scopes, courses):
    graph = sample_planner.graph
    for _, asked, scope in made(scopes, courses):
        assert not scope.weight[~scope.asked].any()
        assert scope.weight.max(initial=0) <= 1
        without = scope.concepts[scope.asked & (scope.weight == 0)]
        for homonym in without.tolist():
            same = asked[graph.concept_names[asked] == graph.concept_names[homonym]]
            assert len(set(graph.concept_fields[same].tolist())) > 1


TWO = make_case(
    course_concepts={"A": "ab"},
    prerequisites=[("b", "a")],
    enrolled={"u": ""},
    watched={},
    mastery={},
    vectors={"a": [0, 1], "b": [1, 0]},
)
"""A course that begins with what builds on its end; nothing is known of anyone."""


def test_a_path_through_as_many_concepts_as_a_course_looks_steps_far_is_no_course():
    planned = TWO.planner().plan_towards("nobody", "a")
    assert [step.concept_id for step in planned.steps] == ["b", "a"]


def test_what_nobody_is_known_to_hold_comes_before_what_needs_it():
    planned = TWO.planner().plan("nobody", "A")
    assert [step.concept_id for step in planned.steps] == ["b", "a"]
