"""CSV files: anyone's are read, whole or as a stream; ours are written for spreadsheets.

Which separator, which column is which? What is clear is read and said in a note; the rest is
refused in one sentence.
"""

import codecs
import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from kgplan.errors import InputError

Row = tuple[int, list[str]]

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
COLUMNS = {
    "learner_id": (
        "learnerid learner studentid student userid user idstud personid person pupilid pupil"
        " participantid participant respondentid respondent subjectid examineeid examinee"
        " candidateid candidate sid uid 学生 学号 学习者 用户 studentname learnername username"
        " name id"
    ),
    "item_id": (
        "itemid item questionid question problemid problem exerciseid exercise exerid taskid task"
        " itemname questionname 题目 题号 试题 qid"
    ),
    "score": (
        "score correct iscorrect points mark grade outcome result 得分 分数 成绩 answer response"
    ),
    "weight": "weight",
    "concept_id": (
        "conceptid concept concepts skillid skill skills knowledgecode knowledgeid"
        " knowledgecomponent kc kcs attributeid attribute attributes topicid topic topics tag tags"
        " conceptname skillname 知识点 概念"
    ),
    "needed": "needed required value q",
    "prerequisite_id": "prerequisiteid prerequisite",
    "time": "time timestamp datetime date when submittime starttime 时间",
    "share": "share progress watched",
    "course_id": "courseid course",
    "event_id": "eventid",
    "before": "before beforeid from prerequisite prerequisiteid",
    "after": "after afterid to concept conceptid",
    "title": "title name itemname 标题",
    "seconds": "seconds duration length",
    "url": "url link address",
}
"""What people call a column, by its own name: as `plain` gives it, the surest first."""

FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks and what they tell."""

UTF8 = frozenset({"utf-8", "utf-8-sig"})
"""UTF-8, with and without its mark."""

_SNIFFED = 200  # rows that the separator is found by
_SNIFFED_CHARACTERS = 1 << 18


@dataclass(frozen=True)
class CsvFile:
    """A header and the rows below it, all cells without spaces around them.

    Attributes:
        path: of the file.
        header: the columns' names.
        rows: each with its line in the file, from 1; blank lines are passed over.
        notes: a sentence where it is not separated by commas.
    """

    path: Path
    header: list[str]
    rows: list[Row]
    notes: tuple[str, ...]

    def column(self, name: str) -> int | None:
        """Where the column stands that is named so, or by another word for it; None if nowhere.

        Args:
            name: a key of COLUMNS.
        """
        if name in self.header:
            return self.header.index(name)
        called = [plain(title) for title in self.header]
        return next((called.index(word) for word in words_for(name) if word in called), None)

    @property
    def has_index(self) -> bool:
        """Whether the first column has no name, as the row numbers that pandas and R write."""
        return plain(self.header[0]) in ("", "unnamed0")

    def renamed(self, columns: dict[str, int]) -> list[str]:
        """A note where columns, by their own names, are called otherwise in the file."""
        return renamed(self.path.name, self.header, columns)

    def titles(self) -> str:
        """The first columns' names, for a message."""
        return ", ".join(self.header[:6]) + (", ..." if len(self.header) > 6 else "")


@dataclass(frozen=True)
class CsvStream:
    """A file whose rows are read one after the other.

    Attributes:
        header: the columns' names.
        rows: each with its line in the file, from 1; blank lines are passed over, and empty cells
            after the header's last. A character that is not of the encoding is U+FFFD.
        notes: a sentence where it is not separated by commas, and where it is not UTF-8.
    """

    header: list[str]
    rows: Iterator[Row]
    notes: tuple[str, ...]


