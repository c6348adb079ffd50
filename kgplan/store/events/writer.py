"""When is something that was to be stored safe?

All writes go through one thread. It takes every request that waits, writes them in one transaction,
and answers them when that is committed: what was answered survives the end of the process, and on
SQLite (WAL, synchronous=FULL) and PostgreSQL also that of the machine. Concurrent requests share
the price of a commit.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from kgplan.errors import RecordsUnavailable
from kgplan.store.events.database import Database, Session, unavailable

log = logging.getLogger(__name__)

GROUP_LIMIT = 5_000  # events written in one transaction
PATIENCE = 0.1  # seconds that what nobody waits for waits, to be written with others


@dataclass(frozen=True)
class Work:
    """A kind of request.

    Attributes:
        do: writes several requests that came one after the other, and answers each; an answer that
            is an exception is raised where the request is waited for.
        is_patient: whether nobody waits for the answer.
        in_order: whether all that was asked for before is written before.
    """

    do: Callable[[Session, Sequence[Any]], Sequence[Any]]
    is_patient: bool = False
    in_order: bool = False


def _call(session: Session, functions: Sequence[Callable[[Session], Any]]) -> list[Any]:
    return [function(session) for function in functions]


CALL = Work(_call, in_order=True)
"""Calls what it is given."""


class Raced(Exception):
    """Another process stored the same in between; what it committed is seen by the next try."""


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
class _Request:
    work: Work
    what: Any
    size: int = 1
    answer: "Future[Any]" = field(default_factory=Future)


class Writer:
    """Writes what any number of threads ask for.

    Attributes:
        counts: what it has done.
    """

    def __init__(self, database: Database) -> None:
        self.counts = WriterCounts()
        self._database = database
        self._queue: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="kgplan-events", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Requests that it has not begun with."""
        return self._queue.qsize()

    @property
    def is_alive(self) -> bool:
        """Whether it would write something."""
        return self._thread.is_alive()

    def put(self, work: Work, what: Any, size: int = 1) -> "Future[Any]":
        """Ask for something.

        Returns:
            Done when it is committed; its error is RecordsUnavailable where it cannot be, or the
            work's own.

        Raises:
            RecordsUnavailable: the writer is closed.
        """
        request = _Request(work, what, size)
        with self._closing:
            if self._closed:
                raise RecordsUnavailable("the service is stopping; send the request again")
            self._queue.put(request)
        return request.answer

    def put_own(self, function: Callable[[Session], Any]) -> None:
        """Ask, while it writes, for something in a transaction of its own."""
        self._queue.put(_Request(CALL, function))

    def close(self) -> bool:
        """Write what still waits, and end; False where that was done before."""
        with self._closing:
            if self._closed:
                return False
            self._closed = True
            self._queue.put(None)
        self._thread.join()
        return True

    def _run(self) -> None:
        patient: list[_Request] = []
        until, stop = 0.0, False
        while not stop:
            group, stop = self._next(until - time.monotonic() if patient else None)
            now = time.monotonic()
            if not patient:
                until = now + PATIENCE
            if stop or now >= until or any(request.work.in_order for request in group):
                patient, group = [], patient + group
            else:
                patient += [request for request in group if request.work.is_patient]
                group = [request for request in group if not request.work.is_patient]
            if group:
                self._commit(group)

    def _next(self, seconds: float | None) -> tuple[list[_Request], bool]:
        """The requests that came, the first awaited so long, and whether they are the last ones."""
        group: list[_Request] = []
        size = 0
        try:
            while size < GROUP_LIMIT:
                if group or (seconds is not None and seconds <= 0):
                    request = self._queue.get_nowait()
                else:
                    request = self._queue.get(timeout=seconds)
                if request is None:
                    return group, True
                group.append(request)
                size += max(request.size, 1)
        except queue.Empty:
            pass
        return group, False

    def _commit(self, group: list[_Request]) -> None:
        """Write a group in one transaction, or, where that fails, each request in its own."""
        begun = time.monotonic()
        answers: list[Any] = []
        try:
            with self._database.writing() as session:
                for work, requests in groupby(group, key=lambda request: request.work):
                    answers += work.do(session, [request.what for request in requests])
        except Raced:
            self._commit(group)
            return
        except Exception as error:
            if len(group) > 1:
                for request in group:
                    self._commit([request])
                return
            self.counts.failures += 1
            log.warning("the learner records could not be written: %s", error)
            if isinstance(error, self._database.faults):
                error = unavailable(self._database.engine, error)
            answers = [error]
        else:
            self.counts.commits += 1
            self.counts.written += len(group)
        self.counts.seconds += time.monotonic() - begun
        for request, answer in zip(group, answers, strict=True):
            if isinstance(answer, Exception):
                request.answer.set_exception(answer)
            else:
                request.answer.set_result(answer)
