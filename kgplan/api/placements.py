"""What becomes of a placement's answers: words and events of the learner's, as any other."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import uuid4

from kgplan.api.forms import sent_event
from kgplan.api.learner_models import EventIn
from kgplan.data.search import SearchIndex
from kgplan.data.wishes import HOLDS
from kgplan.errors import UnknownConcept, UnknownCourse
from kgplan.model.current import CurrentLearners
from kgplan.model.names import Names
from kgplan.planning import Planner
from kgplan.planning.placing import Goal, Known


@dataclass(frozen=True)
class Answered:
    """An answer.

    Attributes:
        concept_id, item_id: what was asked; one of the two is None.
        value: how much of the concept is held, or the score; None where it was passed over.
    """

    concept_id: str | None
    item_id: str | None
    value: float | None

    @property
    def named(self) -> str:
        """The id of what was asked."""
        return self.concept_id or self.item_id or ""


def goal_of(
    planner: Planner, course_id: str | None, towards: str | None, words: str | None
) -> Goal:
    """The goal that is given by id, or in words: the course or concept that these find first.

    Raises:
        UnknownCourse: the words find neither; others come with the plan.
    """
    if words is None:
        return Goal(course_id, towards)
    names = Names(planner.graph, planner.records)
    courses, concepts = (
        SearchIndex.search(index, words, 1) if words.strip() else []
        for index in (names.courses, names.concepts)
    )
    order = ("exact", "prefix", "part", "near")
    if courses and (not concepts or order.index(courses[0].kind) <= order.index(concepts[0].kind)):
        return Goal(courses[0].entry.id, None)
    if concepts:
        return Goal(None, concepts[0].entry.id)
    raise UnknownCourse(words)


def known_of(learners: CurrentLearners, planner: Planner, learner_id: str) -> Known:
    """What is recorded of a learner; nothing of one whom nothing names, or who was erased."""
    if learners.store.version(learner_id).is_erased:
        return Known(in_records=False)
    standing = learners.standing(planner, learner_id)
    if standing is None:
        return Known()
    current = standing.state.learner
    return Known(standing.evidence, current.wishes, current.in_records, standing.state)


def keep(
    learners: CurrentLearners,
    planner: Planner,
    learner_id: str,
    answers: Iterable[Answered],
    sender: str = "",
) -> None:
    """Store what is new of a placement's answers.

    Args:
        learners: with the records.
        planner: that asked.
        learner_id: whose.
        answers: of the placement up to now.
        sender: the learner whose own token sent it, else "".

    Raises:
        UnknownConcept: there is no such concept; nothing is stored.
        RecordsUnavailable: they could not be written.
    """
    given = [each for each in answers if each.value is not None]
    for each in given:
        if each.concept_id is not None:
            planner.graph.concepts.place(each.concept_id, UnknownConcept)
    known = known_of(learners, planner, learner_id)
    version = learners.learner_version(planner, learner_id)
    now, events = time.time(), []
    for each in given:
        assert each.value is not None
        if each.concept_id is not None:
            if known.wishes.answers.get(each.concept_id) != each.value:
                word = next(word for word, holds in HOLDS.items() if holds == each.value)
                learners.say(learner_id, each.concept_id, word, version)
        elif each.item_id not in known.evidence.scores:
            event = EventIn(
                event_id=f"placement:{uuid4()}",
                learner_id=learner_id,
                item_id=each.item_id,
                score=each.value,
            )
            events.append(sent_event(event, now)._replace(sender=sender))
    if events:
        learners.store.submit(events).result()
