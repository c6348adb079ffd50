"""What did learners enrol in and watch, and what do the videos cover?

Sizes: U learners, V videos that cover a concept, K concepts, C courses.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from kgplan.arrays import Floats, Ids, Ints
from kgplan.data.axis import Axis
from kgplan.data.stored import Stored


@dataclass(frozen=True)
class LearnerRecords(Stored):
    """The learner records, as sparse arrays on sorted ids.

    Attributes:
        learner_ids, video_ids, concept_ids, course_ids: (U,), (V,), (K,), (C,) sorted.
        enrolled: (U, C) 1 where the learner is enrolled.
        viewed: (U, V) share watched, in [0, 1], of the videos that the learner opened.
        course_concepts: (C, K) 1 where the course has the concept.
        course_videos: (C, V) place of the video in the course, from 1.
        q_matrix: (V, K) 1 where the video covers the concept.
        video_seconds: (V,) length of the video, NaN where unknown; None where no length was kept.
        video_names: (V,) title of the video, "" where unknown; None where no title was kept.
        viewed_order: along the stored entries of `viewed`, the place of the view among the
            learner's in time, from 1; None where none was kept.
    """

    learner_ids: Ids
    video_ids: Ids
    concept_ids: Ids
    course_ids: Ids
    enrolled: sparse.csr_array
    viewed: sparse.csr_array
    course_concepts: sparse.csr_array
    course_videos: sparse.csr_array
    q_matrix: sparse.csr_array
    video_seconds: Floats | None = None
    video_names: Ids | None = None
    viewed_order: Ints | None = None

    @cached_property
    def learners(self) -> Axis:
        """Where each learner stands."""
        return Axis(self.learner_ids)

    @cached_property
    def videos(self) -> Axis:
        """Where each video stands."""
        return Axis(self.video_ids)

    @cached_property
    def courses(self) -> Axis:
        """Where each course stands."""
        return Axis(self.course_ids)


def observed_views(records: LearnerRecords) -> sparse.csr_array:
    """The responses r_uv of V-DINA (spec section 3).

    Returns:
        (U, V): the share watched where the learner opened the video; a stored 0 where the video
        belongs to a course of the learner's and was never opened; nothing elsewhere.
    """
    due = (records.enrolled.astype(np.int32) @ (records.course_videos > 0).astype(np.int32)).tocoo()
    opened = records.viewed.tocoo()
    key = np.concatenate([opened.row, due.row]).astype(np.int64) * records.video_ids.size
    key += np.concatenate([opened.col, due.col])
    share = np.concatenate([opened.data, np.zeros(due.nnz)])
    key, first = np.unique(key, return_index=True)  # the view, where there is one, stands first
    row, column = np.divmod(key, max(records.video_ids.size, 1))
    indptr = np.searchsorted(row, np.arange(records.learner_ids.size + 1))
    return sparse.csr_array((share[first], column, indptr), shape=records.viewed.shape)


@dataclass(frozen=True)
class LearnedConcepts:
    """R of eq. (5): which learner has learned which concept, and how we know.

    Attributes:
        matrix: (U, K) 1 where learned.
        by_view: pairs known from a watched video.
        by_enrolment: further pairs known from enrolment in a course whose videos have no concepts.
    """

    matrix: sparse.csr_array
    by_view: int
    by_enrolment: int


def learned_concepts(records: LearnerRecords) -> LearnedConcepts:
    """Which concepts each learner has learned (spec section 2, the choice under eq. 5).

    A learner has learned a concept when a video was watched that covers it, or, for a course none
    of whose videos has concepts, when the learner is enrolled in a course that has it.
    """
    watched = records.viewed > 0
    by_view = (watched.astype(np.int32) @ records.q_matrix.astype(np.int32)) > 0
    covered = (records.course_videos > 0).astype(np.int32) @ records.q_matrix.astype(np.int32)
    without_videos = np.diff(covered.tocsr().indptr) == 0
    told_by_enrolment = records.enrolled.astype(np.int32) * without_videos  # course by course
    by_enrolment = (told_by_enrolment @ records.course_concepts.astype(np.int32)) > 0
    matrix = (by_view + by_enrolment).tocsr().astype(bool)
    matrix.sort_indices()
    return LearnedConcepts(
        matrix=matrix, by_view=int(by_view.nnz), by_enrolment=int(matrix.nnz - by_view.nnz)
    )
