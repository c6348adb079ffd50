"""Slip, guess and prior by EM: laws, planted truth, and another optimiser."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import minimize

from kgplan.diagnosis import DiagnosisConfig, fit, infer
from kgplan.diagnosis.mstep import fit_lines
from kgplan.diagnosis.response import eta_table, from_line, to_line

ALMOST_FLAT = {
    "slip_beta": (1.0001, 1.0001),
    "guess_beta": (1.0001, 1.0001),
    "prior_beta": (1.0, 1.0),
}


def learners(seed, n_learners, n_videos, n_concepts, largest=3, observed=1.0, link="compensatory"):
    """Learners who answer as the model says, and what they were made with."""
    rng = np.random.default_rng(seed)
    q = np.zeros((n_videos, n_concepts))
    for row in q:
        row[rng.choice(n_concepts, rng.integers(1, min(largest, n_concepts) + 1), False)] = 1
    slip, guess = rng.uniform(0.05, 0.25, (2, n_videos))
    prior = rng.uniform(0.3, 0.7, n_concepts)
    held = rng.random((n_learners, n_concepts)) < prior
    eta = held @ q.T / q.sum(axis=1)
    if link == "conjunctive":
        eta = np.floor(eta)
    p = guess ** (1 - eta) * (1 - slip) ** eta
    watched = (rng.random(p.shape) < p).astype(float)
    rows, columns = np.nonzero(rng.random(p.shape) < observed)
    matrix = sparse.csr_matrix((watched[rows, columns], (rows, columns)), shape=p.shape)
    return matrix, sparse.csr_matrix(q), slip, guess, prior


@settings(deadline=None, max_examples=12)
@given(
    seed=st.integers(0, 2**32 - 1),
    limit=st.sampled_from([0, 12]),
    link=st.sampled_from(["compensatory", "conjunctive"]),
    beta=st.sampled_from([(1.0001, 1.0001), (2.0, 6.0)]),
)
def test_em_never_lowers_its_objective(seed, limit, link, beta):
    watched, q, *_ = learners(seed, 30, 20, 9, largest=5, observed=0.7)
    watched.data = np.where(watched.data == 1, 1 - np.random.default_rng(seed).random() ** 3, 0)
    config = DiagnosisConfig(
        link=link, enumeration_limit=limit, slip_beta=beta, guess_beta=beta, iteration_limit=20
    )
    diagnosis = fit(watched, q, config)
    assert np.all(np.diff(diagnosis.objective) >= 0)
    assert diagnosis.objective[-1] > diagnosis.objective[0]
    assert np.all((diagnosis.guess > 0) & (diagnosis.guess < 1 - diagnosis.slip))
    assert np.all(diagnosis.slip > 0)


def test_the_objective_is_the_exact_log_posterior_where_everything_is_enumerated():
    """Log-evidence by an E-step at the fitted values, plus log Beta densities by scipy."""
    from scipy.stats import beta

    watched, q, *_ = learners(0, 200, 12, 5)
    config = DiagnosisConfig()
    d = fit(watched, q, config)
    evidence = infer(watched, q, d.slip, d.guess, d.prior, config).log_evidence.sum()
    constant = 0.0
    for values, (a, b) in (
        (d.slip, config.slip_beta),
        (d.guess, config.guess_beta),
        (d.prior, config.prior_beta),
    ):
        evidence += beta(a, b).logpdf(values).sum()
        constant += values.size * (beta(a, b).logpdf(0.5) - (a + b - 2) * np.log(0.5))
    np.testing.assert_allclose(d.objective[-1], evidence - constant, rtol=1e-9)


@pytest.mark.parametrize("link", ["compensatory", "conjunctive"])
def test_planted_slip_guess_and_prior_are_recovered_within_their_standard_errors(link):
    """Standard errors from the information in the learners' scores (outer products).

    30 parameters: the largest of 30 standard normals exceeds 4.2 once in 1,200 times; the mean
    of their squares has mean 1 and standard deviation sqrt(2 / 30) = .26, more when correlated.
    """
    config = DiagnosisConfig(**ALMOST_FLAT, link=link, tolerance=1e-9, iteration_limit=2000)
    watched, q, slip, guess, prior = learners(5, 6000, 13, 4, link=link)
    d = fit(watched, q, config)
    assert d.converged
    fitted = np.concatenate([d.slip, d.guess, d.prior])

    def log_evidence(x):
        return infer(watched, q, x[:13], x[13:26], x[26:], config).log_evidence

    scores = []
    for i in range(fitted.size):
        step = np.zeros(fitted.size)
        step[i] = 1e-5
        scores.append((log_evidence(fitted + step) - log_evidence(fitted - step)) / 2e-5)
    scores = np.array(scores)
    error = np.sqrt(np.diag(np.linalg.inv(scores @ scores.T)))
    z = (fitted - np.concatenate([slip, guess, prior])) / error
    assert np.abs(z).max() < 4.2
    assert np.mean(z**2) < 2.0
    assert np.abs(scores.sum(axis=1) * error).max() < 0.05  # the fit is at the top


def test_planted_values_are_recovered_where_inference_is_propagated():
    """24 concepts in one component, no enumeration: two sampling errors of the best estimator.

    Were the patterns known, an estimated slip or guess would err by sqrt(p (1 - p) / n) with n
    half the learners; hidden patterns and Bethe's approximation may cost as much again.
    """
    watched, q, slip, guess, _ = learners(2, 3000, 60, 24)
    d = fit(watched, q, DiagnosisConfig(enumeration_limit=0, tolerance=1e-7))
    assert d.learners["propagated"] > 2900
    known = np.sqrt(0.15 * 0.85 / 1500)
    for fitted, planted in ((d.slip, slip), (d.guess, guess)):
        assert np.sqrt(np.mean((fitted - planted) ** 2)) < 2 * 2 * known


@pytest.mark.parametrize("link", ["compensatory", "conjunctive"])
def test_the_m_step_finds_what_a_general_optimiser_finds(link):
    rng = np.random.default_rng(0)
    n_concepts = np.array([1, 2, 3, 6, 4])
    table = eta_table(n_concepts, link)
    wrong = rng.uniform(0, 30, table.eta.size)
    share = rng.uniform(0.2, 0.9, 5)
    right = rng.uniform(1, 30, 5)
    right[4], wrong[table.start[4]] = 40, 0  # watched by those who hold nothing: the bound acts
    slip_beta, guess_beta = (2.0, 6.0), (1.5, 4.0)
    share[4] = 0.05
    start = to_line(np.full(5, 0.2), np.full(5, 0.2))
    a, b = fit_lines(
        table.start, table.eta, right, right * share, wrong, slip_beta, guess_beta, 1e-3, start
    )
    for v in range(5):
        eta, w = (x[table.start[v] : table.start[v + 1]] for x in (table.eta, wrong))

        def loss(x, v=v, eta=eta, w=w):
            p = np.minimum(np.exp(x[0] + x[1] * eta), 1 - 1e-12)
            guess, not_slip = p[0], p[-1]
            value = x[0] * right[v] + x[1] * right[v] * share[v] + w @ np.log1p(-p)
            value += (slip_beta[0] - 1) * np.log1p(-not_slip)
            value += (slip_beta[1] - 1) * np.log(not_slip)
            value += (guess_beta[0] - 1) * np.log(guess) + (guess_beta[1] - 1) * np.log1p(-guess)
            return -value

        best = minimize(
            loss,
            [-1.6, 1.3],
            method="SLSQP",
            bounds=[(-20, -1e-6), (1e-3, 20)],
            constraints={"type": "ineq", "fun": lambda x: -1e-9 - x[0] - x[1]},
            options={"ftol": 1e-14, "maxiter": 500},
        )
        assert loss((a[v], b[v])) <= best.fun + 1e-7
        np.testing.assert_allclose([a[v], b[v]], best.x, atol=2e-4)


def test_a_learner_without_evidence_keeps_the_prior_and_is_not_identified():
    watched, q, *_ = learners(0, 30, 8, 4)
    watched = sparse.vstack([watched, sparse.csr_matrix((1, 8))]).tocsr()
    d = fit(watched, q)
    assert not d.identified_of(30).any()
    assert np.array_equal(d.mastery_of(30), d.prior)
    assert d.learners["without evidence"] == 1


def test_a_concept_that_no_video_covers_keeps_the_prior_peak_and_is_never_identified():
    watched, q, *_ = learners(0, 30, 8, 4)
    wide = sparse.hstack([q, sparse.csr_matrix((8, 1))]).tocsr()
    d = fit(watched, wide, DiagnosisConfig(prior_beta=(2.0, 4.0)))
    assert d.prior[4] == pytest.approx(1 / 4)  # the peak of Beta(2, 4)
    assert not any(d.identified_of(u)[4] for u in range(30))


def test_a_video_that_nobody_observed_takes_its_beta_priors_peak_and_says_so():
    watched, q, *_ = learners(0, 50, 8, 4)
    watched = sparse.hstack([watched, sparse.csr_matrix((50, 2))]).tocsr()
    bare = sparse.csr_matrix(np.array([[1.0, 1, 0, 0], [0, 0, 0, 0]]))  # the last covers nothing
    d = fit(watched, sparse.vstack([q, bare]).tocsr(), DiagnosisConfig(guess_beta=(3.0, 9.0)))
    assert d.observed.tolist() == [True] * 8 + [False] * 2
    np.testing.assert_allclose(d.slip[8:], 1 / 6, atol=1e-6)
    np.testing.assert_allclose(d.guess[8:], 2 / 10, atol=1e-6)


def test_two_learners_with_one_row_move_the_fit_as_two():
    """Equal rows are inferred once and weighed; a shuffled copy of everyone hides none of it."""
    watched, q, *_ = learners(0, 40, 10, 5)
    config = DiagnosisConfig(iteration_limit=6)
    together = fit(sparse.vstack([watched, watched]).tocsr(), q, config)
    nudged = watched.copy()
    nudged.data = np.abs(nudged.data - 1e-12)  # not the same row to the bit, so inferred apart
    apart = fit(sparse.vstack([watched, nudged]).tocsr(), q, config)
    np.testing.assert_allclose(together.slip, apart.slip, atol=1e-6)
    np.testing.assert_allclose(together.prior, apart.prior, atol=1e-6)


def test_permuting_learners_videos_and_concepts_permutes_the_fit():
    watched, q, *_ = learners(4, 200, 15, 6, observed=0.8)
    config = DiagnosisConfig(tolerance=1e-9, iteration_limit=1000)
    rng = np.random.default_rng(0)
    u, v, k = rng.permutation(200), rng.permutation(15), rng.permutation(6)
    before = fit(watched, q, config)
    after = fit(watched[u][:, v], q[v][:, k], config)
    np.testing.assert_allclose(after.slip, before.slip[v], atol=1e-3)
    np.testing.assert_allclose(after.guess, before.guess[v], atol=1e-3)
    np.testing.assert_allclose(after.prior, before.prior[k], atol=1e-3)
    np.testing.assert_allclose(
        after.mastery.toarray(), before.mastery.toarray()[u][:, k], atol=2e-3
    )


def test_a_fit_is_repeated_to_the_bit_whatever_the_threads():
    watched, q, *_ = learners(6, 150, 40, 20, observed=0.5)
    config = DiagnosisConfig(iteration_limit=8)
    one, many = fit(watched, q, config, threads=1), fit(watched, q, config, threads=4)
    for name in ("slip", "guess", "prior", "objective"):
        assert np.array_equal(getattr(one, name), getattr(many, name))
    assert np.array_equal(one.mastery.data, many.mastery.data)


def test_one_video_on_one_concept_ends_where_the_watched_share_is_explained():
    """One video, one concept, prior fixed: the likelihood is Bernoulli(.5 (1 - s) + .5 g)."""
    watched = sparse.csr_matrix(
        (np.array([1.0, 1, 1, 0]), (np.arange(4), np.zeros(4, int))), shape=(4, 1)
    )
    config = DiagnosisConfig(**ALMOST_FLAT, learn_prior=False, tolerance=1e-12)
    d = fit(watched, sparse.csr_matrix(np.array([[1]])), config)
    assert 0.5 * (1 - d.slip[0]) + 0.5 * d.guess[0] == pytest.approx(0.75, abs=1e-3)


def test_slip_and_guess_survive_the_change_of_parameters():
    slip, guess = np.array([1e-6, 0.2, 0.7]), np.array([1e-6, 0.3, 0.29])
    for there, back in zip((slip, guess), from_line(*to_line(slip, guess)), strict=True):
        np.testing.assert_allclose(back, there, rtol=1e-9)
