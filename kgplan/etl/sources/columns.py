"""Which cells does a CSV file have under the titles that a format gives its columns?"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kgplan.errors import SourceError
from kgplan.etl.archive import Archive
from kgplan.etl.tables import Reason
from kgplan.store.csvfile import CsvStream, plain, stream_csv

Record = tuple[int, dict[str, str], str | None]
"""A row: its line, title -> cell, and why it is broken, as `rows_of` takes it."""


@dataclass(frozen=True)
class Sheet:
    """A CSV file, opened.

    Attributes:
        path: of it.
        stream: its rows.
        titles: of its columns, as the format writes them; others as the file does.
        places: of the columns that are known.
        is_open: whether rows may go on behind the last title; then all columns are read.
    """

    path: str
    stream: CsvStream
    titles: list[str]
    places: list[int]
    is_open: bool

    @property
    def notes(self) -> tuple[str, ...]:
        """How it was read, where that is not plain."""
        return self.stream.notes

    def records(self) -> Iterator[Record]:
        """Each row."""
        width, read = len(self.titles), None if self.is_open else self.places
        for line, cells in self.stream.rows:
            reject = fault_of(cells, width, read, is_open=self.is_open)
            yield line, dict(zip(self.titles, cells, strict=False)), reject


def fault_of(
    cells: list[str], width: int, read: Iterable[int] | None = None, *, is_open: bool = False
) -> str | None:
    """Why a row cannot be used, as `rows_of` takes it; None where it can.

    Args:
        cells: of the row.
        width: of the header.
        read: places of the cells that are read; None: all are.
        is_open: whether rows may go on behind the last title.

    >>> fault_of(["a"], 2), fault_of(["a", "b"], 2)
    ('broken_row the row has 1 cells, the header 2', None)
    """
    if len(cells) < width or (len(cells) > width and not is_open):
        return f"{Reason.BROKEN_ROW} the row has {len(cells)} cells, the header {width}"
    if any("\ufffd" in cell for cell in (cells if read is None else map(cells.__getitem__, read))):
        return f"{Reason.BROKEN_ROW} a character is not of the file's encoding"
    return None


@contextmanager
def sheet(
    archive: Archive,
    path: str,
    needed: Iterable[str],
    known: Iterable[str] = (),
    *,
    is_open: bool = False,
    encoding: str = "",
) -> Iterator[Sheet]:
    """Open a CSV file of known columns, whose titles may differ in case, spaces and signs.

    Args:
        archive: that has it.
        path: of it.
        needed: titles that it has to have.
        known: further titles.
        is_open: as for `Sheet`.
        encoding: that the format has where it is not UTF-8, if nobody said another.

    Raises:
        SourceError: a column that is needed is not there.
        InputError: as `stream_csv`.
    """
    with archive.open(path) as opened:
        stream = stream_csv(opened, path, archive.encoding or encoding)
        called = {plain(title): title for title in (*needed, *known)}
        titles = [called.get(plain(title), title) for title in stream.header]
        if missing := [title for title in needed if title not in titles]:
            raise SourceError(
                f"{path} has no column {missing[0]!r}: it has {', '.join(stream.header[:8])};"
                " export it again, with all columns"
            )
        places = [place for place, title in enumerate(titles) if title in called.values()]
        yield Sheet(path, stream, titles, places, is_open)
