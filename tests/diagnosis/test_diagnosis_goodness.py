"""Item and model fit: published figures, loops over answer patterns, planted misfit."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import binomtest

from kgplan.diagnosis import DiagnosisConfig, ambiguous_concepts, assess, fit, reached
from kgplan.diagnosis.goodness import (
    item_rmsea,
    residual_correlations,
    s_x2_by_item,
    sum_score_distribution,
)

FRACTION = Path(__file__).parent.parent / "data" / "fraction-15x5"
Q = np.array([[1, 0], [0, 1], [1, 1], [1, 0], [0, 1], [1, 1], [1, 0], [0, 1], [1, 0], [0, 1]])
SHARE = np.array([0.3, 0.15, 0.1, 0.45])
SATURATED = DiagnosisConfig.maximum_likelihood(link="conjunctive", class_prior="saturated")


def stored(dense):
    rows, columns = np.nonzero(~np.isnan(dense))
    return sparse.csr_matrix((dense[rows, columns], (rows, columns)), shape=dense.shape)


def model(seed=0, q=Q):
    """(S, V) P(right) of DINA on two concepts."""
    rng = np.random.default_rng(seed)
    slip, guess = rng.uniform(0.1, 0.25, (2, len(q)))
    held = (np.arange(4)[:, None] >> np.arange(2)) & 1
    return np.where(held @ q.T == q.sum(axis=1), 1 - slip, guess)


def simulate(rng, n_learners, p_right, share=SHARE):
    p = p_right[rng.choice(share.size, n_learners, p=share)]
    return (rng.random(p.shape) < p).astype(float)


def patterns(p_right, share):
    """Every answer pattern with its probability, by plain products."""
    for x in itertools.product((0, 1), repeat=p_right.shape[1]):
        p = 0.0
        for state, weight in enumerate(share):
            p += weight * np.prod(
                [q if a else 1 - q for a, q in zip(x, p_right[state], strict=True)]
            )
        yield np.array(x), p


def test_the_fraction_fit_has_the_published_aic_and_bic():
    answers = stored(np.loadtxt(FRACTION / "responses.csv", delimiter=",", skiprows=1))
    q = sparse.csr_matrix(np.loadtxt(FRACTION / "q.csv", delimiter=",", skiprows=1))
    found = assess(answers, q, fit(answers, q, SATURATED))
    assert found.n_parameters == 2 * 15 + 2**5 - 1
    assert found.aic == pytest.approx(7033.5, abs=0.05)
    assert found.bic == pytest.approx(7294.9, abs=0.05)
    assert found.notes == ()


def test_sum_scores_are_distributed_as_all_patterns_added_up():
    p_right = model()[:, :6]
    expected = np.zeros((4, 7))
    for state in range(4):
        for x, p in patterns(p_right[[state]], np.ones(1)):
            expected[state, x.sum()] += p
    np.testing.assert_allclose(sum_score_distribution(p_right), expected, atol=1e-12)


def test_s_x2_equals_its_definition_over_all_patterns():
    """Orlando & Thissen's formula with expectations by enumeration; no group is joined here."""
    p_right = model()[:, :5]
    answers = simulate(np.random.default_rng(0), 5000, p_right)
    statistic, degrees, _ = s_x2_by_item(answers, p_right, SHARE)
    table = list(patterns(p_right, SHARE))
    total = answers.sum(axis=1)
    for item in range(5):
        expected = 0.0
        for score in range(1, 5):
            n = np.sum(total == score)
            observed = answers[total == score, item].mean()
            e = sum(p for x, p in table if x.sum() == score and x[item]) / sum(
                p for x, p in table if x.sum() == score
            )
            expected += n * (observed - e) ** 2 / (e * (1 - e))
        assert statistic[item] == pytest.approx(expected)
        assert degrees[item] == 4 - 2


def test_s_x2_of_answers_by_the_model_averages_its_degrees_of_freedom():
    """20 samples of 10 items: 200 ratios of standard deviation sqrt(2 / 7) = .53, mean's .038.

    4 standard errors are .15; items of one sample are nearly independent.
    """
    p_right, ratio = model(), []
    for seed in range(20):
        answers = stored(simulate(np.random.default_rng(seed), 1500, p_right))
        q = sparse.csr_matrix(Q)
        found = assess(answers, q, fit(answers, q, SATURATED, threads=1))
        ratio.append(found.s_x2 / found.s_x2_df)
    assert np.mean(ratio) == pytest.approx(1, abs=0.15)


def test_an_item_with_the_wrong_concept_is_the_one_that_fits_worst():
    answers = stored(simulate(np.random.default_rng(1), 3000, model()))
    wrong = Q.copy()
    wrong[0] = [0, 1]  # answered by the first concept
    found = assess(
        answers, sparse.csr_matrix(wrong), fit(answers, sparse.csr_matrix(wrong), SATURATED)
    )
    assert np.argmax(found.rmsea) == 0
    assert found.rmsea[0] > 0.1
    assert np.all(found.rmsea[1:] < 0.1)
    assert np.argmin(found.s_x2_p) == 0
    assert found.s_x2_p[0] < 1e-6


def test_srmsr_compares_with_the_correlations_of_all_patterns():
    p_right = model()[:, :6]
    scores, weight = zip(*patterns(p_right, SHARE), strict=True)
    implied = np.cov(np.array(scores).T, aweights=weight, ddof=0)
    implied /= np.sqrt(np.outer(np.diag(implied), np.diag(implied)))
    answers = simulate(np.random.default_rng(3), 400, p_right)
    pairs = np.triu_indices(6, 1)
    expected = np.sqrt(np.mean((np.corrcoef(answers.T) - implied)[pairs] ** 2))
    assert residual_correlations(answers, p_right, SHARE) == pytest.approx(expected)


