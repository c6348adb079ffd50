"""Where can a concept be learned? Courses that have it, each with its videos on it.

Sizes: K concepts of the graph, C courses of graph and records together, V videos, P places, which
are triples of a concept, a course that has it, and a video of the course on it.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from kgplan.arrays import Array, Floats, Ids, Ints, positions
from kgplan.data.axis import Axis
from kgplan.data.links import Links
from kgplan.data.records import EXERCISE, WATCHED, LearnerRecords
from kgplan.data.stored import Stored
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.resources.simple import Method

MOST_RESOURCES = 3  # courses to learn a concept in that a step names


@dataclass(frozen=True)
class Move:
    """A concept that an item moves.

    Attributes:
        concept_id, name: the concept.
        name_en: empty where unknown.
        mastery: when the item is begun, all before it in the plan done.
        expected: behind it.
    """

    concept_id: str
    name: str
    name_en: str
    mastery: float
    expected: float


@dataclass(frozen=True)
class EarlierView:
    """What a learner opened before, and its share in the score of another resource."""

    item_id: str
    title: str
    share: float


@dataclass(frozen=True)
class Rank:
    """Where a resource stands among those on a concept, or in a course, and why.

    Attributes:
        place: from 1; what is finished has none. The course asked for comes first, then the
            learner's courses, then others.
        of: how many there are to choose from.
        score: what decided among those of equally near courses.
        methods: the share of each method in the score; empty where none says anything.
        earlier: views that the score rests on, those of the largest share first.
        progress: watched share.
        pre: Pre of eq. (8): positive for a foundation that is not held, negative for what comes
            before what it builds on is held.
        because: one plain sentence.
    """

    place: int
    of: int
    score: float
    methods: dict[Method, float]
    earlier: tuple[EarlierView, ...]
    progress: float
    pre: float
    because: str


@dataclass(frozen=True)
class Resource:
    """Something to open.

    Attributes:
        course_id, course_name: the course that shows it.
        item_id: the item; None where the course has the concept, but no item on it is known.
        kind: of the item, see `kgplan.data.records.KINDS`; None where there is no item.
        title: of the item; empty where unknown.
        minutes: that are left; None where its length is unknown.
        share: watched or read so far.
        score: best one of the answers to it; None where there are none.
        url: where the platform opens it; None where neither it nor `KGPLAN_LINKS` says.
        again: whether it was watched, read or answered, and is to be repeated.
        optional: whether the learner may leave it out, as all that it covers is held.
        moves: what it teaches of what the plan is for, answered right where it is an exercise;
            empty where a planner does not say.
        rank: where it stands among the resources on the concept; None where they are not ranked,
            or it is finished.
    """

    course_id: str
    course_name: str
    item_id: str | None
    kind: str | None = None
    title: str = ""
    minutes: float | None = None
    share: float = 0.0
    score: float | None = None
    url: str | None = None
    again: bool = False
    optional: bool = False
    moves: tuple[Move, ...] = ()
    rank: Rank | None = None

    def moving(self, moves: tuple[Move, ...], again: bool, optional: bool) -> "Resource":
        """The same with what it moves, and whether it is to be repeated, or may be left out."""
        return replace(self, moves=moves, again=again, optional=optional)

    def ranked(self, rank: Rank | None) -> "Resource":
        """The same with where it stands."""
        return replace(self, rank=rank)


class Places(NamedTuple):
    """Items to choose from, each in one course.

    Attributes:
        items, courses: (n,) positions.
        tiers: (n,) a lower one comes first: twice the course's distance, and one more of an
            exercise.
    """

    items: Ints
    courses: Ints
    tiers: Ints


@dataclass(frozen=True)
class Resources(Stored):
    """The places of every concept: those with a video first, by the course's id, in its order,
    exercises behind the others.

    Attributes:
        course_ids, course_names: (C,) sorted by id.
        item_ids: (V,) sorted.
        kinds: (V,) of each item.
        titles, addresses: (V,) "" where unknown.
        minutes: (V,) length of each item, NaN where unknown.
        starts: (K + 1,) where each concept's places begin.
        courses, videos: (P,) positions; -1 for a course without a video on the concept.
    """

    course_ids: Ids
    course_names: Ids
    item_ids: Ids
    kinds: Ids
    titles: Ids
    addresses: Ids
    minutes: Floats
    starts: Ints
    courses: Ints
    videos: Ints

    def of(
        self,
        concept: int,
        course_id: str | None,
        own: frozenset[str],
        shares: Floats,
        scores: Floats,
        links: Links,
        refused: Array,
        liking: Floats | None = None,
    ) -> tuple[Resource, ...]:
        """Where to learn a concept: the course asked for, then the learner's courses, then others.

        Args:
            concept: its position.
            course_id: asked for; None for none.
            own: the learner's courses.
            shares, scores: (V,) what the learner watched of each item, and the best score of their
                answers, NaN for none; of each course the first that is not done is named.
            links: addresses of videos.
            refused: (V,) True for what is not to be named.
            liking: (V,) of each course the first of the largest that is not done is named instead,
                and equally near courses stand in order of it.
        """
        ranked = self._ranked(concept, course_id, own, np.fmax(shares, scores), refused, liking)
        return tuple(self.resource(*place, shares, scores, links) for place in ranked)

    def resource(
        self,
        course: int,
        video: int,
        shares: Floats,
        scores: Floats,
        links: Links,
        rank: Rank | None = None,
    ) -> Resource:
        """An item in a course, by position.

        Args:
            course, video: positions; the video is -1 for none.
            shares, scores, links: as for `of`.
            rank: where it stands.
        """
        course_id = self.courses_axis.names[course]
        name = str(self.course_names[course])
        if video < 0:
            return Resource(course_id, name, None)
        item_id, minutes = str(self.item_ids[video]), float(self.minutes[video])
        share, score = max(float(shares[video]), 0.0), float(scores[video])
        kind, answered = str(self.kinds[video]), not np.isnan(score)
        again = share >= WATCHED or (answered and (kind == EXERCISE or score >= WATCHED))
        left = minutes if again else minutes * (1 - share)
        return Resource(
            course_id,
            name,
            item_id,
            kind,
            str(self.titles[video]),
            None if np.isnan(left) else left,
            share,
            score if answered else None,
            str(self.addresses[video]) or links.to(course_id, item_id),
            again,
            rank=rank,
        )

    def first_video(
        self,
        concept: int,
        course_id: str | None,
        own: frozenset[str],
        done: Floats,
        refused: Array,
    ) -> int:
        """Position of the video that `of` names first; -1 where that place has none.

        Args:
            concept, course_id, own, refused: as for `of`.
            done: (V,) the share or the score of each, the larger one.
        """
        ranked = self._ranked(concept, course_id, own, done, refused)
        return ranked[0][1] if ranked else -1

    def _ranked(
        self,
        concept: int,
        course_id: str | None,
        own: frozenset[str],
        done: Floats,
        refused: Array,
        liking: Floats | None = None,
    ) -> list[tuple[int, int]]:
        """(course, video) in the order of `of`."""
        begin, end = self.starts[concept : concept + 2].tolist()
        videos = self.videos[begin:end].tolist()
        undone: dict[int, int] = {}
        for course, video in zip(self.courses[begin:end].tolist(), videos, strict=True):
            if video >= 0 and refused[video]:
                continue
            now = undone.setdefault(course, video)
            if video >= 0 and done[video] < WATCHED:
                better = liking is not None and liking[video] > liking[now]
                if done[now] >= WATCHED or better:
                    undone[course] = video

        def far(item: tuple[int, int]) -> tuple[int, float]:
            course, video = item
            liked = 0.0 if liking is None or video < 0 else float(liking[video])
            return self.distance(course, course_id, own), -liked

        return sorted(undone.items(), key=far)[:MOST_RESOURCES]

    def on(self, concept: int, course_id: str | None, own: frozenset[str]) -> Places:
        """All that there is to open on a concept, each item once, in the nearest course.

        Args:
            concept, course_id, own: as for `of`.

        Returns:
            The nearest courses first, each in its order, exercises behind what teaches.
        """
        part = slice(*self.starts[concept : concept + 2].tolist())
        shown = self.videos[part] >= 0
        courses, videos = self.courses[part][shown], self.videos[part][shown]
        among, at = np.unique(courses, return_inverse=True)
        far = np.array([self.distance(each, course_id, own) for each in among.tolist()], np.int64)
        tiers = 2 * far[at] + (self.kinds[videos] == EXERCISE)
        order = np.argsort(tiers, kind="stable")
        _, first = np.unique(videos[order], return_index=True)
        kept = order[np.sort(first)]
        return Places(videos[kept].astype(np.int64), courses[kept].astype(np.int64), tiers[kept])

    def distance(self, course: int, course_id: str | None, own: frozenset[str]) -> int:
        """0 for the course asked for, 1 for one of the learner's, 2 for another.

        Args:
            course: its position.
            course_id, own: as for `of`.
        """
        name = self.courses_axis.names[course]
        return 0 if name == course_id else 1 if name in own else 2

    def first_videos(self) -> Ints:
        """(K,) the video of each concept's first place; -1 where it has none."""
        found = np.full(self.starts.size - 1, -1, dtype=np.int64)
        some = np.diff(self.starts) > 0
        found[some] = self.videos[self.starts[:-1][some]]
        return found

    def concepts_in(self, course_id: str) -> list[int]:
        """Concepts that the course has."""
        at = self.courses_axis.find(course_id)
        if at < 0:
            return []
        order, begins = self._by_course
        places = order[begins[at] : begins[at + 1]]
        found = np.searchsorted(self.starts, places, side="right") - 1
        return np.unique(found).tolist()

    @cached_property
    def courses_axis(self) -> Axis:
        """Where each course stands."""
        return Axis(self.course_ids)

    @cached_property
    def _by_course(self) -> tuple[Ints, Ints]:
        """(P,) places in order of their courses, and (C + 1,) where each course's begin."""
        order = np.argsort(self.courses, kind="stable")
        return order, np.searchsorted(self.courses[order], np.arange(self.course_ids.size + 1))


