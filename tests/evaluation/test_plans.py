"""Figures of plans: planted cases, brute force, and what the planner itself says of a learner."""

from dataclasses import replace
from itertools import pairwise, permutations
from types import SimpleNamespace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning_cases import hand_case, make_case, random_case
from scipy import sparse

from kgplan.arrays import positions
from kgplan.data.events import Evidence
from kgplan.data.records import LearnerRecords
from kgplan.data.wishes import Wishes
from kgplan.errors import InputError
from kgplan.evaluation.degree import degree_bound, sequence_degree
from kgplan.evaluation.nextview import last_views
from kgplan.evaluation.plans import (
    Ground,
    Known,
    Outline,
    begins_with,
    coverage,
    gain,
    ground_of,
    known_of,
    leading_nowhere,
    mastered_already,
    minutes_of,
    moved,
    outline,
    outside,
    place_of,
    prerequisite_later,
    prerequisite_not_met,
    steps_kept,
    to_open,
    without_anything_to_open,
)
from kgplan.graph.health import components
from kgplan.planning import PlanOptions
from kgplan.planning.live import LiveModel


def plan_of(concepts, videos=None):
    """A plan of these steps; the video of a concept has its number where nothing is given."""
    return Outline(
        np.array(concepts, dtype=np.int64),
        tuple((k,) for k in concepts) if videos is None else tuple(map(tuple, videos)),
    )


def ground(n, edges, covers=None, minutes=None):
    """K = n concepts with edges (prerequisite, concept); one video for each where not given."""
    covers = [[k] for k in range(n)] if covers is None else covers
    before, after = np.array(edges, dtype=np.int64).reshape(-1, 2).T
    component = components(before, after, n)
    shown = np.zeros((len(covers), n), dtype=bool)
    for video, concepts in enumerate(covers):
        shown[video, concepts] = True
    return Ground(
        before=[frozenset(a for a, b in edges if b == k) for k in range(n)],
        strictly_before=[
            frozenset(a for a, b in edges if b == k and component[a] != component[b])
            for k in range(n)
        ],
        component=component,
        covers=sparse.csr_array(shown),
        taught=shown.any(axis=0),
        minutes=np.array(minutes or [1.0] * len(covers)),
    )


def known(mastery, in_doubt=()):
    return Known(
        np.array(mastery, dtype=float), np.array([k not in in_doubt for k in range(len(mastery))])
    )


def among(n, concepts):
    return np.isin(np.arange(n), concepts)


# ---------------------------------------------------------------- what figures read


def test_a_step_opens_the_first_place_with_a_video_or_all_that_a_planner_takes(monkeypatch):
    places = [SimpleNamespace(item_id=video) for video in (None, "v", "w")]
    steps = [SimpleNamespace(resources=places), SimpleNamespace(resources=places[:1])]
    plan = SimpleNamespace(steps=steps, options=PlanOptions(planner="kg-plppm"))
    assert to_open(plan) == [places[1:2], []]
    takes_videos = SimpleNamespace(rank=None)
    monkeypatch.setattr("kgplan.evaluation.plans.planner_named", lambda name: takes_videos)
    assert to_open(plan) == [places[1:], []]


def test_an_outline_has_the_plans_concepts_and_videos():
    case = hand_case()
    plan = case.planner().plan("learner", "A", PlanOptions(length=3))
    shape = outline(plan, case.graph.concepts, case.records.items)
    assert case.graph.concept_ids[shape.concepts].tolist() == [s.concept_id for s in plan.steps]
    names = case.records.item_ids
    assert [[names[v] for v in step] for step in shape.videos] == [
        [f"v_{s.concept_id}"] for s in plan.steps
    ]


def test_the_ground_drops_what_goes_in_a_circle_and_fills_lengths():
    case = make_case(
        course_concepts={"A": "abc"},
        prerequisites=[("a", "b"), ("b", "a"), ("b", "c")],
        enrolled={"u": "A"},
        watched={},
        mastery={},
        vectors={c: [float(k)] for k, c in enumerate("abc")},
        minutes={"a": 4.0, "b": 8.0},
    )
    found = ground_of(case.graph, case.records)
    assert found.before == [{1}, {0}, {1}]
    assert found.strictly_before == [frozenset(), frozenset(), {1}]
    assert found.minutes.tolist() == [4.0, 8.0, 6.0]
    assert found.covers.toarray().tolist() == np.eye(3).tolist()
    assert found.taught.all()
    any_of = replace(case.graph, group=np.array([0, 0, 1]))  # b for c, or what else there may be
    assert ground_of(any_of, case.records).strictly_before == [frozenset()] * 3
    assert ground_of(any_of, case.records).before == found.before


