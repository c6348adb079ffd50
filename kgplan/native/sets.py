"""Which learners has each concept, and how many have two of them in common?

Sizes: U learners, K concepts, G groups of concepts with the same learners.
"""

import numpy as np

from kgplan.arrays import Array, Ints
from kgplan.native.compiled import njit
from kgplan.native.wide import WORD, bit_count

STAY = 64  # sets of learners that stay in cache while others are intersected with them


@njit(cache=True)
def by_concept(rows_from: Ints, concepts: Ints, counts: Array, size: int) -> tuple[Ints, Ints]:
    """CSR of each concept's learners, ascending, from the rows; what is there twice counts once."""
    starts = np.zeros(size + 1, dtype=np.int64)
    last = np.full(size, -1, dtype=np.int64)
    for u in range(rows_from.size - 1):
        for k in range(rows_from[u], rows_from[u + 1]):
            i = concepts[k]
            if counts[k] and last[i] != u:
                last[i] = u
                starts[i + 1] += 1
    for i in range(size):
        starts[i + 1] += starts[i]
    learners = np.empty(starts[size], dtype=np.int32)
    free = starts[:-1].copy()
    for u in range(rows_from.size - 1):
        for k in range(rows_from[u], rows_from[u + 1]):
            i = concepts[k]
            if counts[k] and (free[i] == starts[i] or learners[free[i] - 1] != u):
                learners[free[i]] = u
                free[i] += 1
    return starts, learners


@njit(cache=True)
def signs(starts: Ints, learners: Ints, marks: Ints) -> tuple[Ints, Ints, Ints]:
    """(K,) of each concept's learners: the sum of their marks, and the least mark, read two ways.

    Without learners all are 0.
    """
    size = starts.size - 1
    half = np.uint64(WORD // 2)
    sums = np.zeros(size, dtype=np.uint64)
    second, first = sums.copy(), sums.copy()
    for i in range(size):
        for k in range(starts[i], starts[i + 1]):
            mark = marks[learners[k]]
            turned = mark << half | mark >> half
            sums[i] += mark
            if k == starts[i] or mark < first[i]:
                first[i] = mark
            if k == starts[i] or turned < second[i]:
                second[i] = turned
    return sums, second, first


@njit(cache=True)
def differs_from_last(starts: Ints, learners: Ints, order: Ints) -> Array:
    """Whether a concept in the order has other learners than the one before it."""
    result = np.ones(order.size, dtype=np.bool_)
    for place in range(1, order.size):
        i, before = order[place], order[place - 1]
        n = starts[i + 1] - starts[i]
        if n != starts[before + 1] - starts[before]:
            continue
        result[place] = False
        for k in range(n):
            if learners[starts[i] + k] != learners[starts[before] + k]:
                result[place] = True
                break
    return result


@njit(cache=True)
def gathered(concepts: Ints, starts: Ints, learners: Ints, taken_from: Ints) -> Ints:
    """The learners of some concepts, one concept after the other."""
    taken = np.empty(taken_from[-1], dtype=np.int32)
    for place in range(concepts.size):
        start = starts[concepts[place]]
        for k in range(taken_from[place + 1] - taken_from[place]):
            taken[taken_from[place] + k] = learners[start + k]
    return taken


@njit(cache=True)
def times_in(groups: Ints, learners_from: Ints, learners: Ints, n_learners: int) -> Ints:
    """(U,) in how many of some groups each learner is."""
    times = np.zeros(n_learners, dtype=np.int64)
    for group in groups:
        for k in range(learners_from[group], learners_from[group + 1]):
            times[learners[k]] += 1
    return times


@njit(cache=True)
def count_one_by_one(
    left: Ints, right: Ints, times: Ints, learners_from: Ints, learners: Ints, counts: Ints
) -> None:
    """Fill `counts` of left by right groups; `times`: in how many at the right each learner is."""
    ends = np.cumsum(times)
    begins = ends - times
    columns = np.empty(ends[-1] if ends.size else 0, dtype=np.int32)
    free = begins.copy()
    for column in range(right.size):
        for k in range(learners_from[right[column]], learners_from[right[column] + 1]):
            columns[free[learners[k]]] = column
            free[learners[k]] += 1
    for row in range(left.size):
        for k in range(learners_from[left[row]], learners_from[left[row] + 1]):
            u = learners[k]
            for m in range(begins[u], ends[u]):
                counts[row, columns[m]] += 1


@njit(cache=True)
def count_pairs(
    order: Ints,
    one: Ints,
    other: Ints,
    learners_from: Ints,
    learners: Ints,
    n_learners: int,
    counts: Ints,
) -> None:
    """Fill `counts` of pairs of groups, in an order that has equal pairs behind each other."""
    met = np.full(n_learners, -1, dtype=np.int64)  # the last first group that each was seen in
    last, last_other, shared = -1, -1, 0
    for place in order:
        if one[place] != last:
            last, last_other = one[place], -1
            for k in range(learners_from[last], learners_from[last + 1]):
                met[learners[k]] = last
        if other[place] != last_other:
            last_other, shared = other[place], 0
            for k in range(learners_from[last_other], learners_from[last_other + 1]):
                shared += met[learners[k]] == last
        counts[place] = shared


@njit(cache=True)
def as_bits(groups: Ints, learners_from: Ints, learners: Ints, words: int) -> Ints:
    """(n, words) the learners of some groups as bits; those beyond the last word are left out."""
    bits = np.zeros((groups.size, words), dtype=np.uint64)
    for row in range(groups.size):
        for k in range(learners_from[groups[row]], learners_from[groups[row] + 1]):
            u = learners[k]
            if u < words * WORD:
                bits[row, u // WORD] |= np.uint64(1) << np.uint64(u % WORD)
    return bits


@njit(cache=True, nogil=True)
def count_by_bits(rows: Ints, left: Ints, right: Ints, counts: Ints) -> None:
    """Count the bits that some rows of `left` share with every row of `right`.

    Args:
        rows: (r,) which rows, ascending.
        left, right: (n, words), (m, words).
        counts: (n, m) of which these rows are filled.
    """
    if rows.size == 0:
        return
    for start in range(0, len(right), STAY):
        for k in range(0, rows.size, 4):  # a word of another set is fetched once for four
            # fours are filled up; counting twice does no harm
            a, b, c, d = rows[k], rows[-1], rows[-1], rows[-1]
            if k + 3 < rows.size:
                b, c, d = rows[k + 1], rows[k + 2], rows[k + 3]
            elif k + 2 < rows.size:
                b, c = rows[k + 1], rows[k + 2]
            one, two, three, four = left[a], left[b], left[c], left[d]
            for other in range(start, min(start + STAY, len(right))):
                theirs = right[other]
                s, t, v, w = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
                for m in range(theirs.size):
                    word = theirs[m]
                    s += bit_count(one[m] & word)
                    t += bit_count(two[m] & word)
                    v += bit_count(three[m] & word)
                    w += bit_count(four[m] & word)
                counts[a, other], counts[b, other] = s, t
                counts[c, other], counts[d, other] = v, w
