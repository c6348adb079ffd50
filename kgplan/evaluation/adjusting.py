"""What would rules have done to learners' plans, and do they tell in time who breaks off?

A replay sends a history through `adjusting.adjust`, tick by tick. It counts what rules would have
said; what learners would have made of it no replay can show.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kgplan.adjusting import (
    Affect,
    Change,
    Rules,
    RunningPlan,
    State,
    adjust,
    applied,
    signals_of,
    ticks,
)
from kgplan.adjusting.adjust import takes_back
from kgplan.adjusting.rules import Threshold
from kgplan.adjusting.signals import DAY, HOUR, MINUTE, WEEK, Reading
from kgplan.adjusting.states import Region, moved
from kgplan.adjusting.ticks import sessions
from kgplan.data.events import Event, played_seconds
from kgplan.progress import Progress, silent

BREAK = 7 * DAY  # without a session, and a learner has broken off
LOW = 0.5  # share of a view under which it was broken off
LATEST = 3  # views of the one threshold that rules are held against
SUDDEN = Threshold(0.5, 1, 0.4999, 1, 0)  # on and off at one value
STEADY = Threshold(0.5, 2, 0.3, 2, 0)
DRAWS = 1_000


@dataclass(frozen=True)
class Followed:
    """One plan of one learner, and what its learner did.

    Attributes:
        learner_id: who.
        plan: as it was at first.
        events: of it, in any order.
        affect: what was reported; nothing in records.
    """

    learner_id: str
    plan: RunningPlan
    events: tuple[Event, ...]
    affect: tuple[Affect, ...] = ()


@dataclass(frozen=True)
class Run:
    """A plan sent through `adjust`.

    Attributes:
        changes: all of them, in order.
        ticks: (at, states) of each tick: those of pace, difficulty, ahead and load; "" for none.
    """

    changes: tuple[Change, ...]
    ticks: tuple[tuple[float, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Warned:
    """How well a warning goes with what came.

    Attributes:
        warning: which: a state of the rules, or one threshold: `LOW` of the mean unwatched share of
            the last `LATEST` views.
        outcome: what it is held against.
        cases: how often it could have been warned.
        base: share of them that came: the precision of chance.
        warned: share of them that were warned of: the recall of chance.
        precision: share of those warned of that came; None where none was.
        recall: share of those that came that were warned of; None where none came.
        gain: precision over base, with the ends of its 95 % interval by learners; None where
            none was warned of.
        lead: median hours from the begin of the warning to what came; None where there is none.
    """

    warning: str
    outcome: str
    cases: int
    base: float
    warned: float
    precision: float | None
    recall: float | None
    gain: tuple[float, float, float] | None
    lead: float | None


@dataclass(frozen=True)
class Flicker:
    """How often a warning begins or ends at views, and how often that is taken back in 24 hours."""

    rule: str
    changes: int
    reversed: int


@dataclass(frozen=True)
class Replayed:
    """What a replay counts.

    Attributes:
        rules: version of them.
        learners, plans, events, ticks: how many.
        hours: of sessions.
        weeks: from each plan's first to its last event, one at least.
        changes: (rule, kind, "begins" or "ends", limit) -> how many.
        made_an_hour: changes that were made, an hour of sessions.
        reversed: of those made, what a rule took back within 24 hours.
        alerts_a_week: alerts a plan and week.
        warned: of states, against what came.
        flicker: of a warning by the mean unwatched share of the last views, learner by learner.
    """

    rules: str
    learners: int
    plans: int
    events: int
    ticks: int
    hours: float
    weeks: float
    changes: tuple[tuple[str, str, str, str, int], ...]
    made_an_hour: float
    reversed: int
    alerts_a_week: float
    warned: tuple[Warned, ...]
    flicker: tuple[Flicker, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def run(
    followed: Followed,
    rules: Rules,
    mastery: Callable[[float], Mapping[str, float]] | None = None,
    until: float | None = None,
) -> Run:
    """Send one plan's history through `adjust`.

    Args:
        followed: whose.
        rules: that are tried.
        mastery: of the steps, at a moment; nothing is known where None.
        until: the last moment; 14 idle days behind the last event where None.
    """
    times = [event.time for event in followed.events]
    if until is None:
        until = max(times, default=0.0) + (rules.limits.idle + 1) * DAY
    state, plan, changes, seen = State(), followed.plan, list[Change](), []
    for at in ticks(times, until, rules):
        held = {} if mastery is None else mastery(at)
        signals = signals_of(followed.events, plan, at, rules, held, followed.affect)
        state, found = adjust(state, signals, plan, rules)
        plan = applied(plan, found)
        changes += found
        regions = state.pace, state.difficulty, state.ahead, state.load
        seen.append((at, tuple(region.state for region in regions)))
    return Run(tuple(changes), tuple(seen))


def replay(
    histories: Sequence[Followed], rules: Rules, seed: int = 0, progress: Progress = silent
) -> Replayed:
    """Send all plans through `adjust`, and hold its states against what came.

    Args:
        histories: plans with their events.
        rules: that are tried.
        seed: of the bootstrap.
        progress: told of plans.
    """
    runs = []
    for k, each in enumerate(histories):
        runs.append(run(each, rules))
        progress("plans", k + 1, len(histories))
    spans = [_span(each, rules) for each in histories]
    counted = Counter(
        (c.rule, c.kind, "ends" if c.ends else "begins", c.limit) for r in runs for c in r.changes
    )
    made = sum(c.made and c.kind != "alert" for r in runs for c in r.changes)
    alerts = sum(c.kind == "alert" for r in runs for c in r.changes)
    hours, weeks = (sum(each[k] for each in spans) for k in (0, 1))
    by_learner: dict[str, list[tuple[Followed, Run]]] = {}
    for history, done in zip(histories, runs, strict=True):
        by_learner.setdefault(history.learner_id, []).append((history, done))
    return Replayed(
        rules.version,
        len(by_learner),
        len(histories),
        sum(len(each.events) for each in histories),
        sum(len(each.ticks) for each in runs),
        hours,
        weeks,
        tuple((*key, number) for key, number in sorted(counted.items())),
        made / hours if hours else 0.0,
        sum(reversals(each.changes) for each in runs),
        alerts / weeks if weeks else 0.0,
        _warned(by_learner, rules, seed),
        tuple(
            flicker(name, rule, [views(_events(own)) for own in by_learner.values()])
            for name, rule in (("at .5", SUDDEN), ("from .5, up to .3, twice running", STEADY))
        ),
    )


def _events(own: Sequence[tuple[Followed, Run]]) -> list[Event]:
    """All events of a learner."""
    return [event for history, _ in own for event in history.events]


def reversals(changes: Sequence[Change]) -> int:
    """Changes that were made and that a rule took back within 24 hours."""
    made, found = [each for each in changes if each.made and each.kind != "alert"], 0
    for k, each in enumerate(made):
        later = [other for other in made[k + 1 :] if other.at - each.at < DAY]
        if each.structural:
            found += any(takes_back(other, each) for other in later)
        elif not each.ends:
            found += any(other.ends and other.rule == each.rule for other in later)
    return found


@dataclass(frozen=True)
class View:
    """A video that was opened.

    Attributes:
        begin, end: first and last event, in seconds since 1970.
        share: of the video that was played.
    """

    begin: float
    end: float
    share: float


def views(events: Iterable[Event]) -> list[View]:
    """Views whose length and player's session are told, in the order of their begin."""
    told: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        if event.item_id is not None and event.session is not None and event.watches:
            told.setdefault((event.item_id, event.session), []).append(event)
    found = []
    for each in told.values():
        length = max((e.length for e in each if e.length), default=0.0)
        played = [segment for e in each for segment in e.segments]
        if length and any(e.length for e in each):
            share = min(1.0, played_seconds(played) / length)
            times = [e.time for e in each]
            found.append(View(min(times), max(times), share))
    return sorted(found, key=lambda view: (view.begin, view.end, view.share))


