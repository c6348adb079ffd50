"""When a prediction says .7, is it right seven times in ten? Held-back views and honest figures.

A learner's views are put in the order of time; the last share of them is held back, and with them
the same share of the zeros (videos of the learner's courses that were never opened), drawn at
random. What is held back is *not observed* in what predictions are fitted to: neither a view nor a
zero. Every method is asked for P(opened) of the same held-back pairs.
Figures are means over pairs; their intervals come from drawing whole learners with replacement,
as the pairs of one learner are not independent.
Sizes: U learners, V videos, P held-back pairs, B bins, R resamples.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import isotonic_regression
from scipy.special import logit

from kgplan.arrays import Array, Floats, Ints, check_axis
from kgplan.diagnosis.entries import only, rows_of
from kgplan.diagnosis.logistic import fit_logistic
from kgplan.errors import InputError

LEAST = 1e-6  # predictions are kept this far from 0 and 1 by log-loss
FIGURES = ("brier", "log_loss", "auc", "ece")
_PAIRS_AT_ONCE = 4_000_000  # numbers held for resampled areas under the curve

Recalibration = Callable[[Floats], Floats]


@dataclass(frozen=True)
class HeldBack:
    """Observations to fit to, and pairs to predict.

    Attributes:
        watched: (U, V) what is left to fit to; every stored entry is an observation.
        learner, video: (P,) the held-back pairs, by learner.
        opened: (P,) True for a view, False for a video never opened.
        too_few: (U,) True for learners whose views are too few to hold any back, none included.
    """

    watched: sparse.csr_array
    learner: Ints
    video: Ints
    opened: Array
    too_few: Array

    def so_far(self) -> sparse.csr_array:
        """(U, V) what is left, with everything held back as a zero: not opened so far.

        Who looks at a learner at the time of the split cannot tell a view that will come from one
        that will not. Methods that count how much was *observed* around a pair could, if what was
        held back were missing there.
        """
        there = sparse.csr_array(
            (np.ones(self.learner.size), (self.learner, self.video)), shape=self.watched.shape
        ).tocsr()
        row = np.concatenate([rows_of(self.watched), rows_of(there)])
        column = np.concatenate([self.watched.indices, there.indices])
        share = np.concatenate([self.watched.data, np.zeros(there.nnz)])
        order = np.lexsort((column, row))
        indptr = self.watched.indptr + there.indptr
        return sparse.csr_array((share[order], column[order], indptr), shape=self.watched.shape)


def hold_back(
    watched: sparse.csr_array,
    order: sparse.csr_array,
    rng: np.random.Generator,
    share: float = 0.2,
    least_views: int = 5,
) -> HeldBack:
    """Hold back the last views of every learner, and the same share of the zeros.

    Of n views, floor(share n + 1/2) are held back, at least one. A learner with fewer than
    `least_views` views keeps all observations in the fit and is not predicted.

    Args:
        watched: (U, V) as for `vdina.fit`; a stored 0 is a video never opened.
        order: (U, V) stored where a view has a place on the learner's time line: larger is later.
        rng: draws the zeros.
        share: in (0, 1).
        least_views: at least 2, so that every predicted learner has a view in the fit.

    Raises:
        AxisMismatch: the two disagree on U or V.
        InputError: share or least_views out of range, or a view without a place.

    >>> watched = sparse.csr_array(np.array([[1.0, 1.0, 1.0, 1.0, 1.0]]))
    >>> order = sparse.csr_array(np.array([[3, 9, 1, 2, 4]]))
    >>> held = hold_back(watched, order, np.random.default_rng(0))
    >>> held.video.tolist(), held.watched.indices.tolist()
    ([1], [0, 2, 3, 4])
    """
    check_axis("U", watched=watched.shape[0], order=order.shape[0])
    check_axis("V", watched=watched.shape[1], order=order.shape[1])
    if not 0 < share < 1:
        raise InputError(f"share is {share}; give a number in (0, 1)")
    if least_views < 2:
        raise InputError(f"least_views is {least_views}; give at least 2")
    learner = rows_of(watched)
    video = np.asarray(watched.indices)
    opened = watched.data > 0
    place = look_up(order, learner, video)
    if np.any(np.isnan(place[opened])):
        lost = int(np.flatnonzero(opened & np.isnan(place))[0])
        raise InputError(
            f"the view of video {video[lost]} by learner {learner[lost]} has no place in `order`;"
            " give one to every view"
        )
    n_views = np.bincount(learner[opened], minlength=watched.shape[0])
    too_few = n_views < least_views
    held = np.zeros(video.size, bool)
    n_zeros = np.bincount(learner[~opened], minlength=watched.shape[0])
    for which, rank_by, wanted in (
        (opened, -place, np.maximum(np.floor(share * n_views + 0.5), 1)),
        (~opened, rng.random(video.size), np.floor(share * n_zeros + 0.5)),
    ):
        at = np.flatnonzero(which)
        at = at[np.lexsort((video[at], rank_by[at], learner[at]))]
        first = np.searchsorted(learner[at], learner[at])
        rank = np.arange(at.size) - first
        held[at[(rank < wanted[learner[at]]) & ~too_few[learner[at]]]] = True
    return HeldBack(only(watched, ~held), learner[held], video[held], opened[held], too_few)


def look_up(matrix: sparse.csr_array, row: Ints, column: Ints) -> Floats:
    """Stored values at (row, column); NaN where none is stored, so that a stored 0 is one.

    >>> look_up(sparse.csr_array(([0.0], ([0], [1])), shape=(1, 2)), np.zeros(2, int), np.arange(2))
    array([nan,  0.])
    """
    if matrix.nnz == 0:
        return np.full(row.size, np.nan)
    width = matrix.shape[1]
    key = rows_of(matrix) * width + matrix.indices
    by_key = np.argsort(key)
    wanted = row * width + column
    at = by_key[np.minimum(np.searchsorted(key, wanted, sorter=by_key), key.size - 1)]
    return np.where(key[at] == wanted, matrix.data[at], np.nan)


# ---------------------------------------------------------------------------------------- figures


@dataclass(frozen=True)
class Interval:
    """A figure and where it lies in 95 of 100 resamples of learners."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Reliability:
    """Predictions in bins of equally many pairs.

    Attributes:
        predicted: (B,) mean prediction of each bin, rising.
        observed: (B,) share that was opened.
        low, high: (B,) 95 % interval of that share, learners resampled.
        pairs: (B,) number of pairs.
    """

    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats
    pairs: Ints


