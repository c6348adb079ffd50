"""Which slip, guess and prior make the observations most likely? EM that never loses ground.

At a fixed point of propagation the expected counts give the gradient of Bethe's log-evidence, so
the M-step's proposal leads uphill, but a whole step may overshoot: it is halved until the
objective does not fall. In between, Anderson's guess of where EM is heading is tried first, and
kept if it gains. What is climbed is a `Model`: concepts held independently (`Concepts`, here), or
free probabilities of all states (`states.States`).
"""

from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

import numpy as np

from kgplan.arrays import Floats, Ints
from kgplan.diagnosis.anderson import extrapolate
from kgplan.diagnosis.config import DiagnosisConfig
from kgplan.diagnosis.estep import Expectations, Line, expect, parameters
from kgplan.diagnosis.evidence import Problem
from kgplan.diagnosis.mstep import fit_lines, fit_prior, log_prior_density
from kgplan.diagnosis.response import from_line, to_line
from kgplan.progress import Progress, silent

_MEMORY = 6
_RIDGE = 1e-4


class Point(Protocol):
    """Parameters as EM moves them: any point between two valid ones is valid."""

    def free(self) -> Floats:
        """The parameters as numbers of any size, for extrapolation."""
        ...

    def at(self, free: Floats, config: DiagnosisConfig) -> Self:
        """The parameters for which `free()` gives these numbers, kept off the borders."""
        ...

    def towards(self, other: Self, share: float) -> Self:
        """The point at this share of the way to another."""
        ...


P = TypeVar("P", bound=Point)
E = TypeVar("E")


class Model(Protocol[P, E]):
    """What EM climbs: an E-step and an M-step over one set of observations.

    Attributes:
        scale: about the root of the information that complete data would hold on each coordinate
            of `Point.free()`.
    """

    @property
    def scale(self) -> Floats:
        """As the class says."""
        ...

    def propose(self, point: P, found: E) -> P:
        """The M-step: the parameters that explain the expected counts best."""
        ...

    def score(self, point: P, before: E | None) -> tuple[E, float]:
        """The E-step, going on from an earlier one, and the objective there in nats."""
        ...


@dataclass(frozen=True)
class Summit(Generic[P, E]):
    """Where EM ended.

    Attributes:
        point: the parameters.
        found: the E-step at them.
        objective: (iterations + 1,) never falling, in nats.
        converged: the last whole EM step gained less than the tolerance.
    """

    point: P
    found: E
    objective: Floats
    converged: bool


def start_line(sizes: Ints, slip: Floats, guess: Floats, config: DiagnosisConfig) -> Line:
    """Starting values; a video without concepts stands at its Beta priors' peak for good.

    Args:
        sizes: (V,) concepts of each video.
        slip, guess: (V,) to start from.
        config: for the Beta priors.

    Returns:
        The line, with no prior yet.
    """
    start = to_line(slip, guess)
    nothing = np.zeros(1)
    peak = fit_lines(
        np.array([0, 2]), np.array([0.0, 1.0]), nothing, nothing, np.zeros(2),
        config.slip_beta, config.guess_beta, config.least_contrast,
        to_line(np.array([config.slip_start]), np.array([config.guess_start])),
    )  # fmt: skip
    bare = sizes == 0
    return Line(np.where(bare, peak[0], start[0]), np.where(bare, peak[1], start[1]), np.zeros(0))


@dataclass(frozen=True)
class Concepts:
    """The model in which each concept is held with its own probability.

    Attributes:
        problem: the observations.
        config: all settings.
        threads: at most so many; None: one per core.
    """

    problem: Problem
    config: DiagnosisConfig
    threads: int | None = None

    @property
    def scale(self) -> Floats:
        """About the root of complete data's information on each coordinate of Line.free()."""
        right, reached = self.problem.right, self.problem.reached
        return np.sqrt(np.concatenate([0.1 * (right + 1)] * 2 + [0.2 * (reached + 1)]))

    def propose(self, point: Line, found: Expectations) -> Line:
        """The M-step: the parameters that explain the expected counts best."""
        videos, config = self.problem.videos, self.config
        intercept, contrast = fit_lines(
            videos.table_start, videos.eta, self.problem.right,
            found.tally.right_eta, found.tally.wrong,
            config.slip_beta, config.guess_beta, config.least_contrast,
            (point.intercept, point.contrast),
        )  # fmt: skip
        if not config.learn_prior:
            return Line(intercept, contrast, point.prior)
        prior = fit_prior(found.tally.held, self.problem.reached, config.prior_beta)
        return Line(intercept, contrast, np.minimum(prior, config.most_prior))

    def score(self, point: Line, before: Expectations | None) -> tuple[Expectations, float]:
        """The E-step at these parameters, and the objective there in nats."""
        problem, config = self.problem, self.config
        found = expect(
            problem.evidence, problem.videos, parameters(problem.videos, point), config,
            None if before is None else before.messages, self.threads,
        )  # fmt: skip
        slip, guess = from_line(point.intercept, point.contrast)
        value = log_prior_density(slip, guess, config.slip_beta, config.guess_beta)
        if config.learn_prior:
            a, b = config.prior_beta
            value += float(np.sum((a - 1) * np.log(point.prior)))
            value += float(np.sum((b - 1) * np.log1p(-point.prior)))
        return found, value + float(np.sum(found.log_evidence * problem.evidence.weight))


def climb(
    model: Model[P, E],
    start: P,
    config: DiagnosisConfig,
    progress: Progress = silent,
) -> Summit[P, E]:
    """Run EM from the starting values until an iteration gains little.

    Args:
        model: the observations and what is believed about them.
        start: the parameters to start from.
        config: all settings.
        progress: told the objective after each iteration, in nats.
    """
    scale = model.scale
    point = start
    found, value = model.score(point, None)
    objective = [value]
    points: list[Floats] = []
    images: list[Floats] = []
    for iteration in range(1, config.iteration_limit + 1):
        goal = model.propose(point, found)
        points = [*points[1 - _MEMORY :], point.free()]
        images = [*images[1 - _MEMORY :], goal.free()]
        taken = None
        if len(points) > 1:
            guess = extrapolate(points, images, scale, _RIDGE)
            taken = _if_not_lower(model, point.at(guess, config), found, value)
            if taken is None:
                points, images = [], []
        whole = taken is None
        step = 1.0
        while taken is None and step >= 0.5**config.halving_limit:
            taken = _if_not_lower(model, point.towards(goal, step), found, value)
            step /= 2
        if taken is None:
            return Summit(point, found, np.array(objective), False)
        gain = taken[2] - value
        assert gain >= 0, f"iteration {iteration} lowered the objective by {-gain} nats"
        point, found, value = taken
        objective.append(value)
        progress(f"objective {value:z,.1f}", iteration, None)
        if gain <= config.tolerance * (1 + abs(value)):
            if whole:
                return Summit(point, found, np.array(objective), True)
            points, images = [], []  # a poor guess is no sign of the top: take a whole step next
    return Summit(point, found, np.array(objective), False)


def _if_not_lower(
    model: Model[P, E], point: P, found: E, value: float
) -> tuple[P, E, float] | None:
    """The step to `point` with its E-step and objective; None where the objective would fall."""
    new, new_value = model.score(point, found)
    return (point, new, new_value) if new_value >= value else None
