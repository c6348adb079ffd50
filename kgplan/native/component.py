"""What is a component of a case to the kernels, what do they work in, and what do all of them do?

Notation: a factor is a potential f(m) on m = 0 .. n, the number of its n concepts that are held
(a *cardinality potential*, Tarlow et al., UAI 2012). Messages are log-odds of "held".
"""

from typing import NamedTuple

import numpy as np

from kgplan.arrays import Array
from kgplan.native.compiled import njit
from kgplan.native.layout import Cases, Parameters, Tally, Videos

# A potential this far (nats) below its peak has lost its say. Every message is a ratio of two
# expectations of f, so with this floor neither can vanish in a double.
_POTENTIAL_FLOOR = -400.0
_SMALLEST_POTENTIAL = float(np.exp(_POTENTIAL_FLOOR))


class Component(NamedTuple):
    """One component.

    Attributes:
        first, last: its factors are first .. last - 1.
        concepts: (n,) its concepts.
    """

    first: int
    last: int
    concepts: Array


class Work(NamedTuple):
    """What kernels fill and read for one component at a time; n its concepts, g its factors.

    Attributes:
        potential, scale: (g, m + 1) f(m) / max f of each factor, and (g,) log max f.
        log_odds: (K,) belief of each concept.
        local: (K,) place of a concept among those of the component.
        odds, held: (n,) belief of each concept as odds, and its mastery.
        at: concept of each edge, as its place in `odds`.
        p, not_p, back, ahead: of one factor, while messages pass through it.
    """

    potential: Array
    scale: Array
    log_odds: Array
    local: Array
    odds: Array
    held: Array
    at: Array
    p: Array
    not_p: Array
    back: Array
    ahead: Array


@njit(cache=True, nogil=True)
def work_for(ev: Cases, vid: Videos, n_concepts: int, first_case: int, last_case: int) -> Work:
    """Room for the largest component of some cases."""
    width, most, most_edges = 1, 1, 1
    for s in range(vid.scope_start.size - 1):
        width = max(width, vid.scope_start[s + 1] - vid.scope_start[s] + 1)
    for c in range(ev.component_start[first_case], ev.component_start[last_case]):
        first, last = ev.component_factor_start[c], ev.component_factor_start[c + 1]
        most = max(most, last - first)
        most_edges = max(most_edges, ev.factor_edge_start[last] - ev.factor_edge_start[first])
    return Work(
        np.empty((most, width)),
        np.empty(most),
        np.zeros(n_concepts),
        np.empty(n_concepts, np.int64),
        np.empty(n_concepts),
        np.empty(n_concepts),
        np.empty(most_edges, np.int64),
        np.empty(width),
        np.empty(width),
        np.empty((width, width)),
        np.empty(width),
    )


@njit(cache=True, nogil=True, inline="always")
def softplus(x: float) -> float:
    """log(1 + exp(x))."""
    return max(x, 0.0) + np.log1p(np.exp(-abs(x)))


@njit(cache=True, nogil=True, inline="always")
def sigmoid(x: float) -> float:
    """The probability whose log-odds are x."""
    return 1.0 / (1.0 + np.exp(-x))


@njit(cache=True, nogil=True)
def potentials(
    ev: Cases,
    vid: Videos,
    par: Parameters,
    part: Component,
    work: Work,
) -> float:
    """Fill f(m) / max f of each factor from its members, and log max f; return the least f."""
    least = 1.0
    potential, scale, first = work.potential, work.scale, part.first
    for g in range(first, part.last):
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


@njit(cache=True, nogil=True, inline="always")
def count_members(
    ev: Cases, vid: Videos, g: int, n: int, belief: Array, weight: float, tally: Tally
) -> None:
    """Add the belief about one factor's m to the tally of its videos."""
    for i in range(ev.factor_member_start[g], ev.factor_member_start[g + 1]):
        v = ev.member_video[i]
        at = vid.table_start[v]
        wrong, right = weight * ev.member_wrong[i], weight * ev.member_right[i]
        for m in range(n + 1):
            tally.wrong[at + m] += wrong * belief[m]
        if right > 0:
            for m in range(n + 1):
                tally.right_eta[v] += right * belief[m] * vid.eta[at + m]
