"""How sure is a mastery, and how much of it did the learner's own evidence say?

Arrays in, arrays out; any shape.
"""

import numpy as np
from scipy.special import entr, xlogy

from kgplan.arrays import Floats

WEAK_EVIDENCE = 0.01
"""Bits of divergence below which a mastery is still all but the prior: .5 moved to .44 or .56."""


def entropy(mastery: Floats) -> Floats:
    """What is still open about a concept, in bits: 0 sure, 1 a fair coin.

    Args:
        mastery: probabilities.

    >>> entropy(np.array([0.5, 1.0]))
    array([1., 0.])
    """
    return (entr(mastery) + entr(1 - mastery)) / np.log(2)


def divergence(mastery: Floats, prior: Floats) -> Floats:
    """What the evidence said about a concept, in bits: KL(posterior || prior) of its two states.

    Args:
        mastery: probabilities after the evidence.
        prior: probabilities before it, strictly between 0 and 1.

    >>> divergence(np.array([0.5, 1.0, 0.56]), np.array([0.5, 0.5, 0.5])).round(2)
    array([0.  , 1.  , 0.01])
    """
    held = xlogy(mastery, mastery / prior)
    not_held = xlogy(1 - mastery, (1 - mastery) / (1 - prior))
    return np.maximum(held + not_held, 0.0) / np.log(2)  # rounding may fall below 0
