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
def _bonds(
    ev: Cases,
    vid: Videos,
    part: Component,
    work: Work,
) -> Array:
    """How strongly each factor ties two of its concepts, in nats.

    That is |log F(0) F(2) / F(1)^2|, F(m) being the potential's mean when m of the two are held and
    each of the others with the factor's mean mastery.
    """
    first, last = part.first, part.last
    potential, log_odds, ahead = work.potential, work.log_odds, work.ahead
    bond = np.zeros(last - first)
    for g in range(first, last):
        f = potential[g - first]
        n = ev.factor_edge_start[g + 1] - ev.factor_edge_start[g]
        if n < 2:
            continue
        s0 = vid.scope_start[ev.factor_scope[g]]
        mean = 0.0
        for i in range(n):
            mean += sigmoid(log_odds[vid.scope_concept[s0 + i]]) / n
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
def _region_size(n_all: int, limit: int) -> int:
    """Most concepts of a region of a component with so many."""
    bits = _COMPONENT_BITS
    while bits > _REGION_BITS and n_all << bits > 1 << _COMPONENT_BITS:
        bits -= 1
    return min(bits, limit, n_all)


@njit(cache=True, nogil=True)
def read_regions(
    ev: Cases,
    vid: Videos,
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
    local, held = work.local, work.held
    n_all, n_factors = concepts.size, last - first
    for j in range(n_all):
        local[concepts[j]] = j
    start = np.zeros(n_all + 1, np.int64)
    for g in range(first, last):
        s0 = vid.scope_start[ev.factor_scope[g]] - ev.factor_edge_start[g]
        for e in range(ev.factor_edge_start[g], ev.factor_edge_start[g + 1]):
            start[local[vid.scope_concept[s0 + e]] + 1] += 1
    start = np.cumsum(start)
    factor_of, edge_of = np.empty(start[n_all], np.int64), np.empty(start[n_all], np.int64)
    fill = start.copy()
    for g in range(first, last):
        s0 = vid.scope_start[ev.factor_scope[g]] - ev.factor_edge_start[g]
        for e in range(ev.factor_edge_start[g], ev.factor_edge_start[g + 1]):
            j = local[vid.scope_concept[s0 + e]]
            factor_of[fill[j]] = g - first
            edge_of[fill[j]] = e
            fill[j] += 1
    bond = _bonds(ev, vid, part, work)
    variance = np.empty(n_all)
    for j in range(n_all):
        variance[j] = max(held[j] * (1.0 - held[j]), 1e-100)

    bits = _region_size(n_all, limit)
    # A region that can hold the whole component shall do so: then it is exact.
    whole = bits == n_all
    least_tie = 0.0 if whole else _LEAST_TIE
    least_variance = 0.0 if whole else _LEAST_VARIANCE
    width = potential.shape[1]
    log_weight = np.empty(1 << bits)
    region, order = np.empty(bits, np.int64), np.empty(bits, np.int64)
    terms, ties = np.empty(bits), np.empty(bits, np.int64)
    inside, row_of = np.zeros(n_factors, np.int64), np.full(n_factors, -1)
    place = np.full(n_all, -1)
    tie, near = np.zeros(n_all), np.empty(n_all, np.int64)
    log_f = np.empty((n_factors, width))
    count = np.empty(n_factors, np.int64)
    flips, flip_start = np.empty(start[n_all], np.int64), np.empty(bits + 1, np.int64)
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
            for i in range(start[joins], start[joins + 1]):
                g = factor_of[i]
                if bond[g] == 0.0:
                    continue
                scope = ev.factor_scope[first + g]
                for e in range(vid.scope_start[scope], vid.scope_start[scope + 1]):
                    j = local[vid.scope_concept[e]]
                    if place[j] >= 0:
                        continue
                    if tie[j] == 0.0:
                        near[n_near] = j
                        n_near += 1
                    tie[j] += bond[g] * variance[j]
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
            ties[r] = 0
            for i in range(start[j], start[j + 1]):
                g = factor_of[i]
                if inside[g] < 2:
                    continue
                terms[r] -= messages[edge_of[i]]
                ties[r] += 1
                if row_of[g] >= 0:
                    continue
                row_of[g] = n_rows
                e0 = ev.factor_edge_start[first + g]
                n = ev.factor_edge_start[first + g + 1] - e0
                s0 = vid.scope_start[ev.factor_scope[first + g]]
                out = 0
                ahead[0] = 1.0
                for e in range(n):
                    k = vid.scope_concept[s0 + e]
                    if place[local[k]] >= 0:
                        continue
                    q = sigmoid(log_odds[k] - messages[e0 + e])
                    ahead[out + 1] = ahead[out] * q
                    for a in range(out, 0, -1):
                        ahead[a] = (1.0 - q) * ahead[a] + q * ahead[a - 1]
                    ahead[0] *= 1.0 - q
                    out += 1
                for m in range(n - out + 1):
                    mean = 0.0
                    for a in range(out + 1):
                        mean += ahead[a] * potential[g, m + a]
                    log_f[n_rows, m] = np.log(mean)
                n_rows += 1

        if n_rows > 1:  # else a tree, for which propagation is right
            # The centre is the last bit, so it changes once; the fewer factors, the faster a bit.
            for r in range(1, size):
                at = r - 1
                while at > 0 and ties[order[at - 1]] > ties[r]:
                    order[at] = order[at - 1]
                    at -= 1
                order[at] = r
            order[size - 1] = 0
            n_flips = 0
            for bit in range(size):
                flip_start[bit] = n_flips
                j = region[order[bit]]
                for i in range(start[j], start[j + 1]):
                    if inside[factor_of[i]] > 1:
                        flips[n_flips] = row_of[factor_of[i]]
                        n_flips += 1
            flip_start[size] = n_flips
            count[:n_rows] = 0
            on[:] = False
            now = 0.0
            for row in range(n_rows):
                now += log_f[row, 0]
            log_weight[0] = now
            for pattern in range(1, 1 << size):
                bit = 0
                while (pattern >> bit) & 1 == 0:
                    bit += 1
                step = -1 if on[bit] else 1
                now += step * terms[order[bit]]
                for i in range(flip_start[bit], flip_start[bit + 1]):
                    row = flips[i]
                    now += log_f[row, count[row] + step] - log_f[row, count[row]]
                    count[row] += step
                on[bit] = not on[bit]
                log_weight[pattern] = now
            half = 1 << (size - 1)
            top = log_weight[: 2 * half].max()
            without, with_it = 0.0, 0.0
            for pattern in range(half):
                without += np.exp(log_weight[pattern] - top)
            for pattern in range(half, 2 * half):
                with_it += np.exp(log_weight[pattern] - top)
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
    log_odds, local, held = work.log_odds, work.local, work.held
    limit = control.cutset_limit
    n, e0, e1 = concepts.size, ev.factor_edge_start[first], ev.factor_edge_start[last]
    doubtful = _most_doubtful(propagated, reading, 1.0)
    if limit == 0 or doubtful < 0:
        return
    saved = messages[e0:e1].copy()
    own = np.empty(n)
    for j in range(n):
        own[j] = log_odds[concepts[j]]
        local[concepts[j]] = j
    for g in range(first, last):
        s_g = vid.scope_start[ev.factor_scope[g]] - ev.factor_edge_start[g]
        for e in range(ev.factor_edge_start[g], ev.factor_edge_start[g + 1]):
            own[local[vid.scope_concept[s_g + e]]] -= messages[e]

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
        read_regions(ev, vid, part, messages, control.region_limit, work)
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
