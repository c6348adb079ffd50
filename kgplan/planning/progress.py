"""How far has a learner come along a plan: what is done, what is next, what is overdue?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kgplan.data.wishes import Wishes

Status = Literal["done", "left_out", "overdue", "next", "later"]
DAY = 86_400.0


@dataclass(frozen=True)
class StepProgress:
    """Where a learner stands with a step.

    Attributes:
        concept_id: the step's.
        status: "done" where the learner said so, or worked through it since the plan was made;
            "left_out" where it is not for the learner; else "overdue" where its time is over,
            "next" for the first of the others, and "later".
        due: when it should be done, in seconds since 1970.
    """

    concept_id: str
    status: Status
    due: float


@dataclass(frozen=True)
class Worked:
    """What a learner worked through: watched, read or answered to `data.records.WATCHED`.

    Attributes:
        concepts: those of an item that was worked through since a plan was made.
        videos: items since then.
        ever: items at any time.
    """

    concepts: frozenset[str]
    videos: frozenset[str]
    ever: frozenset[str]

    def through(self, resource: Mapping[str, Any]) -> bool:
        """Whether a resource of the plan, as JSON, is done; one to be repeated, since then."""
        return resource["item_id"] in (self.videos if resource["again"] else self.ever)


def steps_done(steps: Sequence[Mapping[str, Any]], worked: Worked) -> frozenset[str]:
    """Concepts of the steps that were worked through since their plan was made.

    Where a plan says what its resources move, all of a step's are to be done; else they are there
    to choose from, and any video on the concept will do.

    Args:
        steps: of a plan, as JSON.
        worked: what was worked through since it was made.
    """
    if any(each.get("moves") for step in steps for each in step.get("resources", ())):
        done = (step for step in steps if all(map(worked.through, step["resources"])))
        return frozenset(step["concept_id"] for step in done)
    return worked.concepts.intersection(step["concept_id"] for step in steps)


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
        worked_through: concepts of the steps that were worked through since then.
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
