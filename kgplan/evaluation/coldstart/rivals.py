"""What do methods without a trained tower score items by, for a learner cut after a few rows?

Each scores all items by what is known; among equal scores the more popular item comes first.
Sizes: n learners asked about, U known learners, V items.
"""

from collections.abc import Callable

import numpy as np
from scipy import sparse

from kgplan.arrays import Floats
from kgplan.coldstart.features import Encoder, Groups, Histories, Rows
from kgplan.coldstart.neighbours import item_scores
from kgplan.data.records import LearnerRecords
from kgplan.resources.simple import Counts, counts_of, item_cf, next_in_course

NEIGHBOURS = 100
COURSES_SAY = 0.3  # share of courses in the likeness of raw kNN
Scorer = Callable[[list[Rows]], Floats]
"""(n, V) scores."""


class Known:
    """What was counted in the known learners' rows.

    Args:
        records: of the known learners alone.
        encoder: counted in them.
    """

    def __init__(self, records: LearnerRecords, encoder: Encoder) -> None:
        histories = Histories.of(records)
        self.encoder = encoder
        self.counts: Counts = counts_of(records)
        some = range(records.learner_ids.size)
        self.opened = sparse.csr_array(
            (np.ones(records.viewed.nnz), records.viewed.indices, records.viewed.indptr),
            shape=records.viewed.shape,
        )
        self.groups = encoder.groups([histories.cut(u) for u in some])
        most = max(int(self.counts.viewers.max(initial=0)), 1)
        self.popularity = self.counts.viewers / most

    def popular(self, known: list[Rows]) -> Floats:
        """Learners who opened the item."""
        return np.tile(self.popularity, (len(known), 1))

    def popular_in_course(self, known: list[Rows]) -> Floats:
        """The same, where a course known of the learner shows the item; else 0."""
        found = np.zeros((len(known), self.popularity.size))
        for row, rows in enumerate(known):
            shown = np.unique(self.encoder.course_items[rows.courses].indices)
            found[row, shown] = self.popularity[shown]
        return self._settled(found)

    def item_cf(self, known: list[Rows]) -> Floats:
        """Cosine of items by who opened them, summed over the learner's."""
        return self._settled(np.array([item_cf(self.counts, rows.items) for rows in known]))

    def next_in_course(self, known: list[Rows]) -> Floats:
        """The next ones of the course."""
        return self._settled(np.array([next_in_course(self.counts, rows.items) for rows in known]))

    def user_cf(self, known: list[Rows]) -> Floats:
        """Learners by the cosine of what they opened, without idf."""
        theirs = _unit(self.opened)
        return self._settled(self._by_likeness(_unit(self._opened_by(known)) @ theirs.T))

    def raw_knn(self, known: list[Rows]) -> Floats:
        """Learners by courses and items as the tower gets them, untrained."""
        return self._settled(self._by_likeness(self.raw_likeness(known)))

    def raw_likeness(self, known: list[Rows]) -> sparse.csr_array:
        """(n, U) of `raw_knn`."""
        asked: Groups = self.encoder.groups(known)
        courses, items = (asked.parts[g] @ self.groups.parts[g].T for g in (0, 2))
        return sparse.csr_array(COURSES_SAY * courses + (1 - COURSES_SAY) * items)

    def content(self, known: list[Rows]) -> Floats:
        """Cosine of the item and the mean of what was opened, by concepts, courses and facts of
        these; without a row, of the courses known."""
        encoder = self.encoder
        shown = sparse.csr_array((encoder.course_items > 0).T, dtype=np.float64)
        profile = _unit(
            sparse.csr_array(
                sparse.hstack([_unit(encoder.q_matrix), _unit(shown), _unit(shown @ encoder.facts)])
            )
        )
        own = self._opened_by(known).tolil()
        for row, rows in enumerate(known):
            if not rows.items.size and rows.courses.size:
                own[row, np.unique(shown[:, rows.courses].tocoo().row)] = 1
        mine = _unit(sparse.csr_array(own.tocsr() @ profile))
        return self._settled((mine @ profile.T).toarray())

    def _opened_by(self, known: list[Rows]) -> sparse.csr_array:
        starts = np.cumsum([0, *(rows.items.size for rows in known)])
        items = np.concatenate([np.zeros(0, np.int64), *(rows.items for rows in known)])
        shape = (len(known), self.popularity.size)
        return sparse.csr_array((np.ones(items.size), items.astype(np.int64), starts), shape=shape)

    def _by_likeness(self, likeness: sparse.csr_array) -> Floats:
        dense = np.asarray(likeness.toarray())
        at = np.argsort(-dense, axis=1, kind="stable")[:, :NEIGHBOURS]
        return item_scores(at, np.take_along_axis(dense, at, 1), self.opened)

    def _settled(self, scores: Floats) -> Floats:
        """Ties by popularity, by far less than any score differs."""
        most = np.maximum(scores.max(axis=1, keepdims=True), np.finfo(float).tiny)
        return np.where(scores > 0, scores / most, 0) + 1e-9 * self.popularity


def _unit(rows: sparse.csr_array) -> sparse.csr_array:
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    return sparse.csr_array(sparse.diags_array(1 / np.where(length > 0, length, 1)) @ rows)
