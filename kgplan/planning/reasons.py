"""Why was each step of a sequence chosen, what came second, and what would change it?"""

from collections.abc import Iterator

import numpy as np

from kgplan.arrays import Floats
from kgplan.native.sequence import rates_after
from kgplan.planning.choosing import Chooser
from kgplan.planning.explanation import (
    ALTERNATIVES,
    Alternative,
    Change,
    StepExplanation,
    Verdict,
    compared,
)
from kgplan.planning.options import PlanOptions
from kgplan.planning.plan import Terms
from kgplan.planning.planners import planner_named
from kgplan.planning.sequencing import Sequence
from kgplan.planning.texts import fill, say
from kgplan.planning.things import rate_told


def explained_sequence(
    chooser: Chooser, found: Sequence, options: PlanOptions
) -> tuple[StepExplanation, ...]:
    """An explanation for each step, in order.

    Args:
        chooser: knows the concepts.
        found, options: what was chosen, and from which options.
    """
    return tuple(_explanations(chooser, found, options))


def _explanations(
    chooser: Chooser, found: Sequence, options: PlanOptions
) -> Iterator[StepExplanation]:
    rows, scope = found.rows, found.scope
    for begin in np.flatnonzero(np.diff(rows.concept, prepend=-1)).tolist():
        concept, goal = int(rows.concept[begin]), int(rows.goal[begin])
        whole = begin
        while whole > 0 and rows.goal[whole - 1] == goal:
            whole -= 1
        rates = rates_after(rows, whole, scope.layout, found.standing, found.theta)
        rates /= rows.stand[begin] or 1.0  # others' stand is told beside it
        rule = _rule(found, begin)
        others = _alternatives(chooser, found, options, rates, goal, rule)
        if rule == "gain":
            why = planner_named(options.planner).why[options.language]
            because = fill(why, options.detail, figure=rate_told(found, begin))
        else:
            because = say(options, f"why.{rule}")
        yield StepExplanation(
            concept_id=chooser.ids[int(scope.concepts[concept])],
            rule=rule,
            because=because,
            terms=_terms(found, concept, rate_told(found, begin)),
            alternatives=tuple(others[:ALTERNATIVES]),
            rejected=len(others),
            changes=_changes(chooser, found, options, concept),
        )


def _rule(found: Sequence, row: int) -> str:
    concept, goal = int(found.rows.concept[row]), int(found.rows.goal[row])
    if concept != goal:
        return "foundation"
    if found.asks_for(goal):
        return "pinned" if found.scope.has_videos else "target"
    if found.retries(goal):
        return "retry"
    if found.practised and found.rows.stand[row] == 0:
        return "practice"
    if found.rows.stand[row] == 0:
        return "order" if found.in_order else "next"
    return "gain"


def _terms(found: Sequence, concept: int, rate: float | None) -> Terms:
    mastery = float(found.learner.mastery[found.scope.concepts[concept]])
    return Terms(None, mastery, rate, None, None)


def _alternatives(
    chooser: Chooser, found: Sequence, options: PlanOptions, rates: Floats, goal: int, rule: str
) -> list[Alternative]:
    """What else the goal asks for and could have come then, the best first."""
    scope, best = found.scope, float(rates[np.searchsorted(found.scope.layout.asked, goal)])
    listed = []
    for at in np.argsort(-rates, kind="stable").tolist():
        concept = int(scope.layout.asked[at])
        if concept == goal or rates[at] < 0:
            continue
        verdict: Verdict = "lower" if rates[at] < best else "tie"
        place, figure = int(scope.concepts[concept]), float(rates[at])
        names = chooser.ids[place], chooser.names[place], chooser.english[place]
        terms = _terms(found, concept, figure)
        if found.asks_for(goal) and not found.asks_for(concept):
            verdict, because = "not_pinned", say(options, "not.not_pinned")
        elif found.retries(goal) and not found.retries(concept):
            verdict, because = "not_retried", say(options, "not.not_retried")
        elif found.practised and rule in ("practice", "foundation"):
            verdict, because = "not_sooner", say(options, "not.not_sooner")
        elif rule in ("order", "next"):
            verdict, because = "not_next", say(options, "not.not_next")
        else:
            because = compared(options, verdict, figure, best)
        listed.append(Alternative(*names, terms, figure, verdict, because))
    return listed


def _changes(
    chooser: Chooser, found: Sequence, options: PlanOptions, concept: int
) -> tuple[Change, ...]:
    """The mastery from which a step would be left out; none where it is asked for by name."""
    place = int(found.scope.concepts[concept])
    if found.asks_for(concept):
        return ()
    mastery = float(found.learner.mastery[place])
    because = say(
        options,
        "change.shown",
        name=chooser.names[place],
        threshold=found.theta,
    )
    return (Change(chooser.ids[place], mastery, found.theta, None, None, because),)
