"""What is known of resources that may be opened next, as numbers?

Sizes: V resources, C courses, K concepts, n views of one learner, j resources asked about,
F signals.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints
from kgplan.data.records import LearnerRecords, items_in_order
from kgplan.data.stored import Stored
from kgplan.resources.simple import Counts, counts_of, time_lines

AHEAD = 5  # views that count as soon
LATEST = 20  # views of a learner that say what is near them
FADES = 0.8  # weight of a view against the one behind it
COURSES = 3  # of a learner, the latest ones
LOOKED_BACK = 60  # views in which these are looked for
NOMINATED = 30  # that each way of finding resources gives
CLOSE = 50  # places of a course beyond which distances are not told apart

SIGNALS = (
    *(f"share of steps from view {k} before" for k in range(3)),
    "steps from the last view",
    *("soon after the last view", "soon after the latest views"),
    *("seen by the same learners", "viewers"),
    *(
        f"{what} in course {k}"
        for k in range(COURSES)
        for what in ("unopened ones up to it", "places ahead", "views since", "share opened")
    ),
    *("steps of one place", "last step", "views", "unopened ones ahead"),
    *("concepts of the latest views", "place", "share of its course", "viewers in its course"),
)
"""Of a resource, given a learner's views; courses are the learner's, from the latest (0). NaN where
there is no such view or course, or the course does not show the resource."""


@dataclass(frozen=True)
class Known(Stored):
    """What all learners did, and what resources are about.

    Attributes:
        counts: of views, pairs and steps.
        soon: (V, V) how often the column's resource was among the `AHEAD` views behind the row's.
        q_matrix: (V, K) 1 where the resource covers the concept.
    """

    counts: Counts
    soon: sparse.csr_array
    q_matrix: sparse.csr_array

    @cached_property
    def orders(self) -> list[Ints]:
        """Of each course its resources, in its order."""
        shown = self.counts.course_items
        return [items_in_order(shown, course) for course in range(shown.shape[0])]

    @cached_property
    def steps_from(self) -> Ints:
        """(V,) steps that were counted from each."""
        return np.asarray(self.counts.followed.sum(axis=1)).ravel()

    @cached_property
    def unit_concepts(self) -> sparse.csr_array:
        """(V, K) rows of length 1, or of none."""
        size = np.sqrt(np.maximum(np.diff(self.q_matrix.indptr), 1))
        return sparse.csr_array(sparse.diags_array(1 / size) @ self.q_matrix.astype(np.float64))

    @cached_property
    def in_first_course(self) -> Floats:
        """(V, 3) place, its share of the course, and viewers as a share of the course's most."""
        columns, viewers = self.counts.by_item, self.counts.viewers
        found = np.full((viewers.size, 3), np.nan)
        shown = np.flatnonzero(np.diff(columns.indptr))
        first = columns.indptr[shown]
        course, place = columns.indices[first], columns.data[first]
        size = np.array([order.size for order in self.orders])[course]
        most = np.array([viewers[order].max(initial=1) for order in self.orders])[course]
        found[shown] = np.stack([place, place / size, viewers[shown] / most], axis=1)
        return found


def known_of(records: LearnerRecords) -> Known:
    """Count what signals are made of.

    Raises:
        InputError: the records do not tell in which order learners watched.
    """
    items, starts = time_lines(records)
    learner = np.repeat(np.arange(starts.size - 1), np.diff(starts))
    n = records.item_ids.size
    soon = sparse.csr_array((n, n), dtype=np.int32)
    for gap in range(1, AHEAD + 1):
        same = learner[gap:] == learner[:-gap]
        pairs = items[:-gap][same], items[gap:][same]
        ones = np.ones(pairs[0].size, dtype=np.int32)
        soon = soon + sparse.coo_array((ones, pairs), shape=(n, n)).tocsr()
    soon.sort_indices()
    return Known(counts_of(records), soon, records.q_matrix)


@dataclass(frozen=True)
class OwnCourse:
    """A course that a learner is in.

    Attributes:
        order: its resources.
        at: where its latest view stands among these.
        age: views since that.
    """

    order: Ints
    at: int
    age: int


def own_courses(known: Known, history: Ints) -> list[OwnCourse]:
    """A learner's latest courses, see `COURSES`; of those that show a view, first those with most
    of the learner's views."""
    found: dict[int, OwnCourse] = {}
    columns = known.counts.by_item
    for age, item in enumerate(history[::-1][:LOOKED_BACK].tolist()):
        courses = columns.indices[columns.indptr[item] : columns.indptr[item + 1]].tolist()
        new = [course for course in courses if course not in found]
        own = {course: np.isin(known.orders[course], history).sum() for course in new}
        for course in sorted(new, key=lambda each: -own[each]):
            order = known.orders[course]
            found[course] = OwnCourse(order, int(np.flatnonzero(order == item)[0]), age)
        if len(found) >= COURSES:
            break
    return list(found.values())[:COURSES]


