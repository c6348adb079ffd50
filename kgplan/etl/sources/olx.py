"""Which blocks does a course in OLX hold, in which order, and who sees them?

OLX is how Open edX exports a course. A block is an element of XML: with all it says where it
stands, or a pointer, which has a `url_name` alone, to a file of its own in the folder of its kind.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from xml.sax import SAXException, SAXParseException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from kgplan.etl.archive import Archive

NESTED = ("course", "chapter", "sequential", "vertical")
"""The blocks that every course is made of, each within the one before it."""

SOME_OF = ("split_test", "library_content", "itembank", "randomize")
"""Blocks of whose children a learner gets some."""

CONTAINERS = frozenset({*NESTED, *SOME_OF, "conditional", "wrapper", "videosequence", "problemset"})
"""Blocks that hold others."""

KINDS = {
    "video": "video",
    "videoalpha": "video",
    "problem": "exercise",
    "openassessment": "exercise",
    "drag-and-drop-v2": "exercise",
    "edx_sga": "exercise",
    "problem-builder": "exercise",
    "step-builder": "exercise",
    "html": "text",
    "markdown": "text",
    "pdf": "text",
}
"""What a block of these kinds is to a learner."""

SCORED = frozenset({"lti", "lti_consumer"})
"""Tools from elsewhere: exercises where they give a score."""

OPAQUE = (KINDS.keys() | SCORED) - {"video", "videoalpha"}
"""Blocks whose inside says nothing of what is read here."""

WITHOUT_CONTENT = frozenset({"wiki", "textbook"})
"""Elements of a course that stand in no order with its blocks."""

DEEPEST = 40
"""How far blocks may be nested."""

Name = tuple[str, str]
"""A block's kind and its url_name, which tell it from the others of its course."""


@dataclass
class Element:
    """An element as a file has it.

    Attributes:
        kind: its tag.
        told: its attributes.
        file, line: where it begins.
        children: elements in it; of a block whose inside is its own business, none.
        empty: whether there is nothing in it.
    """

    kind: str
    told: dict[str, str]
    file: str
    line: int
    children: list["Element"] = field(default_factory=list)
    empty: bool = True

    @property
    def url_name(self) -> str:
        """What tells it from others of its kind; empty where it has none."""
        return self.told.get("url_name") or self.told.get("slug") or ""

    @property
    def is_pointer(self) -> bool:
        """Whether it stands for a file of its own."""
        own = {"url_name", "slug", "org", "course"} if self.kind == "course" else {"url_name"}
        return self.empty and bool(self.url_name) and self.told.keys() <= own

    @property
    def place(self) -> str:
        """Where it begins, for people."""
        return f"{self.file}:{self.line}"


class Unreadable(Exception):
    """A file cannot be read as XML; the text says where and why."""


def parse(archive: Archive, path: str) -> Element:
    """The outermost element of a file.

    Raises:
        Unreadable: it is no XML, or declares entities.
    """
    from defusedxml import sax

    elements = _Elements(path)
    try:
        with archive.open(path) as stream:
            sax.parse(stream, elements)
    except SAXParseException as error:
        raise Unreadable(
            f"{path}:{error.getLineNumber()} cannot be read as XML: {error.getMessage()}"
        ) from None
    except (SAXException, ValueError, LookupError) as error:  # entities, and encodings of all sorts
        raise Unreadable(f"{path} cannot be read as XML: {error}") from None
    return elements.root


class _Elements(ContentHandler):
    """Makes elements of what a parser meets."""

    root: Element

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self._open: list[Element] = []
        self._skipped = 0  # elements that are open inside of one whose inside is not looked at

    def setDocumentLocator(self, locator: Any) -> None:
        self._locator = locator

    def startElement(self, name: str, attrs: AttributesImpl) -> None:
        if self._open:
            self._open[-1].empty = False
            if self._skipped or self._open[-1].kind in OPAQUE:
                self._skipped += 1
                return
        line = self._locator.getLineNumber()
        element = Element(name, dict(attrs.items()), self._path, line)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def endElement(self, name: str) -> None:
        if self._skipped:
            self._skipped -= 1
        else:
            self._open.pop()

    def characters(self, content: str) -> None:
        if self._open[-1].empty and content.strip():
            self._open[-1].empty = False


