"""A Neo4j server as the graph database, through the official driver."""

import logging
import os
import re
import socket
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import psutil
from neo4j import (
    READ_ACCESS,
    WRITE_ACCESS,
    Driver,
    GraphDatabase,
    ManagedTransaction,
    NotificationMinimumSeverity,
    Session,
    Transaction,
    unit_of_work,
)
from neo4j.exceptions import (
    AuthError,
    ClientError,
    ConfigurationError,
    DriverError,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
)

from kgplan.errors import ConfigError, GraphUnavailable, KgplanError
from kgplan.graph.address import server_of
from kgplan.graph.queries import named_queries, query
from kgplan.graph.rows import Row, batches
from kgplan.graph.schema import GraphSchema
from kgplan.settings import GraphAccess

CONNECTING = "connecting"
CONNECT_SECONDS = 5.0
OLDEST_SERVER = 5
LEASE_SECONDS = 60.0  # a load that says nothing for so long counts as dead
WHOLE_LABELS = ("found.", "snapshot.")  # queries that return a row for each node of a label
COLUMN = re.compile(r"\bAS (\w+)")
READ_ONLY_CODES = ("Forbidden", "ReadOnly", "AccessMode")
BROKEN_CODES = ("TransactionLogError", "TransactionCommitFailed", "TransactionStartFailed")

Answer = tuple[list[str], list[list[Any]]]

# what the driver logs is said in a sentence; without a handler Python would write it to stderr
logging.getLogger("neo4j").addHandler(logging.NullHandler())

LOADING: set[str] = set()
"""The loads that this process has under way."""


