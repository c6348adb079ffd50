"""Each row of the table of states, tick by tick, worked by hand; 15 minutes between ticks."""

import pytest

from kgplan.adjusting.rules import usual_rules
from kgplan.adjusting.signals import Mood, Reading
from kgplan.adjusting.states import (
    Region,
    moved,
    moved_ahead,
    moved_difficulty,
    moved_load,
)

RULES = usual_rules()
Q = 15 * 60.0  # seconds between ticks


def reading(value):
    return None if value is None else Reading(value, (), ())


def run(step, values):
    """The state after each tick; "-" for none."""
    region, found = Region(), []
    for k, value in enumerate(values):
        region = step(region, value, k * Q)
        found.append(region.state or "-")
    return found


def lagging(region, value, at):
    return moved(region, "lagging", reading(value), RULES.lagging, at)


LAG = "lagging"


@pytest.mark.parametrize(
    ("values", "states"),
    [
        # twice running from .30; once is not enough
        ([0.3, 0.1, 0.3, 0.29, 0.3, 0.3], ["-", "-", "-", "-", "-", LAG]),
        # unknown between two breaks the run
        ([0.4, None, 0.4, 0.4], ["-", "-", "-", LAG]),
        # entered at the 2nd tick: an hour is over at the 6th; twice up to .15 before counts
        ([0.5, 0.5, 0.1, 0.1, 0.1, 0.1], ["-", LAG, LAG, LAG, LAG, "-"]),
        # .16 keeps it; .15 twice leaves
        ([0.5] * 6 + [0.16, 0.15, 0.16, 0.15, 0.15], ["-"] + [LAG] * 9 + ["-"]),
        # between .15 and .30 nothing happens, on either side
        ([0.2] * 4, ["-"] * 4),
        # unknown leaves nothing
        ([0.5] * 6 + [None] * 3, ["-"] + [LAG] * 8),
        # at once again where it was left: only after two more
        (
            [0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.3, 0.3],
            ["-", LAG, LAG, LAG, LAG, "-", "-", LAG],
        ),
    ],
)
def test_pace(values, states):
    assert run(lagging, values) == states


def difficulty(region, value, at):
    """`value` is D, or (step, D), or (step, D, done)."""
    step, d, done = "s", value, frozenset()
    if isinstance(value, tuple):
        step, d, *rest = value
        done = frozenset(rest)
    return moved_difficulty(region, step, done, reading(d), RULES, at)


HARD, STUCK = "strained", "stuck"


@pytest.mark.parametrize(
    ("values", "states"),
    [
        ([0.5, 0.49, 0.5, 0.5], ["-", "-", "-", HARD]),
        # from .60 four times running: of these the first two make it strained
        ([0.6] * 4, ["-", HARD, HARD, STUCK]),
        # .59 in between begins anew
        ([0.6, 0.6, 0.6, 0.59, 0.6, 0.6, 0.6, 0.6], ["-"] + [HARD] * 6 + [STUCK]),
        # strained for ever below .60
        ([0.55] * 6, ["-"] + [HARD] * 5),
        # left up to .30 twice, not before an hour
        ([0.5, 0.5, 0.3, 0.3, 0.3, 0.3], ["-", HARD, HARD, HARD, HARD, "-"]),
        ([0.5] * 6 + [0.31, 0.31, 0.3, 0.3], ["-"] + [HARD] * 8 + ["-"]),
        # stuck at the 4th: back to strained up to .40 twice, not before the 8th
        (
            [0.7] * 4 + [0.4] * 4 + [0.3] * 4,
            ["-", HARD, HARD] + [STUCK] * 4 + [HARD] * 4 + ["-"],
        ),
        # .41 keeps it stuck
        ([0.7] * 4 + [0.41] * 5, ["-", HARD, HARD] + [STUCK] * 6),
        # another step: ticks count anew
        ([("a", 0.6), ("b", 0.6), ("b", 0.6)], ["-", "-", HARD]),
        # the step is done: no more stuck, at once
        (
            [("a", 0.7)] * 4 + [("b", 0.0, "a"), ("b", 0.0, "a")],
            ["-", HARD, HARD, STUCK, HARD, HARD],
        ),
        ([None] * 3 + [0.6, None, 0.6], ["-"] * 6),
    ],
)
def test_difficulty(values, states):
    assert run(difficulty, values) == states


@pytest.mark.parametrize(
    ("values", "states"),
    [
        ([0.9, 0.9], ["-", "ahead"]),
        ([0.9, 0.89, 0.9], ["-", "-", "-"]),
        ([0.95] * 6 + [0.75, 0.75], ["-"] + ["ahead"] * 6 + ["-"]),
        ([0.95] * 6 + [0.76, 0.76], ["-"] + ["ahead"] * 7),
    ],
)
def test_ahead(values, states):
    def step(region, value, at):
        return moved_ahead(region, "s", reading(value), RULES, at)

    assert run(step, values) == states


def test_ahead_of_another_step_counts_anew():
    region = moved_ahead(Region(), "a", reading(0.95), RULES, 0.0)
    region = moved_ahead(region, "b", reading(0.95), RULES, Q)
    assert region.state == ""
    assert moved_ahead(region, "b", reading(0.95), RULES, 2 * Q).state == "ahead"


@pytest.mark.parametrize(
    ("labels", "states"),
    [
        (["fatigued", "fatigued", None, None], ["eased", "eased", "-", "-"]),
        # half an hour at least, although the label ends before it
        (["positive", None, None], ["stretched", "stretched", "-"]),
        # another label waits for that too
        (["confused", "negative", "negative"], ["helped", "helped", "support"]),
        (["neutral", None], ["-", "-"]),
        (["negative", "negative", "neutral"], ["support", "support", "-"]),
    ],
)
def test_load(labels, states):
    def step(region, label, at):
        return moved_load(region, None if label is None else Mood(label, ("e",)), RULES, at)

    assert run(step, labels) == states
