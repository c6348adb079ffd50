"""Contestants that learn from rewards: by values (DQN), by gradients of the policy (PPO).

By Stable-Baselines3, with its own settings but for what is said here, on learners of tuning; both
see `features` of a learner and choose among all concepts. Needs the extra `simulate`; without it
they are there, and say so when they are made.
[mnih2015, Human-level control through deep reinforcement learning; schulman2017, Proximal policy
optimization algorithms; raffin2021, Stable-Baselines3].
Sizes: L learners, K concepts.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from kgplan.arrays import Ints
from kgplan.evaluation.simulators.contestant import Classroom, Contestant
from kgplan.evaluation.simulators.features import features
from kgplan.evaluation.simulators.protocol import Policy, Seen

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

LEARNERS = 64
"""Learners at once, while it trains."""
TRAINING = 60_000
"""Steps of all of them together."""
PACKAGES = ("gymnasium", "stable_baselines3", "torch")


def trained(classroom: Classroom, by: str, training: int = TRAINING) -> Policy:
    """A policy trained on learners of tuning.

    Args:
        classroom: of these.
        by: "dqn" or "ppo".
        training: steps of all learners together.
    """
    model = _model(classroom, by)
    model.learn(training)

    def choose(seen: Seen, rng: np.random.Generator) -> Ints:
        return np.asarray(model.predict(features(seen), deterministic=True)[0])

    return choose


def _model(classroom: Classroom, by: str) -> "BaseAlgorithm":
    import torch
    from stable_baselines3 import DQN, PPO

    from kgplan.evaluation.simulators.many import ManyLearners

    torch.set_num_threads(1)
    many: Any = ManyLearners(classroom.simulator, classroom.steps, LEARNERS, classroom.seed)
    common: dict[str, Any] = {"seed": classroom.seed, "device": "cpu", "gamma": 1.0}
    if by == "ppo":  # an episode's rewards add up to E_P, so nothing is discounted
        return PPO("MlpPolicy", many, n_steps=4 * classroom.steps, batch_size=256, **common)
    return DQN(
        "MlpPolicy", many, buffer_size=TRAINING, learning_starts=2_000, batch_size=256,
        train_freq=4, gradient_steps=8, target_update_interval=2_000, exploration_fraction=0.4,
        learning_rate=5e-4, **common,
    )  # fmt: skip


CONTESTANTS = (
    Contestant("dqn", "learned from rewards, by values (DQN)", partial(trained, by="dqn"),
               needs=PACKAGES),
    Contestant("ppo", "learned from rewards, by policy gradient (PPO)", partial(trained, by="ppo"),
               needs=PACKAGES),
)  # fmt: skip
