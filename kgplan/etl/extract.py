"""How does a MOOCCube archive become typed tables, and which of its rows do not?

Every file is read once, as a stream, by DuckDB. A step judges each row (extract.sql), then checks
the ids it names and whether it repeats an earlier row. What is kept becomes Parquet; what is not
goes to `rejects.parquet` with its file, line and reason. Nothing is dropped silently.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from kgplan.progress import Progress, silent
from kgplan.etl.report import ExtractReport, FileReport, split_by_meaning
from kgplan.etl.source import FILES, LINES, Source, open_source
from kgplan.etl.tables import REFERENCES, REJECTS, TABLES, Mend, Table
from kgplan.data.events import ID_LENGTH


ROWS_PER_GROUP = 122_880
RECORD_CHARACTERS = 1_000  # of a row that is kept out, and of the reason
NAME_LENGTH = 10_000


def _queries() -> dict[str, str]:
    """The named queries of extract.sql."""
    text = resources.files("kgplan.etl").joinpath("extract.sql").read_text(encoding="utf-8")
    sections = text.split("-- name: ")[1:]
    return {name.strip(): query for name, _, query in (s.partition("\n") for s in sections)}


QUERIES = _queries()


@dataclass(frozen=True)
class Step:
    """One file read for one table.

    Attributes:
        file: the file's path in the archive.
        name: under which the kept rows are held, as `kept.<name>`.
        table: the table that they go into.
        query: gives line, item, record, reject, mends and `columns`, as extract.sql says.
        columns: the columns that the query gives.
        same: rows that agree on these expressions are duplicates, and the first by `rank` stays.
        streams: whether the query reads the file's `lines`, or rows kept earlier.
        bulky: its records are not carried along; a duplicate's is written anew from its columns.
    """

    file: str
    name: str
    table: str
    query: str
    columns: tuple[str, ...]
    same: tuple[str, ...]
    rank: str = "line, item"
    streams: bool = True
    bulky: bool = False


def _entity(
    name: str, table: str, fields: dict[str, str], optional: str = "", lists: str = ""
) -> Step:
    """A file of one JSON object a line, with the id in `id`.

    Args:
        name: the file's name.
        table: the table that it fills.
        fields: JSON field -> column.
        optional: the fields that may be absent or empty.
        lists: fields that are kept as JSON for a later step.
    """
    key = f"{table}_id"
    texts = {"id": key, **fields}
    may_lack = [field for field in texts if field in optional.split()]
    names = [*texts, *lists.split()]
    structure = ", ".join(f'"{field}": "JSON"' for field in names)
    checks = [f"not_text('{field}', r.{field})" for field in texts]
    checks += [f"no_field('{field}', r.{field})" for field in texts if field not in may_lack]
    mended = [f"mend_text(r.{field})" for field in may_lack]
    query = f"""
        WITH parsed AS (
            SELECT line, text, broken_json(line, is_utf8, text) AS broken,
                CASE WHEN broken IS NULL THEN from_json(text, '{{{structure}}}') END AS r
            FROM lines
        )
        SELECT line, 0 AS item, text AS record, coalesce(broken, {", ".join(checks)}) AS reject,
            concat_ws(' ', {", ".join(["''", *mended])}) AS mends,
            {", ".join(f"plain(r.{field}) AS {column}" for field, column in texts.items())}
            {"".join(f", r.{field} AS {field}" for field in lists.split())}
        FROM parsed"""
    columns = (*texts.values(), *lists.split())
    return Step(f"entities/{name}.json", table, table, query, columns, same=(key,))


def _pairs(file: str, name: str, columns: str, table: str = "", constant: str = "") -> Step:
    """A file of two columns separated by a TAB.

    Args:
        file: the file's name.
        name: of the step, and of the table where `table` does not say otherwise.
        columns: the names of the two columns in the file's order.
        table: the table that it fills.
        constant: a third column with its value, "value AS column".
    """
    left, right = columns.split()
    loops = REFERENCES[left] == REFERENCES[right]
    query = f"""
        WITH cut AS (SELECT *, string_split(text, chr(9)) AS cells FROM lines)
        SELECT line, 0 AS item, text AS record,
            coalesce(
                broken_text(is_utf8),
                CASE WHEN len(cells) <> 2 THEN reject('broken_row',
                    format('the line has {{}} columns, 2 are needed', len(cells))) END,
                no_text('{left}', cells[1]),
                no_text('{right}', cells[2]),
                CASE WHEN {loops} AND cells[1] = cells[2] THEN reject('self_loop',
                    format('''{{}}'' is related to itself', cells[1])) END) AS reject,
            '' AS mends,
            cells[1] AS {left}, cells[2] AS {right} {f", {constant}" if constant else ""}
        FROM cut"""
    names = (left, right, *([constant.split()[-1]] if constant else []))
    return Step(f"relations/{file}.json", name, table or name, query, names, same=(left, right))


def _as_json(columns: tuple[str, ...]) -> str:
    fields = ", ".join(f"'{column}': {column}" for column in columns)
    return f"to_json({{{fields}}})::VARCHAR"


_WATCH = TABLES["watch"].column_names

STEPS = (
    _entity(
        "concept",
        "concept",
        {"name": "name", "en": "name_en", "explanation": "explanation"},
        optional="en explanation",
    ),
    _entity(
        "course",
        "course",
        {
            "name": "name",
            "about": "about",
            "prerequisites": "prerequisites",
            "core_id": "core_id",
        },
        optional="about prerequisites core_id",
        lists="video_order",
    ),
    _entity("school", "school", {"name": "name", "about": "about"}, optional="about"),
    _entity("teacher", "teacher", {"name": "name", "about": "about"}, optional="about"),
    _entity("user", "learner", {}, lists="course_order enroll_time"),
    _entity("video", "video", {"name": "name"}, optional="name"),
    _pairs("concept-field", "field_concept", "concept_id field_id"),
    _pairs("course-concept", "course_concept", "course_id concept_id"),
    _pairs("school-course", "school_course", "school_id course_id"),
    _pairs("school-teacher", "school_teacher", "school_id teacher_id"),
    _pairs("teacher-course", "teacher_course", "teacher_id course_id"),
    _pairs("video-concept", "video_concept", "video_id concept_id"),
    _pairs("parent-son", "broader_concept", "broader_id narrower_id"),
    _pairs(
        "prerequisite-dependency",
        "prerequisite_dependency",
        "before_id after_id",
        table="prerequisite",
        constant="'dependency' AS source",
    ),
    Step(
        "additional_information/prerequisite_prediction.json",
        "prerequisite_prediction",
        "prerequisite",
        QUERIES["predictions"],
        ("before_id", "after_id", "source"),
        same=("before_id", "after_id"),
    ),
    Step(
        "entities/course.json",
        "course_video_order",
        "course_video",
        QUERIES["course_videos"],
        ("course_id", "video_id"),
        same=("course_id", "video_id"),
        streams=False,
    ),
    _pairs("course-video", "course_video", "course_id video_id"),
    Step(
        "entities/user.json",
        "learner_course_order",
        "learner_course",
        QUERIES["enrolments"],
        ("learner_id", "course_id", "enrolled_at"),
        same=("learner_id", "course_id"),
        streams=False,
    ),
    _pairs("user-course", "learner_course", "learner_id course_id"),
    _pairs("user-video", "learner_video", "learner_id video_id"),
    Step(
        "additional_information/user_video_act.json",
        "watch",
        "watch",
        QUERIES["activities"],
        _WATCH,
        # Nobody starts a video twice in the same second: the fuller row says all the others do.
        same=(
            "learner_id",
            "course_id",
            "video_id",
            "started_at",
            f"CASE WHEN started_at IS NULL THEN {_as_json(_WATCH[3:])} END",
        ),
        rank=" + ".join(f"({column} IS NULL)::INTEGER" for column in _WATCH[3:])
        + f", {', '.join(_WATCH[3:])}, line, item",
        bulky=True,
    ),
)
"""Every step, in an order in which the ids that a step names were read before it."""


def extract(
    source: Path,
    out: Path,
    progress: Progress = silent,
    *,
    memory_limit: str = "2GB",
    threads: int | None = None,
) -> ExtractReport:
    """Read a MOOCCube archive into typed Parquet tables [hou2025, 3.2].

    The same rows give the same bytes, whatever the order of the lines in files whose order says
    nothing (all but course-video, user-course and user-video). Of lines that share an entity's id
    but say different things, the first stays.

    Args:
        source: the zip or the folder.
        out: an empty folder; gets `<table>.parquet` for each of `TABLES`, and `rejects.parquet`.
        progress: called with a file or table and its rows after each is done.
        memory_limit: what DuckDB may hold, such as "2GB"; beyond it, it uses a temporary folder.
        threads: of DuckDB; all processors by default.

    Returns:
        What was read, kept, mended and rejected, by file; and the rows of each table.

    Raises:
        SourceError: the source is absent, damaged, not MOOCCube, or lacks a required file.
    """
    with (
        open_source(source) as archive,
        tempfile.TemporaryDirectory(prefix="kgplan-") as spill,
        duckdb.connect(
            config={
                "memory_limit": memory_limit,
                "temp_directory": spill,
                "preserve_insertion_order": "false",  # every order here is written out
                **({"threads": str(threads)} if threads else {}),
            }
        ) as con,
    ):
        con.execute(QUERIES["macros"])
        con.execute("CREATE SCHEMA kept")
        con.execute(
            "CREATE TABLE rejects (file VARCHAR, line BIGINT, item BIGINT, table_name VARCHAR, "
            "reason VARCHAR, detail VARCHAR, record VARCHAR)"
        )
        files = []
        for step in STEPS:
            report = _run(con, archive, step)
            files.append(report)
            progress(step.file, report.read, None)
        tables = {}
        for table in TABLES.values():
            query = QUERIES.get(f"table.{table.name}", f"SELECT * FROM kept.{table.name}")
            tables[table.name] = _write(con, query, table, table.order, out)
            progress(table.name, tables[table.name], None)
        order = (*REJECTS.key, "item", "table_name", "reason", "detail", "record")
        _write(con, "SELECT * FROM rejects", REJECTS, order, out)
        return ExtractReport(
            source=archive.name,
            files=tuple(files),
            tables=tables,
            absent=tuple(f.path for f in FILES if f.used and f.path not in archive.paths),
            unused=tuple(f.path for f in FILES if not f.used and f.path in archive.paths),
        )


def _run(con: duckdb.DuckDBPyConnection, archive: Source, step: Step) -> FileReport:
    """Judge the rows of one step, put the good ones into `kept` and the others into `rejects`."""
    columns = ", ".join(step.columns)
    with _lines(con, archive, step):
        con.execute(_judging(step))
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
        SELECT line, item, mends, {columns} FROM judged
        WHERE verdict IS NULL AND rowid NOT IN (SELECT row_id FROM repeats)"""
    )
    plain_names = " and ".join(name for name in step.same if name in step.columns)
    con.execute(
        f"""
        INSERT INTO rejects
        SELECT $file, line, item, $table, split_part(verdict, ' ', 1),
            substr(verdict, strpos(verdict, ' ') + 1, {RECORD_CHARACTERS}), record
        FROM judged WHERE verdict IS NOT NULL
        UNION ALL
        SELECT $file, line, item, $table, 'duplicate',
            format('line {{}} has the same {plain_names}', first_line),
            coalesce(record, left({_as_json(step.columns)}, {RECORD_CHARACTERS}))
        FROM judged JOIN repeats ON judged.rowid = row_id""",
        {"file": step.file, "table": step.table},
    )
    read = _number(con, "SELECT count(*) FROM judged")
    merged = (
        _number(
            con,
            "SELECT coalesce(sum(records - 1), 0) FROM (SELECT count(DISTINCT line) AS records "
            "FROM judged WHERE verdict IS NULL GROUP BY learner_id)",
        )
        if step.name == "watch"
        else 0
    )
    kept = _number(con, f"SELECT count(*) FROM kept.{step.name}")
    con.execute("DROP TABLE judged; DROP TABLE repeats")
    rejected, left_out = split_by_meaning(
        _counts(
            con,
            "SELECT reason, count(*) FROM rejects WHERE file = $file AND table_name = $table "
            "GROUP BY reason ORDER BY reason",
            {"file": step.file, "table": step.table},
        )
    )
    mended = _counts(
        con,
        "SELECT mend, count(*) FROM ("
        f"SELECT unnest(string_split(trim(mends), ' ')) AS mend FROM kept.{step.name} "
        "WHERE mends <> '') WHERE mend <> '' GROUP BY mend ORDER BY mend",
    )
    if merged:
        mended[Mend.MERGED_RECORD.value] = merged
    return FileReport(
        file=step.file,
        table=step.table,
        read=read,
        kept=kept,
        rejected=rejected,
        left_out=left_out,
        mended=mended,
    )


def _judging(step: Step) -> str:
    """The statement that makes `judged`: the step's rows with ids checked against `kept`."""
    known = {
        column: entity
        for column in step.columns
        # Fields have no file of their own: concept-field.json is where they come from.
        if (entity := REFERENCES.get(column)) and entity not in ("field", step.name)
    }
    joins = "".join(
        f" LEFT JOIN (SELECT {entity}_id AS known_{column} FROM kept.{entity})"
        f" ON known_{column} = given.{column}"
        for column, entity in known.items()
    )
    checks = "".join(
        f", CASE WHEN known_{column} IS NULL THEN reject('dangling_id', "
        f"format('there is no {entity} ''{{}}''', given.{column})) END"
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
    return (
        f"CREATE TABLE judged AS WITH given AS ({step.query.strip().rstrip(';')}) "
        f"SELECT line, item, mends, {columns}, coalesce(reject {usable} {checks}) AS verdict, "
        f"{record} AS record FROM given {joins}"
    )


class _lines:
    """Registers a file's lines as `lines` while a query reads them."""

    def __init__(self, con: duckdb.DuckDBPyConnection, archive: Source, step: Step) -> None:
        self._con, self._archive, self._step = con, archive, step
        self._failure: Exception | None = None

    def _watched(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._archive.lines(self._step.file)
        except Exception as error:
            self._failure = error  # DuckDB would only pass on its text
            raise

    def __enter__(self) -> None:
        if self._step.streams:
            self._con.register("lines", pa.RecordBatchReader.from_batches(LINES, self._watched()))

    def __exit__(self, *_exc: object) -> None:
        if self._step.streams:
            self._con.unregister("lines")
        if self._failure:
            raise self._failure from None


def _write(
    con: duckdb.DuckDBPyConnection, query: str, table: Table, order: tuple[str, ...], out: Path
) -> int:
    """Write one table, sorted and in row groups of fixed size, so that its bytes are fixed."""
    columns = ", ".join(f'"{name}"' for name in table.column_names)
    rows = con.execute(
        f"SELECT {columns} FROM ({query.strip().rstrip(';')}) ORDER BY {', '.join(order)}"
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


def _counts(
    con: duckdb.DuckDBPyConnection, query: str, values: dict[str, str] | None = None
) -> dict[str, int]:
    return dict(con.execute(query, values or {}).fetchall())
