"""Which lists of similar concepts change when some learners or some concepts do?

A concept *changed* when it is new, its vector moved, or other learners have learned it. Only pairs
with a changed concept have other values than before, as long as the bounds of eq. (8) stay. So a
list of an unchanged concept is its old members and all changed concepts, sorted anew: whatever
else there is was behind the old last member. Where the new last member is behind the old one, that
does not hold, and the list is made from all pairs.

The fused value is linear in both parts, with factors that come from the bounds. Where a bound
moves, every value does, and the two parts weigh differently: all lists are made anew from the
nearest concepts, which no bound enters, without looking at all distances again.
Sizes: K concepts, d embedding dimension, n neighbours.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ids, Ints, check_axis, positions
from kgplan.native.compiled import njit
from kgplan.native.heap import empty_rows, is_worse, replace_worst, sort_row, sort_rows
from kgplan.progress import Progress, silent
from kgplan.similarity.colearning import CoLearning, co_learning, cosine, shared_between
from kgplan.similarity.fused import bounds_of
from kgplan.similarity.nearest import Nearest, nearest, similarity_of
from kgplan.similarity.top import Scale, TopSimilar, fuse_rows, fused_value, scale_of, top_similar

LARGEST_SHARE = 0.02  # of changed concepts; beyond, a full run is as fast


@dataclass(frozen=True)
class Update:
    """Lists after a change, the same as a full run gives, and what it took.

    Attributes:
        top: the lists.
        changed: concepts that are new, moved, or learned by others.
        remade: lists made from all pairs.
        rescaled: whether a bound moved, which changes every value.
        complete: whether it came to a full run: too much changed, or one of the two concepts
            farthest apart did, or there are hardly more concepts than neighbours.
    """

    top: TopSimilar
    changed: int
    remade: int
    rescaled: bool
    complete: bool


@dataclass(frozen=True)
class _Lists:
    """Lists of other concepts, on the new positions: (K, n) ids and values, best first.

    `last` and `last_id` are the value and position from which on nothing else was in a list:
    (K,) each; a position is one less where the concept that had it is gone.
    """

    ids: Ints
    values: Floats
    last: Floats
    last_id: Ints


def update_similar(
    before: TopSimilar,
    concept_ids: Ids,
    vectors: Floats,
    learned: sparse.csr_array,
    progress: Progress = silent,
) -> Update:
    """The n most similar concepts after a change, as `top_similar` would find them.

    Args:
        before: what `top_similar` or this function gave; alpha and n stay.
        concept_ids: (K,) sorted.
        vectors: (K, d).
        learned: (U, K) R of eq. (5); a learner keeps the row, new ones follow, or else all
            concepts count as changed.
        progress: told how far it is.

    Raises:
        AxisMismatch: arguments disagree on K, or on d with those before.
    """
    check_axis("K", concept_ids=concept_ids.size, vectors=len(vectors), learned=learned.shape[1])
    check_axis("d", vectors=vectors.shape[1], before=before.vectors.shape[1])
    vectors = np.ascontiguousarray(vectors, dtype=np.float64)
    together = co_learning(learned)
    old_at = positions(before.concept_ids, concept_ids)
    moved = _moved(before.vectors, vectors, old_at)
    changed = moved | _relearned(before.together, together, old_at)
    gone = positions(concept_ids, before.concept_ids) < 0
    broken = (gone | _at_old(moved, old_at, gone.size))[list(before.near.farthest)].any()
    few = min(before.concept_ids.size, concept_ids.size) - 1 <= before.n
    if broken or few or changed.mean() > LARGEST_SHARE:
        top = top_similar(concept_ids, vectors, learned, before.alpha, before.n, progress)
        return Update(top, int(changed.sum()), concept_ids.size, top.bounds != before.bounds, True)
    near = _update_nearest(before, concept_ids, vectors, old_at, moved)
    bounds = bounds_of(near, together)
    remade = np.ones(concept_ids.size, dtype=bool)
    if bounds == before.bounds:
        scale = scale_of(before.alpha, bounds)
        lists = _carried(before.ids, before.values, before.concept_ids, concept_ids, old_at)
        ids, values, remade = _revise(
            lists, changed, lambda t: _fused_with(t, vectors, together, scale)
        )
        remade |= changed
    else:
        ids, values = empty_rows(concept_ids.size, before.n)[::-1]
    fresh_ids, fresh = fuse_rows(remade, vectors, together, near, before.alpha, bounds, progress)
    ids[remade], values[remade] = fresh_ids[remade], fresh[remade]
    top = TopSimilar(
        concept_ids, ids, values, before.n, before.alpha, bounds, near, vectors, together
    )
    rescaled = bounds != before.bounds
    return Update(top, int(changed.sum()), int(remade.sum()), rescaled, False)


def _moved(old: Floats, new: Floats, old_at: Ints) -> Array:
    """(K,) whether a concept is new or has another vector."""
    moved = old_at < 0
    moved[~moved] = (old[old_at[~moved]] != new[~moved]).any(axis=1)
    return moved


def _relearned(old: CoLearning, new: CoLearning, old_at: Ints) -> Array:
    """(K,) whether a concept is new or has other learners."""
    return np.array(
        [
            at < 0 or not np.array_equal(old.sets.learners_of(at), new.sets.learners_of(k))
            for k, at in enumerate(old_at.tolist())
        ]
    )


def _at_old(flags: Array, old_at: Ints, size: int) -> Array:
    """Flags of the concepts that were there before, on the old positions."""
    result = np.zeros(size, dtype=bool)
    result[old_at[old_at >= 0]] = flags[old_at >= 0]
    return result


def _carried(ids: Ints, values: Floats, old_concepts: Ids, concepts: Ids, old_at: Ints) -> _Lists:
    """Old lists on the new positions: -1 stands for what is gone, an empty list for what is new."""
    to_new = np.searchsorted(concepts, old_concepts)
    here = positions(concepts, old_concepts) >= 0
    known = old_at >= 0
    size, n = concepts.size, ids.shape[1]
    new_ids, new_values = np.full((size, n), -1, dtype=np.int32), np.full((size, n), -np.inf)
    new_ids[known] = np.where(here, to_new, -1)[ids[old_at[known]]]
    new_values[known] = values[old_at[known]]
    last_id = np.zeros(size, dtype=np.int64)
    last_id[known] = np.where(here, to_new, to_new - 1)[ids[old_at[known], -1]]
    return _Lists(new_ids, new_values, new_values[:, -1], last_id)


def _revise(
    lists: _Lists, changed: Array, values_with: Callable[[int], Floats]
) -> tuple[Ints, Floats, Array]:
    """Take the changed concepts out of all lists and offer them with their new values.

    Args:
        lists: as they were.
        changed: (K,).
        values_with: position of a changed concept -> (K,) its value with every concept.

    Returns:
        (K, n) ids, (K, n) values, and (K,) whether a list must be made from all pairs.
    """
    costs, ids = empty_rows(*lists.ids.shape)
    _keep(lists.ids, lists.values, changed, costs, ids)
    for t in np.flatnonzero(changed).tolist():
        _offer_to_all(t, values_with(t), costs, ids)
    behind = _fell_behind(costs, ids, lists.last, lists.last_id)
    sort_rows(costs, ids)
    return ids, -costs, behind


def _update_nearest(
    before: TopSimilar, concepts: Ids, vectors: Floats, old_at: Ints, moved: Array
) -> Nearest:
    """The nearest concepts after some are new, gone or elsewhere, and which are farthest apart."""
    old = before.near
    lists = _carried(old.ids, old.similarity, before.concept_ids, concepts, old_at)
    ids, similarity, remade = _revise(lists, moved, lambda t: _semantic_with(t, vectors))
    remade |= moved
    if remade.mean() > LARGEST_SHARE:
        return nearest(vectors, ids.shape[1])
    rows = np.flatnonzero(remade)
    costs, fresh = empty_rows(rows.size, ids.shape[1])
    far = _nearest_rows(rows, vectors, costs, fresh)
    ids[rows], similarity[rows] = fresh, -costs
    to_new = np.searchsorted(concepts, before.concept_ids[list(old.farthest)])
    pairs = [(old.smallest, int(to_new[0]), int(to_new[1]))]
    for row, at in zip(rows.tolist(), far.tolist(), strict=True):
        pairs.append((similarity_of(vectors[row], vectors[at]), min(row, at), max(row, at)))
    smallest, one, other = min(pairs)
    return Nearest(ids, similarity, (one, other), smallest)


@njit(cache=True)
def _keep(old_ids: Ints, old_values: Floats, changed: Array, costs: Floats, ids: Ints) -> None:
    """Put the unchanged members of each list into its heap."""
    for i in range(len(ids)):
        for k in range(ids.shape[1]):
            j = old_ids[i, k]
            if j >= 0 and not changed[j]:
                replace_worst(costs[i], ids[i], ids.shape[1], -old_values[i, k], j)


@njit(cache=True)
def _offer_to_all(t: int, values: Floats, costs: Floats, ids: Ints) -> None:
    """Offer one concept to every other's heap."""
    for i in range(len(ids)):
        if i != t and is_worse(costs[i, 0], ids[i, 0], -values[i], t):
            replace_worst(costs[i], ids[i], ids.shape[1], -values[i], t)


