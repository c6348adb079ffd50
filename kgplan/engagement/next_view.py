"""How likely is it that a learner's next view is completed? What is served of it.

It is completion of a video and nothing else. The hour and what others did are left out: neither
adds anything. The clock is the platform's, as its tables tell times.
Sizes: U learners, N views, V items, C courses, F columns, B ranges of chance.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ids, Ints
from kgplan.data.axis import Axis
from kgplan.data.records import items_in_order
from kgplan.data.stored import Stored
from kgplan.engagement.completion import (
    BEFORE,
    COLUMNS,
    COMPLETED,
    NextViews,
    Places,
    Watched,
    folds,
    next_views,
)
from kgplan.errors import InputError
from kgplan.resources.blend.trees import Trees, grown

LEFT_OUT = ("hour, sine", "hour, cosine", "completed by others", "others' views")
USED = tuple(name for name in COLUMNS if name not in LEFT_OUT)
FOLDS = 5
RANGES = 10  # of equal width, that chances of held-back views are counted in
ROUNDS, RATE, LEAVES, LOOKED_AT = 300, 0.03, 8, 0.5  # of boosting, see `grown`
Ground = Literal["watched", "times", "video"]
"""What a chance rests on: shares of earlier views; breaks between views; the next video."""
GROUNDS: tuple[Ground, ...] = ("watched", "times", "video")
OF_TIMES = ("views in this sitting", "gap to the next", "gap over length of the last")
OF_VIDEO = (
    "length",
    "length of the last",
    "same course",
    "steps in the course",
    "place in the course",
)


def _ground(column: str) -> int:
    if column.startswith("gap") or column in OF_TIMES:
        return 1
    return 2 if column in OF_VIDEO else 0


GROUND = np.array([_ground(name) for name in USED])
"""(F,) position in `GROUNDS`."""


@dataclass(frozen=True)
class Foreseen:
    """What is said of a view to come.

    Attributes:
        chance: that it is completed.
        finished: of the last `BEFORE` views, how many were completed.
        ground: what moved the chance most from the mean.
        alike: held-back views that were given a chance in the same range.
        alike_completed: share of them that was completed; None where there is none.
    """

    chance: float
    finished: int
    ground: Ground
    alike: int
    alike_completed: float | None


@dataclass(frozen=True)
class Completion(Stored):
    """Trees that say it, and the views and places that they ask for.

    Attributes:
        learner_ids, item_ids, course_ids: (U,), (V,), (C,) sorted.
        starts: (U + 1,) where each learner's views begin.
        item, moment, share: (N,) as of `Watched`.
        places: of V items and of one more, of which nothing is known.
        videos: (C, V) place of each video in the course, from 1.
        is_video: (V,) whether the item is watched.
        zone: of the moments.
        held_back, completed: (B,) held-back views by the range of their chance, all and those that
            were completed.
        trees: over `USED`.
    """

    learner_ids: Ids
    item_ids: Ids
    course_ids: Ids
    starts: Ints
    item: Ints
    moment: Floats
    share: Floats
    places: Places
    videos: sparse.csr_array
    is_video: Array
    zone: str
    held_back: Ints
    completed: Ints
    trees: Trees

    def seen(
        self,
        learner_id: str,
        in_records: bool,
        began: Mapping[str, float],
        shares: Mapping[str, float],
    ) -> Watched:
        """A learner's views, each video once, in the order in which they were begun.

        Args:
            learner_id: of the records, or new.
            in_records: False where the records' views are to be ignored.
            began: item -> when events saw it watched first, in seconds since 1970.
            shares: item -> share that events tell; what the data know as no video is left out.
        """
        found: dict[str, tuple[float, float]] = {}
        at = self._learners.find(learner_id) if in_records else -1
        if at >= 0:
            part = slice(*self.starts[at : at + 2].tolist())
            names = self.item_ids[self.item[part]].tolist()
            known = zip(self.moment[part].tolist(), self.share[part].tolist(), strict=True)
            found = dict(zip(names, known, strict=True))
        for name, share in shares.items():
            place = self._items.find(name)
            if place >= 0 and not self.is_video[place]:
                continue
            moment = self.on_clock(began[name])
            first, most = found.get(name, (moment, 0.0))
            found[name] = min(first, moment), max(most, share)
        rows = sorted(
            (moment, self._position(name), share) for name, (moment, share) in found.items()
        )
        moments, items, shares_in_order = np.array(rows).reshape(-1, 3).T
        return Watched(
            np.zeros(len(rows), dtype=np.int64), items.astype(np.int64), moments, shares_in_order
        )

    def next_item(self, seen: Watched, course_id: str | None) -> int:
        """Position of the video that comes next: in the course the first one behind the learner's
        last that was not opened, else the first that was not; V where none is known.

        Args:
            seen: views.
            course_id: of which; that of the last view where None.
        """
        of_views = self.places.course[seen.item]
        if course_id is not None:
            course = self._courses.find(course_id)
        else:
            course = int(next((each for each in of_views[::-1].tolist() if each >= 0), -1))
        unknown = self.item_ids.size
        if course < 0:
            return unknown
        order = items_in_order(self.videos, course)
        new = ~np.isin(order, seen.item)
        shown = np.isin(seen.item, order)
        last = int(np.flatnonzero(order == seen.item[shown][-1])[0]) if shown.any() else -1
        behind = np.flatnonzero(new & (np.arange(order.size) > last))
        left = behind if behind.size else np.flatnonzero(new)
        return int(order[left[0]]) if left.size else unknown

    def foresee(self, seen: Watched, item: int, moment: float) -> Foreseen:
        """What is said of one view to come.

        Args:
            seen: `BEFORE` views or more.
            item: position of what is opened; V where that is not known.
            moment: when, in seconds since 1970.

        Raises:
            InputError: there are fewer views.
        """
        more = Watched(  # the share of the view to come is in none of its columns
            np.append(seen.learner, 0),
            np.append(seen.item, item),
            np.append(seen.moment, self.on_clock(moment)),
            np.append(seen.share, 0.0),
        )
        rows = used(next_views(more, self.places))[-1:]
        chance = float(1 / (1 + np.exp(-self.trees.scores(rows)[0])))
        moved = np.abs(self.trees.moves(rows, GROUND)[0])
        at = range_of(np.array([chance]))[0]
        alike = int(self.held_back[at])
        return Foreseen(
            chance,
            int(np.sum(seen.share[-BEFORE:] >= COMPLETED)),
            GROUNDS[int(moved.argmax())],
            alike,
            float(self.completed[at]) / alike if alike else None,
        )

    def on_clock(self, moment: float) -> float:
        """A moment of the world by the platform's clock, both in seconds since 1970."""
        offset = datetime.fromtimestamp(moment, self._zone).utcoffset()
        return moment + (0.0 if offset is None else offset.total_seconds())

    def _position(self, item_id: str) -> int:
        at = self._items.find(item_id)
        return at if at >= 0 else int(self.item_ids.size)

    @cached_property
    def _learners(self) -> Axis:
        return Axis(self.learner_ids)

    @cached_property
    def _items(self) -> Axis:
        return Axis(self.item_ids)

    @cached_property
    def _courses(self) -> Axis:
        return Axis(self.course_ids)

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


