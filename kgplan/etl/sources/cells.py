"""Which of a CSV file's columns does a source read, and what is in them?"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kgplan.errors import InputError, SourceError
from kgplan.etl.archive import Archive
from kgplan.store.csvfile import plain, stream_csv

RECORD_CHARACTERS = 1_000


@dataclass(frozen=True)
class Cells:
    """A file's rows by the names that its source has for columns.

    Attributes:
        rows: each with `line`, and either the cells, None where they are empty, or `record` and
            `reject` as `rows_of` takes them.
        notes: how the file was read.
    """

    rows: Iterator[dict[str, Any]]
    notes: tuple[str, ...]


@contextmanager
def cells_of(
    archive: Archive,
    path: str,
    needed: Mapping[str, Sequence[str]],
    others: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[Cells]:
    """Open a CSV file of any size.

    Args:
        archive, path: where it is.
        needed: name -> titles, any of which the column may have.
        others: the same of columns that may be absent; then all their cells are None.

    Raises:
        SourceError: it is no CSV, or lacks a column.
    """
    with archive.open(path) as stream:
        try:
            opened = stream_csv(stream, path)
            titles = [plain(title) for title in opened.header]
            places = {
                name: next((titles.index(w) for w in map(plain, words) if w in titles), None)
                for name, words in {**needed, **(others or {})}.items()
            }
            if missing := [name for name in needed if places[name] is None]:
                raise SourceError(
                    f"{path} has no column {needed[missing[0]][0]!r}:"
                    f" it has {', '.join(opened.header[:8])}; take the file as it was published"
                )
            yield Cells(_rows(opened.rows, len(titles), places), opened.notes)
        except InputError as error:
            raise SourceError(str(error)) from None


def _rows(
    rows: Iterator[tuple[int, list[str]]], width: int, places: Mapping[str, int | None]
) -> Iterator[dict[str, Any]]:
    for line, cells in rows:
        wrong = ""
        if len(cells) != width:
            wrong = f"the row has {len(cells)} cells, the header {width}"
        found = dict.fromkeys(places) if wrong else _found(cells, places)
        if any("\ufffd" in cell for cell in found.values() if cell):
            wrong = "a character is not of the file's encoding"
        if wrong:
            record = ",".join(cells)[:RECORD_CHARACTERS]
            yield {"line": line, "record": record, "reject": f"broken_row {wrong}"}
        else:
            yield {"line": line, **found}


def _found(cells: list[str], places: Mapping[str, int | None]) -> dict[str, str | None]:
    return {name: None if at is None else cells[at] or None for name, at in places.items()}
