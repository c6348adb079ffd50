"""What do a case's observations say about each of its concepts? The compiled E-step.

All kernels stand in one file because numba renews its cached code only when the file of the
function that was called changes. They release the interpreter's lock, draw no random numbers and
write to their own arrays only, so callers may run them on several threads with the same result.

Notation: a factor is a potential f(m) on m = 0 .. n, the number of its n concepts that are held
(a *cardinality potential*, Tarlow et al., UAI 2012). Messages are log-odds of "held".
"""

from typing import NamedTuple

import numpy as np

from kgplan.arrays import Array
from kgplan.native.compiled import njit
from kgplan.native.layout import ENUMERATED, TREE, Cases, Videos

# A potential this far (nats) below its peak has lost its say. Every message is a ratio of two
# expectations of f, so with this floor neither can vanish in a double.
_POTENTIAL_FLOOR = -400.0
_SMALLEST_POTENTIAL = float(np.exp(_POTENTIAL_FLOOR))
_TREE_TOLERANCE = 1e-12
# A component's regions take about so many patterns (as a power of 2), a region at least so many.
_COMPONENT_BITS, _REGION_BITS = 16, 6
# Concepts tied by less (nats of interaction times variance of the mastery) stay out of a region.
_LEAST_TIE = 1e-3
# A mastery whose variance is below this is left as propagation has it.
_LEAST_VARIANCE = 1e-4
# Where its region moves a mastery by more than this, propagation is not to be trusted.
_DOUBT = 0.05
# Odds within this and its inverse, and potentials above it, are propagated as such, without
# logarithms: what a sweep multiplies and squares stays within a double. 1e-70 is -161 nats.
_LEAST_ODDS = 1e-70
_CLAMP = 50.0  # log-odds of a concept that is held for certain


class Parameters(NamedTuple):
    """What the E-step holds fixed.

    Attributes:
        prior_log_odds, prior_odds: (K,) log(prior / (1 - prior)), and without the logarithm.
        log_not_prior: (K,) log(1 - prior).
        intercept, contrast: (V,) of log P(r=1 | m).
        log_wrong: (T,) log(1 - P(r=1 | m)).
        unopened: (T,) (1 - P) at m over 1 - P at 0: a potential that videos not opened share.
    """

    prior_log_odds: Array
    prior_odds: Array
    log_not_prior: Array
    intercept: Array
    contrast: Array
    log_wrong: Array
    unopened: Array


class Control(NamedTuple):
    """How propagation runs; the meanings are DiagnosisConfig's."""

    damping: float
    tolerance: float
    sweep_limit: int
    region_limit: int
    cutset_limit: int


class Tally(NamedTuple):
    """Expected counts that the M-step needs; one per block of cases, added in block order.

    Attributes:
        wrong: (T,) expected weight of 1 - r at each m.
        right_eta: (V,) expected sum of r * eta.
        held: (K,) expected learners that hold the concept, among those with evidence on it.
    """

    wrong: Array
    right_eta: Array
    held: Array


@njit(cache=True, nogil=True, inline="always")
def _softplus(x: float) -> float:
    return max(x, 0.0) + np.log1p(np.exp(-abs(x)))


@njit(cache=True, nogil=True, inline="always")
def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + np.exp(-x))


