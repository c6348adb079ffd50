"""What do MOOCCubeX's files say: concepts, courses, what learners watched and answered?

A video is named by its ccid, as its runs in several courses (`V_...`) are one; all other ids are
the files' own. A group of exercises stands for its problems. See
https://github.com/THU-KEG/MOOCCubeX for the fields.
"""

from collections.abc import Iterator

from kgplan.etl.archive import Archive, SourceFile
from kgplan.etl.forms import json_lines, tab_separated
from kgplan.etl.reading import objects, pairs
from kgplan.etl.sources.asking import Asking, asking
from kgplan.etl.sources.steps import NamedSource, Rows

CONCEPTS = "entities/concept.json"
COURSES = "entities/course.json"
VIDEOS = "entities/video.json"
PROBLEMS = "entities/problem.json"
COPIES = "relations/video_id-ccid.txt"
GROUPS = "relations/exercise-problem.txt"
CONCEPT_VIDEO = "relations/concept-video.txt"
CONCEPT_PROBLEM = "relations/concept-problem.txt"
VIEWS = "relations/user-video.json"
ANSWERS = "relations/user-problem.json"
USERS = "entities/user.json"
FIELDS = {
    "prerequisites/psy.json": "心理学",
    "prerequisites/math.json": "数学",
    "prerequisites/cs.json": "计算机科学与技术",
}
"""Files of prerequisites, and the field whose concepts their names stand for."""


def read(archive: Archive) -> Iterator[Rows | str]:
    """Rows of each table, in bounded memory; large files are read as a stream, user-video twice."""
    there = archive.paths
    with asking("mooccubex.sql") as ask:
        yield from _structure(ask, archive)
        for path in (CONCEPT_VIDEO, CONCEPT_PROBLEM):
            if path in there:
                yield ask.rows("item_concepts", path, "item_concepts", pairs(archive, path))
        for path, field in FIELDS.items():
            if path in there:
                ask.keep("keep_pairs", objects(archive, path), field=field)
                yield ask.rows("prerequisites", path, "prerequisites")
                yield from _left_out(ask, path)
                ask.run("forget_pairs")
        if USERS in there:
            yield ask.rows("enrolments", USERS, "enrolments", archive.lines(USERS))
        if VIEWS in there:
            yield ask.rows("events", VIEWS, "views", objects(archive, VIEWS))
        if ANSWERS in there:
            yield ask.rows("events", ANSWERS, "answers", objects(archive, ANSWERS))
        yield from ask.notes


def _structure(ask: Asking, archive: Archive) -> Iterator[Rows | str]:
    """Concepts, courses and items; afterwards it is known which ids stand for one video."""
    for path, query in (
        (CONCEPTS, "keep_concepts"),
        (COPIES, "keep_copies"),
        (GROUPS, "keep_groups"),
        (COURSES, "keep_shown"),
        (VIDEOS, "keep_films"),
        (PROBLEMS, "keep_problems"),
    ):
        if path in archive.paths:
            read = pairs if path in (COPIES, GROUPS) else objects
            ask.keep(query, read(archive, path))
    for path, query in ((COPIES, "broken_copies"), (GROUPS, "broken_groups")):
        broken, first = ask.counts(query)
        if broken:
            yield f"{path}: {broken:,} rows without two columns, the first on line {first}"
    ask.run("single_copies")
    ask.run("single_shown")
    if VIEWS in archive.paths:
        ask.keep("keep_reached", objects(archive, VIEWS))
    ask.run("keep_lengths")
    yield ask.rows("concepts", CONCEPTS, "concepts", objects(archive, CONCEPTS))
    yield ask.rows("courses", COURSES, "courses", objects(archive, COURSES))
    yield ask.rows("items", VIDEOS, "films")
    if PROBLEMS in archive.paths:
        yield ask.rows("items", PROBLEMS, "problems", objects(archive, PROBLEMS))
    yield ask.rows("items", COURSES, "course_items", objects(archive, COURSES))
    for path, query in ((COPIES, "other_films"), (GROUPS, "other_problems")):
        if path in archive.paths:
            yield ask.rows("items", path, query)


def _left_out(ask: Asking, path: str) -> Iterator[str]:
    annotated, predicted = ask.counts("left_out")
    if annotated or predicted:
        yield (
            f"{path}: left out {annotated:,} pairs that people call none"
            f" and {predicted:,} that are predicted to be none"
        )


def _unread(path: str) -> SourceFile:
    return SourceFile(path, required=False, used=False)


SOURCE = NamedSource(
    name="mooccubex",
    title="MOOCCubeX",
    about="courses, videos, problems and learners of XuetangX, 2021",
    layout=(
        SourceFile(CONCEPTS, seems=json_lines("id")),
        SourceFile(COURSES, seems=json_lines("id")),
        SourceFile(CONCEPT_VIDEO, seems=tab_separated),
        SourceFile(VIDEOS, required=False, seems=json_lines("ccid")),
        SourceFile(PROBLEMS, required=False, seems=json_lines("id")),
        SourceFile(COPIES, required=False, seems=tab_separated),
        SourceFile(GROUPS, required=False, seems=tab_separated),
        SourceFile(CONCEPT_PROBLEM, required=False, seems=tab_separated),
        *(SourceFile(path, required=False, seems=json_lines("c1")) for path in FIELDS),
        SourceFile(VIEWS, required=False, seems=json_lines("user_id")),
        SourceFile(ANSWERS, required=False, seems=json_lines("user_id")),
        SourceFile(USERS, required=False, seems=json_lines("id")),
        # what the plain tables have no place for, or what follows from files that are read
        _unread("entities/{comment,other,paper,reply,school,teacher}.json"),
        _unread("relations/{concept-course,course-school,course-teacher}.txt"),
        _unread("relations/course-field.json"),
    ),
    read=read,
)
