"""Which courses does a learner take, and how much of each was watched?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from kgplan.arrays import Floats
from kgplan.data.records import LearnerRecords
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.planning.resources import WATCHED


@dataclass(frozen=True)
class TakenCourse:
    """A course that a learner takes; of its items those count that cover a concept.

    Attributes:
        course_id, name: the course.
        items: how many it has.
        opened: how many of these the learner opened.
        watched: how many of these to 80 % or more.
    """

    course_id: str
    name: str
    items: int
    opened: int
    watched: int


def taken_courses(
    graph: GraphSnapshot, records: LearnerRecords, course_ids: Iterable[str], shares: Floats
) -> tuple[TakenCourse, ...]:
    """How far a learner has come in courses, in the order of ids.

    Args:
        graph: names the courses.
        records: know their videos.
        course_ids: which; what the graph does not have is passed over.
        shares: (V,) watched of each video of the records; NaN where it was never opened.
    """
    opened, watched = ~np.isnan(shares), shares >= WATCHED  # NaN is no share
    found = []
    for course_id in sorted(set(course_ids) & set(graph.courses.names)):
        row = records.courses.find(course_id)
        videos = records.course_items[[row]].indices if row >= 0 else np.zeros(0, np.int64)
        sizes = int(opened[videos].sum()), int(watched[videos].sum())
        found.append(TakenCourse(course_id, graph.course_name(course_id), videos.size, *sizes))
    return tuple(found)


def opened_shares(
    records: LearnerRecords, learner_id: str | None, told: Mapping[str, float]
) -> Floats:
    """(V,) the largest share of each video that records and events tell; NaN: never opened.

    Args:
        records: what the learner did before the fit.
        learner_id: whose; None where their row does not count.
        told: video -> share, by events since.
    """
    shares = np.full(records.item_ids.size, np.nan)
    at = -1 if learner_id is None else records.learners.find(learner_id)
    if at >= 0:
        row = records.viewed[[at]]
        shares[row.indices] = row.data
    for video, share in told.items():
        place = records.items.find(video)
        if place >= 0:
            shares[place] = np.fmax(shares[place], share)
    return shares