@njit(cache=True, nogil=True)
def _potentials(
    ev: Cases,
    vid: Videos,
    par: Parameters,
    first: int,
    last: int,
    potential: Array,
    scale: Array,
) -> float:
    """Fill f(m) / max f of each factor from its members, and log max f; return the least f."""
    least = 1.0
    for g in range(first, last):
        row = potential[g - first]
        n = ev.factor_edge_start[g + 1] - ev.factor_edge_start[g]
        i = ev.factor_member_start[g]
        if (
            ev.factor_member_start[g + 1] == i + 1
            and ev.member_wrong[i] == 1
            and ev.member_right[i] == 0
        ):
            # One video, not opened: the bulk of the factors, and the table holds it ready.
            at = vid.table_start[ev.member_video[i]]
            for m in range(n + 1):
                row[m] = max(par.unopened[at + m], _SMALLEST_POTENTIAL)
                least = min(least, row[m])
            scale[g - first] = par.log_wrong[at]
            continue
        row[: n + 1] = 0.0
        for i in range(ev.factor_member_start[g], ev.factor_member_start[g + 1]):
            v = ev.member_video[i]
            at = vid.table_start[v]
            wrong, right = ev.member_wrong[i], ev.member_right[i]
            for m in range(n + 1):
                row[m] += wrong * par.log_wrong[at + m]
            if right > 0:
                for m in range(n + 1):
                    row[m] += right * (par.intercept[v] + par.contrast[v] * vid.eta[at + m])
        top = row[: n + 1].max()
        scale[g - first] = top
        for m in range(n + 1):
            row[m] = np.exp(max(row[m] - top, _POTENTIAL_FLOOR))
            least = min(least, row[m])
    return least


@njit(cache=True, nogil=True)
def _propagate(
    ev: Cases,
    vid: Videos,
    first: int,
    last: int,
    potential: Array,
    concepts: Array,
    log_odds: Array,
    messages: Array,
    loops: bool,
    damping: float,
    tolerance: float,
    sweep_limit: int,
    held: Array,
    p: Array,
    not_p: Array,
    back: Array,
    ahead: Array,
) -> tuple[float, int]:
    """Sum-product sweeps over one component until no mastery moves.

    `log_odds` (K,) holds each concept's belief and is kept equal to its own terms plus all
    messages to it; `messages` is updated in place, so a second call goes on from where the last
    one stopped. Returns the last sweep's largest move of a mastery, and the number of sweeps.
    """
    for j in range(concepts.size):
        held[j] = _sigmoid(log_odds[concepts[j]])
    residual, before = 1.0, 1.0
    for sweep in range(sweep_limit):
        # Every other sweep runs backwards: news crosses a chain in one sweep either way.
        for step in range(first, last):
            g = step if sweep % 2 == 0 else first + last - 1 - step
            f = potential[g - first]
            e0 = ev.factor_edge_start[g]
            n = ev.factor_edge_start[g + 1] - e0
            s0 = vid.scope_start[ev.factor_scope[g]]
            if n == 1:
                if sweep > 0:
                    continue
                new = np.log(f[1] / f[0])
                log_odds[vid.scope_concept[s0]] += new - messages[e0]
                messages[e0] = new
                continue
            for i in range(n):
                cavity = log_odds[vid.scope_concept[s0 + i]] - messages[e0 + i]
                against = np.exp(min(max(-cavity, -700.0), 700.0))
                p[i] = 1.0 / (1.0 + against)
                not_p[i] = against * p[i]  # not 1 - p, which forgets odds beyond 1e16
            # back[i, a]: the factor's sum over concepts i .. n-1, when a of 0 .. i-1 are held.
            for a in range(n + 1):
                back[n, a] = f[a]
            for i in range(n - 1, 0, -1):
                for a in range(i + 1):
                    back[i, a] = not_p[i] * back[i + 1, a] + p[i] * back[i + 1, a + 1]
            ahead[0] = 1.0
            for i in range(n):
                without, with_it = 0.0, 0.0
                for a in range(i + 1):
                    without += ahead[a] * back[i + 1, a]
                    with_it += ahead[a] * back[i + 1, a + 1]
                new = np.log(with_it / without)
                new += damping * (messages[e0 + i] - new)
                log_odds[vid.scope_concept[s0 + i]] += new - messages[e0 + i]
                messages[e0 + i] = new
                ahead[i + 1] = ahead[i] * p[i]
                for a in range(i, 0, -1):
                    ahead[a] = not_p[i] * ahead[a] + p[i] * ahead[a - 1]
                ahead[0] *= not_p[i]
        residual = 0.0
        for j in range(concepts.size):
            now = _sigmoid(log_odds[concepts[j]])
            residual = max(residual, abs(now - held[j]))
            held[j] = now
        if residual <= tolerance * (1.0 - damping):
            return residual, sweep + 1
        if loops and sweep >= 4 and residual > 0.95 * before:
            damping += 0.2 * (1.0 - damping)
        before = residual
    return residual, sweep_limit