def resources(graph: GraphSnapshot, records: LearnerRecords) -> Resources:
    """Every concept's places, from the courses that the graph lists and the videos they show."""
    course_ids = np.union1d(graph.course_ids, records.course_ids)
    in_graph = positions(course_ids, graph.course_ids)
    in_records = positions(course_ids, records.course_ids)
    concept_of = positions(graph.concept_ids, records.concept_ids)
    shown, q = records.course_items.tocoo(), records.q_matrix
    # one row for each course, video of it and concept of that
    counts = np.diff(q.indptr)[shown.col]
    row = np.repeat(np.arange(counts.size), counts)
    within = np.arange(row.size) - np.repeat(np.cumsum(counts) - counts, counts)
    concept = concept_of[q.indices[q.indptr[shown.col][row] + within]]
    listed = graph.course_concepts.tocoo()
    course = np.concatenate([in_records[shown.row[row]], in_graph[listed.row]])
    concept = np.concatenate([concept, listed.col.astype(np.int64)])
    video = np.concatenate([shown.col[row], np.full(listed.nnz, -1)])
    # a place without a video comes after all with one
    place = np.concatenate([shown.data[row].astype(np.float64), np.full(listed.nnz, np.inf)])
    known = concept >= 0
    course, concept, video, place = (each[known] for each in (course, concept, video, place))
    asks = np.append(records.exercises, False)[video]  # what teaches comes first
    order = np.lexsort((video, place, asks, course, concept))
    course, concept, video = course[order], concept[order], video[order]
    is_first: Array = np.ones(order.size, dtype=bool)
    is_first[1:] = (course[1:] != course[:-1]) | (concept[1:] != concept[:-1])
    kept = is_first | (video >= 0)
    course, concept, video = course[kept], concept[kept], video[kept]
    order = np.lexsort((course, video < 0, concept))  # stable: a course's order stays
    names = course_ids.astype(object)
    names[in_graph] = graph.course_names
    return Resources(
        course_ids=course_ids,
        course_names=names.astype(np.str_),
        item_ids=records.item_ids,
        kinds=records.kinds,
        titles=records.titles,
        addresses=records.addresses,
        minutes=records.minutes,
        starts=np.searchsorted(concept[order], np.arange(graph.concept_ids.size + 1)),
        courses=course[order].astype(np.int32),
        videos=video[order].astype(np.int32),
    )
