"""Learners who stand where real ones were in a course, and hold what published V-DINA infers.

The protocol of KG-PLPPM's learning efficiency [hou2025, 4; eqs. 14 to 16] with a learner in place
of a path: the first k percent of the concepts of the original path are learned; then each step
learns what is recommended, by the concept's least watched video, until the minutes are over that
the rest of the original path took. E is the mean mastery of the course's concepts. Nothing is made
up but what the paper makes up: that to watch is to learn as V-DINA infers from it. Nothing that is
asked for is ever failed, prerequisites do nothing, and the order of videos does not matter. A
concept whose videos were all watched, or that has none, is passed by: the step is lost, no minute.
Sizes: L learners, K concepts of the course, V items of the records.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kgplan.arrays import Array, Floats, Ints
from kgplan.errors import ConfigError, InputError
from kgplan.evaluation.papers.efficiency import Cut, cut, original_path
from kgplan.evaluation.papers.study import Enrolment, Path, Study
from kgplan.evaluation.simulators.protocol import Platform

NO_TIME = 1e-9  # minutes


@dataclass(frozen=True)
class VdinaConfig:
    """Where learners begin.

    Attributes:
        percent: of the concepts of the original path, that are learned already.
        least_concepts: of that path, for a learner to count.

    Raises:
        ConfigError: a value is out of its range.
    """

    percent: float = 50.0
    least_concepts: int = 10

    def __post_init__(self) -> None:
        if not 0 <= self.percent < 100:
            raise ConfigError(f"percent is {self.percent}; give a number in [0, 100)")
        if self.least_concepts < 1:
            raise ConfigError(f"least_concepts is {self.least_concepts}; give at least 1")


@dataclass
class VdinaLearners:
    """Learners of `Vdina`.

    Attributes:
        goals, gone: as for `Learners`; who has no time left is gone.
        shares: (L, V) what is observed of each item, as `State.shares`.
        minutes: (L,) that are left.
    """

    goals: Array
    gone: Array
    shares: Floats
    minutes: Floats


def halves_of(study: Study, course: int, config: VdinaConfig) -> tuple[list[Cut], list[Cut]]:
    """Every other learner of a course, to fit to, and the rest, to test on, each cut.

    Args:
        study: graph, records and the published diagnosis.
        course: a row of the records.
        config: where learners are cut, and who counts.

    Raises:
        InputError: fewer than two learners count, or the order of views is not known.
    """
    enrolled = study.records.enrolled.tocsc()
    those = enrolled.indices[enrolled.indptr[course] : enrolled.indptr[course + 1]]
    found = [Enrolment(learner, course) for learner in np.sort(those).tolist()]
    enough = [
        each for each in found if original_path(study, each).concepts.size >= config.least_concepts
    ]
    if len(enough) < 2:
        raise InputError(
            f"{len(enough)} learners met {config.least_concepts} concepts of the course or more;"
            " take one that at least 2 went through, or lower least_concepts"
        )
    cuts = [cut(study, each, config.percent, own_videos=False) for each in enough]
    return cuts[::2], cuts[1::2]


class Vdina:
    """The simulator.

    Args:
        study: graph, records and the published diagnosis.
        course: a row of the records.
        tuning, test: real learners, as of `halves_of`.
        platform: of the course; its concepts are `study.asked(course)`, in that order.
    """

    def __init__(
        self,
        study: Study,
        course: int,
        tuning: Sequence[Cut],
        test: Sequence[Cut],
        platform: Platform,
    ) -> None:
        self.study, self.course, self.platform = study, course, platform
        self._asked = study.asked(course)
        self._covers = study.ground.covers[:, self._asked] > 0
        self._all = np.unique(np.concatenate([study.teaching(k) for k in self._asked.tolist()]))
        self._tuning, self._test = tuning, test

    def start(self, n: int, rng: np.random.Generator, tuning: bool = False) -> VdinaLearners:
        """Real learners drawn again, each where the first part of the original path has led."""
        cuts = self._tuning if tuning else self._test
        drawn = [cuts[k] for k in rng.integers(0, len(cuts), n).tolist()]
        minutes = np.array([each.minutes for each in drawn])
        return VdinaLearners(
            np.ones((n, self._asked.size), bool),
            minutes <= NO_TIME,
            np.array([each.state.shares for each in drawn]),
            minutes,
        )

    def before(self, learners: VdinaLearners) -> Ints:
        """(L, K) what the videos opened so far were on."""
        return self._on(learners.shares > 0)

    def step(self, learners: VdinaLearners, concept: Ints, rng: np.random.Generator) -> Ints:
        """Watch the concept's least watched video, or as much as there is time for.

        The concept itself counts as worked on with success where it is passed by, too.
        """
        told = np.zeros(learners.goals.shape, np.int64)
        gone = learners.gone.copy()
        for u in np.flatnonzero(~gone).tolist():
            path = Path(self._asked[concept[u : u + 1]])
            done = self.study.watch(
                learners.shares[u], self.course, path, float(learners.minutes[u])
            )
            learners.shares[u] = done.shares
            learners.minutes[u] -= done.minutes
            gone[u] = learners.minutes[u] <= NO_TIME
            opened = np.zeros((1, done.shares.size), dtype=bool)
            opened[0, list(done.opened)] = True
            told[u] = self._on(opened)[0]
            told[u, concept[u]] = 1
        learners.gone = gone
        return told

    def score(self, learners: VdinaLearners) -> Floats:
        """(L,) mean mastery of the goals, as V-DINA infers it."""
        return _mean(self.mastery(learners), learners.goals)

    def full(self, learners: VdinaLearners) -> Floats:
        """(L,) the same once every video was watched that covers a concept of the course."""
        return _mean(self._inferred(self._taught(learners)), learners.goals)

    def mastery(self, learners: VdinaLearners) -> Floats:
        """(L, K) inferred; no other truth is known."""
        return self._inferred(learners.shares)

    def teach(self, learners: VdinaLearners) -> None:
        """Let every video be watched."""
        learners.shares = self._taught(learners)

    def _taught(self, learners: VdinaLearners) -> Floats:
        shares = learners.shares.copy()
        shares[:, self._all] = 1.0
        return shares

    def _inferred(self, shares: Floats) -> Floats:
        return self.study.masteries(list(shares))[:, self._asked]

    def _on(self, opened: Array) -> Ints:
        """(L, K) 1 where what was opened covers the concept."""
        return np.asarray((opened.astype(np.float32) @ self._covers) > 0).astype(np.int64)


def _mean(values: Floats, goals: Array) -> Floats:
    return np.asarray((values * goals).sum(axis=1) / np.maximum(goals.sum(axis=1), 1))