@njit(cache=True, nogil=True, inline="always")
def _ratio(with_it: float, without: float, message: float, damping: float) -> float:
    """By what a message changes that shall become with_it / without, damped.

    Damping moves the message's logarithm by a share 1 - damping, to the second order of the move;
    larger moves are damped less. No logarithm is taken.
    """
    old = without * message
    slow, fast = 1.0 - damping, 1.0 + damping
    return with_it * (slow * with_it + fast * old) / (old * (fast * with_it + slow * old))


@njit(cache=True, nogil=True)
def _propagate_odds(
    ev: Cases,
    first: int,
    last: int,
    potential: Array,
    at: Array,
    odds: Array,
    messages: Array,
    loops: bool,
    damping: float,
    tolerance: float,
    sweep_limit: int,
    held: Array,
    p: Array,
    not_p: Array,
    back: Array,
    ahead: Array,
) -> tuple[float, int, bool]:
    """As `_propagate`, but by odds and ratios of odds: no exponential, no logarithm.

    Args:
        at: concept of each of the component's edges, as its place in `odds`.
        odds: each concept's own terms times all messages to it; kept so.
        messages: (edges,) odds ratios.

    Returns:
        The last sweep's largest move of a mastery, the number of sweeps, and whether all odds
        stayed well within a double; if not, nothing here is of use.
    """
    base = ev.factor_edge_start[first]
    n_factors, n_concepts = last - first, odds.size
    for r in range(n_factors):
        e0 = ev.factor_edge_start[first + r]
        if ev.factor_edge_start[first + r + 1] == e0 + 1:  # says the same in every sweep
            ratio = potential[r, 1] / (potential[r, 0] * messages[e0])
            odds[at[e0 - base]] *= ratio
            messages[e0] *= ratio
    for j in range(n_concepts):
        if not _LEAST_ODDS < odds[j] < 1.0 / _LEAST_ODDS:
            return 1.0, 0, False
        held[j] = odds[j] / (1.0 + odds[j])
    residual, before = 1.0, 1.0
    for sweep in range(sweep_limit):
        # Every other sweep runs backwards: news crosses a chain in one sweep either way.
        for step in range(n_factors):
            r = step if sweep % 2 == 0 else n_factors - 1 - step
            e0 = ev.factor_edge_start[first + r]
            n = ev.factor_edge_start[first + r + 1] - e0
            e = e0 - base
            if n == 1:
                continue
            j0, j1 = at[e], at[e + 1]
            m0, m1 = messages[e0], messages[e0 + 1]
            s0, s1 = 1.0 / (odds[j0] + m0), 1.0 / (odds[j1] + m1)
            p0, p1 = odds[j0] * s0, odds[j1] * s1
            q0, q1 = m0 * s0, m1 * s1  # not 1 - p, which forgets odds beyond 1e16
            if n == 2:
                f0, f1, f2 = potential[r, 0], potential[r, 1], potential[r, 2]
                ratio0 = _ratio(q1 * f1 + p1 * f2, q1 * f0 + p1 * f1, m0, damping)
                ratio1 = _ratio(q0 * f1 + p0 * f2, q0 * f0 + p0 * f1, m1, damping)
            else:
                # The first two are held neither, one or both: x0, x1, x2.
                x0, x1, x2 = q0 * q1, p0 * q1 + q0 * p1, p0 * p1
                j2, m2 = at[e + 2], messages[e0 + 2]
                s2 = 1.0 / (odds[j2] + m2)
                p2, q2 = odds[j2] * s2, m2 * s2
                if n == 3:
                    f0, f1, f2, f3 = (
                        potential[r, 0], potential[r, 1], potential[r, 2], potential[r, 3]
                    )  # fmt: skip
                    ratio2 = _ratio(
                        x0 * f1 + x1 * f2 + x2 * f3, x0 * f0 + x1 * f1 + x2 * f2, m2, damping
                    )
                    # g0, g1, g2: the factor's sum over the others, when so many of the first two.
                    g0, g1, g2 = q2 * f0 + p2 * f1, q2 * f1 + p2 * f2, q2 * f2 + p2 * f3
                else:
                    j3, m3 = at[e + 3], messages[e0 + 3]
                    s3 = 1.0 / (odds[j3] + m3)
                    p3, q3 = odds[j3] * s3, m3 * s3
                    y0, y1, y2 = q2 * q3, p2 * q3 + q2 * p3, p2 * p3
                    if n == 4:
                        f0, f1, f2, f3, f4 = (
                            potential[r, 0], potential[r, 1], potential[r, 2], potential[r, 3],
                            potential[r, 4],
                        )  # fmt: skip
                    else:
                        # back[i, a]: the sum over concepts i .. n-1, when a of 0 .. i-1 are held.
                        for i in range(4, n):
                            o, m = odds[at[e + i]], messages[e0 + i]
                            s = 1.0 / (o + m)
                            p[i], not_p[i] = o * s, m * s
                        for a in range(n + 1):
                            back[n, a] = potential[r, a]
                        for i in range(n - 1, 3, -1):
                            for a in range(i + 1):
                                back[i, a] = not_p[i] * back[i + 1, a] + p[i] * back[i + 1, a + 1]
                        ahead[0], ahead[1] = x0 * y0, x0 * y1 + x1 * y0
                        ahead[2] = x0 * y2 + x1 * y1 + x2 * y0
                        ahead[3], ahead[4] = x1 * y2 + x2 * y1, x2 * y2
                        for i in range(4, n):
                            without, with_it = 0.0, 0.0
                            for a in range(i + 1):
                                without += ahead[a] * back[i + 1, a]
                                with_it += ahead[a] * back[i + 1, a + 1]
                            ratio = _ratio(with_it, without, messages[e0 + i], damping)
                            messages[e0 + i] *= ratio
                            odds[at[e + i]] *= ratio
                            if i < n - 1:
                                ahead[i + 1] = ahead[i] * p[i]
                                for a in range(i, 0, -1):
                                    ahead[a] = not_p[i] * ahead[a] + p[i] * ahead[a - 1]
                                ahead[0] *= not_p[i]
                        f0, f1, f2, f3, f4 = (
                            back[4, 0], back[4, 1], back[4, 2], back[4, 3], back[4, 4]
                        )  # fmt: skip
                    h0, h1 = x0 * f0 + x1 * f1 + x2 * f2, x0 * f1 + x1 * f2 + x2 * f3
                    h2 = x0 * f2 + x1 * f3 + x2 * f4
                    ratio2 = _ratio(q3 * h1 + p3 * h2, q3 * h0 + p3 * h1, m2, damping)
                    ratio3 = _ratio(q2 * h1 + p2 * h2, q2 * h0 + p2 * h1, m3, damping)
                    messages[e0 + 3] = m3 * ratio3
                    odds[j3] *= ratio3
                    g0, g1 = y0 * f0 + y1 * f1 + y2 * f2, y0 * f1 + y1 * f2 + y2 * f3
                    g2 = y0 * f2 + y1 * f3 + y2 * f4
                messages[e0 + 2] = m2 * ratio2
                odds[j2] *= ratio2
                ratio0 = _ratio(q1 * g1 + p1 * g2, q1 * g0 + p1 * g1, m0, damping)
                ratio1 = _ratio(q0 * g1 + p0 * g2, q0 * g0 + p0 * g1, m1, damping)
            messages[e0] = m0 * ratio0
            messages[e0 + 1] = m1 * ratio1
            odds[j0] *= ratio0
            odds[j1] *= ratio1
        residual = 0.0
        for j in range(n_concepts):
            if not _LEAST_ODDS < odds[j] < 1.0 / _LEAST_ODDS:
                return 1.0, sweep + 1, False
            now = odds[j] / (1.0 + odds[j])
            residual = max(residual, abs(now - held[j]))
            held[j] = now
        if residual <= tolerance * (1.0 - damping):
            return residual, sweep + 1, True
        if loops and sweep >= 4 and residual > 0.95 * before:
            damping += 0.2 * (1.0 - damping)
        before = residual
    return residual, sweep_limit, True


