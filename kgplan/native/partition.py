"""Which concepts do observations tie together, and which do they tell apart?

Sizes: U learners, V videos, K concepts; R cases, G factors, N components.
"""

import numpy as np

from kgplan.arrays import Array, Ints
from kgplan.native.compiled import njit
from kgplan.native.layout import Videos


@njit(cache=True, nogil=True)
def label_components(
    factor_start: Array, factor_scope: Array, videos: Videos, n_concepts: int
) -> tuple[Array, int]:
    """(G,) component of each factor, numbered by case, then by first factor; and their number."""
    scope_start, scope_concept = videos.scope_start, videos.scope_concept
    label = np.empty(factor_scope.size, np.int64)
    parent = np.arange(n_concepts)
    name = np.full(n_concepts, -1)
    n_components = 0
    for case in range(factor_start.size - 1):
        for g in range(factor_start[case], factor_start[case + 1]):
            begin, end = scope_start[factor_scope[g]], scope_start[factor_scope[g] + 1]
            a = scope_concept[begin]
            while parent[a] != a:
                parent[a] = parent[parent[a]]
                a = parent[a]
            for e in range(begin + 1, end):
                b = scope_concept[e]
                while parent[b] != b:
                    parent[b] = parent[parent[b]]
                    b = parent[b]
                parent[b] = a
        for g in range(factor_start[case], factor_start[case + 1]):
            a = scope_concept[scope_start[factor_scope[g]]]
            while parent[a] != a:
                a = parent[a]
            if name[a] < 0:
                name[a] = n_components
                n_components += 1
            label[g] = name[a]
        for g in range(factor_start[case], factor_start[case + 1]):
            for e in range(scope_start[factor_scope[g]], scope_start[factor_scope[g] + 1]):
                k = scope_concept[e]
                parent[k] = k
                name[k] = -1
    return label, n_components


@njit(cache=True, nogil=True)
def supports(
    component_start: Array,
    factor_start: Array,
    factor_scope: Array,
    pull_start: Array,
    pull_video: Array,
    videos: Videos,
    n_concepts: int,
) -> tuple[Array, Array, Array, Array]:
    """Each case's concepts, component by component, then those that only pulls reach."""
    scope_start, scope_concept = videos.scope_start, videos.scope_concept
    n_cases, n_components = component_start.size - 1, factor_start.size - 1
    begin = np.empty(n_components, np.int64)
    end = np.empty(n_components, np.int64)
    start = np.zeros(n_cases + 1, np.int64)
    seen = np.full(n_concepts, -1)
    room = 1024
    support = np.empty(room, np.int64)
    n = 0
    for case in range(n_cases):
        if n + n_concepts > room:
            room = 2 * room + n_concepts
            grown = np.empty(room, np.int64)
            grown[:n] = support[:n]
            support = grown
        for c in range(component_start[case], component_start[case + 1]):
            begin[c] = n
            for g in range(factor_start[c], factor_start[c + 1]):
                for e in range(scope_start[factor_scope[g]], scope_start[factor_scope[g] + 1]):
                    k = scope_concept[e]
                    if seen[k] != case:
                        seen[k] = case
                        support[n] = k
                        n += 1
            end[c] = n
        for i in range(pull_start[case], pull_start[case + 1]):
            scope = videos.scope_of[pull_video[i]]
            for e in range(scope_start[scope], scope_start[scope + 1]):
                k = scope_concept[e]
                if seen[k] != case:
                    seen[k] = case
                    support[n] = k
                    n += 1
        start[case + 1] = n
    return start, support[:n].copy(), begin, end


@njit(cache=True, nogil=True)
def split(videos: Ints, indptr: Ints, indices: Ints, n_concepts: int) -> Ints:
    """Split the class of all concepts by each video into covered and not.

    Args:
        videos: rows of a CSR matrix (`indptr`, `indices`) without repeated or zero entries.
        indptr, indices: the concepts of every video.
        n_concepts: K.

    Returns:
        (K,) the class of each concept; 0 for those that no video covers.
    """
    label = np.zeros(n_concepts, np.int64)
    room = 1 + videos.size
    for v in videos:
        room += indptr[v + 1] - indptr[v]
    split_by, becomes = np.full(room, -1), np.zeros(room, np.int64)
    last = 0
    for i in range(videos.size):
        for e in range(indptr[videos[i]], indptr[videos[i] + 1]):
            old = label[indices[e]]
            if split_by[old] != i:
                last += 1
                split_by[old], becomes[old] = i, last
            label[indices[e]] = becomes[old]
    return label