@pytest.mark.parametrize("seed", range(8))
def test_what_is_known_is_what_the_planner_says(seed):
    case = random_case(seed)
    planner, live = case.planner(), LiveModel(case.records, case.diagnosis)
    at = positions(case.graph.concept_ids, case.diagnosis.concept_ids)
    for learner in case.records.learner_ids.tolist():
        current = live.current(learner, Evidence(), Wishes()).learner
        found = known_of(current, at, planner.derived.prior)
        said = {each.concept_id: each for each in planner.mastery(learner)}
        for place, concept in enumerate(case.graph.concept_ids.tolist()):
            identified = concept in said and said[concept].identified
            mastery = said[concept].mastery if concept in said else planner.derived.prior[place]
            assert (found.mastery[place], found.identified[place]) == (mastery, identified)


def test_what_is_above_theta_in_doubt_is_neither_mastered_nor_lacking():
    of = known([0.4, 0.5, 0.5], in_doubt=[2])
    assert of.mastered().tolist() == [False, True, False]
    assert of.lacking().tolist() == [True, False, False]


# ---------------------------------------------------------------- can it be done


def test_steps_without_anything_to_open():
    plan = plan_of([3, 1, 2], [[], [5], []])
    assert without_anything_to_open(plan).tolist() == [True, False, True]
    assert plan.first_to_do == 1


def test_what_was_done_has_moved_or_not():
    before = plan_of([3, 1, 2], [[], [5, 6], [7]])
    assert moved(plan_of([3], [[]]), before) is None

    def told(concepts, videos):
        found = moved(before, plan_of(concepts, videos))
        return found.video_gone, found.concept_gone, found.leads_no_more

    assert told([3, 1, 2], [[], [5, 6], [7]]) == (False, False, False)
    assert told([3, 1, 2], [[], [6], [7]]) == (True, False, False)
    assert told([2, 1], [[7], [6]]) == (True, False, True)
    assert told([2, 3], [[7], [5]]) == (False, True, True)
    assert told([], []) == (True, True, True)


def test_a_prefix_by_concepts_and_by_videos():
    short = plan_of([1, 2], [[1], [1, 2]])
    assert begins_with(plan_of([1, 2, 3], [[1], [1, 2], [3]]), short) == (True, True)
    assert begins_with(plan_of([1, 2, 3], [[1, 2], [2], [3]]), short) == (True, True)
    assert begins_with(plan_of([1, 2, 3], [[1], [3], [2]]), short) == (True, False)
    assert begins_with(plan_of([2, 1], [[1], [2]]), short) == (False, True)
    assert begins_with(plan_of([1], [[1]]), short) == (False, False)


def test_steps_that_another_plan_holds_and_places_of_videos():
    assert steps_kept(plan_of([1, 2, 3]), plan_of([3, 4, 1])) == 2
    plan = plan_of([1, 2], [[7, 8], [7, 9]])
    assert [place_of(v, plan) for v in (7, 8, 9, 5)] == [1, 2, 3, 0]


# ---------------------------------------------------------------- does it belong there


def test_outside_the_course_and_leading_nowhere_in_it():
    # 0 -> 1 -> 2 in the course; 3 -> 4 -> 2 but 4 is not planned; 5 <-> 6 -> 2
    graph = ground(7, [(0, 1), (1, 2), (3, 4), (4, 2), (5, 6), (6, 5), (6, 2)])
    plan, asked = plan_of([0, 1, 2, 3, 5, 6]), among(7, [2])
    assert outside(plan, asked).tolist() == [True, True, False, True, True, True]
    nowhere = leading_nowhere(plan, asked, graph)
    assert nowhere.tolist() == [False, False, False, True, False, False]


def test_steps_mastered_already():
    of = known([0.5, 0.9, 0.4, 0.8], in_doubt=[1])
    assert mastered_already(plan_of([3, 2, 1, 0]), of).tolist() == [True, False, False, True]
    assert not mastered_already(plan_of([3, 2, 1, 0]), of, theta=0.85).any()


