"""Contestants that are rules: simple ones, planners of the literature, and ours.

Sizes: L learners, K concepts.
"""

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints
from kgplan.evaluation.simulators.contestant import Classroom, Contestant
from kgplan.evaluation.simulators.protocol import Policy, Seen
from kgplan.native.walk import Limits, Requires, Standing, walk
from kgplan.planning.policy import ONCE, STEADY, Needs, Passes, next_concepts

HELD = 0.5  # mastery from which the planners that read it count a concept as held
TRIED = 100  # learners that each way is tried with before one is chosen


# ------------------------------------------------------------------------------------ simple ones


def _anything(classroom: Classroom) -> Policy:
    return lambda seen, rng: rng.integers(0, seen.goals.shape[1], len(seen.goals))


def _any_goal(classroom: Classroom) -> Policy:
    return lambda seen, rng: np.where(seen.goals, rng.random(seen.goals.shape), -1).argmax(axis=1)


def _popular(classroom: Classroom) -> Policy:
    """The goal with the fewest tries, of these the most popular."""

    def choose(seen: Seen, rng: np.random.Generator) -> Ints:
        figure = seen.tries - seen.platform.popularity / (1 + seen.platform.popularity.max())
        return np.where(seen.goals, figure, np.inf).argmin(axis=1)

    return choose


def _in_order(classroom: Classroom) -> Policy:
    """The concept with the fewest tries, of these the first of the course."""

    def choose(seen: Seen, rng: np.random.Generator) -> Ints:
        return _first(seen, np.ones_like(seen.goals), np.zeros(seen.goals.shape[1]))

    return choose


def _topological(classroom: Classroom) -> Policy:
    """Of the goals and all they need the one with the fewest tries, what needs least first."""
    needs = Needs.of(classroom.platform.prerequisites, classroom.platform.place)
    depth = needs.whole.sum(axis=1)  # more than that of anything it needs

    def choose(seen: Seen, rng: np.random.Generator) -> Ints:
        return _first(seen, seen.goals.astype(np.float32) @ needs.whole > 0, depth)

    return choose


def _first(seen: Seen, among: Array, depth: Floats) -> Ints:
    """(L,) among some concepts that with the fewest tries, the least depth, the first place."""
    size = seen.goals.shape[1]
    rank = np.lexsort((seen.platform.place, depth)).argsort() / (1 + size)
    return np.where(among, seen.tries + rank, np.inf).argmin(axis=1)


def _a_star(classroom: Classroom) -> Policy:
    """The first step that is not held of the cheapest chain from a root to a goal not held.

    A step costs what is lacking of its mastery. The graph has no cycles, so that chains are added
    up from the roots; A* finds the same.
    """
    needs = Needs.of(classroom.platform.prerequisites, classroom.platform.place)
    order = np.argsort(needs.whole.sum(axis=1), kind="stable")
    before = [np.flatnonzero(needs.direct[k]) for k in range(order.size)]

    def choose(seen: Seen, rng: np.random.Generator) -> Ints:
        each = np.arange(len(seen.goals))
        lacks = 1 - seen.mastery
        cost, first = np.empty_like(lacks), np.empty(lacks.shape, np.int64)
        for k in order.tolist():
            cost[:, k] = lacks[:, k]
            start = np.full(each.size, -1)
            if before[k].size:
                best = before[k][cost[:, before[k]].argmin(axis=1)]
                cost[:, k] += cost[each, best]
                start = first[each, best]
            first[:, k] = np.where(start >= 0, start, np.where(seen.mastery[:, k] < HELD, k, -1))
        wanted = seen.goals & (first >= 0)
        goal = np.where(wanted, cost, np.inf).argmin(axis=1)
        weakest = np.where(seen.goals, seen.mastery, np.inf).argmin(axis=1)
        return np.where(wanted.any(axis=1), first[each, goal], weakest)

    return choose


def _algorithm_1(classroom: Classroom) -> Policy:
    """Algorithm 1's plan, as long as there are steps; made anew where it is worked through.

    Preference is the same for all goals: simulated learners have no neighbours to take it from. As
    by default, ten prerequisites are walked, and nothing is left out as held.
    """
    platform = classroom.platform
    size = platform.order.size
    requires = Requires(
        platform.prerequisites.indptr.astype(np.int64),
        platform.prerequisites.indices.astype(np.int64),
        np.zeros(platform.prerequisites.nnz),
    )
    none, no_minutes, no_video = np.zeros(size, bool), np.zeros(0), np.full(size, -1)
    plans: list[list[int]] = []

    def choose(seen: Seen, rng: np.random.Generator) -> Ints:
        if seen.left == seen.steps:
            plans[:] = [[] for _ in seen.goals]
        for u, plan in enumerate(plans):
            if not plan:
                starts = np.flatnonzero(seen.goals[u])
                starts = starts[np.argsort(seen.mastery[u, starts], kind="stable")]
                by = Standing(seen.mastery[u], none, none, none, no_minutes, no_video)
                limits = Limits(min(seen.left, size), 10, False, np.inf)
                plan.extend(walk(starts, requires, by, limits).concept.tolist())
        return np.array([plan.pop(0) for plan in plans])

    return choose


# ------------------------------------------------------------------------------------------- ours


def _passes(classroom: Classroom) -> Policy:
    """`kgplan.planning.policy`, the graph taken as it stands."""
    return by_passes(classroom, STEADY)


def _passes_tried(classroom: Classroom) -> Policy:
    """The same, in the way that did best with other learners: how many passes make secure, whether
    goals wait for what the graph says they need, and whether the course's order decides between
    equals, or none."""
    ways = [
        by_passes(classroom, passes, waits, in_order)
        for passes in (STEADY, ONCE)
        for waits in (True, False)
        for in_order in (True, False)
    ]
    gains = [classroom.trial(way, TRIED) for way in ways]
    return ways[int(np.argmax(np.nan_to_num(gains)))]


def by_passes(
    classroom: Classroom, passes: Passes, waits: bool = True, in_order: bool = True
) -> Policy:
    """`next_concepts` as a policy.

    Args:
        classroom: whose platform it is.
        passes: what is secure.
        waits: whether goals wait for what the graph says they need.
        in_order: whether the course's order decides between equals; else one that is drawn.
    """
    platform = classroom.platform
    none = sparse.csr_array(platform.prerequisites.shape, dtype=bool)
    place = platform.place
    if not in_order:
        place = np.random.default_rng(classroom.seed).permutation(place)
    needs = Needs.of(platform.prerequisites if waits else none, place)
    return lambda seen, rng: next_concepts(needs, seen.goals, seen.streak, seen.lapses, passes)


SIMPLE = (
    Contestant("random", "any concept", _anything),
    Contestant("random-goal", "any goal", _any_goal),
    Contestant("popularity", "the most popular goal, each once, then again", _popular),
    Contestant("order", "the course's order, each concept once, then again", _in_order),
    Contestant("topological", "what goals need, foundations first, each once", _topological),
    Contestant("a-star", "the cheapest chain of prerequisites to a goal", _a_star),
    Contestant("kg-plppm-truth", "Algorithm 1 with perfect mastery", _algorithm_1, True),
    Contestant("kg-plppm", "Algorithm 1 with estimated mastery", _algorithm_1),
)
OURS = (
    Contestant("passes", "repeated passes, cheapest goal first, by the graph", _passes),
    Contestant("passes-tried", "the same in the way that a trial chose", _passes_tried),
)
