"""Which plans are learners at work on, and who changes them: rules at looks, learners, teachers?

A look is made by whichever process claims it first (`kgplan.store.events.running`), from what is
stored then; several may look at once, and any may be killed.
"""

import hashlib
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from typing import Any

from kgplan.adjusting import Change, Rules, RunningPlan, RunningStep, State, applied, as_lines
from kgplan.adjusting.beginning import begun, masteries, step_on
from kgplan.adjusting.catching_up import Alive, CaughtUp, catch_up
from kgplan.adjusting.dates import Miss, dated, misses
from kgplan.adjusting.deciding import Decided, Decision, broken_by, decided, marked, taken_back
from kgplan.adjusting.signals import DAY, MINUTE, Signals
from kgplan.adjusting.states import CALM
from kgplan.adjusting.stored import CHANGES, DECISIONS, PLANS, SIGNALS, STATES
from kgplan.data.events import Event
from kgplan.errors import (
    InputError,
    NoRunningPlan,
    PlanChanged,
    RecordsUnavailable,
    UnknownChange,
    UnknownConcept,
    UnknownLearner,
)
from kgplan.model.current import CurrentLearners
from kgplan.planning import Plan, Planner
from kgplan.store.events import running
from kgplan.store.events.erasure import hash_of
from kgplan.store.events.running import KeptChange, KeptRun, Look, Wanting

log = logging.getLogger(__name__)

LIFE = 14 * DAY
"""That a decision lives: meanwhile rules only suggest where it was made."""
CLAIMED = 120.0
"""Seconds that a process has for the looks that it claimed; then another may make them."""
AT_ONCE = 100
"""Looks that are claimed, and written, at once."""
MOST = 10_000
"""Plans of a course that are listed."""


@dataclass(frozen=True)
class Run:
    """A plan that a learner is at work on.

    Attributes:
        kept: as it is kept.
        plan: with what lives of decisions.
        state: what is remembered.
        seen: signals of the last look; None before the first.
    """

    kept: KeptRun
    plan: RunningPlan
    state: State
    seen: Signals | None

    @property
    def done(self) -> frozenset[str]:
        """Steps that were done at the last look, or when the plan was begun."""
        seen = frozenset[str]() if self.seen is None else self.seen.done
        return seen | {each.step_id for each in self.plan.steps if each.done}

    @property
    def misses(self) -> tuple[Miss, ...]:
        """Dates that will be missed, as of the last look, or as it was begun."""
        seen = self.seen
        pace = 1.0 if seen is None or seen.pace is None else seen.pace.value
        return misses(self.plan, self.done, pace, self.plan.since if seen is None else seen.at)


@dataclass(frozen=True)
class Told:
    """A change of a running plan, as it is kept and read: a rule's, or a decision."""

    kept: KeptChange
    what: Change | Decision


@dataclass(frozen=True)
class Looked:
    """What came of a round of looks.

    Attributes:
        plans: that were claimed.
        looks: that were made.
        changes: that rules made or suggest.
        again: plans that somebody changed meanwhile, to be looked at again.
    """

    plans: int = 0
    looks: int = 0
    changes: int = 0
    again: int = 0

    def __add__(self, other: "Looked") -> "Looked":
        return Looked(
            self.plans + other.plans,
            self.looks + other.looks,
            self.changes + other.changes,
            self.again + other.again,
        )


