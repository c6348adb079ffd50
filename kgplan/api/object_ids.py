"""What does the id of an xAPI activity name? The ids of our data that it may stand for.

Pure, but for reading a table at start-up. Nothing in an id says which part of it a platform's own
data go by, so one id has several names: the likeliest first, and others that count only where the
data know them and not the first.
"""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

from kgplan.data.events import ID_RULE, usable_id
from kgplan.errors import ConfigError

_NAMING = frozenset({"v", "vid", "video", "item"})
_NOT_NAMING = ("sess", "user", "learner", "actor", "student", "course", "client", "track", "click")
_PART = re.compile(r"[?&]subContentId=[^&#]*")  # H5P: an interaction inside the thing
_SCRIPT = re.compile(r".*\.(php|aspx?|jsp|cgi|do|cfm)", re.IGNORECASE)
_OPAQUE_KEY = re.compile(r"[A-Za-z-]+-v\d+:")  # Open edX: block-v1:, course-v1:, ccx-block-v1:
_BLOCK = re.compile(r".*\+block@([^@/?#]+)")
# Ralph puts the whole name of the course, and for problems that of the block, where a key has X+D+T
_BY_RALPH = re.compile(
    r"block-v1:course-v1:(?P<course>[^:]+?)(?:-course-v1:|block-v1:[^:]+)\+type@(?P<rest>.+)"
)
_HEX = re.compile(r"([0-9a-f]{32})")  # what Open edX calls a block in older addresses
_PATH_PARAMETER = re.compile(r";[A-Za-z]+=[^/]*")  # as in ;jsessionid=...
ARROW = "=>"
LONGEST = 4_096  # characters of an address that is read; what names something has fewer
COLUMNS = ["object_id", "item_id"]


@dataclass(frozen=True)
class ObjectIds:
    """How ids of activities are read.

    Attributes:
        table: activity's id -> id in our data.
        pattern, template: what an id that the pattern is found in stands for; the template may
            use its groups, as in `re.Match.expand`.
    """

    table: Mapping[str, str] = field(default_factory=dict)
    pattern: re.Pattern[str] | None = None
    template: str = ""

    @classmethod
    def of(cls, given: str) -> "ObjectIds":
        r"""Read the setting.

        Args:
            given: `pattern => template`, or the path of a table; empty: ids are read as they are.

        Raises:
            ConfigError: with the place and a way out.

        >>> ObjectIds.of(r"/clip/(\d+) => V_\1").names("https://tube.example/clip/7?t=3")
        ('V_7',)
        """
        if ARROW in given:
            return _by_pattern(*given.rsplit(ARROW, 1))
        return cls(_read_table(Path(given))) if given.strip() else cls()

    def names(self, object_id: str) -> tuple[str, ...]:
        """What a thing may be called in our data, the likeliest first.

        Args:
            object_id: of the activity.
        """
        if len(object_id) > LONGEST:
            return ()
        read = names_of(object_id)
        for form in (*_forms(object_id), *read[:1]) if self.table else ():
            if form in self.table:
                return (self.table[form],)
        found = None if self.pattern is None else self.pattern.search(object_id)
        if found:
            name = found.expand(self.template)
            return (name,) if usable_id(name) else ()
        return read


@lru_cache(4_096)
def names_of(object_id: str) -> tuple[str, ...]:
    """What an id names by itself, the likeliest first.

    >>> names_of("https://mooc.example/video/V_1#t=10,20"), names_of("urn:kgplan:video:V_1")
    (('V_1',), ('V_1',))
    >>> names_of("https://mooc.example/courses/C_course-v1:TsinghuaX%2B30240184%2Bsp/")
    ('C_course-v1:TsinghuaX+30240184+sp',)
    >>> names_of("https://tube.example/watch?v=V_1&t=30s")
    ('V_1',)
    >>> names_of("https://moodle.example/question/question.php?cmid=12&id=57")
    ('question/question.php?cmid=12&id=57', 'question-57', '57')
    >>> names_of("https://moodle.example/mod/quiz/view.php?id=57")
    ('quiz/view.php?id=57', 'quiz-57', '57')
    >>> names_of("https://lms.example/xblock/block-v1:X+D+T+type@video+block@7f")
    ('block-v1:X+D+T+type@video+block@7f', 'V_7f')
    >>> names_of("https://lms.example/xblock/block-v1:course-v1:X+D+T-course-v1:+type@video+block@7f")
    ('block-v1:X+D+T+type@video+block@7f', 'V_7f')
    >>> names_of("https://lms.example/courses/course-v1:X+D+T/info")[:2]
    ('course-v1:X+D+T', 'C_course-v1:X+D+T')
    """
    address, _, fragment = _PART.sub("", object_id).partition("#")
    path, _, query = address.partition("?")
    segments = [unquote(part) for part in _PATH_PARAMETER.sub("", path).rstrip("/=").split("/")]
    last = segments[-1]
    if len(segments) == 1 and not _OPAQUE_KEY.match(last):
        last = last.rsplit(":", 1)[-1]
    if doubled := _BY_RALPH.fullmatch(last):
        last = "block-v1:{course}+type@{rest}".format(**doubled.groupdict())
    value = _named_by(query)
    if _SCRIPT.fullmatch(last) and query:
        value = value or query.rstrip("=").rpartition("=")[2]
        kind = last.partition(".")[0]
        kind = segments[-2] if kind == "view" and len(segments) > 1 else kind
        names = [f"{'/'.join(segments[-2:])}?{unquote(query)}", f"{kind}-{value}", *names_of(value)]
    else:
        names = [last, *(names_of(value) if value else [])]
    if last in ("watch", "watch.php") and value:
        del names[0]
    block = _BLOCK.fullmatch(last) or _HEX.fullmatch(last)
    if block:
        names.append(f"V_{block[1]}")
    above = segments[-2] if len(segments) > 1 else ""
    if above.startswith("course-v1:") and not _OPAQUE_KEY.match(last):  # a page of the course
        names = [above, f"C_{above}", *names]
    if last.startswith("course-v1:"):
        names.append(f"C_{last}")
    if "=" in last:
        names.append(last.rpartition("=")[2])
    if "&" in last:  # parameters without their ?
        names.append(last.partition("&")[0])
    if "/" in fragment:  # a page's own addresses, as in #/video/V_1
        names = [*names_of(fragment.replace("#", "/")), *names]
    elif fragment and "=" not in fragment:
        names.append(unquote(fragment))
    return tuple(dict.fromkeys(name for name in names if usable_id(name)))


