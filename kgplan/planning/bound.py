"""What can no plan of as many minutes gain more than? A linear bound, by HiGHS.

The gain of a concept is a curve in what its videos add to the log-odds, first convex, then concave;
its concave envelope from the concept's present mastery is no less anywhere. Prerequisites hold as
far as they can in fractions: nothing of a concept without as much of a video on what it waits for.
Sizes: n concepts and m videos of a scope, N entries, P points of each envelope.
"""

from collections.abc import Iterator

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from kgplan.arrays import Floats, Ints
from kgplan.native.sequence import Layout, Standing

POINTS = 16


def most_gain(layout: Layout, by: Standing, minutes: float) -> float:
    """An upper bound on the weighted gain of any plan for a learner and a goal.

    Args:
        layout, by: the goal and the learner.
        minutes: that the plan may take.

    Returns:
        In mastery, weighted as the sequence's own gains are.
    """
    n, m = by.mastery.size, by.minutes.size
    counted = np.flatnonzero((by.weight > 0) & ~by.closed)
    if minutes <= 0 or not counted.size or not by.open.any():
        return 0.0
    video = np.repeat(np.arange(m), np.diff(layout.video_start))
    pull = sparse.coo_array(
        (np.log(by.factor) * by.open[video], (layout.covers, video)), shape=(n, m)
    ).tocsr()
    # variables: how much of each video, then the gain of each counted concept
    size = m + counted.size
    rows: list[sparse.coo_array] = []
    limits: list[Floats] = []
    for place, concept in enumerate(counted.tolist()):
        slopes, offsets = _envelope(float(by.mastery[concept]), float(pull[[concept]].sum()))
        own = pull[[concept]].tocoo()
        block = np.zeros((slopes.size, size))
        block[:, own.col] = -slopes[:, None] * own.data
        block[:, m + place] = 1.0
        rows.append(sparse.coo_array(block))
        limits.append(offsets)
        for needed in _waited_for(concept, layout, by):
            block = np.zeros((1, size))
            block[0, needed] = -(1 - by.mastery[concept])
            block[0, m + place] = 1.0
            rows.append(sparse.coo_array(block))
            limits.append(np.zeros(1))
    rows.append(sparse.coo_array(np.append(by.minutes, np.zeros(counted.size))[None, :]))
    limits.append(np.array([minutes]))
    solved = linprog(
        np.append(np.zeros(m), -by.weight[counted]),
        A_ub=sparse.vstack(rows, format="csr"),
        b_ub=np.concatenate(limits),
        bounds=[(0, float(each)) for each in by.open] + [(0, 1)] * counted.size,
        method="highs",
    )
    return float(-solved.fun)


def _waited_for(concept: int, layout: Layout, by: Standing) -> Iterator[Ints]:
    """For each requirement that is not met and can be, the open videos that could meet it."""
    for requirement in range(*layout.require_start[concept : concept + 2].tolist()):
        others = layout.any_of[slice(*layout.any_start[requirement : requirement + 2].tolist())]
        if (by.passed | by.likely)[others].any():
            continue
        taught = [
            layout.taught_by[slice(*layout.concept_start[other : other + 2].tolist())]
            for other in others.tolist()
        ]
        videos = np.unique(np.concatenate(taught))
        if by.open[videos].any():
            yield videos[by.open[videos]]


def _envelope(mastery: float, most: float) -> tuple[Floats, Floats]:
    """Lines that lie nowhere under the gain of a concept, as slopes and values at 0.

    Args:
        mastery: before.
        most: what all videos together add to the log-odds.
    """
    odds = np.log(mastery) - np.log1p(-mastery)
    top = max(most, 1e-6)
    at = np.unique(np.append(np.linspace(0, top, POINTS), np.clip(-odds, 0, top)))
    value = 1 / (1 + np.exp(-(odds + at)))
    gain, slope = value - mastery, value * (1 - value)
    slopes, offsets = [], []
    # where the curve is convex, the chord from 0 to the point that it is steepest from
    chord = np.max(gain[1:] / at[1:]) if at.size > 1 else 0.0
    grid = np.linspace(0, top, 400)[1:]
    whole = 1 / (1 + np.exp(-(odds + grid))) - mastery
    chord = max(chord, float((whole / grid).max()))
    slopes.append(chord * (1 + 1e-3))
    offsets.append(0.0)
    for x, g, s in zip(at, gain, slope, strict=True):
        tangent = g + s * (grid - x)
        if odds + x >= 0 and (tangent >= whole - 1e-12).all() and g - s * x >= 0:
            slopes.append(s)
            offsets.append(g - s * x)
    return np.array(slopes), np.array(offsets)
