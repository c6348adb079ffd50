"""How do rows of the plain tables become those of the tables?

Every source but MOOCCube gives such rows, and they are judged here. Times without a zone are those
of the setting `KGPLAN_TIME_ZONE`; in the tables all times are wall-clock times of that zone.
"""

from collections.abc import Iterable

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from kgplan.etl.plain import PLAIN, PlainTable
from kgplan.etl.sources.steps import Rows, Step
from kgplan.progress import Progress
from kgplan.store.queries import named_queries

QUERIES = named_queries("kgplan.etl", "plain.sql")
BESIDE = ("line", "record", "reject")


def given(
    con: duckdb.DuckDBPyConnection,
    read: Iterable[Rows | str],
    progress: Progress,
    beside: Iterable[Rows | str] = (),
) -> list[str]:
    """Put what a source reads into the schema `given`, a table for each of `PLAIN`.

    What is not said is completed: rows by those of tables beside, courses that only items name, and
    one course for items that belong to none.

    Args:
        con: the database of the extraction.
        read: what `NamedSource.read` gives.
        progress: called with a file and its rows after each is done.
        beside: rows of plain tables beside the source's own files. One with the key of a row of the
            source's completes it, and holds where both say something; others are added.

    Returns:
        Notes for people.
    """
    con.execute("CREATE SCHEMA given")
    for table in PLAIN.values():
        columns = ", ".join(f"{name} VARCHAR" for name in table.column_names)
        con.execute(
            f"CREATE TABLE given.{table.name} (nth BIGINT, file VARCHAR, line BIGINT,"
            f" record VARCHAR, reject VARCHAR, {columns})"
        )
    con.execute(QUERIES["macros"])
    notes = list[str]()
    own = _take(con, read, progress, notes, 0)
    if _take(con, beside, progress, notes, own) > own:
        notes += [note for table in PLAIN.values() for note in _complete(con, table, own)]
    notes += [text for (text,) in con.execute(QUERIES["completing"]).fetchall()]
    con.execute(QUERIES["complete_items"])
    con.execute(QUERIES["complete_courses"])
    return notes


def _take(
    con: duckdb.DuckDBPyConnection,
    read: Iterable[Rows | str],
    progress: Progress,
    notes: list[str],
    nth: int,
) -> int:
    """Put rows into `given`, from number `nth` on, and notes to the others; the next number."""
    for rows in read:
        if isinstance(rows, str):
            notes.append(rows)
            continue
        begun = nth
        for batch in rows.batches:
            _insert(con, rows, batch, nth, nth - begun)
            nth += batch.num_rows
        progress(rows.file, nth - begun, None)
    return nth


def _complete(con: duckdb.DuckDBPyConnection, table: PlainTable, own: int) -> list[str]:
    """Let rows of tables beside complete the source's own, which have numbers below `own`."""
    if table.name == "events":  # what happened is added, and the same twice is a repeat
        return []
    needed = {column.name for column in table.columns if column.required}
    same = " AND ".join(
        f"own.{key} = other.{key}" if key in needed else f"coalesce(own.{key} = other.{key}, true)"
        for key in table.key
    )
    found = f"own.nth < {own} AND own.reject IS NULL AND {same}"
    names = table.column_names
    first = ", ".join(f"arg_min(other.{name}, other.nth) AS {name}" for name in names)
    said = ", ".join(f"{name} = coalesce(said.{name}, own.{name})" for name in names)
    con.execute(
        f"""
        CREATE TEMP TABLE other AS
        FROM given.{table.name} AS other
        WHERE nth >= {own} AND reject IS NULL AND EXISTS (FROM given.{table.name} AS own
            WHERE {found})
        QUALIFY row_number() OVER (PARTITION BY {", ".join(table.key)} ORDER BY nth) = 1;
        UPDATE given.{table.name} AS own SET {said} FROM (
            SELECT own.nth, {first} FROM given.{table.name} AS own JOIN other ON {found}
            GROUP BY own.nth) AS said
        WHERE own.nth = said.nth;
        DELETE FROM given.{table.name} WHERE nth IN (SELECT nth FROM other)"""
    )
    notes = con.execute(
        "SELECT format('{}: rows complete what the files beside it say: {:,}', file, count(*))"
        " FROM other GROUP BY file ORDER BY file"
    ).fetchall()
    con.execute("DROP TABLE other")
    return [note for (note,) in notes]


def _insert(
    con: duckdb.DuckDBPyConnection, rows: Rows, batch: pa.RecordBatch, nth: int, before: int
) -> None:
    """Put a batch into its table; of a row without a line, the place among its file's counts."""
    known = [*BESIDE, *PLAIN[rows.table].column_names]
    columns = {name: batch[name] for name in known if name in batch.schema.names}
    size = batch.num_rows
    columns["nth"] = pa.array(range(nth, nth + size), pa.int64())
    places = pa.array(range(before + 1, before + 1 + size), pa.int64())
    columns["line"] = pc.coalesce(columns["line"], places) if "line" in columns else places
    con.register("batch", pa.table(columns))
    con.execute(
        f"INSERT INTO given.{rows.table} BY NAME SELECT $file AS file, * FROM batch",
        {"file": rows.file},
    )
    con.unregister("batch")


def _step(name: str, table: str, columns: str, same: str) -> Step:
    query = QUERIES[name]
    if "concept_names" in query:
        query = f"WITH concept_names AS ({QUERIES['concept_names']}) FROM ({query})"
    return Step(
        file="",
        name=name,
        table=table,
        query=query,
        columns=tuple(columns.split()),
        same=tuple(same.split()),
        rank="item",
        rows=None,
        bulky=True,
    )


# In an order in which the ids that a row names are known.
STEPS = (
    _step("concept", "concept", "concept_id name name_en explanation parent", "concept_id"),
    _step("broader_concept", "broader_concept", "broader_id narrower_id", "broader_id narrower_id"),
    _step(
        *("prerequisite", "prerequisite"),
        *("before_id after_id source strength any_of", "before_id after_id source"),
    ),
    _step("course", "course", "course_id name", "course_id"),
    _step("item", "item", "item_id course_id position kind name duration url", "item_id course_id"),
    _step("item_concept", "item_concept", "item_id concept_id", "item_id concept_id"),
    _step("enrolment", "learner_course", "learner_id course_id enrolled_at", "item"),
    _step(
        *("event", "learner_item"),
        *("learner_id item_id course_id started_at score share",) * 2,
    ),
)
TABLES = {
    name.removeprefix("table."): query
    for name, query in QUERIES.items()
    if name.startswith("table.")
}
