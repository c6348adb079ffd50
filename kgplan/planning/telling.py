"""How is a plan told? Its steps, each with one plain sentence, and notes on what is unusual."""

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt

import numpy as np

from kgplan.arrays import Floats
from kgplan.data.links import Links
from kgplan.diagnosis.uncertainty import divergence
from kgplan.native.walk import SLACK
from kgplan.planning.choosing import Choices, Chooser
from kgplan.planning.doubt import doubt_of
from kgplan.planning.options import PlanOptions
from kgplan.planning.plan import MASTERED, Doubt, Plan, Step, Terms
from kgplan.planning.resources import Resource
from kgplan.planning.texts import apart, fill, interest, knowledge, say

NOWHERE = Resource("", "", None)


class Teller:
    """Tells what was chosen.

    Args:
        chooser: what chose it.
        model_version: named in every plan.
        provisional: ids of concepts that are newer than the model.
        links: addresses of videos.
    """

    def __init__(
        self, chooser: Chooser, model_version: str, provisional: frozenset[str], links: Links
    ) -> None:
        self.chooser = chooser
        self.links = links
        self.model_version = model_version
        self.provisional = provisional

    def plan(
        self,
        learner_id: str,
        choices: Choices,
        options: PlanOptions,
        course_id: str | None = None,
        towards: str | None = None,
        known: bool = True,
    ) -> Plan:
        """The plan that follows from what was chosen; for a course, or towards a concept.

        Args:
            learner_id, choices, options: whose, what was chosen, and from which options.
            course_id, towards: what it leads to.
            known: whether anything names the learner.
        """
        learner, found = choices.learner, choices.concepts
        evidence = divergence(learner.mastery[found], self.chooser.derived.prior[found])
        columns = (found, choices.starts, choices.leads, evidence, self._watched(choices, options))
        steps = [
            self._step(course_id, choices, options, terms, *places)
            for terms, *places in zip(
                choices.terms(), *(column.tolist() for column in columns), strict=True
            )
        ]
        minutes, assumed = self._minutes_of(steps)
        return Plan(
            learner_id,
            course_id,
            self.chooser.graph.version,
            self.model_version,
            tuple(steps),
            self._notes(course_id, choices, steps, options, minutes, assumed, known),
            towards,
            minutes,
            options,
            new=learner.is_new,
            theta=options.theta,
        )

    def _watched(self, choices: Choices, options: PlanOptions) -> Floats:
        """The preference for each step by what was watched alone; 0 for a prerequisite."""
        found = np.zeros(choices.concepts.size)
        if choices.ranking.preference is not None:
            starts = np.flatnonzero(choices.leads < 0)
            starts = starts[np.argsort(choices.concepts[starts])]
            seen = replace(choices.learner, learned=self.chooser.watched(choices.learner))
            asked = choices.concepts[starts]
            found[starts] = self.chooser.preference(seen, asked, options.neighbours)
        return found

    def _step(
        self,
        course_id: str | None,
        choices: Choices,
        options: PlanOptions,
        terms: Terms,
        concept: int,
        start: int,
        leads_to: int,
        evidence: float,
        watched: float,
    ) -> Step:
        learner, ids = choices.learner, self.chooser.ids
        reached, not_apart = learner.reached[concept], learner.not_told_apart[concept]
        doubt = doubt_of(bool(reached), bool(not_apart), evidence)
        return Step(
            concept_id=ids[concept],
            name=self.chooser.names[concept],
            name_en=self.chooser.english[concept],
            role="start" if leads_to < 0 else "prerequisite",
            start_concept_id=ids[start],
            leads_to=None if leads_to < 0 else ids[leads_to],
            terms=terms,
            sd=sqrt(terms.mastery * (1 - terms.mastery)),
            evidence=evidence,
            identified=doubt is None,
            doubt=doubt,
            resources=self.chooser.derived.resources.of(
                concept, course_id, learner.courses, learner.shares, self.links
            ),
            because=self._because(
                course_id, choices, options, terms, doubt, concept, leads_to, watched
            ),
        )

    def _because(
        self,
        course_id: str | None,
        choices: Choices,
        options: PlanOptions,
        terms: Terms,
        doubt: Doubt | None,
        concept: int,
        leads_to: int,
        watched: float,
    ) -> str:
        name, start = self.chooser.names[concept], choices.planner.start
        known = knowledge(options, terms.mastery, doubt)
        if terms.similarity is not None:
            later, alike = self.chooser.names[leads_to], terms.similarity
            return say(
                options, "prerequisite", name=name, later=later, similarity=alike, knowledge=known
            )
        if choices.pinned[concept]:
            target = course_id is None and self.chooser.ids[concept] not in options.pin
            sentence = "start.target" if target else "start.pinned"
            return say(options, sentence, name=name, knowledge=known)
        if start is not None:
            sentence = start[options.language]
            return fill(sentence, options.detail, name=name, value=terms.value, knowledge=known)
        drawn = interest(options, terms.preference or 0.0, watched)
        return say(options, "start", interest=drawn, knowledge=known)

    def _minutes_of(self, steps: Sequence[Step]) -> tuple[float | None, int]:
        """Minutes of the videos named first, each once, and how many steps' were assumed."""
        mean = self.chooser.mean_minutes
        if mean is None:
            return None, 0
        whole, assumed, watched = 0.0, 0, set()
        for step in steps:
            place = step.resources[0] if step.resources else NOWHERE
            assumed += place.minutes is None
            if place.item_id is None or place.item_id not in watched:
                whole += mean if place.minutes is None else place.minutes
                watched.add(place.item_id)
        return whole, assumed

    def _notes(
        self,
        course_id: str | None,
        choices: Choices,
        steps: Sequence[Step],
        options: PlanOptions,
        minutes: float | None,
        assumed: int,
        known: bool,
    ) -> tuple[str, ...]:
        chooser = self.chooser
        asked, learner = choices.asked, choices.learner
        notes = []
        if asked.size == 0:
            notes.append(say(options, "note.empty_course", course_id=course_id))
        elif course_id is not None and steps and learner.mastery[asked].min() >= MASTERED:
            notes.append(say(options, "note.mastered"))
        if learner.is_new:
            notes.append(say(options, "note.nothing_yet" if known else "note.unknown_learner"))
        n_over = int(learner.passed_over[asked].sum())
        if n_over and course_id is not None:
            notes.append(say(options, "note.passed_over", concepts=n_over))
        if asked.size and len(steps) < options.most:
            which = "note.short" if course_id is not None else "note.short_towards"
            if options.exclude or options.theta is not None or options.minutes is not None:
                which = "note.limited"
            name = chooser.names[int(choices.concepts[-1])] if steps else ""
            notes.append(say(options, which, name=name, steps=len(steps), length=options.most))
        if options.minutes is not None and minutes is not None:
            if minutes > options.minutes + SLACK:
                takes, asked_for = apart(minutes, options.minutes, 0)
                notes.append(say(options, "note.over_time", minutes=takes, asked=asked_for))
            if assumed:
                mean = chooser.mean_minutes
                notes.append(say(options, "note.assumed_length", steps=assumed, minutes=mean))
        new = [step.name for step in steps if step.concept_id in self.provisional]
        if new:
            notes.append(say(options, "note.provisional", names=", ".join(new)))
        return tuple(notes)
