"""What does a line of Open edX's tracking log say? A parsed line in, an event or a reason out.

The log tells positions of players, never segments (`data.events.played_between` pairs them), and
tells an answer twice: as the browser sent it, and as the server graded it, which counts. Mobile
applications name the same by `edx.video.*`. Both shapes are read: that of the log's files
(`event_type`, `event`, `time`) and that of the event bus (`name`, `data`, `timestamp`).
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from kgplan.data.events import ID_RULE, Event, usable_id
from kgplan.data.told import told_number, told_seconds, told_time
from kgplan.errors import MalformedStatement

Names = Callable[[str], tuple[str, ...]]
"""What a thing of the platform's id may be called in our data, the likeliest first."""

STARTS = frozenset(["play_video", "edx.video.played"])
STOPS = frozenset(["pause_video", "stop_video", "edx.video.paused", "edx.video.stopped"])
JUMPS = frozenset(["seek_video", "edx.video.position.changed"])
PASSES = frozenset(["speed_change_video", "edx.video.speed.changed"])
ENDS = frozenset(["complete_video", "edx.video.completed"])
LOADS = frozenset(["load_video", "edx.video.loaded"])
VIDEO = STARTS | STOPS | JUMPS | PASSES | ENDS | LOADS
CHECKED, GRADED = "problem_check", "edx.grades.problem.submitted"
COMPLETION = "edx.completion.block_completion.changed"
ENROLS = frozenset(f"edx.course.enrollment.{what}" for what in ("activated", "mode_changed"))
_OLD_PROBLEM = re.compile(r"i4x:/?/?[^/]+/[^/]+/problem/")
_COURSE_KEY = re.compile(r"(course|ccx)-v1:(.+)")

SAYS_NOTHING = "says nothing of views, answers or enrolments"
BY_BROWSER = "is the browser's line of an answer; the server's tells what it was worth"
NOBODY = "names nobody who was logged in"
NOTHING_TO_EARN = "tells an answer that nothing could be earned by"
A_PROBLEM = "completes a problem, which says nothing of how well it was answered"


def kind_of(line: Any) -> str:
    """The name of what a parsed line tells; "" where it is no line of the log."""
    if not isinstance(line, Mapping):
        return ""
    told = line.get("event_type", line.get("name"))
    return told if isinstance(told, str) else ""


def read_line(line: Any, event_id: str, names: Names) -> Event | str:
    """Turn one line into an event.

    Args:
        line: parsed JSON.
        event_id: names the event; the log has no names for its lines.
        names: how the platform's ids of blocks and courses are read.

    Returns:
        The event; or why the line is passed over, as most of a log's lines say nothing of learning.

    Raises:
        MalformedStatement: it would say something, but a part of it is missing or cannot be read.

    >>> read_line({
    ...     "event_type": "pause_video", "time": "2026-03-01T10:15:00.5+00:00", "session": "s",
    ...     "context": {"user_id": 7, "course_id": "course-v1:X+D+T"},
    ...     "event": '{"id": "0b9e", "currentTime": 194.4, "duration": 195}',
    ... }, "e", lambda key: (key,)).stopped_at
    194.4
    """
    kind = kind_of(line)
    if not kind:
        raise MalformedStatement("event_type", "is missing; give a line as the log has it")
    if kind == CHECKED and _origin(line) != "server":
        return BY_BROWSER
    if kind not in VIDEO | ENROLS | {CHECKED, GRADED, COMPLETION}:
        return SAYS_NOTHING
    told, context = _told(line), _mapping(line.get("context"))
    learner = _learner(told if kind not in VIDEO | {CHECKED} else {}, context)
    if learner is None:
        return NOBODY
    moment = told_time(line.get("time", line.get("timestamp")))
    if moment is None:
        raise MalformedStatement("time", f"is {line.get('time')!r:.80}, not a time by ISO 8601")
    course = told.get("course_id") or context.get("course_id") or ""
    courses = names(course) if isinstance(course, str) and course else ()
    found: dict[str, Any] | str
    if kind in ENROLS:
        if not courses:
            raise MalformedStatement("event.course_id", "is missing")
        found = {"enrols": True}
    elif kind in VIDEO:
        found = {**_player(kind, told), **_thing(_video_key(told, course), names)}
        found["session"] = _session(line, context)
    elif kind == COMPLETION:
        found = _completion(told, names)
    else:
        found = _answer(told, context, names)
    if isinstance(found, str):
        return found
    return Event(
        event_id,
        learner,
        moment,
        course_id=courses[0] if courses else None,
        course_aliases=courses[1:],
        **found,
    )


