"""Simulated learners as environments of Gymnasium and Stable-Baselines3, by these libraries' own
checks; and that training finds what is worth teaching."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from test_simulators import SIMULATORS

from kgplan.evaluation.simulators.contestant import Classroom
from kgplan.evaluation.simulators.environment import LearnerEnvironment
from kgplan.evaluation.simulators.episodes import effect
from kgplan.evaluation.simulators.features import PER_CONCEPT, features
from kgplan.evaluation.simulators.learned import trained
from kgplan.evaluation.simulators.many import ManyLearners
from kgplan.evaluation.simulators.protocol import Seen


@pytest.mark.parametrize("name", SIMULATORS)
def test_gymnasium_finds_no_fault_with_the_environment(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*was not registered|.*different render modes")
        warnings.filterwarnings("ignore", message=".*spec")
        check_env(LearnerEnvironment(SIMULATORS[name]()), skip_render_check=True)


@pytest.mark.parametrize("name", SIMULATORS)
def test_the_rewards_of_an_episode_add_up_to_its_effect(name):
    environment = LearnerEnvironment(SIMULATORS[name](), steps=6)
    _, began = environment.reset(seed=3)
    ended, rewards, told = False, [], {}
    while not ended:
        _, reward, left, over, told = environment.step(environment.action_space.sample())
        rewards.append(reward)
        ended = left or over
    assert len(rewards) <= 6
    gained = (told["E"] - began["E_start"]) / (began["E_full"] - began["E_start"])
    assert sum(rewards) == pytest.approx(gained)


def test_it_is_an_environment_to_gymnasiums_wrappers():
    wrapped = gymnasium.wrappers.RecordEpisodeStatistics(LearnerEnvironment(SIMULATORS["kss"](), 4))
    wrapped.reset(seed=0)
    for _ in range(4):
        *_, told = wrapped.step(0)
    assert told["episode"]["l"] == 4


def test_what_is_seen_is_within_bounds_whatever_happened():
    simulator = SIMULATORS["kss"]()
    seen = Seen(simulator.platform, np.ones((3, 10), bool), 40, 40)
    for _ in range(30):
        seen.note(np.ones((3, 10), int))
    found = features(seen)
    assert found.shape == (3, PER_CONCEPT * 10 + 1)
    assert found.min() >= 0
    assert found.max() <= 1


def test_many_learners_at_once_gain_what_one_by_one_do():
    many = ManyLearners(SIMULATORS["kss"](), steps=5, n=400, seed=0)
    seen, total = many.reset(), np.zeros(400)
    for step in range(5):
        assert seen.shape == (400, *many.observation_space.shape)
        seen, reward, ended, told = many.step(np.full(400, 6))
        total += reward
        assert ended.all() == (step == 4)
    assert "terminal_observation" in told[0]
    expected = effect(SIMULATORS["kss"](), lambda seen, rng: np.full(len(seen.goals), 6), 400, 5, 0)
    spread = 4 * np.hypot(total.std(), expected.std()) / 20
    assert total.mean() == pytest.approx(expected.mean(), abs=spread)


@pytest.mark.parametrize("by", ["dqn", "ppo"])
def test_training_finds_the_one_concept_that_is_asked_for(by):
    simulator = SIMULATORS["kss"](strength=0)
    start = simulator.start

    def one_goal(n, rng, tuning=False):
        learners = start(n, rng, tuning)
        learners.goals[:] = np.arange(10) == 6
        return learners

    simulator.start = one_goal
    policy = trained(Classroom(simulator, 3, 0), by, training=12_000)
    usual = effect(simulator, lambda seen, rng: rng.integers(0, 10, len(seen.goals)), 200, 3, 0)
    best = effect(simulator, lambda seen, rng: np.full(len(seen.goals), 6), 200, 3, 0)
    found = effect(simulator, policy, 200, 3, 0)
    assert np.nanmean(found) > (np.nanmean(usual) + np.nanmean(best)) / 2