def test_a_diamond_is_in_order_set_first_and_tree_last():
    # 0 before 1 and 2, both before 3; 3 and 4 in a circle
    graph = ground(5, [(0, 1), (0, 2), (1, 3), (2, 3), (3, 4), (4, 3)])
    every = np.ones(5, dtype=bool)
    orders = {
        order: prerequisite_later(plan_of(order), graph, every).sum()
        for order in permutations(range(4))
    }
    assert [order for order, late in orders.items() if not late] == [(0, 1, 2, 3), (0, 2, 1, 3)]
    assert orders[(3, 2, 1, 0)] == 3
    assert not prerequisite_later(plan_of([4, 3]), graph, every).any()


def test_a_prerequisite_that_is_not_there_at_all():
    graph = ground(4, [(0, 1), (1, 2), (3, 2)])
    plan = plan_of([2, 1])
    every = np.ones(4, dtype=bool)
    assert prerequisite_later(plan, graph, every).tolist() == [True, False]
    assert prerequisite_not_met(plan, graph, every).tolist() == [True, True]
    # where only 3 counts
    assert prerequisite_later(plan, graph, among(4, [3])).tolist() == [False, False]
    assert prerequisite_not_met(plan, graph, among(4, [3])).tolist() == [True, False]
    assert not prerequisite_not_met(plan_of([0, 3, 1, 2]), graph, every).any()
    # a video of an earlier step teaches 3, one of the step itself comes too late
    watching = ground(4, [(0, 1), (1, 2), (3, 2)], covers=[[0], [1, 3], [2]])
    early, late = plan_of([0, 1, 2], [[0], [1], [2]]), plan_of([0, 1, 2], [[0], [], [1]])
    assert prerequisite_not_met(early, watching, every).tolist() == [False, False, False]
    assert prerequisite_not_met(late, watching, every).tolist() == [False, False, True]


# ---------------------------------------------------------------- is it worth it


def test_minutes_count_each_video_once_and_gain_the_courses_concepts():
    graph = ground(3, [], minutes=[5.0, 7.0, 11.0])
    assert minutes_of(plan_of([0, 1, 2], [[0], [0, 2], []]), graph) == 16.0
    assert minutes_of(plan_of([0], [[]]), graph) == 0.0
    before, after = known([0.1, 0.5, 0.2]), known([0.6, 0.25, 0.9])
    assert gain(before, after, among(3, [0, 1])) == pytest.approx(0.25)


def test_coverage_counts_what_is_asked_for_lacking_and_taught():
    # 4 is taught by nothing, 3 is mastered, 0 is not asked for
    graph = ground(5, [], covers=[[0, 1], [2], [3], [1, 2]])
    of, asked = known([0.1, 0.1, 0.1, 0.9, 0.1]), among(5, [1, 2, 3, 4])
    assert coverage(plan_of([0], [[0]]), graph, of, asked) == 0.5
    assert coverage(plan_of([3, 1], [[2], [3]]), graph, of, asked) == 1.0
    assert coverage(plan_of([4], [[]]), graph, of, asked) == 0.0
    assert np.isnan(coverage(plan_of([3], [[2]]), graph, of, among(5, [3, 4])))


# ---------------------------------------------------------------- how well ordered


def test_sequence_degree():
    graph = ground(4, [(0, 1), (1, 2), (2, 1)])
    assert sequence_degree(plan_of([0, 1, 2, 1]), graph) == 1.0
    assert sequence_degree(plan_of([1, 0, 3, 2]), graph) == 0.0
    assert sequence_degree(plan_of([0, 1, 3]), graph) == 0.5
    assert np.isnan(sequence_degree(plan_of([0]), graph))


def is_valid(steps, graph, of, asked):
    """The docstring of `degree_bound`, sentence by sentence."""
    lacking, mastered = of.lacking(), of.mastered()
    planned = nx.DiGraph([(a, b) for b in steps for a in graph.before[b] if a in steps])
    planned.add_nodes_from(steps)
    for place, concept in enumerate(steps):
        if mastered[concept] or not graph.taught[concept]:
            return False
        if not asked[[concept, *nx.descendants(planned, concept)]].any():
            return False
        for before in graph.strictly_before[concept]:
            if before in steps[place:]:
                return False
            if lacking[before] and graph.taught[before] and before not in steps:
                return False
    return True


