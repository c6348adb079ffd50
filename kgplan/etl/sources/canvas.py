"""What do Canvas's outcomes and their results say?

Read are the outcomes CSV (Export on the outcomes' page), the live events on outcomes as JSON lines,
or the report on outcome results. An outcome or a group is a concept under its `vendor_guid`; one
without has Canvas's own number there, as `canvas_outcome:12`. A result is of an asset and of one
outcome, so these are the item: a rubric with three criteria is three items, each with a score of
its own. Ids of items and courses begin with what they are of, as in `assignment-5-outcome-12` and
`course-3`.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kgplan.data.told import told_number
from kgplan.errors import SourceError
from kgplan.etl.archive import Archive, SourceFile
from kgplan.etl.sources.columns import Record, sheet
from kgplan.etl.sources.markup import text_of
from kgplan.etl.sources.steps import RECORD_CHARACTERS, NamedSource, Rows, rows_of
from kgplan.etl.tables import Reason

OUTCOMES = SourceFile("*.csv", required=False, sign=r"(?i)\A[^\n]*\bvendor_guid\b")
REPORT = SourceFile("*.csv", required=False, sign=r"(?i)\A[^\n]*\blearning outcome id\b")
EVENTS = SourceFile("*.{json,jsonl,log,txt}", required=False, sign=r'"learning_outcome_')
CREATED, UPDATED = "learning_outcome_result_created", "learning_outcome_result_updated"
DEFINED = ("learning_outcome_created", "learning_outcome_updated")
ASSETS = {"quizzes::quiz": "quiz", "assessmentquestion": "question"}
LONGEST_ID = 19  # digits of an id that Canvas gives
SHARD = 10**13  # a global id is the number of its shard, as often, and the local id


@dataclass
class Seen:
    """What results name besides answers.

    Attributes:
        outcomes: those that the outcomes CSV has.
        guids: an outcome's local id -> its `vendor_guid`, where it has one.
        names: an outcome's concept -> its name.
        courses: course -> name.
        items: item -> its row.
        concepts: item -> the outcome that it is of.
        beyond: results with more points than are possible.
    """

    outcomes: set[str] = field(default_factory=set)
    guids: dict[str, str] = field(default_factory=dict)
    names: dict[str, str | None] = field(default_factory=dict)
    courses: dict[str, str | None] = field(default_factory=dict)
    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    concepts: dict[str, str] = field(default_factory=dict)
    beyond: int = 0

    def concept(self, outcome: str) -> str:
        """The concept of an outcome's local id."""
        return self.guids.get(outcome) or f"canvas_outcome:{outcome}"


@dataclass(frozen=True)
class Result:
    """One learner's result on one outcome; what is not said is empty.

    Attributes:
        asset, asset_id: of what: its kind, and its local id.
        outcome: its local id.
        share: what share of the possible points was reached; None where it is not said.
    """

    learner: str
    asset: str
    asset_id: str
    outcome: str
    course: str
    time: str
    share: float | None
    title: str = ""
    url: str = ""


def read(archive: Archive) -> Iterator[Rows | str]:
    """Rows of all files.

    Raises:
        SourceError: a file lacks a column that it needs, or results are told in two ways.
        InputError: a file is no CSV.
    """
    reports, events = archive.found(REPORT), archive.found(EVENTS)
    if reports and events:
        raise SourceError(
            f"{reports[0]} and {events[0]} both tell results, and name learners differently; give"
            " one of them"
        )
    seen = Seen()
    for path in archive.found(OUTCOMES):
        yield from _outcomes(archive, path, seen)
    for path in reports:
        yield from _report(archive, path, seen)
    if events:
        yield from _events(archive, events, seen)
    yield from _named(seen, (reports or events or [""])[0])


# ---------------------------------------------------------------- outcomes


def _outcomes(archive: Archive, path: str, seen: Seen) -> Iterator[Rows | str]:
    needed = ["vendor_guid", "object_type", "title"]
    known = ["description", "parent_guids", "workflow_state"]
    with sheet(archive, path, needed, known, is_open=True) as given:  # ratings go on to the right
        yield from given.notes
        yield rows_of("concepts", path, (_outcome(each, seen) for each in given.records()))


def _outcome(record: Record, seen: Seen) -> dict[str, Any]:
    line, row, reject = record
    if reject is None and row.get("workflow_state", "").lower() == "deleted":
        reject = f"{Reason.NOT_IN_FORCE} its workflow_state is 'deleted'"
    if reject is None and row["object_type"].lower() not in ("outcome", "group"):
        reject = (
            f"{Reason.BROKEN_ROW} object_type is '{row['object_type']}', outcome or group is needed"
        )
    if reject is None:
        seen.outcomes.add(row["vendor_guid"])
    return {
        "line": line,
        "reject": reject,
        "concept_id": row.get("vendor_guid"),
        "name": row.get("title") or None,
        "definition": text_of(row.get("description", "")) or None,
        "parent": ";".join(row.get("parent_guids", "").split()) or None,
    }


