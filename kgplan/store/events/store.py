"""Where are learners' events, feedback and plans kept, and what is known of them?"""

import json
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from alembic.util import CommandError
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from kgplan.data.events import Event
from kgplan.data.wishes import Wishes, Word, last_words, wishes_of
from kgplan.errors import ConfigError, EventConflict, RecordsUnavailable
from kgplan.store.events import dead, erasure, plans
from kgplan.store.events.database import Database, Session, migrate, revisions, unavailable
from kgplan.store.events.dead import DeadLetter, DeadLimits, DeadReason
from kgplan.store.events.erasure import Erased, Erasure, hash_of
from kgplan.store.events.plans import HISTORY_BYTES, KeptPlan, NewPlan
from kgplan.store.events.postgresql import PostgresqlDatabase, postgresql_engine
from kgplan.store.events.sent import Receipt, Sent, append, event_of, export_events
from kgplan.store.events.sqlite import (
    SqliteDatabase,
    SqliteReader,
    reading_engine,
    sqlite_engine,
)
from kgplan.store.events.writer import CALL, Work, Writer, WriterCounts

log = logging.getLogger(__name__)

OVERWRITING_SECONDS = 1.0  # that an erasure waits until its bytes are gone, if a reader holds on
Span = Callable[[str], AbstractContextManager[Any]]
T = TypeVar("T")


class LearnerVersion(NamedTuple):
    """Differs from an earlier one where anything about the learner changed.

    Attributes:
        revision: None where nothing is stored of the learner.
        erased: when the learner was erased, in seconds since 1970; None if never.
        erasures: how often that was.
    """

    revision: int | None
    erased: float | None
    erasures: int = 0

    @property
    def is_erased(self) -> bool:
        """Whether the learner was erased, and nothing was stored since."""
        return self.revision is None and self.erased is not None


def _untraced(name: str) -> AbstractContextManager[Any]:
    return nullcontext()


def open_events(
    url: str,
    history_bytes: int = HISTORY_BYTES,
    span: Span = _untraced,
    dead_limits: DeadLimits = DeadLimits(),
) -> "EventStore":
    """Open the learner records, and bring their tables to this version.

    Args:
        url: `sqlite:////path/to/file` or `postgresql+psycopg://user:password@host/database`.
        history_bytes, span, dead_limits: as for `EventStore`.

    Raises:
        ConfigError: not such an address, or a later version of kgplan wrote the records.
        MissingExtra: PostgreSQL without its driver.
        RecordsUnavailable: the database cannot be opened.
    """
    store = EventStore(_database(url), history_bytes, span, dead_limits)
    store.bury(())  # those that became too old meanwhile leave
    return store


def read_events(url: str) -> "EventStore | None":
    """Open the learner records to read them; what would write there fails.

    Args:
        url: as for `open_events`.

    Returns:
        None where no service has kept any records yet.

    Raises:
        ConfigError: not such an address, or another version of kgplan wrote the records.
        MissingExtra, RecordsUnavailable: as for `open_events`.
    """
    parsed = _address(url)
    on_file = parsed.get_backend_name() == "sqlite"
    if on_file and not Path(parsed.database or "").is_file():
        return None
    engine = reading_engine(parsed) if on_file else postgresql_engine(parsed)
    engine = engine.execution_options(postgresql_readonly=True)
    try:
        found, own = revisions(engine)
    except SQLAlchemyError as error:
        raise unavailable(engine, error) from error
    if found is None:
        return None
    if found != own:
        raise ConfigError(
            f"the learner records at {engine.url.render_as_string()} are those of another version"
            " of kgplan; run that version, or let `kgplan serve` of this one bring them up to date"
        )
    return EventStore(SqliteReader(engine) if on_file else PostgresqlDatabase(engine))


def _address(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError):  # the last: its port is no number
        backend = ""
    if backend not in ("sqlite", "postgresql") or (backend == "sqlite" and not parsed.database):
        scheme = url.split(":")[0]  # what follows may be a password
        raise ConfigError(
            f"KGPLAN_RECORDS begins with {scheme!r}; give sqlite:////path/to/file"
            " or postgresql+psycopg://user:password@host/database"
        )
    return parsed


def _database(url: str) -> Database:
    parsed = _address(url)
    on_file = parsed.get_backend_name() == "sqlite"
    engine = sqlite_engine(parsed) if on_file else postgresql_engine(parsed)
    try:
        migrate(engine)
    except CommandError as error:
        raise ConfigError(
            f"the learner records at {engine.url.render_as_string()} were written by a later"
            f" kgplan ({error}); run that version"
        ) from None
    except SQLAlchemyError as error:
        raise unavailable(engine, error) from error
    return SqliteDatabase(engine) if on_file else PostgresqlDatabase(engine)


