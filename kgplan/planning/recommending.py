"""Which courses may a learner take next? Those like the ones taken, by what they are about.

Sizes: U learners, C courses, K concepts, V items.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from kgplan.arrays import Array, Floats, Ids, Ints
from kgplan.data.records import LearnerRecords
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.planning.done import done_by
from kgplan.planning.learner import CurrentLearner
from kgplan.similarity.courses import CourseSimilarity, tfidf

ALIKE = 0.7
"""How alike a course has to be to one that was taken."""
FEW = 5
LATEST = 100  # courses of a learner that count
NAMED = 3  # courses and concepts that a reason names
Basis = Literal["courses", "popular"]


@dataclass(frozen=True)
class Because:
    """A course that was taken, and that another is like.

    Attributes:
        course_id, name: of it.
        alike: how alike, 0 to 1: the mean of the next two.
        semantic: by what is said of both.
        collaborative: by who takes both.
    """

    course_id: str
    name: str
    alike: float
    semantic: float
    collaborative: float


@dataclass(frozen=True)
class Recommended:
    """A course to take.

    Attributes:
        course_id, name: of it.
        score: by which it was chosen; where nothing is known of the learner, how many take it.
        like: courses that were taken and that it is like, the most alike first.
        shared: names of concepts that it shares with courses that were taken, the weightiest first.
        because: in one sentence.
    """

    course_id: str
    name: str
    score: float
    like: tuple[Because, ...]
    shared: tuple[str, ...]
    because: str


@dataclass(frozen=True)
class Recommendations:
    """Courses to take, the best first.

    Attributes:
        learner_id: whose.
        basis: "courses" that were taken, or what is "popular" where nothing is known.
        courses: to take; may be none.
        told: in one sentence, where there are fewer than asked for, or nothing is known.
    """

    learner_id: str
    basis: Basis
    courses: tuple[Recommended, ...]
    told: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


class Recommender:
    """Recommends courses, for any number of learners.

    Args:
        graph: which courses there are, and their concepts.
        records: who takes which.
        texts: course -> what is said of it, its name included; others have their name alone.
    """

    def __init__(
        self, graph: GraphSnapshot, records: LearnerRecords, texts: Mapping[str, str]
    ) -> None:
        self._graph, self._records = graph, records
        self._at = records.courses
        self.course_ids: Ids = records.course_ids
        self.names = [graph.course_name(each) for each in self.course_ids.tolist()]
        words = [
            texts.get(course_id, name)
            for course_id, name in zip(self.course_ids.tolist(), self.names, strict=True)
        ]
        self.similarity = CourseSimilarity(tfidf(words), records.enrolled)
        self._popular: Ints = np.asarray((records.enrolled > 0).sum(axis=0)).ravel()
        titles = ["".join(name.split()).casefold() for name in self.names]  # some have spaces
        _, self._title = np.unique(np.array(titles, dtype=str), return_inverse=True)

    def of(
        self,
        learner_id: str,
        current: CurrentLearner | None = None,
        most: int = FEW,
        alike: float = ALIKE,
    ) -> Recommendations:
        """Courses for a learner.

        s = (cos + cf) / 2; score(c) = sum over taken j with s(j, c) >= `alike` of r_j s(j, c)
        (1 + sum of w_t over concepts t of c), w_t = sum of r_j over taken j that have t, over the
        sum of all r_j. r_j is the mean share of what the learner opened in j; 1 where j shows
        nothing that can be told. Courses of the same name as one taken are runs of it, left out.

        Args:
            learner_id: of the records, or new.
            current: what is known of the learner beside the records.
            most: courses at most.
            alike: s from which a course counts.
        """
        taken, rated = self._taken(learner_id, current)
        if not taken.size:
            return self._what_is_popular(learner_id, most)
        weights = self._weights(taken, rated)
        known: Array = np.isin(self._title, self._title[taken])
        score = np.zeros(self.course_ids.size)
        alikes: dict[int, list[tuple[float, int]]] = {}
        for course, share in zip(taken.tolist(), rated.tolist(), strict=True):
            joined = self.similarity.joined(course)
            joined[known | (joined < alike)] = 0.0
            score += share * joined
            for other in np.flatnonzero(joined).tolist():
                alikes.setdefault(other, []).append((float(joined[other]), course))
        has = self._records.course_concepts
        score *= 1 + has.astype(np.float64) @ weights
        order = np.lexsort((self.course_ids, -score))
        chosen = [course for course in order.tolist() if score[course] > 0]
        found, titles = list[Recommended](), set[int]()
        for course in chosen:  # of several runs of a course the best alone
            if self._title[course] not in titles and len(found) < most:
                titles.add(int(self._title[course]))
                found.append(self._recommended(course, score[course], alikes[course], weights))
        told = ""
        if len(found) < most:
            few = f"only {len(found)}" if found else "no"
            told = (
                f"{few} course{'s are' if len(found) != 1 else ' is'} as alike as {alike:g} to one"
                f" of the {taken.size} taken, runs of these left out; a lower `alike` shows more"
            )
        return Recommendations(learner_id, "courses", tuple(found), told)

    def _taken(self, learner_id: str, current: CurrentLearner | None) -> tuple[Ints, Floats]:
        """Courses of a learner, and r of each; those with r 0 say nothing."""
        records = self._records
        in_records = current is None or current.in_records
        row = records.learners.find(learner_id) if in_records else -1
        taken: Ints = np.zeros(0, dtype=np.int64)
        if row >= 0:
            taken = records.enrolled[[row]].indices.astype(np.int64)
        if current is not None:
            taken = np.union1d(taken, self._at.known(current.courses)).astype(np.int64)
        done = done_by(records, learner_id, current, row >= 0)
        value = np.fmax(done.shares, done.scores)
        rated = np.ones(taken.size)
        for k, course in enumerate(taken.tolist()):
            opened = value[records.course_items[[course]].indices]
            opened = opened[~np.isnan(opened)]
            rated[k] = opened.mean() if opened.size else 1.0
        best = np.lexsort((taken, -rated))[:LATEST]
        best = best[rated[best] > 0]
        return taken[best], rated[best]

    def _weights(self, taken: Ints, rated: Floats) -> Floats:
        """(K,) w_t of each concept."""
        has = self._records.course_concepts[taken].astype(np.float64)
        found: Floats = (has.T @ rated) / rated.sum()
        return found

    def _recommended(
        self, course: int, score: float, alike: list[tuple[float, int]], weights: Floats
    ) -> Recommended:
        like = []
        for joined, other in sorted(alike, key=lambda each: (-each[0], each[1]))[:NAMED]:
            semantic = float(self.similarity.semantic(other)[course])
            together = float(self.similarity.collaborative(other)[course])
            name = str(self.course_ids[other])
            like.append(Because(name, self.names[other], joined, semantic, together))
        own = self._records.course_concepts[[course]].indices
        own = own[weights[own] > 0]
        own = own[np.lexsort((own, -weights[own]))][:NAMED]
        shared = tuple(self._concept_name(str(self._records.concept_ids[k])) for k in own)
        because = f"It is like {like[0].name}, which was taken"
        if like[0].collaborative > 0:
            because += ", by what it is about and by who takes both"
        if shared:
            because += f"; they share {', '.join(shared)}"
        name = str(self.course_ids[course])
        return Recommended(
            name, self.names[course], float(score), tuple(like), shared, because + "."
        )

    def _concept_name(self, concept_id: str) -> str:
        at = self._graph.concepts.find(concept_id)
        return concept_id if at < 0 else str(self._graph.concept_names[at])

    def _what_is_popular(self, learner_id: str, most: int) -> Recommendations:
        found, titles = list[Recommended](), set[int]()
        for course in np.lexsort((self.course_ids, -self._popular)).tolist():
            takers = int(self._popular[course])
            if len(found) == most or not takers:
                break
            if int(self._title[course]) in titles:
                continue
            titles.add(int(self._title[course]))
            course_id, why = str(self.course_ids[course]), f"{takers:,} learners take it."
            found.append(Recommended(course_id, self.names[course], takers, (), (), why))
        told = (
            "nothing is known of the learner's courses, so these are those that most learners take"
        )
        if not found:
            told = "nothing is known of the learner's courses, and nobody takes any"
        return Recommendations(learner_id, "popular", tuple(found), told)
