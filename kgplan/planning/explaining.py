"""Why was each concept of a plan chosen? Every choice is looked at again, with what was left."""

from collections.abc import Iterator

import numpy as np

from kgplan.native.walk import SLACK
from kgplan.planning.choosing import Choices, Chooser, prerequisite_terms
from kgplan.planning.explanation import Candidate, Decision, Explainer, StepExplanation, Verdict
from kgplan.planning.options import PlanOptions
from kgplan.planning.plan import Terms


def explained(
    chooser: Chooser, choices: Choices, options: PlanOptions, towards: bool
) -> tuple[StepExplanation, ...]:
    """An explanation for each concept chosen, in the order of the steps.

    Args:
        chooser, choices, options: what chose, what came of it, and from which options.
        towards: whether the plan leads towards a concept.
    """
    explainer = Explainer(chooser.ids, chooser.names, chooser.english, options, choices.planner)
    by_concept = {
        decision.concept: explainer.explain(decision, end)
        for decision, end in decisions(chooser, choices, options, towards)
    }
    return tuple(by_concept[concept] for concept in choices.concepts.tolist())


def decisions(
    chooser: Chooser, choices: Choices, options: PlanOptions, towards: bool
) -> Iterator[tuple[Decision, Decision | None]]:
    """Every choice in the order of choosing, and what was left where a walk ended there."""
    learner, asked, times = choices.learner, choices.asked.tolist(), choices.times
    requires = chooser.graph.prerequisites
    over = chooser.passed_over(learner, choices.pinned, options)
    excluded = set(chooser.concepts(options.exclude).tolist())
    pins = set(np.flatnonzero(choices.pinned).tolist())
    left = np.inf if options.minutes is None else options.minutes
    planned: list[int] = []
    watched: set[int] = set()

    def takes(concept: int) -> float:
        seen = times.minutes.size == 0 or int(times.video[concept]) in watched
        return 0.0 if seen else float(times.minutes[concept])

    def candidate(concept: int, terms: Terms) -> Candidate:
        waiting = pins - set(planned)
        kept = sum(float(times.minutes[k]) for k in waiting) if times.minutes.size else 0.0
        verdict: Verdict | None = None
        mastery, skip = terms.mastery, options.theta
        if over[concept]:
            if concept in excluded or (
                learner.passed_over[concept] and not learner.learned[concept]
            ):
                verdict = "excluded"
            elif skip is not None and mastery >= skip:
                verdict = "mastered"
            else:
                verdict = "learned"
        elif concept not in pins and len(planned) + len(waiting) >= options.most:
            verdict = "no_room" if waiting else "ended"
        elif concept not in pins and takes(concept) > left - kept + SLACK:
            verdict = "too_long"
        figure = terms.score if terms.value is None else terms.value
        assert figure is not None
        return Candidate(concept, terms, figure, verdict, takes(concept), left - kept)

    def starts() -> list[Candidate]:
        return [
            candidate(concept, choices.start_terms(k))
            for k, concept in enumerate(asked)
            if concept not in planned
        ]

    def before(concept: int) -> list[Candidate]:
        return [
            candidate(
                int(p),
                prerequisite_terms(
                    float(learner.mastery[p]), float(chooser.derived.edge_similarity[k])
                ),
            )
            for k, p in enumerate(
                requires.indices[requires.indptr[concept] : requires.indptr[concept + 1]],
                start=requires.indptr[concept],
            )
            if int(p) not in planned
        ]

    order = np.argsort(choices.chosen)
    found = zip(choices.concepts[order].tolist(), choices.leads[order].tolist(), strict=True)
    chosen = list(found)
    for k, (concept, leads_to) in enumerate(chosen):
        if leads_to >= 0:
            decision = Decision(concept, "score", before(leads_to), weighs_mastery=True)
        elif concept in pins:
            target = towards and chooser.ids[concept] not in options.pin
            decision = Decision(concept, "target" if target else "pinned", starts())
        else:
            planner = choices.planner
            decision = Decision(concept, planner.rule, starts(), planner.weighs_mastery)
        planned.append(concept)
        left -= takes(concept)
        if times.video.size and times.video[concept] >= 0:
            watched.add(int(times.video[concept]))
        last = k + 1 == len(chosen) or chosen[k + 1][1] < 0
        ended = last and choices.planner.walks
        yield decision, Decision(None, "score", before(concept)) if ended else None
