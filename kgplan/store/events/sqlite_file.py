"""The SQLite file below the events: is it still there, and is what was erased gone from its bytes?

SQLite's `secure_delete` overwrites what is deleted where it lies. When a tree is balanced, though,
rows move to another page, and their copies stay behind in the free middle of the page that they
left; a later delete does not know of them. So after an erasure the free middle of every page is
overwritten too, once the log is empty.
"""

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from kgplan.errors import RecordsUnavailable
from kgplan.machine import read_at, write_at

log = logging.getLogger(__name__)

MAGIC = b"SQLite format 3\0"
AT_ONCE = 16 << 20  # bytes that are looked through while nobody else may write: 4 ms
PAUSE = 0.001  # seconds in which the writer, if it waits, takes its turn
MOST_PAGES = 0x02000000  # of more, the number of a next page could look like the kind of a page
LEAST_WAIT, MOST_WAIT = 0.02, 0.5  # seconds between two tries
CLOSING_SECONDS = 5.0  # that a stop waits for it; the next start goes on
NEXT_VERSION = ("PRAGMA user_version = 1", "PRAGMA user_version = 2")


@dataclass
class _Round:
    """One look through the whole file.

    Attributes:
        asked: how many had asked for one when it began.
        pending: hash of each learner erased before it began, and the how manieth erasure it was.
        place: where it goes on, in bytes; None when it has been everywhere.
    """

    asked: int
    pending: list[tuple[str, int]]
    place: int | None = 0


