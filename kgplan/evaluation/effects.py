"""How much does a learner who has worked through a prerequisite do better at what builds on it?

For an edge p -> c, each learner's first try at a video that covers c is looked at: did it succeed,
and had the learner before that succeeded at a video that covers p? Learners who had are compared
with learners who had not, video by video, so that a hard video is as hard on both sides; of the
differences the mean is taken with the weights of Mantel and Haenszel. To the learners that the
weighted shares are worth, a success and a failure are added on each side, which draws the effect of
few learners towards 0 and keeps the interval true for them [agresti2000, Simple and effective
confidence intervals for proportions and differences of proportions].

This is no experiment: who has worked through p may work through more of everything.
Sizes: U learners, V videos, K concepts, N tries, E edges.
"""

from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints, check_axis

Z = 1.959963984540054  # 95 %, two-sided


@dataclass(frozen=True)
class Tries:
    """What learners did, one row a learner and video.

    Attributes:
        learner, video: (N,) positions.
        place: (N,) place on the learner's own time line.
        success: (N,) True where enough was watched, or the answer was right.
        seen: (N,) True where that was observed; where it is only assumed, the try may be what a
            learner had worked through before, and is never an outcome.
    """

    learner: Ints
    video: Ints
    place: Ints
    success: Array
    seen: Array

    def where(self, mask: Array) -> "Tries":
        """Those of a mask."""
        return Tries(*(part[mask] for part in vars(self).values()))


@dataclass(frozen=True)
class EdgeEffects:
    """What working through a prerequisite goes with, for each of E edges.

    Attributes:
        effect: (E,) success with it less success without it, -1 to 1, nearer to 0 the fewer were
            compared; NaN where nobody can be.
        low, high: (E,) 95 % interval of it.
        with_it, without_it: (E,) learners compared.
    """

    effect: Floats
    low: Floats
    high: Floats
    with_it: Ints
    without_it: Ints


class Compared(NamedTuple):
    """One edge's part of `EdgeEffects`."""

    effect: float
    low: float
    high: float
    with_it: int
    without_it: int


def edge_effects(
    before: Ints, after: Ints, tries: Tries, q_matrix: sparse.csr_array
) -> EdgeEffects:
    """Compare learners with and without each prerequisite.

    Args:
        before, after: (E,) positions of the concepts of each edge.
        tries: what learners did.
        q_matrix: (V, K) 1 where the video covers the concept.

    Raises:
        AxisMismatch: before and after disagree on E, or the tries on N.
    """
    check_axis("E", before=before.size, after=after.size)
    check_axis("N", **{name: part.size for name, part in vars(tries).items()})
    learners = int(tries.learner.max(initial=-1)) + 1
    worked = _first(tries.where(tries.success), q_matrix, learners)
    tried = _first(tries.where(tries.seen), q_matrix, learners)
    rows = [_of_edge(b, a, worked, tried, learners) for b, a in zip(before, after, strict=True)]
    columns = np.array(rows, dtype=float).reshape(-1, len(Compared._fields)).T
    return EdgeEffects(*columns[:3], *columns[3:].astype(np.int64))


class _First(NamedTuple):
    """The first of a learner's tries at each concept, sorted by key.

    Attributes:
        key: concept * U + learner.
        place, video, success: of that try.
    """

    key: Ints
    place: Ints
    video: Ints
    success: Array


def _first(tries: Tries, q_matrix: sparse.csr_array, learners: int) -> _First:
    covered = q_matrix[tries.video]
    row = np.repeat(np.arange(tries.video.size), np.diff(covered.indptr))
    key = covered.indices.astype(np.int64) * learners + tries.learner[row]
    order = np.lexsort((tries.place[row], key))
    key, first = np.unique(key[order], return_index=True)
    row = row[order][first]
    return _First(key, tries.place[row], tries.video[row], tries.success[row])


def _of_edge(before: int, after: int, worked: _First, tried: _First, learners: int) -> Compared:
    mine = slice(*np.searchsorted(tried.key, [after * learners, (after + 1) * learners]))
    key = tried.key[mine] + (before - after) * learners
    at = np.searchsorted(worked.key, key)
    known = at < worked.key.size
    has_it = np.zeros(key.size, dtype=bool)
    has_it[known] = (worked.key[at[known]] == key[known]) & (
        worked.place[at[known]] < tried.place[mine][known]
    )
    return compare(tried.success[mine], has_it, tried.video[mine])


def compare(success: Array, has_it: Array, stratum: Ints) -> Compared:
    """The difference of two shares over strata, with its 95 % interval.

    Args:
        success: (n,) whether each learner succeeded.
        has_it: (n,) whether each had worked through the prerequisite.
        stratum: (n,) learners are compared within the same one.

    >>> has_it, success = np.array([True, True, True, False]), np.array([True, True, True, False])
    >>> [round(x, 2) for x in compare(success, has_it, np.zeros(4, int))[:3]]
    [0.47, -0.17, 1]
    """
    strata, at = np.unique(stratum, return_inverse=True)
    sides = has_it, ~has_it
    n = np.stack([np.bincount(at[side], minlength=strata.size) for side in sides])
    good = np.stack([np.bincount(at[side & success], minlength=strata.size) for side in sides])
    both = (n > 0).all(axis=0)
    if not both.any():
        return Compared(np.nan, np.nan, np.nan, 0, 0)
    n, good = n[:, both], good[:, both]
    weight = n.prod(axis=0) / n.sum(axis=0)
    weight /= weight.sum()
    worth = 1 / (weight**2 / n).sum(axis=1)
    share = ((weight * good / n).sum(axis=1) * worth + 1) / (worth + 2)
    effect = float(share[0] - share[1])
    half = Z * sqrt((share * (1 - share) / (worth + 2)).sum())
    return Compared(effect, max(effect - half, -1), min(effect + half, 1), *n.sum(axis=1).tolist())
