"""Which vectors are among the n nearest, and which is farthest? What float32 cannot tell is held.

Sizes: K concepts, d embedding dimension, n neighbours.
"""

from typing import NamedTuple

import numpy as np

from kgplan.arrays import Floats, Ints
from kgplan.native.compiled import njit
from kgplan.native.heap import LAST, is_worse, replace_worst, sort_row
from kgplan.native.wide import WORD, at_most, at_most_each, bit_count, lowest_bit

HALVINGS = 12  # of an interval that holds the n-th nearest


class Held(NamedTuple):
    """For each concept those that could be among its n nearest.

    Attributes:
        squared: (K, places) float32 squared distances, scaled.
        ids: (K, places) whose they are.
        counts: (K,) how many places are taken.
        n: neighbours.
        scale: what squared distances were multiplied by.
        errors: (K,) bounds of the absolute error of each row's.
    """

    squared: Floats
    ids: Ints
    counts: Ints
    n: int
    scale: float
    errors: Floats


@njit(cache=True, fastmath={"nnan", "nsz", "reassoc", "contract"})
def squared_distance(one: Floats, other: Floats) -> float:
    """Squared Euclidean distance of two vectors."""
    total = 0.0
    for k in range(one.size):
        total += (one[k] - other[k]) ** 2
    return total


@njit(cache=True)
def similarity_of(one: Floats, other: Floats) -> float:
    """Eqs. (1) and (2) of two vectors."""
    return 1 / (1 + np.sqrt(squared_distance(one, other)))


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz", "reassoc"})
def offer_tile(
    squared: Floats,
    first_row: int,
    first_column: int,
    same_block: bool,
    vectors: Floats,
    held: Held,
    limits: Floats,
    farthest: Floats,
) -> None:
    """Offer a tile's columns to its rows and, unless they are of one block, its rows to them."""
    for row in range(len(squared)):
        i, values = first_row + row, squared[row]
        far = farthest[i]
        for start in range(0, values.size, WORD):
            column = first_column + start
            for k in range(start, start + WORD):
                far = max(far, values[k])
            mine = at_most(values, start, limits[i])
            theirs = np.uint64(0) if same_block else at_most_each(values, start, limits, column)
            while mine:
                k = lowest_bit(mine)
                mine &= mine - np.uint64(1)
                if column + k != i and column + k < len(vectors):
                    _hold(i, column + k, values[start + k], vectors, held, limits)
            while theirs:
                k = lowest_bit(theirs)
                theirs &= theirs - np.uint64(1)
                _hold(column + k, i, values[start + k], vectors, held, limits)
        farthest[i] = far


@njit(cache=True)
def _hold(i: int, j: int, squared: float, vectors: Floats, held: Held, limits: Floats) -> None:
    """Hold concept j for concept i; when no place is left, keep what could be of the n nearest."""
    place = held.counts[i]
    held.squared[i, place], held.ids[i, place] = squared, j
    held.counts[i] += 1
    if place + 1 < held.ids.shape[1]:
        return
    limits[i] = _prune(i, held)
    # there are many that float32 cannot tell apart
    if 2 * held.counts[i] > held.n + held.ids.shape[1]:
        costs, ids = np.full(held.n, np.inf), np.full(held.n, LAST, dtype=np.int32)
        _decide_row(i, vectors, held, costs, ids)
        for k in range(held.n):
            held.squared[i, k] = squared_distance(vectors[i], vectors[ids[k]]) * held.scale
            held.ids[i, k] = ids[k]
        held.counts[i] = held.n


@njit(cache=True)
def _prune(i: int, held: Held) -> float:
    """Let go of those held for concept i that cannot be of its n nearest; return the limit."""
    squared, ids = held.squared[i], held.ids[i]
    squared[held.counts[i] :] = np.inf
    low, high = np.float32(0), np.float32(0)
    for k in range(held.counts[i]):
        low, high = min(low, squared[k]), max(high, squared[k])
    for _ in range(HALVINGS):  # at least n are below `high`, and not many more
        middle = low + (high - low) / np.float32(2)
        below = np.uint64(0)
        for start in range(0, squared.size, WORD):
            below += bit_count(at_most(squared, start, middle))
        if below >= held.n:
            high = middle
        else:
            low = middle
    # different distances may have one similarity, among which ids decide
    reach = np.sqrt(max(high + held.errors[i], 0) / held.scale) * (1 + 4e-15) + 4e-15
    limit = np.float32(reach * reach * held.scale * (1 + 1e-6) + held.errors[i])
    kept = 0
    for start in range(0, squared.size, WORD):
        near = at_most(squared, start, limit)
        while near:
            k = start + lowest_bit(near)
            near &= near - np.uint64(1)
            squared[kept], ids[kept] = squared[k], ids[k]
            kept += 1
    held.counts[i] = kept
    return float(limit)


@njit(cache=True)
def _decide_row(i: int, vectors: Floats, held: Held, costs: Floats, ids: Ints) -> None:
    """Fill an empty heap with the best of what is held for concept i."""
    for k in range(held.counts[i]):
        j = held.ids[i, k]
        cost = -similarity_of(vectors[i], vectors[j])
        if is_worse(costs[0], ids[0], cost, j):
            replace_worst(costs, ids, costs.size, cost, j)


@njit(cache=True, nogil=True)
def decide(first: int, last: int, vectors: Floats, held: Held, costs: Floats, ids: Ints) -> None:
    """Turn what is held for some concepts into lists, best first."""
    for i in range(first, last):
        _prune(i, held)
        _decide_row(i, vectors, held, costs[i], ids[i])
        sort_row(costs[i], ids[i])


@njit(cache=True, nogil=True)
def farthest_each(vectors: Floats, rows: Ints) -> tuple[Floats, Ints]:
    """Squared distance and position of the vector farthest from each of some."""
    best, at = np.full(rows.size, -1.0), np.zeros(rows.size, dtype=np.int64)
    for r in range(rows.size):
        for j in range(len(vectors)):
            squared = squared_distance(vectors[rows[r]], vectors[j])
            if j != rows[r] and squared > best[r]:
                best[r], at[r] = squared, j
    return best, at
