"""Which concepts are most similar to each, by the fused similarity of eq. (8), exactly?

Without learners in common a pair has only its semantic part, so the best of such pairs are among
the nearest in the embedding. Beyond these, a pair can only enter a concept's list if its
collaborative part makes up for a distance no smaller than the n-th nearest's: few pairs do, and
only for them is the distance taken.
Sizes: U learners, K concepts, G groups of concepts with the same learners, d embedding dimension,
n neighbours.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ids, Ints, check_axis
from kgplan.data.stored import csr_from_arrays, csr_to_arrays
from kgplan.errors import InputError
from kgplan.native.fusing import Scale, Semantic, fuse_some
from kgplan.native.heap import empty_rows
from kgplan.native.threads import in_threads
from kgplan.native.wide import BITS
from kgplan.progress import Progress, silent
from kgplan.similarity.colearning import BATCH, CoLearning, co_learning
from kgplan.similarity.fused import Bounds, bounds_of
from kgplan.similarity.nearest import Nearest, nearest

STORED_AS = "neighbours"


@dataclass(frozen=True)
class TopSimilar:
    """Every concept's most similar others.

    Attributes:
        concept_ids: (K,) sorted.
        ids: (K, n) positions of the others, most similar first, ties by position.
        values: (K, n) eq. (8) of each.
        bounds: of both parts over all pairs i != j.
        together: who learned what.
    """

    concept_ids: Ids
    ids: Ints
    values: Floats
    bounds: Bounds
    together: CoLearning

    def to_csr(self) -> sparse.csr_array:
        """(K, K) with n values a row, most similar first."""
        size, n = self.ids.shape
        return sparse.csr_array(
            (self.values.ravel(), self.ids.ravel(), np.arange(size + 1) * n), shape=(size, size)
        )

    def to_arrays(self) -> dict[str, Array]:
        """The lists as plain arrays that `neighbours_from_arrays` turns back."""
        return csr_to_arrays(STORED_AS, self.to_csr())


def neighbours_from_arrays(arrays: Mapping[str, Array]) -> sparse.csr_array | None:
    """The lists of `TopSimilar.to_csr` from stored arrays; None where they were not stored."""
    stored = f"{STORED_AS}.indptr" in set(arrays)
    return csr_from_arrays(STORED_AS, arrays) if stored else None


def top_similar(
    concept_ids: Ids,
    vectors: Floats,
    learned: sparse.csr_array,
    alpha: float,
    n: int,
    progress: Progress = silent,
) -> TopSimilar:
    """The n most similar of all K - 1 others, for every concept, by eq. (8).

    Args:
        concept_ids: (K,) sorted.
        vectors: (K, d) TransR vectors.
        learned: (U, K) R of eq. (5).
        alpha: weight of the semantic part, in [0, 1].
        n: neighbours; all others where there are fewer.
        progress: told how far it is.

    Raises:
        AxisMismatch: arguments disagree on K.
        InputError: n is below 1, or a vector is not finite.

    >>> top = top_similar(
    ...     np.array(["a", "b", "c"]), np.array([[0.0], [1.0], [3.0]]),
    ...     sparse.csr_array([[1, 0, 1], [1, 1, 1]]), alpha=0.7, n=1)
    >>> top.ids.ravel(), top.values.ravel()
    (array([1, 0, 0], dtype=int32), array([0.7, 0.7, 0.3]))
    """
    check_axis("K", concept_ids=concept_ids.size, vectors=len(vectors), learned=learned.shape[1])
    size = concept_ids.size
    if n < 1:
        raise InputError(f"{n} neighbours were asked for; ask for 1 or more")
    vectors = np.ascontiguousarray(vectors, dtype=np.float64)
    near = nearest(vectors, min(n, size - 1), progress)
    together = co_learning(learned)
    bounds = bounds_of(near, together)
    ids, values = _fused(vectors, together, near, alpha, bounds, progress)
    return TopSimilar(concept_ids, ids, values, bounds, together)


def _fused(
    vectors: Floats,
    together: CoLearning,
    near: Nearest,
    alpha: float,
    bounds: Bounds,
    progress: Progress,
) -> tuple[Ints, Floats]:
    """The lists of all concepts, made from the nearest and from those with common learners."""
    size, n = near.ids.shape
    scale = scale_of(alpha, bounds)
    base = near.ids if scale[0] > 0 else _lowest_others(size, n)
    costs, ids = empty_rows(size, n)
    groups, sizes = together.groups, together.sets.sizes
    inverse_norms = np.zeros(len(groups.bits) * BITS, dtype=np.float32)
    np.divide(1, np.sqrt(sizes), out=inverse_norms[: sizes.size], where=sizes > 0)
    placed = vectors[groups.members]  # those looked at together lie together
    semantic = Semantic(placed, base, near.similarity)
    tasks = [(k, min(k + BATCH, size)) for k in range(0, size, BATCH)]
    in_threads(
        lambda first, last: fuse_some(
            first, last, groups, semantic, inverse_norms, scale, costs, ids
        ),
        tasks,
        lambda done: progress("fused similarity", min(done * BATCH, size), size),
    )
    return ids, -costs


def scale_of(alpha: float, bounds: Bounds) -> Scale:
    """Eq. (8)'s weight, bound and range of both parts; a part without spread has no weight."""
    b = bounds
    semantic, collaborative = (
        b.semantic_max - b.semantic_min,
        (b.collaborative_max - b.collaborative_min),
    )
    return (
        alpha if semantic > 0 else 0.0,
        b.semantic_min,
        semantic if semantic > 0 else 1.0,
        1 - alpha if collaborative > 0 else 0.0,
        b.collaborative_min,
        collaborative if collaborative > 0 else 1.0,
    )


def _lowest_others(size: int, n: int) -> Ints:
    """For each concept the n lowest positions but its own: the order among equals.

    >>> _lowest_others(3, 2)
    array([[1, 2],
           [0, 2],
           [0, 1]])
    """
    lowest = np.tile(np.arange(n), (size, 1))
    return lowest + (lowest >= np.arange(size)[:, None])
