"""What do a component's factors say of each concept? Sum-product messages until nothing moves.

Notation: a factor is a potential f(m) on m = 0 .. n, the number of its n concepts that are held
(a *cardinality potential*, Tarlow et al., UAI 2012). Messages are log-odds of "held".
"""

import numpy as np

from kgplan.arrays import Array
from kgplan.native.compiled import njit
from kgplan.native.component import Component, Work, count_members, sigmoid
from kgplan.native.layout import Cases, Control, Tally, Videos

# Odds within this and its inverse, and potentials above it, are propagated as such, without
# logarithms: what a sweep multiplies and squares stays within a double. 1e-70 is -161 nats.
LEAST_ODDS = 1e-70


@njit(cache=True, nogil=True)
def propagate(
    ev: Cases,
    vid: Videos,
    part: Component,
    messages: Array,
    loops: bool,
    control: Control,
    work: Work,
) -> tuple[float, int]:
    """Sum-product sweeps over one component until no mastery moves.

    `work.log_odds` holds each concept's belief and is kept equal to its own terms plus all
    messages to it; `messages` is updated in place, so a second call goes on from where the last
    one stopped. `work.held` is filled with the masteries. Returns the last sweep's largest move
    of a mastery, and the number of sweeps.
    """
    first, last, concepts = part
    potential, log_odds, held = work.potential, work.log_odds, work.held
    p, not_p, back, ahead = work.p, work.not_p, work.back, work.ahead
    damping, tolerance, sweep_limit = control.damping, control.tolerance, control.sweep_limit
    for j in range(concepts.size):
        held[j] = sigmoid(log_odds[concepts[j]])
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
            now = sigmoid(log_odds[concepts[j]])
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
def propagate_odds(
    ev: Cases,
    part: Component,
    messages: Array,
    loops: bool,
    control: Control,
    work: Work,
) -> tuple[float, int, bool]:
    """As `propagate`, but by odds and ratios of odds: no exponential, no logarithm.

    Here `work.odds` holds each concept's own terms times all messages to it, and is kept so;
    `messages` are odds ratios.

    Returns:
        The last sweep's largest move of a mastery, the number of sweeps, and whether all odds
        stayed well within a double; if not, nothing here is of use.
    """
    first, last, n_concepts = part.first, part.last, part.concepts.size
    potential, at, odds, held = work.potential, work.at, work.odds, work.held
    p, not_p, back, ahead = work.p, work.not_p, work.back, work.ahead
    damping, tolerance, sweep_limit = control.damping, control.tolerance, control.sweep_limit
    base = ev.factor_edge_start[first]
    n_factors = last - first
    for r in range(n_factors):
        e0 = ev.factor_edge_start[first + r]
        if ev.factor_edge_start[first + r + 1] == e0 + 1:  # says the same in every sweep
            ratio = potential[r, 1] / (potential[r, 0] * messages[e0])
            odds[at[e0 - base]] *= ratio
            messages[e0] *= ratio
    for j in range(n_concepts):
        if not LEAST_ODDS < odds[j] < 1.0 / LEAST_ODDS:
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
            if not LEAST_ODDS < odds[j] < 1.0 / LEAST_ODDS:
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
def count_odds(
    ev: Cases,
    vid: Videos,
    part: Component,
    messages: Array,
    weight: float,
    tally: Tally,
    work: Work,
) -> float:
    """As `count_factors` with the concepts' own parts, by odds and ratios of odds."""
    first, last = part.first, part.last
    potential, scale, at, odds, ahead = work.potential, work.scale, work.at, work.odds, work.ahead
    base = ev.factor_edge_start[first]
    value, product = 0.0, 1.0
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
                value -= np.log(product)
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
        value += scale[r]
        share = 1.0 / total
        for a in range(n + 1):
            ahead[a] *= share
        count_members(ev, vid, g, n, ahead, weight, tally)
    for j in range(part.concepts.size):
        if not 1e-100 < product < 1e100:
            value -= np.log(product)
            product = 1.0
        product /= 1.0 + odds[j]
    return value - np.log(product)


@njit(cache=True, nogil=True)
def count_factors(
    ev: Cases,
    vid: Videos,
    part: Component,
    messages: Array,
    weight: float,
    tally: Tally,
    work: Work,
) -> float:
    """Add each factor's belief about m to the tally; return its part of the Bethe log-evidence.

    A factor's part is log sum_m f(m) P(m | cavities), less log sum of cavity times message on each
    of its edges; the concepts' own parts are added by the caller.
    """
    first, last = part.first, part.last
    potential, scale, log_odds, ahead = work.potential, work.scale, work.log_odds, work.ahead
    value = 0.0
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
                value -= np.log(agreement)
                agreement = 1.0
            ahead[i + 1] = ahead[i] * q
            for a in range(i, 0, -1):
                ahead[a] = against * q * ahead[a] + q * ahead[a - 1]
            ahead[0] *= against * q
        total = 0.0
        for a in range(n + 1):
            ahead[a] *= f[a]
            total += ahead[a]
        value += np.log(total / agreement) + scale[g - first]
        for a in range(n + 1):
            ahead[a] /= total
        count_members(ev, vid, g, n, ahead, weight, tally)
    return value
