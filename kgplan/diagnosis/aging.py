"""What does a learner know now, from answers in order, and what is left of it later?

V-DINA whose concepts move: a concept is held or not, and at every answer that asks for it may turn
held (`learn`; Corbett & Anderson, User Model. User-Adapt. Interact. 1994). Between answers its
state is drawn anew from the prior at a steady rate, so that mastery ages towards what is expected
of the learner without evidence. An answer is right with 1 - slip where all concepts of the item are
held, else with guess. Ability is a class of the learner (a non-parametric higher-order DINA; de la
Torre & Douglas, Psychometrika 2004): it moves the log odds of every prior, and those of every
answer. Without learning, forgetting and classes this is DINA; with one item a concept and without
forgetting, Bayesian knowledge tracing.

Fitted by EM: forward and backward through each learner's answers, exact where items have one
concept (kgplan/native/aging.py). An item's difficulty and contrast, the middle of the log odds of
its guess and 1 - slip and the way between them, are pulled to those of items with the same
concepts, as much as these are alike: few answers say whether an item is hard, not whether it is
slip or guess that makes it so.
Sizes: U learners, N answers, V items, K concepts, A ability classes.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.special import expit, logit

from kgplan.arrays import Floats, Ints, check_axis
from kgplan.diagnosis.uncertainty import divergence
from kgplan.errors import ConfigError, InputError
from kgplan.machine import cores
from kgplan.native.aging import Answers, Chances, Expected, Followed, Needs, aged, expect, forward
from kgplan.native.threads import in_threads
from kgplan.progress import Progress, silent

HALF_LIFE = 730.0
"""Days in which half of what mastery says beyond the prior is lost, where nothing was fitted: of
what was learned two thirds to three quarters is there after a year, half after two (review of
Custers, Adv. Health Sci. Educ. 2010)."""
_LEAST_CONTRAST = 0.05
_LEAST_SPREAD = 0.25
"""Of items with the same concepts, in log odds (.1 beside .125): were they held to be more alike,
none could leave the others, and EM would stand still far from its end."""
_NEWTON_STEPS = 3


@dataclass(frozen=True)
class AgingConfig:
    """Settings of a fit to answers in order.

    Attributes:
        n_classes: ability classes, evenly between -3 and 3, their shares starting from the
            standard normal density; 1: no ability.
        ability_in_answers: ability moves the log odds of answers, too. It predicts better; without,
            a wrong answer made right raises the mastery of its concept for certain, where with it
            that holds within each class only (a learner who is thought more able needs less
            mastery to be right).
        learn_start: P(not held turns held) at an answer, before the first iteration.
        fit_learn: fit it, one for each concept; else it stays.
        learn_weight: answers that the mean of all concepts weighs in each concept's.
        half_life: days after which half of a mastery beyond its prior is lost, before the first
            iteration; infinite: nothing is forgotten.
        fit_forget: fit that, from answers on a concept that was asked for before; else it stays.
        difficulty_spread, contrast_spread: standard deviation, in log odds, of items with the same
            concepts, before the first iteration.
        pool: move those, and what items with the same concepts are pulled to, with the data.
        prior_weight: learners that hold a concept, and that do not, seen beforehand.
        tolerance: EM stops where an iteration gains less than this share of the log-evidence,
        forget_tolerance: and moves the number of states drawn anew by less than this share of its
            standard deviation, a Poisson count's. Forgetting is the last to settle: few draws are
            seen for certain.
        iteration_limit: it also stops after so many.

    Raises:
        ConfigError: a value is out of its range.

    >>> AgingConfig(n_classes=0)
    Traceback (most recent call last):
    kgplan.errors.ConfigError: n_classes is 0; give at least 1
    """

    n_classes: int = 15
    ability_in_answers: bool = True
    learn_start: float = 0.05
    fit_learn: bool = True
    learn_weight: float = 20.0
    half_life: float = HALF_LIFE
    fit_forget: bool = True
    difficulty_spread: float = 1.0
    contrast_spread: float = 0.7
    pool: bool = True
    prior_weight: float = 1.0
    tolerance: float = 1e-6
    forget_tolerance: float = 0.02
    iteration_limit: int = 500

    def __post_init__(self) -> None:
        for name in ("n_classes", "iteration_limit"):
            self._need(name, getattr(self, name) >= 1, "at least 1")
        self._need("learn_start", 0 <= self.learn_start < 1, "a number in [0, 1)")
        for name in (
            "half_life",
            "difficulty_spread",
            "contrast_spread",
            "tolerance",
            "forget_tolerance",
        ):
            self._need(name, getattr(self, name) > 0, "a number above 0")
        for name in ("learn_weight", "prior_weight"):
            self._need(name, getattr(self, name) >= 0, "a number not below 0")

    def _need(self, name: str, holds: bool, wanted: str) -> None:
        if not holds:
            raise ConfigError(f"{name} is {getattr(self, name)!r}; give {wanted}")


@dataclass(frozen=True)
class AgedState:
    """What one learner knows at a time.

    Attributes:
        mastery: (K,) P(concept held).
        prior: (K,) what it would be without answers on the concept, at the learner's ability.
        bits: (K,) what such answers still say, KL(mastery || prior); 0 without any.
        ability: (A,) P(class | answers).
        by_class: (A, K) mastery of each class.
    """

    mastery: Floats
    prior: Floats
    bits: Floats
    ability: Floats
    by_class: Floats


@dataclass(frozen=True)
class Pull:
    """What an item's difficulty, or contrast, is pulled to, and how hard: N(mean, variance).

    Attributes:
        mean: (V,) in log odds.
        variance: the same for all items.
    """

    mean: Floats
    variance: float


@dataclass(frozen=True)
class AgingModel:
    """What is needed to follow a learner; and where EM stands, while it climbs.

    Attributes:
        q_matrix: (V, K) not 0 where the item asks for the concept.
        difficulty, contrast: (V,) the middle of the log odds of guess and 1 - slip at ability 0,
            and the way between them.
        prior_log_odds: (K,) of a concept held before any answer, and of a state drawn anew, at
            ability 0.
        learn: (K,) P(not held turns held) at an answer.
        forget: how often a day a state is drawn anew.
        ability: (A,) of the classes.
        share: (A,) of learners in each class.
        prior_slope, answer_slope: what ability 1 adds to the log odds of a prior, of an answer.
        to_difficulty, to_contrast: what those of items are pulled to.
        evidence: (iterations,) log-evidence before each iteration, in nats.
        converged: the last iteration moved less than the tolerances.
    """

    q_matrix: sparse.csr_matrix
    difficulty: Floats
    contrast: Floats
    prior_log_odds: Floats
    learn: Floats
    forget: float
    ability: Floats
    share: Floats
    prior_slope: float
    answer_slope: float
    to_difficulty: Pull
    to_contrast: Pull
    evidence: Floats
    converged: bool

    @property
    def slip(self) -> Floats:
        """(V,) P(wrong) with all concepts held, at ability 0."""
        return expit(-(self.difficulty + self.contrast / 2))

    @property
    def guess(self) -> Floats:
        """(V,) P(right) without, at ability 0; below 1 - slip."""
        return expit(self.difficulty - self.contrast / 2)

    @property
    def prior(self) -> Floats:
        """(K,) P(held) before any answer, and of a state drawn anew, at ability 0."""
        return expit(self.prior_log_odds)

    @property
    def half_life(self) -> float:
        """Days after which half of a mastery beyond its prior is lost."""
        return float(np.log(2)) / self.forget if self.forget else np.inf

    @cached_property
    def chances(self) -> Chances:
        """What the classes learn, forget and answer by."""
        ability = self.ability[:, None]
        shift = self.answer_slope * ability
        return Chances(
            low=expit(self.difficulty - self.contrast / 2 + shift),
            high=expit(self.difficulty + self.contrast / 2 + shift),
            prior=expit(self.prior_log_odds + self.prior_slope * ability),
            learn=self.learn,
            forget=self.forget,
        )

    @cached_property
    def needs(self) -> Needs:
        """The concepts that each item asks for."""
        return _needs(self.q_matrix)

    def state(self, item: Ints, right: Floats, day: Floats, as_of: float) -> AgedState:
        """What one learner knows at a time, from their answers until then.

        Args:
            item: (n,) in any order; answers of one day count in the order given.
            right: (n,) share right, in [0, 1].
            day: (n,) days since any moment.
            as_of: the day; answers after it do not count.

        Raises:
            AxisMismatch, InputError: as `fit_in_order`.
        """
        learner = np.zeros(np.size(item), np.int64)
        past = np.asarray(day) <= as_of
        answers = _InOrder.of(
            learner[past],
            np.asarray(item)[past],
            np.asarray(right, np.float64)[past],
            np.asarray(day, np.float64)[past],
            self.needs,
        )
        log_share, by_class = np.log(self.share), self.chances.prior.copy()
        for c in range(self.ability.size):
            at, gained = self._follow(answers, 0, answers.order.size, c)
            log_share[c] += gained
            for k in np.flatnonzero(~np.isnan(at.last)):
                kept = np.exp(-self.forget * (as_of - at.last[k]))
                now = aged(at.odds[k], by_class[c, k], kept)
                by_class[c, k] = now / (1 + now)
        ability = _normal(log_share)
        mastery, prior = ability @ by_class, ability @ self.chances.prior
        return AgedState(mastery, prior, divergence(mastery, prior), ability, by_class)

    def predict(self, state: AgedState, item: Ints) -> Floats:
        """(n,) P(right) of items answered in that state; concepts of an item as independent."""
        low, high = self.chances.low, self.chances.high
        total = np.zeros(np.size(item))
        with np.errstate(divide="ignore"):
            logs = np.log(state.by_class)
        for c, weight in enumerate(state.ability):
            held = np.exp(self.q_matrix[item] @ logs[c])
            total += weight * (low[c, item] + (high[c, item] - low[c, item]) * held)
        return total

    def predict_in_order(self, learner: Ints, item: Ints, right: Floats, day: Floats) -> Floats:
        """(N,) P(right) of every answer, from what the same learner answered before it.

        Raises:
            AxisMismatch, InputError: as `fit_in_order`.
        """
        answers = _InOrder.of(learner, item, right, day, self.needs)
        found = np.empty(answers.order.size)
        for u in np.flatnonzero(np.diff(answers.starts)):
            begin, end = answers.starts[u : u + 2]
            r = answers.given.right[begin:end]
            classes = range(self.ability.size)
            p = np.array([self._follow(answers, begin, end, c)[0].p_right for c in classes])
            said = np.cumsum(r * np.log(p) + (1 - r) * np.log1p(-p), axis=1)
            before = np.log(self.share)[:, None] + np.roll(said, 1, axis=1)
            before[:, 0] = np.log(self.share)
            found[answers.order[begin:end]] = np.sum(_normal(before) * p, axis=0)
        return found

    def _follow(self, answers: "_InOrder", begin: int, end: int, c: int) -> tuple[Followed, float]:
        """Where a learner of class `c` stands after these answers, and their log-evidence."""
        indptr, item = self.needs.indptr, answers.given.item[begin:end]
        asked, n_concepts = int(np.sum(indptr[item + 1] - indptr[item])), self.learn.size
        to = Followed(
            odds=np.ones(n_concepts),
            last=np.full(n_concepts, np.nan),
            before=np.empty(asked),
            ratio=np.empty(asked),
            p_right=np.empty(item.size),
        )
        return to, forward(begin, end, c, answers.given, self.needs, self.chances, to)


def fit_in_order(
    learner: Ints,
    item: Ints,
    right: Floats,
    day: Floats,
    q_matrix: sparse.csr_matrix,
    config: AgingConfig | None = None,
    progress: Progress = silent,
) -> AgingModel:
    """Fit everything that `AgingModel` holds.

    Args:
        learner: (N,) whose answer, 0 to U - 1.
        item: (N,) 0 to V - 1.
        right: (N,) share right, in [0, 1].
        day: (N,) when, in days since any moment; answers of one day count in the order given.
            Where order is known and time is not, give the order and fix `half_life`.
        q_matrix: (V, K) not 0 where the item asks for the concept. An item that nobody answered
            gets what items with the same concepts suggest.
        config: all settings.
        progress: told each iteration.

    Raises:
        AxisMismatch: arguments disagree on N.
        InputError: no answers; a share outside [0, 1]; a time that is no number; an item outside
            the Q-matrix, or one without concepts.
    """
    config = config or AgingConfig()
    q_matrix = sparse.csr_matrix(q_matrix != 0)
    needs = _needs(q_matrix)
    answers = _InOrder.of(learner, item, right, day, needs)
    if not answers.order.size:
        raise InputError("there are no answers to fit; give at least one")
    model = _start(config, answers, q_matrix)
    seen: list[float] = []
    converged = False
    for step in range(config.iteration_limit):
        found = _expectations(model, answers)
        seen.append(float(found.of.evidence.sum()))
        progress(f"answers in order: log-evidence {seen[-1]:.1f}", step + 1, config.iteration_limit)
        to = _moved(model, found, answers, config)
        draws = abs(to.forget - model.forget) * found.days  # by which their expected number moves
        still = draws < config.forget_tolerance * np.sqrt(max(found.anew, 1))
        if step > 2 and abs(seen[-1] - seen[-2]) < config.tolerance * abs(seen[-1]) and still:
            converged = True
            break
        model = to
    return replace(model, evidence=np.array(seen), converged=converged)


def half_life_interval(
    model: AgingModel,
    learner: Ints,
    item: Ints,
    right: Floats,
    day: Floats,
    config: AgingConfig,
    progress: Progress = silent,
) -> tuple[float, float] | None:
    """95 % about the half-life that was fitted to these answers, in days.

    At rates of forgetting a standard error below and above, all else is fitted anew (what items
    are pulled to stays): the slope of the log-evidence is then that of its profile, and how fast it
    falls is the information on the rate (Pawitan, In All Likelihood, 2001, chapter 3). The rate is
    taken as normal, and not the half-life, which is without bound where nothing is forgotten.

    Args:
        model: what `fit_in_order` gave for the other arguments.
        learner, item, right, day: as for `fit_in_order`.
        config: of that fit.
        progress: told each iteration.

    Returns:
        The shortest and the longest, infinite where never forgetting is among what may be. None:
        the half-life was not fitted, as `config` says or as no concept was asked for again at a
        later time; or the evidence has no top there.
    """
    answers = _InOrder.of(learner, item, right, day, model.needs)
    settled = replace(config, fit_forget=False, pool=False)

    def slope(at: AgingModel, found: _Found) -> float:
        return found.anew / at.forget - found.days

    here = _expectations(model, answers)
    if not (config.fit_forget and here.days > 0 and model.forget > 0):
        return None
    near = replace(model, forget=model.forget * 1.05)
    bend = (slope(model, here) - slope(near, _expectations(near, answers))) / (0.05 * model.forget)
    if bend <= 0:
        return None
    enough = 1e-3 * np.sqrt(bend)  # of a slope, whose standard deviation is about this root

    def refitted(forget: float) -> float:
        at, last = replace(model, forget=forget), np.inf
        for step in range(config.iteration_limit):
            found = _expectations(at, answers)
            now = slope(at, found)
            progress("interval of the half-life", step + 1, None)
            if abs(now - last) < enough:
                break
            at, last = _moved(at, found, answers, settled), now
        return now

    error = 1 / np.sqrt(bend)
    low, high = max(model.forget - error, model.forget / 2), model.forget + error
    information = (refitted(low) - refitted(high)) / (high - low)
    if information <= 0:
        return None
    away = 1.959964 / np.sqrt(information)
    slowest = model.forget - away
    half = float(np.log(2))
    return float(half / (model.forget + away)), float(half / slowest) if slowest > 0 else np.inf


# ----------------------------------------------------------------------------------- the answers


def _needs(q_matrix: sparse.csr_matrix) -> Needs:
    covers = sparse.csr_matrix(q_matrix != 0)
    covers.sort_indices()
    return Needs(covers.indptr.astype(np.int64), covers.indices.astype(np.int64))


@dataclass(frozen=True)
class _InOrder:
    """Answers by learner, then in order.

    Attributes:
        given: they themselves.
        learner: (N,) whose.
        order: (N,) where each stood in what was given.
        starts: (U + 1,) where each learner's begin.
        needs: the concepts of all items.
    """

    given: Answers
    learner: Ints
    order: Ints
    starts: Ints
    needs: Needs

    @classmethod
    def of(cls, learner: Ints, item: Ints, right: Floats, day: Floats, needs: Needs) -> "_InOrder":
        learner, item = np.asarray(learner, np.int64), np.asarray(item, np.int64)
        right, day = np.asarray(right, np.float64), np.asarray(day, np.float64)
        check_axis("N", learner=learner.size, item=item.size, right=right.size, day=day.size)
        n_items = needs.indptr.size - 1
        for name, values, bad, wanted in (
            ("learner", learner, learner < 0, "numbers from 0"),
            ("item", item, (item < 0) | (item >= n_items), f"0 to {n_items - 1}"),
            ("share right", right, ~((right >= 0) & (right <= 1)), "numbers in [0, 1]"),
            ("day", day, ~np.isfinite(day), "a finite number"),
        ):
            if bad.any():
                at = int(np.flatnonzero(bad)[0])
                raise InputError(f"answer {at} has {name} {values[at]}; give {wanted}")
        bare = np.flatnonzero(np.diff(needs.indptr)[item] == 0)
        if bare.size:
            raise InputError(
                f"item {item[bare[0]]} was answered and asks for no concept; leave its answers out,"
                " or give it a concept in the Q-matrix"
            )
        order = np.lexsort((day, learner))
        n_learners = int(learner.max()) + 1 if learner.size else 1
        return cls(
            given=Answers(item[order], right[order], day[order]),
            learner=learner[order],
            order=order,
            starts=np.searchsorted(learner[order], np.arange(n_learners + 1)),
            needs=needs,
        )

    @cached_property
    def by_item(self) -> tuple[Ints, Ints, Ints]:
        """The answers sorted by item, where each item begins, and which items they are."""
        order = np.argsort(self.given.item, kind="stable")
        items = self.given.item[order]
        begin = np.flatnonzero(np.concatenate([[True], np.diff(items) > 0]))
        return order, begin, items[begin]

    @cached_property
    def group(self) -> Ints:
        """(V,) items with the same concepts have the same number."""
        numbers: dict[bytes, int] = {}
        indptr, indices = self.needs
        keys = (indices[begin:end].tobytes() for begin, end in pairwise(indptr))
        return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)


# ------------------------------------------------------------------------------------------- EM


@dataclass(frozen=True)
class _Found:
    """What the E-step found: of answers and learners; states drawn anew, and in how many days."""

    of: Expected
    anew: float
    days: float


def _start(config: AgingConfig, answers: _InOrder, q_matrix: sparse.csr_matrix) -> AgingModel:
    n_items, n_concepts = q_matrix.shape
    ability = np.linspace(-3, 3, config.n_classes) if config.n_classes > 1 else np.zeros(1)
    middle = logit(np.clip(answers.given.right.mean(), 0.1, 0.9)) / 2
    difficulty, contrast = np.full(n_items, middle), np.full(n_items, 2.2)
    return AgingModel(
        q_matrix=q_matrix,
        difficulty=difficulty,
        contrast=contrast,
        prior_log_odds=np.zeros(n_concepts),
        learn=np.full(n_concepts, config.learn_start),
        forget=float(np.log(2)) / config.half_life,
        ability=ability,
        share=_normal(-(ability**2) / 2),
        prior_slope=1.0 if ability.size > 1 else 0.0,
        answer_slope=0.7 if ability.size > 1 and config.ability_in_answers else 0.0,
        to_difficulty=Pull(difficulty, config.difficulty_spread**2),
        to_contrast=Pull(contrast, config.contrast_spread**2),
        evidence=np.zeros(0),
        converged=False,
    )


def _expectations(model: AgingModel, answers: _InOrder) -> _Found:
    """The E-step, blocks of learners on all cores."""
    n_learners, n_answers = answers.starts.size - 1, answers.order.size
    n_classes, n_concepts = model.chances.prior.shape
    n_blocks = min(cores(), n_learners)
    even = np.linspace(0, n_answers, n_blocks + 1)[1:-1]
    edges = np.concatenate([[0], np.searchsorted(answers.starts, even), [n_learners]])
    whole = Expected(
        responsible=np.empty((n_learners, n_classes)),
        evidence=np.empty(n_learners),
        all_held=np.empty((n_answers, n_classes)),
        drawn=np.zeros((n_blocks, n_classes, n_concepts, 2)),
        turned=np.zeros((n_blocks, n_concepts, 2)),
    )
    times = np.zeros((n_blocks, 2))

    def work(block: int) -> None:
        own = whole._replace(drawn=whole.drawn[block], turned=whole.turned[block])
        times[block] = expect(
            edges[block], edges[block + 1], answers.starts, answers.given, answers.needs,
            model.chances, np.log(model.share), own,
        )  # fmt: skip

    in_threads(work, [(block,) for block in range(n_blocks)])
    anew, days = times.sum(axis=0).tolist()
    of = whole._replace(drawn=whole.drawn.sum(axis=0), turned=whole.turned.sum(axis=0))
    return _Found(of, anew, days)


def _moved(model: AgingModel, found: _Found, answers: _InOrder, config: AgingConfig) -> AgingModel:
    """The M-step."""
    order, begin, items = answers.by_item
    right, all_held = answers.given.right[:, None], found.of.all_held

    def by_item(of: Floats) -> Floats:
        return np.add.reduceat(of[order], begin, axis=0)

    weight = found.of.responsible[answers.learner]
    tally = _Tally(
        held=by_item(all_held),
        held_right=by_item(all_held * right),
        lacking=by_item(weight - all_held),
        lacking_right=by_item((weight - all_held) * right),
    )
    to_difficulty, to_contrast = model.to_difficulty, model.to_contrast
    difficulty, contrast, variances = _fit_items(
        model.difficulty[items], model.contrast[items], model.answer_slope * model.ability, tally,
        Pull(to_difficulty.mean[items], to_difficulty.variance),
        Pull(to_contrast.mean[items], to_contrast.variance),
    )  # fmt: skip
    if config.pool:
        group = answers.group
        to_difficulty = _pooled(difficulty, variances[0], group, items, to_difficulty)
        to_contrast = _pooled(contrast, variances[1], group, items, to_contrast)
    all_difficulty, all_contrast = to_difficulty.mean.copy(), to_contrast.mean.copy()
    all_difficulty[items], all_contrast[items] = difficulty, contrast
    prior, prior_slope = _fit_prior(model, found.of.drawn, config)
    learn, forget = model.learn, model.forget
    if config.fit_learn:
        asked, turned = found.of.turned.T
        mean = turned.sum() / max(asked.sum(), 1e-300)
        learn = (turned + config.learn_weight * mean) / (asked + config.learn_weight + 1e-300)
        learn = np.minimum(learn, 1 - 1e-6)
    if config.fit_forget and found.days > 0:
        forget = found.anew / found.days
    start = _normal(-(model.ability**2) / 2)
    people = found.of.responsible[np.diff(answers.starts) > 0]
    return replace(
        model,
        difficulty=all_difficulty,
        contrast=all_contrast,
        prior_log_odds=prior,
        learn=learn,
        forget=forget,
        # as many learners as there are classes are seen beforehand
        share=(people.sum(axis=0) + start * start.size) / (people.shape[0] + start.size),
        prior_slope=prior_slope,
        answer_slope=_answer_slope(model, difficulty, contrast, tally)
        if config.ability_in_answers
        else 0.0,
        to_difficulty=to_difficulty,
        to_contrast=to_contrast,
    )


@dataclass(frozen=True)
class _Tally:
    """Expected answers of each item and class, (items, A): given with all concepts held, or not."""

    held: Floats
    held_right: Floats
    lacking: Floats
    lacking_right: Floats


def _fit_items(
    difficulty: Floats,
    contrast: Floats,
    shift: Floats,
    tally: _Tally,
    to_difficulty: Pull,
    to_contrast: Pull,
) -> tuple[Floats, Floats, tuple[Floats, Floats]]:
    """Newton's method on two unknowns an item; also the variances of both at the top (Laplace)."""
    for _ in range(_NEWTON_STEPS):
        high = expit((difficulty + contrast / 2)[:, None] + shift)
        low = expit((difficulty - contrast / 2)[:, None] + shift)
        up = np.sum(tally.held_right - tally.held * high, axis=1)
        down = np.sum(tally.lacking_right - tally.lacking * low, axis=1)
        of_high = np.sum(tally.held * high * (1 - high), axis=1)
        of_low = np.sum(tally.lacking * low * (1 - low), axis=1)
        slope = up + down - (difficulty - to_difficulty.mean) / to_difficulty.variance
        across = (up - down) / 2 - (contrast - to_contrast.mean) / to_contrast.variance
        a = of_high + of_low + 1 / to_difficulty.variance
        b = (of_high - of_low) / 2
        d = (of_high + of_low) / 4 + 1 / to_contrast.variance
        determinant = a * d - b * b
        difficulty = difficulty + np.clip((d * slope - b * across) / determinant, -1, 1)
        step = np.clip((a * across - b * slope) / determinant, -1, 1)
        contrast = np.maximum(contrast + step, _LEAST_CONTRAST)
    return difficulty, contrast, (d / determinant, a / determinant)


