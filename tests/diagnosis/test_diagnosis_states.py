"""Free probabilities of all states, held against loops, published values and laws."""

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from kgplan.diagnosis import DiagnosisConfig, fit, infer, standard_errors
from kgplan.diagnosis.response import to_line
from kgplan.diagnosis.states import StateLine, count_by_state, expect_states, pose_states
from kgplan.diagnosis.vdina import product_share
from kgplan.errors import AxisMismatch, ConfigError, InputError

FRACTION = Path(__file__).parent.parent / "data" / "fraction-15x5"
LINKS = ["compensatory", "conjunctive"]
GUESS = ".000 .211 .135 .125 .309 .032 .072 .155 .080 .170 .102 .031 .134 .022 .010"
SLIP = ".278 .118 .038 .131 .247 .226 .078 .048 .063 .070 .105 .133 .158 .197 .182"


def posterior_by_loops(row, weights, q, slip, guess, share, link):
    """One learner: row (V,) with NaN unobserved -> (S,) P(state | row), log P(row)."""
    n_videos, n_concepts = q.shape
    joint = np.empty(2**n_concepts)
    for state, reverse in enumerate(itertools.product((0, 1), repeat=n_concepts)):
        alpha = reverse[::-1]  # the first concept varies fastest
        joint[state] = share[state]
        for v in range(n_videos):
            if np.isnan(row[v]) or not q[v].any():
                continue
            eta = sum(a * b for a, b in zip(alpha, q[v], strict=True)) / q[v].sum()
            if link == "conjunctive":
                eta = float(eta == 1)
            p = guess[v] ** (1 - eta) * (1 - slip[v]) ** eta
            joint[state] *= (p ** row[v] * (1 - p) ** (1 - row[v])) ** weights[v]
    return joint / joint.sum(), np.log(joint.sum())


def stored(dense, where):
    rows, columns = np.nonzero(where)
    return sparse.csr_matrix((dense[rows, columns], (rows, columns)), shape=dense.shape)


def case(seed, n_learners=11, n_videos=9, n_concepts=4):
    rng = np.random.default_rng(seed)
    q = (rng.random((n_videos, n_concepts)) < 0.5).astype(float)
    q[:, 0] = 1
    q[1] = 0  # covers nothing
    slip, guess = rng.uniform(0.05, 0.3, (2, n_videos))
    share = rng.dirichlet(np.ones(2**n_concepts))
    shares = np.round(rng.random((n_learners, n_videos)) ** 2, 1)
    seen = rng.random(shares.shape) < 0.7
    seen[3] = False
    weights = np.where(rng.random(shares.shape) < 0.2, 0.0, rng.uniform(0.5, 2, shares.shape))
    return shares, seen, weights, q, slip, guess, share


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("seed", range(4))
def test_the_sum_over_states_equals_bayes_rule_written_as_loops(seed, link):
    shares, seen, weights, q, slip, guess, share = case(seed)
    config = DiagnosisConfig(link=link)
    found = infer(
        stored(shares, seen), sparse.csr_matrix(q), slip, guess, np.full(4, 0.5), config,
        weights=stored(weights, seen), share=share,
    )  # fmt: skip
    holds = (np.arange(16)[:, None] >> np.arange(4)) & 1
    for u in range(shares.shape[0]):
        row = np.where(seen[u], shares[u], np.nan)
        posterior, log_evidence = posterior_by_loops(row, weights[u], q, slip, guess, share, link)
        np.testing.assert_allclose(found.log_evidence[u], log_evidence, atol=1e-10)
        if seen[u].any():
            np.testing.assert_allclose(
                found.mastery[[u]].toarray()[0], posterior @ holds, atol=1e-10
            )
    assert found.how[3] == 0  # nothing observed
    assert found.mastery[[3]].nnz == 0