def used(views: NextViews) -> Floats:
    """(n, F) the columns that are served."""
    return views.rows[:, [COLUMNS.index(name) for name in USED]]


def range_of(chance: Floats) -> Ints:
    """(n,) of the B ranges of equal width, that of each chance.

    >>> range_of(np.array([0.0, 0.19, 1.0])).tolist()
    [0, 1, 9]
    """
    return np.minimum((chance * RANGES).astype(np.int64), RANGES - 1)


def fit(views: NextViews, seed: int) -> Trees:
    """The trees that are served.

    Args:
        views: to learn from.
        seed: of what is drawn.

    Raises:
        InputError: all of them were completed, or none, so that there is nothing to tell apart.
    """
    if views.completed.all() or not views.completed.any():
        which = "all" if views.completed.all() else "none"
        raise InputError(
            f"{which} of the {views.completed.size} views that have {BEFORE} before them were"
            " completed, so that nothing tells them apart; give records with more views"
        )
    return grown(used(views), views.completed, ROUNDS, RATE, seed, LEAVES, LOOKED_AT)


def held_back_chances(views: NextViews, seed: int) -> Floats:
    """(n,) the chance of each view by trees that its learner had no part in.

    Args:
        views: all of them.
        seed: of folds and fits.

    Raises:
        InputError: as for `fit`, or there are fewer than `FOLDS` learners.
    """
    chances = np.empty(views.completed.size)
    for part in folds(views.learner, FOLDS, seed):
        scores = fit(views.of(~part), seed).scores(used(views.of(part)))
        chances[part] = 1 / (1 + np.exp(-scores))
    return chances


def with_unknown(places: Places) -> Places:
    """The same with one more item, of which nothing is known."""
    return Places(
        np.append(places.seconds, np.nan),
        np.append(places.course, -1),
        np.append(places.place, 0),
        np.append(places.size, 0),
    )
