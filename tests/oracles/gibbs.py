"""What would the exact mastery be where no sum over patterns is possible? A slow oracle.

Gibbs sampling over one learner's pattern of held concepts, Rao-Blackwellised: a concept's mastery
is the mean of its conditional probabilities, not of its sampled values. It shares no code with
propagation: the likelihood of every observation is evaluated as eq. (10) has it.
Sizes: V videos, K concepts.
"""

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, check_axis
from kgplan.diagnosis.response import eta_table
from kgplan.native.compiled import njit


def gibbs_mastery(
    shares: Floats,
    q_matrix: sparse.csr_matrix,
    slip: Floats,
    guess: Floats,
    prior: Floats,
    *,
    sweeps: int,
    burn_in: int,
    seed: int,
    link: str = "compensatory",
) -> Floats:
    """Estimate one learner's mastery by sampling.

    Args:
        shares: (V,) share watched; NaN where not observed.
        q_matrix: (V, K).
        slip, guess: (V,).
        prior: (K,).
        sweeps: passes over all concepts that count.
        burn_in: passes before them that do not.
        seed: of the chain.
        link: "compensatory" or "conjunctive".

    Returns:
        (K,) mastery; its error falls with the root of the number of sweeps.

    Raises:
        AxisMismatch: arguments disagree on V or K.

    >>> one = sparse.csr_matrix(np.array([[1.0]]))
    >>> gibbs_mastery(np.array([1.0]), one, np.array([0.1]), np.array([0.2]), np.array([0.5]),
    ...     sweeps=10, burn_in=0, seed=0).round(3)
    array([0.818])
    """
    check_axis("V", shares=shares.size, q_matrix=q_matrix.shape[0], slip=slip.size)
    check_axis("K", q_matrix=q_matrix.shape[1], prior=prior.size)
    q = sparse.csr_matrix(q_matrix, copy=True)
    q.eliminate_zeros()
    sizes = np.diff(q.indptr)
    table = eta_table(sizes.astype(np.int64), link)
    of = np.repeat(np.arange(sizes.size), sizes + 1)
    p = guess[of] ** (1 - table.eta) * (1 - slip[of]) ** table.eta
    with np.errstate(invalid="ignore"):
        log_likelihood = shares[of] * np.log(p) + (1 - shares[of]) * np.log1p(-p)
    log_likelihood[np.isnan(log_likelihood)] = 0.0
    by_concept = q.tocsc()
    return _chain(
        log_likelihood,
        table.start,
        by_concept.indptr.astype(np.int64),
        by_concept.indices.astype(np.int64),
        np.log(prior) - np.log1p(-prior),
        sweeps,
        burn_in,
        np.random.default_rng(seed),
    )


@njit(cache=True, nogil=True)
def _chain(
    log_likelihood: Array,
    table_start: Array,
    concept_start: Array,
    concept_video: Array,
    prior_log_odds: Array,
    sweeps: int,
    burn_in: int,
    rng: np.random.Generator,
) -> Array:
    n_concepts = prior_log_odds.size
    held = np.zeros(n_concepts, np.int64)
    count = np.zeros(table_start.size - 1, np.int64)
    mean = np.zeros(n_concepts)
    for k in range(n_concepts):
        if rng.random() < 1 / (1 + np.exp(-prior_log_odds[k])):
            held[k] = 1
            for i in range(concept_start[k], concept_start[k + 1]):
                count[concept_video[i]] += 1
    for sweep in range(burn_in + sweeps):
        for k in range(n_concepts):
            log_odds = prior_log_odds[k]
            for i in range(concept_start[k], concept_start[k + 1]):
                v = concept_video[i]
                at = table_start[v] + count[v] - held[k]
                log_odds += log_likelihood[at + 1] - log_likelihood[at]
            p = 1 / (1 + np.exp(-log_odds))
            now = 1 if rng.random() < p else 0
            if now != held[k]:
                for i in range(concept_start[k], concept_start[k + 1]):
                    count[concept_video[i]] += now - held[k]
                held[k] = now
            if sweep >= burn_in:
                mean[k] += p
    return mean / sweeps