@dataclass(frozen=True)
class Score:
    """How good the predictions of one method are.

    Attributes:
        brier: mean squared error (Brier 1950).
        log_loss: mean of -log P(what happened), in nats; predictions clipped to [LEAST, 1 - LEAST].
        auc: P(a view is ranked above a zero), ties half.
        ece: expected calibration error: mean over bins of |observed - predicted|, weighted by
            pairs (Naeini, Cooper & Hauskrecht, AAAI 2015), with bins of equally many pairs.
        reliability: the bins behind it.
    """

    brier: Interval
    log_loss: Interval
    auc: Interval
    ece: Interval
    reliability: Reliability


def score(
    predictions: Mapping[str, Floats],
    opened: Array,
    learner: Ints,
    rng: np.random.Generator,
    n_bins: int = 15,
    n_resamples: int = 300,
) -> dict[str, Score]:
    """Judge every method on the same pairs, with the same resamples of learners.

    Args:
        predictions: name -> (P,) P(opened) in [0, 1].
        opened: (P,) what happened.
        learner: (P,) whose pair it is.
        rng: draws the resamples.
        n_bins: bins of the reliability diagram and of ece; fewer where predictions tie.
        n_resamples: resamples of learners.

    Raises:
        AxisMismatch: not one prediction per pair.
        InputError: a prediction outside [0, 1], or pairs that were all opened or all not.

    >>> opened = np.array([True, False, True, False])
    >>> found = score({"coin": np.full(4, 0.5)}, opened, np.arange(4), np.random.default_rng(0))
    >>> found["coin"].brier.value, found["coin"].auc.value, found["coin"].ece.value
    (0.25, 0.5, 0.0)
    """
    opened = np.asarray(opened, bool)
    if opened.all() or not opened.any():
        what = "opened" if opened.size and opened.all() else "not opened"
        raise InputError(
            f"all {opened.size} held-back pairs were {what}; figures need views and zeros:"
            " hold back more, or from more learners"
        )
    of, pair_of = np.unique(learner, return_inverse=True)
    draws = rng.multinomial(of.size, np.full(of.size, 1 / of.size), size=n_resamples)
    weight = np.concatenate([np.ones((1, of.size)), draws])  # the first row is the data itself
    return {
        name: _score_one(name, np.asarray(p, np.float64), opened, pair_of, weight, n_bins)
        for name, p in predictions.items()
    }


