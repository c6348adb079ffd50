"""How often are two concepts learned by the same learners? Eq. (5), a row at a time.

At full size the matrix of shared learners does not fit into memory, so a row of it is counted when
it is needed. Concepts with the very same learners (those of one video, mostly) are one group, and
rows are counted between groups.
Sizes: U learners, K concepts, G groups.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy import sparse

from kgplan.arrays import Array, Ints
from kgplan.similarity.threads import in_threads

BATCH = 256  # rows counted by one task


@dataclass(frozen=True)
class CoLearning:
    """R of eq. (5) by groups of concepts, both ways round.

    Attributes:
        group_of: (K,) each concept's group; groups go by size.
        sizes: (G,) learners of each concept of the group.
        members_from, members: CSR of the groups' concepts.
        groups_from, groups: CSR of each learner's groups.
        learners_from, learners: CSR of each group's learners, ascending.
    """

    group_of: Ints
    sizes: Ints
    members_from: Ints
    members: Ints
    groups_from: Ints
    groups: Ints
    learners_from: Ints
    learners: Ints

    def learners_of(self, concept: int) -> Ints:
        """Positions of the learners who have learned a concept."""
        group = self.group_of[concept]
        return self.learners[self.learners_from[group] : self.learners_from[group + 1]]


def co_learning(learned: sparse.csr_array) -> CoLearning:
    """Prepare R of eq. (5) for counting.

    Args:
        learned: (U, K) R; whatever is stored and not 0 counts as 1.

    >>> together = co_learning(sparse.csr_array([[1, 0, 1], [1, 1, 1]]))
    >>> together.group_of, together.sizes, cosine_bounds(together)
    (array([1, 0, 1]), array([1, 2]), (0.7071067811865475, 1.0))
    """
    columns = sparse.csc_array(learned.astype(bool))  # a copy
    columns.sum_duplicates()
    columns.eliminate_zeros()
    columns.sort_indices()
    starts = columns.indptr.astype(np.int64)
    sizes = np.diff(starts)
    marks = np.random.default_rng(0).integers(0, 2**63, columns.shape[0], dtype=np.uint64)
    sums = np.concatenate([[np.uint64(0)], np.cumsum(marks[columns.indices], dtype=np.uint64)])
    # the same learners give the same sum of marks, and are compared all the same
    order = np.lexsort((np.arange(sizes.size), sums[starts[1:]] - sums[starts[:-1]], sizes))
    is_first = _differs_from_last(starts, columns.indices, order)
    group_of = np.empty(sizes.size, dtype=np.int64)
    group_of[order] = np.cumsum(is_first) - 1
    of_group = columns[:, order[is_first]]
    of_learner = of_group.tocsr()
    return CoLearning(
        group_of=group_of,
        sizes=sizes[order[is_first]],
        members_from=np.append(np.flatnonzero(is_first), sizes.size),
        members=order,
        groups_from=of_learner.indptr.astype(np.int64),
        groups=of_learner.indices.astype(np.int32),
        learners_from=of_group.indptr.astype(np.int64),
        learners=of_group.indices.astype(np.int32),
    )


def cosine_bounds(together: CoLearning) -> tuple[float, float]:
    """Smallest and largest eq. (5) over all pairs i != j; (0, 0) where there is no pair.

    Two concepts with the same learners have 1 and two without a common one have 0, beyond which
    nothing goes: counting ends as soon as both were met.
    """
    if together.group_of.size < 2:
        return 0.0, 0.0
    within = np.diff(together.members_from) > 1
    of_twins = (together.sizes[within] > 0).astype(float)  # without learners they have 0
    smallest = min(of_twins, default=np.inf)
    largest = max(of_twins, default=-np.inf)
    found: list[tuple[float, float]] = []

    def look(first: int, last: int) -> None:
        found.append(
            _extremes(
                first,
                last,
                together.groups_from,
                together.groups,
                together.learners_from,
                together.learners,
                together.sizes,
            )
        )

    size, start, batch = together.sizes.size, 0, BATCH // 2
    while start < size and not (smallest == 0 and largest == 1):
        in_threads(look, [(k, min(k + batch, size)) for k in (start, start + batch) if k < size])
        smallest = min([smallest, *(low for low, _ in found)])
        largest = max([largest, *(high for _, high in found)])
        start, batch = start + 2 * batch, min(2 * batch, 16 * BATCH)
    return float(smallest), float(largest)


@njit(cache=True)
def _differs_from_last(starts: Ints, learners: Ints, order: Ints) -> Array:
    """Whether a concept in the order has other learners than the one before it."""
    result = np.ones(order.size, dtype=np.bool_)
    for place in range(1, order.size):
        i, before = order[place], order[place - 1]
        n = starts[i + 1] - starts[i]
        if n != starts[before + 1] - starts[before]:
            continue
        result[place] = False
        for k in range(n):
            if learners[starts[i] + k] != learners[starts[before] + k]:
                result[place] = True
                break
    return result


@njit(cache=True, nogil=True)
def count_row(
    group: int,
    groups_from: Ints,
    groups: Ints,
    learners_from: Ints,
    learners: Ints,
    counts: Ints,
) -> None:
    """Fill (G,) `counts` with the learners that each group shares with one of them."""
    counts[:] = 0
    for k in range(learners_from[group], learners_from[group + 1]):
        u = learners[k]
        for m in range(groups_from[u], groups_from[u + 1]):
            counts[groups[m]] += 1


@njit(cache=True)
def cosine(shared: int, size: int, other_size: int) -> float:
    """Eq. (5) of two concepts; 0 where one has no learner."""
    return shared / np.sqrt(float(size) * float(other_size)) if shared else 0.0


@njit(cache=True, nogil=True)
def _extremes(
    first: int,
    last: int,
    groups_from: Ints,
    groups: Ints,
    learners_from: Ints,
    learners: Ints,
    sizes: Ints,
) -> tuple[float, float]:
    """Smallest and largest eq. (5) between some groups and all others."""
    counts = np.zeros(sizes.size, dtype=np.int32)
    smallest, largest = np.inf, -np.inf
    for group in range(first, last):
        count_row(group, groups_from, groups, learners_from, learners, counts)
        for other in range(sizes.size):
            if other != group:
                value = cosine(counts[other], sizes[group], sizes[other])
                smallest, largest = min(smallest, value), max(largest, value)
    return smallest, largest
