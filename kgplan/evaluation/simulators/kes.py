"""Learners who answer as a knowledge-tracing model says that was fitted to real answers.

The model is `kgplan.diagnosis.aging`: concepts are held or not, an answer may teach, time lets
forget, ability moves priors and answers. It knows no prerequisites, so the platform has none.
What answers cannot tell, the model makes up: where a file has no order, nothing was seen to be
learned, and `learn` has to be assumed.
Sizes: L learners, K concepts, V items, A ability classes, N answers.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ids, Ints
from kgplan.diagnosis.aging import AgingConfig, AgingModel, fit_in_order
from kgplan.errors import ConfigError, InputError
from kgplan.evaluation.simulators.protocol import Platform
from kgplan.progress import Progress, silent


@dataclass(frozen=True)
class KesConfig:
    """What is not fitted.

    Attributes:
        goals: concepts that a learner is to hold.
        days: between two steps.
        learn: P(not held turns held) at an answer, of every concept; as fitted where None.

    Raises:
        ConfigError: a value is out of its range.
    """

    goals: int = 3
    days: float = 0.0
    learn: float | None = None

    def __post_init__(self) -> None:
        if self.goals < 1:
            raise ConfigError(f"goals is {self.goals}; give at least 1")
        if self.days < 0:
            raise ConfigError(f"days is {self.days}; give a number not below 0")
        if self.learn is not None and not 0 <= self.learn < 1:
            raise ConfigError(f"learn is {self.learn}; give a number in [0, 1)")


@dataclass
class KesLearners:
    """Learners of `Kes`.

    Attributes:
        goals, gone: as for `Learners`; nobody leaves.
        ability: (L,) class.
        held: (L, K) True for what is held.
    """

    goals: Array
    gone: Array
    ability: Ints
    held: Array


class Kes:
    """The simulator.

    Args:
        model: what was fitted; concepts that no item asks for are left out.
        names: (K,) of its concepts.
        answers: (V,) answers to each item, which say how popular a concept is, and weigh items in
            exams.
        config: the rest.

    Raises:
        InputError: no item has an answer.
    """

    def __init__(self, model: AgingModel, names: Ids, answers: Ints, config: KesConfig) -> None:
        asked = np.flatnonzero(answers)
        covers = sparse.csr_array(model.q_matrix[asked] != 0)
        here = np.unique(covers.indices)
        if not here.size:
            raise InputError("no item has an answer; fit the model to some")
        self._covers = covers[:, here].toarray()
        low, high, prior = model.chances.low, model.chances.high, model.chances.prior
        self._low, self._high, self._prior = low[:, asked], high[:, asked], prior[:, here]
        self._share = model.share
        self._learn = model.learn[here]
        if config.learn is not None:
            self._learn = np.full(here.size, config.learn)
        self._kept = float(np.exp(-model.forget * config.days))
        self.config = config
        # items of each concept, one after the other, as likely as they were answered
        weights = self._covers * answers[asked][:, None].astype(float)
        weights /= weights.sum(axis=0)
        self._drawn_by = np.cumsum(weights, axis=0)
        self._exam_low, self._exam_high = self._low @ weights, self._high @ weights
        count = answers[asked] @ self._covers
        self.platform = Platform(
            names[here],
            sparse.csr_array((here.size, here.size), dtype=bool),
            np.argsort(-(self._share @ self._exam_low), kind="stable"),  # what is easy comes first
            count / count.max(),
        )

    def start(self, n: int, rng: np.random.Generator, tuning: bool = False) -> KesLearners:
        """New learners of the fitted population; as `Simulator.start`."""
        size = self._learn.size
        ability = rng.choice(self._share.size, n, p=self._share / self._share.sum())
        held = rng.random((n, size)) < self._prior[ability]
        goals = rng.random((n, size)).argsort(axis=1).argsort(axis=1) < self.config.goals
        return KesLearners(goals, np.zeros(n, bool), ability, held)

    def before(self, learners: KesLearners) -> Ints:
        """(L, K) nothing."""
        return np.zeros(learners.goals.shape, np.int64)

    def step(self, learners: KesLearners, concept: Ints, rng: np.random.Generator) -> Ints:
        """Time passes, an item of the concept is answered, and may teach all that it asks for."""
        shape, everyone = learners.held.shape, np.arange(concept.size)
        which, answer, turn = rng.random(shape[0]), rng.random(shape[0]), rng.random(shape)
        held = learners.held
        if self._kept < 1:
            drawn = rng.random(shape) < self._prior[learners.ability]
            held = np.where(rng.random(shape) < self._kept, held, drawn)
        item = (self._drawn_by[:, concept] <= which).sum(axis=0).clip(max=len(self._covers) - 1)
        asks = self._covers[item]
        able = (held | ~asks).all(axis=1)
        p = np.where(able, self._high[learners.ability, item], self._low[learners.ability, item])
        learners.held = held | (asks & (turn < self._learn))
        told = np.zeros(shape, np.int64)
        told[everyone, concept] = np.where(answer < p, 1, -1)
        return told

    def score(self, learners: KesLearners) -> Floats:
        """(L,) mean P(right) over the goals, of items whose other concepts are held alike."""
        return self._exam(learners, learners.held)

    def full(self, learners: KesLearners) -> Floats:
        """(L,) the same with everything held."""
        return self._exam(learners, np.ones_like(learners.held))

    def mastery(self, learners: KesLearners) -> Floats:
        """(L, K) 1 for what is held."""
        return learners.held.astype(float)

    def teach(self, learners: KesLearners) -> None:
        """Let everything be held."""
        learners.held = np.ones_like(learners.held)

    def _exam(self, learners: KesLearners, held: Array) -> Floats:
        low, high = self._exam_low[learners.ability], self._exam_high[learners.ability]
        right = np.where(held, high, low) * learners.goals
        return np.asarray(right.sum(axis=1) / np.maximum(learners.goals.sum(axis=1), 1))


@dataclass(frozen=True)
class Fitted:
    """A model, and what it says of learners that it was not fitted to.

    Attributes:
        model: fitted to the others.
        learners, held_out: how many it was fitted to, and how many not.
        answers: those of the latter that were predicted.
        log_likelihood: mean natural logarithm of what was said of each of these answers, from
            what the same learner answered before.
        base: the same of the item's share of right answers, drawn to that of all by five answers.
    """

    model: AgingModel
    learners: int
    held_out: int
    answers: int
    log_likelihood: float
    base: float


def fit_held_out(
    learner: Ints,
    item: Ints,
    right: Floats,
    day: Floats,
    q_matrix: sparse.csr_matrix,
    rng: np.random.Generator,
    share: float = 0.2,
    config: AgingConfig | None = None,
    progress: Progress = silent,
) -> Fitted:
    """Fit to some learners, and say how likely the answers of the others are.

    Args:
        learner, item, right, day, q_matrix: as for `fit_in_order`.
        rng: draws who is held out.
        share: of them.
        config: of the fit.
        progress: told each iteration.

    Raises:
        AxisMismatch, InputError: as `fit_in_order`; there are fewer than two learners.
    """
    known = np.unique(learner)
    if known.size < 2:
        raise InputError(f"there are answers of {known.size} learners; give those of at least 2")
    out = rng.permutation(known)[: min(max(round(share * known.size), 1), known.size - 1)]
    held = np.isin(learner, out)
    model = fit_in_order(
        learner[~held], item[~held], right[~held], day[~held], q_matrix, config, progress
    )
    asked, said = item[held], right[held]
    p = model.predict_in_order(learner[held], asked, said, day[held])
    count = np.bincount(item[~held], minlength=q_matrix.shape[0])
    mean = right[~held].mean()
    base = (np.bincount(item[~held], right[~held], q_matrix.shape[0]) + 5 * mean) / (count + 5)
    return Fitted(
        model,
        known.size - out.size,
        out.size,
        int(held.sum()),
        _mean_log(p, said),
        _mean_log(base[asked], said),
    )


def _mean_log(p: Floats, right: Floats) -> float:
    inside = np.clip(p, 1e-9, 1 - 1e-9)
    return float(np.mean(right * np.log(inside) + (1 - right) * np.log1p(-inside)))
