"""How well do a plan's steps follow one another, and how well could they? Eq. (13) and its bound.

Sizes: K concepts of the graph, as in `evaluation.plans`, which defines what is strict, mastered and
lacking; N concepts that a plan may hold, E direct prerequisites between them.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from kgplan.arrays import Array
from kgplan.evaluation.plans import THETA, Ground, Known, Outline

SECONDS = 10.0  # for one integer program; what is proven by then is a bound too


def sequence_degree(plan: Outline, ground: Ground) -> float:
    """Eq. (13): share of neighbouring steps, the first of which is a prerequisite of the second.

    NaN for less than two steps.
    """
    pairs = list(pairwise(plan.concepts.tolist()))
    return float(np.mean([a in ground.before[b] for a, b in pairs])) if pairs else np.nan


def degree_bound(
    length: int, ground: Ground, known: Known, asked: Array, theta: float = THETA
) -> float:
    """No valid plan of so many steps has a larger sequence degree than this.

    A plan is valid for a learner and a course where every concept is taught and not mastered; each
    one outside the course leads to a step in it (`plans.leading_nowhere`); every strict
    prerequisite that is lacking and taught stands earlier; and no strict prerequisite stands later.
    Solved is an integer program (HiGHS): of at most `length` concepts, closed under these
    prerequisites, as many as possible are joined to their next one. It allows too much where two
    chains would wait for each other, and where those of a component close to circles. So what a
    plan reaches of the bound is at most what it reaches of the best plan.

    Args:
        length: steps, at least 2.
        ground, known, theta: as for the figures of `evaluation.plans`.
        asked: (K,) True for the course's concepts.

    Returns:
        In [0, 1]; NaN where no valid plan has two steps.
    """
    allowed = ground.taught & ~known.mastered(theta)
    lacking = ground.taught & known.lacking(theta)
    needs = _needs(length, ground, allowed, lacking, asked)
    if length < 2 or len(needs) < 2:
        return np.nan
    hits = _most_neighbours(length, ground, needs, asked)
    return min(hits, length - 1) / (length - 1)


def _needs(
    length: int, ground: Ground, allowed: Array, lacking: Array, asked: Array
) -> dict[int, frozenset[int]]:
    """What a valid plan may hold: each concept with all that must then stand before it.

    These are the course's concepts and what leads to them, without those that need too much.
    """
    found: dict[int, frozenset[int]] = {}

    def needed(concept: int) -> frozenset[int]:
        if concept not in found:
            direct = [p for p in ground.strictly_before[concept] if lacking[p]]
            found[concept] = frozenset(direct).union(*map(needed, direct))
        return found[concept]

    kept: dict[int, frozenset[int]] = {}
    ahead = np.flatnonzero(asked & allowed).tolist()
    seen = set(ahead)
    while ahead:
        concept = ahead.pop()
        if len(needed(concept)) < length:
            kept[concept] = needed(concept)
            new = {p for p in ground.before[concept] if allowed[p]} - seen
            seen |= new
            ahead += new
    return dict(sorted(kept.items()))


def _most_neighbours(
    length: int, ground: Ground, needs: dict[int, frozenset[int]], asked: Array
) -> int:
    """At most so many neighbouring steps are prerequisite and concept."""
    concepts = np.array(list(needs))
    at = {concept: place for place, concept in enumerate(concepts.tolist())}
    edges = [(at[p], at[k]) for k in needs for p in ground.before[k] if p in at]
    # what must stand between the two keeps them apart
    joined = [
        (before, after)
        for before, after in edges
        if not any(
            int(concepts[before]) in ground.strictly_before[between]
            for between in needs[int(concepts[after])] - {int(concepts[before])}
        )
    ]
    if not joined:
        return 0
    n, (start, end) = concepts.size, np.array(joined).T
    component = ground.component[concepts]
    same = component[start] == component[end]
    groups = np.unique(component[start[same]])
    # variables: a concept is planned; two follow each other; any concept of a group is planned
    edge, group = n + np.arange(start.size), n + start.size + np.arange(groups.size)
    row = _Rows(n + start.size + groups.size)
    row.at_most(length, (np.arange(n), 1))
    for ends in (start, end):
        for place in np.unique(ends).tolist():
            row.at_most(0, (edge[ends == place], 1), (place, -1))
    for concept, needed in needs.items():
        for before in ground.strictly_before[concept] & needed:
            row.at_most(0, (at[concept], 1), (at[before], -1))
        if not asked[concept]:
            after = [b for a, b in edges if a == at[concept]]
            row.at_most(0, (at[concept], 1), (after, -1))
    for label, planned in zip(groups.tolist(), group.tolist(), strict=True):
        members = np.flatnonzero(component == label)
        inside = edge[same & (component[start] == label)]
        row.at_most(0, (inside, 1), (members, -1), (planned, 1))
        for place in members.tolist():
            row.at_most(0, (place, 1), (planned, -1))
    objective = np.zeros(row.width)
    objective[edge] = -1
    solved = milp(
        objective,
        integrality=np.ones(row.width),
        bounds=Bounds(0, 1),
        constraints=row.constraint(),
        options={"time_limit": SECONDS},
    )
    return int(np.floor(-solved.mip_dual_bound + 1e-6))


class _Rows:
    """Constraints of an integer program, one row after the other."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._rows: list[sparse.coo_array] = []
        self._most: list[float] = []

    def at_most(self, most: float, *weighted: tuple[ArrayLike, float]) -> None:
        """These variables, each times its weight, sum to so much at most."""
        places = [np.atleast_1d(np.asarray(columns, dtype=np.int64)) for columns, _ in weighted]
        weights = [np.full(p.size, w) for p, (_, w) in zip(places, weighted, strict=True)]
        column = np.concatenate(places)
        values = np.concatenate(weights), (np.zeros(column.size, dtype=np.int64), column)
        self._rows.append(sparse.coo_array(values, shape=(1, self.width)))
        self._most.append(most)

    def constraint(self) -> LinearConstraint:
        """All rows."""
        return LinearConstraint(sparse.vstack(self._rows, format="csr"), ub=self._most)
