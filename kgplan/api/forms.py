"""In which forms are events sent, and as what is each stored? One door for all of them.

Over HTTP, from a file, and out of the dead letters again, what was sent becomes the same event.
"""

import json
from collections.abc import Collection
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any, Literal
from uuid import NAMESPACE_URL, uuid4, uuid5

from kgplan.api import xapi
from kgplan.api.statements import AHEAD, StatementRules, is_ahead
from kgplan.data.content import digest, digest_of_text
from kgplan.data.events import Event
from kgplan.data.tracking import kind_of, read_line
from kgplan.errors import MalformedStatement
from kgplan.store.events.sent import Sent

if TYPE_CHECKING:
    from kgplan.api.learner_models import EventIn

Form = Literal["xapi", "event", "tracking"]
"""A statement of xAPI, an event in plain JSON, a line of Open edX's tracking log."""


def form_of(content: Any) -> Form:
    """Which form a JSON value has; that of a statement where it shows none.

    >>> form_of({"learner_id": "U_1"}), form_of({"event_type": "play_video"}), form_of(7)
    ('event', 'tracking', 'xapi')
    """
    if isinstance(content, dict) and "actor" not in content:
        if "learner_id" in content:
            return "event"
        if kind_of(content):
            return "tracking"
    return "xapi"


def sent_as(
    form: Form,
    content: Any,
    now: float,
    rules: StatementRules,
    owners: Collection[str] | None,
    raw: str | None = None,
) -> Sent | str:
    """What was kept of a form as it is stored, under an id made of its content where it has none.

    Args:
        form: in which it is.
        content: JSON value.
        now: seconds since 1970.
        rules: how statements are taken.
        owners: authorities that own the plain ids of learners, as for `Agent.learner_id`.
        raw: the text that the content was parsed from, to be kept as it is.

    Returns:
        Why it is passed over, where it is of a kind that says nothing of learning.

    Raises:
        MalformedStatement: with the field.
    """
    if form == "event":
        return sent_event(checked_event(content), now, rules.zone, raw)
    if form == "tracking":
        return _sent_line(content, now, rules, raw)
    if isinstance(content, dict) and "id" not in content:
        content = {"id": str(uuid5(NAMESPACE_URL, digest(content)))} | content
    return sent_statement(content, now, rules, owners, raw)


def sent_statement(
    statement: Any,
    now: float,
    rules: StatementRules,
    owners: Collection[str] | None,
    raw: str | None = None,
) -> Sent:
    """A statement as it is stored, under a new id where it has none; arguments as for `sent_as`.

    Raises:
        MalformedStatement: with the field.
    """
    if isinstance(statement, dict) and "id" not in statement:
        statement = {"id": str(uuid4())} | statement
    event = rules.event(statement, now, owners)
    text = json.dumps(statement) if raw is None else raw
    stamped = statement.get("timestamp") is None
    content = statement if raw is None else None  # beside its text it only weighs
    return Sent(event, "xapi", content, digest_of_text(text), stamped, raw=text)


def sent_event(given: "EventIn", now: float, zone: tzinfo = UTC, raw: str | None = None) -> Sent:
    """An event in plain JSON as it is stored; a time without a zone is of the one given.

    Raises:
        MalformedStatement: its time has not come yet.
    """
    event, content = given.event(now, zone), given.model_dump(mode="json", exclude_unset=True)
    if is_ahead(event.time, now):
        raise MalformedStatement("time", f"{content['time']} is {AHEAD}")
    return _kept(event, "event", content, digest(content), given.time is None, raw)


def checked_event(content: Any) -> "EventIn":
    """An event in plain JSON.

    Raises:
        MalformedStatement: with the first field that is wrong.
    """
    from pydantic import ValidationError  # processes that read statements begin without them

    from kgplan.api.learner_models import EventIn

    try:
        return EventIn.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "event"
        raise MalformedStatement(field, first["msg"].removeprefix("Value error, ")) from None


def _sent_line(line: Any, now: float, rules: StatementRules, raw: str | None) -> Sent | str:
    named = digest(line)
    event = read_line(line, f"tracking:{named[:40]}", rules.ids.names)
    if isinstance(event, str):
        return event
    if is_ahead(event.time, now):
        raise MalformedStatement("time", f"is {line.get('time')!r}, {AHEAD}")
    return _kept(event, "tracking", line, named, False, raw)


def _kept(
    event: Event, form: Form, content: Any, named: str, stamped: bool, raw: str | None
) -> Sent:
    # where the text is kept, what it was parsed to only weighs
    return Sent(event, form, content if raw is None else None, named, stamped, raw=raw)


def learner_in(form: Form, content: Any, owners: Collection[str] | None) -> str | None:
    """The learner whom something names that was refused, if that can be told."""
    try:
        if form == "xapi":
            return xapi.agent_of(content).learner_id(owners)
        named = content["learner_id"] if form == "event" else content["context"]["user_id"]
        return named if isinstance(named, str) else str(named)
    except (MalformedStatement, KeyError, TypeError, AttributeError, IndexError):
        return None
