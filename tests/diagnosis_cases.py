"""Random learners for tests of the diagnosis: parameters, a Q-matrix, one learner's shares."""

import numpy as np
from scipy import sparse

from kgplan.diagnosis import infer


def random_case(seed, n_concepts, n_videos, largest=7, link="compensatory"):
    """Random parameters and one learner's shares, drawn from the model itself; a fifth fractional.

    Returns:
        (V,) shares, (V, K) Q-matrix, (V,) slip, (V,) guess, (K,) prior.
    """
    rng = np.random.default_rng(seed)
    q = np.zeros((n_videos, n_concepts))
    for row in q:
        row[rng.choice(n_concepts, rng.integers(1, min(largest, n_concepts) + 1), False)] = 1
    slip, guess = rng.uniform(0.05, 0.3, (2, n_videos))
    prior = rng.uniform(0.2, 0.8, n_concepts)
    eta = q @ (rng.random(n_concepts) < prior) / q.sum(axis=1)
    if link == "conjunctive":
        eta = np.floor(eta)
    shares = (rng.random(n_videos) < guess ** (1 - eta) * (1 - slip) ** eta).astype(float)
    fractional = rng.random(n_videos) < 0.2
    shares[fractional] = rng.random(fractional.sum())
    return shares, q, slip, guess, prior


def varied_cases(n, link, sizes=range(4, 15), videos_a_concept=(0.5, 1, 2, 4, 8)):
    """`n` random cases of all sizes, from half a video a concept to eight."""
    for seed in range(n):
        n_concepts = sizes[seed % len(sizes)]
        density = videos_a_concept[seed // len(sizes) % len(videos_a_concept)]
        yield random_case(seed, n_concepts, round(n_concepts * density), link=link)


def stored(shares):
    """Rows of shares, NaN unobserved, as a matrix that stores zeros too."""
    shares = np.atleast_2d(shares)
    rows, columns = np.nonzero(~np.isnan(shares))
    return sparse.csr_matrix((shares[rows, columns], (rows, columns)), shape=shares.shape)


def infer_one(shares, q, slip, guess, prior, config):
    """One learner's (K,) mastery, the prior where nothing is observed, and log-evidence."""
    found = infer(stored(shares), sparse.csr_matrix(q), slip, guess, prior, config)
    dense = prior.copy()
    dense[found.mastery.indices] = found.mastery.data
    return dense, found.log_evidence[0]
