"""One learner's mastery under changing observations, held against inference from scratch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from kgplan.diagnosis import DiagnosisConfig, LiveDiagnosis, infer
from kgplan.diagnosis.live import NOTHING_OBSERVED, LargeUpdate
from kgplan.diagnosis.uncertainty import divergence
from kgplan.errors import AxisMismatch, InputError

seeds = st.integers(0, 2**32 - 1)
links = st.sampled_from(["compensatory", "conjunctive"])


def model(seed, n_videos=25, n_concepts=18, **settings):
    """Videos of one to four concepts, neighbours on a line, so that components come and go."""
    rng = np.random.default_rng(seed)
    q = np.zeros((n_videos, n_concepts))
    for row in q:
        near = rng.integers(n_concepts) + np.arange(6)
        row[rng.choice(near, rng.integers(1, 5), replace=False) % n_concepts] = 1
    q[0] = 0  # a video without concepts
    slip, guess = rng.uniform(0.05, 0.3, (2, n_videos))
    arguments = sparse.csr_matrix(q), slip, guess, rng.uniform(0.2, 0.8, n_concepts)
    return arguments, DiagnosisConfig(**settings)


def some_row(rng, n_videos):
    videos = np.flatnonzero(rng.random(n_videos) < rng.random())
    return videos, rng.choice([0.0, 0.4, 1.0], videos.size)


def from_scratch(videos, shares, weights, arguments, config):
    """By the batch's inference, which knows nothing of what was observed before."""
    shape = 1, arguments[0].shape[0]
    watched, heavy = (
        sparse.csr_matrix((values, videos, [0, videos.size]), shape=shape)
        for values in (shares, weights)
    )
    found = infer(watched, *arguments, config, weights=heavy).mastery
    return found.indices, found.data


def dense(live, known):
    mastery = live.prior.copy()
    mastery[known.concepts] = known.mastery
    return mastery


@settings(deadline=None, max_examples=120)
@given(seed=seeds, link=links, limit=st.sampled_from([0, 6, 12]))
def test_whatever_was_observed_before_mastery_is_that_of_inference_from_scratch(seed, link, limit):
    """Shares and weights grow, fall, come and go, a few at a time or all at once."""
    arguments, config = model(seed % 7, link=link, enumeration_limit=limit)
    rng = np.random.default_rng(seed)
    live = LiveDiagnosis(*arguments, config)
    videos, shares = some_row(rng, 25)
    known = live.infer(videos, shares)
    for _ in range(6):
        seen = dict(zip(videos.tolist(), shares.tolist(), strict=True))
        others = some_row(rng, 25)
        for video, share in zip(*others, strict=True):
            if rng.random() < 0.3:
                seen.pop(video, None) if rng.random() < 0.4 else seen.update({video: share})
        videos, shares = (np.array(sorted(seen), int), np.array([seen[v] for v in sorted(seen)]))
        if rng.random() < 0.2:
            videos, shares = others
        weights = np.where(rng.random(videos.size) < 0.7, 1.0, rng.choice([0.0, 0.3], videos.size))
        known = live.update(known, videos, shares, weights)
        reached, expected = from_scratch(videos, shares, weights, arguments, config)
        assert np.array_equal(known.concepts, reached)
        # bits, not tolerances: a component is inferred anew or was never touched
        assert np.array_equal(known.mastery, expected)


@settings(deadline=None, max_examples=40)
@given(seed=seeds, link=links)
def test_what_may_be_inferred_is_all_that_moves(seed, link):
    """The least `most` that is enough: not less than what moves, no more than what ties join."""
    arguments, config = model(seed % 7, link=link)
    rng = np.random.default_rng(seed)
    live = LiveDiagnosis(*arguments, config)
    videos, shares = some_row(rng, 25)
    known = live.infer(videos, shares)
    video, share = int(rng.integers(25)), float(rng.choice([0, 0.5, 1]))
    seen = dict(zip(videos.tolist(), shares.tolist(), strict=True)) | {video: share}
    videos, shares = np.array(sorted(seen)), np.array([seen[v] for v in sorted(seen)])

    def enough(most):
        try:
            return live.update(known, videos, shares, most=most)
        except LargeUpdate:
            return None

    least = next(most for most in range(19) if enough(most) is not None)
    moved = dense(live, enough(least)) != dense(live, known)
    assert moved.sum() <= least
    q = arguments[0].toarray() > 0
    tied = q[video].copy()
    for _ in range(25):  # on paper: a tying video joins all its concepts
        for row in q[videos[shares < 1] if link == "compensatory" else videos]:
            if (row & tied).any():
                tied |= row
    assert not (moved & ~tied).any()
    assert least in (0, tied.sum())  # nothing was new, or all that is joined


def test_bayes_rule_for_one_view_of_one_concept():
    """Prior .5, guess .2, slip .1: not watched .8 against .1; watched .2 against .9."""
    one, video = sparse.csr_matrix(np.array([[1.0]])), np.array([0])
    live = LiveDiagnosis(one, np.array([0.1]), np.array([0.2]), np.array([0.5]))
    due = live.update(NOTHING_OBSERVED, video, np.array([0.0]))
    assert due.mastery == pytest.approx(0.1 / 0.9)
    # one bit, less what is still open between 8/9 and 1/9
    bits = 1 + (8 * np.log2(8 / 9) + np.log2(1 / 9)) / 9
    assert divergence(due.mastery, live.prior) == pytest.approx(bits)
    watched = live.update(due, video, np.array([1.0]))
    assert watched.mastery == pytest.approx(0.9 / 1.1)
    assert live.update(watched, video[:0], np.zeros(0)).concepts.size == 0


def test_what_says_nothing_new_infers_nothing():
    arguments, config = model(1)
    live = LiveDiagnosis(*arguments, config)
    known = live.infer(np.array([3]), np.array([0.5]))
    assert live.update(known, np.array([3]), np.array([0.5]), most=0) is known


@pytest.mark.parametrize(
    ("videos", "shares", "error", "says"),
    [
        ([0], [1.5], InputError, "watched 1.5 of video 0"),
        ([0], [float("nan")], InputError, "watched nan of video 0"),
        ([25], [1.0], InputError, "there is no video 25; the model has videos 0 to 24"),
        ([-1], [1.0], InputError, "there is no video -1"),
        ([1, 1], [1.0, 0.0], InputError, "video 1 twice"),
        ([1, 2], [1.0], AxisMismatch, "observed videos"),
    ],
)
def test_observations_that_cannot_be_used_are_refused(videos, shares, error, says):
    arguments, config = model(1)
    live = LiveDiagnosis(*arguments, config)
    with pytest.raises(error, match=says):
        live.infer(np.array(videos), np.array(shares))
    with pytest.raises(error, match=says):
        live.update(NOTHING_OBSERVED, np.array(videos), np.array(shares))


def test_observations_may_come_in_any_order():
    arguments, config = model(1)
    live = LiveDiagnosis(*arguments, config)
    known = live.infer(np.array([3, 7]), np.array([0.5, 1.0]))
    assert live.update(known, np.array([7, 3]), np.array([1.0, 0.5])) is known
