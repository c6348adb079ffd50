"""How do events of a file, and those refused before, come into the records? By the door of HTTP.

A file may be loaded again, or after a kill: what is stored is passed over, as its events have ids
of their own or ids made of their content. What is refused becomes a dead letter and is counted.
"""

import gc
import json
import multiprocessing
import os
import signal
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import cast, get_args

from kgplan.api import xapi
from kgplan.api.event_files import Found, Part, found_in, parts_of
from kgplan.api.forms import Form, form_of, sent_as
from kgplan.api.letters import letter_of
from kgplan.api.statements import StatementRules, refusal, shortened
from kgplan.data.content import digest
from kgplan.errors import EventConflict, MalformedStatement, Refusal
from kgplan.progress import Progress, silent
from kgplan.store.events.dead import DeadLetter
from kgplan.store.events.sent import Receipt, Sent
from kgplan.store.events.store import EventStore

ALONE_BYTES = 8 << 20  # of a smaller file, that one process reads before others have begun
AT_ONCE = 10_000  # events in one transaction
AHEAD = 4  # parts for each process that are read before they are stored
LISTED = 10  # refused lines that are named


@dataclass(frozen=True)
class Understood:
    """What a part of a file holds, ready to be stored.

    Attributes:
        sent: what becomes an event.
        letters: what is refused, each with its line.
        passed: how many lines say nothing of learning.
        read: bytes of the file up to the end of the part.
    """

    sent: tuple[tuple[int, Sent], ...]
    letters: tuple[tuple[int, DeadLetter], ...]
    passed: int
    read: int


@dataclass
class Loaded:
    """What became of a file's events.

    Attributes:
        number: events in it.
        stored, repeated, erased: new ones; those stored before; those from before their learner was
            erased.
        silent: stored ones that say nothing about mastery.
        passed: lines of kinds that say nothing of learning; they are not stored.
        refused: kept as dead letters.
        reasons: why -> how many.
        first_refused: the first of them: line, and why.
    """

    number: int = 0
    stored: int = 0
    repeated: int = 0
    erased: int = 0
    silent: int = 0
    passed: int = 0
    refused: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    first_refused: list[tuple[int, str]] = field(default_factory=list)

    def refuse(self, line: int, letter: DeadLetter) -> None:
        """Count one that was refused."""
        why = shortened(f"{letter.field} {letter.reason}")
        self.refused += 1
        self.reasons[why] = self.reasons.get(why, 0) + 1
        if len(self.first_refused) < LISTED:
            self.first_refused.append((line, why))


def load(
    path: Path,
    store: EventStore,
    rules: StatementRules,
    parts: Iterable[Part] | None = None,
    processes: int | None = None,
    progress: Progress = silent,
) -> Loaded:
    """Store the events of a file.

    Args:
        path: of the file.
        store: the records.
        rules: how statements are taken.
        parts: of the file; read by `parts_of` where None.
        processes: that read it; as many as there are cores where None, one for a short file.
        progress: told how many bytes are read and stored.

    Raises:
        InputError: the file cannot be read.
        RecordsUnavailable: it could not be stored; what was stored before stays.
    """
    n_bytes = path.stat().st_size if path.is_file() else 0
    if processes is None:
        processes = 1 if n_bytes < ALONE_BYTES else (os.cpu_count() or 1)
    loaded = Loaded()
    writing: deque[tuple[list[tuple[int, Sent]], Future[Receipt]]] = deque()
    together: list[tuple[int, Sent]] = []

    def settle(most: int) -> None:
        while len(writing) > most:
            sent, receipt = writing.popleft()
            _settled(loaded, sent, receipt.result(), store, rules)

    def write() -> None:
        writing.append((together[:], store.submit_each([sent for _, sent in together])))
        together.clear()

    rules = replace(rules, owners=_owners(store, rules, parts_of(path)))
    parts = parts_of(path) if parts is None else parts
    with _seldom_collected():
        for each in _all_understood(parts, rules, processes):
            loaded.number += len(each.sent) + len(each.letters) + each.passed
            loaded.passed += each.passed
            for line, letter in each.letters:
                loaded.refuse(line, letter)
            if each.letters:
                store.bury([letter for _, letter in each.letters])
            together += each.sent
            if len(together) >= AT_ONCE:
                write()
                settle(1)
            progress("events", each.read, n_bytes or None)
        write()
        settle(0)
    store.flush()
    return loaded


def _settled(
    loaded: Loaded,
    sent: list[tuple[int, Sent]],
    receipt: Receipt,
    store: EventStore,
    rules: StatementRules,
) -> None:
    """Count what became of events; those stored with other content become dead letters."""
    loaded.stored += len(receipt.stored)
    loaded.repeated += len(receipt.repeated)
    loaded.erased += len(receipt.erased)
    loaded.silent += receipt.silent
    now, letters = time.time(), []
    for line, each in map(sent.__getitem__, receipt.conflicts):
        content = each.content if each.raw is None else json.loads(each.raw)
        why = Refusal(0, None, "id", str(EventConflict(each.event.event_id)))
        letter = letter_of(
            cast(Form, each.form), content, why, now, rules.owners, each.sender, each.raw
        )
        letters.append((line, letter))
    for line, letter in letters:
        loaded.refuse(line, letter)
    if letters:
        store.bury([letter for _, letter in letters])