class Neo4jStore:
    """A `GraphStore` on a Neo4j server.

    Args:
        url: neo4j://host:port and the like.
        access: user, password, time limits.
        schema: the classes and relations of the graph.
        read_only: refuse to write.

    Raises:
        ConfigError: the address cannot be used, or the server has no such database.
        GraphUnavailable: nothing that kgplan can talk to answers there.
    """

    def __init__(
        self, url: str, access: GraphAccess, schema: GraphSchema, read_only: bool = False
    ) -> None:
        self.url, self.access = url, access
        self.schema, self._queries = schema, named_queries(schema)
        self._transaction: Transaction | None = None
        self._loader: str | None = None
        self._driver = open_driver(url, access)
        try:
            with self._sentences(CONNECTING):
                check_server(self._driver.get_server_info().agent, url)
                mode = READ_ACCESS if read_only else WRITE_ACCESS
                _, database = server_of(url, access)
                self._session: Session = self._driver.session(
                    default_access_mode=mode, database=database
                )
                if database is not None:
                    self._session.run("RETURN 1").consume()  # whether it is there
        except KgplanError:
            self._driver.close()
            raise
        self.read_only = read_only

    def define_schema(self) -> None:
        """Declare every constraint that is not there yet."""
        self._declare("schema.neo4j.")

    def _declare(self, family: str) -> None:
        """Run the statements of a family, each in a transaction of its own."""
        for name, statement in self._queries.items():
            if name.startswith(family):
                with self._sentences(name):
                    self._session.run(statement).consume()

    def read(self, name: str, **parameters: Any) -> list[Row]:
        """Run a named query and return its rows; tried again while the server is away."""
        statement = query(name, self._queries)
        if not name.startswith(WHOLE_LABELS):
            return as_rows(*self._run(name, statement, parameters, writes=False))
        columns, statement = packed(statement)
        _, records = self._run(name, statement, parameters, writes=False)
        return as_rows(columns, records[0][0])

    def write(self, name: str, rows: Sequence[Row] | None = None, **parameters: Any) -> int:
        """Run a named query that changes the graph; with `rows`, a transaction for each batch."""
        if rows is None:
            return self._write(name, parameters)
        return sum(self._write(name, {"rows": batch, **parameters}) for batch in batches(rows))

    def _write(self, name: str, parameters: dict[str, Any]) -> int:
        answer = self._run(name, query(name, self._queries), parameters, writes=not self.read_only)
        return sum(row["n"] for row in as_rows(*answer))

    def _run(self, name: str, statement: str, parameters: dict[str, Any], writes: bool) -> Answer:
        """Columns and records of a statement, in a transaction that is tried again.

        A loader's write goes through only while the load lock is the loader's.
        """
        loader = self._loader if writes else None

        @unit_of_work(timeout=self.access.query_seconds)
        def work(transaction: ManagedTransaction) -> Answer:
            if loader is not None:
                kept = transaction.run(query("lock.renew", self._queries), self._lease(loader))
                if not kept.single(strict=True)["n"]:
                    raise GraphUnavailable(
                        f"another load of {self.url} took this one for dead and goes on;"
                        " wait until it has ended, then run `kgplan graph load` again"
                    )
            result = transaction.run(statement, parameters)
            return list(result.keys()), result.values()

        with self._sentences(name):
            if self._transaction is not None:
                result = self._transaction.run(statement, parameters)
                return list(result.keys()), result.values()
            managed = self._session.execute_write if writes else self._session.execute_read
            return managed(work)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside become visible together, or not at all; nothing is tried again."""
        with self._sentences("transaction"):
            self._transaction = self._session.begin_transaction(timeout=self.access.query_seconds)
        try:
            yield
            with self._sentences("transaction"):
                self._transaction.commit()
        finally:
            with suppress(DriverError, Neo4jError):  # the connection may be what failed
                self._transaction.close()
            self._transaction = None

    @contextmanager
    def loading(self, run_id: str) -> Iterator[None]:
        """Hold the load lock: a node that names its holder and when the server may give it away."""
        loader = f"{socket.gethostname()} {os.getpid()} {uuid.uuid4().hex}"
        holder = self.read("lock.holder")
        if holder and is_dead(holder[0]["loader"]):
            self.write("lock.release", loader=holder[0]["loader"])
        if not self.write("lock.acquire", run_id=run_id, **self._lease(loader)):
            held = self.read("lock.holder")[0]
            host, pid, _ = held["loader"].split()
            raise GraphUnavailable(
                f"another load of {self.url} is under way (run {held['run_id']}, process {pid} of"
                f" {host}); wait until it has ended, or, if it was killed, {LEASE_SECONDS:.0f} s"
            )
        self._loader = loader
        LOADING.add(loader)
        try:
            yield
            self._declare("index.neo4j.")
        finally:
            self._loader = None
            LOADING.discard(loader)
            with suppress(GraphUnavailable):  # the lease ends by itself
                self.write("lock.release", loader=loader)

    def _lease(self, loader: str) -> dict[str, Any]:
        return {"loader": loader, "lease_ms": int(LEASE_SECONDS * 1000)}

    def _sentences(self, name: str) -> AbstractContextManager[None]:
        return sentences(name, self.url, self.access)

    def close(self) -> None:
        """Let go of the connections."""
        with suppress(DriverError, Neo4jError):
            self._session.close()
        self._driver.close()


def open_driver(url: str, access: GraphAccess) -> Driver:
    """Make a driver; nothing is connected yet.

    Raises:
        ConfigError: the address cannot be used.
    """
    address, _ = server_of(url, access)
    try:
        return GraphDatabase.driver(
            address,
            auth=(access.user, access.password),
            connection_timeout=CONNECT_SECONDS,
            connection_acquisition_timeout=2 * CONNECT_SECONDS,
            max_transaction_retry_time=access.retry_seconds,
            notifications_min_severity=NotificationMinimumSeverity.OFF,
            user_agent="kgplan",
        )
    except (ConfigurationError, ValueError) as error:
        raise ConfigError(f"KGPLAN_GRAPH is {url!r}: {error}") from None


def as_rows(columns: Sequence[str], records: Sequence[Sequence[Any]]) -> list[Row]:
    """Records as dictionaries.

    >>> as_rows(["id", "name"], [["K_b", "stack"]])
    [{'id': 'K_b', 'name': 'stack'}]
    """
    return [dict(zip(columns, record, strict=True)) for record in records]


def packed(statement: str) -> tuple[list[str], str]:
    """The columns of a statement, each of them named, and the statement with its rows in one list.

    A record costs the driver 15 microseconds, a row of a list 3.

    >>> packed("MATCH (n) RETURN n.id AS id, n.name AS name ORDER BY n.id")[1].partition("} ")[2]
    'RETURN collect([id, name]) AS rows'
    """
    columns = COLUMN.findall(statement.rpartition("RETURN")[2])
    return columns, f"CALL {{ {statement} }} RETURN collect([{', '.join(columns)}]) AS rows"


def check_server(agent: str, url: str) -> None:
    """Refuse a server that is too old for the statements in `cypher/`.

    >>> check_server("Neo4j/5.26.16", "neo4j://here")
    >>> check_server("Neo4j/4.4.44", "neo4j://here")
    Traceback (most recent call last):
    kgplan.errors.GraphUnavailable: neo4j://here is Neo4j/4.4.44; kgplan needs Neo4j 5 or newer
    """
    _, _, version = agent.partition("/")
    major = version.partition(".")[0]
    if not agent.startswith("Neo4j/") or not major.isdigit() or int(major) < OLDEST_SERVER:
        raise GraphUnavailable(f"{url} is {agent}; kgplan needs Neo4j {OLDEST_SERVER} or newer")


def is_dead(loader: str) -> bool:
    """Whether a loader was a process of this machine, or a load of this process, that has ended.

    >>> is_dead(f"{socket.gethostname()} {os.getpid()} x"), is_dead("elsewhere 1 x")
    (True, False)
    """
    host, pid, _ = loader.split()
    if host != socket.gethostname():
        return False
    if int(pid) == os.getpid():
        return loader not in LOADING  # its server was away when it had to release the lock
    return not psutil.pid_exists(int(pid))


@contextmanager
def sentences(name: str, url: str, access: GraphAccess) -> Iterator[None]:
    """Turn what the driver raises into one sentence of kgplan's."""
    try:
        yield
    except (DriverError, Neo4jError, OSError, ValueError) as error:  # ValueError: no such host
        if name == CONNECTING and "DatabaseNotFound" in (getattr(error, "code", None) or ""):
            _, database = server_of(url, access)
            raise ConfigError(
                f"{url} has no database {database!r}; name one that it has in KGPLAN_GRAPH or"
                " KGPLAN_GRAPH_DATABASE, or none for the user's own"
            ) from error
        raise GraphUnavailable(sentence(error, name, url, access)) from error


