"""Signals worked by hand; and the same set of events says the same, however it comes."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgplan.adjusting import Affect, RunningPlan, RunningStep, signals_of, ticks, usual_rules
from kgplan.adjusting.signals import counted, mood_of
from kgplan.data.events import Event

RULES = usual_rules()
DAY, MINUTE = 86_400.0, 60.0
A = RunningStep("a", ("va",), 60.0, asks=("xa",))
B = RunningStep("b", ("vb",), 60.0, asks=("xb",), needs=frozenset("a"))
C = RunningStep("c", ("vc1", "vc2"), 60.0)
PLAN = RunningPlan((A, B, C), frozenset("c"), since=0.0, weekly=70.0)


def answer(name, item, time, score):
    return Event(name, "u", time, item, score=score)


def view(name, item, time, share):
    return Event(name, "u", time, item, share=share)


def at(events, time, plan=PLAN, **given):
    return signals_of(events, plan, time, RULES, **given)


def test_lag_is_what_was_due_of_the_plan_and_not_done():
    # 70 minutes a week: 10 due a day. After 4 days 40; the whole of a, 60 minutes, was done
    done = [view("e1", "va", DAY, 1.0)]
    found = at(done, 4 * DAY).lag
    assert found.value == pytest.approx(1 - 60 / 40)
    assert dict(found.values) == pytest.approx({"done": 60, "due": 40})
    assert found.event_ids == ("e1",)
    # half of one of the two videos of c: a quarter of 60 minutes
    found = at([view("e1", "vc1", DAY, 0.5)], 3 * DAY).lag
    assert found.value == pytest.approx(1 - 15 / 30)
    # less than 20 minutes due after a day; nobody said what is wanted
    assert at(done, DAY).lag is None
    assert at(done, 4 * DAY, replace(PLAN, weekly=None)).lag is None


def test_lag_looks_at_14_days_and_at_what_was_left_when_they_began():
    # a was done on day 1, before the window of day 20 begins on day 6; 120 minutes were left then
    events = [view("e1", "va", DAY, 1.0), view("e2", "vb", 10 * DAY, 1.0)]
    found = at(events, 20 * DAY).lag
    assert dict(found.values) == pytest.approx({"done": 60, "due": 120})  # 140 due, 120 left
    assert found.event_ids == ("e2",)
    # nothing in the window: the last event before is named
    found = at(events[:1], 20 * DAY).lag
    assert (found.value, found.event_ids) == (1.0, ("e1",))
    # all was done before it: nothing is due
    over = [view(f"e{v}", v, DAY, 1.0) for v in ("va", "vb", "vc1", "vc2")]
    assert at(over, 20 * DAY).lag is None


@pytest.mark.parametrize(
    ("scores", "d"),
    [
        ([0, 0], None),  # two answers say nothing, and nothing was watched
        ([0, 0, 0], 4 / 5),
        ([1, 1, 0], 2 / 5),
        ([0.5, 0.49, 1.0], 2 / 5),  # half right is not wrong
        ([0] * 5 + [1] * 10, 1 / 12),  # the last ten alone
    ],
)
def test_difficulty_of_answers(scores, d):
    events = [answer(f"e{k:02}", "xa", float(k), float(s)) for k, s in enumerate(scores)]
    found = at(events, 100.0).difficulty
    assert (None if found is None else found.value) == d
    if found is not None:
        assert found.event_ids == tuple(f"e{k:02}" for k in range(len(scores)))[-10:]


def test_difficulty_of_replays():
    def played(*segments):
        return [Event("e1", "u", 1.0, "va", segments=segments, length=100.0)]

    once, twice = played((0, 100)), played((0, 100), (0, 100))
    assert at(once, 2.0).difficulty.value == 0.0
    assert at(twice, 2.0).difficulty.value == 0.5
    assert at(twice, 2.0).replayed == "va"
    # 150 of 100 seconds are no replay; with a risk from .5 it is as hard as it can be
    assert at(played((0, 100), (0, 50)), 2.0).difficulty.value == 0.0
    assert at(twice, 2.0, risk=0.5).difficulty.value == 1.0
    assert at(once, 2.0, risk=0.49).difficulty.value == 0.0
    back = [
        Event(f"e{k}", "u", float(k), "va", stopped_at=50.0, started_at=to, session="s", length=99)
        for k, to in enumerate((20.0, 20.0, 60.0, 20.0))
    ]
    assert at(back[:3], 9.0).difficulty.value == 0.0
    assert at(back, 9.0).difficulty.value == 0.5
    # of a step of which nothing was seen
    assert at(back, 9.0, replace(PLAN, steps=(B,))).difficulty is None


def test_mastery_counts_where_three_answers_bear_it_out():
    events = [answer(f"e{k}", "xa", float(k), 1.0) for k in range(3)]
    assert at(events[:2], 9.0, mastery={"a": 0.95}).mastery is None
    assert at(events, 9.0, mastery={"b": 0.95}).mastery is None
    assert at(events, 9.0, mastery={"a": 0.95}).mastery.value == 0.95


def test_pace_halves_its_weight_in_five_videos():
    def run(name, item, begin, wall):
        return [
            Event(f"{name}1", "u", begin, item, started_at=0.0, session=name),
            Event(f"{name}2", "u", begin + wall, item, stopped_at=100.0, session=name),
        ]

    events = run("r", "va", 0.0, 300.0)
    assert at(events, 1e4).pace.value == pytest.approx(3.0)
    for k in range(5):
        events += run(f"s{k}", "vb", 1e3 * (k + 1), 100.0)
    assert at(events, 1e4).pace.value == pytest.approx(0.5 * 3 + 0.5 * 1)
    # a quarter of 120 minutes is left of b and c: events say nothing about shares without length
    assert at(events, 1e4).finish_at == pytest.approx(1e4 + 180 * 2 / 70 * 7 * DAY)


def test_the_step_is_that_of_what_was_seen_last_unless_it_is_done():
    assert at([], 0.0).step_id == "a"
    assert at([view("e", "vb", 0.0, 0.3)], 1.0).step_id == "b"
    # what is done is looked at while the session lasts
    assert at([view("e", "vb", 0.0, 0.8)], 1.0).step_id == "b"
    assert at([view("e", "vb", 0.0, 0.8)], DAY).step_id == "a"
    assert at([view("e", "va", 0.0, 1.0)], DAY).step_id == "b"
    skipped = replace(PLAN, steps=(replace(A, optional=True), B, C))
    assert at([], 0.0, skipped).step_id == "b"
    assert at([view("e", "vb", 0.0, 0.3)], 29 * MINUTE).playing
    assert not at([view("e", "vb", 0.0, 0.3)], 30 * MINUTE).playing
    assert not at([view("e", "va", 0.0, 1.0)], 1.0).playing


def test_a_step_is_done_when_its_items_are_and_the_last_answer_is_not_wrong():
    events = [view("e1", "va", 0.0, 1.0)]
    assert at(events, 9.0).done == {"a"}
    events.append(answer("e2", "xa", 1.0, 0.0))
    assert at(events, 9.0).done == set()
    assert at(events, DAY).step_id == "a"
    events.append(answer("e3", "xa", 2.0, 1.0))
    assert at(events, 9.0).done == {"a"}


def test_a_mood_lives_half_an_hour_and_others_have_to_say_it_twice():
    def said(name, time, label, by="self", confidence=1.0):
        return Affect(name, time * MINUTE, label, by, confidence)

    def mood(reports, minute):
        found = mood_of(reports, minute * MINUTE, RULES)
        return None if found is None else (found.label, found.event_ids)

    own = said("a", 0, "fatigued")
    assert mood([own], 29) == ("fatigued", ("a",))
    assert mood([own], 30) is None
    assert mood([own, said("b", 5, "positive")], 6) == ("positive", ("b",))
    one = said("c", 0, "confused", "supplied", 0.6)
    two = said("d", 5, "confused", "supplied", 0.7)
    assert mood([one], 1) is None
    assert mood([one, one], 1) is None
    assert mood([one, two], 6) == ("confused", ("c", "d"))
    assert mood([one, said("d", 5, "confused", "supplied", 0.59)], 6) is None
    assert mood([one, two], 31) is None  # one is gone


def test_what_is_voided_or_repeated_or_still_to_come_does_not_count():
    first = answer("e1", "xa", 1.0, 0.0)
    void = Event("e2", "u", 2.0, voids="e1")
    assert counted([first, first], 5.0) == [first]
    assert counted([first, void], 5.0) == []
    assert counted([first], 0.5) == []


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["va", "vb", "vc1", "xa", "xb"]),
            st.floats(0, 3 * DAY),
            st.floats(0, 1),
            st.booleans(),
        ),
        max_size=15,
    ),
    st.randoms(use_true_random=False),
)
def test_order_and_repeats_say_nothing(rows, rng):
    events = [
        (answer if answers or item[0] == "x" else view)(f"e{k}", item, time, value)
        for k, (item, time, value, answers) in enumerate(rows)
    ]
    mixed = events + rng.sample(events, len(events) // 2)
    rng.shuffle(mixed)
    mastery = {"a": 0.5, "b": 0.95}
    for moment in ticks([e.time for e in events], 5 * DAY, RULES):
        assert at(events, moment, mastery=mastery) == at(mixed, moment, mastery=mastery)


def test_ticks_of_sessions_their_ends_and_days_without():
    # a session of 40 minutes from 0, one of a moment two days later
    times = [0.0, 20 * MINUTE, 40 * MINUTE, 2 * DAY]
    found = [moment / MINUTE for moment in ticks(times, 2 * DAY + 60 * MINUTE, RULES)]
    assert found == [15, 30, 45, 60, 70, 70 + 1440, 2880 + 15, 2880 + 30]
    # days without events: one look a day, the last when 14 are over
    found = [moment / DAY for moment in ticks([0.0], 100 * DAY, RULES)]
    assert len(found) == 1 + 15
    assert found[-1] == pytest.approx(14 + 30 / 1440)
