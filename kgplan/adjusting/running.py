"""A plan that a learner is at work on: what may be changed in it, and what changes do to it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal[
    "insert", "swap", "optional", "require",
    "offers", "questions", "segments", "basic", "tasks", "rest", "hard", "basics", "support",
    "alert",
]  # fmt: skip
"""What a change does. To steps: a prerequisite is put in, an item takes another's place, a step may
be left out, or may not any more. To what is shown: more offers, questions, replayed segments, a
basic video, fewer tasks, a rest, harder offers, basics, support. An alert tells a teacher."""
STRUCTURAL: frozenset[Kind] = frozenset({"insert", "swap", "optional", "require"})
Limit = Literal["", "overridden", "frozen", "playing", "a_day", "a_week", "reversal", "again"]
"""Why a change is a suggestion only; "" where it is made."""


@dataclass(frozen=True)
class Other:
    """Another item that teaches a step.

    Attributes:
        item_id: of it.
        concepts: how many concepts it covers, n_v: the fewer, the more basic.
    """

    item_id: str
    concepts: int


@dataclass(frozen=True)
class RunningStep:
    """A step of a running plan.

    Attributes:
        step_id: of the concept, or of whatever a step stands for.
        items: to be worked through, in this order.
        minutes: that they take together.
        asks: exercises whose answers tell of the step, beside `items`.
        needs: steps that come before it, where the plan has them.
        others: what else teaches it.
        before: prerequisites that may be put before it.
        done: whether it is known to be done; signals find what events say.
        pinned: whether somebody wants it in any case.
        overridden: whether a teacher decided about it, so that rules only suggest.
        optional: whether it may be left out.
        date: by which it is to be done, in seconds since 1970; None where nobody said.
    """

    step_id: str
    items: tuple[str, ...]
    minutes: float
    asks: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset()
    others: tuple[Other, ...] = ()
    before: tuple["Prerequisite", ...] = ()
    done: bool = False
    pinned: bool = False
    overridden: bool = False
    optional: bool = False
    date: float | None = None


@dataclass(frozen=True)
class Prerequisite:
    """A step that may be put before another.

    Attributes:
        step: as it would be put in.
        similarity: eq. (8) with the step that needs it.
        mastery: of it.
    """

    step: RunningStep
    similarity: float
    mastery: float

    @property
    def score(self) -> float:
        """As in step 4 of Algorithm 1: how close it is, and how weak."""
        return self.similarity + 1 - self.mastery


@dataclass(frozen=True)
class RunningPlan:
    """What a learner is at work on.

    Attributes:
        steps: in order.
        goal: ids of the steps that the plan is for; no rule touches them.
        since: when it was made, in seconds since 1970.
        weekly: minutes a week that are wanted of the learner; None where nobody said.
        frozen: whether a teacher froze it, so that rules only suggest.
        date: by which all of it is to be done, in seconds since 1970; None where nobody said.
    """

    steps: tuple[RunningStep, ...]
    goal: frozenset[str]
    since: float
    weekly: float | None = None
    frozen: bool = False
    date: float | None = None

    def step(self, step_id: str) -> RunningStep | None:
        """The step of an id, if there is one."""
        return next((each for each in self.steps if each.step_id == step_id), None)


@dataclass(frozen=True)
class Change:
    """One thing that a rule does, with all that it follows from.

    Attributes:
        at: the tick, in seconds since 1970.
        rule: the state that acts: "lagging", "strained", "stuck", "ahead", "eased", "stretched",
            "helped" or "support".
        kind: what it does.
        step_id: to which step; "" where it is to none.
        ends: whether it takes back what the rule did when its state was entered.
        before, after: what was, and what is now: numbers, or ids of items. Of a step that is put
            in: the step that it comes before, and its own id.
        limit: why it is a suggestion only; "" where it is made.
        values: of the signal, by name.
        event_ids: what the signal is made from.
        rules: version of the rules.
    """

    at: float
    rule: str
    kind: Kind
    step_id: str
    ends: bool
    before: float | str | None
    after: float | str | None
    limit: Limit
    values: tuple[tuple[str, float], ...]
    event_ids: tuple[str, ...]
    rules: str

    @property
    def made(self) -> bool:
        """Whether it is more than a suggestion."""
        return not self.limit

    @property
    def structural(self) -> bool:
        """Whether it changes steps."""
        return self.kind in STRUCTURAL


def applied(plan: RunningPlan, changes: Iterable[Change]) -> RunningPlan:
    """The plan after changes; what is only suggested, or shown, changes nothing.

    >>> step = RunningStep("b", ("v2",), 10.0)
    >>> made = Change(0.0, "ahead", "optional", "b", False, None, None, "", (), ("e1",), "usual")
    >>> applied(RunningPlan((step,), frozenset(), 0.0), [made]).steps[0].optional
    True
    """
    for change in changes:
        if change.made and change.structural:
            plan = _applied(plan, change)
    return plan


def _applied(plan: RunningPlan, change: Change) -> RunningPlan:
    steps = list(plan.steps)
    at = next((k for k, each in enumerate(steps) if each.step_id == change.step_id), -1)
    if at < 0:
        return plan
    step = steps[at]
    if change.kind == "insert":
        found = next((each for each in step.before if each.step.step_id == change.after), None)
        ids = [each.step_id for each in steps]
        if found is None or change.after in ids or change.before not in ids:
            return plan
        steps.insert(ids.index(change.before), found.step)
    elif change.kind == "swap":
        old, new = str(change.before), str(change.after)
        items = tuple(new if each == old else each for each in step.items)
        steps[at] = replace(step, items=items)
    else:
        steps[at] = replace(step, optional=change.kind == "optional")
    return replace(plan, steps=tuple(steps))


def place_of(
    plan: RunningPlan, step: RunningStep, new: RunningStep, done: frozenset[str] = frozenset()
) -> int | None:
    """Where a step goes that another needs: before it, and before whatever else waits for it.

    Args:
        plan: that it goes into.
        step: that needs it.
        new: to be put in.
        done: steps that wait for nothing any more.

    Returns:
        None where it is there already, or where what it needs itself comes later.
    """
    ids = [each.step_id for each in plan.steps]
    if new.step_id in ids:
        return None
    waiting = [
        k
        for k, each in enumerate(plan.steps)
        if each.step_id == step.step_id
        or (new.step_id in each.needs and not each.done and each.step_id not in done)
    ]
    place = min(waiting)
    return None if new.needs & set(ids[place:]) else place
