"""Where is the peak of a video's expected log-likelihood? Newton's method, video by video.

Sizes: V videos, T table entries.
"""

import numpy as np

from kgplan.arrays import Array
from kgplan.native.compiled import njit


@njit(cache=True, nogil=True)
def _height(eta: Array, right: float, right_eta: float, wrong: Array, a: float, b: float) -> float:
    value = a * right + b * right_eta
    for m in range(eta.size):
        value += wrong[m] * np.log(-np.expm1(a + b * eta[m]))
    return value


@njit(cache=True, nogil=True)
def climb_lines(
    table_start: Array,
    eta_of: Array,
    right: Array,
    right_eta: Array,
    wrong_of: Array,
    least: float,
    intercept: Array,
    contrast: Array,
) -> None:
    """Newton with an active bound contrast >= least; in place."""
    for v in range(right.size):
        begin, end = table_start[v], table_start[v + 1]
        if end - begin < 2:
            continue
        eta, wrong = eta_of[begin:end], wrong_of[begin:end]
        if eta[-2] == 0:
            # Two shares of right answers, by those who hold all and by the others.
            hit = right_eta[v] / (right_eta[v] + wrong[-1])
            below = right[v] - right_eta[v]
            guess = below / (below + wrong[:-1].sum())
            if guess > 0 and hit < 1:
                a, b = np.log(guess), np.log(hit) - np.log(guess)
                if b >= least and a + b < 0:
                    intercept[v], contrast[v] = a, b
                    continue
        a, b = intercept[v], contrast[v]
        value = _height(eta, right[v], right_eta[v], wrong, a, b)
        for _ in range(50):
            ga, gb = right[v], right_eta[v]
            haa, hab = 0.0, 0.0
            for m in range(eta.size):
                odds = -1.0 / (1.0 - np.exp(-(a + b * eta[m])))  # P / (1 - P)
                slope, bend = wrong[m] * odds, wrong[m] * odds * (1.0 + odds)
                ga -= slope
                gb -= slope * eta[m]
                haa += bend
                hab += bend * eta[m]
            # Around the mean of eta the two unknowns part, and nothing cancels near a bound.
            mean, hcc = hab / haa, 0.0
            for m in range(eta.size):
                odds = -1.0 / (1.0 - np.exp(-(a + b * eta[m])))
                hcc += wrong[m] * odds * (1.0 + odds) * (eta[m] - mean) ** 2
            gc = gb - mean * ga
            if (b <= least and gc <= 0) or hcc <= 1e-300:
                da, db = ga / haa, 0.0
            else:
                db = gc / hcc
                da = ga / haa - mean * db
            gain = ga * da + gb * db
            if gain <= 1e-12 * (1.0 + abs(value)):
                break
            t = 1.0
            improved = False
            for _ in range(60):
                b_new = max(b + t * db, least)
                a_new = a + t * da
                if a_new + b_new < 0 and a_new < 0:
                    new = _height(eta, right[v], right_eta[v], wrong, a_new, b_new)
                    if new > value:
                        a, b, value, improved = a_new, b_new, new, True
                        break
                t *= 0.5
            if not improved:
                break
        intercept[v], contrast[v] = a, b
