"""M2 and RMSEA2: held against all answer patterns, their law under the model, planted misfit."""

import itertools

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import binomtest, kstest

from kgplan.diagnosis import DiagnosisConfig, assess, fit

ITEMS = np.array([[1, 0], [0, 1], [1, 1], [1, 0], [0, 1], [1, 1], [1, 0], [0, 1], [1, 0], [0, 1]])
SHARE = np.array([0.3, 0.15, 0.1, 0.45])
HELD = (np.arange(4)[:, None] >> np.arange(2)) & 1


def config(link="conjunctive", prior="saturated", **others):
    return DiagnosisConfig.maximum_likelihood(link=link, class_prior=prior, **others)


def stored(dense):
    rows, columns = np.nonzero(~np.isnan(dense))
    return sparse.csr_matrix((dense[rows, columns], (rows, columns)), shape=dense.shape)


def p_right(slip, guess, q, link="conjunctive"):
    """(4, V) P(right | state), eq. (10)."""
    eta = HELD @ q.T / q.sum(axis=1)
    eta = np.floor(eta) if link == "conjunctive" else eta
    return guess ** (1 - eta) * (1 - slip) ** eta


def simulate(seed, n_learners, q=ITEMS):
    """Answers of DINA with the same planted parameters every time."""
    slip, guess = np.random.default_rng(0).uniform(0.1, 0.25, (2, len(q)))
    rng = np.random.default_rng((1, seed))
    p = p_right(slip, guess, q)[rng.choice(4, n_learners, p=SHARE)]
    return (rng.random(p.shape) < p).astype(float)


def judge(answers, q=ITEMS, settings=None):
    settings = settings or config()
    q = sparse.csr_matrix(q)
    return assess(stored(answers), q, fit(stored(answers), q, settings, threads=1))


def m2_by_patterns(answers, q, slip, guess, share, link, slopes_of_share):
    """The formula with every answer pattern written out, and derivatives by differences."""
    n_items = len(q)
    patterns = np.array(list(itertools.product((0, 1), repeat=n_items)))
    sets = [{i} for i in range(n_items)] + [
        set(p) for p in itertools.combinations(range(n_items), 2)
    ]
    right = np.array([patterns[:, list(s)].all(axis=1) for s in sets]).astype(float)

    def probability(slip, guess, share):
        p = p_right(slip, guess, q, link)
        return share @ np.prod(np.where(patterns[:, None] == 1, p, 1 - p), axis=2).T

    at = probability(slip, guess, share)
    covariance = (right * at) @ right.T - np.outer(right @ at, right @ at)
    columns, step = [], 1e-6
    for v in range(n_items):
        unit = step * np.eye(n_items)[v]
        for up, down in (
            ((slip + unit, guess, share), (slip - unit, guess, share)),
            ((slip, guess + unit, share), (slip, guess - unit, share)),
        ):
            columns.append(right @ (probability(*up) - probability(*down)) / (2 * step))
    for slope in slopes_of_share.T:
        up, down = (probability(slip, guess, share + sign * step * slope) for sign in (1, -1))
        columns.append(right @ (up - down) / (2 * step))
    slopes, inverse = np.array(columns).T, np.linalg.inv(covariance)
    weight = inverse - inverse @ slopes @ np.linalg.inv(slopes.T @ inverse @ slopes) @ (
        slopes.T @ inverse
    )
    observed = np.array([answers[:, list(s)].all(axis=1).mean() for s in sets])
    residual = observed - right @ at
    return len(answers) * residual @ weight @ residual, len(sets) - slopes.shape[1]


