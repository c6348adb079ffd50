"""Which concepts does Algorithm 1 take, in loops over arrays? The planner's compiled parts.

Spec section 4. Sizes: K concepts, A concepts asked for.
"""

import numpy as np

from kgplan.arrays import Array, Floats, Ints
from kgplan.native.compiled import njit

SLACK = 1e-9  # minutes, for sums of rounded lengths


@njit(cache=True)
def walk(
    starts: Ints,
    indptr: Ints,
    indices: Ints,
    edge_similarity: Floats,
    mastery: Floats,
    length: int,
    max_prerequisites: int,
    passed_over: Array,
    pinned: Array,
    too_hard: Array,
    thorough: bool,
    minutes: Floats,
    video: Ints,
    budget: float,
) -> tuple[Ints, Ints, Ints, Floats, Ints]:
    """Steps 4 and 5 of Algorithm 1.

    Args:
        starts: (A,) concepts asked for, pinned ones first, then largest value first.
        indptr, indices, edge_similarity: for each concept its direct prerequisites in order of
            id, and eq. (8) with them.
        mastery: (K,).
        length, max_prerequisites: as in PlanOptions.
        passed_over: (K,) True for what is not planned.
        pinned: (K,) True for what is planned in any case; each is one of the starts.
        too_hard: (K,) True where the walk takes all direct prerequisites before it ends.
        thorough: where a walk ends, go on from its earlier concepts.
        minutes, video: (K,) length of the video that teaches each concept, and which one it is; -1
            where none is known. Empty where time does not count. A video counts once.
        budget: minutes that there are.

    Returns:
        For each step, foundation first: its concept, its start, what it leads to (-1 for a
        start), eq. (8) with that, and its place in the order in which the steps were chosen.
    """
    planned = passed_over.copy()
    concepts = np.empty(length, dtype=np.int64)
    of_start = np.empty(length, dtype=np.int64)
    leads = np.empty(length, dtype=np.int64)
    similarities = np.empty(length)
    watched = np.zeros(video.max() + 1 if video.size else 0, dtype=np.bool_)
    done, pins_left, left, kept = 0, 0, budget, 0.0
    for start in starts:
        if pinned[start]:
            pins_left += 1
            kept += minutes[start] if minutes.size else 0.0
    for start in starts:
        if done == length:
            break
        if planned[start] or not fits(
            start, done, pins_left, length, pinned, minutes, video, watched, left - kept
        ):
            continue
        begin, now, leads_to, similarity = done, start, -1, 0.0
        while True:
            planned[now] = True
            concepts[done], of_start[done] = now, start
            leads[done], similarities[done] = leads_to, similarity
            done += 1
            if pinned[now]:
                pins_left -= 1
                kept -= minutes[now] if minutes.size else 0.0
            if minutes.size:
                left -= cost(now, minutes, video, watched)
                if video[now] >= 0:
                    watched[video[now]] = True
            if done == length or done - begin > max_prerequisites:
                break
            best, best_score, best_similarity = -1, -np.inf, 0.0
            of = leads_to if leads_to >= 0 and too_hard[leads_to] else now
            tried = begin
            while True:
                for k in range(indptr[of], indptr[of + 1]):
                    before = indices[k]
                    score = edge_similarity[k] + (1 - mastery[before])
                    if (
                        not planned[before]
                        and score > best_score  # equal: the smaller id stays
                        and fits(
                            before,
                            done,
                            pins_left,
                            length,
                            pinned,
                            minutes,
                            video,
                            watched,
                            left - kept,
                        )
                    ):
                        best, best_score, best_similarity = before, score, edge_similarity[k]
                if best >= 0 or not thorough or tried == done:
                    break
                of = concepts[tried]
                tried += 1
            if best < 0:
                break
            leads_to, now, similarity = of, best, best_similarity
        for path in (concepts, of_start, leads):
            path[begin:done] = path[begin:done][::-1].copy()
        similarities[begin:done] = similarities[begin:done][::-1].copy()
    chosen = np.arange(done)
    begin = 0
    for end in range(1, done + 1):
        if end == done or of_start[end] != of_start[begin]:
            chosen[begin:end] = chosen[begin:end][::-1].copy()
            begin = end
    return concepts[:done], of_start[:done], leads[:done], similarities[:done], chosen


@njit(cache=True)
def fits(
    concept: int,
    done: int,
    pins_left: int,
    length: int,
    pinned: Array,
    minutes: Floats,
    video: Ints,
    watched: Array,
    left: float,
) -> bool:
    """Whether steps and time are left for a concept, beside those kept for pinned ones."""
    if pinned[concept]:
        return True
    if done + pins_left >= length:
        return False
    return minutes.size == 0 or cost(concept, minutes, video, watched) <= left + SLACK


@njit(cache=True)
def cost(concept: int, minutes: Floats, video: Ints, watched: Array) -> float:
    """Minutes that a concept takes; none where its video is watched for another one."""
    if video[concept] >= 0 and watched[video[concept]]:
        return 0.0
    return minutes[concept]


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
