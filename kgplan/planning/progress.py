"""How far has a learner come along a plan: what is done, what is next, what is overdue?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kgplan.data.wishes import Wishes

Status = Literal["done", "left_out", "overdue", "next", "later"]
DAY = 86_400.0


@dataclass(frozen=True)
class StepProgress:
    """Where a learner stands with a step.

    Attributes:
        concept_id: the step's.
        status: "done" where the learner said so, or worked through a video on the concept since the
            plan was made; "left_out" where it is not for the learner; else "overdue" where its time
            is over, "next" for the first of the others, and "later".
        due: when it should be done, in seconds since 1970.
    """

    concept_id: str
    status: Status
    due: float


def progress_along(
    concept_ids: Sequence[str],
    made: float,
    worked_through: frozenset[str],
    wishes: Wishes,
    now: float,
    days_per_step: float,
) -> list[StepProgress]:
    """Say where a learner stands with each step of a plan.

    Args:
        concept_ids: of the steps, in order.
        made: when the plan was made, in seconds since 1970.
        worked_through: concepts on which a video was watched, or answered, since then.
        wishes: what the learner said.
        now: in seconds since 1970.
        days_per_step: the pace; step n is due n times so many days after the plan was made.

    >>> steps = progress_along("abc", 0.0, frozenset("a"), Wishes(), 15 * DAY, days_per_step=7)
    >>> [step.status for step in steps]
    ['done', 'overdue', 'next']
    """
    found: list[StepProgress] = []
    waiting: Status = "next"
    for n, concept in enumerate(concept_ids, start=1):
        due = made + n * days_per_step * DAY
        status: Status
        if concept in worked_through or concept in wishes.held:
            status = "done"
        elif concept in wishes.left_out:
            status = "left_out"
        elif due < now:
            status = "overdue"
        else:
            status, waiting = waiting, "later"
        found.append(StepProgress(concept, status, due))
    return found
