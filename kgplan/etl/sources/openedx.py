"""What does an Open edX course say: its export in OLX, the tags of its blocks, tracking logs?

Ids are those that Open edX's events and statements name: a course is `course-v1:ORG+COURSE+RUN`, an
item `block-v1:ORG+COURSE+RUN+type@video+block@URL_NAME`. A concept is a tag, `TAXONOMY:TAG`, as a
tag is one within its taxonomy only.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from xml.sax.saxutils import quoteattr

from kgplan.data.told import told_seconds
from kgplan.errors import InputError
from kgplan.etl.archive import Archive, SourceFile, open_packed
from kgplan.etl.sources.olx import (
    CONTAINERS,
    KINDS,
    SCORED,
    Course,
    Element,
    Fault,
    Name,
    Unreadable,
)
from kgplan.etl.sources.steps import RECORD_CHARACTERS, NamedSource, Rows, rows_of
from kgplan.etl.sources.tracking_log import LOGS, read_logs
from kgplan.store.csvfile import stream_csv

Row = dict[str, Any]

COURSE = SourceFile("**/course.xml")
PACKED = SourceFile("**/course*.tar.gz")
TAGS = SourceFile("**/*tags.csv", required=False)
TAXONOMY = SourceFile("**/taxonomies/*.csv", required=False)

NO_CONCEPTS = frozenset({"languages-v1"})
"""Taxonomies that every Open edX has, of tags that nobody learns."""


@dataclass
class _Tagged:
    """What the tags of a course's blocks may be of.

    Attributes:
        key: ORG+COURSE+RUN.
        names: all blocks of the course.
        items: item -> its own name and those of the blocks around it, the nearest first.
    """

    key: str
    names: set[Name]
    items: dict[str, tuple[Name, ...]]


@dataclass
class _Known:
    """What was read so far, of all courses.

    Attributes:
        courses: key -> what its tags may be of.
        folders: where a course lies -> its key; None where it was left out.
        parents: taxonomy -> tag -> the tag above it, None at the top.
        concepts: ids that were given.
        lengths: item -> seconds, of videos.
    """

    courses: dict[str, _Tagged] = field(default_factory=dict)
    folders: dict[str, str | None] = field(default_factory=dict)
    parents: dict[str, dict[str, str | None]] = field(default_factory=dict)
    concepts: set[str] = field(default_factory=set)
    lengths: dict[str, float] = field(default_factory=dict)


def read(archive: Archive) -> Iterator[Rows | str]:
    """Rows of all courses: exports as Studio packs them, and unpacked ones.

    Raises:
        SourceError: a packed export cannot be unpacked.
        InputError: a table of tags cannot be read.
    """
    known = _Known()
    for path in TAXONOMY.among(archive.paths):
        known.parents[PurePosixPath(path).stem] = _parents(archive, path)
    yield from _courses(archive, known, "")
    for path in PACKED.among(archive.paths):
        with open_packed(archive, path) as inner:
            if not COURSE.among(inner.paths):
                yield f"{path} holds no course.xml: left out"
            yield from _courses(inner, known, f"{path}/")
            for tags in TAGS.among(inner.paths):
                yield from _tags(inner, tags, known, f"{path}/")
    for path in TAGS.among(archive.paths):
        yield from _tags(archive, path, known, "")
    yield from read_logs(archive, {f"course-v1:{run}" for run in known.courses}, known.lengths)
    if not known.concepts:
        yield (
            "no block has a tag: tag the course's content in Studio and export it again, or put"
            " concepts.csv and item_concepts.csv beside the export"
        )


def _courses(archive: Archive, known: _Known, around: str) -> Iterator[Rows | str]:
    """Rows of each course.xml that is no part of another course."""
    parts = set()
    for path in sorted(COURSE.among(archive.paths), key=lambda path: (path.count("/"), path)):
        if path in parts:
            continue
        parts.add(f"{path.removesuffix('.xml')}/course.xml")  # what a run called "course" is
        file = around + path
        known.folders[_folder(file)] = None
        try:
            course = Course(archive, path)
        except Unreadable as error:
            yield rows_of("courses", file, [{"line": 1, "reject": f"broken_row {error}"}])
            continue
        root: Row = {"line": course.root.line, "record": _record(course.root)}
        if course.lacks:
            reject = f"missing_field {path} does not say {' and '.join(course.lacks)} of its course"
            yield rows_of("courses", file, [root | {"reject": reject}])
            continue
        if course.run in known.courses:
            yield f"{file} is {course.run} once more: left out"
            continue
        yield rows_of(
            *("courses", file),
            [root | {"course_id": f"course-v1:{course.run}", "name": course.title}],
        )
        tagged = _Tagged(course.run, course.names, {})
        known.courses[course.run] = tagged
        known.folders[_folder(file)] = course.run
        yield rows_of("items", file, _items(course, tagged, known.lengths))
        yield from _notes(course)


def _items(course: Course, tagged: _Tagged, lengths: dict[str, float]) -> Iterator[Row]:
    for position, block in enumerate(course.blocks(), 1):
        row: Row = {"line": block.element.line, "record": _record(block.element)}
        if isinstance(block, Fault):
            yield row | {"reject": f"{block.reason} {block.detail}"}
            continue
        item = f"block-v1:{course.run}+type@{block.name[0]}+block@{block.name[1]}"
        tagged.items.setdefault(item, (block.name, *block.within))
        if seconds := told_seconds(block.seconds):
            lengths[item] = seconds
        yield row | {
            "item_id": item,
            "course_id": f"course-v1:{course.run}",
            "position": position,
            "kind": block.kind,
            "title": block.title,
            "seconds": block.seconds,
        }


def _record(element: Element) -> str:
    """Where an element is and how it begins, for people."""
    told = "".join(f" {name}={quoteattr(value)}" for name, value in element.told.items())
    return f"{element.place}: <{element.kind}{told}>"[:RECORD_CHARACTERS]


def _notes(course: Course) -> Iterator[str]:
    """What is left out of a course by its meaning; known once its items were read."""
    found = (
        (f"no video, exercise or text: {_counted(course.left_out)}", course.left_out.total()),
        (f"seen by staff only: {course.for_staff}", course.for_staff),
        (
            f"parts of which a learner sees some, all read: {_counted(course.some_of)}",
            course.some_of.total(),
        ),
        (
            f"sections that open when another is passed: {course.gates}; that is said of no single"
            " concept and makes no prerequisite",
            course.gates,
        ),
    )
    yield from course.notes
    yield from (f"{course.run}: {text}" for text, n in found if n)


def _counted(kinds: Counter[str]) -> str:
    return ", ".join(f"{kind} {n}" for kind, n in sorted(kinds.items()) if n)


def _parents(archive: Archive, path: str) -> dict[str, str | None]:
    """Tag -> the tag above it, of a taxonomy as Studio exports it."""
    with archive.open(path) as stream:
        table = stream_csv(stream, path, archive.encoding)
        if not {"id", "value"} <= set(table.header):
            raise InputError(
                f"{path} has the columns {', '.join(table.header[:8])}; a taxonomy that Studio"
                " exports as CSV has id, value and parent_id"
            )
        rows = [dict(zip(table.header, cells, strict=False)) for _, cells in table.rows]
    values = {row["id"]: row.get("value", "") for row in rows}
    return {values[row["id"]]: values.get(row.get("parent_id", "")) for row in rows}


def _tags(archive: Archive, path: str, known: _Known, around: str) -> Iterator[Rows | str]:
    """Rows of the tags of one course's blocks."""
    file = around + path
    run = known.folders.get(_folder(file), "")
    if run is None:
        return
    with archive.open(path) as stream:
        table = stream_csv(stream, file, archive.encoding)
        if table.header[:3] != ["Name", "Type", "ID"]:
            raise InputError(
                f"{file} has the columns {', '.join(table.header[:8])}; the tags of a course that"
                " Studio exports have Name, Type, ID and one for each taxonomy"
            )
        yield from (note for note in table.notes)
        tags = _Tags(known, file, table.header[3:], run)
        tags.take(table.rows)
    yield rows_of("concepts", file, tags.concepts)
    yield rows_of("item_concepts", file, tags.of_items())
    yield from tags.notes()


