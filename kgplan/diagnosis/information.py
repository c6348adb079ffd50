"""How sure are slip, guess and prior? Standard errors from the observed information.

The observed information is minus the second derivative of the objective at its top, with respect
to all parameters at once (for DINA: Philipp, Strobl, de la Torre & Zeileis, J. Educ. Behav. Stat.
2018). By Fisher's identity the expected counts of one E-step give the exact first derivative, so
central differences of it over logits are the whole work: two E-steps a parameter.

States that no item tells apart count as one: their shares have no information of their own. What
stands at a bound (an item that nobody guesses, a state that nobody is in) is held fixed and has no
standard error.
Sizes: V videos, K concepts, S states, p parameters.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import expit, logit, logsumexp

from kgplan.arrays import Array, Floats, Ints
from kgplan.diagnosis.config import DiagnosisConfig
from kgplan.diagnosis.estep import Line, expect, parameters
from kgplan.diagnosis.evidence import Problem, pose
from kgplan.diagnosis.response import EtaTable, log_right, to_line
from kgplan.diagnosis.states import (
    StateLine,
    StateProblem,
    expect_states,
    held_by_state,
    pose_states,
)
from kgplan.diagnosis.vdina import Diagnosis
from kgplan.native.layout import Videos

_STEP = 1e-4  # of a logit: errors of the difference are about its square
_LEAST_COUNT = 0.01  # learners: a share or slip that expects fewer stands at its bound
_SINGULAR = 1e-7

Gradient = Callable[[Floats], Floats]


@dataclass(frozen=True)
class StandardErrors:
    """Standard errors; NaN where there is none.

    Attributes:
        slip, guess: (V,) NaN at a bound, without observations, or not determined by the data.
        prior: (K,) of each concept's prior; NaN under a saturated prior too.
        n_parameters: p that the information covers.
        reason: why nothing was computed; empty where it was.
    """

    slip: Floats
    guess: Floats
    prior: Floats
    n_parameters: int
    reason: str


def standard_errors(
    watched: sparse.csr_matrix,
    q_matrix: sparse.csr_matrix,
    diagnosis: Diagnosis,
    *,
    weights: sparse.csr_matrix | None = None,
    limit: int = 400,
    threads: int | None = None,
) -> StandardErrors:
    """Standard errors of a fit, from the same observations that it was made from.

    Args:
        watched, q_matrix, weights: as for `vdina.fit`.
        diagnosis: its result.
        limit: most parameters; with more, nothing is computed and the reason is given.
        threads: at most so many.

    Raises:
        AxisMismatch, InputError: as `vdina.fit`.
    """
    config = diagnosis.config
    n_videos, n_concepts = q_matrix.shape
    found = StandardErrors(
        np.full(n_videos, np.nan), np.full(n_videos, np.nan), np.full(n_concepts, np.nan), 0, ""
    )
    if diagnosis.learners["propagated"]:
        return _refused(found, "mastery was propagated, and the information is exact sums only")
    slip, guess = diagnosis.slip, diagnosis.guess
    heard = _observed_weight(watched, weights)
    inside = np.log1p(-slip) - np.log(guess) > 1.5 * config.least_contrast
    free_slip = np.flatnonzero(diagnosis.observed & inside & (slip * heard > _LEAST_COUNT))
    free_guess = np.flatnonzero(diagnosis.observed & inside & (guess * heard > _LEAST_COUNT))
    gradient, free_prior, at_prior = (
        _saturated(watched, q_matrix, weights, diagnosis, threads)
        if diagnosis.share is not None
        else _independent(watched, q_matrix, weights, diagnosis, threads)
    )
    at = np.concatenate([logit(slip[free_slip]), logit(guess[free_guess]), at_prior])
    if at.size > limit:
        return _refused(found, f"there are {at.size} parameters, and the limit is {limit}")
    cuts = np.cumsum([free_slip.size, free_guess.size])

    def slope(x: Floats) -> Floats:
        new_slip, new_guess = slip.copy(), guess.copy()
        new_slip[free_slip] = expit(x[: cuts[0]])
        new_guess[free_guess] = expit(x[cuts[0] : cuts[1]])
        of_slip, of_guess, of_prior = gradient(new_slip, new_guess, x[cuts[1] :])
        return np.concatenate([of_slip[free_slip], of_guess[free_guess], of_prior])

    deviation = _deviations(slope, at)
    of_slip, of_guess, of_prior = np.split(deviation, cuts)
    found.slip[free_slip] = of_slip * slip[free_slip] * (1 - slip[free_slip])
    found.guess[free_guess] = of_guess * guess[free_guess] * (1 - guess[free_guess])
    if diagnosis.share is None:
        prior = diagnosis.prior[free_prior]
        found.prior[free_prior] = of_prior * prior * (1 - prior)
    return StandardErrors(found.slip, found.guess, found.prior, at.size, "")


def _refused(nothing: StandardErrors, reason: str) -> StandardErrors:
    return StandardErrors(nothing.slip, nothing.guess, nothing.prior, 0, reason)


def _observed_weight(watched: sparse.csr_matrix, weights: sparse.csr_matrix | None) -> Floats:
    """(V,) summed weight of a video's observations."""
    heavy = np.ones(watched.nnz) if weights is None else weights.tocsr().data
    indices = watched.indices if weights is None else weights.tocsr().indices
    return np.bincount(indices, heavy, watched.shape[1]).astype(np.float64)