@pytest.mark.parametrize("link", LINKS)
def test_expected_counts_of_states_and_answers_equal_the_loops(link):
    shares, seen, weights, q, slip, guess, share = case(7)
    problem = pose_states(stored(shares, seen), sparse.csr_matrix(q), stored(weights, seen), link)
    found = expect_states(problem, StateLine(*to_line(slip, guess), share))
    count, right_eta, wrong_full = np.zeros(16), np.zeros(9), np.zeros(9)
    for u in range(11):
        if u == 3:
            continue
        row = np.where(seen[u], shares[u], np.nan)
        posterior, _ = posterior_by_loops(row, weights[u], q, slip, guess, share, link)
        count += posterior
        for v, state in itertools.product(range(9), range(16)):
            if seen[u, v] and q[v].any():
                held = [(state >> k) & 1 for k in range(4)]
                eta = float(np.dot(q[v], held)) / q[v].sum()
                eta = float(eta == 1) if link == "conjunctive" else eta
                right_eta[v] += weights[u, v] * posterior[state] * shares[u, v] * eta
                wrong_full[v] += weights[u, v] * posterior[state] * (1 - shares[u, v]) * (eta == 1)
    np.testing.assert_allclose(found.count, count, atol=1e-10)
    np.testing.assert_allclose(found.right_eta, right_eta, atol=1e-10)
    full = problem.videos.table_start[1:] - 1
    some = q.any(axis=1)
    np.testing.assert_allclose(found.wrong[full][some], wrong_full[some], atol=1e-10)


def test_hundreds_of_answers_that_would_overflow_a_product_are_summed_all_the_same():
    """400 sure answers: likelihood ratios of e^±2,800, far outside a double."""
    q = np.tile(np.eye(3), (134, 1))[:400]
    slip = guess = np.full(400, 1e-3)
    share = np.full(8, 1 / 8)
    rows = np.array([[1.0] * 400, [0.0] * 400, [1.0, 0.0] * 200])
    found = infer(
        stored(rows, np.ones_like(rows)), sparse.csr_matrix(q), slip, guess, np.full(3, 0.5),
        DiagnosisConfig(link="conjunctive"), share=share,
    )  # fmt: skip
    # one concept an item: concepts are independent, and each is a sum of log odds
    odds = np.log(0.999 / 0.001)
    for u in range(3):
        sign = np.where(rows[u] == 1, odds, -odds)
        expected = 0.0
        for k in range(3):
            mine = sign[q[:, k] == 1]
            expected += np.logaddexp(mine.clip(0).sum(), (-mine).clip(0).sum()) - np.log(2)
        expected += 400 * np.log(0.001)
        np.testing.assert_allclose(found.log_evidence[u], expected, rtol=1e-10)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32 - 1), link=st.sampled_from(LINKS))
def test_em_over_states_never_lowers_its_objective(seed, link):
    shares, seen, weights, q, *_ = case(seed, n_learners=40)
    config = DiagnosisConfig.maximum_likelihood(
        link=link, class_prior="saturated", iteration_limit=30
    )
    d = fit(stored(shares, seen), sparse.csr_matrix(q), config, weights=stored(weights, seen))
    assert np.all(np.diff(d.objective) >= 0)
    assert d.share.sum() == pytest.approx(1)
    assert np.all((d.guess > 0) & (d.guess < 1 - d.slip) & (d.slip > 0))


def test_shares_that_factorise_give_the_mastery_of_independent_concepts():
    """Two E-steps that share no code: sums over states, and enumeration of components."""
    shares, seen, _, q, slip, guess, _ = case(3)
    prior = np.array([0.2, 0.5, 0.7, 0.9])
    for link in LINKS:
        config = DiagnosisConfig(link=link)
        args = stored(shares, seen), sparse.csr_matrix(q), slip, guess, prior, config
        one, other = infer(*args), infer(*args, share=product_share(prior))
        np.testing.assert_allclose(one.log_evidence, other.log_evidence, atol=1e-9)
        reached = one.mastery.toarray() > 0
        np.testing.assert_allclose(
            one.mastery.toarray()[reached], other.mastery.toarray()[reached], atol=1e-9
        )


def fraction():
    responses = np.loadtxt(FRACTION / "responses.csv", delimiter=",", skiprows=1)
    q = np.loadtxt(FRACTION / "q.csv", delimiter=",", skiprows=1)
    return stored(responses, np.ones_like(responses)), sparse.csr_matrix(q)


@pytest.fixture(scope="module")
def fraction_fit():
    config = DiagnosisConfig.maximum_likelihood(link="conjunctive", class_prior="saturated")
    return fit(*fraction(), config)


def test_dina_on_the_fraction_items_reaches_the_published_likelihood_and_parameters(fraction_fit):
    """Published for DINA with free class probabilities: 536 learners, 15 items, 5 concepts."""
    assert fraction_fit.converged
    assert fraction_fit.log_evidence.sum() == pytest.approx(-3455.762, abs=5e-4 + 5e-4)
    for fitted, published in ((fraction_fit.guess, GUESS), (fraction_fit.slip, SLIP)):
        np.testing.assert_allclose(fitted, [float(x) for x in published.split()], atol=0.005)


