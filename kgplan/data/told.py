"""Which number or time does a value of somebody else's format tell, if any?"""

import re
from datetime import UTC, datetime, tzinfo
from math import isfinite
from typing import Any

_TELLING = frozenset([int, float, str])
_DATE = re.compile(r"\s*\d{4}-?\d\d-?\d\d(\D|$)")  # digits alone, other than eight, are seconds
LONGEST = 1e7  # seconds of a video: what is longer is no length, and no position


def told_number(value: Any) -> float | None:
    """The number that a value tells, as a number or as text; None where it tells none.

    >>> told_number("12.5"), told_number(True), told_number("nan"), told_number(None)
    (12.5, None, None, None)
    """
    if type(value) not in _TELLING:  # true and false are no numbers
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) else None


def told_seconds(value: Any) -> float | None:
    """A position in a video, or its length, in seconds.

    >>> told_seconds(3), told_seconds(-1), told_seconds(1e9)
    (3.0, None, None)
    """
    number = told_number(value)
    return number if number is not None and 0 <= number <= LONGEST else None


def seconds_of(moment: datetime, zone: tzinfo = UTC) -> float:
    """A moment in seconds since 1970; one that tells no zone is of the one given.

    >>> seconds_of(datetime(1970, 1, 1, 0, 0, 9))
    9.0
    """
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()


def told_time(value: Any, zone: tzinfo = UTC) -> float | None:
    """A moment in seconds since 1970, of a text by ISO 8601 or of such seconds themselves.

    Args:
        value: what may tell one.
        zone: of a text without one.

    >>> told_time("1970-01-01T01:00:00+01:00"), told_time("1970-01-01 00:00:09"), told_time("9.5")
    (0.0, 9.0, 9.5)
    >>> told_time("yesterday") is None
    True
    """
    if not isinstance(value, str) or not _DATE.match(value):
        return told_number(value)
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return seconds_of(moment, zone)
