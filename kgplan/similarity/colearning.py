"""How often are two concepts learned by the same learners? Eq. (5), a row at a time.

At full size the matrix of shared learners does not fit into memory, so a row of it is counted when
it is needed, and once for all concepts with the very same learners (those of one video, mostly).
Sizes: U learners, K concepts.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy import sparse

from kgplan.arrays import Array, Ints
from kgplan.similarity.threads import in_threads

BATCH = 256  # concepts whose rows are counted by one task


@dataclass(frozen=True)
class CoLearning:
    """R of eq. (5), both ways round.

    Attributes:
        of_learner_from, of_learner: CSR of R: each learner's concepts.
        of_concept_from, of_concept: CSR of R transposed: each concept's learners.
        sizes: (K,) learners of each concept.
        order: (K,) all concepts, those with the same learners side by side.
        repeats: (K,) whether a concept in `order` has the learners of the one before.
    """

    of_learner_from: Ints
    of_learner: Ints
    of_concept_from: Ints
    of_concept: Ints
    sizes: Ints
    order: Ints
    repeats: Array


def co_learning(learned: sparse.csr_array) -> CoLearning:
    """Prepare R of eq. (5) for counting.

    Args:
        learned: (U, K) R; whatever is stored and not 0 counts as 1.

    >>> together = co_learning(sparse.csr_array([[1, 0, 1], [1, 1, 1]]))
    >>> together.sizes, cosine_bounds(together)
    (array([2, 1, 2]), (0.7071067811865475, 1.0))
    """
    ones = sparse.csr_array(learned.astype(bool))  # a copy
    ones.sum_duplicates()
    ones.eliminate_zeros()
    columns = ones.tocsc()
    columns.sort_indices()
    starts, learners = columns.indptr.astype(np.int64), columns.indices.astype(np.int32)
    sizes = np.diff(starts)
    marks = np.random.default_rng(0).integers(0, 2**63, ones.shape[0], dtype=np.uint64)
    sums = np.concatenate([[np.uint64(0)], np.cumsum(marks[learners], dtype=np.uint64)])
    order = np.lexsort((np.arange(sizes.size), sums[starts[1:]] - sums[starts[:-1]], sizes))
    repeats = _repeats(starts, learners, order)
    return CoLearning(
        ones.indptr.astype(np.int64),
        ones.indices.astype(np.int32),
        starts,
        learners,
        sizes,
        order,
        repeats,
    )


def cosine_bounds(together: CoLearning) -> tuple[float, float]:
    """Smallest and largest eq. (5) over all pairs i != j; (0, 0) where there is no pair.

    Two concepts with the same learners have 1 and two without a common one have 0, beyond which
    nothing goes: counting ends as soon as both were met.
    """
    size = together.sizes.size
    if size < 2:
        return 0.0, 0.0
    twins = together.repeats & (together.sizes[together.order] > 0)
    smallest, largest = np.inf, 1.0 if twins.any() else -np.inf
    found: list[tuple[float, float]] = []

    def look(first: int, last: int) -> None:
        found.append(_extremes(first, last, *_parts(together)))

    start, batch = 0, BATCH // 2
    while start < size and not (smallest == 0 and largest == 1):
        in_threads(look, [(k, min(k + batch, size)) for k in (start, start + batch) if k < size])
        smallest = min([smallest, *(low for low, _ in found)])
        largest = max([largest, *(high for _, high in found)])
        start, batch = start + 2 * batch, min(2 * batch, 16 * BATCH)
    return float(smallest), float(largest)


def _parts(together: CoLearning) -> tuple[Array, ...]:
    return (
        together.of_learner_from,
        together.of_learner,
        together.of_concept_from,
        together.of_concept,
        together.sizes,
        together.order,
        together.repeats,
    )


@njit(cache=True)
def _repeats(starts: Ints, learners: Ints, order: Ints) -> Array:
    result = np.zeros(order.size, dtype=np.bool_)
    for place in range(1, order.size):
        i, before = order[place], order[place - 1]
        n = starts[i + 1] - starts[i]
        same = n == starts[before + 1] - starts[before]
        for k in range(n if same else 0):
            if learners[starts[i] + k] != learners[starts[before] + k]:
                same = False
                break
        result[place] = same
    return result


@njit(cache=True, nogil=True)
def count_row(
    i: int,
    of_learner_from: Ints,
    of_learner: Ints,
    of_concept_from: Ints,
    of_concept: Ints,
    counts: Ints,
) -> None:
    """Fill (K,) `counts` with the learners that each concept shares with concept i."""
    counts[:] = 0
    for k in range(of_concept_from[i], of_concept_from[i + 1]):
        u = of_concept[k]
        for m in range(of_learner_from[u], of_learner_from[u + 1]):
            counts[of_learner[m]] += 1


@njit(cache=True)
def cosine(shared: int, size: int, other_size: int) -> float:
    """Eq. (5) of two concepts; 0 where one has no learner."""
    return shared / np.sqrt(float(size) * float(other_size)) if shared else 0.0


@njit(cache=True, nogil=True)
def _extremes(
    first: int,
    last: int,
    of_learner_from: Ints,
    of_learner: Ints,
    of_concept_from: Ints,
    of_concept: Ints,
    sizes: Ints,
    order: Ints,
    repeats: Array,
) -> tuple[float, float]:
    """Smallest and largest eq. (5) in some rows."""
    counts = np.zeros(sizes.size, dtype=np.int32)
    smallest, largest = np.inf, -np.inf
    for place in range(first, last):
        i = order[place]
        if place == first or not repeats[place]:
            count_row(i, of_learner_from, of_learner, of_concept_from, of_concept, counts)
        for j in range(sizes.size):
            if j != i:
                value = cosine(counts[j], sizes[i], sizes[j])
                smallest, largest = min(smallest, value), max(largest, value)
    return smallest, largest
