"""How is a plan told? Its steps, each with one plain sentence, and notes on what is unusual."""

from collections.abc import Sequence
from math import sqrt

from kgplan.data.links import Links
from kgplan.diagnosis.uncertainty import divergence
from kgplan.native.walk import SLACK
from kgplan.planning.choosing import Choices, Chooser
from kgplan.planning.doubt import doubt_of
from kgplan.planning.options import PlanOptions
from kgplan.planning.plan import MASTERED, Doubt, Plan, Step, Terms
from kgplan.planning.resources import Resource
from kgplan.planning.texts import because_prerequisite, because_start, fill, knowledge, say

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
    ) -> Plan:
        """The plan that follows from what was chosen; for a course, or towards a concept."""
        learner, found = choices.learner, choices.concepts
        evidence = divergence(learner.mastery[found], self.chooser.derived.prior[found])
        columns = (found, choices.starts, choices.leads, evidence)
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
            self._notes(course_id, choices, steps, options, minutes, assumed),
            towards,
            minutes,
            options,
            new=not learner.around.any(),
        )

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
            because=self._because(course_id, choices, options, terms, doubt, concept, leads_to),
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
    ) -> str:
        language, name = options.language, self.chooser.names[concept]
        mastery, start = terms.mastery, choices.planner.start
        if terms.similarity is not None:
            later = self.chooser.names[leads_to]
            return because_prerequisite(name, later, terms.similarity, mastery, doubt, language)
        pinned = choices.pinned[concept]
        if start is None and not pinned:
            return because_start(terms.preference or 0.0, mastery, doubt, language)
        known = knowledge(mastery, doubt, language)
        if start is not None and not pinned:
            return fill(start[language], name=name, value=terms.value, knowledge=known)
        target = course_id is None and self.chooser.ids[concept] not in options.pin
        sentence = "start.target" if target else "start.pinned"
        return say(language, sentence, name=name, knowledge=known)

    def _minutes_of(self, steps: Sequence[Step]) -> tuple[float | None, int]:
        """Minutes of the videos named first, each once, and how many steps' were assumed."""
        mean = self.chooser.mean_minutes
        if mean is None:
            return None, 0
        whole, assumed, watched = 0.0, 0, set()
        for step in steps:
            place = step.resources[0] if step.resources else NOWHERE
            assumed += place.minutes is None
            if place.video_id is None or place.video_id not in watched:
                whole += mean if place.minutes is None else place.minutes
                watched.add(place.video_id)
        return whole, assumed

    def _notes(
        self,
        course_id: str | None,
        choices: Choices,
        steps: Sequence[Step],
        options: PlanOptions,
        minutes: float | None,
        assumed: int,
    ) -> tuple[str, ...]:
        chooser, language = self.chooser, options.language
        asked, learner = choices.asked, choices.learner
        notes = []
        if asked.size == 0:
            notes.append(say(language, "note.empty_course", course_id=course_id))
        elif course_id is not None and learner.mastery[asked].min() >= MASTERED:
            notes.append(say(language, "note.mastered"))
        if not learner.around.any():
            which = "note.new_learner" + ("" if course_id is not None else "_towards")
            notes.append(say(language, which))
        n_over = int(learner.passed_over[asked].sum())
        if n_over and course_id is not None:
            notes.append(say(language, "note.passed_over", concepts=n_over))
        if asked.size and len(steps) < options.most:
            which = "note.short" if course_id is not None else "note.short_towards"
            if options.exclude or options.theta is not None or options.minutes is not None:
                which = "note.limited"
            name = chooser.names[int(choices.concepts[-1])] if steps else ""
            notes.append(say(language, which, name=name, steps=len(steps), length=options.most))
        if options.minutes is not None and minutes is not None:
            if minutes > options.minutes + SLACK:
                asked_for = options.minutes
                notes.append(say(language, "note.over_time", minutes=minutes, asked=asked_for))
            if assumed:
                mean = chooser.mean_minutes
                notes.append(say(language, "note.assumed_length", steps=assumed, minutes=mean))
        new = [step.name for step in steps if step.concept_id in self.provisional]
        if new:
            notes.append(say(language, "note.provisional", names=", ".join(new)))
        return tuple(notes)
