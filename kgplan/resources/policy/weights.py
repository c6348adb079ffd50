"""Which weights are there, and what may be done to them?

Sizes: B learners, M modalities.
"""

import numpy as np

from kgplan.arrays import Floats, Ints

STEP = 0.25
OTHERS = ("gamma", "delta", "diversity")
"""Behind the M logits of the gate: weights of progress, of foundations, of what is unlike."""
START = (0.5, 0.5, 0.25)
"""Of `OTHERS`; logits start at 0."""
FARTHEST = 2.0
"""Logits stay within this of 0, the others between 0 and this."""
HOLD = 0


def n_actions(modalities: int) -> int:
    """1 + 2 (M + 3): hold, or one weight up or down."""
    return 1 + 2 * (modalities + len(OTHERS))


def started(learners: int, modalities: int) -> Floats:
    """(B, M + 3) what every learner begins with."""
    return np.tile(np.append(np.zeros(modalities), START), (learners, 1))


def moved(weights: Floats, actions: Ints) -> Floats:
    """(B, M + 3) behind an action each: 0 holds, 2 w + 1 lifts weight w by `STEP`, 2 w + 2 lowers.

    Args:
        weights: (B, M + 3).
        actions: (B,).

    >>> moved(started(2, 3), np.array([0, 8]))[:, 3].tolist()
    [0.5, 0.25]
    """
    step = np.zeros_like(weights)
    acts = np.flatnonzero(actions != HOLD)
    which, down = np.divmod(actions[acts] - 1, 2)
    step[acts, which] = np.where(down == 1, -STEP, STEP)
    least = np.append(np.full(weights.shape[1] - len(OTHERS), -FARTHEST), np.zeros(len(OTHERS)))
    return np.clip(weights + step, least, FARTHEST)
