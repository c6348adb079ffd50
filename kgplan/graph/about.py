"""What is there to know of one course, and of one concept: where is it taught, by which videos?

Sizes: V videos, K concepts of the graph.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from kgplan.arrays import Ints, positions
from kgplan.data.links import Links
from kgplan.data.records import LearnerRecords
from kgplan.errors import UnknownConcept, UnknownCourse
from kgplan.graph.health import Named
from kgplan.graph.snapshot import GraphSnapshot


@dataclass(frozen=True)
class CourseConcept:
    """A concept that a course has.

    Attributes:
        id, name, name_en: the concept; "" where unknown.
        taught: whether a video of the course covers it.
    """

    id: str
    name: str
    name_en: str
    taught: bool


@dataclass(frozen=True)
class Video:
    """A video in a course.

    Attributes:
        id: of it.
        title: "" where unknown.
        minutes: its length; None where unknown.
        url: its address on the platform; None where no template of addresses is set.
        concepts: that it covers, by id.
    """

    id: str
    title: str
    minutes: float | None
    url: str | None
    concepts: tuple[Named, ...]


@dataclass(frozen=True)
class AboutCourse:
    """A course: who offers it, what it has, and the videos that teach it.

    Attributes:
        graph_version: of the graph.
        course_id, name: the course.
        fields, schools, teachers: names of those it belongs to.
        concepts: in the order of the course's videos; what no video of it covers comes last, by id.
        videos: that cover a concept, in the course's order.
        learners: how many are enrolled in the learner records.
    """

    graph_version: str
    course_id: str
    name: str
    fields: tuple[str, ...]
    schools: tuple[str, ...]
    teachers: tuple[str, ...]
    concepts: tuple[CourseConcept, ...]
    videos: tuple[Video, ...]
    learners: int


@dataclass(frozen=True)
class TeachingCourse:
    """A course that has a concept, or shows a video on it.

    Attributes:
        course_id, name: the course.
        videos: of it that cover the concept, in the course's order.
    """

    course_id: str
    name: str
    videos: tuple[Video, ...]


@dataclass(frozen=True)
class AboutConcept:
    """A concept: where it is taught, what it needs and what it unlocks.

    Attributes:
        graph_version: of the graph.
        concept_id, name: the concept.
        name_en: empty where unknown.
        fields: names of the fields of study that it belongs to.
        taught: whether a video of some course covers it.
        courses: that have it, or show a video on it; those with most videos on it first, then by
            id.
        prerequisites: direct ones, by id.
        unlocks: what it is a direct prerequisite of, by id.
    """

    graph_version: str
    concept_id: str
    name: str
    name_en: str
    fields: tuple[str, ...]
    taught: bool
    courses: tuple[TeachingCourse, ...]
    prerequisites: tuple[Named, ...]
    unlocks: tuple[Named, ...]


def about_course(
    graph: GraphSnapshot, records: LearnerRecords, links: Links, course_id: str
) -> AboutCourse:
    """A course, its concepts and its videos.

    Raises:
        UnknownCourse: the graph has none of this id; the error holds close matches.
    """
    at = graph.courses.place(course_id, UnknownCourse)
    row = records.courses.find(course_id)
    videos = _videos_of(records, row)
    covered = records.q_matrix[videos].indices if videos.size else np.zeros(0, np.int64)
    covered = positions(graph.concept_ids, records.concept_ids[covered])
    first = np.full(graph.concept_ids.size, covered.size)
    np.minimum.at(first, covered[covered >= 0], np.flatnonzero(covered >= 0))
    mine = graph.course_concepts[[at]].indices
    order = np.lexsort((mine, first[mine]))
    learners = 0 if row < 0 else int(np.count_nonzero(records.enrolled.indices == row))
    return AboutCourse(
        graph.version,
        course_id,
        str(graph.course_names[at]),
        graph.names_before("field_has_course", "field", course_id),
        graph.names_before("school_has_course", "school", course_id),
        graph.names_before("teacher_has_course", "teacher", course_id),
        tuple(
            CourseConcept(each.id, each.name, each.name_en, bool(first[k] < covered.size))
            for k, each in zip(mine[order].tolist(), _named(graph, mine[order]), strict=True)
        ),
        tuple(_video(graph, records, links, course_id, video) for video in videos.tolist()),
        learners,
    )


def about_concept(
    graph: GraphSnapshot, records: LearnerRecords, links: Links, concept_id: str
) -> AboutConcept:
    """A concept, the courses and videos that teach it, and its neighbours in the graph.

    Raises:
        UnknownConcept: the graph has none of this id; the error holds close matches.
    """
    at = graph.concepts.place(concept_id, UnknownConcept)
    has_it = graph.course_concepts.tocsc()[:, [at]].indices
    names = set(graph.course_ids[has_it].tolist())
    column = positions(records.concept_ids, graph.concept_ids[[at]])[0]
    on_it = records.q_matrix.tocsc()[:, [column]].indices if column >= 0 else np.zeros(0, np.int64)
    showing = records.course_videos[:, on_it].tocoo()
    names.update(records.course_ids[showing.row].tolist())
    courses = []
    for course_id in sorted(names):
        videos = _videos_of(records, records.courses.find(course_id))
        shown = videos[np.isin(videos, on_it)].tolist()
        courses.append(
            TeachingCourse(
                course_id,
                graph.course_name(course_id),
                tuple(_video(graph, records, links, course_id, video) for video in shown),
            )
        )
    return AboutConcept(
        graph.version,
        concept_id,
        str(graph.concept_names[at]),
        str(graph.concept_names_en[at]),
        graph.names_before("field_has_concept", "field", concept_id),
        any(course.videos for course in courses),
        tuple(sorted(courses, key=lambda course: -len(course.videos))),
        _named(graph, graph.prerequisites[[at]].indices),
        _named(graph, graph.prerequisites.tocsc()[:, [at]].indices),
    )


def _videos_of(records: LearnerRecords, course: int) -> Ints:
    """Videos of a course by its position, in the course's order; none where it is -1."""
    if course < 0:
        return np.zeros(0, np.int64)
    shown = records.course_videos[[course]]
    return shown.indices[np.argsort(shown.data, kind="stable")]


def _video(
    graph: GraphSnapshot, records: LearnerRecords, links: Links, course_id: str, video: int
) -> Video:
    video_id = str(records.video_ids[video])
    seconds = np.nan if records.video_seconds is None else float(records.video_seconds[video])
    covered = records.concept_ids[records.q_matrix[[video]].indices]
    known = positions(graph.concept_ids, covered)
    return Video(
        video_id,
        "" if records.video_names is None else str(records.video_names[video]),
        None if np.isnan(seconds) else seconds / 60,
        links.to(course_id, video_id),
        _named(graph, known[known >= 0]),
    )


def _named(graph: GraphSnapshot, concepts: Iterable[int]) -> tuple[Named, ...]:
    """Concepts by position."""
    return tuple(
        Named(
            str(graph.concept_ids[k]), str(graph.concept_names[k]), str(graph.concept_names_en[k])
        )
        for k in concepts
    )