class RunningPlans:
    """The plans that learners are at work on. For any thread, and beside other processes.

    Args:
        learners: what is known of them; where it is stored, plans are.
        rules: by which plans change.
    """

    def __init__(self, learners: CurrentLearners, rules: Rules) -> None:
        self.learners, self.store, self.rules = learners, learners.store, rules

    # what there is

    def find(self, learner_id: str, course_id: str, now: float) -> Run:
        """A learner's plan in a course.

        Raises:
            NoRunningPlan: there is none.
        """
        with self.store.reading() as session:
            kept = running.one(session, learner_id, course_id)
            alive = running.decisions(session, learner_id, course_id, now) if kept else []
        if kept is None:
            raise NoRunningPlan(learner_id, course_id)
        return _run(kept, alive)

    def version(self, learner_id: str, course_id: str) -> int | None:
        """The plan's version; None where there is no plan."""
        with self.store.reading() as session:
            rows = session.rows("running_plan.version", learner_id=learner_id, course_id=course_id)
        return next((int(version) for (version,) in rows), None)

    def changes(
        self, learner_id: str, course_id: str, most: int, before: int = running.LATEST
    ) -> list[Told]:
        """What was changed or suggested in a plan, the newest first; those numbered below."""
        with self.store.reading() as session:
            found = running.newest(session, learner_id, course_id, most, before)
        return [_told(each) for each in found]

    def of_course(self, course_id: str, now: float) -> list[tuple[Run, int]]:
        """The plans in a course, by learner, each with how many changes there were in 7 days."""
        with self.store.reading() as session:
            kept = running.of_course(session, course_id, MOST)
            since = {"course_id": course_id, "since": now - 7 * DAY}
            counts = dict(session.rows("plan_change.since", **since))
        return [(_run(each, ()), counts.get(each.learner_id, 0)) for each in kept]

    # what people do

    def begin(
        self,
        planner: Planner,
        plan: Plan,
        weekly: float | None,
        by: str,
        now: float,
        date: float | None = None,
    ) -> Run:
        """Let a learner work on a plan; one that there is in the course ends.

        Args:
            planner: that made the plan.
            plan: of a course.
            weekly: minutes a week that are wanted; None where nobody said.
            by: who asks.
            now: in seconds since 1970.
            date: by which all of it is to be done; None where nobody said.

        Raises:
            UnknownLearner: nothing names the learner.
            PlanChanged: somebody else began or changed it meanwhile.
        """
        learner_id, course_id = plan.learner_id, plan.course_id or ""
        erasures = self.store.version(learner_id).erasures
        self.learners.check(planner, learner_id)
        current = self.learners.current(planner, learner_id)
        made = dated(begun(plan, planner, now, weekly, current), date, {})
        state = State(at=now)
        with self.store.reading() as session:
            before = running.one(session, learner_id, course_id)
        n = 0 if before is None else before.changes
        version = 1 if before is None else before.version + 1
        first = now + self.rules.tick.idle * 60 * MINUTE
        kept = KeptRun(
            learner_id, course_id, version, n, False, first, _json(PLANS, made),
            _json(STATES, state), "",
        )  # fmt: skip
        line = self._line("begin", by, kept, now, version=[version - 1, version])
        if before is None:
            done = self.store.write(partial(running.begin, run=kept, erasures=erasures, told=line))
        else:
            done = self.store.write(
                partial(running.change, before=before, after=kept, changes=(), told=line)
            )
        if not done:
            if self.store.version(learner_id).erasures != erasures:
                raise UnknownLearner(learner_id)
            raise PlanChanged(learner_id, course_id)
        return self.find(learner_id, course_id, now)

    def switch(
        self, learner_id: str, course_id: str, off: bool, by: str, now: float,
        version: int | None = None,
    ) -> Run:  # fmt: skip
        """Let rules change a plan, or not.

        Args:
            learner_id, course_id: whose plan.
            off: whether no rule is to look at it.
            by, now: who, when.
            version: that was read; any where None.

        Raises:
            NoRunningPlan, PlanChanged: as for `decide`.
        """
        run = self._at(learner_id, course_id, now, version)
        if run.kept.is_off == off:
            return run
        # what happened meanwhile is not made up for: the next look is one of those to come
        state = run.state if off else replace(run.state, at=max(now, run.state.at))
        after = replace(
            run.kept, version=run.kept.version + 1, is_off=off, due=inf if off else now,
            state=_json(STATES, state),
        )  # fmt: skip
        self._write(run, after, (), "off" if off else "on", by, now)
        return self.find(learner_id, course_id, now)

    def date(
        self,
        learner_id: str,
        course_id: str,
        date: float | None,
        dates: Mapping[str, float],
        by: str,
        now: float,
        version: int | None = None,
    ) -> Run:
        """Set the dates of a plan and its steps; those that are not named have none any more.

        Args:
            learner_id, course_id: whose plan.
            date: by which all is to be done, in seconds since 1970; None for none.
            dates: of steps.
            by, now: who, when.
            version: of the plan, as it was read; any where None.

        Raises:
            NoRunningPlan, PlanChanged: as for `decide`.
            InputError: there is no such step.
        """
        run = self._at(learner_id, course_id, now, version)
        plan = PLANS.validate_json(run.kept.plan)
        for step_id in dates:
            if plan.step(step_id) is None:
                raise InputError(f"the plan has no step {step_id!r}; name one of its steps")
        after = replace(
            run.kept, version=run.kept.version + 1, plan=_json(PLANS, dated(plan, date, dates))
        )
        self._write(run, after, (), "dates", by, now)
        return self.find(learner_id, course_id, now)

    def decide(
        self,
        planner: Planner,
        learner_id: str,
        course_id: str,
        kind: Decided,
        by: str,
        reason: str,
        now: float,
        version: int,
        step_id: str = "",
        before: str = "",
        order: Sequence[str] = (),
    ) -> tuple[Run, list[tuple[str, str]]]:
        """Change a plan as a person decides.

        Args:
            planner: knows what teaches a concept that is put in.
            learner_id, course_id: whose plan.
            kind: what is done.
            by, reason, now: who, why, when.
            version: of the plan, as it was read.
            step_id: to which step; "" where it is to several, or to none.
            before: the step that one is put in before; "" for the end.
            order: all steps, in their new order.

        Returns:
            The plan, and (step, prerequisite) pairs that the decision breaks.

        Raises:
            NoRunningPlan: there is none.
            PlanChanged: it is not as it was read.
            InputError: there is no such step, or it may not be done to it.
        """
        run = self._at(learner_id, course_id, now, version)
        plan = PLANS.validate_json(run.kept.plan)
        decision = _decision(plan, planner, course_id, kind, step_id, before, tuple(order))
        after = decided(plan, decision)
        broken = broken_by(plan, after, run.done)
        n, version = run.kept.changes + 1, run.kept.version + 1
        kept = replace(run.kept, version=version, changes=n, plan=_json(PLANS, after))
        change = KeptChange(
            n, now, version, by, kind, True, reason, now + LIFE, None, _json(DECISIONS, decision)
        )
        self._write(run, kept, (change,), kind, by, now, reason)
        return self.find(learner_id, course_id, now), broken

    def undo(
        self, learner_id: str, course_id: str, n: int, by: str, reason: str, now: float,
        version: int | None = None,
        of_rules: bool = False,
    ) -> Run:  # fmt: skip
        """Take a change or a decision back.

        Args:
            learner_id, course_id: whose plan.
            n: number of the change.
            by, reason, now: who, why, when.
            version: of the plan, as it was read; any where None.
            of_rules: whether only what a rule made may be taken back.

        Raises:
            NoRunningPlan, PlanChanged: as for `decide`.
            UnknownChange: there is none of this number.
            InputError: it was only suggested, or taken back already.
        """
        run = self._at(learner_id, course_id, now, version)
        told = self._change(learner_id, course_id, n)
        kept, what = told.kept, told.what
        # what a teacher accepted has a reason; without tokens nobody has a name
        if of_rules and (isinstance(what, Decision) or kept.reason):
            raise InputError(f"change {n} was decided by a teacher; ask them to end it")
        if kept.undone is not None:
            raise InputError(f"change {n} was taken back already; nothing is left to undo")
        if not kept.is_made:
            raise InputError(f"change {n} is a suggestion, which changed nothing; leave it")
        plan = PLANS.validate_json(run.kept.plan)
        state = run.state
        if kept.at < plan.since:
            pass  # of the plan before: a decision ends, its steps are others'
        elif isinstance(what, Decision) or what.structural:
            plan = taken_back(plan, what)
        else:
            state = replace(state, shown=state.shown - {what.rule})
        after = replace(
            run.kept, version=run.kept.version + 1, plan=_json(PLANS, plan),
            state=_json(STATES, state),
        )  # fmt: skip
        self._write(run, after, (), "undo", by, now, reason, undoes=n)
        return self.find(learner_id, course_id, now)

    def accept(
        self, learner_id: str, course_id: str, n: int, by: str, reason: str, now: float,
        version: int | None = None,
    ) -> Run:  # fmt: skip
        """Do what a rule only suggested.

        Args:
            learner_id, course_id: whose plan.
            n: number of the suggestion.
            by, reason, now: who, why, when.
            version: of the plan, as it was read; any where None.

        Raises:
            NoRunningPlan, PlanChanged: as for `decide`.
            UnknownChange: there is none of this number.
            InputError: it is no suggestion about steps, or changes nothing any more.
        """
        run = self._at(learner_id, course_id, now, version)
        what = self._change(learner_id, course_id, n).what
        if isinstance(what, Decision) or what.made or not what.structural:
            raise InputError(f"change {n} is no suggestion about steps; there is nothing to accept")
        plan = PLANS.validate_json(run.kept.plan)
        accepted = replace(what, at=now, limit="")
        after = applied(plan, [accepted]) if what.at >= plan.since else plan
        if after == plan:
            raise InputError(f"what change {n} suggests would change nothing any more; leave it")
        number, version = run.kept.changes + 1, run.kept.version + 1
        kept = replace(run.kept, version=version, changes=number, plan=_json(PLANS, after))
        change = KeptChange(
            number, now, version, by, what.kind, True, reason, 0.0, None, _json(CHANGES, accepted)
        )
        self._write(run, kept, (change,), "accept", by, now, reason)
        return self.find(learner_id, course_id, now)

    def _change(self, learner_id: str, course_id: str, n: int) -> Told:
        found = self.changes(learner_id, course_id, 1, n + 1)
        if not found or found[0].kept.n != n:
            raise UnknownChange(str(n))
        return found[0]

    # what rules do

    def preview(
        self, planner: Planner, learner_id: str, course_id: str, now: float
    ) -> tuple[Run, CaughtUp]:
        """What rules would make of the looks that are due, and of one now; nothing is kept.

        Raises:
            NoRunningPlan: there is no plan.
        """
        run = self.find(learner_id, course_id, now)
        with self.store.reading() as session:
            alive = running.decisions(session, learner_id, course_id, now)
        return run, self._caught_up(planner, run.kept, alive, now)

    def look(
        self, planner: Planner, now: float, most: int = AT_ONCE, seconds: float = CLAIMED
    ) -> Looked:
        """Make looks that are due, of some plans; nothing is left where `plans` is 0.

        Args:
            planner: that answers now.
            now: in seconds since 1970.
            most: plans.
            seconds: that other processes leave them alone.

        Raises:
            RecordsUnavailable: they cannot be read or written; nothing is lost.
        """
        soon = now + self.rules.tick.every * MINUTE
        with self.store.reading() as session:
            wanted = running.wanting(session, now, soon, most)
        if not wanted:
            return Looked()
        by = secrets.token_hex(8)
        claimed: list[tuple[Wanting, KeptRun]] = self.store.write(
            partial(running.claim, wanted=wanted, by=by, now=now, until=now + seconds)
        )
        with self.store.reading() as session:
            alive = [
                running.decisions(session, each.learner_id, each.course_id, kept_since(kept))
                for each, kept in claimed
            ]
        looks, made = [], 0
        for (each, kept), decided_on in zip(claimed, alive, strict=True):
            try:
                found = self._caught_up(planner, kept, decided_on, now)
            except RecordsUnavailable:
                raise
            except Exception:  # one odd plan must not hold up all others; it is tried again later
                log.exception("the running plan of a learner in %s is passed over", kept.course_id)
                continue
            made += len(found.looks)
            looks.append(self._looked(kept, found, each.revision))
        written = self.store.write(partial(running.looked, looks=looks, by=by))
        return Looked(
            len(claimed),
            made,
            sum(len(each.changes) for each, ok in zip(looks, written, strict=True) if ok),
            written.count(False),
        )

    def _looked(self, kept: KeptRun, found: CaughtUp, revision: int) -> Look:
        after = replace(kept, due=found.due)
        if not found.looks:
            return Look(kept, after, revision, (), ())
        seen, state = _json(SIGNALS, _slim(found.signals)), _json(STATES, found.state)
        before = _run(kept, ())
        version = kept.version + is_seen(before, found)
        after = replace(
            after, version=version, changes=kept.changes + len(found.changes),
            plan=_json(PLANS, found.plan), state=state, seen=seen,
        )  # fmt: skip
        changes = tuple(
            KeptChange(
                n, each.at, version, "", each.kind, each.made, "", 0.0, None, _json(CHANGES, each)
            )
            for n, each in enumerate(found.changes, start=kept.changes + 1)
        )
        line = self._line(
            "look", "", kept, found.looks[-1], version=[kept.version, version],
            looks=list(found.looks), changes=[each.n for each in changes],
            rules=self.rules.version,
        )  # fmt: skip
        if changes:
            told = as_lines(found.changes).encode()
            line["digest"] = hashlib.sha256(told).hexdigest()
        return Look(kept, after, revision, changes, (line,))

    def _caught_up(
        self, planner: Planner, kept: KeptRun, alive: Sequence[KeptChange], now: float
    ) -> CaughtUp:
        plan, state = PLANS.validate_json(kept.plan), STATES.validate_json(kept.state)
        model = self.learners.model(planner)
        items = {
            item
            for step in plan.steps
            for item in (*step.items, *step.asks, *(other.item_id for other in step.others))
        }
        events = [
            event
            for event in model.named(self.store.events(kept.learner_id))
            if of_plan(event, kept.course_id, items)
        ]
        known: dict[str, float] = {}

        def mastery() -> Mapping[str, float]:
            current = self.learners.current(planner, kept.learner_id)
            known.update(_of_steps(planner, kept.learner_id, current, plan))
            return known

        if state.difficulty.state != CALM:  # a prerequisite may be put in: how held is it now?
            plan = _renewed(plan, mastery())
        decisions = [Alive(_told(each).what, each.ends) for each in alive]  # type: ignore[arg-type]
        lengths = model.lengths
        return catch_up(plan, state, events, now, self.rules, decisions, mastery, lengths)

    def _at(self, learner_id: str, course_id: str, now: float, version: int | None) -> Run:
        run = self.find(learner_id, course_id, now)
        if version is not None and run.kept.version != version:
            raise PlanChanged(learner_id, course_id)
        return run

    def _write(
        self,
        run: Run,
        after: KeptRun,
        changes: Sequence[KeptChange],
        what: str,
        by: str,
        now: float,
        reason: str = "",
        undoes: int | None = None,
    ) -> None:
        versions = [run.kept.version, after.version]
        line = self._line(what, by, after, now, version=versions)
        if changes:
            line["changes"] = [each.n for each in changes]
        if reason:
            line["reason"] = hashlib.sha256(reason.encode()).hexdigest()
        if undoes is not None:
            line["undoes"] = undoes
        write: Callable[[Any], bool] = partial(
            running.change, before=run.kept, after=after, changes=changes, told=line, undoes=undoes
        )
        if not self.store.write(write):
            raise PlanChanged(after.learner_id, after.course_id)

    def _line(self, what: str, by: str, run: KeptRun, at: float, **told: Any) -> dict[str, Any]:
        learner = hash_of(run.learner_id)
        who = "learner" if by == run.learner_id else by
        named = {"what": what, "who": who, "learner": learner, "course": run.course_id, "at": at}
        return named | told


