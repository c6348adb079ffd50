"""Which concepts does Algorithm 1 take, in loops over arrays? The planner's compiled parts.

Spec section 4. Sizes: K concepts, A concepts asked for.
"""

from typing import NamedTuple

import numpy as np

from kgplan.arrays import Array, Floats, Ints
from kgplan.native.compiled import njit

SLACK = 1e-9  # minutes, for sums of rounded lengths


class Requires(NamedTuple):
    """The direct prerequisites of each concept.

    Attributes:
        start: (K + 1,) where those of each concept begin.
        before: they themselves, in order of id.
        similarity: eq. (8) with them.
    """

    start: Ints
    before: Ints
    similarity: Floats


class Standing(NamedTuple):
    """The learner, and what the caller chose; `walk` changes none of them.

    Attributes:
        mastery: (K,).
        passed_over: (K,) True for what is not planned.
        pinned: (K,) True for what is planned in any case; each is one of the starts.
        too_hard: (K,) True where the walk takes all direct prerequisites before it ends.
        minutes: (K,) length of the video that teaches each concept; empty where time does not
            count.
        video: (K,) which one it is, -1 where none is known. A video counts once.
    """

    mastery: Floats
    passed_over: Array
    pinned: Array
    too_hard: Array
    minutes: Floats
    video: Ints


class Limits(NamedTuple):
    """How far a walk goes.

    Attributes:
        length, prerequisites: `most` and `max_prerequisites` of PlanOptions.
        thorough: where a walk ends, go on from its earlier concepts.
        budget: minutes that there are.
    """

    length: int
    prerequisites: int
    thorough: bool
    budget: float


class Walked(NamedTuple):
    """The steps, foundation first.

    Attributes:
        concept: of each step.
        start: the concept asked for that it was walked from.
        leads: what it leads to; -1 for a start.
        similarity: eq. (8) with that.
        chosen: its place in the order in which the steps were chosen.
    """

    concept: Ints
    start: Ints
    leads: Ints
    similarity: Floats
    chosen: Ints


@njit(cache=True)
def walk(starts: Ints, requires: Requires, by: Standing, limits: Limits) -> Walked:
    """Steps 4 and 5 of Algorithm 1.

    Args:
        starts: (A,) concepts asked for, pinned ones first, then largest value first.
        requires, by, limits: the graph, the learner, and what is asked for.
    """
    length, timed, pinned, video = limits.length, by.minutes.size > 0, by.pinned, by.video
    minutes = by.minutes.copy() if timed else np.zeros(pinned.size)  # 0 once the video is watched
    price = np.where(pinned, -np.inf, minutes)  # what is pinned fits always
    price[by.passed_over] = np.nan  # and what is not planned, or is already, never
    steps, left = length, limits.budget  # beside those kept for pinned concepts
    for start in starts:
        if pinned[start]:
            steps, left = steps - 1, left - minutes[start]
    found = Walked(
        np.empty(length, np.int64), np.empty(length, np.int64), np.empty(length, np.int64),
        np.empty(length), np.arange(length),
    )  # fmt: skip
    concepts, leads = found.concept, found.leads
    done = 0
    for start in starts:
        if done == length:
            break
        if not price[start] <= (left + SLACK if steps > 0 else -np.inf):
            continue
        begin, now, leads_to, similarity = done, start, -1, 0.0
        while True:
            concepts[done], found.start[done] = now, start
            leads[done], found.similarity[done] = leads_to, similarity
            done += 1
            if pinned[now]:
                left += by.minutes[now] if timed else 0.0
            else:
                steps -= 1
            left -= minutes[now]
            price[now] = np.nan
            if timed and video[now] >= 0:
                watched(video[now], video, minutes, price)
            if done == length or done - begin > limits.prerequisites:
                break
            most = left + SLACK if steps > 0 else -np.inf
            of = leads_to if leads_to >= 0 and by.too_hard[leads_to] else now
            edge = best_edge(of, requires, by.mastery, price, most)
            earlier = begin
            while edge < 0 and limits.thorough and earlier < done:
                of = concepts[earlier]
                edge = best_edge(of, requires, by.mastery, price, most)
                earlier += 1
            if edge < 0:
                break
            leads_to, now, similarity = of, requires.before[edge], requires.similarity[edge]
        for path in (concepts, leads, found.chosen):
            path[begin:done] = path[begin:done][::-1].copy()
        found.similarity[begin:done] = found.similarity[begin:done][::-1].copy()
    return Walked(concepts[:done], found.start[:done], leads[:done], found.similarity[:done],
                  found.chosen[:done])  # fmt: skip


@njit(cache=True)
def watched(one: int, video: Ints, minutes: Floats, price: Floats) -> None:
    """Let the concepts of a video take no minutes any more."""
    for concept in range(video.size):
        if video[concept] == one:
            minutes[concept] = 0.0
            if price[concept] > 0.0:
                price[concept] = 0.0


@njit(cache=True)
def best_edge(of: int, requires: Requires, mastery: Floats, price: Floats, most: float) -> int:
    """The prerequisite that step 5 takes of those that cost no more than `most`; -1 for none.

    Args:
        of: the concept whose they are.
        price: (K,) minutes.

    Returns:
        Its place in `requires`.
    """
    best, best_score = -1, -np.inf
    for edge in range(requires.start[of], requires.start[of + 1]):
        before = requires.before[edge]
        score = requires.similarity[edge] + (1 - mastery[before])
        if price[before] <= most and score > best_score:  # equal: the smaller id stays
            best, best_score = edge, score
    return best


@njit(cache=True)
def preferences(
    ids: Ints,
    values: Floats,
    rows: Ints,
    own: Ints,
    among: Array,
    learned: Array,
    neighbours: int,
) -> tuple[Floats, Array]:
    """Eq. (12): for each row, the first n of its list that are in N_u.

    Args:
        ids, values: (R, M) lists of concepts, most similar first, and their similarity.
        rows: (A,) which lists are asked for.
        own: (A,) the concept of each, which says nothing about itself.
        among, learned: (K,) whether a concept is in N_u, and C_uj.
        neighbours: n.

    Returns:
        (A,) S_P, and (A,) True where the list ended before n were found.
    """
    result = np.zeros(rows.size)
    short = np.zeros(rows.size, dtype=np.bool_)
    for i in range(rows.size):
        count, top, whole = 0, 0.0, 0.0
        for m in range(ids.shape[1]):
            j = ids[rows[i], m]
            if not among[j] or j == own[i]:
                continue
            s = values[rows[i], m]
            whole += s
            if learned[j]:
                top += s
            count += 1
            if count == neighbours:
                break
        short[i] = count < neighbours
        if whole > 0:
            result[i] = top / whole
    return result, short
