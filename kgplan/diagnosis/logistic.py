"""Logistic regression by Newton's method, on standardised features."""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from kgplan.arrays import Array, Floats, check_axis


class Logistic(NamedTuple):
    """A fitted regression: P = expit(weights[0] + weights[1:] @ (x - mean) / spread).

    Attributes:
        mean, spread: (F,) of the features that it was fitted to.
        weights: (F + 1,) the intercept first.
    """

    mean: Floats
    spread: Floats
    weights: Floats

    def __call__(self, features: Floats) -> Floats:
        """(n,) probabilities of (n, F) features."""
        return np.asarray(expit(_design(features, self.mean, self.spread) @ self.weights))


def fit_logistic(features: Floats, happened: Array, ridge: float = 1.0) -> Logistic:
    """Fit by Newton's method with a halved step where needed.

    Args:
        features: (P, F).
        happened: (P,) 0 or 1.
        ridge: half the weight of the squared coefficients, the intercept's apart: scikit-learn's
            LogisticRegression(C=1 / ridge) on standardised features.

    Raises:
        AxisMismatch: the two disagree on P.

    >>> fit_logistic(np.array([[0.0], [0.0], [1.0], [1.0]]), np.array([0, 1, 1, 1]), 1e-6)(
    ...     np.array([[0.0]])).round(3)
    array([0.5])
    """
    check_axis("pairs", features=features.shape[0], happened=happened.size)
    mean, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > 0, spread, 1)
    x, y = _design(features, mean, spread), happened.astype(np.float64)
    pull = np.full(x.shape[1], ridge)
    pull[0] = 1e-9  # an intercept is free, but for data that is all 0 or all 1
    at = np.zeros(x.shape[1])

    def height(w: Floats) -> float:
        odds = x @ w
        return float(np.sum(y * odds - np.logaddexp(0, odds)) - pull @ w**2 / 2)

    for _ in range(100):
        p = expit(x @ at)
        slope = x.T @ (y - p) - pull * at
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + np.diag(pull), slope)
        while height(at + step) < height(at) and np.abs(step).max() > 1e-12:
            step = step / 2
        at = at + step
        if np.abs(step).max() < 1e-8:
            break
    return Logistic(mean, spread, at)


def _design(features: Floats, mean: Floats, spread: Floats) -> Floats:
    return np.column_stack([np.ones(features.shape[0]), (features - mean) / spread])
