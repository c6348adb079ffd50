"""One learner's mastery, event by event, held against inference from scratch on what remains."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from kgplan.diagnosis import DiagnosisConfig, LiveDiagnosis, Posterior, View, infer
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


def remaining(row, events, retracted):
    """What is observed, by the rule in words: the largest share of each video; V -> share."""
    counts = {}
    for view in events:
        if view.event_id not in retracted:
            old = counts.get(view.event_id)
            if old is None or (view.time, view.share, view.video) > old:
                counts[view.event_id] = (view.time, view.share, view.video)
    shares = dict(zip(row[0].tolist(), row[1].tolist(), strict=True))
    for _, share, video in counts.values():
        shares[video] = max(share, shares.get(video, 0.0))
    return shares


def from_scratch(shares, arguments, config):
    """(K,) mastery by the batch's inference, which knows nothing of events."""
    n_videos = arguments[0].shape[0]
    videos = np.array(sorted(shares), int)
    values = np.array([shares[v] for v in videos.tolist()])
    watched = sparse.csr_matrix((values, videos, [0, videos.size]), shape=(1, n_videos))
    found = infer(watched, *arguments, config).mastery
    dense = arguments[3].copy()
    dense[found.indices] = found.data
    return dense, found.indices


@st.composite
def messages(draw):
    """Views, repeats, corrections and withdrawals, in any order."""
    share = st.sampled_from([0.0, 0.25, 0.5, 1.0])
    view = st.builds(
        View, st.sampled_from("abcdefgh"), st.integers(0, 24), share, st.integers(0, 3)
    )
    withdrawal = st.sampled_from("abcdefghz")
    return draw(st.lists(st.one_of(view, view, view, withdrawal), max_size=25))


def send(learner, sent):
    for message in sent:
        if isinstance(message, View):
            learner.update(message)
        else:
            learner.retract(message)


@settings(deadline=None, max_examples=120)
@given(seed=seeds, sent=messages(), link=links, limit=st.sampled_from([0, 6, 12]))
def test_any_messages_in_any_order_equal_inference_from_scratch_on_what_remains(
    seed, sent, link, limit
):
    arguments, config = model(seed % 7, link=link, enumeration_limit=limit)
    rng = np.random.default_rng(seed)
    row = some_row(rng, 25)
    live = LiveDiagnosis(*arguments, config)
    views = [m for m in sent if isinstance(m, View)]
    expected, reached = from_scratch(
        remaining(row, views, {m for m in sent if isinstance(m, str)}), arguments, config
    )
    for order in (sent, [sent[i] for i in rng.permutation(len(sent))]):
        learner = Posterior.of(live, *row)
        send(learner, order)
        assert np.array_equal(learner.concepts, reached)
        # bits, not tolerances: a component is inferred anew or was never touched
        assert np.array_equal(learner.dense(), expected)


@settings(deadline=None, max_examples=30)
@given(seed=seeds, sent=messages())
def test_a_learner_survives_being_written(seed, sent):
    arguments, config = model(seed % 7)
    live = LiveDiagnosis(*arguments, config)
    learner = Posterior.of(live, *some_row(np.random.default_rng(seed), 25))
    send(learner, sent)
    again = Posterior.from_arrays(live, learner.to_arrays())
    assert again.events == learner.events
    assert np.array_equal(again.dense(), learner.dense())
    for withdrawn in "abcdefgh":  # and goes on alike
        again.retract(withdrawn)
        learner.retract(withdrawn)
    assert np.array_equal(again.dense(), learner.dense())


@settings(deadline=None, max_examples=40)
@given(seed=seeds, link=links)
def test_an_update_infers_all_that_moves_and_leaves_other_components_alone(seed, link):
    arguments, config = model(seed % 7, link=link)
    rng = np.random.default_rng(seed)
    learner = Posterior.of(LiveDiagnosis(*arguments, config), *some_row(rng, 25))
    before = learner.dense()
    inferred = learner.update(View("e", int(rng.integers(25)), float(rng.choice([0, 0.5, 1]))))
    moved = np.flatnonzero(learner.dense() != before)
    assert np.isin(moved, inferred).all()
    videos, shares = learner.observed
    tying = videos[shares < 1] if link == "compensatory" else videos
    q = arguments[0].toarray()[tying] > 0
    for covered in q:  # a tying video lies inside what was inferred, or outside
        inside = np.isin(np.flatnonzero(covered), inferred)
        assert inside.all() or not inside.any()


