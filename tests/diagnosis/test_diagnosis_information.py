"""Standard errors: a parametric bootstrap, finite differences of the likelihood, and bounds."""

import numpy as np
import pytest
from scipy import sparse

from kgplan.diagnosis import DiagnosisConfig, fit, infer, standard_errors
from kgplan.diagnosis.vdina import concept_prior

Q = np.array([[1, 0], [0, 1], [1, 1], [1, 0], [0, 1], [1, 1], [1, 0], [0, 1]])
HOLDS = (np.arange(4)[:, None] >> np.arange(2)) & 1


def stored(dense):
    rows, columns = np.indices(dense.shape)
    return sparse.csr_matrix((dense.ravel(), (rows.ravel(), columns.ravel())), shape=dense.shape)


def simulate(rng, n_learners, q, slip, guess, share, link):
    """Answers of learners whose states are drawn by their shares."""
    n_concepts = q.shape[1]
    held = (np.arange(share.size)[:, None] >> np.arange(n_concepts)) & 1
    eta = held @ q.T / q.sum(axis=1)
    if link == "conjunctive":
        eta = np.floor(eta)
    p = guess ** (1 - eta) * (1 - slip) ** eta
    p = p[rng.choice(share.size, n_learners, p=share)]
    return stored((rng.random(p.shape) < p).astype(float))


@pytest.mark.parametrize(
    ("link", "class_prior"),
    [("conjunctive", "saturated"), ("compensatory", "independent")],
)
def test_standard_errors_agree_with_a_parametric_bootstrap(link, class_prior):
    """200 bootstrap samples: a standard deviation errs by 1 / sqrt(400) = 5 % of itself.

    18 parameters at most: the largest of them stays within 4 of these, 20 %, where estimates are
    normal; 2,000 learners make them nearly so, and half as much again is allowed for the rest.
    """
    rng = np.random.default_rng(0)
    slip, guess = rng.uniform(0.1, 0.25, (2, 8))
    share = np.array([0.28, 0.12, 0.18, 0.42])
    if class_prior == "independent":
        share = np.array([0.4 * 0.5, 0.6 * 0.5, 0.4 * 0.5, 0.6 * 0.5])
    config = DiagnosisConfig.maximum_likelihood(link=link, class_prior=class_prior, tolerance=1e-9)
    q = sparse.csr_matrix(Q)
    answers = simulate(rng, 2000, Q, slip, guess, share, link)
    d = fit(answers, q, config, threads=1)
    errors = standard_errors(answers, q, d, threads=1)
    fitted_share = share if d.share is None else d.share
    if d.share is None:
        fitted_share = np.prod(np.where(HOLDS == 1, d.prior, 1 - d.prior), axis=1)
    repeats = []
    for _ in range(200):
        again = simulate(rng, 2000, Q, d.slip, d.guess, fitted_share, link)
        refit = fit(again, q, config, prior=d.prior, start=(d.slip, d.guess), threads=1)
        repeats.append(np.concatenate([refit.slip, refit.guess, refit.prior]))
    spread = np.std(repeats, axis=0)
    claimed = np.concatenate([errors.slip, errors.guess, errors.prior])
    n = 16 if class_prior == "saturated" else 18
    ratio = claimed[:n] / spread[:n]
    assert np.all(np.abs(ratio - 1) < 1.5 * 0.2)
    assert abs(np.mean(ratio) - 1) < 0.08
    if d.share is not None:
        assert np.isnan(errors.prior).all()
        np.testing.assert_allclose(concept_prior(d.share), d.prior)