def _folder(file: str) -> str:
    return file[: file.rfind("/") + 1]


class _Tags:
    """A table of tags, being read.

    An item's tags are its own; of a taxonomy of which it has none, those of the nearest unit,
    subsection or section around it that has some.
    """

    def __init__(self, known: _Known, file: str, taxonomies: list[str], run: str) -> None:
        """
        Args:
            known: what was read before; its concepts grow.
            file: for notes.
            taxonomies: the columns.
            run: of the course in whose folder the table lies; empty where it lies elsewhere.
        """
        self.concepts: list[Row] = []
        self._known, self._file = known, file
        self._taxonomies = taxonomies
        self._run, self._is_inside = run, bool(run)
        if len(known.courses) == 1:
            [self._run] = known.courses
        self._of: dict[tuple[Name, str], list[tuple[int, str]]] = {}  # block, taxonomy -> concepts
        self._rejects: list[Row] = []
        self._used: set[Name] = set()
        self._of_course = 0

    def take(self, rows: Iterator[tuple[int, list[str]]]) -> None:
        """Read each row: of a block, or of the course."""
        width = 3 + len(self._taxonomies)
        for line, cells in rows:
            record = ", ".join(cells)
            if len(cells) != width:
                reject = f"broken_row the row has {len(cells)} cells, the header {width}"
                self._rejects.append({"line": line, "record": record, "reject": reject})
                continue
            _, kind, given, *tags = cells
            if kind == "course":
                if not self._is_inside:
                    self._run = given.removeprefix("course-v1:")
                self._of_course += any(tags)
            elif any(tags):
                name = (kind, re.sub(r".*\+block@", "", given))
                self._take_block(line, record, name, tags)

    def _take_block(self, line: int, record: str, name: Name, tags: list[str]) -> None:
        course = self._known.courses.get(self._run)
        if course is None or name not in course.names:
            lacking = f"{course.key} has no" if course else "no course is told that has"
            reject = f"dangling_id {lacking} {' '.join(name)}"
            self._rejects.append({"line": line, "record": record, "reject": reject})
            return
        for taxonomy, cell in zip(self._taxonomies, tags, strict=True):
            values = list(dict.fromkeys(tag.strip() for tag in cell.split(";") if tag.strip()))
            if values and taxonomy not in NO_CONCEPTS:
                for value in values:
                    self._concept(line, record, taxonomy, value)
                self._of[name, taxonomy] = [(line, f"{taxonomy}:{value}") for value in values]

    def _concept(self, line: int, record: str, taxonomy: str, tag: str) -> None:
        """Give a concept and those above it, each once."""
        above = self._known.parents.get(taxonomy, {})
        value: str | None = tag
        while value and (concept := f"{taxonomy}:{value}") not in self._known.concepts:
            parent = above.get(value)
            self._known.concepts.add(concept)
            row = {"line": line, "record": record, "concept_id": concept, "name": value}
            self.concepts.append(row | {"parent": parent and f"{taxonomy}:{parent}"})
            value = parent

    def of_items(self) -> Iterator[Row]:
        """Rows of item_concepts, and what cannot be used."""
        yield from self._rejects
        course = self._known.courses.get(self._run)
        for item, names in course.items.items() if course else ():
            for taxonomy in self._taxonomies:
                name = next((each for each in names if (each, taxonomy) in self._of), None)
                if name is not None:
                    self._used.add(name)
                    for line, concept in self._of[name, taxonomy]:
                        yield {"line": line, "item_id": item, "concept_id": concept}

    def notes(self) -> Iterator[str]:
        """What is left out by its meaning; known once the rows were read."""
        unused = len({name for name, _ in self._of} - self._used)
        languages = sorted(NO_CONCEPTS & set(self._taxonomies))
        if self._of_course:
            yield f"{self._file}: tags of the course itself are left out, they are of no item"
        if languages:
            yield f"{self._file}: {', '.join(languages)} left out, nobody learns its tags"
        if unused:
            yield f"{self._file}: tagged blocks without an item that has their tags: {unused}"


SOURCE = NamedSource(
    name="openedx",
    title="Open edX",
    about="courses as Studio exports them (OLX), with the tags of their blocks and tracking logs",
    layout=(
        SourceFile(f"{{{COURSE.path},{PACKED.path}}}"),
        SourceFile(
            f"**/{{{','.join(sorted(CONTAINERS | KINDS.keys() | SCORED))}}}/**/*.xml",
            required=False,
        ),
        SourceFile("**/policies/**/*.json", required=False),
        TAGS,
        TAXONOMY,
        LOGS,
        SourceFile("**/drafts/**/*.xml", required=False, used=False),
    ),
    read=read,
)
