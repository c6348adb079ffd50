"""What would counts of earlier views, or the course's own order, say to open next?

Each method takes the counts and one learner's views, oldest first, and scores every resource; what
the learner has opened is scored as any other, for callers to leave out. None of them learns a
weight: they are what a trained ranking has to beat.
Sources: item-CF [sarwar2001, Item-based collaborative filtering recommendation algorithms], with
age [ding2005, Time weight collaborative filtering].
Sizes: V resources, C courses, n views of one learner.
"""

from dataclasses import dataclass
from functools import cached_property
from math import log
from typing import Literal, get_args

import numpy as np
from scipy import sparse

from kgplan.arrays import Floats, Ids, Ints
from kgplan.data.axis import on_axis
from kgplan.data.records import LearnerRecords, items_in_order
from kgplan.data.stored import Stored
from kgplan.native.signals import Pairs

Method = Literal["markov", "next_in_course", "item_cf", "popular", "progress", "pre"]
METHODS: tuple[Method, ...] = get_args(Method)
HALF_LIFE = log(0.5) / log(0.8)
"""Views after which one counts half in item-CF with age: each further view takes a fifth."""


@dataclass(frozen=True)
class Counts(Stored):
    """What was counted in the views of all learners.

    Attributes:
        item_ids: (V,) sorted.
        viewers: (V,) learners who opened each.
        together: (V, V) learners who opened both; nothing on the diagonal.
        followed: (V, V) how often the view of the row's resource was followed by the column's.
        course_items: (C, V) place of the resource in the course, from 1.
    """

    item_ids: Ids
    viewers: Ints
    together: sparse.csr_array
    followed: sparse.csr_array
    course_items: sparse.csr_array

    def on(self, records: LearnerRecords) -> "Counts":
        """The same on other records' resources, in their courses; what is new has no views yet."""
        of, ids = np.asarray(self.item_ids), np.asarray(records.item_ids)
        viewers = sparse.csr_array(np.asarray(self.viewers)[None])
        return Counts(
            records.item_ids,
            on_axis(viewers, of, ids).toarray()[0],
            square_on(self.together, of, ids),
            square_on(self.followed, of, ids),
            records.course_items,
        )

    @cached_property
    def by_item(self) -> sparse.csc_array:
        """`course_items` by its columns."""
        return self.course_items.tocsc()

    @cached_property
    def opened_together(self) -> Pairs:
        """`together` as compiled loops read it."""
        return pairs_of(self.together)

    @cached_property
    def opened_next(self) -> Pairs:
        """`followed` as compiled loops read it."""
        return pairs_of(self.followed)


def pairs_of(matrix: sparse.csr_array) -> Pairs:
    """A sparse matrix as compiled loops read it."""
    if not matrix.has_sorted_indices:
        matrix = matrix.sorted_indices()
    return Pairs(
        matrix.indptr.astype(np.int64),
        matrix.indices.astype(np.int64),
        matrix.data.astype(np.float64),
    )


def square_on(matrix: sparse.csr_array, of: Ids, to: Ids) -> sparse.csr_array:
    """The matrix with rows and columns, named by `of`, where `to` has these names."""
    turned = sparse.csr_array(on_axis(matrix, of, to).T)
    return sparse.csr_array(on_axis(turned, of, to).T)


def time_lines(records: LearnerRecords) -> tuple[Ints, Ints]:
    """Every learner's views, oldest first.

    Returns:
        (N,) resources, learner by learner, and (U + 1,) where each learner's begin.

    Raises:
        InputError: the records do not tell in which order learners watched.
    """
    viewed = records.viewed
    learner = np.repeat(np.arange(viewed.shape[0]), np.diff(viewed.indptr))
    in_time = np.lexsort((records.places_of_views, learner))
    return viewed.indices[in_time], viewed.indptr


