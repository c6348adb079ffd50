"""What rules do to a plan: effects and limits by hand, and what holds whatever a learner does."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kgplan.adjusting import (
    Affect,
    Other,
    Prerequisite,
    Reading,
    RunningPlan,
    RunningStep,
    Signals,
    State,
    adjust,
    applied,
    as_lines,
    shown_by,
    signals_of,
    ticks,
    usual_rules,
)
from kgplan.adjusting.signals import Mood
from kgplan.data.events import Event

RULES = usual_rules()
DAY, MINUTE = 86_400.0, 60.0
Q = 15 * MINUTE


def before(step_id, similarity, mastery, needs=""):
    step = RunningStep(step_id, (f"v{step_id}",), 10.0, needs=frozenset(needs))
    return Prerequisite(step, similarity, mastery)


def plan_of(ids, goal, **changed):
    """Steps of one letter, each needing the one before it; p and q may come before the others."""
    steps = [
        RunningStep(
            each,
            (f"v{each}",),
            30.0,
            asks=(f"x{each}",),
            needs=frozenset({*ids[max(k - 1, 0) : k], "p"}),
            others=(Other(f"w{each}", 3), Other(f"u{each}", 1)),
            before=(before("p", 0.5, 0.5), before("q", 0.9, 0.75)),
        )
        for k, each in enumerate(ids)
    ]
    return RunningPlan(tuple(steps), frozenset(goal), 0.0, **changed)


PLAN = plan_of("abc", "c", weekly=70.0)


def hard(at, d=0.8, step="a", **changed):
    return Signals(at, step, difficulty=Reading(d, (("answers", 3.0),), ("e1",)), **changed)


def run(signals, plan=PLAN, state=None, rules=RULES, **given):
    """All changes, with the state and the plan after them."""
    state, found = state or State(), []
    for each in signals:
        state, changes = adjust(state, each, plan, rules, **given)
        plan = applied(plan, changes)
        found += changes
    return found, state, plan


def told(changes):
    return [(c.rule, c.kind, c.before, c.after, c.limit) for c in changes]


def test_who_is_stuck_gets_the_prerequisite_that_is_closest_and_weakest():
    found, _, plan = run([hard(k * Q) for k in range(4)])
    assert told(found) == [
        ("strained", "questions", None, 10, ""),
        ("strained", "basic", None, "ua", ""),
        ("stuck", "insert", "a", "p", ""),  # q would be closer, but is held at .75
        ("stuck", "alert", None, None, ""),
    ]
    assert [each.step_id for each in plan.steps] == ["p", "a", "b", "c"]
    insert = found[2]
    assert insert.event_ids == ("e1",)
    assert dict(insert.values) == {"value": 0.8, "answers": 3.0, "similarity": 0.5, "mastery": 0.5}


def test_a_prerequisite_goes_before_all_that_waits_for_it():
    # b is stuck while a, which needs p too, is not done
    found, _, plan = run([hard(k * Q, step="b") for k in range(4)])
    assert [each.step_id for each in plan.steps] == ["p", "a", "b", "c"]
    # a done waits for nothing
    found, _, plan = run([hard(k * Q, step="b", done=frozenset("a")) for k in range(4)])
    assert [each.step_id for each in plan.steps] == ["a", "p", "b", "c"]
    # what it needs itself comes later: it is not taken, and the video is swapped
    steps = [replace(each, before=(before("p", 0.5, 0.1, "c"),)) for each in PLAN.steps]
    found, _, plan = run([hard(k * Q) for k in range(4)], replace(PLAN, steps=tuple(steps)))
    assert ("stuck", "swap", "va", "ua", "") in told(found)
    assert plan.steps[0].items == ("ua",)


@pytest.mark.parametrize(
    ("changed", "limit"),
    [({"frozen": True}, "frozen"), ({"steps": "overridden"}, "overridden")],
)
def test_where_a_teacher_decided_rules_only_suggest(changed, limit):
    plan = replace(PLAN, frozen=True)
    if limit == "overridden":
        plan = replace(PLAN, steps=tuple(replace(s, overridden=True) for s in PLAN.steps))
    found, _, after = run([hard(k * Q) for k in range(4)], plan)
    assert after == plan
    assert [c.limit for c in found if c.structural] == [limit]
    assert [c.kind for c in found if c.made] == ["questions", "basic", "alert"]


def held(at, step, value=0.95, **changed):
    return Signals(at, step, mastery=Reading(value, (("answers", 3.0),), ("e2",)), **changed)


def test_who_is_ahead_may_leave_the_step_out_one_a_day_and_three_a_week():
    plan = plan_of("abcdefg", "g")
    signals = []
    for k, step in enumerate("abcde"):
        signals += [held(k * DAY + t * Q, step) for t in range(2)]
    found, _, plan = run(signals, plan)
    assert [(c.step_id, c.limit) for c in found] == [
        ("a", ""),
        ("b", ""),
        ("c", ""),
        ("d", "a_week"),
        ("e", "a_week"),
    ]
    assert [each.step_id for each in plan.steps if each.optional] == ["a", "b", "c"]
    found, _, _ = run([held(t * Q, step) for t, step in enumerate("aabb")], plan_of("abc", "c"))
    assert [(c.step_id, c.limit) for c in found] == [("a", ""), ("b", "a_day")]


def test_the_step_being_played_the_goal_and_what_is_pinned_are_left_alone():
    found, _, _ = run([held(t * Q, "a", playing=True) for t in range(2)])
    assert told(found) == [("ahead", "optional", None, None, "playing")]
    assert run([held(t * Q, "c") for t in range(3)])[0] == []
    pinned = replace(PLAN, steps=tuple(replace(s, pinned=True) for s in PLAN.steps))
    assert run([held(t * Q, "a") for t in range(3)], pinned)[0] == []
    assert run([held(t * Q, "a", done=frozenset("a")) for t in range(3)])[0] == []


def test_no_rule_takes_back_within_a_day_what_a_rule_did():
    high = [held(k * Q, "a") for k in range(6)]
    low = [held((6 + k) * Q, "a", 0.7) for k in range(2)]
    found, _, plan = run(high + low)
    assert told(found) == [
        ("ahead", "optional", None, None, ""),
        ("ahead", "require", None, None, "reversal"),
    ]
    assert plan.steps[0].optional
    late = [held(2 * DAY + k * Q, "a", 0.7) for k in range(2)]
    found, _, plan = run(high + late)
    assert found[-1].made
    assert not plan.steps[0].optional


def lag(at, value):
    return Signals(at, "a", lag=Reading(value, (("done", 1.0), ("due", 60.0)), ("e3",)))


def test_who_lags_is_offered_more_until_caught_up():
    found, state, _ = run([lag(k * Q, 0.5) for k in range(3)])
    assert told(found) == [("lagging", "offers", 3, 5, "")]
    assert shown_by(state, RULES).offers == 5
    assert shown_by(state, RULES).weakest_first
    found, state, _ = run([lag((3 + k) * Q, 0.1) for k in range(5)], state=state)
    assert told(found) == [("lagging", "offers", 5, 3, "")]
    assert found[0].ends
    assert shown_by(state, RULES).offers == 3


def felt(at, label):
    return Signals(at, "a", mood=None if label is None else Mood(label, ("m1",)))


def test_what_is_felt_moves_what_is_shown():
    for label, changes in (
        ("fatigued", [("eased", "tasks", 5, 3, ""), ("eased", "rest", None, 10, "")]),
        ("positive", [("stretched", "hard", 0.3, 0.4, "")]),
        ("confused", [("helped", "basics", None, None, "")]),
        ("negative", [("support", "support", None, None, "")]),
        ("neutral", []),
    ):
        assert told(run([felt(0.0, label)])[0]) == changes
    shared = told(run([felt(0.0, "negative")], share_affect=True)[0])
    assert shared[-1] == ("support", "alert", None, None, "")


def test_a_rule_acts_once_an_hour_on_what_is_shown():
    labels = ["fatigued", None, None, "fatigued", None, None, "fatigued"]
    found, state, _ = run([felt(k * Q, label) for k, label in enumerate(labels)])
    assert [(c.kind, c.limit) for c in found] == [
        ("tasks", ""),
        ("rest", ""),
        ("tasks", ""),  # as usual again
        ("tasks", "again"),  # 45 minutes after
        ("rest", "again"),
        ("tasks", ""),  # 90 minutes after
        ("rest", ""),
    ]
    assert shown_by(state, RULES).tasks == 3


def test_of_what_is_shown_the_first_of_the_precedence_leads():
    order = ["support", "eased", "strained", "lagging", "helped", "stretched"]
    for k, rule in enumerate(order):
        assert shown_by(State(shown=frozenset(order[k:])), RULES).leads == rule
    assert shown_by(State(shown=frozenset({"stretched"})), RULES).hard == 0.4
    assert shown_by(State(shown=frozenset({"stretched", "strained"})), RULES).hard == 0.3


def test_stuck_comes_before_ahead_where_both_want_the_one_change_of_a_day():
    both = [
        replace(hard(k * Q, step="a"), mastery=Reading(0.95, (("answers", 3.0),), ("e2",)))
        for k in range(3, 7)
    ]
    found, _, _ = run(both, rules=replace(RULES, ahead=replace(RULES.ahead, enter_ticks=4)))
    steps = [(c.rule, c.kind, c.limit) for c in found if c.structural]
    assert steps == [("stuck", "insert", ""), ("ahead", "optional", "a_day")]


def test_after_14_days_without_events_states_begin_anew():
    _, state, _ = run([lag(k * Q, 0.5) for k in range(3)])
    found, state, _ = run([Signals(15 * DAY, "a", idle=14.0)], state=state)
    assert told(found) == [("lagging", "offers", 5, 3, "")]
    assert state.pace.state == ""
    assert state.shown == frozenset()


def test_a_tick_that_came_before_changes_nothing():
    _, state, _ = run([lag(k * Q, 0.5) for k in range(3)])
    again, changes = adjust(state, lag(2 * Q, 0.0), PLAN, RULES)
    assert (again, changes) == (state, ())


events = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from(["view", "answer", "answer", "replay"]),
        st.floats(0, 1),
        st.floats(0, 1),
    ),
    min_size=1,
    max_size=40,
)
moods = st.lists(
    st.tuples(
        st.sampled_from(["positive", "neutral", "confused", "fatigued", "negative"]),
        st.floats(0, 1),
    ),
    max_size=6,
)


def history(rows, days=2.0):
    """Events in the sessions of a few days, mostly close together."""
    found = []
    for k, (step, what, when, value) in enumerate(rows):
        time = (k / len(rows) * days + when * 0.02) * DAY
        if what == "answer":
            event = Event(f"e{k:02}", "u", time, f"x{step}", score=float(value > 0.6))
        elif what == "view":
            event = Event(f"e{k:02}", "u", time, f"v{step}", share=value)
        else:
            twice = ((0.0, 60.0), (0.0, 60.0))
            event = Event(f"e{k:02}", "u", time, f"v{step}", segments=twice, length=60.0)
        found.append(event)
    return found


def follow(history_, plan, affect=(), mastery=None):
    """Every tick of a history: changes, plans after each tick, ids that were done at each."""
    state, changes, plans, done = State(), [], [plan], []
    held = mastery or {"a": 0.95, "b": 0.92, "c": 0.4, "d": 0.95, "p": 0.5}
    last = max(e.time for e in history_)
    for at in ticks([e.time for e in history_], last + 2 * DAY, RULES):
        signals = signals_of(history_, plan, at, RULES, held, affect)
        state, found = adjust(state, signals, plan, RULES)
        plan = applied(plan, found)
        changes += found
        plans.append(plan)
        done.append(signals.done)
    return changes, plans, done


@settings(max_examples=25)
@example(  # "p" is put in before "c" while "a" is done; a wrong answer follows
    rows=[
        ("a", "view", 0, 1),
        *[("c", "answer", 0, 0)] * 3,
        ("c", "view", 0, 0),
        ("a", "answer", 0, 0),
    ],
    felt=[],
    rng=Random(0),
    pinned="a",
)
@given(
    rows=events, felt=moods, rng=st.randoms(use_true_random=False), pinned=st.sampled_from("abc")
)
def test_whatever_a_learner_does(rows, felt, rng, pinned):
    base = plan_of("abcd", "d", weekly=600.0)
    steps = tuple(replace(each, pinned=each.step_id == pinned) for each in base.steps)
    plan, seen = replace(base, steps=steps), history(rows)
    affect = [Affect(f"m{k}", when * 2 * DAY, label) for k, (label, when) in enumerate(felt)]
    changes, plans, done = follow(seen, plan, affect)

    # again, mixed and with repeats: the same to the byte
    mixed = seen + rng.sample(seen, len(seen) // 2)
    rng.shuffle(mixed)
    assert as_lines(follow(mixed, plan, affect[::-1])[0]) == as_lines(changes)

    # steps are equal with and without affect
    calm, _, _ = follow(seen, plan)
    assert as_lines(c for c in changes if c.structural) == as_lines(c for c in calm if c.structural)

    for was, now, through in zip(plans, plans[1:], done, strict=False):
        ids = [each.step_id for each in now.steps]
        # goal, done and pinned steps stay as they are, and nothing is lost
        for each in was.steps:
            left_alone = {*plan.goal, pinned, *through}
            if each.step_id in left_alone:
                assert now.step(each.step_id) == each
        assert [each for each in ids if each != "p"] == list("abcd")
        # what is put in comes before what needs it, but for what was done by then
        put_in = set(ids) - {each.step_id for each in was.steps}
        for each in now.steps:
            later = put_in & set(ids[ids.index(each.step_id) + 1 :])
            assert not (each.needs & later) or each.step_id in through

    for each in changes:
        assert each.rule
        assert each.rules == RULES.version
        assert each.values
        names = {e.event_id for e in seen} | {a.event_id for a in affect}
        assert set(each.event_ids) <= names
        if not each.ends:  # what ends is the absence of something
            assert each.event_ids

    made = [each for each in changes if each.structural and each.made]
    for k, each in enumerate(made):
        assert sum(each.at - other.at < DAY for other in made[: k + 1]) <= 1
        assert sum(each.at - other.at < 7 * DAY for other in made[: k + 1]) <= 3
