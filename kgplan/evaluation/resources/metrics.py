"""How good is a list of resources, given what was opened next?

Sizes: n length of a list, m resources that were opened, d length of a vector.
"""

import numpy as np

from kgplan.arrays import Floats, Ints


def precision(shown: Ints, opened: Ints, n: int) -> float:
    """Share of the first n that was opened; fewer than n that are shown count as misses.

    >>> precision(np.array([3, 1, 2]), np.array([1, 9]), 2)
    0.5
    """
    return float(np.isin(shown[:n], opened).sum()) / n


def recall(shown: Ints, opened: Ints, n: int) -> float:
    """Share of what was opened that is among the first n."""
    return float(np.isin(shown[:n], opened).sum()) / opened.size


def ndcg(shown: Ints, opened: Ints, n: int) -> float:
    """Gain of the first n, binary and discounted by log2(1 + place), of the best there is."""
    discount = 1 / np.log2(2 + np.arange(n))
    gain = np.isin(shown[:n], opened) @ discount[: shown[:n].size]
    return float(gain / discount[: min(n, opened.size)].sum())


def diversity(vectors: Floats) -> float:
    """1 less the mean cosine over pairs of what is shown, see spec section 8.

    Args:
        vectors: (n, d) of what is shown; one of zeros is like none.

    Returns:
        1 for a list of fewer than two.
    """
    n = vectors.shape[0]
    if n < 2:
        return 1.0
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(norms > 0, norms, 1)
    alike = unit @ unit.T
    return float(1 - (alike.sum() - np.trace(alike)) / (n * (n - 1)))


def paired_interval(
    ours: Floats, theirs: Floats, rng: np.random.Generator, draws: int = 2_000
) -> tuple[float, float]:
    """95 % interval of the mean of the differences, by drawing learners again.

    Args:
        ours, theirs: (n,) of the same learners; mean over seeds where there are several.
        rng: draws.
        draws: how often.
    """
    difference = ours - theirs
    rows = rng.integers(0, difference.size, (draws, difference.size))
    low, high = np.quantile(difference[rows].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)
