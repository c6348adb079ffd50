"""Where can a concept be learned? Courses that have it, each with its first video on it.

Sizes: K concepts of the graph, C courses of graph and records together, V videos, P places, which
are pairs of a concept and a course that has it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kgplan.arrays import Floats, Ids, Ints, positions
from kgplan.data.axis import Axis
from kgplan.data.records import LearnerRecords
from kgplan.data.stored import Stored
from kgplan.graph.snapshot import GraphSnapshot

TEACHINGS = 3  # places to learn a concept that a step names


@dataclass(frozen=True)
class Teaching:
    """A course that has the concept, and a video of it where one is known.

    Attributes:
        course_id: the course.
        video_id: its first video on the concept; None where none is known.
        minutes: the video's length; None where unknown.
    """

    course_id: str
    video_id: str | None
    minutes: float | None = None


@dataclass(frozen=True)
class Teachings(Stored):
    """The places of every concept: those with a video first, then in order of the course's id.

    Attributes:
        course_ids, video_ids: (C,), (V,) sorted.
        starts: (K + 1,) where each concept's places begin.
        courses, videos: (P,) positions; the course's first video on the concept, -1 for none.
        minutes: (V,) length of each video, NaN where unknown.
    """

    course_ids: Ids
    video_ids: Ids
    starts: Ints
    courses: Ints
    videos: Ints
    minutes: Floats

    def of(self, concept: int, course_id: str | None, own: frozenset[str]) -> tuple[Teaching, ...]:
        """The course asked for, then the learner's courses, then others; with a video first.

        Args:
            concept: its position.
            course_id: asked for; None for none.
            own: the learner's courses.
        """
        return tuple(self._place(place) for place in self._ranked(concept, course_id, own))

    def first_video(self, concept: int, course_id: str | None, own: frozenset[str]) -> int:
        """Position of the video that `of` names first; -1 where that place has none."""
        ranked = self._ranked(concept, course_id, own)
        return int(self.videos[ranked[0]]) if ranked else -1

    def _ranked(self, concept: int, course_id: str | None, own: frozenset[str]) -> list[int]:
        names = self._axis.names
        begin, end = self.starts[concept : concept + 2].tolist()
        first: list[int] = []
        mine: list[int] = []
        others: list[int] = []
        for place, course in enumerate(self.courses[begin:end].tolist(), begin):
            name = names[course]
            (first if name == course_id else mine if name in own else others).append(place)
        return (first + mine + others)[:TEACHINGS]

    def first_videos(self) -> Ints:
        """(K,) the video of each concept's first place; -1 where it has none."""
        found = np.full(self.starts.size - 1, -1, dtype=np.int64)
        some = np.diff(self.starts) > 0
        found[some] = self.videos[self.starts[:-1][some]]
        return found

    def concepts_in(self, course_id: str) -> list[int]:
        """Concepts that the course has."""
        at = self._axis.find(course_id)
        if at < 0:
            return []
        order, begins = self._by_course
        places = order[begins[at] : begins[at + 1]]
        return (np.searchsorted(self.starts, places, side="right") - 1).tolist()

    @cached_property
    def _axis(self) -> Axis:
        return Axis(self.course_ids)

    @cached_property
    def _by_course(self) -> tuple[Ints, Ints]:
        """(P,) places in order of their courses, and (C + 1,) where each course's begin."""
        order = np.argsort(self.courses, kind="stable")
        return order, np.searchsorted(self.courses[order], np.arange(self.course_ids.size + 1))

    def _place(self, place: int) -> Teaching:
        video = int(self.videos[place])
        course_id = self._axis.names[self.courses[place]]
        if video < 0:
            return Teaching(course_id, None)
        minutes = float(self.minutes[video])
        return Teaching(
            course_id, str(self.video_ids[video]), None if np.isnan(minutes) else minutes
        )


def teachings(graph: GraphSnapshot, records: LearnerRecords) -> Teachings:
    """Every concept's places, from the courses that the graph lists and the videos they show."""
    course_ids = np.union1d(graph.course_ids, records.course_ids)
    in_graph = positions(course_ids, graph.course_ids)
    in_records = positions(course_ids, records.course_ids)
    concept_of = positions(graph.concept_ids, records.concept_ids)
    shown, q = records.course_videos.tocoo(), records.q_matrix
    # one row for each course, video of it and concept of that
    counts = np.diff(q.indptr)[shown.col]
    row = np.repeat(np.arange(counts.size), counts)
    within = np.arange(row.size) - np.repeat(np.cumsum(counts) - counts, counts)
    concept = concept_of[q.indices[q.indptr[shown.col][row] + within]]
    listed = graph.course_concepts.tocoo()
    listed_concept = listed.col.astype(np.int64)
    course = np.concatenate([in_records[shown.row[row]], in_graph[listed.row]])
    concept = np.concatenate([concept, listed_concept])
    video = np.concatenate([shown.col[row], np.full(listed_concept.size, -1)])
    # a place without a video comes after all with one
    order_in_course = np.concatenate(
        [shown.data[row].astype(np.float64), np.full(listed_concept.size, np.inf)]
    )
    known = concept >= 0
    course, concept, video, order_in_course = (
        column[known] for column in (course, concept, video, order_in_course)
    )
    order = np.lexsort((video, order_in_course, course, concept))
    course, concept, video = course[order], concept[order], video[order]
    is_first = np.ones(order.size, dtype=bool)
    is_first[1:] = (course[1:] != course[:-1]) | (concept[1:] != concept[:-1])
    course, concept, video = course[is_first], concept[is_first], video[is_first]
    order = np.lexsort((course, video < 0, concept))
    starts = np.searchsorted(concept[order], np.arange(graph.concept_ids.size + 1))
    seconds = records.video_seconds
    unknown = np.full(records.video_ids.size, np.nan)
    return Teachings(
        course_ids=course_ids,
        video_ids=records.video_ids,
        starts=starts,
        courses=course[order].astype(np.int32),
        videos=video[order].astype(np.int32),
        minutes=unknown if seconds is None else seconds / 60,
    )
