"""Which concepts are nearest in the embedding, of all and exactly?

Eqs. (1) and (2) order pairs by Euclidean distance. All pairs are looked at in float32, a tile of
one matrix product at a time, each half of the symmetric matrix once. What float32 cannot tell from
a concept's n-th nearest so far is held, and decided in float64 at the end.
Sizes: K concepts, d embedding dimension, n neighbours.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple

import numpy as np

from kgplan.arrays import Floats, Ints
from kgplan.errors import InputError
from kgplan.native.compiled import njit
from kgplan.native.heap import LAST, empty_rows, is_worse, replace_worst, sort_row
from kgplan.native.threads import in_threads
from kgplan.native.wide import WORD, at_most, at_most_each, bit_count, lowest_bit
from kgplan.progress import Progress, silent

BLOCK = 2048  # concepts; two blocks' vectors stay in cache
TILE = 256, 512  # rows and columns of two blocks multiplied at once: the product stays in cache
HALVINGS = 12  # of an interval that holds the n-th nearest
HALF_ULP = 2.0**-24  # largest relative error of rounding to float32


@dataclass(frozen=True)
class Nearest:
    """Every concept's nearest others.

    Attributes:
        ids: (K, n) positions of the n nearest others, nearest first, ties by position.
        similarity: (K, n) eq. (2) of each.
        farthest: the two concepts farthest apart.
        smallest: eq. (2) of those two.
    """

    ids: Ints
    similarity: Floats
    farthest: tuple[int, int]
    smallest: float


class _Held(NamedTuple):
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


def nearest(vectors: Floats, n: int, progress: Progress = silent) -> Nearest:
    """The n nearest of all K - 1 others, for every concept, and the pair farthest apart.

    Args:
        vectors: (K, d) finite.
        n: neighbours, from 1 to K - 1; 0 where there is no pair.
        progress: told the concepts done.

    Raises:
        InputError: a vector is not finite, or n is out of range.

    >>> found = nearest(np.array([[0.0], [1.0], [3.0]]), 1)
    >>> found.ids.ravel(), found.similarity.ravel().round(3), found.farthest
    (array([1, 0, 1], dtype=int32), array([0.5  , 0.5  , 0.333]), (0, 2))
    """
    size = len(vectors)
    if size < 2 and n <= 0:
        return Nearest(np.empty((size, 0), dtype=np.int32), np.empty((size, 0)), (0, 0), 0.0)
    if not 1 <= n < size:
        raise InputError(f"n is {n} for {size} concepts; it goes from 1 to {size - 1}")
    vectors = np.ascontiguousarray(vectors, dtype=np.float64)
    wrong = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if wrong.size:
        raise InputError(
            f"the vectors of {wrong.size} concepts are not finite, the first at position"
            f" {wrong[0]}; train the embedding again"
        )
    left, right, scale, errors = _float32_factors(vectors)
    # columns are compared WORD at a time: the last are filled up, and nobody is near to those
    right = np.concatenate([right, np.repeat(right[:1], -size % WORD, axis=0)])
    limits = np.full(len(right), -np.inf, dtype=np.float32)
    limits[:size] = np.inf
    farthest = np.zeros(size, dtype=np.float32)
    places = (2 * n // WORD + 1) * WORD  # at least n + 1 free after the n nearest
    held = _Held(
        np.empty((size, places), dtype=np.float32),
        np.empty((size, places), dtype=np.int32),
        np.zeros(size, dtype=np.int32),
        n,
        scale,
        errors,
    )
    starts = range(0, size, BLOCK)
    locks = [Lock() for _ in starts]

    def meet(one: int, other: int) -> None:
        """Offer the concepts of two blocks to each other; nobody else writes to them meanwhile."""
        with ExitStack() as using:
            for block in sorted({one, other}):  # in one order everywhere: no deadlock
                using.enter_context(locks[block])
            for row in range(starts[one], min(starts[one] + BLOCK, size), TILE[0]):
                rows = left[row : min(row + TILE[0], starts[one] + BLOCK)]
                for column in range(starts[other], min(starts[other] + BLOCK, size), TILE[1]):
                    squared = rows @ right[column : column + TILE[1]].T
                    _offer_tile(squared, row, column, one == other, vectors, held, limits, farthest)

    # neighbouring pairs of the list share no block, so threads seldom wait for each other
    pairs = [
        (k, (k + gap) % len(starts))
        for gap in range(len(starts) // 2 + 1)
        for k in range(len(starts))
    ]
    pairs = list(dict.fromkeys((min(p), max(p)) for p in pairs))
    in_threads(meet, pairs, lambda done: progress("nearest concepts", done, len(pairs)))
    costs, ids = empty_rows(size, n)
    in_threads(
        lambda first: _decide(first, min(first + BLOCK, size), vectors, held, costs, ids),
        [(first,) for first in starts],
    )
    could_be = np.flatnonzero(farthest >= farthest.max() - 2 * errors.max())
    one, other = _farthest_of(vectors, could_be)
    smallest = similarity_of(vectors[one], vectors[other])
    return Nearest(ids, -costs, (min(one, other), max(one, other)), smallest)


def _float32_factors(vectors: Floats) -> tuple[Floats, Floats, float, Floats]:
    """Two matrices whose product is every squared distance, and how far float32 may be off.

    Returns:
        (K, d + 2), (K, d + 2) float32 factors of the scaled vectors, the factor that squared
        distances were scaled by, and (K,) bounds of the absolute error in each row.
    """
    centred = vectors - vectors.mean(axis=0)
    radius = np.sqrt((centred**2).sum(axis=1))
    unit = float(radius.max()) or 1.0
    centred /= unit
    radius /= unit
    squares = (centred**2).sum(axis=1)
    size, dimension = vectors.shape
    left = np.empty((size, dimension + 2), dtype=np.float32)
    right = np.empty_like(left)
    left[:, :dimension], left[:, -2], left[:, -1] = -2 * centred, squares, 1
    right[:, :dimension], right[:, -2], right[:, -1] = centred, 1, squares
    # |fl(a . b) - a . b| <= m u sum |a_k b_k| for m terms (Higham, Accuracy and Stability of
    # Numerical Algorithms, sec. 3.1); three roundings more for the factors, one to spare
    errors = (dimension + 6) * HALF_ULP * (radius + 1) ** 2
    return left, right, 1 / unit**2, errors


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
def _offer_tile(
    squared: Floats,
    first_row: int,
    first_column: int,
    same_block: bool,
    vectors: Floats,
    held: _Held,
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
def _hold(i: int, j: int, squared: float, vectors: Floats, held: _Held, limits: Floats) -> None:
    """Hold concept j for concept i; when no place is left, keep what could be of the n nearest."""
    place = held.counts[i]
    held.squared[i, place], held.ids[i, place] = squared, j
    held.counts[i] += 1
    if place + 1 < held.ids.shape[1]:
        return
    limits[i] = _prune(i, held)
    if (
        2 * held.counts[i] > held.n + held.ids.shape[1]
    ):  # there are many that float32 cannot tell apart
        costs, ids = np.full(held.n, np.inf), np.full(held.n, LAST, dtype=np.int32)
        _decide_row(i, vectors, held, costs, ids)
        for k in range(held.n):
            held.squared[i, k] = squared_distance(vectors[i], vectors[ids[k]]) * held.scale
            held.ids[i, k] = ids[k]
        held.counts[i] = held.n


@njit(cache=True)
def _prune(i: int, held: _Held) -> float:
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
def _decide_row(i: int, vectors: Floats, held: _Held, costs: Floats, ids: Ints) -> None:
    """Fill an empty heap with the best of what is held for concept i."""
    for k in range(held.counts[i]):
        j = held.ids[i, k]
        cost = -similarity_of(vectors[i], vectors[j])
        if is_worse(costs[0], ids[0], cost, j):
            replace_worst(costs, ids, costs.size, cost, j)


@njit(cache=True, nogil=True)
def _decide(first: int, last: int, vectors: Floats, held: _Held, costs: Floats, ids: Ints) -> None:
    """Turn what is held for some concepts into lists, best first."""
    for i in range(first, last):
        _prune(i, held)
        _decide_row(i, vectors, held, costs[i], ids[i])
        sort_row(costs[i], ids[i])


def _farthest_of(vectors: Floats, rows: Ints) -> tuple[int, int]:
    """The pair farthest apart of which one is in `rows`."""
    _, first = np.unique(vectors[rows], axis=0, return_index=True)  # equal vectors once
    rows = rows[first]
    best, at = _farthest_each(vectors, rows)
    k = int(np.lexsort((at, rows, -best))[0])
    return int(rows[k]), int(at[k])


@njit(cache=True, nogil=True)
def _farthest_each(vectors: Floats, rows: Ints) -> tuple[Floats, Ints]:
    best, at = np.full(rows.size, -1.0), np.zeros(rows.size, dtype=np.int64)
    for r in range(rows.size):
        for j in range(len(vectors)):
            squared = squared_distance(vectors[rows[r]], vectors[j])
            if j != rows[r] and squared > best[r]:
                best[r], at[r] = squared, j
    return best, at