@dataclass(frozen=True)
class Block:
    """A block that a learner opens.

    Attributes:
        name: its kind and url_name.
        kind: video, exercise or text.
        title: as people call it; None where it has none.
        seconds: how long it takes, as the file says it; None where it does not.
        within: names of the blocks around it, the nearest first, without the course.
        element: where it stands.
    """

    name: Name
    kind: str
    title: str | None
    seconds: str | float | None
    within: tuple[Name, ...]
    element: Element


@dataclass(frozen=True)
class Fault:
    """A block that cannot be read.

    Attributes:
        reason: as `kgplan.etl.tables.Reason` has it.
        detail: a sentence with the place.
        element: what names it.
    """

    reason: str
    detail: str
    element: Element


class Course:
    """A course of an archive.

    Attributes:
        root: its outermost element, which names it.
        folder: where it lies, with a slash; empty at the top.
        names: every block that was met, by kind and url_name, whether or not learners open it.
        left_out: blocks that nobody learns by, by kind.
        for_staff: blocks that only staff see.
        gates: sections that open when others are passed.
        some_of: blocks of which a learner sees a part, by kind.
        notes: what else people should know.
    """

    def __init__(self, archive: Archive, path: str) -> None:
        """Read the file that names it.

        Raises:
            Unreadable: it is no XML.
        """
        self._archive = archive
        self.root = parse(archive, path)
        self.folder = path.removesuffix("course.xml")
        self.names: set[Name] = set()
        self.left_out: Counter[str] = Counter()
        self.some_of: Counter[str] = Counter()
        self.for_staff = self.gates = 0
        self.notes: list[str] = []
        self._policy = self._read_policy()

    @property
    def lacks(self) -> list[str]:
        """What the file does not say of what a course's id is made of."""
        return [name for name in ("org", "course", "url_name") if not self.root.told.get(name)]

    @property
    def run(self) -> str:
        """ORG+COURSE+RUN."""
        return "+".join(self.root.told[name] for name in ("org", "course", "url_name"))

    @property
    def title(self) -> str | None:
        """As people call it; None where nothing says it."""
        own = self._policy.get(f"course/{self.root.url_name}", {})
        told = self.root.told
        if self.root.is_pointer and (path := self._path(self.root)) in self._archive.paths:
            with suppress(Unreadable):  # which the blocks tell
                told = parse(self._archive, path).told
        return str(own.get("display_name") or "") or told.get("display_name") or None

    def blocks(self) -> Iterator[Block | Fault]:
        """What learners open, in its order; and what cannot be read."""
        yield from self._below(self.root, (), staff=False)

    def _below(
        self, element: Element, within: tuple[Name, ...], staff: bool
    ) -> Iterator[Block | Fault]:
        name = (element.kind, element.url_name)
        holds_blocks = element.kind in CONTAINERS
        if len(within) > DEEPEST:
            yield Fault("broken_row", f"{element.place} is nested too deep", element)
            return
        if holds_blocks and element.url_name and name in self.names:
            detail = f"{element.place} has {'/'.join(name)} again: its first place counts"
            yield Fault("duplicate", detail, element)
            return
        self.names.add(name)
        if not holds_blocks and element.kind not in KINDS.keys() | SCORED:
            self.left_out[element.kind] += element.kind not in WITHOUT_CONTENT
            return
        try:
            whole = self._whole(element)
        except Unreadable as error:
            yield Fault("broken_row", str(error), element)
            return
        if whole is None:
            missing = self._path(element)
            detail = f"{missing}, which {element.place} names, is not there"
            yield Fault("dangling_id", detail, element)
            return
        told = self._told(name, whole)
        staff = staff or _is_true(told.get("visible_to_staff_only"))
        kind = KINDS.get(element.kind) or "exercise"
        if holds_blocks:
            self.some_of[element.kind] += element.kind in SOME_OF
            self.gates += _is_true(told.get("in_entrance_exam")) and element.kind == "chapter"
            around = (name, *within) if element.kind != "course" else within
            for child in whole.children:
                if child.kind == "prerequisite" and element.kind == "sequential":
                    self.gates += 1
                else:
                    yield from self._below(child, around, staff)
        elif element.kind in SCORED and not _is_true(told.get("has_score")):
            self.left_out[element.kind] += 1
        elif staff:
            self.for_staff += 1
        elif not element.url_name:
            detail = f"{element.place} has no url_name, by which events name it"
            yield Fault("missing_field", detail, element)
        else:
            title = told.get("display_name") or None
            yield Block(name, kind, title, seconds_of(told, whole), within, element)

    def _whole(self, element: Element) -> Element | None:
        """The element, or what the file says that it points to; None where there is no such file.

        Raises:
            Unreadable: the file is no XML.
        """
        if not element.is_pointer:
            return element
        path = self._path(element)
        return parse(self._archive, path) if path in self._archive.paths else None

    def _path(self, element: Element) -> str:
        return f"{self.folder}{element.kind}/{element.url_name.replace(':', '/')}.xml"

    def _told(self, name: Name, whole: Element) -> dict[str, str]:
        """What is said of a block, the policy of its course first."""
        policy = self._policy.get("/".join(name), {})
        return whole.told | {key: _as_text(value) for key, value in policy.items()}

    def _read_policy(self) -> Mapping[str, Mapping[str, Any]]:
        run = self.root.url_name
        for path in (f"policies/{run}/policy.json", f"policies/{run}.json"):
            if (path := f"{self.folder}{path}") not in self._archive.paths:
                continue
            try:
                with self._archive.open(path) as stream:
                    found = json.load(stream)
            except (ValueError, RecursionError) as error:
                self.notes.append(
                    f"{path} cannot be read as JSON ({error}): nothing is taken of it"
                )
                continue
            if isinstance(found, dict):
                return {name: each for name, each in found.items() if isinstance(each, dict)}
        return {}


