"""Reading a trial: outcomes by hand, intention to treat, and what is said where little is known."""

import math

import numpy as np
import pytest
from planning_cases import hand_case

from kgplan.data.events import Event
from kgplan.evaluation.trial import DAY, Participant, outcomes, participant, read_trial
from kgplan.planning.experiment import Arm, Experiment
from kgplan.store.events.plans import KeptPlan

ARMS = (Arm("usual", "popularity"), Arm("new", "gain"))
TRIAL = Experiment("spring", "0123456789abcdef", ARMS, "views", 14, 1.0)
BEGIN = 1_000_000.0


def event(day, item=None, **said):
    return Event(f"{day} {item} {said}", "u", BEGIN + day * DAY, item, **said)


def kept(made, arm, planner, course="A"):
    body = {
        "course_id": course,
        "options": {"planner": planner},
        "experiment": {"name": "spring", "arm": arm},
    }
    return KeptPlan(made, body)


def test_outcomes_are_those_of_the_days_after_the_first_plan():
    """Course A of the hand case has three videos: v_d, v_e and v_f."""
    records = hand_case().records
    seen = [
        event(-1, "v_d", share=1.0),  # before the plan
        event(0.5, "v_e", share=0.9),
        event(3, "v_f", share=0.5),  # not to the end
        event(9, "v_a", share=1.0),  # of another course
        event(10, "x", score=0.25),
        event(12, "y", score=0.75),
        event(13.9, "v_d", share=0.8),
        event(14, "v_f", share=1.0),  # the days are over
    ]
    found = outcomes(seen, BEGIN, 14, "A", records)
    assert found == {"views": 3, "finished": 2 / 3, "returned": 1, "scored": 0.5}
    assert outcomes(seen[:2], BEGIN, 14, "A", records)["returned"] == 0  # on the same day only
    assert outcomes(seen[5:], BEGIN, 14, "A", records)["returned"] == 0  # too late
    nothing = outcomes([], BEGIN, 14, "Z", records)  # a course without videos
    assert (nothing["views"], nothing["returned"]) == (0, 0)
    assert math.isnan(nothing["finished"])
    assert math.isnan(nothing["scored"])


def test_the_drawn_arm_counts_whoever_planned():
    records = hand_case().records
    plans = [kept(BEGIN, "usual", "gain"), kept(BEGIN + 5, "usual", "popularity")]
    found = participant(plans, [], TRIAL, records)
    assert (found.arm, found.since, found.switched, found.moved) == ("usual", BEGIN, True, False)
    stayed = participant([kept(BEGIN, "new", "gain")], [], TRIAL, records)
    assert (stayed.arm, stayed.switched) == ("new", False)
    assert participant([*plans, kept(BEGIN + 9, "new", "gain")], [], TRIAL, records).moved


def person(arm, n, views, **more):
    said = {"views": views, "finished": views / 50, "returned": 1.0, "scored": math.nan}
    return Participant(arm, BEGIN + n, more.get("switched", False), more.get("moved", False), said)


def everyone(n, adds, seed=0):
    rng = np.random.default_rng(seed)
    drawn = [TRIAL.arm_of(f"u{k}").name for k in range(n)]
    return [
        person(arm, k, float(rng.integers(0, 10) + (adds if arm == "new" else 0)))
        for k, arm in enumerate(drawn)
    ]


def test_a_planted_effect_is_found_in_its_own_unit():
    found = read_trial(everyone(2_000, 3.0), TRIAL, BEGIN + 20 * DAY)
    views, finished, returned, scored = found.contrasts
    assert (views.outcome, views.decides, views.told) == ("views", True, "more")
    assert views.low < 3.0 < views.high
    assert views.means[0] - views.means[1] == pytest.approx(3.0, abs=0.4)
    assert (finished.decides, returned.told, scored.told) == (False, "not told apart", "too few")
    assert sum(arm.counted for arm in found.arms) == 2_000
    assert found.mismatch > 0.05


def test_too_few_learners_are_named_as_too_few():
    said = read_trial(everyone(12, 5.0), TRIAL, BEGIN + 20 * DAY)
    assert said.contrasts[0].means is None
    assert any("under 10 in each nothing is said" in note for note in said.notes)
    small = read_trial(everyone(100, 0.0), TRIAL, BEGIN + 20 * DAY)
    (views, *_) = small.contrasts
    assert views.told == "not told apart"
    assert views.needed > 100
    assert any("n is too small" in note and f"{views.needed:,}" in note for note in small.notes)


def test_who_has_days_left_waits():
    half = read_trial(everyone(100, 0.0), TRIAL, BEGIN + 14 * DAY + 49.5)
    assert sum(arm.counted for arm in half.arms) == 50
    assert sum(arm.learners for arm in half.arms) == 100
    assert any(note.startswith("50 learners are not counted yet") for note in half.notes)


def test_learners_missing_in_one_arm_are_found_before_anything_else_is_said():
    lost = [each for k, each in enumerate(everyone(2_000, 0.0)) if each.arm == "usual" or k % 4]
    found = read_trial(lost, TRIAL, BEGIN + 20 * DAY)
    assert found.mismatch < 0.001
    assert "do not hold the learners that they should" in found.notes[0]


def test_a_file_that_was_changed_and_erased_learners_are_told():
    moved = [person("new", 0, 1.0, moved=True), person("gone", 1, 1.0)]
    found = read_trial([*everyone(50, 0.0), *moved], TRIAL, BEGIN + 20 * DAY, erased=3)
    assert any(note.startswith("2 learners have plans of another arm") for note in found.notes)
    assert any(note.startswith("3 learners were erased") for note in found.notes)
    assert sum(arm.learners for arm in found.arms) == 51


def test_arms_share_the_chance_to_be_wrong():
    """Of three arms each interval is as wide as that of two at half of alpha."""
    three = Experiment("spring", TRIAL.salt, (*ARMS, Arm("third", "kg-plppm")), "views", 14, 1.0)
    people = everyone(400, 0.0)
    two, both = (read_trial(people, trial, BEGIN + 20 * DAY) for trial in (TRIAL, three))
    assert both.contrasts[0].arm == two.contrasts[0].arm == "new"
    assert both.contrasts[0].low < two.contrasts[0].low
    assert both.contrasts[0].high > two.contrasts[0].high
