"""Which views are held back, and what is known before them?

Sizes: U learners, V resources, N views, n cases.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil

import numpy as np

from kgplan.arrays import Array, Floats, Ints
from kgplan.data.records import LearnerRecords
from kgplan.diagnosis.entries import only
from kgplan.errors import InputError
from kgplan.resources.simple import time_lines

FEWEST = 10  # views of a learner whose last ones are held back
SHARE = 0.2
CUT_AT = 0.8  # share of all views that lie before the moment of a cut
NEEDED_BEFORE = 5
"""Views before that moment of a learner whose next ones are held back."""


@dataclass(frozen=True)
class Viewing:
    """Who viewed what, and when.

    Attributes:
        records: with the order of views.
        moments: (N,) along the stored entries of `records.viewed`, in seconds.
    """

    records: LearnerRecords
    moments: Ints

    @cached_property
    def lines(self) -> list[Ints]:
        """Every learner's resources, oldest first."""
        items, starts = time_lines(self.records)
        return np.split(items, starts[1:-1])

    @cached_property
    def waits(self) -> list[Floats]:
        """Along `lines`, log(1 + hours) from the view before; 0 for the first."""
        learner = np.repeat(np.arange(self.sizes.size), self.sizes)
        by_time = np.lexsort((self.records.places_of_views, learner))
        hours = np.diff(self.moments[by_time], prepend=0) / 3600
        hours[self.records.viewed.indptr[:-1][self.sizes > 0]] = 0
        return np.split(np.log1p(np.maximum(hours, 0)), self.records.viewed.indptr[1:-1])

    def only(self, kept: Array) -> "Viewing":
        """The same with some of the views.

        Args:
            kept: (N,) True for those.
        """
        records = self.records
        order = records.places_of_views[kept]
        less = replace(records, viewed=only(records.viewed, kept), viewed_order=order)
        return Viewing(less, self.moments[kept])

    @cached_property
    def place(self) -> Ints:
        """(N,) how many views of the same learner lie before each."""
        learner = np.repeat(np.arange(self.sizes.size), self.sizes)
        by_time = np.lexsort((self.records.places_of_views, learner))
        place = np.empty(by_time.size, dtype=np.int64)
        place[by_time] = np.arange(by_time.size) - self.records.viewed.indptr[learner]
        return place

    @property
    def sizes(self) -> Ints:
        """(U,) views of each learner."""
        return np.diff(self.records.viewed.indptr)


@dataclass(frozen=True)
class Split:
    """What is known, and what was opened next.

    Attributes:
        name: of the protocol.
        known: the views before.
        learner: (n,) whose next views are held back.
        coming: of each, these, oldest first.
    """

    name: str
    known: Viewing
    learner: Ints
    coming: tuple[Ints, ...]


Splitter = Callable[[Viewing], Split]
"""Makes a split; of what one split knows it makes the split to choose settings on."""


def last(n: int) -> Splitter:
    """Each learner's last n views, of those with `FEWEST` views or more."""
    return _by_place(f"last-{n}", lambda sizes: np.where(sizes >= FEWEST, n, 0))


def last_share(viewing: Viewing) -> Split:
    """The last fifth of each learner's views, rounded up, of those with `FEWEST` or more."""
    many = np.vectorize(lambda size: ceil(SHARE * size) if size >= FEWEST else 0, otypes=[np.int64])
    return _by_place("last-20%", many)(viewing)


def _by_place(name: str, held: Callable[[Ints], Ints]) -> Splitter:
    def split(viewing: Viewing) -> Split:
        n_held = held(viewing.sizes)
        if not n_held.any():
            raise InputError(
                f"no learner has {FEWEST} views, of {viewing.sizes.size} learners; nothing can be"
                " held back"
            )
        learner = np.flatnonzero(n_held)
        coming = tuple(viewing.lines[u][-n_held[u] :] for u in learner.tolist())
        first_held = np.repeat(viewing.sizes - n_held, viewing.sizes)
        return Split(name, viewing.only(viewing.place < first_held), learner, coming)

    return split


def at_moment(share: float, n: int = 5) -> Splitter:
    """What comes next where nobody's future is seen: all views are cut at one moment.

    Args:
        share: of the views that lie before it.
        n: views behind it that are held back, of learners with that many, and with
            `NEEDED_BEFORE` views before.
    """

    def split(viewing: Viewing) -> Split:
        moment = np.sort(viewing.moments)[int(share * viewing.moments.size)]
        known = viewing.moments < moment
        learner = np.repeat(np.arange(viewing.sizes.size), viewing.sizes)
        before = np.bincount(learner[known], minlength=viewing.sizes.size)
        chosen = np.flatnonzero((before >= NEEDED_BEFORE) & (viewing.sizes - before >= n))
        if not chosen.size:
            raise InputError(
                f"no learner has {NEEDED_BEFORE} views before the cut at {share:.0%} of the views"
                f" and {n} behind it; nothing can be held back"
            )
        coming = tuple(viewing.lines[u][before[u] :][:n] for u in chosen.tolist())
        return Split("global", viewing.only(known), chosen, coming)

    return split
