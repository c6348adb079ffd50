"""What does a learner work on, once a plan was given? The plan as steps that may be changed."""

from dataclasses import replace

import numpy as np

from kgplan.adjusting.running import Other, Prerequisite, RunningPlan, RunningStep
from kgplan.data.records import EXERCISE
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.planning import CurrentLearner, Plan, Planner
from kgplan.planning.plan import Step

USUAL_MINUTES = 8.0
"""Of an item, where no length is known at all."""
MOST_OTHERS = 10
"""Other items, exercises and prerequisites that a step keeps at hand, each."""
STATED = 0.5
"""Strength from which a prerequisite may be put in; weaker ones are waited for by nobody."""


def begun(
    plan: Plan,
    planner: Planner,
    at: float,
    weekly: float | None = None,
    current: CurrentLearner | None = None,
) -> RunningPlan:
    """A plan as its learner begins to work on it.

    A step stands for a concept. Where the plan says what each item moves, all of a step's items are
    to be worked through; else they are there to choose from, and the first is taken. The goal is
    the concept that the path leads to; of a course, its last step that the course asks for.

    Args:
        plan: made by this planner.
        planner: knows what else teaches a step, and what it builds on.
        at: when the learner begins, in seconds since 1970.
        weekly: minutes a week that are wanted; None where nobody said.
        current: what was known of the learner when the plan was made.
    """
    if plan.towards is not None:
        goal = [plan.towards]
    else:
        goal = [each.concept_id for each in plan.steps if each.role == "start"][-1:]
    ids = [each.concept_id for each in plan.steps]
    known = masteries(planner, plan.learner_id, current)
    whole = any(each.moves for step in plan.steps for each in step.resources)
    needs = needed_earlier(planner.graph, ids)
    steps = []
    for step in plan.steps:
        made = _step(step, plan.course_id, planner, whole)
        steps.append(
            replace(
                made,
                needs=needs[step.concept_id],
                before=_before(step.concept_id, ids, plan.course_id, planner, known),
                pinned=step.concept_id in plan.options.pin,
            )
        )
    return RunningPlan(tuple(steps), frozenset(goal), at, weekly)


def masteries(
    planner: Planner, learner_id: str, current: CurrentLearner | None
) -> dict[str, float]:
    """Concept -> mastery, of those that evidence reaches; all others have their prior."""
    if not planner.knows(learner_id, current):
        return {}
    found = planner.mastery(learner_id, None, current)
    return {each.concept_id: each.mastery for each in found}


def needed_earlier(graph: GraphSnapshot, ids: list[str]) -> dict[str, frozenset[str]]:
    """Of each step the prerequisites that stand before it; what a cycle has behind it waits not."""
    place = {each: k for k, each in enumerate(ids)}
    found: dict[str, set[str]] = {each: set() for each in ids}
    for before, after in graph.prerequisites_among(ids):
        if place[before] < place[after]:
            found[after].add(before)
    return {each: frozenset(of) for each, of in found.items()}


def step_on(
    planner: Planner, concept_id: str, course_id: str | None, ids: list[str]
) -> RunningStep | None:
    """A step on a concept that was not planned: its most basic item of the nearest course.

    Args:
        planner: knows what teaches it.
        concept_id: of the graph.
        course_id: whose items come first.
        ids: steps of the plan, of which it waits for its prerequisites.

    Returns:
        None where nothing teaches it.
    """
    graph = planner.graph
    at = graph.concepts.find(concept_id)
    if at < 0:
        return None
    teaching, asking = _taught(planner, at, course_id)
    if not teaching:
        return None
    first, *rest = teaching
    pairs = graph.prerequisites_among([*ids, concept_id])
    # of two that need each other neither waits
    needs = {a for a, b in pairs if b == concept_id} - {b for a, b in pairs if a == concept_id}
    return RunningStep(
        concept_id,
        (first.item_id,),
        _minutes(planner, [first.item_id]),
        tuple(asking),
        frozenset(needs),
        tuple(rest[:MOST_OTHERS]),
    )


def _step(step: Step, course_id: str | None, planner: Planner, whole: bool) -> RunningStep:
    resources = [each for each in step.resources if each.item_id is not None]
    opened = resources if whole else resources[:1]
    items = [str(each.item_id) for each in opened if each.kind != EXERCISE]
    asks = [str(each.item_id) for each in opened if each.kind == EXERCISE]
    if not items:
        items, asks = asks, []
    at = planner.graph.concepts.find(step.concept_id)
    teaching, asking = _taught(planner, at, course_id)
    others = tuple(each for each in teaching if each.item_id not in items)[:MOST_OTHERS]
    asks += [each for each in asking if each not in asks and each not in items]
    told = [each.minutes for each in opened if each.minutes is not None]
    missing = len(opened) - len(told)
    minutes = sum(told) + missing * (float(np.mean(told)) if told else USUAL_MINUTES)
    return RunningStep(step.concept_id, tuple(items), minutes, tuple(asks), others=others)


def _taught(planner: Planner, concept: int, course_id: str | None) -> tuple[list[Other], list[str]]:
    """What teaches a concept, the nearest course first, in it what covers least; and exercises."""
    found = planner.derived.resources.on(concept, course_id, frozenset())
    breadth = np.diff(planner.covers.indptr)[found.items]
    order = np.lexsort((found.items, breadth, found.tiers))
    names = planner.records.item_ids[found.items[order]].tolist()
    asks = planner.records.exercises[found.items[order]].tolist()
    sizes = breadth[order].tolist()
    teaching = [
        Other(name, size) for name, size, ask in zip(names, sizes, asks, strict=True) if not ask
    ]
    return teaching, [name for name, ask in zip(names, asks, strict=True) if ask][:MOST_OTHERS]


def _minutes(planner: Planner, item_ids: list[str]) -> float:
    told = planner.records.minutes[planner.records.items.known(item_ids)]
    return float(np.where(np.isnan(told), USUAL_MINUTES, told).sum())


def _before(
    concept_id: str,
    ids: list[str],
    course_id: str | None,
    planner: Planner,
    known: dict[str, float],
) -> tuple[Prerequisite, ...]:
    """Prerequisites of a concept that the plan has not, and that something teaches."""
    graph, found = planner.graph, []
    at = graph.concepts.find(concept_id)
    part = slice(*graph.prerequisites.indptr[at : at + 2].tolist())
    columns = zip(
        graph.prerequisites.indices[part].tolist(),
        graph.strength[part].tolist(),
        planner.derived.edge_similarity[part].tolist(),
        strict=True,
    )
    for before, strength, similarity in columns:
        name = str(graph.concept_ids[before])
        if name in ids or strength < STATED:
            continue
        step = step_on(planner, name, course_id, ids)
        if step is not None:
            mastery = known.get(name, float(planner.derived.prior[before]))
            found.append(Prerequisite(step, similarity, mastery))
    found.sort(key=lambda each: (-each.score, each.step.step_id))
    return tuple(found[:MOST_OTHERS])