def unwatched(seen: Sequence[View], at: float) -> float | None:
    """Mean unwatched share of the last views that had ended; None where there are too few."""
    ended = [each for each in seen if each.end <= at][-LATEST:]
    return None if len(ended) < LATEST else float(np.mean([1 - each.share for each in ended]))


def flicker(name: str, rule: Threshold, seen: Iterable[Sequence[View]]) -> Flicker:
    """What one warning does, looked at when each view ends."""
    changes = back = 0
    for own in seen:
        region, last = Region(), float("-inf")
        for view in sorted(own, key=lambda each: each.end):
            value = unwatched(own, view.end)
            if value is None:
                continue
            now = moved(region, "warned", Reading(value, (), ()), rule, view.end)
            if now.state != region.state:
                changes += 1
                back += view.end - last < DAY
                last = view.end
            region = now
    return Flicker(name, changes, back)


def _span(followed: Followed, rules: Rules) -> tuple[float, float]:
    """Hours in sessions, and weeks from the first to the last event, one at least."""
    found = sessions([event.time for event in followed.events], rules)
    if not found:
        return 0.0, 0.0
    hours = sum(end - begin for begin, end in found) / HOUR
    return hours, max(1.0, (found[-1][1] - found[0][0]) / WEEK)


_WARNINGS = ("lagging", "strained", "lagging or strained", "one threshold")