def _owners(
    store: EventStore, rules: StatementRules, parts: Iterable[Part]
) -> frozenset[str] | None:
    """Who owns the plain ids: as set, as known, or the platform of the file's first statement."""
    if rules.owners:
        return rules.owners
    owner, now = store.claim(None, time.time()).result(), time.time()
    for found in _statements(parts) if owner is None else ():
        try:
            sent_as("xapi", found.content, now, rules, None)
        except MalformedStatement:
            continue
        owner = store.claim(xapi.agent_of(found.content).authority, now).result()
        break
    return None if owner is None else frozenset([owner])


def _statements(parts: Iterable[Part]) -> Iterator[Found]:
    """The statements of xAPI in a file; what cannot be one is not parsed."""
    for part in parts:
        if part.columns is not None:
            return
        named = [
            (line, row)
            for line, row in part.rows
            if (b'"actor"' if isinstance(row, bytes) else '"actor"') in row
        ]
        for found in found_in(replace(part, rows=named)):
            if found.form == "xapi" and found.fault is None:
                yield found


def _all_understood(
    parts: Iterable[Part], rules: StatementRules, processes: int
) -> Iterator[Understood]:
    """What the parts of a file hold, in their order, read by so many processes."""
    if processes == 1:
        yield from map(partial(understood, rules=rules), parts)
        return
    # a fresh interpreter: threads of the records are no matter to be forked
    context = multiprocessing.get_context("spawn")
    waiting: deque[Future[Understood]] = deque()
    with ProcessPoolExecutor(processes, context, _begin) as pool:
        try:
            for part in parts:
                waiting.append(pool.submit(understood, part, rules))
                if len(waiting) >= AHEAD * processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Look for garbage in circles less often: events, of which many are held, are never in one."""
    before = gc.get_threshold()
    _collect_seldom()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever began it ends it
    _collect_seldom()


def _collect_seldom() -> None:
    gc.freeze()  # what is there already is not looked through again and again
    gc.set_threshold(100_000, 50, 100)


def understood(part: Part, rules: StatementRules) -> Understood:
    """What a part of a file holds, ready to be stored."""
    now = time.time()
    sent, letters, passed = [], [], 0
    for found in found_in(part, rules.zone):
        taken = _taken(found, now, rules)
        if isinstance(taken, Sent):
            sent.append((found.line, taken))
        elif isinstance(taken, DeadLetter):
            letters.append((found.line, taken))
        else:
            passed += 1
    return Understood(tuple(sent), tuple(letters), passed, part.read)


def _taken(found: Found, now: float, rules: StatementRules) -> Sent | DeadLetter | str:
    fault = found.fault
    if found.form != "line":
        try:
            return sent_as(found.form, found.content, now, rules, rules.owners, found.raw)
        except MalformedStatement as error:
            fault = error
        except RecursionError:
            fault = MalformedStatement("line", "is nested too deep; send it flatter")
    assert fault is not None
    why = refusal(0, None, fault)
    if found.form == "line":
        text = found.raw or ""
        return DeadLetter("line", text, digest(text), why.field, why.reason, now)
    return letter_of(found.form, found.content, why, now, rules.owners, raw=found.raw)


@dataclass(frozen=True)
class Replayed:
    """What became of dead letters.

    Attributes:
        taken: they are events now, or say nothing of learning, and are no dead letters any more.
        refused: they stay.
        reasons: why -> how many.
    """

    taken: int
    refused: int
    reasons: dict[str, int]


def replay(store: EventStore, rules: StatementRules, progress: Progress = silent) -> Replayed:
    """Send the dead letters through the door again, and remove those that are taken.

    Args:
        store: the records.
        rules: how statements are taken now.
        progress: told how many letters are looked at.

    Raises:
        RecordsUnavailable: those that were not taken yet stay.
    """
    rules = replace(rules, owners=_owners(store, rules, ()))
    reasons: Counter[str] = Counter()
    n_taken, looked_at, after = 0, 0, 0
    while page := store.dead_letters(after):
        after = page[-1][0]
        fresh: list[tuple[DeadLetter, Sent]] = []
        taken: list[DeadLetter] = []
        for _, letter in page:
            try:
                sent = _again(letter, rules)
            except MalformedStatement as error:
                reasons[shortened(f"{error.field} {error.reason}")] += 1
                continue
            if isinstance(sent, Sent):
                fresh.append((letter, sent))
            else:
                taken.append(letter)
        receipt = store.submit_each([sent for _, sent in fresh]).result()
        for place, (letter, sent) in enumerate(fresh):
            if place in receipt.conflicts:
                reasons[str(EventConflict(sent.event.event_id))] += 1
            else:
                taken.append(letter)
        n_taken += store.revive(taken)
        looked_at += len(page)
        progress("dead letters", looked_at, None)
    return Replayed(n_taken, reasons.total(), dict(reasons))


def _again(letter: DeadLetter, rules: StatementRules) -> Sent | str:
    """What a dead letter is now.

    Raises:
        MalformedStatement: it is refused as before, or for something else.
    """
    try:
        content = json.loads(letter.raw)
    except (ValueError, RecursionError) as error:
        raise MalformedStatement("line", f"is not JSON: {error}") from None
    form: Form = form_of(content)
    if letter.form in get_args(Form):
        form = letter.form  # type: ignore[assignment]
    sent = sent_as(form, content, time.time(), rules, rules.owners, letter.raw)
    if isinstance(sent, str):
        return sent
    if letter.sender and sent.event.learner_id != letter.sender:
        raise MalformedStatement("actor", "is not the learner whose own token sent it")
    if sent.stamped:  # it came when it was refused
        sent = sent._replace(event=sent.event._replace(time=letter.refused))
    return sent._replace(sender=letter.sender)
