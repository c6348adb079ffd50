"""Which video did each learner open last, and which one would the course's order have named?

Sizes: U learners, V videos, C courses; L learners whose last view is held back.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Ints
from kgplan.data.records import LearnerRecords


@dataclass(frozen=True)
class LastViews:
    """The last view of each learner who had watched something in the same course before it.

    Attributes:
        viewed: (U, V) the views without these.
        learner, video, course: (L,) whose, of what, and in which course of the learner's; of
            several, in the one with most views before, then the first.
        following: (L,) the course's next video after the one watched there before; -1 where that
            was its last. Videos that cover no concept are not counted.
    """

    viewed: sparse.csr_array
    learner: Ints
    video: Ints
    course: Ints
    following: Ints


def last_views(records: LearnerRecords, order: sparse.csr_array, planned: Array) -> LastViews:
    """Hold back each learner's last view.

    Args:
        records: with all views.
        order: (U, V) the place of each view on its learner's time line, as for
            `calibration.hold_back`.
        planned: (C,) True for the courses that a plan may be made for.

    >>> one = sparse.csr_array(np.array([[1]]))
    >>> three = sparse.csr_array(np.array([[1, 2, 3]]))
    >>> ids = {name: np.array(["a"]) for name in ("learner_ids", "concept_ids", "course_ids")}
    >>> records = LearnerRecords(
    ...     **ids, video_ids=np.array(["x", "y", "z"]), enrolled=one, course_concepts=one,
    ...     viewed=sparse.csr_array(np.array([[1.0, 0, 1.0]])), course_videos=three,
    ...     q_matrix=sparse.csr_array(np.ones((3, 1))))
    >>> held = last_views(records, sparse.csr_array(np.array([[1, 0, 2]])), np.array([True]))
    >>> held.video.tolist(), held.following.tolist(), held.viewed.indices.tolist()
    ([2], [1], [0])
    """
    viewed, shown_in = records.viewed, records.course_videos.tocsc()
    kept, found = np.ones(viewed.nnz, dtype=bool), []
    for learner in np.flatnonzero(np.diff(viewed.indptr) > 1).tolist():
        begin, end = viewed.indptr[learner : learner + 2].tolist()
        videos = viewed.indices[begin:end]
        when = np.argsort(order[[learner]].toarray()[0, videos], kind="stable")
        *earlier, last = videos[when].tolist()
        mine = set(_stored(records.enrolled, learner).tolist())
        best = (0, -1, -1)  # views before, course, the video that follows
        for course in _stored(shown_in, last).tolist():
            if course in mine and planned[course]:
                there = _in_order(records.course_videos, course)
                before = [video for video in earlier if video in there]
                if len(before) > best[0]:
                    after = [*there, -1][there.index(before[-1]) + 1]
                    best = len(before), course, after
        if best[0]:
            found.append((learner, last, *best[1:]))
            kept[begin + when[-1]] = False
    indptr = np.concatenate([[0], np.cumsum(kept)])[viewed.indptr]
    left = sparse.csr_array((viewed.data[kept], viewed.indices[kept], indptr), shape=viewed.shape)
    columns = np.array(found, dtype=np.int64).reshape(-1, 4)
    return LastViews(left, *(columns[:, k] for k in range(4)))


def _stored(matrix: sparse.csr_array | sparse.csc_array, line: int) -> Ints:
    """What a row, or a column, has stored."""
    return matrix.indices[matrix.indptr[line] : matrix.indptr[line + 1]]


def _in_order(course_videos: sparse.csr_array, course: int) -> list[int]:
    """A course's videos in its order."""
    part = slice(course_videos.indptr[course], course_videos.indptr[course + 1])
    order = np.argsort(course_videos.data[part], kind="stable")
    videos: list[int] = course_videos.indices[part][order].tolist()
    return videos