def _player(kind: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """Where the player was, and how long its video is."""
    at = told_seconds(told.get("currentTime", told.get("current_time")))
    stopped = started = None
    if kind in JUMPS:
        before = told.get("old_time", told.get("currentTime", told.get("current_time")))
        stopped, started = told_seconds(before), told_seconds(told.get("new_time"))
    elif kind in PASSES | ENDS:  # told in passing: the video may play on
        stopped = started = at
    elif kind in STARTS:
        started = at
    elif kind in STOPS:
        stopped = at
    return {
        "stopped_at": stopped,
        "started_at": started,
        "length": told_seconds(told.get("duration")) or None,
        "share": 1.0 if kind in ENDS else None,
    }


def _video_key(told: Mapping[str, Any], course: Any) -> Any:
    """A video by the key that all of Open edX names it by; its lines tell the last part alone."""
    name, key = told.get("id"), _COURSE_KEY.fullmatch(course) if isinstance(course, str) else None
    if not isinstance(name, str) or not key or not re.fullmatch(r"[0-9a-zA-Z_]+", name):
        return name
    prefix = "block-v1" if key[1] == "course" else "ccx-block-v1"
    return f"{prefix}:{key[2]}+type@video+block@{name}"


def _thing(key: Any, names: Names, field: str = "event.id") -> dict[str, Any]:
    if not isinstance(key, str) or not key.strip():
        raise MalformedStatement(field, "is missing")
    named = names(key)
    if not named:
        raise MalformedStatement(field, f"is {key!r:.80}; {ID_RULE}")
    return {"item_id": named[0], "aliases": named[1:]}


def _completion(told: Mapping[str, Any], names: Names) -> dict[str, Any] | str:
    key, share = told.get("block_id"), told_number(told.get("completion"))
    if share is None or not 0 <= share <= 1:
        raise MalformedStatement(
            "event.completion", f"is {told.get('completion')!r:.80}; give a number from 0 to 1"
        )
    if isinstance(key, str) and is_problem(key):
        return A_PROBLEM
    return {"share": share, **_thing(key, names, "event.block_id")}


def is_problem(key: str) -> bool:
    """Whether a block's key is that of a problem.

    >>> is_problem("block-v1:X+D+T+type@problem+block@7f"), is_problem("i4x://X/D/problem/7f")
    (True, True)
    """
    return "+type@problem+" in key or _OLD_PROBLEM.match(key) is not None


def _answer(
    told: Mapping[str, Any], context: Mapping[str, Any], names: Names
) -> dict[str, Any] | str:
    """What the server says an answer was worth."""
    earned, most = told.get("grade", told.get("weighted_earned")), None
    for name in ("max_grade", "weighted_possible"):
        most = told.get(name) if most is None else most
    points, whole = told_number(earned), told_number(most)
    if whole is not None and whole <= 0:
        return NOTHING_TO_EARN
    if points is not None and whole is not None:
        score = min(max(points / whole, 0.0), 1.0)
    elif told.get("success") in ("correct", "incorrect"):
        score = float(told["success"] == "correct")
    else:
        raise MalformedStatement(
            "event.grade", f"is {earned!r:.40} of {most!r:.40}, and no success"
        )
    key = told.get("problem_id") or _mapping(context.get("module")).get("usage_key")
    return {"score": score, **_thing(key, names, "event.problem_id")}


def _told(line: Mapping[str, Any]) -> Mapping[str, Any]:
    told = line.get("event", line.get("data"))
    if isinstance(told, str):  # browsers and applications send JSON inside JSON
        try:
            told = json.loads(told)
        except (ValueError, RecursionError):
            told = None
    if not isinstance(told, Mapping):
        raise MalformedStatement("event", "is not a JSON object")
    return told


def _learner(told: Mapping[str, Any], context: Mapping[str, Any]) -> str | None:
    """Who is told of, which is not always who did it: staff enrols others."""
    for holder in (told, context):
        user = holder.get("user_id")
        if user not in (None, "") and not isinstance(user, bool):
            if not isinstance(user, int | str) or not usable_id(str(user)):
                raise MalformedStatement("context.user_id", f"is {user!r:.80}; {ID_RULE}")
            return str(user)
    return None


def _session(line: Mapping[str, Any], context: Mapping[str, Any]) -> str | None:
    told = line.get("session") or context.get("session")
    return told if isinstance(told, str) and usable_id(told) else None


def _origin(line: Mapping[str, Any]) -> Any:
    context = _mapping(line.get("context"))
    told = line.get("event_source", context.get("event_source"))
    return told if told else ("server" if isinstance(line.get("data"), Mapping) else None)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
