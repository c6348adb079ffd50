"""Where does the graph live, and how is it asked?

Both databases answer the same named queries of `cypher/`; only their declarations differ.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any, Protocol

from kgplan.errors import GraphUnavailable
from kgplan.graph.address import database_of, file_of
from kgplan.graph.rows import Row
from kgplan.graph.schema import GraphSchema, graph_schema
from kgplan.settings import GraphAccess


class GraphStore(Protocol):
    """A graph database behind named Cypher queries."""

    schema: GraphSchema
    """The classes and relations that it is asked for."""

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


@contextmanager
def open_graph(
    url: str,
    read_only: bool = False,
    access: GraphAccess = GraphAccess(),
    schema: GraphSchema | None = None,
) -> Iterator[GraphStore]:
    """Open the graph database at this address, and close it at the end of the block.

    Args:
        url: `ladybug:///path/to/file` for the embedded database; `neo4j://host:port/database`,
            `bolt://...` or one of them with `+s` (encrypted) for a Neo4j server.
        read_only: refuse writes and, in the embedded database, let other readers in.
        access: user, password and time limit.
        schema: the classes and relations of the graph; None: those of kgplan's ontology.

    Raises:
        ConfigError: the address names no database that kgplan knows.
        GraphUnavailable: it cannot be opened now.
    """
    schema = schema or graph_schema()
    store: GraphStore
    if database_of(url) == "neo4j":
        from kgplan.graph.neo4j import Neo4jStore  # the embedded database needs no driver

        store = Neo4jStore(url, access, schema, read_only)
    else:
        path = file_of(url)
        if read_only and not path.exists():
            raise GraphUnavailable(
                f"there is no graph at {path} yet; make it with `kgplan graph load`"
            )
        from kgplan.graph.ladybug import LadybugStore  # opening it loads a native library

        store = LadybugStore(path, schema, read_only)
    with closing(store):
        yield store
