import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgplan.events import Event, evidence_of, played_seconds

cells = st.tuples(st.integers(0, 60), st.integers(0, 20)).map(lambda x: (x[0], x[0] + x[1]))
segments = st.lists(cells, max_size=8)
events = st.lists(
    st.builds(
        Event,
        st.text("abc", min_size=1, max_size=3),
        st.just("u"),
        st.floats(0, 9),
        st.sampled_from([None, "v", "w"]),
        st.sampled_from([None, "A", "B"]),
        st.none() | st.floats(0, 1),
        segments.map(tuple),
        st.sampled_from([None, 50.0, 80.0]),
        st.none() | st.floats(0, 1),
        st.booleans(),
    ),
    max_size=8,
)


@given(played=segments)
def test_seconds_played_are_the_whole_seconds_that_some_segment_covers(played):
    covered = {second for begin, end in played for second in range(begin, end)}
    assert played_seconds(played) == len(covered)


@settings(max_examples=50)
@given(sent=events, rng=st.randoms(use_true_random=False))
def test_order_and_repeats_leave_no_trace(sent, rng):
    again = sent + rng.sample(sent, len(sent) // 2)
    rng.shuffle(again)
    assert evidence_of(again) == evidence_of(sent)


@settings(max_examples=50)
@given(sent=events)
def test_shares_and_scores_are_those_of_the_definition(sent):
    """Written as loops over whole seconds: the union of all segments over the length."""
    found = evidence_of(sent, lengths={"w": 40.0})
    for video in ("v", "w"):
        about = [e for e in sent if e.video_id == video]
        shares = [e.share for e in about if e.share is not None]
        lengths = [e.length for e in about if e.length]
        length = max(lengths, default={"w": 40.0}.get(video))
        covered = {s for e in about for a, b in e.segments for s in range(a, b)}
        if length and any(e.segments for e in about):
            shares.append(min(1.0, len(covered) / length))
        assert found.shares.get(video) == (pytest.approx(max(shares)) if shares else None)
        scores = [e.score for e in about if e.score is not None]
        assert found.scores.get(video) == (max(scores) if scores else None)


def test_two_halves_watched_in_two_sessions_are_one_whole():
    halves = [
        Event("e1", "u", 1.0, "v", segments=((0.0, 50.0),), length=100.0),
        Event("e2", "u", 2.0, "v", segments=((50.0, 100.0),), length=100.0),
    ]
    assert [evidence_of(part).shares["v"] for part in (halves[:1], halves[1:], halves)] == [
        0.5,
        0.5,
        1.0,
    ]


def test_segments_of_a_video_of_unknown_length_say_nothing():
    event = Event("e1", "u", 1.0, "v", segments=((0.0, 50.0),))
    assert evidence_of([event]).shares == {}
    assert evidence_of([event], {"v": 200.0}).shares == {"v": 0.25}