def sentence(error: Exception, name: str, url: str, access: GraphAccess) -> str:
    """What went wrong, where, and what to do about it.

    Args:
        error: what the driver raised.
        name: of the query.
        url, access: of the server.
    """
    said = " ".join(str(getattr(error, "message", None) or error).split())
    code = getattr(error, "code", "") or ""
    if isinstance(error, AuthError) or "Security.Unauthorized" in code:
        return (
            f"{url} refuses the user {access.user!r} with this password; set KGPLAN_GRAPH_USER, and"
            " KGPLAN_GRAPH_PASSWORD or KGPLAN_GRAPH_PASSWORD_FILE"
        )
    if "AuthenticationRateLimit" in code:
        return f"{url} has refused too many passwords; wait some seconds and give the right one"
    if any(part in code for part in READ_ONLY_CODES):
        return (
            f"{url} lets the user {access.user!r} read only, and {name} writes;"
            " use another user or another database"
        )
    if "TimedOut" in code or "Terminated" in code:
        return (
            f"query {name} took longer than {access.query_seconds:g} s and was stopped;"
            " give it more with KGPLAN_GRAPH_SECONDS"
        )
    if any(part in code for part in BROKEN_CODES):
        return (
            f"{url} cannot write any more, and its disk may be full: {said[:80]}; free some space,"
            " end the server's process, start it and do this again"
        )
    if isinstance(error, ServiceUnavailable | SessionExpired | OSError) or code == "":
        return (
            f"no Neo4j answers at {url}: {said}; start it with `kgplan neo4j start`"
            " or put the right address into KGPLAN_GRAPH"
        )
    blame = "the statement" if isinstance(error, ClientError) else "the server"
    return f"query {name} failed at {url} through {blame}: {said}"
