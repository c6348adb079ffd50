"""Slip and guess of new videos: planted truth, a law of pooling, and another optimiser."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize
from scipy.stats import beta

from kgplan.diagnosis import DiagnosisConfig, fit, infer
from kgplan.diagnosis.newvideos import (
    FEW,
    fit_new_videos,
    pooled_parameters,
    similar_videos,
    with_new_videos,
)
from kgplan.errors import AxisMismatch, InputError


def cohort(seed, n_learners=600, n_courses=6, per_course=12, concepts_per_course=8):
    """Courses that differ in slip and guess; learners watch as the model says."""
    rng = np.random.default_rng(seed)
    n_videos = n_courses * per_course
    course = np.repeat(np.arange(n_courses), per_course)
    q = np.zeros((n_videos, n_courses * concepts_per_course))
    for video, home in enumerate(course):
        of = home * concepts_per_course + rng.choice(concepts_per_course, rng.integers(1, 4), False)
        q[video, of] = 1
    level = np.linspace(0.05, 0.5, n_courses)
    slip = np.clip(level[course] + rng.normal(0, 0.03, n_videos), 0.02, 0.6)
    guess = np.clip(level[::-1][course] / 4 + rng.normal(0, 0.01, n_videos), 0.005, 0.3)
    prior = rng.uniform(0.3, 0.7, q.shape[1])
    held = rng.random((n_learners, q.shape[1])) < prior
    eta = held @ q.T / q.sum(axis=1)
    right = rng.random(eta.shape) < guess ** (1 - eta) * (1 - slip) ** eta
    course_items = sparse.csr_matrix(np.equal.outer(np.arange(n_courses), course).astype(int))
    return right.astype(float), sparse.csr_matrix(q), slip, guess, prior, course_items


def stored(shares):
    """NaN unobserved; zeros are stored."""
    rows, columns = np.nonzero(~np.isnan(shares))
    return sparse.csr_matrix((shares[rows, columns], (rows, columns)), shape=shares.shape)


def default_prior(pooled, config):
    """What a new video would have without pooling: the settings' Beta priors, at their peak."""
    m = pooled.slip.size
    peaks = [np.full(m, (a - 1) / (a + b - 2)) for a, b in (config.slip_beta, config.guess_beta)]
    slip_beta, guess_beta = (
        (np.full(m, pair[0]), np.full(m, pair[1])) for pair in (config.slip_beta, config.guess_beta)
    )
    return replace(
        pooled, slip=peaks[0], guess=peaks[1], slip_beta=slip_beta, guess_beta=guess_beta
    )


@pytest.mark.parametrize("seed", range(3))
def test_pooled_and_few_views_come_nearer_to_the_planted_truth_than_the_defaults(seed):
    right, q, slip, guess, _, course_items = cohort(seed)
    new = np.arange(3, q.shape[0], 6)
    old = np.setdiff1d(np.arange(q.shape[0]), new)
    known = fit(stored(right[:, old]), q[old])  # the new videos did not exist yet
    groups = similar_videos(q, course_items)
    pooled = pooled_parameters(known.slip, known.guess, groups[old], groups[new])
    default = default_prior(pooled, known.config)
    all_slip, all_guess = np.empty((2, q.shape[0]))
    all_slip[old], all_guess[old] = known.slip, known.guess
    for views in (0, 10, 40):
        few = right.copy()
        few[views:, new] = np.nan
        error = {}
        for name, prior in (("pooled", pooled), ("default", default)):
            found = fit_new_videos(stored(few), q, all_slip, all_guess, known.prior, new, prior)
            error[name] = (
                np.abs(found.slip - slip[new]).mean(),
                np.abs(found.guess - guess[new]).mean(),
            )
        assert error["pooled"][0] < error["default"][0]
        assert error["pooled"][1] < error["default"][1]


def test_pooling_is_nearer_than_the_overall_mean_and_the_groups_own_means():
    """What credibility promises (James & Stein): over many draws it beats both extremes."""
    rng = np.random.default_rng(0)
    error = np.zeros((100, 3))
    for draw in range(100):
        size = rng.integers(2, 8, 12)
        truth = np.clip(rng.normal(0.3, 0.05, 12), 0.05, 0.8)
        group = np.repeat(np.arange(12), size)
        value = np.clip(truth[group] + rng.normal(0, 0.08, group.size), 0.01, 0.9)
        asked = np.arange(12)[:, None]
        pooled = pooled_parameters(value, value / 10, group[:, None], asked).slip
        own = np.bincount(group, value) / size
        for k, guess in enumerate((pooled, own, value.mean())):
            error[draw, k] = np.mean((guess - truth) ** 2)
    assert error[:, 0].mean() < 0.9 * error[:, 1:].mean(axis=0).min()


def test_a_group_unknown_at_every_level_falls_back_to_the_mean_of_all():
    rng = np.random.default_rng(1)
    slip, guess = rng.uniform(0.1, 0.4, 30), rng.uniform(0.01, 0.1, 30)
    groups = rng.integers(0, 4, (30, 3))
    pooled = pooled_parameters(slip, guess, groups, np.array([[-1, -1, -1], [9, 9, 9]]))
    np.testing.assert_allclose(pooled.slip, slip.mean())
    np.testing.assert_allclose(pooled.guess, guess.mean())


