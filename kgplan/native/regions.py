"""What is a concept's mastery where propagation goes around loops? Sums over the region around it.

Notation: a factor is a potential f(m) on m = 0 .. n, the number of its n concepts that are held
(a *cardinality potential*, Tarlow et al., UAI 2012). Messages are log-odds of "held".
"""

import numpy as np

from kgplan.arrays import Array
from kgplan.native.compiled import njit
from kgplan.native.component import Component, Work, sigmoid, softplus
from kgplan.native.layout import Cases, Control, Tally, Videos
from kgplan.native.propagation import count_factors, propagate

# A component's regions take about so many patterns (as a power of 2), a region at least so many.
_COMPONENT_BITS, _REGION_BITS = 16, 6
# Concepts tied by less (nats of interaction times variance of the mastery) stay out of a region.
_LEAST_TIE = 1e-3
# A mastery whose variance is below this is left as propagation has it.
_LEAST_VARIANCE = 1e-4
# Where its region moves a mastery by more than this, propagation is not to be trusted.
_DOUBT = 0.05
_CLAMP = 50.0  # log-odds of a concept that is held for certain


@njit(cache=True, nogil=True)
def _bonds(ev: Cases, part: Component, work: Work) -> Array:
    """How strongly each factor ties two of its concepts, in nats.

    That is |log F(0) F(2) / F(1)^2|, F(m) being the potential's mean when m of the two are held and
    each of the others with the factor's mean mastery.
    """
    first, last = part.first, part.last
    potential, at, held, ahead = work.potential, work.at, work.held, work.ahead
    base = ev.factor_edge_start[first]
    bond = np.zeros(last - first)
    for g in range(first, last):
        f = potential[g - first]
        n = ev.factor_edge_start[g + 1] - ev.factor_edge_start[g]
        if n < 2:
            continue
        mean = 0.0
        for e in range(ev.factor_edge_start[g] - base, ev.factor_edge_start[g + 1] - base):
            mean += held[at[e]] / n
        ahead[0] = 1.0
        for i in range(n - 2):
            ahead[i + 1] = ahead[i] * mean
            for a in range(i, 0, -1):
                ahead[a] = (1.0 - mean) * ahead[a] + mean * ahead[a - 1]
            ahead[0] *= 1.0 - mean
        none, one, both = 0.0, 0.0, 0.0
        for a in range(n - 1):
            none += ahead[a] * f[a]
            one += ahead[a] * f[a + 1]
            both += ahead[a] * f[a + 2]
        bond[g - first] = abs(np.log(none) + np.log(both) - 2.0 * np.log(one))
    return bond


@njit(cache=True, nogil=True)
def _by_concept(edge: Array, at: Array, n_concepts: int) -> tuple[Array, Array, Array]:
    """Where each concept's edges begin; the factor and the number of each."""
    start = np.zeros(n_concepts + 1, np.int64)
    for e in range(edge[-1]):
        start[at[e] + 1] += 1
    start = np.cumsum(start)
    fill = start.copy()
    factor_of, edge_of = np.empty(edge[-1], np.int64), np.empty(edge[-1], np.int64)
    for g in range(edge.size - 1):
        for e in range(edge[g], edge[g + 1]):
            factor_of[fill[at[e]]] = g
            edge_of[fill[at[e]]] = e
            fill[at[e]] += 1
    return start, factor_of, edge_of


@njit(cache=True, nogil=True)
def _ties(
    edge: Array, at: Array, start: Array, factor_of: Array, bond: Array
) -> tuple[Array, Array, Array]:
    """Where each concept's ties begin; to which concept, and the sum of the factors' bonds."""
    n_concepts, most = start.size - 1, 0
    for g in range(edge.size - 1):
        most += (edge[g + 1] - edge[g]) ** 2
    tied_start = np.zeros(n_concepts + 1, np.int64)
    to, strength = np.empty(most, np.int64), np.empty(most)
    known = np.full(n_concepts, -1)
    for j in range(n_concepts):
        begin = end = tied_start[j]
        for i in range(start[j], start[j + 1]):
            g = factor_of[i]
            if bond[g] == 0.0:
                continue
            for e in range(edge[g], edge[g + 1]):
                other = at[e]
                if other == j:
                    continue
                if known[other] < begin:
                    known[other] = end
                    to[end], strength[end] = other, 0.0
                    end += 1
                strength[known[other]] += bond[g]
        tied_start[j + 1] = end
    return tied_start, to, strength


