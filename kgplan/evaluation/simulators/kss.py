"""Learners whose abilities grow along prerequisites: a knowledge-structure simulator.

After the simulator KSS of Liu, Tong, Liu, Zhao, Chen, Ma & Wang, "Exploiting cognitive structure
for adaptive learning" (KDD 2019), as their library EduSim has it. Ability goes up to 5. Work on a
concept takes half of the way to 5, times exp(-strength * (what its direct prerequisites lack of 5,
added up)); half of what is gained goes on to each concept that builds on it, half of that further
on. An answer is right by the three-parameter logistic model, here with slips. All of these are
assumptions of its authors, fitted to no learner.
Sizes: L learners, K concepts.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import expit

from kgplan.arrays import Array, Floats, Ids, Ints
from kgplan.errors import ConfigError
from kgplan.evaluation.simulators.protocol import Platform
from kgplan.graph.health import components, levels

TOP = 5.0
EDGES = (
    (0, 1), (0, 2), (1, 3), (2, 4), (2, 8), (3, 4), (4, 8), (5, 4), (5, 9), (6, 7), (7, 8), (8, 9),
)  # fmt: skip
"""(prerequisite, concept) of EduSim's ten concepts."""
ORDER = (5, 0, 1, 2, 3, 4, 6, 7, 8, 9)
"""In which order these are taught."""
STEEPNESS = 1.7 * 5  # discrimination 5, and 1.7 for a logistic that stands for a normal curve
STAYS = 0.9  # of former learners from one concept of the order to the next, for popularity


@dataclass(frozen=True)
class KssConfig:
    """How prerequisites, answers and memory work.

    Attributes:
        strength: of prerequisites; 0: they do nothing, 1: as in EduSim.
        forget: share of what is above the ability at the start that a step without work on the
            concept takes away.
        guess, slip: P(right) without the ability, P(wrong) with it.
        wrong, missing: shares of the prerequisites that the platform has otherwise, or not.
        local: work on what is further away in the graph than one step back and one on from what
            was worked on last counts nothing (EduSim's gate).
        least_goals, most_goals: of a learner.

    Raises:
        ConfigError: a value is out of its range.

    >>> KssConfig(wrong=0.7, missing=0.5)
    Traceback (most recent call last):
    kgplan.errors.ConfigError: wrong + missing is 1.2; give a number in [0, 1]
    """

    strength: float = 1.0
    forget: float = 0.0
    guess: float = 0.25
    slip: float = 0.0
    wrong: float = 0.0
    missing: float = 0.0
    local: bool = False
    least_goals: int = 3
    most_goals: int = 9

    def __post_init__(self) -> None:
        for name in ("strength", "forget", "guess", "slip", "wrong", "missing"):
            self._need(name, getattr(self, name), 0, 1)
        self._need("guess + slip", self.guess + self.slip, 0, 1)
        self._need("wrong + missing", round(self.wrong + self.missing, 9), 0, 1)
        if not 1 <= self.least_goals <= self.most_goals:
            raise ConfigError(
                f"least_goals is {self.least_goals} and most_goals {self.most_goals};"
                " give at least 1, and not more least than most"
            )

    @staticmethod
    def _need(name: str, value: float, low: float, high: float) -> None:
        if not low <= value <= high:
            raise ConfigError(f"{name} is {value}; give a number in [{low}, {high}]")


@dataclass
class KssLearners:
    """Learners of `Kss`.

    Attributes:
        goals, gone: as for `Learners`; nobody leaves.
        ability: (L, K) at most `TOP`.
        first: (L, K) at the start.
        difficulty: (L, K) of the answers that the learner is asked for: the ability at which one is
            right half way between guess and 1 - slip.
        last: (L,) what was worked on last, -1 for nothing.
    """

    goals: Array
    gone: Array
    ability: Floats
    first: Floats
    difficulty: Floats
    last: Ints


