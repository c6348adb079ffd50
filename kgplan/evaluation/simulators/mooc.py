"""Learners who go through a course's videos as real ones did: who opens what next, who leaves.

Fitted to real views: after each view a learner leaves, or goes on, more or less often by how many
views there were and by how far the last one led; who goes on opens the next video that was not
opened, one of the few behind it, one further ahead, or one left behind. What is recommended is
opened instead with probability `follow`, which no view tells: nobody was recommended anything.
Nor do views tell what was learned: E is how much of the course's concepts was opened.
Sizes: L learners, K concepts, V videos of the course in its order, N views, S sequences.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ids, Ints
from kgplan.errors import ConfigError, InputError
from kgplan.evaluation.simulators.protocol import Platform

NEXT, NEAR, FAR, BACK = range(4)
"""Where a view leads, in videos not yet opened: the next one, one of `FEW` behind it, one further
ahead, one left behind."""
FEW = 4
COUNTS = np.array([1, 2, 3, 6, 11, 21, 51])
"""Views so far from which a learner leaves at another rate."""
PULL = 10.0
"""Views that the rate of all weighs in each."""
ROUNDS = 50


@dataclass(frozen=True)
class MoocConfig:
    """What is not fitted.

    Attributes:
        follow: P(what is recommended is opened), by those who stay.

    Raises:
        ConfigError: it is no probability.
    """

    follow: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.follow <= 1:
            raise ConfigError(f"follow is {self.follow}; give a number in [0, 1]")


@dataclass(frozen=True)
class Views:
    """Real views of a course, one learner after the other, each in time.

    Attributes:
        video: (N,) place in the course, 0 to V - 1; no learner has one twice.
        starts: (S + 1,) where each learner's views begin.
    """

    video: Ints
    starts: Ints

    def of(self, sequences: Ints) -> "Views":
        """Those of some learners."""
        parts = [self.video[self.starts[s] : self.starts[s + 1]] for s in sequences.tolist()]
        sizes = [part.size for part in parts]
        video = np.concatenate(parts) if parts else self.video[:0]
        return Views(video, np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64))


def halves(views: Views) -> tuple[Views, Views]:
    """Every other learner with two views or more, to fit to, and the rest of these, to test on.

    Raises:
        InputError: there are fewer than two such learners.
    """
    enough = np.flatnonzero(np.diff(views.starts) >= 2)
    if enough.size < 2:
        raise InputError(
            f"{enough.size} learners opened two videos of the course or more; take one that at"
            " least 2 watched"
        )
    return views.of(enough[::2]), views.of(enough[1::2])


@dataclass(frozen=True)
class ViewModel:
    """What was fitted.

    Attributes:
        weight: (4,) how likely each of `NEXT` to `BACK` is where all are possible, adding to 1.
        leave: (4, 7) P(leave) behind a view, by where it led and by views so far.
    """

    weight: Floats
    leave: Floats


def fit_views(views: Views, n_videos: int) -> ViewModel:
    """Fit who opens what next, and who leaves.

    The weights are of greatest likelihood given what was possible at each view [hunter2004, MM
    algorithms for generalized Bradley-Terry models]; rates are drawn to those of all by `PULL`.

    Args:
        views: of learners; a first view leads nowhere.
        n_videos: V.

    Raises:
        InputError: no learner has two views.
    """
    kind, possible, count, last = _described(views, n_videos)
    led = kind >= 0
    if not led.any():
        raise InputError("no learner has two views of the course; take one that was watched")
    found = np.bincount(kind[led], minlength=4) + 0.5
    weight = np.full(4, 0.25)
    for _ in range(ROUNDS):
        share = possible[led] / (possible[led] @ weight)[:, None]
        weight = found / np.maximum(share.sum(axis=0), 0.5)
        weight /= weight.sum()
    at = np.searchsorted(COUNTS, count, side="right") - 1
    could = count < n_videos  # who opened everything does not leave
    n, gone = np.zeros((4, COUNTS.size)), np.zeros((4, COUNTS.size))
    kinds = np.where(led, kind, NEXT)  # a first view counts as the next one
    np.add.at(n, (kinds[could], at[could]), 1)
    np.add.at(gone, (kinds[could], at[could]), last[could])
    usual = (gone.sum(axis=0) + gone.sum() / n.sum() * PULL) / (n.sum(axis=0) + PULL)
    return ViewModel(weight, (gone + usual * PULL) / (n + PULL))


def view_likelihood(model: ViewModel, views: Views, n_videos: int) -> tuple[float, float]:
    """Mean natural logarithm of what is said of each view: where it led, and whether it was last.

    Returns:
        That of the model, and that of opening any video not opened with one rate of leaving.
    """
    kind, possible, count, last = _described(views, n_videos, sizes=True)
    led, could = kind >= 0, count < n_videos
    at = np.searchsorted(COUNTS, count, side="right") - 1
    leave = model.leave[np.where(led, kind, NEXT), at]
    rate = float(last[could].mean())
    there = possible[led] > 0
    weight = there * model.weight
    chosen = np.arange(int(led.sum())), kind[led]
    said = np.log(weight[chosen] / weight.sum(axis=1) / possible[led][chosen]).sum()
    plain = -np.log(possible[led].sum(axis=1)).sum()
    n, n_last = int(could.sum()), int(last[could].sum())
    said += np.log(np.where(last, leave, 1 - leave)[could]).sum()
    plain += n_last * np.log(rate) + (n - n_last) * np.log1p(-rate)
    return float(said) / kind.size, float(plain) / kind.size


@dataclass
class MoocLearners:
    """Learners of `Mooc`.

    Attributes:
        goals, gone: as for `Learners`.
        opened: (L, V) True for what was opened.
        last: (L,) the video opened last.
    """

    goals: Array
    gone: Array
    opened: Array
    last: Ints


class Mooc:
    """The simulator.

    Args:
        model: what was fitted.
        tuning, test: real learners, whose first views simulated ones begin with, as of `halves`.
        covers: (V, K) True where the video covers the concept, videos in the course's order.
        platform: of the course.
        config: the rest.
    """

    def __init__(
        self,
        model: ViewModel,
        tuning: Views,
        test: Views,
        covers: Array,
        platform: Platform,
        config: MoocConfig,
    ) -> None:
        self.model, self.covers, self.platform, self.config = model, covers, platform, config
        self._tuning, self._test = tuning, test

    def start(self, n: int, rng: np.random.Generator, tuning: bool = False) -> MoocLearners:
        """Real learners drawn again, each after some of the views that they had."""
        views = self._tuning if tuning else self._test
        sizes = np.diff(views.starts)
        who = rng.integers(0, sizes.size, n)
        so_far = rng.integers(1, sizes[who])
        opened, last = np.zeros((n, len(self.covers)), bool), np.empty(n, np.int64)
        for u, (w, m) in enumerate(zip(who.tolist(), so_far.tolist(), strict=True)):
            own = views.video[views.starts[w] : views.starts[w] + m]
            opened[u, own], last[u] = True, own[-1]
        goals = np.ones((n, self.covers.shape[1]), bool)
        return MoocLearners(goals, np.zeros(n, bool), opened, last)

    def before(self, learners: MoocLearners) -> Ints:
        """(L, K) what the first views were on."""
        return self._covered(learners).astype(np.int64)

    def step(self, learners: MoocLearners, concept: Ints, rng: np.random.Generator) -> Ints:
        """Follow, or go on as learners do, or leave; as `Simulator.step`."""
        n, n_videos = learners.opened.shape
        follows, which, within, leaves = rng.random((4, n))
        free = ~learners.opened
        offered = free & self.covers[:, concept].T
        possible, kinds = _choices(free, learners.last)
        weight = (possible > 0) * self.model.weight
        total = weight.sum(axis=1)
        some = total > 0
        share = np.cumsum(weight / np.where(some, total, 1)[:, None], axis=1)
        kind = (share <= which[:, None]).sum(axis=1).clip(max=BACK)
        open_ = kinds == kind[:, None]
        place = np.cumsum(open_, axis=1)
        own = (place > (within * place[:, -1]).astype(int)[:, None]).argmax(axis=1)
        takes = (follows < self.config.follow) & offered.any(axis=1)
        video = np.where(takes, offered.argmax(axis=1), own)
        moves = ~learners.gone & (takes | some)
        rows = np.flatnonzero(moves)
        led = kinds[rows, video[rows]]
        learners.opened[rows, video[rows]] = True
        learners.last[rows] = video[rows]
        count = learners.opened[rows].sum(axis=1)
        at = np.searchsorted(COUNTS, count, side="right") - 1
        left = (leaves[rows] < self.model.leave[led, at]) & (count < n_videos)
        learners.gone = learners.gone.copy()
        learners.gone[rows[left]] = True
        told = np.zeros((n, self.covers.shape[1]), np.int64)
        told[rows] = self.covers[video[rows]]
        return told

    def score(self, learners: MoocLearners) -> Floats:
        """(L,) share of the goals on which a video was opened."""
        got = (self._covered(learners) & learners.goals).sum(axis=1)
        return np.asarray(got / np.maximum(learners.goals.sum(axis=1), 1))

    def full(self, learners: MoocLearners) -> Floats:
        """(L,) the same with everything opened."""
        got = (self.covers.any(axis=0) & learners.goals).sum(axis=1)
        return np.asarray(got / np.maximum(learners.goals.sum(axis=1), 1))

    def mastery(self, learners: MoocLearners) -> Floats:
        """(L, K) 1 for what a video was opened on; the platform sees the same."""
        return self._covered(learners).astype(float)

    def teach(self, learners: MoocLearners) -> None:
        """Let everything be opened."""
        learners.opened = np.ones_like(learners.opened)

    def _covered(self, learners: MoocLearners) -> Array:
        found = learners.opened.astype(np.float32) @ self.covers.astype(np.float32)
        return np.asarray(found > 0)


def _choices(free: Array, last: Ints) -> tuple[Ints, Ints]:
    """(L, 4) how many videos each of `NEXT` to `BACK` has, and (L, V) which each free one is of.

    Args:
        free: (L, V) True for what was not opened.
        last: (L,) the video opened last.
    """
    ahead = free & (np.arange(free.shape[1]) > last[:, None])
    rank = np.cumsum(ahead, axis=1)
    kinds = np.where(ahead, np.where(rank == 1, NEXT, np.where(rank <= 1 + FEW, NEAR, FAR)), BACK)
    kinds = np.where(free, kinds, -1)
    return np.stack([(kinds == kind).sum(axis=1) for kind in range(4)], axis=1), kinds


def _described(
    views: Views, n_videos: int, sizes: bool = False
) -> tuple[Ints, Floats, Ints, Array]:
    """Of each view: where it led (-1 for a first one), what was possible (as numbers of videos, or
    1 for any), which view of the learner it is, from 1, and whether it is the learner's last."""
    n = views.video.size
    kind, count = np.full(n, -1), np.empty(n, np.int64)
    possible, last = np.zeros((n, 4)), np.zeros(n, bool)
    for begin, end in zip(views.starts[:-1].tolist(), views.starts[1:].tolist(), strict=True):
        own = views.video[begin:end]
        count[begin:end] = np.arange(1, own.size + 1)
        last[end - 1 : end] = True
        if own.size < 2:
            continue
        free = np.ones((own.size - 1, n_videos), bool)
        for t in range(own.size - 1):
            free[t:, own[t]] = False
        found, kinds = _choices(free, own[:-1])
        possible[begin + 1 : end] = found
        kind[begin + 1 : end] = kinds[np.arange(own.size - 1), own[1:]]
    return kind, possible if sizes else (possible > 0).astype(float), count, last


