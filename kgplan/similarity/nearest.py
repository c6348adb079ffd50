"""Which concepts are nearest in the embedding, of all and exactly?

Eqs. (1) and (2) order pairs by Euclidean distance. All pairs are looked at in float32, a tile of
one matrix product at a time, each half of the symmetric matrix once. What float32 cannot tell from
a concept's n-th nearest so far is held, and decided in float64 at the end.
Sizes: K concepts, d embedding dimension, n neighbours.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from threading import Lock

import numpy as np

from kgplan.arrays import Floats, Ints
from kgplan.errors import InputError
from kgplan.native.heap import empty_rows
from kgplan.native.neighbours import Held, decide, farthest_each, offer_tile, similarity_of
from kgplan.native.threads import in_threads
from kgplan.native.wide import WORD
from kgplan.progress import Progress, silent

BLOCK = 2048  # concepts; two blocks' vectors stay in cache
TILE = 256, 512  # rows and columns of two blocks multiplied at once: the product stays in cache
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
    # columns are compared WORD at a time: the last are filled up, and nobody is near to those
    right = np.concatenate([right, np.repeat(right[:1], -size % WORD, axis=0)])
    limits = np.full(len(right), -np.inf, dtype=np.float32)
    limits[:size] = np.inf
    farthest = np.zeros(size, dtype=np.float32)
    places = (2 * n // WORD + 1) * WORD  # at least n + 1 free after the n nearest
    held = Held(
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
                    offer_tile(squared, row, column, one == other, vectors, held, limits, farthest)

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
        lambda first: decide(first, min(first + BLOCK, size), vectors, held, costs, ids),
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


def _farthest_of(vectors: Floats, rows: Ints) -> tuple[int, int]:
    """The pair farthest apart of which one is in `rows`."""
    _, first = np.unique(vectors[rows], axis=0, return_index=True)  # equal vectors once
    rows = rows[first]
    best, at = farthest_each(vectors, rows)
    k = int(np.lexsort((at, rows, -best))[0])
    return int(rows[k]), int(at[k])
