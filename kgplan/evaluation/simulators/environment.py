"""One simulated learner as a Gymnasium environment, for whatever learns from rewards.

The action is the concept to work on; the observation, what the platform has seen; the reward, what
was gained of all there is to gain, so that an episode's rewards add up to E_P. Needs the extra
`simulate`.
"""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from kgplan.arrays import Array
from kgplan.errors import ConfigError
from kgplan.evaluation.simulators.episodes import NOTHING, Episode
from kgplan.evaluation.simulators.features import PER_CONCEPT, features
from kgplan.evaluation.simulators.protocol import Simulator


class LearnerEnvironment(gymnasium.Env[Array, np.int64]):
    """One learner of a simulator, new in every episode.

    Args:
        simulator: of the learner.
        steps: of an episode.
        tuning: as for `Simulator.start`.

    Raises:
        ConfigError: there is no step.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - as Gymnasium has it

    def __init__(self, simulator: Simulator, steps: int = 20, tuning: bool = True) -> None:
        if steps < 1:
            raise ConfigError(f"steps is {steps}; give at least 1")
        size = simulator.platform.order.size
        self.simulator, self.steps, self.tuning = simulator, steps, tuning
        self.action_space = spaces.Discrete(size)
        self.observation_space = spaces.Box(0, 1, (PER_CONCEPT * size + 1,), np.float32)
        self._episode: Episode | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """A new learner; as Gymnasium says."""
        super().reset(seed=seed)
        self._episode = Episode.begin(
            self.simulator, 1, self.steps, self.np_random, tuning=self.tuning
        )
        self._score = self._now()
        full = float(self.simulator.full(self._episode.learners)[0])
        self._to_gain = max(full - self._score, NOTHING)
        return features(self._episode.seen)[0], {"E_start": self._score, "E_full": full}

    def step(self, action: np.int64) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Work on a concept; as Gymnasium says. It ends early only where the learner leaves."""
        if self._episode is None:
            raise ConfigError("the environment was not reset; call reset() first")
        self._episode.step(np.array([action]), self.np_random)
        before, self._score = self._score, self._now()
        reward = (self._score - before) / self._to_gain
        seen = self._episode.seen
        return (
            features(seen)[0],
            float(reward),
            bool(seen.gone[0]),
            seen.left <= 0,
            {"E": self._score},
        )

    def _now(self) -> float:
        assert self._episode is not None
        return float(self.simulator.score(self._episode.learners)[0])
