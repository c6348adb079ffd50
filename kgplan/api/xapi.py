"""What does an xAPI statement say? Statements of xAPI 1.0 and 2.0, turned into events.

Pure: a statement in, an event out. What a result says counts whatever verb carries it. A statement
that says nothing about a video or a course becomes an event that tells nothing; it is kept all the
same. What stands in an extension can never be malformed (xAPI 1.0.3, Data 4.1.2): as much counts as
can be read. Nor does anything oblige a sender in parts that are not needed here. What is malformed
is refused with the field.
"""

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from math import isfinite, nan
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from kgplan.api.object_ids import ObjectIds
from kgplan.data.content import SET_BY_THE_STORE
from kgplan.data.events import ID_RULE, Event, Segments, has_usable_characters, usable_id
from kgplan.data.identity import HASHED, MAILBOX, OPENID, Agent, home_page
from kgplan.data.told import seconds_of, told_number, told_seconds
from kgplan.data.tracking import is_problem
from kgplan.errors import MalformedStatement

VERSIONS = ("1.0.3", "2.0.0")
KNOWN_VERSION = re.compile(r"[12]\.0(\.\d+)?")
ADL, TINCAN = "http://adlnet.gov/expapi/verbs/", "http://id.tincanapi.com/verb/"
STREAMS = "http://activitystrea.ms/schema/1.0/"
VIDEO = "https://w3id.org/xapi/video/"
PLAYED, PAUSED, SEEKED = (VIDEO + f"verbs/{verb}" for verb in ("played", "paused", "seeked"))
COMPLETED, REGISTERED, VOIDED = ADL + "completed", ADL + "registered", ADL + "voided"
STARTING = frozenset([PLAYED, ADL + "resumed"])
STOPPING = frozenset([PAUSED, *(ADL + verb for verb in ("terminated", "suspended", "exited"))])
PLAYING = frozenset(
    [SEEKED, *STARTING, *STOPPING]
    + [ADL + verb for verb in ("initialized", "interacted", "launched")]
)
"""Verbs of a player, whose `success` is that of no answer."""
VIEWING = PLAYING | {
    *(ADL + verb for verb in ("completed", "progressed", "experienced")),
    *(TINCAN + "viewed", STREAMS + "watch", STREAMS + "play", STREAMS + "complete"),
}
ANSWERING = frozenset(
    [ADL + verb for verb in ("answered", "passed", "failed", "scored", "attempted", "mastered")]
    + [f"https://w3id.org/xapi/{verb}" for verb in ("acrossx/verbs/evaluated", "tla/verbs/scored")]
    + [TINCAN + "earned", "http://www.tincanapi.co.uk/verbs/evaluated", ADL + "assessed"]
)
"""Of these it is known that they carry results; any other may."""
SEGMENTS, PROGRESS, LENGTH, POSITION, FROM, TO, SESSION = (
    VIDEO + f"extensions/{name}"
    for name in (
        *("played-segments", "progress", "length"),
        *("time", "time-from", "time-to", "session-id"),
    )
)
PERCENT = "https://w3id.org/xapi/cmi5/result/extensions/progress"
LOGIN = "https://w3id.org/xapi/openedx/extensions/session-id"
COURSE = "http://adlnet.gov/expapi/activities/course"
_PROPERTIES = SET_BY_THE_STORE | {
    *("id", "actor", "verb", "object", "result", "context", "timestamp", "attachments")
}
_IDENTIFIERS = frozenset({"account", "mbox", "mbox_sha1sum", "openid"})
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ROUNDING = 1e-6  # by which a score may leave its range
MOST_SEGMENTS = 10_000
KEPT = 1_000  # characters of what is remembered, so that a sender of long texts fills no memory
AS_SENT = ObjectIds()


