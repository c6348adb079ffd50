"""What is known of a learner after the first rows, in groups, and nothing of what came later?

Sizes: B learners, N rows, U learners, V items, K concepts, C courses, F facts of courses, G groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy import sparse

from kgplan.arrays import Floats, Ints, check_axis
from kgplan.data.records import LearnerRecords
from kgplan.data.stored import Stored

GROUPS = ("courses", "about courses", "items", "concepts", "engagement", "consistency")
COUNTED = 4  # groups of counts, which have length 1; the others are numbers from 0 to 1
N_ENGAGEMENT = 6
N_CONSISTENCY = 5
DAY = 86_400.0


@dataclass(frozen=True)
class Rows:
    """What is known of one learner at a moment.

    Attributes:
        items: (n,) that were opened, oldest first.
        shares: (n,) of each that was watched.
        moments: (n,) when each began, in seconds; NaN where unknown.
        courses: courses known by then, ascending.
    """

    items: Ints
    shares: Floats
    moments: Floats
    courses: Ints


@dataclass(frozen=True)
class Histories:
    """Every learner's rows in the order of time, to be cut.

    Attributes:
        items, shares, moments: (N,) learner by learner, oldest first; see `Rows`.
        starts: (U + 1,) where each learner's begin.
        dated: (U, C) when the learner enrolled, in seconds, where that is known; an enrolment
            without a moment may lie behind any cut, and is left out.
        shown_in: (V, C) stored where the course shows the item.
    """

    items: Ints
    shares: Floats
    moments: Floats
    starts: Ints
    dated: sparse.csr_array
    shown_in: sparse.csr_array

    @classmethod
    def of(
        cls,
        records: LearnerRecords,
        moments: Floats | None = None,
        dated: sparse.csr_array | None = None,
    ) -> "Histories":
        """Those of records.

        Args:
            records: with the order of views.
            moments: (N,) along the stored entries of `viewed`, in seconds; None where unknown.
            dated: (U, C) see the class; None where unknown.

        Raises:
            InputError: the records do not tell in which order learners watched.
        """
        viewed = records.viewed
        learner = np.repeat(np.arange(viewed.shape[0]), np.diff(viewed.indptr))
        in_time = np.lexsort((records.places_of_views, learner))
        known = np.full(viewed.nnz, np.nan) if moments is None else moments.astype(np.float64)
        check_axis("N", viewed=viewed.nnz, moments=known.size)
        return cls(
            viewed.indices[in_time].astype(np.int64),
            viewed.data[in_time].astype(np.float64),
            known[in_time],
            viewed.indptr.astype(np.int64),
            sparse.csr_array(records.enrolled.shape) if dated is None else dated,
            sparse.csr_array(records.course_items.T),
        )

    @property
    def sizes(self) -> Ints:
        """(U,) rows of each learner."""
        return np.diff(self.starts)

    def all_of(self, learner: int) -> Ints:
        """Items of a learner, oldest first."""
        return self.items[self.starts[learner] : self.starts[learner + 1]]

    def cut(self, learner: int, n: int | None = None) -> Rows:
        """What is known of a learner after n rows; after all where n is None.

        Without a row the course of the first one is known: a request names a course.
        """
        begin, end = self.starts[learner : learner + 2].tolist()
        seen = slice(begin, end if n is None else min(begin + n, end))
        named = self.items[begin : min(max(seen.stop, begin + 1), end)]
        courses = self.courses_of(named)
        until = self.moments[named.size + begin - 1] if named.size else np.nan
        row = slice(*self.dated.indptr[learner : learner + 2].tolist())
        enrolled = self.dated.indices[row][self.dated.data[row] <= until]
        return Rows(
            self.items[seen],
            self.shares[seen],
            self.moments[seen],
            np.union1d(courses, enrolled).astype(np.int64),
        )

    def courses_of(self, items: Ints) -> Ints:
        """Courses that show any of the items, ascending."""
        shown = self.shown_in
        parts = [shown.indices[shown.indptr[v] : shown.indptr[v + 1]] for v in items.tolist()]
        return np.unique(np.concatenate([np.zeros(0, np.int64), *parts])).astype(np.int64)


@dataclass(frozen=True)
class Groups:
    """Features of some learners.

    Attributes:
        parts: of each of `GROUPS`, (B, its columns), sparse.
        present: (B, G) 1.0 where there is any; what is absent is not zero, it is left out.
    """

    parts: tuple[sparse.csr_array, ...]
    present: Floats

    def only(self, rows: Ints) -> "Groups":
        """Those of some of the learners, by position."""
        return Groups(tuple(part[rows] for part in self.parts), self.present[rows])


@dataclass(frozen=True)
class Encoder(Stored):
    """Makes groups of rows; what it counts was counted in the rows of known learners.

    Attributes:
        course_weight, item_weight: (C,), (V,) idf.
        facts: (C, F) stored where the course has the school, teacher or field.
        q_matrix: (V, K) stored where the item covers the concept.
        course_items: (C, V) place of the item in the course, from 1.
        low, high: of the numbers, in known learners' rows, eq. (6).
    """

    course_weight: Floats
    item_weight: Floats
    facts: sparse.csr_array
    q_matrix: sparse.csr_array
    course_items: sparse.csr_array
    low: Floats
    high: Floats

    @cached_property
    def _next(self) -> set[tuple[int, int]]:
        """Pairs of items of which the second follows the first in a course."""
        stored = self.course_items.tocoo()
        order = np.lexsort((stored.data, stored.row))
        row, item = stored.row[order], stored.col[order]
        same = row[1:] == row[:-1]
        return set(zip(item[:-1][same].tolist(), item[1:][same].tolist(), strict=True))

    @cached_property
    def _course_sizes(self) -> Ints:
        return np.diff(self.course_items.indptr)

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Columns of each group."""
        return (
            self.course_weight.size,
            self.facts.shape[1],
            self.item_weight.size,
            self.q_matrix.shape[1],
            N_ENGAGEMENT,
            N_CONSISTENCY,
        )

    def groups(self, known: Sequence[Rows]) -> Groups:
        """The groups of some learners."""
        courses = _stacked([rows.courses for rows in known], self.course_weight.size)
        items = _stacked([rows.items for rows in known], self.item_weight.size)
        counts = (
            courses * self.course_weight[None, :],
            (courses @ self.facts).log1p(),
            items * self.item_weight[None, :],
            (items @ self.q_matrix).log1p(),
        )
        seen = np.array([rows.items.size > 0 for rows in known])
        numbers = self.scaled(self.numbers(known)) * seen[:, None]
        parts = (
            *(_of_length_one(sparse.csr_array(each)) for each in counts),
            sparse.csr_array(numbers[:, :N_ENGAGEMENT]),
            sparse.csr_array(numbers[:, N_ENGAGEMENT:]),
        )
        filled = [np.diff(part.indptr) > 0 for part in parts[:COUNTED]]
        return Groups(parts, np.stack([*filled, seen, seen], axis=1).astype(np.float64))

    def scaled(self, numbers: Floats) -> Floats:
        """(B, n) from 0 to 1 by what was seen in known learners, eq. (6); a constant is 0."""
        spread = self.high - self.low
        return np.clip((numbers - self.low) / np.where(spread > 0, spread, np.inf), 0, 1)

    def numbers(self, known: Sequence[Rows]) -> Floats:
        """(B, n) engagement, then consistency, as they are counted."""
        return np.array([self._numbers(rows) for rows in known]).reshape(
            len(known), N_ENGAGEMENT + N_CONSISTENCY
        )

    def _numbers(self, rows: Rows) -> list[float]:
        items, n = rows.items.tolist(), rows.items.size
        if n == 0:
            return [0.0] * (N_ENGAGEMENT + N_CONSISTENCY)
        timed = not np.isnan(rows.moments).any()
        gaps = np.diff(rows.moments) / DAY if timed and n > 1 else np.zeros(1)
        span = (rows.moments[-1] - rows.moments[0]) / DAY if timed else 0.0
        steps = list(pairwise(items))
        along = sum(step in self._next for step in steps) / max(len(steps), 1)
        started = rows.courses
        of_started = max(int(self._course_sizes[started].sum()), 1)
        return [
            np.log1p(n), np.log1p(started.size), np.log1p(n / (span + 1)) if timed else 0.0,
            np.log1p(np.median(gaps)), float(rows.shares.mean()), float(timed),
            along, np.log1p(span), np.log1p(gaps.max()), min(n / of_started, 1.0), float(n > 1),
        ]  # fmt: skip


