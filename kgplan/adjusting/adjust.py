"""How does a plan change by what its learner does? A state, the signals of a tick, what follows.

Pure: the same state, signals, plan and rules give the same. What is felt moves what is shown, never
the steps: these are the same for who reports nothing.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace

from kgplan.adjusting.rules import Rules
from kgplan.adjusting.running import (
    Change,
    Kind,
    Limit,
    RunningPlan,
    RunningStep,
    place_of,
)
from kgplan.adjusting.signals import DAY, HOUR, MINUTE, WEEK, Reading, Signals
from kgplan.adjusting.states import (
    AHEAD,
    CALM,
    EASED,
    HELPED,
    LAGGING,
    STRAINED,
    STRETCHED,
    STUCK,
    SUPPORT,
    Region,
    moved,
    moved_ahead,
    moved_difficulty,
    moved_load,
)

PRECEDENCE = (SUPPORT, EASED, STRAINED, LAGGING, HELPED, STRETCHED)
"""Of what is shown: where two want the same, the first has it."""
ORDER = (STUCK, AHEAD, *PRECEDENCE)
"""In which rules act at one tick: the first takes what the limits leave."""
AT_FIRST = Region()


@dataclass(frozen=True)
class State:
    """What is remembered of a learner between two ticks.

    `load`, and what `acted` and `shown` have of its rules, follow from what was felt: who stores a
    state stores these apart, or not at all.

    Attributes:
        at: the last tick, in seconds since 1970.
        pace, difficulty, ahead, load: the four regions.
        made: changes of steps that the limits still look at, the latest last.
        acted: rule -> when it last acted on what is shown.
        shown: rules whose effects are shown now.
        left_out: step that the rule "ahead" acted on last; "" for none.
    """

    at: float = float("-inf")
    pace: Region = AT_FIRST
    difficulty: Region = AT_FIRST
    ahead: Region = AT_FIRST
    load: Region = AT_FIRST
    made: tuple[Change, ...] = ()
    acted: tuple[tuple[str, float], ...] = ()
    shown: frozenset[str] = frozenset()
    left_out: str = ""


@dataclass(frozen=True)
class Shown:
    """What is shown of a plan.

    Attributes:
        offers: how many.
        weakest_first: whether they begin with what is held least.
        tasks: how many at a time.
        hard: share of offers that are hard.
        leads: the rule that has the first word; "" where none acts.
    """

    offers: int
    weakest_first: bool
    tasks: int
    hard: float
    leads: str


@dataclass
class _Tick:
    """Changes of one tick, as they come."""

    state: State
    signals: Signals
    plan: RunningPlan
    rules: Rules
    found: list[Change] = field(default_factory=list)

    def add(
        self,
        rule: str,
        kind: Kind,
        reading: Reading | None,
        step_id: str = "",
        before: float | str | None = None,
        after: float | str | None = None,
        ends: bool = False,
    ) -> Change:
        """One more change, made if the limits allow it."""
        values = () if reading is None else (("value", reading.value), *reading.values)
        change = Change(
            self.signals.at, rule, kind, step_id, ends, before, after, "", values,
            () if reading is None else reading.event_ids, self.rules.version,
        )  # fmt: skip
        limit = self._limit(change)
        change = replace(change, limit=limit)
        self.found.append(change)
        return change

    def _limit(self, change: Change) -> Limit:
        limits, at = self.rules.limits, change.at
        if change.kind == "alert" or (change.ends and not change.structural):
            return ""
        if not change.structural:
            last = dict(self.state.acted).get(change.rule, float("-inf"))
            return "again" if at - last < limits.again * MINUTE else ""
        step = self.plan.step(change.step_id)
        if step is None or step.overridden:
            return "overridden"
        if self.plan.frozen:
            return "frozen"
        playing = self.signals.playing and change.step_id == self.signals.step_id
        if playing and change.kind != "insert":  # which leaves the step itself as it is
            return "playing"
        made = [*self.state.made, *(each for each in self.found if each.structural and each.made)]
        if any(takes_back(change, each) and at - each.at < limits.reverse * HOUR for each in made):
            return "reversal"
        if sum(at - each.at < DAY for each in made) >= limits.a_day:
            return "a_day"
        return "a_week" if sum(at - each.at < WEEK for each in made) >= limits.a_week else ""


def takes_back(later: Change, earlier: Change) -> bool:
    """Whether a change of steps undoes another."""
    if later.kind == "swap" and earlier.kind == "swap":
        same = later.step_id == earlier.step_id
        return same and (later.before, later.after) == (earlier.after, earlier.before)
    if earlier.kind == "insert":
        return later.kind == "optional" and later.step_id == earlier.after
    return {later.kind, earlier.kind} == {"optional", "require"} and (
        later.step_id == earlier.step_id
    )


def adjust(
    state: State, signals: Signals, plan: RunningPlan, rules: Rules, share_affect: bool = False
) -> tuple[State, tuple[Change, ...]]:
    """What follows from one tick.

    Args:
        state: after the tick before; `State()` at first.
        signals: of this tick; one that is not later than the last changes nothing.
        plan: as it is now, changes that were made before applied.
        rules: that hold.
        share_affect: whether the learner wants a teacher to know of support.

    Returns:
        The state, and the changes in the order in which rules act. `running.applied` makes the plan
        that follows.
    """
    at = signals.at
    if at <= state.at:
        return state, ()
    tick = _Tick(state, signals, plan, rules)
    if signals.idle is not None and signals.idle >= rules.limits.idle:
        _end_all(tick)
        kept = State(at, made=_looked_at(state.made, at, rules), acted=state.acted)
        return kept, tuple(tick.found)
    regions = {
        "pace": moved(state.pace, LAGGING, signals.lag, rules.lagging, at),
        "difficulty": moved_difficulty(
            state.difficulty, signals.step_id, signals.done, signals.difficulty, rules, at
        ),
        "ahead": moved_ahead(state.ahead, signals.step_id, signals.mastery, rules, at),
        "load": moved_load(state.load, signals.mood, rules, at),
    }
    left_out = _steps(tick, regions)
    _shown(tick, regions, share_affect)
    found = tuple(sorted(tick.found, key=lambda each: ORDER.index(each.rule)))
    return _after(tick, found, regions, left_out), found


def shown_by(state: State, rules: Rules) -> Shown:
    """What is shown now. Of rules that want the same thing otherwise, the first has it."""
    now, effects = state.shown, rules.effects
    leads = next((rule for rule in PRECEDENCE if rule in now), "")
    return Shown(
        int(effects.offers_lagging if LAGGING in now else effects.offers),
        LAGGING in now,
        int(effects.tasks_eased if EASED in now else effects.tasks),
        # nothing harder for who is tired, sad or finds it hard
        effects.hard_stretched if leads == STRETCHED else effects.hard,
        leads,
    )


def as_lines(changes: Iterable[Change]) -> str:
    """Changes as JSON, one a line: the same changes are the same bytes."""
    return "".join(
        json.dumps(asdict(each), sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
        for each in changes
    )


def _steps(tick: _Tick, regions: dict[str, Region]) -> str:
    """Changes of steps: what is stuck first. Returns the step that "ahead" acted on."""
    state, signals, plan = tick.state, tick.signals, tick.plan
    difficulty, ahead, left_out = regions["difficulty"], regions["ahead"], state.left_out
    step = plan.step(signals.step_id)
    reading = signals.difficulty
    if difficulty.state == STUCK and state.difficulty.state != STUCK and step is not None:
        _unstick(tick, step, reading)
        tick.add(STUCK, "alert", reading, step.step_id)
    if step is None or step.done or step.step_id in signals.done:
        return left_out
    if ahead.state == AHEAD and ahead.over >= tick.rules.ahead.enter_ticks:
        may = not (step.optional or step.pinned or step.step_id in plan.goal)
        if may and left_out != step.step_id:
            tick.add(AHEAD, "optional", signals.mastery, step.step_id)
            left_out = step.step_id
    elif ahead.state == CALM and state.ahead.state == AHEAD:
        if step.optional and left_out == step.step_id:
            tick.add(AHEAD, "require", signals.mastery, step.step_id, ends=True)
        left_out = ""
    return left_out


def _unstick(tick: _Tick, step: RunningStep, reading: Reading | None) -> None:
    """Put the prerequisite that is closest and weakest before a step, else swap its video."""
    plan, done = tick.plan, tick.signals.done
    places = [
        (each, place_of(plan, step, each.step, done))
        for each in sorted(step.before, key=lambda each: (-each.score, each.step.step_id))
        if each.mastery < tick.rules.effects.weak
    ]
    best = next(((each, place) for each, place in places if place is not None), None)
    if best is not None:
        found, place = best
        told = None
        if reading is not None:
            why = ("similarity", found.similarity), ("mastery", found.mastery)
            told = replace(reading, values=(*reading.values, *why))
        before = plan.steps[place].step_id
        tick.add(STUCK, "insert", told, step.step_id, before, found.step.step_id)
        return
    other = _basic(step)
    if other and step.items and not step.pinned and step.step_id not in plan.goal:
        old = tick.signals.replayed or step.items[0]
        tick.add(STUCK, "swap", reading, step.step_id, old, other)


def _basic(step: RunningStep) -> str:
    """The other item of a step that covers least; "" where there is none."""
    others = [each for each in step.others if each.item_id not in step.items]
    return min(others, key=lambda each: (each.concepts, each.item_id)).item_id if others else ""


def _shown(tick: _Tick, regions: dict[str, Region], share_affect: bool) -> None:
    """Changes of what is shown, where states were entered and left."""
    state, signals, effects = tick.state, tick.signals, tick.rules.effects
    pace, load = regions["pace"].state, regions["load"].state
    mood = signals.mood
    felt = None if mood is None else Reading(1.0, ((mood.label, 1.0),), mood.event_ids)
    if load != state.load.state:
        if state.load.state != CALM:
            lasted = (signals.at - state.load.since) / MINUTE
            ids = () if felt is None else felt.event_ids
            _end(tick, state.load.state, Reading(0.0, (("minutes", lasted),), ids))
        if load == SUPPORT:
            tick.add(SUPPORT, "support", felt)
            if share_affect:
                tick.add(SUPPORT, "alert", felt)
        elif load == EASED:
            tick.add(EASED, "tasks", felt, before=effects.tasks, after=effects.tasks_eased)
            tick.add(EASED, "rest", felt, after=effects.rest)
        elif load == STRETCHED:
            tick.add(STRETCHED, "hard", felt, before=effects.hard, after=effects.hard_stretched)
        elif load == HELPED:
            tick.add(HELPED, "basics", felt)
    was, difficulty = state.difficulty.state, regions["difficulty"].state
    if was == CALM and difficulty != CALM:
        _strain(tick)
    elif was != CALM and difficulty == CALM:
        _end(tick, STRAINED, signals.difficulty)
    if pace != state.pace.state:
        if pace == LAGGING:
            before, after = effects.offers, effects.offers_lagging
            tick.add(LAGGING, "offers", signals.lag, before=before, after=after)
        else:
            _end(tick, LAGGING, signals.lag)


def _strain(tick: _Tick) -> None:
    """Questions where the step has any, else what was replayed; and a basic video."""
    signals, reading = tick.signals, tick.signals.difficulty
    step = tick.plan.step(signals.step_id)
    if step is None:
        return
    answered = reading is not None and reading.values[0][0] == "answers"
    if step.asks or answered:
        tick.add(STRAINED, "questions", reading, step.step_id, after=tick.rules.effects.questions)
    elif signals.replayed:
        tick.add(STRAINED, "segments", reading, step.step_id, after=signals.replayed)
    basic = _basic(step)
    if basic:
        tick.add(STRAINED, "basic", reading, step.step_id, after=basic)


_ENDS: dict[str, Kind] = {
    LAGGING: "offers",
    STRAINED: "questions",
    EASED: "tasks",
    STRETCHED: "hard",
    HELPED: "basics",
    SUPPORT: "support",
}


def _end(tick: _Tick, rule: str, reading: Reading | None) -> None:
    """Take back what a rule shows; nothing where it was only suggested."""
    if rule not in tick.state.shown:
        return
    effects, before, after = tick.rules.effects, None, None
    if rule == LAGGING:
        before, after = effects.offers_lagging, effects.offers
    elif rule == EASED:
        before, after = effects.tasks_eased, effects.tasks
    elif rule == STRETCHED:
        before, after = effects.hard_stretched, effects.hard
    tick.add(rule, _ENDS[rule], reading, before=before, after=after, ends=True)


def _end_all(tick: _Tick) -> None:
    """Begin anew: everything that is shown is as usual again."""
    idle = tick.signals.idle or 0.0
    for rule in PRECEDENCE:
        _end(tick, rule, Reading(idle, (("idle_days", idle),), ()))


def _after(
    tick: _Tick, changes: tuple[Change, ...], regions: dict[str, Region], left_out: str
) -> State:
    at, acted, shown = tick.signals.at, dict(tick.state.acted), set(tick.state.shown)
    made = list(_looked_at(tick.state.made, at, tick.rules))
    for each in changes:
        if not each.made:
            continue
        if each.structural:
            made.append(each)
        elif each.ends:
            shown.discard(each.rule)
        elif each.kind != "alert":
            acted[each.rule] = at
            shown.add(each.rule)
    return State(
        at, **regions, made=tuple(made), acted=tuple(sorted(acted.items())),
        shown=frozenset(shown), left_out=left_out,
    )  # fmt: skip


def _looked_at(made: Iterable[Change], at: float, rules: Rules) -> tuple[Change, ...]:
    longest = max(WEEK, rules.limits.reverse * HOUR)
    return tuple(each for each in made if at - each.at < longest)
