"""Nobody waits for the disk: what a killed process wrote stays, and no test ends the machine."""

import os
from sqlite3 import Connection

import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from kgplan.store.events import store


def leave_it_to_the_system() -> None:
    """From here on the system decides when the disk gets what this process writes.

    Programs that tests start, and do not fork, wait for it as they do anywhere.
    """
    os.fsync = lambda descriptor: None
    make = store.sqlite_engine

    def sqlite_engine(url: URL) -> Engine:
        engine = make(url)

        @sa.event.listens_for(engine, "connect")  # the last word: these are asked in order
        def prepare(raw: Connection, _record: object) -> None:
            raw.execute("PRAGMA synchronous=OFF").close()

        return engine

    store.sqlite_engine = sqlite_engine
