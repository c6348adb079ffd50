"""What a replay counts, on histories worked by hand; and planted trouble that is noticed."""

import numpy as np
import pytest

from kgplan.adjusting import Change, RunningPlan, RunningStep, usual_rules
from kgplan.adjusting.signals import DAY, HOUR, MINUTE
from kgplan.data.events import Event
from kgplan.evaluation.adjusting import (
    STEADY,
    SUDDEN,
    Followed,
    View,
    flicker,
    replay,
    reversals,
    unwatched,
    views,
)
from kgplan.evaluation.planted import World, plant
from kgplan.pipeline.adjusting import Courses, histories

RULES = usual_rules()


def change(at, rule="lagging", kind="offers", ends=False, limit="", step="", after=None):
    return Change(at, rule, kind, step, ends, None, after, limit, (), (), "r")


def test_taken_back_is_what_ends_within_a_day():
    begins, ends = change(0.0), change(23 * HOUR, ends=True)
    assert reversals([begins, ends]) == 1
    assert reversals([begins, change(DAY, ends=True)]) == 0
    assert reversals([begins, change(1.0, "strained", "questions", ends=True)]) == 0
    assert reversals([change(0.0, limit="again"), ends]) == 0
    out, back = (
        change(0.0, "ahead", "optional", step="a"),
        change(HOUR, "ahead", "require", step="a"),
    )
    assert reversals([out, back]) == 1
    assert reversals([out, change(HOUR, "ahead", "require", step="b")]) == 0


def view(name, item, begin, share, length=600.0):
    """The two events of a view that takes ten minutes."""
    played = ((0.0, share * length),)
    return [
        Event(f"{name}b", "u", begin, item, "C", started_at=0.0, session=name),
        Event(
            f"{name}e", "u", begin + 600, item, "C", segments=played, length=length, session=name
        ),
    ]


def test_views_have_the_share_that_was_played_and_end_with_their_last_event():
    assert views(view("1", "a", 5.0, 0.25)) == [View(5.0, 605.0, 0.25)]
    assert views(view("1", "a", 5.0, 0.25)[:1]) == []  # nobody knows yet
    seen = [View(0.0, 10.0, s) for s in (1.0, 0.0, 0.5, 0.5)]
    assert unwatched(seen, 10.0) == pytest.approx(2 / 3)
    assert unwatched(seen, 9.0) is None
    assert unwatched(seen[:2], 10.0) is None


def test_hysteresis_flickers_less():
    # unwatched shares of single views; of three, from the third on: .4 .5 .4 .5 .5 .2 .0
    shares = [0.3, 0.4, 0.5, 0.6, 0.1, 0.8, 0.6, -0.8, 0.2]
    seen = [View(k * HOUR, k * HOUR + 1, 1 - s) for k, s in enumerate(shares)]
    means = [np.mean(shares[k : k + 3]) for k in range(7)]
    assert means == pytest.approx([0.4, 0.5, 0.4, 0.5, 0.5, 0.2, 0.0])
    found = flicker("sudden", SUDDEN, [seen])
    assert (found.changes, found.reversed) == (4, 3)
    found = flicker("steady", STEADY, [seen])
    assert (found.changes, found.reversed) == (2, 1)


def test_a_replay_counts_what_came_and_what_was_warned_of():
    """One learner, six sessions, each of a view; after the fourth nobody came for nine days."""
    plan = RunningPlan(
        tuple(RunningStep(s, (s,), 10.0) for s in "abcdef"), frozenset("f"), 0.0, None
    )
    days = [0, 1, 2, 3, 12, 30]
    shares = [1.0, 0.4, 0.3, 0.2, 1.0, 1.0]
    events = [
        e
        for k, (day, share) in enumerate(zip(days, shares, strict=True))
        for e in view(str(k), "abcdef"[k], day * DAY, share)
    ]
    done = replay([Followed("u", plan, tuple(events))], RULES)
    assert (done.learners, done.plans, done.events) == (1, 1, 12)
    assert done.hours == pytest.approx(1.0)  # six times ten minutes
    assert done.changes == ()  # no answers, no replays, and nobody said what is wanted
    by = {(each.outcome, each.warning): each for each in done.warned}
    # sessions 3, 4 and 5 have three views behind them: unwatched .43, .70, .50; what came behind
    # the sixth is not known. After 3 the learner came back, after 4 and 5 not within 7 days
    found = by["no session in 7 days", "one threshold"]
    assert (found.cases, found.base) == (3, pytest.approx(2 / 3))
    assert (found.precision, found.recall) == (1.0, 1.0)
    assert found.gain[0] == pytest.approx(1 / 3)
    # warned since the fourth view's end: 0 hours before the break behind it, 9 days before the next
    assert found.lead == pytest.approx(9 * 24 / 2)
    # views 4, 5 and 6: unwatched .43, .70, .50 before; the fourth alone was broken off
    found = by["next view under 0.5", "one threshold"]
    assert (found.cases, found.base, found.warned) == (
        3,
        pytest.approx(1 / 3),
        pytest.approx(2 / 3),
    )
    assert (found.precision, found.recall) == (0.0, 0.0)
    assert by["next view under 0.5", "lagging"].precision is None


def test_a_course_becomes_a_plan_and_events_find_theirs():
    courses = Courses(
        {"C": ["v1", "x1", "x2", "v2"], "D": ["v3"]},
        frozenset({"x1", "x2"}),
        {"v1": 300.0, "v3": 60.0},
        {"v1": frozenset("k"), "v3": frozenset("kl"), "x1": frozenset("k")},
    )
    plan = courses.plan("C", ["v9", "v1"], 7.0, 60.0)
    assert [(s.items, s.asks, s.minutes) for s in plan.steps] == [
        (("v1",), ("x1", "x2"), 5.0),
        (("v2",), (), 5.0),  # as long as those that are known
        (("v9",), (), 5.0),  # what the course does not show comes last
    ]
    assert [other.item_id for other in plan.steps[0].others] == ["v3"]
    assert plan.goal == {"v9"}
    events = [
        Event("1", "u", 5.0, "v3"),
        Event("2", "u", 3.0, "v1", "C"),
        Event("3", "w", 1.0, "unknown"),
        Event("4", "u", 0.0, course_id="C", enrols=True),
    ]
    found = histories(events, courses)
    assert [(h.learner_id, h.plan.steps[0].step_id, h.plan.since) for h in found] == [
        ("u", "v1", 3.0),
        ("u", "v3", 5.0),
        ("w", "unknown", 1.0),
    ]
    assert {h.learner_id for h in histories(events, courses, most=1)} == {"u"}


def test_planted_trouble_is_noticed_after_it_began_and_not_where_there_is_none():
    calm = World(slip=0.0, held=1.0, mistaken=0.0, days=24)
    found = {each.trouble: each for each in plant(RULES, 3, calm)}
    # who never answers wrong is never stuck, and who reports nothing false is never eased
    assert found["stuck"].false_alarms == 0
    assert found["tired"].false_alarms == 0
    for each in found.values():
        assert each.noticed == 1.0
    # D of four ticks is three times 15 minutes at least behind the answers that make it
    assert found["stuck"].delay * HOUR >= 45 * MINUTE
    # an hour and more is due a week: a lag of .3 of 14 days is four days of nothing at least
    assert found["lagging"].delay >= 24
