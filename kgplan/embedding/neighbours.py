"""Do near vectors mean related concepts? How well the distance tells related pairs from others.

Sizes: K concepts, d dimension, P related and Q unrelated pairs.
"""

import numpy as np
from scipy.stats import rankdata

from kgplan.arrays import Floats, Ints


def distance_auc(vectors: Floats, related: Ints, unrelated: Ints) -> float:
    """The chance that a related pair lies closer than an unrelated one (area under the ROC curve).

    Args:
        vectors: (K, d).
        related: (P, 2) rows of `vectors`.
        unrelated: (Q, 2).

    Returns:
        Between 0 and 1; 0.5 where the distance tells nothing. A tie counts half.

    >>> line = np.array([[0.0], [1.0], [5.0]])
    >>> distance_auc(line, np.array([[0, 1]]), np.array([[0, 2], [1, 2]]))
    1.0
    """
    pairs = np.concatenate([related, unrelated])
    distance = np.linalg.norm(vectors[pairs[:, 0]] - vectors[pairs[:, 1]], axis=1)
    places = rankdata(distance)[: len(related)]  # [mann1947]: the rank sum counts the wins
    lost = places.sum() - len(related) * (len(related) + 1) / 2
    return float(1 - lost / (len(related) * len(unrelated)))