def kept_since(kept: KeptRun) -> float:
    """From when on decisions may count at the looks that are due."""
    return STATES.validate_json(kept.state).at


def of_plan(event: Event, course_id: str, items: set[str]) -> bool:
    """Whether an event tells of a plan: it is on one of its items, or in its course."""
    return event.item_id in items or event.course_id == course_id


def is_seen(before: Run, found: CaughtUp) -> bool:
    """Whether anything that is shown of a plan changed at a look."""
    was, now = before.seen, found.signals
    if found.changes or was is None or now is None:
        return True
    told = [(s.done, s.step_id, s.lag and round(s.lag.value, 2)) for s in (was, now)]
    states = [
        (s.pace.state, s.difficulty.state, s.ahead.state, s.shown)
        for s in (before.state, found.state)
    ]
    return told[0] != told[1] or states[0] != states[1]


def _slim(signals: Signals | None) -> Signals | None:
    """Signals without the names of all events that they are from, which grow with the history."""
    if signals is None:
        return None
    told = {
        name: reading and replace(reading, event_ids=())
        for name in ("lag", "pace", "difficulty", "mastery")
        for reading in [getattr(signals, name)]
    }
    return replace(signals, **told)


def _of_steps(
    planner: Planner, learner_id: str, current: Any, plan: RunningPlan
) -> dict[str, float]:
    """Masteries of a plan's steps and of what may be put before them."""
    held = masteries(planner, learner_id, current)
    ids = {each.step_id for each in plan.steps}
    ids |= {each.step.step_id for step in plan.steps for each in step.before}
    axis, prior = planner.graph.concepts, planner.derived.prior
    return {each: held.get(each, float(prior[axis.find(each)])) for each in ids if each in axis}


