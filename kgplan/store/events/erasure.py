"""What is left of an erased learner, and what of theirs is not stored again?"""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass

from kgplan.store.events.database import Session


@dataclass(frozen=True)
class Erasure:
    """How much was erased of a learner."""

    n_events: int
    n_plans: int
    n_feedback: int
    n_refused: int


@dataclass(frozen=True)
class Erased:
    """What is known of an erased learner while something is written.

    Attributes:
        moment: until when what happened is not kept, in seconds since 1970.
        erasures: how often the learner was erased.
        clock_was_fast: the moment that is stored is still to come: the clock was put back since.
    """

    moment: float
    erasures: int
    clock_was_fast: bool


def hash_of(learner_id: str, *event: str) -> str:
    """By what an erased learner is known again, or an erased event: by its id and sender."""
    return hashlib.sha256("\0".join((learner_id, *event)).encode()).hexdigest()


def erase(session: Session, learner_id: str, now: float) -> Erasure:
    """Remove all about a learner; what remains is hashes, the time and the counts."""
    hashed = hash_of(learner_id)
    # first of all: on PostgreSQL it waits for what is being written (`erased_among`)
    session.run("erased_learner.insert", learner_hash=hashed, erased=now, ticks=time.monotonic())
    names = session.rows("event.names", learner_id=learner_id)
    hashes = [{"event_hash": hash_of(learner_id, *name)} for name in sorted(names)]
    session.run_each("erased_event.insert", hashes)
    # that others' events are void stays, as nobody's word
    for event_id, voids in session.rows("event.voiding_others", learner_id=learner_id):
        name = hash_of(learner_id, event_id, "")
        session.run("event.insert_nobodys", event_hash=name, voids=voids)
    erasure = Erasure(
        session.run("event.erase", learner_id=learner_id),
        session.run("plan.erase", learner_id=learner_id),
        session.run("feedback.erase", learner_id=learner_id),
        session.run("dead_letter.erase", learner_id=learner_id),
    )
    session.run("plan_change.erase", learner_id=learner_id)
    session.run("running_plan.erase", learner_id=learner_id)
    session.run("learner.erase", learner_id=learner_id)
    session.run("erased_learner.count", learner_hash=hashed, **vars(erasure))
    return erasure


def erased_among(session: Session, learner_ids: Iterable[str]) -> dict[str, Erased]:
    """Those of the learners that were erased; it stays so until the transaction ends."""
    session.database.hold_erasures(session)
    of = {hash_of(learner): learner for learner in learner_ids}
    now, found = time.time(), {}
    rows = session.rows("erased_learner.these", learner_hashes=session.any_of(of))
    for hashed, moment, erasures, ticks in rows:
        fast = moment > now
        if fast:
            moment = now - max(0.0, time.monotonic() - ticks)
        found[of[hashed]] = Erased(moment, erasures, fast)
    return found


def put_right(session: Session, learner_id: str, erased: Erased) -> None:
    """Correct the moment of an erasure that lies in the future, as the clock was fast then."""
    session.run(
        "erased_learner.put_right",
        learner_hash=hash_of(learner_id),
        n_erasures=erased.erasures,
        erased=erased.moment,
    )
