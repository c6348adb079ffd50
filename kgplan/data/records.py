"""What did learners enrol in, watch and answer, and what do the items of courses cover?

An item is what a learner opens: a video, an exercise, a text.
Sizes: U learners, V items that cover a concept, K concepts, C courses.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ids, Ints
from kgplan.data.axis import Axis
from kgplan.data.stored import Stored
from kgplan.errors import InputError

VIDEO, EXERCISE, TEXT = "video", "exercise", "text"
KINDS = (VIDEO, EXERCISE, TEXT)
"""What an item may be: watched, answered, read."""
WATCHED = 0.8
"""Share of an item, or score of an answer, from which its concepts count as worked through."""
NOT_YET = 0.5  # score of an answer under which its concepts are not held yet


@dataclass(frozen=True)
class LearnerRecords(Stored):
    """The learner records, as sparse arrays on sorted ids.

    Attributes:
        learner_ids, item_ids, concept_ids, course_ids: (U,), (V,), (K,), (C,) sorted.
        enrolled: (U, C) 1 where the learner is enrolled.
        viewed: (U, V) share watched, in [0, 1], of the items that the learner opened.
        course_concepts: (C, K) 1 where the course has the concept.
        course_items: (C, V) place of the item in the course, from 1.
        q_matrix: (V, K) 1 where the item covers the concept.
        item_seconds: (V,) how long it takes, NaN where unknown; None where no length was kept.
        item_names: (V,) title, "" where unknown; None where no title was kept.
        viewed_order: along the stored entries of `viewed`, the place of the view among the
            learner's views and answers in time, from 1; None where none was kept.
        item_kinds: (V,) one of `KINDS`; None where all are videos.
        item_links: (V,) address, "" where unknown; None where no address was kept.
        answered: (U, V) best score of an exercise, in [0, 1], zeros stored; None where nobody
            answered any.
        answered_order: along the stored entries of `answered`, the place of the last answer among
            the learner's views and answers in time; None where none was kept.
        answers_start: (U + 1,) where the answers of each learner begin in these, which hold every
            one, also to the same item, in the order of time; None where none was kept.
        answers_item: positions of items.
        answers_score: in [0, 1].
    """

    learner_ids: Ids
    item_ids: Ids
    concept_ids: Ids
    course_ids: Ids
    enrolled: sparse.csr_array
    viewed: sparse.csr_array
    course_concepts: sparse.csr_array
    course_items: sparse.csr_array
    q_matrix: sparse.csr_array
    item_seconds: Floats | None = None
    item_names: Ids | None = None
    viewed_order: Ints | None = None
    item_kinds: Ids | None = None
    item_links: Ids | None = None
    answered: sparse.csr_array | None = None
    answered_order: Ints | None = None
    answers_start: Ints | None = None
    answers_item: Ints | None = None
    answers_score: Floats | None = None

    @cached_property
    def learners(self) -> Axis:
        """Where each learner stands."""
        return Axis(self.learner_ids)

    @cached_property
    def items(self) -> Axis:
        """Where each item stands."""
        return Axis(self.item_ids)

    @cached_property
    def courses(self) -> Axis:
        """Where each course stands."""
        return Axis(self.course_ids)

    @property
    def kinds(self) -> Ids:
        """(V,) what each item is."""
        return np.full(self.item_ids.size, VIDEO) if self.item_kinds is None else self.item_kinds

    @property
    def titles(self) -> Ids:
        """(V,) of each item; "" where unknown."""
        return self._texts(self.item_names)

    @property
    def addresses(self) -> Ids:
        """(V,) of each item; "" where unknown."""
        return self._texts(self.item_links)

    @property
    def minutes(self) -> Floats:
        """(V,) that each item takes; NaN where unknown."""
        if self.item_seconds is None:
            return np.full(self.item_ids.size, np.nan)
        return self.item_seconds / 60

    @cached_property
    def exercises(self) -> Array:
        """(V,) True for items that are answered, not watched."""
        return np.asarray(self.kinds == EXERCISE)

    @cached_property
    def expected(self) -> sparse.csr_array:
        """(C, V) True for what counts as not opened where a learner of the course did not open it.

        That is all but exercises: who leaves one out says nothing.
        """
        stored = self.course_items.tocoo()
        kept = ~self.exercises[stored.col]
        columns = (stored.row[kept], stored.col[kept])
        ones = np.ones(columns[0].size, dtype=bool)
        return sparse.coo_array((ones, columns), shape=self.course_items.shape).tocsr()

    def due(self, courses: Ints) -> Array:
        """(V,) True for what is `expected` in any of the courses, by their positions."""
        due: Array = np.zeros(self.item_ids.size, dtype=bool)
        for begin, end in zip(
            self.expected.indptr[courses], self.expected.indptr[courses + 1], strict=True
        ):
            due[self.expected.indices[begin:end]] = True
        return due

    def answers_of(self, learner: int) -> tuple[Ints, Floats]:
        """Items and scores of a learner's answers in the order of time; none for -1.

        Where only the best score of each item was kept, that stands for all answers to it.
        """
        none = np.zeros(0, np.int64), np.zeros(0)
        if learner < 0 or self.answered is None:
            return none
        if (
            self.answers_start is not None
            and self.answers_item is not None
            and self.answers_score is not None
        ):
            kept = slice(*self.answers_start[learner : learner + 2].tolist())
            return self.answers_item[kept].astype(np.int64), self.answers_score[kept]
        stored = slice(*self.answered.indptr[learner : learner + 2].tolist())
        items, scores = self.answered.indices[stored].astype(np.int64), self.answered.data[stored]
        if self.answered_order is None:
            return none
        order = np.argsort(self.answered_order[stored])
        return items[order], scores[order]

    def in_order(self, course: int) -> Ints:
        """Positions of a course's items, in its order."""
        return items_in_order(self.course_items, course)

    @property
    def places_of_views(self) -> Ints:
        """`viewed_order`, where it was kept.

        Raises:
            InputError: the records do not tell in which order learners watched.
        """
        if self.viewed_order is None:
            raise InputError(
                "the records do not tell in which order learners watched;"
                " run `kgplan etl run` again"
            )
        return self.viewed_order

    def _texts(self, kept: Ids | None) -> Ids:
        return np.zeros(self.item_ids.size, dtype="U1") if kept is None else kept