def counts_of(records: LearnerRecords) -> Counts:
    """Count views, pairs and steps.

    Args:
        records: with the order of views.

    Raises:
        InputError: the records do not tell in which order learners watched.
    """
    items, starts = time_lines(records)
    n_learners, n_items = records.viewed.shape
    learner = np.repeat(np.arange(n_learners), np.diff(starts))
    ones = np.ones(items.size, dtype=np.int32)
    opened = sparse.coo_array((ones, (learner, items)), shape=(n_learners, n_items)).tocsr()
    together = sparse.csr_array(opened.T @ opened)
    together.setdiag(0)
    together.eliminate_zeros()
    together.sort_indices()
    same = learner[1:] == learner[:-1]
    pairs = items[:-1][same], items[1:][same]
    followed = sparse.coo_array((ones[1:][same], pairs), shape=(n_items, n_items)).tocsr()
    return Counts(
        item_ids=records.item_ids,
        viewers=np.bincount(items, minlength=n_items),
        together=together,
        followed=followed,
        course_items=records.course_items,
    )


def popular(counts: Counts, history: Ints) -> Floats:
    """(V,) share of the most that anyone opened; the same for every learner."""
    return counts.viewers / max(int(counts.viewers.max(initial=0)), 1)


def item_cf(counts: Counts, history: Ints, half_life: float | None = None) -> Floats:
    """(V,) the sum over the learner's views of the cosine of both resources' viewers.

    Args:
        counts: of all learners.
        history: (n,) the learner's views, oldest first.
        half_life: in views; how old a view is that counts half. None: all count alike.
    """
    weight = np.ones(history.size)
    if half_life is not None:
        weight = 0.5 ** (np.arange(history.size)[::-1] / half_life)
    root = np.sqrt(np.maximum(counts.viewers, 1))
    return (weight / root[history]) @ counts.together[history] / root


def markov(counts: Counts, history: Ints) -> Floats:
    """(V,) share of the steps from the learner's last view that led there.

    Among resources that it led to equally often, or never, item-CF with age decides: it adds less
    than half of one step.
    """
    aged = item_cf(counts, history, HALF_LIFE)
    if history.size == 0:
        return aged
    row = counts.followed[[history[-1]]].toarray().ravel()
    steps = max(int(row.sum()), 1)
    return row / steps + aged / (2 * steps * max(float(aged.max(initial=0.0)), 1.0))


def next_in_course(counts: Counts, history: Ints) -> Floats:
    """(V,) 1 for the next unopened resource of the course, 1/2 for the one behind it, and so on.

    The course is the one that shows the learner's last view, of several the one with most of the
    learner's views, then the first; where none shows it, the one of the latest view that has a
    course. What was left out before the view follows all behind it, the nearest first; what the
    course does not show gets 0.
    """
    scores = np.zeros(counts.item_ids.size)
    found = course_of(counts, history)
    if found is not None:
        course, last = found
        order = items_in_order(counts.course_items, course)
        at = int(np.flatnonzero(order == last)[0])
        coming = np.concatenate([order[at + 1 :], order[:at][::-1]])
        coming = coming[~np.isin(coming, history)]
        scores[coming] = 1 / np.arange(1, coming.size + 1)
    return scores


def course_of(counts: Counts, history: Ints) -> tuple[int, int] | None:
    """The course that a learner is in, see `next_in_course`, and the latest view of it.

    Returns:
        Both as positions; None where no course shows any view.
    """
    columns = counts.by_item
    for last in history[::-1].tolist():
        courses = columns.indices[columns.indptr[last] : columns.indptr[last + 1]]
        if courses.size == 1:
            return int(courses[0]), last
        if courses.size:
            begins, ends = columns.indptr[history].tolist(), columns.indptr[history + 1].tolist()
            shown = [columns.indices[a:b] for a, b in zip(begins, ends, strict=True)]
            own = np.bincount(np.concatenate(shown), minlength=counts.course_items.shape[0])
            return int(courses[np.argmax(own[courses])]), last
    return None


def best(scores: Floats, candidates: Ints, n: int) -> Ints:
    """The n candidates of the highest scores, best first; ties by id.

    Args:
        scores: (V,) of each resource.
        candidates: positions, ascending, so in order of ids.
        n: how many, at most.
    """
    return candidates[np.argsort(-scores[candidates], kind="stable")[:n]]
