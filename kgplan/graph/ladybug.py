"""The embedded graph database: a file, opened by one writer or by many readers."""

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import ladybug

from kgplan.errors import GraphUnavailable
from kgplan.graph.queries import named_queries, query
from kgplan.graph.rows import Row, batches
from kgplan.graph.schema import GraphSchema, Relation
from kgplan.store.files import require_room

MAX_DB_BYTES = (
    1 << 36
)  # address space set aside, not memory; the default of 8 TiB fails in containers
BUFFER_BYTES = 1 << 28
# Where the disk is full, the database ends the process and leaves a file that nobody can open.
LEAST_ROOM, OPENING_ROOM = 4 << 20, 1 << 18
LACKING = re.compile(r"Cannot find property (\w+)|Table (\w+) does not exist")
BYTES_A_ROW = 1_200  # of its log, then of its pages; 400 to 800 were measured, texts apart


class LadybugStore:
    """A `GraphStore` on a Ladybug file.

    Raises:
        GraphUnavailable: another process writes to the file, or it is not a graph.
    """

    def __init__(self, path: Path, schema: GraphSchema, read_only: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._pending = path, 0
        self._lacking: frozenset[str] = frozenset()
        self.schema, self._queries = schema, named_queries(schema)
        if not read_only:  # opening and declaring write a little, too
            require_room("opening the graph", path, OPENING_ROOM if path.exists() else LEAST_ROOM)
        try:
            self._database = ladybug.Database(
                path,
                read_only=read_only,
                max_db_size=MAX_DB_BYTES,
                buffer_pool_size=BUFFER_BYTES,
            )
            self._connection = ladybug.Connection(self._database)
        except RuntimeError as error:
            reason = str(error).partition("\n")[0].strip()
            way_out = "remove the file and run `kgplan graph load`"
            if "lock" in reason:
                way_out = "wait for the other process or stop it"
            elif "recovery" in reason:
                way_out = "run `kgplan graph load`, which finishes what was broken off"
            raise GraphUnavailable(f"cannot open the graph {path}: {reason}; {way_out}") from None
        self._queries = named_queries(self._held())

    def define_schema(self) -> None:
        """Declare every node and relationship table that is not there yet."""
        self._queries, self._lacking = named_queries(self.schema), frozenset()
        with self.transaction():  # each alone would wait for the disk
            for name, statement in self._queries.items():
                if name.startswith("schema.ladybug."):
                    self._connection.execute(statement)

    def _held(self) -> GraphSchema:
        """The schema without the numbers that the file, made before there were any, cannot hold."""
        tables = {row["name"] for row in self.read("held.tables")}
        schema = self.schema
        lacking = [each.name for each in schema.classes if each.label not in tables]
        lacking += [each.name for each in schema.relations if each.type not in tables]
        self._lacking = frozenset(
            f"{family}.{name}"
            for name in lacking
            if name not in schema.in_snapshot.names
            for family in ("snapshot", "export")
        )

        def held(relation: Relation) -> Relation:
            columns = {row["name"] for row in self.read(f"held.{relation.name}")}
            kept = (each for each in relation.annotations if each.key in columns)
            return replace(relation, annotations=tuple(kept))

        relations = (held(each) if each.type in tables else each for each in self.schema.relations)
        return replace(self.schema, relations=tuple(relations))

    def read(self, name: str, **parameters: Any) -> list[Row]:
        """Run a named query and return its rows.

        A file made before there was an extension of the ontology holds nothing of it.
        """
        return [] if name in self._lacking else self._run(name, parameters)

    def write(self, name: str, rows: Sequence[Row] | None = None, **parameters: Any) -> int:
        """Run a named query that changes the graph; with `rows`, in batches.

        Raises:
            DiskFull: there may not be room for it; nothing was written.
        """
        texts = sum(len(v) for row in rows or () for v in row.values() if isinstance(v, str))
        self._pending += BYTES_A_ROW * len(rows or ()) + 4 * texts
        require_room("writing the graph", self._path, LEAST_ROOM + self._pending)
        if rows is None:
            return sum(row["n"] for row in self._run(name, parameters))
        return sum(
            row["n"]
            for batch in batches(rows)
            for row in self._run(name, {"rows": batch, **parameters})
        )

    def _run(self, name: str, parameters: dict[str, Any]) -> list[Row]:
        try:
            result = self._connection.execute(query(name, self._queries), parameters)
        except RuntimeError as error:
            if lacking := LACKING.search(str(error)):
                raise GraphUnavailable(
                    f"the graph {self._path} was loaded before the ontology had"
                    f" {lacking[1] or lacking[2]}, which {name} asks for; run `kgplan graph load`"
                ) from error
            raise GraphUnavailable(f"query {name} failed: {error}") from error
        return result.rows_as_dict().get_all()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside become visible together, or not at all."""
        self._connection.execute("BEGIN TRANSACTION")
        try:
            yield
        except BaseException:
            with suppress(RuntimeError):  # a statement that failed has rolled back already
                self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def loading(self, run_id: str) -> AbstractContextManager[None]:
        """One transaction; the file's own lock keeps other loads out."""
        return self.transaction()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
        self._database.close()