class EventStore:
    """The events, feedback and plans in one database. Any number of threads may use it.

    Args:
        database: with its tables.
        history_bytes: that a learner's plans may take; the oldest leave first.
        span: around each reading, by its name in a trace.
        dead_limits: how many dead letters are kept.

    Attributes:
        database: where all is.
    """

    def __init__(
        self,
        database: Database,
        history_bytes: int = HISTORY_BYTES,
        span: Span = _untraced,
        dead_limits: DeadLimits = DeadLimits(),
    ) -> None:
        self.database, self._history_bytes, self._span = database, history_bytes, span
        self._dead_limits = dead_limits
        self._appending = Work(self._append)
        self._appending_each = Work(self._append_each)
        self._burying = Work(self._bury, is_patient=True)
        self._keeping = Work(self._keep, is_patient=True)
        self._writer = Writer(database)

    def close(self) -> None:
        """Write what still waits, and let go of the database."""
        if self._writer.close():
            self.database.close()

    # writing

    def submit(self, sent: Sequence[Sent]) -> "Future[Receipt]":
        """Store events, all or none.

        Returns:
            Done when they are committed. Its errors: EventConflict, where one of them is stored
            with other content; RecordsUnavailable.
        """
        return self._writer.put(self._appending, sent, len(sent))

    def submit_each(self, sent: Sequence[Sent]) -> "Future[Receipt]":
        """Store events, each by itself, in one transaction.

        Returns:
            Done when they are committed; `Receipt.conflicts` are not. Its error:
            RecordsUnavailable.
        """
        return self._writer.put(self._appending_each, sent, len(sent))

    def bury(self, letters: Sequence[DeadLetter]) -> "Future[None]":
        """Keep what was refused, as the limits allow; nobody has to wait for it."""
        return self._writer.put(self._burying, letters, len(letters))

    def revive(self, letters: Sequence[DeadLetter]) -> int:
        """Remove dead letters that were taken; gives how many, when it is committed.

        Raises:
            RecordsUnavailable: it could not be written.
        """
        n: int = self._writer.put(CALL, lambda session: dead.revive(session, letters)).result()
        return n

    def say(
        self,
        learner_id: str,
        concept_id: str,
        said: str,
        now: float,
        erasures: int = 0,
        item_id: str | None = None,
    ) -> bool:
        """Keep what a learner said about a concept (`Said`); returns when it is committed.

        Args:
            learner_id, concept_id, said: who, about what.
            now: when, in seconds since 1970.
            erasures: of the learner's version when it was said.
            item_id: the item on the concept that was meant; None where the concept was.

        Returns:
            Whether it is kept; not where the learner was erased since.

        Raises:
            RecordsUnavailable: it could not be written.
        """

        def insert(session: Session) -> bool:
            erased = self._erased_among(session, [learner_id]).get(learner_id)
            if (erased.erasures if erased else 0) != erasures:
                return False
            about = {"learner_id": learner_id, "concept_id": concept_id, "item_id": item_id}
            session.run("feedback.insert", **about, said=said, time=now)
            _change(session, [learner_id])
            return True

        kept: bool = self._writer.put(CALL, insert).result()
        return kept

    def claim(self, owner: str | None, now: float) -> "Future[str | None]":
        """Make an authority the owner of the plain ids of learners, unless there is one.

        Args:
            owner: None where nobody is to become it.
            now: seconds since 1970.

        Returns:
            Done when it is committed: whoever owns them, from now on for good.
        """

        def claim(session: Session) -> str | None:
            if owner is not None and session.run("plain_ids.claim", owner=owner, since=now) == 1:
                log.warning(
                    "names of %s are learners' ids as they are from now on, as the first that"
                    " were sent; others' ids begin with their own home page"
                    " (KGPLAN_HOME_PAGES chooses)",
                    owner,
                )
            return next((owner for (owner,) in session.rows("plain_ids.owner")), None)

        return self._writer.put(CALL, claim)

    def use_once(self, nonce: str, now: float, until: float) -> "Future[bool]":
        """Use a nonce, which counts once, whichever process is asked.

        Args:
            nonce: of whatever kind.
            now, until: seconds since 1970; it is remembered so long.

        Returns:
            Done when it is committed: whether it is the first time.
        """

        def use(session: Session) -> bool:
            session.run("used_nonce.forget", now=now)
            return session.run("used_nonce.insert", nonce=nonce, ends=until) == 1

        return self._writer.put(CALL, use)

    def remember(
        self, learner_id: str, course_id: str | None, body: str, now: float, erasures: int = 0
    ) -> None:
        """Keep a plan in the history if it is not the learner's last of that course; no wait.

        Args:
            learner_id, course_id: whose, and for what; None where it leads towards a concept.
            body: the plan as JSON.
            now: when it was made, in seconds since 1970.
            erasures: of the learner's version that the plan was made at; where the learner was
                erased since, it is not kept.
        """
        self._writer.put(self._keeping, NewPlan(learner_id, course_id, body, now, erasures))

    def erase(self, learner_id: str, now: float) -> Erasure:
        """Remove all about a learner; what remains is hashes, the time and the counts.

        Events of the learner from before `now` are not kept any more, should they come again, nor
        are those that were erased, whatever their time. On SQLite their bytes are overwritten.

        Raises:
            RecordsUnavailable: nothing was erased.
        """
        erased: Erasure = self._writer.put(
            CALL, lambda session: erasure.erase(session, learner_id, now)
        ).result()
        self.database.overwrite(OVERWRITING_SECONDS)
        return erased

    def write(self, function: Callable[[Session], T]) -> T:
        """Let a function write in a transaction; returns what it does, when that is committed.

        Raises:
            RecordsUnavailable: it could not be written; nothing is. Else the function's own.
        """
        told: T = self._writer.put(CALL, function).result()
        return told

    def flush(self) -> None:
        """Return when all that was asked for before is written."""
        self._writer.put(CALL, lambda session: None).result()

    def _append(
        self, session: Session, requests: Sequence[Sequence[Sent]], together: bool = True
    ) -> list[Receipt | EventConflict]:
        learners = {each.event.learner_id for request in requests for each in request}
        erased = self._erased_among(session, learners)
        answers, changed = append(session, requests, erased, together)
        _change(session, changed)
        return answers

    def _append_each(
        self, session: Session, requests: Sequence[Sequence[Sent]]
    ) -> list[Receipt | EventConflict]:
        return self._append(session, requests, together=False)

    def _bury(self, session: Session, letters: Sequence[Sequence[DeadLetter]]) -> list[None]:
        everything = [each for some in letters for each in some]
        named = {each.learner_id for each in everything if each.learner_id is not None}
        erased = self._erased_among(session, named) if named else {}
        dead.bury(session, everything, erased, self._dead_limits, time.time())
        return [None] * len(letters)

    def _keep(self, session: Session, new: Sequence[NewPlan]) -> list[None]:
        erased = self._erased_among(session, {plan.learner_id for plan in new})
        plans.keep(session, new, erased, self._history_bytes)
        return [None] * len(new)

    def _erased_among(self, session: Session, learner_ids: Iterable[str]) -> dict[str, Erased]:
        found = erasure.erased_among(session, learner_ids)
        for learner, erased in found.items():
            if erased.clock_was_fast:  # put right apart: on PostgreSQL it could wait in a circle
                self._writer.put_own(partial(erasure.put_right, learner_id=learner, erased=erased))
        return found

    # reading

    @property
    def writer(self) -> WriterCounts:
        """What its writer has done."""
        return self._writer.counts

    @property
    def waiting(self) -> int:
        """Requests that the writer has not begun with."""
        return self._writer.waiting

    def check(self) -> None:
        """See that records can be read, and that something would write them.

        Raises:
            RecordsUnavailable: they cannot.
        """
        if not self._writer.is_alive:
            raise RecordsUnavailable("the records' writer has ended; start the service again")
        self.database.check()
        self.version("")

    def version(self, learner_id: str) -> LearnerVersion:
        """Whether and since when what is stored of a learner is as it is: two look-ups by key."""
        return _version(self._rows("learner.version", **_named(learner_id)))

    def version_at_once(self, learner_id: str) -> LearnerVersion | None:
        """The same in microseconds, for the event loop; None where it would have to wait.

        On SQLite readers wait for nobody. On PostgreSQL the answer is always None.
        """
        rows = self._rows_at_once("learner.version", **_named(learner_id))
        return None if rows is None else _version(rows)

    def events(self, learner_id: str) -> list[Event]:
        """The learner's events that were not voided, in no particular order."""
        return list(map(event_of, self._rows("event.of_learner", learner_id=learner_id)))

    def wishes(self, learner_id: str) -> Wishes:
        """What the learner said, the last word on each concept."""
        return wishes_of(self._words(learner_id))

    def said(self, learner_id: str) -> list[Word]:
        """The last word on each concept, the newest first; what was withdrawn is not listed."""
        return last_words(self._words(learner_id))

    def told(self, learner_id: str) -> tuple[list[Event], Wishes]:
        """All that a learner's state follows from: `events` and `wishes`."""
        return self.events(learner_id), self.wishes(learner_id)

    def told_at_once(self, learner_id: str) -> tuple[list[Event], Wishes] | None:
        """The same in microseconds; None as for `version_at_once`."""
        events = self._rows_at_once("event.of_learner", learner_id=learner_id)
        words = self._rows_at_once("feedback.of_learner", learner_id=learner_id)
        if events is None or words is None:
            return None
        return list(map(event_of, events)), wishes_of(Word(*row) for row in words)

    def plans(
        self,
        learner_id: str,
        course_id: str | None = None,
        limit: int = 1,
        towards: str | None = None,
    ) -> list[KeptPlan]:
        """The learner's plans, in one course, towards one concept, or all; the newest first."""
        with self._reading() as session:
            return plans.newest_plans(session, learner_id, course_id, towards, limit)

    def planned(self, learner_id: str) -> dict[str, float]:
        """The courses that the learner was given plans for, and when the last one was made."""
        with self._reading() as session:
            return dict(session.rows("plan.courses", learner_id=learner_id))

    def took_part(self, experiment: str) -> Iterator[tuple[list[KeptPlan], list[Event]]]:
        """Plans and events of each learner who was given a plan in an experiment.

        Args:
            experiment: its name.

        Yields:
            The learner's kept plans that carry the experiment, the oldest first, at least one, and
            the events that count; not who it is. Learners who were erased are not among them.
        """
        part = f'%"experiment":{{"name":"{experiment}",%'
        with self._reading() as session:
            learners = session.rows("plan.learners_with", part=part)
        for (learner_id,) in learners:
            found = self._rows("plan.of_learner_with", learner_id=learner_id, part=part)
            kept = [KeptPlan(made, json.loads(body)) for made, body in found]
            plans = [
                each
                for each in kept
                if (each.body.get("experiment") or {}).get("name") == experiment
            ]
            if plans:
                yield plans, self.events(learner_id)

    def n_erased(self, since: float) -> int:
        """How many learners were erased since a moment; who, nobody knows any more."""
        with self._reading() as session:
            ((number,),) = session.rows("erased_learner.since", since=since)
        return int(number)

    def learners(self, prefix: str, limit: int) -> list[str]:
        """Learners of whom something is stored, whose id begins so, in the order of ids."""
        with self._reading() as session:
            found = session.rows("learner.beginning", prefix=prefix, length=len(prefix), most=limit)
        return [learner for (learner,) in found]

    def dead_letters(self, after: int = 0, most: int = 1_000) -> list[tuple[int, DeadLetter]]:
        """What was refused, in the order in which it came, each with its place in it.

        Args:
            after: a place; those behind it are given.
            most: at most so many.
        """
        with self._reading() as session:
            return dead.page(session, after, most)

    def dead_reasons(self) -> list[DeadReason]:
        """Why events were refused, the most frequent reason first."""
        with self._reading() as session:
            return dead.reasons(session)

    def export(self, learner_id: str) -> dict[str, list[dict[str, Any]]]:
        """All that is stored about a learner, oldest first.

        Returns:
            `sent` of an event and `body` of a plan are JSON as it is stored: what was sent may be
            nested deeper than can be read here. `sent` of what was refused is any text.
        """
        with self._reading() as session:
            return {
                "events": export_events(session, learner_id),
                "plans": session.dicts("plan.export", learner_id=learner_id),
                "feedback": session.dicts("feedback.export", learner_id=learner_id),
                "refused": session.dicts("dead_letter.export", learner_id=learner_id),
                "running_plans": session.dicts("running_plan.export", learner_id=learner_id),
                "plan_changes": session.dicts("plan_change.export", learner_id=learner_id),
            }

    def _words(self, learner_id: str) -> list[Word]:
        return [Word(*row) for row in self._rows("feedback.of_learner", learner_id=learner_id)]

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A connection to ask, for statements that stand in a module of their own."""
        with self._reading() as session:
            yield session

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with self._span("records.read"), self.database.reading() as session:
            yield session

    def _rows(self, name: str, **values: str) -> list[Any]:
        with self._span("records.read"):
            return self.database.rows(name, **values)

    def _rows_at_once(self, name: str, **values: str) -> list[Any] | None:
        with self._span("records.read"):
            return self.database.rows_at_once(name, **values)


def _named(learner_id: str) -> dict[str, str]:
    return {"learner_id": learner_id, "learner_hash": hash_of(learner_id)}


def _version(rows: Sequence[Any]) -> LearnerVersion:
    ((revision, erased, erasures),) = rows
    return LearnerVersion(revision, erased, erasures or 0)


def _change(session: Session, learner_ids: Iterable[str]) -> None:
    """Give learners a new revision, in one order, so that processes do not wait in a circle."""
    session.run_each(
        "learner.changed",
        [
            {"learner_id": learner, "revision": secrets.randbits(62)}
            for learner in sorted(learner_ids)
        ],
    )
