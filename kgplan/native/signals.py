"""What is known of resources that may be opened next, as numbers? One learner's views at a time.

Sizes: V resources, C courses, E places of resources in courses, n views of one learner, j resources
asked about, F signals.
"""

from typing import NamedTuple

import numpy as np

from kgplan.arrays import Array, Floats, Ints
from kgplan.native.compiled import njit

AHEAD = 5  # views that count as soon
LATEST = 20  # views of a learner that say what is near them
FADES = 0.8  # weight of a view against the one behind it
COURSES = 3  # of a learner, the latest ones
LOOKED_BACK = 60  # views in which these are looked for
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
    *("place", "share of its course", "viewers in its course"),
)
"""Of a resource, given a learner's views; courses are the learner's, from the latest (0). NaN where
there is no such view or course, or the course does not show the resource. *Its course* is the first
that shows it."""


class Pairs(NamedTuple):
    """A sparse (n, m) matrix by its rows, their columns ascending."""

    indptr: Ints
    indices: Ints
    data: Floats


class World(NamedTuple):
    """All that signals are made of.

    Attributes:
        viewers: (V,) learners who opened each.
        steps_from: (V,) steps that were counted from each.
        followed, soon, together: (V, V) counts, see `resources.blend.signals.Known`.
        shown: (V, C) place of the resource among those of the course, from 0.
        order_from, order: (C + 1,), (E,) of each course its resources, in its order.
        most: (C,) the most viewers of any of its resources, 1 at least.
    """

    viewers: Floats
    steps_from: Floats
    followed: Pairs
    soon: Pairs
    together: Pairs
    shown: Pairs
    order_from: Ints
    order: Ints
    most: Floats


@njit(cache=True, nogil=True)
def signals_of(world: World, history: Ints, asked: Ints) -> Floats:
    """(j, F) `SIGNALS` of each resource.

    Args:
        world: of all learners.
        history: (n,) one learner's views, oldest first.
        asked: (j,).
    """
    size = world.viewers.size
    found = np.full((asked.size, len(SIGNALS)), np.nan)
    opened = np.zeros(size, dtype=np.bool_)
    opened[history] = True
    courses, at, age, n_courses = latest_courses(world, history, opened)
    column = _of_steps(world, history, asked, found, 0)
    column = _of_courses(world, asked, opened, courses, at, age, n_courses, found, column)
    column = _of_learner(world, history, opened, courses, at, n_courses, found, column)
    for row in range(asked.size):
        first = world.shown.indptr[asked[row]]
        if first < world.shown.indptr[asked[row] + 1]:
            course, place = world.shown.indices[first], world.shown.data[first]
            length = world.order_from[course + 1] - world.order_from[course]
            found[row, column] = place + 1
            found[row, column + 1] = (place + 1) / length
            found[row, column + 2] = world.viewers[asked[row]] / world.most[course]
    return found


@njit(cache=True, nogil=True)
def values_at(matrix: Pairs, rows: Ints, columns: Ints) -> Floats:
    """(r, c) what is stored in some rows and columns; 0 where nothing is."""
    found = np.zeros((rows.size, columns.size))
    for i in range(rows.size):
        for j in range(columns.size):
            found[i, j] = _value(matrix, rows[i], columns[j])
    return found


@njit(cache=True, nogil=True)
def latest_courses(world: World, history: Ints, opened: Array) -> tuple[Ints, Ints, Ints, int]:
    """A learner's latest courses, see `COURSES`; of those that show a view, first those with most
    of the learner's views.

    Args:
        world, history: as for `signals_of`.
        opened: (V,) True for what is in the history.

    Returns:
        (COURSES,) each course, where its latest view stands in it, and views since that; how many
        there are.
    """
    courses, at, age = np.full((3, COURSES), -1)
    n_found = 0
    shown = world.shown
    for back in range(min(history.size, LOOKED_BACK)):
        item = history[history.size - 1 - back]
        begin, end = shown.indptr[item], shown.indptr[item + 1]
        taken = np.zeros(end - begin, dtype=np.bool_)
        for k in range(begin, end):
            for each in range(n_found):
                if courses[each] == shown.indices[k]:
                    taken[k - begin] = True
        own = np.zeros(end - begin)
        for k in range(begin, end):
            if not taken[k - begin]:
                course = shown.indices[k]
                for place in range(world.order_from[course], world.order_from[course + 1]):
                    own[k - begin] += opened[world.order[place]]
        for _ in range(end - begin):
            next_one = -1
            for k in range(end - begin):
                if not taken[k] and (next_one < 0 or own[k] > own[next_one]):
                    next_one = k
            if next_one < 0 or n_found == COURSES:
                break
            taken[next_one] = True
            courses[n_found] = shown.indices[begin + next_one]
            at[n_found] = int(shown.data[begin + next_one])
            age[n_found] = back
            n_found += 1
        if n_found == COURSES:
            break
    return courses, at, age, n_found


