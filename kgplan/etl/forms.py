"""What does a file look like of which no row could be read?"""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from itertools import islice

ENCODINGS = ((b"\xff\xfe\0\0", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))
FORMS = (
    (b"PK\x03\x04", "a zip in the place of its text"),
    (b"\x1f\x8b", "packed with gzip"),
    (b"PAR1", "Parquet"),
    (b"SQLite format 3", "an SQLite database"),
    (b"version https://git-lfs", "a pointer of Git LFS in the place of the file"),
    (b"<", "a page of HTML or XML"),
)
SEPARATORS = {",": "commas", ";": "semicolons", "|": "bars", " ": "spaces"}


def seems_to_be(head: bytes, text_seems: Callable[[str], str]) -> str:
    """What a file's first bytes look like, to go on after "it"; empty where nobody knows.

    Args:
        head: its first bytes.
        text_seems: the same of the text, where it is UTF-8: `tab_separated`, `json_lines`, ...

    >>> seems_to_be("K_1\\tC_1\\n".encode("utf-16-le"), tab_separated)
    'seems to be UTF-16, and UTF-8 is needed'
    >>> seems_to_be(b"K_1,C_1,1\\nK_2,C_1,1\\n", tab_separated)
    'seems to have commas between its columns, and a TAB is needed'
    >>> seems_to_be(b'{\\n "K_1": {}\\n}', json_lines("id"))
    'seems to be one JSON document, and a list or objects on lines are needed'
    """
    for begins, encoding in ENCODINGS:
        if head.startswith(begins):
            return _encoded(encoding)
    for begins, form in FORMS:
        if head.lstrip().startswith(begins):
            return f"seems to be {form}"
    if head.count(0) > len(head) // 4:
        return _encoded("UTF-16" if head.count(0) <= len(head) * 5 // 8 else "UTF-32")
    try:
        return text_seems(_decoded(head, "utf-8"))
    except UnicodeDecodeError:
        return _encoded(_eight_bits(head))


def tab_separated(text: str) -> str:
    """What it seems to be in place of columns with a TAB between them."""
    lines = _lines(text)
    if any("\t" in line for line in lines):
        return ""
    if any(line.lstrip()[0] in "[{" for line in lines[:1]):
        return "seems to be JSON that holds no pairs, and two columns with a TAB are needed"
    for separator, name in SEPARATORS.items():
        if lines and all(separator in line for line in lines[:-1] or lines):
            return f"seems to have {name} between its columns, and a TAB is needed"
    return ""


def json_lines(key: str) -> Callable[[str], str]:
    """What it seems to be in place of a JSON object a line, each with the field `key`."""

    def seems(text: str) -> str:
        lines = _lines(text)
        if text.lstrip().startswith("[") or (lines and lines[0].strip() == "{"):
            return "seems to be one JSON document, and a list or objects on lines are needed"
        if text.lstrip().startswith("{"):
            try:
                found = json.loads(lines[0])
            except ValueError:
                return "seems to be one JSON document, and a list or objects on lines are needed"
            fields = ", ".join(islice(found, 5)) if isinstance(found, dict) else ""
            return f"seems to have other fields: {fields}" if key not in found else ""
        if "\t" in text or "," in text:
            return "seems to be a table of columns, and a JSON object on each line is needed"
        return ""

    return seems


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _encoded(encoding: str) -> str:
    return f"seems to be {encoding}, and UTF-8 is needed"


def _decoded(head: bytes, encoding: str) -> str:
    """The text, where the last character may be cut; as `bytes.decode` else."""
    for cut in range(4):
        try:
            return head[: len(head) - cut].decode(encoding)
        except UnicodeDecodeError as error:
            if error.start < len(head) - 8:
                raise
            last = error
    raise last


def _eight_bits(head: bytes) -> str:
    """Chinese letters are bytes above 127 in a row, accented ones stand alone in a word."""
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", head)]
    if sum(run for run in runs if run > 1) > sum(runs) / 2:
        with suppress(UnicodeDecodeError):
            _decoded(head, "gb18030")
            return "GBK or GB18030"
    return "Latin-1 or another encoding of 8 bits"
