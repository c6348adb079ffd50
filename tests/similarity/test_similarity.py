import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.metrics.pairwise import cosine_similarity, euclidean_distances
from sklearn.preprocessing import minmax_scale

from kgplan.errors import AxisMismatch
from kgplan.similarity import FusedSimilarity, fuse

seeds = st.integers(0, 2**32 - 1)


def case(seed: int) -> FusedSimilarity:
    rng = np.random.default_rng(seed)
    n_learners, n_concepts = rng.integers(1, 30), rng.integers(2, 15)
    learned = sparse.csr_array(rng.random((n_learners, n_concepts)) < rng.uniform(0, 0.6))
    vectors = rng.normal(size=(n_concepts, 4))
    ids = np.array([f"K_{k:02}" for k in range(n_concepts)])
    return fuse(ids, vectors, learned, float(rng.choice([0, 0.3, 0.7, 1]))), learned.toarray()


def fused_by_loops(vectors, learned, alpha):
    """Eqs. (1), (2), (5), (8), a pair at a time; NaN on the diagonal."""
    n = len(vectors)
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    semantic = {(i, j): 1 / (1 + math.dist(vectors[i], vectors[j])) for i, j in pairs}
    cosine = {}
    for i, j in pairs:
        both = sum(1 for row in learned if row[i] and row[j])
        norm = math.sqrt(sum(map(bool, learned[:, i]))) * math.sqrt(sum(map(bool, learned[:, j])))
        cosine[i, j] = both / norm if norm else 0.0
    result = np.full((n, n), np.nan)
    for i, j in pairs:
        result[i, j] = sum(
            weight * (part[i, j] - min(part.values())) / (max(part.values()) - min(part.values()))
            for weight, part in ((alpha, semantic), (1 - alpha, cosine))
            if max(part.values()) - min(part.values()) > 1e-12
        )
    return result


@given(seeds)
def test_the_fusion_equals_the_formula_written_as_loops(seed):
    fused, learned = case(seed)
    expected = fused_by_loops(fused.vectors, learned, fused.alpha)
    off = ~np.eye(len(expected), dtype=bool)
    np.testing.assert_allclose(fused.dense()[off], expected[off], atol=1e-9)


@given(seeds)
def test_any_block_is_a_part_of_the_whole(seed):
    fused, _ = case(seed)
    rng = np.random.default_rng(seed)
    n = fused.concept_ids.size
    rows, columns = rng.integers(0, n, 5), rng.integers(0, n, 3)
    np.testing.assert_allclose(
        fused.block(rows, columns), fused.dense()[np.ix_(rows, columns)], atol=1e-7
    )


def test_the_fusion_equals_scikit_learn():
    rng = np.random.default_rng(0)
    learned = rng.random((200, 60)) < 0.2
    vectors = rng.normal(size=(60, 50))
    fused = fuse(np.array([f"{k:02}" for k in range(60)]), vectors, sparse.csr_array(learned), 0.7)
    off = ~np.eye(60, dtype=bool)
    semantic = minmax_scale((1 / (1 + euclidean_distances(vectors)))[off])
    collaborative = minmax_scale(cosine_similarity(learned.T)[off])
    np.testing.assert_allclose(fused.dense()[off], 0.7 * semantic + 0.3 * collaborative, atol=1e-9)


@given(seeds)
@example(10)  # rounded above 1
@example(43)  # and below 0
def test_similarity_is_symmetric_and_within_0_and_1(seed):
    fused, _ = case(seed)
    whole = fused.dense()
    np.testing.assert_allclose(whole, whole.T, atol=1e-12)
    assert whole.min() >= 0
    assert whole.max() <= 1


def test_bounds_over_many_blocks_equal_those_of_the_whole_matrix():
    vectors = np.random.default_rng(1).normal(size=(2500, 8))
    ids = np.array([f"{k:04}" for k in range(2500)])
    bounds = fuse(ids, vectors, sparse.csr_array((3, 2500), dtype=bool), 0.7).bounds
    semantic = 1 / (1 + euclidean_distances(vectors))[~np.eye(2500, dtype=bool)]
    assert (bounds.semantic_min, bounds.semantic_max) == pytest.approx(
        (semantic.min(), semantic.max()), rel=1e-9
    )
    assert (bounds.collaborative_min, bounds.collaborative_max) == (0, 0)


def test_arrays_of_other_sizes_are_refused():
    with pytest.raises(AxisMismatch, match="axis K: concept_ids has 2, vectors has 3"):
        fuse(np.array(["a", "b"]), np.zeros((3, 2)), sparse.csr_array((1, 2), dtype=bool), 0.7)
