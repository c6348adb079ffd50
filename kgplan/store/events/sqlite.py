"""How are the events kept in a SQLite file?"""

import json
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine

from kgplan.errors import RecordsUnavailable
from kgplan.store.events.database import BUSY_SECONDS, Database, Session
from kgplan.store.events.sqlite_file import SqliteFile


class SqliteReader(Database):
    """A file that is read alone (`reading_engine`)."""

    mark = "?"

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._path = Path(engine.url.database or "")
        self._alone = threading.Lock()
        self._at_once: Session | None = None

    @staticmethod
    def _spelled(statement: str) -> str:
        return re.sub(r"any_of\((.+?)\)", r"(SELECT value FROM json_each(\1))", statement)

    @staticmethod
    def listed(values: list[str]) -> str:
        """A list in JSON."""
        return json.dumps(values)

    def hold_erasures(self, session: Session) -> None:
        """Whoever writes is alone."""

    def rows_at_once(self, name: str, **values: Any) -> list[Any] | None:
        """What a statement finds: readers wait for nobody. None where that fails."""
        try:
            with self._alone:
                if self._at_once is None:
                    raw = connect_to_read(self._path)
                    self._at_once = Session(raw.cursor(), self)
                return self._at_once.rows(name, **values)
        except sqlite3.Error:  # the ordinary way says what is wrong
            return None

    def check(self) -> None:
        """Nothing is written."""

    def overwrite(self, seconds: float) -> None:
        """Nothing is deleted."""

    def close(self) -> None:
        """Let go of the file."""
        with self._alone:
            if self._at_once is not None:
                self._at_once.cursor.connection.close()
                self._at_once = None
        super().close()


class SqliteDatabase(SqliteReader):
    """A file."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._file = SqliteFile(self._path, self.texts)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """As for every database; `RecordsUnavailable` where the file is not in its place."""
        with self._file.writing(), super().writing() as session:
            yield session

    def check(self) -> None:
        """See that the file is the one that was opened."""
        self._file.check()

    def overwrite(self, seconds: float) -> None:
        """As for every database; later where a reader still looks at an old state."""
        self._file.overwrite(seconds)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
        super().close()
        self._file.release()


def connect_to_read(path: Path, seconds: float = 0.0) -> sqlite3.Connection:
    """A connection that cannot write; it waits so long for others."""
    address = f"file:{quote(str(path.absolute()))}?mode=ro"
    return sqlite3.connect(
        address, uri=True, timeout=seconds, isolation_level=None, check_same_thread=False
    )


def reading_engine(url: URL) -> Engine:
    """Connections to a file that is there, which cannot write."""
    path = Path(url.database or "")
    return sa.create_engine(
        url, creator=lambda: connect_to_read(path, BUSY_SECONDS), paramstyle="named"
    )


def sqlite_engine(url: URL) -> Engine:
    """Connections to a file, which is made where it is not there.

    Raises:
        RecordsUnavailable: it cannot be.
    """
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
            "cache_size=-65536",  # kB: ids come in no order, and all of their index is written to
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
