"""What do MOOCRadar's files say: problems, their concepts, and learners' answers?

The same answers come with concepts of three grains; the finest that is there is read. Concepts have
no ids in the files: `K_` and the name. Of a problem's `detail`, which Python wrote and nobody
evaluates here, the title is taken. See https://github.com/THU-KEG/MOOC-Radar for the fields.
"""

import ast
import json
from collections.abc import Iterator
from typing import Any

from kgplan.etl.archive import Archive, SourceFile
from kgplan.etl.forms import json_lines
from kgplan.etl.reading import values
from kgplan.etl.sources.steps import RECORD_CHARACTERS, NamedSource, Rows, rows_of
from kgplan.etl.tables import Reason

PROBLEMS = "problem.json"
ANSWERS = tuple(f"student-problem-{grain}.json" for grain in ("fine", "middle", "coarse"))
LONGEST_DETAIL = 100_000
SCORES = {True: "1", False: "0"}


def read(archive: Archive) -> Iterator[Rows | str]:
    """Rows of each table; answers are read as a stream."""
    problems = _Problems()
    yield rows_of("items", PROBLEMS, problems.items(archive))
    yield rows_of("item_concepts", PROBLEMS, problems.needs)
    yield rows_of("concepts", PROBLEMS, problems.concepts.values())
    if problems.unreadable:
        yield f"{PROBLEMS}: {problems.unreadable:,} details cannot be read, so these have no title"
    path, *others = [path for path in ANSWERS if path in archive.paths] or [""]
    for other in others:
        yield f"{other}: the same answers as in {path}, not read twice"
    if path:
        yield rows_of("events", path, _answers(values(archive, path)))


class _Problems:
    """What is met while problems are read."""

    def __init__(self) -> None:
        self.concepts = dict[str, dict[str, Any]]()
        self.needs = list[dict[str, Any]]()
        self.unreadable = 0

    def items(self, archive: Archive) -> Iterator[dict[str, Any]]:
        """A row for each problem."""
        for line, value in values(archive, PROBLEMS):
            if not isinstance(value, dict):
                yield _no_object(line, value)
                continue
            item = _text(value.get("problem_id"))
            if item is not None:
                self._note_concepts(line, item, value.get("concepts"))
            detail = _detail(value.get("detail"))
            self.unreadable += detail is None
            yield {
                "line": line,
                "item_id": item,
                "course_id": _text(value.get("course_id")),
                "kind": "exercise",
                "title": _text((detail or {}).get("title")) or _text(value.get("title")),
            }

    def _note_concepts(self, line: int, item: str, named: Any) -> None:
        for name in named if isinstance(named, list) else [named]:
            text = _text(name)
            if text is not None:
                id_ = text if text.startswith("K_") else f"K_{text}"
                told = {"line": line, "concept_id": id_, "name": text.removeprefix("K_")}
                self.concepts.setdefault(id_, told)
                self.needs.append({"line": line, "item_id": item, "concept_id": id_})


def _detail(value: Any) -> dict[str, Any] | None:
    """A problem's detail: JSON, or a text that Python made of a dictionary; None if unreadable."""
    if value is None or isinstance(value, dict):
        return value or {}
    if not isinstance(value, str) or len(value) > LONGEST_DETAIL:
        return None
    for understood in (json.loads, ast.literal_eval):
        try:
            found = understood(value)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
        return found if isinstance(found, dict) else None
    return None


def _answers(values: Iterator[tuple[int, Any]]) -> Iterator[dict[str, Any]]:
    """Answers, each by itself or in the `seq` of a learner."""
    for line, value in values:
        if not isinstance(value, dict):
            yield _no_object(line, value)
            continue
        logs = value.get("seq", [value])
        for log in logs if isinstance(logs, list) else [logs]:
            if not isinstance(log, dict):
                yield _no_object(line, log)
                continue
            correct = log.get("is_correct")
            yield {
                "line": line,
                "learner_id": _text(log.get("user_id")),
                "item_id": _text(log.get("problem_id")),
                "score": SCORES[correct] if isinstance(correct, bool) else _text(correct),
                "time": _text(log.get("submit_time")),
            }


def _no_object(line: int, value: Any) -> dict[str, Any]:
    """A value that is no JSON object, or the error that stands for one."""
    why = value if isinstance(value, ValueError) else f"holds {type(value).__name__}, no object"
    record = str(value)[:RECORD_CHARACTERS]
    return {"line": line, "record": record, "reject": f"{Reason.BROKEN_JSON} line {line}: {why}"}


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, (dict, list)):
        return None
    return str(value).strip() or None


SOURCE = NamedSource(
    name="moocradar",
    title="MOOCRadar",
    about="problems of XuetangX with concepts, and answers",
    layout=(
        SourceFile(PROBLEMS, seems=json_lines("problem_id")),
        SourceFile("student-problem-{fine,middle,coarse}.json", required=False),
    ),
    read=read,
)
