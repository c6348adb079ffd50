"""What do a case's observations say about each of its concepts? The compiled E-step.

Kernels release the interpreter's lock, draw no random numbers and write to their own arrays only,
so callers may run them on several threads with the same result. Each component of a case is
enumerated, or propagated (component.py has the notation) and, around loops, read by regions.
"""

import numpy as np

from kgplan.native.compiled import njit
from kgplan.native.component import Component, potentials, sigmoid, softplus, work_for
from kgplan.native.enumeration import sum_patterns
from kgplan.native.layout import ENUMERATED, TREE, Cases, Control, Found, Parameters, Tally, Videos
from kgplan.native.propagation import (
    LEAST_ODDS,
    count_factors,
    count_odds,
    propagate,
    propagate_odds,
)
from kgplan.native.regions import condition, read_regions

_TREE_TOLERANCE = 1e-12


@njit(cache=True, nogil=True)
def infer_cases(
    ev: Cases,
    vid: Videos,
    par: Parameters,
    control: Control,
    first_case: int,
    last_case: int,
    tally: Tally,
    found: Found,
) -> None:
    """E-step of the cases first_case .. last_case - 1.

    Args:
        ev, vid, par, control: the evidence, the Q-matrix, the parameters, the settings.
        first_case, last_case: the block of cases.
        tally: added to.
        found: filled for these cases.
    """
    messages, mastery, reading, objective, residual, sweeps = found
    work = work_for(ev, vid, par.prior_log_odds.size, first_case, last_case)
    log_odds, local, odds = work.log_odds, work.local, work.odds
    held, at = work.held, work.at

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
            part = Component(first, last, concepts)
            only_pulls = end
            moderate = potentials(ev, vid, par, part, work) > LEAST_ODDS
            if ev.component_kind[c] == ENUMERATED:
                value += sum_patterns(ev, vid, part, weight, tally, work)
                mastery[begin:end] = held[: end - begin]
                continue
            tree = ev.component_kind[c] == TREE
            sweeping = control
            if tree:
                limit = max(control.sweep_limit, last - first + 2)
                sweeping = Control(
                    0.0, _TREE_TOLERANCE, limit, control.region_limit, control.cutset_limit
                )
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
                residual[c], sweeps[c], moderate = propagate_odds(
                    ev, part, messages, not tree, sweeping, work
                )
            if moderate:
                value += count_odds(ev, vid, part, messages, weight, tally, work)
            to_read = reading.size > 0 and not tree
            if moderate and not to_read:
                mastery[begin:end] = held[:n]
                continue

            for e in range(e0, e1):
                messages[e] = np.log(messages[e]) if 0.0 < messages[e] < np.inf else 0.0
                log_odds[concepts[at[e - e0]]] += messages[e]
            if not moderate:
                residual[c], sweeps[c] = propagate(
                    ev, vid, part, messages, not tree, sweeping, work
                )
                value += count_factors(ev, vid, part, messages, weight, tally, work)
                for s in range(begin, end):
                    value += softplus(log_odds[ev.support[s]])
            mastery[begin:end] = held[:n]
            if to_read:
                read_regions(ev, part, messages, control.region_limit, work)
                reading[begin:end] = held[:n]
                condition(
                    ev, vid, part, messages, control, tally, mastery[begin:end],
                    reading[begin:end], work,
                )  # fmt: skip
            messages[e0:e1] = np.exp(messages[e0:e1])
        for s in range(only_pulls, s1):
            value += softplus(log_odds[ev.support[s]])
            mastery[s] = sigmoid(log_odds[ev.support[s]])
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
