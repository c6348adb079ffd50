"""Which database keeps the events, and how is it asked?

Statements are those of statements.sql, by name. They go to the driver as they are: what SQLAlchemy
adds to each run of a statement takes several times as long as SQLite itself. SQLAlchemy keeps the
connections; alembic brings the tables to this version.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from kgplan.errors import RecordsUnavailable
from kgplan.store.queries import named_queries

BUSY_SECONDS = 10
VALUE = re.compile(r":(\w+)")  # in a statement
_MIGRATION_LOCK = 0x6B67706C  # any number that nothing else locks


class Session:
    """Runs named statements on one connection.

    Attributes:
        cursor: the driver's.
        database: that it is of.
    """

    def __init__(self, cursor: Any, database: "Database") -> None:
        self.cursor, self.database, self._texts = cursor, database, database.texts

    def rows(self, name: str, **values: Any) -> list[Any]:
        """What a statement finds; `any_of` gives what stands for several values."""
        self.cursor.execute(self._texts[name], values)
        # to the end of the rows: until then SQLite keeps the old state readable
        found: list[Any] = self.cursor.fetchall()
        return found

    def dicts(self, name: str, **values: Any) -> list[dict[str, Any]]:
        """The same, by the names of the columns."""
        rows = self.rows(name, **values)
        columns = [column[0] for column in self.cursor.description]
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def run(self, name: str, **values: Any) -> int:
        """Change something; gives how many rows."""
        self.cursor.execute(self._texts[name], values)
        changed: int = self.cursor.rowcount
        return changed

    def run_each(self, name: str, rows: Sequence[Mapping[str, Any]]) -> int:
        """Change something for each of these values; gives how many rows in all."""
        return self.database.run_each(self, name, rows) if rows else 0

    def run_rows(self, name: str, rows: Sequence[Sequence[Any]]) -> int:
        """The same for many rows, each in the order in which the statement names its values."""
        return self.database.run_rows(self, name, rows) if rows else 0

    def any_of(self, values: Iterable[str]) -> Any:
        """What stands for several values in a statement's `any_of(...)`."""
        return self.database.listed(list(values))


class Database(ABC):
    """The events' database behind named statements. For any thread.

    Args:
        engine: of a database whose tables are there (`migrate`).

    Attributes:
        texts: the statements as the driver takes them.
        values: the names of their values, in order.
        faults: what its driver and SQLAlchemy raise.
    """

    mark: str  # of a value, where values come by their places

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        statements = named_queries("kgplan.store.events", "statements.sql")
        self.texts = {name: self._spelled(text) for name, text in statements.items()}
        self.values = {name: VALUE.findall(text) for name, text in statements.items()}
        self._placed = {name: VALUE.sub(self.mark, text) for name, text in statements.items()}
        self.faults = (SQLAlchemyError, engine.dialect.loaded_dbapi.Error)
        self._reading: Callable[[], AbstractContextManager[Connection]] = engine.begin
        self._writing = engine.execution_options(writes=True).begin

    @staticmethod
    @abstractmethod
    def _spelled(statement: str) -> str:
        """A statement as the driver takes it."""

    @staticmethod
    @abstractmethod
    def listed(values: list[str]) -> Any:
        """Several values as the driver takes them."""

    @abstractmethod
    def hold_erasures(self, session: Session) -> None:
        """Let no other process erase anybody before the session's transaction ends."""

    def run_each(self, session: Session, name: str, rows: Sequence[Mapping[str, Any]]) -> int:
        """Change something for each of these values; gives how many rows in all."""
        return _executed(session, self.texts[name], rows)

    def run_rows(self, session: Session, name: str, rows: Sequence[Sequence[Any]]) -> int:
        """As `Session.run_rows`."""
        return _executed(session, self._placed[name], rows)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A connection to ask.

        Raises:
            RecordsUnavailable: it cannot be.
        """
        try:
            with self._reading() as connection:
                yield Session(connection.connection.cursor(), self)
        except self.faults as error:
            raise unavailable(self.engine, error) from error

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction: what is written is there at its end, all of it, or none where it fails."""
        with self._writing() as connection:
            yield Session(connection.connection.cursor(), self)

    def rows_at_once(self, name: str, **values: Any) -> list[Any] | None:
        """What a statement finds, in microseconds, for the event loop; None where it must wait."""
        return None

    def rows(self, name: str, **values: Any) -> list[Any]:
        """What a statement finds, by the faster way where there are two."""
        found = self.rows_at_once(name, **values)
        if found is not None:
            return found
        with self.reading() as session:
            return session.rows(name, **values)

    @abstractmethod
    def check(self) -> None:
        """See that what is written comes to where the next start reads.

        Raises:
            RecordsUnavailable: it does not.
        """

    @abstractmethod
    def overwrite(self, seconds: float) -> None:
        """See that no byte of what was deleted is left; wait for it so long."""

    def close(self) -> None:
        """Let go of it."""
        self.engine.dispose()


def _executed(session: Session, text: str, rows: Sequence[Any]) -> int:
    """Run a statement for each of some values; gives how many rows it changed in all."""
    session.cursor.executemany(text, rows)
    changed: int = session.cursor.rowcount
    return changed


def unavailable(engine: Engine, error: Exception) -> RecordsUnavailable:
    """What to tell of a fault of a database or its driver."""
    reason = " ".join(str(getattr(error, "orig", None) or error).split())
    if isinstance(error, OperationalError | InterfaceError):  # of the connection, not the values
        with suppress(Exception):  # a broken pool must not hide the reason
            engine.dispose()
    return RecordsUnavailable(
        f"the learner records at {engine.url.render_as_string()} cannot be used now: {reason};"
        " see that their database runs and can be written, then send the request again"
    )


def _migrations() -> Config:
    config = Config()
    folder = Path(__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config


def revisions(engine: Engine) -> tuple[str | None, str | None]:
    """The revision that the tables are at, None where there are none, and that of this version."""
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    return found, ScriptDirectory.from_config(_migrations()).get_current_head()


def migrate(engine: Engine, revision: str = "head") -> None:
    """Bring the tables to a revision, all or nothing; several processes may ask at once."""
    config = _migrations()
    with engine.execution_options(writes=True).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        config.attributes["connection"] = connection
        (command.upgrade if revision == "head" else command.downgrade)(config, revision)
