"""Do the shares of right answers to one item and to two items fit the model?

M2 (Maydeu-Olivares & Joe, Psychometrika 2006, eq. 10; for diagnostic models Hansen, Cai, Monroe &
Li, Br. J. Math. Stat. Psychol. 2016): squared residuals of these moments, weighed by the inverse
of their covariance, less what free parameters could have fitted. Tables of all answer patterns
are too sparse for chi-square; these moments are not. RMSEA2 is the misfit by degree of freedom
(Maydeu-Olivares & Joe, Multivar. Behav. Res. 2014).
Sizes: U learners, V items, S states, M = V (V + 1) / 2 moments, p parameters.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cholesky, solve_triangular
from scipy.optimize import brentq
from scipy.special import chdtr, chdtrc, chndtr

from kgplan.arrays import Floats, Ints, check_axis

_RANK = 1e-7  # of the largest singular value: a direction below it moves no moment
_TAIL = 0.05  # on either side of the 90 % interval
_CELLS = 1 << 22  # entries of an (S, M) matrix held at once


@dataclass(frozen=True)
class MomentFit:
    """How far observed moments of one and two items are from the model's.

    Attributes:
        m2: the statistic; chi-square with `df` degrees of freedom if the model holds.
        df: moments less the parameters that they tell apart.
        p: P(larger | the model holds).
        rmsea2: sqrt((m2 - df) / (U df)), 0 where m2 is below df.
        rmsea2_low, rmsea2_high: its 90 % interval.
    """

    m2: float
    df: int
    p: float
    rmsea2: float
    rmsea2_low: float
    rmsea2_high: float


UNDEFINED = MomentFit(np.nan, 0, np.nan, np.nan, np.nan, np.nan)


def pairs(n_items: int) -> tuple[Ints, Ints]:
    """(M,), (M,) the two items of each moment; twice the same for the moment of one item.

    >>> pairs(2)
    (array([0, 0, 1]), array([0, 1, 1]))
    """
    return np.triu_indices(n_items)


def right_together(p_right: Floats) -> Floats:
    """(S, M) P(all items of the moment right | state), from (S, V) P(right | state)."""
    one, other = pairs(p_right.shape[1])
    return p_right[:, one] * np.where(one == other, 1.0, p_right[:, other])


def model_moments(p_right: Floats, share: Floats) -> tuple[Floats, Floats]:
    """(M,) moments under the model, and (M, M) covariance of one learner's.

    Args:
        p_right: (S, V) P(right | state).
        share: (S,) probabilities of the states.

    >>> model_moments(np.array([[0.5]]), np.array([1.0]))
    (array([0.5]), array([[0.25]]))
    """
    check_axis("S", p_right=p_right.shape[0], share=share.size)
    n_items = p_right.shape[1]
    one, other = pairs(n_items)
    mean, both = np.zeros(one.size), np.zeros((one.size, one.size))
    with_item = np.zeros((one.size, n_items))
    for part in _parts(share.size, one.size):
        together = right_together(p_right[part])
        weighed = together * share[part, None]
        mean += weighed.sum(axis=0)
        both += weighed.T @ together  # right for moments without a common item
        with_item += weighed.T @ p_right[part]
    member = np.zeros((one.size, n_items), bool)
    member[np.arange(one.size), one] = member[np.arange(one.size), other] = True
    has_one, has_other = member[:, one], member[:, other]
    inside = has_one & has_other  # the column's items are among the row's
    third = np.take_along_axis(with_item, np.where(has_one, other, one), axis=1)
    both = np.where(has_one ^ has_other, third, both)
    both = np.where(inside.T, mean, np.where(inside, mean[:, None], both))
    return mean, both - np.outer(mean, mean)


def _parts(n_states: int, n_moments: int) -> list[slice]:
    """Some states at a time, to bound the memory."""
    step = max(1, _CELLS // n_moments)
    return [slice(begin, begin + step) for begin in range(0, n_states, step)]


def moment_slopes(
    p_right: Floats, share: Floats, item_slopes: tuple[Floats, ...], share_slopes: Floats
) -> Floats:
    """(M, p) derivatives of the moments in all parameters.

    Args:
        p_right: (S, V) P(right | state).
        share: (S,) probabilities of the states.
        item_slopes: (S, V) each, dP(right | state) by the item's own parameters, one by one.
        share_slopes: (S, q) derivatives of the shares in the parameters of the prior.
    """
    n_items = p_right.shape[1]
    one, other = pairs(n_items)
    alone, moment = one == other, np.arange(one.size)
    columns = []
    for slope in item_slopes:
        by_item = (slope * share[:, None]).T @ p_right  # (V, V) item moved, the other item
        moved = np.zeros((one.size, n_items))
        moved[moment, one] = np.where(alone, slope.T[one] @ share, by_item[one, other])
        moved[moment[~alone], other[~alone]] = by_item[other[~alone], one[~alone]]
        columns.append(moved)
    by_share = np.zeros((one.size, share_slopes.shape[1]))
    for part in _parts(share.size, one.size):
        by_share += right_together(p_right[part]).T @ share_slopes[part]
    return np.hstack([*columns, by_share])


def compare_moments(
    scores: Floats, p_right: Floats, share: Floats, slopes: Floats
) -> tuple[MomentFit, str]:
    """M2 and RMSEA2.

    Args:
        scores: (U, V) 0 or 1, none missing.
        p_right: (S, V) P(right | state), each strictly between 0 and 1.
        share: (S,) probabilities of the states.
        slopes: (M, p) as from `moment_slopes`.

    Returns:
        The fit, or `UNDEFINED` and the reason.

    Raises:
        AxisMismatch: arguments disagree on V, S or M.
    """
    check_axis("V", scores=scores.shape[1], p_right=p_right.shape[1])
    n_learners, n_items = scores.shape
    one, other = pairs(n_items)
    check_axis("M", slopes=slopes.shape[0], moments=one.size)
    mean, covariance = model_moments(p_right, share)
    spread = np.sqrt(np.diag(covariance))
    try:
        root = cholesky(covariance / spread / spread[:, None], lower=True)
    except (LinAlgError, ValueError):
        return UNDEFINED, "M2 is not defined: the moments' covariance is singular"
    observed = (scores.T @ scores)[one, other] / n_learners
    residual = solve_triangular(root, (observed - mean) / spread, lower=True)
    moved = solve_triangular(root, slopes / spread[:, None], lower=True)
    size = np.sqrt((moved**2).sum(axis=0))
    direction, strength, _ = np.linalg.svd(moved[:, size > 0] / size[size > 0], full_matrices=False)
    fitted = direction[:, strength > _RANK * max(strength.max(initial=0.0), 1e-300)]
    df = one.size - fitted.shape[1]
    if df < 1:
        return UNDEFINED, no_freedom(slopes.shape[1], one.size)
    residual = residual - fitted @ (fitted.T @ residual)
    return _judged(n_learners * float(residual @ residual), df, n_learners), ""


def no_freedom(n_parameters: int, n_moments: int) -> str:
    """Why M2 is not defined where parameters can fit all moments."""
    return (
        f"M2 is not defined: {n_parameters} parameters leave no degree of freedom among the"
        f" {n_moments} moments of one and two items"
    )


def _judged(m2: float, df: int, n_learners: int) -> MomentFit:
    def rmsea(excess: float) -> float:
        return float(np.sqrt(max(excess, 0.0) / (n_learners * df)))

    def excess_at(level: float) -> float:
        """The noncentrality under which a smaller statistic has this probability."""
        if chdtr(df, m2) <= level:
            return 0.0
        top = 2 * m2 + 100.0
        while chndtr(m2, df, top) > level:
            top *= 2
        return float(brentq(lambda excess: chndtr(m2, df, excess) - level, 1e-12, top))

    return MomentFit(
        m2=m2,
        df=df,
        p=float(chdtrc(df, m2)),
        rmsea2=rmsea(m2 - df),
        rmsea2_low=rmsea(excess_at(1 - _TAIL)),
        rmsea2_high=rmsea(excess_at(_TAIL)),
    )
