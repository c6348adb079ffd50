"""How is a plan told? Its steps, each with one plain sentence, and notes on what is unusual."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import sqrt

import numpy as np

from kgplan.arrays import Floats
from kgplan.data.links import Links
from kgplan.data.records import VIDEO, WATCHED
from kgplan.diagnosis.uncertainty import divergence
from kgplan.native.walk import SLACK
from kgplan.planning.choosing import Choices, Chooser
from kgplan.planning.doubt import basis_of, doubt_of
from kgplan.planning.options import PlanOptions
from kgplan.planning.plan import MASTERED, Doubt, Plan, Step, Terms
from kgplan.planning.resources import Resource
from kgplan.planning.texts import apart, fill, interest, knowledge, one_kind, say

NOWHERE = Resource("", "", None)
Liking = Callable[[int], Floats]
"""(V,) how much each item is liked of those on a concept, by its position."""


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
        likes: Liking | None = None,
    ) -> Plan:
        """The plan that follows from what was chosen; for a course, or towards a concept.

        Args:
            learner_id, choices, options: whose, what was chosen, and from which options.
            course_id, towards: what it leads to.
            known: whether anything names the learner.
            likes: what the learner likes of what there is on a concept; not asked where the time
                is limited, which was counted by the first resources.
        """
        likes = likes if options.minutes is None else None
        learner, found = choices.learner, choices.concepts
        evidence = divergence(learner.mastery[found], self.chooser.derived.prior[found])
        columns = (found, choices.starts, choices.leads, evidence, self._watched(choices, options))
        steps = [
            self._step(course_id, choices, options, likes, terms, *places)
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
            new=learner.is_unknown,
            theta=options.theta,
        )

    def _watched(self, choices: Choices, options: PlanOptions) -> Floats:
        """The preference for each step by what was done alone; 0 for a prerequisite."""
        found = np.zeros(choices.concepts.size)
        learner = choices.learner
        if choices.ranking.preference is not None:
            starts = np.flatnonzero(choices.leads < 0)
            starts = starts[np.argsort(choices.concepts[starts])]
            done = (learner.shares > 0) | (learner.scores >= WATCHED)
            seen = replace(learner, learned=self.chooser.covered(done))
            asked = choices.concepts[starts]
            found[starts] = self.chooser.preference(seen, asked, options.neighbours)
        return found

    def _step(
        self,
        course_id: str | None,
        choices: Choices,
        options: PlanOptions,
        likes: Liking | None,
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
            basis=basis_of(bool(reached)),
            evidence=evidence,
            identified=doubt is None,
            doubt=doubt,
            resources=self.chooser.derived.resources.of(
                *(concept, course_id, learner.courses, learner.shares, learner.scores, self.links),
                learner.refused,
                None if likes is None else likes(concept),
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
        learner, kinds = choices.learner, self.chooser.records.kinds
        on_it = self.chooser.on(concept)
        observed = on_it[(learner.shares[on_it] >= 0) | ~np.isnan(learner.scores[on_it])]
        among = kinds[observed] if observed.size else kinds
        known = knowledge(options, terms.mastery, doubt, among.tolist())
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
        opened = (learner.shares > 0) | (learner.scores >= WATCHED)
        only_watched = bool((kinds[opened] == VIDEO).all())
        drawn = interest(options, terms.preference or 0.0, watched, only_watched)
        return say(options, "start", interest=drawn, knowledge=known)

    def _minutes_of(self, steps: Sequence[Step]) -> tuple[float | None, list[str]]:
        """Minutes of the items named first, each once, and the kinds of those assumed, by step."""
        mean, items = self.chooser.mean_minutes, self.chooser.records.items
        assumed: list[str] = []
        if mean is None:
            return None, assumed
        whole, named = 0.0, set()
        for step in steps:
            place = step.resources[0] if step.resources else NOWHERE
            if place.minutes is None:
                assumed.append(place.kind or self.chooser.kind)
            if place.item_id is None:
                whole += mean
            elif place.item_id not in named:
                usual = float(self.chooser.minutes[items.find(place.item_id)])
                whole += usual if place.minutes is None else place.minutes
                named.add(place.item_id)
        return whole, assumed

    def _notes(
        self,
        course_id: str | None,
        choices: Choices,
        steps: Sequence[Step],
        options: PlanOptions,
        minutes: float | None,
        assumed: list[str],
        known: bool,
    ) -> tuple[str, ...]:
        chooser = self.chooser
        asked, learner = choices.asked, choices.learner
        notes = []
        if asked.size == 0:
            notes.append(say(options, "note.empty_course", course_id=course_id))
        elif course_id is not None and steps and learner.mastery[asked].min() >= MASTERED:
            notes.append(say(options, "note.mastered"))
        if learner.is_unknown:
            unknown = say(options, "note.unknown_learner")
            notes.append(chooser.nothing_yet(options) if known else unknown)
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
                which = "video" if one_kind([chooser.kind, *assumed]) == VIDEO else "mixed"
                told = {"steps": len(assumed), "minutes": chooser.mean_minutes}
                notes.append(say(options, f"note.assumed_length.{which}", **told))
        new = [step.name for step in steps if step.concept_id in self.provisional]
        if new:
            notes.append(say(options, "note.provisional", names=", ".join(new)))
        return tuple(notes)
