"""What would be understood of a file of events? Each kind of them, counted, with its first line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kgplan.api.event_files import Found, Part, found_in
from kgplan.api.forms import sent_as
from kgplan.api.statements import StatementRules, shortened
from kgplan.api.xapi import kind_of
from kgplan.data import tracking
from kgplan.data.events import Event
from kgplan.errors import MalformedStatement
from kgplan.planning.live import LiveModel

NOTHING = "nothing"


@dataclass(frozen=True)
class Kind:
    """Events that are alike.

    Attributes:
        meaning: what they are understood as (`meaning_of`); why not, where they are passed over.
        verb: the statement's, or what a line of a tracking log calls it.
        object_type: the statement's.
        name: what the file, or the platform in its statements, calls them; "" where neither does.
    """

    meaning: str
    verb: str
    object_type: str
    name: str


@dataclass
class Count:
    """How many, and the first line where one stands."""

    number: int = 0
    first_line: int = 0

    def add(self, line: int) -> None:
        """Count one more."""
        self.number += 1
        self.first_line = self.first_line or line


@dataclass
class Account:
    """What a file holds.

    Attributes:
        number: events in it.
        silent: those that are read, and say nothing about mastery by themselves or with others.
        said, refused: kinds of what is read, and of what is refused and why -> how many.
        unknown_items, unknown_courses: what the model in use does not know -> how many events name
            it.
        compared: whether there is a model to know anything.
    """

    number: int = 0
    silent: int = 0
    said: dict[Kind, Count] = field(default_factory=dict)
    refused: dict[Kind, Count] = field(default_factory=dict)
    unknown_items: dict[str, Count] = field(default_factory=dict)
    unknown_courses: dict[str, Count] = field(default_factory=dict)
    compared: bool = False


def meaning_of(event: Event) -> str:
    """What an event is understood as, in words; the surest where it tells several things.

    >>> meaning_of(Event("e", "u", 0.0, "v", score=1.0, share=0.5))
    'answer'
    """
    if event.voids is not None:
        return "voids an event"
    if event.item_id is None:
        return "enrolment" if event.tells else NOTHING
    told = {
        "answer": event.score is not None,
        "segments watched": bool(event.segments),
        "share watched": event.share is not None,
        "position of the player": event.moves,
        "length of the video": event.length is not None,
    }
    return next((meaning for meaning, there in told.items() if there), NOTHING)


def account_of(
    parts: Iterable[Part],
    now: float,
    rules: StatementRules,
    model: LiveModel | None = None,
) -> Account:
    """Count what is understood of a file's events; nothing is stored.

    Args:
        parts: of the file.
        now: seconds since 1970.
        rules: how statements are taken.
        model: that may know items and courses; None: there is none.
    """
    account = Account(compared=model is not None)
    for found in (each for part in parts for each in found_in(part, rules.zone)):
        account.number += 1
        try:
            if found.fault is not None or found.form == "line":
                raise found.fault or MalformedStatement("line", "is not JSON")
            sent = sent_as(found.form, found.content, now, rules, rules.owners, found.raw)
        except MalformedStatement as error:
            why = shortened(f"{error.field} {error.reason}")
            _count(account.refused, _kind(found, why), found.line)
            continue
        if isinstance(sent, str):
            account.silent += 1
            _count(account.said, _kind(found, sent), found.line)
            continue
        account.silent += not sent.event.tells
        _count(account.said, _kind(found, meaning_of(sent.event)), found.line)
        if model is not None:
            items, courses = model.unknown_in([sent.event])
            for each in items:
                _count(account.unknown_items, each, found.line)
            for each in courses:
                _count(account.unknown_courses, each, found.line)
    return account


def _count(counts: dict[Any, Count], key: Any, line: int) -> None:
    counts.setdefault(key, Count()).add(line)


def _kind(found: Found, meaning: str) -> Kind:
    content = found.content
    if found.form == "tracking":
        return Kind(meaning, tracking.kind_of(content), "", found.kind)
    if found.form != "xapi" or not isinstance(content, Mapping):
        return Kind(meaning, "", "", found.kind)
    verb = content.get("verb")
    named = verb.get("id") if isinstance(verb, Mapping) else None
    return Kind(
        meaning,
        named if isinstance(named, str) else "",
        kind_of(content.get("object")),
        found.kind or _moodle_name(content),
    )


INFO = "http://lrs.learninglocker.net/define/extensions/info"


def _moodle_name(statement: Mapping[str, Any]) -> str:
    """What Moodle's plugin says that an event of Moodle was called."""
    told: Any = statement
    for name in ("context", "extensions", INFO, "event_name"):
        told = told.get(name) if isinstance(told, Mapping) else None
    return told if isinstance(told, str) else ""
