"""Which part of a model does one learner's change touch, and how does it stand alone?

Sizes: V videos, K concepts.
"""

import numpy as np

from kgplan.arrays import Array, Ints
from kgplan.native.compiled import njit
from kgplan.native.layout import Parameters, Videos


@njit(cache=True, nogil=True)
def touched_by(changed: Ints, tying: Ints, videos: Videos, n_concepts: int) -> Array:
    """Concepts of the changed videos, and all that tying videos join to them, (K,) True."""
    touched = np.zeros(n_concepts, np.bool_)
    for v in changed:
        s = videos.scope_of[v]
        for e in range(videos.scope_start[s], videos.scope_start[s + 1]):
            touched[videos.scope_concept[e]] = True
    joined = np.zeros(tying.size, np.bool_)
    grew = True
    while grew:
        grew = False
        for i in range(tying.size):
            if joined[i]:
                continue
            s = videos.scope_of[tying[i]]
            begin, end = videos.scope_start[s], videos.scope_start[s + 1]
            for e in range(begin, end):
                if touched[videos.scope_concept[e]]:
                    joined[i] = grew = True
                    break
            if joined[i]:
                for e in range(begin, end):
                    touched[videos.scope_concept[e]] = True
    return touched


@njit(cache=True, nogil=True)
def _runs(start: Ints, chosen: Ints) -> tuple[Ints, Ints]:
    """Where each chosen run begins when they alone stand one after the other; their entries."""
    begins = np.zeros(chosen.size + 1, np.int64)
    for i in range(chosen.size):
        begins[i + 1] = begins[i] + start[chosen[i] + 1] - start[chosen[i]]
    entries = np.empty(begins[-1], np.int64)
    for i in range(chosen.size):
        for e in range(begins[i], begins[i + 1]):
            entries[e] = start[chosen[i]] + e - begins[i]
    return begins, entries


@njit(cache=True, nogil=True)
def cut(observed: Ints, videos: Videos, par: Parameters) -> tuple[Ints, Videos, Parameters]:
    """The model of some videos, ascending, alone: what an update costs must not grow with V and K.

    Returns:
        (n,) concepts of these videos, ascending: what the other two number from 0 on.
    """
    scopes = np.unique(videos.scope_of[observed])  # in their order, as sums depend on it
    scope_start, kept = _runs(videos.scope_start, scopes)
    scope_concept = videos.scope_concept[kept]
    concepts = np.unique(scope_concept)
    table_start, entries = _runs(videos.table_start, observed)
    return (
        concepts,
        Videos(
            np.searchsorted(scopes, videos.scope_of[observed]),
            scope_start,
            np.searchsorted(concepts, scope_concept),
            table_start,
            videos.eta[entries],
        ),
        Parameters(
            par.prior_log_odds[concepts],
            par.prior_odds[concepts],
            par.log_not_prior[concepts],
            par.intercept[observed],
            par.contrast[observed],
            par.log_wrong[entries],
            par.unopened[entries],
        ),
    )


@njit(cache=True, nogil=True)
def covering(observed: Ints, touched: Array, videos: Videos) -> Array:
    """(n,) True where the observed video covers a touched concept."""
    kept = np.zeros(observed.size, np.bool_)
    for i in range(observed.size):
        s = videos.scope_of[observed[i]]
        for e in range(videos.scope_start[s], videos.scope_start[s + 1]):
            if touched[videos.scope_concept[e]]:
                kept[i] = True
                break
    return kept
