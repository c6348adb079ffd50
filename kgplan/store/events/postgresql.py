"""How are the events kept on a PostgreSQL server?"""

import re

import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from kgplan.errors import MissingExtra
from kgplan.store.events.database import BUSY_SECONDS, Database, Session


class PostgresqlDatabase(Database):
    """A schema on a server."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        # a single SELECT needs no transaction around it
        self._reading = engine.execution_options(isolation_level="AUTOCOMMIT").connect

    @staticmethod
    def _spelled(statement: str) -> str:
        listed = re.sub(r"IN any_of\((.+?)\)", r"= ANY (\1)", statement)
        return re.sub(r":(\w+)", r"%(\1)s", listed)

    @staticmethod
    def listed(values: list[str]) -> list[str]:
        """An array: the planner knows how long it is."""
        return values

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
