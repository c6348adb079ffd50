"""What is a source made of: files that it is known by, and steps that read them?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from kgplan.etl.archive import LINES, Archive, Layout


@dataclass(frozen=True)
class Step:
    """One file read for one table.

    Attributes:
        file: one of the source's layout.
        name: under which the kept rows are held, as `kept.<name>`.
        table: the table that they go into.
        query: gives line, item, record, reject, mends and `columns`, as judging.sql says.
        columns: the columns that the query gives.
        same: rows that agree on these expressions are duplicates, and the first by `rank` stays.
        rows: gives the file's rows to the query, as `lines`; None where it reads rows kept earlier.
        schema: of these rows.
        bulky: its records are not carried along; a duplicate's is written anew from its columns.
        joined: further lines with the same value of this column were joined to the first: mended.
    """

    file: str
    name: str
    table: str
    query: str
    columns: tuple[str, ...]
    same: tuple[str, ...]
    rank: str = "line, item"
    rows: Callable[[Archive, str], Iterator[pa.RecordBatch]] | None = Archive.lines
    schema: pa.Schema = LINES
    bulky: bool = False
    joined: str = ""


@dataclass(frozen=True)
class NamedSource:
    """What a platform hands over, and how it becomes rows of the tables.

    Attributes:
        name: as callers give it.
        title: as its people call it.
        about: half a sentence on what it is.
        layout: the files that it is known by.
        steps: in an order in which the ids that a step names were read before it.
        tables: table -> the query over `kept` that makes it; of the others, their steps' rows.
        licence: under which its people give the data, as they call it; "" where unknown.
    """

    name: str
    title: str
    about: str
    layout: Layout
    steps: tuple[Step, ...]
    tables: Mapping[str, str] = field(default_factory=dict)
    licence: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Name, title, what it is, its licence and its files, as JSON values."""
        files = [
            {"path": each.path, "required": each.required, "used": each.used}
            for each in self.layout
        ]
        told = {"name": self.name, "title": self.title, "about": self.about}
        return {**told, "licence": self.licence, "files": files}


def as_json(columns: Sequence[str]) -> str:
    """The SQL expression of a row's columns as JSON text."""
    fields = ", ".join(f"'{column}': {column}" for column in columns)
    return f"to_json({{{fields}}})::VARCHAR"