def best_degree(length, graph, of, asked):
    """By trying every sequence of up to so many steps; None where none has two."""
    best = None
    for n in range(2, length + 1):
        for steps in permutations(range(asked.size), n):
            if is_valid(steps, graph, of, asked):
                hits = sum(a in graph.before[b] for a, b in pairwise(steps))
                best = max(best or 0, hits)
    return None if best is None else best / (length - 1)


@given(seed=st.integers(0, 2**32 - 1), length=st.integers(2, 4))
def test_no_valid_plan_is_above_the_bound(seed, length):
    rng = np.random.default_rng(seed)
    n = 6
    edges = [(a, b) for a in range(n) for b in range(n) if a != b and rng.random() < 0.25]
    graph = ground(n, edges, covers=[[k] for k in range(n) if rng.random() < 0.9])
    of = known(rng.choice([0.2, 0.6], n), np.flatnonzero(rng.random(n) < 0.4))
    asked = rng.random(n) < 0.6
    best = best_degree(length, graph, of, asked)
    bound = degree_bound(length, graph, of, asked)
    assert best is None or best <= bound + 1e-9


@pytest.mark.parametrize(
    ("edges", "asked", "length", "best"),
    [
        ([(0, 1), (1, 2), (2, 3)], [3], 4, 1.0),  # a chain that leads into the course
        ([(0, 1), (2, 3)], [1, 3], 4, 2 / 3),  # two chains
        ([(0, 1), (1, 2), (2, 3)], [3], 3, np.nan),  # the course's concept needs four steps
        ([(0, 2), (0, 1), (1, 2)], [2], 3, 1.0),  # 0 to 2 is no neighbour: 1 is between
        ([(0, 3), (1, 3), (2, 3)], [3], 4, 1 / 3),  # three roots, one of them just before
        ([(0, 1), (1, 0)], [0, 1], 2, 1.0),  # a circle is walked once, not round
        ([], [0, 1, 2], 3, 0.0),
    ],
)
def test_the_bound_is_reached(edges, asked, length, best):
    graph, of = ground(4, edges), known([0.1] * 4)
    assert degree_bound(length, graph, of, among(4, asked)) == pytest.approx(best, nan_ok=True)
    if not np.isnan(best):
        assert best_degree(length, graph, of, among(4, asked)) == pytest.approx(best)


# ---------------------------------------------------------------- held against views


def test_last_views_and_what_follows_in_the_course():
    # course A shows 0 1 2 3, course B shows 3 4, course C 5 6 and cannot be planned
    in_time = {0: [1, 0, 3], 1: [1, 0, 2, 3], 2: [4, 0], 3: [2], 4: [5, 6]}
    order = np.zeros((5, 7), dtype=int)
    for learner, videos in in_time.items():
        order[learner, videos] = np.arange(1, len(videos) + 1)
    courses = np.array([[1, 2, 3, 4, 0, 0, 0], [0, 0, 0, 1, 2, 0, 0], [0, 0, 0, 0, 0, 1, 2]])
    takes = np.array([[1, 1, 0], [1, 1, 0], [1, 1, 0], [1, 0, 0], [0, 0, 1]])
    records = LearnerRecords(
        learner_ids=np.array(list("uvwxy")),
        item_ids=np.array(list("0123456")),
        concept_ids=np.array(["k"]),
        course_ids=np.array(list("ABC")),
        enrolled=sparse.csr_array(takes),
        viewed=sparse.csr_array((order > 0) * 0.5),
        course_concepts=sparse.csr_array(np.ones((3, 1), dtype=np.int8)),
        course_items=sparse.csr_array(courses),
        q_matrix=sparse.csr_array(np.ones((7, 1), dtype=np.int8)),
        viewed_order=order[order > 0],
    )
    held = last_views(records, np.array([True, True, False]))
    # w had seen nothing of A before, x nothing at all, and y's course cannot be planned
    assert held.learner.tolist() == [0, 1]
    assert held.video.tolist() == [3, 3]
    assert held.course.tolist() == [0, 0]
    assert held.ahead.tolist() == [3, 1]
    order[[0, 1], [3, 3]] = 0
    np.testing.assert_array_equal(held.records.viewed.toarray(), (order > 0) * 0.5)
    np.testing.assert_array_equal(held.records.viewed_order, order[order > 0])


def test_views_without_an_order_are_refused():
    case = hand_case()
    with pytest.raises(InputError, match="order"):
        last_views(case.records, np.ones(case.records.course_ids.size, dtype=bool))
