"""Which concepts have the largest eq. (8) with a concept? The nearest, then those learned together.

Sizes: K concepts, G groups of concepts with the same learners, n neighbours.
"""

from typing import NamedTuple

import numpy as np

from kgplan.arrays import Floats, Ints
from kgplan.native.adders import TOGETHER, Groups, cosine, count_rows
from kgplan.native.compiled import njit
from kgplan.native.heap import is_worse, replace_worst, sort_row
from kgplan.native.neighbours import similarity_of
from kgplan.native.wide import WORD, at_least, lowest_bit

Scale = tuple[float, float, float, float, float, float]
ROUNDING = 1e-9  # slack of a float64 bound that only decides what is looked at


class Semantic(NamedTuple):
    """What the embedding says.

    Attributes:
        placed: (K, d) vectors in the order of the groups' members.
        base: (K, n) positions of each concept's nearest.
        similarity: (K, n) eq. (2) of each.
    """

    placed: Floats
    base: Ints
    similarity: Floats


class _Work(NamedTuple):
    """Arrays to work in.

    Attributes:
        counts: (TOGETHER, 512 B) learners that groups share with every group; 0 without weight.
        levels: (512 B,) eq. (5) of one of them with every group, but for its own norm.
        highest: the highest level of every 64.
        met: (K,) the last concept that each was offered to.
    """

    counts: Ints
    levels: Floats
    highest: Floats
    met: Ints


@njit(cache=True)
def _work(n_concepts: int, n_places: int) -> _Work:
    return _Work(
        np.zeros((TOGETHER, n_places), dtype=np.int32),
        np.empty(n_places, dtype=np.float32),
        np.empty(n_places // WORD, dtype=np.float32),
        np.full(n_concepts, -1, dtype=np.int32),
    )


@njit(cache=True)
def fused_value(semantic: float, collaborative: float, scale: Scale) -> float:
    """Eq. (8) of two parts, each normalised as by `fused.normalised`: in [0, 1]."""
    a, low, spread, b, c_low, c_spread = scale
    of_semantic = min(max((semantic - low) / spread, 0.0), 1.0)
    return a * of_semantic + b * min(max((collaborative - c_low) / c_spread, 0.0), 1.0)


@njit(cache=True, nogil=True)
def fuse_some(
    first: int,
    last: int,
    groups: Groups,
    semantic: Semantic,
    inverse_norms: Floats,
    scale: Scale,
    costs: Floats,
    ids: Ints,
) -> None:
    """Make the lists of some concepts, given by their places among the members of all groups.

    Args:
        first, last: the places.
        groups, semantic: both parts of eq. (8).
        inverse_norms: (512 B,) float32, 1 over the root of each group's learners; 0 for none.
        scale: of both parts.
        costs, ids: (K, n) empty rows, to be filled.
    """
    group_of, sizes, members = groups.group_of, groups.sizes, groups.members
    base, base_semantic = semantic.base, semantic.similarity
    work = _work(group_of.size, inverse_norms.size)
    counts, met = work.counts, work.met
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
            count_rows(first_counted, rows, groups)
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
                _level(shared, inverse_norms, work.levels, work.highest)
                levelled = group
            _enter_co_learned(place, shared, least, groups, semantic, scale, work, costs[i], ids[i])
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
    place: int,
    shared: Ints,
    least: float,
    groups: Groups,
    semantic: Semantic,
    scale: Scale,
    work: _Work,
    costs: Floats,
    ids: Ints,
) -> None:
    """Offer the concept at a place those that share learners with it, from the most alike down.

    A pair whose collaborative part is too small for the list even at `worst_semantic` is passed
    over; going down by halves, the list is good before the many small ones come up.
    """
    sizes, members_from, members = groups.sizes, groups.members_from, groups.members
    levels, highest, met, placed = work.levels, work.highest, work.met, semantic.placed
    i, vector = members[place], placed[place]
    size, worst_semantic = sizes[groups.group_of[i]], semantic.similarity[i, -1]
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
                for other in range(members_from[g], members_from[g + 1]):
                    j = members[other]
                    if met[j] == i:
                        continue
                    near = similarity_of(vector, placed[other])
                    cost = -fused_value(near, collaborative, scale)
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
