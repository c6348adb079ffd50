"""How much of a video would a learner watch, by what learners alike watched? Eq. (6) to (8), (20).

Sizes: U learners, V items, n pairs asked about.
"""

from dataclasses import dataclass

import numpy as np

from kgplan.arrays import Array, Floats, Ints

SHARED = 3  # items that both rated; with fewer two learners are not alike at all
NEAREST = 20  # learners, or items, that are asked
FEWEST = 5  # of the cluster who rated the item; with fewer all learners are asked


@dataclass(frozen=True)
class Ratings:
    """What is known.

    Attributes:
        share: (U, V) watched; anything where it is not known.
        known: (U, V) True where it is.
    """

    share: Floats
    known: Array

    @property
    def mean(self) -> float:
        """Of all that is known."""
        return float(self.share[self.known].mean())

    @property
    def of_learners(self) -> Floats:
        """(U,) means; that of all for one of whom nothing is known."""
        return _means(self.share, self.known, 1, self.mean)

    @property
    def of_items(self) -> Floats:
        """(V,) likewise."""
        return _means(self.share, self.known, 0, self.mean)


def _means(share: Floats, known: Array, axis: int, otherwise: float) -> Floats:
    total, count = np.where(known, share, 0.0).sum(axis=axis), known.sum(axis=axis)
    return np.divide(total, count, out=np.full(count.shape, otherwise), where=count > 0)


def pearson(share: Floats, known: Array, least: int = SHARED) -> Floats:
    """(U, U) eq. (7) over what both rated; 0 for fewer than `least`, or where either is constant.

    Args:
        share, known: (U, V) as in `Ratings`; of items for the transposed.
        least: items that both rated.
    """
    here = known.astype(np.float64)
    x = np.where(known, share, 0.0)
    both = here @ here.T
    count = np.maximum(both, 1)
    mine = x @ here.T  # (u, v) sum of u's over what both rated
    product = x @ x.T - mine * mine.T / count
    squares = (x**2) @ here.T - mine**2 / count
    size = np.sqrt(np.maximum(squares * squares.T, 0))
    safe = (both >= least) & (size > 1e-9)
    return np.divide(product, size, out=np.zeros_like(product), where=safe)


def by_learners(
    ratings: Ratings, learner: Ints, item: Ints, cluster: Ints | None = None
) -> tuple[Floats, Array]:
    """r^ of eq. (8), user-based: the learner's mean, moved by neighbours who rated the item.

    Args:
        ratings: what is known.
        learner, item: (n,) pairs asked about.
        cluster: (U,) neighbours are of the learner's where `FEWEST` of it rated the item; -1 for
            none; all learners where it is None.

    Returns:
        (n,) shares, and (n,) True where a neighbour had a say; the others are item means.
    """
    alike = pearson(ratings.share, ratings.known)
    means, of_items = ratings.of_learners, ratings.of_items
    found, told = np.empty(learner.size), np.zeros(learner.size, dtype=bool)
    for k, (u, i) in enumerate(zip(learner.tolist(), item.tolist(), strict=True)):
        rated = ratings.known[:, i].copy()
        rated[u] = False
        if cluster is not None and cluster[u] >= 0:
            near = rated & (cluster == cluster[u])
            rated = near if near.sum() >= FEWEST else rated
        others = np.flatnonzero(rated & (alike[u] > 0))
        others = others[np.argsort(-alike[u, others], kind="stable")][:NEAREST]
        if others.size:
            say = alike[u, others]
            move = say @ (ratings.share[others, i] - means[others]) / say.sum()
            found[k], told[k] = np.clip(means[u] + move, 0, 1), True
        else:
            found[k] = of_items[i]
    return found, told


def by_items(ratings: Ratings, learner: Ints, item: Ints) -> tuple[Floats, Array]:
    """Eq. (20), item-based: the mean of the learner's own shares, weighed by how alike items are.

    Args:
        ratings, learner, item: as for `by_learners`.

    Returns:
        As `by_learners`.
    """
    alike = pearson(ratings.share.T, ratings.known.T)
    of_items = ratings.of_items
    found, told = np.empty(learner.size), np.zeros(learner.size, dtype=bool)
    for k, (u, i) in enumerate(zip(learner.tolist(), item.tolist(), strict=True)):
        own = ratings.known[u].copy()
        own[i] = False
        others = np.flatnonzero(own & (alike[i] > 0))
        others = others[np.argsort(-alike[i, others], kind="stable")][:NEAREST]
        if others.size:
            say = alike[i, others]
            found[k], told[k] = say @ ratings.share[u, others] / say.sum(), True
        else:
            found[k] = of_items[i]
    return found, told