def _named_by(query: str) -> str:
    """The value of the parameter that names the thing; empty where none does."""
    found = ""
    for name, _, value in (part.partition("=") for part in re.split("[&?;]", query)):
        if name in ("v", "id"):
            return value
        if _names_a_thing(name.lower()):
            found = found or value
    return found


def _names_a_thing(parameter: str) -> bool:
    """Whether a parameter names a thing; others say how it is shown, or who asks."""
    others = parameter == "sid" or any(word in parameter for word in _NOT_NAMING)
    return (parameter in _NAMING or parameter.endswith("id")) and not others


def _forms(object_id: str) -> list[str]:
    """An id as it was sent, then without what may follow it."""
    whole = _PART.sub("", object_id)
    bare = whole.partition("#")[0]
    path = bare.partition("?")[0]
    return list(dict.fromkeys([object_id, whole, bare, path, path.rstrip("/")]))


def _by_pattern(pattern: str, template: str) -> ObjectIds:
    pattern, template = pattern.strip(), template.strip()
    try:
        compiled = re.compile(pattern)
        compiled.sub(template, "")  # reads the template, whether or not it is used
    except (re.error, IndexError, OverflowError) as error:
        raise ConfigError(
            f"KGPLAN_ITEM_IDS is {pattern!r} {ARROW} {template!r}, which is no pattern and"
            f" template: {error}; write a regular expression, {ARROW}, and the id with its groups"
            r" as \1"
        ) from None
    if not pattern or not template:
        raise ConfigError(
            f"KGPLAN_ITEM_IDS lacks a pattern or a template beside {ARROW}; write a regular"
            rf" expression, {ARROW}, and the id with its groups as \1"
        )
    return ObjectIds(pattern=compiled, template=template)


def _read_table(path: Path) -> dict[str, str]:
    shown = f"KGPLAN_ITEM_IDS is {str(path)!r}"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _rows(file, path)
    except OSError as error:
        raise ConfigError(
            f"{shown}, which cannot be read: {error.strerror}; name a CSV table with the columns"
            f" {', '.join(COLUMNS)}, or write a pattern as REGEX {ARROW} TEMPLATE"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{shown}, which is no CSV table in UTF-8: {error}") from None


def _rows(file: Iterable[str], path: Path) -> dict[str, str]:
    reader = csv.reader(file, strict=True)
    header = [name.strip() for name in next(reader, [])]
    if any(name not in header for name in COLUMNS):
        raise ConfigError(
            f"{path}:1: the columns are {', '.join(header) or 'none'}; name two of them"
            f" {' and '.join(COLUMNS)}"
        )
    at = [header.index(name) for name in COLUMNS]
    table: dict[str, str] = {}
    for row in reader:
        where = f"{path}:{reader.line_num}"
        if not any(row):
            continue
        if len(row) != len(header):
            raise ConfigError(
                f"{where}: the row has {len(row)} fields, the header {len(header)}; quote fields"
                " that hold a comma"
            )
        object_id, item_id = (row[k].strip() for k in at)
        if not object_id or not usable_id(item_id):
            raise ConfigError(f"{where}: {object_id!r} is given the id {item_id!r}; {ID_RULE}")
        if table.setdefault(object_id, item_id) != item_id:
            raise ConfigError(
                f"{where}: {object_id!r} is {item_id!r} here and {table[object_id]!r} above;"
                " keep one of the rows"
            )
    if not table:
        raise ConfigError(f"{path} has no rows; give one for each activity, or leave the setting")
    return table
