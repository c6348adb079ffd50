"""May the graph have changed since last time? A mark that costs next to nothing to read."""

from pathlib import Path
from typing import Protocol

from kgplan.errors import GraphUnavailable
from kgplan.graph.address import database_of, file_of, server_of
from kgplan.settings import GraphAccess


class GraphWatch(Protocol):
    """Reads the mark of a graph database; holds no lock on it."""

    def mark(self) -> str:
        """A text that differs after every committed write; it may differ without one.

        Raises:
            GraphUnavailable: the database does not answer.
        """
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...


class LadybugWatch:
    """The embedded database: size and time of its file and of its log, which is not opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def mark(self) -> str:
        """Size and time of both files."""
        if not self.path.is_file():
            raise GraphUnavailable(
                f"there is no graph at {self.path} yet; make it with `kgplan graph load`"
            )
        found = []
        for file in (self.path, self.path.with_name(self.path.name + ".wal")):
            try:
                status = file.stat()
                found.append(f"{status.st_size}.{status.st_mtime_ns}")
            except FileNotFoundError:  # no log: all is in the file
                found.append("-")
        return " ".join(found)

    def close(self) -> None:
        """Nothing is held."""


class Neo4jWatch:
    """A Neo4j server: the bookmark of an empty read, which names the last transaction.

    Community edition has no other way to see a change by hand without reading the graph.
    """

    def __init__(self, url: str, access: GraphAccess) -> None:
        from kgplan.graph.neo4j import open_driver  # the embedded database needs no driver

        self.url, self.access = url, access
        self.driver = open_driver(url, access)
        _, self.database = server_of(url, access)

    def mark(self) -> str:
        """The bookmark, as the server words it."""
        from kgplan.graph.neo4j import sentences

        with (
            sentences("watch", self.url, self.access),
            self.driver.session(database=self.database) as session,
        ):
            session.run("RETURN 1 AS n").consume()
            return " ".join(sorted(session.last_bookmarks().raw_values))

    def close(self) -> None:
        """Let go of the connections."""
        self.driver.close()


def watch_graph(url: str, access: GraphAccess) -> GraphWatch:
    """Watch the graph database at this address; `close` it in the end.

    Raises:
        ConfigError: the address cannot be used.
    """
    return Neo4jWatch(url, access) if database_of(url) == "neo4j" else LadybugWatch(file_of(url))