def test_the_fraction_fit_lies_in_the_published_bayesian_intervals_but_for_small_guesses(
    fraction_fit,
):
    """95 % intervals of stan-posterior.csv; its prior pulls guesses of items that few can guess."""
    with (FRACTION / "stan-posterior.csv").open() as stream:
        table = {row["parameter"]: row for row in csv.DictReader(stream)}
    outside = {}
    for name, fitted in (("guess", fraction_fit.guess), ("slip", fraction_fit.slip)):
        low, high = (
            np.array([float(table[f"{name}[{v + 1}]"][f"q{at}"]) for v in range(15)])
            for at in ("2.5", "97.5")
        )
        far = (fitted < low - 0.005) | (fitted > high + 0.005)
        outside[name] = (np.flatnonzero(far) + 1).tolist()
    assert outside == {"guess": [1, 5], "slip": []}
    # item 5 needs concept 3 alone: its guess rests on the few who lack it


def test_planted_shares_of_states_are_recovered_within_their_sampling_error():
    """Items of one concept each tell states apart; 12 items, 5,000 learners.

    Were states known, a share p would err by sqrt(p (1 - p) / 5000) <= .0068 at p = .37; answers
    of four items a concept, slip and guess .1, tell nearly all states. Eight shares: the largest
    of eight standard normals exceeds 4 once in 2,000 times; twice the error allows for hidden
    states.
    """
    rng = np.random.default_rng(0)
    share = np.array([0.3, 0.02, 0.05, 0.1, 0.03, 0.1, 0.03, 0.37])
    states = rng.choice(8, 5000, p=share)
    q = np.tile(np.eye(3), (4, 1))
    held = (states[:, None] >> np.arange(3)) & 1
    p = np.where(held @ q.T > 0, 0.9, 0.1)
    answers = (rng.random(p.shape) < p).astype(float)
    config = DiagnosisConfig.maximum_likelihood(link="conjunctive", class_prior="saturated")
    d = fit(stored(answers, np.ones_like(answers)), sparse.csr_matrix(q), config)
    error = np.sqrt(share * (1 - share) / 5000)
    assert np.abs((d.share - share) / error).max() < 2 * 4


def test_a_saturated_fit_is_never_less_likely_than_the_independent_one():
    """The independent prior is one of the saturated ones."""
    for link in LINKS:
        likelihood = [
            fit(
                *fraction(), DiagnosisConfig.maximum_likelihood(link=link, class_prior=prior)
            ).log_evidence.sum()
            for prior in ("independent", "saturated")
        ]
        assert likelihood[0] < likelihood[1]


def test_a_saturated_fit_is_repeated_to_the_bit_whatever_the_threads():
    shares, seen, _, q, *_ = case(2, n_learners=60)
    config = DiagnosisConfig(link="conjunctive", class_prior="saturated", iteration_limit=5)
    one, many = (fit(stored(shares, seen), sparse.csr_matrix(q), config, threads=n) for n in (1, 4))
    assert np.array_equal(one.share, many.share)
    assert np.array_equal(one.mastery.data, many.mastery.data)


def test_a_concept_that_no_item_needs_stays_outside_the_states_and_keeps_its_prior():
    watched, q = fraction()
    wide = sparse.hstack([sparse.csr_matrix((15, 1)), q]).tocsr()
    config = DiagnosisConfig.maximum_likelihood(link="conjunctive", class_prior="saturated")
    d = fit(watched, wide, config)
    assert d.share.size == 32
    assert d.prior[0] == config.prior_start
    assert not d.identified_of(0)[0]
    assert d.identified_of(0)[1:].all()


def test_too_many_concepts_for_free_shares_are_refused_with_a_way_out():
    watched = sparse.csr_matrix(np.ones((2, 16)))
    with pytest.raises(InputError, match="independent prior"):
        fit(watched, sparse.eye(16).tocsr(), DiagnosisConfig(class_prior="saturated"))


def test_shares_that_do_not_fit_are_refused():
    one = sparse.csr_matrix(np.array([[1.0]]))
    args = one, one, np.array([0.1]), np.array([0.2]), np.array([0.5])
    with pytest.raises(AxisMismatch):
        infer(*args, share=np.full(4, 0.25))
    with pytest.raises(InputError, match="sum to"):
        infer(*args, share=np.array([0.5, 0.6]))
    with pytest.raises(ConfigError, match="saturated"):
        DiagnosisConfig(class_prior="free")