def _renewed(plan: RunningPlan, mastery: Mapping[str, float]) -> RunningPlan:
    """The plan, what may be put in with its mastery as it is now."""

    def now(step: RunningStep) -> RunningStep:
        before = tuple(
            replace(each, mastery=mastery.get(each.step.step_id, each.mastery))
            for each in step.before
        )
        return replace(step, before=before)

    return replace(plan, steps=tuple(map(now, plan.steps)))


def _decision(
    plan: RunningPlan,
    planner: Planner,
    course_id: str,
    kind: Decided,
    step_id: str,
    before: str,
    order: tuple[str, ...],
) -> Decision:
    """A decision that can be made about a plan.

    Raises:
        InputError: there is no such step, or it may not be done to it.
        UnknownConcept: nothing of this id can be put in.
    """
    ids = tuple(each.step_id for each in plan.steps)
    if kind == "freeze":
        return Decision(kind)
    if kind == "reorder":
        if sorted(order) != sorted(ids):
            raise InputError(
                f"the order names {len(order)} steps, and the plan has these {len(ids)}:"
                f" {', '.join(ids)}; name each once"
            )
        return Decision(kind, order=order, was=ids)
    if kind == "insert":
        if step_id in ids:
            raise InputError(f"step {step_id!r} is in the plan already; reorder it")
        if before and before not in ids:
            raise InputError(f"there is no step {before!r}; the plan has {', '.join(ids)}")
        planner.graph.concepts.place(step_id, UnknownConcept)
        step = step_on(planner, step_id, course_id, list(ids))
        if step is None:
            raise InputError(f"nothing teaches {step_id!r}; put in a concept that an item covers")
        return Decision(kind, step_id, before, step=step)
    step = plan.step(step_id)
    if step is None:
        raise InputError(f"there is no step {step_id!r}; the plan has {', '.join(ids)}")
    if kind == "pin":
        return Decision(kind, step_id)
    place = ids.index(step_id) + 1
    return Decision(kind, step_id, ids[place] if place < len(ids) else "", step=step)


def _run(kept: KeptRun, alive: Sequence[KeptChange]) -> Run:
    plan = PLANS.validate_json(kept.plan)
    decisions = [each for each in (_told(k).what for k in alive) if isinstance(each, Decision)]
    seen = SIGNALS.validate_json(kept.seen) if kept.seen else None
    return Run(kept, marked(plan, decisions), STATES.validate_json(kept.state), seen)


def _told(kept: KeptChange) -> Told:
    # a rule's change has no life, also where somebody accepted it
    reads = DECISIONS if kept.ends else CHANGES
    return Told(kept, reads.validate_json(kept.body))


def _json(adapter: Any, value: Any) -> str:
    # of a number that is whole it would warn, where a rule's file says how many
    text: bytes = adapter.dump_json(value, warnings=False)
    return text.decode()
