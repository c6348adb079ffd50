"""What does a platform know while it teaches simulated learners, and what must a simulator give?

A simulator holds learners whose state nobody sees, and moves all of them at once. A policy says
what each does next, from a `Seen`: the platform's graph, goals, and what answers told so far.
Sizes: L learners, K concepts.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ids, Ints

GUESS, SLIP, LEARN, PRIOR = 0.25, 0.1, 0.15, 0.3
"""What a platform takes for granted of answers where it knows nothing better: usual values of
Bayesian knowledge tracing, those of no simulator here."""


@dataclass(frozen=True)
class Platform:
    """What is known of a course before a learner comes.

    Attributes:
        names: (K,) of the concepts.
        prerequisites: (K, K) True where the column is said to be a prerequisite of the row; what
            is said may be wrong, and may close cycles.
        order: (K,) positions of the concepts in the course's order.
        popularity: (K,) share of former learners who worked on each.
        answered: whether work on a concept is an answer; else a view.
    """

    names: Ids
    prerequisites: sparse.csr_array
    order: Ints
    popularity: Floats
    answered: bool = True

    @property
    def place(self) -> Ints:
        """(K,) where each concept stands in the course's order, from 0."""
        return np.argsort(self.order)


@dataclass
class Seen:
    """What a platform has seen of its learners; `note` brings it up to date.

    Attributes:
        platform: of the course.
        goals: (L, K) True for what the learner is to hold in the end.
        left: steps that there still are.
        steps: steps that there are in all.
        tries, right: (L, K) how often the concept was worked on, and how often with success.
        streak, lapses: (L, K) successes, and failures, in a row up to now.
        mastery: (L, K) estimate: Bayesian knowledge tracing with `GUESS`, `SLIP`, `LEARN` and
            `PRIOR`, the same for every contestant; for those marked so, the truth.
        gone: (L,) True for those who left; what is recommended to them counts nothing.
    """

    platform: Platform
    goals: Array
    left: int
    steps: int
    tries: Ints = field(init=False)
    right: Ints = field(init=False)
    streak: Ints = field(init=False)
    lapses: Ints = field(init=False)
    mastery: Floats = field(init=False)
    gone: Array = field(init=False)

    def __post_init__(self) -> None:
        shape = self.goals.shape
        self.tries, self.right, self.streak, self.lapses = np.zeros((4, *shape), np.int64)
        self.mastery = np.full(shape, PRIOR)
        self.gone = np.zeros(shape[0], dtype=bool)

    def note(self, told: Ints) -> None:
        """Take in what learners worked on.

        Args:
            told: (L, K) 1 with success, -1 without, 0 not worked on.
        """
        at = np.nonzero(told)
        well = told[at] > 0
        self.tries[at] += 1
        self.right[at] += well
        self.streak[at] = np.where(well, self.streak[at] + 1, 0)
        self.lapses[at] = np.where(well, 0, self.lapses[at] + 1)
        held = np.where(well, 1 - SLIP, SLIP) * self.mastery[at]
        lacking = np.where(well, GUESS, 1 - GUESS) * (1 - self.mastery[at])
        after = held / (held + lacking)
        self.mastery[at] = after + (1 - after) * LEARN


Policy = Callable[[Seen, np.random.Generator], Ints]
"""Gives the concept (L,) that each learner is to work on next."""


class Learners(Protocol):
    """Simulated learners, whose state only their simulator reads and moves.

    Attributes:
        goals: (L, K) what they are to hold.
        gone: (L,) who left.
    """

    goals: Array
    gone: Array


class Simulator(Protocol):
    """What moves simulated learners.

    Attributes:
        platform: what may be known of the course.
    """

    platform: Platform

    def start(self, n: int, rng: np.random.Generator, tuning: bool = False) -> Any:
        """New learners, as `Learners`; what else they hold is the simulator's own.

        Args:
            n: L, how many.
            rng: draws them.
            tuning: those that policies are fitted to. Where learners are real ones drawn again,
                nobody is among both.
        """
        ...

    def before(self, learners: Any) -> Ints:
        """(L, K) what the platform saw of them before, as for `Seen.note`."""
        ...

    def step(self, learners: Any, concept: Ints, rng: np.random.Generator) -> Ints:
        """Let learners work on a concept each; those who left do nothing.

        Args:
            learners: are moved.
            concept: (L,) what is recommended.
            rng: draws all chance of the step, the same amount whatever is recommended.

        Returns:
            (L, K) what was seen of it, as for `Seen.note`.
        """
        ...

    def score(self, learners: Any) -> Floats:
        """(L,) E, what an exam on the goals gives in expectation, 0 to 1."""
        ...

    def full(self, learners: Any) -> Floats:
        """(L,) E of the same learners if they held everything."""
        ...

    def mastery(self, learners: Any) -> Floats:
        """(L, K) the truth, 0 to 1; only for contestants that are marked to see it."""
        ...

    def teach(self, learners: Any) -> None:
        """Make the learners hold everything."""
        ...
