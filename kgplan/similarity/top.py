"""Which concepts are most similar to each, by the fused similarity of eq. (8), exactly?

Without learners in common a pair has only its semantic part, so the best of such pairs are among
the nearest in the embedding. Beyond these, a pair can only enter a concept's list if its
collaborative part makes up for a distance no smaller than the n-th nearest's: few pairs do, and
only for them is the distance taken.
Sizes: U learners, K concepts, G groups of concepts with the same learners, d embedding dimension,
n neighbours.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy import sparse

from kgplan.arrays import Array, Floats, Ids, Ints, check_axis
from kgplan.errors import InputError
from kgplan.progress import Progress, silent
from kgplan.similarity.colearning import (
    BATCH,
    TOGETHER,
    CoLearning,
    co_learning,
    cosine,
    count_arguments,
    count_rows,
)
from kgplan.similarity.fused import Bounds, bounds_of
from kgplan.similarity.heap import empty_rows, is_worse, replace_worst, sort_row
from kgplan.similarity.nearest import CHUNK, Nearest, nearest, similarity_of
from kgplan.similarity.threads import in_threads

Scale = tuple[float, float, float, float, float, float]
ROUNDING = 1e-9  # slack of a float64 bound that only decides what is looked at


@dataclass(frozen=True)
class TopSimilar:
    """Every concept's most similar others.

    Attributes:
        concept_ids: (K,) sorted.
        ids: (K, n) positions of the others, most similar first, ties by position.
        values: (K, n) eq. (8) of each.
        n: neighbours asked for; the lists are shorter where there are no more others.
        alpha: weight of the semantic part.
        bounds: of both parts over all pairs i != j.
        near: the nearest in the embedding, which the lists were made from.
        vectors: (K, d) float64.
        together: who learned what.
    """

    concept_ids: Ids
    ids: Ints
    values: Floats
    n: int
    alpha: float
    bounds: Bounds
    near: Nearest
    vectors: Floats
    together: CoLearning

    def to_csr(self) -> sparse.csr_array:
        """(K, K) with n values a row, most similar first."""
        size, n = self.ids.shape
        return sparse.csr_array(
            (self.values.ravel(), self.ids.ravel(), np.arange(size + 1) * n), shape=(size, size)
        )


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
    everything = np.ones(size, dtype=np.bool_)
    ids, values = fuse_rows(everything, vectors, together, near, alpha, bounds, progress)
    return TopSimilar(concept_ids, ids, values, n, alpha, bounds, near, vectors, together)


def fuse_rows(
    wanted: Array,
    vectors: Floats,
    together: CoLearning,
    near: Nearest,
    alpha: float,
    bounds: Bounds,
    progress: Progress,
) -> tuple[Ints, Floats]:
    """The lists of the wanted concepts; rows of the others are left empty."""
    size, n = near.ids.shape
    scale = scale_of(alpha, bounds)
    base = near.ids if scale[0] > 0 else _lowest_others(size, n)
    costs, ids = empty_rows(size, n)
    inverse_norms = np.zeros(together.sizes.size, dtype=np.float32)
    np.divide(1, np.sqrt(together.sizes), out=inverse_norms, where=together.sizes > 0)
    # groups go by size: the longest tasks come first, so that the cores end together
    tasks = [(k, min(k + BATCH, size)) for k in range(0, size, BATCH)][::-1]

    def fuse_some(first: int, last: int) -> None:
        _fuse_some(
            first, last, wanted, vectors, base, inverse_norms,
            together.group_of, together.sizes, together.members_from, together.members,
            together.by_bits, count_arguments(together), scale, costs, ids,
        )  # fmt: skip

    in_threads(
        fuse_some, tasks, lambda done: progress("fused similarity", min(done * BATCH, size), size)
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


@njit(cache=True)
def fused_value(semantic: float, collaborative: float, scale: Scale) -> float:
    """Eq. (8) of two parts."""
    a, low, spread, b, c_low, c_spread = scale
    return a * ((semantic - low) / spread) + b * ((collaborative - c_low) / c_spread)


@njit(cache=True, nogil=True)
def _fuse_some(
    first: int,
    last: int,
    wanted: Array,
    vectors: Floats,
    base: Ints,
    inverse_norms: Floats,
    group_of: Ints,
    sizes: Ints,
    members_from: Ints,
    members: Ints,
    by_bits: Array,
    count_from: tuple[Array, ...],
    scale: Scale,
    costs: Floats,
    ids: Ints,
) -> None:
    """Make the lists of some concepts, given by their places among the members of all groups."""
    n = base.shape[1]
    rows = np.zeros((TOGETHER, sizes.size), dtype=np.int32)  # stay 0 where they have no weight
    counted = np.zeros(2, dtype=np.int64)  # the groups whose rows are there: from, to
    levels = np.empty(sizes.size, dtype=np.float32)
    met = np.full(group_of.size, -1, dtype=np.int32)  # the last concept that each was offered to
    least = np.float32(
        0.5 / np.sqrt(float(max(sizes[-1], 1)))
    )  # below any pair with a common learner
    last_group = group_of[members[last - 1]]
    for place in range(first, last):
        i = members[place]
        group = group_of[i]
        if not wanted[i]:
            continue
        if group >= counted[1] and scale[3] > 0:
            # by bits together; one by one each while its counts are in cache
            ahead = TOGETHER if by_bits[group] else 1
            counted[:] = group, min(group + ahead, last_group + 1)
            count_rows(group, rows[: counted[1] - group], *count_from)
        counts = rows[group - counted[0] if scale[3] > 0 else 0]
        met[i] = i
        worst_semantic = np.inf
        for k in range(n):
            j = base[i, k]
            met[j] = i
            semantic = similarity_of(vectors[i], vectors[j])
            worst_semantic = min(worst_semantic, semantic)
            other = group_of[j]
            value = fused_value(semantic, cosine(counts[other], sizes[group], sizes[other]), scale)
            if is_worse(costs[i, 0], ids[i, 0], -value, j):
                replace_worst(costs[i], ids[i], n, -value, j)
        if scale[3] > 0 and sizes[group] > 0:
            _enter_co_learned(
                i, counts, levels, met, least, worst_semantic, vectors, inverse_norms,
                sizes[group], sizes, members_from, members, scale, costs[i], ids[i],
            )  # fmt: skip
        sort_row(costs[i], ids[i])


@njit(cache=True)
def _enter_co_learned(
    i: int,
    counts: Ints,
    levels: Floats,
    met: Ints,
    least: float,
    worst_semantic: float,
    vectors: Floats,
    inverse_norms: Floats,
    size: int,
    sizes: Ints,
    members_from: Ints,
    members: Ints,
    scale: Scale,
    costs: Floats,
    ids: Ints,
) -> None:
    """Offer concept i those that share learners with it, from the most alike down.

    A pair whose collaborative part is too small for the list even at `worst_semantic` is passed
    over; going down by halves, the list is good before the many small ones come up.
    """
    norm = np.sqrt(float(size))
    highest = np.float32(0)
    for g in range(levels.size):  # eq. (5) but for concept i's norm
        levels[g] = np.float32(counts[g]) * inverse_norms[g]
        highest = max(highest, levels[g])
    below, low = np.float32(np.inf), np.float32(highest / 2)
    while True:
        end = max(_needed(-costs[0], worst_semantic, scale, norm), least)
        low = max(low, end)
        for start in range(0, levels.size, CHUNK):
            chunk = levels[start : start + CHUNK]
            hits = 0
            for k in range(chunk.size):
                hits += (chunk[k] >= low) & (chunk[k] < below)
            if hits == 0:
                continue
            for k in range(chunk.size):
                # the list gets better on the way: what was enough may be so no more
                if chunk[k] >= max(low, end) and chunk[k] < below:
                    g = start + k
                    collaborative = cosine(counts[g], size, sizes[g])
                    for place in range(members_from[g], members_from[g + 1]):
                        j = members[place]
                        if met[j] == i:
                            continue
                        semantic = similarity_of(vectors[i], vectors[j])
                        cost = -fused_value(semantic, collaborative, scale)
                        if is_worse(costs[0], ids[0], cost, j):
                            replace_worst(costs, ids, costs.size, cost, j)
                            end = max(_needed(-costs[0], worst_semantic, scale, norm), least)
        if low <= end:
            break
        below, low = low, np.float32(low / 2)


@njit(cache=True)
def _needed(worst_value: float, worst_semantic: float, scale: Scale, norm: float) -> np.float32:
    """The level that reaches a value where the semantic part is at its best, rounded down."""
    missing = worst_value - ROUNDING - fused_value(worst_semantic, 0.0, scale)
    return np.float32(missing / scale[3] * scale[5] * norm * (1 - 1e-6))
