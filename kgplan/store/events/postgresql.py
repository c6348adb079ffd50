"""How are the events kept on a PostgreSQL server?"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from kgplan.errors import MissingExtra
from kgplan.store.events.database import BUSY_SECONDS, VALUE, Database, Session
from kgplan.store.events.writer import Raced

MANY = 100  # rows of which a statement each takes longer than what is done around a COPY
_MANY_LEARNERS = (
    "VALUES (%(learner_id)s, %(revision)s)",
    "SELECT * FROM unnest(%(learner_id)s::text[], %(revision)s::bigint[])",
)


class PostgresqlDatabase(Database):
    """A schema on a server."""

    mark = "%s"

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        # a single SELECT needs no transaction around it
        self._reading = engine.execution_options(isolation_level="AUTOCOMMIT").connect

    @staticmethod
    def _spelled(statement: str) -> str:
        listed = re.sub(r"IN any_of\((.+?)\)", r"= ANY (\1)", statement)
        return VALUE.sub(r"%(\1)s", listed)

    @staticmethod
    def listed(values: list[str]) -> list[str]:
        """An array: the planner knows how long it is."""
        return values

    def run_each(self, session: Session, name: str, rows: Sequence[Mapping[str, Any]]) -> int:
        """As for every database; many learners come in one statement."""
        if len(rows) >= MANY and name == "learner.changed":
            text = self.texts[name].replace(*_MANY_LEARNERS)
            session.cursor.execute(text, {key: [row[key] for row in rows] for key in rows[0]})
            changed: int = session.cursor.rowcount
            return changed
        return super().run_each(session, name, rows)

    def run_rows(self, session: Session, name: str, rows: Sequence[Sequence[Any]]) -> int:
        """As for every database; many events are copied.

        Raises:
            Raced: another process stored one of the events meanwhile; COPY knows no ON CONFLICT.
        """
        if len(rows) >= MANY and name == "event.insert":
            return self._copy(session, self.values[name], rows)
        return super().run_rows(session, name, rows)

    def _copy(self, session: Session, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
        columns = ", ".join(names)
        session.rows("event.none")
        types = {column.name: column.type_code for column in session.cursor.description}
        try:
            with session.cursor.copy(
                f"COPY learner_event ({columns}) FROM STDIN (FORMAT BINARY)"
            ) as copy:
                copy.set_types([types[name] for name in names])
                for row in rows:
                    copy.write_row(row)
        except self.engine.dialect.loaded_dbapi.errors.UniqueViolation:
            raise Raced from None
        copied: int = session.cursor.rowcount
        return copied

    def hold_erasures(self, session: Session) -> None:
        """An erasure by another process comes before or after this transaction, not in between."""
        session.cursor.execute("LOCK TABLE erased_learner IN SHARE MODE")

    def check(self) -> None:
        """The server sees to its files."""

    def overwrite(self, seconds: float) -> None:
        """The server's own `VACUUM` does, in time."""


def postgresql_engine(url: URL) -> Engine:
    """Connections to a server.

    Raises:
        MissingExtra: its driver is not installed.
    """
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