@njit(cache=True, nogil=True)
def _of_steps(world: World, history: Ints, asked: Ints, found: Floats, column: int) -> int:
    n = history.size
    for k in range(min(n, 3)):
        item = history[n - 1 - k]
        steps = max(world.steps_from[item], 1.0)
        for row in range(asked.size):
            found[row, column + k] = _value(world.followed, item, asked[row]) / steps
    if n:
        last = history[n - 1]
        for row in range(asked.size):
            found[row, column + 3] = _value(world.followed, last, asked[row])
            after = _value(world.soon, last, asked[row]) / max(world.viewers[last], 1.0)
            found[row, column + 4] = after
    for row in range(asked.size):
        item = asked[row]
        soon, alike, weight = 0.0, 0.0, 1.0
        root = np.sqrt(max(world.viewers[item], 1.0))
        for k in range(min(n, LATEST)):
            seen = history[n - 1 - k]
            viewers = max(world.viewers[seen], 1.0)
            soon += weight * _value(world.soon, seen, item) / viewers
            alike += weight * _value(world.together, seen, item) / (np.sqrt(viewers) * root)
            weight *= FADES
        found[row, column + 5], found[row, column + 6] = soon, alike
        found[row, column + 7] = np.log1p(world.viewers[item])
    return column + 8


@njit(cache=True, nogil=True)
def _of_courses(
    world: World,
    asked: Ints,
    opened: Array,
    courses: Ints,
    at: Ints,
    age: Ints,
    n_courses: int,
    found: Floats,
    column: int,
) -> int:
    for k in range(n_courses):
        begin, end = world.order_from[courses[k]], world.order_from[courses[k] + 1]
        up_to = np.full(end - begin, np.nan)
        coming, n_opened = 0, 0
        for place in range(end - begin):
            if opened[world.order[begin + place]]:
                n_opened += 1
            elif place > at[k]:
                coming += 1
                up_to[place] = coming
        left_out = 0
        for place in range(at[k] - 1, -1, -1):
            if not opened[world.order[begin + place]]:
                left_out += 1
                up_to[place] = -left_out
        for row in range(asked.size):
            place = int(_value(world.shown, asked[row], courses[k], -1.0))
            if place >= 0:
                found[row, column] = up_to[place]
                found[row, column + 1] = min(max(place - at[k], -CLOSE), CLOSE)
                found[row, column + 2] = age[k]
                found[row, column + 3] = n_opened / (end - begin)
        column += 4
    return column + 4 * (COURSES - n_courses)


@njit(cache=True, nogil=True)
def _of_learner(
    world: World,
    history: Ints,
    opened: Array,
    courses: Ints,
    at: Ints,
    n_courses: int,
    found: Floats,
    column: int,
) -> int:
    n = history.size
    found[:, column + 2] = np.log1p(n)
    if n_courses:
        course = courses[0]
        n_steps, ones, last = 0, 0, np.nan
        for k in range(max(n - AHEAD - 2, 0), n - 1):
            step = _step(world, course, history[k], history[k + 1])
            n_steps += 1
            ones += step == 1
            last = step
        if n_steps:
            found[:, column] = ones / n_steps
            found[:, column + 1] = last
        ahead = 0
        for place in range(world.order_from[course] + at[0] + 1, world.order_from[course + 1]):
            ahead += not opened[world.order[place]]
        found[:, column + 3] = ahead
    return column + 4


@njit(cache=True, nogil=True)
def _step(world: World, course: int, before: int, after: int) -> float:
    """Places from one resource to another in a course; NaN where it does not show both."""
    first, second = (
        _value(world.shown, before, course, -1.0),
        _value(world.shown, after, course, -1.0),
    )
    if first < 0 or second < 0:
        return np.nan
    return min(max(second - first, -CLOSE), CLOSE)


@njit(cache=True, nogil=True)
def _value(matrix: Pairs, row: int, column: int, missing: float = 0.0) -> float:
    """What is stored there; `missing` where nothing is."""
    low, end = matrix.indptr[row], matrix.indptr[row + 1]
    high = end
    while low < high:
        middle = (low + high) // 2
        if matrix.indices[middle] < column:
            low = middle + 1
        else:
            high = middle
    if low < end and matrix.indices[low] == column:
        return matrix.data[low]
    return missing
