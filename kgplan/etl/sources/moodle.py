"""What do Moodle's competencies and the backup of a course say?

Read are the CSV of a competency framework and a course's backup (.mbz), alone or side by side. A
competency is a concept, `FRAMEWORK:IDNUMBER`, as an idnumber is one within its framework only. An
activity is an item under its module and number, as in `quiz-57` for `mod/quiz/view.php?id=57`, and
the course is `course-57` for `course/view.php?id=57`: statements of logstore_xapi name them so.

An access restriction is a prerequisite of concepts where activity B needs activity A, both have
competencies and none in common: what A is about comes before what B is about. It is taken as
predicted, since the teacher ordered activities and not concepts. Where they share a competency the
restriction orders practice of the same, and where two restrictions order the same concepts both
ways nothing is known.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from kgplan.etl.archive import Archive, SourceFile, open_packed
from kgplan.etl.sources import mbz
from kgplan.etl.sources.columns import sheet
from kgplan.etl.sources.conditions import PREVIOUS, Needed, restriction
from kgplan.etl.sources.markup import text_of
from kgplan.etl.sources.mbz import Activity, Course
from kgplan.etl.sources.steps import NamedSource, Rows, rows_of
from kgplan.etl.tables import Reason

FRAMEWORK = SourceFile("*.csv", required=False, sign=r"(?i)\A[^\n]*\bparent id number\b")
PACKED = SourceFile("*.mbz", required=False)
COLUMNS = ("Parent ID number", "ID number", "Short name", "Description", "Is framework")
RELATED = "Cross-referenced competency ID numbers"

EXERCISES = frozenset(
    {"assign", "h5pactivity", "hvp", "lesson", "lti", "quiz", "scorm", "workshop"}
)
TEXTS = frozenset({"book", "folder", "glossary", "imscp", "page", "resource", "url", "wiki"})
VIDEO_SITES = re.compile(
    r"https?://([\w-]+\.)*(youtube\.com|youtube-nocookie\.com|youtu\.be|vimeo\.com|bilibili\.com)/"
    r"|[^?#]*\.(mp4|m4v|webm|ogv|mov)([?#]|$)",
    re.IGNORECASE,
)


def read(archive: Archive) -> Iterator[Rows | str]:
    """Rows of frameworks and of the course.

    Raises:
        SourceError: there is neither, a file is no XML, or lacks a column.
        InputError: a file is no CSV.
    """
    frameworks, packed = archive.found(FRAMEWORK), archive.found(PACKED)
    for path in frameworks:
        yield from _competencies(archive, path)
    courses = dict[str, Course]()
    for path in packed:
        with open_packed(archive, path) as backup:
            courses[path] = mbz.read_course(backup.within(mbz.LAYOUT))
    if archive.found(mbz.BACKUP) or not (frameworks or packed):
        courses[mbz.BACKUP.path] = mbz.read_course(archive)
    if courses and not frameworks:
        yield from _bare_competencies(courses)
    for path, course in courses.items():
        yield from _course(course, path)


def _bare_competencies(courses: dict[str, Course]) -> Iterator[Rows | str]:
    """Competencies that only courses name."""
    numbers = {
        _concept_id(*each): each[1]
        for course in courses.values()
        for activity in course.activities
        for each in activity.competencies
    }
    if numbers:
        yield (
            "no framework's CSV lies beside: competencies have ID numbers for names, and no parents"
        )
    concepts = [{"concept_id": key, "name": number} for key, number in numbers.items()]
    yield rows_of("concepts", next(iter(courses)), concepts)


# ---------------------------------------------------------------- competencies


def _competencies(archive: Archive, path: str) -> Iterator[Rows | str]:
    related = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal related
        framework = ""
        for line, row, reject in given.records():
            if reject is None and row["Is framework"] not in ("", "0"):
                framework = row["ID number"]
                continue
            related += bool(row.get(RELATED))
            own, parent = row.get("ID number"), row.get("Parent ID number")
            yield {
                "line": line,
                "reject": reject,
                "concept_id": f"{framework}:{own}" if own else None,
                "name": row.get("Short name") or own or None,
                "definition": text_of(row.get("Description", "")) or None,
                "parent": f"{framework}:{parent}" if parent and parent != framework else None,
            }

    with sheet(archive, path, COLUMNS, [RELATED]) as given:
        yield from given.notes
        yield rows_of("concepts", path, rows())
    if related:
        yield f"{path}: {related:,} competencies name related ones, not read: that is no order"


# ---------------------------------------------------------------- the course


def _course(course: Course, file: str) -> Iterator[Rows | str]:
    course_id = f"course-{course.id}"
    yield rows_of("courses", file, [{"course_id": course_id, "name": course.name or None}])
    aside = Counter[str]()
    items = list[dict[str, Any]]()
    for place, each in enumerate(course.activities, 1):
        if each.kind in EXERCISES | TEXTS or each.competencies:
            items.append(_item(each, place, course, course_id))
        else:
            aside[each.kind or "of no kind"] += 1
    yield rows_of("items", file, items)
    for kind, count in sorted(aside.items()):
        yield f"activities {kind}: {count:,}, left out: no competency says what for"
    if course.unplaced:
        yield f"activities that no section has: {course.unplaced:,}, put behind the others"
    yield from _aligned(course, file)
    yield from _prerequisites(course, file)


def _item(activity: Activity, place: int, course: Course, course_id: str) -> dict[str, Any]:
    view = f"{course.site}/mod/{activity.kind}/view.php?id={activity.id}"
    hidden = f"{Reason.NOT_IN_FORCE} it is hidden from learners"
    return {
        "line": place,
        "reject": hidden if activity.is_hidden else None,
        "item_id": _item_id(activity),
        "course_id": course_id,
        "position": place,
        "kind": _kind(activity),
        "title": activity.title or None,
        "url": view if course.site else None,
    }


def _kind(activity: Activity) -> str:
    """video, exercise or text; any other module by its own name, which counts as a text."""
    if activity.is_video or (activity.kind == "url" and VIDEO_SITES.match(activity.link)):
        return "video"
    if activity.kind in EXERCISES:
        return "exercise"
    return "text" if activity.kind in TEXTS else activity.kind


def _aligned(course: Course, file: str) -> Iterator[Rows | str]:
    pairs = [
        {"line": place, "item_id": _item_id(each), "concept_id": _concept_id(*competency)}
        for place, each in enumerate(course.activities, 1)
        if not each.is_hidden
        for competency in each.competencies
    ]
    if not pairs:
        yield f"{file}: no activity has a competency; say in item_concepts.csv what each is about"
    yield rows_of("item_concepts", file, pairs)


# ---------------------------------------------------------------- restrictions


@dataclass(frozen=True)
class _Order:
    """Some activities before another, as concepts.

    Attributes:
        place: of the later one.
        name: of it, and of the restriction.
        pairs: of concepts; where `is_choice`, one of the earlier concepts will do.
    """

    place: int
    name: str
    pairs: tuple[tuple[str, str], ...]
    is_choice: bool


def _prerequisites(course: Course, file: str) -> Iterator[Rows | str]:
    """What restrictions say of concepts; see this module's text."""
    silent = Counter[str]()
    orders = list(_orders(course, silent))
    told = {pair for order in orders for pair in order.pairs}
    both = {pair for pair in told if pair[::-1] in told}
    rows = dict[tuple[str, str], dict[str, Any]]()
    for order in sorted(orders, key=lambda each: each.is_choice):
        if order.is_choice and not both.isdisjoint(order.pairs):
            silent["with a choice of which part is unknown"] += 1
        elif order.is_choice and not rows.keys().isdisjoint(order.pairs):
            silent["with a choice that another one narrows"] += 1
        else:
            for pair in order.pairs:
                any_of = order.name if order.is_choice else None
                rows.setdefault(pair, {"line": order.place, "any_of": any_of})
    yield rows_of(
        "prerequisites",
        file,
        (
            {"before": before, "after": after, "source": "prediction", **row}
            for (before, after), row in rows.items()
            if (before, after) not in both
        ),
    )
    for kind, count in sorted(silent.items()):
        yield f"access restrictions {kind}: {count:,}, not read"
    if both:
        named = ", ".join(" and ".join(pair) for pair in sorted(both) if pair[0] < pair[1])
        yield f"access restrictions order both ways: {named}; neither is a prerequisite"