# ---------------------------------------------------------------- the report


def _report(archive: Archive, path: str, seen: Seen) -> Iterator[Rows | str]:
    needed = [
        *("student id", "assessment id", "assessment type", "learning outcome id"),
        *("outcome score", "learning outcome points possible"),
    ]
    known = [
        *("assessment title", "submission date", "learning outcome name", "attempt"),
        *("assessment question id", "course id", "course name", "assignment url"),
    ]
    with sheet(archive, path, needed, known) as given:
        yield from given.notes
        yield rows_of("events", path, (_reported(each, seen) for each in given.records()))


def _reported(record: Record, seen: Seen) -> dict[str, Any]:
    line, row, reject = record
    if reject is None and not (row["outcome score"] or row.get("attempt")):
        reject = f"{Reason.NOT_IN_FORCE} there is no result yet"
    if reject is not None:
        return {"line": line, "reject": reject}
    question = row.get("assessment question id", "")
    outcome, course = _local(row["learning outcome id"]), _local(row.get("course id"))
    if name := row.get("learning outcome name"):
        seen.names.setdefault(seen.concept(outcome), name)
    if course:
        seen.courses.setdefault(f"course-{course}", row.get("course name") or None)
    result = Result(
        learner=row["student id"],
        asset="question" if question else row["assessment type"],
        asset_id=_local(question or row["assessment id"]),
        outcome=outcome,
        course=course,
        time=row.get("submission date", ""),
        share=_share(row["outcome score"], row["learning outcome points possible"]),
        title=row.get("assessment title", ""),
        url=row.get("assignment url", ""),
    )
    return _answer(line, result, seen)


# ---------------------------------------------------------------- live events


def _events(archive: Archive, paths: list[str], seen: Seen) -> Iterator[Rows | str]:
    latest, others = dict[tuple[str, ...], tuple[str, str, int]](), Counter[str]()
    for path in paths:  # what changes a result, and what its outcome is called, may come later
        for line, text in _lines(archive, path):
            if UPDATED in text or any(kind in text for kind in DEFINED):
                _look_ahead(_event(text), path, line, latest, seen)
    for path in paths:
        rows = (
            _happened(line, text, path, latest, others, seen)
            for line, text in _lines(archive, path)
        )
        yield rows_of("events", path, (row for row in rows if row is not None))
    for kind, count in sorted(others.items()):
        yield f"events {kind}: {count:,}, not read"


def _lines(archive: Archive, path: str) -> Iterator[tuple[int, str]]:
    for batch in archive.lines(path):
        yield from zip(batch["line"].to_pylist(), batch["text"].to_pylist(), strict=True)


