"""Learners that concepts share, counted from sets, against products of the dense 0/1 matrix."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from kgplan.similarity import LearnerSets, learner_sets, learners
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


@given(seeds)
def test_rows_counted_alone_or_together_equal_the_product_of_the_matrix(seed):
    _, learned = case(seed)
    together = co_learning(sparse.csr_array(learned))
    of, n_groups = together.groups.group_of, together.groups.sizes.size
    counts = np.vstack([shared_between(together, g, g + 1) for g in range(n_groups)])
    np.testing.assert_array_equal(shared_between(together, 0, n_groups), counts)
    np.testing.assert_array_equal(counts[of][:, of], learned.T.astype(int) @ learned)


@pytest.mark.parametrize("n_learners", [0, 1, 15, 16, 17, 600])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_rows_of_more_than_one_block_of_groups_equal_the_product_of_the_matrix(n_learners, share):
    """Around the sixteen learners added at once, with sums of up to ten digits."""
    learned = np.random.default_rng(7).random((n_learners, 1_100)) < share
    together = co_learning(sparse.csr_array(learned))
    of = together.groups.group_of
    counts = shared_between(together, 0, together.groups.sizes.size)
    np.testing.assert_array_equal(counts[of][:, of], learned.T.astype(int) @ learned)


@given(seeds)
def test_concepts_are_of_one_group_if_and_only_if_their_learners_are_the_same(seed):
    _, learned = case(seed)
    group_of = learner_sets(sparse.csr_array(learned)).group_of
    same = (learned[:, :, None] == learned[:, None, :]).all(axis=0)
    np.testing.assert_array_equal(group_of[:, None] == group_of, same)
    assert (group_of[~learned.any(axis=0)] == 0).all()


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
