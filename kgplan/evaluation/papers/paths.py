"""Which path does each method give a learner in a course?

Every method gets the same `State` and says what to learn, in which order, and no more than that:
how long the path is followed is the table's to say. Concepts that the learner has learned are left
out where a method is not an Algorithm 1, whose starts are all concepts of the course.
Sizes: K concepts of the graph, A of them of the course, n of a path.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from kgplan.arrays import Floats, Ints, stored_in
from kgplan.evaluation.papers.study import Path, State, Study
from kgplan.native.walk import Limits, Requires, Standing, walk
from kgplan.planning import PlanOptions
from kgplan.planning.planners import planner_named
from kgplan.planning.planners.ranking import Learner


@dataclass(frozen=True)
class Asked:
    """What a path is asked for with.

    Attributes:
        max_pre: how far a walk goes: concepts behind its start, at most, of our planner; nodes with
            the start among them, of a walk alone. Only methods that walk read it.
        minutes: that there are, where the method plans for a time.
        steps: concepts at most.
        neighbours: n of eq. (12).
        alpha: weight of the semantic part of eq. (8), for Ontology-CF.
        theta: mastery from which a concept is left out, where the method plans for a gain; its own
            default where None.
        seed: of what is drawn.
    """

    max_pre: int
    minutes: float | None = None
    steps: int | None = None
    neighbours: int = 10
    alpha: float = 0.7
    theta: float | None = None
    seed: int = 0

    def for_minutes(self, minutes: float) -> "Asked":
        """The same for a time."""
        return replace(self, minutes=minutes)


def path_of(method: str, study: Study, state: State, asked: Asked) -> Path:
    """The path of a method, given by its name in `METHODS`, cut to `asked.steps`."""
    path = METHODS[method].find(study, state, asked)
    n = asked.steps
    return Path(
        path.concepts[:n],
        None if path.videos is None else path.videos[:n],
        None if path.walks is None else path.walks[:n],
    )


# ---------------------------------------------------------------- Algorithm 1


def algorithm_1(study: Study, state: State, asked: Asked) -> Path:
    """Our planner `kg-plppm`: one visited set for all walks, prerequisites of every source."""
    starts = _by_value(study, state, asked.neighbours)
    most = study.graph.concept_ids.size if asked.steps is None else asked.steps
    limits = Limits(most, asked.max_pre, False, np.inf)
    found = walk(starts, _requires(study, False), _standing(state.learner), limits)
    return Path(found.concept, walks=found.start)


def separate_walks(study: Study, state: State, asked: Asked, stated: bool = False) -> Path:
    """Algorithm 1 read otherwise: a visited set for each start, walks one behind the other.

    Args:
        study, state, asked: as for every method.
        stated: whether only prerequisites count that people stated, not those only predicted.
    """
    requires, by = _requires(study, stated), _standing(state.learner)
    limits = Limits(asked.max_pre, asked.max_pre - 1, False, np.inf)
    starts = _by_value(study, state, asked.neighbours)
    walks = [walk(start, requires, by, limits).concept for start in starts[:, None]]
    return Path(
        np.concatenate([np.zeros(0, np.int64), *walks]),
        walks=np.repeat(np.arange(len(walks)), [each.size for each in walks]),
    )


def stated_walks(study: Study, state: State, asked: Asked) -> Path:
    """The same on stated prerequisites alone."""
    return separate_walks(study, state, asked, stated=True)


def _by_value(study: Study, state: State, neighbours: int) -> Ints:
    """The course's concepts, largest value first (spec section 4, step 3)."""
    rank = planner_named("kg-plppm").rank
    assert rank is not None
    starts = study.asked(state.of.course)
    options = PlanOptions(neighbours=neighbours)
    value = rank(study.chooser, state.learner, starts, options).value
    return starts[np.argsort(-value, kind="stable")].astype(np.int64)


def _standing(learner: Learner) -> Standing:
    nothing = np.zeros(0)
    return Standing(
        learner.mastery,
        learner.passed_over,
        learner.held,
        learner.too_hard,
        nothing,
        nothing.astype(np.int64),
    )


def _requires(study: Study, stated: bool) -> Requires:
    """The prerequisites, or those that people stated, with their similarity."""
    matrix, alike = study.graph.prerequisites, study.derived.edge_similarity
    kept = study.stated if stated else np.ones(alike.size, dtype=bool)
    start = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr].astype(matrix.indptr.dtype)
    return Requires(start, matrix.indices[kept], alike[kept])


# ---------------------------------------------------------------- rankings


def trans_cf(study: Study, state: State, asked: Asked) -> Path:
    """By S_P of eq. (12), from eq. (8)."""
    left = _left(study, state)
    return _ranked(left, study.chooser.preference(state.learner, left, asked.neighbours))