@pytest.mark.parametrize("link", ["conjunctive", "compensatory"])
@pytest.mark.parametrize("prior", ["saturated", "independent", "fixed"])
def test_m2_is_its_formula_over_all_answer_patterns(link, prior):
    q = ITEMS[:7]
    settings = config(
        link, "independent" if prior == "fixed" else prior, learn_prior=prior != "fixed"
    )
    answers = simulate(3, 400, q)
    d = fit(stored(answers), sparse.csr_matrix(q), settings, threads=1)
    if prior == "saturated":
        share, slopes = d.share, np.vstack([np.eye(3), -np.ones(3)])
    else:
        share = np.prod(np.where(HELD == 1, d.prior, 1 - d.prior), axis=1)
        one = np.where(HELD == 1, 1.0, -1.0)
        other = np.where(HELD == 1, d.prior, 1 - d.prior)[:, ::-1]
        slopes = one * other if prior == "independent" else np.zeros((4, 0))
    expected, df = m2_by_patterns(answers, q, d.slip, d.guess, share, link, slopes)
    found = assess(stored(answers), sparse.csr_matrix(q), d).moments
    assert found.m2 == pytest.approx(expected, rel=1e-5)
    assert found.df == df


@pytest.fixture(scope="module")
def under_the_model():
    """M2 of 60 samples of 1,000 learners from a planted model."""
    return [judge(simulate(seed, 1000)).moments for seed in range(60)]


def test_m2_has_its_chi_square_distribution_under_the_model(under_the_model):
    """55 moments, 23 parameters; the mean of 60 statistics errs by sqrt(2 * 32 / 60)."""
    assert {fit.df for fit in under_the_model} == {55 - 23}
    m2, p = (np.array([getattr(fit, name) for fit in under_the_model]) for name in ("m2", "p"))
    assert abs(m2.mean() - 32) < 4 * np.sqrt(2 * 32 / 60)
    assert binomtest(int(np.sum(p < 0.05)), p.size, 0.05).pvalue > 1e-3
    assert kstest(p, "uniform").pvalue > 1e-3


def test_the_interval_of_rmsea2_reaches_down_to_0_under_the_model_but_for_one_in_twenty(
    under_the_model,
):
    above = sum(fit.rmsea2_low > 0 for fit in under_the_model)
    assert binomtest(above, len(under_the_model), 0.05).pvalue > 1e-3
    for fit_ in under_the_model:
        assert 0 <= fit_.rmsea2_low <= fit_.rmsea2 <= fit_.rmsea2_high


def test_a_wrong_q_matrix_is_found_out():
    """One concept in place of two."""
    answers = simulate(0, 1000)
    wrong, right = judge(answers, np.ones((10, 1))).moments, judge(answers).moments
    assert wrong.p < 1e-6
    assert wrong.rmsea2_low > right.rmsea2_high


def test_the_ends_of_the_interval_make_the_statistic_a_5_and_a_95_percent_event():
    """By drawing: a squared normal around sqrt(excess), and df - 1 around 0."""
    found = judge(simulate(0, 1000), np.ones((10, 1))).moments
    rng = np.random.default_rng(0)
    for end, below in ((found.rmsea2_low, 0.95), (found.rmsea2_high, 0.05)):
        shift = np.sqrt(end**2 * 1000 * found.df)
        draws = (rng.standard_normal(40_000) + shift) ** 2 + rng.chisquare(found.df - 1, 40_000)
        assert np.mean(draws <= found.m2) == pytest.approx(below, abs=4 * np.sqrt(0.0475 / 40_000))


def test_what_moments_of_two_items_do_not_tell_apart_costs_no_degree_of_freedom():
    """One concept is one factor: a mean and a loading an item say all, and the prior is free."""
    found = judge(simulate(1, 1000), np.ones((10, 1)))
    assert found.n_parameters == 21
    assert found.moments.df == 55 - 20


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda x: np.where(np.arange(x.size).reshape(x.shape) % 17 == 0, np.nan, x),
            "every learner",
        ),
        (lambda x: x / 2, "fractional"),
        (lambda x: x[:, :4], "10 moments"),
    ],
)
def test_m2_is_absent_with_the_reason_where_it_is_not_defined(change, reason):
    answers = change(simulate(2, 300))
    found = judge(answers, ITEMS[: answers.shape[1]])
    assert np.isnan([found.moments.m2, found.moments.p, found.moments.rmsea2_high]).all()
    assert any(reason in note for note in found.notes)