@njit(cache=True, nogil=True)
def _region_size(n_all: int, limit: int) -> int:
    """Most concepts of a region of a component with so many."""
    bits = _COMPONENT_BITS
    while bits > _REGION_BITS and n_all << bits > 1 << _COMPONENT_BITS:
        bits -= 1
    return min(bits, limit, n_all)


@njit(cache=True, nogil=True)
def read_regions(
    ev: Cases,
    part: Component,
    messages: Array,
    limit: int,
    work: Work,
) -> None:
    """Overwrite propagated masteries in `work.held` by sums over a region around each concept.

    A region holds a concept and those tied to it most closely. All patterns of a region are
    summed; a factor that reaches out of it is averaged over its other concepts, held as the rest
    of the component says (their log-odds without this factor's message). Loops within a region
    are thereby counted right. One that holds the whole component gives the exact mastery.
    """
    first, last, concepts = part
    potential, log_odds, ahead = work.potential, work.log_odds, work.ahead
    at, held = work.at, work.held
    n_all, n_factors = concepts.size, last - first
    edge = ev.factor_edge_start[first : last + 1] - ev.factor_edge_start[first]
    own_messages = messages[ev.factor_edge_start[first] : ev.factor_edge_start[last]]
    start, factor_of, edge_of = _by_concept(edge, at, n_all)
    tied_start, tied_to, strength = _ties(edge, at, start, factor_of, _bonds(ev, part, work))
    cavity = np.empty(edge[n_factors])  # mastery of each edge's concept, but for its factor
    for e in range(edge[n_factors]):
        cavity[e] = sigmoid(log_odds[concepts[at[e]]] - own_messages[e])
    variance = np.empty(n_all)
    for j in range(n_all):
        variance[j] = max(held[j] * (1.0 - held[j]), 1e-100)

    bits = _region_size(n_all, limit)
    # A region that can hold the whole component shall do so: then it is exact.
    whole = bits == n_all
    least_tie = 0.0 if whole else _LEAST_TIE
    least_variance = 0.0 if whole else _LEAST_VARIANCE
    width = potential.shape[1]
    log_weight, weight = np.empty(1 << bits), np.empty(1 << bits)
    region, order = np.empty(bits, np.int64), np.empty(bits, np.int64)
    terms, patterned, free = np.empty(bits), np.empty(bits, np.int64), np.empty(bits, np.int64)
    inside, row_of = np.zeros(n_factors, np.int64), np.full(n_factors, -1)
    place = np.full(n_all, -1)
    tie, near = np.zeros(n_all), np.empty(n_all, np.int64)
    rise = np.empty((n_factors, width))  # of a factor's log, from m held to m + 1
    count, owned = np.empty(n_factors, np.int64), np.empty(n_factors, np.bool_)
    rows, rows_start = np.empty(start[n_all], np.int64), np.zeros(bits + 1, np.int64)
    on = np.zeros(bits, np.bool_)

    for centre in range(n_all):
        if variance[centre] < least_variance:
            continue
        size, n_near = 0, 0
        joins = centre
        while True:
            region[size] = joins
            place[joins] = size
            size += 1
            for i in range(start[joins], start[joins + 1]):
                inside[factor_of[i]] += 1
            if size == bits:
                break
            for i in range(tied_start[joins], tied_start[joins + 1]):
                j = tied_to[i]
                if place[j] >= 0:
                    continue
                if tie[j] == 0.0:
                    near[n_near] = j
                    n_near += 1
                tie[j] += strength[i] * variance[j]
            best, joins = least_tie, -1
            for i in range(n_near):
                if place[near[i]] < 0 and tie[near[i]] > best:
                    best, joins = tie[near[i]], near[i]
            if joins < 0:
                break

        # Others of the region that one factor ties need no patterns: it is averaged over them.
        n_kept = 1
        for r in range(1, size):
            j, n_ties = region[r], 0
            for i in range(start[j], start[j + 1]):
                n_ties += inside[factor_of[i]] > 1
            if n_ties > 1:
                region[r], region[n_kept] = region[n_kept], j
                place[j] = n_kept
                n_kept += 1
            else:
                place[j] = -1
        n_members, size = size, n_kept

        # The region's own factors: those with one concept in it say what their message says.
        n_rows = 0
        for r in range(size):
            j = region[r]
            terms[r] = log_odds[concepts[j]]
            rows_start[r + 1] = rows_start[r]
            for i in range(start[j], start[j + 1]):
                g = factor_of[i]
                if inside[g] < 2:
                    continue
                terms[r] -= own_messages[edge_of[i]]
                known = row_of[g] >= 0
                if not known:
                    row_of[g] = n_rows
                rows[rows_start[r + 1]] = row_of[g]
                rows_start[r + 1] += 1
                if known:
                    continue
                out = 0
                ahead[0] = 1.0
                for e in range(edge[g], edge[g + 1]):
                    if place[at[e]] >= 0:
                        continue
                    q = cavity[e]
                    ahead[out + 1] = ahead[out] * q
                    for a in range(out, 0, -1):
                        ahead[a] = (1.0 - q) * ahead[a] + q * ahead[a - 1]
                    ahead[0] *= 1.0 - q
                    out += 1
                below = 0.0
                for m in range(edge[g + 1] - edge[g] - out + 1):
                    mean = 0.0
                    for a in range(out + 1):
                        mean += ahead[a] * potential[g, m + a]
                    if m > 0:
                        rise[n_rows, m - 1] = np.log(mean / below)
                    below = mean
                n_rows += 1

        if n_rows > 1:  # else a tree, for which propagation is right
            # The centre is the last bit, so it changes once; the fewer factors, the faster a bit.
            for r in range(1, size):
                slot, n_ties = r - 1, rows_start[r + 1] - rows_start[r]
                while slot > 0:
                    before = order[slot - 1]
                    if rows_start[before + 1] - rows_start[before] <= n_ties:
                        break
                    order[slot] = before
                    slot -= 1
                order[slot] = r
            order[size - 1] = 0
            # Concepts that share no factor are independent given the others: they need no patterns.
            owned[:n_rows] = False
            n_bits, n_free = 0, 0
            for slot in range(size):
                r = order[slot]
                shares = r == 0
                for i in range(rows_start[r], rows_start[r + 1]):
                    shares |= owned[rows[i]]
                if shares:
                    patterned[n_bits] = r
                    n_bits += 1
                    continue
                free[n_free] = r
                n_free += 1
                for i in range(rows_start[r], rows_start[r + 1]):
                    owned[rows[i]] = True
            count[:n_rows] = 0
            on[:n_bits] = False
            now = 0.0
            for pattern in range(1 << n_bits):
                if pattern > 0:
                    bit = 0
                    while (pattern >> bit) & 1 == 0:
                        bit += 1
                    r = patterned[bit]
                    if on[bit]:
                        now -= terms[r]
                        for i in range(rows_start[r], rows_start[r + 1]):
                            count[rows[i]] -= 1
                            now -= rise[rows[i], count[rows[i]]]
                    else:
                        now += terms[r]
                        for i in range(rows_start[r], rows_start[r + 1]):
                            now += rise[rows[i], count[rows[i]]]
                            count[rows[i]] += 1
                    on[bit] = not on[bit]
                level, product = now, 1.0
                for f in range(n_free):
                    r = free[f]
                    x = terms[r]
                    for i in range(rows_start[r], rows_start[r + 1]):
                        x += rise[rows[i], count[rows[i]]]
                    level += max(x, 0.0)
                    product *= 1.0 + np.exp(-abs(x))
                log_weight[pattern], weight[pattern] = level, product
            half = 1 << (n_bits - 1)
            top = log_weight[: 2 * half].max()
            without, with_it = 0.0, 0.0
            for pattern in range(half):
                without += weight[pattern] * np.exp(log_weight[pattern] - top)
            for pattern in range(half, 2 * half):
                with_it += weight[pattern] * np.exp(log_weight[pattern] - top)
            held[centre] = with_it / (without + with_it)

        for r in range(n_members):
            j = region[r]
            place[j] = -1
            for i in range(start[j], start[j + 1]):
                inside[factor_of[i]] = 0
                row_of[factor_of[i]] = -1
        for i in range(n_near):
            tie[near[i]] = 0.0


