"""What do people decide about a running plan, and what does taking a change back do to it?

A decision changes steps at once. As long as it lives, rules only suggest where it was made; how
long that is, whoever keeps decisions says.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from kgplan.adjusting.running import Change, RunningPlan, RunningStep

Decided = Literal["pin", "remove", "insert", "reorder", "freeze"]
"""A step is wanted in any case, taken out, put in; steps get another order; rules only suggest."""


@dataclass(frozen=True)
class Decision:
    """What somebody decided about a plan.

    Attributes:
        kind: what it does.
        step_id: to which step; "" where it is to several, or to none.
        before: the step that one is put in before, or stood before; "" for the end.
        order: ids of all steps in their new order, of "reorder".
        was: the same as they were.
        step: that is put in, or was taken out.
    """

    kind: Decided
    step_id: str = ""
    before: str = ""
    order: tuple[str, ...] = ()
    was: tuple[str, ...] = ()
    step: RunningStep | None = None

    @property
    def about(self) -> frozenset[str]:
        """Steps that rules leave alone meanwhile: of an order, those that moved."""
        if self.kind == "reorder":
            pairs = zip(self.order, self.was, strict=True)
            return frozenset(new for new, old in pairs if new != old)
        return frozenset([self.step_id]) if self.step_id else frozenset()


def decided(plan: RunningPlan, decision: Decision) -> RunningPlan:
    """The plan with its steps as somebody decided; what is not there any more changes nothing.

    >>> steps = tuple(RunningStep(each, (), 1.0) for each in "abc")
    >>> plan = RunningPlan(steps, frozenset("c"), 0.0)
    >>> [s.step_id for s in decided(plan, Decision("remove", "b")).steps]
    ['a', 'c']
    >>> moved = Decision("reorder", order=("b", "a", "c"), was=("a", "b", "c"))
    >>> [s.step_id for s in decided(plan, moved).steps], sorted(moved.about)
    (['b', 'a', 'c'], ['a', 'b'])
    """
    if decision.kind == "remove":
        return _without(plan, decision.step_id)
    if decision.kind == "insert" and decision.step is not None:
        return _with(plan, decision.step, decision.before)
    if decision.kind == "reorder":
        return _ordered(plan, decision.order)
    return plan


def marked(plan: RunningPlan, alive: Iterable[Decision]) -> RunningPlan:
    """The plan as rules see it while decisions live: steps pinned and overridden, or all frozen."""
    decisions = list(alive)
    about = frozenset[str]().union(*(each.about for each in decisions))
    pins = {each.step_id for each in decisions if each.kind == "pin"}
    if not decisions:
        return plan
    steps = tuple(
        replace(each, pinned=each.pinned or each.step_id in pins, overridden=each.step_id in about)
        for each in plan.steps
    )
    return replace(plan, steps=steps, frozen=any(each.kind == "freeze" for each in decisions))


def taken_back(plan: RunningPlan, done: Change | Decision) -> RunningPlan:
    """The plan without what a change or a decision did to its steps.

    >>> step = RunningStep("b", ("v2",), 10.0)
    >>> plan = RunningPlan((step,), frozenset("b"), 0.0)
    >>> gone = Decision("remove", "b", step=step)
    >>> taken_back(decided(plan, gone), gone) == plan
    True
    """
    if isinstance(done, Decision):
        if done.kind == "remove" and done.step is not None:
            return _with(plan, done.step, done.before)
        if done.kind == "insert":
            return _without(plan, done.step_id)
        return _ordered(plan, done.was) if done.kind == "reorder" else plan
    if done.kind == "insert":
        return _without(plan, str(done.after))
    steps = []
    for each in plan.steps:
        if each.step_id == done.step_id and done.kind == "swap":
            new, old = str(done.after), str(done.before)
            items = tuple(old if item == new else item for item in each.items)
            each = replace(each, items=items)
        elif each.step_id == done.step_id and done.kind in ("optional", "require"):
            each = replace(each, optional=done.kind == "require")
        steps.append(each)
    return replace(plan, steps=tuple(steps))


def broken_by(
    before: RunningPlan, after: RunningPlan, done: frozenset[str] = frozenset()
) -> list[tuple[str, str]]:
    """(step, prerequisite) that is not learned before it any more, and was.

    Args:
        before, after: the plan, and what it would become.
        done: steps that wait for nothing, and that nobody waits for.
    """
    was, known = set(_waiting(before, done)), {each.step_id for each in before.steps}
    found = []
    ids = {each.step_id for each in after.steps}
    for each in after.steps:
        if each.step_id in done or each.done:
            continue
        gone = (need for need in each.needs if need in known - ids and need not in done)
        found += [(each.step_id, need) for need in gone]
    return sorted({*found, *_waiting(after, done)} - was)


def _waiting(plan: RunningPlan, done: frozenset[str]) -> list[tuple[str, str]]:
    """(step, prerequisite) where the prerequisite comes later."""
    place = {each.step_id: k for k, each in enumerate(plan.steps)}
    return [
        (each.step_id, need)
        for k, each in enumerate(plan.steps)
        if not each.done and each.step_id not in done
        for need in each.needs
        if need not in done and place.get(need, -1) > k
    ]


def _without(plan: RunningPlan, step_id: str) -> RunningPlan:
    """Without a step, which no rule puts in again."""
    steps = (each for each in plan.steps if each.step_id != step_id)
    return replace(
        plan,
        steps=tuple(
            replace(each, before=tuple(b for b in each.before if b.step.step_id != step_id))
            for each in steps
        ),
    )


def _with(plan: RunningPlan, step: RunningStep, before: str) -> RunningPlan:
    ids = [each.step_id for each in plan.steps]
    if step.step_id in ids:
        return plan
    place = ids.index(before) if before in ids else len(ids)
    return replace(plan, steps=(*plan.steps[:place], step, *plan.steps[place:]))


def _ordered(plan: RunningPlan, order: tuple[str, ...]) -> RunningPlan:
    """In an order; steps that came since stay behind the step that they are behind."""
    place, last = {name: k for k, name in enumerate(order)}, -1
    keys = []
    for k, each in enumerate(plan.steps):
        last = place.get(each.step_id, last)
        keys.append((last, each.step_id not in place, k))
    steps = [plan.steps[k] for _, _, k in sorted(keys)]
    return replace(plan, steps=tuple(steps))
