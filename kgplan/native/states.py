"""What is the sum over all 2^K states, for eight learners side by side (lanes.py)?

The tables, and why they suffice, are those of `kgplan.diagnosis.lattice`.
Sizes: V videos, K concepts, S = 2^K states, R cases, N rows of all tables, L levels of all tables.
"""

from typing import NamedTuple

import numpy as np

from kgplan.arrays import Array, Floats, Ints
from kgplan.native.compiled import njit
from kgplan.native.lanes import LANES, add, fill, load, multiply, store, total

_LARGEST = 650.0  # nats: a product of likelihood ratios up to it stays in a double


class Lattice(NamedTuple):
    """All tables, and how each level of each is grown from a smaller table.

    Attributes:
        place: (S,) the row of each state, in the first table, which holds all concepts.
        home: (V,) the first row of the table whose path is just the video's concepts; -1: none.
        concept_home: (K,) the same for the path of one concept.
        first: (M,) first row of every table.
        level: (L, 5) in the order of growth: the table's first row; rows that the level adds, each
            beside one that is there already; the smaller table's first row and number of rows;
            where the level begins in `walk`. The last level is the first table's last.
        walk: rows to be copied, counted from the table's first: all that meet the first row of
            the smaller table, then all that meet its second, and so on.
        n_rows: N.
    """

    place: Ints
    home: Ints
    concept_home: Ints
    first: Ints
    level: Ints
    walk: Ints
    n_rows: int


class Ratios(NamedTuple):
    """What an answer says, by video, and the prior.

    Attributes:
        log_guess, log_miss: (V,) log-likelihood of right and wrong below a full set of concepts.
        log_right, log_wrong: (V,) what a full set adds to them.
        right, wrong: (V,) the same as ratios.
        share: (S,) probability of the state in each row of the first table.
    """

    log_guess: Floats
    log_miss: Floats
    log_right: Floats
    log_wrong: Floats
    right: Floats
    wrong: Floats
    share: Floats


class Answers(NamedTuple):
    """Distinct rows of answers.

    Attributes:
        start: (R + 1,) where each case's answers begin.
        video, right, wrong: (nnz,) of each answer: its video, weight of r and of 1 - r.
        multiplicity: (R,) learners of each case.
    """

    start: Ints
    video: Ints
    right: Floats
    wrong: Floats
    multiplicity: Floats


class Sums(NamedTuple):
    """What is summed, and where the sums are worked out.

    Attributes:
        rows: (N + 1, LANES) to work in.
        states: (S,) adds up expected learners in the state of each row of the first table; (0,)
            where they are not wanted.
        full: (2, V) adds up expected r and 1 - r of learners who hold all of a video's concepts.
        none: (V,) adds up expected 1 - r of the others.
        mastery: (R, K) to be filled.
        log_evidence: (R,) to be filled, in nats.
    """

    rows: Floats
    states: Floats
    full: Floats
    none: Floats
    mastery: Floats
    log_evidence: Floats


@njit(cache=True, nogil=True)
def sum_states(
    answers: Answers, lattice: Lattice, ratios: Ratios, first: int, last: int, sums: Sums
) -> None:
    """Sum over all states of cases first .. last - 1, LANES at a time.

    Args:
        answers, lattice, ratios: the cases, the tables, the parameters.
        first, last: which cases.
        sums: added to and filled.
    """
    start, video, right, wrong, multiplicity = answers
    a, count, full, none, mastery, log_evidence = sums
    base, weight = np.zeros(LANES), np.zeros((1, LANES))
    for begin in range(first, last, LANES):
        n = min(LANES, last - begin)
        for i in lattice.first:
            store(a, i, fill(1.0))
        largest = 0.0
        for lane in range(n):
            below, above = 0.0, 0.0
            for i in range(start[begin + lane], start[begin + lane + 1]):
                v, r, w = video[i], right[i], wrong[i]
                below += r * ratios.log_guess[v] + w * ratios.log_miss[v]
                log_ratio = r * ratios.log_right[v] + w * ratios.log_wrong[v]
                above += max(log_ratio, 0.0)
                if r + w == 1.0 and r * w == 0.0:  # which of the two, no branch could foresee
                    ratio = r * ratios.right[v] + w * ratios.wrong[v]
                else:
                    ratio = np.exp(log_ratio)
                a[lattice.home[v], lane] *= ratio
            base[lane] = below
            largest = max(largest, above)
        if largest < _LARGEST:
            _grow(a, lattice, lattice.level.shape[0] - 1)
            _grow_last(a, lattice, ratios.share)
        else:
            _grow_logs(a, lattice, answers, ratios, begin, n, base)
        # the sum of all states stands in the last row
        for lane in range(LANES):
            whole = a[lattice.n_rows, lane]
            weight[0, lane] = 0.0
            if lane < n:
                log_evidence[begin + lane] = base[lane] + np.log(whole)
                weight[0, lane] = multiplicity[begin + lane] / whole
        _fold(a, lattice, weight, count)
        for lane in range(n):
            case = begin + lane
            one = 1.0 / a[lattice.n_rows, lane]
            for k in range(lattice.concept_home.size):
                mastery[case, k] = min(a[lattice.concept_home[k], lane] * one, 1.0)
            heavy = multiplicity[case]
            for i in range(start[case], start[case + 1]):
                v = video[i]
                p = min(a[lattice.home[v], lane] * one, 1.0)
                full[0, v] += heavy * right[i] * p
                full[1, v] += heavy * wrong[i] * p
                none[v] += heavy * wrong[i] * (1.0 - p)


