"""In which form are the rows of a file, and how do they become those of the plain form?

Plain are a JSON object on each line, and two columns with a TAB between them. Other forms that can
mean only one thing are read as well, row by row: one JSON list, pairs as JSON, other separators, a
header, another encoding. Which form it is, the file's beginning tells, and a note says it.
"""

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, TextIO

import pyarrow as pa

from kgplan.errors import SourceError
from kgplan.etl.archive import LINES, Archive, split_lines
from kgplan.store.csvfile import (
    SEPARATORS,
    UTF8,
    csv_rows,
    encoding_of,
    plain,
    separator_told,
    words_for,
)
from kgplan.store.jsonfile import JsonValue, Unreadable, is_cut_off, json_values, stands_on_lines

SNIFFED_BYTES = 1 << 18
CHARACTERS = 1 << 22  # of rows that are given together
INSTEAD = "\ufffd"  # of what is not of the encoding

_JSON = re.compile(r'\s*(?:\[\s*["\[{\d-]|\{\s*")')
_QUOTED = re.compile(r'"[^\t]*"\t')

Numbered = tuple[int, str]
"""A row with its line."""


def objects(archive: Archive, path: str) -> Iterator[pa.RecordBatch | str]:
    """The objects of a file, each by itself.

    Args:
        archive: that has it.
        path: of it.

    Yields:
        A note where it is not plain; then batches of `LINES`.

    Raises:
        SourceError: the file was cut off.
    """
    head, encoding = _beginning(archive, path)
    begins = head.lstrip()[:1]
    several = begins == "{" and "\n" in head and not stands_on_lines(head)
    form = "one JSON list" if begins == "[" else "JSON over several lines" if several else ""
    yield from _note(path, encoding, form)
    if form:
        with _text(archive, path, encoding) as text:
            yield from _batches(_numbered((e.line, e.text) for e in _values(text, path)))
    else:
        yield from _uncut(archive, path, encoding)


def pairs(
    archive: Archive, path: str, columns: Sequence[str] = ()
) -> Iterator[pa.RecordBatch | str]:
    """Rows of two ids, with a TAB between them.

    Args:
        archive: that has the file.
        path: of it; its name tells what the ids are of, as `user-video`.
        columns: what they are called otherwise.

    Yields:
        A note where the file is not plain; then batches of `LINES`. A row that is no pair is given
        as one of another number of columns.

    Raises:
        SourceError: the file was cut off.
        InputError: while rows are read, a quotation mark is never closed, or text follows one.
    """
    head, encoding = _beginning(archive, path)
    named = _names(path, columns)
    if _JSON.match(head):
        yield from _note(path, encoding, "JSON")
        with _text(archive, path, encoding) as text:
            found = (_pair_of(each, named) for each in _values(text, path))
            yield from _batches(_numbered(found))
        return
    separator, told = separator_told(head)
    if not told and "\t" in head:
        separator = "\t"
    first = next(csv_rows(Path(path), iter(head.splitlines()[told:]), separator), (0, []))[1]
    header = _places(first, named)
    quoted = _QUOTED.match(head.lstrip()) is not None
    if header is None and (len(first) != 2 or (separator == "\t" and not quoted and not told)):
        yield from _note(path, encoding)
        with archive.open(path) as stream:
            yield from split_lines(_recoded(stream, encoding), path)
        return
    apart = f"separated by {SEPARATORS.get(separator, separator)}"
    forms = ("" if separator == "\t" else apart, "quoted" if quoted else "")
    yield from _note(path, encoding, *forms, "with a header" if header else "")
    with _text(archive, path, encoding) as text:
        if told:
            text.readline()
        rows = csv_rows(Path(path), text, separator, int(told))
        if header:
            next(rows)
        at, width = header or (0, 1), len(first)
        yield from _batches((line, _joined(cells, at, width)) for line, cells in rows)


def values(archive: Archive, path: str) -> Iterator[tuple[int, Any]]:
    """The JSON values of a file, each with its line; `Unreadable` for those that cannot be read.

    Raises:
        SourceError: the file was cut off.
    """
    with _text(archive, path, _beginning(archive, path)[1]) as text:
        yield from ((line, value) for line, _, value in _values(text, path))


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Recoded:
    """Text as bytes of UTF-8; what was not of its encoding is not UTF-8 either."""

    def __init__(self, text: TextIO) -> None:
        self._text = text

    def read(self, size: int) -> bytes:
        return self._text.read(size).encode().replace(INSTEAD.encode(), b"\xff")


class _Watched:
    """A stream, and the last byte that was read of it."""

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream
        self.last = b""

    def read(self, size: int) -> bytes:
        block = self._stream.read(size)
        self.last = block[-1:] or self.last
        return block


def _beginning(archive: Archive, path: str) -> tuple[str, str]:
    """The beginning of a file, and its encoding."""
    head = archive.head(path, SNIFFED_BYTES)
    encoding = encoding_of(head, archive.encoding) or "utf-8"
    return head.decode(encoding, "ignore").removeprefix("\ufeff"), encoding


