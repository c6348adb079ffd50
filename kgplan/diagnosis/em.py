"""Which slip, guess and prior make the observations most likely? EM that never loses ground.

At a fixed point of propagation the expected counts give the gradient of Bethe's log-evidence, so
the M-step's proposal leads uphill, but a whole step may overshoot: it is halved until the
objective does not fall. In between, Anderson's guess of where EM is heading is tried first, and
kept if it gains.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kgplan.arrays import Floats
from kgplan.diagnosis.anderson import extrapolate
from kgplan.diagnosis.config import DiagnosisConfig
from kgplan.diagnosis.estep import Expectations, Line, expect, parameters
from kgplan.diagnosis.evidence import Problem
from kgplan.diagnosis.mstep import fit_lines, fit_prior, log_prior_density
from kgplan.diagnosis.response import from_line, to_line

Progress = Callable[[int, float], None]

_MEMORY = 6
_RIDGE = 1e-4


@dataclass(frozen=True)
class Summit:
    """Where EM ended.

    Attributes:
        line: the parameters.
        found: the E-step at them.
        objective: (iterations + 1,) never falling, in nats.
        converged: the last whole EM step gained less than the tolerance.
    """

    line: Line
    found: Expectations
    objective: Floats
    converged: bool


def first_line(problem: Problem, prior: Floats, config: DiagnosisConfig) -> Line:
    """The starting values; a video without concepts stands at its Beta priors' peak for good."""
    sizes = problem.videos.sizes()
    start = to_line(np.full(sizes.size, config.slip_start), np.full(sizes.size, config.guess_start))
    nothing = np.zeros(1)
    peak = fit_lines(
        np.array([0, 2]), np.array([0.0, 1.0]), nothing, nothing, np.zeros(2),
        config.slip_beta, config.guess_beta, config.least_contrast, (start[0][:1], start[1][:1]),
    )  # fmt: skip
    bare = sizes == 0
    return Line(np.where(bare, peak[0], start[0]), np.where(bare, peak[1], start[1]), prior)


def propose(problem: Problem, line: Line, found: Expectations, config: DiagnosisConfig) -> Line:
    """The M-step: the parameters that explain the expected counts best."""
    videos = problem.videos
    intercept, contrast = fit_lines(
        videos.table_start, videos.eta, problem.right, found.tally.right_eta, found.tally.wrong,
        config.slip_beta, config.guess_beta, config.least_contrast,
        (line.intercept, line.contrast),
    )  # fmt: skip
    if not config.learn_prior:
        return Line(intercept, contrast, line.prior)
    prior = fit_prior(found.tally.held, problem.reached, config.prior_beta)
    return Line(intercept, contrast, prior)


def score(
    problem: Problem,
    line: Line,
    config: DiagnosisConfig,
    messages: Floats | None,
    threads: int | None,
) -> tuple[Expectations, float]:
    """The E-step at these parameters, and the objective there in nats."""
    videos = problem.videos
    found = expect(problem.evidence, videos, parameters(videos, line), config, messages, threads)
    slip, guess = from_line(line.intercept, line.contrast)
    value = log_prior_density(slip, guess, config.slip_beta, config.guess_beta)
    if config.learn_prior:
        a, b = config.prior_beta
        value += float(np.sum((a - 1) * np.log(line.prior) + (b - 1) * np.log1p(-line.prior)))
    return found, value + float(np.sum(found.log_evidence * problem.evidence.weight))


def climb(
    problem: Problem,
    prior: Floats,
    config: DiagnosisConfig,
    progress: Progress | None = None,
    threads: int | None = None,
) -> Summit:
    """Run EM from the starting values until an iteration gains little.

    Args:
        problem: the observations.
        prior: (K,) to start from.
        config: all settings.
        progress: called after each iteration with its number and the objective in nats.
        threads: at most so many.
    """
    # About the information that complete data would hold on each coordinate of Line.free().
    scale = np.sqrt(np.concatenate([0.1 * (problem.right + 1)] * 2 + [0.2 * (problem.reached + 1)]))
    line = first_line(problem, prior, config)
    found, value = score(problem, line, config, None, threads)
    objective = [value]
    points: list[Floats] = []
    images: list[Floats] = []
    for iteration in range(1, config.iteration_limit + 1):
        goal = propose(problem, line, found, config)
        points = [*points[1 - _MEMORY :], line.free()]
        images = [*images[1 - _MEMORY :], goal.free()]
        taken = None
        if len(points) > 1:
            guess = extrapolate(points, images, scale, _RIDGE)
            taken = _if_not_lower(problem, line.at(guess, config), config, found, value, threads)
            if taken is None:
                points, images = [], []
        whole = taken is None
        step = 1.0
        while taken is None and step >= 0.5**config.halving_limit:
            taken = _if_not_lower(problem, line.towards(goal, step), config, found, value, threads)
            step /= 2
        if taken is None:
            return Summit(line, found, np.array(objective), False)
        gain = taken[2] - value
        line, found, value = taken
        objective.append(value)
        if progress is not None:
            progress(iteration, value)
        if gain <= config.tolerance * (1 + abs(value)):
            if whole:
                return Summit(line, found, np.array(objective), True)
            points, images = [], []  # a poor guess is no sign of the top: take a whole step next
    return Summit(line, found, np.array(objective), False)


def _if_not_lower(
    problem: Problem,
    line: Line,
    config: DiagnosisConfig,
    found: Expectations,
    value: float,
    threads: int | None,
) -> tuple[Line, Expectations, float] | None:
    """The step to `line` with its E-step and objective, or None where the objective would fall."""
    new, new_value = score(problem, line, config, found.messages, threads)
    return (line, new, new_value) if new_value >= value else None
