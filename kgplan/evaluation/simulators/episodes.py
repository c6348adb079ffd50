"""How far do simulated learners come under a policy?

E_P = (E_end - E_start) / (E_full - E_start), of each learner: E is what an exam on the goals gives,
E_full what it gives who holds everything. Learners who have nothing to gain are left out.
Sizes: L learners, K concepts.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from kgplan.arrays import Floats
from kgplan.evaluation.simulators.protocol import Learners, Policy, Seen, Simulator

NOTHING = 1e-9
"""What is to be gained at least, for a learner to count."""
TEST, TUNING = 0, 1  # learners of one seed's two halves


@dataclass
class Episode:
    """Learners under way, and what is seen of them.

    Attributes:
        simulator, learners: whose state nobody reads but for E and for `sees_truth`.
        seen: what a policy is given.
        sees_truth: whether mastery in it is the truth.
    """

    simulator: Simulator
    learners: Any
    seen: Seen
    sees_truth: bool = False

    @classmethod
    def begin(
        cls,
        simulator: Simulator,
        n: int,
        steps: int,
        rng: np.random.Generator,
        tuning: bool = False,
        sees_truth: bool = False,
    ) -> "Episode":
        """With new learners.

        Args:
            simulator: of them.
            n: L.
            steps: of the episode.
            rng: draws them.
            tuning: as for `Simulator.start`.
            sees_truth: see the class.
        """
        learners: Learners = simulator.start(n, rng, tuning)
        seen = Seen(simulator.platform, learners.goals, steps, steps)
        seen.note(simulator.before(learners))
        found = cls(simulator, learners, seen, sees_truth)
        found._tell()
        return found

    def step(self, concept: Any, rng: np.random.Generator) -> None:
        """Let each work on a concept, (L,)."""
        self.seen.note(self.simulator.step(self.learners, concept, rng))
        self.seen.left -= 1
        self._tell()

    def _tell(self) -> None:
        self.seen.gone = self.learners.gone
        if self.sees_truth:
            self.seen.mastery = self.simulator.mastery(self.learners)


def effect(
    simulator: Simulator,
    policy: Policy,
    n: int,
    steps: int,
    seed: int,
    tuning: bool = False,
    sees_truth: bool = False,
    first: int | None = None,
) -> Floats:
    """(L,) E_P of each learner, NaN of those who have nothing to gain.

    Learners, and the chances of each step, are those of the seed: every policy meets the same.

    Args:
        simulator, policy: who learns, and who teaches.
        n: L.
        steps: how many.
        seed: of everything drawn.
        tuning: whether learners are those that policies may be fitted to.
        sees_truth: whether the policy is given true mastery.
        first: so many learners are taught, the others leave at once and do not count.
    """
    half = TUNING if tuning else TEST
    draws, chances, choices = (np.random.default_rng([seed, half, part]) for part in range(3))
    episode = Episode.begin(simulator, n, steps, draws, tuning, sees_truth)
    start = simulator.score(episode.learners)
    to_gain = simulator.full(episode.learners) - start
    if first is not None:
        to_gain[first:] = 0
        episode.learners.gone[first:] = True
    for _ in range(steps):
        episode.step(policy(episode.seen, choices), chances)
    gained = simulator.score(episode.learners) - start
    return np.where(to_gain > NOTHING, gained / np.maximum(to_gain, NOTHING), np.nan)
