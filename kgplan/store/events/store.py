"""Where are learners' events, feedback and plans kept, and when is an event safe?

All writes go through one thread. It takes every request that waits, writes them in one transaction,
and answers them when that is committed: an event that was answered survives the end of the process,
and on SQLite (WAL, synchronous=FULL) and PostgreSQL also that of the machine. Concurrent requests
share the price of a commit.
"""

import hashlib
import json
import logging
import queue
import secrets
import sqlite3
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, fields
from itertools import groupby, islice
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
import sqlalchemy.orm
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import (
    ArgumentError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)

from kgplan.data.events import Event
from kgplan.data.wishes import Wishes, Word, last_words, wishes_of
from kgplan.errors import ConfigError, EventConflict, MissingExtra, RecordsUnavailable
from kgplan.store.events.sqlite_file import SqliteFile
from kgplan.store.events.tables import (
    ErasedEvent,
    ErasedLearner,
    Feedback,
    Learner,
    LearnerEvent,
    PlainIds,
    PlanMade,
    Table,
)

log = logging.getLogger(__name__)

GROUP_LIMIT = 5_000  # events written in one transaction; databases limit a statement's parameters
PLANS_WAIT = 0.1  # seconds that plans wait for others, so that a transaction holds many
BUSY_SECONDS = 10
OVERWRITING_SECONDS = 1.0  # that an erasure waits until its bytes are gone, if a reader holds on
HISTORY_BYTES = 2 << 20  # of a learner's plans that are kept
_MIGRATION_LOCK = 0x6B67706C  # any number that nothing else locks
_EVENT_COLUMNS = tuple(field.name for field in fields(Event))
UNTOLD = ("seq", "digest", "sender", "size")  # columns that say nothing about a learner
_LISTS = ("segments", "aliases", "course_aliases")  # fields of an event that are kept as JSON


@dataclass(frozen=True)
class Sent:
    """An event as it was sent.

    Attributes:
        event: what it says.
        form: "xapi" or "event".
        content: JSON value, kept as it came.
        digest: of what makes two statements of one id the same.
        stamped: whether its time is that of its arrival, as none was sent.
        sender: the learner whose own token sent it, else ""; an id names one event of a sender.
    """

    event: Event
    form: str
    content: Any
    digest: str
    stamped: bool = False
    sender: str = ""

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


class Mark(NamedTuple):
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


@dataclass(frozen=True)
class Erasure:
    """How much was erased of a learner."""

    n_events: int
    n_plans: int
    n_feedback: int


@dataclass(frozen=True)
class KeptPlan:
    """A plan of a learner's history: when it was made, and `Plan.to_dict` of it."""

    made: float
    body: dict[str, Any]


@dataclass
class WriterCounts:
    """What the writer has done since it began.

    Attributes:
        commits: transactions.
        written: requests in them.
        failures: requests that could not be written.
        seconds: that the transactions took, those that failed too.
    """

    commits: int = 0
    written: int = 0
    failures: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class NewPlan:
    """A plan to keep; its fields as the arguments of `EventStore.remember`."""

    learner_id: str
    course_id: str | None
    body: str
    made: float
    erasures: int


@dataclass(frozen=True)
class _Erased:
    """What is known of an erased learner while something is written.

    Attributes:
        moment: until when what happened is not kept, in seconds since 1970.
        erasures: how often the learner was erased.
        clock_was_fast: the moment that is stored is still to come: the clock was put back since.
    """

    moment: float
    erasures: int
    clock_was_fast: bool


class _Raced(Exception):
    """Another process stored an event of the same id in between."""


@dataclass
class _Job:
    """One request that waits for the writer."""

    run: Callable[[Connection], Any] | None  # None: keep `plan`, or store `sent`
    sent: Sequence[Sent]
    plan: NewPlan | None
    answer: "Future[Any]"

    @property
    def kind(self) -> str:
        """What is done with all jobs of a kind that come one after the other."""
        return "run" if self.run is not None else "plan" if self.plan is not None else "events"


Span = Callable[[str], AbstractContextManager[Any]]


def _untraced(name: str) -> AbstractContextManager[Any]:
    return nullcontext()


def open_events(
    url: str, history_bytes: int = HISTORY_BYTES, span: Span = _untraced
) -> "EventStore":
    """Open the learner records, and bring their tables to this version.

    Args:
        url: `sqlite:////path/to/file` or `postgresql+psycopg://user:password@host/database`.
        history_bytes, span: as for `EventStore`.

    Raises:
        ConfigError: not such an address, or a later version of kgplan wrote the records.
        MissingExtra: PostgreSQL without its driver.
        RecordsUnavailable: the database cannot be opened.
    """
    engine = _engine(url)
    try:
        migrate(engine)
    except CommandError as error:
        shown = engine.url.render_as_string()
        raise ConfigError(
            f"the learner records at {shown} were written by a later kgplan ({error});"
            " run that version"
        ) from None
    except SQLAlchemyError as error:
        raise _unavailable(engine, error) from error
    return EventStore(engine, history_bytes, span)


