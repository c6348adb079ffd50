"""What do a learner's events say of a running plan at one moment? Lag, pace, difficulty, affect.

What cannot be told is None, and neither begins nor ends a state. The same set of events says the
same, whatever their order and however often each came.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from kgplan.adjusting.rules import Rules
from kgplan.adjusting.running import RunningPlan, RunningStep
from kgplan.data.events import Event, Evidence, evidence_of, played_between, played_seconds
from kgplan.data.records import NOT_YET, WATCHED

DAY, HOUR, MINUTE = 86_400.0, 3_600.0, 60.0
WEEK = 7 * DAY
Label = Literal["positive", "neutral", "confused", "fatigued", "negative"]


@dataclass(frozen=True)
class Affect:
    """What somebody said of how a learner feels. It is given for one tick, and kept nowhere here.

    Attributes:
        event_id: names it.
        time: when, in seconds since 1970.
        label: what was said.
        by: the learner, or something that supplied it.
        confidence: of what supplied it.
    """

    event_id: str
    time: float
    label: Label
    by: Literal["self", "supplied"] = "self"
    confidence: float = 1.0


@dataclass(frozen=True)
class Reading:
    """A signal.

    Attributes:
        value: of it.
        values: what it was computed from, by name.
        event_ids: the events that it was computed from, in order.
    """

    value: float
    values: tuple[tuple[str, float], ...]
    event_ids: tuple[str, ...]


@dataclass(frozen=True)
class Mood:
    """The label that holds, with the reports that say so."""

    label: Label
    event_ids: tuple[str, ...]


@dataclass(frozen=True)
class Signals:
    """What is known at a tick.

    Attributes:
        at: the tick, in seconds since 1970.
        step_id: the step that the learner is at; "" where there is none.
        playing: whether something of it is being played or answered in this session.
        done: ids of the steps that are done.
        lag: 1 - done / due, in minutes of the plan.
        pace: seconds that a learner takes for a second of video.
        difficulty: D of the step, 0 to 1.
        mastery: alpha of the step, where answers bear it out.
        replayed: item of the step that was replayed most; "" where none was.
        idle: days since the last event; None where there was none.
        mood: what was reported.
        finish_at: when the plan is done at the minutes that are wanted a week and at this pace.
    """

    at: float
    step_id: str = ""
    playing: bool = False
    done: frozenset[str] = frozenset()
    lag: Reading | None = None
    pace: Reading | None = None
    difficulty: Reading | None = None
    mastery: Reading | None = None
    replayed: str = ""
    idle: float | None = None
    mood: Mood | None = None
    finish_at: float | None = None


def signals_of(
    events: Iterable[Event],
    plan: RunningPlan,
    at: float,
    rules: Rules,
    mastery: Mapping[str, float] | None = None,
    affect: Iterable[Affect] = (),
    risk: float | None = None,
    lengths: Mapping[str, float] | None = None,
) -> Signals:
    """All signals at a tick.

    Args:
        events: of the learner, stored before the tick; in any order, later ones are left out.
        plan: that the learner is at.
        at: the tick, in seconds since 1970.
        rules: how signals are made.
        mastery: step -> alpha of it.
        affect: what was reported of the learner, where the learner wants that.
        risk: probability that the next view is broken off, where somebody predicts it.
        lengths: item -> seconds, for items whose events do not tell it.
    """
    known = counted(events, at)
    now, begin = evidence_of(known, lengths), at - rules.signals.window * DAY
    recent = [event for event in known if event.time > begin]
    done = frozenset(each.step_id for each in plan.steps if is_done(each, now, known))
    last = known[-1].time if known else None
    in_session = last is not None and at - last < rules.tick.gap * MINUTE
    step = step_at(plan, known, done, in_session)
    seen_last = _step_of(plan, known[-1].item_id) if known else None
    pace = _pace(known, rules)
    answers = [] if step is None else _answers(step, recent, rules)
    told, replayed = None, ""
    if step is not None:
        told, replayed = _difficulty(step, recent, answers, rules, risk, lengths or {})
    return Signals(
        at,
        "" if step is None else step.step_id,
        in_session and step is not None and seen_last is step and step.step_id not in done,
        done,
        _lag(known, plan, now, begin, at, rules, lengths),
        pace,
        told,
        _mastery(step, answers, rules, mastery or {}),
        replayed,
        None if last is None else (at - last) / DAY,
        mood_of(affect, at, rules),
        _finish_at(plan, done, pace, at),
    )


def counted(events: Iterable[Event], at: float) -> list[Event]:
    """Events up to a moment that count, each once, in order of time.

    >>> [e.event_id for e in counted([Event("b", "u", 2.0), Event("a", "u", 1.0)] * 2, 2.0)]
    ['a', 'b']
    """
    by_id = {event.event_id: event for event in events if event.time <= at}
    void = {event.voids for event in by_id.values()}
    found = [event for name, event in by_id.items() if name not in void and event.voids is None]
    return sorted(found, key=lambda event: (event.time, event.event_id))


def is_done(step: RunningStep, evidence: Evidence, events: Sequence[Event]) -> bool:
    """Whether a step is done: it was before, or all its items were worked through.

    It is not where the last answer that tells of it was wrong.

    Args:
        step: of a plan.
        evidence: what events say together.
        events: the same, in order of time.
    """
    if step.done:
        return True
    of_step = {*step.items, *step.asks}
    scores = (e.score for e in reversed(events) if e.item_id in of_step and e.score is not None)
    return (
        bool(step.items)
        and next(scores, 1.0) >= NOT_YET
        and all(
            evidence.shares.get(item, 0.0) >= WATCHED or evidence.scores.get(item, 0.0) >= WATCHED
            for item in step.items
        )
    )


def step_at(
    plan: RunningPlan, events: Sequence[Event], done: frozenset[str], in_session: bool
) -> RunningStep | None:
    """The step that the learner is at: of what was seen last, else the next.

    Where that is done, it is looked at as long as the session lasts: who plays it again may find it
    hard.

    Args:
        plan: with its steps.
        events: in order of time.
        done: steps that are.
        in_session: whether the last event is of a session that goes on.
    """
    for event in reversed(events):
        step = _step_of(plan, event.item_id)
        if step is not None:
            if in_session or step.step_id not in done:
                return step
            break
    open_ = [each for each in plan.steps if each.step_id not in done]
    return next((each for each in open_ if not each.optional), open_[0] if open_ else None)


def mood_of(affect: Iterable[Affect], at: float, rules: Rules) -> Mood | None:
    """The label that holds: the last that the learner said, or that others said often enough."""
    begin = at - rules.signals.affect * MINUTE
    alive = sorted(
        {each.event_id: each for each in affect if begin < each.time <= at}.values(),
        key=lambda each: (each.time, each.event_id),
    )
    for k in range(len(alive) - 1, -1, -1):
        label = alive[k].label
        if alive[k].by == "self":
            return Mood(label, (alive[k].event_id,))
        alike = [
            each.event_id
            for each in alive[: k + 1]
            if each.label == label
            and each.by == "supplied"
            and each.confidence >= rules.signals.confidence
        ]
        if alive[k].event_id in alike and len(alike) >= rules.signals.reports:
            return Mood(label, tuple(alike))
    return None


def _step_of(plan: RunningPlan, item_id: str | None) -> RunningStep | None:
    """The step that an item is of."""
    if item_id is None:
        return None
    return next(
        (each for each in plan.steps if item_id in each.items or item_id in each.asks), None
    )


def _lag(
    events: Sequence[Event],
    plan: RunningPlan,
    now: Evidence,
    begin: float,
    at: float,
    rules: Rules,
    lengths: Mapping[str, float] | None,
) -> Reading | None:
    """1 - done / due. No more is due than was left when the window began."""
    if plan.weekly is None:
        return None
    begin = max(begin, plan.since)
    earlier = [event for event in events if event.time <= begin]
    then = evidence_of(earlier, lengths)
    left = [(step, 1 - _progress(step, then)) for step in plan.steps if not step.optional]
    open_ = sum(step.minutes * share for step, share in left)
    due = min(plan.weekly * (at - begin) / WEEK, open_)
    if due < rules.signals.least_due or due <= 0:
        return None
    done = sum(step.minutes * (_progress(step, now) - 1 + share) for step, share in left)
    since = events[len(earlier) :] or events[-1:]
    values = (("done", done), ("due", due))
    return Reading(1 - done / due, values, tuple(event.event_id for event in since))


def _progress(step: RunningStep, evidence: Evidence) -> float:
    """Share of a step that is done, by its items."""
    if step.done or not step.items:
        return 1.0
    seen = (max(evidence.shares.get(i, 0.0), evidence.scores.get(i, 0.0)) for i in step.items)
    return sum(1.0 if each >= WATCHED else each for each in seen) / len(step.items)


def _pace(events: Sequence[Event], rules: Rules) -> Reading | None:
    """Moving average of wall over played seconds, video by video in the order of their ends."""
    keep, value, names = 0.5 ** (1 / rules.signals.half_life), None, list[str]()
    for run in _runs(events):
        played = sum(end - start for start, end in _played(run))
        wall = run[-1].time - run[0].time
        if played > 0 and wall > 0:
            ratio = wall / played
            value = ratio if value is None else keep * value + (1 - keep) * ratio
            names += [event.event_id for event in run]
    return None if value is None else Reading(value, (("videos", len(names)),), tuple(names))


def _runs(events: Sequence[Event]) -> list[list[Event]]:
    """Runs of a player that are told apart by a session, in the order of their ends."""
    runs: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        if event.item_id is not None and event.session is not None and event.watches:
            runs.setdefault((event.item_id, event.session), []).append(event)
    return sorted(runs.values(), key=lambda run: (run[-1].time, run[-1].event_id))


def _played(run: Sequence[Event]) -> list[tuple[float, float]]:
    """Segments that a run played, as often as it did."""
    told = [segment for event in run for segment in event.segments]
    return told or list(played_between(run))


def _answers(step: RunningStep, events: Sequence[Event], rules: Rules) -> list[Event]:
    """The latest answers that tell of a step, in order."""
    of_step = {*step.items, *step.asks}
    found = [event for event in events if event.item_id in of_step and event.score is not None]
    return found[-int(rules.signals.answers) :]


def _difficulty(
    step: RunningStep,
    events: Sequence[Event],
    answers: Sequence[Event],
    rules: Rules,
    risk: float | None,
    lengths: Mapping[str, float],
) -> tuple[Reading | None, str]:
    """D of a step, and its item that was replayed most."""
    views = [event for event in events if event.item_id in step.items and event.watches]
    ratio, item = _replay(views, lengths)
    back = sum(
        event.stopped_at is not None
        and event.started_at is not None
        and event.started_at < event.stopped_at
        for event in views
    )
    is_replayed = ratio >= rules.signals.replay or back >= rules.signals.back_seeks
    replayed = item if is_replayed else ""
    n = len(answers)
    if n >= rules.signals.least_answers:
        wrong = sum(event.score is not None and event.score < NOT_YET for event in answers)
        said = (("answers", float(n)), ("wrong", float(wrong)))
        names = tuple(event.event_id for event in answers)
        return Reading((1 + wrong) / (2 + n), said, names), replayed
    if not views:
        return None, ""
    is_risky = risk is not None and risk >= rules.signals.risk
    values: tuple[tuple[str, float], ...] = (("replay", ratio), ("back_seeks", float(back)))
    if risk is not None:
        values = (*values, ("risk", risk))
    names = tuple(event.event_id for event in views)
    return Reading(0.5 * is_replayed + 0.5 * is_risky, values, names), replayed


def _replay(views: Sequence[Event], lengths: Mapping[str, float]) -> tuple[float, str]:
    """Seconds played over the length, of the item where that is most; and that item.

    Where no length is known, over the seconds that were played at all.
    """
    best, found = 0.0, ""
    for item in sorted({str(event.item_id) for event in views}):
        own = [event for event in views if event.item_id == item]
        runs: dict[str | None, list[Event]] = {}
        for event in own:
            runs.setdefault(event.session, []).append(event)
        segments = [segment for run in runs.values() for segment in _played(run)]
        told = [event.length for event in own if event.length is not None]
        once = max(told, default=lengths.get(item, 0.0)) or played_seconds(segments)
        if once > 0:
            ratio = sum(end - start for start, end in segments) / once
            if ratio > best:
                best, found = ratio, item
    return best, found


def _mastery(
    step: RunningStep | None,
    answers: Sequence[Event],
    rules: Rules,
    mastery: Mapping[str, float],
) -> Reading | None:
    if step is None or step.step_id not in mastery or len(answers) < rules.signals.least_answers:
        return None
    alpha, names = mastery[step.step_id], tuple(event.event_id for event in answers)
    return Reading(alpha, (("answers", float(len(answers))),), names)


def _finish_at(
    plan: RunningPlan, done: frozenset[str], pace: Reading | None, at: float
) -> float | None:
    """When what is left is done, at the minutes a week that are wanted; pace 1 where unknown."""
    if not plan.weekly:
        return None
    left = sum(
        each.minutes for each in plan.steps if each.step_id not in done and not each.optional
    )
    return at + left * (1.0 if pace is None else pace.value) / plan.weekly * WEEK