def nominated(known: Known, history: Ints) -> Ints:
    """Resources worth asking about, ascending: near in the learner's courses, often opened soon
    after the latest views, and popular ones."""
    found: list[Ints] = [np.argsort(-known.counts.viewers, kind="stable")[:NOMINATED]]
    for own in own_courses(known, history):
        order, at = own.order, own.at
        found += [order[at : at + 2 * NOMINATED], order[max(at - NOMINATED, 0) : at], order[:AHEAD]]
    score = np.zeros(known.counts.viewers.size)
    for age, item in enumerate(history[::-1][:AHEAD].tolist()):
        part = slice(*known.soon.indptr[item : item + 2].tolist())
        score[known.soon.indices[part]] += FADES**age * known.soon.data[part]
    score[history] = 0
    top = np.argsort(-score, kind="stable")[:NOMINATED]
    found.append(top[score[top] > 0])
    return np.setdiff1d(np.concatenate(found), history)


def signals(known: Known, history: Ints, asked: Ints) -> Floats:
    """What is known of each resource, given a learner's views.

    Args:
        known: of all learners.
        history: (n,) views, oldest first.
        asked: (j,) resources.

    Returns:
        (j, F) `SIGNALS`, float32.
    """
    courses = own_courses(known, history)
    columns = [
        *_of_steps(known, history, asked),
        *_of_courses(known, history, asked, courses),
        *_of_learner(history, courses, asked.size),
        known.unit_concepts[asked] @ known.unit_concepts[history[-AHEAD:]].sum(axis=0),
        *known.in_first_course[asked].T,
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def _of_steps(known: Known, history: Ints, asked: Ints) -> list[Floats]:
    viewers, latest = known.counts.viewers, history[::-1][:LATEST].tolist()
    unknown = np.full(asked.size, np.nan)
    steps = [_row(known.counts.followed, item, asked) for item in latest[:3]]
    shares = [
        counted / max(int(known.steps_from[item]), 1)
        for counted, item in zip(steps, latest, strict=False)
    ]
    soon, alike = np.zeros(asked.size), np.zeros(asked.size)
    after_last = unknown
    root = np.sqrt(np.maximum(viewers, 1))
    for age, item in enumerate(latest):
        then = _row(known.soon, item, asked) / max(int(viewers[item]), 1)
        after_last = after_last if age else then
        soon += FADES**age * then
        alike += FADES**age * _row(known.counts.together, item, asked) / root[item] / root[asked]
    missing = [unknown] * (3 - len(shares))
    last = steps[0] if steps else unknown
    return [*shares, *missing, last, after_last, soon, alike, np.log1p(viewers[asked])]


def _of_courses(known: Known, history: Ints, asked: Ints, courses: list[OwnCourse]) -> list[Floats]:
    opened: Array = np.zeros(known.counts.viewers.size, dtype=bool)
    opened[history] = True
    columns = []
    for own in courses:
        left = ~opened[own.order]
        of_item = np.full((opened.size, 4), np.nan)
        ahead = own.order[own.at + 1 :][left[own.at + 1 :]]
        behind = own.order[: own.at][left[: own.at]][::-1]
        of_item[own.order, 1] = np.clip(np.arange(left.size) - own.at, -CLOSE, CLOSE)
        of_item[own.order, 2:] = own.age, 1 - left.mean()
        of_item[ahead, 0] = np.arange(1, ahead.size + 1)
        of_item[behind, 0] = -np.arange(1, behind.size + 1)
        columns += list(of_item[asked].T)
    return columns + [np.full(asked.size, np.nan)] * (4 * (COURSES - len(courses)))


def _of_learner(history: Ints, courses: list[OwnCourse], size: int) -> list[Floats]:
    in_row, last, ahead = np.nan, np.nan, np.nan
    if courses:
        order, at = courses[0].order, courses[0].at
        place = {item: k for k, item in enumerate(order.tolist())}
        near = [place.get(item) for item in history[-AHEAD - 2 :].tolist()]
        steps = [None if a is None or b is None else b - a for a, b in pairwise(near)]
        if steps:
            in_row = float(np.mean([step == 1 for step in steps]))
            last = np.nan if steps[-1] is None else float(np.clip(steps[-1], -CLOSE, CLOSE))
        ahead = float(np.sum(~np.isin(order[at + 1 :], history)))
    return [np.full(size, each) for each in (in_row, last, np.log1p(history.size), ahead)]


def _row(matrix: sparse.csr_array, row: int, columns: Ints) -> Floats:
    """Some entries of a row whose indices are sorted."""
    begin, end = matrix.indptr[row : row + 2].tolist()
    indices = matrix.indices[begin:end]
    if not indices.size:
        return np.zeros(columns.size)
    at = np.minimum(np.searchsorted(indices, columns), indices.size - 1)
    return np.where(indices[at] == columns, matrix.data[begin:end][at], 0.0)
