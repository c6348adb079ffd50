"""What is a source made of: files that it is known by, and what reads them?

A source either has steps of its own, or turns its files into rows of the plain tables
(`kgplan.etl.plain`), which are judged the same way whatever they come from.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

import pyarrow as pa

from kgplan.etl.archive import LINES, Archive, Layout

ROWS_AT_ONCE = 20_000
RECORD_CHARACTERS = 1_000  # of a row that is kept out, and of the reason


@dataclass(frozen=True)
class Step:
    """One file read for one table.

    Attributes:
        file: one of the source's layout.
        name: under which the kept rows are held, as `kept.<name>`.
        table: the table that they go into.
        query: gives line, item, record, reject, mends and `columns`, as judging.sql says; and
            `file`, where the rows of several files are read together.
        columns: the columns that the query gives.
        same: rows that agree on these expressions are duplicates, and the first by `rank` stays.
        rows: gives the file's rows to the query, as `lines`; None where it reads rows kept earlier.
            A text that it gives among them is a note for people.
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
    rows: Callable[[Archive, str], Iterator[pa.RecordBatch | str]] | None = Archive.lines
    schema: pa.Schema = LINES
    bulky: bool = False
    joined: str = ""


@dataclass(frozen=True)
class Rows:
    """Rows of a plain table, out of one file or out of files of one kind.

    Attributes:
        table: a name of `kgplan.etl.plain.PLAIN`.
        file: where they come from, as a person would look for it.
        batches: columns of the table, any of them, as text; and beside them, each where it is
            known: `line`, counted from 1, or the entry's place in its list where the file has
            no lines; `record`, the row as the file has it; `reject`, why it
            cannot be used: a `Reason`, a space and a sentence.
    """

    table: str
    file: str
    batches: Iterable[pa.RecordBatch]


def rows_of(table: str, file: str, rows: Iterable[Mapping[str, Any]]) -> Rows:
    """Rows given one by one: column -> value; what is no text becomes one, None stays nothing.

    Args:
        table, file: as for `Rows`.
        rows: each with any of the table's columns, `line`, `record` and `reject`.

    >>> [batch] = rows_of("concepts", "a.xml", [{"line": 3, "concept_id": 7, "name": None}]).batches
    >>> batch.to_pylist()
    [{'line': 3, 'record': None, 'reject': None, 'concept_id': '7', 'name': None}]
    """

    def batches() -> Iterator[pa.RecordBatch]:
        waiting = iter(rows)
        while some := list(islice(waiting, ROWS_AT_ONCE)):
            try:
                yield _batch(some)
            except UnicodeEncodeError:
                yield _batch([_encodable(row) for row in some])

    return Rows(table, file, batches())


def _batch(rows: list[Mapping[str, Any]]) -> pa.RecordBatch:
    named = dict.fromkeys(["line", "record", "reject", *chain.from_iterable(rows)])
    return pa.record_batch(
        {
            name: pa.array([row.get(name) for row in rows], pa.int64())
            if name == "line"
            else pa.array([_text(row.get(name)) for row in rows], pa.string())
            for name in named
        }
    )


def _encodable(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row; a refusal of it where a text holds half a character, as JSON can."""
    texts = {name: _text(value) or "" for name, value in row.items() if name != "line"}
    whole = {name: text.encode(errors="replace").decode() for name, text in texts.items()}
    if whole == texts:
        return row
    wrong = "broken_row a text holds half of a character"
    return {"line": row.get("line"), "reject": wrong, "record": "; ".join(whole.values())}


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


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
        whose: the title and the licence that the files themselves tell; those above where None.
        read: turns the files into rows of the plain tables, in place of steps; a text that it
            gives among them is a note for people.
    """

    name: str
    title: str
    about: str
    layout: Layout
    steps: tuple[Step, ...] = ()
    tables: Mapping[str, str] = field(default_factory=dict)
    licence: str = ""
    read: Callable[[Archive], Iterator["Rows | str"]] | None = None
    whose: Callable[[Archive], tuple[str, str]] | None = None

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
