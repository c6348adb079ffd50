"""How do the lines of large files become rows of the plain tables by SQL, a batch at a time?"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files

import duckdb
import pyarrow as pa

from kgplan.etl.archive import LINES
from kgplan.etl.sources.steps import Rows
from kgplan.store.queries import named_queries

MEMORY = "512MB"
ROWS_AT_ONCE = 122_880


@dataclass(frozen=True)
class Asking:
    """A source's queries, and a database of its own for what it looks up meanwhile.

    The macros of judging.sql are there, and those of the source's own query "macros". In a query
    over lines `lines` is the batch.

    Attributes:
        con: the database.
        queries: by name.
        notes: texts that were given among the batches, each once.
    """

    con: duckdb.DuckDBPyConnection
    queries: Mapping[str, str]
    notes: list[str] = field(default_factory=list)

    def keep(self, query: str, lines: Iterable[pa.RecordBatch | str], **values: str) -> None:
        """Run a query that keeps something of each batch.

        Args:
            query: its name.
            lines: the batches.
            values: of its parameters.
        """
        for batch in self._noting(lines):
            with self.over(batch):
                self.con.execute(self.queries[query], values)

    def rows(
        self,
        table: str,
        file: str,
        query: str,
        lines: Iterable[pa.RecordBatch | str] | None = None,
    ) -> Rows:
        """Rows that a query makes of each batch; without any, of what was kept.

        Args:
            table, file: as for `Rows`.
            query: its name.
            lines: the batches.
        """

        def batches() -> Iterator[pa.RecordBatch]:
            if lines is None:
                yield from self.con.execute(self.queries[query]).to_arrow_reader(ROWS_AT_ONCE)
                return
            for batch in self._noting(lines):
                with self.over(batch):
                    made = self.con.execute(self.queries[query]).to_arrow_table()
                yield from made.to_batches()

        return Rows(table, file, batches())

    def _noting(self, lines: Iterable[pa.RecordBatch | str]) -> Iterator[pa.RecordBatch]:
        """The batches; texts among them become notes."""
        for given in lines:
            if not isinstance(given, str):
                yield given
            elif given not in self.notes:
                self.notes.append(given)

    def run(self, query: str) -> None:
        """Run a query over what was kept."""
        self.con.execute(self.queries[query])

    def counts(self, query: str) -> tuple[int, ...]:
        """The only row of a query that counts what was kept."""
        row = self.con.execute(self.queries[query]).fetchone()
        assert row is not None
        return row

    @contextmanager
    def over(self, batch: pa.RecordBatch | pa.Table) -> Iterator[None]:
        """Call a batch `lines` meanwhile."""
        self.con.register("lines", batch)
        try:
            yield
        finally:
            self.con.unregister("lines")


@contextmanager
def asking(file: str, lines: pa.Schema = LINES) -> Iterator[Asking]:
    """Open a database for the queries of an SQL file beside this one.

    Args:
        file: its name.
        lines: what macros find in `lines`.
    """
    queries = named_queries("kgplan.etl.sources", file)
    with (
        tempfile.TemporaryDirectory(prefix="kgplan-") as spill,
        duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": spill}) as con,
    ):
        con.execute((files("kgplan.etl") / "judging.sql").read_text(encoding="utf-8"))
        ask = Asking(con, queries)
        with ask.over(lines.empty_table()):  # what a macro reads has to be there
            con.execute(queries["macros"])
        yield ask
