"""One synthetic learner, and the weights of the ranking, as a Gymnasium environment.

The action moves one weight or holds; the observation is what the platform knows; the reward R_t of
eq. (9)'s section. Needs the extra `simulate`.
"""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from kgplan.arrays import Array
from kgplan.errors import ConfigError
from kgplan.evaluation.resources.synthetic import World
from kgplan.evaluation.resources.taught import STEPS, Class


class WeightsEnvironment(gymnasium.Env[Array, np.int64]):
    """A learner of a world, new in every episode.

    Args:
        world: of the learner.
        steps: of an episode.

    Raises:
        ConfigError: there is no step.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - as Gymnasium has it

    def __init__(self, world: World, steps: int = STEPS) -> None:
        if steps < 1:
            raise ConfigError(f"steps is {steps}; give at least 1")
        self._class = Class(lambda rng: world, 1, steps)
        size = self._class.begin(np.random.default_rng(0)).shape[1]
        self.action_space = spaces.Discrete(Class.actions)
        self.observation_space = spaces.Box(-1, 1, (size,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """A new learner; as Gymnasium says."""
        super().reset(seed=seed)
        return self._class.begin(self.np_random)[0], {}

    def step(self, action: np.int64) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Move weights, and show the list that follows; as Gymnasium says."""
        rewards, states, over = self._class.act(np.array([action]))
        return states[0], float(rewards[0]), False, over, {}