def seconds_of(told: Mapping[str, str], video: Element) -> str | float | None:
    """How long a video takes: from where it starts to where it stops, as the course shows it.

    Args:
        told: what is said of it; `start_time` and `end_time` as H:M:S or seconds.
        video: the element, whose `video_asset` has the length.

    Returns:
        Seconds; the length as it is written where it is no number; None where nothing says it.

    >>> asset = Element("video_asset", {"duration": "100.5"}, "", 1)
    >>> video = Element("video", {}, "", 1, [asset])
    >>> seconds_of({"start_time": "00:00:20", "end_time": "00:01:30"}, video)
    70.0
    >>> seconds_of({"start_time": "20", "end_time": "00:00:00"}, video), seconds_of({}, video)
    (80.5, 100.5)
    """
    lengths = [child.told.get("duration") for child in video.children if child.told.get("duration")]
    length = lengths[0] if lengths else None
    whole = _seconds(length)
    start = _seconds(told.get("start_time") or told.get("from")) or 0.0
    end = _seconds(told.get("end_time") or told.get("to")) or 0.0
    if end <= start:  # 0 stands for the video's own end
        end = whole or 0.0
    elif whole:
        end = min(end, whole)
    return end - start if end > start else length


def _seconds(text: str | None) -> float | None:
    parts = (text or "").strip('" ').split(":")
    if not all(re.fullmatch(r"\d+(\.\d*)?", part) for part in parts):
        return None
    return sum(float(part) * 60**n for n, part in enumerate(reversed(parts)))


def _is_true(text: str | None) -> bool:
    return (text or "").strip('" ').lower() == "true"


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
