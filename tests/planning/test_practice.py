"""Plans of courses that are practised: everything in them is answered. By hand."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from sites import answered, ids, site, videos

from kgplan.planning import PlanOptions


def practice(items: str, prerequisites: str = "", others: dict[str, str] | None = None):
    """A course A of exercises, each named by its concepts; courses of videos beside it."""
    n = len(items.split())
    kinds = {f"A{place}": "exercise" for place in range(1, n + 1)}
    return site({"A": items, **(others or {})}, prerequisites, kinds=kinds)


def right(*items: str, start: float = 1.0):
    return [answered(item, 1.0, time=start + n) for n, item in enumerate(items)]


def wrong(*items: str, start: float = 1.0):
    return [answered(item, 0.0, time=start + n) for n, item in enumerate(items)]


def test_the_goal_that_takes_the_fewest_right_answers_comes_first():
    """Two for a, which stands first, and for d; then two more for a, before b."""
    made = practice("a a b b c c d d", "ab bc")
    assert ids(made.plan()) == ["a", "d", "b", "c"]
    first = made.plan(length=1).steps[0]
    assert first.because == (
        "Of what is left, a takes you the fewest right answers in a row, with those on what it"
        " builds on. You have not answered an exercise on it yet."
    )
    behind = made.plan(*right("A1", "A2", "A7", "A8"))
    assert ids(behind) == ["a", "b", "c"]
    assert behind.steps[0].because.startswith("b builds on a.")


def test_one_right_answer_is_no_readiness_and_comes_again_until_there_are_enough():
    made = practice("a a a b b", "ab")
    for n in range(4):
        assert ids(made.plan(*right(*["A1", "A2", "A3", "A1"][:n]))) == ["a", "b"]
    assert ids(made.plan(*right("A1", "A2", "A3", "A1"))) == ["b"]
    assert (
        made.plan(*right("A1"))
        .steps[0]
        .because.endswith(
            "You answered one exercise right on it, and that does not show yet that you hold it."
        )
    )


def test_on_what_nothing_builds_two_right_answers_in_a_row_are_enough():
    made = practice("a a")
    assert ids(made.plan(*right("A1"))) == ["a"]
    assert ids(made.plan(*right("A1", "A2"))) == []
    assert ids(made.plan(*right("A1"), *wrong("A2", start=3.0))) == ["a"]
    assert ids(made.plan(*right("A1"), *wrong("A2", start=3.0), *right("A2", start=4.0))) == ["a"]


def test_another_exercise_comes_before_the_same_one():
    made = practice("a a b")
    assert videos(made.plan(*right("A1"), length=1)) == ["A2"]
    assert videos(made.plan(*wrong("A1"), length=1)) == ["A2"]
    assert videos(practice("a a").plan(*wrong("A1", "A2"), length=1)) == ["A1"]
    alone = practice("a b")
    assert videos(alone.plan(*right("A1"), length=1)) == ["A1"]
    assert alone.plan(*right("A1")).steps[0].resources[0].again


def test_what_fails_again_and_again_is_set_aside_while_there_is_anything_else():
    made = practice("a a b b")
    assert ids(made.plan(*wrong("A1"))) == ["a", "b"]
    assert ids(made.plan(*wrong("A1", "A2"))) == ["b", "a"]
    assert ids(practice("a a").plan(*wrong("A1", "A2"))) == ["a"]
    chain = practice("a a b b c c c c", "ab")
    assert ids(chain.plan(*wrong("A1", "A2"))) == ["c", "a", "b"]


def test_a_goal_that_is_held_against_the_graph_waits_for_nothing():
    made = practice("a a b b", "ab", {})
    assert ids(made.plan(*right("A3", "A4"), *wrong("A1", "A2", start=5.0))) == ["a"]


@pytest.mark.parametrize("length", range(1, 6))
def test_a_shorter_plan_begins_a_longer_one(length):
    made = practice("a a b b c c d d e f", "ab bc ef")
    done = [*right("A1"), *wrong("A3", start=3.0)]
    whole = ids(made.plan(*done))
    assert whole[:length] == ids(made.plan(*done, length=length))


def test_what_was_asked_for_or_left_out_stays_so():
    made = practice("a a b b c c", "ab")
    assert ids(made.plan(pin=("c",)))[0] == "c"
    assert "a" not in ids(made.plan(exclude=("a",)))


def test_a_course_that_teaches_goes_on_in_its_order():
    made = site({"A": "a a b b"}, "", kinds={"A2": "exercise", "A4": "exercise"})
    assert ids(made.plan()) == ["a", "b"]
    assert ids(made.plan(*right("A2"))) == ["b"]


def test_that_right_answers_decided_is_explained():
    made = practice("a a b b c c", "ab")
    current = made.current(*right("A1", "A2", "A5", "A6"))
    plan = made.planner.plan("someone", "A", PlanOptions(length=3), current)
    assert ids(plan) == ["a", "b"]
    found = made.planner.explain(plan, current)
    assert [each.rule for each in found] == ["foundation", "practice"]
    assert {other.verdict for each in found for other in each.alternatives} <= {"not_sooner"}


def test_records_and_events_that_say_the_same_give_the_same_plan():
    made = practice("a a b b c c", "ab bc")
    events = [*right("A1", "A2"), *wrong("A1", start=4.0), *right("A1", "A2", start=6.0)]
    items = [str(event.item_id) for event in events]
    at = made.case.records.items.known(items)
    best = np.zeros((1, 6))
    best[0, at] = 1.0
    answers = sparse.csr_array(best)
    place = {item: n + 1 for n, item in enumerate(items)}  # of the last answer to each
    records = replace(
        made.case.records,
        answered=answers,
        answered_order=np.array([place["A1"], place["A2"]]),
        answers_start=np.array([0, len(items)]),
        answers_item=np.array(at),
        answers_score=np.array([event.score for event in events]),
    )
    live = made.current(*events)
    of_records = replace(made.case, records=records).planner()
    told = replace(live, answers=(), scores={}, seen_at={}, in_records=True, courses=frozenset())
    expected = made.planner.plan("someone", "A", PlanOptions(length=5), live)
    found = of_records.plan("known", "A", PlanOptions(length=5), told)
    assert [(s.concept_id, s.because) for s in found.steps] == [
        (s.concept_id, s.because) for s in expected.steps
    ]
    assert [[r.item_id for r in s.resources] for s in found.steps] == [
        [r.item_id for r in s.resources] for s in expected.steps
    ]
