"""What do a case's observations say about each of its concepts? The compiled E-step.

All kernels stand in one file because numba renews its cached code only when the file of the
function that was called changes. They release the interpreter's lock, draw no random numbers and
write to their own arrays only, so callers may run them on several threads with the same result.

Notation: a factor is a potential f(m) on m = 0 .. n, the number of its n concepts that are held
(a *cardinality potential*, Tarlow et al., UAI 2012). Messages are log-odds of "held".
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from kgplan.arrays import Array
from kgplan.diagnosis.evidence import ENUMERATED, TREE, Evidence, Videos

# A potential this far (nats) below its peak has lost its say. Every message is a ratio of two
# expectations of f, so with this floor neither can vanish in a double.
_POTENTIAL_FLOOR = -400.0
_SMALLEST_POTENTIAL = float(np.exp(_POTENTIAL_FLOOR))
_TREE_TOLERANCE = 1e-12


class Parameters(NamedTuple):
    """What the E-step holds fixed.

    Attributes:
        prior_log_odds: (K,) log(prior / (1 - prior)).
        intercept, contrast: (V,) of log P(r=1 | m).
        log_wrong, wrong: (T,) log(1 - P(r=1 | m)), and 1 - P itself.
    """

    prior_log_odds: Array
    intercept: Array
    contrast: Array
    log_wrong: Array
    wrong: Array


class Control(NamedTuple):
    """How propagation runs; the meanings are DiagnosisConfig's."""

    damping: float
    tolerance: float
    sweep_limit: int


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
    ev: Evidence,
    vid: Videos,
    par: Parameters,
    first: int,
    last: int,
    potential: Array,
    scale: Array,
) -> None:
    """Fill f(m) / max f of each factor from its members, and log max f."""
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
                row[m] = max(par.wrong[at + m] / par.wrong[at], _SMALLEST_POTENTIAL)
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


@njit(cache=True, nogil=True)
def _propagate(
    ev: Evidence,
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


@njit(cache=True, nogil=True)
def _count_factors(
    ev: Evidence,
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
    ev: Evidence, vid: Videos, g: int, n: int, belief: Array, weight: float, tally: Tally
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
    ev: Evidence,
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
    """Sum one component over all 2^n patterns in Gray-code order; return its log-evidence.

    One concept changes from a pattern to the next, so only its factors' counts move. Weights are
    added up as a running total; a concept, or a count, is credited with what the total gained
    while it lasted. `log_odds` holds the concepts' own terms; the evidence is relative to "none
    held" having weight 1 before the factors, as in the propagated case.
    """
    n, n_factors = concepts.size, last - first
    for j in range(n):
        local[concepts[j]] = j
    degree = np.zeros(n + 1, np.int64)
    for g in range(first, last):
        s0, s1 = vid.scope_start[ev.factor_scope[g]], vid.scope_start[ev.factor_scope[g] + 1]
        for e in range(s0, s1):
            degree[local[vid.scope_concept[e]] + 1] += 1
    start = np.cumsum(degree)
    factors = np.empty(start[n], np.int64)
    fill = start.copy()
    for g in range(first, last):
        s0, s1 = vid.scope_start[ev.factor_scope[g]], vid.scope_start[ev.factor_scope[g] + 1]
        for e in range(s0, s1):
            j = local[vid.scope_concept[e]]
            factors[fill[j]] = g - first
            fill[j] += 1
    width = potential.shape[1]
    log_f = np.empty((n_factors, width))
    for g in range(n_factors):
        size = ev.factor_edge_start[first + g + 1] - ev.factor_edge_start[first + g]
        for m in range(size + 1):
            log_f[g, m] = np.log(potential[g, m])

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
        now += step * log_odds[concepts[j]]
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
    held[:n] = 0.0
    total = np.exp(log_weight[0] - top)
    for pattern in range(1, n_patterns):
        j = 0
        while (pattern >> j) & 1 == 0:
            j += 1
        step = -1 if on[j] else 1
        if on[j]:
            held[j] += total - since_concept[j]
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
            held[j] += total - since_concept[j]
        held[j] = min(held[j] / total, 1.0)
    scales = 0.0
    for g in range(n_factors):
        credit[g, count[g]] += total - since_factor[g]
        size = ev.factor_edge_start[first + g + 1] - ev.factor_edge_start[first + g]
        _count_members(ev, vid, first + g, size, credit[g] / total, weight, tally)
        scales += scale[g]
    return np.log(total) + top + scales


@njit(cache=True, nogil=True)
def infer_cases(
    ev: Evidence,
    vid: Videos,
    par: Parameters,
    control: Control,
    first_case: int,
    last_case: int,
    messages: Array,
    tally: Tally,
    mastery: Array,
    objective: Array,
    residual: Array,
    sweeps: Array,
) -> None:
    """E-step of the cases first_case .. last_case - 1.

    Args:
        ev, vid, par, control: the evidence, the Q-matrix, the parameters, the settings.
        first_case, last_case: the block of cases.
        messages: (edges,) from the last call, 0 before the first; updated in place.
        tally: added to.
        mastery: filled along `ev.support`.
        objective: (R,) filled: the case's log-evidence in nats, Bethe's where LOOPY.
        residual, sweeps: (N,) filled for propagated components.
    """
    width, most = 1, 1
    for s in range(vid.scope_start.size - 1):
        width = max(width, vid.scope_start[s + 1] - vid.scope_start[s] + 1)
    for c in range(ev.component_start[first_case], ev.component_start[last_case]):
        most = max(most, ev.component_factor_start[c + 1] - ev.component_factor_start[c])
    n_concepts = par.prior_log_odds.size
    potential, scale = np.empty((most, width)), np.empty(most)
    log_odds, local = np.zeros(n_concepts), np.empty(n_concepts, np.int64)
    held, p, not_p = np.empty(n_concepts), np.empty(width), np.empty(width)
    back, ahead = np.empty((width, width)), np.empty(width)

    for case in range(first_case, last_case):
        weight = ev.weight[case]
        value = 0.0
        s0, s1 = ev.support_start[case], ev.support_start[case + 1]
        for s in range(s0, s1):
            k = ev.support[s]
            log_odds[k] = par.prior_log_odds[k]
            value -= _softplus(log_odds[k])  # log(1 - prior)
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
            _potentials(ev, vid, par, first, last, potential, scale)
            if ev.component_kind[c] == ENUMERATED:
                value += _enumerate(
                    ev, vid, first, last, potential, scale, concepts, log_odds, local, weight,
                    tally, held,
                )  # fmt: skip
                mastery[begin:end] = held[: end - begin]
                continue
            for g in range(first, last):
                s_g = vid.scope_start[ev.factor_scope[g]] - ev.factor_edge_start[g]
                for e in range(ev.factor_edge_start[g], ev.factor_edge_start[g + 1]):
                    log_odds[vid.scope_concept[s_g + e]] += messages[e]
            tree = ev.component_kind[c] == TREE
            residual[c], sweeps[c] = _propagate(
                ev, vid, first, last, potential, concepts, log_odds, messages,
                not tree,
                0.0 if tree else control.damping, _TREE_TOLERANCE if tree else control.tolerance,
                max(control.sweep_limit, last - first + 2) if tree else control.sweep_limit,
                held, p, not_p, back, ahead,
            )  # fmt: skip
            value += _count_factors(
                ev, vid, first, last, potential, scale, log_odds, messages, weight, tally, ahead
            )
            for s in range(begin, end):
                value += _softplus(log_odds[ev.support[s]])
                mastery[s] = held[s - begin]
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
