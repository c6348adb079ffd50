"""How alike are two concepts, by the graph and by the learners who learned them?

Section 2 of the KG-PLPPM method: eqs. (1), (2), (5) and (8).
Sizes: K concepts, d embedding dimension, U learners.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from kgplan.arrays import Floats, Ids, Ints, check_axis

BLOCK_ROWS = 1024


@dataclass(frozen=True)
class Bounds:
    """Smallest and largest similarity over all pairs i != j, for min-max normalisation."""

    semantic_min: float
    semantic_max: float
    collaborative_min: float
    collaborative_max: float


@dataclass(frozen=True)
class FusedSimilarity:
    """Eq. (8), for any block of concept pairs.

    Attributes:
        concept_ids: (K,) sorted.
        vectors: (K, d) TransR vectors.
        shared: (K, K) learners who learned both; on the diagonal, who learned the one.
        alpha: weight of the semantic part, in [0, 1].
        bounds: of both parts over all pairs i != j.
    """

    concept_ids: Ids
    vectors: Floats
    shared: sparse.csr_array
    alpha: float
    bounds: Bounds

    def block(self, rows: Ints, columns: Ints) -> Floats:
        """Fused similarity of every row with every column.

        Args:
            rows, columns: (n,), (m,) positions of concepts.

        Returns:
            (n, m). Where row and column are the same concept the value says nothing: the bounds
            leave the diagonal out.
        """
        semantic = semantic_similarity(self.vectors[rows], self.vectors[columns])
        counts = self.shared[rows][:, columns].toarray()
        learned = self.shared.diagonal()
        collaborative = cosine_of_counts(counts, learned[rows], learned[columns])
        b = self.bounds
        return self.alpha * normalised(semantic, b.semantic_min, b.semantic_max) + (
            1 - self.alpha
        ) * normalised(collaborative, b.collaborative_min, b.collaborative_max)

    def dense(self) -> Floats:
        """All pairs at once: (K, K)."""
        everything = np.arange(self.concept_ids.size)
        return self.block(everything, everything)


def fuse(
    concept_ids: Ids, vectors: Floats, learned: sparse.csr_array, alpha: float
) -> FusedSimilarity:
    """Prepare eq. (8): co-learning counts and the bounds over all pairs.

    Args:
        concept_ids: (K,) sorted.
        vectors: (K, d) TransR vectors.
        learned: (U, K) R of eq. (5).
        alpha: weight of the semantic part.

    Raises:
        AxisMismatch: arguments disagree on K.
    """
    check_axis("K", concept_ids=concept_ids.size, vectors=len(vectors), learned=learned.shape[1])
    vectors = vectors.astype(np.float64)
    counts = learned.astype(np.int64)
    shared = (counts.T @ counts).tocsr()
    shared.sort_indices()
    return FusedSimilarity(
        concept_ids,
        vectors,
        shared,
        alpha,
        Bounds(*semantic_bounds(vectors), *cosine_bounds(shared)),
    )


def semantic_similarity(left: Floats, right: Floats) -> Floats:
    """Eqs. (1) and (2): 1 / (1 + Euclidean distance).

    Args:
        left, right: (n, d), (m, d) vectors.

    Returns:
        (n, m) in (0, 1].

    >>> semantic_similarity(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]]))
    array([[0.16666667]])
    """
    squared = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * left @ right.T
    return 1 / (1 + np.sqrt(np.maximum(squared, 0)))  # rounding may go below 0


def cosine_of_counts(counts: Floats, learned_rows: Floats, learned_columns: Floats) -> Floats:
    """Eq. (5) for 0/1 columns: shared / sqrt(learned_i * learned_j), 0 where one is empty.

    Args:
        counts: (n, m) learners who learned both.
        learned_rows, learned_columns: (n,), (m,) learners who learned the one.

    >>> cosine_of_counts(np.array([[2, 0]]), np.array([4]), np.array([1, 0]))
    array([[1., 0.]])
    """
    norms = np.sqrt(np.outer(learned_rows, learned_columns).astype(np.float64))
    return np.divide(counts, norms, out=np.zeros(norms.shape), where=norms > 0)


def normalised(values: Floats, smallest: float, largest: float) -> Floats:
    """Min-max normalisation; all 0 where every pair is alike, so that no pair stands out.

    >>> normalised(np.array([1.0, 2.0, 3.0]), 1, 3)
    array([0. , 0.5, 1. ])
    """
    if largest <= smallest:
        return np.zeros_like(values)
    return (values - smallest) / (largest - smallest)


def semantic_bounds(vectors: Floats) -> tuple[float, float]:
    """Smallest and largest semantic similarity over pairs i != j, a block of rows at a time."""
    smallest, largest = np.inf, -np.inf
    for start in range(0, len(vectors), BLOCK_ROWS):
        # only columns from the block on: the matrix is symmetric
        part = semantic_similarity(vectors[start : start + BLOCK_ROWS], vectors[start:])
        own = np.arange(len(part))
        part[own, own] = np.nan
        if np.isfinite(part).any():
            smallest = min(smallest, float(np.nanmin(part)))
            largest = max(largest, float(np.nanmax(part)))
    return (smallest, largest) if smallest <= largest else (0.0, 0.0)


def cosine_bounds(shared: sparse.csr_array) -> tuple[float, float]:
    """Smallest and largest collaborative similarity over pairs i != j."""
    size = shared.shape[0]
    pairs = shared.tocoo()
    off = pairs.row != pairs.col
    if not off.any():
        return 0.0, 0.0
    learned = shared.diagonal().astype(np.float64)
    cosines = pairs.data[off] / np.sqrt(learned[pairs.row[off]] * learned[pairs.col[off]])
    smallest = 0.0 if off.sum() < size * (size - 1) else float(cosines.min())
    return smallest, float(cosines.max())
