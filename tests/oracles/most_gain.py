"""The most that any plan could gain, by HiGHS' integer program: whole videos, within the minutes.

Written from kgplan/planning/bound.py's docstring: gains lie under the concave hull of their curve,
and a concept gains nothing without a video on each thing that it waits for.
"""

from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.optimize import LinearConstraint, milp

from kgplan.native.sequence import Layout, Standing

POINTS = 48


def most_gain(
    layout: Layout, by: Standing, minutes: float, seconds: float = 30.0, gap: float = 0.0
) -> float:
    """Its optimum; where the time runs out, the bound that it has come to.

    Args:
        layout, by: the goal and the learner.
        minutes: that the videos may take.
        seconds: that it may take itself.
        gap: relative, that it may leave.
    """
    n, m = by.mastery.size, by.minutes.size
    counted = [c for c in range(n) if by.weight[c] > 0 and not by.closed[c]]
    rows, limits = [by.minutes.tolist() + [0.0] * len(counted)], [minutes]
    for place, concept in enumerate(counted):
        gained = np.zeros(m + len(counted))
        gained[m + place] = 1.0
        pull = _pull(layout, by, concept)
        for slope, offset in _hull(by.mastery[concept], pull.sum()):
            rows.append((gained - np.append(slope * pull, np.zeros(len(counted)))).tolist())
            limits.append(offset)
        for videos in _waited_for(layout, by, concept):
            enough = np.zeros(m + len(counted))
            enough[videos] = 1.0
            rows.append((gained - enough).tolist())
            limits.append(0.0)
    found = milp(
        -np.append(np.zeros(m), by.weight[counted]),
        constraints=LinearConstraint(sparse.csr_array(np.array(rows)), ub=np.array(limits)),
        integrality=np.append(np.ones(m), np.zeros(len(counted))),
        bounds=(0, np.append(by.open.astype(float), np.ones(len(counted)))),
        options={"time_limit": seconds, "mip_rel_gap": gap},
    )
    return -found.mip_dual_bound


def _pull(layout: Layout, by: Standing, concept: int) -> np.ndarray:
    """(m,) what each open video adds to the log-odds of a concept."""
    pull = np.zeros(by.minutes.size)
    video = np.repeat(np.arange(pull.size), np.diff(layout.video_start))
    own = layout.covers == concept
    pull[video[own]] = np.log(by.factor[own])
    return pull * by.open


def _hull(mastery: float, most: float) -> list[tuple[float, float]]:
    """(slope, offset) of the upper hull of the gain over what is added to the log-odds."""
    x = np.linspace(0, max(most, 1e-9), POINTS)
    y = 1 / (1 + (1 - mastery) / mastery * np.exp(-x)) - mastery
    hull: list[int] = []
    for k in range(x.size):
        while len(hull) > 1 and _slope(x, y, hull[-2], hull[-1]) <= _slope(x, y, hull[-2], k):
            hull.pop()
        hull.append(k)
    slopes = [_slope(x, y, a, b) for a, b in pairwise(hull)]
    return [(slope, y[a] - slope * x[a]) for slope, a in zip(slopes, hull[:-1], strict=True)]


def _slope(x: np.ndarray, y: np.ndarray, a: int, b: int) -> float:
    return float((y[b] - y[a]) / (x[b] - x[a]))


def _waited_for(layout: Layout, by: Standing, concept: int) -> list[list[int]]:
    found = []
    for r in range(layout.require_start[concept], layout.require_start[concept + 1]):
        any_of = layout.any_of[layout.any_start[r] : layout.any_start[r + 1]]
        videos = {
            int(video)
            for other in any_of
            for video in layout.taught_by[
                layout.concept_start[other] : layout.concept_start[other + 1]
            ]
            if by.open[video]
        }
        if videos and not (by.passed | by.likely)[any_of].any():
            found.append(sorted(videos))
    return found
