import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgplan.data.events import Event, evidence_of, named_in, played_between, played_seconds

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
        about = [e for e in sent if e.item_id == video]
        shares = [e.share for e in about if e.share is not None]
        lengths = [e.length for e in about if e.length]
        length = max(lengths, default={"w": 40.0}.get(video))
        covered = {s for e in about for a, b in e.segments for s in range(a, b)}
        if length and any(e.segments for e in about):
            shares.append(min(1.0, len(covered) / length))
        assert found.shares.get(video) == (pytest.approx(max(shares)) if shares else None)
        scores = [e.score for e in about if e.score is not None]
        assert found.scores.get(video) == (max(scores) if scores else None)


def test_every_answer_is_kept_in_the_order_of_time():
    sent = [
        Event("e3", "u", 3.0, "v", score=0.0),
        Event("e1", "u", 1.0, "v", score=1.0),
        Event("e2", "u", 2.0, "w", score=0.5),
        Event("e4", "u", 4.0, "w", share=1.0),
        Event("e1", "u", 1.0, "v", score=1.0),  # once more the same
    ]
    assert evidence_of(sent).answers == (("v", 1.0), ("w", 0.5), ("v", 0.0))


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


@st.composite
def viewings(draw):
    """What a player tells of one viewing, and the whole seconds that it played."""
    told, seen, at, playing = [], set(), 0, False
    for _ in range(draw(st.integers(1, 12))):
        if playing:
            on = draw(st.integers(0, 30))
            seen |= set(range(at, at + on))
            at += on
        did = draw(st.sampled_from(["pause", "seek", "pass", "end"] if playing else ["play"]))
        to = draw(st.integers(0, 60)) if did == "seek" else at
        told.append((None if did == "play" else at, None if did in ("pause", "end") else to))
        at, playing = to, did not in ("pause", "end")
    if playing:
        told.append((at, None))
    return told, seen


def told_by_a_player(told, session=None, **more):
    return [
        Event(f"{session}{n}", "u", float(n), "v", stopped_at=a, started_at=b, session=session)
        for n, (a, b) in enumerate(told)
    ]


@given(viewing=viewings(), rng=st.randoms(use_true_random=False))
def test_positions_tell_the_seconds_that_the_player_played_in_any_order(viewing, rng):
    told, seen = viewing
    events = told_by_a_player(told)
    rng.shuffle(events)
    played = played_between(events)
    assert {second for a, b in played for second in range(int(a), int(b))} == seen
    assert evidence_of(events, {"v": 500.0}).shares.get("v", 0.0) == len(seen) / 500


@pytest.mark.parametrize(
    ("told", "played"),
    [
        ([(None, 0.0)], ()),  # played, and never heard of again
        ([(30.0, None)], ()),  # paused, and never seen to begin
        ([(None, 0.0), (194.4, None)], ((0.0, 194.4),)),
        ([(None, 0.0), (30.0, 100.0), (150.0, None)], ((0.0, 30.0), (100.0, 150.0))),
        ([(30.0, 100.0), (150.0, None)], ((100.0, 150.0),)),  # a seek begins one in any case
        ([(None, 0.0), (None, 100.0), (150.0, None)], ((100.0, 150.0),)),  # a pause got lost
        ([(None, 50.0), (20.0, None)], ()),  # backwards: a seek got lost
        ([(None, 0.0), (90.0, 90.0), (100.0, None)], ((0.0, 90.0), (90.0, 100.0))),
        ([(90.0, 90.0), (100.0, None)], ()),  # told in passing, without a beginning
        ([(None, 0.0), (30.0, None), (50.0, None)], ((0.0, 30.0),)),
    ],
)
def test_a_position_without_its_other_end_says_nothing(told, played):
    assert played_between(told_by_a_player(told)) == played


def test_sessions_do_not_mix_and_segments_that_are_told_win():
    begins, ends = told_by_a_player([(None, 0.0), (80.0, None)], "a")
    elsewhere = told_by_a_player([(None, 0.0), (80.0, None)], "b")[1]
    lengths = {"v": 100.0}
    assert evidence_of([begins, elsewhere], lengths).shares == {}
    assert evidence_of([begins, ends], lengths).shares == {"v": 0.8}
    told = Event("t", "u", 5.0, "v", segments=((0.0, 10.0),), session="a")
    assert evidence_of([begins, ends, told], lengths).shares == {"v": 0.1}
    other = told_by_a_player([(None, 50.0), (60.0, None)], "b")
    assert evidence_of([begins, ends, told, *other], lengths).shares == {"v": 0.2}


def test_what_lies_behind_the_end_of_the_video_is_not_watched():
    told = told_by_a_player([(None, 90.0), (500.0, None)])
    assert evidence_of(told, {"v": 100.0}).shares == {"v": 0.1}
    assert evidence_of(told).shares == {}


def test_the_first_name_that_the_data_know_counts():
    event = Event("e", "u", 0.0, "block@7f", "course-v1:X", share=1.0)
    named = event._replace(aliases=("V_7f", "7f"), course_aliases=("C_course-v1:X",))
    for videos, courses, expected in (
        (set(), set(), ("block@7f", "course-v1:X")),
        ({"V_7f", "7f"}, {"C_course-v1:X"}, ("V_7f", "C_course-v1:X")),
        ({"block@7f", "V_7f"}, {"course-v1:X", "C_course-v1:X"}, ("block@7f", "course-v1:X")),
        ({"7f"}, set(), ("7f", "course-v1:X")),
    ):
        (found,) = named_in([named], videos, courses)
        assert (found.item_id, found.course_id) == expected
        assert named_in([event], videos, courses) == [event]
