"""What is there to choose from: learners, courses and concepts, to list, search and name."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kgplan.data.records import KINDS, LearnerRecords
from kgplan.graph.snapshot import GraphSnapshot


@dataclass(frozen=True)
class ListedLearner:
    """A learner, with how many courses are taken, and videos and texts opened."""

    learner_id: str
    courses: int
    views: int

    @property
    def id(self) -> str:
        """The learner's id."""
        return self.learner_id

    @property
    def names(self) -> tuple[str, ...]:
        """None: the data know learners by id alone."""
        return ()


@dataclass(frozen=True)
class ListedCourse:
    """A course.

    Attributes:
        course_id, name: of the course.
        field, school: names of where it belongs, of several the first; "" where unknown.
        concepts: how many it has.
        items: what can be opened in it and covers concepts, how much.
        kinds: of these, as in `kgplan.data.records.KINDS`.
        learners: who take it.
    """

    course_id: str
    name: str
    field: str
    school: str
    concepts: int
    items: int
    kinds: tuple[str, ...]
    learners: int

    @property
    def id(self) -> str:
        """The course's id."""
        return self.course_id

    @property
    def names(self) -> tuple[str, ...]:
        """Its name."""
        return (self.name,)

    @property
    def about(self) -> str:
        """What tells it from another of its name."""
        sizes = f"concepts: {self.concepts:,}", f"learners: {self.learners:,}"
        return ", ".join(filter(None, (self.field, self.school, *sizes)))


@dataclass(frozen=True)
class ListedConcept:
    """A concept, with how many others it needs and unlocks, and in how many courses it is."""

    concept_id: str
    name: str
    name_en: str
    field: str
    prerequisites: int
    unlocks: int
    courses: int

    @property
    def id(self) -> str:
        """The concept's id."""
        return self.concept_id

    @property
    def names(self) -> tuple[str, ...]:
        """Its name, and the English one, which may be ""."""
        return self.name, self.name_en

    @property
    def about(self) -> str:
        """What tells it from another of its name."""
        return ", ".join(filter(None, (self.field, f"courses: {self.courses:,}")))


def list_learners(records: LearnerRecords) -> list[ListedLearner]:
    """Every learner with courses and views, the busiest first."""
    enrolled, viewed = np.diff(records.enrolled.indptr), np.diff(records.viewed.indptr)
    return [
        ListedLearner(str(records.learner_ids[k]), int(enrolled[k]), int(viewed[k]))
        for k in np.lexsort((records.learner_ids, -enrolled, -viewed))
    ]


def list_courses(graph: GraphSnapshot, records: LearnerRecords) -> list[ListedCourse]:
    """Every course with its sizes, the richest in concepts first."""
    n_concepts = np.diff(graph.course_concepts.indptr)
    items = records.course_items
    learners = np.asarray((records.enrolled > 0).sum(axis=0)).ravel()
    fields, schools = (_first_names(graph, of) for of in ("field", "school"))
    found = []
    for k in np.lexsort((graph.course_ids, -n_concepts)):
        course_id, name = str(graph.course_ids[k]), str(graph.course_names[k])
        row = records.courses.find(course_id)
        its = items.indices[slice(*items.indptr[row : row + 2].tolist())] if row >= 0 else []
        kinds = set(records.kinds[its].tolist())
        found.append(
            ListedCourse(
                course_id,
                name,
                fields.get(course_id, ""),
                schools.get(course_id, ""),
                int(n_concepts[k]),
                len(its),
                tuple(kind for kind in KINDS if kind in kinds),
                int(learners[row]) if row >= 0 else 0,
            )
        )
    return found


def _first_names(graph: GraphSnapshot, of: str) -> Mapping[str, str]:
    """Course -> the name of its first field, or school."""
    names = dict(zip(*(each.tolist() for each in graph.named[of]), strict=True))
    heads, tails = (ids.tolist() for ids in graph.relations[f"{of}_has_course"])
    return {tail: names[head] for head, tail in zip(reversed(heads), reversed(tails), strict=True)}


def list_concepts(graph: GraphSnapshot) -> list[ListedConcept]:
    """Every concept with its degree, the most needed first."""
    before = np.diff(graph.prerequisites.indptr)
    unlocks = np.diff(graph.prerequisites.tocsc().indptr)
    n_courses = np.diff(graph.course_concepts.tocsc().indptr)
    found = []
    for k in np.lexsort((graph.concept_ids, -unlocks)):
        name, english = str(graph.concept_names[k]), str(graph.concept_names_en[k])
        sizes = int(before[k]), int(unlocks[k]), int(n_courses[k])
        field = str(graph.concept_fields[k])
        found.append(ListedConcept(str(graph.concept_ids[k]), name, english, field, *sizes))
    return found