def test_pooled_priors_peak_where_they_start_and_stay_inside_what_is_known():
    rng = np.random.default_rng(2)
    slip, guess = rng.beta(2, 6, 80), rng.beta(1, 40, 80)
    groups = rng.integers(-1, 5, (80, 4))
    pooled = pooled_parameters(slip, guess, groups, groups[:20])
    for value, (a, b), known in (
        (pooled.slip, pooled.slip_beta, slip),
        (pooled.guess, pooled.guess_beta, guess),
    ):
        assert np.all((value >= known.min()) & (value <= known.max()))
        np.testing.assert_allclose((a - 1) / (a + b - 2), value)
    assert np.all((pooled.guess > 0) & (pooled.guess < 1 - pooled.slip))


def test_the_weight_of_a_prior_is_that_of_the_beta_distribution_it_was_drawn_from():
    """Beta(6, 24): mean .2, as 30 responses would spread; 4,000 draws, no groups."""
    slip = np.random.default_rng(3).beta(6, 24, 4000)
    nothing = np.full((4000, 1), -1)
    pooled = pooled_parameters(slip, slip / 10, nothing, nothing[:1])
    assert pooled.slip[0] == pytest.approx(0.2, abs=0.005)
    assert pooled.weight[0] == pytest.approx(30, rel=0.1)


def test_a_new_video_ends_at_the_peak_that_another_optimiser_finds():
    """Exact inference on six concepts, one new video: Nelder and Mead on the log posterior."""
    right, q, slip, guess, prior, _ = cohort(5, 60, 1, 8, 6)
    new = np.array([7])
    pooled = pooled_parameters(slip[:7], guess[:7], np.zeros((7, 1), int), np.zeros((1, 1), int))
    config = DiagnosisConfig(tolerance=1e-12)
    watched = stored(right)
    found = fit_new_videos(watched, q, slip, guess, prior, new, pooled, config)

    def loss(x):
        s, g = 1 / (1 + np.exp(-x))
        if g >= 1 - s:
            return np.inf
        both = np.append(slip[:7], s), np.append(guess[:7], g)
        density = beta(*(p[0] for p in pooled.slip_beta)).logpdf(s)
        density += beta(*(p[0] for p in pooled.guess_beta)).logpdf(g)
        return -infer(watched, q, *both, prior, config).log_evidence.sum() - density

    best = minimize(loss, [-1.0, -2.0], method="Nelder-Mead", options={"xatol": 1e-6})
    expected = 1 / (1 + np.exp(-best.x))
    np.testing.assert_allclose([found.slip[0], found.guess[0]], expected, atol=1e-4)
    assert np.all(np.diff(found.objective) >= 0)
    assert found.responses.tolist() == [60]


def test_without_a_view_a_new_video_keeps_its_pooled_start():
    right, q, slip, guess, prior, course_items = cohort(6, 30)
    right[:, [4, 20]] = np.nan
    groups = similar_videos(q, course_items)
    old = np.setdiff1d(np.arange(q.shape[0]), [4, 20])
    pooled = pooled_parameters(slip[old], guess[old], groups[old], groups[[4, 20]])
    found = fit_new_videos(stored(right), q, slip, guess, prior, np.array([4, 20]), pooled)
    np.testing.assert_allclose(found.slip, pooled.slip, atol=1e-6)
    np.testing.assert_allclose(found.guess, pooled.guess, atol=1e-6)
    assert found.responses.tolist() == [0, 0]


@pytest.mark.parametrize("views", [0, FEW - 1])
def test_a_fit_with_its_new_videos_pooled_is_nearer_to_the_planted_truth(views):
    right, q, slip, guess, _, course_items = cohort(8)
    new = np.arange(3, q.shape[0], 6)
    right[views:, new] = np.nan
    watched = stored(right)
    plain = fit(watched, q)
    pooled = with_new_videos(plain, watched, q, course_items)
    for name, truth in (("slip", slip), ("guess", guess)):
        error = [np.abs(getattr(each, name) - truth)[new].mean() for each in (plain, pooled)]
        assert error[1] < error[0]
        rest = np.setdiff1d(np.arange(q.shape[0]), new)
        np.testing.assert_array_equal(getattr(pooled, name)[rest], getattr(plain, name)[rest])
    read = infer(watched, q, pooled.slip, pooled.guess, plain.prior)
    np.testing.assert_array_equal(pooled.mastery.toarray(), read.mastery.toarray())


def test_a_fit_without_new_videos_or_without_known_ones_stands():
    right, q, _, _, _, course_items = cohort(9, n_learners=40)
    for rows in (40, FEW - 1):
        watched = stored(right[:rows])
        plain = fit(watched, q, DiagnosisConfig(iteration_limit=3))
        assert with_new_videos(plain, watched, q, course_items) is plain


def test_what_does_not_fit_is_refused():
    right, q, slip, guess, prior, course_items = cohort(7, 20)
    groups = similar_videos(q, course_items)
    with pytest.raises(AxisMismatch, match="axis L"):
        pooled_parameters(slip, guess, groups, groups[:, :2])
    with pytest.raises(InputError, match="1 known videos are too few"):
        pooled_parameters(slip[:1], guess[:1], groups[:1], groups)
    pooled = pooled_parameters(slip, guess, groups, groups[:1])
    with pytest.raises(AxisMismatch, match="axis M"):
        fit_new_videos(stored(right), q, slip, guess, prior, np.arange(2), pooled)
    bare = sparse.csr_matrix(np.vstack([np.zeros(q.shape[1]), q.toarray()[1:]]))
    with pytest.raises(InputError, match="new video 0 covers no concept"):
        fit_new_videos(stored(right), bare, slip, guess, prior, np.array([0]), pooled)
