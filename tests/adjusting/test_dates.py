"""Dates of a plan: which are missed, and what would have to go, by enumeration and by hand."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplan.adjusting import RunningPlan, RunningStep
from kgplan.adjusting.dates import WEEK, dated, misses

DAY = WEEK / 7


def step(name, minutes=30.0, needs=(), **more):
    return RunningStep(name, (f"v_{name}",), minutes, needs=frozenset(needs), **more)


def plan(*steps, weekly=60.0, goal=(), **more):
    return RunningPlan(tuple(steps), frozenset(goal), 0.0, weekly, **more)


def test_a_date_is_missed_by_what_the_minutes_a_week_do_not_reach():
    """Four steps of 30 minutes at 60 a week take two weeks; ten days leave 34 too many."""
    asked = plan(*map(step, "abcd"), goal="d", date=10 * DAY)
    (miss,) = misses(asked, frozenset(), 1.0, 0.0)
    assert (miss.step_id, miss.date, miss.finish) == ("", 10 * DAY, pytest.approx(14 * DAY))
    assert miss.minutes == pytest.approx(120 - 60 * 10 / 7)
    assert (miss.would_go, miss.fits) == (("b", "c"), True)  # the goal stays
    assert misses(replace(asked, date=14 * DAY), frozenset(), 1.0, 0.0) == ()
    assert misses(asked, frozenset("ab"), 1.0, 0.0) == ()  # half of it is done
    assert misses(asked, frozenset("ab"), 2.0, 0.0)[0].finish == pytest.approx(14 * DAY)  # slow
    assert misses(replace(asked, weekly=None), frozenset(), 1.0, 0.0) == ()  # nobody can tell


def test_the_date_of_a_step_counts_what_stands_before_it():
    steps = [step("a"), step("b", needs="a"), step("c"), step("d", date=9 * DAY)]
    (miss,) = misses(plan(*steps, goal="d"), frozenset(), 1.0, 0.0)
    assert (miss.step_id, miss.would_go) == ("d", ("b", "c"))
    steps[2] = replace(steps[2], pinned=True)
    (miss,) = misses(plan(*steps, goal="d"), frozenset(), 1.0, 0.0)
    assert (miss.would_go, miss.fits) == (("a", "b"), True)
    steps[1] = replace(steps[1], overridden=True)  # and a is needed for it
    (miss,) = misses(plan(*steps, goal="d"), frozenset(), 1.0, 0.0)
    assert (miss.would_go, miss.fits) == ((), False)
    assert misses(plan(*steps[:3], replace(steps[3], optional=True)), frozenset(), 1.0, 0.0) == ()


def test_dates_are_set_and_those_not_named_are_gone():
    asked = dated(plan(*map(step, "ab")), 5.0, {"b": 3.0})
    assert (asked.date, [each.date for each in asked.steps]) == (5.0, [None, 3.0])
    assert dated(asked, None, {}) == plan(*map(step, "ab"))


@given(st.integers(0, 100_000))
def test_what_would_go_may_go_and_nothing_that_may_go_would_have_kept_a_date_that_is_lost(seed):
    rng = np.random.default_rng(seed)
    names = "abcdef"[: rng.integers(1, 7)]
    steps = [
        step(
            name,
            float(rng.integers(5, 60)),
            [b for b in names[:k] if rng.random() < 0.3],
            pinned=bool(rng.random() < 0.2),
            optional=bool(rng.random() < 0.2),
        )
        for k, name in enumerate(names)
    ]
    done = frozenset(n for n in names if rng.random() < 0.2)
    asked = plan(*steps, goal=names[-1], date=float(rng.uniform(0, 30)) * DAY)
    found = misses(asked, done, 1.0, 0.0)
    ahead = {each.step_id: each for each in steps if each.step_id not in done}
    ahead = {name: each for name, each in ahead.items() if not each.optional}
    room = asked.date / WEEK * 60
    assert bool(found) == (sum(each.minutes for each in ahead.values()) > room + 1e-9)
    if not found:
        return
    (miss,) = found

    def may_go(gone):
        """Nothing that stays needs it, and it is neither wanted nor the goal."""
        stays = [each for name, each in ahead.items() if name not in gone]
        return not any(
            name == names[-1] or ahead[name].pinned or any(name in each.needs for each in stays)
            for name in gone
        )

    def kept_without(gone):
        left = sum(each.minutes for name, each in ahead.items() if name not in gone)
        return left <= room + 1e-9

    assert may_go(miss.would_go)
    assert kept_without(miss.would_go) == miss.fits
    every = [set(some) for n in range(len(ahead) + 1) for some in combinations(ahead, n)]
    assert any(may_go(gone) and kept_without(gone) for gone in every) == miss.fits
