"""What is there to know of one course, and of one concept: where is it taught, by which items?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from kgplan.arrays import Ints, positions, stored_in
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
        taught: whether an item of the course covers it.
    """

    id: str
    name: str
    name_en: str
    taught: bool


@dataclass(frozen=True)
class Item:
    """An item of a course.

    Attributes:
        id: of it.
        kind: see `kgplan.data.records.KINDS`.
        title: "" where unknown.
        minutes: its length; None where unknown.
        url: its address on the platform; None where neither it nor `KGPLAN_LINKS` says.
        concepts: that it covers, by id.
    """

    id: str
    kind: str
    title: str
    minutes: float | None
    url: str | None
    concepts: tuple[Named, ...]


@dataclass(frozen=True)
class AboutCourse:
    """A course: who offers it, what it has, and the items that teach it.

    Attributes:
        graph_version: of the graph.
        course_id, name: the course.
        fields, schools, teachers: names of those it belongs to.
        concepts: in the order of the course's items; what no item of it covers comes last, by id.
        items: that cover a concept, in the course's order.
        learners: how many are enrolled in the learner records.
    """

    graph_version: str
    course_id: str
    name: str
    fields: tuple[str, ...]
    schools: tuple[str, ...]
    teachers: tuple[str, ...]
    concepts: tuple[CourseConcept, ...]
    items: tuple[Item, ...]
    learners: int


@dataclass(frozen=True)
class TeachingCourse:
    """A course that has a concept, or shows an item on it.

    Attributes:
        course_id, name: the course.
        items: of it that cover the concept, in the course's order.
    """

    course_id: str
    name: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class AboutConcept:
    """A concept: where it is taught, what it needs and what it unlocks.

    Attributes:
        graph_version: of the graph.
        concept_id, name: the concept.
        name_en: empty where unknown.
        definition: what it is, as its platform says it, a paragraph a line; "" where it does not
            say, None while that cannot be read.
        fields: names of the fields of study that it belongs to.
        taught: whether an item of some course covers it.
        courses: that have it, or show an item on it; those with most items on it first, then by
            id.
        prerequisites: direct ones, by id.
        unlocks: what it is a direct prerequisite of, by id.
    """

    graph_version: str
    concept_id: str
    name: str
    name_en: str
    definition: str | None
    fields: tuple[str, ...]
    taught: bool
    courses: tuple[TeachingCourse, ...]
    prerequisites: tuple[Named, ...]
    unlocks: tuple[Named, ...]


def about_course(
    graph: GraphSnapshot, records: LearnerRecords, links: Links, course_id: str
) -> AboutCourse:
    """A course, its concepts and its items.

    Raises:
        UnknownCourse: the graph has none of this id; the error holds close matches.
    """
    at = graph.courses.place(course_id, UnknownCourse)
    row, items = records.courses.find(course_id), Items(graph, records, links)
    shown = items.of(course_id)
    covered = [concept for item in shown for concept in items.concepts(item)]
    first: dict[int, int] = {}  # concept -> where it comes first
    for place, concept in enumerate(covered):
        first.setdefault(concept, place)
    mine = row_of(graph.course_concepts, at)
    order = sorted(mine, key=lambda concept: (first.get(concept, len(covered)), concept))
    return AboutCourse(
        graph.version,
        course_id,
        str(graph.course_names[at]),
        graph.names_before("field_has_course", "field", course_id),
        graph.names_before("school_has_course", "school", course_id),
        graph.names_before("teacher_has_course", "teacher", course_id),
        tuple(
            CourseConcept(each.id, each.name, each.name_en, concept in first)
            for concept, each in zip(order, named(graph, order), strict=True)
        ),
        tuple(items.told(course_id, item) for item in shown),
        0 if row < 0 else int(np.count_nonzero(records.enrolled.indices == row)),
    )


def about_concept(
    graph: GraphSnapshot,
    records: LearnerRecords,
    links: Links,
    concept_id: str,
    definition: str | None = "",
) -> AboutConcept:
    """A concept, the courses and items that teach it, and its neighbours in the graph.

    Args:
        graph, records, links: what is told of it.
        concept_id: the concept.
        definition: what it is, which the snapshot does not hold.

    Raises:
        UnknownConcept: the graph has none of this id; the error holds close matches.
    """
    at, items = graph.concepts.place(concept_id, UnknownConcept), Items(graph, records, links)
    having = graph.course_ids[rows_with(graph.course_concepts, at)]
    (column,) = positions(records.concept_ids, graph.concept_ids[[at]])
    on_it = rows_with(records.q_matrix, column)
    showing = records.course_ids[rows_with(records.course_items, on_it)]
    courses = [
        TeachingCourse(
            course_id,
            graph.course_name(course_id),
            tuple(
                items.told(course_id, item)
                for item in items.of(course_id)
                if at in items.concepts(item)
            ),
        )
        for course_id in np.union1d(having, showing).tolist()
    ]
    return AboutConcept(
        graph.version,
        concept_id,
        str(graph.concept_names[at]),
        str(graph.concept_names_en[at]),
        definition,
        graph.names_before("field_has_concept", "field", concept_id),
        showing.size > 0,
        tuple(sorted(courses, key=lambda course: -len(course.items))),
        named(graph, row_of(graph.prerequisites, at)),
        named(graph, rows_with(graph.prerequisites, at).tolist()),
    )


class Items:
    """The items of the records, by position, as the graph names their concepts.

    Args:
        graph, records, links: what is told of them.
    """

    def __init__(self, graph: GraphSnapshot, records: LearnerRecords, links: Links) -> None:
        self._graph, self._records, self._links = graph, records, links
        self._concept_of = positions(graph.concept_ids, records.concept_ids)

    def of(self, course_id: str) -> list[int]:
        """Those of a course, in its order; none where the records do not know it."""
        shown, row = self._records.course_items, self._records.courses.find(course_id)
        if row < 0:
            return []
        begin, end = shown.indptr[row : row + 2]
        order = np.argsort(shown.data[begin:end], kind="stable")
        return shown.indices[begin:end][order].tolist()

    def concepts(self, item: int) -> list[int]:
        """Concepts of the graph that an item covers, by position."""
        found = self._concept_of[row_of(self._records.q_matrix, item)]
        return found[found >= 0].tolist()

    def told(self, course_id: str, item: int) -> Item:
        """An item in a course."""
        records, item_id = self._records, str(self._records.item_ids[item])
        minutes = float(records.minutes[item])
        return Item(
            item_id,
            str(records.kinds[item]),
            str(records.titles[item]),
            None if np.isnan(minutes) else minutes,
            str(records.addresses[item]) or self._links.to(course_id, item_id),
            named(self._graph, self.concepts(item)),
        )


def row_of(matrix: sparse.csr_array, row: int) -> list[int]:
    """Columns stored in a row."""
    return stored_in(matrix, row).tolist()


def rows_with(matrix: sparse.csr_array, columns: ArrayLike) -> Ints:
    """Rows that store any of these columns, ascending."""
    places = np.flatnonzero(np.isin(matrix.indices, columns))
    return np.unique(np.searchsorted(matrix.indptr, places, side="right") - 1)


def named(graph: GraphSnapshot, concepts: Sequence[int]) -> tuple[Named, ...]:
    """Concepts by position."""
    return tuple(
        Named(
            str(graph.concept_ids[k]), str(graph.concept_names[k]), str(graph.concept_names_en[k])
        )
        for k in concepts
    )
