"""Which of the events that were sent are new, and how is an event kept in a row?"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from kgplan.data.events import Event
from kgplan.errors import EventConflict
from kgplan.store.events.database import Session
from kgplan.store.events.erasure import Erased, hash_of
from kgplan.store.events.writer import Raced

COLUMNS = tuple(field.name for field in fields(Event))  # in the order of event.of_learner
LISTS = ("segments", "aliases", "course_aliases")  # kept as JSON


@dataclass(frozen=True)
class Sent:
    """An event as it was sent.

    Attributes:
        event: what it says.
        form: "xapi", "event" or "tracking".
        content: JSON value, kept as it came; None where its text is at hand.
        digest: of what makes two statements of one id the same.
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


@dataclass(frozen=True)
class Receipt:
    """What became of the events of one request.

    Attributes:
        stored: ids that were new.
        repeated: ids that were stored already, with the same content.
        erased: ids not kept: they are from before their learner was erased.
        silent: how many of those stored say nothing about mastery.
    """

    stored: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()
    silent: int = 0


def append(
    session: Session, requests: Sequence[Sequence[Sent]], erased: Mapping[str, Erased]
) -> tuple[list[Receipt | EventConflict], set[str]]:
    """Insert the events of several requests, each request's all or none.

    Args:
        session: of a transaction.
        requests: the events of each.
        erased: those of their learners that were erased.

    Returns:
        What to answer to each request, and the learners about whom something changed.

    Raises:
        Raced: another process stored one of them meanwhile.
    """
    everything = [each for request in requests for each in request]
    ids = session.any_of({each.event.event_id for each in everything})
    known = {
        (event_id, sender): digest
        for event_id, sender, digest in session.rows("event.digests", event_ids=ids)
    }
    gone = _gone(session, [each for each in everything if each.event.learner_id in erased])
    answers: list[Receipt | EventConflict] = []
    fresh: list[Sent] = []
    for request in requests:
        try:
            receipt, new = _sort_out(request, known, erased, gone)
        except EventConflict as conflict:
            answers.append(conflict)
            continue
        answers.append(receipt)
        known |= {each.name: each.digest for each in new}
        fresh += new
    return answers, _insert(session, fresh)


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
    if session.run_each("event.insert", rows) != len(rows):
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
    known: Mapping[tuple[str, str], str],
    erased: Mapping[str, Erased],
    gone: set[str],
) -> tuple[Receipt, list[Sent]]:
    """What a request brings that is new.

    Args:
        request: the events.
        known: name -> digest of those that are stored.
        erased: those of the learners that were erased.
        gone: hashes of events of theirs that were erased.

    Raises:
        EventConflict: an id is known with other content.
    """
    fresh: dict[tuple[str, str], Sent] = {}
    repeated, late = [], []
    for each in request:
        digest = fresh[each.name].digest if each.name in fresh else None
        digest = digest or known.get(each.name)
        if digest is not None and digest != each.digest:
            raise EventConflict(each.event.event_id)
        if digest is not None:
            repeated.append(each.event.event_id)
        elif _is_late(each, erased.get(each.event.learner_id), gone):
            late.append(each.event.event_id)
        else:
            fresh[each.name] = each
    silent = sum(not each.event.tells for each in fresh.values())
    stored = tuple(each.event.event_id for each in fresh.values())
    return Receipt(stored, tuple(repeated), tuple(late), silent), list(fresh.values())


def _is_late(sent: Sent, erased: Erased | None, gone: set[str]) -> bool:
    """Whether an event is from before its learner was erased."""
    if erased is None:
        return False
    if hash_of(sent.event.learner_id, *sent.name) in gone:
        return True
    if sent.stamped and erased.clock_was_fast:
        return False  # it came after the clock was put right
    return sent.event.time <= erased.moment


def _row(sent: Sent, now: float) -> dict[str, Any]:
    row = vars(sent.event)
    listed = {name: json.dumps(row[name]) if row[name] else None for name in LISTS}
    return row | {
        "stored": now,
        "sender": sent.sender,
        **listed,
        "form": sent.form,
        "digest": sent.digest,
        "raw": sent.raw or json.dumps(sent.content, ensure_ascii=True),
    }


def event_of(row: Sequence[Any]) -> Event:
    """The event in a row of event.of_learner."""
    values = dict(zip(COLUMNS, row, strict=True))
    values["enrols"] = bool(values["enrols"])  # SQLite has no truth values
    for name in LISTS:
        listed = json.loads(values[name]) if values[name] else ()
        values[name] = tuple(tuple(each) if isinstance(each, list) else each for each in listed)
    return Event(**values)


def export_events(session: Session, learner_id: str) -> list[dict[str, Any]]:
    """All that is stored of a learner's events, oldest first; `sent` is JSON as it is stored."""
    events = session.dicts("event.export", learner_id=learner_id)
    for event in events:
        event["enrols"] = bool(event["enrols"])
        event |= {name: json.loads(event[name] or "[]") for name in LISTS}
    return events
