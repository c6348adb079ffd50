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
from kgplan.data.records import csr_from_arrays, csr_to_arrays
from kgplan.errors import InputError
from kgplan.native.compiled import njit
from kgplan.native.heap import empty_rows, is_worse, replace_worst, sort_row
from kgplan.native.threads import in_threads
from kgplan.native.wide import BITS, WORD, at_least, lowest_bit
from kgplan.progress import Progress, silent
from kgplan.similarity.colearning import (
    BATCH,
    TOGETHER,
    CoLearning,
    co_learning,
    cosine,
    count_rows,
)
from kgplan.similarity.fused import Bounds, bounds_of
from kgplan.similarity.nearest import Nearest, nearest, similarity_of

Scale = tuple[float, float, float, float, float, float]
STORED_AS = "neighbours"
ROUNDING = 1e-9  # slack of a float64 bound that only decides what is looked at


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


def neighbours_from_arrays(arrays: Mapping[str, Array]) -> sparse.csr_array:
    """The lists of `TopSimilar.to_csr` from stored arrays.

    Raises:
        KeyError: they were not stored.
    """
    return csr_from_arrays(STORED_AS, arrays)


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
    inverse_norms = np.zeros(len(together.bits) * BITS, dtype=np.float32)
    np.divide(
        1,
        np.sqrt(together.sizes),
        out=inverse_norms[: together.sizes.size],
        where=together.sizes > 0,
    )
    tasks = [(k, min(k + BATCH, size)) for k in range(0, size, BATCH)]

    placed = vectors[together.members]  # those looked at together lie together

    def fuse_some(first: int, last: int) -> None:
        _fuse_some(
            first, last, placed, base, near.similarity, inverse_norms,
            together.group_of, together.sizes, together.members_from, together.members,
            together.sixteens_from, together.sixteens, together.bits, scale, costs, ids,
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
    """Eq. (8) of two parts, each normalised as by `fused.normalised`: in [0, 1]."""
    a, low, spread, b, c_low, c_spread = scale
    of_semantic = min(max((semantic - low) / spread, 0.0), 1.0)
    return a * of_semantic + b * min(max((collaborative - c_low) / c_spread, 0.0), 1.0)


@njit(cache=True, nogil=True)
def _fuse_some(
    first: int,
    last: int,
    placed: Floats,
    base: Ints,
    base_semantic: Floats,
    inverse_norms: Floats,
    group_of: Ints,
    sizes: Ints,
    members_from: Ints,
    members: Ints,
    sixteens_from: Ints,
    sixteens: Ints,
    bits: Ints,
    scale: Scale,
    costs: Floats,
    ids: Ints,
) -> None:
    """Make the lists of some concepts, given by their places among the members of all groups."""
    counts = np.zeros((TOGETHER, inverse_norms.size), dtype=np.int32)  # 0 where without weight
    levels = np.empty(inverse_norms.size, dtype=np.float32)
    highest = np.empty(levels.size // WORD, dtype=np.float32)
    met = np.full(group_of.size, -1, dtype=np.int32)  # the last concept that each was offered to
    least = np.float32(0.5 / np.sqrt(float(max(sizes.max(), 1))))  # below any with a common learner
    first_counted, end_counted, levelled = 0, 0, -1
    for place in range(first, last):
        i = members[place]
        group = group_of[i]
        together = scale[3] > 0 and sizes[group] > 0
        if together and group >= end_counted:
            first_counted = group
            end_counted = min(group + TOGETHER, group_of[members[last - 1]] + 1)
            rows = counts[: end_counted - first_counted]
            count_rows(first_counted, rows, sixteens_from, sixteens, bits)
        shared = counts[group - first_counted if together else 0]
        met[i] = i
        for k in range(base.shape[1]):
            j = base[i, k]
            met[j] = i
            alike = cosine(shared[group_of[j]], sizes[group], sizes[group_of[j]]) if together else 0
            cost = -fused_value(base_semantic[i, k], alike, scale)
            if is_worse(costs[i, 0], ids[i, 0], cost, j):
                replace_worst(costs[i], ids[i], ids.shape[1], cost, j)
        if together:
            if group != levelled:
                _level(shared, inverse_norms, levels, highest)
                levelled = group
            _enter_co_learned(
                i, shared, levels, highest, met, least, base_semantic[i, -1], placed[place], placed,
                sizes[group], sizes, members_from, members, scale, costs[i], ids[i],
            )  # fmt: skip
        sort_row(costs[i], ids[i])


@njit(cache=True)
def _level(shared: Ints, inverse_norms: Floats, levels: Floats, highest: Floats) -> None:
    """Eq. (5) but for the row's own norm, in float32, and the highest of every 64."""
    for k in range(highest.size):
        top = np.float32(0)
        for g in range(k * WORD, (k + 1) * WORD):
            levels[g] = np.float32(shared[g]) * inverse_norms[g]
            top = max(top, levels[g])
        highest[k] = top


@njit(cache=True)
def _enter_co_learned(
    i: int,
    shared: Ints,
    levels: Floats,
    highest: Floats,
    met: Ints,
    least: float,
    worst_semantic: float,
    vector: Floats,
    placed: Floats,
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
    below, low = np.float32(np.inf), highest.max() / np.float32(2)
    while True:
        end = max(_needed(-costs[0], worst_semantic, scale, norm), least)
        low = max(low, end)
        for k in range(highest.size):
            if highest[k] < low:
                continue
            hits = at_least(levels, k * WORD, low) & ~at_least(levels, k * WORD, below)
            while hits:
                g = k * WORD + lowest_bit(hits)
                hits &= hits - np.uint64(1)
                if levels[g] < end:  # the list gets better: what was enough may be so no more
                    continue
                collaborative = cosine(shared[g], size, sizes[g])
                for place in range(members_from[g], members_from[g + 1]):
                    j = members[place]
                    if met[j] == i:
                        continue
                    semantic = similarity_of(vector, placed[place])
                    cost = -fused_value(semantic, collaborative, scale)
                    if is_worse(costs[0], ids[0], cost, j):
                        replace_worst(costs, ids, costs.size, cost, j)
                        end = max(_needed(-costs[0], worst_semantic, scale, norm), least)
        if low <= end:
            break
        below, low = low, low / np.float32(2)


@njit(cache=True)
def _needed(worst_value: float, worst_semantic: float, scale: Scale, norm: float) -> np.float32:
    """The level that reaches a value where the semantic part is at its best, rounded down."""
    missing = worst_value - ROUNDING - fused_value(worst_semantic, 0.0, scale)
    return np.float32((scale[4] + missing / scale[3] * scale[5]) * norm * (1 - 1e-6))
