"""What does a OneRoster export say: line items, their learning objectives, results?

Read is the CSV binding of OneRoster 1.1 and 1.2 with its gradebook, and the CASE packages that lie
beside it, whose items the learning objectives are [1EdTech OneRoster CSV Binding 1.2]. A line item
is an exercise of its class's course. Ids of a kind are its own only, so `course-` and `lineitem-`
stand before them; learners have the ids of users, concepts those of CASE.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from kgplan.data.told import told_number
from kgplan.etl.archive import Archive, SourceFile
from kgplan.etl.sources import case
from kgplan.etl.sources.case import concept_id
from kgplan.etl.sources.columns import Record, sheet
from kgplan.etl.sources.steps import NamedSource, Rows, rows_of
from kgplan.etl.tables import Reason

LINE_ITEMS, RESULTS, ENROLMENTS = "lineItems.csv", "results.csv", "enrollments.csv"
ALIGNED_ITEMS, ALIGNED_RESULTS = (
    "lineItemLearningObjectiveIds.csv",
    "resultLearningObjectiveIds.csv",
)
PACKAGES = replace(case.PACKAGE, required=False)
GRADED, STUDENT = "fully graded", "student"
UNUSED = (
    *("orgs", "users", "academicSessions", "categories", "demographics", "roles"),
    *("userProfiles", "resources", "classResources", "courseResources", "userResources"),
    *("scoreScales", "lineItemScoreScales", "resultScoreScales"),
    *("assessmentLineItems", "assessmentResults"),
    *("assessmentLineItemLearningObjectiveIds", "assessmentResultLearningObjectiveIds"),
)


@dataclass(frozen=True)
class LineItem:
    """A line item, as its results need it.

    Attributes:
        lowest, highest: the scale of scores; NaN where it is not said.
        in_force: whether it is not deleted.
    """

    lowest: float
    highest: float
    in_force: bool


@dataclass(frozen=True)
class Alignment:
    """Which line items, or results, are aligned with which learning objectives, and where.

    Attributes:
        file: that says so.
        lines: sourcedId and concept -> the line.
    """

    file: str
    lines: dict[tuple[str, str], int]


def read(archive: Archive) -> Iterator[Rows | str]:
    """Rows of all files.

    Raises:
        SourceError: a file lacks a column that it needs, or a package is no JSON.
        InputError: a file is no CSV.
    """
    yield from _manifest(archive)
    courses = yield from _courses(archive)
    items = yield from _items(archive, courses)
    of_items = yield from _aligned(archive, ALIGNED_ITEMS, "lineItemSourcedId")
    of_results = yield from _aligned(archive, ALIGNED_RESULTS, "resultSourcedId")
    objectives = dict.fromkeys(concept for _, concept in (*of_items.lines, *of_results.lines))
    if archive.found(PACKAGES):
        yield from case.read(archive)
    else:
        yield "no CASE package lies beside: learning objectives have ids for names"
        yield rows_of("concepts", of_items.file, ({"concept_id": each} for each in objectives))
    yield rows_of("item_concepts", of_items.file, map(_pair, of_items.lines.items()))
    found = dict[tuple[str, str], int]()
    yield from _results(archive, items, of_results, found)
    more = {pair: line for pair, line in found.items() if pair not in of_items.lines}
    yield rows_of("item_concepts", of_results.file, map(_pair, more.items()))
    yield from _enrolments(archive, courses)


def _manifest(archive: Archive) -> Iterator[str]:
    """Whether files hold only what changed."""
    if "manifest.csv" in archive.paths:
        with sheet(archive, "manifest.csv", ["propertyName", "value"]) as given:
            parts = [
                row["propertyName"].removeprefix("file.")
                for _, row, reject in given.records()
                if reject is None and row["value"].lower() == "delta"
            ]
        if parts:
            yield f"only what changed since an earlier export (delta): {', '.join(parts)}"


def _courses(archive: Archive) -> Generator[Rows | str, None, dict[str, str] | None]:
    """Courses; and for each class its course, None where no file says so."""
    if "classes.csv" not in archive.paths:
        yield "there is no classes.csv: each class is a course"
        return None
    if "courses.csv" in archive.paths:
        with sheet(archive, "courses.csv", ["sourcedId", "title"], ["status"]) as given:
            yield from given.notes
            yield rows_of("courses", given.path, map(_course, given.records()))
    with sheet(archive, "classes.csv", ["sourcedId", "courseSourcedId"], ["status"]) as given:
        yield from given.notes
        return {
            row["sourcedId"]: row["courseSourcedId"]
            for _, row, reject in given.records()
            if reject is None
        }


def _course(record: Record) -> dict[str, Any]:
    line, row, reject = record
    return {
        "line": line,
        "reject": reject or _gone(row),
        "course_id": _prefixed("course", row.get("sourcedId")),
        "name": row.get("title") or None,
    }


def _items(
    archive: Archive, courses: dict[str, str] | None
) -> Generator[Rows | str, None, dict[str, LineItem]]:
    """Line items as exercises, in the order in which they are due; and each by its sourcedId."""
    with sheet(
        archive,
        LINE_ITEMS,
        ["sourcedId", "title", "classSourcedId"],
        ["status", "assignDate", "dueDate", "resultValueMin", "resultValueMax"],
    ) as given:
        yield from given.notes
        records = list(given.records())
    when = [row.get("dueDate") or row.get("assignDate") or "" for _, row, _ in records]
    order = sorted(range(len(records)), key=lambda k: (not when[k], when[k]))
    places = {k: place for place, k in enumerate(order, 1)}
    yield rows_of(
        "items", LINE_ITEMS, (_item(each, places[k], courses) for k, each in enumerate(records))
    )
    return {
        row["sourcedId"]: LineItem(
            _number(row.get("resultValueMin") or "0"),
            _number(row.get("resultValueMax", "")),
            _gone(row) is None,
        )
        for _, row, reject in records
        if reject is None
    }


def _item(record: Record, place: int, courses: dict[str, str] | None) -> dict[str, Any]:
    line, row, reject = record
    course, nowhere = _taught(row, courses)
    return {
        "line": line,
        "reject": reject or nowhere or _gone(row),
        "item_id": _prefixed("lineitem", row.get("sourcedId")),
        "course_id": course,
        "position": place,
        "kind": "exercise",
        "title": row.get("title") or None,
    }


def _taught(row: dict[str, str], courses: dict[str, str] | None) -> tuple[str | None, str | None]:
    """The course of a row's class, and why it is none."""
    taught = row.get("classSourcedId", "")
    if courses is None:
        return _prefixed("class", taught), None
    if taught not in courses:
        return None, f"{Reason.DANGLING_ID} there is no class '{taught}' in classes.csv"
    return _prefixed("course", courses[taught]), None