def test_bayes_rule_for_one_view_of_one_concept():
    """Prior .5, guess .2, slip .1: not watched .8 against .1; watched .2 against .9."""
    one = sparse.csr_matrix(np.array([[1.0]]))
    live = LiveDiagnosis(one, np.array([0.1]), np.array([0.2]), np.array([0.5]))
    learner = Posterior.of(live)
    assert learner.dense() == [0.5]
    learner.update(View("due", 0, 0.0))
    assert learner.mastery == pytest.approx(0.1 / 0.9)
    # one bit, less what is still open between 8/9 and 1/9
    assert learner.evidence() == pytest.approx(1 + (8 * np.log2(8 / 9) + np.log2(1 / 9)) / 9)
    learner.update(View("watched", 0, 1.0))
    assert learner.mastery == pytest.approx(0.9 / 1.1)
    learner.retract("watched", "due")
    assert learner.concepts.size == 0
    assert learner.dense() == [0.5]


def test_what_says_nothing_new_infers_nothing():
    arguments, config = model(1)
    learner = Posterior.of(LiveDiagnosis(*arguments, config), np.array([3]), np.array([0.5]))
    mastery = learner.mastery
    assert learner.update(View("a", 3, 0.2)).size == 0  # less than was seen before
    assert learner.update(View("a", 3, 0.2)).size == 0
    assert learner.retract("a", "never seen").size == 0
    assert learner.mastery is mastery


def test_an_enrolment_is_many_views_at_once():
    arguments, config = model(2)
    live = LiveDiagnosis(*arguments, config)
    at_once, one_by_one = Posterior.of(live), Posterior.of(live)
    due = [View(f"due {v}", v, 0.0) for v in range(1, 20)]
    at_once.update(*due)
    for view in reversed(due):
        one_by_one.update(view)
    assert np.array_equal(at_once.dense(), one_by_one.dense())
    expected, _ = from_scratch(dict.fromkeys(range(1, 20), 0.0), arguments, config)
    assert np.array_equal(at_once.dense(), expected)


@pytest.mark.parametrize(
    ("view", "says"),
    [
        (View("e", 0, 1.5), "view 'e' has share 1.5"),
        (View("e", 0, float("nan")), "view 'e' has share nan"),
        (View("e", 0, 1.0, float("inf")), "time inf"),
        (View("e", 25, 1.0), "there is no video 25; the model has videos 0 to 24"),
        (View("e", -1, 1.0), "there is no video -1"),
    ],
)
def test_a_view_that_cannot_be_used_is_refused_and_changes_nothing(view, says):
    arguments, config = model(1)
    learner = Posterior.of(LiveDiagnosis(*arguments, config))
    with pytest.raises(InputError, match=says):
        learner.update(View("fine", 1, 1.0), view)
    assert learner.events == ()
    assert learner.concepts.size == 0


def test_a_row_that_cannot_be_used_is_refused():
    arguments, config = model(1)
    live = LiveDiagnosis(*arguments, config)
    with pytest.raises(AxisMismatch, match="observed videos"):
        Posterior.of(live, np.array([1, 2]), np.array([1.0]))
    with pytest.raises(InputError, match="no video 25"):
        Posterior.of(live, np.array([25]), np.array([1.0]))
    with pytest.raises(InputError, match="video 1 twice"):
        Posterior.of(live, np.array([1, 1]), np.array([1.0, 0.0]))


def test_a_learner_goes_on_under_a_model_with_more_videos():
    (q, slip, guess, prior), config = model(3)
    old = LiveDiagnosis(q[:20], slip[:20], guess[:20], prior, config)
    new = LiveDiagnosis(q, slip, guess, prior, config)
    learner = Posterior.of(old, np.arange(10), np.zeros(10))
    learner.update(View("a", 12, 1.0))
    moved = Posterior.from_arrays(new, learner.to_arrays())
    assert np.array_equal(moved.dense(), learner.dense())
    moved.update(View("b", 24, 1.0))
    shares = dict.fromkeys(range(10), 0.0) | {12: 1.0, 24: 1.0}
    assert np.array_equal(moved.dense(), from_scratch(shares, (q, slip, guess, prior), config)[0])
