"""Learner records for the tests: the same on SQLite and on PostgreSQL."""

from collections.abc import Iterator

import pytest
from postgres_server import PostgresServer, start_postgres

from kgplan.api.records import RecordStore, open_records


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL server, for all tests together."""
    server = start_postgres()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def records_url(request, tmp_path) -> str:
    """The address of records that do not exist yet, on each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'learners.db'}"
    return request.getfixturevalue("postgres").new_database()


@pytest.fixture
def store(records_url) -> Iterator[RecordStore]:
    """Empty learner records."""
    opened = open_records(records_url)
    yield opened
    opened.close()
