"""What is the exact mastery of a component's concepts? The sum over all patterns of held ones."""

import numpy as np

from kgplan.arrays import Array
from kgplan.native.compiled import njit
from kgplan.native.component import Component, Work, count_members, sigmoid, softplus
from kgplan.native.layout import Cases, Tally, Videos


@njit(cache=True, nogil=True)
def sum_patterns(
    ev: Cases,
    vid: Videos,
    part: Component,
    weight: float,
    tally: Tally,
    work: Work,
) -> float:
    """Sum one component over all patterns in Gray-code order; return its log-evidence.

    Concepts that stand in one factor only are summed within it: what the others need of it is its
    potential averaged over them. Patterns are those of the n concepts that tie factors together.
    One of them changes from a pattern to the next, so only its factors' counts move. Weights are
    added up as a running total; a concept, or a count, is credited with what the total gained
    while it lasted. `work.log_odds` holds the concepts' own terms; `work.held` is filled. The
    evidence is relative to "none held" having weight 1 before the factors, as in propagation.
    """
    first, last, concepts = part
    potential, scale, log_odds = work.potential, work.scale, work.log_odds
    local, held = work.local, work.held
    n_all, n_factors = concepts.size, last - first
    degree = np.zeros(n_all, np.int64)
    for j in range(n_all):
        local[concepts[j]] = j
    for g in range(first, last):
        s0, s1 = vid.scope_start[ev.factor_scope[g]], vid.scope_start[ev.factor_scope[g] + 1]
        for e in range(s0, s1):
            degree[local[vid.scope_concept[e]]] += 1
    tying = np.flatnonzero(degree > 1)
    n = tying.size
    place = np.full(n_all, -1)
    start = np.zeros(n + 1, np.int64)
    for i in range(n):
        place[tying[i]] = i
        start[i + 1] = start[i] + degree[tying[i]]

    width = potential.shape[1]
    factors, fill = np.empty(start[n], np.int64), start.copy()
    n_alone = np.zeros(n_factors, np.int64)
    alone = np.empty((n_factors, width), np.int64)  # the factor's concepts that no other has
    folded, log_f = np.empty((n_factors, width)), np.empty((n_factors, width))
    poly, belief = np.empty(width), np.empty(width)
    evidence = 0.0
    for g in range(n_factors):
        s0 = vid.scope_start[ev.factor_scope[first + g]]
        s1 = vid.scope_start[ev.factor_scope[first + g] + 1]
        for e in range(s0, s1):
            j = local[vid.scope_concept[e]]
            if place[j] >= 0:
                factors[fill[place[j]]] = g
                fill[place[j]] += 1
            else:
                alone[g, n_alone[g]] = concepts[j]
                n_alone[g] += 1
                evidence += softplus(log_odds[concepts[j]])
        _count_held(alone[g, : n_alone[g]], -1, log_odds, poly)
        for m in range(s1 - s0 - n_alone[g] + 1):
            folded[g, m] = 0.0
            for a in range(n_alone[g] + 1):
                folded[g, m] += poly[a] * potential[g, m + a]
            log_f[g, m] = np.log(folded[g, m])

    n_patterns = 1 << n
    log_weight = np.empty(n_patterns)
    on = np.zeros(n, np.bool_)
    count = np.zeros(n_factors, np.int64)
    now = 0.0
    for g in range(n_factors):
        now += log_f[g, 0]
    log_weight[0] = now
    for pattern in range(1, n_patterns):
        j = 0
        while (pattern >> j) & 1 == 0:
            j += 1
        step = -1 if on[j] else 1
        now += step * log_odds[concepts[tying[j]]]
        for i in range(start[j], start[j + 1]):
            g = factors[i]
            now += log_f[g, count[g] + step] - log_f[g, count[g]]
            count[g] += step
        on[j] = not on[j]
        log_weight[pattern] = now
    top = log_weight.max()

    credit = np.zeros((n_factors, width))
    since_concept = np.zeros(n)
    since_factor = np.zeros(n_factors)
    on[:] = False
    count[:] = 0
    held[:n_all] = 0.0
    total = np.exp(log_weight[0] - top)
    for pattern in range(1, n_patterns):
        j = 0
        while (pattern >> j) & 1 == 0:
            j += 1
        step = -1 if on[j] else 1
        if on[j]:
            held[tying[j]] += total - since_concept[j]
        since_concept[j] = total
        on[j] = not on[j]
        for i in range(start[j], start[j + 1]):
            g = factors[i]
            credit[g, count[g]] += total - since_factor[g]
            since_factor[g] = total
            count[g] += step
        total += np.exp(log_weight[pattern] - top)
    for j in range(n):
        if on[j]:
            held[tying[j]] += total - since_concept[j]
        held[tying[j]] = min(held[tying[j]] / total, 1.0)
    for g in range(n_factors):
        credit[g, count[g]] += total - since_factor[g]
        size = ev.factor_edge_start[first + g + 1] - ev.factor_edge_start[first + g]
        n_tying = size - n_alone[g]
        for m in range(n_tying + 1):
            credit[g, m] /= total * folded[g, m]
        _count_held(alone[g, : n_alone[g]], -1, log_odds, poly)
        belief[: size + 1] = 0.0
        for m in range(n_tying + 1):
            for a in range(n_alone[g] + 1):
                belief[m + a] += credit[g, m] * poly[a] * potential[g, m + a]
        for i in range(n_alone[g]):
            _count_held(alone[g, : n_alone[g]], i, log_odds, poly)
            holds = 0.0
            for m in range(n_tying + 1):
                for a in range(n_alone[g]):
                    holds += credit[g, m] * poly[a] * potential[g, m + a + 1]
            held[local[alone[g, i]]] = min(holds * sigmoid(log_odds[alone[g, i]]), 1.0)
        count_members(ev, vid, first + g, size, belief, weight, tally)
        evidence += scale[g]
    return np.log(total) + top + evidence


@njit(cache=True, nogil=True, inline="always")
def _count_held(concepts: Array, but: int, log_odds: Array, poly: Array) -> None:
    """Fill P(a of the concepts are held), a = 0 ..; the one at place `but` is left out."""
    n = 0
    poly[0] = 1.0
    for i in range(concepts.size):
        if i == but:
            continue
        p, not_p = sigmoid(log_odds[concepts[i]]), sigmoid(-log_odds[concepts[i]])
        poly[n + 1] = poly[n] * p
        for a in range(n, 0, -1):
            poly[a] = not_p * poly[a] + p * poly[a - 1]
        poly[0] *= not_p
        n += 1