class SqliteFile:
    """Watches one SQLite file, and overwrites what was erased from it. For any thread.

    Args:
        path: of a database in WAL mode that another connection has open.
        statements: how erasures are asked for that wait for it, and marked as done.
    """

    def __init__(self, path: Path, statements: Mapping[str, str]) -> None:
        self._path, real, self._statements = path, path.resolve(), statements
        # SQLite's log lies beside the file itself, also where the path leads over a link
        self._log = Path(f"{real}-wal")
        self._files = (path, self._log, Path(f"{real}-shm"))
        # kept open while the service runs: as long as one is open, SQLite keeps its log's files
        self._connection = sqlite3.connect(
            path, timeout=0, isolation_level=None, check_same_thread=False
        )
        self._connection.execute("PRAGMA secure_delete=ON")
        # a round that the machine's end undoes is begun again; the log is still moved safely
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        # closed last: closing any descriptor of a file drops the locks that SQLite has on it
        self._descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
        self._known, self._size = self._identities(), 0
        self._turn, self._wanted = threading.Lock(), False
        self._asked, self._done = 0, 0
        self._round: _Round | None = None
        self._changed = threading.Condition()
        self._closing = False
        self._sweeper: threading.Thread | None = None
        if self._pending():
            self.overwrite(0)

    def close(self) -> None:
        """Overwrite what still waits, if no reader hinders it, and let go of the file."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._sweeper is not None:
            self._sweeper.join()

    def release(self) -> None:
        """Close what is open; after all other connections."""
        self._connection.close()
        os.close(self._descriptor)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """While something is written and committed.

        Raises:
            RecordsUnavailable: as for `check`; what was written may be lost, or is not.
        """
        self._wanted = True
        with self._turn:
            self._wanted = False
            self.check()
            yield
            self.check()

    # is it still there?

    def check(self) -> None:
        """See that what is written comes to the file that the next start reads.

        Raises:
            RecordsUnavailable: the file is gone, another one, or cut; with the way out.
        """
        found = self._identities()
        if found != self._known:
            places = zip(self._files, self._known, found, strict=True)
            odd, there = next((file, now) for file, before, now in places if before != now)
            what = "was replaced by another file" if there else "is gone"
            way_out = "before the service is started again"
            if odd != self._path:
                way_out = "or start the service again"
            raise RecordsUnavailable(
                f"{odd}, of the learner records, {what} while the service has it open;"
                f" put it back where it was, {way_out}"
            )
        head, size = read_at(self._descriptor, 100, 0), os.fstat(self._descriptor).st_size
        page, pages = _page_size(head), int.from_bytes(head[28:32], "big")
        cut = size < self._size and page * pages > size
        if not head.startswith(MAGIC) or cut:
            raise RecordsUnavailable(
                f"the learner records at {self._path} were cut or overwritten by another program;"
                " stop the service, put a backup in their place, and start it again"
            )
        self._size = size

    def _identities(self) -> list[tuple[int, int] | None]:
        found: list[tuple[int, int] | None] = []
        for file in self._files:
            try:
                status = os.stat(file)
            except OSError:
                found.append(None)
            else:
                found.append((status.st_dev, status.st_ino))
        return found

    # overwriting what was erased

    def overwrite(self, seconds: float) -> None:
        """See that what was deleted and committed is overwritten, in the log and in the file.

        Args:
            seconds: how long to wait for it; where a reader still looks at an old state, it is
                done in the background as soon as the reader has ended.
        """
        with self._changed:
            self._asked += 1
            mine = self._asked
            if self._sweeper is None:
                self._sweeper = threading.Thread(
                    target=self._sweep, name="kgplan-erasures", daemon=True
                )
                self._sweeper.start()
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: self._done >= mine, seconds) and seconds:
                log.warning(
                    "what was erased is overwritten later: a reader still holds on to it, or the"
                    " file is large"
                )

    def _sweep(self) -> None:
        wait = LEAST_WAIT
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._asked > self._done)
                last = self._closing
            if self._asked > self._done and self._try():
                wait = LEAST_WAIT
                continue
            if last:
                return
            with self._changed:
                self._changed.wait_for(lambda: self._closing, wait)
            wait = min(2 * wait, MOST_WAIT)

    def _try(self) -> bool:
        """Go on with a round through the file, or begin one; whether it was brought to its end."""
        try:
            self.check()
            if self._round is None:
                self._round = _Round(self._asked, self._pending())
            until = time.monotonic() + CLOSING_SECONDS
            while self._round.place is not None:
                if self._closing and time.monotonic() > until:
                    return False
                if self._wanted:
                    time.sleep(PAUSE)
                with self._turn:
                    if not self._emptied():
                        return False
                    self._round.place = self._overwritten(self._round.place)
            os.fsync(self._descriptor)
            with self._turn:
                self._connection.execute("PRAGMA busy_timeout = 2000")
                self._connection.executemany(
                    self._statements["erased_learner.overwritten"],
                    [
                        {"learner_hash": learner, "n_erasures": erasures}
                        for learner, erasures in self._round.pending
                    ],
                )
        except (sqlite3.Error, RecordsUnavailable, OSError) as error:
            log.debug("what was erased is not overwritten yet: %s", error)
            return False
        with self._changed:
            self._done, self._round = self._round.asked, None
            self._changed.notify_all()
        return True

    def _pending(self) -> list[tuple[str, int]]:
        return self._connection.execute(self._statements["erased_learner.pending"]).fetchall()

    def _emptied(self) -> bool:
        """Move the log into the file and empty it; False where a reader needs it."""
        if os.stat(self._log).st_size == 0:
            return True
        self._connection.execute("PRAGMA busy_timeout = 5")  # meanwhile nobody may write
        (busy, _, _) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    def _overwritten(self, place: int) -> int | None:
        """Overwrite the free space of some pages while nobody writes.

        Returns:
            Where to go on, in bytes: at `place` where somebody wrote to the log before; None
            behind the last page.
        """
        connection = self._connection
        connection.execute("PRAGMA busy_timeout = 2000")
        connection.execute("BEGIN IMMEDIATE")
        try:
            if os.stat(self._log).st_size:
                return place  # the log holds newer pages than the file
            head = read_at(self._descriptor, 100, 0)
            some = read_at(self._descriptor, AT_ONCE, place)
            page_size = _page_size(head)
            if place + len(some) > page_size * MOST_PAGES:
                log.warning("the learner records are too large to look through for erased bytes")
                return None
            spans = list(stale_spans(some, page_size, first=place == 0))
            for begin, end in spans:
                write_at(self._descriptor, bytes(end - begin), place + begin)
            if spans:
                # a change for all connections to see: they read their pages anew
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                connection.execute(NEXT_VERSION[version == 1])
            connection.execute("COMMIT")
            return place + len(some) if len(some) == AT_ONCE else None
        finally:
            if connection.in_transaction:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")


def _page_size(head: bytes) -> int:
    size = int.from_bytes(head[16:18], "big")
    return 65_536 if size == 1 else size


def stale_spans(pages: bytes, page_size: int, first: bool) -> Iterator[tuple[int, int]]:
    """Where free space between a page's cell pointers and its cells is not all zeros.

    Args:
        pages: whole pages of a database.
        page_size: bytes of one.
        first: whether they begin with the first page, which the database's head begins.
    """
    for page in range(0, len(pages) - page_size + 1, page_size):
        head = page + (100 if first and page == 0 else 0)
        kind = pages[head]
        if kind not in (2, 5, 10, 13):  # inner and leaf pages of indexes and tables
            continue
        n_cells = int.from_bytes(pages[head + 3 : head + 5], "big")
        begin = head + (12 if kind in (2, 5) else 8) + 2 * n_cells
        end = page + (int.from_bytes(pages[head + 5 : head + 7], "big") or 65_536)
        if begin < end <= page + page_size and pages.count(0, begin, end) < end - begin:
            yield begin, end
