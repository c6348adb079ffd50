"""Made-up learners follow their plants; what a platform believes, by enumerating what may be."""

from itertools import product

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import entropy

from kgplan.errors import ConfigError
from kgplan.evaluation.resources.synthetic import (
    GUESS,
    LEARN,
    SHOWN,
    SLIP,
    Course,
    Happened,
    World,
    exam,
    spread,
)
from kgplan.evaluation.resources.taught import (
    CONTESTANTS,
    SIMPLE,
    Class,
    Platform,
    against_hold,
    by_values,
    taught,
)
from kgplan.resources.policy.values import ActionValues

RNG = np.random.default_rng


def course(n=24) -> Course:
    """A video a concept, every third also covers the one before; concepts build on each other."""
    covers = np.eye(n)
    covers[np.arange(2, n, 3), np.arange(1, n - 1, 3)] = 1
    return Course.of(sparse.csr_array(covers), sparse.csr_array(np.diag(np.ones(n - 1), -1)))


def holding(n_states, actions, action=0) -> ActionValues:
    """A policy that takes one action always."""
    zero = [np.zeros(s, np.float32) for s in ((n_states, 2), (2, 2), (2, actions), 2, 2)]
    return ActionValues(*zero, np.eye(actions, dtype=np.float32)[action])


def test_only_what_is_taught_counts_and_prerequisites_close_no_cycle():
    covers = sparse.csr_array(np.array([[0, 1, 0, 0], [0, 0, 0, 1]]))
    both = sparse.csr_array(np.ones((4, 4)))
    found = Course.of(covers, both)
    assert found.covers.tolist() == [[1, 0], [0, 1]]
    assert found.before.tolist() == [[0, 0], [1, 0]]


def test_who_is_drawn_to_a_modality_opens_what_has_it():
    world = World(course(), np.eye(3)[np.arange(24) % 3], np.zeros((3, 3)))
    learners = world.start(3_000, RNG(0))
    learners.taste[:] = [0.9, 0.1, 0.0]
    happened = world.show(learners, np.tile([3, 4, 5], (3_000, 1)), RNG(1))
    opened = [np.mean(happened.chosen == v) for v in (3, 4, 5)]
    # by the logit, opening 3 goes with exp(3 * .9), opening 4 with exp(3 * .1), at equal readiness
    pull = [np.exp(2.7), np.exp(0.3), 1.0]
    assert opened[0] / opened[1] == pytest.approx(pull[0] / pull[1], rel=0.25)
    assert opened[0] > opened[1] > opened[2]


def test_learning_takes_what_it_builds_on():
    world = World.drawn(course(), 0)
    learners = world.start(4_000, RNG(2))
    learners.held[:] = False
    learners.held[:2_000, 9] = True
    before = learners.held[:, 10].copy()
    happened = world.show(learners, np.full((4_000, 1), 10), RNG(3))
    learned = learners.held[:, 10] & ~before
    with_it, without = (happened.finished[half] for half in (slice(0, 2_000), slice(2_000, None)))
    shares = [learned[:2_000][with_it].mean(), learned[2_000:][without].mean()]
    assert shares[0] == pytest.approx(LEARN, abs=0.06)
    assert shares[1] == pytest.approx(0.1, abs=0.06)
    assert not learned[~happened.finished].any()


def test_chance_is_the_same_whatever_is_shown():
    world, rngs = World.drawn(course(), 0), (RNG(4), RNG(4))
    for rng, shown in zip(rngs, (3, 9), strict=True):
        world.show(world.start(20, RNG(5)), np.full((20, 2), shown), rng)
    assert rngs[0].random() == rngs[1].random()


def test_diversity_is_the_entropy_of_a_lists_concepts():
    lists = np.array([[2, 3, 5, 8], [2, 2, -1, -1], [-1, -1, -1, -1]])
    found = spread(course(), lists)
    for line, expected in zip(lists, found, strict=True):
        counts = course().covers[line[line >= 0]].sum(axis=0)
        by_scipy = entropy(counts) / np.log(24) if counts.any() else 0.0
        assert expected == pytest.approx(by_scipy)


