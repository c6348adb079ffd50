"""How sure are slip and guess, and how well do videos fit, where states are too many to sum over?

Item by item, from every learner's mastery, concepts taken as independent given the answers:

- errors: inverse of the item's own information, the sum over learners of the outer product of
  their scores (de la Torre, J. Educ. Behav. Stat. 2009, eq. 14-16), plus the curvature of the Beta
  priors. What other items and the prior leave open is not in it: a lower bound, in large samples.
- fit: RMSD between the expected share of views among learners who hold m of the video's concepts
  and the model's P, weighted by how many hold m (as `goodness.item_rmsea`, with m for the state).

Sizes: U learners, V videos, K concepts.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, check_axis
from kgplan.diagnosis.config import DiagnosisConfig
from kgplan.diagnosis.response import to_line


class ItemReport(NamedTuple):
    """Item by item; NaN for a video that nobody was observed on, or that covers no concept.

    Attributes:
        slip_error, guess_error: (V,) standard errors.
        rmsd: (V,) item fit, 0 where the model explains all; above .1 is poor.
        observations: (V,) learners observed.
    """

    slip_error: Floats
    guess_error: Floats
    rmsd: Floats
    observations: Floats


def report_items(
    watched: sparse.csr_matrix,
    q_matrix: sparse.csr_matrix,
    mastery: sparse.csr_matrix,
    prior: Floats,
    slip: Floats,
    guess: Floats,
    config: DiagnosisConfig | None = None,
    weights: sparse.csr_matrix | None = None,
) -> ItemReport:
    """Errors and fit of every video.

    Args:
        watched: (U, V) what the model was fitted to.
        q_matrix: (V, K).
        mastery: (U, K) stored where identified.
        prior: (K,) where it is not.
        slip, guess: (V,).
        config: the link and the Beta priors; None: the defaults.
        weights: (U, V) of each observation, stored where `watched` is; all weigh 1 where None.

    Raises:
        AxisMismatch: arguments disagree on U, V or K.
    """
    check_axis("U", watched=watched.shape[0], mastery=mastery.shape[0])
    check_axis("V", watched=watched.shape[1], q_matrix=q_matrix.shape[0], slip=slip.size)
    check_axis("K", q_matrix=q_matrix.shape[1], mastery=mastery.shape[1], prior=prior.size)
    config = config or DiagnosisConfig()
    n_videos = q_matrix.shape[0]
    nothing = np.full(n_videos, np.nan)
    found = ItemReport(nothing, nothing.copy(), nothing.copy(), np.zeros(n_videos))
    seen, q = sparse.csc_array(watched), sparse.csr_array(q_matrix != 0)
    heavy = np.ones(seen.nnz) if weights is None else sparse.csc_array(weights).data
    by_concept = sparse.csc_array(mastery)
    intercept, contrast = to_line(slip, guess)
    for v in range(n_videos):
        learner = seen.indices[seen.indptr[v] : seen.indptr[v + 1]]
        share = seen.data[seen.indptr[v] : seen.indptr[v + 1]]
        says = heavy[seen.indptr[v] : seen.indptr[v + 1]]
        concepts = q.indices[q.indptr[v] : q.indptr[v + 1]]
        if not learner.size or not concepts.size:
            continue
        held = count_distribution(_mastery_of(by_concept, prior, learner, concepts))
        m = np.arange(concepts.size + 1)
        eta = m / concepts.size if config.link == "compensatory" else (m == concepts.size) * 1.0
        p = np.exp(intercept[v] + contrast[v] * eta)
        # derivative of log L in (log guess, contrast): r (1, eta) - (1 - r) P / (1 - P) (1, eta)
        slope = share[:, None] - (1 - share)[:, None] * (p / np.maximum(1 - p, 1e-12))
        slope *= says[:, None]
        scores = np.stack([(held * slope).sum(axis=1), (held * slope) @ eta], axis=1)
        information = scores.T @ scores + _prior_curvature(slip[v], guess[v], config)
        covariance = np.linalg.pinv(information, hermitian=True)
        found.guess_error[v] = guess[v] * np.sqrt(max(covariance[0, 0], 0))
        found.slip_error[v] = (1 - slip[v]) * np.sqrt(max(covariance.sum(), 0))
        weight, right = says @ held, (says * share) @ held
        gap = np.where(weight > 1e-10, right / np.maximum(weight, 1e-300), p) - p
        found.rmsd[v] = np.sqrt(weight @ gap**2 / weight.sum())
        found.observations[v] = learner.size
    return found


def count_distribution(p: Floats) -> Floats:
    """P(m of n held), each held independently: the Poisson-binomial distribution.

    Args:
        p: (U, n) probabilities.

    Returns:
        (U, n + 1).

    >>> count_distribution(np.array([[0.5, 0.5]]))
    array([[0.25, 0.5 , 0.25]])
    """
    held = np.zeros((p.shape[0], p.shape[1] + 1))
    held[:, 0] = 1
    for one in p.T[:, :, None]:
        held[:, 1:] = held[:, 1:] * (1 - one) + held[:, :-1] * one
        held[:, :1] *= 1 - one
    return held


def _mastery_of(
    by_concept: sparse.csc_array, prior: Floats, learner: Array, concepts: Array
) -> Floats:
    """(learners, concepts) mastery, the prior where it is not identified."""
    dense = np.empty((by_concept.shape[0], concepts.size))
    for place, k in enumerate(concepts):
        part = slice(by_concept.indptr[k], by_concept.indptr[k + 1])
        dense[:, place] = prior[k]
        dense[by_concept.indices[part], place] = by_concept.data[part]
    return dense[learner]


def _prior_curvature(slip: float, guess: float, config: DiagnosisConfig) -> Floats:
    """(2, 2) minus the second derivative of the Beta priors' log density in (log guess, contrast).

    With x = log p, (a - 1) x + (b - 1) log(1 - e^x) has curvature (b - 1) p / (1 - p)^2; guess is
    e^intercept and 1 - slip is e^(intercept + contrast).
    """
    (slip_a, _), (_, guess_b) = config.slip_beta, config.guess_beta
    of_guess = (guess_b - 1) * guess / (1 - guess) ** 2
    of_slip = (slip_a - 1) * (1 - slip) / slip**2
    return np.array([[of_guess + of_slip, of_slip], [of_slip, of_slip]])
