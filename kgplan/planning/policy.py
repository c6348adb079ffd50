"""Which concept next, after each answer? Repeated passes, the cheapest goal first.

What others build on needs more successes in a row than a goal on which nothing waits: one success
is no readiness. The goal comes first that takes the fewest further passes, those of what it needs
included, so that a short time is not spent on foundations alone; of what it needs, what is ready.
What fails again and again although the graph calls it ready is set aside while there is anything
else: there the graph, or the learner, is not as supposed. A goal that is secure although what it
needs is not waits for nothing: there answers contradict the graph. Whether to wait for
prerequisites at all is for a trial with other learners to say; without edges, goals wait for
nothing.

The planner that is served asks it where a course is practised, `next_in_turn`; many learners at
once are asked for with `next_concepts`. Designed on learners whose growth falls steeply with what
prerequisites lack (the simulator `kss` of `kgplan.evaluation.simulators`). Arrays in, arrays out:
it knows no items and no minutes.
Sizes: L learners, K concepts; A answers of one learner, V items.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints
from kgplan.data.records import NOT_YET, WATCHED
from kgplan.graph.health import components


class Passes(NamedTuple):
    """Successes in a row that make a concept secure.

    Attributes:
        foundation: where others build on it.
        goal: where it is a goal, at most as many.
    """

    foundation: int
    goal: int


STEADY = Passes(4, 2)
ONCE = Passes(1, 1)
"""Where each success is certain, as that of a view."""
STUCK = 2
"""Failures in a row from which a concept is set aside,"""
SET_ASIDE = 10.0
"""as if it took so many passes more."""


@dataclass(frozen=True)
class Needs:
    """What each concept waits for.

    Attributes:
        direct: (K, K) 1 where the column is a direct prerequisite of the row.
        whole: (K, K) 1 where it is one of any degree, or the concept itself.
        place: (K,) in the course's order, for ties.
    """

    direct: Floats
    whole: Floats
    place: Ints

    @classmethod
    def of(cls, prerequisites: sparse.csr_array, place: Ints) -> "Needs":
        """What a graph says; an edge inside a cycle makes nothing wait.

        Args:
            prerequisites: (K, K) True where the column is a direct prerequisite of the row.
            place: (K,) in the course's order.
        """
        edges = prerequisites.tocoo()
        cycle = components(edges.col, edges.row, place.size)
        across = cycle[edges.row] != cycle[edges.col]
        direct = np.zeros((place.size, place.size), dtype=np.float32)
        direct[edges.row[across], edges.col[across]] = 1
        whole = direct + np.eye(place.size, dtype=np.float32)
        while True:
            further = ((whole @ whole) > 0).astype(np.float32)
            if np.array_equal(further, whole):
                return cls(direct, whole, place)
            whole = further


def next_concepts(
    needs: Needs, goals: Array, streak: Ints, lapses: Ints, passes: Passes = STEADY
) -> Ints:
    """What each learner is to work on next.

    Args:
        needs: what concepts wait for.
        goals: (L, K) True for what a learner is to hold.
        streak, lapses: (L, K) successes, and failures, in a row up to now.
        passes: what is secure.

    Returns:
        (L,) concepts; of a learner whose goals are all secure, the goal with the shortest streak.
    """
    return _chosen(needs, goals, streak, lapses, passes)[0]


def not_secure(needs: Needs, goals: Array, streak: Ints, passes: Passes = STEADY) -> Array:
    """(K,) True for what one learner is still to work on: goals, and what these need.

    Args:
        needs, passes: as for `next_concepts`.
        goals, streak: (K,) of the learner.
    """
    below, own = _lacking(streak, passes)
    wanted = goals & (own > 0)
    needed = np.asarray(needs.whole[wanted].any(axis=0))
    return np.asarray(wanted | (needed & (below > 0)))


def next_in_turn(
    needs: Needs, goals: Array, streak: Ints, lapses: Ints, most: int, passes: Passes = STEADY
) -> tuple[Ints, Ints]:
    """What one learner is to work on, in turn, if all of it goes well.

    Args:
        needs, passes: as for `next_concepts`.
        goals, streak, lapses: (K,) of the learner.
        most: concepts.

    Returns:
        Concepts, each where it comes first, until `not_secure` holds of none; and the goal that
        each is for.
    """
    streak, lapses = streak.copy(), lapses.copy()
    found: list[int] = []
    led: list[int] = []
    while len(found) < most and (goals & (streak < passes.goal)).any():
        concept, goal = (
            int(each[0]) for each in _chosen(needs, goals[None], streak[None], lapses[None], passes)
        )
        if concept not in found:
            found.append(concept)
            led.append(goal)
        streak[concept] = passes.goal if concept == goal else passes.foundation
        lapses[concept] = 0
    return np.array(found, np.int64), np.array(led, np.int64)


def in_a_row(covers: sparse.csr_array, answered: Ints, scores: Floats) -> tuple[Ints, Ints]:
    """Answers on each concept up to now that were right, and that were not, in a row.

    Args:
        covers: (V, K) stored where an item covers a concept.
        answered: (A,) the item of every answer, in the order of time.
        scores: (A,) of it; from `WATCHED` it is right, below `NOT_YET` it is not.

    Returns:
        (K,), (K,); of each concept one is 0.
    """
    size = covers.shape[1]
    rows = covers[answered]
    concept, turn = rows.indices, np.repeat(np.arange(answered.size), np.diff(rows.indptr))
    found = []
    for counts in (scores >= WATCHED, scores < NOT_YET):
        counted = counts[turn] if turn.size else np.zeros(0, dtype=bool)
        since = np.full(size, -1)
        np.maximum.at(since, concept[~counted], turn[~counted])
        kept = counted & (turn > since[concept])
        found.append(np.bincount(concept[kept], minlength=size))
    return found[0], found[1]


def _chosen(
    needs: Needs, goals: Array, streak: Ints, lapses: Ints, passes: Passes
) -> tuple[Ints, Ints]:
    """(L,) concepts as of `next_concepts`, and (L,) the goal that each is for."""
    tie = needs.place / (1 + needs.place.size) ** 2  # all of them together below one pass
    below, own = _lacking(streak, passes)
    stuck = lapses >= STUCK
    cost = (below + SET_ASIDE * stuck) @ needs.whole.T - below + own + tie
    wanted = goals & (own > 0)
    goal = np.where(wanted, cost, np.inf).argmin(axis=1)
    todo = (needs.whole[goal] > 0) & (below > 0)
    ready = todo & (below @ needs.direct.T == 0)
    chosen = np.where(ready, tie + stuck, np.inf).argmin(axis=1)
    weakest = np.where(goals, streak + tie, np.inf).argmin(axis=1)
    any_wanted = wanted.any(axis=1)
    return np.where(any_wanted, chosen, weakest), np.where(any_wanted, goal, weakest)


def _lacking(streak: Ints, passes: Passes) -> tuple[Floats, Ints]:
    """Further passes that each concept needs: as a foundation, and as a goal."""
    below = np.maximum(passes.foundation - streak, 0).astype(np.float32)
    return below, np.maximum(passes.goal - streak, 0)
