"""Made-up learners to whom lists are shown: what they open, finish and learn follows from plants.

Logs hold no recommendations, so that nothing real says what a list changes. Everything here is made
up but the course: its videos in order, what they cover and what that builds on. Planted are a
taste for modalities that shifts behind every ten videos, mastery that grows along
prerequisites, exercises by DINA, and fatigue.
Specification section 8.
Sizes: L learners, V videos of the course in its order, K concepts, M modalities, n shown.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints
from kgplan.resources.foundations import criticality

MODALITIES = 3
STAGES = 3
STAGE = 10
"""Videos that a stage takes; the last one has no end."""
SHOWN = 5
SLIP, GUESS = 0.1, 0.2
BEGIN = 0.15
"""P(a concept is held at the start)."""
LEARN, LEARN_EARLY = 0.6, 0.1
"""P(a concept is learned from a video that is watched whole), with all that it builds on, and
without."""
TASTE, READY, TIRED, NOTHING = 3.0, 1.0, 2.0, 1.2
HARD = 0.5
"""What opening is drawn to: the taste for the video, what of its prerequisites is held, less
fatigue; against opening nothing. Watching a video whole is drawn to the same, against `HARD`."""
TIRES, RESTS = 0.08, 0.9
"""Fatigue that a video adds, and what a step leaves of it."""
REWARDS = (0.3, 0.3, 0.2, 0.2)
"""Of interaction, progress of knowledge, completion and diversity: weights of R_t."""


@dataclass(frozen=True)
class Course:
    """What is real.

    Attributes:
        covers: (V, K) 1 where the video covers the concept; videos in the course's order.
        before: (K, K) 1 where the column's concept is a prerequisite of the row's and is first
            covered before it: without cycles.
    """

    covers: Floats
    before: Floats

    @classmethod
    def of(cls, covers: sparse.csr_array, before: sparse.csr_array) -> "Course":
        """From the concepts that some video of the course covers.

        Args:
            covers: (V, K') videos in order.
            before: (K', K') where the column's concept is a prerequisite of the row's.
        """
        taught = np.flatnonzero(np.asarray((covers != 0).sum(axis=0)).ravel())
        q = (covers[:, taught].toarray() != 0).astype(float)
        first = np.argmax(q > 0, axis=0)
        stated = before[taught][:, taught].toarray() != 0
        return cls(q, (stated & (first[None, :] < first[:, None])).astype(float))

    @property
    def crucial(self) -> Floats:
        """(K,) see `criticality`."""
        return criticality(sparse.csr_array(self.before))

    @property
    def builds_on(self) -> Floats:
        """(V, K) 1 for prerequisites of what a video covers that it does not cover itself."""
        return (self.covers @ self.before > 0) * (1 - self.covers)


@dataclass
class Learners:
    """Who is taught; `open_one` moves them.

    Attributes:
        taste: (L, STAGES, M) shares, planted.
        held: (L, K) True for what is mastered.
        fatigue: (L,) 0 and more.
        opened, done: (L, V) True for what was opened, and watched whole.
    """

    taste: Floats
    held: Array
    fatigue: Floats
    opened: Array
    done: Array


@dataclass(frozen=True)
class Happened:
    """What a platform sees of a step.

    Attributes:
        chosen: (L,) the video that was opened, -1 for none.
        finished: (L,) True where it was watched whole.
        right: (L,) True where its exercise was solved.
    """

    chosen: Ints
    finished: Array
    right: Array


@dataclass(frozen=True)
class World:
    """A course with planted modalities, and learners of it.

    Attributes:
        course: real.
        profiles: (V, M) share of each modality in a video, planted.
        trend: (STAGES, M) what all tastes share.
    """

    course: Course
    profiles: Floats
    trend: Floats
    ready_by: Floats = field(init=False)

    def __post_init__(self) -> None:
        needs = self.course.builds_on
        share = needs / np.maximum(needs.sum(axis=1, keepdims=True), 1)
        object.__setattr__(self, "ready_by", share)

    @classmethod
    def drawn(cls, course: Course, seed: int) -> "World":
        """Plant modalities and the trend of tastes."""
        rng = np.random.default_rng([seed, 1])
        profiles = rng.dirichlet(np.full(MODALITIES, 0.5), course.covers.shape[0])
        trend = 2.0 * np.eye(MODALITIES)[rng.permutation(MODALITIES)]
        return cls(course, profiles, trend[:STAGES])

    def start(self, n: int, rng: np.random.Generator) -> Learners:
        """New learners."""
        n_videos, n_concepts = self.course.covers.shape
        logits = self.trend + rng.normal(0, 0.7, (n, STAGES, MODALITIES))
        share = np.exp(logits)
        nothing = np.zeros((n, n_videos), dtype=bool)
        return Learners(
            share / share.sum(axis=2, keepdims=True),
            rng.random((n, n_concepts)) < BEGIN,
            np.zeros(n),
            nothing,
            nothing.copy(),
        )

    def appeal(self, learners: Learners) -> Floats:
        """(L, V) what opening each video is drawn to, fatigue left out."""
        stage = np.minimum(learners.done.sum(axis=1) // STAGE, STAGES - 1)
        taste = learners.taste[np.arange(stage.size), stage]
        return TASTE * (taste @ self.profiles.T) + READY * self.ready(learners)

    def ready(self, learners: Learners) -> Floats:
        """(L, V) share of what a video builds on that is held; 1 where it builds on nothing."""
        some = self.ready_by.any(axis=1)
        return np.where(some, learners.held @ self.ready_by.T, 1.0)

    def finishes(self, learners: Learners) -> Floats:
        """(L, V) P(watched whole), if opened."""
        return 1 / (1 + np.exp(HARD + TIRED * learners.fatigue[:, None] - self.appeal(learners)))

    def show(self, learners: Learners, lists: Ints, rng: np.random.Generator) -> Happened:
        """Show a list to each; they open one video of it or none, and may finish and learn it.

        All chance of a step is drawn alike whatever is shown, so that contestants meet the same.

        Args:
            learners: are moved.
            lists: (L, n) videos, -1 for none.
            rng: draws.
        """
        n, n_videos = learners.done.shape
        n_concepts = learners.held.shape[1]
        noise, nobody = rng.gumbel(size=(n, n_videos)), rng.gumbel(size=n)
        chances = rng.random((n, 3))
        learns = rng.random((n, n_concepts))
        row = np.arange(n)
        pull = self.appeal(learners) - TIRED * learners.fatigue[:, None] + noise
        shown = np.where(lists >= 0, pull[row[:, None], lists], -np.inf)
        first = np.argmax(shown, axis=1)
        opens = shown[row, first] > NOTHING + nobody
        video = lists[row, first]
        finished = opens & (chances[:, 0] < self.finishes(learners)[row, video])
        covers = self.course.covers[video] > 0
        lacks = (~learners.held).astype(float) @ self.course.before.T > 0
        chance = np.where(lacks, LEARN_EARLY, LEARN)
        learners.held |= finished[:, None] & covers & (learns < chance)
        knows = (learners.held | ~covers).all(axis=1)
        right = finished & (chances[:, 1] < np.where(knows, 1 - SLIP, GUESS))
        learners.opened[row[opens], video[opens]] = True
        learners.done[row[finished], video[finished]] = True
        learners.fatigue = RESTS * learners.fatigue + TIRES * opens
        return Happened(np.where(opens, video, -1), finished, right)


def exam(learners: Learners) -> Floats:
    """(L,) expected share of exercises that are solved, one on each concept."""
    return np.where(learners.held, 1 - SLIP, GUESS).mean(axis=1)


def spread(course: Course, lists: Ints) -> Floats:
    """(L,) Diversity of eq. (9): entropy of the concepts of a list, as a share of the most.

    Args:
        course: of the videos.
        lists: (L, n), -1 for none.
    """
    counts = (course.covers[lists] * (lists >= 0)[:, :, None]).sum(axis=1)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    logs = np.log(np.where(share > 0, share, 1))
    return -(share * logs).sum(axis=1) / np.log(max(course.covers.shape[1], 2))