@njit(cache=True, nogil=True)
def _count_odds(
    ev: Cases,
    vid: Videos,
    first: int,
    last: int,
    potential: Array,
    scale: Array,
    at: Array,
    odds: Array,
    messages: Array,
    weight: float,
    tally: Tally,
    ahead: Array,
) -> float:
    """As `_count_factors` with the concepts' own parts, by odds and ratios of odds."""
    base = ev.factor_edge_start[first]
    part, product = 0.0, 1.0
    for g in range(first, last):
        r = g - first
        e0 = ev.factor_edge_start[g]
        n = ev.factor_edge_start[g + 1] - e0
        ahead[0] = 1.0
        for i in range(n):
            o, m = odds[at[e0 - base + i]], messages[e0 + i]
            s = 1.0 / (o + m)
            p, not_p = o * s, m * s
            product *= not_p * (1.0 + o)
            if not 1e-100 < product < 1e100:
                part -= np.log(product)
                product = 1.0
            ahead[i + 1] = ahead[i] * p
            for a in range(i, 0, -1):
                ahead[a] = not_p * ahead[a] + p * ahead[a - 1]
            ahead[0] *= not_p
        total = 0.0
        for a in range(n + 1):
            ahead[a] *= potential[r, a]
            total += ahead[a]
        product /= total
        part += scale[r]
        share = 1.0 / total
        for a in range(n + 1):
            ahead[a] *= share
        _count_members(ev, vid, g, n, ahead, weight, tally)
    for j in range(odds.size):
        if not 1e-100 < product < 1e100:
            part -= np.log(product)
            product = 1.0
        product /= 1.0 + odds[j]
    return part - np.log(product)


