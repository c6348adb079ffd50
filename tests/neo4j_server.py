"""A real Neo4j server for the tests, from Maven Central, with its files in a temporary folder."""

import os
import secrets
import shutil
import signal
import socket
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from neo4j import GraphDatabase
from waiting import wait_for

from kgplan.errors import InputError
from kgplan.graph.neo4j_server import USER, Neo4jServer, answers, find_java
from kgplan.graph.schema import GraphSchema
from kgplan.graph.store import GraphStore, open_graph
from kgplan.settings import GraphAccess, Settings, default_home

# Tests start the server often and ask it little: what Java does to be fast later costs more here,
# and a fifth of a start is spent on verifying Neo4j's own classes.
SHORT_LIVED = (
    "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    " -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
)


@dataclass(frozen=True)
class Place:
    """Where a graph database is, and how it lets one in."""

    url: str
    access: GraphAccess = field(default_factory=GraphAccess)

    def open(
        self, read_only: bool = False, schema: GraphSchema | None = None
    ) -> AbstractContextManager[GraphStore]:
        return open_graph(self.url, read_only, self.access, schema)


class TestServer:
    """A server that tests may stop, kill, hold and fill."""

    __test__ = False

    def __init__(self, home: Path, lib: Path, heap_mb: int = 512, page_cache_mb: int = 64) -> None:
        self.settings_home = home
        folder = home / "neo4j"
        folder.mkdir(parents=True)
        (folder / "lib").symlink_to(lib)
        self.server = Neo4jServer(folder)
        bolt_port, http_port = free_ports(2)
        self.server.start(
            bolt_port=bolt_port, http_port=http_port, heap_mb=heap_mb, page_cache_mb=page_cache_mb
        )

    @property
    def settings(self) -> Settings:
        """As a person would set them, to use this server."""
        return Settings(home=self.settings_home, graph=self.server.status().bolt)

    @property
    def place(self) -> Place:
        """This server, given up after 2 s of silence."""
        password = self.server.password_file.read_text("utf-8").strip()
        return Place(self.server.status().bolt, GraphAccess(USER, password, retry_seconds=2))

    def run(self, statement: str, **parameters) -> list[dict]:
        """Run a statement as a designer in Browser would, past all of kgplan."""
        place = self.place
        with GraphDatabase.driver(place.url, auth=(USER, place.access.password)) as driver:
            return [record.data() for record in driver.execute_query(statement, parameters).records]

    def empty(self) -> "TestServer":
        """Running, and without a node."""
        if not self.server.status().running:
            self.server.restart()
        self.run("MATCH (n) DETACH DELETE n")
        return self

    def kill(self) -> None:
        """End the server as if the power had gone."""
        before = self.server.status()
        addresses = [url.rpartition("/")[2] for url in (before.bolt, before.http)]
        os.kill(before.pid, signal.SIGKILL)
        # a process that ended has let its ports go a moment later
        while self.server.status().running or any(map(answers, addresses)):
            time.sleep(0.02)


def free_ports(n: int) -> list[int]:
    """Ports that nothing listens on, and that the system gives to nobody.

    A port that it gave away could be another's until the server takes it: whoever asks a server
    that is not there yet can even be connected to itself.
    """
    found: set[int] = set()
    while len(found) < n:
        port = secrets.choice(range(10_000, 30_000))  # clients get higher ones
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            found.add(port)
    return list(found)


def start_test_server(home: Path, **memory: int) -> TestServer:
    """Start the server; where it cannot run, the test is skipped, but never in CI."""
    try:
        find_java()
        lib = default_home() / "neo4j" / "lib"
        if not (lib / "pom.sha256").exists() and shutil.which("mvn") is None:
            raise InputError("there is no `mvn` to get Neo4j with")
        Neo4jServer(home, lib).fetch_jars()
    except InputError as missing:
        wait_for("Neo4j", str(missing))
    return TestServer(home, lib, **memory)