def ontology_cf(study: Study, state: State, asked: Asked) -> Path:
    """By eq. (12), from what concepts share in the graph in place of vectors.

    The paper names the method after Mbaye and says no more than "ontology similarity and
    collaborative filtering". Here two concepts are as similar as they have relations in common:
    the share of what either is joined to (courses, fields, broader concepts) that both are
    (Jaccard), which is fused with eq. (5) as eq. (8) fuses the vectors'.
    """
    left, learner = _left(study, state), state.learner
    around = np.flatnonzero(learner.around)
    shared = study.shared_relations(left)[:, around]
    alike = asked.alpha * shared + (1 - asked.alpha) * study.together(left, around)
    alike[left[:, None] == around] = -np.inf  # a concept says nothing about itself
    order = np.argsort(-alike, axis=1, kind="stable")[:, : asked.neighbours]
    top = np.take_along_axis(alike, order, axis=1)
    top = np.where(np.isfinite(top), top, 0.0)
    whole = top.sum(axis=1)
    liked = (top * learner.learned[around][order]).sum(axis=1)
    return _ranked(left, np.divide(liked, whole, out=np.zeros(left.size), where=whole > 0))


def popularity(study: Study, state: State, asked: Asked) -> Path:
    """By how many learners learned it."""
    left = _left(study, state)
    return _ranked(left, study.derived.popularity[left])


def at_random(study: Study, state: State, asked: Asked) -> Path:
    """In an order that is drawn, the same for a learner and course whatever else is asked."""
    left = _left(study, state)
    everything = study.asked(state.of.course)
    drawn = np.random.default_rng([asked.seed, state.of.learner, state.of.course])
    order = drawn.permutation(everything)
    return Path(order[np.isin(order, left)])


def shortest_first(study: Study, state: State, asked: Asked) -> Path:
    """By the minutes of the video that would be watched for it."""
    left = _left(study, state)
    videos = [study.least_watched(k, state.of.course, state.shares) for k in left.tolist()]
    minutes = np.append(study.minutes, np.inf)[np.array(videos, dtype=np.int64)]
    return _ranked(left, -minutes)


def course_order(study: Study, state: State, asked: Asked) -> Path:
    """In the order in which the course's videos cover it; what none covers comes last."""
    left = _left(study, state)
    places = study.places(state.of.course)
    first = [places[study.teaching(k)].min(initial=np.inf) for k in left.tolist()]
    return _ranked(left, -np.array(first))


def most_gain(study: Study, state: State, asked: Asked) -> Path:
    """Our planner `gain`, as it is served by default: for the minutes that there are."""
    minutes = None if asked.minutes is None else max(asked.minutes, 1.0)
    options = PlanOptions(
        planner="gain", least_gain=0.0, minutes=minutes, length=asked.steps, theta=asked.theta
    )
    learner_id = str(study.records.learner_ids[state.of.learner])
    course_id = study.course_id(state.of.course)
    plan = study.planner.plan(learner_id, course_id, options, study.current(state))
    items = study.records.items
    concepts = study.graph.concepts.known([step.concept_id for step in plan.steps])
    videos = [
        items.known([each.item_id for each in step.resources if each.item_id]).tolist()
        for step in plan.steps
    ]
    return Path(concepts, videos)


def whole_course(study: Study, state: State, asked: Asked) -> Path:
    """All videos of the course, in its order, each for the first concept that it covers."""
    covers = study.ground.covers
    videos = [v for v in study.course_videos(state.of.course).tolist() if stored_in(covers, v).size]
    concepts = [int(stored_in(covers, v)[0]) for v in videos]
    return Path(np.array(concepts, dtype=np.int64), [(v,) for v in videos])


def whole_course_backwards(study: Study, state: State, asked: Asked) -> Path:
    """The same from the last to the first."""
    path = whole_course(study, state, asked)
    return Path(path.concepts[::-1], (path.videos or [])[::-1])


def _left(study: Study, state: State) -> Ints:
    """The course's concepts that were not learned."""
    asked = study.asked(state.of.course)
    return asked[~state.learner.learned[asked]]


def _ranked(concepts: Ints, value: Floats) -> Path:
    """Largest first; a stable sort of positions that follow the ids: ties break by id."""
    return Path(concepts[np.argsort(-value, kind="stable")])


@dataclass(frozen=True)
class Method:
    """How a path is found.

    Attributes:
        find: finds it.
        walks: whether it reads `Asked.max_pre`.
        timed: whether it reads `Asked.minutes`.
    """

    find: Callable[[Study, State, Asked], Path]
    walks: bool = False
    timed: bool = False


METHODS: Mapping[str, Method] = {
    "kg-plppm": Method(algorithm_1, walks=True),
    "walks": Method(separate_walks, walks=True),
    "walks-stated": Method(stated_walks, walks=True),
    "trans-cf": Method(trans_cf),
    "ontology-cf": Method(ontology_cf),
    "random": Method(at_random),
    "popularity": Method(popularity),
    "shortest-first": Method(shortest_first),
    "course-order": Method(course_order),
    "gain": Method(most_gain, timed=True),
    "whole-course": Method(whole_course),
    "whole-course-backwards": Method(whole_course_backwards),
}
