"""What should a learner be asked next, of whom little is known? Until the plan is settled.

The question comes next whose answer is expected to say most about what the goal involves
(`diagnosis.placing`). An item is asked where an exercise of the goal is on the concept; else the
learner is asked whether the concept is held. The answer then counts as any other of the learner's,
so that the next plan knows it. It is over when no answer would change how the plan begins.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from kgplan.arrays import Floats, Ids, Ints, positions
from kgplan.data.events import Evidence
from kgplan.data.wishes import Wishes
from kgplan.diagnosis.gain import Lines
from kgplan.diagnosis.gain import lines as lines_of
from kgplan.diagnosis.placing import SAID_GUESS, SAID_SLIP, Belief, Questions, informations
from kgplan.graph.snapshot import id_array
from kgplan.planning.done import done_by
from kgplan.planning.learner import CurrentLearner
from kgplan.planning.live import LiveModel, LiveState
from kgplan.planning.options import PlanOptions
from kgplan.planning.plan import Plan
from kgplan.planning.planner import Planner
from kgplan.planning.scope import Scope
from kgplan.planning.texts import listed, say

MOST_QUESTIONS = 12  # where the caller does not say
FIRST_STEPS = 3  # of a plan, that a further answer has to change
LOOKED_AT = 24  # questions whose answers are tried on the plan
LEAST_BITS = 0.02  # that a question must be expected to say
SAME = 3  # digits of bits: of questions that say as much, what the plan comes to first
ALSO = 3  # concepts named that an answer says something of beside its own
NOTABLE_TIE = 0.2  # correlation from which they are named

Ended = Literal["settled", "enough", "nothing_left"]
"""Why there is no further question: no answer would change how the plan begins; as many were asked
as may be; or none says anything."""


@dataclass(frozen=True)
class Goal:
    """What a learner wants: a course, or a concept; one of the two is None."""

    course_id: str | None
    towards: str | None


@dataclass(frozen=True)
class Known:
    """What is known of the learner beside the records; nothing where left out.

    Attributes:
        evidence, wishes: what events and words say.
        in_records: whether the records' row counts.
        state: what follows from them in the live model.
    """

    evidence: Evidence = field(default_factory=Evidence)
    wishes: Wishes = field(default_factory=Wishes)
    in_records: bool = True
    state: LiveState | None = None

    @property
    def current(self) -> CurrentLearner | None:
        """For `Planner.plan`."""
        return None if self.state is None else self.state.learner


@dataclass(frozen=True)
class Question:
    """What a learner may be asked.

    Attributes:
        concept_id: whether it is held, of an answer in words; None where an item is asked.
        item_id: what is to be answered; None where a concept is asked about.
        name, name_en: of the concept, or the item's title; empty where unknown.
        url: where the item is opened; None where that is not known.
        bits: that the answer is expected to say of the goal's concepts.
        because: the same in a sentence.
    """

    concept_id: str | None
    item_id: str | None
    name: str
    name_en: str
    url: str | None
    bits: float
    because: str


@dataclass(frozen=True)
class Placement:
    """The next question, or why there is none.

    Attributes:
        question: None where it is over.
        ended: why it is over; None where it is not.
        asked: questions up to now.
        plan: as it is now.
    """

    question: Question | None
    ended: Ended | None
    asked: int
    plan: Plan


@dataclass(frozen=True)
class _Asking:
    """All that may be asked for a goal; positions on the graph's and the records' axes.

    Attributes:
        axis: (n,) concepts that beliefs are about.
        weight: (n,) of the goal's.
        questions: the q of items first, then those on concepts.
        items: of the former.
        concepts: of the latter.
    """

    axis: Ints
    weight: Floats
    questions: Questions
    items: Ints
    concepts: Ints


class Placer:
    """Asks for any goal of any learner; one for a planner and its live model."""

    def __init__(self, planner: Planner, model: LiveModel) -> None:
        self.planner, self.model = planner, model

    def next(
        self,
        learner_id: str,
        goal: Goal,
        known: Known,
        passed: Collection[str] = (),
        asked: int = 0,
        most: int = MOST_QUESTIONS,
        options: PlanOptions | None = None,
        in_words: bool = False,
    ) -> Placement:
        """The question to ask now.

        Args:
            learner_id: whose; need not be known.
            goal: what for.
            known: of the learner now.
            passed: concepts and items that were asked and not answered; none comes again.
            asked: questions up to now, answered or not.
            most: questions at most.
            options: of the plan, and of sentences.
            in_words: whether no items are asked.

        Raises:
            UnknownCourse, UnknownConcept: no such goal; the error holds close matches.
        """
        options = options or PlanOptions()
        plan = _plan(self.planner, learner_id, goal, known, options)
        if asked >= most:
            return Placement(None, "enough", asked, plan)
        asking = self._asking(learner_id, goal, known, passed, in_words)
        belief = self.planner.belief(learner_id, asking.axis, known.current)
        bits = informations(belief, asking.questions, asking.weight)
        order = np.lexsort((self._places(plan, asking), -bits.round(SAME)))
        order = order[bits[order] >= LEAST_BITS]
        if not order.size:
            return Placement(None, "nothing_left", asked, plan)
        if not self._would_change(learner_id, goal, known, plan, asking, order, options):
            return Placement(None, "settled", asked, plan)
        best = int(order[0])
        question = self._question(goal, asking, belief, best, float(bits[best]), options)
        return Placement(question, None, asked, plan)

    def answered(
        self, learner_id: str, known: Known, question: Question | str, value: float
    ) -> Known:
        """What would be known after an answer, without storing it.

        Args:
            learner_id, known: whose, and what is known before.
            question: as asked, or the id of an item or a concept; an item's where both have it.
            value: of the answer, in [0, 1].
        """
        if isinstance(question, Question):
            item, concept = question.item_id, question.concept_id
        else:
            is_item = self.planner.records.items.find(question) >= 0
            item, concept = (question, None) if is_item else (None, question)
        evidence, wishes = known.evidence, known.wishes
        if item is not None:
            now = 1 + max(evidence.seen_at.values(), default=0.0)
            evidence = replace(
                evidence,
                scores={**evidence.scores, item: value},
                seen_at={**evidence.seen_at, item: now},
                answers=(*evidence.answers, (item, value)),
            )
        else:
            wishes = replace(wishes, answers={**wishes.answers, str(concept): value})
        state = self.model.current(learner_id, evidence, wishes, known.in_records, known.state)
        return Known(evidence, wishes, known.in_records, state)

    def _asking(
        self, learner_id: str, goal: Goal, known: Known, passed: Collection[str], in_words: bool
    ) -> _Asking:
        planner, records, graph = self.planner, self.planner.records, self.planner.graph
        scope, line = planner.involved(goal.course_id, goal.towards)
        over = known.wishes.held | known.wishes.left_out
        items = scope.videos[records.exercises[scope.videos]]
        covers = planner.covers
        by_item = covers[items]
        on_items = np.zeros(graph.concept_ids.size, dtype=bool)
        done = done_by(records, learner_id, known.evidence, known.in_records)
        is_open = np.isnan(done.scores[items]) & ~np.isin(records.item_ids[items], list(passed))
        if in_words:
            items, by_item = items[:0], by_item[:0]
        else:
            on_items[by_item.indices] = True
            items, by_item = items[is_open], by_item[is_open]
        weight = _weight_of(scope)
        weight[positions(_ids(over), graph.concept_ids[scope.concepts]) >= 0] = 0
        not_again = _ids({*passed, *known.wishes.answers, *over})
        concepts = scope.concepts[(weight > 0) & ~on_items[scope.concepts]]
        concepts = concepts[positions(not_again, graph.concept_ids[concepts]) < 0]
        axis = np.union1d(scope.concepts, by_item.indices).astype(np.int64)
        weights = np.zeros(axis.size)
        weights[np.searchsorted(axis, scope.concepts)] = weight
        entries = np.searchsorted(axis, np.append(by_item.indices, concepts))
        size = np.append(np.diff(by_item.indptr), np.ones(concepts.size, np.int64))
        alone, told = size[items.size :], np.full(concepts.size, 1.0)
        said = lines_of(SAID_SLIP * told, SAID_GUESS * told, alone)
        both = Lines(
            np.append(line.guess[items], said.guess), np.append(line.pull[items], said.pull)
        )
        start = np.append(0, np.cumsum(size)).astype(np.int64)
        return _Asking(axis, weights, Questions(start, entries, both), items, concepts)

    def _would_change(
        self,
        learner_id: str,
        goal: Goal,
        known: Known,
        plan: Plan,
        asking: _Asking,
        order: Ints,
        options: PlanOptions,
    ) -> bool:
        """Whether an answer would change how the plan begins, of the questions that say most.

        Those on its first steps are among them.
        """
        begins, planner = _begins(plan), self.planner.unranked
        first = self._on(begins, asking, order)
        looked_at = np.append(order[:LOOKED_AT], np.setdiff1d(first, order[:LOOKED_AT]))
        for question in looked_at.tolist():
            for value in (1.0, 0.0):
                after = self.answered(learner_id, known, self._id(asking, question), value)
                if _begins(_plan(planner, learner_id, goal, after, options)) != begins:
                    return True
        return False

    def _places(self, plan: Plan, asking: _Asking) -> Ints:
        """(Q,) the first step that each question is on; the number of steps where it is on none."""
        questions, axis = asking.questions, asking.axis
        place = np.full(axis.size, len(plan.steps))
        steps = id_array([step.concept_id for step in plan.steps])
        at = positions(axis, positions(self.planner.graph.concept_ids, steps))
        place[at[at >= 0]] = np.flatnonzero(at >= 0)
        if not questions.concepts.size:
            return np.zeros(0, np.int64)
        return np.minimum.reduceat(place[questions.concepts], questions.start[:-1])

    def _on(self, concept_ids: Collection[str], asking: _Asking, order: Ints) -> Ints:
        """Of some questions those on some concepts."""
        at = self.planner.graph.concepts.known(list(concept_ids))
        questions = asking.questions
        on = np.isin(asking.axis[questions.concepts], at)
        of = np.repeat(np.arange(questions.start.size - 1), np.diff(questions.start))
        return np.intersect1d(of[on], order)

    def _id(self, asking: _Asking, question: int) -> str:
        if question < asking.items.size:
            return str(self.planner.records.item_ids[asking.items[question]])
        return str(self.planner.graph.concept_ids[asking.concepts[question - asking.items.size]])

    def _question(
        self,
        goal: Goal,
        asking: _Asking,
        belief: Belief,
        question: int,
        bits: float,
        options: PlanOptions,
    ) -> Question:
        graph, records, named = self.planner.graph, self.planner.records, self._id(asking, question)
        start = asking.questions.start[question : question + 2]
        on = asking.questions.concepts[slice(*start.tolist())]
        also = [self._name(asking.axis[k], options) for k in _also(belief, asking.weight, on)]
        kind = "why_also" if also else "why"
        told = say(
            options,
            f"place.{kind}",
            goal=self._goal_name(goal, options),
            names=listed(options, also, "and") if also else "",
            bits=bits,
        )
        if question >= asking.items.size:
            concept = asking.concepts[question - asking.items.size]
            name, english = str(graph.concept_names[concept]), str(graph.concept_names_en[concept])
            return Question(named, None, name, english, None, bits, told)
        item = int(asking.items[question])
        shown = records.course_items[:, [item]].tocoo().row
        course = goal.course_id or (str(records.course_ids[shown[0]]) if shown.size else "")
        url = self.planner.links.to(course, named)
        return Question(None, named, str(records.titles[item]), "", url, bits, told)

    def _goal_name(self, goal: Goal, options: PlanOptions) -> str:
        if goal.towards is not None:
            return self._name(self.planner.graph.concepts.find(goal.towards), options)
        return self.planner.graph.goal_name(goal.course_id, None)

    def _name(self, concept: int, options: PlanOptions) -> str:
        graph = self.planner.graph
        english = str(graph.concept_names_en[concept])
        return (
            english if options.language == "en" and english else str(graph.concept_names[concept])
        )


def _weight_of(scope: Scope) -> Floats:
    """(n,) what each concept of a scope counts: as in plans; what is but needed as their mean."""
    asked = scope.weight[scope.asked]
    mean = float(asked.mean()) if asked.size else 0.0
    return np.where(scope.asked, scope.weight, mean)


def _plan(
    planner: Planner, learner_id: str, goal: Goal, known: Known, options: PlanOptions
) -> Plan:
    if goal.course_id is None:
        return planner.plan_towards(learner_id, goal.towards or "", options, known.current)
    return planner.plan(learner_id, goal.course_id, options, known.current)


def _ids(names: Collection[str]) -> Ids:
    return id_array(sorted(names))


def _begins(plan: Plan) -> tuple[str, ...]:
    return tuple(step.concept_id for step in plan.steps[:FIRST_STEPS])


def _also(belief: Belief, weight: Floats, on: Ints) -> Iterator[int]:
    """Concepts of the goal next to those that a question is on, the most tied first."""
    above, tie = belief.tree.above, np.abs(belief.tie)
    near: dict[int, float] = {}
    for concept in on.tolist():
        if above[concept] >= 0:
            near[int(above[concept])] = float(tie[concept])
        for below in np.flatnonzero(above == concept).tolist():
            near[below] = float(tie[below])
    found = [k for k, much in near.items() if much >= NOTABLE_TIE and weight[k] > 0]
    found = [k for k in found if k not in set(on.tolist())]
    yield from sorted(found, key=lambda k: (-near[k], k))[:ALSO]
