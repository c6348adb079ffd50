"""Does the model fit the answers, as a whole and item by item?

Item fit: RMSEA, the root mean squared distance between an item's expected share of right answers
and its model probability over states (as itemfit.rmsea of R's CDM; von Davier 2005), and S-X2
(Orlando & Thissen, Appl. Psychol. Meas. 2000), which compares shares of right answers by sum
score. Model fit: AIC, BIC, M2 (moments.py), and SRMSR, the root mean squared residual correlation
of two items (Maydeu-Olivares, Measurement 2013; as modelfit.cor of CDM).
Sizes: U learners, V videos or items, K concepts, S = 2^K states.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import chdtrc

from kgplan.arrays import Array, Floats, Ints, check_axis
from kgplan.diagnosis.config import STATE_LIMIT, DiagnosisConfig
from kgplan.diagnosis.entries import rows_of
from kgplan.diagnosis.moments import (
    UNDEFINED,
    MomentFit,
    compare_moments,
    moment_slopes,
    no_freedom,
)
from kgplan.diagnosis.response import from_line, to_line
from kgplan.diagnosis.states import (
    StateLine,
    StateProblem,
    count_by_state,
    eta_by_state,
    p_right_by_state,
    pose_states,
)
from kgplan.diagnosis.vdina import Diagnosis, product_share

_LEAST_EXPECTED = 1.0  # answers, right and wrong, in a cell of S-X2
_PARAMETERS = 2  # slip and guess
_MOST_MOMENTS = 2_485  # of 70 items: their covariance takes 50 MB


@dataclass(frozen=True)
class Goodness:
    """How well a model fits; NaN where a figure is not defined for the data.

    Attributes:
        log_likelihood: of all observations, in nats, without the Beta priors.
        n_parameters: slips, guesses and free probabilities.
        n_learners: learners with an observation that speaks.
        aic, bic: 2 p - 2 log L, and p log U - 2 log L.
        srmsr: standardised root mean squared residual of item correlations.
        moments: M2 and RMSEA2, of right answers to one and to two items.
        rmsea: (V,) item fit; below .05 is good, above .1 poor (Kunina-Habenicht et al. 2009).
        s_x2, s_x2_df, s_x2_p: (V,) statistic, degrees of freedom, P(larger | the model holds).
        notes: why figures are not there.
    """

    log_likelihood: float
    n_parameters: int
    n_learners: int
    aic: float
    bic: float
    srmsr: float
    moments: MomentFit
    rmsea: Floats
    s_x2: Floats
    s_x2_df: Floats
    s_x2_p: Floats
    notes: tuple[str, ...]


def assess(
    watched: sparse.csr_matrix,
    q_matrix: sparse.csr_matrix,
    diagnosis: Diagnosis,
    *,
    weights: sparse.csr_matrix | None = None,
) -> Goodness:
    """Judge a fit on the observations that it was made from.

    Args:
        watched, q_matrix, weights: as for `vdina.fit`.
        diagnosis: its result.

    Raises:
        AxisMismatch, InputError: as `vdina.fit`.
    """
    config = diagnosis.config
    n_videos = q_matrix.shape[0]
    speaks = diagnosis.mastery.indptr[1:] > diagnosis.mastery.indptr[:-1]
    n_learners = int(np.sum(speaks))
    log_likelihood = float(diagnosis.log_evidence.sum())
    n_parameters = 2 * int(diagnosis.observed.sum())
    if config.learn_prior:
        n_parameters += (
            int(np.unique(diagnosis.mastery.indices).size)
            if diagnosis.share is None
            else int(np.count_nonzero(diagnosis.share)) - 1
        )
    nothing = np.full(n_videos, np.nan)
    rmsea, s_x2, degrees, p_value, srmsr = nothing, nothing, nothing, nothing, float("nan")
    moments, notes = UNDEFINED, list[str]()
    covered = np.unique(q_matrix.tocsr().indices[q_matrix.tocsr().data != 0])
    if covered.size > STATE_LIMIT:
        notes.append(
            f"item fit, SRMSR and M2 sum over states: {covered.size} concepts are more than"
            f" {STATE_LIMIT}"
        )
    else:
        problem = pose_states(watched, q_matrix, weights, config.link)
        share = diagnosis.share
        if share is None:
            share = product_share(diagnosis.prior[covered])
        line = StateLine(*to_line(diagnosis.slip, diagnosis.guess), share)
        p_right = p_right_by_state(problem, line)
        counts = count_by_state(problem, line)[1]
        judged = diagnosis.observed
        rmsea = np.where(judged, item_rmsea(counts.right, counts.wrong, p_right, share), np.nan)
        dense, complete, note = _scored(watched, weights, judged)
        if note:
            notes.append(note)
        else:
            srmsr = residual_correlations(dense[:, judged], p_right[:, judged], share)
            if complete:
                s_x2, degrees, p_value = nothing.copy(), nothing.copy(), nothing.copy()
                found = s_x2_by_item(dense[speaks][:, judged], p_right[:, judged], share)
                s_x2[judged], degrees[judged], p_value[judged] = found
                moments, note = _fit_of_moments(problem, line, config, dense[speaks], judged)
                notes += [note] if note else []
            else:
                notes.append("S-X2 and M2 need an answer of every learner to every item")
    return Goodness(
        log_likelihood=log_likelihood,
        n_parameters=n_parameters,
        n_learners=n_learners,
        aic=2 * n_parameters - 2 * log_likelihood,
        bic=float(n_parameters * np.log(max(n_learners, 1)) - 2 * log_likelihood),
        srmsr=srmsr,
        moments=moments,
        rmsea=rmsea,
        s_x2=s_x2,
        s_x2_df=degrees,
        s_x2_p=p_value,
        notes=tuple(notes),
    )


def _fit_of_moments(
    problem: StateProblem, line: StateLine, config: DiagnosisConfig, scores: Floats, judged: Array
) -> tuple[MomentFit, str]:
    """M2 with as many free parameters as the fit had, or the reason why there is none."""
    saturated = config.class_prior == "saturated"
    n_moments = int(judged.sum() * (judged.sum() + 1) // 2)
    n_free = _PARAMETERS * int(judged.sum())
    if config.learn_prior:
        n_free += int(np.count_nonzero(line.share)) - 1 if saturated else problem.covered.size
    if n_moments > _MOST_MOMENTS:
        return UNDEFINED, (
            f"M2 is not computed: {judged.sum()} items have {n_moments} moments of one and two,"
            f" and the limit is {_MOST_MOMENTS}"
        )
    if n_free >= n_moments:
        return UNDEFINED, no_freedom(n_free, n_moments)
    share = line.share
    held = ((np.arange(share.size)[:, None] >> np.arange(problem.covered.size)) & 1) == 1
    if not config.learn_prior:
        share_slopes = np.zeros((share.size, 0))
    elif saturated:  # the first state is what the others leave
        share_slopes = np.eye(share.size)[:, share > 0][:, 1:]
        share_slopes[0] = -1.0
    else:
        prior = share @ held
        share_slopes = share[:, None] * np.where(held, 1 / prior, -1 / (1 - prior))
    p_right, eta = p_right_by_state(problem, line)[:, judged], eta_by_state(problem)[:, judged]
    slip, guess = (x[judged] for x in from_line(line.intercept, line.contrast))
    item_slopes = -eta * p_right / (1 - slip), (1 - eta) * p_right / guess
    slopes = moment_slopes(p_right, share, item_slopes, share_slopes)
    return compare_moments(scores[:, judged], p_right, share, slopes)


def _scored(
    watched: sparse.csr_matrix, weights: sparse.csr_matrix | None, judged: Array
) -> tuple[Floats, bool, str]:
    """(U, V) scores with NaN unobserved, whether those judged are complete, or why not usable."""
    heavy = np.ones(0) if weights is None else weights.data
    if np.any(heavy != 1):
        return np.zeros((0, 0)), False, "SRMSR, S-X2 and M2 are not defined for weighted answers"
    if np.any((watched.data != 0) & (watched.data != 1)):
        return np.zeros((0, 0)), False, "SRMSR, S-X2 and M2 are not defined for fractional scores"
    csr = watched.tocsr()
    dense = np.full(csr.shape, np.nan)
    dense[rows_of(csr), csr.indices] = csr.data
    some = ~np.isnan(dense[:, judged]).all(axis=1)
    return dense, not bool(np.isnan(dense[some][:, judged]).any()), ""


def item_rmsea(right: Floats, wrong: Floats, p_right: Floats, share: Floats) -> Floats:
    """Root mean squared distance of expected shares of right answers from the model's.

    sqrt(sum over states of share_s (right_vs / (right_vs + wrong_vs) - P_sv)^2): RMSD of CDM's
    itemfit.rmsea.

    Args:
        right, wrong: (V, S) expected answers.
        p_right: (S, V) the model's probabilities.
        share: (S,) probabilities of the states.

    Returns:
        (V,) 0 where the model explains each state's answers to the last.

    >>> item_rmsea(np.array([[1.0, 8.0]]), np.array([[9.0, 2.0]]), np.array([[0.2], [0.8]]),
    ...     np.array([0.25, 0.75])).round(3)
    array([0.05])
    """
    check_axis("S", right=right.shape[1], p_right=p_right.shape[0], share=share.size)
    answers = right + wrong
    observed = np.where(answers > 1e-10, right / np.maximum(answers, 1e-300), p_right.T)
    return np.sqrt((observed - p_right.T) ** 2 @ share)


def residual_correlations(scores: Floats, p_right: Floats, share: Floats) -> float:
    """SRMSR: root mean squared difference of observed and implied correlations of two items.

    Args:
        scores: (U, V) 0, 1, or NaN unobserved; a pair counts the learners who answered both.
        p_right: (S, V) the model's probabilities.
        share: (S,) probabilities of the states.

    Returns:
        The mean over pairs whose two correlations exist; NaN where there is no such pair.
    """
    check_axis("V", scores=scores.shape[1], p_right=p_right.shape[1])
    seen = (~np.isnan(scores)).astype(np.float64)
    x = np.nan_to_num(scores)
    both, sums, product = seen.T @ seen, x.T @ seen, x.T @ x
    with np.errstate(invalid="ignore", divide="ignore"):
        one, other = sums / both, sums.T / both
        spread = one * (1 - one) * other * (1 - other)
        observed = (product / both - one * other) / np.sqrt(spread)
        mean = share @ p_right
        joint = (p_right * share[:, None]).T @ p_right
        deviation = np.sqrt(mean * (1 - mean))
        implied = (joint - np.outer(mean, mean)) / np.outer(deviation, deviation)
        residual = (observed - implied)[np.triu_indices(mean.size, 1)]
    residual = residual[np.isfinite(residual)]
    return float(np.sqrt(np.mean(residual**2))) if residual.size else float("nan")


def sum_score_distribution(p_right: Floats) -> Floats:
    """P(sum score | state), by the recursion of Lord & Wingersky (1984).

    Args:
        p_right: (S, V) probabilities of a right answer.

    Returns:
        (S, V + 1).

    >>> sum_score_distribution(np.array([[0.5, 0.5]]))
    array([[0.25, 0.5 , 0.25]])
    """
    score = np.zeros((p_right.shape[0], p_right.shape[1] + 1))
    score[:, 0] = 1
    for p in p_right.T:
        p = p[:, None]
        score[:, 1:] = score[:, 1:] * (1 - p) + score[:, :-1] * p
        score[:, :1] *= 1 - p
    return score


def s_x2_by_item(scores: Ints, p_right: Floats, share: Floats) -> tuple[Floats, Floats, Floats]:
    """S-X2 of every item: shares of right answers by sum score against the model's.

    Args:
        scores: (U, V) 0 or 1, none missing.
        p_right: (S, V) the model's probabilities.
        share: (S,) probabilities of the states.

    Returns:
        (V,) statistic, degrees of freedom (score groups less slip and guess), p-value; NaN where
        no degree of freedom is left. Neighbouring scores are joined until at least one right and
        one wrong answer is expected.
    """
    check_axis("V", scores=scores.shape[1], p_right=p_right.shape[1])
    n_items = p_right.shape[1]
    total = scores.sum(axis=1).astype(np.int64)
    learners = np.bincount(total, minlength=n_items + 1)[1:n_items].astype(np.float64)
    reach = (share @ sum_score_distribution(p_right))[1:n_items]
    statistic, degrees, p_value = (np.full(n_items, np.nan) for _ in range(3))
    for item in range(n_items):
        others = sum_score_distribution(np.delete(p_right, item, axis=1))
        expected = ((share * p_right[:, item]) @ others)[: n_items - 1] / reach
        right: Floats = np.bincount(total, scores[:, item], n_items + 1)[1:n_items].astype(
            np.float64
        )
        groups = _joined(learners, right, learners * expected)
        if len(groups) <= _PARAMETERS:
            continue
        n, observed, wanted = np.array(groups).T
        statistic[item] = np.sum((observed - wanted) ** 2 / (wanted * (1 - wanted / n)))
        degrees[item] = len(groups) - _PARAMETERS
        p_value[item] = chdtrc(degrees[item], statistic[item])
    return statistic, degrees, p_value


def _joined(learners: Floats, right: Floats, expected: Floats) -> list[tuple[float, float, float]]:
    """Learners, right and expected right answers of score groups, small ones joined upwards."""
    groups: list[tuple[float, float, float]] = []
    n = observed = wanted = 0.0
    for each in zip(learners, right, expected, strict=True):
        n, observed, wanted = n + each[0], observed + each[1], wanted + each[2]
        if min(wanted, n - wanted) >= _LEAST_EXPECTED:
            groups.append((n, observed, wanted))
            n = observed = wanted = 0.0
    if n > 0 and groups:  # what is left at the top joins the last group
        groups[-1] = (groups[-1][0] + n, groups[-1][1] + observed, groups[-1][2] + wanted)
    return groups
