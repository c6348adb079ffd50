"""In which order of nodes do few edges run against it? A greedy start and a seeded local search.

A graph is given twice, by the edges out of each node and by those into it, as (n + 1,) where each
node's begin and (N,) their other ends.
"""

import numpy as np

from kgplan.arrays import Ints
from kgplan.native.compiled import njit

SEARCH_STEPS = 20_000_000  # of one group's local search: places looked at
UPSETS = 2_000


@njit(cache=True)
def eades(out_first: Ints, out: Ints, in_first: Ints, into: Ints) -> Ints:
    """The order of Eades, Lin and Smyth (1993), by repeated scans: K is small here."""
    n = out_first.size - 1
    outs, ins = np.diff(out_first), np.diff(in_first)
    order = np.empty(n, dtype=np.int64)
    low, high = 0, n - 1
    gone = np.zeros(n, dtype=np.bool_)
    while low <= high:
        best, best_score, at_end = -1, 0, False
        for v in range(n):
            if gone[v]:
                continue
            if outs[v] == 0:
                best, at_end = v, True
                break
            score = 2 * n if ins[v] == 0 else outs[v] - ins[v]
            if best < 0 or score > best_score:
                best, best_score = v, score
        gone[best] = True
        for k in range(out_first[best], out_first[best + 1]):
            ins[out[k]] -= 1
        for k in range(in_first[best], in_first[best + 1]):
            outs[into[k]] -= 1
        if at_end:
            order[high] = best
            high -= 1
        else:
            order[low] = best
            low += 1
    return order


@njit(cache=True)
def search_order(
    rng: np.random.Generator, order: Ints, out_first: Ints, out: Ints, in_first: Ints, into: Ints
) -> Ints:
    """Settle, upset a few concepts, settle again; an upset that ends worse is taken back."""
    n = order.size
    rank = np.empty(n, dtype=np.int64)
    order = order.copy()
    left = SEARCH_STEPS - sift(order, rank, out_first, out, in_first, into)
    best, best_back = order.copy(), against(order, rank, out_first, out)
    for _ in range(UPSETS):
        if left <= 0 or best_back == 0:
            break
        for _ in range(2 + rng.integers(0, 3)):
            move(order, rank, order[rng.integers(0, n)], rng.integers(0, n + 1))
        left -= sift(order, rank, out_first, out, in_first, into)
        back = against(order, rank, out_first, out)
        if back <= best_back:
            best[:], best_back = order, back
        else:
            order[:] = best
    return best


@njit(cache=True)
def against(order: Ints, rank: Ints, out_first: Ints, out: Ints) -> int:
    """How many edges run against an order; fills `rank` with it."""
    for k in range(order.size):
        rank[order[k]] = k
    count = 0
    for v in range(order.size):
        for k in range(out_first[v], out_first[v + 1]):
            count += rank[out[k]] < rank[v]
    return count


@njit(cache=True)
def move(order: Ints, rank: Ints, v: int, place: int) -> None:
    """Put a concept before the one that is at this place now."""
    here = np.flatnonzero(order == v)[0]
    if place > here:
        order[here : place - 1] = order[here + 1 : place].copy()
        order[place - 1] = v
    else:
        order[place + 1 : here + 1] = order[place:here].copy()
        order[place] = v
    for k in range(min(here, place), min(max(here, place) + 1, order.size)):
        rank[order[k]] = k


@njit(cache=True)
def sift(order: Ints, rank: Ints, out_first: Ints, out: Ints, in_first: Ints, into: Ints) -> int:
    """Move single concepts to their best place until no move gains; returns places looked at."""
    n = order.size
    against(order, rank, out_first, out)
    change = np.zeros(n + 1, dtype=np.int64)
    looked, moved = 0, True
    while moved:
        moved = False
        for v in range(n):
            # change[p]: edges that begin to agree when v passes from before place p - 1 to before p
            change[:] = 0
            for k in range(out_first[v], out_first[v + 1]):
                change[rank[out[k]] + 1] -= 1
            for k in range(in_first[v], in_first[v + 1]):
                change[rank[into[k]] + 1] += 1
            agree = np.cumsum(change)
            best = int(np.argmax(agree))
            looked += n
            if agree[best] > agree[rank[v]]:
                moved = True
                move(order, rank, v, best)
    return looked