def observations(records: LearnerRecords) -> sparse.csr_array:
    """The responses r_uv of V-DINA (spec section 3): views, and answers.

    Returns:
        (U, V): the score where the learner answered the exercise; the share watched where the
        learner opened another item; a stored 0 where such an item belongs to a course of the
        learner's and was never opened; nothing elsewhere.
    """
    due = (records.enrolled.astype(np.int32) @ records.expected.astype(np.int32)).tocoo()
    seen = [each.tocoo() for each in (records.answered, records.viewed) if each is not None]
    key = np.concatenate([each.row for each in (*seen, due)]).astype(np.int64)
    key = key * records.item_ids.size + np.concatenate([each.col for each in (*seen, due)])
    share = np.concatenate([*(each.data for each in seen), np.zeros(due.nnz)])
    key, first = np.unique(key, return_index=True)  # what was seen stands before what was not
    row, column = np.divmod(key, max(records.item_ids.size, 1))
    indptr = np.searchsorted(row, np.arange(records.learner_ids.size + 1))
    return sparse.csr_array((share[first], column, indptr), shape=records.viewed.shape)


def time_line(records: LearnerRecords) -> sparse.csr_array:
    """(U, V) the place of each view and answer on its learner's time line, from 1.

    Where an item was viewed and answered, the later place; where no order was kept, any.
    """
    parts = []
    for matrix, order in (
        (records.viewed, records.viewed_order),
        (records.answered, records.answered_order),
    ):
        if matrix is not None:
            stored = matrix.tocoo()
            place = np.arange(1, matrix.nnz + 1) if order is None else order
            parts.append((stored.row, stored.col, place))
    row, column, place = (np.concatenate(each) for each in zip(*parts, strict=True))
    by_place = np.lexsort((place, column, row))
    row, column, place = row[by_place], column[by_place], place[by_place]
    last = np.append((row[1:] != row[:-1]) | (column[1:] != column[:-1]), True)[: row.size]
    indptr = np.searchsorted(row[last], np.arange(records.learner_ids.size + 1))
    shape = records.viewed.shape
    return sparse.csr_array((place[last].astype(np.int64), column[last], indptr), shape=shape)


@dataclass(frozen=True)
class LearnedConcepts:
    """R of eq. (5): which learner has learned which concept, and how we know.

    Attributes:
        matrix: (U, K) 1 where learned.
        by_view: pairs known from what was watched, read, or answered right.
        by_enrolment: further pairs known from enrolment in a course whose videos have no concepts.
    """

    matrix: sparse.csr_array
    by_view: int
    by_enrolment: int


def learned_concepts(records: LearnerRecords) -> LearnedConcepts:
    """Which concepts each learner has learned (spec section 2, the choice under eq. 5).

    A learner has learned a concept when an item was watched or read, or an exercise answered right,
    that covers it, or, for a course none of whose items has concepts, when the learner is enrolled
    in a course that has it.
    """
    watched = records.viewed > 0
    if records.answered is not None:
        watched = watched + (records.answered >= WATCHED)
    by_view = (watched.astype(np.int32) @ records.q_matrix.astype(np.int32)) > 0
    covered = (records.course_items > 0).astype(np.int32) @ records.q_matrix.astype(np.int32)
    without_videos = np.diff(covered.tocsr().indptr) == 0
    told_by_enrolment = records.enrolled.astype(np.int32) * without_videos  # course by course
    by_enrolment = (told_by_enrolment @ records.course_concepts.astype(np.int32)) > 0
    matrix = (by_view + by_enrolment).tocsr().astype(bool)
    matrix.sort_indices()
    return LearnedConcepts(
        matrix=matrix, by_view=int(by_view.nnz), by_enrolment=int(matrix.nnz - by_view.nnz)
    )


def items_in_order(course_items: sparse.csr_array, course: int) -> Ints:
    """Positions of a course's items, in its order.

    Args:
        course_items: (C, V) place of the item in the course, from 1.
        course: its position.
    """
    part = slice(*course_items.indptr[course : course + 2].tolist())
    return course_items.indices[part][np.argsort(course_items.data[part], kind="stable")]
