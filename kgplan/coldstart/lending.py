"""What do neighbours' masteries say of a learner's, before own rows do? Spec section 7.

Sizes: k neighbours, U known learners, K concepts.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import expit, logit

from kgplan.arrays import Floats, Ints, check_axis
from kgplan.configured import check_above_zero
from kgplan.errors import ConfigError

BOUND = 0.01
"""Masteries are clipped to [.01, .99] before log odds are taken."""


@dataclass(frozen=True)
class LendingConfig:
    """How much is lent.

    Attributes:
        most: lambda_max, the largest share of a prior that is lent; 0 lends nothing.
        fade: kappa, own rows after which half as much is lent.
        pull: m0, the weight of the usual prior among the neighbours.

    Raises:
        ConfigError: a setting cannot be.
    """

    most: float = 0.5
    fade: float = 3.0
    pull: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.most <= 1:
            raise ConfigError(f"most is {self.most}; give a share from 0 to 1")
        check_above_zero(self, "fade", "pull")


def lent_share(config: LendingConfig, confidence: float, n: int) -> float:
    """lambda of (7.2): fades as own rows arrive.

    >>> lent_share(LendingConfig(most=0.5, fade=3.0), 1.0, 3)
    0.25
    """
    return config.most * confidence * config.fade / (config.fade + n)


def neighbours_mastery(
    positions: Ints, weights: Floats, mastery: sparse.csr_array, prior: Floats, pull: float
) -> Floats:
    """(K,) b of (7.3): the weighed mean of neighbours in whom the concept is identified.

    Args:
        positions, weights: (k,) of the neighbours.
        mastery: (U, K) stored where identified.
        prior: (K,) pi, which counts as a neighbour of weight `pull`.
        pull: m0, above 0.
    """
    check_axis("K", mastery=mastery.shape[1], prior=prior.size)
    total, weight = pull * prior, np.full(prior.size, pull)
    for at, w in zip(positions.tolist(), weights.tolist(), strict=True):
        row = slice(*mastery.indptr[at : at + 2].tolist())
        total[mastery.indices[row]] += w * mastery.data[row]
        weight[mastery.indices[row]] += w
    return total / weight


def lent_prior(prior: Floats, lent: Floats, share: float) -> Floats:
    """(K,) pi_u of (7.3), between the usual prior and the neighbours' mastery in log odds.

    Args:
        prior: (K,) pi.
        lent: (K,) b.
        share: lambda, from 0 to 1; 0 gives the prior itself, to the last bit.
    """
    if share == 0:
        return prior
    usual, other = (logit(np.clip(each, BOUND, 1 - BOUND)) for each in (prior, lent))
    return np.asarray(expit((1 - share) * usual + share * other))