def stream_csv(stream: BinaryIO, name: str, encoding: str = "") -> CsvStream:
    """Read a file whose first line is its header, of any size.

    The encoding is the one that a byte order mark tells, else UTF-8, else the one that is given.
    None is guessed: a wrong one reads names that nobody wrote.

    Args:
        stream: its bytes.
        name: for messages.
        encoding: of what is not UTF-8.

    Raises:
        InputError: it is not UTF-8 and no encoding is given; it is empty or no CSV, or two of its
            columns have one name or one but the first has none. While rows are read: a quotation
            mark is never closed.
    """
    head = stream.read(_SNIFFED_CHARACTERS)
    encoding, notes = _encoding(head, name, encoding)
    text = io.TextIOWrapper(
        io.BufferedReader(_Joined(head, stream)), encoding=encoding, errors="replace", newline=""
    )
    rows, said = _separated(Path(name), name, text, head.decode(encoding, errors="ignore"))
    notes += said
    header = _header(Path(name), ((line, _cut(cells, 1)) for line, cells in rows))
    cut = ((line, _cut(cells, len(header))) for line, cells in rows)
    return CsvStream(header, cut, tuple(notes))


def _cut(cells: list[str], width: int) -> list[str]:
    """Cells without the empty ones behind as many."""
    while len(cells) > width and not cells[-1]:
        cells.pop()
    return cells


class _Joined(io.RawIOBase):
    """What was read of a stream already, and the rest of it."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        some = self._head[: len(buffer)] or self._rest.read(len(buffer))
        self._head = self._head[len(some) :]
        buffer[: len(some)] = some
        return len(some)


def encoding_of(head: bytes, given: str = "") -> str:
    """The encoding that a byte order mark tells; else UTF-8, where it is; else the one given.

    >>> encoding_of("é".encode("utf-16")), encoding_of("é".encode())
    ('utf-16', 'utf-8')
    >>> encoding_of("été".encode("cp1252"), "cp1252")
    'cp1252'
    """
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return encoding
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return given
    return "utf-8"


def _encoding(head: bytes, name: str, given: str) -> tuple[str, list[str]]:
    encoding = encoding_of(head, given)
    if not encoding:
        line = head.decode(errors="replace").partition("\ufffd")[0].count("\n") + 1
        raise InputError(
            f"{name}, line {line}, is not UTF-8; save it as UTF-8, or say which encoding it has"
            " with KGPLAN_ENCODING, such as GB18030 or CP1252"
        )
    said = [] if encoding in UTF8 else [f"{name}: read as {encoding.upper()}"]
    return encoding, said


def words_for(name: str) -> list[str]:
    """What people call a column, as `plain` gives it, the surest first: its own name in any case.

    >>> words_for("url"), words_for("name_en")
    (['url', 'link', 'address'], ['nameen'])
    """
    return COLUMNS.get(name, plain(name)).split()


def plain(title: str) -> str:
    """A title without what writers vary: case, width, spaces and signs.

    >>> plain(" Learner-ID "), plain("ＩＤ")
    ('learnerid', 'id')
    """
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", title).casefold())


def read_csv(path: Path) -> CsvFile:
    """Read a file whose first line is its header.

    In UTF-8, separated by what its first line names (`sep=;`), else by the one of SEPARATORS under
    which the most rows have as many cells as the header.

    Raises:
        InputError: the file is not there, has another encoding, is empty or no CSV, or two of its
            columns have one name or one but the first has none.
    """
    text = _decoded(path)
    rows, notes = _separated(path, path.name, io.StringIO(text, newline=""), text)
    return CsvFile(path, _header(path, rows), list(rows), tuple(notes))


def _separated(path: Path, name: str, text: TextIO, sample: str) -> tuple[Iterator[Row], list[str]]:
    """The rows of a text, and a note where no commas separate their cells.

    What does is what a first line `sep=;` names, else what the text's beginning shows.
    """
    separator, told = separator_told(sample)
    if told:
        text.readline()
    called = SEPARATORS.get(separator, repr(separator))
    notes = [] if separator == "," else [f"{name}: separated by {called}"]
    return csv_rows(path, text, separator, int(told)), notes


def separator_told(sample: str) -> tuple[str, bool]:
    """What separates the cells of a text, by its beginning; and whether a first line tells it.

    >>> separator_told("sep=;\\na;b\\n"), separator_told("a|b\\n1|2\\n")
    ((';', True), ('|', False))
    """
    first = sample.partition("\n")[0].rstrip("\r")
    said = re.fullmatch(r'"?sep=([,;\t|: ])"?', first, re.IGNORECASE)
    return (said[1], True) if said else (separator_of(sample), False)


def renamed(name: str, header: Sequence[str], columns: Mapping[str, int]) -> list[str]:
    """A note where columns, by their own names, are called otherwise in a file's header."""
    other = [
        f"{header[at] or 'a column without a name'} as {own}"
        for own, at in columns.items()
        if header[at] != own
    ]
    return [f"{name}: {', '.join(other)}"] if other else []


