"""How do the kernels read a Q-matrix, cases of observations and parameters, and what do they count?

Sizes: V videos; S sets of concepts, T entries of eta; R cases, N components, G factors.
"""

from typing import NamedTuple

import numpy as np

from kgplan.arrays import Array, Floats, Ints

ENUMERATED, TREE, LOOPY = 0, 1, 2


class Videos(NamedTuple):
    """The Q-matrix as the kernels read it.

    Attributes:
        scope_of: (V,) which set of concepts a video covers; equal sets share a number.
        scope_start: (S + 1,) where each set's concepts begin in `scope_concept`.
        scope_concept: concepts of each set, ascending.
        table_start: (V + 1,) where each video's entries for m = 0 .. n_v begin in `eta`.
        eta: (T,) eta of every m of every video.
    """

    scope_of: Ints
    scope_start: Ints
    scope_concept: Ints
    table_start: Ints
    eta: Floats

    def sizes(self) -> Ints:
        """(V,) n_v, the concepts of each video."""
        return np.diff(self.table_start) - 1


class Cases(NamedTuple):
    """Cases, their components, factors and pulls; every `*_start` has one entry more.

    Attributes:
        weight: (R,) learners that share the case.
        component_start: (R + 1,) components of each case.
        support_start: (R + 1,) the case's entries in `support`.
        support: concepts that some observation of the case covers: first those of its components,
            one after the other, then those that only pulls reach.
        component_support_start, component_support_end: (N,) a component's entries in `support`.
        component_factor_start: (N + 1,) factors of each component.
        component_kind: (N,) ENUMERATED, TREE or LOOPY.
        factor_scope: (G,) the factor's set of concepts.
        factor_edge_start: (G + 1,) the factor's entries in an array with one message per concept.
        factor_member_start: (G + 1,) the factor's observations.
        member_video, member_right, member_wrong: the observation's video, weight r and 1 - r.
        pull_start: (R + 1,) pulls of each case.
        pull_video, pull_right: the observation's video and weight r.
    """

    weight: Floats
    component_start: Ints
    support_start: Ints
    support: Ints
    component_support_start: Ints
    component_support_end: Ints
    component_factor_start: Ints
    component_kind: Ints
    factor_scope: Ints
    factor_edge_start: Ints
    factor_member_start: Ints
    member_video: Ints
    member_right: Floats
    member_wrong: Floats
    pull_start: Ints
    pull_video: Ints
    pull_right: Floats


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


class Found(NamedTuple):
    """What the E-step fills, each block of cases its own part.

    Attributes:
        messages: (edges,) odds ratios from the last call, 1 before the first; updated in place.
        mastery: along `Cases.support`.
        reading: the same, but summed over regions where LOOPY; of size 0: not wanted.
        objective: (R,) the case's log-evidence in nats, Bethe's where LOOPY.
        residual, sweeps: (N,) of propagated components.
    """

    messages: Array
    mastery: Array
    reading: Array
    objective: Array
    residual: Array
    sweeps: Array


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