def read_statement(
    statement: Any,
    stored: float,
    ids: ObjectIds = AS_SENT,
    owners: Collection[str] | None = None,
    zone: tzinfo = UTC,
) -> Event:
    """Turn one statement into an event.

    Args:
        statement: parsed JSON; `id` is given by the sender or by the store beforehand.
        stored: seconds since 1970, the event's time where the statement has no `timestamp`.
        ids: how ids of activities are read.
        owners: authorities that own the plain ids of learners, as for `Agent.learner_id`.
        zone: of a `timestamp` without one.

    Returns:
        The learner is the actor (`agent_of`), the video what the object's id names, the course
        the context's activity of type course, else its first parent or grouping.

        - share: `progress`, of the Video Profile or in percent of cmi5; or 1 where the video is
          completed and neither it, segments nor a score are told. A question is not watched: that
          it was completed says nothing of how well
        - segments, length: `played-segments`, and `length`
        - stopped_at, started_at, session: where the player was, by the verb
        - score: `score.scaled`, below 0 counted as 0; else `raw` between `min` (0) and `max`;
          else 1 or 0 by `success`. A score of nothing (`max` not above `min`) says nothing.

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
    if not statement.keys() <= _PROPERTIES:
        name = next(name for name in statement if name not in _PROPERTIES)
        told = name if name.strip() else repr(name)
        raise MalformedStatement(told, "is not a property of a statement")
    version = statement.get("version")
    if version and not KNOWN_VERSION.fullmatch(str(version)):
        known = " or ".join(VERSIONS)
        raise MalformedStatement("version", f"is {version!r}; give {known}")
    return _read(statement, stored, ids, owners, zone)


def _read(
    statement: Mapping[str, Any],
    stored: float,
    ids: ObjectIds,
    owners: Collection[str] | None,
    zone: tzinfo,
) -> Event:
    event_id = _uuid(_needed(statement, "id"), "id")
    learner_id = agent_of(statement).learner_id(owners)
    if not usable_id(learner_id):
        raise MalformedStatement("actor", f"names {learner_id!r}; {ID_RULE}")
    verb = _iri(_needed(_object(_needed(statement, "verb"), "verb"), "id", "verb."), "verb.id")
    thing = _object(_needed(statement, "object"), "object")
    context, result = _optional(statement, "context"), _optional(statement, "result")
    told = statement.get("timestamp")
    time = stored if told is None else _time(told, "timestamp", zone)
    score, worth = _score(result)
    kind = thing.get("objectType") or "Activity"
    if kind == "StatementRef":
        voids = _uuid(_needed(thing, "id", "object."), "object.id")
        return Event(event_id, learner_id, time, voids=voids if verb == VOIDED else None)
    if verb == VOIDED:
        raise MalformedStatement("object.objectType", "is not StatementRef, though the verb voids")
    if kind in ("Agent", "Group", "SubStatement"):
        return Event(event_id, learner_id, time)
    if not isinstance(kind, str) or not kind.lower().endswith("activity"):  # GroupActivity
        raise MalformedStatement("object.objectType", f"is {kind!r}, which xAPI does not know")
    thing_id = _text(_needed(thing, "id", "object."), "object.id")
    if not (_is_usable if len(thing_id) <= KEPT else _is_usable.__wrapped__)(thing_id):
        raise MalformedStatement("object.id", f"is {thing_id!r:.80}; {ID_RULE}")
    named = ids.names(thing_id)
    courses = _courses(context, ids)
    answers = verb not in PLAYING and not (verb in VIEWING and _is_video(thing))
    if answers and worth and score is None and result.get("success") is not None:
        score = float(result["success"])
    of_course = verb == REGISTERED or _is_course(thing) or (named != () and named == courses)
    if not (verb == REGISTERED or verb in VIEWING or verb in ANSWERING or score is not None):
        named = courses = ()
    if of_course:  # its result is no answer to a video
        courses, named, score = named, (), None
    views = verb in VIEWING and named and not _is_question(thing)
    watched = _watched(verb, result, context) if views else {}
    return Event(
        event_id,
        learner_id,
        time,
        item_id=named[0] if named else None,
        course_id=courses[0] if courses else None,
        score=score,
        enrols=verb == REGISTERED and bool(courses),
        aliases=named[1:],
        course_aliases=courses[1:],
        **watched,
    )


def _watched(verb: str, result: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """What a statement on viewing says of how much was watched: fields of the event."""
    told, around = _extensions(result), _extensions(context)
    segments = played_segments(told.get(SEGMENTS))
    share = _share(told)
    whole = result.get("completion")
    whole = verb in (COMPLETED, STREAMS + "complete") if whole is None else whole
    if share is None and whole and not segments and not result.get("score"):
        share = 1.0
    length = told_seconds(around.get(LENGTH)) or told_seconds(
        told.get(LENGTH)
    )  # 0 until it is known
    if not length and LENGTH in around and share == 0:  # both stand for what is not known
        share = None
    stopped, started = _positions(verb, told)
    return {
        "share": None if segments and length else share,
        "segments": segments,
        "length": length or None,
        "stopped_at": stopped,
        "started_at": started,
        "session": _session(context, around),
    }


def _positions(verb: str, told: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Up to where the video had played, and from where it plays on."""
    if verb == SEEKED:
        return told_seconds(told.get(FROM)), told_seconds(told.get(TO))
    at = told_seconds(told.get(POSITION))
    if verb == COMPLETED:  # told in passing: the video may play on
        return at, at
    return at if verb in STOPPING else None, at if verb in STARTING else None


