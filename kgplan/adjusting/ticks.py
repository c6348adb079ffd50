"""When are a learner's signals looked at? In a session, at its end, and daily while there is none.

Ticks follow from the events alone, so that a replay has those that were. That a session is over
shows only when nothing came for long enough: until then there are looks as before. What is felt
makes no looks, or steps would depend on it.
"""

from collections.abc import Iterable, Iterator

from kgplan.adjusting.rules import Rules
from kgplan.adjusting.signals import DAY, HOUR, MINUTE


def ticks(times: Iterable[float], until: float, rules: Rules) -> Iterator[float]:
    """Moments at which signals are looked at, ascending.

    The last one of a time without events is that at which states begin anew.

    Args:
        times: of a learner's events, in seconds since 1970, in any order.
        until: the last moment.
        rules: how often.

    >>> from kgplan.adjusting.rules import usual_rules
    >>> [t / 60 for t in ticks([0.0, 1200.0], 4000.0, usual_rules())]
    [15.0, 30.0, 45.0, 50.0]
    """
    found = sessions(times, rules)
    for k, (begin, end) in enumerate(found):
        next_begin = found[k + 1][0] if k + 1 < len(found) else float("inf")
        last = min(next_begin, until)
        over = end + rules.tick.gap * MINUTE
        at = begin + rules.tick.every * MINUTE
        while at < over and at <= last:
            yield at
            at += rules.tick.every * MINUTE
        at = over
        while at <= last and at < next_begin:
            yield at
            if at - end >= rules.limits.idle * DAY:
                break
            at += rules.tick.idle * HOUR


def sessions(times: Iterable[float], rules: Rules) -> list[tuple[float, float]]:
    """First and last event of each session, ascending."""
    found: list[tuple[float, float]] = []
    for time in sorted(times):
        if found and time - found[-1][1] < rules.tick.gap * MINUTE:
            found[-1] = found[-1][0], time
        else:
            found.append((time, time))
    return found
