import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planning_cases import hand_case, random_case

from kgplan.errors import UnknownConcept, UnknownCourse
from kgplan.graph.around import around, course_map, whole_graph
from kgplan.graph.snapshot import snapshot_of

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=25)


def drawn_graph(seed):
    """A snapshot, and the same prerequisites in networkx."""
    case = random_case(seed)
    graph = nx.DiGraph([(r["head"], r["tail"]) for r in case.edges["prerequisite_of"]])
    graph.add_nodes_from(case.graph.concept_ids.tolist())
    return case, graph


@few
@given(seeds, st.integers(1, 4), st.sampled_from(["up", "down"]))
def test_what_lies_around_a_concept_is_what_networkx_finds(seed, depth, direction):
    case, graph = drawn_graph(seed)
    concept = str(np.random.default_rng(seed).choice(case.graph.concept_ids))
    there = graph.reverse() if direction == "up" else graph
    steps = nx.single_source_shortest_path_length(there, concept)
    found = around(case.graph, concept, direction, depth)
    expected = {c: k for c, k in steps.items() if 0 < k <= depth}
    assert {place.id: place.depth for place in found.concepts} == expected
    assert [p.id for p in found.concepts] == sorted(expected, key=lambda c: (expected[c], c))
    assert found.deeper == (max(steps.values()) > depth)
    inside = graph.subgraph([*expected, concept])
    assert {(e.before, e.after) for e in found.edges} == set(inside.edges)


@few
@given(seeds)
def test_a_course_map_has_the_longest_chains_of_the_condensed_graph(seed):
    case, graph = drawn_graph(seed)
    mine = [r["tail"] for r in case.edges["course_has_concept"] if r["head"] == "A"]
    found = course_map(case.graph, "A")
    inside = graph.subgraph(mine)
    condensed = nx.condensation(inside)
    depth = {}
    for group in nx.topological_sort(condensed):
        before = list(condensed.predecessors(group))
        depth[group] = 1 + max(depth[g] for g in before) if before else 0
    expected = {c: depth[g] for c, g in condensed.graph["mapping"].items()}
    assert {place.id: place.depth for place in found.concepts} == expected
    assert {(e.before, e.after) for e in found.edges} == set(inside.edges)
    needed = {}
    for before, after in graph.edges:
        if after in mine and before not in mine:
            needed[before] = needed.get(before, 0) + 1
    assert {place.id: place.depth for place in found.missing} == needed


@few
@given(seeds)
def test_each_edge_keeps_its_strength_and_its_group_wherever_it_is_shown(seed):
    case, rng = random_case(seed), np.random.default_rng(seed)
    said = [
        row | {"strength": rng.random(), "any_of": int(rng.integers(0, 3))}
        for row in case.edges["prerequisite_of"]
    ]
    graph = snapshot_of(case.entities, case.edges | {"prerequisite_of": said})
    expected = {(r["head"], r["tail"]): (r["strength"], r["any_of"]) for r in said}
    concept = str(rng.choice(graph.concept_ids))
    for shown in (whole_graph(graph), course_map(graph, "A"), around(graph, concept, "up", 2)):
        for edge in shown.edges:
            assert (edge.strength, edge.group) == expected[edge.before, edge.after]


def test_unknown_ids_are_refused():
    graph = hand_case().graph
    with pytest.raises(UnknownConcept):
        around(graph, "nothing", "up", 1)
    with pytest.raises(UnknownCourse):
        course_map(graph, "nothing")


@few
@given(seeds)
def test_the_whole_graph_has_all_concepts_at_the_depth_of_the_condensed_graph(seed):
    case, graph = drawn_graph(seed)
    found = whole_graph(case.graph)
    condensed = nx.condensation(graph)
    depth = {}
    for group in nx.topological_sort(condensed):
        before = list(condensed.predecessors(group))
        depth[group] = 1 + max(depth[g] for g in before) if before else 0
    expected = {c: depth[g] for c, g in condensed.graph["mapping"].items()}
    assert {place.id: place.depth for place in found.concepts} == expected
    assert [place.depth for place in found.concepts] == sorted(expected.values())
    assert {(e.before, e.after) for e in found.edges} == set(graph.edges)
    assert found.total == sum(found.fields.values()) == len(graph)


@few
@given(seeds, st.integers(1, 6))
def test_of_a_graph_too_large_to_look_at_the_most_connected_concepts_are_shown(seed, most):
    case, graph = drawn_graph(seed)
    found = whole_graph(case.graph, most=most)
    shown = {place.id for place in found.concepts}
    assert len(shown) == min(most, len(graph))
    least = min(graph.degree(c) for c in shown)
    assert all(graph.degree(c) <= least for c in graph if c not in shown)
    assert {(e.before, e.after) for e in found.edges} == set(graph.subgraph(shown).edges)


def test_the_graph_of_a_field_has_its_concepts_only():
    graph = hand_case().graph
    (everything,) = set(graph.concept_fields.tolist())
    assert whole_graph(graph, everything).total == len(graph.concept_ids)
    assert whole_graph(graph, "no such field").concepts == ()
