"""Many simulated learners at once, in the form in which Stable-Baselines3 trains. Needs `simulate`.

The same episodes as `environment.LearnerEnvironment`; all end at the same step, but for those who
leave: what they are told to do counts nothing from then on.
Sizes: L learners, K concepts.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from kgplan.arrays import Array
from kgplan.evaluation.simulators.environment import LearnerEnvironment
from kgplan.evaluation.simulators.episodes import NOTHING, Episode
from kgplan.evaluation.simulators.features import features
from kgplan.evaluation.simulators.protocol import Simulator


class ManyLearners(VecEnv):
    """L learners of a simulator, new in every episode.

    Args:
        simulator: of them, those of tuning.
        steps: of an episode.
        n: L.
        seed: of everything drawn.
    """

    def __init__(self, simulator: Simulator, steps: int, n: int, seed: int) -> None:
        one = LearnerEnvironment(simulator, steps)
        super().__init__(n, one.observation_space, one.action_space)
        self.simulator, self.steps = simulator, steps
        self._rng = np.random.default_rng([seed, 1, 3])

    def reset(self) -> Array:
        """New learners; (L, 5 K + 1) what is seen of them."""
        self._episode = Episode.begin(
            self.simulator, self.num_envs, self.steps, self._rng, tuning=True
        )
        self._score = self.simulator.score(self._episode.learners)
        full = self.simulator.full(self._episode.learners)
        self._to_gain = np.maximum(full - self._score, NOTHING)
        return features(self._episode.seen)

    def step_async(self, actions: Array) -> None:
        """What each is to do."""
        self._actions = np.asarray(actions, np.int64)

    def step_wait(self) -> tuple[Array, Array, Array, list[dict[str, Any]]]:
        """What was seen, gained, whether the episode ended, and how it ended."""
        self._episode.step(self._actions, self._rng)
        before, self._score = self._score, self.simulator.score(self._episode.learners)
        reward = ((self._score - before) / self._to_gain).astype(np.float32)
        ended = self._episode.seen.left <= 0
        seen = features(self._episode.seen)
        told: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if ended:  # steps left are among what is seen: the end is the episode's own, no cut
            for u, each in enumerate(told):
                each["terminal_observation"] = seen[u]
                each["TimeLimit.truncated"] = False
            seen = self.reset()
        return seen, reward, np.full(self.num_envs, ended), told

    def close(self) -> None:
        """Nothing is held open."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """The same of every learner."""
        return [getattr(self, attr_name, None)] * len(self._chosen(indices))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Of all of them."""
        setattr(self, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any
    ) -> list[Any]:
        """There are no methods of single learners."""
        # Stable-Baselines3 asks for this one, and calls it for nothing that we train
        raise NotImplementedError(method_name)

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """None is."""
        return [False] * len(self._chosen(indices))

    def _chosen(self, indices: int | Sequence[int] | None) -> Sequence[int]:
        return list(self._get_indices(indices))
