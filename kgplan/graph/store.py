"""Where does the graph live, and how is it asked?

Both databases answer the same named queries of `cypher/`; only the schema statements differ.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from kgplan.errors import ConfigError, GraphUnavailable

Row = dict[str, Any]


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

    def close(self) -> None:
        """Let go of the database."""
        ...


@contextmanager
def open_graph(url: str, read_only: bool = False) -> Iterator[GraphStore]:
    """Open the graph database at this address, and close it at the end of the block.

    Args:
        url: `ladybug:///path/to/file` for the embedded database.
        read_only: refuse writes and let other readers in.

    Raises:
        ConfigError: the address names no database that kgplan knows.
        GraphUnavailable: it cannot be opened now.
    """
    parts = urlsplit(url)
    if parts.scheme != "ladybug":
        raise ConfigError(
            f"KGPLAN_GRAPH is {url!r}, whose scheme {parts.scheme!r} is unknown;"
            " use ladybug:///path/to/file"
        )
    path = Path(unquote(parts.path))
    if read_only and not path.exists():
        raise GraphUnavailable(f"there is no graph at {path} yet; make it with `kgplan graph load`")
    from kgplan.graph.ladybug import LadybugStore  # opening it loads a native library

    store = LadybugStore(path, read_only)
    try:
        yield store
    finally:
        store.close()
