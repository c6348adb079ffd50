"""What does a file of events hold? Statements, plain events, lines of a tracking log, rows of CSV.

JSON lines, a JSON array or values one after the other; CSV; each also compressed with gzip. A file
is read in parts, so that a long one takes no more memory than a part, and parts can be read by
several processes.
"""

import codecs
import gzip
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import IO, Any, Literal

import orjson

from kgplan.api.forms import Form, form_of
from kgplan.data.content import digest
from kgplan.data.told import told_number, told_time
from kgplan.errors import InputError, MalformedStatement
from kgplan.store.csvfile import CsvFile, Row, csv_rows, separator_of
from kgplan.store.jsonfile import Unreadable, json_values, stands_on_lines

PART = 2_000  # lines that are read together
LOOKED_AT = 1 << 18  # bytes that tell what a file is
GZIP = b"\x1f\x8b"
COLUMNS = ("learner_id", "item_id", "score", "time", "share", "course_id", "event_id")
"""Of a table of events; `csvfile.COLUMNS` has what people call them."""


@dataclass(frozen=True)
class Part:
    """Some lines of a file, as they stand there.

    Attributes:
        rows: each with its line, from 1: JSON as text, or the cells of a row of CSV.
        columns: of CSV, the place of each that is known; None where it is JSON.
        read: bytes of the file up to the end of the part.
    """

    rows: Sequence[tuple[int, Any]]
    columns: Mapping[str, int] | None
    read: int


@dataclass(frozen=True)
class Found:
    """One event in a file.

    Attributes:
        line: where it begins, from 1.
        form: in which it is; "line" where it is no JSON.
        content: JSON value; None where it is no JSON.
        raw: its text.
        kind: what the file itself calls it; "" where it does not.
        fault: why it cannot be read; None where it can.
    """

    line: int
    form: Form | Literal["line"]
    content: Any
    raw: str | None
    kind: str = ""
    fault: MalformedStatement | None = None


def parts_of(path: Path, size: int = PART) -> Iterator[Part]:
    """The parts of a file.

    Args:
        path: of the file.
        size: lines of a part.

    Raises:
        InputError: it cannot be read, is empty, or is none of what can be read, with the place.
    """
    try:
        with path.open("rb") as raw:
            zipped = raw.peek(2)[:2] == GZIP
            opened = gzip.GzipFile(fileobj=raw) if zipped else raw
            stream: io.BufferedReader[Any] = io.BufferedReader(opened, LOOKED_AT)
            head = stream.peek(LOOKED_AT)[:LOOKED_AT].removeprefix(b"\xef\xbb\xbf").lstrip()
            if not head:
                raise InputError(f"{path} is empty; give statements as JSON lines, or CSV")
            rows: Iterator[tuple[int, Any]]
            columns = None
            if head[:1] not in (b"{", b"["):
                columns, rows = _csv(path, stream)
            elif stands_on_lines(head.decode("utf-8", "ignore")):
                rows = _lines(stream)
            else:
                rows = _values(path, stream)
            part: list[tuple[int, Any]] = []
            for row in rows:
                part.append(row)
                if len(part) == size:
                    yield Part(part, columns, raw.tell())
                    part = []
            if part:
                yield Part(part, columns, raw.tell())
    except (OSError, EOFError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{path} cannot be read: {why}; give a file of events") from None


def found_in(part: Part, zone: tzinfo = UTC) -> Iterator[Found]:
    """The events in a part, those that cannot be read too.

    Args:
        part: of a file.
        zone: of times in CSV that have none.
    """
    for line, row in part.rows:
        if part.columns is None:
            yield from _found(line, row)
        else:
            yield _row(line, row, part.columns, zone)


def _lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    for n, line in enumerate(stream, 1):
        stripped = (line.removeprefix(b"\xef\xbb\xbf") if n == 1 else line).strip()
        if stripped:
            yield n, stripped


def _values(path: Path, stream: IO[bytes]) -> Iterator[tuple[int, str]]:
    """The values of an array, or one after the other, each with its line."""
    text, line = io.TextIOWrapper(stream, "utf-8-sig", newline=""), 1
    try:
        for line, row, value in json_values(text):
            if isinstance(value, Unreadable):
                raise InputError(
                    f"{path}:{value.line} is no JSON ({value}); give one JSON value on each line,"
                    " so that a broken one stands alone"
                )
            yield line, row
    except UnicodeDecodeError:
        raise InputError(f"{path}, after line {line}, is no UTF-8; save it as UTF-8") from None
    finally:
        text.detach()  # its end would close the stream


def _found(line: int, row: bytes | str) -> Iterator[Found]:
    text = row if isinstance(row, str) else ""
    try:
        if isinstance(row, bytes):
            text = row.decode()
        value = _read(text)
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, ValueError) else "it is nested too deep"
        fault = MalformedStatement("line", f"is not JSON: {why}")
        text = row if isinstance(row, str) else row.decode("utf-8", "replace")
        yield Found(line, "line", None, text, fault=fault)
        return
    whole = isinstance(value, dict)
    kind, inside = "", value
    if whole and "actor" not in value:  # with its kind, as an LRS answers, several at once
        kind = value["kind"] if isinstance(value.get("kind"), str) else ""
        inside = value.get("statement", value.get("statements", value))
    each: Any
    for each in inside if isinstance(inside, list) else [inside]:
        alone = None if each is not value else text
        yield Found(line, form_of(each), each, alone, kind)