def encoder_of(
    histories: Histories,
    learners: Ints,
    facts: sparse.csr_array,
    records: LearnerRecords,
    cuts: Sequence[int],
) -> Encoder:
    """Count in some learners' rows what an encoder needs.

    Args:
        histories: of all.
        learners: those who are known; nobody else is looked at.
        facts: (C, F) see `Encoder`.
        records: whose items, concepts and courses these are.
        cuts: rows seen, where the least and the largest of numbers are looked for beside all rows.
    """
    n_courses, n_items = records.course_items.shape
    whole = [histories.cut(u) for u in learners.tolist()]
    by_course = _stacked([rows.courses for rows in whole], n_courses)
    by_item = _stacked([rows.items for rows in whole], n_items)
    plain = Encoder(
        idf(by_course), idf(by_item), sparse.csr_array(facts, dtype=np.float64),
        sparse.csr_array(records.q_matrix != 0, dtype=np.float64), records.course_items,
        np.zeros(0), np.zeros(0),
    )  # fmt: skip
    seen = whole + [histories.cut(u, n) for u in learners.tolist() for n in cuts if n > 0]
    numbers = plain.numbers(seen)
    low, high = numbers.min(axis=0), numbers.max(axis=0)
    return replace(plain, low=low, high=high)


def idf(stored: sparse.csr_array) -> Floats:
    """(n,) log((1 + U) / (1 + u_v)) + 1, with u_v the rows of (U, n) that have the column."""
    count = np.bincount(stored.indices, minlength=stored.shape[1])
    return np.log((1 + stored.shape[0]) / (1 + count)) + 1


def weighed(lines: Sequence[Ints], weight: Floats) -> sparse.csr_array:
    """(B, V) rows of length 1 with the weight where the line has the item."""
    return _of_length_one(sparse.csr_array(_stacked(lines, weight.size) * weight[None, :]))


def _stacked(lines: Sequence[Ints], width: int) -> sparse.csr_array:
    """(B, width) 1.0 at each position that a line has."""
    starts = np.concatenate([[0], np.cumsum([line.size for line in lines])]).astype(np.int64)
    columns = np.concatenate([np.zeros(0, np.int64), *(np.sort(line) for line in lines)])
    shape = (len(lines), width)
    return sparse.csr_array((np.ones(columns.size), columns.astype(np.int64), starts), shape=shape)


def _of_length_one(rows: sparse.csr_array) -> sparse.csr_array:
    rows = sparse.csr_array(rows, dtype=np.float64)
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    return sparse.csr_array(sparse.diags_array(1 / np.where(length > 0, length, 1)) @ rows)