@contextmanager
def _text(archive: Archive, path: str, encoding: str) -> Iterator[TextIO]:
    """A file's text without its mark; `INSTEAD` for what is not of the encoding."""
    with archive.open(path) as stream:
        name = "utf-8-sig" if encoding in UTF8 else encoding
        yield io.TextIOWrapper(stream, name, errors="replace", newline="")


def _recoded(stream: Any, encoding: str) -> Any:
    """A stream of bytes in UTF-8."""
    if encoding in UTF8:
        return stream
    return _Recoded(io.TextIOWrapper(stream, encoding, errors="replace", newline=""))


def _note(path: str, encoding: str, *forms: str) -> Iterator[str]:
    """A sentence where a file is not plain."""
    said = [each for each in ("" if encoding in UTF8 else encoding.upper(), *forms) if each]
    if said:
        yield f"{path}: read as {', '.join(said)}"


def _values(text: TextIO, path: str) -> Iterator[JsonValue]:
    for each in json_values(text):
        if isinstance(each.value, Unreadable) and each.value.cut:
            raise _cut_off(path, each.line)
        yield each


def _uncut(archive: Archive, path: str, encoding: str) -> Iterator[pa.RecordBatch]:
    """Lines of JSON, the last of which is whole."""
    with archive.open(path) as stream:
        watched = _Watched(_recoded(stream, encoding))
        last = None
        for batch in split_lines(watched, path):  # type: ignore[arg-type]
            yield batch
            last = batch[-1:] if batch.num_rows else last
    if last is not None and watched.last != b"\n":
        [row] = last.to_pylist()
        if row["text"].lstrip().startswith("{") and is_cut_off(row["text"]):
            raise _cut_off(path, row["line"])


def _cut_off(path: str, line: int) -> SourceError:
    return SourceError(
        f"{path} ends within what begins on line {line}: it was cut off; fetch it again, or take"
        " away what is unfinished"
    )


def _names(path: str, columns: Sequence[str]) -> list[frozenset[str]]:
    """What each of the two columns may be called, as `plain` gives it."""
    in_path = PurePosixPath(path).stem.split("-")
    return [
        frozenset(
            word
            for name in (own, column, column.removesuffix("_id"))
            for word in (plain(name), plain(f"{name}_id"), *words_for(name))
        )
        for own, column in zip(in_path, columns or in_path, strict=True)
    ]


def _places(titles: Iterable[str], named: Sequence[frozenset[str]]) -> tuple[int, int] | None:
    """Where the two columns are that titles name; None where they name not both."""
    called = [plain(title) for title in titles]
    left = next((at for at, title in enumerate(called) if title in named[0]), None)
    right = next((at for at, title in enumerate(called) if title in named[1] and at != left), None)
    return None if left is None or right is None else (left, right)


def _joined(cells: Sequence[str], at: tuple[int, int], width: int) -> str:
    """Two of a row's cells; all, and one more than two, where it is not as wide as the first."""
    if len(cells) == width:
        return f"{cells[at[0]]}\t{cells[at[1]]}"
    return "\t".join(cells if len(cells) != 2 else [*cells, ""])


def _pair_of(each: JsonValue, named: Sequence[frozenset[str]]) -> Numbered:
    """A pair, as a list of two or an object that names them; else one column."""
    cells = each.value if isinstance(each.value, list) else []
    if isinstance(each.value, dict) and (at := _places(each.value, named)):
        given = list(each.value.values())
        cells = [given[at[0]], given[at[1]]]
    whole = len(cells) == 2 and all(type(cell) in (str, int) for cell in cells)
    return each.line, "\t".join(map(str, cells)) if whole else each.text.replace("\t", " ")


def _numbered(rows: Iterable[Numbered]) -> Iterator[Numbered]:
    """Rows with their order in their numbers: lines; of a list on one line, places in it.

    >>> list(_numbered([(1, "a"), (1, "b"), (5, "c")]))
    [(1, 'a'), (2, 'b'), (5, 'c')]
    """
    before = 0
    for line, text in rows:
        before = max(line, before + 1)
        yield before, text


def _batches(rows: Iterable[Numbered]) -> Iterator[pa.RecordBatch]:
    """Rows in batches of `LINES` of bounded size."""
    held, size = list[Numbered](), 0
    for row in rows:
        held.append(row)
        size += len(row[1])
        if size > CHARACTERS:
            yield _batch(held)
            held, size = [], 0
    if held:
        yield _batch(held)


def _batch(rows: Sequence[Numbered]) -> pa.RecordBatch:
    lines, texts = zip(*rows, strict=True)
    whole = [INSTEAD not in text for text in texts]
    columns = [pa.array(lines, pa.int64()), pa.array(texts, pa.string()), pa.array(whole)]
    return pa.record_batch(columns, schema=LINES)
