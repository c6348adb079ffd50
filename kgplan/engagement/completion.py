"""Is the next view watched to its end? The one thing of engagement that real records say.

It is completion, not affect: a share of .9 or more of the video. What is known is the learner's
earlier views, what the platform knows of the next video, when it is opened, and how often others
completed it.
Sizes: N views, V items, C courses, n views to come.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints
from kgplan.data.stored import Stored
from kgplan.errors import InputError

COMPLETED = 0.9  # share of a video
BEFORE = 8  # views that are looked at
SITTING = 1_800.0  # seconds without a view, after which another sitting begins
OTHERS = 5.0  # views at the mean rate that stand beside an item's own
OF_VIEW = ("share", "completed", "length", "gap", "same course")
COLUMNS = (
    *(f"share {k} before" for k in range(1, BEFORE + 1)),
    *(f"gap {k} before" for k in range(1, BEFORE + 1)),
    "mean share of 8",
    "completed of 8",
    "completed of all",
    "views so far",
    "completed in a row",
    "views in this sitting",
    "gap to the next",
    "hour, sine",
    "hour, cosine",
    "length",
    "length of the last",
    "gap over length of the last",
    "same course",
    "steps in the course",
    "place in the course",
    "completed by others",
    "others' views",
)


@dataclass(frozen=True)
class Watched:
    """Views of learners whose shares are known.

    Attributes:
        learner: (N,) positions, ascending.
        item: (N,) positions.
        moment: (N,) when it began, seconds since 1970 by the platform's clock, ascending for each
            learner.
        share: (N,) of the video that was watched, in [0, 1].
    """

    learner: Ints
    item: Ints
    moment: Floats
    share: Floats


@dataclass(frozen=True)
class Places(Stored):
    """Where items stand.

    Attributes:
        seconds: (V,) length; NaN where unknown.
        course: (V,) the first course that shows it; -1 for none.
        place: (V,) in that course, from 1; 0 for none.
        size: (V,) items of that course; 0 for none.
    """

    seconds: Floats
    course: Ints
    place: Ints
    size: Ints


@dataclass(frozen=True)
class NextViews:
    """Views to come, each behind `BEFORE` views or more of its learner.

    Attributes:
        rows: (n, F) of `COLUMNS`; NaN where unknown.
        sequence: (n, 8, Q) of `OF_VIEW`, oldest first.
        completed: (n,) True where the share is `COMPLETED` or more.
        learner, item: (n,) whose view, and of what.
    """

    rows: Floats
    sequence: Floats
    completed: Array
    learner: Ints
    item: Ints

    def of(self, kept: Array) -> "NextViews":
        """Some of them.

        Args:
            kept: (n,) True for those, or their positions.
        """
        return NextViews(**{name: each[kept] for name, each in vars(self).items()})


def places_of(course_items: sparse.csr_array, seconds: Floats) -> Places:
    """Places of all items.

    Args:
        course_items: (C, V) place of the item in the course, from 1.
        seconds: (V,).
    """
    shown = course_items.tocsc()
    some = np.flatnonzero(np.diff(shown.indptr))
    course, place, size = (np.zeros(seconds.size, dtype=np.int64) for _ in range(3))
    course[:] = -1
    course[some] = shown.indices[shown.indptr[some]]
    place[some] = shown.data[shown.indptr[some]]
    size[some] = np.diff(course_items.indptr)[course[some]]
    return Places(seconds, course, place, size)


def next_views(watched: Watched, places: Places) -> NextViews:
    """Every view that has enough before it.

    What others did is not filled in yet, see `with_others`.

    Args:
        watched: all views.
        places: of the items.

    Raises:
        InputError: no learner has so many views.
    """
    found: list[NextViews] = []
    starts = np.flatnonzero(np.diff(watched.learner, prepend=-1))
    for part in np.split(np.arange(watched.learner.size), starts[1:]):
        if part.size > BEFORE:
            found.append(_of_learner(watched, places, part))
    if not found:
        raise InputError(
            f"no learner has more than {BEFORE} views with a share, so that no view has enough"
            " before it; give records that say how much of a video was watched"
        )
    return NextViews(
        **{name: np.concatenate([getattr(each, name) for each in found]) for name in vars(found[0])}
    )


def _of_learner(watched: Watched, places: Places, part: Ints) -> NextViews:
    item, moment, share = watched.item[part], watched.moment[part], watched.share[part]
    completed = (share >= COMPLETED).astype(np.float64)
    n = np.arange(item.size)
    length, course = places.seconds[item], places.course[item]
    gap = np.diff(moment, prepend=np.nan)
    same = np.concatenate([[0.0], (course[1:] == course[:-1]) & (course[1:] >= 0)])
    steps = np.concatenate([[np.nan], np.diff(places.place[item].astype(np.float64))])
    steps = np.where(same > 0, np.clip(steps, -20, 20), np.nan)
    so_far = np.concatenate([[0.0], completed.cumsum()[:-1]])
    in_a_row, sitting = np.zeros(item.size), np.zeros(item.size)
    for k in range(1, item.size):
        in_a_row[k] = (in_a_row[k - 1] + 1) * completed[k - 1]
        sitting[k] = (sitting[k - 1] + 1) * (gap[k] < SITTING)
    of_view = np.stack(
        [share, completed, np.log1p(np.nan_to_num(length)), _log(np.nan_to_num(gap)), same], axis=1
    )
    at = n[BEFORE:]
    last = at[:, None] - np.arange(1, BEFORE + 1)  # newest first
    hour = 2 * np.pi * (moment[at] / 3600 % 24) / 24
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = places.place[item[at]] / places.size[item[at]]
        stayed = np.where(length[at - 1] > 0, gap[at] / length[at - 1], np.nan)
    columns = [
        *share[last].T,
        *_log(gap[last]).T,
        share[last].mean(axis=1),
        completed[last].mean(axis=1),
        so_far[at] / at,
        np.log1p(at),
        np.log1p(in_a_row[at]),
        np.log1p(sitting[at]),
        _log(gap[at]),
        np.sin(hour),
        np.cos(hour),
        np.log1p(length[at]),
        np.log1p(length[at - 1]),
        np.clip(stayed, 0, 5),
        same[at],
        steps[at],
        relative,
        np.full(at.size, np.nan),
        np.full(at.size, np.nan),
    ]
    return NextViews(
        rows=np.stack(columns, axis=1),
        sequence=of_view[last[:, ::-1]],
        completed=completed[at] > 0,
        learner=np.full(at.size, watched.learner[part[0]]),
        item=item[at],
    )


def _log(seconds: Floats) -> Floats:
    return np.log1p(np.maximum(seconds, 0))


def with_others(views: NextViews, of: NextViews) -> NextViews:
    """The same with how often others completed each item, and in how many views.

    A learner is never among these others, so that nobody's own view is among what predicts it. An
    item's rate has `OTHERS` views at the mean rate beside it.

    Args:
        views: to fill in.
        of: whose views count, but for the learner's own.
    """
    size = int(max(views.item.max(), of.item.max())) + 1
    yes = np.bincount(of.item, of.completed, size)
    seen = np.bincount(of.item, minlength=size).astype(np.float64)
    mine = {}
    for learner in np.unique(of.learner).tolist():
        own = of.learner == learner
        mine[learner] = (
            np.bincount(of.item[own], of.completed[own], size),
            np.bincount(of.item[own], minlength=size),
        )
    rows, mean = views.rows.copy(), float(of.completed.mean())
    for learner in np.unique(views.learner).tolist():
        here = np.flatnonzero(views.learner == learner)
        items = views.item[here]
        less_yes, less = (a[items] for a in mine[learner]) if learner in mine else (0.0, 0.0)
        count = seen[items] - less
        rate = (yes[items] - less_yes + OTHERS * mean) / (count + OTHERS)
        rows[here, COLUMNS.index("completed by others")] = rate
        rows[here, COLUMNS.index("others' views")] = np.log1p(count)
    return replace(views, rows=rows)


def folds(learner: Ints, n: int, seed: int) -> Sequence[Array]:
    """Of each fold, (n,) True for views of its learners; no learner is in two.

    Args:
        learner: (n,) of each view.
        n: folds.
        seed: draws them.

    Raises:
        InputError: there are fewer learners than folds.
    """
    names = np.unique(learner)
    if names.size < n:
        raise InputError(
            f"{names.size} learners cannot be in {n} folds; ask for {names.size} or fewer"
        )
    of = np.random.default_rng(seed).permutation(names.size) % n
    return [np.isin(learner, names[of == each]) for each in range(n)]
