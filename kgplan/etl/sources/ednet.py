"""What do EdNet's files say: what learners of Santa answered (KT1) and did (KT3)?

A file a learner, beside `contents/` with the questions and lectures. An answer is right where it
is the question's own. Of KT3 the last answer before a bundle is submitted counts, and a lecture
from its `enter` to its `quit`; where KT1 is there too, answers are taken from it alone. Items have
the files' ids (`q...`, `l...`), concepts are `tag-`. See https://github.com/riiid/ednet.
"""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa

from kgplan.etl.archive import LINES, Archive, SourceFile
from kgplan.etl.sources.asking import Asking, asking
from kgplan.etl.sources.columns import sheet
from kgplan.etl.sources.steps import RECORD_CHARACTERS, NamedSource, Rows, rows_of
from kgplan.etl.tables import Reason

QUESTIONS = "contents/questions.csv"
LECTURES = "contents/lectures.csv"
KT1 = SourceFile("KT1/u*.csv", required=False)
KT3 = SourceFile("KT3/u*.csv", required=False)
HEADERS = {
    KT1.path: ["timestamp", "solving_id", "question_id", "user_answer", "elapsed_time"],
    KT3.path: ["timestamp", "action_type", "item_id", "source", "user_answer", "platform"],
}
ROWS_AT_ONCE = 100_000
LEARNERS = pa.schema([("learner_id", pa.string()), *LINES])


def read(archive: Archive) -> Iterator[Rows | str]:
    """Rows of each table; learners' files are read one after the other."""
    with asking("ednet.sql", LEARNERS) as ask:
        yield from _contents(ask, archive)
        odd = list[dict[str, Any]]()
        answered = KT1.among(archive.paths)
        if answered:
            yield ask.rows("events", KT1.path, "kt1", _learners(archive, KT1, answered, odd))
            yield rows_of("events", KT1.path, odd)
        if acted := KT3.among(archive.paths):
            yield from _actions(ask, archive, acted, with_answers=not answered)


def _contents(ask: Asking, archive: Archive) -> Iterator[Rows | str]:
    """Items and their tags; the right answers and lectures' lengths are kept."""
    tags = dict[str, dict[str, Any]]()
    for path, id_, value in (
        (QUESTIONS, "question_id", "correct_answer"),
        (LECTURES, "lecture_id", "video_length"),
    ):
        if path not in archive.paths:
            continue
        with sheet(archive, path, (id_, value, "tags")) as given:
            yield from given.notes
            records = list(given.records())
        known = [(line, cells) for line, cells, reject in records if reject is None]
        kept = {
            "item_id": pa.array([cells[id_] for _, cells in known], pa.string()),
            "value": pa.array([cells[value] for _, cells in known], pa.string()),
        }
        ask.keep(f"keep_{value}", [pa.record_batch(kept)])
        needs = [need for line, cells in known for need in _needs(line, cells[id_], cells["tags"])]
        for need in needs:
            told = {"line": need["line"], "concept_id": need["concept_id"]}
            tags.setdefault(need["concept_id"], told)
        make = _question if path == QUESTIONS else _lecture
        yield rows_of("items", path, (make(*record) for record in records))
        yield rows_of("item_concepts", path, needs)
    yield rows_of("concepts", QUESTIONS, tags.values())


def _question(line: int, cells: dict[str, str], reject: str | None) -> dict[str, Any]:
    item = cells.get("question_id")
    return {"line": line, "reject": reject, "item_id": item, "kind": "exercise"}


def _lecture(line: int, cells: dict[str, str], reject: str | None) -> dict[str, Any]:
    item, seconds = cells.get("lecture_id"), _seconds(cells.get("video_length"))
    return {"line": line, "reject": reject, "item_id": item, "kind": "video", "seconds": seconds}


def _seconds(milliseconds: str | None) -> float | str | None:
    """A lecture's length; -1 stands for none."""
    try:
        length = float(milliseconds or -1)
    except ValueError:
        return milliseconds
    return length / 1000 if length >= 0 else None


def _needs(line: int, item: str, tags: str) -> Iterator[dict[str, Any]]:
    """A row's tags; -1 stands for none."""
    for tag in tags.split(";"):
        if tag.strip() not in ("", "-1"):
            yield {"line": line, "item_id": item, "concept_id": f"tag-{tag.strip()}"}


def _actions(
    ask: Asking, archive: Archive, paths: Sequence[str], with_answers: bool
) -> Iterator[Rows | str]:
    odd = list[dict[str, Any]]()

    def batches() -> Iterator[pa.RecordBatch]:
        for learners in _learners(archive, KT3, paths, odd):
            ask.keep("keep_actions", [learners])
            for query in ("broken", "lectures", *(["answers"] if with_answers else [])):
                yield from ask.rows("events", KT3.path, query).batches

    yield Rows("events", KT3.path, batches())
    yield rows_of("events", KT3.path, odd)
    unsubmitted, unended = ask.counts("skipped")
    if not with_answers:
        yield f"{KT3.path}: answers are those of {KT1.path}, not read twice"
    elif unsubmitted:
        yield f"{KT3.path}: left out {unsubmitted:,} answers that were never submitted"
    if unended:
        yield f"{KT3.path}: left out {unended:,} lectures that were entered and never left"


def _learners(
    archive: Archive, file: SourceFile, paths: Sequence[str], odd: list[dict[str, Any]]
) -> Iterator[pa.RecordBatch]:
    """The rows of many learners at a time, each learner's all together; their files' names with it.

    Args:
        archive, paths: where they are.
        file: which of the two they are, for their header.
        odd: gets a row for each file that has another header, or none.
    """
    waiting, ids, counts = list[pa.RecordBatch](), list[str](), list[int]()
    for path in paths:
        batches = list(archive.lines(path))
        header = batches[0]["text"][0].as_py() if batches and batches[0].num_rows else ""
        if header.split(",") != HEADERS[file.path]:
            wanted = ",".join(HEADERS[file.path])
            why = f"{Reason.BROKEN_ROW} the header of {path} is {header[:100]!r}, not {wanted!r}"
            odd.append({"line": 1, "record": header[:RECORD_CHARACTERS], "reject": why})
            continue
        batches[0] = batches[0].slice(1)
        waiting += batches
        ids.append(PurePosixPath(path).stem)
        counts.append(sum(batch.num_rows for batch in batches))
        if sum(counts) >= ROWS_AT_ONCE:
            yield _together(waiting, ids, counts)
            waiting, ids, counts = [], [], []
    if ids:
        yield _together(waiting, ids, counts)


def _together(batches: list[pa.RecordBatch], ids: list[str], counts: list[int]) -> pa.RecordBatch:
    whole = pa.Table.from_batches(batches).combine_chunks()
    learners = pa.array(ids).take(np.repeat(np.arange(len(ids)), counts))
    columns = {name: whole[name].combine_chunks() for name in whole.column_names}
    return pa.record_batch({"learner_id": learners, **columns})


SOURCE = NamedSource(
    name="ednet",
    title="EdNet",
    about="answers and lectures of Santa, a tutoring service (KT1, KT3)",
    layout=(
        SourceFile(QUESTIONS),
        SourceFile(LECTURES, required=False),
        KT1,
        KT3,
    ),
    licence="CC BY-NC 4.0",
    read=read,
)
