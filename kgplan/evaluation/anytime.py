"""How much better is one arm, said so that it holds whenever somebody looks?

An interval for a fixed number of learners is wrong more often than it says once it is looked at
again and again. Those here hold at all times together: looking early, often, and stopping because
of what was seen cost nothing.

Sources:
    S. R. Howard, A. Ramdas, J. McAuliffe, J. Sekhon: Time-uniform, nonparametric, nonasymptotic
    confidence sequences. Annals of Statistics 49(2), 2021: the empirical-Bernstein bound
    (Theorem 4), its use for randomised trials (section 4.2), the gamma-exponential mixture
    (Proposition 9).
    M. Lindon, A. Malek: Anytime-valid inference for multinomial count data. NeurIPS 2022.
Sizes: n learners in the order in which their outcomes became known; J arms.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammainc, gammaln, xlogy

from kgplan.arrays import Array, Floats, Ints
from kgplan.errors import InputError

TUNED_FOR = 1_000  # learners at which intervals are as narrow as they can be
USUAL_VARIANCE = 0.1  # of outcomes around their arm's mean, that this is reckoned with
CONCENTRATION = 100.0
"""Of the Dirichlet mixture: the more, the smaller the mismatches that it is made to find."""


@dataclass(frozen=True)
class Effect:
    """How much more one arm brings about than another.

    Attributes:
        learners: (2,) how many have an outcome, in the other arm and in this one.
        means: (2,) of their outcomes; NaN where there are none.
        difference: estimate of what the arm adds, on average over learners; NaN where there are
            none of either.
        low, high: that hold it at all times together, with the probability asked for.
    """

    learners: tuple[int, int]
    means: tuple[float, float]
    difference: float
    low: float
    high: float


def weighted_differences(outcome: Floats, in_arm: Array, share: float) -> tuple[Floats, Floats]:
    """One number for each learner whose mean is what the arm adds.

    Inverse probability weighting around a prediction that is made from earlier learners alone
    (Howard et al. 2021, section 4.2): X = f1 - f0 + (y - f1) / p in the arm and
    f1 - f0 - (y - f0) / (1 - p) outside, f1 and f0 the means so far. Given what came before, its
    expectation over the draw is the learner's effect, whatever the outcomes are.

    Args:
        outcome: (n,) in [0, 1].
        in_arm: (n,) True in the arm, False in the one that it is compared with.
        share: p, the probability of the arm.

    Returns:
        (n,) X, and (n,) f1 - f0.
    """
    before = {}
    for arm in (False, True):
        here = in_arm == arm
        number = np.cumsum(here) - here
        total = np.cumsum(outcome * here) - outcome * here
        before[arm] = (total + 0.5) / (number + 1)  # one half where nobody was seen
    predicted = before[True] - before[False]
    weight = np.where(in_arm, 1 / share, -1 / (1 - share))
    return predicted + weight * (outcome - np.where(in_arm, before[True], before[False])), predicted


def log_mixture(total: Floats, variation: Floats, scale: float, rho: float) -> Floats:
    """Logarithm of the gamma-exponential mixture (Howard et al. 2021, Proposition 9).

    With S a sum of n deviations that are never below -c, and V the sum of their squares around any
    prediction, exp(l S - psi(l) V) with psi(l) = (-log(1 - c l) - c l) / c^2 has an expectation of
    at most 1, for each l in [0, 1/c). The mixture over l of density proportional to
    (1 - c l)^(rho/c^2 - 1) exp(l rho/c) has a closed form, and passes 1/a at any time with
    probability a at most.

    Args:
        total: S, so that c S + V + rho > 0; elsewhere the result is -inf.
        variation: V.
        scale: c.
        rho: where the bound is tight.
    """
    a, b = rho / scale**2, (variation + rho) / scale**2
    x = (scale * total + variation + rho) / scale**2
    inside = x > 0
    x = np.where(inside, x, 1.0)
    with np.errstate(divide="ignore"):
        ends = np.log(gammainc(b, x)) - np.log(gammainc(a, a))
    found = xlogy(a, a) - gammaln(a) + gammaln(b) - xlogy(b, x) + ends
    return np.where(inside, found + (scale * total + variation) / scale**2, -np.inf)


def best_rho(variation: float, alpha: float) -> float:
    """The rho at which the bound is about tightest when V is this (Howard et al. 2021, 3.5)."""
    told = np.log(1 / alpha)
    return float(variation / (2 * told + np.log1p(2 * told)))


def boundary(variation: float, scale: float, rho: float, alpha: float) -> float:
    """What S stays below at all times with probability 1 - alpha, where V is this."""

    def over(total: float) -> float:
        reached = log_mixture(np.array([total]), np.array([variation]), scale, rho)
        return float(reached[0]) + np.log(alpha)

    high = scale + np.sqrt(variation + rho)
    while over(high) < 0:
        high *= 2
    return float(brentq(over, 0.0, high))


@dataclass(frozen=True)
class Bound:
    """How intervals are made, chosen before anything is seen.

    Attributes:
        share: probability of the arm, of the two that are compared.
        alpha: probability that they are wrong at any time.
    """

    share: float
    alpha: float = 0.05

    @property
    def scale(self) -> float:
        """c: the most that a weighted outcome may lie off its prediction."""
        return 1 / min(self.share, 1 - self.share)

    @property
    def rho(self) -> float:
        """See `best_rho`; for `TUNED_FOR` learners."""
        usual = USUAL_VARIANCE / (self.share * (1 - self.share))
        return best_rho(TUNED_FOR * usual, self.alpha / 2)

    def width(self, n: float, square: float) -> float:
        """Half of the interval after n learners whose squared deviations have such a mean."""
        return boundary(n * square, self.scale, self.rho, self.alpha / 2) / n


def effect(outcome: Floats, in_arm: Array, bound: Bound) -> Effect:
    """What an arm adds to an outcome, on average over the learners, so far.

    It is about these learners: nothing is assumed of how they or their outcomes were drawn, only
    that arms were, each by itself and with the probability that is told.

    Args:
        outcome: (n,) in [0, 1], in the order in which they became known.
        in_arm: (n,) True in the arm.
        bound: how.

    Raises:
        InputError: an outcome is outside [0, 1].
    """
    if outcome.size and not (outcome.min() >= 0 and outcome.max() <= 1):
        wrong = outcome[(outcome < 0) | (outcome > 1)][0]
        raise InputError(f"an outcome is {wrong}; divide by the largest, as all lie in [0, 1]")
    learners = int(np.sum(~in_arm)), int(np.sum(in_arm))
    means = tuple(
        float(outcome[in_arm == arm].mean()) if n else float("nan")
        for arm, n in zip((False, True), learners, strict=True)
    )
    if outcome.size == 0:
        return Effect(learners, (means[0], means[1]), float("nan"), -1.0, 1.0)
    each, predicted = weighted_differences(outcome, in_arm, bound.share)
    mean, square = float(each.mean()), float(np.mean((each - predicted) ** 2))
    width = bound.width(each.size, square)
    return Effect(
        learners, (means[0], means[1]), mean, max(-1.0, mean - width), min(1.0, mean + width)
    )


def learners_needed(outcome: Floats, in_arm: Array, bound: Bound, least: float) -> int | None:
    """Learners, of both arms, after which an effect as large would be told from none.

    Reckoned from how much outcomes vary so far.

    Args:
        outcome, in_arm, bound: as for `effect`.
        least: the effect, on the scale of outcomes.

    Returns:
        None where there are no outcomes.
    """
    if outcome.size == 0:
        return None
    each, predicted = weighted_differences(outcome, in_arm, bound.share)
    square = float(np.mean((each - predicted) ** 2))
    low, high = 1.0, 2.0
    while bound.width(high, square) > least:
        low, high = high, high * 2
    while high / low > 1.01:
        middle = np.sqrt(low * high)
        low, high = (middle, high) if bound.width(middle, square) > least else (low, middle)
    return int(np.ceil(high))


def ratio_mismatch(counts: Ints, shares: Floats) -> float:
    """Whether arms hold as many learners as they should: a p-value that holds at all times.

    Shares that are not those of the draw tell of learners who went missing in one arm more than in
    another, and then nothing else can be compared. 1 over the Bayes factor of a Dirichlet mixture
    around the shares against the shares themselves (Lindon and Malek 2022, eq. 6).

    Args:
        counts: (J,) learners of each arm.
        shares: (J,) that they should have, of sum 1.
    """
    prior, n = CONCENTRATION * shares, counts.sum()
    log_factor = (
        gammaln(CONCENTRATION)
        - gammaln(CONCENTRATION + n)
        + np.sum(gammaln(prior + counts) - gammaln(prior))
        - np.sum(xlogy(counts, shares))
    )
    return float(min(1.0, np.exp(-log_factor)))
