"""What did learners do by the tracking logs that lie beside an Open edX course?

Lines are understood as `kgplan events load` understands them (`kgplan.data.tracking`), and what was
watched of a video is what all positions of its players tell together (`kgplan.data.events`).
"""

import gzip
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import groupby
from typing import Any, BinaryIO, cast

import pyarrow as pa

from kgplan.data.events import Event, evidence_of, usable_id
from kgplan.data.tracking import GRADED, kind_of, read_line
from kgplan.errors import MalformedStatement
from kgplan.etl.archive import Archive, SourceFile, split_lines
from kgplan.etl.sources.asking import ROWS_AT_ONCE, Asking, asking
from kgplan.etl.sources.steps import RECORD_CHARACTERS, Rows, rows_of
from kgplan.etl.sources.steps import ROWS_AT_ONCE as AT_ONCE
from kgplan.etl.tables import Reason

LOGS = SourceFile("**/tracking*.log*", required=False)
ELSEWHERE = "is of a course that is not here"
TOLD = pa.schema(
    [
        ("nth", pa.int64()),
        *((name, pa.string()) for name in ("place", "learner_id", "item_id", "course_id")),
        ("session", pa.string()),
        *((name, pa.float64()) for name in ("time", "share", "score", "length")),
        *((name, pa.float64()) for name in ("stopped_at", "started_at")),
        ("enrols", pa.bool_()),
        ("graded", pa.bool_()),
    ]
)


def read_logs(
    archive: Archive, courses: Collection[str], lengths: Mapping[str, float]
) -> Iterator[Rows | str]:
    """Rows of enrolments and events, in memory for one learner's views of one video.

    Args:
        archive: where the logs are.
        courses: ids of those that are read; a log has lines of all that its platform has.
        lengths: item -> seconds, for videos whose lines do not tell it.
    """
    paths = archive.found(LOGS)
    if not paths:
        return
    passed = Counter[str]()
    with asking("openedx.sql", TOLD) as ask:
        for path in paths:
            yield rows_of("events", path, _kept(ask, archive, path, courses, passed))
        file = paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
        yield rows_of("enrolments", file, _rows(ask, "enrolments"))
        yield rows_of("events", file, _rows(ask, "answers"))
        unknown = Counter[str]()
        yield rows_of("events", file, _views(ask, lengths, unknown))
        for item, n in sorted(unknown.items()):
            yield f"{file}: {n:,} learners opened {item}, nothing tells how much of it"
    for why, n in sorted(passed.items()):
        yield f"{file}: {n:,} lines passed over: each {why}"


def _kept(
    ask: Asking, archive: Archive, path: str, courses: Collection[str], passed: Counter[str]
) -> Iterator[dict[str, Any]]:
    """Keep what a log tells; rows of what cannot be read."""
    (before,) = ask.counts("count")
    known = {None, *courses}
    waiting: list[dict[str, Any]] = []
    for line, text in _lines(archive, path):
        try:
            said = json.loads(text)
            event = read_line(said, "", _named)
        except (ValueError, RecursionError) as error:
            yield _refused(line, text, f"{Reason.BROKEN_JSON} the line is no JSON ({error})")
            continue
        except MalformedStatement as error:
            yield _refused(line, text, f"{Reason.BROKEN_ROW} {error.field} {error.reason}")
            continue
        if isinstance(event, str) or event.course_id not in known:
            passed[event if isinstance(event, str) else ELSEWHERE] += 1
            continue
        place = {"nth": before + line, "place": f"{path}:{line}"}
        waiting.append({**event._asdict(), **place, "graded": kind_of(said) == GRADED})
        if len(waiting) == AT_ONCE:
            ask.keep("keep", [_batch(waiting)])
            waiting = []
    ask.keep("keep", [_batch(waiting)])


def _lines(archive: Archive, path: str) -> Iterator[tuple[int, str]]:
    with archive.open(path) as stream:
        plain = cast(BinaryIO, gzip.GzipFile(fileobj=stream)) if path.endswith(".gz") else stream
        for batch in split_lines(plain, path):
            yield from zip(batch["line"].to_pylist(), batch["text"].to_pylist(), strict=True)


def _named(key: str) -> tuple[str, ...]:
    return (key,) if usable_id(key) else ()


def _refused(line: int, text: str, why: str) -> dict[str, Any]:
    return {"line": line, "record": text[:RECORD_CHARACTERS], "reject": why}


def _batch(told: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.record_batch(
        [pa.array([each[field.name] for each in told], field.type) for field in TOLD], schema=TOLD
    )


def _rows(ask: Asking, query: str) -> Iterator[dict[str, Any]]:
    """Rows that a query finds; the place of the line is the record."""
    for batch in ask.con.execute(ask.queries[query]).to_arrow_reader(ROWS_AT_ONCE):
        for row in batch.to_pylist():
            place = row.pop("place")
            yield {**row, "record": place, "line": int(place.rpartition(":")[2])}


def _views(
    ask: Asking, lengths: Mapping[str, float], unknown: Counter[str]
) -> Iterator[dict[str, Any]]:
    """How much of each video each learner watched, and when first."""
    told = _rows(ask, "views")
    for (learner, item), rows in groupby(told, lambda row: (row["learner_id"], row["item_id"])):
        opened = list(rows)
        share = evidence_of(map(_event, opened), lengths).shares.get(item)
        if share is None:
            unknown[item] += 1
            continue
        yield {
            **{name: opened[0][name] for name in ("line", "record", "course_id", "time")},
            **{"learner_id": learner, "item_id": item, "share": share},
        }


def _event(row: Mapping[str, Any]) -> Event:
    names = ("learner_id", "time", "item_id", "share", "length", "stopped_at", "started_at")
    return Event(row["record"], session=row["session"], **{name: row[name] for name in names})