@pytest.mark.parametrize("n_concepts", [8, 9, 11])
def test_states_grown_concept_by_concept_equal_the_matrix_product_over_states(n_concepts):
    """Two E-steps that share no code: states grown level by level, and a product of matrices."""
    rng = np.random.default_rng(n_concepts)
    q = np.zeros((25, n_concepts))
    for row in q:
        row[rng.choice(n_concepts, rng.integers(1, 5), replace=False)] = 1
    slip, guess = rng.uniform(0.05, 0.3, (2, 25))
    answers, seen = rng.integers(0, 2, (10, 25)).astype(float), rng.random((10, 25)) < 0.9
    problem = pose_states(stored(answers, seen), sparse.csr_matrix(q), None, "conjunctive")
    line = StateLine(*to_line(slip, guess), rng.dirichlet(np.ones(2**n_concepts)))
    found, (expected, counts) = expect_states(problem, line), count_by_state(problem, line)
    np.testing.assert_allclose(found.log_evidence, expected.log_evidence, rtol=1e-10)
    np.testing.assert_allclose(found.mastery, expected.mastery, atol=1e-10)
    np.testing.assert_allclose(found.count, expected.count, atol=1e-10)
    states = np.arange(2**n_concepts)
    full = (states[:, None] & problem.masks()) == problem.masks()
    np.testing.assert_allclose(found.right_eta, (counts.right.T * full).sum(axis=0), atol=1e-10)


def test_a_learner_whose_ratios_overflow_does_not_disturb_the_others():
    """Learners are summed side by side; each alone, and in loops of a matrix product, is the same.

    Nine learners with few answers, and one whose 300 sure answers to items of several concepts
    multiply to e^2,000.
    """
    rng = np.random.default_rng(0)
    q = (rng.random((300, 5)) < 0.5).astype(float)
    q[:5] = np.eye(5)
    slip = guess = np.full(300, 1e-3)
    answers = rng.integers(0, 2, (10, 300)).astype(float)
    answers[4] = 1.0
    seen = np.arange(300) < 12
    seen = np.where(np.arange(10)[:, None] == 4, True, seen[None, :])
    q_matrix = sparse.csr_matrix(q)
    line = StateLine(*to_line(slip, guess), rng.dirichlet(np.ones(32)))
    problem = pose_states(stored(answers, seen), q_matrix, None, "conjunctive")
    found, expected = expect_states(problem, line), count_by_state(problem, line)[0]
    np.testing.assert_allclose(found.log_evidence, expected.log_evidence, rtol=1e-10)
    np.testing.assert_allclose(found.mastery, expected.mastery, atol=1e-9)
    np.testing.assert_allclose(found.count, expected.count, atol=1e-9)
    others = pose_states(
        stored(answers[:4], seen[:4]), q_matrix, None, "conjunctive"
    )  # in a group without the tenth
    alone = expect_states(others, line)
    np.testing.assert_allclose(
        np.sort(alone.log_evidence[others.case_of]),
        np.sort(found.log_evidence[problem.case_of[:4]]),
        rtol=1e-10,
    )


def test_an_e_step_that_counts_no_states_finds_all_else_the_same():
    shares, seen, weights, q, slip, guess, share = case(5)
    problem = pose_states(
        stored(shares, seen), sparse.csr_matrix(q), stored(weights, seen), "conjunctive"
    )
    line = StateLine(*to_line(slip, guess), share)
    one, other = (expect_states(problem, line, count_states=wanted) for wanted in (True, False))
    assert other.count.size == 0
    for name in ("log_evidence", "mastery", "wrong", "right_eta"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-12)


def test_learners_without_any_answer_leave_the_states_where_they_started():
    empty = sparse.csr_matrix((3, 2))
    q = sparse.csr_matrix(np.array([[1, 0], [1, 1]]))
    config = DiagnosisConfig.maximum_likelihood(link="conjunctive", class_prior="saturated")
    d = fit(empty, q, config)
    np.testing.assert_allclose(d.share, 0.25)
    assert d.mastery.nnz == 0
    assert d.learners["without evidence"] == 3
    assert standard_errors(empty, q, d).n_parameters == 0
