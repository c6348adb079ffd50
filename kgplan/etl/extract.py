"""How does a source become typed tables, and which of its rows do not?

Every file is read once, as a stream, by DuckDB. A step judges each row, then checks the ids it
names and whether it repeats an earlier row. What is kept becomes Parquet; what is not goes to
`rejects.parquet` with its file, line and reason. Nothing is dropped silently.
"""

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from kgplan.data.events import ID_LENGTH
from kgplan.errors import InputError, SourceError, no_zone
from kgplan.etl import plain_steps
from kgplan.etl.archive import DAMAGED, Archive
from kgplan.etl.report import ExtractReport, FileReport, split_by_meaning
from kgplan.etl.sources import NamedSource, Step, open_source, source_of
from kgplan.etl.sources import tables as plain_tables
from kgplan.etl.sources.steps import RECORD_CHARACTERS, as_json
from kgplan.etl.tables import REFERENCES, REJECTS, TABLES, Mend, Table
from kgplan.progress import Progress, silent
from kgplan.store.csvfile import read_csv

ROWS_PER_GROUP = 122_880
NAME_LENGTH = 10_000
QUOTE = "'"


def extract(
    path: Path,
    out: Path,
    progress: Progress = silent,
    *,
    source: NamedSource | None = None,
    zone: str = "UTC",
    encoding: str = "",
    ids: Mapping[str, str] | None = None,
    memory_limit: str = "2GB",
    threads: int | None = None,
) -> ExtractReport:
    """Read a platform's files into typed Parquet tables [hou2025, 3.2].

    The same rows give the same bytes, whatever the order of the lines in files whose order says
    nothing (of MOOCCube: all but course-video, user-course and user-video). Of lines that share an
    entity's id but say different things, the first stays.

    Args:
        path: the zip or the folder.
        out: an empty folder; gets `<table>.parquet` for each of `TABLES`, and `rejects.parquet`.
        progress: called with a file or table and its rows after each is done.
        source: what reads it; found by looking at the files where None.
        zone: of times that are told without one, and of all times in the tables.
        encoding: of CSV files that are not UTF-8; those are refused where it is empty.
        ids: id in the files -> id to use, of anything that has one; see `read_id_map`.
        memory_limit: what DuckDB may hold, such as "2GB"; beyond it, it uses a temporary folder.
        threads: of DuckDB; all processors by default.

    Returns:
        What was read, kept, mended and rejected, by file; and the rows of each table.

    Raises:
        SourceError: nothing is there, it is damaged, no source's, or lacks a required file.
        InputError: a CSV file cannot be read.
        ConfigError: nobody knows the zone.
    """
    source = source or source_of(path)
    with (
        open_source(path, source) as archive,
        tempfile.TemporaryDirectory(prefix="kgplan-") as spill,
        duckdb.connect(
            config={
                "memory_limit": memory_limit,
                "temp_directory": spill,
                "preserve_insertion_order": "false",  # every order here is written out
                **({"threads": str(threads)} if threads else {}),
            },
        ) as con,
    ):
        _keep_rows_in(con, Path(spill))
        archive.encoding = encoding
        _set_zone(con, zone)
        con.execute((files("kgplan.etl") / "judging.sql").read_text(encoding="utf-8"))
        _set_ids(con, ids or {})
        con.execute("CREATE SCHEMA kept")
        con.execute(
            "CREATE TABLE rejects (file VARCHAR, line BIGINT, item BIGINT, table_name VARCHAR, "
            "reason VARCHAR, detail VARCHAR, record VARCHAR)"
        )
        steps, queries, notes = source.steps, source.tables, list[str]()
        if archive.passed_by:
            others = f"{len(archive.passed_by)} more files of {source.title}"
            notes.append(f"{others} lie in other folders, and are not read: {archive.passed_by[0]}")
        if source.read is not None:
            steps, queries = plain_steps.STEPS, plain_steps.TABLES
            beside = plain_tables.beside(archive, source.layout)
            try:
                notes += plain_steps.given(con, source.read(archive), progress, beside)
            except DAMAGED as error:
                raise SourceError(f"{path.name} is damaged ({error}); fetch it again") from error
        title, licence = source.whose(archive) if source.whose else (source.title, source.licence)
        reports = []
        for step in steps:
            for report in _run(con, archive, steps, step, notes):
                reports.append(report)
                progress(report.file, report.read, None)
        tables = {}
        for table in TABLES.values():
            query = _rows_of(table, steps, queries.get(table.name))
            tables[table.name] = _write(con, query, table, table.order, out)
            progress(table.name, tables[table.name], None)
        order = (*REJECTS.key, "item", "table_name", "reason", "detail", "record")
        _write(con, "SELECT * FROM rejects", REJECTS, order, out)
        absent = tuple(f.path for f in source.layout if f.used and not archive.found(f))
        if source.steps and absent:
            notes.append(f"absent, and taken for empty: {', '.join(absent)}")
        return ExtractReport(
            format=source.name,
            source=path.name,
            files=tuple(reports),
            tables=tables,
            absent=absent,
            unused=tuple(path for f in source.layout if not f.used for path in archive.found(f)),
            notes=tuple(notes),
            title=title,
            licence=licence,
        )


