"""Which known learners are nearest, how much does each count, and what did they open?

Sizes: B learners asked about, U known learners, k neighbours, V items, d width.
"""

import numpy as np
from scipy import sparse

from kgplan.arrays import Floats, Ints

SHARPNESS = 10
"""w_j = S_j^10 / sum S^10: the nearest count most."""


def similarity(cosine: Floats) -> Floats:
    """S = exp(-D), eq. (3) and (4), of vectors of length 1: D^2 = 2 - 2 cos.

    >>> similarity(np.array([1.0, -1.0])).round(3)
    array([1.   , 0.135])
    """
    return np.exp(-np.sqrt(np.maximum(2 - 2 * cosine, 0)))


def nearest(known: Floats, asked: Floats, k: int) -> tuple[Ints, Floats]:
    """The most similar known learners, exactly, by one product of matrices.

    Args:
        known: (U, d) vectors of length 1.
        asked: (B, d) such vectors.
        k: how many, at most.

    Returns:
        (B, k) positions, the most similar first, ties by position, and (B, k) their S.
    """
    cosine = asked @ known.T
    k = min(k, known.shape[0])
    if k == 0:
        return np.zeros((asked.shape[0], 0), np.int64), np.zeros((asked.shape[0], 0))
    least = np.partition(cosine, -k, axis=1)[:, -k]
    found = np.empty((asked.shape[0], k), np.int64)
    for row, (line, bound) in enumerate(zip(cosine, least, strict=True)):
        at = np.flatnonzero(line >= bound)  # more than k where several stand at the bound
        found[row] = at[np.argsort(-line[at], kind="stable")[:k]]
    return found, similarity(np.take_along_axis(cosine, found, axis=1))


def weights_of(alike: Floats) -> Floats:
    """(B, k) w_j, adding to 1, of the (B, k) S_j."""
    power = alike**SHARPNESS
    return power / np.maximum(power.sum(axis=1, keepdims=True), np.finfo(float).tiny)


def item_scores(positions: Ints, weights: Floats, opened: sparse.csr_array) -> Floats:
    """(B, V) how much of the neighbours' weight opened each item.

    Args:
        positions, weights: (B, k) of the neighbours.
        opened: (U, V) 1 where the known learner opened the item.
    """
    n, k = positions.shape
    starts = np.arange(0, n * k + 1, k) if k else np.zeros(n + 1, np.int64)
    shape = (n, opened.shape[0])
    of_known = sparse.csr_array((weights.ravel(), positions.ravel(), starts), shape=shape)
    return (of_known @ opened).toarray()
