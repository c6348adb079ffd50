"""Weights by hand, what a DQN learns against what is worked out, and served without PyTorch."""

import numpy as np
import pytest

from kgplan.errors import ConfigError
from kgplan.resources.policy.training import DqnConfig, train
from kgplan.resources.policy.values import ActionValues
from kgplan.resources.policy.weights import FARTHEST, moved, n_actions, started

RNG = np.random.default_rng
PLACES, STEPS, RHO = 5, 12, 0.9


class Corridor:
    """Toy: places in a row; a step left gives .1 at the left end, a step right 1 at the right end.

    Of the three actions the last one stays where one is.
    """

    actions = 3

    def __init__(self, n=16):
        self.n = n

    def begin(self, rng):
        self.at, self.taken = rng.integers(0, PLACES, self.n), 0
        return self.states()

    def states(self):
        # what is left of the episode is seen, so that its end surprises nobody
        left = np.full((self.n, 1), 1 - self.taken / STEPS)
        return np.concatenate([np.eye(PLACES)[self.at], left], axis=1).astype(np.float32)

    def act(self, actions):
        rewards = 0.1 * ((actions == 0) & (self.at == 0)) + (
            (actions == 1) & (self.at == PLACES - 1)
        )
        self.at = np.clip(self.at + np.array([-1, 1, 0])[actions], 0, PLACES - 1)
        self.taken += 1
        return rewards.astype(float), self.states(), self.taken >= STEPS


def worked_out():
    """(STEPS, PLACES, 3) values of actions by going back from the end."""
    found, later = np.zeros((STEPS, PLACES, 3)), np.zeros(PLACES)
    for taken in reversed(range(STEPS)):
        for at in range(PLACES):
            for action, step in enumerate((-1, 1, 0)):
                reward = 0.1 * (action == 0 and at == 0) + float(action == 1 and at == PLACES - 1)
                to = min(max(at + step, 0), PLACES - 1)
                found[taken, at, action] = reward + RHO * later[to]
        later = found[taken].max(axis=1)
    return found


@pytest.fixture(scope="module")
def toy():
    pytest.importorskip("torch")
    config = DqnConfig(episodes=35, hidden=32, rho=RHO, batch=64, updates=3, target_every=100)
    return train(Corridor(), config)


def states(taken):
    left = np.full((PLACES, 1), 1 - taken / STEPS)
    return np.concatenate([np.eye(PLACES), left], axis=1)


def test_a_dqn_finds_the_values_that_are_worked_out(toy):
    expected = worked_out()
    found = np.array([toy.of(states(taken)) for taken in range(STEPS)])
    best = expected.max(axis=2)
    assert np.abs(found.max(axis=2) - best).mean() < 0.1 * best.max()
    lost = best - np.take_along_axis(expected, found.argmax(axis=2)[..., None], axis=2).squeeze(2)
    assert lost.mean() < 0.02 * best.max()


def test_it_earns_what_the_dqn_of_a_library_earns(toy):
    pytest.importorskip("torch")
    gymnasium = pytest.importorskip("gymnasium")
    baselines = pytest.importorskip("stable_baselines3")

    class One(gymnasium.Env):
        action_space = gymnasium.spaces.Discrete(3)
        observation_space = gymnasium.spaces.Box(0, 1, (PLACES + 1,), np.float32)

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            self.corridor = Corridor(1)
            return self.corridor.begin(self.np_random)[0], {}

        def step(self, action):
            rewards, after, over = self.corridor.act(np.array([action]))
            return after[0], float(rewards[0]), over, False, {}

    theirs = baselines.DQN(
        "MlpPolicy", One(), seed=0, gamma=RHO, learning_starts=200, target_update_interval=100,
        policy_kwargs={"net_arch": [32, 32]}, learning_rate=1e-3, exploration_fraction=0.5,
        train_freq=2, device="cpu",
    )  # fmt: skip
    theirs.learn(4_000)
    earned = [
        earns(lambda seen: np.array(theirs.predict(seen, deterministic=True)[0])),
        earns(toy.chosen),
    ]
    most = worked_out()[0].max(axis=1).mean()
    assert earned[0] > 0.9 * most  # theirs learned, so that it may judge
    assert earned[1] > earned[0] - 0.02 * most


def earns(choose):
    """Mean discounted reward, one episode from each place."""
    corridor = Corridor(PLACES)
    corridor.at, corridor.taken = np.arange(PLACES), 0
    total, over, seen = 0.0, False, corridor.states()
    while not over:
        factor = RHO**corridor.taken
        rewards, seen, over = corridor.act(choose(seen))
        total += factor * rewards.mean()
    return total


def test_numpy_says_what_pytorch_says():
    torch = pytest.importorskip("torch")
    rng = RNG(0)
    parts = [rng.normal(size=s).astype(np.float32) for s in ((7, 5), (5, 5), (5, 3), 5, 5, 3)]
    values, states = ActionValues(*parts), rng.normal(size=(20, 7)).astype(np.float32)
    first, second, last, *biases = (torch.tensor(each) for each in parts)
    h = torch.relu(torch.tensor(states) @ first + biases[0])
    theirs = (torch.relu(h @ second + biases[1]) @ last + biases[2]).numpy()
    np.testing.assert_allclose(values.of(states), theirs, atol=1e-5)
    again = ActionValues.from_arrays(values.to_arrays())
    np.testing.assert_array_equal(again.chosen(states), theirs.argmax(axis=1))


def test_an_action_moves_one_weight_by_a_step_and_no_further_than_it_may():
    begin = started(1, 3)
    assert n_actions(3) == 13
    assert begin.tolist() == [[0, 0, 0, 0.5, 0.5, 0.25]]
    assert moved(begin, np.array([0])).tolist() == begin.tolist()
    for action in range(1, 13):
        change = moved(begin, np.array([action])) - begin
        assert np.flatnonzero(change[0]).tolist() == [(action - 1) // 2]
        assert change.sum() == (0.25 if action % 2 else -0.25)
    up, down = begin, begin
    for _ in range(20):
        up, down = moved(up, np.array([1])), moved(down, np.array([8]))
    assert up[0, 0] == FARTHEST
    assert down[0, 3] == 0


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(ConfigError, match="rho is 2"):
        DqnConfig(rho=2)
    with pytest.raises(ConfigError, match="batch is 0"):
        DqnConfig(batch=0)
