"""How often are two concepts learned by the same learners? Eq. (5), a row at a time.

At full size the matrix of shared learners does not fit into memory, so a row of it is counted when
it is needed. Concepts with the very same learners (those of one video, mostly) are one group, and
rows are counted between groups: learner by learner, or, where that takes longer, by the bits that
two groups' sets of learners have in common.
Sizes: U learners, K concepts, G groups.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from scipy import sparse

from kgplan.arrays import Array, Ints
from kgplan.similarity.threads import in_threads

BATCH = 256  # rows counted by one task
TOGETHER = 16  # rows counted at once, so that a set of learners is fetched once for all of them
STAY = 64  # sets of learners that stay in cache meanwhile
WORD = 64
# Time to intersect a word of two sets, in times of adding 1 to a count: 0.05 where the processor
# counts the bits of eight words at once, 0.4 where of one
WORD_COST = 0.1


@dataclass(frozen=True)
class CoLearning:
    """R of eq. (5) by groups of concepts, both ways round.

    Attributes:
        group_of: (K,) each concept's group; groups go by size.
        sizes: (G,) learners of each concept of the group.
        members_from, members: CSR of the groups' concepts.
        groups_from, groups: CSR of each learner's groups.
        learners_from, learners: CSR of each group's learners, ascending.
        by_bits: (G,) whether a group's row is counted by bits.
        bits: (G, ceil(U / 64)) each group's learners as bits; (0, 0) where no row needs them.
    """

    group_of: Ints
    sizes: Ints
    members_from: Ints
    members: Ints
    groups_from: Ints
    groups: Ints
    learners_from: Ints
    learners: Ints
    by_bits: Array
    bits: Ints

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
    additions = of_group.T.astype(np.int64) @ np.diff(of_learner.indptr).astype(np.int64)
    words = -(-columns.shape[0] // WORD)
    by_bits = additions > WORD_COST * words * additions.size
    learners_from, learners = of_group.indptr.astype(np.int64), of_group.indices.astype(np.int32)
    return CoLearning(
        group_of=group_of,
        sizes=sizes[order[is_first]],
        members_from=np.append(np.flatnonzero(is_first), sizes.size),
        members=order,
        groups_from=of_learner.indptr.astype(np.int64),
        groups=of_learner.indices.astype(np.int32),
        learners_from=learners_from,
        learners=learners,
        by_bits=by_bits,
        bits=_as_bits(learners_from, learners, words)
        if by_bits.any()
        else _as_bits(np.zeros(1, dtype=np.int64), learners, 0),
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
        for group in range(first, last, TOGETHER):
            end = min(group + TOGETHER, last)
            found.append(_extremes(group, shared_between(together, group, end), together.sizes))

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


def shared_between(together: CoLearning, first: int, last: int) -> Ints:
    """(last - first, G) learners that some groups share with every group."""
    counts = np.empty((last - first, together.sizes.size), dtype=np.int32)
    count_rows(first, counts, *count_arguments(together))
    return counts


def count_arguments(together: CoLearning) -> tuple[Array, ...]:
    """What `count_rows` counts from."""
    return (
        together.groups_from,
        together.groups,
        together.learners_from,
        together.learners,
        together.by_bits,
        together.bits,
    )


@njit(cache=True)
def _as_bits(learners_from: Ints, learners: Ints, words: int) -> Ints:
    """(G, words) each group's learners as bits."""
    bits = np.zeros((learners_from.size - 1, words), dtype=np.uint64)
    for group in range(learners_from.size - 1):
        for k in range(learners_from[group], learners_from[group + 1]):
            u = learners[k]
            bits[group, u // WORD] |= np.uint64(1) << np.uint64(u % WORD)
    return bits


@intrinsic
def _bit_count(typingctx, word):  # type: ignore[no-untyped-def]
    """Bits that are set in a word, as one instruction."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@njit(cache=True, nogil=True)
def count_rows(
    first: int,
    counts: Ints,
    groups_from: Ints,
    groups: Ints,
    learners_from: Ints,
    learners: Ints,
    by_bits: Array,
    bits: Ints,
) -> None:
    """Fill (n, G) `counts` with the learners that n groups from `first` on share with each."""
    counts[:] = 0
    wide = np.empty(len(counts) + 3, dtype=np.int64)  # rows to count by bits
    n_wide = 0
    for row in range(len(counts)):
        group = first + row
        if by_bits[group]:
            wide[n_wide] = row
            n_wide += 1
            continue
        for k in range(learners_from[group], learners_from[group + 1]):
            u = learners[k]
            for m in range(groups_from[u], groups_from[u + 1]):
                counts[row, groups[m]] += 1
    if n_wide == 0:
        return
    wide[n_wide:] = wide[n_wide - 1]  # fours are filled up; counting twice does no harm
    for start in range(0, len(bits), STAY):
        for k in range(0, n_wide, 4):  # a word of another group is fetched once for four
            one, two = bits[first + wide[k]], bits[first + wide[k + 1]]
            three, four = bits[first + wide[k + 2]], bits[first + wide[k + 3]]
            for other in range(start, min(start + STAY, len(bits))):
                theirs = bits[other]
                a, b, c, d = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
                for m in range(theirs.size):
                    word = theirs[m]
                    a += _bit_count(one[m] & word)
                    b += _bit_count(two[m] & word)
                    c += _bit_count(three[m] & word)
                    d += _bit_count(four[m] & word)
                counts[wide[k], other], counts[wide[k + 1], other] = a, b
                counts[wide[k + 2], other], counts[wide[k + 3], other] = c, d


@njit(cache=True)
def cosine(shared: int, size: int, other_size: int) -> float:
    """Eq. (5) of two concepts; 0 where one has no learner."""
    return shared / np.sqrt(float(size) * float(other_size)) if shared else 0.0


@njit(cache=True, nogil=True)
def _extremes(first: int, counts: Ints, sizes: Ints) -> tuple[float, float]:
    """Smallest and largest eq. (5) between some groups and all others."""
    smallest, largest = np.inf, -np.inf
    for row in range(len(counts)):
        group = first + row
        for other in range(sizes.size):
            if other != group:
                value = cosine(counts[row, other], sizes[group], sizes[other])
                smallest, largest = min(smallest, value), max(largest, value)
    return smallest, largest
