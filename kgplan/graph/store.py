"""Where does the graph live, and how is it asked?

Both databases answer the same named queries of `cypher/`; only the schema statements differ.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from kgplan.errors import ConfigError, GraphUnavailable
from kgplan.settings import GraphAccess

Row = dict[str, Any]
BATCH = 10_000
NEO4J_SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")
NO_ACCESS = GraphAccess()


def batches(rows: Sequence[Row], size: int = BATCH) -> Iterator[list[Row]]:
    """Cut rows into lists of at most `size`.

    >>> list(batches([{"id": "a"}, {"id": "b"}, {"id": "c"}], 2))
    [[{'id': 'a'}, {'id': 'b'}], [{'id': 'c'}]]
    """
    for start in range(0, len(rows), size):
        yield list(rows[start : start + size])


class GraphStore(Protocol):
    """A graph database behind named Cypher queries."""

    def define_schema(self) -> None:
        """Declare tables, constraints and indexes; a second call changes nothing."""
        ...

    def read(self, name: str, **parameters: Any) -> list[Row]:
        """Run a named query and return its rows.

        Raises:
            UnknownQuery: no query has this name.
            GraphUnavailable: the database does not answer.
        """
        ...

    def write(self, name: str, rows: Sequence[Row] | None = None, **parameters: Any) -> int:
        """Run a named query that changes the graph; with `rows`, in batches.

        Returns:
            What the query counts as `n`, summed over the batches.
        """
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """All writes inside become visible together, or not at all."""
        ...

    def loading(self, run_id: str) -> AbstractContextManager[None]:
        """Keep other loads out for the length of the block.

        The embedded database makes the block one transaction. Neo4j does not: the block's writes
        are seen as they come, and after a load that was killed another continues.

        Raises:
            GraphUnavailable: another load is under way, or took this one for dead.
        """
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...


def database_of(url: str) -> str:
    """Which database an address names: `neo4j` or `ladybug`.

    Raises:
        ConfigError: neither.

    >>> database_of("bolt+s://graph.example:7687"), database_of("ladybug:///var/graph.lbug")
    ('neo4j', 'ladybug')
    """
    scheme = urlsplit(url).scheme
    if scheme in NEO4J_SCHEMES:
        return "neo4j"
    if scheme != "ladybug":
        raise ConfigError(
            f"KGPLAN_GRAPH is {url!r}, whose scheme {scheme!r} is unknown;"
            " use ladybug:///path/to/file or neo4j://host:7687"
        )
    return "ladybug"


def file_of(url: str) -> Path:
    """The file of an embedded database's address.

    Raises:
        ConfigError: the address has a part that would not be used.

    >>> file_of("ladybug:///var/my%20graph.lbug").name
    'my graph.lbug'
    """
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost") or parts.query or parts.fragment:
        raise ConfigError(
            f"KGPLAN_GRAPH is {url!r}, which names more than a file; write"
            " ladybug:///path/to/file, with %23 for # and %3F for ? in it"
        )
    return Path(unquote(parts.path))


def server_of(url: str, access: GraphAccess = NO_ACCESS) -> tuple[str, str | None]:
    """The address of a Neo4j server, and its database; None: the one that the user has.

    Raises:
        ConfigError: the address has a part that would not be used, or names another database than
            the settings do.

    >>> server_of("neo4j://here:7687/mooc"), server_of("bolt://here?database=mooc")
    (('neo4j://here:7687', 'mooc'), ('bolt://here', 'mooc'))
    >>> server_of("neo4j://here", GraphAccess(database="mooc")), server_of("neo4j://here/")
    (('neo4j://here', 'mooc'), ('neo4j://here', None))
    """
    parts = urlsplit(url)
    given = parse_qsl(parts.query, keep_blank_values=True)
    routed = [(key, value) for key, value in given if key == "policy" and "neo4j" in parts.scheme]
    unused = [key for key, value in given if key != "database" and (key, value) not in routed]
    path = unquote(parts.path).strip("/")
    if unused or parts.fragment or "/" in path:
        part = (
            f"?{unused[0]}=" if unused else f"#{parts.fragment}" if parts.fragment else parts.path
        )
        raise ConfigError(
            f"KGPLAN_GRAPH is {url!r}, of which {part!r} is not used; write"
            " neo4j://host:7687/database"
        )
    named = [path, access.database, *(value for key, value in given if key == "database")]
    databases = list(dict.fromkeys(name for name in named if name))
    if len(databases) > 1 or "system" in databases:
        wrong = "system, which holds no graph" if "system" in databases else " and ".join(databases)
        raise ConfigError(
            f"KGPLAN_GRAPH is {url!r} and KGPLAN_GRAPH_DATABASE {access.database!r}: this names"
            f" the database {wrong}; name one"
        )
    address = f"{parts.scheme}://{parts.netloc}"
    if routed:
        address += f"?policy={routed[0][1]}"
    return address, databases[0] if databases else None


@contextmanager
def open_graph(
    url: str, read_only: bool = False, access: GraphAccess = NO_ACCESS
) -> Iterator[GraphStore]:
    """Open the graph database at this address, and close it at the end of the block.

    Args:
        url: `ladybug:///path/to/file` for the embedded database; `neo4j://host:port/database`,
            `bolt://...` or one of them with `+s` (encrypted) for a Neo4j server.
        read_only: refuse writes and, in the embedded database, let other readers in.
        access: user, password and time limit.

    Raises:
        ConfigError: the address names no database that kgplan knows.
        GraphUnavailable: it cannot be opened now.
    """
    if database_of(url) == "neo4j":
        from kgplan.graph.neo4j import (
            Neo4jStore,
        )  # planning on the embedded database needs no driver

        server = Neo4jStore(url, access, read_only)
        try:
            yield server
        finally:
            server.close()
        return
    path = file_of(url)
    if read_only and not path.exists():
        raise GraphUnavailable(f"there is no graph at {path} yet; make it with `kgplan graph load`")
    from kgplan.graph.ladybug import LadybugStore  # opening it loads a native library

    store = LadybugStore(path, read_only)
    try:
        yield store
    finally:
        store.close()
