"""How are plans kept that learners are at work on, and who may look at one next?

A look is claimed for a while, made outside of any transaction, and written in one only where the
plan is as it was read and the claim still holds: so a process that is killed loses nothing, as the
next one makes the same look, and of two that look at the same plan one writes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import inf
from typing import Any, NamedTuple

from kgplan.store.events import chain
from kgplan.store.events.database import Session
from kgplan.store.events.erasure import erased_among

LATEST = 1 << 62  # above every number of a change


@dataclass(frozen=True)
class KeptRun:
    """A plan that a learner is at work on, as it is kept.

    Attributes:
        learner_id, course_id: whose, in which course.
        version: changes with all that follows.
        changes: how many there were; the next one has this number.
        is_off: whether its learner wants no changes by rules.
        due: the next look, in seconds since 1970.
        plan, state, seen: JSON (`kgplan.adjusting.stored`).
    """

    learner_id: str
    course_id: str
    version: int
    changes: int
    is_off: bool
    due: float
    plan: str
    state: str
    seen: str


@dataclass(frozen=True)
class KeptChange:
    """What a rule did or suggested, or somebody decided.

    Attributes:
        n: counts those of a plan.
        at: when, in seconds since 1970.
        version: of the plan, after it.
        author: who decided; "" for a rule.
        kind: what it does.
        is_made: whether it is more than a suggestion.
        reason: of a decision, in its author's words.
        ends: until when a decision lives.
        undone: when it was taken back; None where it was not.
        body: JSON.
    """

    n: int
    at: float
    version: int
    author: str
    kind: str
    is_made: bool
    reason: str
    ends: float
    undone: float | None
    body: str


class Wanting(NamedTuple):
    """A plan that somebody should look at; `revision` is its learner's, read before the events."""

    learner_id: str
    course_id: str
    revision: int


@dataclass(frozen=True)
class Look:
    """What a process found at a plan that it had claimed.

    Attributes:
        before: as it was read.
        after: as it is to be; its version is the same where nothing that is shown changed.
        revision: of the learner, read before the events.
        changes: new ones.
        told: lines of the audit.
    """

    before: KeptRun
    after: KeptRun
    revision: int
    changes: tuple[KeptChange, ...]
    told: tuple[Mapping[str, Any], ...]


def one(session: Session, learner_id: str, course_id: str) -> KeptRun | None:
    """A learner's plan in a course; None where there is none."""
    rows = session.rows("running_plan.one", learner_id=learner_id, course_id=course_id)
    return next((_kept(row) for row in rows), None)


def of_course(session: Session, course_id: str, most: int) -> list[KeptRun]:
    """The plans in a course, by learner."""
    rows = session.rows("running_plan.of_course", course_id=course_id, most=most)
    return [_kept(row) for row in rows]


def newest(
    session: Session, learner_id: str, course_id: str, most: int, before: int = LATEST
) -> list[KeptChange]:
    """The last changes of a plan, the newest first; those numbered below `before`."""
    values = {"learner_id": learner_id, "course_id": course_id, "before": before, "most": most}
    return [_change(row) for row in session.rows("plan_change.newest", **values)]


def decisions(session: Session, learner_id: str, course_id: str, now: float) -> list[KeptChange]:
    """Decisions about a plan that live now, in their order."""
    values = {"learner_id": learner_id, "course_id": course_id, "now": now}
    return [_change(row) for row in session.rows("plan_change.decisions", **values)]


def begin(session: Session, run: KeptRun, erasures: int, told: Mapping[str, Any]) -> bool:
    """Keep a plan that is begun; whether that was done.

    It was not where another one is kept there, or the learner was erased since.

    Args:
        session: of a transaction.
        run: the plan.
        erasures: of its learner, read before the plan was made.
        told: line of the audit.
    """
    gone = erased_among(session, [run.learner_id]).get(run.learner_id)
    if (gone.erasures if gone else 0) != erasures:
        return False
    if session.run("running_plan.insert", **asdict(run)) != 1:
        return False
    chain.append(session, [told])
    return True


def change(
    session: Session,
    before: KeptRun,
    after: KeptRun,
    changes: Sequence[KeptChange],
    told: Mapping[str, Any],
    undoes: int | None = None,
) -> bool:
    """Write what somebody did to a plan; whether it was as they had read it.

    Args:
        session: of a transaction.
        before, after: the plan.
        changes: new ones.
        told: line of the audit.
        undoes: number of the change that is taken back; None for none.
    """
    values = asdict(after) | {"version_before": before.version}
    if session.run("running_plan.change", **values) != 1:
        return False
    named = {"learner_id": after.learner_id, "course_id": after.course_id}
    session.run_each("plan_change.insert", [_row(each) | named for each in changes])
    if undoes is not None:
        session.run("plan_change.undo", **named, n=undoes, at=told["at"])
    chain.append(session, [told])
    return True


def wanting(session: Session, now: float, soon: float, most: int) -> list[Wanting]:
    """Plans that nobody looks at and that somebody should, what waited longest first.

    Args:
        session: to read.
        now: in seconds since 1970.
        soon: a look before then is not brought forward by what a learner does meanwhile.
        most: how many at most.
    """
    return [Wanting(*row) for row in session.rows(
        "running_plan.wanting", now=now, soon=soon, most=most
    )]  # fmt: skip


def claim(
    session: Session, wanted: Iterable[Wanting], by: str, now: float, until: float
) -> list[tuple[Wanting, KeptRun]]:
    """Claim plans for a while, and read those that nobody else has.

    Args:
        session: of a transaction.
        wanted: plans; taken in one order, so that processes do not wait in a circle.
        by: names this claim, and no other one.
        now, until: in seconds since 1970.
    """
    found = []
    for each in sorted(wanted):
        named = {"learner_id": each.learner_id, "course_id": each.course_id}
        if session.run("running_plan.claim", **named, claim=by, until=until, now=now) == 1:
            run = one(session, each.learner_id, each.course_id)
            if run is not None:
                found.append((each, run))
    return found


def looked(session: Session, looks: Sequence[Look], by: str) -> list[bool]:
    """Write what was found, each where the claim holds and the plan is as it was read.

    Args:
        session: of a transaction.
        looks: what was found.
        by: the claim.

    Returns:
        Whether each was written. What was not will be looked at again.
    """
    done, told, rows = [], list[Mapping[str, Any]](), []
    for each in looks:
        values = asdict(each.after) | {"version_before": each.before.version, "claim": by}
        is_written = session.run("running_plan.looked", **values, revision=each.revision) == 1
        named = {"learner_id": each.after.learner_id, "course_id": each.after.course_id}
        if is_written:
            rows += [_row(change) | named for change in each.changes]
            told += each.told
        else:
            session.run("running_plan.let_go", **named, claim=by)
        done.append(is_written)
    session.run_each("plan_change.insert", rows)
    chain.append(session, told)
    return done


def _kept(row: Sequence[Any]) -> KeptRun:
    run = KeptRun(*row)
    return replace(run, is_off=bool(run.is_off))


def _change(row: Sequence[Any]) -> KeptChange:
    found = KeptChange(*row)
    return replace(found, is_made=bool(found.is_made))


def _row(change: KeptChange) -> dict[str, Any]:
    return {name: value for name, value in asdict(change).items() if name != "undone"}


NEVER = inf
"""`due` of a plan that only an event brings a look."""
