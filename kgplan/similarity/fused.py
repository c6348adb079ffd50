"""How alike are two concepts, by the graph and by the learners who learned them?

Section 2 of the KG-PLPPM method: eqs. (1), (2), (5) and (8). Vectors may be stored in float32; what
is computed from them is float64.
Sizes: K concepts, d embedding dimension, U learners.
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ids, Ints, check_axis
from kgplan.similarity.colearning import CoLearning, co_learning, cosine_bounds
from kgplan.similarity.learners import LearnerSets
from kgplan.similarity.nearest import Nearest, nearest


@dataclass(frozen=True)
class Bounds:
    """Smallest and largest similarity over all pairs i != j, for min-max normalisation."""

    semantic_min: float
    semantic_max: float
    collaborative_min: float
    collaborative_max: float


@dataclass(frozen=True)
class Parts:
    """What eq. (8) joins, for n pairs.

    Attributes:
        semantic: (n,) eq. (2), before normalisation.
        collaborative: (n,) eq. (5), before normalisation.
        shared: (n,) learners who learned both.
    """

    semantic: Floats
    collaborative: Floats
    shared: Ints


@dataclass(frozen=True)
class FusedSimilarity:
    """Eq. (8), for any block of concept pairs.

    Attributes:
        concept_ids: (K,) sorted.
        vectors: (K, d) TransR vectors.
        learners: who has learned each concept, R of eq. (5).
        alpha: weight of the semantic part, in [0, 1].
        bounds: of both parts over all pairs i != j.
    """

    concept_ids: Ids
    vectors: Floats
    learners: LearnerSets
    alpha: float
    bounds: Bounds

    def to_arrays(self) -> dict[str, Array]:
        """Plain arrays that `from_arrays` turns back, all but alpha."""
        return {
            "concept_ids": self.concept_ids,
            "vectors": self.vectors,
            "bounds": np.array(astuple(self.bounds)),
            **self.learners.to_arrays(),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array], alpha: float) -> "FusedSimilarity":
        """Rebuild from what `to_arrays` gave."""
        return cls(
            concept_ids=np.asarray(arrays["concept_ids"]),
            vectors=np.asarray(arrays["vectors"]),
            learners=LearnerSets.from_arrays(arrays),
            alpha=alpha,
            bounds=Bounds(*np.asarray(arrays["bounds"]).tolist()),
        )

    def equals(self, other: "FusedSimilarity") -> bool:
        """Whether both give every pair of concepts the same."""
        mine, theirs = self.learners.to_arrays(), other.learners.to_arrays()
        return (
            (self.alpha, self.bounds) == (other.alpha, other.bounds)
            and np.array_equal(self.concept_ids, other.concept_ids)
            and np.array_equal(self.vectors, other.vectors)
            and all(np.array_equal(mine[name], theirs[name]) for name in mine)
        )

    def block(self, rows: Ints, columns: Ints) -> Floats:
        """Fused similarity of every row with every column.

        Args:
            rows, columns: (n,), (m,) positions of concepts.

        Returns:
            (n, m). Where row and column are the same concept the value says nothing: the bounds
            leave the diagonal out.
        """
        semantic = semantic_similarity(self.vectors[rows], self.vectors[columns])
        learned = self.learners.learned
        norms = np.sqrt(np.outer(learned(rows).astype(np.float64), learned(columns)))
        return self._fused(semantic, _ratio(self.learners.shared(rows, columns), norms))

    def pairs(self, left: Ints, right: Ints) -> Floats:
        """Fused similarity of each left concept with the right one beside it.

        Args:
            left, right: (n,) positions of concepts.

        Returns:
            (n,).
        """
        parts = self.parts(left, right)
        return self._fused(parts.semantic, parts.collaborative)

    def parts(self, left: Ints, right: Ints) -> Parts:
        """What eq. (8) joins, for each left concept with the right one beside it.

        Args:
            left, right: (n,) positions of concepts.
        """
        vectors = self.vectors
        apart = vectors[left].astype(np.float64) - vectors[right]
        semantic = 1 / (1 + np.sqrt((apart**2).sum(axis=1)))
        counts = self.learners.shared_by_pairs(left, right)
        learned = self.learners.learned
        norms = np.sqrt(learned(left).astype(np.float64) * learned(right))
        return Parts(semantic, _ratio(counts, norms), counts)

    def _fused(self, semantic: Floats, collaborative: Floats) -> Floats:
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
    """Prepare eq. (8): who has learned what, and the bounds over all pairs.

    Args:
        concept_ids: (K,) sorted.
        vectors: (K, d) TransR vectors.
        learned: (U, K) R of eq. (5).
        alpha: weight of the semantic part.

    Raises:
        AxisMismatch: arguments disagree on K.
    """
    check_axis("K", concept_ids=concept_ids.size, vectors=len(vectors), learned=learned.shape[1])
    together = co_learning(learned)
    bounds = bounds_of(nearest(vectors, min(1, concept_ids.size - 1)), together)
    return FusedSimilarity(concept_ids, vectors, together.sets, alpha, bounds)


def semantic_similarity(left: Floats, right: Floats) -> Floats:
    """Eqs. (1) and (2): 1 / (1 + Euclidean distance).

    Args:
        left, right: (n, d), (m, d) vectors.

    Returns:
        (n, m) in (0, 1].

    >>> semantic_similarity(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]]))
    array([[0.16666667]])
    """
    left, right = left.astype(np.float64), right.astype(np.float64)
    squared = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * left @ right.T
    return 1 / (1 + np.sqrt(np.maximum(squared, 0)))  # rounding may go below 0


def _ratio(counts: Ints, norms: Floats) -> Floats:
    """Eq. (5) for 0/1 columns: learners of both over the norms; 0 where one is empty."""
    return np.divide(counts, norms, out=np.zeros(norms.shape), where=norms > 0)


def normalised(values: Floats, smallest: float, largest: float) -> Floats:
    """Min-max normalisation; all 0 where every pair is alike, so that no pair stands out.

    Returns:
        In [0, 1], also where a value was rounded otherwise than the bound that it makes.

    >>> normalised(np.array([1.0 - 1e-16, 2.0, 3.0]), 1, 3)
    array([0. , 0.5, 1. ])
    """
    if largest <= smallest:
        return np.zeros_like(values)
    return np.clip((values - smallest) / (largest - smallest), 0.0, 1.0)


def bounds_of(near: Nearest, together: CoLearning) -> Bounds:
    """Smallest and largest of both parts over all pairs i != j; 0 where there is no pair."""
    if near.ids.shape[1] == 0:
        return Bounds(0.0, 0.0, 0.0, 0.0)
    largest = float(near.similarity[:, 0].max())
    return Bounds(near.smallest, largest, *cosine_bounds(together))
