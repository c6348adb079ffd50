import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from kgplan.resources import foundations
from kgplan.resources.foundations import Foundations, criticality


def drawn(seed: int, n: int = 12):
    rng = np.random.default_rng(seed)
    requires = rng.random((n, n)) < rng.uniform(0, 0.3)
    np.fill_diagonal(requires, False)
    covers = rng.random((9, n)) < 0.25
    return requires, covers, rng.random(n)


def below(requires: np.ndarray) -> np.ndarray:
    """(K, K) True where the column needs the row, directly or not: squared until nothing comes."""
    reach = requires.T.copy()
    for _ in range(requires.shape[0]):
        reach |= (reach.astype(int) @ reach.astype(int)) > 0
    return reach


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 3, 4096]))
def test_criticality_counts_what_is_needed_for_and_no_cycle_counts_itself(seed, at_once):
    requires, _, _ = drawn(seed)
    reach = below(requires)
    counted = (reach & ~reach.T).sum(axis=1)  # of a cycle each leads to all others and back
    most = counted.max()
    expected = np.log(1 + counted) / np.log(1 + most) if most else np.zeros(counted.size)
    before, foundations.AT_ONCE = foundations.AT_ONCE, at_once
    try:
        found = criticality(sparse.csr_array(requires))
    finally:
        foundations.AT_ONCE = before
    np.testing.assert_allclose(found, expected)


@given(st.integers(0, 2**32 - 1))
def test_pre_is_the_loops_of_its_equation(seed):
    requires, covers, mastery = drawn(seed)
    made = Foundations.of(sparse.csr_array(covers), sparse.csr_array(requires))
    crit = criticality(sparse.csr_array(requires))
    items = np.random.default_rng(seed).permutation(covers.shape[0])
    for item, found in zip(items, made.pre(items, mastery), strict=True):
        own = [k for k in range(covers.shape[1]) if covers[item, k]]
        needs = {p for k in own for p in range(covers.shape[1]) if requires[k, p]} - set(own)
        lift = max((crit[k] * (1 - mastery[k]) for k in own), default=0.0)
        early = [crit[p] * (1 - mastery[p]) for p in needs]
        assert found == pytest.approx(lift - (sum(early) / len(early) if early else 0.0))


def test_a_foundation_rises_and_what_comes_before_it_falls():
    """A chain a, b, c, a resource on each: nothing held, a is first; a and b held, c is."""
    requires = sparse.csr_array(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]]))
    made = Foundations.of(sparse.csr_array(np.eye(3)), requires)
    at_first = made.pre(np.arange(3), np.zeros(3))
    assert at_first.argmax() == 0
    assert at_first[2] < 0
    assert made.pre(np.arange(3), np.array([1.0, 1.0, 0.0])) == pytest.approx(np.zeros(3))