def _aligned(archive: Archive, path: str, owner: str) -> Generator[Rows | str, None, Alignment]:
    """What a file of learning objectives says; what it cannot say is told."""
    lines, broken = dict[tuple[str, str], int](), list[dict[str, Any]]()
    elsewhere, scored = Counter[str](), 0
    if path in archive.paths:
        needed, known = [owner, "source", "learningObjectiveId"], ["status", "score", "textScore"]
        with sheet(archive, path, needed, known) as given:
            yield from given.notes
            for line, row, reject in given.records():
                if reject := reject or _gone(row):
                    broken.append({"line": line, "reject": reject})
                elif row["source"].lower() != "case":
                    elsewhere[row["source"]] += 1
                else:
                    lines.setdefault((row[owner], concept_id(row["learningObjectiveId"])), line)
                    scored += bool(row.get("score") or row.get("textScore"))
        yield rows_of("item_concepts", path, broken)
    for source, count in sorted(elsewhere.items()):
        yield f"{path}: {count:,} objectives of source '{source}', not read: they are not CASE's"
    if scored:
        yield f"{path}: {scored:,} scores of single objectives, not read: no file tells their scale"
    return Alignment(path, lines)


def _results(
    archive: Archive,
    items: dict[str, LineItem],
    aligned: Alignment,
    found: dict[tuple[str, str], int],
) -> Iterator[Rows | str]:
    """Results as answers; `found` gets the line items' concepts that single results tell."""
    concepts = defaultdict[str, list[tuple[str, int]]](list)
    for (result, concept), line in aligned.lines.items():
        concepts[result].append((concept, line))
    if RESULTS not in archive.paths:
        return
    beyond = 0

    def rows(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
        nonlocal beyond
        for line, row, reject in records:
            item = items.get(row.get("lineItemSourcedId", ""))
            score, wrong = _score(row, item) if reject is None else (None, None)
            if item is not None:
                for concept, place in concepts.pop(row["sourcedId"], ()):
                    found[row["lineItemSourcedId"], concept] = place
            if isinstance(score, float) and score > 1:
                beyond, score = beyond + 1, 1.0
            yield {
                "line": line,
                "reject": reject or wrong,
                "learner_id": row.get("studentSourcedId"),
                "item_id": _prefixed("lineitem", row.get("lineItemSourcedId")),
                "time": row.get("scoreDate") or None,
                "score": score,
            }

    needed = ["sourcedId", "lineItemSourcedId", "studentSourcedId", "scoreStatus", "score"]
    with sheet(archive, RESULTS, needed, ["status", "scoreDate", "textScore"]) as given:
        yield from given.notes
        yield rows_of("events", RESULTS, rows(given.records()))
    if beyond:
        yield f"{RESULTS}: {beyond:,} scores above the line item's highest, read as the highest"
    yield rows_of(
        "item_concepts",
        aligned.file,
        (
            {"line": line, "reject": f"{Reason.DANGLING_ID} there is no result '{result}'"}
            for result, rest in concepts.items()
            for _, line in rest
        ),
    )


def _score(row: dict[str, str], item: LineItem | None) -> tuple[float | str | None, str | None]:
    """A result's share of its line item's scale, and why it is none."""
    if gone := _gone(row):
        return None, gone
    if row["scoreStatus"].lower() != GRADED:
        return None, f"{Reason.NOT_IN_FORCE} scoreStatus is '{row['scoreStatus']}', not '{GRADED}'"
    if item is None:  # which is told of the row
        return None, None
    if not item.in_force:
        return None, f"{Reason.NOT_IN_FORCE} its line item is deleted"
    if not row["score"]:
        told = f" (textScore is '{row['textScore']}')" if row.get("textScore") else ""
        return None, f"{Reason.MISSING_FIELD} score is absent or empty{told}"
    width = item.highest - item.lowest
    if not width > 0:
        return None, (
            f"{Reason.MISSING_FIELD} its line item has no scale: resultValueMax is absent, or not"
            " above resultValueMin"
        )
    score = _number(row["score"])
    return (row["score"], None) if math.isnan(score) else ((score - item.lowest) / width, None)


def _enrolments(archive: Archive, courses: dict[str, str] | None) -> Iterator[Rows | str]:
    """Students of classes as those who take their courses; other roles are counted."""
    if ENROLMENTS not in archive.paths:
        return
    others = Counter[str]()

    def rows(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
        for line, row, reject in records:
            if reject is None and row["role"].lower() != STUDENT:
                others[row["role"]] += 1
                continue
            course, nowhere = _taught(row, courses)
            yield {
                "line": line,
                "reject": reject or nowhere or _gone(row),
                "learner_id": row.get("userSourcedId"),
                "course_id": course,
                "time": row.get("beginDate") or None,
            }

    needed = ["classSourcedId", "userSourcedId", "role"]
    with sheet(archive, ENROLMENTS, needed, ["status", "beginDate"]) as given:
        yield from given.notes
        yield rows_of("enrolments", ENROLMENTS, rows(given.records()))
    for role, count in sorted(others.items()):
        yield f"{ENROLMENTS}: {count:,} of role '{role}', not read: they learn nothing there"


def _pair(aligned: tuple[tuple[str, str], int]) -> dict[str, Any]:
    (item, concept), line = aligned
    return {"line": line, "item_id": _prefixed("lineitem", item), "concept_id": concept}


def _gone(row: dict[str, str]) -> str | None:
    """Why a row does not count, by its status."""
    status = row.get("status", "")
    is_there = status.lower() in ("", "active")
    return None if is_there else f"{Reason.NOT_IN_FORCE} its status is '{status}'"


def _prefixed(kind: str, sourced_id: str | None) -> str | None:
    return f"{kind}-{sourced_id}" if sourced_id else None


def _number(text: str) -> float:
    """A number; NaN where it is none, or without end."""
    number = told_number(text.replace(",", "."))
    return math.nan if number is None else number


SOURCE = NamedSource(
    name="oneroster",
    title="OneRoster",
    about="a school's gradebook as OneRoster 1.1 or 1.2 CSV, with CASE packages beside it",
    layout=(
        SourceFile(LINE_ITEMS),
        *(
            SourceFile(path, required=False)
            for path in (
                *("manifest.csv", "courses.csv", "classes.csv"),
                *(ALIGNED_ITEMS, RESULTS, ALIGNED_RESULTS, ENROLMENTS),
            )
        ),
        PACKAGES,
        *(SourceFile(f"{name}.csv", required=False, used=False) for name in UNUSED),
    ),
    read=read,
)
