"""Which dates will be missed, and what would have to go for them to be kept?"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kgplan.adjusting.running import RunningPlan, RunningStep
from kgplan.adjusting.signals import WEEK


@dataclass(frozen=True)
class Miss:
    """A date that will be missed.

    Attributes:
        step_id: whose; "" where it is that of the whole plan.
        date: in seconds since 1970.
        finish: when it is done, at the minutes that are wanted a week and at the learner's pace.
        minutes: of the plan, too many up to the date.
        would_go: steps without which it would be kept, or, where `fits` is False, all that may go.
        fits: whether it would be kept without them.
    """

    step_id: str
    date: float
    finish: float
    minutes: float
    would_go: tuple[str, ...]
    fits: bool


def dated(plan: RunningPlan, date: float | None, dates: Mapping[str, float]) -> RunningPlan:
    """The plan with these dates, and no others.

    Args:
        plan: as it is.
        date: by which all is to be done, in seconds since 1970; None for none.
        dates: of steps.
    """
    steps = tuple(replace(each, date=dates.get(each.step_id)) for each in plan.steps)
    return replace(plan, steps=steps, date=date)


def misses(plan: RunningPlan, done: frozenset[str], pace: float, at: float) -> tuple[Miss, ...]:
    """Dates that will be missed where all goes on as it is wanted; none where nobody said how much.

    What would have to go: the last steps, as long as nothing that stays builds on them. What has
    the date, the goal, what is pinned and what a teacher decided about stays; what may be left out
    takes no time of the plan.

    Args:
        plan: with dates.
        done: steps that are.
        pace: seconds that the learner takes for a second of the plan.
        at: in seconds since 1970.
    """
    if not plan.weekly:
        return ()
    a_minute = WEEK / plan.weekly * pace  # how much later everything is for it
    open_ = [each for each in plan.steps if each.step_id not in done]
    found = []
    for place, step in enumerate(open_):
        if step.date is not None and not step.optional:
            found.append(_miss(step.step_id, step.date, open_[: place + 1], plan, a_minute, at))
    if plan.date is not None:
        found.append(_miss("", plan.date, open_, plan, a_minute, at))
    return tuple(each for each in found if each is not None)


def _miss(
    step_id: str,
    date: float,
    ahead: list[RunningStep],
    plan: RunningPlan,
    a_minute: float,
    at: float,
) -> Miss | None:
    """The date as a miss; None where what is ahead of it is done in time."""
    needed = [each for each in ahead if not each.optional]
    finish = at + sum(each.minutes for each in needed) * a_minute
    if finish <= date:
        return None
    too_many = (finish - date) / a_minute
    stays = {step_id} | plan.goal
    left, gone = too_many, list[str]()
    kept = {each.step_id: each for each in needed}
    for each in reversed(needed):
        waits = any(each.step_id in other.needs for other in kept.values())
        if left <= 0 or waits or each.step_id in stays or each.pinned or each.overridden:
            continue
        del kept[each.step_id]
        gone.append(each.step_id)
        left -= each.minutes
    return Miss(step_id, date, finish, too_many, tuple(reversed(gone)), left <= 0)
