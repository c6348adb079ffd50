"""Learn what actions are worth, from learners that are taught meanwhile: a double DQN.

PyTorch is imported here alone.
[mnih2015, Human-level control through deep reinforcement learning; vanhasselt2016, Deep
reinforcement learning with double Q-learning].
Sizes: B learners at once, F numbers of a state, A actions, N transitions.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from kgplan.arrays import Array, Floats, Ints
from kgplan.configured import check_above_zero
from kgplan.errors import ConfigError
from kgplan.progress import Progress, silent
from kgplan.resources.policy.values import ActionValues


@dataclass(frozen=True)
class DqnConfig:
    """Settings; defaults are the specification's, but for the target network's.

    Attributes:
        episodes: of B learners each.
        hidden: h.
        rho: what a reward a step later is worth.
        rate: of Adam.
        batch: transitions of a step of learning.
        updates: steps of learning behind each step of the learners.
        replay: transitions that are kept, the latest.
        target_every: steps of learning behind which the target network is taken over.
        explore: share of actions at random at the end; it falls from 1 over half the episodes.
        seed: of all that is drawn.

    Raises:
        ConfigError: a setting cannot be.
    """

    episodes: int = 8
    hidden: int = 128
    rho: float = 0.95
    rate: float = 1e-3
    batch: int = 128
    updates: int = 2
    replay: int = 50_000
    target_every: int = 200
    explore: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        numbers = ("episodes", "hidden", "rate", "batch", "updates", "replay", "target_every")
        check_above_zero(self, *numbers)
        for name in ("rho", "explore"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; give a number in [0, 1]")


class Taught(Protocol):
    """Learners that are taught, all of them at once.

    Attributes:
        actions: A.
    """

    actions: int

    def begin(self, rng: np.random.Generator) -> Floats:
        """(B, F) states of new learners."""
        ...

    def act(self, actions: Ints) -> tuple[Floats, Floats, bool]:
        """Rewards (B,), states (B, F), and whether the episode is over for all."""
        ...


def train(taught: Taught, config: DqnConfig, progress: Progress = silent) -> ActionValues:
    """Learn from episodes.

    Targets are y = r + rho Q'(s', argmax Q(s', a)), r alone at the end; the loss is Huber's.

    Args:
        taught: learners to learn from.
        config: settings.
        progress: told of episodes.
    """
    import torch

    rng = np.random.default_rng(config.seed)
    states = taught.begin(rng)
    q = _network(torch, states.shape[1], taught.actions, config)
    target = _network(torch, states.shape[1], taught.actions, config)
    target.load_state_dict(q.state_dict())
    adam = torch.optim.Adam(q.parameters(), lr=config.rate)
    kept, learned = _Replay(config.replay, states.shape[1]), 0
    for episode in range(config.episodes):
        states = states if episode == 0 else taught.begin(rng)
        falls = min(1.0, 2 * episode / config.episodes)
        random_share, over = 1 - falls * (1 - config.explore), False
        while not over:
            with torch.no_grad():
                best = q(torch.tensor(states.astype(np.float32))).argmax(dim=1).numpy()
            drawn = rng.integers(0, taught.actions, best.size)
            actions = np.where(rng.random(best.size) < random_share, drawn, best)
            rewards, after, over = taught.act(actions)
            kept.put(states, actions, rewards, after, over)
            states = after
            for _ in range(config.updates):
                some = kept.draw(config.batch, rng)
                _learn(torch, q, target, adam, config, some)
                learned += 1
                if learned % config.target_every == 0:
                    target.load_state_dict(q.state_dict())
        progress("episodes", episode + 1, config.episodes)
    return _served(q)


def _network(torch: Any, n: int, actions: int, config: DqnConfig) -> Any:
    nn, rng = torch.nn, np.random.default_rng(config.seed)
    sizes = (n, config.hidden, config.hidden, actions)
    layers = [nn.Linear(a, b) for a, b in pairwise(sizes)]
    with torch.no_grad():  # drawn here, so that nothing else that draws has a say
        for layer in layers:
            bound = 1 / np.sqrt(layer.in_features)
            for each in layer.parameters():
                each.copy_(torch.tensor(rng.uniform(-bound, bound, tuple(each.shape))))
    return nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])


def _learn(
    torch: Any, q: Any, target: Any, adam: Any, config: DqnConfig, some: tuple[Array, ...]
) -> None:
    states, actions, rewards, after, over = map(torch.tensor, some)
    with torch.no_grad():
        best = q(after).argmax(dim=1, keepdim=True)
        later = target(after).gather(1, best)[:, 0]
        y = rewards + config.rho * later * (1 - over)
    said = q(states).gather(1, actions[:, None])[:, 0]
    loss = torch.nn.functional.smooth_l1_loss(said, y)
    adam.zero_grad()
    loss.backward()
    adam.step()


def _served(q: Any) -> ActionValues:
    layers = [q[0], q[2], q[4]]
    weights = [each.weight.detach().numpy().T.copy() for each in layers]
    return ActionValues(*weights, *(each.bias.detach().numpy().copy() for each in layers))


class _Replay:
    """The latest N transitions."""

    def __init__(self, most: int, n: int) -> None:
        self.most, self.put_so_far = most, 0
        self.states, self.after = np.zeros((2, most, n), np.float32)
        self.actions = np.zeros(most, np.int64)
        self.rewards, self.over = np.zeros((2, most), np.float32)

    def put(
        self, states: Floats, actions: Ints, rewards: Floats, after: Floats, over: bool
    ) -> None:
        at = (self.put_so_far + np.arange(actions.size)) % self.most
        self.states[at], self.actions[at], self.rewards[at] = states, actions, rewards
        self.after[at], self.over[at] = after, over
        self.put_so_far += actions.size

    def draw(self, n: int, rng: np.random.Generator) -> tuple[Array, ...]:
        at = rng.integers(0, min(self.put_so_far, self.most), n)
        return self.states[at], self.actions[at], self.rewards[at], self.after[at], self.over[at]
