"""What does the backup of a Moodle course hold: which activities, where, and under what conditions?

A backup (.mbz) is a tar or zip of XML files, one or more for each activity [Moodle, backup API].
Numbers are those of the site that it was made on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kgplan.errors import SourceError
from kgplan.etl.archive import Archive, SourceFile

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

BACKUP = SourceFile("moodle_backup.xml", required=False)
COURSE = SourceFile("course/course.xml", required=False, used=False)
FILES = SourceFile("files.xml", required=False)
SECTIONS = SourceFile("sections/*/section.xml", required=False)
MODULES = SourceFile("activities/*/module.xml", required=False)
COMPETENCIES = SourceFile("activities/*/competencies.xml", required=False)
GRADES = SourceFile("activities/*/grades.xml", required=False)
INSTANCES = SourceFile("activities/*/{resource,url,subsection}.xml", required=False)
LAYOUT = (BACKUP, COURSE, FILES, SECTIONS, MODULES, COMPETENCIES, GRADES, INSTANCES)

NULL = "$@NULL@$"
HIDDEN = "0"


@dataclass(frozen=True)
class Activity:
    """An activity, as its course has it.

    Attributes:
        id: of the course module.
        kind: the module's name, such as quiz.
        title: as people call it.
        is_hidden: from learners, or its section is.
        is_tracked: whether its completion is.
        conditions: access restrictions as JSON: its own, and those of its sections.
        competencies: framework and idnumber of each.
        link: the address that a `url` leads to.
        is_video: whether it is a video file.
        file: that it was read from.
    """

    id: str
    kind: str
    title: str
    is_hidden: bool
    is_tracked: bool
    conditions: tuple[str, ...]
    competencies: tuple[tuple[str, str], ...]
    link: str
    is_video: bool
    file: str


@dataclass(frozen=True)
class Course:
    """A course.

    Attributes:
        id, name: of it.
        site: the address of the Moodle that it is on; empty where it is not said.
        activities: in the order of the page.
        unplaced: how many of them no section has; they come last.
        graded: the id of an item of grades -> the id of the activity that it is of.
    """

    id: str
    name: str
    site: str
    activities: tuple[Activity, ...]
    unplaced: int
    graded: dict[str, str]


@dataclass(frozen=True)
class _Section:
    id: str
    number: int
    sequence: tuple[str, ...]
    is_hidden: bool
    condition: str
    delegate: str  # the subsection, an activity's instance, whose section it is


@dataclass(frozen=True)
class _Instance:
    id: str
    context: str
    link: str


def read_course(archive: Archive) -> Course:
    """The course of a backup.

    Raises:
        SourceError: a file is no XML, or the backup lacks what every one has.
    """
    if not archive.found(BACKUP):
        raise SourceError(
            f"{archive.path.name} lacks {BACKUP.path}; give a whole backup of a course (.mbz), or"
            " its folder"
        )
    about = _parsed(archive, BACKUP.path)
    titles = {_text(each, "moduleid"): _text(each, "title") for each in about.iter("activity")}
    sections = [_section(_parsed(archive, path)) for path in archive.found(SECTIONS)]
    modules = {}
    for path in archive.found(MODULES):
        module = _parsed(archive, path)
        modules[module.get("id", "")] = (path, module)
    instances = {
        root.get("moduleid", ""): _instance(root)
        for root in (_parsed(archive, path) for path in archive.found(INSTANCES))
    }
    videos = _videos(archive)
    places = dict(_placed(sections, modules, instances))
    unplaced = [module for module in modules if module not in places]

    def activity(module_id: str) -> Activity:
        path, module = modules[module_id]
        around = places.get(module_id, ())
        folder = path.rpartition("/")[0]
        instance = instances.get(module_id, _Instance("", "", ""))
        own = _text(module, "availability")
        return Activity(
            id=module_id,
            kind=_text(module, "modulename"),
            title=titles.get(module_id, ""),
            is_hidden=_text(module, "visible") == HIDDEN or any(s.is_hidden for s in around),
            is_tracked=_text(module, "completion") not in ("", "0"),
            conditions=tuple(text for text in (own, *(s.condition for s in around)) if text),
            competencies=tuple(_competencies(archive, f"{folder}/competencies.xml")),
            link=instance.link,
            is_video=instance.context in videos,
            file=path,
        )

    course_id = _text(about, ".//original_course_id")
    if not course_id:
        raise SourceError(f"{BACKUP.path} names no original_course_id; make the backup again")
    return Course(
        id=course_id,
        name=_text(about, ".//original_course_fullname"),
        site=_text(about, ".//original_wwwroot").rstrip("/"),
        activities=tuple(
            activity(each)
            for each in (*places, *unplaced)
            if _text(modules[each][1], "modulename") != "subsection"
        ),
        unplaced=len(unplaced),
        graded=dict(_graded(archive)),
    )


def _placed(
    sections: list[_Section],
    modules: dict[str, tuple[str, "Element"]],
    instances: dict[str, _Instance],
) -> Iterator[tuple[str, tuple[_Section, ...]]]:
    """Modules in the order of the page, with the sections that each is in."""
    delegated = {section.delegate: section for section in sections if section.delegate}

    def walk(section: _Section, around: tuple[_Section, ...]) -> Iterator[Any]:
        inside = (*around, section)
        for module in section.sequence:
            if module not in modules:
                continue
            yield module, inside
            if _text(modules[module][1], "modulename") == "subsection" and module in instances:
                below = delegated.get(instances[module].id)
                if below is not None and below not in inside:
                    yield from walk(below, inside)

    for section in sorted(sections, key=lambda each: each.number):
        if not section.delegate:
            yield from walk(section, ())


def _section(root: "Element") -> _Section:
    number = _text(root, "number")
    return _Section(
        id=root.get("id", ""),
        number=int(number) if number.isdecimal() and len(number) < 10 else 0,
        sequence=tuple(part.strip() for part in _text(root, "sequence").split(",") if part.strip()),
        is_hidden=_text(root, "visible") == HIDDEN,
        condition=_text(root, "availabilityjson"),
        delegate=_text(root, "itemid") if _text(root, "component") == "mod_subsection" else "",
    )


def _instance(root: "Element") -> _Instance:
    return _Instance(root.get("id", ""), root.get("contextid", ""), _text(root, ".//externalurl"))


def _competencies(archive: Archive, path: str) -> Iterator[tuple[str, str]]:
    if path in archive.paths:
        for each in _parsed(archive, path).iter("competency"):
            yield _text(each, "frameworkidnumber"), _text(each, "idnumber")


def _graded(archive: Archive) -> Iterator[tuple[str, str]]:
    for path in archive.found(GRADES):
        module = path.split("/")[-2].rpartition("_")[2]
        for each in _parsed(archive, path).iter("grade_item"):
            yield each.get("id", ""), module


def _videos(archive: Archive) -> frozenset[str]:
    """Contexts of resources whose file is a video."""
    found = set[str]()

    def look(file: "Element") -> None:
        is_resource = _text(file, "component") == "mod_resource"
        if is_resource and _text(file, "mimetype").startswith("video/"):
            found.add(_text(file, "contextid"))

    if archive.found(FILES):
        _each(archive, FILES.path, "file", look)
    return frozenset(found)


def _parsed(archive: Archive, path: str) -> "Element":
    """The outermost element of a file."""
    from defusedxml import ElementTree

    return _guarded(archive, path, lambda stream: ElementTree.parse(stream).getroot())


def _each(archive: Archive, path: str, tag: str, look: "Callable[[Element], None]") -> None:
    """Look at every element of a tag, and let it go again: the file may be large."""
    from defusedxml import ElementTree

    def read(stream: Any) -> None:
        for _, element in ElementTree.iterparse(stream):
            if element.tag == tag:
                look(element)
                element.clear()

    _guarded(archive, path, read)


def _guarded(archive: Archive, path: str, read: Callable[[Any], Any]) -> Any:
    from defusedxml import DefusedXmlException, ElementTree

    try:
        with archive.open(path) as stream:
            return read(stream)
    except ElementTree.ParseError as error:
        line, _ = error.position
        raise SourceError(f"{path}:{line} is no XML ({error}); make the backup again") from None
    except (DefusedXmlException, ValueError) as error:
        raise SourceError(f"{path} is no XML that can be read ({error})") from None


def _text(element: "Element", path: str) -> str:
    """The text of the element below; empty where it is null or not there."""
    text = (element.findtext(path) or "").strip()
    return "" if text == NULL else text