def _event(text: str) -> tuple[str, dict[str, Any], dict[str, Any]] | None:
    """An event's name, metadata and body; None where the line is none."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict):
        return None
    about, body = event.get("metadata"), event.get("body")
    if not isinstance(about, dict) or not isinstance(body, dict):
        return None
    return str(about.get("event_name", "")), about, body


def _look_ahead(
    event: tuple[str, dict[str, Any], dict[str, Any]] | None,
    path: str,
    line: int,
    latest: dict[tuple[str, ...], tuple[str, str, int]],
    seen: Seen,
) -> None:
    """Keep which line tells a result last, and what an outcome is called."""
    if event is None:
        return
    kind, about, body = event
    if kind == UPDATED:
        changed = (str(body.get("updated_at") or about.get("event_time") or ""), path, line)
        latest[_key(body)] = max(latest.get(_key(body), changed), changed)
    elif kind in DEFINED:
        outcome = _local(body.get("learning_outcome_id"))
        if guid := str(body.get("vendor_guid") or ""):
            seen.guids[outcome] = guid
        seen.names[seen.concept(outcome)] = body.get("title") or None


def _key(body: dict[str, Any]) -> tuple[str, ...]:
    """What a result goes by: its id, or what it is of where events are too old to have one."""
    if body.get("id"):
        return (str(body["id"]),)
    fields = ("user_uuid", "learning_outcome_id", "associated_asset_type", "associated_asset_id")
    return tuple(str(body.get(name)) for name in (*fields, "attempt"))


def _happened(
    line: int,
    text: str,
    path: str,
    latest: dict[tuple[str, ...], tuple[str, str, int]],
    others: Counter[str],
    seen: Seen,
) -> dict[str, Any] | None:
    """A line as an answer; None where it tells something else, which is counted."""
    event = _event(text)
    if event is None:
        reject = f"{Reason.BROKEN_JSON} the line is no live event: metadata and body are needed"
        return {"line": line, "reject": reject, "record": text[:RECORD_CHARACTERS]}
    kind, about, body = event
    if kind not in (CREATED, UPDATED):
        if kind not in DEFINED:
            others[kind or "without a name"] += 1
        return None
    last = latest.get(_key(body))
    if last is not None and last[1:] != (path, line):
        reject = f"{Reason.NOT_IN_FORCE} line {last[2]} of {last[1]} changes the result"
        return {"line": line, "reject": reject}
    if body.get("workflow_state") == "deleted":
        return {"line": line, "reject": f"{Reason.NOT_IN_FORCE} its workflow_state is 'deleted'"}
    share = _share(body.get("score"), body.get("possible"))
    result = Result(
        learner=str(body.get("user_uuid") or ""),
        asset=str(body.get("associated_asset_type") or ""),
        asset_id=_local(body.get("associated_asset_id")),
        outcome=_local(body.get("learning_outcome_id")),
        course=_course(about, body),
        time=str(body.get("assessed_at") or about.get("event_time") or ""),
        share=told_number(body.get("percent")) if share is None else share,
    )
    row = _answer(line, result, seen)
    return row | {"record": text[:RECORD_CHARACTERS]} if "reject" in row else row


def _course(about: dict[str, Any], body: dict[str, Any]) -> str:
    for given, prefix in ((body, "result_context"), (about, "context")):
        if given.get(f"{prefix}_type") == "Course":
            return _local(given.get(f"{prefix}_id"))
    return ""


# ---------------------------------------------------------------- rows


def _answer(line: int, result: Result, seen: Seen) -> dict[str, Any]:
    """A result as a row of events; its item and course are kept."""
    lacks = [
        name
        for name, value in (
            ("the asset", result.asset and result.asset_id),
            ("the learning outcome", result.outcome),
            ("the score", result.share is not None),
        )
        if not value
    ]
    if lacks:
        return {"line": line, "reject": f"{Reason.MISSING_FIELD} {lacks[0]} is absent or empty"}
    kind = result.asset.lower()
    asset = f"{ASSETS.get(kind, re.sub(r'[^a-z]', '', kind))}-{result.asset_id}"
    item, concept = f"{asset}-outcome-{result.outcome}", seen.concept(result.outcome)
    course = f"course-{result.course}" if result.course else None
    if course:
        seen.courses.setdefault(course, None)
    row = {"item_id": item, "course_id": course, "kind": "exercise"}
    about = {"title": result.title or None, "url": result.url or None}
    seen.items.setdefault(item, row | about)
    seen.concepts[item] = concept
    seen.names.setdefault(concept, None)
    share = result.share or 0.0
    seen.beyond += share > 1
    return {
        "line": line,
        "learner_id": result.learner or None,
        "item_id": item,
        "time": result.time or None,
        "score": min(share, 1.0),
        "course_id": course,
    }


def _named(seen: Seen, file: str) -> Iterator[Rows | str]:
    """What results name: courses, items, and outcomes that no outcomes CSV has."""
    new = {concept: name for concept, name in seen.names.items() if concept not in seen.outcomes}
    if new and seen.outcomes:
        yield f"outcomes that no outcomes CSV has: {len(new):,}, known by their results alone"
    courses = ({"course_id": k, "name": name} for k, name in seen.courses.items())
    pairs = ({"item_id": k, "concept_id": concept} for k, concept in seen.concepts.items())
    yield rows_of("concepts", file, ({"concept_id": k, "name": v} for k, v in new.items()))
    yield rows_of("courses", file, courses)
    yield rows_of("items", file, seen.items.values())
    yield rows_of("item_concepts", file, pairs)
    if seen.beyond:
        yield f"results with more points than are possible: {seen.beyond:,}, read as all points"


def _share(score: Any, possible: Any) -> float | None:
    reached, most = told_number(score), told_number(possible)
    return None if reached is None or most is None or not most > 0 else reached / most


def _local(given: Any) -> str:
    """An id within its site, of one that may be global.

    >>> _local("21070000000000012"), _local(12), _local(None), _local("A1")
    ('12', '12', '', 'A1')
    """
    text = "" if given is None else str(given).strip()
    return str(int(text) % SHARD) if text.isdecimal() and len(text) <= LONGEST_ID else text


SOURCE = NamedSource(
    name="canvas",
    title="Canvas outcomes",
    about="Canvas's outcomes as CSV, and their results as live events or as its report",
    layout=(OUTCOMES, REPORT, EVENTS),
    read=read,
)
