"""What does a running plan become by all the looks that are due? And when is the next one?

The looks follow from the events, so it does not matter when, how often, or by whom this is asked:
what was missed is made up for, in order, and what was looked at is not looked at again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from kgplan.adjusting.adjust import State, adjust
from kgplan.adjusting.deciding import Decision, marked
from kgplan.adjusting.rules import Rules
from kgplan.adjusting.running import Change, RunningPlan, applied
from kgplan.adjusting.signals import DAY, HOUR, Signals, signals_of
from kgplan.adjusting.ticks import ticks
from kgplan.data.events import Event


@dataclass(frozen=True)
class Alive:
    """A decision, and until when it lives, in seconds since 1970."""

    decision: Decision
    until: float


@dataclass(frozen=True)
class CaughtUp:
    """What came of the looks that were due.

    Attributes:
        plan, state: after them.
        changes: that rules made or suggest, in order.
        looks: when, ascending, in seconds since 1970.
        signals: of the last one; None where none was due.
        due: the next one, as far as is known now; infinite where only an event brings one.
    """

    plan: RunningPlan
    state: State
    changes: tuple[Change, ...]
    looks: tuple[float, ...]
    signals: Signals | None
    due: float


def catch_up(
    plan: RunningPlan,
    state: State,
    events: Sequence[Event],
    now: float,
    rules: Rules,
    decisions: Iterable[Alive] = (),
    mastery: Callable[[], Mapping[str, float]] = dict,
    lengths: Mapping[str, float] | None = None,
) -> CaughtUp:
    """Make the looks that are due.

    Args:
        plan, state: after the last look.
        events: of the learner in this plan, as they are stored now; in any order.
        now: in seconds since 1970.
        rules: that hold.
        decisions: of people; those that live at a look count there.
        mastery: gives step -> alpha; asked where there are answers enough for it to count.
        lengths: item -> seconds.
    """
    alive, changes, signals = list(decisions), list[Change](), None
    # a session from before cannot begin or end between two looks that are still to come
    since = max((e.time for e in events), default=now) - (rules.limits.idle + 1) * DAY
    times = [event.time for event in events if event.time >= since]
    looks = [at for at in ticks(times, now, rules) if at > state.at]
    held: Mapping[str, float] = {}
    answered = sum(event.score is not None for event in events)
    if looks and answered >= rules.signals.least_answers:
        held = mastery()
    for at in looks:
        seen = marked(plan, (each.decision for each in alive if each.until > at))
        signals = signals_of(events, seen, at, rules, held, lengths=lengths)
        state, found = adjust(state, signals, seen, rules)
        plan = applied(plan, found)
        changes += found
    ahead = now + rules.tick.idle * HOUR + rules.tick.gap * 60
    due = next((at for at in ticks(times, ahead, rules) if at > now), inf)
    return CaughtUp(plan, state, tuple(changes), tuple(looks), signals, due)
