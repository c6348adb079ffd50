import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from kgplan.similarity import top_similar, update_similar

N = 6


def world(seed, size=220, spread=1.0):
    """Concepts with even numbers in their ids, so that new ones can come between."""
    rng = np.random.default_rng(seed)
    ids = np.array([f"K_{2 * k:04}" for k in range(size)])
    vectors = rng.normal(scale=spread, size=(size, 4))
    taught = rng.random((12, size)) < 0.1  # twelve courses
    learned = (rng.random((40, 12)) < 0.2) @ taught & (rng.random((40, size)) < 0.7)
    return rng, ids, vectors, learned


def full_run_and_update(before, ids, vectors, learned, alpha):
    learned = sparse.csr_array(learned)
    return top_similar(ids, vectors, learned, alpha, N), update_similar(
        before, ids, vectors, learned
    )


def assert_same(expected, update):
    np.testing.assert_array_equal(update.top.ids, expected.ids)
    np.testing.assert_allclose(update.top.values, expected.values, atol=1e-12)
    np.testing.assert_array_equal(update.top.near.ids, expected.near.ids)
    assert update.top.bounds == pytest.approx(expected.bounds)


@settings(max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 0.3, 0.7, 1.0]),
    st.lists(
        st.sampled_from(["views", "learner", "new", "remove", "move"]), min_size=1, max_size=3
    ),
)
def test_lists_after_changes_in_turn_equal_those_of_a_full_run(seed, alpha, changes):
    rng, ids, vectors, learned = world(seed)
    before = top_similar(ids, vectors, sparse.csr_array(learned), alpha, N)
    for change in changes:
        k = int(rng.integers(ids.size))
        if change == "views":
            learned = learned.copy()
            learned[rng.integers(len(learned)), rng.integers(0, ids.size, 2)] ^= True
        elif change == "learner":
            learned = np.vstack([learned, rng.random(ids.size) < 0.01])
        elif change == "new":
            vector = rng.normal(size=4)
            ids = np.insert(ids, k, f"{ids[k][:-1]}{int(ids[k][-1]) + 1}")
            ids, where = np.sort(ids), np.argsort(ids)
            vectors = np.insert(vectors, k, vector, axis=0)[where]
            learned = np.insert(learned, k, rng.random(len(learned)) < 0.2, axis=1)[:, where]
        elif change == "remove":
            ids, vectors = np.delete(ids, k), np.delete(vectors, k, axis=0)
            learned = np.delete(learned, k, axis=1)
        else:
            vectors = vectors.copy()
            vectors[k] = rng.normal(size=4)
        expected, update = full_run_and_update(before, ids, vectors, learned, alpha)
        assert_same(expected, update)
        before = update.top


def twins_and_extremes(seed):
    """A world whose bounds a small change cannot move: twins, and two outliers far off."""
    rng, ids, vectors, learned = world(seed)
    vectors[[0, 1]] = [[40, 0, 0, 0], [-40, 0, 0, 0]]
    vectors[3] = vectors[2]
    learned[:, 5] = learned[:, 4] = np.arange(len(learned)) % 2 == 0
    return rng, ids, vectors, learned


def test_a_view_of_one_concept_remakes_few_lists_and_moves_no_bound():
    _, ids, vectors, learned = twins_and_extremes(1)
    before = top_similar(ids, vectors, sparse.csr_array(learned), 0.7, N)
    learned = learned.copy()
    learned[7, 100] ^= True
    expected, update = full_run_and_update(before, ids, vectors, learned, 0.7)
    assert_same(expected, update)
    assert (update.changed, update.rescaled, update.complete) == (1, False, False)
    assert update.remade < 20
    untouched = ~(before.ids == 100).any(axis=1) & ~(expected.ids == 100).any(axis=1)
    untouched[100] = False
    np.testing.assert_array_equal(update.top.values[untouched], before.values[untouched])


def test_one_new_concept_enters_the_lists_where_it_belongs():
    _, ids, vectors, learned = twins_and_extremes(2)
    before = top_similar(ids, vectors, sparse.csr_array(learned), 0.7, N)
    ids = np.insert(ids, 51, "K_0101")
    vectors = np.insert(vectors, 51, vectors[50] + 0.01, axis=0)
    learned = np.insert(learned, 51, learned[:, 50], axis=1)
    expected, update = full_run_and_update(before, ids, vectors, learned, 0.7)
    assert_same(expected, update)
    assert update.top.ids[50, 0] == 51
    assert (update.changed, update.remade, update.rescaled, update.complete) == (1, 1, False, False)


def test_a_bound_that_moves_rescales_every_list_without_looking_at_all_distances_again():
    _, ids, vectors, learned = twins_and_extremes(3)
    before = top_similar(ids, vectors, sparse.csr_array(learned), 0.7, N)
    vectors, ids = np.vstack([vectors, [0, 90, 0, 0]]), np.append(ids, "K_9999")
    learned = np.hstack([learned, learned[:, :1]])
    expected, update = full_run_and_update(before, ids, vectors, learned, 0.7)
    assert_same(expected, update)
    assert update.top.bounds.semantic_min < before.bounds.semantic_min
    assert (update.remade, update.rescaled, update.complete) == (ids.size, True, False)


def test_a_lost_extreme_is_found_again_by_a_full_run():
    _, ids, vectors, learned = twins_and_extremes(4)
    before = top_similar(ids, vectors, sparse.csr_array(learned), 0.7, N)
    expected, update = full_run_and_update(before, ids[1:], vectors[1:], learned[:, 1:], 0.7)
    assert_same(expected, update)
    assert update.complete
    assert update.top.bounds.semantic_min > before.bounds.semantic_min


def test_lists_grow_to_the_length_asked_for_as_concepts_come():
    rng = np.random.default_rng(5)
    ids, vectors = np.array([f"K_{k}" for k in range(9)]), rng.normal(size=(9, 3))
    learned = sparse.csr_array(rng.random((5, 9)) < 0.4)
    before = top_similar(ids[:4], vectors[:4], learned[:, :4], 0.7, N)
    assert before.ids.shape == (4, 3)
    update = update_similar(before, ids, vectors, learned)
    assert_same(top_similar(ids, vectors, learned, 0.7, N), update)


def test_nothing_changed_remakes_nothing():
    _, ids, vectors, learned = world(6)
    before = top_similar(ids, vectors, sparse.csr_array(learned), 0.7, N)
    expected, update = full_run_and_update(before, ids, vectors, learned, 0.7)
    assert_same(expected, update)
    assert (update.changed, update.remade) == (0, 0)
