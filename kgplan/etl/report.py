"""What did the extraction read, keep, mend and leave out, and why?"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict
from rich.table import Table as RichTable

from kgplan.etl.tables import LEFT_OUT_BY_MEANING, REJECTS, Reason
from kgplan.store.csvfile import write_rows


class FileReport(BaseModel):
    """One file read for one table; a file with lists in its lines feeds several tables.

    Always read = kept + the sum of `rejected` + the sum of `left_out`. A row is what can become a
    row of the table: a line, an entry of a list in a line, or a line whose list cannot be read.
    """

    model_config = ConfigDict(frozen=True)

    file: str
    table: str
    read: int
    kept: int
    rejected: dict[str, int]
    left_out: dict[str, int]
    mended: dict[str, int]


class ExtractReport(BaseModel):
    """The counts of one extraction; `to_dict` carries it into a manifest.

    `format` names the source that read it; empty in manifests of the time when there was one.
    `title` and `licence` are those of the data.
    """

    model_config = ConfigDict(frozen=True)

    format: str = ""
    source: str
    files: tuple[FileReport, ...]
    tables: dict[str, int]
    absent: tuple[str, ...]
    unused: tuple[str, ...]
    notes: tuple[str, ...] = ()
    title: str = ""
    licence: str = ""

    @property
    def rows_read(self) -> int:
        """Rows of all files."""
        return sum(file.read for file in self.files)

    @property
    def rows_rejected(self) -> int:
        """Rows kept out for an error, so without those left out by meaning."""
        return sum(sum(file.rejected.values()) for file in self.files)

    @property
    def rows_written(self) -> int:
        """Rows of all tables."""
        return sum(self.tables.values())

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values, for a manifest; `from_dict` reads it back."""
        return self.model_dump(mode="json")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ExtractReport":
        """Read what `to_dict` or `summary` gave."""
        return cls.model_validate(values)

    @classmethod
    def from_json(cls, text: str) -> "ExtractReport":
        """Read what `to_json` wrote.

        >>> ExtractReport.from_json(to_json(ExtractReport(
        ...     source="a.zip", files=(), tables={"item": 2}, absent=(), unused=()))).tables
        {'item': 2}
        """
        return cls.model_validate_json(text)


def summary(report: ExtractReport) -> dict[str, Any]:
    """The report as plain data with its totals, ready for JSON.

    Returns:
        `format`, `source`, `files`, `tables`, `absent`, `unused` and `notes` as in the report, and
        `total` with `read`, `kept`, and by reason `rejected`, `left_out` and `mended`.
    """
    return {
        **report.to_dict(),
        "total": {
            "read": report.rows_read,
            "kept": sum(file.kept for file in report.files),
            "rejected": _total(file.rejected for file in report.files),
            "left_out": _total(file.left_out for file in report.files),
            "mended": _total(file.mended for file in report.files),
        },
    }


def to_json(report: ExtractReport) -> str:
    """The summary as indented JSON; `ExtractReport.from_json` reads it back."""
    return json.dumps(summary(report), ensure_ascii=False, indent=2)


def render(report: ExtractReport) -> RichTable:
    """The report for a terminal: one line per file and table, then the totals."""
    read_as = report.format and f", read as {report.format}"
    shown = RichTable(title=f"Extract of {report.source}{read_as}", show_footer=True)
    total = summary(report)["total"]
    shown.add_column("file", footer="all")
    shown.add_column("table")
    shown.add_column("read", justify="right", footer=f"{total['read']:,}")
    shown.add_column("kept", justify="right", footer=f"{total['kept']:,}")
    shown.add_column("rejected", footer=_listed(total["rejected"]))
    shown.add_column("left out by meaning", footer=_listed(total["left_out"]))
    shown.add_column("mended", footer=_listed(total["mended"]))
    for file in report.files:
        shown.add_row(
            file.file,
            file.table,
            f"{file.read:,}",
            f"{file.kept:,}",
            _listed(file.rejected),
            _listed(file.left_out),
            _listed(file.mended),
        )
    for path in report.absent:
        shown.add_row(path, "(absent)", "", "", "", "", "")
    for path in report.unused:
        shown.add_row(path, "(not used)", "", "", "", "", "")
    return shown


def write_csv(rejects: Path, path: Path, reason: Reason | None = None) -> int:
    """Copy the rejected rows from Parquet to a CSV file that spreadsheets open.

    Args:
        rejects: the extraction's `rejects.parquet`.
        path: the CSV file to write, UTF-8 with a byte order mark; an old one is replaced.
        reason: write only the rows rejected for this reason.

    Returns:
        The number of rows written, without the header.
    """
    written = 0
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        write_rows(stream, [REJECTS.column_names])
        for batch in pq.ParquetFile(rejects).iter_batches():
            wanted = [row for row in batch.to_pylist() if reason in (None, row["reason"])]
            write_rows(stream, [list(row.values()) for row in wanted])
            written += len(wanted)
    return written


def split_by_meaning(counts: dict[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    """Errors apart from rows that were left out by what they say.

    >>> split_by_meaning({"duplicate": 2, "not_a_prerequisite": 5})
    ({'duplicate': 2}, {'not_a_prerequisite': 5})
    """
    errors = {name: n for name, n in counts.items() if Reason(name) not in LEFT_OUT_BY_MEANING}
    return errors, {name: n for name, n in counts.items() if name not in errors}


def _total(parts: Any) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return dict(sorted(total.items()))


def _listed(counts: dict[str, int]) -> str:
    return "\n".join(f"{name} {count:,}" for name, count in counts.items())