@pytest.mark.parametrize("link", ["compensatory", "conjunctive"])
def test_standard_errors_equal_second_differences_of_the_log_likelihood(link):
    """The Hessian in slip, guess and prior themselves, from log-evidence alone."""
    n = 6
    rng = np.random.default_rng(1)
    slip, guess = rng.uniform(0.1, 0.25, (2, n))
    answers = simulate(rng, 500, Q[:n], slip, guess, np.full(4, 0.25), link)
    q = sparse.csr_matrix(Q[:n])
    config = DiagnosisConfig.maximum_likelihood(link=link, tolerance=1e-13)
    d = fit(answers, q, config)

    def value(x):
        return infer(answers, q, x[:n], x[n : 2 * n], x[2 * n :], config).log_evidence.sum()

    at = np.concatenate([d.slip, d.guess, d.prior])
    step = 2e-4 * np.eye(2 * n + 2)
    hessian = np.empty(step.shape)
    for i in range(at.size):
        for j in range(i, at.size):
            corners = [
                a * b * value(at + a * step[i] + b * step[j]) for a in (1, -1) for b in (1, -1)
            ]
            hessian[i, j] = hessian[j, i] = sum(corners) / (4 * 2e-4**2)
    expected = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    errors = standard_errors(answers, q, d)
    found = np.concatenate([errors.slip, errors.guess, errors.prior])
    np.testing.assert_allclose(found, expected, rtol=2e-3)
    assert errors.n_parameters == at.size


def test_a_parameter_at_its_bound_has_no_standard_error_and_the_others_have():
    rng = np.random.default_rng(2)
    guess = np.full(8, 0.15)
    guess[0] = 1e-12
    answers = simulate(rng, 1000, Q, np.full(8, 0.15), guess, np.full(4, 0.25), "conjunctive")
    q = sparse.csr_matrix(Q)
    d = fit(
        answers, q,
        DiagnosisConfig.maximum_likelihood(link="conjunctive", class_prior="saturated"),
    )  # fmt: skip
    errors = standard_errors(answers, q, d)
    assert np.isnan(errors.guess[0])
    assert np.isfinite(errors.guess[1:]).all()
    assert np.isfinite(errors.slip).all()


def test_what_the_data_does_not_determine_has_no_standard_error():
    """One item on one concept: slip, guess and prior are one equation in three unknowns."""
    answers = stored(np.array([[1.0], [1.0], [0.0], [1.0]] * 50))
    q = sparse.csr_matrix(np.ones((1, 1)))
    d = fit(answers, q, DiagnosisConfig.maximum_likelihood())
    errors = standard_errors(answers, q, d)
    assert np.isnan([errors.slip[0], errors.guess[0], errors.prior[0]]).all()


def test_an_item_without_answers_has_no_standard_error():
    answers = simulate(
        np.random.default_rng(3), 400, Q, np.full(8, 0.1), np.full(8, 0.1), np.full(4, 0.25),
        "conjunctive",
    )  # fmt: skip
    wide = sparse.hstack([answers, sparse.csr_matrix((400, 1))]).tocsr()
    q = sparse.vstack([sparse.csr_matrix(Q), sparse.csr_matrix([[1, 0]])]).tocsr()
    errors = standard_errors(wide, q, fit(wide, q, DiagnosisConfig(link="conjunctive")))
    assert np.isnan(errors.slip[8])
    assert np.isfinite(errors.slip[:8]).all()


def test_too_many_parameters_or_propagated_mastery_give_a_reason():
    answers = simulate(
        np.random.default_rng(4), 100, Q, np.full(8, 0.1), np.full(8, 0.1), np.full(4, 0.25),
        "conjunctive",
    )  # fmt: skip
    q = sparse.csr_matrix(Q)
    d = fit(answers, q)
    assert "limit is 3" in standard_errors(answers, q, d, limit=3).reason
    ring = sparse.csr_matrix(np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]]))
    unopened = stored(np.zeros((1, 3)))
    loops = fit(unopened, ring, DiagnosisConfig(enumeration_limit=0))
    assert loops.learners["propagated"] == 1
    errors = standard_errors(unopened, ring, loops)
    assert "propagated" in errors.reason
    assert np.isnan(errors.slip).all()
