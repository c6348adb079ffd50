"""Which slip and guess explain the expected counts of each video best?

With x = intercept + contrast * eta the expected log-likelihood of a video is
intercept * R + contrast * E + sum over m of W_m log(1 - exp(x_m)): concave in the two unknowns,
so Newton's method with a halved step where needed finds its only peak; where eta is 0 or 1 only
(one concept, or the conjunctive link) the peak has a closed form. Beta priors are counts seen
beforehand at m = 0 (guess) and m = n (slip).
Sizes: V videos, K concepts, T table entries (response.py).
"""

import numpy as np

from kgplan.arrays import Floats, Ints
from kgplan.native.newton import climb_lines

Beta = tuple[float, float] | tuple[Floats, Floats]
"""a and b of one Beta prior for all videos, or (V,) of each."""


def fit_lines(
    table_start: Ints,
    eta: Floats,
    right: Floats,
    right_eta: Floats,
    wrong: Floats,
    slip_beta: Beta,
    guess_beta: Beta,
    least_contrast: float,
    start: tuple[Floats, Floats],
) -> tuple[Floats, Floats]:
    """Maximise every video's expected log-likelihood plus the log density of its Beta priors.

    Args:
        table_start, eta: (V + 1,), (T,) the table of eta.
        right: (V,) sum of r over the learners.
        right_eta: (V,) expected sum of r * eta.
        wrong: (T,) expected sum of 1 - r at each m.
        slip_beta, guess_beta: Beta(a, b), a and b above 1; for all videos, or (V,) each.
        least_contrast: lower limit of the contrast.
        start: (V,) intercept and contrast to begin with.

    Returns:
        (V,) intercept and (V,) contrast.

    >>> a, b = fit_lines(np.array([0, 2]), np.array([0.0, 1.0]), np.array([10.0]),
    ...     np.array([9.0]), np.array([9.0, 1.0]), (1 + 1e-9, 1 + 1e-9), (1 + 1e-9, 1 + 1e-9),
    ...     1e-3, (np.log([0.2]), np.array([1.0])))
    >>> np.exp(a).round(6), np.exp(a + b).round(6)  # 1 of 10 not holding it, 9 of 10 holding it
    (array([0.1]), array([0.9]))
    """
    wrong, right, right_eta = wrong.copy(), right.copy(), right_eta.copy()
    informed = np.diff(table_start) > 1
    right += (guess_beta[0] - 1) + (slip_beta[1] - 1)
    right_eta += slip_beta[1] - 1
    wrong[table_start[:-1]] += guess_beta[1] - 1
    # A video without concepts has one entry, m = 0: its slip has no table entry of its own.
    slips_seen = np.broadcast_to(slip_beta[0], right.shape) - 1
    wrong[table_start[1:][informed] - 1] += slips_seen[informed]
    intercept, contrast = start[0].copy(), start[1].copy()
    climb_lines(table_start, eta, right, right_eta, wrong, least_contrast, intercept, contrast)
    return intercept, contrast


def log_prior_density(
    slip: Floats,
    guess: Floats,
    slip_beta: Beta,
    guess_beta: Beta,
) -> float:
    """Log density of all slips and guesses under their Beta priors, without the constant."""
    return float(
        ((slip_beta[0] - 1) * np.log(slip)).sum()
        + ((slip_beta[1] - 1) * np.log1p(-slip)).sum()
        + ((guess_beta[0] - 1) * np.log(guess)).sum()
        + ((guess_beta[1] - 1) * np.log1p(-guess)).sum()
    )


def fit_prior(held: Floats, reached: Floats, prior_beta: tuple[float, float]) -> Floats:
    """The most likely prior of each concept, from expected counts, under Beta(a, b).

    Args:
        held: (K,) expected learners that hold the concept, among those with evidence on it.
        reached: (K,) learners with evidence on it; the others say nothing about the prior.
        prior_beta: a and b, at least 1.

    >>> fit_prior(np.array([7.0, 0.0]), np.array([8.0, 0.0]), (2.0, 2.0))
    array([0.8, 0.5])
    """
    a, b = prior_beta
    seen = reached + (a + b - 2)
    most_likely = (held + a - 1) / np.where(seen > 0, seen, 1)
    return np.where(seen > 0, np.clip(most_likely, 1e-9, 1 - 1e-9), 0.5)
