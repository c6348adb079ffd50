"""What would an import change? The tables of a source beside those in use, row by row."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb

from kgplan.etl.extract import extract
from kgplan.etl.report import ExtractReport
from kgplan.etl.sources import NamedSource
from kgplan.etl.tables import TABLES, Table
from kgplan.progress import Progress, silent

SHOWN = 3


@dataclass(frozen=True)
class TableChange:
    """What an import would change in a table.

    Attributes:
        table: its name.
        added, removed: rows whose key only the source, or only the tables in use have.
        changed: rows of the same key that say something else.
        examples: of those, the first ones' keys, each after its +, - or ~.
    """

    table: str
    added: int
    removed: int
    changed: int
    examples: tuple[str, ...]


def diff_of(
    path: Path, before: Path, source: NamedSource, progress: Progress = silent, **options: object
) -> tuple[ExtractReport, tuple[TableChange, ...]]:
    """Extract a source aside and compare.

    Args:
        path: the source's files.
        before: the folder of the tables in use.
        source: what reads it.
        progress: as for `extract`.
        **options: further arguments of `extract`.

    Returns:
        What was read, and the tables that would change.

    Raises:
        SourceError, ConfigError, InputError: as `extract`.
    """
    with tempfile.TemporaryDirectory(prefix="kgplan-") as folder:
        report = extract(path, Path(folder), progress, source=source, **options)  # type: ignore[arg-type]
        return report, changes(before, Path(folder))


def changes(before: Path, after: Path) -> tuple[TableChange, ...]:
    """Tables that differ.

    Args:
        before, after: folders of tables.
    """
    with duckdb.connect() as database:
        found = [_change(database, table, before, after) for table in TABLES.values()]
    return tuple(each for each in found if each.added or each.removed or each.changed)


def _change(
    database: duckdb.DuckDBPyConnection, table: Table, before: Path, after: Path
) -> TableChange:
    key = table.key
    rest = [name for name in table.column_names if name not in key]
    same = " AND ".join(f"old.{name} IS NOT DISTINCT FROM new.{name}" for name in key)
    other = " OR ".join(f"old.{name} IS DISTINCT FROM new.{name}" for name in rest) or "false"
    named = f"concat_ws(' ', {', '.join(f'coalesce(new.{k}, old.{k})' for k in key)})"
    rows = database.execute(
        f"""
        WITH old AS (SELECT *, true AS is_there FROM read_parquet($before)),
            new AS (SELECT *, true AS is_there FROM read_parquet($after)),
            compared AS (
                SELECT {named} AS named,
                    CASE WHEN old.is_there IS NULL THEN '+' WHEN new.is_there IS NULL THEN '-'
                    WHEN {other} THEN '~' END AS what
                FROM old FULL JOIN new ON {same}
            )
        SELECT what, count(*), list(named ORDER BY named)[:{SHOWN}]
        FROM compared WHERE what IS NOT NULL GROUP BY what ORDER BY what""",
        {
            "before": str(before / f"{table.name}.parquet"),
            "after": str(after / f"{table.name}.parquet"),
        },
    ).fetchall()
    counts = {what: n for what, n, _ in rows}
    examples = tuple(f"{what} {name}" for what, _, names in rows for name in names)
    return TableChange(
        table.name, counts.get("+", 0), counts.get("-", 0), counts.get("~", 0), examples
    )
