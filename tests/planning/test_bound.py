"""What no plan can gain more than, held against every plan there is and an integer program."""

from itertools import product

import numpy as np
import pytest
from oracles.most_gain import most_gain as integer_optimum
from oracles.plain_sequence import Problem
from sequence_cases import drawn

from kgplan.native.sequence import sequence
from kgplan.planning.bound import most_gain

MINUTES = (3.0, 8.0, 20.0)
TINY = range(120)
SMALL = range(2_000, 2_040)


def best_of_all(plain: Problem, minutes: float) -> float:
    """The largest gain of any steps within the minutes that wait for what they need."""
    best = 0.0

    def go_on(state, concept, gained, left):
        nonlocal best
        best = max(best, gained)
        for video in sorted(state.open):
            if plain.by.minutes[video] > left:
                continue
            for named in plain.covers[video]:
                after = state.copy()
                if concept is not None and named != concept:
                    after.passed.add(concept)  # its step has ended
                if plain.lacking(named, after) or plain.by.closed[named]:
                    continue
                earned = plain.gain(video, after)
                plain.watch(video, named, after)
                go_on(after, named, gained + earned, left - plain.by.minutes[video])

    go_on(plain.start(), None, 0.0, minutes)
    return best


def test_no_plan_of_as_many_minutes_gains_more():
    some = 0
    for seed, minutes in product(TINY, MINUTES):
        d = drawn(seed, concepts=3)
        best = best_of_all(Problem(d.layout, d.by, d.theta), minutes)
        assert best <= most_gain(d.layout, d.by, minutes) + 1e-9
        some += best > 0
    assert some > 100


def test_an_integer_program_lies_between_the_plan_and_the_bound():
    for seed, minutes in product(SMALL, MINUTES):
        d = drawn(seed, concepts=12)
        optimum = integer_optimum(d.layout, d.by, minutes)
        bound = most_gain(d.layout, d.by, minutes)
        no_road = np.zeros(0, np.int64)
        alike = d.by._replace(
            favour=np.ones(d.by.favour.size), first=np.zeros_like(d.by.first), road=no_road
        )
        rows, _ = sequence(d.layout, alike, d.theta, 50, minutes, 0.0)
        gain = rows.gain.sum()
        assert gain <= optimum * (1 + 1e-3) + 1e-9
        assert optimum <= bound * (1 + 1e-3) + 1e-9


def test_no_minutes_gain_nothing():
    d = drawn(3)
    assert most_gain(d.layout, d.by, 0.0) == pytest.approx(0.0)