@njit(cache=True, nogil=True)
def condition(
    ev: Cases,
    vid: Videos,
    part: Component,
    messages: Array,
    control: Control,
    tally: Tally,
    propagated: Array,
    reading: Array,
    work: Work,
) -> None:
    """Read a component anew, given some of its concepts, where propagation is in doubt.

    Propagation may have several fixed points, each of them right about a part of the patterns
    only. The concept that its region moves most is taken to be held, then not to be held; both
    branches are propagated and read, and split again while a concept is in doubt (*cutset
    conditioning*, Pearl 1988, section 4.4.2). Where regions hold half of the component and more,
    a branch weighs what the region of its concept said, so that the reading stays exact where
    they hold all of it; in larger components it weighs its (Bethe's) evidence.

    `propagated` has the masteries as propagated and `reading` those by regions; `reading` is
    renewed. Messages are left as they were, `work` as it happens to be; nothing is added to
    the tally.
    """
    first, last, concepts = part
    log_odds, at, held = work.log_odds, work.at, work.held
    limit = control.cutset_limit
    n, e0, e1 = concepts.size, ev.factor_edge_start[first], ev.factor_edge_start[last]
    doubtful = _most_doubtful(propagated, reading, 1.0)
    if limit == 0 or doubtful < 0:
        return
    saved = messages[e0:e1].copy()
    own = np.empty(n)
    for j in range(n):
        own[j] = log_odds[concepts[j]]
    for e in range(e0, e1):
        own[at[e - e0]] -= messages[e]

    # Branches still to be read: their weight, and what is given in them.
    weight, depth = np.empty(limit + 2), np.empty(limit + 2, np.int64)
    given, sign = np.empty((limit + 2, limit), np.int64), np.empty((limit + 2, limit))
    weight[0], depth[0], given[0, 0], sign[0, 0] = reading[doubtful], 1, doubtful, 1.0
    weight[1], depth[1], given[1, 0], sign[1, 0] = 1.0 - reading[doubtful], 1, doubtful, -1.0
    waiting = 2
    by_region = 2 * _region_size(n, control.region_limit) >= n
    before = np.empty(n)
    reading[:] = 0.0
    total, top = 0.0, -np.inf
    while waiting > 0:
        waiting -= 1
        share, level = weight[waiting], depth[waiting]
        if share == 0.0:
            continue
        messages[e0:e1] = 0.0
        for j in range(n):
            log_odds[concepts[j]] = own[j]
        value = 0.0  # log-evidence of the branch
        for i in range(level):
            j = given[waiting, i]
            log_odds[concepts[j]] = sign[waiting, i] * _CLAMP
            if sign[waiting, i] > 0:
                value += own[j] - _CLAMP
        propagate(ev, vid, part, messages, True, control, work)
        before[:] = held[:n]
        if by_region:
            value = np.log(share)
        else:
            value += count_factors(ev, vid, part, messages, 0.0, tally, work)
            for j in range(n):
                value += softplus(log_odds[concepts[j]])
        read_regions(ev, part, messages, control.region_limit, work)
        doubtful = _most_doubtful(before, held[:n], share) if level < limit else -1
        if doubtful < 0:
            if value > top:
                fade = np.exp(top - value)
                total *= fade
                reading *= fade
                top = value
            total += np.exp(value - top)
            for j in range(n):
                reading[j] += np.exp(value - top) * held[j]
            continue
        given[waiting, level] = doubtful
        given[waiting + 1, : level + 1] = given[waiting, : level + 1]
        sign[waiting + 1, :level] = sign[waiting, :level]
        sign[waiting, level], sign[waiting + 1, level] = 1.0, -1.0
        depth[waiting : waiting + 2] = level + 1
        weight[waiting] = share * held[doubtful]
        weight[waiting + 1] = share * (1.0 - held[doubtful])
        waiting += 2
    reading /= total
    messages[e0:e1] = saved


@njit(cache=True, nogil=True, inline="always")
def _most_doubtful(propagated: Array, reading: Array, share: float) -> int:
    """The concept whose mastery its region moved most, -1 where none by much."""
    concept, doubt = -1, _DOUBT
    for j in range(propagated.size):
        move = share * abs(reading[j] - propagated[j])
        if move > doubt:
            concept, doubt = j, move
    return concept