class Kss:
    """The simulator, on any graph.

    Args:
        prerequisites: (K, K) True where the column is a prerequisite of the row; those inside a
            cycle are left out, of the truth and of what the platform has.
        order: (K,) positions in the course's order.
        config: how it works.
        rng: draws what the platform has wrong.
        names: (K,) of the concepts; numbers where None.
        popularity: (K,) as for `Platform`; falling along the order where None.
    """

    def __init__(
        self,
        prerequisites: sparse.csr_array,
        order: Ints,
        config: KssConfig,
        rng: np.random.Generator,
        names: Ids | None = None,
        popularity: Floats | None = None,
    ) -> None:
        size = order.size
        edges = prerequisites.tocoo()
        cycle = components(edges.col, edges.row, size)
        kept = cycle[edges.row] != cycle[edges.col]
        after, before = edges.row[kept].astype(np.int64), edges.col[kept].astype(np.int64)
        self.config = config
        self._needs = np.zeros((size, size))
        self._needs[after, before] = 1
        # what is gained goes on along every path, half at each edge; there are no cycles
        self._spread = np.linalg.inv(np.eye(size) - config.strength / 2 * self._needs.T)
        self._near = _near(self._needs > 0)
        level = levels(before, after, size)
        place = np.empty(size, np.int64)
        place[order] = np.arange(size)
        self._rank = np.lexsort((place, level)).argsort()
        if popularity is None:
            popularity = STAYS ** place.astype(float)
        self.platform = Platform(
            np.arange(size).astype(str) if names is None else names,
            said(after, before, size, config.wrong, config.missing, rng),
            order,
            popularity,
        )

    def start(self, n: int, rng: np.random.Generator, tuning: bool = False) -> KssLearners:
        """New learners: the later a concept, the lower the ability and the higher the difficulty.

        Args:
            n, rng, tuning: as for `Simulator.start`; the generator alone tells learners apart.
        """
        size = self._rank.size
        ability = rng.integers(-3, 1, (n, size)) - self._rank / size
        difficulty = np.sort(rng.integers(0, 6, (n, size)), axis=1)[:, self._rank].astype(float)
        most = min(self.config.most_goals, size)
        count = rng.integers(min(self.config.least_goals, most), most + 1, n)
        goals = rng.random((n, size)).argsort(axis=1).argsort(axis=1) < count[:, None]
        return KssLearners(
            goals, np.zeros(n, bool), ability, ability.copy(), difficulty, np.full(n, -1)
        )

    def before(self, learners: KssLearners) -> Ints:
        """(L, K) nothing."""
        return np.zeros(learners.goals.shape, np.int64)

    def step(self, learners: KssLearners, concept: Ints, rng: np.random.Generator) -> Ints:
        """Work on a concept each, then an answer on it; as `Simulator.step`."""
        everyone, ability = np.arange(concept.size), learners.ability
        own = ability[everyone, concept]
        if self.config.forget:
            kept = learners.first + (ability - learners.first) * (1 - self.config.forget)
            ability = np.where(ability > learners.first, kept, ability)
            ability[everyone, concept] = own
        lacks = np.einsum("lk,lk->l", self._needs[concept], TOP - ability)
        gain = (TOP - own) / 2 * np.exp(-self.config.strength * lacks)
        if self.config.local:
            counts = (learners.last < 0) | self._near[learners.last, concept]
            gain = np.where(counts, gain, 0.0)
            learners.last = np.where(counts, concept, learners.last)
        learners.ability = np.minimum(ability + gain[:, None] * self._spread[concept], TOP)
        right = rng.random(concept.size) < self.p_right(learners)[everyone, concept]
        told = np.zeros(learners.goals.shape, np.int64)
        told[everyone, concept] = np.where(right, 1, -1)
        return told

    def p_right(self, learners: KssLearners) -> Floats:
        """(L, K) P(right) of an answer."""
        held = self.mastery(learners)
        return self.config.guess + (1 - self.config.slip - self.config.guess) * held

    def score(self, learners: KssLearners) -> Floats:
        """(L,) mean of `mastery` over the goals. Guess and slip would cancel out of E_P."""
        return _mean(self.mastery(learners), learners.goals)

    def full(self, learners: KssLearners) -> Floats:
        """(L,) the same at the highest ability."""
        return _mean(expit(STEEPNESS * (TOP - learners.difficulty)), learners.goals)

    def mastery(self, learners: KssLearners) -> Floats:
        """(L, K) P(right) of an answer that can neither be guessed nor slipped."""
        return expit(STEEPNESS * (learners.ability - learners.difficulty))

    def teach(self, learners: KssLearners) -> None:
        """Bring all abilities to the top."""
        learners.ability = np.full_like(learners.ability, TOP)


def ten_concepts(config: KssConfig, rng: np.random.Generator) -> Kss:
    """The simulator on EduSim's own ten concepts."""
    before, after = np.array(EDGES).T
    shape = (len(ORDER), len(ORDER))
    matrix = sparse.csr_array((np.ones(before.size, bool), (after, before)), shape=shape)
    return Kss(matrix, np.array(ORDER), config, rng)


def said(
    after: Ints, before: Ints, size: int, wrong: float, missing: float, rng: np.random.Generator
) -> sparse.csr_array:
    """The prerequisites that a platform has: some of the true ones lost, some turned to others.

    Args:
        after, before: (E,) the true ones.
        size: K.
        wrong: share of them in whose place a pair stands that is none, in either direction.
        missing: share of them that are not there.
        rng: draws which.

    Returns:
        (K, K) True where the column is said to be a prerequisite of the row.
    """
    n = after.size
    drawn = rng.permutation(n)
    n_wrong, n_missing = round(wrong * n), round(missing * n)
    kept = drawn[min(n_wrong + n_missing, n) :]
    none = ~np.eye(size, dtype=bool)
    none[after, before] = none[before, after] = False
    others = np.argwhere(none)
    turned = others[rng.permutation(len(others))[:n_wrong]]
    rows = np.concatenate([after[kept], turned[:, 0]])
    columns = np.concatenate([before[kept], turned[:, 1]])
    return sparse.csr_array((np.ones(rows.size, bool), (rows, columns)), shape=(size, size))


def _near(needs: Array) -> Array:
    """(K, K) what counts after each concept: itself, what builds on it, what it needs directly or
    by one more step, and what else builds on these; everything where it has neither."""
    back = needs | ((needs.astype(int) @ needs.astype(int)) > 0)
    siblings = (needs.astype(int) @ needs.T.astype(int)) > 0
    near = np.eye(needs.shape[0], dtype=bool) | needs.T | back | siblings
    near[~(needs.any(axis=1) & needs.any(axis=0))] = True
    return near


def _mean(values: Floats, goals: Array) -> Floats:
    return np.asarray((values * goals).sum(axis=1) / np.maximum(goals.sum(axis=1), 1))
