"""Which of the events that were sent are new, and how is an event kept in a row?"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from kgplan.data.content import are_same_statement
from kgplan.data.events import Event, Segments
from kgplan.errors import EventConflict
from kgplan.store.events.database import Session
from kgplan.store.events.erasure import Erased, hash_of
from kgplan.store.events.writer import Raced

STATEMENT = "xapi"  # the form that other stores rewrite: two texts may mean the same
LISTS = ("segments", "aliases", "course_aliases")  # kept as JSON
_SEGMENTS, _ALIASES, _COURSE_ALIASES = map(Event._fields.index, LISTS)


class Sent(NamedTuple):
    """An event as it was sent.

    Attributes:
        event: what it says.
        form: "xapi", "event" or "tracking".
        content: JSON value, kept as it came; may be None where its text is at hand.
        digest: names the content; two of a statement may differ and mean the same.
        stamped: whether its time is that of its arrival, as none was sent.
        sender: the learner whose own token sent it, else ""; an id names one event of a sender.
        raw: the content as JSON text, where it is at hand.
    """

    event: Event
    form: str
    content: Any
    digest: str
    stamped: bool = False
    sender: str = ""
    raw: str | None = None

    @property
    def name(self) -> tuple[str, str]:
        """What tells it from all other events: its id and its sender."""
        return self.event.event_id, self.sender


class Kept(NamedTuple):
    """What a stored event is known by; its text only where digests differ."""

    digest: str
    raw: str | None = None

    def is_same(self, sent: Sent) -> bool:
        """Whether something that was sent under its name has its content."""
        if self.raw is None or sent.raw is None or sent.form != STATEMENT:
            return self.digest == sent.digest
        return self.digest == sent.digest or are_same_statement(self.raw, sent.raw)


@dataclass(frozen=True)
class Receipt:
    """What became of the events of one request.

    Attributes:
        stored: ids that were new.
        repeated: ids that were stored already, with the same content.
        erased: ids not kept: they are from before their learner was erased.
        silent: how many of those stored say nothing about mastery.
        conflicts: places in the request of those not kept, as their ids are stored with other
            content; where events are stored together, one refuses all.
    """

    stored: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()
    silent: int = 0
    conflicts: tuple[int, ...] = ()


def append(
    session: Session,
    requests: Sequence[Sequence[Sent]],
    erased: Mapping[str, Erased],
    together: bool = True,
) -> tuple[list[Receipt | EventConflict], set[str]]:
    """Insert the events of several requests.

    Args:
        session: of a transaction.
        requests: the events of each.
        erased: those of their learners that were erased.
        together: whether each request's are stored all or none; else each event by itself.

    Returns:
        What to answer to each request, and the learners about whom something changed.

    Raises:
        Raced: another process stored one of them meanwhile.
    """
    everything = [each for request in requests for each in request]
    known = _known(session, everything)
    gone = _gone(session, [each for each in everything if each.event.learner_id in erased])
    answers: list[Receipt | EventConflict] = []
    fresh: list[Sent] = []
    for request in requests:
        receipt, new = _sort_out(request, known, erased, gone)
        if together and receipt.conflicts:
            answers.append(EventConflict(request[receipt.conflicts[0]].event.event_id))
            continue
        answers.append(receipt)
        known |= {name: Kept(each.digest, each.raw) for name, each in new.items()}
        fresh += new.values()
    return answers, _insert(session, fresh)


def _known(session: Session, everything: Sequence[Sent]) -> dict[tuple[str, str], Kept]:
    """What is stored under the names of events."""
    ids = session.any_of({each.event.event_id for each in everything})
    known = {
        (event_id, sender): Kept(digest)
        for event_id, sender, digest in session.rows("event.digests", event_ids=ids)
    }
    differing = {
        each.event.event_id
        for each in everything
        if each.form == STATEMENT and known.get(each.name, each).digest != each.digest
    }
    if differing:
        ids = session.any_of(differing)
        for event_id, sender, raw in session.rows("event.texts", event_ids=ids):
            known[event_id, sender] = known[event_id, sender]._replace(raw=raw)
    return known


def _gone(session: Session, again: Sequence[Sent]) -> set[str]:
    """Hashes of those of these events that were erased."""
    if not again:
        return set()
    hashes = session.any_of(hash_of(each.event.learner_id, *each.name) for each in again)
    return {found for (found,) in session.rows("erased_event.these", event_hashes=hashes)}


def _insert(session: Session, fresh: Sequence[Sent]) -> set[str]:
    """Insert new events; gives the learners about whom something changed."""
    if not fresh:
        return set()
    now = time.time()
    # one order for all processes, so that none waits in a circle
    rows = [_row(each, now) for each in sorted(fresh, key=lambda each: each.name)]
    if session.run_rows("event.insert", rows) != len(rows):
        raise Raced
    touched = {each.event.learner_id for each in fresh}
    # what a learner's token sent is of this learner, and voids nothing of others
    voided = [each.event.voids for each in fresh if each.event.voids and not each.sender]
    if voided:
        owners = session.rows("event.owners", event_ids=session.any_of(voided))
        touched |= {learner for (learner,) in owners}
    return touched


def _sort_out(
    request: Sequence[Sent],
    known: Mapping[tuple[str, str], Kept],
    erased: Mapping[str, Erased],
    gone: set[str],
) -> tuple[Receipt, dict[tuple[str, str], Sent]]:
    """What a request brings that is new, by name.

    Args:
        request: the events.
        known: name -> those that are stored.
        erased: those of the learners that were erased.
        gone: hashes of events of theirs that were erased.
    """
    fresh: dict[tuple[str, str], Sent] = {}
    repeated, late, conflicts = [], [], []
    for place, each in enumerate(request):
        name = each.name
        before = Kept(fresh[name].digest, fresh[name].raw) if name in fresh else known.get(name)
        if before is not None and not before.is_same(each):
            conflicts.append(place)
        elif before is not None:
            repeated.append(each.event.event_id)
        elif erased and _is_late(each, erased.get(each.event.learner_id), gone):
            late.append(each.event.event_id)
        else:
            fresh[name] = each
    silent = sum(not each.event.tells for each in fresh.values())
    stored = tuple(event_id for event_id, _ in fresh)
    receipt = Receipt(stored, tuple(repeated), tuple(late), silent, tuple(conflicts))
    return receipt, fresh


def _is_late(sent: Sent, erased: Erased | None, gone: set[str]) -> bool:
    """Whether an event is from before its learner was erased."""
    if erased is None:
        return False
    if hash_of(sent.event.learner_id, *sent.name) in gone:
        return True
    if sent.stamped and erased.clock_was_fast:
        return False  # it came after the clock was put right
    return sent.event.time <= erased.moment


def _row(sent: Sent, now: float) -> tuple[Any, ...]:
    """The values of event.insert, in its order."""
    event, values = sent.event, list[Any](sent.event)
    values[_SEGMENTS] = _spans(event.segments)
    values[_ALIASES], values[_COURSE_ALIASES] = map(_listed, (event.aliases, event.course_aliases))
    raw = json.dumps(sent.content, ensure_ascii=True) if sent.raw is None else sent.raw
    return (*values, now, sent.form, sent.digest, raw, sent.sender)


def _spans(segments: Segments) -> str | None:
    """Spans as JSON, which is how Python writes lists of numbers."""
    return str([list(span) for span in segments]) if segments else None


@lru_cache(4_096)  # of the few videos and courses that many events name
def _listed(names: tuple[str, ...]) -> str | None:
    return json.dumps(names) if names else None


def event_of(row: Sequence[Any]) -> Event:
    """The event in a row of event.of_learner."""
    event = Event._make(row)
    return event._replace(
        enrols=bool(event.enrols),  # SQLite has no truth values
        segments=_read(row[_SEGMENTS]),
        aliases=_read(row[_ALIASES]),
        course_aliases=_read(row[_COURSE_ALIASES]),
    )


def _read(listed: str | None) -> tuple[Any, ...]:
    found = json.loads(listed) if listed else ()
    return tuple(tuple(each) if isinstance(each, list) else each for each in found)


def export_events(session: Session, learner_id: str) -> list[dict[str, Any]]:
    """All that is stored of a learner's events, oldest first; `sent` is JSON as it is stored."""
    events = session.dicts("event.export", learner_id=learner_id)
    for event in events:
        event["enrols"] = bool(event["enrols"])
        event |= {name: json.loads(event[name] or "[]") for name in LISTS}
    return events