def _read(text: str) -> Any:
    """A JSON value; what the fast reader refuses the slow one reads, or says why it cannot."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # half a surrogate pair, say, which is JSON though no text
        return _DECODER.decode(text)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _csv(
    path: Path, stream: io.BufferedReader
) -> tuple[dict[str, int], Iterator[tuple[int, list[str]]]]:
    """The columns of a CSV file, and its rows."""
    text = codecs.iterdecode(stream, "utf-8-sig")
    head = stream.peek(LOOKED_AT)[:LOOKED_AT].decode("utf-8-sig", "ignore")
    rows = _csv_rows(path, csv_rows(path, text, separator_of(head)))
    _, header = next(rows, (0, []))
    named = CsvFile(path, header, [], ())
    columns = {name: named.column(name) for name in COLUMNS}
    missing = [name for name in ("learner_id", "item_id", "time") if columns[name] is None]
    if missing:
        raise InputError(
            f"{path}:1 is no JSON, and as the header of a CSV it lacks {', '.join(missing)}; the"
            f" columns are {named.titles()}; name them learner_id, item_id, time, and score or"
            " share"
        )
    return {name: at for name, at in columns.items() if at is not None}, rows


def _csv_rows(path: Path, rows: Iterator[Row]) -> Iterator[Row]:
    """Rows that say anything."""
    line = 0
    try:
        for line, cells in rows:
            if any(cells):
                yield line, cells
    except UnicodeDecodeError:
        raise InputError(f"{path}, after line {line}, is no UTF-8; save it as UTF-8") from None


def _row(line: int, cells: list[str], columns: Mapping[str, int], zone: tzinfo) -> Found:
    """A row as a plain event."""
    told = {name: cells[at] if at < len(cells) else "" for name, at in columns.items()}
    event: dict[str, Any] = {"learner_id": told["learner_id"], "item_id": told["item_id"]}
    moment = told_time(told["time"], zone)
    try:
        event["time"] = datetime.fromtimestamp(moment, UTC).isoformat() if moment else told["time"]
    except (ValueError, OverflowError, OSError):  # milliseconds, or a year that no calendar has
        event["time"] = told["time"]
    for name in ("share", "score"):
        text = told.get(name, "")
        if text:
            number = told_number(text.replace(",", ".") if "." not in text else text)
            event[name] = text if number is None else number
    if told.get("course_id"):
        event["course_id"] = told["course_id"]
    event["event_id"] = told.get("event_id") or f"csv:{digest(event)[:40]}"
    return Found(line, "event", event, None)
