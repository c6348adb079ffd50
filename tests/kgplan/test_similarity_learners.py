"""Learners that concepts share, counted from sets, against products of the dense 0/1 matrix."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from kgplan.similarity import LearnerSets, colearning, learner_sets, learners
from kgplan.similarity.colearning import co_learning, shared_between

seeds = st.integers(0, 2**32 - 1)


def case(seed):
    """(U, K) learned, of up to three words of learners, with twins and empty columns."""
    rng = np.random.default_rng(seed)
    learned = rng.random((rng.integers(0, 180), rng.integers(1, 30))) < rng.uniform(0, 0.9)
    twin = rng.integers(learned.shape[1])
    return rng, np.hstack([learned, learned[:, [twin]], np.zeros_like(learned[:, :1])])


@given(seeds, st.sampled_from([0.0, 0.05, np.inf]), st.sampled_from([0, 1 << 28]))
def test_any_block_and_any_pairs_equal_the_product_of_the_matrix(seed, word_cost, held_bits):
    """Whatever a word costs: all by bits, held or made, mixed, all one by one."""
    rng, learned = case(seed)
    both = learned.T.astype(int) @ learned.astype(int)
    n = len(both)
    rows, columns = rng.integers(0, n, rng.integers(0, 9)), rng.integers(0, n, rng.integers(0, 40))
    left, right = rng.integers(0, n, (2, 50))
    sets = learner_sets(sparse.csr_array(learned))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learners, "WORD_COST", word_cost)
        patch.setattr(learners, "HELD_BITS", held_bits)
        np.testing.assert_array_equal(sets.shared(rows, columns), both[np.ix_(rows, columns)])
    np.testing.assert_array_equal(sets.shared_by_pairs(left, right), both[left, right])
    np.testing.assert_array_equal(sets.learned(rows), np.diag(both)[rows])
    np.testing.assert_array_equal(sets.matrix().toarray(), learned)


@given(seeds, st.sampled_from([0.0, 0.05, np.inf]))
def test_rows_with_the_first_ranks_by_bits_equal_the_product_of_the_matrix(seed, word_cost):
    _, learned = case(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(colearning, "WORD_COST", word_cost)
        together = co_learning(sparse.csr_array(learned))
    of, n_groups = together.group_of, together.sizes.size
    if word_cost == 0 and learned.any(axis=1).sum() > 128:
        assert together.bits.shape[1] >= 3
    counts = np.vstack([shared_between(together, g, g + 1) for g in range(n_groups)])
    np.testing.assert_array_equal(shared_between(together, 0, n_groups), counts)
    np.testing.assert_array_equal(counts[of][:, of], learned.T.astype(int) @ learned)


@given(seeds)
def test_stored_sets_come_back_as_they_were(seed):
    _, learned = case(seed)
    sets = learner_sets(sparse.csr_array(learned))
    back = LearnerSets.from_arrays(sets.to_arrays())
    np.testing.assert_array_equal(back.matrix().toarray(), learned)


def test_sets_take_memory_by_what_is_learned_and_not_by_pairs():
    """2,000 concepts that one learner has all learned share 4 million pairs, and 1 group."""
    rng = np.random.default_rng(0)
    learned = np.ones((1, 2_000), dtype=bool)
    assert sum(a.nbytes for a in learner_sets(sparse.csr_array(learned)).to_arrays().values()) < 2e4
    learned = rng.random((300, 2_000)) < 0.1
    stored = learner_sets(sparse.csr_array(learned)).to_arrays().values()
    assert sum(a.nbytes for a in stored) < 4 * learned.sum() + 17 * 2_000
