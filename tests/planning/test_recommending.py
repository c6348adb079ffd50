"""Courses to take next, by hand: what is like those taken, without their runs, and why."""

from dataclasses import replace

import numpy as np
import pytest
from planning_cases import make_case

from kgplan.planning.recommending import Recommender


@pytest.fixture
def case():
    # f takes A alone; A and B are taken by the same learners, C by another
    return make_case(
        course_concepts={"A": "ab", "B": "bc", "C": "d", "D": "ab"},
        prerequisites=[],
        enrolled={"f": "A", "g": "AB", "h": "AB", "i": "C"},
        watched={},
        mastery={},
        vectors={each: [0.0] for each in "abcd"},
    )


def recommender(case, names=None, **texts):
    graph = case.graph
    if names:
        told = [names.get(str(each), str(each)) for each in graph.course_ids]
        course = graph.course_ids, np.array(told)
        graph = replace(graph, course_names=course[1], named={**graph.named, "course": course})
    about = {"A": "graph trees", "B": "graph trees", "C": "poems", "D": "graph trees"}
    return Recommender(graph, case.records, about | texts)


def test_the_score_is_that_of_the_formula(case):
    found = recommender(case).of("f")
    assert found.basis == "courses"
    assert [each.course_id for each in found.courses] == ["B"]
    # cos 1; cf of A (f, g, h) and B (g, h): 2 / sqrt(6); w of b is 1, of c 0
    s = (1 + 2 / np.sqrt(6)) / 2
    best = found.courses[0]
    assert best.score == pytest.approx(1.0 * s * (1 + 1))
    assert (best.like[0].course_id, best.shared) == ("A", ("b",))
    assert best.like[0].alike == pytest.approx(s)
    assert best.like[0].collaborative == pytest.approx(2 / np.sqrt(6))
    assert "who takes both" in best.because
    # D is as alike in words, and nobody takes it: .5 is below .7
    assert "only 1 course is as alike as 0.7 to one of the 1 taken" in found.told
    lower = recommender(case).of("f", alike=0.49)
    assert [each.course_id for each in lower.courses] == ["B", "D"]
    assert "who takes both" not in lower.courses[1].because
    assert lower.courses[1].score == pytest.approx(0.5 * (1 + 2))


def test_runs_of_a_course_that_was_taken_are_left_out_and_of_others_one_stays(case):
    again = recommender(case, {"B": "The same ", "A": "The  same"})
    assert again.of("f").courses == ()
    assert "no courses are as alike" in again.of("f").told
    twice = recommender(case, {"B": "same", "D": "same"})
    assert [each.course_id for each in twice.of("f", alike=0.49).courses] == ["B"]


def test_nothing_is_like_what_nothing_is_like(case):
    found = recommender(case).of("i")
    assert (found.basis, found.courses) == ("courses", ())
    assert "runs of these left out" in found.told


def test_of_whom_nothing_is_known_gets_what_most_take_and_is_told_so(case):
    found = recommender(case).of("new")
    assert found.basis == "popular"
    # A: f, g, h; B: g, h; C: i; nobody takes D
    assert [(each.course_id, each.score) for each in found.courses] == [
        ("A", 3),
        ("B", 2),
        ("C", 1),
    ]
    assert found.courses[0].because == "3 learners take it."
    assert "nothing is known of the learner's courses" in found.told


def test_a_course_of_which_nothing_was_watched_says_nothing():
    case = make_case(
        course_concepts={"A": "a", "B": "a"},
        prerequisites=[],
        enrolled={"f": "A", "g": "AB"},
        watched={"f": "a"},
        mastery={},
        vectors={"a": [0.0]},
    )
    shares = case.records.viewed.copy()
    shares.data[:] = 0.0
    never = replace(case, records=replace(case.records, viewed=shares))
    assert recommender(case).of("f").basis == "courses"
    assert recommender(never).of("f").basis == "popular"
