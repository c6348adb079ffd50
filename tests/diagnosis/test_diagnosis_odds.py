"""The E-step by odds: whatever their size, and the same for a fit as for inference afterwards."""

import numpy as np
import pytest
from diagnosis_cases import infer_one, random_case, stored
from scipy import sparse
from scipy.special import logsumexp

from kgplan.diagnosis import DiagnosisConfig, fit, infer
from kgplan.diagnosis.vdina import PROPAGATED

ONE_BY_ONE, RING, KITE = (
    [[0, 1], [1, 2], [2, 3]],
    [[0, 1, 2], [2, 3], [3, 0]],
    [[0, 1, 2, 3, 4], [3, 4, 5], [5, 6], [7, 0, 8, 9]],
)


def mastery_by_patterns(q, shares, weights, slip, guess, prior):
    """(K,) mastery and log-evidence by a sum over all patterns, in logs: eq. (10), plainly."""
    n = prior.size
    patterns = (np.arange(1 << n)[:, None] >> np.arange(n)) & 1
    eta = patterns @ q.T / q.sum(axis=1)
    log_p = np.log(guess) + (np.log1p(-slip) - np.log(guess)) * eta
    joint = (shares * log_p + (1 - shares) * np.log(-np.expm1(log_p))) @ weights
    joint += patterns @ np.log(prior) + (1 - patterns) @ np.log1p(-prior)
    total = logsumexp(joint)
    return np.exp(joint - total) @ patterns, total


@pytest.mark.parametrize("scopes", [ONE_BY_ONE, RING, KITE])
@pytest.mark.parametrize("heavy", [1.0, 30.0, 120.0])
@pytest.mark.parametrize("enumeration_limit", [0, 14])
def test_mastery_equals_the_sum_over_patterns_also_where_odds_leave_a_double(
    scopes, heavy, enumeration_limit
):
    """A weight of 120 makes odds of exp(350); potentials stay above their floor of exp(-400)."""
    rng = np.random.default_rng(len(scopes))
    n_concepts = 1 + max(k for scope in scopes for k in scope)
    q = np.zeros((len(scopes) + n_concepts, n_concepts))
    for row, scope in zip(q, scopes, strict=False):
        row[scope] = 1
    q[len(scopes) :] = np.eye(n_concepts)  # a video for each concept alone, watched in full
    shares = np.concatenate([np.zeros(len(scopes)), np.ones(n_concepts)])
    weights = np.concatenate(
        [np.full(len(scopes), heavy), heavy * rng.integers(0, 2, n_concepts) + 0.1]
    )
    guess, slip = np.full(shares.size, 0.05), rng.uniform(0.05, 0.2, shares.size)
    prior = rng.uniform(0.2, 0.8, n_concepts)
    expected, evidence = mastery_by_patterns(q, shares, weights, slip, guess, prior)
    stored_weights = stored(shares[None])
    stored_weights.data = weights
    config = DiagnosisConfig(enumeration_limit=enumeration_limit, sweep_tolerance=1e-9)
    found = infer(
        stored(shares), sparse.csr_matrix(q), slip, guess, prior, config, weights=stored_weights
    )
    np.testing.assert_allclose(found.mastery.toarray()[0], expected, atol=1e-6)
    if not (found.how == PROPAGATED).any():
        np.testing.assert_allclose(found.log_evidence, evidence, rtol=1e-10)


@pytest.mark.parametrize("link", ["compensatory", "conjunctive"])
def test_enumeration_equals_the_sum_over_patterns_where_one_video_has_most_concepts(link):
    q = np.array([[1, 1, 1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1, 0, 0], [1, 0, 0, 0, 0, 1, 1, 1.0]])
    slip, guess, prior = (
        np.array([0.1, 0.2, 0.3]),
        np.array([0.2, 0.1, 0.05]),
        np.linspace(0.1, 0.9, 8),
    )
    shares = np.array([0.0, 0.4, 0.0])
    patterns = (np.arange(256)[:, None] >> np.arange(8)) & 1
    eta = patterns @ q.T / q.sum(axis=1)
    if link == "conjunctive":
        eta = np.floor(eta)
    right = guess ** (1 - eta) * (1 - slip) ** eta
    joint = np.prod(right**shares * (1 - right) ** (1 - shares), axis=1)
    joint *= np.prod(np.where(patterns, prior, 1 - prior), axis=1)
    mastery, evidence = infer_one(shares, q, slip, guess, prior, DiagnosisConfig(link=link))
    np.testing.assert_allclose(mastery, joint @ patterns / joint.sum(), atol=1e-12)
    assert evidence == pytest.approx(np.log(joint.sum()), abs=1e-12)


def test_a_fit_stores_the_mastery_that_inference_from_scratch_gives():
    _, q, *_ = random_case(0, 20, 60)
    shares = np.array([random_case(s, 20, 60)[0] for s in range(30)])
    q = sparse.csr_matrix(q)
    fitted = fit(stored(shares), q, DiagnosisConfig(enumeration_limit=4, iteration_limit=20))
    again = infer(
        stored(shares), q, fitted.slip, fitted.guess, fitted.prior,
        DiagnosisConfig(enumeration_limit=4),
    )  # fmt: skip
    assert (again.how == PROPAGATED).all()
    np.testing.assert_allclose(fitted.mastery.data, again.mastery.data, atol=1e-10)