@njit(cache=True, nogil=True)
def _count_factors(
    ev: Cases,
    vid: Videos,
    first: int,
    last: int,
    potential: Array,
    scale: Array,
    log_odds: Array,
    messages: Array,
    weight: float,
    tally: Tally,
    ahead: Array,
) -> float:
    """Add each factor's belief about m to the tally; return its part of the Bethe log-evidence.

    A factor's part is log sum_m f(m) P(m | cavities), less log sum of cavity times message on each
    of its edges; the concepts' own parts are added by the caller.
    """
    part = 0.0
    for g in range(first, last):
        f = potential[g - first]
        e0 = ev.factor_edge_start[g]
        n = ev.factor_edge_start[g + 1] - e0
        s0 = vid.scope_start[ev.factor_scope[g]]
        ahead[0] = 1.0
        agreement = 1.0
        for i in range(n):
            message = messages[e0 + i]
            cavity = log_odds[vid.scope_concept[s0 + i]] - message
            against = np.exp(min(max(-cavity, -700.0), 700.0))
            q = 1.0 / (1.0 + against)
            agreement *= q * (against + np.exp(message))
            if not 1e-100 < agreement < 1e100:
                part -= np.log(agreement)
                agreement = 1.0
            ahead[i + 1] = ahead[i] * q
            for a in range(i, 0, -1):
                ahead[a] = against * q * ahead[a] + q * ahead[a - 1]
            ahead[0] *= against * q
        total = 0.0
        for a in range(n + 1):
            ahead[a] *= f[a]
            total += ahead[a]
        part += np.log(total / agreement) + scale[g - first]
        for a in range(n + 1):
            ahead[a] /= total
        _count_members(ev, vid, g, n, ahead, weight, tally)
    return part


