"""What does a platform know of synthetic learners, which list does each contestant show, and what
comes of it?

A platform sees modalities, what was opened, finished and solved; tastes, mastery and fatigue only
the oracle sees.
Sizes: L learners, V videos of the course in its order, K concepts, M modalities, n shown, S seeds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from kgplan.arrays import Array, Floats, Ints
from kgplan.errors import ConfigError
from kgplan.evaluation.resources.synthetic import (
    BEGIN,
    GUESS,
    LEARN,
    LEARN_EARLY,
    MODALITIES,
    NOTHING,
    REWARDS,
    SHOWN,
    SLIP,
    TIRED,
    Course,
    Happened,
    Learners,
    World,
    exam,
    spread,
)
from kgplan.evaluation.simulators.comparison import Interval
from kgplan.progress import Progress, silent
from kgplan.resources.policy.training import DqnConfig, train
from kgplan.resources.policy.values import ActionValues
from kgplan.resources.policy.weights import FARTHEST, OTHERS, moved, n_actions, started

STEPS = 60
LATEST = 5
GAMMA, DELTA, DIVERSITY = range(MODALITIES, MODALITIES + len(OTHERS))
AHEAD = 0.05
"""What a place ahead in the course lowers S by."""
LIKES = 3.0
"""What a modality that counts fully lifts S by."""
TRAINED = 64  # learners at once that a DQN is trained on
TAUGHT = "dqn"
OTHER_WORLDS = 1_000  # worlds from here on are trained in, those before are tried
HOLD = "hold"


class Platform:
    """What is known of learners, step by step.

    Args:
        world: of which the plants stay unseen, but for modalities.
        n: L.
    """

    def __init__(self, world: World, n: int) -> None:
        course = world.course
        self.world, self.course = world, course
        self.crucial, self.builds_on = course.crucial, course.builds_on
        self.weights = started(n, MODALITIES)
        self.mastery = np.full((n, course.covers.shape[1]), BEGIN)
        self.opened = np.zeros((n, course.covers.shape[0]), dtype=bool)
        self.done = self.opened.copy()
        self.recent = np.full((n, MODALITIES), 1 / MODALITIES)
        self.outcomes = np.zeros((n, LATEST))
        self.diversity: Floats = np.zeros(n)
        self.left = 1.0

    def gate(self) -> Floats:
        """(L, M) alpha of eq. (3): what was opened lately, offset by the weights."""
        logits = self.weights[:, :MODALITIES] + np.log(self.recent + 0.1)
        share = np.exp(logits)
        return share / share.sum(axis=1, keepdims=True)

    def listed(self, plain: bool = False) -> Ints:
        """(L, n) by Rank of eq. (8), one after the other, each less what is like those before it.

        Args:
            plain: by S of eq. (7) alone.
        """
        n, n_videos = self.done.shape
        first = np.argmin(self.done, axis=1)
        ahead = np.abs(np.arange(n_videos)[None, :] - first[:, None])
        score = LIKES * (self.gate() @ self.world.profiles.T) - AHEAD * ahead
        score += self.weights[:, [GAMMA]] * self.opened
        if not plain:
            score += self.weights[:, [DELTA]] * self._foundations()
        score = np.where(self.done, -np.inf, score)
        lists, row = np.full((n, SHOWN), -1), np.arange(n)
        size = np.maximum(np.linalg.norm(self.course.covers, axis=1), 1)
        for place in range(SHOWN):
            best = np.argmax(score, axis=1)
            there = np.isfinite(score[row, best])
            lists[there, place] = best[there]
            score[row, best] = -np.inf
            if not plain:
                alike = self.course.covers[best] @ self.course.covers.T
                alike /= size[best][:, None] * size[None, :]
                score -= self.weights[:, [DIVERSITY]] * alike
        return lists

    def _foundations(self) -> Floats:
        """(L, V) Pre of eq. (8) at the mastery that is believed."""
        lacking = self.crucial * (1 - self.mastery)
        lifts = np.zeros(self.done.shape)
        for v, concepts in enumerate(self.course.covers > 0):
            if concepts.any():
                lifts[:, v] = lacking[:, concepts].max(axis=1)
        count = np.maximum(self.builds_on.sum(axis=1), 1)
        return lifts - lacking @ self.builds_on.T / count

    def note(self, lists: Ints, happened: Happened) -> Floats:
        """(L,) R_t of what a step brought; what is known is brought up to date.

        Args:
            lists: that were shown.
            happened: upon it.
        """
        chosen, row = happened.chosen, np.arange(happened.chosen.size)
        opens = chosen >= 0
        before = self.mastery.sum(axis=1)
        self._learn(happened)
        gained = np.clip(self.mastery.sum(axis=1) - before, 0, 1)
        self.opened[row[opens], chosen[opens]] = True
        self.done[row[happened.finished], chosen[happened.finished]] = True
        seen = self.world.profiles[chosen]
        self.recent = np.where(opens[:, None], 0.7 * self.recent + 0.3 * seen, self.recent)
        result = 0.5 * opens + 0.5 * happened.finished
        self.outcomes = np.concatenate([self.outcomes[:, 1:], result[:, None]], axis=1)
        self.diversity = spread(self.course, lists)
        parts = (opens, gained, happened.finished, self.diversity)
        return sum(w * part for w, part in zip(REWARDS, parts, strict=True))

    def _learn(self, happened: Happened) -> None:
        """Mastery from a video that was finished, then from its exercise, concepts apart."""
        covers = (self.course.covers[happened.chosen] > 0) & happened.finished[:, None]
        built = self.course.before
        held = np.exp(np.log(np.maximum(self.mastery, 1e-9)) @ built.T)
        chance = LEARN_EARLY + (LEARN - LEARN_EARLY) * held
        m = np.where(covers, self.mastery + (1 - self.mastery) * chance, self.mastery)
        log = np.where(covers, np.log(np.maximum(m, 1e-9)), 0)
        others = np.exp(log.sum(axis=1, keepdims=True) - log)
        right = happened.right[:, None]
        solves = others * (1 - SLIP) + (1 - others) * GUESS
        if_held = np.where(right, solves, 1 - solves)
        if_not = np.where(right, GUESS, 1 - GUESS)
        after = m * if_held / (m * if_held + (1 - m) * if_not)
        self.mastery = np.where(covers, after, m)

    def states(self) -> Floats:
        """(L, F) what a DQN sees, section 6 of the specification."""
        done = self.done @ self.course.covers > 0
        parts = [
            self.recent,
            self.gate(),
            self.weights / FARTHEST,
            _mean(self.mastery, done)[:, None],
            _mean(self.mastery, ~done)[:, None],
            self.done.mean(axis=1)[:, None],
            np.full((self.done.shape[0], 1), self.left),
            self.outcomes,
            self.diversity[:, None],
        ]
        return np.concatenate(parts, axis=1).astype(np.float32)


def _mean(values: Floats, among: Array) -> Floats:
    return (values * among).sum(axis=1) / np.maximum(among.sum(axis=1), 1)


class Class:
    """Learners whose weights are moved by actions, as a DQN is trained on them.

    Args:
        world: of them, given what draws; it may be another one in each episode.
        n: L.
        steps: of an episode.
    """

    actions = n_actions(MODALITIES)

    def __init__(
        self, world: Callable[[np.random.Generator], World], n: int = TRAINED, steps: int = STEPS
    ) -> None:
        self.draw, self.n, self.steps = world, n, steps

    def begin(self, rng: np.random.Generator) -> Floats:
        """(L, F) states of new learners."""
        self.rng, self.taken = rng, 0
        self.world = self.draw(rng)
        self.learners = self.world.start(self.n, rng)
        self.platform = Platform(self.world, self.n)
        return self.platform.states()

    def act(self, actions: Ints) -> tuple[Floats, Floats, bool]:
        """Move weights, show the lists that follow; rewards, states, and whether it is over."""
        platform = self.platform
        platform.weights = moved(platform.weights, actions)
        lists = platform.listed()
        happened = self.world.show(self.learners, lists, self.rng)
        rewards = platform.note(lists, happened)
        self.taken += 1
        platform.left = 1 - self.taken / self.steps
        return rewards, platform.states(), self.taken >= self.steps


Teach = Callable[[Platform, Learners, np.random.Generator], Ints]
"""Lists (L, n) for the learners; those who see the learners say so."""


def in_order(platform: Platform, learners: Learners, rng: np.random.Generator) -> Ints:
    """The next videos of the course that are not done."""
    return _first(np.where(platform.done, -np.inf, -np.arange(platform.done.shape[1])))


def at_random(platform: Platform, learners: Learners, rng: np.random.Generator) -> Ints:
    """Any that are not done."""
    return _first(np.where(platform.done, -np.inf, rng.random(platform.done.shape)))


def by_truth(platform: Platform, learners: Learners, rng: np.random.Generator) -> Ints:
    """What the plants say brings most in this step: opened, finished, learned."""
    world = platform.world
    appeal = world.appeal(learners) - TIRED * learners.fatigue[:, None]
    opens = 1 / (1 + np.exp(NOTHING - appeal))
    lacks = (~learners.held).astype(float) @ world.course.before.T > 0
    gain = (np.where(lacks, LEARN_EARLY, LEARN) * ~learners.held) @ world.course.covers.T
    finishes = world.finishes(learners)
    worth = opens * (REWARDS[0] + finishes * (REWARDS[2] + REWARDS[1] * np.minimum(gain, 1)))
    return _first(np.where(platform.done, -np.inf, worth))


def _first(score: Floats) -> Ints:
    order = np.argsort(-score, axis=1, kind="stable")[:, :SHOWN]
    return np.where(np.isfinite(np.take_along_axis(score, order, axis=1)), order, -1)


def by_values(values: ActionValues) -> Teach:
    """Rank, with weights that a DQN moves."""

    def teach(platform: Platform, learners: Learners, rng: np.random.Generator) -> Ints:
        platform.weights = moved(platform.weights, values.chosen(platform.states()))
        return platform.listed()

    return teach


SIMPLE: Mapping[str, Teach] = {
    "fixed order": in_order,
    "random": at_random,
    "greedy S": lambda platform, learners, rng: platform.listed(plain=True),
    HOLD: lambda platform, learners, rng: platform.listed(),
    "oracle": by_truth,
}
CONTESTANTS = (*list(SIMPLE)[:-1], TAUGHT, "oracle")
MEASURED = ("interaction", "completion", "score", "diversity", "reward")


@dataclass(frozen=True)
class Outcome:
    """What came of teaching L learners.

    Attributes:
        values: by `MEASURED`, (L,) each: share of lists of which one was opened; share of what was
            opened that was watched whole, NaN where nothing was; the exam; mean eq. (9) of lists;
            mean R_t.
    """

    values: Mapping[str, Floats]


def taught(world: World, teach: Teach, n: int, seed: int, steps: int = STEPS) -> Outcome:
    """Teach new learners.

    Args:
        world: of them.
        teach: says which lists.
        n: L.
        seed: of who they are and of all chance; other learners than any that are trained on.
        steps: lists for each.
    """
    learners = world.start(n, np.random.default_rng([seed, 2]))
    chance, own = np.random.default_rng([seed, 3]), np.random.default_rng([seed, 4])
    platform = Platform(world, n)
    opens, finished, unlike, rewards = np.zeros((4, n))
    for step in range(steps):
        platform.left = 1 - step / steps
        lists = teach(platform, learners, own)
        happened = world.show(learners, lists, chance)
        rewards += platform.note(lists, happened)
        opens += happened.chosen >= 0
        finished += happened.finished
        unlike += platform.diversity
    whole = np.divide(finished, opens, out=np.full(n, np.nan), where=opens > 0)
    values = (opens / steps, whole, exam(learners), unlike / steps, rewards / steps)
    return Outcome(dict(zip(MEASURED, values, strict=True)))


def trained(
    world: World, seed: int, config: DqnConfig | None = None, progress: Progress = silent
) -> ActionValues:
    """A DQN for a world, of learners of its own."""
    chosen = DqnConfig(seed=1_000 + seed) if config is None else config
    return train(Class(lambda rng: world), chosen, progress)


def kept_policy(course: Course, config: DqnConfig, progress: Progress = silent) -> ActionValues:
    """A DQN of learners of many worlds, one an episode, for whatever learner comes."""

    def draw(rng: np.random.Generator) -> World:
        return World.drawn(course, int(rng.integers(OTHER_WORLDS, 2 * OTHER_WORLDS)))

    return train(Class(draw), config, progress)


@dataclass(frozen=True)
class Trial:
    """How much more than "hold" a policy earns, in worlds that it was not trained in.

    Attributes:
        gain, low, high: of the mean R_t, 95 % by Student's t over seeds.
        seeds, learners: S, and L of each.
    """

    gain: float
    low: float
    high: float
    seeds: int
    learners: int

    @property
    def beats(self) -> bool:
        """Whether it may be on."""
        return self.low > 0


def against_hold(course: Course, values: ActionValues, learners: int, seeds: int) -> Trial:
    """Try a policy on the same learners and chances as "hold".

    Args:
        course: whose learners are made up.
        values: the policy.
        learners: L.
        seeds: S, each with plants of its own.

    Raises:
        ConfigError: there are fewer than two seeds, so that no interval can be told.
    """
    if not 2 <= seeds < OTHER_WORLDS:
        raise ConfigError(f"seeds is {seeds}; give a number from 2 to {OTHER_WORLDS - 1}")
    gains = []
    for seed in range(seeds):
        world = World.drawn(course, seed)
        ours, held = (
            taught(world, teach, learners, seed).values["reward"].mean()
            for teach in (by_values(values), SIMPLE[HOLD])
        )
        gains.append(ours - held)
    found = Interval.over([np.array([gain]) for gain in gains])
    half = found.half or 0.0
    return Trial(found.mean, found.mean - half, found.mean + half, seeds, learners)


def outcome(course: Course, contestant: str, n: int, seed: int) -> Outcome:
    """What a contestant of `CONTESTANTS` brings the learners of a seed."""
    world = World.drawn(course, seed)
    teach = SIMPLE.get(contestant) or by_values(trained(world, seed))
    return taught(world, teach, n, seed)