def views_of(viewed: sparse.csr_array, order: Ints, course: Ints) -> Views:
    """The views of a course in the order of time.

    Args:
        viewed: (U, V) stored where the learner opened the item.
        order: along its stored entries, the place of the view among the learner's views.
        course: positions of the course's items, in its order.
    """
    place = np.full(viewed.shape[1], -1)
    place[course] = np.arange(course.size)
    learner = np.repeat(np.arange(viewed.shape[0]), np.diff(viewed.indptr))
    here = place[viewed.indices] >= 0
    learner, video, when = learner[here], place[viewed.indices[here]], order[here]
    sorted_ = np.lexsort((when, learner))
    learner = learner[sorted_]
    begins = np.flatnonzero(np.diff(learner, prepend=-1))
    return Views(video[sorted_], np.append(begins, learner.size).astype(np.int64))


def course_platform(
    names: Ids, prerequisites: sparse.csr_array, covers: Array, popularity: Floats
) -> Platform:
    """The platform of a course whose concepts stand in the order in which videos cover them.

    Args:
        names, prerequisites, popularity: as for `Platform`.
        covers: (V, K) as for `Mooc`.
    """
    first = np.where(covers.any(axis=0), covers.argmax(axis=0), len(covers))
    order = np.argsort(first, kind="stable")
    return Platform(names, prerequisites, order, popularity, answered=False)