@njit(cache=True, nogil=True, inline="always")
def _count_members(
    ev: Cases, vid: Videos, g: int, n: int, belief: Array, weight: float, tally: Tally
) -> None:
    for i in range(ev.factor_member_start[g], ev.factor_member_start[g + 1]):
        v = ev.member_video[i]
        at = vid.table_start[v]
        wrong, right = weight * ev.member_wrong[i], weight * ev.member_right[i]
        for m in range(n + 1):
            tally.wrong[at + m] += wrong * belief[m]
        if right > 0:
            for m in range(n + 1):
                tally.right_eta[v] += right * belief[m] * vid.eta[at + m]


@njit(cache=True, nogil=True)
def _enumerate(
    ev: Cases,
    vid: Videos,
    first: int,
    last: int,
    potential: Array,
    scale: Array,
    concepts: Array,
    log_odds: Array,
    local: Array,
    weight: float,
    tally: Tally,
    held: Array,
) -> float:
    """Sum one component over all patterns in Gray-code order; return its log-evidence.

    Concepts that stand in one factor only are summed within it: what the others need of it is its
    potential averaged over them. Patterns are those of the n concepts that tie factors together.
    One of them changes from a pattern to the next, so only its factors' counts move. Weights are
    added up as a running total; a concept, or a count, is credited with what the total gained
    while it lasted. `log_odds` holds the concepts' own terms; the evidence is relative to "none
    held" having weight 1 before the factors, as in the propagated case.
    """
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
                evidence += _softplus(log_odds[concepts[j]])
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
            held[local[alone[g, i]]] = min(holds * _sigmoid(log_odds[alone[g, i]]), 1.0)
        _count_members(ev, vid, first + g, size, belief, weight, tally)
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
        p, not_p = _sigmoid(log_odds[concepts[i]]), _sigmoid(-log_odds[concepts[i]])
        poly[n + 1] = poly[n] * p
        for a in range(n, 0, -1):
            poly[a] = not_p * poly[a] + p * poly[a - 1]
        poly[0] *= not_p
        n += 1


@njit(cache=True, nogil=True)
def _bonds(
    ev: Cases,
    vid: Videos,
    first: int,
    last: int,
    potential: Array,
    log_odds: Array,
    ahead: Array,
) -> Array:
    """How strongly each factor ties two of its concepts, in nats.

    That is |log F(0) F(2) / F(1)^2|, F(m) being the potential's mean when m of the two are held and
    each of the others with the factor's mean mastery.
    """
    bond = np.zeros(last - first)
    for g in range(first, last):
        f = potential[g - first]
        n = ev.factor_edge_start[g + 1] - ev.factor_edge_start[g]
        if n < 2:
            continue
        s0 = vid.scope_start[ev.factor_scope[g]]
        mean = 0.0
        for i in range(n):
            mean += _sigmoid(log_odds[vid.scope_concept[s0 + i]]) / n
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
def _read_regions(
    ev: Cases,
    vid: Videos,
    first: int,
    last: int,
    potential: Array,
    concepts: Array,
    log_odds: Array,
    messages: Array,
    local: Array,
    limit: int,
    ahead: Array,
    held: Array,
) -> None:
    """Overwrite propagated masteries in `held` by sums over a region around each concept.

    A region holds a concept and those tied to it most closely. All patterns of a region are
    summed; a factor that reaches out of it is averaged over its other concepts, held as the rest
    of the component says (their log-odds without this factor's message). Loops within a region
    are thereby counted right. One that holds the whole component gives the exact mastery.
    """
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
    bond = _bonds(ev, vid, first, last, potential, log_odds, ahead)
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
                    q = _sigmoid(log_odds[k] - messages[e0 + e])
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
def _condition(
    ev: Cases,
    vid: Videos,
    first: int,
    last: int,
    potential: Array,
    scale: Array,
    concepts: Array,
    log_odds: Array,
    messages: Array,
    local: Array,
    control: Control,
    tally: Tally,
    p: Array,
    not_p: Array,
    back: Array,
    ahead: Array,
    held: Array,
    propagated: Array,
    reading: Array,
) -> None:
    """Read a component anew, given some of its concepts, where propagation is in doubt.

    Propagation may have several fixed points, each of them right about a part of the patterns
    only. The concept that its region moves most is taken to be held, then not to be held; both
    branches are propagated and read, and split again while a concept is in doubt (*cutset
    conditioning*, Pearl 1988, section 4.4.2). Where regions hold half of the component and more,
    a branch weighs what the region of its concept said, so that the reading stays exact where
    they hold all of it; in larger components it weighs its (Bethe's) evidence.

    `propagated` has the masteries as propagated and `reading` those by regions; `reading` is
    renewed. Messages are left as they were, `log_odds` as they happen to be; nothing is added to
    the tally.
    """
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
        _propagate(
            ev, vid, first, last, potential, concepts, log_odds, messages, True,
            control.damping, control.tolerance, control.sweep_limit,
            held, p, not_p, back, ahead,
        )  # fmt: skip
        before[:] = held[:n]
        if by_region:
            value = np.log(share)
        else:
            value += _count_factors(
                ev, vid, first, last, potential, scale, log_odds, messages, 0.0, tally, ahead
            )
            for j in range(n):
                value += _softplus(log_odds[concepts[j]])
        _read_regions(
            ev, vid, first, last, potential, concepts, log_odds, messages, local,
            control.region_limit, ahead, held,
        )  # fmt: skip
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


