"""Which concept next, after each answer? Repeated passes, the cheapest goal first.

What others build on needs more successes in a row than a goal on which nothing waits: one success
is no readiness. The goal comes first that takes the fewest further passes, those of what it needs
included, so that a short time is not spent on foundations alone; of what it needs, what is ready.
What fails again and again although the graph calls it ready is set aside while there is anything
else: there the graph, or the learner, is not as supposed. Whether to wait for prerequisites at all
is for a trial with other learners to say; without edges, goals wait for nothing.

Designed on learners whose growth falls steeply with what prerequisites lack (the simulator `kss` of
`kgplan.evaluation.simulators`). Arrays in, arrays out: it knows no items and no minutes.
Sizes: L learners, K concepts.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints
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
BRIEF = Passes(2, 1)
"""Where there is little time:"""
SHORT = 7
"""so many steps at most."""
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
    tie = needs.place / (1 + needs.place.size) ** 2  # all of them together below one pass
    below = np.maximum(passes.foundation - streak, 0).astype(np.float32)
    own = np.maximum(passes.goal - streak, 0)
    stuck = lapses >= STUCK
    cost = (below + SET_ASIDE * stuck) @ needs.whole.T - below + own + tie
    wanted = goals & (own > 0)
    goal = np.where(wanted, cost, np.inf).argmin(axis=1)
    todo = (needs.whole[goal] > 0) & (below > 0)
    ready = todo & (below @ needs.direct.T == 0)
    chosen = np.where(ready, tie + stuck, np.inf).argmin(axis=1)
    weakest = np.where(goals, streak + tie, np.inf).argmin(axis=1)
    return np.where(wanted.any(axis=1), chosen, weakest)
