"""What is a contestant, and what may it be fitted to?

Sizes: L learners.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kgplan.evaluation.simulators.episodes import effect
from kgplan.evaluation.simulators.protocol import Platform, Policy, Simulator


@dataclass(frozen=True)
class Classroom:
    """What a contestant may be fitted to: learners that nobody is tested on.

    Attributes:
        simulator: of them. Only `platform`, and E of learners, are a contestant's to know.
        steps: of the episodes to come.
        seed: of everything drawn.
    """

    simulator: Simulator
    steps: int
    seed: int

    @property
    def platform(self) -> Platform:
        """What is known of the course."""
        return self.simulator.platform

    def trial(self, policy: Policy, n: int) -> float:
        """Mean E_P of a policy with n learners; NaN where none has anything to gain."""
        found = effect(self.simulator, policy, n, self.steps, self.seed, tuning=True)
        return float(np.nanmean(found)) if np.isfinite(found).any() else float("nan")


@dataclass(frozen=True)
class Contestant:
    """One way to say what comes next.

    Attributes:
        name: as callers give it.
        about: half a sentence on how it chooses.
        make: makes the policy for a classroom.
        sees_truth: whether it is given what no platform has.
        most_learners: it is asked for so many a seed at most, as it is slow; None: any number.
        needs: packages that it cannot do without.
    """

    name: str
    about: str
    make: Callable[[Classroom], Policy]
    sees_truth: bool = False
    most_learners: int | None = None
    needs: tuple[str, ...] = ()