@pytest.mark.parametrize("right", [True, False])
def test_what_is_believed_after_an_exercise_is_by_enumeration(right):
    world = World.drawn(course(), 0)
    platform = Platform(world, 1)
    video, (a, b) = 5, (4, 5)  # the sixth video covers the fifth concept too
    platform.mastery[0] = 0.3 + 0.02 * np.arange(24)
    m = platform.mastery[0].copy()
    for k in (a, b):  # learned first: with what it builds on .6, else .1
        m[k] = m[k] + (1 - m[k]) * (0.1 + 0.5 * platform.mastery[0, k - 1])
    weight = {}
    for state in product((0, 1), repeat=2):
        prior = np.prod([m[k] if on else 1 - m[k] for k, on in zip((a, b), state, strict=True)])
        solves = 1 - SLIP if all(state) else GUESS
        weight[state] = prior * (solves if right else 1 - solves)
    total = sum(weight.values())
    told = Happened(np.array([video]), np.array([True]), np.array([right]))
    platform.note(np.array([[video]]), told)
    for place, k in enumerate((a, b)):
        expected = sum(w for state, w in weight.items() if state[place]) / total
        assert platform.mastery[0, k] == pytest.approx(expected)
    others = np.setdiff1d(np.arange(24), (a, b))
    np.testing.assert_array_equal(platform.mastery[0, others], 0.3 + 0.02 * others)


def test_lists_hold_no_video_twice_and_none_that_is_done():
    platform = Platform(World.drawn(course(), 0), 2)
    platform.done[0, :20] = True
    for plain in (True, False):
        lists = platform.listed(plain)
        assert sorted(lists[0].tolist()) == [-1, 20, 21, 22, 23]
        assert len(set(lists[1].tolist())) == SHOWN


def test_the_control_shows_the_courses_next_videos():
    platform = Platform(World.drawn(course(), 0), 1)
    platform.done[0, [0, 2]] = True
    assert SIMPLE["fixed order"](platform, None, RNG(0)).tolist() == [[1, 3, 4, 5, 6]]


def test_who_knows_the_plants_teaches_best():
    world = World.drawn(course(60), 0)
    earned = {
        name: taught(world, teach, 150, 0, steps=30).values["reward"].mean()
        for name, teach in SIMPLE.items()
    }
    assert set(earned) < set(CONTESTANTS)
    assert max(earned, key=earned.get) == "oracle"


def test_a_policy_that_always_holds_is_hold_and_is_not_on():
    states = Class(lambda rng: World.drawn(course(), 1), 1).begin(RNG(0))
    values = holding(states.shape[1], Class.actions)
    world = World.drawn(course(), 0)
    ours, held = (taught(world, t, 30, 0, 10) for t in (by_values(values), SIMPLE["hold"]))
    for name, each in ours.values.items():
        np.testing.assert_array_equal(each, held.values[name])
    trial = against_hold(course(), values, 10, 2)
    assert (trial.gain, trial.beats) == (0.0, False)
    with pytest.raises(ConfigError, match="seeds is 1"):
        against_hold(course(), values, 10, 1)


def test_an_exam_is_right_by_slip_and_guess():
    learners = World.drawn(course(), 0).start(2, RNG(0))
    learners.held[:] = [[True] * 24, [True] * 12 + [False] * 12]
    assert exam(learners).tolist() == pytest.approx([1 - SLIP, (1 - SLIP + GUESS) / 2])


def test_gymnasium_accepts_the_environment():
    pytest.importorskip("gymnasium")
    from gymnasium.utils.env_checker import check_env

    from kgplan.evaluation.resources.environment import WeightsEnvironment

    environment = WeightsEnvironment(World.drawn(course(), 0), steps=6)
    check_env(environment, skip_render_check=True)
    environment.reset(seed=3)
    over, taken = False, 0
    while not over:
        _, reward, ended, over, _ = environment.step(np.int64(taken % Class.actions))
        assert 0 <= reward <= 1
        assert not ended
        taken += 1
    assert taken == 6
    with pytest.raises(ConfigError, match="steps is 0"):
        WeightsEnvironment(World.drawn(course(), 0), steps=0)
