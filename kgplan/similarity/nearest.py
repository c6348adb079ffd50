"""Which concepts are nearest in the embedding, of all and exactly?

Eqs. (1) and (2) order pairs by Euclidean distance. All pairs are looked at in float32, a tile of
one matrix product at a time, each half of the symmetric matrix once; what float32 cannot tell from
the worst neighbour held so far is decided in float64.
Sizes: K concepts, d embedding dimension, n neighbours.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numba import njit

from kgplan.arrays import Floats, Ints
from kgplan.errors import InputError
from kgplan.progress import Progress, silent
from kgplan.similarity.heap import empty_rows, is_worse, replace_worst, sort_rows
from kgplan.similarity.threads import in_threads

BLOCK = 2048  # concepts; two blocks' vectors and a strip of their product stay in cache
STRIP = 256  # rows of a block multiplied at once
CHUNK = 64  # values compared at once before any is looked at
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
    costs, ids = empty_rows(size, n)
    limits = np.full(size, np.inf, dtype=np.float32)
    farthest = np.zeros(size, dtype=np.float32)
    starts = range(0, size, BLOCK)
    locks = [Lock() for _ in starts]

    def meet(one: int, other: int) -> None:
        """Offer the concepts of two blocks to each other; nobody else writes to them meanwhile."""
        with ExitStack() as held:
            for block in sorted({one, other}):  # in one order everywhere: no deadlock
                held.enter_context(locks[block])
            columns = slice(starts[other], starts[other] + BLOCK)
            for row in range(starts[one], min(starts[one] + BLOCK, size), STRIP):
                rows = slice(row, min(row + STRIP, starts[one] + BLOCK))
                squared = left[rows] @ right[columns].T
                _offer_strip(
                    squared, row, columns.start, one == other,
                    vectors, scale, errors, costs, ids, limits, farthest,
                )  # fmt: skip

    # neighbouring pairs of the list share no block, so threads seldom wait for each other
    pairs = [
        (k, (k + gap) % len(starts))
        for gap in range(len(starts) // 2 + 1)
        for k in range(len(starts))
    ]
    pairs = list(dict.fromkeys((min(p), max(p)) for p in pairs))
    in_threads(meet, pairs, lambda done: progress("nearest concepts", done, len(pairs)))
    sort_rows(costs, ids)
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


@njit(cache=True)
def _offer(
    i: int, j: int, vectors: Floats, scale: float, errors: Floats, costs: Floats, ids: Ints
) -> float:
    """Show concept j to concept i's heap; return the scaled squared distance worth a look next."""
    cost = -similarity_of(vectors[i], vectors[j])
    if is_worse(costs[i, 0], ids[i, 0], cost, j):
        replace_worst(costs[i], ids[i], costs.shape[1], cost, j)
    if np.isinf(costs[i, 0]):
        return np.inf
    reach = -1 / costs[i, 0] * (1 + 1e-15) - 1 + 1e-15  # a distance, rounded up
    return reach * reach * scale * (1 + 1e-6) + errors[i]


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz", "reassoc"})
def _offer_strip(
    squared: Floats,
    first_row: int,
    first_column: int,
    same_block: bool,
    vectors: Floats,
    scale: float,
    errors: Floats,
    costs: Floats,
    ids: Ints,
    limits: Floats,
    farthest: Floats,
) -> None:
    """Offer a strip's columns to its rows and, unless they are of one block, its rows to them."""
    n_rows, n_columns = squared.shape
    for row in range(n_rows):
        i = first_row + row
        mine, far = limits[i], farthest[i]
        for start in range(0, n_columns, CHUNK):
            chunk = squared[row, start : start + CHUNK]
            theirs = limits[first_column + start : first_column + start + chunk.size]
            hits = 0
            for k in range(chunk.size):
                hits += (chunk[k] <= mine) | (chunk[k] <= theirs[k])
                far = max(far, chunk[k])
            if hits == 0:
                continue
            for k in range(chunk.size):
                j = first_column + start + k
                if chunk[k] <= mine and i != j:
                    mine = np.float32(_offer(i, j, vectors, scale, errors, costs, ids))
                if chunk[k] <= theirs[k] and not same_block:
                    theirs[k] = np.float32(_offer(j, i, vectors, scale, errors, costs, ids))
        limits[i], farthest[i] = mine, far


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
