"""What is there to choose from: learners, courses and concepts, as entries to list and search."""

import numpy as np

from kgplan.data.records import LearnerRecords
from kgplan.data.search import Entry
from kgplan.graph.snapshot import GraphSnapshot

LEARNER_HEADINGS = ("learner_id", "courses", "views")
COURSE_HEADINGS = ("course_id", "name", "concepts", "videos with concepts", "learners")
CONCEPT_HEADINGS = ("concept_id", "name", "English", "field", "prerequisites", "unlocks", "courses")


def learner_entries(records: LearnerRecords) -> list[Entry]:
    """Every learner with courses and views, the busiest first."""
    enrolled, viewed = np.diff(records.enrolled.indptr), np.diff(records.viewed.indptr)
    return [
        Entry(str(records.learner_ids[k]), (), (int(enrolled[k]), int(viewed[k])))
        for k in np.lexsort((records.learner_ids, -enrolled, -viewed))
    ]


def course_entries(graph: GraphSnapshot, records: LearnerRecords) -> list[Entry]:
    """Every course with its sizes, the richest in concepts first."""
    n_concepts = np.diff(graph.course_concepts.indptr)
    videos = np.diff(records.course_videos.indptr)
    learners = np.asarray((records.enrolled > 0).sum(axis=0)).ravel()
    found = []
    for k in np.lexsort((graph.course_ids, -n_concepts)):
        course_id, name = str(graph.course_ids[k]), str(graph.course_names[k])
        row = records.courses.find(course_id)
        sizes = (0, 0) if row < 0 else (int(videos[row]), int(learners[row]))
        found.append(Entry(course_id, (name,), (name, int(n_concepts[k]), *sizes)))
    return found


def concept_entries(graph: GraphSnapshot) -> list[Entry]:
    """Every concept with its degree, the most needed first."""
    before = np.diff(graph.prerequisites.indptr)
    unlocks = np.diff(graph.prerequisites.tocsc().indptr)
    n_courses = np.diff(graph.course_concepts.tocsc().indptr)
    found = []
    for k in np.lexsort((graph.concept_ids, -unlocks)):
        name, english = str(graph.concept_names[k]), str(graph.concept_names_en[k])
        shown = (name, english, str(graph.concept_fields[k]))
        sizes = (int(before[k]), int(unlocks[k]), int(n_courses[k]))
        found.append(Entry(str(graph.concept_ids[k]), (name, english), (*shown, *sizes)))
    return found