def _warned(
    by_learner: Mapping[str, Sequence[tuple[Followed, Run]]], rules: Rules, seed: int
) -> tuple[Warned, ...]:
    end = max((e.time for own in by_learner.values() for h, _ in own for e in h.events), default=0)
    # outcome -> a learner's cases: came, and for each warning since when; nan where not warned
    cases: dict[str, list[list[tuple[bool, float, list[float]]]]] = {
        f"no session in {BREAK / DAY:.0f} days": [],
        f"next view under {LOW}": [],
    }
    broken, low = cases.values()
    for own in by_learner.values():
        events = _events(own)
        seen, found = views(events), []
        spans = sessions([event.time for event in events], rules)
        for k, (_, last) in enumerate(spans):
            at = last + rules.tick.gap * MINUTE
            if last + BREAK > end:
                continue
            came = k + 1 == len(spans) or spans[k + 1][0] - last > BREAK
            found.append((came, last, _since(own, seen, at)))
        broken.append([each for each in found if each[2]])
        found = [(v.share < LOW, v.begin, _since(own, seen, v.begin)) for v in seen]
        low.append([each for each in found if each[2]])
    rng = np.random.default_rng(seed)
    return tuple(
        _judged(warning, outcome, [[(c, at, s[k]) for c, at, s in own] for own in of], rng)
        for outcome, of in cases.items()
        for k, warning in enumerate(_WARNINGS)
    )


def _since(own: Sequence[tuple[Followed, Run]], seen: Sequence[View], at: float) -> list[float]:
    """Since when each warning holds at a moment; nan where it does not. Empty where the threshold
    knows too little, so that all warnings are judged on the same cases."""
    share = unwatched(seen, at)
    if share is None:
        return []
    lag, strain = (min((_on(r, k, at) for _, r in own), default=np.nan) for k in (0, 1))
    lag, strain = (np.nan if each == np.inf else each for each in (lag, strain))
    return [lag, strain, float(np.fmin(lag, strain)), _low_since(seen, at)]


def _low_since(seen: Sequence[View], at: float) -> float:
    """Since which view's end the one threshold warns; nan where it does not."""
    since = np.nan
    for end in sorted({each.end for each in seen if each.end <= at}, reverse=True):
        share = unwatched(seen, end)
        if share is None or share < LOW:
            break
        since = end
    return since


def _on(done: Run, region: int, at: float) -> float:
    """Since when a region is in a state, as of the last tick up to a moment; inf where in none."""
    since = np.inf
    for tick, states in done.ticks:
        if tick > at:
            break
        since = np.inf if not states[region] else min(since, tick)
    return since


def _judged(
    warning: str,
    outcome: str,
    cases: Sequence[Sequence[tuple[bool, float, float]]],
    rng: np.random.Generator,
) -> Warned:
    """A warning held against an outcome; `cases` by learner."""
    counts = np.array(
        [
            (
                len(own),
                sum(came for came, _, _ in own),
                sum(not np.isnan(since) for _, _, since in own),
                sum(came and not np.isnan(since) for came, _, since in own),
            )
            for own in cases
        ],
        dtype=float,
    ).reshape(-1, 4)
    n, came, warned, both = counts.sum(axis=0)
    leads = [
        (at - since) / HOUR
        for own in cases
        for came_, at, since in own
        if came_ and not np.isnan(since)
    ]
    base = came / n if n else 0.0
    gain = None
    if warned:
        drawn = rng.multinomial(len(cases), np.full(len(cases), 1 / len(cases)), DRAWS) @ counts
        usable = drawn[:, 2] > 0
        over = drawn[usable, 3] / drawn[usable, 2] - drawn[usable, 1] / drawn[usable, 0]
        low, high = np.quantile(over, [0.025, 0.975])
        gain = (float(both / warned - base), float(low), float(high))
    return Warned(
        warning,
        outcome,
        int(n),
        float(base),
        float(warned / n) if n else 0.0,
        float(both / warned) if warned else None,
        float(both / came) if came else None,
        gain,
        float(np.median(leads)) if leads else None,
    )
