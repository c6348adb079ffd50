"""Files of a platform, as a test writes them, and the tables that come of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from kgplan.etl.extract import extract
from kgplan.etl.report import ExtractReport


@dataclass(frozen=True)
class Extracted:
    """What came of an extraction into a folder."""

    report: ExtractReport
    out: Path

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """The table's rows, of these columns or all."""
        found = pq.read_table(self.out / f"{table}.parquet", columns=list(columns) or None)
        return [tuple(row.values()) for row in found.to_pylist()]

    def rejects(self) -> list[tuple[str, int, str, str]]:
        """File, line, reason and detail of the rows that were kept out."""
        return self.rows("rejects", "file", "line", "reason", "detail")


def extracted(folder: Path, files: Mapping[str, str | bytes]) -> Extracted:
    """Write files into a folder, and what their source, found by looking, makes of them."""
    source, out = folder / "source", folder / "out"
    for name, text in files.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    out.mkdir()
    return Extracted(extract(source, out), out)
