"""Rivals find what is planted, and LightGCN propagates as its paper says."""

import numpy as np
import pytest
from resources_cases import records

from kgplan.evaluation.resources.protocol import Context
from kgplan.evaluation.resources.rivals import RivalConfig, factors, recurrent

pytest.importorskip("torch")
RNG = np.random.default_rng
SMALL = {"width": 8, "batch": 64}


def tastes():
    """Two groups of learners, each opening 8 of its own 10 resources."""
    rng = RNG(0)
    lines = [rng.choice(10, 8, replace=False) + 10 * (u % 2) for u in range(40)]
    return records([line.tolist() for line in lines], (tuple(range(20)),), 20), lines


@pytest.mark.parametrize("layers", [0, 2])
def test_what_ones_own_group_opens_is_named_first(layers):
    world, lines = tastes()
    method = factors(RivalConfig(layers=layers, epochs=40, rate=0.02, **SMALL))(world, 0)
    for u, line in enumerate(lines):
        left = np.setdiff1d(np.arange(20), line)
        first = left[np.argsort(-method(Context(u, line), left))[:2]]
        assert set(first // 10) == {u % 2}


def test_a_sequence_is_gone_on_with_though_counts_are_alike():
    # everybody opens all 12, each from another place on: only the order says what comes
    lines = [[(u + k) % 12 for k in range(11)] for u in range(36)]
    world = records(lines, (tuple(range(12)),), 12)
    method = recurrent(RivalConfig(epochs=60, rate=0.02, **SMALL))(world, 0)
    everything = np.arange(12)
    for at in range(12):
        history = np.array([(at + k) % 12 for k in range(3)])
        assert np.argmax(method(Context(0, history), everything)) == (at + 3) % 12


def test_a_seed_says_what_is_drawn():
    world, lines = tastes()
    context, asked = Context(0, lines[0]), np.arange(20)
    for fit in (factors(RivalConfig(epochs=1, **SMALL)), recurrent(RivalConfig(epochs=1, **SMALL))):
        first, again, other = (fit(world, seed)(context, asked) for seed in (0, 0, 1))
        np.testing.assert_array_equal(first, again)
        assert np.abs(first - other).max() > 1e-6
