"""What a video would raise, held against inference with and without a full watch of it."""

import itertools

import numpy as np
import pytest
from diagnosis_cases import random_case
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from kgplan.diagnosis import LiveDiagnosis
from kgplan.diagnosis.gain import gains, lines, log_odds

seeds = st.integers(0, 2**32 - 1)
parameter = st.floats(0.02, 0.45)
share = st.floats(0, 1, exclude_max=True)


def odds_added(q, slip, guess, shares, mastery, weights=None):
    """(V, K) `gains` of every video, 0 where it does not cover the concept."""
    weights = (shares >= 0).astype(float) if weights is None else weights
    covers = sparse.csr_array(q)
    line = lines(slip, guess, np.diff(covers.indptr))
    found = gains(covers.indptr, covers.indices, line, shares, weights, mastery)
    return sparse.csr_array((found, covers.indices, covers.indptr), shape=q.shape).toarray()


def by_enumeration(shares, q, slip, guess, prior):
    """(K,) mastery of one learner, as a sum over all 2^K states; shares below 0 are unobserved.

    Eq. (9) and (10) of kg-plppm: P(r = 1) = guess^(1 - held) (1 - slip)^held, where `held` is the
    share of the video's concepts that the learner holds.
    """
    states = np.array(list(itertools.product([0, 1], repeat=prior.size)))
    held = states @ q.T / q.sum(axis=1)
    right = guess ** (1 - held) * (1 - slip) ** held
    seen = shares >= 0
    logs = shares[seen] * np.log(right[:, seen]) + (1 - shares[seen]) * np.log1p(-right[:, seen])
    weight = np.exp(logs.sum(axis=1)) * np.prod(np.where(states, prior, 1 - prior), axis=1)
    return weight @ states / weight.sum()


@given(seeds)
def test_a_video_that_nothing_is_observed_of_adds_what_the_live_diagnosis_adds(seed):
    _, q, slip, guess, prior = random_case(seed, 8, 6)
    rng = np.random.default_rng(seed)
    watched = np.flatnonzero(rng.random(6) < 0.4)  # in full: concepts stay independent
    live = LiveDiagnosis(sparse.csr_matrix(q), slip, guess, prior)

    def mastery(videos):
        known = live.infer(videos, np.ones(videos.size))
        dense = prior.copy()
        dense[known.concepts] = known.mastery
        return dense

    before = mastery(watched)
    shares = np.where(np.isin(np.arange(6), watched), 1.0, -1.0)
    added = odds_added(q, slip, guess, shares, before)
    for video in np.setdiff1d(np.arange(6), watched):
        expected = mastery(np.append(watched, video))
        odds = before / (1 - before) * np.exp(added[video])
        np.testing.assert_allclose(odds / (1 + odds), expected, rtol=0, atol=1e-9)


@given(parameter, parameter, st.floats(0.05, 0.95), share, st.floats(0, 1))
def test_the_rest_of_a_video_on_one_concept_adds_what_bayes_rule_says(
    slip, guess, prior, watched, weight
):
    """Whatever was watched weighs so much; the full watch weighs 1."""

    def odds(r, weight):
        said = ((1 - slip) / guess) ** r * (slip / (1 - guess)) ** (1 - r)
        return prior / (1 - prior) * said**weight

    before = odds(watched, weight) / (1 + odds(watched, weight))
    one = np.ones((1, 1))
    added = odds_added(one, *np.array([[slip], [guess], [watched], [before], [weight]]))
    assert added[0, 0] == pytest.approx(np.log(odds(1.0, 1.0) / odds(watched, weight)), abs=1e-8)


def test_of_several_concepts_it_is_near_what_a_sum_over_all_states_gives():
    """The mean of the other concepts stands in for what is known of them together."""
    errors = []
    for seed in range(300):
        shares, q, slip, guess, prior = random_case(seed, 6, 4, largest=4)
        before = by_enumeration(shares, q, slip, guess, prior)
        added = odds_added(q, slip, guess, shares, before)
        for video in np.flatnonzero(shares < 1):
            after = shares.copy()
            after[video] = 1.0
            own = q[video] > 0
            odds = (before / (1 - before) * np.exp(added[video]))[own]
            expected = by_enumeration(after, q, slip, guess, prior)[own]
            errors += (odds / (1 + odds) - expected).tolist()
    off = np.abs(errors)
    assert off.max() < 0.2
    assert np.quantile(off, 0.9) < 0.05
    assert abs(np.mean(errors)) < 0.01


@given(seeds)
def test_no_video_lowers_a_mastery(seed):
    shares, q, slip, guess, prior = random_case(seed, 10, 8)
    unobserved = np.random.default_rng(seed).random(8) < 0.3
    shares[unobserved] = -1.0
    assert odds_added(q, slip, guess, shares, prior).min() >= 0


def test_a_video_that_nothing_was_fitted_to_responds_as_the_fit_begins():
    usual = lines(np.array([0.2]), np.array([0.2]), np.array([2]))
    unknown = lines(np.array([np.nan]), np.array([np.nan]), np.array([2]))
    assert usual == unknown


def test_a_mastery_that_is_certain_has_finite_odds():
    assert np.isfinite(log_odds(np.array([0.0, 0.5, 1.0]))).all()
    assert log_odds(np.array([0.5]))[0] == 0
