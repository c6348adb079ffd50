"""Which JSON values are in a file, in one list, on lines or one after another?"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, TextIO

CHARACTERS = 1 << 20
LONGEST = 256 << 20
LONGEST_TOKEN = 16  # of which a part may be left: true, -Infinity, \\u0041

_BETWEEN = re.compile(r"[\s,]*")
_NEXT = re.compile(r"\n(?=\s*[{\[])|\Z")
_BEGUN_LIST = re.compile(r"\[\s*(?:[\[{\]]|\Z)")
_PART = re.compile(r"-?|\.|[eE][+-]?|-?I[nfity]*|N[aN]*|t[rue]*|f[alse]*|n[ul]*|u[0-9a-fA-F]{0,3}")


class Unreadable(ValueError):
    """What stands in the place of a value that cannot be read.

    Attributes:
        line: on which it is wrong, counted from 1.
        cut: whether the file ends within the value or within the list.
    """

    def __init__(self, why: str, line: int, cut: bool) -> None:
        super().__init__(why)
        self.line = line
        self.cut = cut


class JsonValue(NamedTuple):
    """A value in a file.

    Attributes:
        line: on which it begins, counted from 1.
        text: as it stands there.
        value: what it is; `Unreadable` where it cannot be read.
    """

    line: int
    text: str
    value: Any


def json_values(text: TextIO, at_once: int = CHARACTERS) -> Iterator[JsonValue]:
    """The values of a file one after the other, in memory for the longest of them.

    A list that begins with an object or a list is given by its values; any other is one value, as
    a row of cells is.

    Args:
        text: of the file, with its line ends as they are.
        at_once: characters that are read at a time.

    Yields:
        The values. After one that cannot be read it goes on with the next line that begins a list
        or an object.

    >>> import io
    >>> [(each.line, each.value) for each in json_values(io.StringIO('[{"a": 1},\\n {"a": [2]}]'))]
    [(1, {'a': 1}), (2, {'a': [2]})]
    >>> [each.text for each in json_values(io.StringIO('["a", 1]\\n["b", 2]\\n'))]
    ['["a", 1]', '["b", 2]']
    >>> [str(each.value) for each in json_values(io.StringIO('[{"a": 1},'))]
    ["{'a': 1}", 'the list does not end']
    """
    decode = json.JSONDecoder().raw_decode
    held, line, size, ended, in_list = "", 1, at_once, False, False
    while not ended:
        more = text.read(size)
        ended = not more
        held += more
        at, unfinished = 0, False
        while True:
            begun = _end(_BETWEEN, held, at)
            line += held.count("\n", at, begun)
            at = begun
            if at == len(held):
                break
            if in_list and held[at] == "]":
                in_list, at = False, at + 1
                continue
            if not in_list and (opened := _BEGUN_LIST.match(held, at)):
                unfinished = opened.end() == len(held) and not ended
                if unfinished:
                    break
                in_list, at = True, at + 1
                continue
            try:
                value, end = decode(held, at)
                unfinished = end == len(held) and not ended  # a number may go on
            except (ValueError, RecursionError) as error:
                unfinished = not ended and _may_go_on(error, len(held)) and len(held) - at < LONGEST
                end = at if unfinished else _end(_NEXT, held, at)
                value = _unreadable(error, held, at, line)
            if unfinished:
                break
            yield JsonValue(line, held[at:end], value)
            line += held.count("\n", at, end)
            at = end
        held = held[at:]
        size = max(at_once, len(held) if unfinished else 0)  # twice as much each time
    if in_list:
        yield JsonValue(line, "", Unreadable("the list does not end", line, cut=True))


def stands_on_lines(head: str) -> bool:
    """Whether a text has a value on each line, by its beginning.

    >>> stands_on_lines('{"a": 1}\\n{"a": 2}'), stands_on_lines('{"a": 1}')
    (True, True)
    >>> stands_on_lines('[{"a": 1}]'), stands_on_lines('{\\n "a": 1}')
    (False, False)
    """
    first, _, rest = head.lstrip().partition("\n")
    if first.startswith("["):
        return False
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return rest.lstrip("\r").startswith("{")  # of values over several lines, none does
    return True


def is_cut_off(text: str) -> bool:
    """Whether a text ends within a JSON value that is right as far as it goes.

    >>> is_cut_off('{"a": "b'), is_cut_off('{"a": tr'), is_cut_off('{"a" 1}'), is_cut_off("{}")
    (True, True, False, False)
    """
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return _is_cut(error, text)
    except (ValueError, RecursionError):
        return False
    return False


def _unreadable(error: ValueError | RecursionError, held: str, at: int, line: int) -> Unreadable:
    """What is wrong with the value that begins at a place of the text that is held."""
    if not isinstance(error, json.JSONDecodeError):
        why = "is nested too deep" if isinstance(error, RecursionError) else str(error)
        return Unreadable(why, line, cut=False)
    wrong = line + held.count("\n", at, error.pos)
    cut = _is_cut(error, held) and _end(_NEXT, held, at) == len(held)
    return Unreadable(error.msg, wrong, cut)


def _is_cut(error: json.JSONDecodeError, text: str) -> bool:
    rest = text[error.pos :].rstrip()
    return error.msg.startswith("Unterminated") or _PART.fullmatch(rest) is not None


def _may_go_on(error: ValueError | RecursionError, length: int) -> bool:
    """Whether more text could mend what the decoder found wrong in a text of this length."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.msg.startswith("Unterminated") or error.pos >= length - LONGEST_TOKEN


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Where the next match of a pattern ends that matches anything."""
    found = pattern.search(text, at)
    assert found is not None
    return found.end()
