"""What do a learner's views say about items not opened? One pass over each course of the learner's.

`kgplan.diagnosis.attendance` has the meaning of each feature. Sizes: V items, F features.
"""

import numpy as np

from kgplan.arrays import Array
from kgplan.native.compiled import njit

_NEAR = 3  # places before and after that count as around an item
_FAR = 20.0  # most that is said of places past the furthest, in quarters of the views


@njit(cache=True, nogil=True)
def describe_one(
    opened: Array,
    mine: Array,
    asked: Array,
    start: Array,
    item: Array,
    item_odds: Array,
    course_odds: Array,
    at: Array,
    when: Array,
    found: Array,
) -> None:
    """Fill what is said of the items that are asked for.

    Args:
        opened, mine, asked: as for `attendance.describe`.
        start, item: of the syllabus.
        item_odds, course_odds: of the popularity.
        at, when: (V,) all -1, and all 0; they are left so.
        found: (a, F).
    """
    n_views = opened.size
    for i in range(n_views):
        when[opened[i]] = i + 1
    most = np.full(asked.size, -1)
    found[:] = 0.0
    for a in range(asked.size):
        at[asked[a]] = a
        found[a, 0], found[a, 1] = item_odds[asked[a]], np.log1p(n_views)
    for course in mine:
        items = item[start[course] : start[course + 1]]
        views, last, latest, furthest = 0, -1, 0, -1
        for place in range(items.size):
            seen = when[items[place]]
            if seen > 0:
                views, furthest = views + 1, place
                if seen > latest:
                    last, latest = place, seen
        since = n_views - latest
        for place in range(items.size):
            a = at[items[place]]
            if a < 0 or most[a] >= views:
                continue
            most[a] = views
            row = found[a]
            row[2:] = 0.0
            row[9] = np.log((views + 0.5) / (items.size + 1))
            if views == 0:
                row[7], row[11], row[12] = -1.0, np.log1p(place), course_odds[course]
                row[13] = np.log(0.2 / (2 * _NEAR + 0.4))
                continue
            ahead, around = place - last, 0
            for step in range(1, _NEAR + 1):
                around += place >= step and when[items[place - step]] > 0
                around += place + step < items.size and when[items[place + step]] > 0
            before = place > 0 and when[items[place - 1]] > 0
            after = place + 1 < items.size and when[items[place + 1]] > 0
            row[2] = np.log1p(since)
            row[3], row[4] = np.log1p(max(ahead, 0)), np.log1p(max(-ahead, 0))
            row[5], row[6] = ahead == 1, 0 < ahead <= 5
            past = min((place - furthest) / max(0.25 * views, 1.0), _FAR)
            row[7] = past if place > furthest else -1.0
            row[8], row[10] = since == 0, place <= furthest
            row[13] = np.log((around + 0.2) / (2 * _NEAR + 0.4))
            row[14], row[15], row[16] = before, after, before and after
    for a in range(asked.size):
        at[asked[a]] = -1
    for i in range(n_views):
        when[opened[i]] = 0


@njit(cache=True, nogil=True)
def describe_many(
    opened: Array,
    opened_start: Array,
    mine: Array,
    mine_start: Array,
    asked: Array,
    asked_start: Array,
    start: Array,
    item: Array,
    item_odds: Array,
    course_odds: Array,
    found: Array,
) -> None:
    """`describe_one` for learner after learner; each `*_start` has one entry more than they are."""
    at, when = np.full(item_odds.size, -1), np.zeros(item_odds.size, np.int64)
    for u in range(asked_start.size - 1):
        first, last = asked_start[u], asked_start[u + 1]
        if first < last:
            describe_one(
                opened[opened_start[u] : opened_start[u + 1]],
                mine[mine_start[u] : mine_start[u + 1]],
                asked[first:last], start, item, item_odds, course_odds, at, when,
                found[first:last],
            )  # fmt: skip


@njit(cache=True, nogil=True)
def odds_many(
    opened: Array,
    opened_start: Array,
    mine: Array,
    mine_start: Array,
    asked: Array,
    asked_start: Array,
    start: Array,
    item: Array,
    item_odds: Array,
    course_odds: Array,
    mean: Array,
    spread: Array,
    weights: Array,
) -> Array:
    """(a,) what a logistic regression says of `describe_many`, in log odds, which is not kept.

    Args:
        mean, spread, weights: of the regression (`kgplan.diagnosis.logistic.Logistic`).
    """
    odds = np.empty(asked.size)
    at, when = np.full(item_odds.size, -1), np.zeros(item_odds.size, np.int64)
    most = 0
    for u in range(asked_start.size - 1):
        most = max(most, asked_start[u + 1] - asked_start[u])
    found = np.empty((most, mean.size))
    for u in range(asked_start.size - 1):
        first, last = asked_start[u], asked_start[u + 1]
        if first == last:
            continue
        described = found[: last - first]
        describe_one(
            opened[opened_start[u] : opened_start[u + 1]],
            mine[mine_start[u] : mine_start[u + 1]],
            asked[first:last], start, item, item_odds, course_odds, at, when, described,
        )  # fmt: skip
        for a in range(last - first):
            said = weights[0]
            for f in range(mean.size):
                said += weights[f + 1] * (described[a, f] - mean[f]) / spread[f]
            odds[first + a] = said
    return odds
