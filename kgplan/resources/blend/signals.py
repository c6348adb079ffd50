"""What is known of resources that may be opened next, as numbers?

Sizes: V resources, C courses, n views of one learner, j resources asked about, F signals.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints
from kgplan.data.records import LearnerRecords, items_in_order
from kgplan.data.stored import Stored
from kgplan.native.signals import AHEAD, FADES, World, latest_courses, signals_of
from kgplan.resources.simple import (
    METHODS,
    Counts,
    Method,
    counts_of,
    pairs_of,
    square_on,
    time_lines,
)

NOMINATED = 30  # that each way of finding resources gives
PART_OF: Mapping[str, Method] = {
    "share of steps from view": "markov",
    "steps from": "markov",
    "soon": "markov",
    "seen by the same learners": "item_cf",
    "viewers": "popular",
}
"""Which method signals belong to, by how they begin."""
COURSE: Method = "next_in_course"  # all others: they tell of courses, and of going along them


@dataclass(frozen=True)
class Known(Stored):
    """What all learners did.

    Attributes:
        counts: of views, pairs and steps.
        soon: (V, V) how often the column's resource was among the `AHEAD` views behind the row's.
    """

    counts: Counts
    soon: sparse.csr_array

    def on(self, records: LearnerRecords) -> "Known":
        """The same on other records' resources, in their courses; what is new has no views yet."""
        of, ids = np.asarray(self.counts.item_ids), np.asarray(records.item_ids)
        return Known(self.counts.on(records), square_on(self.soon, of, ids))

    @cached_property
    def world(self) -> World:
        """All of it as compiled loops read it."""
        counts = self.counts
        viewers = counts.viewers.astype(np.float64)
        orders = [
            items_in_order(counts.course_items, c) for c in range(counts.course_items.shape[0])
        ]
        sizes = np.array([each.size for each in orders], dtype=np.int64)
        order = np.concatenate([*orders, np.empty(0, np.int64)]).astype(np.int64)
        course = np.repeat(np.arange(sizes.size), sizes)
        begins = np.cumsum(sizes) - sizes
        place = np.arange(order.size) - begins[course]
        shape = counts.item_ids.size, sizes.size
        shown = sparse.coo_array((place + 1, (order, course)), shape=shape).tocsr()
        shown.sort_indices()
        shown.data -= 1
        most = np.array([viewers[each].max(initial=1.0) for each in orders])
        return World(
            viewers=viewers,
            steps_from=np.asarray(counts.followed.sum(axis=1)).ravel().astype(np.float64),
            followed=counts.opened_next,
            soon=pairs_of(self.soon),
            together=counts.opened_together,
            shown=pairs_of(shown),
            order_from=np.append(begins, order.size),
            order=order,
            most=most,
        )

    @cached_property
    def popular(self) -> Ints:
        """The most opened resources."""
        return np.argsort(-self.counts.viewers, kind="stable")[:NOMINATED]


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
    return Known(counts_of(records), soon)


@dataclass(frozen=True)
class OwnCourse:
    """A course that a learner is in.

    Attributes:
        order: its resources.
        at: where its latest view stands among these.
    """

    order: Ints
    at: int


def own_courses(known: Known, history: Ints) -> list[OwnCourse]:
    """A learner's latest courses, see `native.signals.latest_courses`."""
    world = known.world
    opened: Array = np.zeros(known.counts.viewers.size, dtype=bool)
    opened[history] = True
    courses, places, _, n = latest_courses(world, history.astype(np.int64), opened)
    begins, ends = world.order_from[courses[:n]], world.order_from[courses[:n] + 1]
    spans = zip(begins.tolist(), ends.tolist(), places[:n].tolist(), strict=True)
    return [OwnCourse(world.order[begin:end], at) for begin, end, at in spans]


def nominated(known: Known, history: Ints) -> Ints:
    """Resources worth asking about, ascending: near in the learner's courses, often opened soon
    after the latest views, and popular ones."""
    found = [known.popular]
    for own in own_courses(known, history):
        order, at = own.order, own.at
        found += [order[at : at + 2 * NOMINATED], order[max(at - NOMINATED, 0) : at], order[:AHEAD]]
    score = np.zeros(known.counts.viewers.size)
    for age, item in enumerate(history[::-1][:AHEAD].tolist()):
        part = slice(*known.soon.indptr[item : item + 2].tolist())
        score[known.soon.indices[part]] += FADES**age * known.soon.data[part]
    score[history] = 0
    some = np.flatnonzero(score)
    found.append(some[np.argsort(-score[some], kind="stable")[:NOMINATED]])
    return np.setdiff1d(np.concatenate(found), history)


def signals(known: Known, history: Ints, asked: Ints) -> Floats:
    """What is known of each resource, given a learner's views.

    Args:
        known: of all learners.
        history: (n,) views, oldest first.
        asked: (j,) resources.

    Returns:
        (j, F) `SIGNALS`.
    """
    found: Floats = signals_of(known.world, history.astype(np.int64), asked.astype(np.int64))
    return found


def methods_of(signals: Iterable[str]) -> Ints:
    """(F,) which of `METHODS` each signal belongs to, by its place."""
    found = [
        next((method for begin, method in PART_OF.items() if each.startswith(begin)), COURSE)
        for each in signals
    ]
    return np.array([METHODS.index(each) for each in found])
