"""Which video did each learner open last, and where does it lie in the course's order?

Sizes: C courses; L learners whose last view is held back.
"""

from dataclasses import dataclass, replace

import numpy as np

from kgplan.arrays import Array, Ints, stored_in
from kgplan.data.records import LearnerRecords
from kgplan.diagnosis.entries import only


@dataclass(frozen=True)
class LastViews:
    """The last view of each learner who had watched something in the same course before it.

    Attributes:
        records: without these views.
        learner, video, course: (L,) whose, of what, and in which course of the learner's; of
            several, in the one with most views before, then the first.
        ahead: (L,) how many places of the course it lies after the video that was watched there
            before: 1 where it is the next one, negative where it is an earlier one. Videos that
            cover no concept have no place.
    """

    records: LearnerRecords
    learner: Ints
    video: Ints
    course: Ints
    ahead: Ints


def last_views(records: LearnerRecords, planned: Array) -> LastViews:
    """Hold back each learner's last view.

    Args:
        records: with all views.
        planned: (C,) True for the courses that a plan may be made for.

    Raises:
        InputError: the records do not tell in which order learners watched.
    """
    viewed, order = records.viewed, records.places_of_views
    shown_in = records.course_items.tocsc()
    kept, found = np.ones(viewed.nnz, dtype=bool), []
    for learner in np.flatnonzero(np.diff(viewed.indptr) > 1).tolist():
        begin, end = viewed.indptr[learner : learner + 2].tolist()
        in_time = begin + np.argsort(order[begin:end], kind="stable")
        *earlier, last = viewed.indices[in_time].tolist()
        mine = set(stored_in(records.enrolled, learner).tolist())
        best = (0, -1, 0)  # views before, course, places ahead
        for course in stored_in(shown_in, last).tolist():
            if course in mine and planned[course]:
                there = records.in_order(course).tolist()
                before = [video for video in earlier if video in there]
                if len(before) > best[0]:
                    ahead = there.index(last) - there.index(before[-1])
                    best = len(before), course, ahead
        if best[0]:
            found.append((learner, last, *best[1:]))
            kept[in_time[-1]] = False
    columns = np.array(found, dtype=np.int64).reshape(-1, 4)
    return LastViews(
        replace(records, viewed=only(viewed, kept), viewed_order=order[kept]),
        *(columns[:, k] for k in range(4)),
    )