@njit(cache=True, nogil=True)
def infer_cases(
    ev: Cases,
    vid: Videos,
    par: Parameters,
    control: Control,
    first_case: int,
    last_case: int,
    messages: Array,
    tally: Tally,
    mastery: Array,
    reading: Array,
    objective: Array,
    residual: Array,
    sweeps: Array,
) -> None:
    """E-step of the cases first_case .. last_case - 1.

    Args:
        ev, vid, par, control: the evidence, the Q-matrix, the parameters, the settings.
        first_case, last_case: the block of cases.
        messages: (edges,) odds ratios from the last call, 1 before the first; updated in place.
        tally: added to.
        mastery: filled along `ev.support`.
        reading: the same, but summed over regions where LOOPY; of size 0: not wanted.
        objective: (R,) filled: the case's log-evidence in nats, Bethe's where LOOPY.
        residual, sweeps: (N,) filled for propagated components.
    """
    width, most, most_edges = 1, 1, 1
    for s in range(vid.scope_start.size - 1):
        width = max(width, vid.scope_start[s + 1] - vid.scope_start[s] + 1)
    for c in range(ev.component_start[first_case], ev.component_start[last_case]):
        first, last = ev.component_factor_start[c], ev.component_factor_start[c + 1]
        most = max(most, last - first)
        most_edges = max(most_edges, ev.factor_edge_start[last] - ev.factor_edge_start[first])
    n_concepts = par.prior_log_odds.size
    potential, scale = np.empty((most, width)), np.empty(most)
    log_odds, local = np.zeros(n_concepts), np.empty(n_concepts, np.int64)
    odds, at = np.empty(n_concepts), np.empty(most_edges, np.int64)
    held, p, not_p = np.empty(n_concepts), np.empty(width), np.empty(width)
    back, ahead = np.empty((width, width)), np.empty(width)

    for case in range(first_case, last_case):
        weight = ev.weight[case]
        value = 0.0
        s0, s1 = ev.support_start[case], ev.support_start[case + 1]
        for s in range(s0, s1):
            k = ev.support[s]
            log_odds[k] = par.prior_log_odds[k]
            value += par.log_not_prior[k]
        for i in range(ev.pull_start[case], ev.pull_start[case + 1]):
            v = ev.pull_video[i]
            scope = vid.scope_of[v]
            c0, c1 = vid.scope_start[scope], vid.scope_start[scope + 1]
            value += ev.pull_right[i] * par.intercept[v]
            pull = ev.pull_right[i] * par.contrast[v] / (c1 - c0)
            for e in range(c0, c1):
                log_odds[vid.scope_concept[e]] += pull

        only_pulls = s0
        for c in range(ev.component_start[case], ev.component_start[case + 1]):
            first, last = ev.component_factor_start[c], ev.component_factor_start[c + 1]
            begin, end = ev.component_support_start[c], ev.component_support_end[c]
            concepts = ev.support[begin:end]
            only_pulls = end
            moderate = _potentials(ev, vid, par, first, last, potential, scale) > _LEAST_ODDS
            if ev.component_kind[c] == ENUMERATED:
                value += _enumerate(
                    ev, vid, first, last, potential, scale, concepts, log_odds, local, weight,
                    tally, held,
                )  # fmt: skip
                mastery[begin:end] = held[: end - begin]
                continue
            tree = ev.component_kind[c] == TREE
            damping = 0.0 if tree else control.damping
            tolerance = _TREE_TOLERANCE if tree else control.tolerance
            sweep_limit = control.sweep_limit
            if tree:
                sweep_limit = max(sweep_limit, last - first + 2)
            e0, e1 = ev.factor_edge_start[first], ev.factor_edge_start[last]
            n = end - begin
            for j in range(n):
                local[concepts[j]] = j
                k = concepts[j]
                pulled = log_odds[k] != par.prior_log_odds[k]
                odds[j] = np.exp(log_odds[k]) if pulled else par.prior_odds[k]
            for g in range(first, last):
                s_g = vid.scope_start[ev.factor_scope[g]] - ev.factor_edge_start[g]
                for e in range(ev.factor_edge_start[g], ev.factor_edge_start[g + 1]):
                    j = local[vid.scope_concept[s_g + e]]
                    at[e - e0] = j
                    odds[j] *= messages[e]
            if moderate:
                residual[c], sweeps[c], moderate = _propagate_odds(
                    ev, first, last, potential, at, odds[:n], messages, not tree,
                    damping, tolerance, sweep_limit, held, p, not_p, back, ahead,
                )  # fmt: skip
            if moderate:
                value += _count_odds(
                    ev, vid, first, last, potential, scale, at, odds[:n], messages, weight, tally,
                    ahead,
                )  # fmt: skip
            to_read = reading.size > 0 and not tree
            if moderate and not to_read:
                mastery[begin:end] = held[:n]
                continue

            for e in range(e0, e1):
                messages[e] = np.log(messages[e]) if 0.0 < messages[e] < np.inf else 0.0
                log_odds[concepts[at[e - e0]]] += messages[e]
            if not moderate:
                residual[c], sweeps[c] = _propagate(
                    ev, vid, first, last, potential, concepts, log_odds, messages, not tree,
                    damping, tolerance, sweep_limit, held, p, not_p, back, ahead,
                )  # fmt: skip
                value += _count_factors(
                    ev, vid, first, last, potential, scale, log_odds, messages, weight, tally, ahead
                )
                for s in range(begin, end):
                    value += _softplus(log_odds[ev.support[s]])
            mastery[begin:end] = held[:n]
            if to_read:
                _read_regions(
                    ev, vid, first, last, potential, concepts, log_odds, messages, local,
                    control.region_limit, ahead, held,
                )  # fmt: skip
                reading[begin:end] = held[:n]
                _condition(
                    ev, vid, first, last, potential, scale, concepts, log_odds, messages, local,
                    control, tally, p, not_p, back, ahead, held, mastery[begin:end],
                    reading[begin:end],
                )  # fmt: skip
            messages[e0:e1] = np.exp(messages[e0:e1])
        for s in range(only_pulls, s1):
            value += _softplus(log_odds[ev.support[s]])
            mastery[s] = _sigmoid(log_odds[ev.support[s]])
        objective[case] = value

        for s in range(s0, s1):
            local[ev.support[s]] = s
            tally.held[ev.support[s]] += weight * mastery[s]
        for i in range(ev.pull_start[case], ev.pull_start[case + 1]):
            v = ev.pull_video[i]
            scope = vid.scope_of[v]
            c0, c1 = vid.scope_start[scope], vid.scope_start[scope + 1]
            share = 0.0
            for e in range(c0, c1):
                share += mastery[local[vid.scope_concept[e]]]
            tally.right_eta[v] += weight * ev.pull_right[i] * share / (c1 - c0)
