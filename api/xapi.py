"""What does an xAPI statement say? Statements 1.0.3 of the Video Profile, turned into events.

Pure: a statement in, an event out. A statement that is well-formed and says nothing about a video
or a course (another verb, another object) becomes an event that tells nothing; it is kept all the
same. A malformed one is refused with the field.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from math import isfinite, nan
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from kgplan.errors import MalformedStatement
from kgplan.events import ID_RULE, Event, Segments, usable_id

VERSION = "1.0.3"
ADL = "http://adlnet.gov/expapi/verbs/"
VIDEO = "https://w3id.org/xapi/video/"
VIEWING = frozenset(
    [VIDEO + f"verbs/{verb}" for verb in ("played", "paused", "seeked")]
    + [ADL + verb for verb in ("completed", "terminated", "initialized", "interacted")]
)
ANSWERING = frozenset(ADL + verb for verb in ("answered", "passed", "failed", "scored"))
COMPLETED, REGISTERED, VOIDED = ADL + "completed", ADL + "registered", ADL + "voided"
SEGMENTS, PROGRESS, LENGTH = (
    VIDEO + f"extensions/{name}" for name in ("played-segments", "progress", "length")
)
COURSE = "http://adlnet.gov/expapi/activities/course"
SET_BY_THE_STORE = frozenset({"stored", "authority", "version"})
_PROPERTIES = SET_BY_THE_STORE | {
    *("id", "actor", "verb", "object", "result", "context", "timestamp", "attachments")
}
_IDENTIFIERS = ("account", "mbox", "mbox_sha1sum", "openid")
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")


def read_statement(statement: Any, stored: float) -> Event:
    """Turn one statement into an event.

    Args:
        statement: parsed JSON; `id` is given by the sender or by the store beforehand.
        stored: seconds since 1970, the event's time where the statement has no `timestamp`.

    Returns:
        The learner is the actor's account name, mailbox, its SHA-1, or OpenID; the video is the
        last segment of the object's id; the course that of the context's activity of type course,
        else of its first parent or grouping.

        - share: `progress`, or 1 where the video is completed and neither it, segments nor a
          score are told
        - segments, length: `played-segments`, and `length` of the context
        - score: `score.scaled`, below 0 counted as 0; else `raw` between `min` and `max`; else,
          for a verb of answering, 1 or 0 by `success`

    Raises:
        MalformedStatement: with the field.

    >>> read_statement({
    ...     "id": "8f87ccde-bb56-4c2e-ab83-44982ef22df0",
    ...     "actor": {"mbox": "mailto:ada@example.org"},
    ...     "verb": {"id": "https://w3id.org/xapi/video/verbs/paused"},
    ...     "object": {"id": "https://example.org/videos/V_1"},
    ...     "context": {"extensions": {LENGTH: 100}},
    ...     "result": {"extensions": {SEGMENTS: "0[.]12.5[,]10[.]30"}},
    ... }, stored=0.0).segments
    ((0.0, 12.5), (10.0, 30.0))
    """
    _object(statement, "statement")
    for name in statement:
        if name not in _PROPERTIES:
            told = name if name.strip() else repr(name)
            raise MalformedStatement(told, "is not a property of a statement")
    if not re.fullmatch(r"1\.0(\.\d+)?", str(statement.get("version", VERSION))):
        raise MalformedStatement("version", f"is {statement['version']!r}; give {VERSION}")
    event = _read(statement, stored)
    for field, given in (
        ("actor", event.learner_id),
        ("object.id", event.video_id),
        ("context.contextActivities", event.course_id),
    ):
        if given is not None and not usable_id(given):
            raise MalformedStatement(field, f"names {given!r}; {ID_RULE}")
    return event


def _read(statement: Mapping[str, Any], stored: float) -> Event:
    event_id = _uuid(_needed(statement, "id"), "id")
    learner_id = _learner(_needed(statement, "actor"))
    verb = _iri(_needed(_object(_needed(statement, "verb"), "verb"), "id", "verb."), "verb.id")
    thing = _object(_needed(statement, "object"), "object")
    context = _object(statement.get("context", {}), "context")
    result = _object(statement.get("result", {}), "result")
    time = _time(statement["timestamp"], "timestamp") if "timestamp" in statement else stored
    score, segments, share = _score(result, verb), _segments(result), _share(result)
    length, course_id = _length(context), _course(context)
    kind = thing.get("objectType", "Activity")
    if kind == "StatementRef":
        voids = _uuid(_needed(thing, "id", "object."), "object.id")
        return Event(event_id, learner_id, time, voids=voids if verb == VOIDED else None)
    if verb == VOIDED:
        raise MalformedStatement("object.objectType", "is not StatementRef, though the verb voids")
    if kind != "Activity":
        if kind not in ("Agent", "Group", "SubStatement"):
            raise MalformedStatement("object.objectType", f"is {kind!r}, which xAPI does not know")
        return Event(event_id, learner_id, time)
    thing_id = last_segment(_iri(_needed(thing, "id", "object."), "object.id"))
    if verb == REGISTERED:
        return Event(event_id, learner_id, time, course_id=thing_id, enrols=True)
    if verb not in VIEWING and verb not in ANSWERING:
        return Event(event_id, learner_id, time)
    if verb not in VIEWING:
        share, segments = None, ()
    elif verb == COMPLETED and share is None and not segments and "score" not in result:
        share = 1.0
    return Event(
        event_id,
        learner_id,
        time,
        video_id=thing_id,
        course_id=course_id,
        share=None if segments and length else share,
        segments=segments,
        length=length,
        score=score,
    )


def last_segment(iri: str) -> str:
    """What an IRI names: its end behind the last `/`, `#` or `=`, else behind the last `:`.

    >>> last_segment("https://mooc.example/video/V_1"), last_segment("urn:kgplan:video:V_1")
    ('V_1', 'V_1')
    >>> last_segment("https://mooc.example/courses/C_course-v1:TsinghuaX%2B30240184%2Bsp/")
    'C_course-v1:TsinghuaX+30240184+sp'
    """
    end = re.split(r"[/#=]", iri.rstrip("/#="))[-1]
    if end == iri.rstrip("/#="):
        end = iri.rsplit(":", 1)[-1]
    return unquote(end)


def played_segments(text: str) -> Segments:
    """Read a `played-segments` extension.

    Raises:
        MalformedStatement: not of the form `from[.]to[,]from[.]to`.

    >>> played_segments("0[.]12.5[,]20[.]35")
    ((0.0, 12.5), (20.0, 35.0))
    """
    field = f"result.extensions[{SEGMENTS!r}]"
    found = []
    for part in text.split("[,]") if text.strip() else []:
        try:
            begin, end = (float(number) for number in part.split("[.]"))
        except ValueError:
            raise MalformedStatement(
                field, f"has {part!r}; give from[.]to in seconds, separated by [,]"
            ) from None
        if not 0 <= begin <= end < float("inf"):
            raise MalformedStatement(field, f"has {part!r}; give 0 <= from <= to")
        found.append((begin, end))
    return tuple(found)


def _segments(result: Mapping[str, Any]) -> Segments:
    text = _object(result.get("extensions", {}), "result.extensions").get(SEGMENTS, "")
    if not isinstance(text, str):
        raise MalformedStatement(f"result.extensions[{SEGMENTS!r}]", "is not a string")
    return played_segments(text)


def _share(result: Mapping[str, Any]) -> float | None:
    extensions = result.get("extensions", {})
    if PROGRESS not in extensions:
        return None
    field = f"result.extensions[{PROGRESS!r}]"
    share = _number(extensions[PROGRESS], field)
    if not 0 <= share <= 1:
        raise MalformedStatement(field, f"is {share:g}; give a share in [0, 1]")
    return share


def _score(result: Mapping[str, Any], verb: str) -> float | None:
    score = _object(result.get("score", {}), "result.score")
    known = {name: _number(score[name], f"result.score.{name}") for name in score}
    if not known.keys() <= {"scaled", "raw", "min", "max"}:
        odd = sorted(known.keys() - {"scaled", "raw", "min", "max"})[0]
        raise MalformedStatement(f"result.score.{odd}", "is not a property of a score")
    for name in ("success", "completion"):
        if not isinstance(result.get(name, True), bool):
            raise MalformedStatement(f"result.{name}", "is neither true nor false")
    low, high, raw = known.get("min"), known.get("max"), known.get("raw")
    if low is not None and high is not None:
        if low >= high:
            raise MalformedStatement("result.score.max", f"is {high:g}, not above min {low:g}")
        if raw is not None and not low <= raw <= high:
            raise MalformedStatement("result.score.raw", f"is {raw:g}, not between min and max")
    if "scaled" in known:
        if not -1 <= known["scaled"] <= 1:
            raise MalformedStatement(
                "result.score.scaled", f"is {known['scaled']:g}; give a number in [-1, 1]"
            )
        return max(0.0, known["scaled"])
    if raw is not None and low is not None and high is not None:
        span = high - low
        if isfinite(span):
            return (raw - low) / span
        return (raw / 2 - low / 2) / (high / 2 - low / 2)  # of numbers near a double's limits
    return float(result["success"]) if verb in ANSWERING and "success" in result else None


def _length(context: Mapping[str, Any]) -> float | None:
    extensions = _object(context.get("extensions", {}), "context.extensions")
    if LENGTH not in extensions:
        return None
    field = f"context.extensions[{LENGTH!r}]"
    length = _number(extensions[LENGTH], field)
    if length < 0:
        raise MalformedStatement(field, f"is {length:g}; give seconds")
    return length or None  # players send 0 until they know


def _course(context: Mapping[str, Any]) -> str | None:
    """The activity that says it is a course, else the first parent, else the first grouping."""
    activities = _object(context.get("contextActivities", {}), "context.contextActivities")
    named = []
    for relation in ("parent", "grouping"):
        field = f"context.contextActivities.{relation}"
        listed = activities.get(relation, [])
        for activity in listed if isinstance(listed, list) else [listed]:
            name = _iri(_needed(_object(activity, field), "id", f"{field}."), f"{field}.id")
            definition = _object(activity.get("definition", {}), f"{field}.definition")
            named.append((definition.get("type") != COURSE, last_segment(name)))
    return min(named, key=lambda each: each[0])[1] if named else None


def _learner(actor: Any) -> str:
    _object(actor, "actor")
    if actor.get("objectType", "Agent") != "Agent":
        raise MalformedStatement(
            "actor.objectType",
            f"is {actor['objectType']!r}; send a statement for each learner, with an Agent",
        )
    given = [name for name in _IDENTIFIERS if name in actor]
    if len(given) != 1:
        raise MalformedStatement(
            "actor", f"has {len(given)} of {', '.join(_IDENTIFIERS)}; give exactly one"
        )
    if given == ["account"]:
        account = _object(actor["account"], "actor.account")
        _iri(_needed(account, "homePage", "actor.account."), "actor.account.homePage")
        return _text(_needed(account, "name", "actor.account."), "actor.account.name")
    value = _text(actor[given[0]], f"actor.{given[0]}")
    if given == ["mbox"]:
        if not re.fullmatch(r"mailto:[^\s@]+@[^\s@]+", value):
            raise MalformedStatement("actor.mbox", f"is {value!r}; give mailto:name@place")
        return value.removeprefix("mailto:")
    if given == ["mbox_sha1sum"] and not re.fullmatch(r"[0-9a-fA-F]{40}", value):
        raise MalformedStatement("actor.mbox_sha1sum", f"is {value!r}; give 40 hex digits")
    return _iri(value, "actor.openid") if given == ["openid"] else value


def _needed(holder: Mapping[str, Any], name: str, before: str = "") -> Any:
    if name not in holder:
        raise MalformedStatement(before + name, "is missing")
    return holder[name]


def _object(value: Any, field: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise MalformedStatement(field, "is not a JSON object")
    return value


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise MalformedStatement(field, "is not a string with text")
    return value


def _iri(value: Any, field: str) -> str:
    if not _IRI.fullmatch(_text(value, field)):
        raise MalformedStatement(field, f"is {value!r}, not an IRI with its scheme")
    return value


def _uuid(value: Any, field: str) -> str:
    try:
        return str(UUID(_text(value, field)))
    except ValueError:
        raise MalformedStatement(field, f"is {value!r}, not a UUID") from None


def _number(value: Any, field: str) -> float:
    try:
        number = float(value) if type(value) in (int, float) else nan
    except OverflowError:  # an integer that no double holds
        number = nan
    if not isfinite(number):
        raise MalformedStatement(field, f"is {value!r:.40}, not a number")
    return number


def _time(value: Any, field: str) -> float:
    try:
        moment = datetime.fromisoformat(_text(value, field))
    except ValueError:
        raise MalformedStatement(field, f"is {value!r}, not a time by ISO 8601") from None
    if moment.tzinfo is None:
        raise MalformedStatement(field, f"is {value!r}, without a time zone; end it with Z")
    return moment.timestamp()