def _orders(course: Course, silent: Counter[str]) -> Iterator[_Order]:
    """What restrictions order; the others are counted."""
    about = {
        each.id: frozenset(_concept_id(*competency) for competency in each.competencies)
        for each in course.activities
    }
    before = ""  # the last activity whose completion is tracked
    for place, each in enumerate(course.activities, 1):
        asked = [restriction(condition) for condition in each.conditions]
        silent.update(f"on {kind}" for one in asked for kind in one.others.elements())
        alternatives = [needed for one in asked for needed in one.needed]
        for number, some in enumerate(alternatives):
            earlier = [about.get(_activity(needed, course, before), frozenset()) for needed in some]
            if pairs := _pairs(earlier, about[each.id]):
                yield _Order(place, f"{each.id}-{number}", tuple(pairs), len(some) > 1)
            else:
                silent["that say nothing of concepts"] += 1
        before = each.id if each.is_tracked else before


def _activity(needed: Needed, course: Course, before: str) -> str:
    """The activity that has to be done."""
    if needed.kind == "grade":
        return course.graded.get(needed.id, "")
    return before if needed.id == PREVIOUS else needed.id


def _pairs(earlier: list[frozenset[str]], later: frozenset[str]) -> list[tuple[str, str]]:
    """Pairs of concepts that an order of activities tells; alternatives have to be one each."""
    if not later or any(not each or each & later for each in earlier):
        return []
    if len(earlier) > 1 and any(len(each) > 1 for each in earlier):
        return []
    return [pair for each in earlier for pair in product(sorted(each), sorted(later))]


def _item_id(activity: Activity) -> str:
    return f"{activity.kind}-{activity.id}"


def _concept_id(framework: str, number: str) -> str:
    return f"{framework}:{number}"


SOURCE = NamedSource(
    name="moodle",
    title="Moodle",
    about="a course's backup (.mbz), and competency frameworks as CSV",
    layout=(*mbz.LAYOUT, PACKED, FRAMEWORK),
    read=read,
)
