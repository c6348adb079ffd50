"""Which JSON values are in a file, be it one list of them or one on each line?"""

import io
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

CHARACTERS = 1 << 20
LONGEST = 256 << 20
LONGEST_TOKEN = 16  # of which a part may be left: true, -Infinity, \\u0041
BETWEEN = re.compile(r"[\s,\[\]]*")
NEXT = re.compile(r"\n(?=\s*[{\[])|\Z")


def json_values(stream: BinaryIO, at_once: int = CHARACTERS) -> Iterator[tuple[int, Any]]:
    """The objects of a list or of lines, one after the other, in memory for the longest of them.

    Args:
        stream: UTF-8, with a byte order mark or without.
        at_once: characters that are read at a time.

    Yields:
        The line on which an object begins, counted from 1, and the object. What cannot be read is a
        ValueError in its place; it goes on with the next line that begins one.

    >>> import io
    >>> list(json_values(io.BytesIO(b'[{"a": 1},\\n {"a": [2]}]')))
    [(1, {'a': 1}), (2, {'a': [2]})]
    >>> [value for _, value in json_values(io.BytesIO(b'{"a": 1}\\n{"a\\n{"a": 3}\\n'))][0::2]
    [{'a': 1}, {'a': 3}]
    """
    text = io.TextIOWrapper(stream, "utf-8-sig", errors="replace", newline="")
    decode = json.JSONDecoder().raw_decode
    held, line, size, ended = "", 1, at_once, False
    while not ended:
        more = text.read(size)
        ended = not more
        held += more
        at, unfinished = 0, False
        while not unfinished:
            begun = _end(BETWEEN, held, at)
            line += held.count("\n", at, begun)
            at = begun
            if at == len(held):
                break
            try:
                value, end = decode(held, at)
            except (ValueError, RecursionError) as error:
                unfinished = not ended and _may_go_on(error, len(held)) and len(held) - at < LONGEST
                if unfinished:
                    break
                value, end = ValueError(str(error)), _end(NEXT, held, at)
            yield line, value
            line += held.count("\n", at, end)
            at = end
        held = held[at:]
        size = max(at_once, len(held) if unfinished else 0)  # twice as much each time


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