def _deviations(slope: Gradient, at: Floats) -> Floats:
    """(p,) roots of the inverse information's diagonal; NaN for what the data does not settle."""
    information = np.empty((at.size, at.size))
    for i in range(at.size):
        step = np.zeros(at.size)
        step[i] = _STEP
        information[i] = (slope(at - step) - slope(at + step)) / (2 * _STEP)
    information = (information + information.T) / 2
    size = np.sqrt(np.maximum(np.diag(information), 1e-300))
    value, vector = np.linalg.eigh(information / size / size[:, None])
    settled = value > _SINGULAR
    variance = (vector[:, settled] ** 2 / value[settled]).sum(axis=1) / size**2
    open_share = (vector[:, ~settled] ** 2).sum(axis=1)
    return np.where(open_share < 1e-6, np.sqrt(variance), np.nan)


def _line_slopes(
    videos: Videos,
    right: Floats,
    right_eta: Floats,
    wrong: Floats,
    slip: Floats,
    guess: Floats,
    config: DiagnosisConfig,
) -> tuple[Floats, Floats]:
    """Derivatives of the objective in logit slip and logit guess, from expected counts."""
    intercept, contrast = to_line(slip, guess)
    log_p = log_right(EtaTable(videos.table_start, videos.eta), intercept, contrast)
    slopes = wrong / np.expm1(-log_p)  # wrong * P / (1 - P)
    of_intercept = right - np.add.reduceat(slopes, videos.table_start[:-1])
    of_contrast = right_eta - np.add.reduceat(slopes * videos.eta, videos.table_start[:-1])
    (a, b), (c, d) = config.slip_beta, config.guess_beta
    of_slip = -slip * of_contrast + (a - 1) * (1 - slip) - (b - 1) * slip
    of_guess = (1 - guess) * (of_intercept - of_contrast) + (c - 1) * (1 - guess) - (d - 1) * guess
    return of_slip, of_guess


Slopes = Callable[[Floats, Floats, Floats], tuple[Floats, Floats, Floats]]


def _independent(
    watched: sparse.csr_matrix,
    q_matrix: sparse.csr_matrix,
    weights: sparse.csr_matrix | None,
    diagnosis: Diagnosis,
    threads: int | None,
) -> tuple[Slopes, Ints, Floats]:
    config = diagnosis.config
    problem: Problem = pose(watched, q_matrix, weights, config.link, config.enumeration_limit)
    prior, reached = diagnosis.prior, problem.reached
    inside = np.minimum(prior, 1 - prior) * reached > _LEAST_COUNT
    free = np.flatnonzero(inside) if config.learn_prior else np.zeros(0, np.int64)
    a, b = config.prior_beta

    def slopes(slip: Floats, guess: Floats, x: Floats) -> tuple[Floats, Floats, Floats]:
        now = prior.copy()
        now[free] = expit(x)
        par = parameters(problem.videos, Line(*to_line(slip, guess), now))
        tally = expect(problem.evidence, problem.videos, par, config, None, threads).tally
        of_prior = tally.held - reached * now + (a - 1) * (1 - now) - (b - 1) * now
        lines = _line_slopes(
            problem.videos, problem.right, tally.right_eta, tally.wrong, slip, guess, config
        )
        return *lines, of_prior[free]

    return slopes, free, logit(prior[free])


def _saturated(
    watched: sparse.csr_matrix,
    q_matrix: sparse.csr_matrix,
    weights: sparse.csr_matrix | None,
    diagnosis: Diagnosis,
    threads: int | None,
) -> tuple[Slopes, Ints, Floats]:
    config, share = diagnosis.config, diagnosis.share
    assert share is not None
    problem = pose_states(watched, q_matrix, weights, config.link)
    group = same_answers(problem)
    of_group = np.maximum(np.bincount(group, share), 1e-300)  # 0 where no state is possible
    learners = problem.multiplicity.sum()
    largest = int(np.argmax(of_group))  # shares sum to 1: the largest is what the others leave
    free = np.flatnonzero(of_group * learners > _LEAST_COUNT)
    free = free[free != largest] if config.learn_prior else free[:0]

    def slopes(slip: Floats, guess: Floats, x: Floats) -> tuple[Floats, Floats, Floats]:
        log_odds = np.log(of_group) - np.log(of_group[largest])
        log_odds[free] = x
        now = np.exp(log_odds - logsumexp(log_odds))
        line = StateLine(*to_line(slip, guess), share * (now / of_group)[group])
        found = expect_states(problem, line, threads)
        of_share = np.bincount(group, found.count) - learners * now
        lines = _line_slopes(
            problem.videos, problem.right_of, found.right_eta, found.wrong, slip, guess, config
        )
        return *lines, of_share[free]

    return slopes, free, np.log(of_group[free]) - np.log(of_group[largest])


def same_answers(problem: StateProblem) -> Ints:
    """(S,) a number that states share which no observed item tells apart."""
    seen: Array = held_by_state(problem)[:, problem.observed]
    if problem.link == "conjunctive":
        seen = seen == problem.videos.sizes()[problem.observed]
    return np.unique(seen, axis=0, return_inverse=True)[1].ravel()