def _keep_rows_in(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Make the file where rows lie packed when they are many; nobody opens it again: no log."""
    place = str(folder / "rows.duckdb").replace(QUOTE, 2 * QUOTE)
    con.execute(f"ATTACH '{place}' AS scratch (RECOVERY_MODE no_wal_writes)")
    con.execute("USE scratch")


def _set_zone(con: duckdb.DuckDBPyConnection, zone: str) -> None:
    try:
        con.execute(f"SET TimeZone = '{zone.replace(QUOTE, 2 * QUOTE)}'")
    except duckdb.Error:
        raise no_zone(zone) from None


def _set_ids(con: duckdb.DuckDBPyConnection, ids: Mapping[str, str]) -> None:
    """Make the macro by which each id of a row is read."""
    if not ids:
        con.execute("CREATE MACRO to_use(given_id) AS given_id")
        return
    con.register("id_map", pa.table({"id": list(ids), "becomes": list(ids.values())}))
    con.execute("CREATE TABLE ids AS FROM id_map")
    con.unregister("id_map")
    con.execute(
        "CREATE MACRO to_use(given_id) AS"
        " coalesce((SELECT becomes FROM ids WHERE id = given_id), given_id)"
    )


def _run(
    con: duckdb.DuckDBPyConnection,
    archive: Archive,
    steps: Sequence[Step],
    step: Step,
    notes: list[str],
) -> list[FileReport]:
    """Judge the rows of one step, put the good ones into `kept` and the others into `rejects`."""
    columns = ", ".join(step.columns)
    with _rows(con, archive, step, notes):
        con.execute(_judging(steps, step))
    same = ", ".join(step.same)
    con.execute(
        # Few rows share a hash: only they are compared, whatever the file's size.
        f"""
        CREATE TABLE repeats AS
        WITH shared AS (
            SELECT hash({same}) AS h FROM judged WHERE verdict IS NULL
            GROUP BY h HAVING count(*) > 1
        ),
        numbered AS (
            SELECT rowid AS row_id, row_number() OVER same AS nth,
                first_value(line) OVER same AS first_line
            FROM judged WHERE verdict IS NULL AND hash({same}) IN (FROM shared)
            WINDOW same AS (PARTITION BY {same} ORDER BY {step.rank})
        )
        SELECT row_id, first_line FROM numbered WHERE nth > 1;
        CREATE TABLE kept.{step.name} AS
        SELECT file, line, item, mends, {columns} FROM judged
        WHERE verdict IS NULL AND rowid NOT IN (SELECT row_id FROM repeats)"""
    )
    record = f"coalesce(record, left({as_json(step.columns)}, {RECORD_CHARACTERS}))"
    plain_names = " and ".join(name for name in step.same if name in step.columns)
    con.execute(
        f"""
        INSERT INTO rejects
        SELECT file, line, item, $table, split_part(verdict, ' ', 1),
            substr(verdict, strpos(verdict, ' ') + 1, {RECORD_CHARACTERS}), {record}
        FROM judged WHERE verdict IS NOT NULL
        UNION ALL
        SELECT file, line, item, $table, 'duplicate',
            format('line {{}} has the same {plain_names}', first_line),
            {record}
        FROM judged JOIN repeats ON judged.rowid = row_id""",
        {"table": step.table},
    )
    read = _counts(con, "SELECT file, count(*) FROM judged GROUP BY file ORDER BY file")
    joined = (
        _number(
            con,
            "SELECT coalesce(sum(records - 1), 0) FROM (SELECT count(DISTINCT line) AS records "
            f"FROM judged WHERE verdict IS NULL GROUP BY {step.joined})",
        )
        if step.joined
        else 0
    )
    con.execute("DROP TABLE judged; DROP TABLE repeats")
    files = [step.file] if step.file else list(read)
    return _reports(con, step, {file: read.get(file, 0) for file in files}, joined)


def _reports(
    con: duckdb.DuckDBPyConnection, step: Step, read: Mapping[str, int], joined: int
) -> list[FileReport]:
    """What became of each file's rows in a step."""
    rejected = _by_file(
        con,
        "SELECT file, reason, count(*) FROM rejects WHERE table_name = $table "
        "GROUP BY ALL ORDER BY ALL",
        {"table": step.table},
    )
    mended = _by_file(
        con,
        "SELECT file, mend, count(*) FROM ("
        f"SELECT file, unnest(string_split(trim(mends), ' ')) AS mend FROM kept.{step.name} "
        "WHERE mends <> '') WHERE mend <> '' GROUP BY ALL ORDER BY ALL",
    )
    kept = _counts(con, f"SELECT file, count(*) FROM kept.{step.name} GROUP BY file")
    if joined:
        mended[step.file][Mend.MERGED_RECORD.value] = joined
    reports = []
    for file, n_rows in read.items():
        errors, left_out = split_by_meaning(rejected[file])
        reports.append(
            FileReport(
                file=file,
                table=step.table,
                read=n_rows,
                kept=kept.get(file, 0),
                rejected=errors,
                left_out=left_out,
                mended=mended[file],
            )
        )
    return reports


def _judging(steps: Sequence[Step], step: Step) -> str:
    """The statement that makes `judged`: the step's rows with ids checked against `kept`."""
    read = {each.name for each in steps} - {step.name}
    known = {
        column: entity
        for column in step.columns
        # MOOCCube's fields have no file of their own: concept-field.json is where they come from
        if (entity := REFERENCES.get(column)) in read
    }
    joins = "".join(
        f" LEFT JOIN (SELECT DISTINCT {entity}_id AS known_{column} FROM kept.{entity})"
        f" ON known_{column} = given.{column}"
        for column, entity in known.items()
    )
    checks = "".join(
        f", CASE WHEN given.{column} IS NOT NULL AND known_{column} IS NULL "
        f"THEN reject('dangling_id', format('there is no {entity} ''{{}}''', given.{column})) END"
        for column, entity in known.items()
    )
    # the text that is given: a column may hold a name that is no id yet
    usable = "".join(
        f", bad_id('{column}', given.{column}, {ID_LENGTH})"
        if column in REFERENCES
        else f", long_name('{column}', given.{column}, {NAME_LENGTH})"
        for column in step.columns
        if column in REFERENCES or column in ("name", "name_en")
    )
    record = f"left(record, {RECORD_CHARACTERS})"
    if step.bulky:
        record = f"CASE WHEN verdict IS NOT NULL THEN {record} END"
    columns = ", ".join(f"given.{column}" for column in step.columns)
    named = [column for column in step.columns if column in REFERENCES]
    mapped = ", ".join(f"to_use({column}) AS {column}" for column in named)
    file = f"'{step.file}'" if step.file else "given.file"
    return (
        f"CREATE TABLE judged AS WITH read AS ({step.query}), "
        f"given AS (SELECT * REPLACE ({mapped}) FROM read) "
        f"SELECT {file} AS file, line, item, mends, {columns}, "
        f"coalesce(reject {usable} {checks}) AS verdict, {record} AS record FROM given {joins}"
    )


@contextmanager
def _rows(
    con: duckdb.DuckDBPyConnection, archive: Archive, step: Step, notes: list[str]
) -> Iterator[None]:
    """Registers a file's rows as `lines` while a query reads them; none where it is absent."""
    if step.rows is None:
        yield
        return
    read, failures = step.rows, list[Exception]()  # DuckDB would only pass on their text

    def watched() -> Iterator[pa.RecordBatch]:
        try:
            if step.file in archive.paths:
                for given in read(archive, step.file):
                    if isinstance(given, str):
                        notes.append(given)
                    else:
                        yield given
        except Exception as error:
            failures.append(error)
            raise

    con.register("lines", pa.RecordBatchReader.from_batches(step.schema, watched()))
    try:
        yield
    except Exception:
        if failures and isinstance(failures[0], DAMAGED):
            raise SourceError(
                f"{step.file} in {archive.path.name} is damaged ({failures[0]}); fetch the archive"
                " again"
            ) from failures[0]
        if failures:
            raise failures[0] from None
        raise
    finally:
        con.unregister("lines")


def _rows_of(table: Table, steps: Sequence[Step], query: str | None) -> str:
    """A query's rows, or those kept by all steps of a table; NULL for columns that they lack."""
    none = "SELECT " + ", ".join(f"NULL::{c.type} AS {c.name}" for c in table.columns)
    parts = [
        f"SELECT {', '.join(step.columns)} FROM kept.{step.name}"
        for step in steps
        if step.table == table.name
    ]
    given = [f"({query})"] if query else parts
    return " UNION ALL BY NAME ".join([f"{none} WHERE false", *given])


def _write(
    con: duckdb.DuckDBPyConnection, query: str, table: Table, order: tuple[str, ...], out: Path
) -> int:
    """Write one table, sorted and in row groups of fixed size, so that its bytes are fixed."""
    columns = ", ".join(f'"{name}"' for name in table.column_names)
    rows = con.execute(
        f"SELECT {columns} FROM ({query}) ORDER BY {', '.join(order)}"
    ).to_arrow_reader(ROWS_PER_GROUP)
    written = 0
    schema = table.arrow_schema
    with pq.ParquetWriter(
        out / f"{table.name}.parquet", schema, compression="zstd", version="2.6"
    ) as writer:
        for group in _regroup(rows):
            writer.write_table(group.cast(schema), row_group_size=ROWS_PER_GROUP)
            written += group.num_rows
    return written


def read_id_map(path: Path) -> dict[str, str]:
    """Read which id of a source's files becomes which.

    Args:
        path: CSV of two columns, the id in the files and the id to use.

    Raises:
        InputError: it is no such file, an id stands there twice, or becomes one that becomes
            another.
    """
    table = read_csv(path)
    found: dict[str, str] = {}
    for line, cells in table.rows:
        if len(cells) != 2 or not all(cells):
            raise InputError(
                f"{path}:{line}: give two ids, the one in the files and the one to use"
            )
        if cells[0] in found:
            raise InputError(f"{path}:{line}: {cells[0]!r} stands in an earlier line")
        found[cells[0]] = cells[1]
    for old, new in found.items():
        if new in found and new != old:
            raise InputError(f"{path}: {old!r} becomes {new!r}, which becomes {found[new]!r}")
    return found


def _regroup(rows: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """The same rows in tables of exactly ROWS_PER_GROUP, the last one smaller."""
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in rows:
        while size + batch.num_rows >= ROWS_PER_GROUP:
            cut = ROWS_PER_GROUP - size
            yield pa.Table.from_batches([*held, batch.slice(0, cut)])
            held, size, batch = [], 0, batch.slice(cut)
        held.append(batch)
        size += batch.num_rows
    if size:
        yield pa.Table.from_batches(held)


def _number(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def _counts(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, int]:
    return dict(con.execute(query).fetchall())


def _by_file(
    con: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, str] | None = None
) -> defaultdict[str, dict[str, int]]:
    """File -> what -> how many, of a query that gives such rows."""
    found = defaultdict[str, dict[str, int]](dict)
    for file, what, count in con.execute(query, dict(values or {})).fetchall():
        found[file][what] = count
    return found
