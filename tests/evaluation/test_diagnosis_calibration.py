"""Held-back views: the split, the figures, and what each method says of the same pairs."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.special import expit, logit
from scipy.stats import binom
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from kgplan.data.records import LearnerRecords, observations
from kgplan.diagnosis import DiagnosisConfig, LearnerModelConfig, fit, infer
from kgplan.diagnosis.itemwise import count_distribution, report_items
from kgplan.diagnosis.logistic import fit_logistic
from kgplan.diagnosis.predicting import predict
from kgplan.errors import InputError
from kgplan.evaluation.calibration import hold_back, isotonic, look_up, platt, score
from kgplan.evaluation.contest import METHODS, contest
from kgplan.evaluation.prediction import (
    item_cf,
    item_mean,
    place_in_course,
)


def views(seed, n_learners=12, n_videos=20, observed=0.8):
    """Random observations with a time line: (U, V) shares and (U, V) places."""
    rng = np.random.default_rng(seed)
    rows, columns = np.nonzero(rng.random((n_learners, n_videos)) < observed)
    opened = rng.random(rows.size) < 0.4
    watched = sparse.csr_array(
        (opened * rng.uniform(0.2, 1, rows.size), (rows, columns)), shape=(n_learners, n_videos)
    )
    watched.sort_indices()
    place = rng.permutation(rows.size) + 1
    order = sparse.csr_array((place[opened], (rows[opened], columns[opened])), shape=watched.shape)
    return watched, order


def pairs_of(matrix):
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)), matrix.indices


@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.05, 0.9))
def test_held_back_views_are_a_learners_last_and_the_rest_stays(seed, share):
    watched, order = views(seed)
    held = hold_back(watched, order, np.random.default_rng(seed), share, least_views=3)
    dense, when = watched.toarray(), order.toarray()
    kept = set(zip(*map(np.ndarray.tolist, pairs_of(held.watched)), strict=True))
    out = set(zip(held.learner.tolist(), held.video.tolist(), strict=True))
    assert kept | out == set(zip(*map(np.ndarray.tolist, pairs_of(watched)), strict=True))
    assert not kept & out
    assert np.array_equal(held.opened, dense[held.learner, held.video] > 0)
    for u in range(watched.shape[0]):
        mine = np.flatnonzero(dense[u] > 0)
        last = [v for v in mine if (u, v) in out]
        first = [v for v in mine if (u, v) in kept]
        if mine.size < 3:
            assert held.too_few[u]
            assert not [pair for pair in out if pair[0] == u]
            continue
        assert len(last) == max(int(share * mine.size + 0.5), 1)
        assert not first or not last or when[u, first].max() < when[u, last].min()


def test_what_is_held_back_is_not_observed_in_the_fit_not_even_as_a_zero():
    watched, order = views(1)
    held = hold_back(watched, order, np.random.default_rng(0))
    assert np.all(np.isnan(look_up(held.watched, held.learner, held.video)))
    assert held.watched.nnz + held.learner.size == watched.nnz


@pytest.mark.parametrize(
    ("change", "message"),
    [({"share": 1.0}, "share is 1.0"), ({"least_views": 1}, "least_views is 1"), ({}, "no place")],
)
def test_a_split_that_makes_no_sense_is_refused(change, message):
    watched, order = views(0)
    if not change:
        order = sparse.csr_array(order.shape)
    with pytest.raises(InputError, match=message):
        hold_back(watched, order, np.random.default_rng(0), **change)


def guesses(seed, n=400, n_learners=40, ties=False):
    rng = np.random.default_rng(seed)
    p = rng.random(n)
    p = np.round(p, 1) if ties else p
    return p, rng.random(n) < 0.2 + 0.5 * p, np.sort(rng.integers(0, n_learners, n))


@pytest.mark.parametrize("ties", [False, True])
def test_figures_are_those_of_scikit_learn(ties):
    p, opened, learner = guesses(0, ties=ties)
    found = score({"it": p}, opened, learner, np.random.default_rng(0), n_resamples=20)["it"]
    assert found.brier.value == pytest.approx(brier_score_loss(opened, p))
    assert found.auc.value == pytest.approx(roc_auc_score(opened, p))
    clipped = np.clip(p, 1e-6, 1 - 1e-6)
    assert found.log_loss.value == pytest.approx(log_loss(opened, clipped))


def test_the_calibration_error_and_bins_are_those_of_a_loop():
    p, opened, learner = guesses(3, n=1000)
    found = score({"it": p}, opened, learner, np.random.default_rng(0), n_bins=10)["it"]
    bins = np.array_split(np.argsort(p), 10)
    observed = [opened[b].mean() for b in bins]
    predicted = [p[b].mean() for b in bins]
    np.testing.assert_allclose(found.reliability.observed, observed, atol=0.02)
    np.testing.assert_allclose(found.reliability.predicted, predicted, atol=0.005)
    assert found.reliability.pairs.sum() == 1000
    gaps = np.abs(np.subtract(found.reliability.observed, found.reliability.predicted))
    assert found.ece.value == pytest.approx(gaps @ found.reliability.pairs / 1000)


def test_predictions_drawn_from_the_truth_are_calibrated_and_shifted_ones_are_not():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.1, 0.9, 40_000)
    opened, learner = rng.random(p.size) < p, np.arange(p.size) // 4
    found = score({"true": p, "low": p - 0.1}, opened, learner, rng, n_bins=10, n_resamples=50)
    assert found["true"].ece.value < 3 * np.sqrt(0.25 / 4000)  # of a bin's share
    assert found["low"].ece.value == pytest.approx(0.1, abs=0.01)
    assert found["true"].brier.value == pytest.approx(np.mean(p * (1 - p)), abs=0.005)


def test_an_interval_of_independent_pairs_is_the_normal_one():
    p, opened, _ = guesses(5, n=3000)
    found = score({"it": p}, opened, np.arange(3000), np.random.default_rng(0), n_resamples=1000)
    loss = (p - opened) ** 2
    half = 1.96 * loss.std() / np.sqrt(3000)
    interval = found["it"].brier
    assert interval.high - interval.low == pytest.approx(2 * half, rel=0.1)


def test_saying_every_pair_of_a_learner_twice_narrows_no_interval():
    p, opened, learner = guesses(6)
    once = score({"it": p}, opened, learner, np.random.default_rng(0), n_resamples=50)["it"]
    twice = score(
        {"it": np.repeat(p, 2)}, np.repeat(opened, 2), np.repeat(learner, 2),
        np.random.default_rng(0), n_resamples=50,
    )["it"]  # fmt: skip
    for figure in ("brier", "log_loss", "auc"):
        a, b = getattr(once, figure), getattr(twice, figure)
        np.testing.assert_allclose((a.low, a.value, a.high), (b.low, b.value, b.high))


@pytest.mark.parametrize(
    ("p", "opened", "message"),
    [([0.5, 1.5], [True, False], "predicts 1.5"), ([0.5, 0.5], [True, True], "all 2 .* opened")],
)
def test_predictions_that_cannot_be_judged_are_refused(p, opened, message):
    with pytest.raises(InputError, match=message):
        score({"it": np.array(p)}, np.array(opened), np.arange(2), np.random.default_rng(0))


def test_logistic_regression_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    x = rng.normal(3, [1, 5, 0.2], (500, 3))
    y = rng.random(500) < expit(x @ [1, -0.3, 2] - 7)
    standard = (x - x.mean(axis=0)) / x.std(axis=0)
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(standard, y)
    ours = fit_logistic(x, y)(x)
    np.testing.assert_allclose(ours, theirs.predict_proba(standard)[:, 1], atol=1e-5)


def test_logistic_regression_settles_where_a_feature_separates_all():
    x = np.linspace(-1, 1, 50)[:, None]
    p = fit_logistic(np.hstack([x, np.ones((50, 1))]), x.ravel() > 0)(
        np.hstack([x, np.ones((50, 1))])
    )
    assert np.all(np.diff(p) > 0)
    assert p[0] < 0.1 < 0.9 < p[-1]


def test_isotonic_recalibration_is_that_of_scikit_learn():
    p, opened, _ = guesses(7, ties=True)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(p, opened)
    new = np.linspace(0, 1, 57)
    np.testing.assert_allclose(isotonic(p, opened)(new), theirs.predict(new), atol=1e-12)


def test_platt_finds_a_planted_distortion_of_log_odds():
    rng = np.random.default_rng(1)
    true = rng.uniform(0.02, 0.98, 20_000)
    distorted = expit(2 * logit(true) + 1)
    better = platt(distorted, rng.random(true.size) < true)
    assert np.abs(better(distorted) - true).max() < 0.03


# ------------------------------------------------------------------------------------ predictions


def world(seed, n_learners, n_videos, n_concepts, link="compensatory"):
    rng = np.random.default_rng(seed)
    q = (rng.random((n_videos, n_concepts)) < 0.3).astype(np.int8)
    q[np.arange(n_videos), rng.integers(0, n_concepts, n_videos)] = 1
    slip, guess = rng.uniform(0.05, 0.3, (2, n_videos))
    mastery = rng.random((n_learners, n_concepts))
    return sparse.csr_matrix(q), slip, guess, sparse.csr_matrix(mastery)


@pytest.mark.parametrize("link", ["compensatory", "conjunctive"])
def test_a_prediction_is_the_mean_over_all_states(link):
    q, slip, guess, mastery = world(0, 3, 6, 4)
    m = mastery.toarray()
    expected = np.zeros((3, 6))
    for state in product([0, 1], repeat=4):
        state = np.array(state)
        eta = q.toarray() @ state / q.toarray().sum(axis=1)
        eta = np.floor(eta) if link == "conjunctive" else eta
        weight = np.prod(np.where(state, m, 1 - m), axis=1)
        expected += weight[:, None] * guess ** (1 - eta) * (1 - slip) ** eta
    u, v = (a.ravel() for a in np.mgrid[:3, :6])
    found = predict(mastery, np.full(4, 0.5), q, slip, guess, (u, v), link)
    np.testing.assert_allclose(found, expected.ravel())


def test_a_prediction_is_the_ratio_of_evidences_where_concepts_are_independent():
    """P(next view | views) = P(views and next) / P(views), both by the E-step."""
    q = sparse.csr_matrix(np.array([[1, 0], [0, 1], [1, 1]]))
    slip, guess, prior = (
        np.array([0.1, 0.2, 0.15]),
        np.array([0.2, 0.1, 0.05]),
        np.array([0.3, 0.6]),
    )
    before = sparse.csr_matrix(([1.0, 0.0], ([0, 0], [0, 1])), shape=(1, 3))
    after = sparse.csr_matrix(([1.0, 0.0, 1.0], ([0, 0, 0], [0, 1, 2])), shape=(1, 3))
    told = infer(before, q, slip, guess, prior)
    ratio = np.exp(infer(after, q, slip, guess, prior).log_evidence - told.log_evidence)
    found = predict(told.mastery, prior, q, slip, guess, (np.array([0]), np.array([2])))
    np.testing.assert_allclose(found, ratio)


def test_concepts_that_nothing_reaches_are_predicted_from_the_prior():
    q, slip, guess, _ = world(1, 1, 5, 3)
    prior = np.array([0.2, 0.5, 0.9])
    nothing, all_stored = sparse.csr_matrix((1, 3)), sparse.csr_matrix(prior[None, :])
    pairs = np.zeros(5, int), np.arange(5)
    np.testing.assert_allclose(
        predict(nothing, prior, q, slip, guess, pairs),
        predict(all_stored, np.full(3, 0.5), q, slip, guess, pairs),
    )


def test_item_based_cf_is_that_of_loops():
    watched, _ = views(4, n_learners=9, n_videos=7, observed=0.7)
    opened = watched.toarray() > 0
    seen = np.zeros(watched.shape, bool)
    seen[pairs_of(watched)] = True
    u, v = np.nonzero(~seen)
    means = item_mean(watched, (u, v))
    for learner, video, mean, p in zip(u, v, means, item_cf(watched, (u, v)), strict=True):
        top = bottom = 0.0
        for other in range(7):
            if other == video or not seen[learner, other]:
                continue
            norm = np.sqrt(max(opened[:, video].sum(), 1) * max(opened[:, other].sum(), 1))
            cosine = (opened[:, video] & opened[:, other]).sum() / norm
            top += cosine * opened[learner, other]
            bottom += cosine
        assert p == pytest.approx((top + mean) / (bottom + 1))


def test_the_place_counts_from_the_last_video_in_time_not_the_furthest():
    watched = sparse.csr_array(np.array([[1.0, 0, 1.0, 0, 0], [0, 0, 0, 0, 1.0]]))
    order = sparse.csr_array(np.array([[7, 0, 3, 0, 0], [0, 0, 0, 0, 1]]))  # V0 after V2
    enrolled = sparse.csr_array(np.array([[1, 0], [1, 1]]))
    courses = sparse.csr_array(np.array([[1, 2, 3, 4, 0], [0, 3, 0, 2, 1]]))
    pairs = np.array([0, 0, 1, 1]), np.array([1, 3, 1, 2])
    course = place_in_course(watched, order, enrolled, courses, pairs)
    assert course.ahead.tolist() == [1, 3, 2, 0]  # learner 1: V1 is third in the begun course
    assert course.begun.tolist() == [1, 1, 1, 0]


def small_records(seed=0, n_learners=80, n_videos=24, n_concepts=6):
    """Two courses; learners follow a course in its order and drop out."""
    rng = np.random.default_rng(seed)
    q = (rng.random((n_videos, n_concepts)) < 0.3).astype(np.int8)
    q[np.arange(n_videos), rng.integers(0, n_concepts, n_videos)] = 1
    courses = np.zeros((2, n_videos), np.int32)
    courses[0, :12] = courses[1, 12:] = np.arange(1, 13)
    enrolled = (rng.random((n_learners, 2)) < 0.7).astype(np.int8)
    viewed, order = np.zeros((2, n_learners, n_videos))
    for u in range(n_learners):
        mine = np.flatnonzero((enrolled[u] @ (courses > 0)) > 0)
        opened = mine[: rng.integers(0, mine.size + 1)] if mine.size else mine
        opened = opened[rng.random(opened.size) < 0.8]
        viewed[u, opened], order[u, opened] = 1, np.arange(opened.size) + 1
    ids = [np.array([f"{letter}_{i:03}" for i in range(size)]) for letter, size in (
        ("U", n_learners), ("V", n_videos), ("K", n_concepts), ("C", 2))]  # fmt: skip
    matrices = [sparse.csr_array(m) for m in (enrolled, viewed, np.zeros((2, n_concepts)))]
    records = LearnerRecords(*ids, *matrices, sparse.csr_array(courses), sparse.csr_array(q))
    return records, sparse.csr_array(order)


def test_no_method_sees_what_was_held_back():
    records, order = small_records()
    held = hold_back(observations(records), order, np.random.default_rng(0))
    config = LearnerModelConfig(tolerance=1e-3)
    found = contest(records, order, held, np.random.default_rng(2), config)
    assert list(found) == [method.name for method in METHODS]
    for p in found.values():
        assert p.shape == held.opened.shape
        assert np.all((p >= 0) & (p <= 1))
    plain, corrected = found["attended, not corrected"], found["attended"]
    assert np.ptp(corrected - plain) > 0
    assert np.all(np.diff(corrected[np.argsort(plain)]) >= 0)  # it keeps the order
    # the same question with all answers to it taken away, or turned round
    fitted = order.toarray()
    fitted[held.learner, held.video] = 0
    blind = contest(
        replace(records, viewed=sparse.csr_array(records.viewed.shape)),
        sparse.csr_array(fitted),
        replace(held, opened=~held.opened),
        np.random.default_rng(2),
        config,
    )
    for name, p in found.items():
        np.testing.assert_array_equal(p, blind[name], err_msg=name)


# -------------------------------------------------------------------------------------- itemwise


def test_errors_are_binomial_where_it_is_known_who_holds_the_concept():
    """n holders err with probability slip: the error of its estimate is sqrt(s (1 - s) / n)."""
    rng = np.random.default_rng(0)
    n = 4000
    held = np.arange(n) < n // 2
    slip, guess = 0.2, 0.3
    right = rng.random(n) < np.where(held, 1 - slip, guess)
    watched = sparse.csr_matrix((right.astype(float), (np.arange(n), np.zeros(n, int))))
    mastery = sparse.csr_matrix(np.where(held, 1 - 1e-9, 1e-9)[:, None])
    flat = DiagnosisConfig.maximum_likelihood()
    found = report_items(
        watched, sparse.csr_matrix([[1]]), mastery, np.array([0.5]),
        np.array([slip]), np.array([guess]), flat,
    )  # fmt: skip
    assert found.slip_error[0] == pytest.approx(np.sqrt(slip * (1 - slip) / (n / 2)), rel=0.05)
    assert found.guess_error[0] == pytest.approx(np.sqrt(guess * (1 - guess) / (n / 2)), rel=0.05)
    gaps = [right[held].mean() - (1 - slip), right[~held].mean() - guess]
    assert found.rmsd[0] == pytest.approx(np.sqrt(np.mean(np.square(gaps))), abs=1e-6)


@given(p=st.floats(1e-3, 1), n=st.integers(1, 6))
def test_counts_of_equal_probabilities_are_binomial(p, n):
    found = count_distribution(np.full((1, n), p))[0]
    np.testing.assert_allclose(found, binom.pmf(np.arange(n + 1), n, p), atol=1e-12)


def test_an_item_that_nobody_answered_has_no_error_and_no_fit():
    q = sparse.csr_matrix([[1], [1]])
    watched = sparse.csr_matrix(([1.0, 0.0], ([0, 1], [0, 0])), shape=(2, 2))
    d = fit(watched, q)
    found = report_items(watched, q, d.mastery, d.prior, d.slip, d.guess)
    assert np.isnan(found.slip_error).tolist() == [False, True]
    assert np.isnan(found.rmsd).tolist() == [False, True]
    assert found.observations.tolist() == [2, 0]