def migrate(engine: Engine, revision: str = "head") -> None:
    """Bring the tables to a revision, all or nothing; several processes may ask at once."""
    config = Config()
    folder = Path(__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    with _writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        config.attributes["connection"] = connection
        (command.upgrade if revision == "head" else command.downgrade)(config, revision)


class EventStore:
    """The learner records in one database. Any number of threads may use it.

    Args:
        engine: of a database whose tables are there (`open_events`).
        history_bytes: that a learner's plans may take; the oldest leave first.
        span: around each reading, by its name in a trace.

    Attributes:
        writer: what its writer has done.
    """

    def __init__(
        self, engine: Engine, history_bytes: int = HISTORY_BYTES, span: Span = _untraced
    ) -> None:
        self.engine, self._history_bytes, self._span = engine, history_bytes, span
        self.writer = WriterCounts()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        on_sqlite = engine.dialect.name == "sqlite"
        self._insert: Callable[..., Any] = sqlite.insert if on_sqlite else postgresql.insert
        upsert = self._insert(Learner)
        self._upsert_learner = _Insertion(
            upsert.on_conflict_do_update(
                index_elements=["learner_id"], set_={"revision": upsert.excluded.revision}
            ),
            ["learner_id", "revision"],
        )
        self._insert_event = _Insertion(
            self._insert(LearnerEvent).on_conflict_do_nothing(), _columns_of(LearnerEvent)
        )
        self._insert_plan = _Insertion(self._insert(PlanMade), _columns_of(PlanMade))
        self._insert_erased_event = _Insertion(
            self._insert(ErasedEvent).on_conflict_do_nothing(), ["event_hash"]
        )
        self._faults = (SQLAlchemyError, engine.dialect.loaded_dbapi.Error)
        # a single SELECT needs no transaction around it; on SQLite it costs nothing
        self._reader = (
            engine if on_sqlite else engine.execution_options(isolation_level="AUTOCOMMIT")
        )
        self._closing = threading.Lock()
        self._closed = False
        self._glancing = threading.Lock()
        self._glance: sqlite3.Connection | None = None
        self._file = SqliteFile(Path(engine.url.database or "")) if on_sqlite else None
        self._writer = threading.Thread(target=self._write, name="kgplan-events", daemon=True)
        self._writer.start()

    def close(self) -> None:
        """Write what still waits, and let go of the database."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._jobs.put(None)
        self._writer.join()
        if self._file is not None:
            self._file.close()
        with self._glancing:
            if self._glance is not None:
                self._glance.close()
                self._glance = None
        self.engine.dispose()
        if self._file is not None:
            self._file.release()

    # writing

    def submit(self, sent: Sequence[Sent]) -> "Future[Receipt]":
        """Store events, all or none.

        Returns:
            Done when they are committed. Its errors: EventConflict, where one of them is stored
            with other content; RecordsUnavailable.
        """
        return self._put(None, sent)

    def say(
        self, learner_id: str, concept_id: str, said: str, now: float, erasures: int = 0
    ) -> bool:
        """Keep what a learner said about a concept (`SAID`); returns when it is committed.

        Args:
            learner_id, concept_id, said: who, about what.
            now: when, in seconds since 1970.
            erasures: of the learner's mark when it was said.

        Returns:
            Whether it is kept; not where the learner was erased since.

        Raises:
            RecordsUnavailable: it could not be written.
        """

        def run(connection: Connection) -> bool:
            erased = self._known_erased(connection, [learner_id]).get(learner_id)
            if (erased.erasures if erased else 0) != erasures:
                return False
            row = {"learner_id": learner_id, "concept_id": concept_id, "said": said}
            connection.execute(sa.insert(Feedback).values(**row, time=now))
            self._touch(connection, {learner_id})
            return True

        kept: bool = self._put(run).result()
        return kept

    def claim(self, owner: str | None, now: float) -> "Future[str | None]":
        """Make an authority the owner of the plain ids of learners, unless there is one.

        Args:
            owner: None where nobody is to become it.
            now: seconds since 1970.

        Returns:
            Done when it is committed: whoever owns them, from now on for good.
        """

        def run(connection: Connection) -> str | None:
            if owner is not None:
                row = {"one": 1, "owner": owner, "since": now}
                made = self._insert(PlainIds).values(**row).on_conflict_do_nothing()
                if connection.execute(made).rowcount == 1:
                    log.warning(
                        "names of %s are learners' ids as they are from now on, as the first that"
                        " were sent; others' ids begin with their own home page"
                        " (KGPLAN_HOME_PAGES chooses)",
                        owner,
                    )
            return connection.execute(sa.select(PlainIds.owner)).scalar_one_or_none()

        return self._put(run)

    def remember(
        self, learner_id: str, course_id: str | None, body: str, now: float, erasures: int = 0
    ) -> None:
        """Keep a plan in the history if it is not the learner's last of that course; no wait.

        Args:
            learner_id, course_id: whose, and for what; None where it leads towards a concept.
            body: the plan as JSON.
            now: when it was made, in seconds since 1970.
            erasures: of the learner's mark that the plan was made at; where the learner was
                erased since, it is not kept.
        """
        self._put(None, plan=NewPlan(learner_id, course_id, body, now, erasures))

    def erase(self, learner_id: str, now: float) -> Erasure:
        """Remove all about a learner; what remains is hashes, the time and the counts.

        Events of the learner from before `now` are not kept any more, should they come again, nor
        are those that were erased, whatever their time. On SQLite their bytes are overwritten.

        Raises:
            RecordsUnavailable: nothing was erased.
        """
        hashed = hash_of(learner_id)
        moment = {"erased": now, "ticks": time.monotonic(), "overwritten": False}

        def run(connection: Connection) -> Erasure:
            audit = self._insert(ErasedLearner).values(
                learner_hash=hashed, **moment, n_events=0, n_plans=0, n_feedback=0, n_erasures=1
            )
            # first the audit: on PostgreSQL it waits for what is being written (_known_erased)
            connection.execute(
                audit.on_conflict_do_update(
                    index_elements=["learner_hash"],
                    set_={**moment, "n_erasures": ErasedLearner.n_erasures + 1},
                )
            )
            names = connection.execute(
                sa.select(LearnerEvent.event_id, LearnerEvent.sender).where(
                    LearnerEvent.learner_id == learner_id
                )
            ).all()
            if names:
                hashes = [{"event_hash": hash_of(learner_id, *name)} for name in sorted(names)]
                self._insert_erased_event.run(connection, hashes)
            n_voids = self._make_nobodys(connection, learner_id)
            counts = [
                connection.execute(sa.delete(table).where(table.learner_id == learner_id)).rowcount
                for table in (LearnerEvent, PlanMade, Feedback)
            ]
            counts[0] += n_voids
            connection.execute(sa.delete(Learner).where(Learner.learner_id == learner_id))
            connection.execute(
                sa.update(ErasedLearner)
                .where(ErasedLearner.learner_hash == hashed)
                .values(
                    n_events=ErasedLearner.n_events + counts[0],
                    n_plans=ErasedLearner.n_plans + counts[1],
                    n_feedback=ErasedLearner.n_feedback + counts[2],
                )
            )
            return Erasure(*counts)

        erasure: Erasure = self._put(run).result()
        if self._file is not None:
            self._file.overwrite(OVERWRITING_SECONDS)
        return erasure

    def _make_nobodys(self, connection: Connection, learner_id: str) -> int:
        """Of a learner's events leave, as nobody's, that they void events of others.

        Returns:
            How many they are.
        """
        event, others = LearnerEvent, sqlalchemy.orm.aliased(LearnerEvent)
        found = connection.execute(
            sa.select(event.seq, event.event_id).where(
                event.learner_id == learner_id,
                event.sender == "",
                sa.exists().where(others.event_id == event.voids, others.learner_id != learner_id),
            )
        ).all()
        columns = event.__table__.columns
        unsaid: dict[str, Any] = {c.name: None for c in columns if c.nullable and c.name != "voids"}
        unsaid |= {"learner_id": "", "digest": "", "raw": "{}", "time": 0.0, "stored": 0.0}
        for row in found:
            named = {"event_id": hash_of(learner_id, row.event_id, "")}
            connection.execute(sa.update(event).where(event.seq == row.seq).values(unsaid | named))
        return len(found)

    def flush(self) -> None:
        """Return when all that was asked for before is written."""
        self._put(lambda connection: None).result()

    # reading

    @property
    def waiting(self) -> int:
        """Requests that the writer has not begun with."""
        return self._jobs.qsize()

    def check(self) -> None:
        """See that records can be read, and that something would write them.

        Raises:
            RecordsUnavailable: they cannot.
        """
        if not self._writer.is_alive():
            raise RecordsUnavailable("the records' writer has ended; start the service again")
        if self._file is not None:
            self._file.check()
        self.mark("")

    def mark(self, learner_id: str) -> Mark:
        """Whether and since when the learner's records are as they are: two look-ups by key."""
        return _mark(self._rows(_MARK, learner_id, hash_of(learner_id)))

    def mark_at_once(self, learner_id: str) -> Mark | None:
        """The same in microseconds, for the event loop; None where it would have to wait.

        On SQLite readers wait for nobody. On PostgreSQL the answer is always None.
        """
        rows = self._rows_at_once(_MARK, learner_id, hash_of(learner_id))
        return None if rows is None else _mark(rows)

    def events(self, learner_id: str) -> list[Event]:
        """The learner's events that were not voided, in no particular order."""
        return [_event(row) for row in self._rows(_EVENTS, learner_id)]

    def wishes(self, learner_id: str) -> Wishes:
        """What the learner said, the last word on each concept."""
        return wishes_of(self._words(learner_id))

    def said(self, learner_id: str) -> list[Word]:
        """The last word on each concept, the newest first; what was withdrawn is not listed."""
        return last_words(self._words(learner_id))

    def _words(self, learner_id: str) -> list[Word]:
        return [Word(*row) for row in self._rows(_FEEDBACK, learner_id)]

    def told(self, learner_id: str) -> tuple[list[Event], Wishes]:
        """All that a learner's state follows from: `events` and `wishes`."""
        return self.events(learner_id), self.wishes(learner_id)

    def told_at_once(self, learner_id: str) -> tuple[list[Event], Wishes] | None:
        """The same in microseconds; None as for `mark_at_once`."""
        events = self._rows_at_once(_EVENTS, learner_id)
        words = self._rows_at_once(_FEEDBACK, learner_id)
        if events is None or words is None:
            return None
        return [_event(row) for row in events], wishes_of(Word(*row) for row in words)

    def plans(
        self,
        learner_id: str,
        course_id: str | None = None,
        limit: int = 1,
        towards: str | None = None,
    ) -> list[KeptPlan]:
        """The learner's plans, in one course, towards one concept, or all; the newest first."""
        asked = sa.select(PlanMade.made, PlanMade.body).where(PlanMade.learner_id == learner_id)
        if towards is not None:
            asked = asked.where(PlanMade.course_id.is_(None))
        elif course_id is not None:
            asked = asked.where(PlanMade.course_id == course_id)
        asked = asked.order_by(PlanMade.seq.desc())
        with self._reading() as connection:
            rows = connection.execute(asked if towards else asked.limit(limit)).all()
        kept = (KeptPlan(row.made, json.loads(row.body)) for row in rows)
        wanted = (plan for plan in kept if towards in (None, plan.body["towards"]))
        return list(islice(wanted, limit))

    def planned(self, learner_id: str) -> dict[str, float]:
        """The courses that the learner was given plans for, and when the last one was made."""
        asked = (
            sa.select(PlanMade.course_id, sa.func.max(PlanMade.made))
            .where(PlanMade.learner_id == learner_id, PlanMade.course_id.is_not(None))
            .group_by(PlanMade.course_id)
        )
        with self._reading() as connection:
            rows = connection.execute(asked).all()
        return {course: made for course, made in rows if course is not None}

    def learners(self, prefix: str, limit: int) -> list[str]:
        """Learners of whom something is stored, whose id begins so, in the order of ids."""
        begin = sa.func.substr(Learner.learner_id, 1, len(prefix))  # SQLite's LIKE ignores case
        asked = sa.select(Learner.learner_id).where(begin == prefix)
        asked = asked.order_by(Learner.learner_id).limit(limit)
        with self._reading() as connection:
            found: list[str] = list(connection.scalars(asked))
        return found

    def export(self, learner_id: str) -> dict[str, list[dict[str, Any]]]:
        """All that is stored about a learner, oldest first.

        Returns:
            `sent` of an event and `body` of a plan are JSON as it is stored: what was sent may be
            nested deeper than can be read here.
        """
        found = {}
        with self._reading() as connection:
            for name, table in (
                ("events", LearnerEvent),
                ("plans", PlanMade),
                ("feedback", Feedback),
            ):
                columns = [c for c in table.__table__.columns if c.name not in UNTOLD]
                asked = sa.select(*columns).where(table.learner_id == learner_id)
                rows = connection.execute(asked.order_by(table.seq)).mappings().all()
                found[name] = [dict(row) for row in rows]
        for event in found["events"]:
            event["sent"] = event.pop("raw")
            event |= {name: json.loads(event[name] or "[]") for name in _LISTS}
        return found

    # the writer

    def _put(
        self,
        run: Callable[[Connection], Any] | None,
        sent: Sequence[Sent] = (),
        plan: NewPlan | None = None,
    ) -> "Future[Any]":
        answer: Future[Any] = Future()
        with self._closing:
            if self._closed:
                raise RecordsUnavailable("the service is stopping; send the request again")
            self._jobs.put(_Job(run, sent, plan, answer))
        return answer

    def _write(self) -> None:
        plans: list[_Job] = []  # nobody waits for them, so a transaction holds many
        until, stop = 0.0, False
        while not stop:
            group, stop = self._next(until - time.monotonic() if plans else None)
            now = time.monotonic()
            if not plans:
                until = now + PLANS_WAIT
            if stop or now >= until or any(job.kind == "run" for job in group):
                plans, group = [], plans + group  # all that was asked for before is written before
            else:
                plans += [job for job in group if job.kind == "plan"]
                group = [job for job in group if job.kind != "plan"]
            if group:
                self._commit(group)

    def _next(self, seconds: float | None) -> tuple[list[_Job], bool]:
        """The jobs that came, the first awaited so long, and whether they are the last ones."""
        group: list[_Job] = []
        size = 0
        try:
            while size < GROUP_LIMIT:
                if group or (seconds is not None and seconds <= 0):
                    job = self._jobs.get_nowait()
                else:
                    job = self._jobs.get(timeout=seconds)
                if job is None:
                    return group, True
                group.append(job)
                size += max(len(job.sent), 1)
        except queue.Empty:
            pass
        return group, False

    def _commit(self, group: list[_Job]) -> None:
        """Write a group in one transaction, or, where that fails, each job in its own."""
        begun = time.monotonic()
        try:
            with self._in_file(), _writing(self.engine) as connection:
                answers = self._run(connection, group)
        except _Raced:
            self._commit(group)  # what the other process committed is seen now
            return
        except Exception as error:
            if len(group) > 1:
                for job in group:
                    self._commit([job])
                return
            self.writer.failures += 1
            log.warning("the learner records could not be written: %s", error)
            if isinstance(error, self._faults):
                error = _unavailable(self.engine, error)
            answers = [error]
        else:
            self.writer.commits += 1
            self.writer.written += len(group)
        self.writer.seconds += time.monotonic() - begun
        for job, answer in zip(group, answers, strict=True):
            if isinstance(answer, Exception):
                job.answer.set_exception(answer)
            else:
                job.answer.set_result(answer)

    def _run(self, connection: Connection, group: list[_Job]) -> list[Any]:
        """Do each job in turn; neighbours of one kind together."""
        answers: list[Any] = []
        for kind, jobs in groupby(group, key=lambda job: job.kind):
            if kind == "plan":
                plans = [job.plan for job in jobs if job.plan is not None]
                self._keep_plans(connection, plans)
                answers += [None] * len(plans)
            elif kind == "events":
                answers += self._store(connection, [job.sent for job in jobs])
            else:
                answers += [job.run(connection) for job in jobs if job.run is not None]
        return answers

    def _in_file(self) -> AbstractContextManager[None]:
        return nullcontext() if self._file is None else self._file.writing()

    def _keep_plans(self, connection: Connection, plans: Sequence[NewPlan]) -> None:
        """Insert those plans that differ from the last one of the same learner and course."""
        learners = sorted({plan.learner_id for plan in plans})
        erased = self._known_erased(connection, learners)
        last = {
            (learner, course): body
            for learner, course, body in _LAST_PLANS.rows(connection, learners)
        }
        rows: dict[str, list[dict[str, Any]]] = {}
        for plan in plans:
            gone = erased.get(plan.learner_id)
            if (gone.erasures if gone else 0) != plan.erasures:
                continue
            key = plan.learner_id, plan.course_id
            if last.get(key) != plan.body:
                row = {"learner_id": plan.learner_id, "course_id": plan.course_id}
                size = len(plan.body.encode())
                rows.setdefault(plan.learner_id, []).append(
                    row | {"made": plan.made, "body": plan.body, "size": size}
                )
                last[key] = plan.body
        if rows:
            sizes = dict(_HISTORY_SIZES.rows(connection, sorted(rows)))
            fitting = []
            for learner, new in rows.items():
                newest = self._newest(row["size"] for row in reversed(new))
                fitting += new[len(new) - newest :]
                new_bytes = sum(row["size"] for row in new[len(new) - newest :])
                if sizes.get(learner, 0) + new_bytes > self._history_bytes:
                    self._drop_oldest(connection, learner, new_bytes)
            self._insert_plan.run(connection, fitting)

    def _newest(self, sizes: Iterable[int], taken: int = 0) -> int:
        """How many of these plans, the newest first, are kept; one in any case if nothing is."""
        n = 0
        for size in sizes:
            taken += size
            if taken > self._history_bytes and taken > size:
                break
            n += 1
        return n

    def _drop_oldest(self, connection: Connection, learner_id: str, taken: int) -> None:
        """Make room in a learner's history for so many bytes."""
        asked = sa.select(PlanMade.seq, PlanMade.size).where(PlanMade.learner_id == learner_id)
        held = connection.execute(asked.order_by(PlanMade.seq.desc())).all()
        newest = self._newest((row.size for row in held), taken)
        if newest < len(held):
            connection.execute(
                sa.delete(PlanMade).where(
                    PlanMade.learner_id == learner_id, PlanMade.seq <= held[newest].seq
                )
            )

    def _store(
        self, connection: Connection, requests: Sequence[Sequence[Sent]]
    ) -> list[Receipt | EventConflict]:
        """Insert the events of several requests, each request's all or none."""
        everything = [each for request in requests for each in request]
        ids = sorted({each.event.event_id for each in everything})
        known: dict[tuple[str, str], str] = {
            (event_id, sender): digest
            for event_id, sender, digest in _DIGESTS.rows(connection, ids)
        }
        erased = self._known_erased(connection, {each.event.learner_id for each in everything})
        again = [
            hash_of(each.event.learner_id, *each.name)
            for each in everything
            if each.event.learner_id in erased
        ]
        gone = {name for (name,) in _ERASED_EVENTS.rows(connection, again)}
        now = time.time()
        answers: list[Receipt | EventConflict] = []
        rows: list[dict[str, Any]] = []
        for request in requests:
            try:
                receipt, fresh = _sort_out(request, known, erased, gone)
            except EventConflict as conflict:
                answers.append(conflict)
                continue
            answers.append(receipt)
            known |= {each.name: each.digest for each in fresh}
            rows += [_row(each, now) for each in fresh]
        if rows:
            # one order for all processes, so that none waits in a circle
            rows.sort(key=lambda row: (row["event_id"], row["sender"]))
            if self._insert_event.run(connection, rows) != len(rows):
                raise _Raced
            # what a learner's token sent is of this learner, and voids nothing of others
            voided = [row["voids"] for row in rows if row["voids"] and not row["sender"]]
            touched = {row["learner_id"] for row in rows}
            if voided:
                touched |= {learner for (learner,) in _OWNERS.rows(connection, voided)}
            self._touch(connection, touched)
        return answers

    def _touch(self, connection: Connection, learner_ids: Iterable[str]) -> None:
        """Give learners a new revision, in one order, so that processes do not wait in a circle."""
        rows = [
            {"learner_id": learner, "revision": secrets.randbits(62)}
            for learner in sorted(learner_ids)
        ]
        self._upsert_learner.run(connection, rows)

    def _known_erased(
        self, connection: Connection, learner_ids: Iterable[str]
    ) -> dict[str, _Erased]:
        """Those of the learners that were erased; it stays so until the commit."""
        if connection.dialect.name == "postgresql":
            # an erasure by another process comes before or after this transaction, not in between
            connection.exec_driver_sql("LOCK TABLE erased_learner IN SHARE MODE")
        hashes = {hash_of(learner): learner for learner in learner_ids}
        now, found = time.time(), {}
        for known, moment, erasures, ticks in _ERASED.rows(connection, list(hashes)):
            fast = moment > now
            if fast:
                moment = now - max(0.0, time.monotonic() - ticks)
                self._put_right(known, erasures, moment)
            found[hashes[known]] = _Erased(moment, erasures, fast)
        return found

    def _put_right(self, hashed: str, erasures: int, moment: float) -> None:
        """Correct the moment of an erasure that lies in the future: the clock was fast then.

        In a transaction of its own: on PostgreSQL it could wait in a circle with others.
        """

        def run(connection: Connection) -> None:
            connection.execute(
                sa.update(ErasedLearner)
                .where(ErasedLearner.learner_hash == hashed, ErasedLearner.n_erasures == erasures)
                .values(erased=moment)
            )

        self._jobs.put(_Job(run, (), None, Future()))

    def _rows(self, asked: "_Query", *about: str) -> list[Any]:
        """The rows of a query, by the faster way where there are two."""
        rows = self._rows_at_once(asked, *about)
        if rows is not None:
            return rows
        with self._reading() as connection:
            return asked.rows(connection, about)

    def _rows_at_once(self, asked: "_Query", *about: str) -> list[Any] | None:
        path = self.engine.url.database
        if self.engine.dialect.name != "sqlite" or path is None:
            return None
        try:
            with self._span("records.read"), self._glancing:
                if self._glance is None:
                    self._glance = sqlite3.connect(
                        path, timeout=0, isolation_level=None, check_same_thread=False
                    )
                return asked.rows_by(self._glance.cursor(), self.engine.dialect, about)
        except sqlite3.Error:  # the ordinary way says what is wrong
            return None

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self._span("records.read"), self._reader.connect() as connection:
                yield connection
        except self._faults as error:
            raise _unavailable(self.engine, error) from error


def hash_of(learner_id: str, *event: str) -> str:
    """By what an erased learner is known again, or an erased event: by its id and sender."""
    return hashlib.sha256("\0".join((learner_id, *event)).encode()).hexdigest()


def _sort_out(
    request: Sequence[Sent],
    known: dict[tuple[str, str], str],
    erased: dict[str, _Erased],
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


def _is_late(sent: Sent, erased: _Erased | None, gone: set[str]) -> bool:
    """Whether an event is from before its learner was erased."""
    if erased is None:
        return False
    if hash_of(sent.event.learner_id, *sent.name) in gone:
        return True
    if sent.stamped and erased.clock_was_fast:
        return False  # it came after the clock was put right
    return sent.event.time <= erased.moment


def _row(sent: Sent, now: float) -> dict[str, Any]:
    event = sent.event
    row = {name: getattr(event, name) for name in _EVENT_COLUMNS}
    listed = {name: json.dumps(row[name]) if row[name] else None for name in _LISTS}
    return row | {
        "stored": now,
        "sender": sent.sender,
        **listed,
        "form": sent.form,
        "digest": sent.digest,
        "raw": json.dumps(sent.content, ensure_ascii=True),
    }


def _event(row: Any) -> Event:
    values = dict(zip(_EVENT_COLUMNS, row, strict=True))
    values["enrols"] = bool(values["enrols"])  # SQLite has no truth values
    for name in _LISTS:
        listed = json.loads(values[name]) if values[name] else ()
        values[name] = tuple(tuple(each) if isinstance(each, list) else each for each in listed)
    return Event(**values)


def _mark(rows: Sequence[Any]) -> Mark:
    ((revision, erased, erasures),) = rows
    return Mark(revision, erased, erasures or 0)


class _Statement(ABC):
    """A statement as drivers take it, by number of parameters.

    What SQLAlchemy adds to each run of a statement takes several times as long as SQLite itself.
    """

    def __init__(self) -> None:
        self._texts: dict[tuple[str, int], str] = {}

    def _text(self, dialect: sa.Dialect, number: int) -> str:
        text = self._texts.get((dialect.name, number))
        if text is None:
            text = str(self._compiled(dialect, number))
            self._texts[dialect.name, number] = text
        return text

    @abstractmethod
    def _compiled(self, dialect: sa.Dialect, number: int) -> sa.Compiled:
        """The statement for so many parameters."""


class _Query(_Statement):
    """Asks about some values.

    Args:
        of: gives the statement, for parameters that stand for the values.
        listed: whether any number of values may be asked about.
    """

    def __init__(self, of: Callable[..., sa.Select[*tuple[Any, ...]]], listed: bool = True) -> None:
        super().__init__()
        self._of, self._listed = of, listed

    def rows(self, connection: Connection, values: Sequence[str]) -> list[Any]:
        """What is found about these values."""
        return self.rows_by(connection.connection.cursor(), connection.dialect, values)

    def rows_by(self, cursor: Any, dialect: sa.Dialect, values: Sequence[str]) -> list[Any]:
        """The same, by a driver's cursor."""
        if not values:
            return []
        if self._listed:  # texts for few numbers: the last value stands there again
            size = 1 << (len(values) - 1).bit_length()
            values = [*values, *[values[-1]] * (size - len(values))]
        given = {f"value_{k}": value for k, value in enumerate(values)}
        cursor.execute(self._text(dialect, len(values)), given)
        # to the end of the rows: until then SQLite keeps the old state readable
        found: list[Any] = cursor.fetchall()
        return found

    def _compiled(self, dialect: sa.Dialect, number: int) -> sa.Compiled:
        values = [sa.bindparam(f"value_{k}", type_=sa.String) for k in range(number)]
        return (self._of(values) if self._listed else self._of(*values)).compile(dialect=dialect)


class _Insertion(_Statement):
    """Inserts rows.

    Args:
        statement: of one row.
        columns: names of what each row gives.
    """

    def __init__(self, statement: sa.Insert, columns: Sequence[str]) -> None:
        super().__init__()
        self._statement, self._columns = statement.inline(), columns

    def run(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> int:
        """Insert them; gives how many were."""
        cursor = connection.connection.cursor()
        cursor.executemany(self._text(connection.dialect, len(self._columns)), rows)
        return cursor.rowcount

    def _compiled(self, dialect: sa.Dialect, number: int) -> sa.Compiled:
        return self._statement.compile(dialect=dialect, column_keys=list(self._columns))


_MARK = _Query(
    lambda learner, hashed: (
        sa.select(
            sa.select(Learner.revision).where(Learner.learner_id == learner).scalar_subquery(),
            ErasedLearner.erased,
            ErasedLearner.n_erasures,
        )
        .select_from(sa.select(sa.literal_column("1").label("one")).subquery())
        .outerjoin(ErasedLearner, ErasedLearner.learner_hash == hashed)
    ),
    listed=False,
)
_VOIDING = sqlalchemy.orm.aliased(LearnerEvent)
_EVENTS = _Query(
    lambda learner: sa.select(*(getattr(LearnerEvent, name) for name in _EVENT_COLUMNS)).where(
        LearnerEvent.learner_id == learner,
        ~sa.exists().where(
            _VOIDING.voids == LearnerEvent.event_id,
            sa.or_(
                _VOIDING.sender == sa.literal_column("''"),
                _VOIDING.learner_id == LearnerEvent.learner_id,
            ),
        ),
    ),
    listed=False,
)
_FEEDBACK = _Query(
    lambda learner: (
        sa.select(Feedback.concept_id, Feedback.said, Feedback.time)
        .where(Feedback.learner_id == learner)
        .order_by(Feedback.seq)
    ),
    listed=False,
)
_DIGESTS = _Query(
    lambda ids: sa.select(LearnerEvent.event_id, LearnerEvent.sender, LearnerEvent.digest).where(
        LearnerEvent.event_id.in_(ids)
    )
)
_OWNERS = _Query(
    lambda ids: sa.select(LearnerEvent.learner_id).where(LearnerEvent.event_id.in_(ids))
)
_ERASED = _Query(
    lambda hashes: sa.select(
        ErasedLearner.learner_hash,
        ErasedLearner.erased,
        ErasedLearner.n_erasures,
        ErasedLearner.ticks,
    ).where(ErasedLearner.learner_hash.in_(hashes))
)
_ERASED_EVENTS = _Query(
    lambda hashes: sa.select(ErasedEvent.event_hash).where(ErasedEvent.event_hash.in_(hashes))
)
_HISTORY_SIZES = _Query(
    lambda learners: (
        sa.select(PlanMade.learner_id, sa.func.sum(PlanMade.size))
        .where(PlanMade.learner_id.in_(learners))
        .group_by(PlanMade.learner_id)
    )
)
_LAST_PLANS = _Query(
    lambda learners: sa.select(PlanMade.learner_id, PlanMade.course_id, PlanMade.body).where(
        PlanMade.seq.in_(
            sa.select(sa.func.max(PlanMade.seq))
            .where(PlanMade.learner_id.in_(learners))
            .group_by(PlanMade.learner_id, PlanMade.course_id)
        )
    )
)


def _engine(url: str) -> Engine:
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
    return _sqlite_engine(parsed) if backend == "sqlite" else _postgresql_engine(parsed)


def _sqlite_engine(url: URL) -> Engine:
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)  # learners' data: the owner's alone, the log's files like it
    except OSError as error:
        raise RecordsUnavailable(
            f"the learner records at {path} cannot be opened: {error.strerror};"
            " set KGPLAN_RECORDS to a place that can be written"
        ) from None
    engine = sa.create_engine(url, pool_size=16, max_overflow=32, paramstyle="named")

    @sa.event.listens_for(engine, "connect")
    def prepare(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # transactions begin where SQLAlchemy says so, below
        cursor = raw.cursor()
        for pragma in (
            f"busy_timeout={BUSY_SECONDS * 1000}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "secure_delete=ON",  # an erased learner's rows are overwritten (SqliteFile does more)
            "temp_store=MEMORY",  # nothing of learners in other files
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql_engine(url: URL) -> Engine:
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    try:
        return sa.create_engine(
            url,
            pool_size=16,
            max_overflow=32,
            pool_pre_ping=True,
            connect_args={"connect_timeout": BUSY_SECONDS},
        )
    except ModuleNotFoundError:
        raise MissingExtra("postgresql", "keeping learner records in PostgreSQL") from None


@contextmanager
def _writing(engine: Engine) -> Iterator[Connection]:
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


def _columns_of(table: type[Table]) -> list[str]:
    """What a row of it is inserted with."""
    return [column.name for column in table.__table__.columns if column.name != "seq"]


def _unavailable(engine: Engine, error: Exception) -> RecordsUnavailable:
    reason = " ".join(str(getattr(error, "orig", None) or error).split())
    if isinstance(error, OperationalError | InterfaceError):  # of the connection, not the values
        with suppress(Exception):  # a broken pool must not hide the reason
            engine.dispose()
    return RecordsUnavailable(
        f"the learner records at {engine.url.render_as_string()} cannot be used now: {reason};"
        " see that their database runs and can be written, then send the request again"
    )