def test_srmsr_of_the_true_model_is_its_sampling_error_and_of_a_wrong_one_is_not():
    """A correlation of n answers errs by (1 - rho^2) / sqrt(n) or so, at most 1 / sqrt(n).

    One concept in place of two leaves residuals several times as large.
    """
    answers = stored(simulate(np.random.default_rng(4), 2000, model()))
    q = sparse.csr_matrix(Q)
    true = assess(answers, q, fit(answers, q, SATURATED)).srmsr
    single = sparse.csr_matrix(np.ones((10, 1)))
    assert true < 1.2 / np.sqrt(2000)
    assert assess(answers, single, fit(answers, single, SATURATED)).srmsr > 3 / np.sqrt(2000)


def test_pairs_count_the_learners_who_answered_both():
    p_right = model()
    answers = simulate(np.random.default_rng(5), 300, p_right)
    answers[:100, 0] = np.nan
    implied = residual_correlations(answers[:, :2], p_right[:, :2], SHARE)
    assert implied == pytest.approx(residual_correlations(answers[100:, :2], p_right[:, :2], SHARE))


def test_rmsea_is_the_definition_written_as_loops():
    rng = np.random.default_rng(6)
    right, wrong = rng.uniform(1, 9, (2, 3, 4))
    p_right, share = rng.uniform(0.1, 0.9, (4, 3)), np.array([0.1, 0.2, 0.3, 0.4])
    for v in range(3):
        expected = 0.0
        for s in range(4):
            expected += share[s] * (right[v, s] / (right[v, s] + wrong[v, s]) - p_right[s, v]) ** 2
        assert item_rmsea(right, wrong, p_right, share)[v] == pytest.approx(np.sqrt(expected))


def test_what_is_not_defined_for_the_data_is_absent_with_a_note():
    answers = simulate(np.random.default_rng(7), 300, model())
    q = sparse.csr_matrix(Q)
    holes = np.where(np.random.default_rng(8).random(answers.shape) < 0.1, np.nan, answers)
    found = assess(stored(holes), q, fit(stored(holes), q, SATURATED))
    assert np.isnan(found.s_x2).all()
    assert found.srmsr > 0
    assert "every learner" in found.notes[0]
    half = stored(answers / 2)
    found = assess(half, q, fit(half, q, SATURATED))
    assert np.isnan(found.srmsr)
    assert "fractional" in found.notes[0]
    many = sparse.csr_matrix(np.eye(16))
    wide = stored((np.random.default_rng(9).random((50, 16)) < 0.5).astype(float))
    found = assess(wide, many, fit(wide, many))
    assert np.isnan(found.rmsea).all()
    assert "16 concepts" in found.notes[0]


def test_learners_without_answers_do_not_count_in_bic():
    answers = simulate(np.random.default_rng(10), 200, model())
    more = np.vstack([answers, np.full((50, 10), np.nan)])
    q = sparse.csr_matrix(Q)
    one, other = (assess(stored(x), q, fit(stored(x), q, SATURATED)) for x in (answers, more))
    assert one.n_learners == other.n_learners == 200
    assert one.bic == pytest.approx(other.bic)


@pytest.mark.parametrize("link", ["conjunctive", "compensatory"])
def test_concepts_called_separable_are_told_apart_by_every_pair_of_states(link):
    rng = np.random.default_rng(11)
    for _ in range(60):
        n_items, n_concepts = rng.integers(1, 6), rng.integers(1, 5)
        q = (rng.random((n_items, n_concepts)) < 0.4).astype(int)
        states = np.array(list(itertools.product((0, 1), repeat=n_concepts)))
        ideal = states @ q.T
        if link == "conjunctive":
            ideal = ideal == q.sum(axis=1)
        open_ = np.zeros(n_concepts, bool)
        for a, b in itertools.combinations(range(len(states)), 2):
            if np.array_equal(ideal[a], ideal[b]):
                open_ |= states[a] != states[b]
        flagged = ambiguous_concepts(sparse.csr_matrix(q), link)
        if link == "conjunctive":
            assert np.array_equal(flagged, open_)
        else:
            assert np.all(flagged | ~open_)  # every open concept is flagged


def test_concepts_of_observed_items_are_reached_even_by_a_wrong_answer():
    answers = stored(np.array([[0.0, np.nan], [np.nan, 1.0], [np.nan, np.nan]]))
    q = sparse.csr_matrix(np.array([[1, 0, 0], [1, 1, 0]]))
    assert reached(answers, q).toarray().tolist() == [
        [True, False, False],
        [True, True, False],
        [False, False, False],
    ]


def test_p_values_of_s_x2_are_small_as_rarely_as_they_say():
    """300 p-values under the model: those below .05 are binomial."""
    p_right, small, n = model(), 0, 0
    for seed in range(30):
        answers = stored(simulate(np.random.default_rng(100 + seed), 1500, p_right))
        q = sparse.csr_matrix(Q)
        p = assess(answers, q, fit(answers, q, SATURATED, threads=1)).s_x2_p
        small, n = small + int(np.sum(p < 0.05)), n + p.size
    assert binomtest(small, n, 0.05).pvalue > 1e-3
