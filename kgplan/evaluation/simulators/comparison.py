"""Who brings simulated learners furthest, and how sure is that?

Every contestant meets the same learners and the same chances. Intervals are 95 %, by Student's t
over seeds: a seed draws learners, chances, what is wrong in the platform's graph, and what fitting
and training draw. With one seed they are over learners, and say nothing of the rest.
Sizes: S seeds, L learners of each.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import stdtrit

from kgplan.arrays import Floats
from kgplan.errors import ConfigError
from kgplan.evaluation.simulators.contestant import Classroom, Contestant
from kgplan.evaluation.simulators.episodes import effect
from kgplan.evaluation.simulators.protocol import Simulator
from kgplan.progress import Progress, silent

AGAINST = "random-goal"
"""The contestant that others are compared with, learner by learner."""


@dataclass(frozen=True)
class World:
    """One simulator with one setting.

    Attributes:
        name: of the simulator.
        setting: what differs from its defaults, in words; "" for nothing.
        make: makes it for a seed.
    """

    name: str
    setting: str
    make: Callable[[int], Simulator]


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval.

    Attributes:
        mean: of the values.
        half: half the width of the interval around it; None where there is but one value.
    """

    mean: float
    half: float | None

    @classmethod
    def over(cls, values: Sequence[Floats]) -> "Interval":
        """Of learners' values, an array for each seed; NaN does not count.

        >>> found = Interval.over([np.array([1.0, 3.0, np.nan]), np.array([4.0])])
        >>> found.mean, round(found.half, 3)  # two means, 2 and 4, one degree of freedom
        (3.0, 12.706)
        """
        kept = [each[np.isfinite(each)] for each in values]
        kept = [each for each in kept if each.size]
        if not kept:
            raise ConfigError("no learner has anything to gain; simulate more of them")
        sample = kept[0] if len(kept) == 1 else np.array([each.mean() for each in kept])
        mean = float(sample.mean())
        if sample.size < 2:
            return cls(mean, None)
        half = stdtrit(sample.size - 1, 0.975) * sample.std(ddof=1) / np.sqrt(sample.size)
        return cls(mean, float(half))


@dataclass(frozen=True)
class Result:
    """How far learners came under one contestant.

    Attributes:
        simulator, setting: of the world.
        contestant, sees_truth: who taught, and whether by what no platform knows.
        steps: of the episodes.
        effect: E_P.
        gap: the same less that of `AGAINST`, for the same learners; None where that is not there,
            and for itself.
        learners: that counted, of all seeds.
        seeds: S.
        making: seconds of one processor for making or training it, of all seeds.
        seconds: for choosing and for what learners do.
    """

    simulator: str
    setting: str
    contestant: str
    sees_truth: bool
    steps: int
    effect: Interval
    gap: Interval | None
    learners: int
    seeds: int
    making: float
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON values."""
        return asdict(self)


def compare(
    worlds: Sequence[World],
    contestants: Sequence[Contestant],
    steps: Sequence[int],
    learners: int,
    seeds: int,
    progress: Progress = silent,
) -> Iterator[Result]:
    """Let every contestant teach in every world.

    Args:
        worlds, contestants: who.
        steps: of episodes, each number by itself: contestants are told how many there are.
        learners: L.
        seeds: S, from 0.
        progress: told before each.

    Yields:
        In the order of worlds, steps and contestants.

    Raises:
        ConfigError: a number is below 1, or no learner has anything to gain.
    """
    for name, value in (("learners", learners), ("seeds", seeds), ("steps", min(steps, default=0))):
        if value < 1:
            raise ConfigError(f"{name} is {value}; give at least 1")
    total, done = len(worlds) * len(steps) * len(contestants), 0
    for world in worlds:
        simulators = [world.make(seed) for seed in range(seeds)]
        for n in steps:
            usual: list[Floats] = []
            ordered = sorted(contestants, key=lambda each: each.name != AGAINST)
            found: dict[str, Result] = {}
            for each in ordered:
                progress(f"{world.name} {world.setting} {n} steps: {each.name}", done, total)
                done += 1
                values, making, seconds = _effects(simulators, each, n, learners)
                gap = None
                if each.name == AGAINST:
                    usual = values
                elif usual:
                    pairs = zip(values, usual, strict=True)
                    gap = Interval.over([ours - theirs for ours, theirs in pairs])
                found[each.name] = Result(
                    world.name, world.setting, each.name, each.sees_truth, n,
                    Interval.over(values), gap,
                    sum(int(np.isfinite(part).sum()) for part in values), seeds, making, seconds,
                )  # fmt: skip
            yield from (found[each.name] for each in contestants)


def _effects(
    simulators: Sequence[Simulator], contestant: Contestant, steps: int, learners: int
) -> tuple[list[Floats], float, float]:
    """E_P of each seed's learners, and seconds for making and for teaching.

    Who is slow teaches the first of these learners.
    """
    n = min(learners, contestant.most_learners or learners)
    found, making, begun = [], 0.0, time.process_time()
    for seed, simulator in enumerate(simulators):
        start = time.process_time()
        policy = contestant.make(Classroom(simulator, steps, seed))
        making += time.process_time() - start
        truth = contestant.sees_truth
        found.append(effect(simulator, policy, learners, steps, seed, False, truth, first=n))
    return found, making, time.process_time() - begun - making


def area(values: Sequence[float], effects: Sequence[float]) -> float:
    """Area under E_P along a setting, by the trapezoidal rule, as a share of its width.

    >>> round(area([0, 0.2, 0.4], [0.9, 0.7, 0.5]), 9)
    0.7
    """
    width = values[-1] - values[0]
    return float(np.trapezoid(effects, values) / width) if width else float(effects[0])