@njit(cache=True)
def _fell_behind(costs: Floats, ids: Ints, last: Floats, last_id: Ints) -> Array:
    """(K,) whether a heap's worst is worse than the last member that the list had."""
    result = np.zeros(len(ids), dtype=np.bool_)
    for i in range(len(ids)):
        result[i] = is_worse(costs[i, 0], ids[i, 0], -last[i], last_id[i])
    return result


@njit(cache=True)
def _semantic_with(t: int, vectors: Floats) -> Floats:
    """(K,) eq. (2) of one concept with every concept."""
    values = np.empty(len(vectors))
    for i in range(len(vectors)):
        values[i] = similarity_of(vectors[i], vectors[t])
    return values


def _fused_with(t: int, vectors: Floats, together: CoLearning, scale: Scale) -> Floats:
    """(K,) eq. (8) of one concept with every concept."""
    group = int(together.group_of[t])
    counts = shared_between(together, group, group + 1)[0]
    return _fuse_with(t, vectors, counts, together.group_of, together.sizes, scale)


@njit(cache=True)
def _fuse_with(
    t: int, vectors: Floats, counts: Ints, group_of: Ints, sizes: Ints, scale: Scale
) -> Floats:
    values = np.empty(len(vectors))
    size = sizes[group_of[t]]
    for i in range(len(vectors)):
        semantic = similarity_of(vectors[i], vectors[t])
        group = group_of[i]
        values[i] = fused_value(semantic, cosine(counts[group], sizes[group], size), scale)
    return values


@njit(cache=True)
def _nearest_rows(rows: Ints, vectors: Floats, costs: Floats, ids: Ints) -> Ints:
    """Fill the lists of some concepts from all pairs; return the concept farthest from each."""
    farthest = np.zeros(rows.size, dtype=np.int64)
    for r in range(rows.size):
        largest = -np.inf
        for j in range(len(vectors)):
            if j == rows[r]:
                continue
            cost = -similarity_of(vectors[rows[r]], vectors[j])
            if cost > largest:
                largest = cost
                farthest[r] = j
            if is_worse(costs[r, 0], ids[r, 0], cost, j):
                replace_worst(costs[r], ids[r], costs.shape[1], cost, j)
        sort_row(costs[r], ids[r])
    return farthest
