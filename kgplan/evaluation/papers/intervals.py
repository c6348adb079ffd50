"""How sure is a figure over learners? Intervals from drawing whole learners with replacement.

Every figure here is a ratio of two sums over enrolments, its root, or a mean of such ratios: a mean
has ones below, a gain ratio the gain of the original path, macro-F1 is a mean over classes. So one
matrix of weights serves all, and the same draws stand behind figures that are compared. A learner
is drawn with all enrolments that are in the sample.
Sizes: N enrolments, U learners among them, R resamples.
"""

from dataclasses import dataclass

import numpy as np

from kgplan.arrays import Array, Floats, Ints, check_axis


@dataclass(frozen=True)
class Ratio:
    """What a figure sums over enrolments.

    Attributes:
        above, below: (N,) its two parts; NaN in either for one that has no say.
        root: whether the figure is the square root of the ratio, as of mean squares.
    """

    above: Floats
    below: Floats
    root: bool = False

    @property
    def says(self) -> Array:
        """(N,) True for those that have a say."""
        return ~(np.isnan(self.above) | np.isnan(self.below) | (self.below == 0))


@dataclass(frozen=True)
class MeanRatio:
    """A figure that is the mean of ratios, each of sums over the same enrolments.

    Attributes:
        parts: those ratios; one that nobody of a resample has a say in is left out there.
    """

    parts: tuple[Ratio, ...]

    @property
    def says(self) -> Array:
        """(N,) True for those that have a say in any."""
        return np.logical_or.reduce([part.says for part in self.parts])


Figure = Ratio | MeanRatio


@dataclass(frozen=True)
class Estimate:
    """A figure.

    Attributes:
        value, low, high: and the ends of its interval; NaN where nobody has a say.
        n, learners: enrolments behind it, and learners whose they are.
    """

    value: float
    low: float
    high: float
    n: int
    learners: int


@dataclass(frozen=True)
class Draws:
    """Resamples of learners.

    Attributes:
        learner: (N,) whose each enrolment is, 0 to U - 1.
        weights: (1 + R, U) how often each learner is drawn; the first row is the data itself.
    """

    learner: Ints
    weights: Floats

    def ratio(self, figure: Figure) -> Floats:
        """(1 + R,) of each resample; NaN where nobody who was drawn has a say."""
        if isinstance(figure, MeanRatio):
            each = np.stack([self.ratio(part) for part in figure.parts])
            known = ~np.isnan(each)
            total, count = np.where(known, each, 0.0).sum(axis=0), known.sum(axis=0)
            return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
        check_axis("N", learner=self.learner.size, above=figure.above.size, below=figure.below.size)
        says, n_learners = figure.says, self.weights.shape[1]
        above, below = (
            self.weights @ np.bincount(self.learner, np.where(says, part, 0.0), n_learners)
            for part in (figure.above, figure.below)
        )
        found = np.divide(above, below, out=np.full(below.shape, np.nan), where=below != 0)
        return np.sqrt(found) if figure.root else found


def mean_of(values: Floats) -> Ratio:
    """The mean over enrolments, those without a value (NaN) left out."""
    return Ratio(values, np.ones(values.size))


def draws(learner: Array, resamples: int, seed: int) -> Draws:
    """Draw learners with replacement.

    Args:
        learner: (N,) whose each enrolment is.
        resamples: R.
        seed: draws them.
    """
    ids, of = np.unique(learner, return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(ids.size, np.full(ids.size, 1 / max(ids.size, 1)), size=resamples)
    return Draws(of, np.concatenate([np.ones((1, ids.size)), drawn]))


def estimate(
    figure: Figure, drawn: Draws, level: float = 0.95, other: Figure | None = None
) -> Estimate:
    """The figure with its interval, of quantiles over the resamples.

    Args:
        figure: what is summed.
        drawn: resamples of its learners.
        level: share of the resamples that the interval holds.
        other: of the same enrolments; then the figure is the difference to it.

    Raises:
        AxisMismatch: not one value per enrolment.

    >>> found = estimate(mean_of(np.array([1.0, 3.0])), draws(np.array([7, 7]), 50, seed=0))
    >>> found.value, found.low, found.high, found.n, found.learners
    (2.0, 2.0, 2.0, 2, 1)
    """
    values, says = drawn.ratio(figure), figure.says
    if other is not None:
        values, says = values - drawn.ratio(other), says & other.says
    size = int(says.sum()), int(np.unique(drawn.learner[says]).size)
    resampled = values[1:][~np.isnan(values[1:])]
    if np.isnan(values[0]) or not resampled.size:
        return Estimate(float(values[0]), np.nan, np.nan, *size)
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(values[0]), float(low), float(high), *size)
