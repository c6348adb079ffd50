"""Will a learner open an item? What the fitted model says of single pairs.

Sizes: U learners, V videos, K concepts, P pairs.
"""

import numpy as np
from scipy import sparse

from kgplan.arrays import Floats, Ints, check_axis
from kgplan.diagnosis.vdina import Diagnosis

Pairs = tuple[Ints, Ints]
"""Learner and video of each pair, (P,) both."""


def predict(
    mastery: sparse.csr_matrix,
    prior: Floats,
    q_matrix: sparse.csr_matrix,
    slip: Floats,
    guess: Floats,
    pairs: Pairs,
    link: str = "compensatory",
) -> Floats:
    """P(watched | the learner's observations), concepts taken as independent given them.

    Compensatory: E[g^(1 - eta) (1 - s)^eta] = g prod_k (1 - m_k + m_k ((1 - s) / g)^(1 / n)) over
    the video's concepts, from eq. (9) and (10) of kg-plppm. Conjunctive: all concepts are held
    with the product of their mastery. A video without concepts is watched with its guess.

    Args:
        mastery: (U, K) stored where identified.
        prior: (K,) where it is not.
        q_matrix: (V, K).
        slip, guess: (V,).
        pairs: what to predict.
        link: "compensatory" or "conjunctive".

    Raises:
        AxisMismatch: arguments disagree on V or K.

    >>> one = sparse.csr_matrix(np.array([[1.0]]))
    >>> predict(one * 0.5, np.array([0.5]), one, np.array([0.1]), np.array([0.3]),
    ...     (np.array([0]), np.array([0])))
    array([0.6])
    """
    check_axis("V", q_matrix=q_matrix.shape[0], slip=slip.size, guess=guess.size)
    check_axis("K", q_matrix=q_matrix.shape[1], mastery=mastery.shape[1], prior=prior.size)
    learner, video = pairs
    q = sparse.csr_matrix(q_matrix != 0)
    n_concepts = np.diff(q.indptr)
    result = guess[video].astype(np.float64)
    by_learner = np.argsort(learner, kind="stable")
    cuts = np.searchsorted(learner[by_learner], np.arange(mastery.shape[0] + 1))
    held = prior.copy()
    for u in np.unique(learner):
        at = by_learner[cuts[u] : cuts[u + 1]]
        v = video[at]
        reached = slice(mastery.indptr[u], mastery.indptr[u + 1])
        held[mastery.indices[reached]] = mastery.data[reached]
        sizes = n_concepts[v]
        start = np.concatenate([[0], np.cumsum(sizes)])
        concept = q.indices[np.repeat(q.indptr[v] - start[:-1], sizes) + np.arange(start[-1])]
        m, some = held[concept], sizes > 0
        ratio = (1 - slip[v]) / guess[v]
        if link == "compensatory":
            lift = np.repeat(ratio ** (1 / np.maximum(sizes, 1)), sizes)
            result[at[some]] *= np.multiply.reduceat(1 - m + m * lift, start[:-1][some])
        else:
            whole = np.multiply.reduceat(m, start[:-1][some])
            result[at[some]] *= 1 + whole * (ratio[some] - 1)
        held[mastery.indices[reached]] = prior[mastery.indices[reached]]
    return result


def predict_by(diagnosis: Diagnosis, q_matrix: sparse.csr_matrix, pairs: Pairs) -> Floats:
    """`predict` for the learners that a model was fitted to, by all that was fitted."""
    return predict(
        diagnosis.mastery, diagnosis.prior, q_matrix, diagnosis.slip, diagnosis.guess, pairs,
        diagnosis.config.link,
    )  # fmt: skip
