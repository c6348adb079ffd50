import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from kgplan.errors import AxisMismatch, InputError
from kgplan.similarity import top_similar
from kgplan.similarity.nearest import nearest

seeds = st.integers(0, 2**32 - 1)


def ids_of(size):
    return np.array([f"K_{k:06}" for k in range(size)])


def grid_case(seed):
    """Few places and few learners, so that distances and cosines tie often."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 25))
    vectors = rng.integers(0, 3, (size, 2)).astype(float)
    learned = rng.random((rng.integers(1, 8), size)) < rng.uniform(0, 0.9)
    return vectors, learned, float(rng.choice([0, 0.3, 0.7, 1])), int(rng.integers(1, size + 3))


def naive_top(vectors, learned, alpha, n):
    """Eqs. (1), (2), (5), (8) over whole matrices in float64, then a sort of every row."""
    size = len(vectors)
    pairs = ~np.eye(size, dtype=bool)
    semantic = 1 / (1 + cdist(vectors, vectors))
    both = learned.T.astype(float) @ learned
    alone = np.diag(both)
    norms = np.sqrt(np.outer(alone, alone))
    collaborative = np.divide(both, norms, out=np.zeros_like(both), where=norms > 0)
    fused = np.zeros((size, size))
    for weight, part in ((alpha, semantic), (1 - alpha, collaborative)):
        low, high = part[pairs].min(), part[pairs].max()
        if high > low:
            fused += weight * ((part - low) / (high - low))
    fused[~pairs] = -np.inf
    order = np.argsort(-fused, axis=1, kind="stable")[:, : min(n, size - 1)]
    return order, np.take_along_axis(fused, order, 1)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.7, 1.0])
def test_the_lists_of_3_000_concepts_equal_the_formula_over_whole_matrices(alpha):
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(3_000, 50)).astype(np.float32)
    courses = rng.random((40, 3_000)) < 0.03
    learned = (rng.random((400, 40)) < 0.1) @ courses & (rng.random((400, 3_000)) < 0.7)
    top = top_similar(ids_of(3_000), vectors, sparse.csr_array(learned), alpha, 50)
    ids, values = naive_top(vectors, learned, alpha, 50)
    np.testing.assert_allclose(top.values, values, atol=1e-9, rtol=0)
    np.testing.assert_array_equal(top.ids, ids)


@given(seeds, st.sampled_from(["one learner", "all have learned all", "nobody", "twins"]))
def test_lists_of_equal_and_of_empty_sets_of_learners_equal_the_formula(seed, kind):
    vectors, learned, alpha, n = grid_case(seed)
    if kind == "one learner":
        learned = learned[:1]
    elif kind == "twins":  # every set of learners several times
        learned = learned[
            :, np.random.default_rng(seed).integers(0, 3, len(vectors)) % len(vectors)
        ]
    else:
        learned = np.full_like(learned, kind == "all have learned all")
    top = top_similar(ids_of(len(vectors)), vectors, sparse.csr_array(learned), alpha, n)
    ids, values = naive_top(vectors, learned, alpha, n)
    np.testing.assert_allclose(top.values, values, atol=1e-12, rtol=0)
    np.testing.assert_array_equal(top.ids, ids)


@given(seeds, st.sampled_from([0.0, 0.3, 0.7, 1.0]))
@settings(max_examples=20)
def test_lists_of_several_hundred_concepts_equal_the_formula(seed, alpha):
    """More than one block of groups; far more candidates than are held for one concept."""
    rng = np.random.default_rng(seed)
    size, n = int(rng.integers(500, 800)), int(rng.integers(1, 40))
    vectors = rng.integers(-2, 3, (size, int(rng.integers(1, 6)))).astype(float)
    taught = rng.random((10, size)) < 0.15
    learned = (rng.random((70, 10)) < 0.3) @ taught & (rng.random((70, size)) < 0.8)
    top = top_similar(ids_of(size), vectors, sparse.csr_array(learned), alpha, n)
    ids, values = naive_top(vectors, learned, alpha, n)
    np.testing.assert_allclose(top.values, values, atol=1e-12, rtol=0)
    same = np.isclose(values[:, 1:], values[:, :-1], atol=1e-12, rtol=0)
    alone = ~(np.pad(same, ((0, 0), (1, 0))) | np.pad(same, ((0, 0), (0, 1))))
    alone[:, -1] = False  # the next behind it may have the same value
    np.testing.assert_array_equal(top.ids[alone], ids[alone])


@given(seeds)
@example(4)
def test_lists_with_many_ties_equal_the_formula_and_go_by_id(seed):
    vectors, learned, alpha, n = grid_case(seed)
    size = len(vectors)
    top = top_similar(ids_of(size), vectors, sparse.csr_array(learned), alpha, n)
    ids, values = naive_top(vectors, learned, alpha, n)
    np.testing.assert_allclose(top.values, values, atol=1e-12, rtol=0)
    np.testing.assert_array_equal(top.ids, ids)


def test_every_list_of_a_learner_matrix_without_zeros_equals_the_formula():
    """Every pair shares a learner, so that the smallest cosine is not 0, and no two are twins."""
    rng = np.random.default_rng(2)
    learned = rng.random((60, 300)) < 0.5
    learned[0] = True
    vectors = rng.normal(size=(300, 5))
    top = top_similar(ids_of(300), vectors, sparse.csr_array(learned), 0.4, 20)
    ids, values = naive_top(vectors, learned, 0.4, 20)
    assert top.bounds.collaborative_min > 0
    assert top.bounds.collaborative_max < 1
    np.testing.assert_allclose(top.values, values, atol=1e-9)
    np.testing.assert_array_equal(top.ids, ids)


def test_the_nearest_of_more_than_two_blocks_equal_those_of_scikit_learn():
    vectors = np.random.default_rng(3).normal(size=(4_500, 20))
    found = nearest(vectors, 10)
    distances, ids = (
        NearestNeighbors(n_neighbors=11, algorithm="brute").fit(vectors).kneighbors(vectors)
    )
    np.testing.assert_array_equal(found.ids, ids[:, 1:])
    np.testing.assert_allclose(found.similarity, 1 / (1 + distances[:, 1:]), rtol=1e-9)
    whole = cdist(vectors, vectors)
    assert found.farthest == tuple(sorted(np.unravel_index(whole.argmax(), whole.shape)))
    assert found.smallest == pytest.approx(1 / (1 + whole.max()), rel=1e-12)


def test_neighbours_that_float32_cannot_tell_apart_are_told_apart():
    """Steps of 1e-9 on a line: float32 products see them all in one place."""
    place = np.random.default_rng(4).permutation(500)
    vectors = np.zeros((501, 50))
    vectors[:500, 0] = place * 1e-9
    vectors[500, 1] = 10
    found = nearest(vectors, 2)
    at = np.argsort(place)  # the concept at each step
    for step in range(1, 499):
        assert set(found.ids[at[step]]) == {at[step - 1], at[step + 1]}


def test_concepts_in_one_place_are_neighbours_by_id():
    vectors = np.ones((3_000, 4), dtype=np.float32)
    found = nearest(vectors, 3)
    assert found.ids[0].tolist() == [1, 2, 3]
    assert found.ids[2_999].tolist() == [0, 1, 2]
    assert (found.similarity == 1).all()


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_very_small_and_very_large_vectors_are_ordered_by_similarity_and_then_by_id(scale):
    """At 1e-12 many similarities are the same number."""
    vectors = scale * np.random.default_rng(5).normal(size=(300, 8))
    similarity = 1 / (1 + cdist(vectors, vectors))
    np.fill_diagonal(similarity, -1)
    expected = np.argsort(-similarity, axis=1, kind="stable")[:, :7]
    np.testing.assert_array_equal(nearest(vectors, 7).ids, expected)


def test_two_concepts_have_each_other():
    top = top_similar(np.array(["a", "b"]), np.eye(2), sparse.csr_array((3, 2), dtype=bool), 0.7, 5)
    assert top.ids.tolist() == [[1], [0]]
    assert top.values.tolist() == [[0], [0]]  # one pair: no spread, as eq. (8) is read here


@pytest.mark.parametrize("size", [0, 1])
def test_a_concept_alone_has_no_neighbours(size):
    learned = sparse.csr_array((3, size), dtype=bool)
    top = top_similar(ids_of(size), np.ones((size, 2)), learned, 0.7, 5)
    assert top.ids.shape == top.values.shape == (size, 0)
    assert top.to_csr().shape == (size, size)


def test_stored_zeros_and_repeated_entries_are_no_learners():
    rows, columns, values = [0, 0, 1, 1, 1], [0, 1, 0, 0, 2], [1, 1, 1, 1, 0]
    learned = sparse.csr_array((values, columns, [0, 2, 5]), shape=(2, 3))
    assert learned.nnz == len(rows)
    top = top_similar(ids_of(3), np.eye(3), learned, 0.0, 1)
    assert top.bounds.collaborative_max == pytest.approx(1 / math.sqrt(2))


def test_wrong_arguments_are_refused():
    learned = sparse.csr_array((1, 3), dtype=bool)
    with pytest.raises(AxisMismatch, match="axis K: concept_ids has 2, vectors has 3"):
        top_similar(ids_of(2), np.eye(3), learned, 0.7, 1)
    with pytest.raises(InputError, match="n is 0"):
        nearest(np.eye(3), 0)
    with pytest.raises(InputError, match="0 neighbours were asked for"):
        top_similar(ids_of(3), np.eye(3), learned, 0.7, 0)
    with pytest.raises(InputError, match="vectors of 1 concepts are not finite, the first at posi"):
        nearest(np.array([[0.0], [np.nan], [1.0]]), 1)
