"""Which courses does a learner take, and how far did they come in each?"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from kgplan.data.records import LearnerRecords
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.planning.done import Done


@dataclass(frozen=True)
class TakenCourse:
    """A course that a learner takes; of its items those count that cover a concept.

    Attributes:
        course_id, name: the course.
        items: how many it has.
        opened: how many of these the learner opened or answered.
        done: how many of these were watched, read or answered to 80 % or more.
    """

    course_id: str
    name: str
    items: int
    opened: int
    done: int


def taken_courses(
    graph: GraphSnapshot, records: LearnerRecords, course_ids: Iterable[str], done: Done
) -> tuple[TakenCourse, ...]:
    """How far a learner has come in courses, in the order of ids.

    Args:
        graph: names the courses.
        records: know their items.
        course_ids: which; what the graph does not have is passed over.
        done: what the learner did.
    """
    found = []
    for course_id in sorted(set(course_ids) & set(graph.courses.names)):
        row = records.courses.find(course_id)
        items = records.course_items[[row]].indices if row >= 0 else np.zeros(0, np.int64)
        sizes = int(done.opened[items].sum()), int(done.through[items].sum())
        found.append(TakenCourse(course_id, graph.course_name(course_id), items.size, *sizes))
    return tuple(found)