def _header(path: Path, rows: Iterator[Row]) -> list[str]:
    _, header = next(rows, (0, list[str]()))
    if not header:
        raise InputError(f"{path} is empty; give a header and a row for each thing that it lists")
    repeated = [name for name, n in Counter(header).items() if n > 1]
    if repeated or "" in header[1:]:
        wrong = f"names {repeated[0]!r} twice" if repeated else "has a column without a name"
        raise InputError(f"the header of {path} {wrong}; give every column a name of its own")
    return header


def _decoded(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give a CSV file") from None
    wrong = raw.find(b"\0")  # as UTF-16 without its byte order mark has
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wrong = error.start
    if wrong >= 0:
        line = raw.count(b"\n", 0, wrong) + 1
        raise InputError(
            f"{path}, line {line}, is not UTF-8 text (byte {wrong} is {raw[wrong : wrong + 1]!r});"
            " save it as UTF-8"
        )
    return text


def separator_of(text: str) -> str:
    """The one under which the most rows have as many cells as the header; of equals the most cells.

    >>> separator_of("a;b\\n0,5;1\\n"), separator_of("a,b\\nx;y;z,1\\n"), separator_of("a\\n1\\n")
    (';', ',', ',')
    """
    best = (0.0, 1)
    chosen = ","
    for separator in SEPARATORS:
        stream = io.StringIO(text[:_SNIFFED_CHARACTERS], newline="")
        widths = list[int]()
        try:
            for cells in islice(csv.reader(stream, delimiter=separator), _SNIFFED):
                if cells:
                    widths.append(len(cells))
        except csv.Error:
            continue
        if not widths or widths[0] < 2:
            continue
        fits = sum(width == widths[0] for width in widths[1:]) / max(len(widths) - 1, 1)
        if (fits, widths[0]) > best:
            best, chosen = (fits, widths[0]), separator
    return chosen


def csv_rows(path: Path, text: Iterable[str], separator: str, line: int = 0) -> Iterator[Row]:
    """Each row with its line, its cells without spaces around them; blank lines are passed over.

    Args:
        path: for messages.
        text: its lines.
        separator: between cells.
        line: the number of lines before these.

    Raises:
        InputError: while rows are read, a quotation mark is never closed, or text follows one.
    """
    reader = csv.reader(text, delimiter=separator, strict=True)
    before = line
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise InputError(f"{path}, after line {line}: {error}; give plain CSV") from None
        if cells is None:
            return
        line = before + reader.line_num
        if len(cells) > 1 or any(cell.strip() for cell in cells):  # separators alone are a row
            yield line, [cell.strip() for cell in cells]


def write_rows(stream: TextIO, rows: Iterable[Sequence[Any]], line_end: str = "\r\n") -> None:
    """Write rows, each of their cells as `cell` gives it."""
    csv.writer(stream, lineterminator=line_end).writerows([cell(v) for v in row] for row in rows)


def cell(value: Any) -> Any:
    """A value that no spreadsheet takes for a formula: with an apostrophe before it (OWASP, CSV
    Injection); numbers stay as they are, and `uncell` reads it back.

    >>> cell("=1+1"), cell("@x"), cell("-0.5"), cell(-0.5), cell("'=1"), cell("it's")
    ("'=1+1", "'@x", '-0.5', -0.5, "''=1", "it's")
    """
    dangerous = isinstance(value, str) and FORMULA.match(value) and not NUMBER.fullmatch(value)
    return f"'{value}" if dangerous else value


def uncell(text: str) -> str:
    """The value of which `cell` made this text.

    >>> uncell("'=1+1"), uncell("''=1"), uncell("-0.5"), uncell("it's")
    ('=1+1', "'=1", '-0.5', "it's")
    """
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text