@njit(cache=True, nogil=True)
def _grow(a: Array, lattice: Lattice, n_levels: int) -> None:
    """Fill all tables from their first rows, but for the levels from this one on."""
    for step in range(n_levels):
        at, added, child, n_child, o = lattice.level[step]
        for c in range(n_child):
            product = load(a, child + c)
            for i in range(o, o + added // n_child):
                low = at + lattice.walk[i]
                store(a, low + added, multiply(load(a, low), product))
            o += added // n_child


@njit(cache=True, nogil=True)
def _grow_last(a: Array, lattice: Lattice, share: Array) -> None:
    """The last level, every state weighed by its probability, and their sum in the last row."""
    if lattice.level.shape[0] == 0:
        store(a, lattice.n_rows, load(a, 0))
        return
    _, added, child, n_child, o = lattice.level[-1]
    whole = fill(0.0)
    for c in range(n_child):
        product = load(a, child + c)
        for i in range(o, o + added // n_child):
            s = lattice.walk[i]
            low = load(a, s)
            high = multiply(multiply(low, product), fill(share[s + added]))
            low = multiply(low, fill(share[s]))
            store(a, s, low)
            store(a, s + added, high)
            whole = add(whole, add(low, high))
        o += added // n_child
    store(a, lattice.n_rows, whole)


@njit(cache=True, nogil=True)
def _grow_logs(
    a: Array,
    lattice: Lattice,
    answers: Answers,
    ratios: Ratios,
    begin: int,
    n: int,
    base: Array,
) -> None:
    """Grow and weigh where products would leave a double: by sums of logs, less their peak."""
    start, video, right, wrong, _ = answers
    for i in lattice.first:
        a[i] = 0.0
    for lane in range(n):
        for i in range(start[begin + lane], start[begin + lane + 1]):
            v = video[i]
            a[lattice.home[v], lane] += (
                right[i] * ratios.log_right[v] + wrong[i] * ratios.log_wrong[v]
            )
    for step in range(lattice.level.shape[0]):
        at, added, child, n_child, o = lattice.level[step]
        for c in range(n_child):
            for i in range(o, o + added // n_child):
                low = at + lattice.walk[i]
                store(a, low + added, add(load(a, low), load(a, child + c)))
            o += added // n_child
    n_states = ratios.share.size
    for lane in range(LANES):
        peak, whole = a[:n_states, lane].max(), 0.0
        for s in range(n_states):
            a[s, lane] = ratios.share[s] * np.exp(a[s, lane] - peak)
            whole += a[s, lane]
        a[lattice.n_rows, lane] = whole
        base[lane] += peak


@njit(cache=True, nogil=True)
def _fold(a: Array, lattice: Lattice, weight: Array, count: Array) -> None:
    """Add states to `count`, if wanted, and sum all tables back into their first rows."""
    n_levels = lattice.level.shape[0]
    heavy = load(weight, 0)
    if count.size == 1:
        count[0] += total(heavy)
    elif count.size > 1:  # every state is read at the last level: count it in passing
        n_levels -= 1
        _, added, child, n_child, o = lattice.level[n_levels]
        for c in range(n_child):
            held = fill(0.0)
            for i in range(o, o + added // n_child):
                s = lattice.walk[i]
                low, high = load(a, s), load(a, s + added)
                count[s] += total(multiply(low, heavy))
                count[s + added] += total(multiply(high, heavy))
                store(a, s, add(low, high))
                held = add(held, high)
            store(a, child + c, held)
            o += added // n_child
    for step in range(n_levels - 1, -1, -1):
        at, added, child, n_child, o = lattice.level[step]
        for c in range(n_child):
            held = fill(0.0)
            for i in range(o, o + added // n_child):
                low = at + lattice.walk[i]
                high = load(a, low + added)
                store(a, low, add(load(a, low), high))
                held = add(held, high)
            store(a, child + c, held)
            o += added // n_child
