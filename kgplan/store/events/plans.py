"""Which of the plans that were given to a learner are kept?"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from kgplan.store.events.database import Session
from kgplan.store.events.erasure import Erased

HISTORY_BYTES = 2 << 20  # of a learner's plans that are kept


@dataclass(frozen=True)
class NewPlan:
    """A plan to keep; its fields as the arguments of `EventStore.remember`."""

    learner_id: str
    course_id: str | None
    body: str
    made: float
    erasures: int


@dataclass(frozen=True)
class KeptPlan:
    """A plan of a learner's history: when it was made, and `Plan.to_dict` of it."""

    made: float
    body: dict[str, Any]


def keep(
    session: Session, plans: Sequence[NewPlan], erased: Mapping[str, Erased], history_bytes: int
) -> None:
    """Insert those plans that differ from the last one of the same learner and course.

    Args:
        session: of a transaction.
        plans: in the order that they were given.
        erased: those of the learners that were erased; their plans from before are not kept.
        history_bytes: that a learner's plans may take; the oldest leave first.
    """
    learners = session.any_of({plan.learner_id for plan in plans})
    found = session.rows("plan.last_ones", learner_ids=learners)
    last = {(learner, course): body for learner, course, body in found}
    new: dict[str, list[dict[str, Any]]] = {}
    for plan in plans:
        gone, key = erased.get(plan.learner_id), (plan.learner_id, plan.course_id)
        if plan.erasures != (gone.erasures if gone else 0) or last.get(key) == plan.body:
            continue
        last[key] = plan.body
        row = {"learner_id": plan.learner_id, "course_id": plan.course_id, "made": plan.made}
        size = len(plan.body.encode())
        new.setdefault(plan.learner_id, []).append(row | {"size": size, "body": plan.body})
    if not new:
        return
    held = dict(session.rows("plan.bytes", learner_ids=session.any_of(new)))
    rows = []
    for learner, plans_of in new.items():
        newest = _newest((row["size"] for row in reversed(plans_of)), history_bytes)
        fitting = plans_of[len(plans_of) - newest :]
        size = sum(row["size"] for row in fitting)
        if held.get(learner, 0) + size > history_bytes:
            _drop_oldest(session, learner, size, history_bytes)
        rows += fitting
    session.run_each("plan.insert", rows)


def _newest(sizes: Iterable[int], history_bytes: int, taken: int = 0) -> int:
    """How many of these plans, the newest first, are kept; one in any case if nothing is."""
    n = 0
    for size in sizes:
        taken += size
        if taken > history_bytes and taken > size:
            break
        n += 1
    return n


def _drop_oldest(session: Session, learner_id: str, taken: int, history_bytes: int) -> None:
    """Make room in a learner's history for so many bytes."""
    held = session.rows("plan.sizes", learner_id=learner_id)
    newest = _newest((size for _, size in held), history_bytes, taken)
    if newest < len(held):
        session.run("plan.drop", learner_id=learner_id, last=held[newest][0])


def newest_plans(
    session: Session, learner_id: str, course_id: str | None, towards: str | None, most: int
) -> list[KeptPlan]:
    """A learner's plans in one course, towards one concept, or all; the newest first."""
    if towards is not None:
        rows = session.rows("plan.towards_concepts", learner_id=learner_id)
    elif course_id is not None:
        rows = session.rows(
            "plan.newest_in_course", learner_id=learner_id, course_id=course_id, most=most
        )
    else:
        rows = session.rows("plan.newest", learner_id=learner_id, most=most)
    kept = (KeptPlan(made, json.loads(body)) for made, body in rows)
    return list(islice((plan for plan in kept if towards in (None, plan.body["towards"])), most))
