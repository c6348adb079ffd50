"""Lines of a tracking log, written after Open edX's documentation of its events."""

import json

import pytest

from kgplan.api.object_ids import ObjectIds
from kgplan.data.events import evidence_of
from kgplan.data.tracking import (
    A_PROBLEM,
    BY_BROWSER,
    NOBODY,
    NOTHING_TO_EARN,
    SAYS_NOTHING,
    read_line,
)
from kgplan.errors import MalformedStatement

COURSE = "course-v1:X+D+T"
VIDEO = f"block-v1:X+D+T+type@video+block@{'0b' * 16}"
PROBLEM = f"block-v1:X+D+T+type@problem+block@{'3f' * 16}"
names = ObjectIds().names


def line(kind, told=None, second=0, **parts):
    return {
        "event_type": kind,
        "name": kind,
        "event_source": "browser",
        "time": f"2026-03-01T10:{second // 60:02d}:{second % 60:02d}.25+00:00",
        "session": "9885dd16",
        "username": "ada",
        "context": {"user_id": 7, "course_id": COURSE},
        "event": told or {},
        **parts,
    }


def video(kind, second=0, as_text=True, **told):
    told = {"id": "0b" * 16, "code": "b7xgk", "duration": 100, **told}
    return line(kind, json.dumps(told) if as_text else told, second)


def read(each, event_id="e"):
    return read_line(each, event_id, names)


@pytest.mark.parametrize("as_text", [True, False])
@pytest.mark.parametrize(
    "kinds",
    [
        ("play_video", "seek_video", "speed_change_video", "pause_video", "stop_video"),
        (
            *("edx.video.played", "edx.video.position.changed", "edx.video.speed.changed"),
            *("edx.video.paused", "edx.video.stopped"),
        ),
    ],
)
def test_a_run_of_the_player_is_what_was_played(as_text, kinds):
    play, seek, speed, pause, stop = kinds
    at = "current_time" if play.startswith("edx") else "currentTime"
    run = [
        video(play, 0, as_text, **{at: 0}),
        video(speed, 10, as_text, current_time=10, old_speed="1.0", new_speed="1.5"),
        video(seek, 20, as_text, old_time=20, new_time=60),
        video(pause, 30, as_text, **{at: 70.5}),
        video(play, 40, as_text, **{at: "80"}),
        video(stop, 50, as_text, **{at: 90}),
    ]
    events = [read(each, str(n)) for n, each in enumerate(run)]
    assert {(e.learner_id, e.item_id, e.course_id, e.session) for e in events} == {
        ("7", VIDEO, COURSE, "9885dd16")
    }
    # 0 to 20, 60 to 70.5, 80 to 90 of 100 seconds
    assert evidence_of(events).shares == {VIDEO: pytest.approx(0.405)}


def test_a_video_has_the_names_that_its_xapi_statement_has():
    event = read(video("play_video", currentTime=1))
    assert (event.item_id, event.aliases) == (VIDEO, (f"V_{'0b' * 16}",))
    assert event.course_aliases == (f"C_{COURSE}",)
    ccx = video("play_video", currentTime=1)
    ccx["context"]["course_id"] = "ccx-v1:X+D+T+ccx@1"
    assert read(ccx).item_id == f"ccx-block-v1:X+D+T+ccx@1+type@video+block@{'0b' * 16}"


def test_the_shape_of_the_event_bus_is_read_too():
    bus = {
        "name": "pause_video",
        "timestamp": "2026-03-01T10:00:00+00:00",
        "context": {"user_id": 3, "course_id": COURSE, "session": "s"},
        "data": {"id": "0b" * 16, "currentTime": 4.5},
    }
    event = read(bus)
    assert (event.learner_id, event.stopped_at, event.session) == ("3", 4.5, "s")


def checked(**told):
    told = {"problem_id": PROBLEM, "attempts": 1, "success": "incorrect", **told}
    return line("problem_check", told, event_source="server")


@pytest.mark.parametrize(
    ("told", "score"),
    [
        ({"grade": 2, "max_grade": 4}, 0.5),
        ({"grade": 5, "max_grade": 4}, 1.0),
        ({"success": "correct"}, 1.0),
        ({"grade": None, "max_grade": 4}, 0.0),
    ],
)
def test_the_server_says_what_an_answer_was_worth(told, score):
    event = read(checked(**told))
    assert (event.item_id, event.score) == (PROBLEM, score)


def test_a_grade_counts_for_whom_it_is_about():
    told = {"user_id": 9, "problem_id": PROBLEM, "weighted_earned": 1, "weighted_possible": 4}
    event = read(line("edx.grades.problem.submitted", told, event_source="server"))
    assert (event.learner_id, event.score) == ("9", 0.25)


def test_an_enrolment_is_of_the_one_who_was_enrolled():
    told = {"user_id": 9, "course_id": "course-v1:X+E+T", "mode": "audit"}
    event = read(line("edx.course.enrollment.activated", told))
    assert (event.learner_id, event.enrols, event.course_id) == ("9", True, "course-v1:X+E+T")


def test_completion_is_a_share_of_all_but_problems():
    kind = "edx.completion.block_completion.changed"
    event = read(line(kind, {"block_id": VIDEO, "completion": 0.4}))
    assert (event.item_id, event.share) == (VIDEO, 0.4)
    assert read(line(kind, {"block_id": PROBLEM, "completion": 1.0})) == A_PROBLEM


@pytest.mark.parametrize(
    ("each", "why"),
    [
        (line("problem_check", "input_3f_2_1=choice_0"), BY_BROWSER),
        (checked(grade=0, max_grade=0), NOTHING_TO_EARN),
        (line("page_close"), SAYS_NOTHING),
        (line("/courses/X/xblock/handler", '{"POST": {}}', event_source="server"), SAYS_NOTHING),
        (line("edx.course.enrollment.deactivated", {"course_id": COURSE}), SAYS_NOTHING),
        ({**video("play_video"), "context": {"user_id": None}}, NOBODY),
        ({**video("play_video"), "context": {"user_id": ""}}, NOBODY),
    ],
)
def test_what_says_nothing_of_learning_is_passed_over_with_a_reason(each, why):
    assert read(each) == why


@pytest.mark.parametrize(
    ("each", "field"),
    [
        ([], "event_type"),
        ({"event": {}}, "event_type"),
        (line("play_video", "{broken"), "event"),
        (line("play_video", "[1]"), "event"),
        (line("play_video", {"currentTime": 3}), "event.id"),
        (video("play_video") | {"time": "yesterday"}, "time"),
        (video("play_video") | {"context": {"user_id": [7]}}, "context.user_id"),
        (checked(grade="good", success=None), "event.grade"),
        (line("edx.completion.block_completion.changed", {"completion": 2}), "event.completion"),
        (line("edx.course.enrollment.activated", {}, context={"user_id": 7}), "event.course_id"),
    ],
)
def test_a_line_that_lacks_what_it_should_tell_is_refused_with_the_field(each, field):
    with pytest.raises(MalformedStatement) as refused:
        read(each)
    assert refused.value.field == field


def test_a_time_without_a_zone_is_utc_as_the_documentation_says():
    assert read(video("play_video") | {"time": "1970-01-02T00:00:00"}).time == 86_400.0