def _score_one(
    name: str, p: Floats, opened: Array, pair_of: Ints, weight: Floats, n_bins: int
) -> Score:
    check_axis("held-back pairs", **{name.replace(" ", "_"): p.size, "opened": opened.size})
    bad = np.flatnonzero(~((p >= 0) & (p <= 1)))
    if bad.size:
        raise InputError(f"{name} predicts {p[bad[0]]} for pair {bad[0]}; give numbers in [0, 1]")
    n_learners = weight.shape[1]
    clipped = np.clip(p, LEAST, 1 - LEAST)
    of_pair = weight @ np.bincount(pair_of, minlength=n_learners)

    def mean(loss: Floats) -> Floats:
        return (weight @ np.bincount(pair_of, loss, n_learners)) / of_pair

    bin_of, n_bins = _bins(p, n_bins)

    def by_bin(values: Floats) -> Floats:
        sums = np.bincount(pair_of * n_bins + bin_of, values, n_learners * n_bins)
        return weight @ sums.reshape(n_learners, n_bins)

    pairs, right, summed = by_bin(np.ones(p.size)), by_bin(opened.astype(float)), by_bin(p)
    gaps = np.abs(right - summed).sum(axis=1) / of_pair
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = right / pairs
    low, high = np.nanquantile(shares[1:], [0.025, 0.975], axis=0)
    return Score(
        brier=_interval(mean((p - opened) ** 2)),
        log_loss=_interval(mean(-np.log(np.where(opened, clipped, 1 - clipped)))),
        auc=_interval(_auc(p, opened, pair_of, weight)),
        ece=_interval(gaps),
        reliability=Reliability(
            summed[0] / pairs[0], shares[0], low, high, pairs[0].astype(np.int64)
        ),
    )


def _interval(values: Floats) -> Interval:
    """The first is the figure; the others are its resamples, without those that have none."""
    low, high = np.nanquantile(values[1:], [0.025, 0.975])
    return Interval(float(values[0]), float(low), float(high))


def _bins(p: Floats, n_bins: int) -> tuple[Ints, int]:
    """Bins of about equally many predictions; equal predictions share one."""
    edges = np.unique(np.quantile(p, np.linspace(0, 1, n_bins + 1)[1:-1]))
    found, bin_of = np.unique(np.searchsorted(edges, p, side="right"), return_inverse=True)
    return bin_of, found.size


def _auc(p: Floats, opened: Array, pair_of: Ints, weight: Floats) -> Floats:
    """(R + 1,) area under the ROC curve for every row of learners' weights; ties count half."""
    by_p = np.argsort(p, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], np.diff(p[by_p]) > 0]))
    of, seen = pair_of[by_p], opened[by_p]
    area = np.empty(weight.shape[0])
    step = max(_PAIRS_AT_ONCE // p.size, 1)
    for begin in range(0, weight.shape[0], step):
        w = weight[begin : begin + step, of]
        views = np.add.reduceat(w * seen, starts, axis=1)
        zeros = np.add.reduceat(w * ~seen, starts, axis=1)
        below = np.cumsum(zeros, axis=1) - zeros
        with np.errstate(invalid="ignore", divide="ignore"):
            area[begin : begin + step] = np.sum(views * (below + zeros / 2), axis=1) / (
                views.sum(axis=1) * zeros.sum(axis=1)
            )
    return area


# ---------------------------------------------------------------------------------- recalibration


def platt(p: Floats, opened: Array) -> Recalibration:
    """Logistic regression of what happened on logit p (Platt 1999), as a function of predictions.

    Args:
        p: (P,) predictions of a validation slice.
        opened: (P,) what happened there.
    """
    line = fit_logistic(log_odds(p)[:, None], opened)
    return lambda new: line(log_odds(new)[:, None])


def rising(p: Floats, opened: Array) -> Recalibration:
    """As `platt`, and never against the order: a line that would fall is not drawn at all.

    Args:
        p: (P,) predictions of a validation slice.
        opened: (P,) what happened there.

    >>> rising(np.array([0.2, 0.2, 0.8, 0.8]), np.array([1, 1, 0, 0]))(np.array([0.3]))
    array([0.3])
    """
    line = fit_logistic(log_odds(p)[:, None], opened)
    if line.weights[1] <= 0:
        return lambda new: new
    return lambda new: line(log_odds(new)[:, None])


def isotonic(p: Floats, opened: Array) -> Recalibration:
    """The rising step function nearest to what happened (Zadrozny & Elkan 2002), lines between.

    Args:
        p: (P,) predictions of a validation slice.
        opened: (P,) what happened there.

    >>> better = isotonic(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0, 1, 0, 1]))
    >>> better(np.array([0.0, 0.25, 0.4]))
    array([0. , 0.5, 1. ])
    """
    level, of = np.unique(p, return_inverse=True)
    count = np.bincount(of)
    steps = isotonic_regression(np.bincount(of, opened) / count, weights=count).x
    return lambda new: np.interp(new, level, steps)


def log_odds(p: Floats) -> Floats:
    """Natural log odds of predictions, clipped to [LEAST, 1 - LEAST]."""
    return logit(np.clip(p, LEAST, 1 - LEAST))