def played_segments(told: Any) -> Segments:
    """Read a `played-segments` extension; of what is not `from[.]to`, in order, nothing.

    >>> played_segments("0[.]12.5[,]20[.]35[,]40")
    ((0.0, 12.5), (20.0, 35.0))
    """
    found = []
    for part in told.split("[,]") if isinstance(told, str) else []:
        begin, _, end = part.partition("[.]")
        span = told_seconds(begin), told_seconds(end)
        if span[0] is not None and span[1] is not None and span[0] <= span[1]:
            found.append((span[0], span[1]))
    return tuple(found[:MOST_SEGMENTS])


def _share(told: Mapping[str, Any]) -> float | None:
    """The share watched that extensions tell; what is above 1 is 1."""
    for name, whole in ((PROGRESS, 1.0), (PERCENT, 100.0)):
        progress = told_number(told.get(name))
        if progress is not None and 0 <= progress < 2 * whole:  # 40 in place of .4 says nothing
            return min(progress / whole, 1.0)
    return None


def _session(context: Mapping[str, Any], around: Mapping[str, Any]) -> str | None:
    for told in (around.get(SESSION), around.get(LOGIN), context.get("registration")):
        if isinstance(told, str) and usable_id(told):
            return told
    return None


def _extensions(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    told = holder.get("extensions")
    return told if isinstance(told, dict) else {}


def _score(result: Mapping[str, Any]) -> tuple[float | None, bool]:
    """What `score` tells, and whether there was anything to earn."""
    score = _optional(result, "score", "result.")
    known = {
        name: _number(score[name], f"result.score.{name}")
        for name in (("scaled", "raw", "min", "max") if score else ())
        if score.get(name) is not None
    }
    for name in ("success", "completion"):
        if result.get(name) is not None and not isinstance(result[name], bool):
            raise MalformedStatement(f"result.{name}", "is neither true nor false")
    if not known:
        return None, True
    low, high, raw = known.get("min"), known.get("max"), known.get("raw")
    if low is not None and high is not None and low > high:
        raise MalformedStatement("result.score.max", f"is {high:g}, below min {low:g}")
    scaled = known.get("scaled")
    if scaled is not None and not abs(scaled) <= 1 + ROUNDING:
        raise MalformedStatement("result.score.scaled", f"is {scaled:g}; give a number in [-1, 1]")
    if high is not None and high <= (low or 0.0):
        return None, False
    return (_within(raw, low, high) if scaled is None else min(max(scaled, 0.0), 1.0)), True


def _within(raw: float | None, low: float | None, high: float | None) -> float | None:
    """Where a raw score lies between its ends; None where one is missing."""
    if raw is None or high is None:
        return None
    least = low or 0.0
    share = (raw - least) / (high - least)
    if not isfinite(high - least):  # numbers near a double's limits
        share = (raw / 2 - least / 2) / (high / 2 - least / 2)
    if low is not None and not -ROUNDING <= share <= 1 + ROUNDING:
        raise MalformedStatement("result.score.raw", f"is {raw:g}, not between min and max")
    return min(max(share, 0.0), 1.0)


def _courses(context: Mapping[str, Any], ids: ObjectIds) -> tuple[str, ...]:
    """Names of the activity that says it is a course, else of the first parent or grouping."""
    activities = context.get("contextActivities")
    fallback: tuple[str, ...] = ()
    for relation in ("parent", "grouping"):
        listed = activities.get(relation) if isinstance(activities, dict) else None
        for activity in listed if isinstance(listed, list) else [listed]:
            if not isinstance(activity, dict):
                continue
            name = activity.get("id")
            if not isinstance(name, str):
                continue
            if _is_course(activity):
                return ids.names(name)
            if _IRI.fullmatch(name):
                fallback = fallback or ids.names(name)
    return fallback


def kind_of(activity: Any) -> str:
    """The last part of an activity's type, in small letters; "" where it tells none.

    >>> kind_of({"definition": {"type": "http://adlnet.gov/expapi/activities/course"}})
    'course'
    """
    definition = activity.get("definition") if isinstance(activity, dict) else None
    told = definition.get("type") if isinstance(definition, dict) else None
    return _last_part(told) if isinstance(told, str) else ""


@lru_cache(256)  # of the few types that a platform has
def _last_part(iri: str) -> str:
    return re.split(r"[/#]", iri[-500:])[-1].lower()


def _is_course(activity: Mapping[str, Any]) -> bool:
    return kind_of(activity) == "course"


def _is_video(activity: Mapping[str, Any]) -> bool:
    return kind_of(activity) in ("video", "media", "audio")


def _is_question(activity: Mapping[str, Any]) -> bool:
    kind = kind_of(activity)
    asks = kind in ("cmi.interaction", "question") or kind.endswith("assessment")
    return asks or is_problem(activity["id"])


def agent_of(statement: Mapping[str, Any]) -> Agent:
    """Who a statement says did it.

    Raises:
        MalformedStatement: it does not name one person.
    """
    actor = _object(_needed(statement, "actor"), "actor")
    if actor.get("objectType", "Agent") != "Agent":
        raise MalformedStatement(
            "actor.objectType",
            f"is {actor['objectType']!r}; send a statement for each learner, with an Agent",
        )
    given = [each for each in actor if each in _IDENTIFIERS]
    if len(given) != 1:
        raise MalformedStatement(
            "actor", f"has {len(given)} of {', '.join(sorted(_IDENTIFIERS))}; give exactly one"
        )
    if given == ["account"]:
        account = _object(actor["account"], "actor.account")
        home = _text(_needed(account, "homePage", "actor.account."), "actor.account.homePage")
        name = _text(_needed(account, "name", "actor.account."), "actor.account.name")
        return (_account if len(home + name) <= KEPT else _account.__wrapped__)(home, name)
    value = _text(actor[given[0]], f"actor.{given[0]}")
    if given == ["mbox"]:
        if not re.fullmatch(r"mailto:[^\s@]+@[^\s@]+", value):
            raise MalformedStatement("actor.mbox", f"is {value!r}; give mailto:name@place")
        return Agent(MAILBOX, value.removeprefix("mailto:"))
    if given == ["openid"]:
        return Agent(OPENID, _iri(value, "actor.openid"))
    if not re.fullmatch(r"[0-9a-fA-F]{40}", value):
        raise MalformedStatement("actor.mbox_sha1sum", f"is {value!r}; give 40 hex digits")
    return Agent(HASHED, value)


@lru_cache(4_096)  # of learners of whom many statements come one after the other
def _account(home: str, name: str) -> Agent:
    field = "actor.account.homePage"
    if _iri(home, field).lower().startswith((MAILBOX, HASHED, OPENID)):
        raise MalformedStatement(field, f"is {home!r}, which is no home page")
    return Agent(home_page(home), name)


def _needed(holder: Mapping[str, Any], name: str, before: str = "") -> Any:
    if name not in holder:
        raise MalformedStatement(before + name, "is missing")
    return holder[name]


def _optional(holder: Mapping[str, Any], name: str, before: str = "") -> Mapping[str, Any]:
    """An object that may be missing; null says as much, though xAPI knows none."""
    value = holder.get(name)
    return {} if value is None else _object(value, before + name)


def _object(value: Any, field: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise MalformedStatement(field, "is not a JSON object")
    return value


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise MalformedStatement(field, "is not a string with text")
    return value


def _iri(value: Any, field: str) -> str:
    known = _is_iri if len(_text(value, field)) <= KEPT else _is_iri.__wrapped__
    if not known(value):
        raise MalformedStatement(field, f"is {value!r}, not an IRI with its scheme")
    return value


@lru_cache(1_024)  # of the few verbs and home pages that a platform has
def _is_iri(text: str) -> bool:
    return _IRI.fullmatch(text) is not None


@lru_cache(4_096)  # of the few videos that many statements name
def _is_usable(thing_id: str) -> bool:
    return has_usable_characters(unquote(thing_id))


def _uuid(value: Any, field: str) -> str:
    if isinstance(value, str) and _UUID.fullmatch(value):
        return value
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


def _time(value: Any, field: str, zone: tzinfo) -> float:
    try:
        moment = datetime.fromisoformat(_text(value, field))
    except ValueError:
        raise MalformedStatement(field, f"is {value!r}, not a time by ISO 8601") from None
    return seconds_of(moment, zone)