def _pooled(value: Floats, variance: Floats, group: Ints, items: Ints, before: Pull) -> Pull:
    """Means of groups, drawn to the mean of all as far as groups are alike; spread within groups.

    A normal distribution of items in their group and of groups among all, by its moments.
    """
    _, mine, count = np.unique(group[items], return_inverse=True, return_counts=True)
    average = np.bincount(mine, value) / count
    error = before.variance / count
    overall = float(np.average(average, weights=count))
    between = float(np.average((average - overall) ** 2 - error, weights=count))
    trust = between / (between + error) if between > 0 else np.zeros(count.size)
    of_group = np.full(int(group.max()) + 1, overall)
    of_group[np.unique(group[items])] = overall + trust * (average - overall)
    mean = of_group[group]
    return Pull(mean, max(float(np.mean((value - mean[items]) ** 2 + variance)), _LEAST_SPREAD**2))


def _fit_prior(model: AgingModel, drawn: Floats, config: AgingConfig) -> tuple[Floats, float]:
    """Newton's method on the log odds of the priors and their common slope, in turns."""
    count, held = drawn.sum(axis=2).T, drawn[:, :, 1].T  # (K, A)
    prior, slope, pull = model.prior_log_odds, model.prior_slope, config.prior_weight
    for _ in range(_NEWTON_STEPS):
        p, middle = expit(prior[:, None] + slope * model.ability), expit(prior)
        rise = np.sum(held - count * p, axis=1) + pull * (1 - 2 * middle)
        bend = np.sum(count * p * (1 - p), axis=1) + 2 * pull * middle * (1 - middle)
        prior = prior + np.clip(rise / np.maximum(bend, 1e-12), -1, 1)
        p = expit(prior[:, None] + slope * model.ability)
        slope = _newton_slope(slope, model.ability, held - count * p, count * p * (1 - p))
    return prior, slope


def _answer_slope(model: AgingModel, difficulty: Floats, contrast: Floats, tally: _Tally) -> float:
    slope = model.answer_slope
    for _ in range(_NEWTON_STEPS):
        high = expit((difficulty + contrast / 2)[:, None] + slope * model.ability)
        low = expit((difficulty - contrast / 2)[:, None] + slope * model.ability)
        missed = tally.held_right - tally.held * high + tally.lacking_right - tally.lacking * low
        bend = tally.held * high * (1 - high) + tally.lacking * low * (1 - low)
        slope = _newton_slope(slope, model.ability, missed, bend)
    return slope


def _newton_slope(slope: float, ability: Floats, missed: Floats, bend: Floats) -> float:
    if ability.size == 1:
        return slope
    step = np.sum(missed * ability) / max(float(np.sum(bend * ability**2)), 1e-12)
    return max(slope + float(np.clip(step, -0.5, 0.5)), 0.0)  # more able, never less likely


def _normal(logs: Floats) -> Floats:
    """Probabilities along the first axis."""
    weight = np.exp(logs - logs.max(axis=0))
    return weight / weight.sum(axis=0)
