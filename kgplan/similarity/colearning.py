"""How often are two concepts learned by the same learners? Eq. (5), a row at a time.

At full size the matrix of shared learners does not fit into memory, so a row of it is counted when
it is needed, between groups of concepts with the same learners. The learners who have learned most
are counted by bits, wherever a row holds enough of them, and the others one by one: for a learner
with g groups the one way costs g^2 additions over all rows, the other the same for everybody.
Sizes: U learners, K concepts, G groups.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy import sparse

from kgplan.arrays import Array, Ints
from kgplan.similarity.learners import (
    WORD,
    WORD_COST,
    LearnerSets,
    as_bits,
    count_by_bits,
    learner_sets,
)
from kgplan.similarity.threads import in_threads

BATCH = 256  # rows counted by one task
TOGETHER = 16  # rows counted at once, so that a set of learners is fetched once for all of them


@dataclass(frozen=True)
class CoLearning:
    """R of eq. (5) by groups of concepts, both ways round.

    A learner's rank goes by the groups learned, most first.

    Attributes:
        sets: each concept's group and each group's learners.
        members_from, members: CSR of the groups' concepts.
        groups_from, groups: CSR of each rank's groups.
        ranks_from, ranks: CSR of each group's ranks, ascending.
        by_bits: (G,) whether a group's learners of the first ranks are counted by bits.
        bits: (G, words) each group's learners of the first 64 * words ranks as bits.
    """

    sets: LearnerSets
    members_from: Ints
    members: Ints
    groups_from: Ints
    groups: Ints
    ranks_from: Ints
    ranks: Ints
    by_bits: Array
    bits: Ints

    @property
    def group_of(self) -> Ints:
        """(K,) each concept's group; groups go by size."""
        return self.sets.group_of

    @property
    def sizes(self) -> Ints:
        """(G,) learners of each concept of the group."""
        return self.sets.sizes


def co_learning(learned: sparse.csr_array) -> CoLearning:
    """Prepare R of eq. (5) for counting.

    Args:
        learned: (U, K) R; whatever is stored and not 0 counts as 1.

    >>> together = co_learning(sparse.csr_array([[1, 0, 1], [1, 1, 1]]))
    >>> together.group_of, together.sizes, cosine_bounds(together)
    (array([1, 0, 1]), array([1, 2]), (0.7071067811865475, 1.0))
    """
    sets = learner_sets(learned)
    n_groups = np.bincount(sets.learners, minlength=sets.n_learners)
    order = np.argsort(-n_groups, kind="stable")
    rank_of = np.empty(order.size, dtype=np.int32)
    rank_of[order] = np.arange(order.size)
    groups_from = np.concatenate([[0], np.cumsum(n_groups[order])])
    groups, ranks = _both_ways(sets.learners_from, sets.learners, rank_of, groups_from)
    everybody = np.arange(sets.sizes.size)
    words = _words_worth(n_groups[order], sets.sizes.size)
    additions = _additions(sets.learners_from, ranks, n_groups[order], words * WORD)
    return CoLearning(
        sets=sets,
        members_from=np.concatenate([[0], np.cumsum(np.bincount(sets.group_of))]),
        members=np.argsort(sets.group_of, kind="stable"),
        groups_from=groups_from,
        groups=groups,
        ranks_from=sets.learners_from,
        ranks=ranks,
        by_bits=additions > WORD_COST * words * everybody.size,
        bits=as_bits(everybody, sets.learners_from, ranks, words),
    )


def _words_worth(n_groups: Ints, size: int) -> int:
    """Words of the first ranks that cost less by bits than one by one.

    >>> _words_worth(np.array([100] * 64 + [1] * 64), 100)
    1
    """
    padded = np.zeros(-(-n_groups.size // WORD) * WORD)
    padded[: n_groups.size] = n_groups
    additions = (padded.reshape(-1, WORD) ** 2).sum(axis=1)
    return int(np.sum(additions > WORD_COST * size**2))  # falling: the first ones


@njit(cache=True)
def _both_ways(
    learners_from: Ints, learners: Ints, rank_of: Ints, groups_from: Ints
) -> tuple[Ints, Ints]:
    """Each rank's groups, and each group's ranks: both ascending."""
    groups = np.empty(learners.size, dtype=np.int32)
    free = groups_from[:-1].copy()
    for group in range(learners_from.size - 1):
        for k in range(learners_from[group], learners_from[group + 1]):
            rank = rank_of[learners[k]]
            groups[free[rank]] = group
            free[rank] += 1
    ranks = np.empty(learners.size, dtype=np.int32)
    place = learners_from[:-1].copy()
    for rank in range(groups_from.size - 1):
        for k in range(groups_from[rank], groups_from[rank + 1]):
            ranks[place[groups[k]]] = rank
            place[groups[k]] += 1
    return groups, ranks


@njit(cache=True)
def _additions(ranks_from: Ints, ranks: Ints, n_groups: Ints, first_ranks: int) -> Ints:
    """(G,) what counting the first ranks one by one would take in each group's row."""
    additions = np.zeros(ranks_from.size - 1, dtype=np.int64)
    for group in range(additions.size):
        for k in range(ranks_from[group], ranks_from[group + 1]):
            if ranks[k] >= first_ranks:
                break
            additions[group] += n_groups[ranks[k]]
    return additions


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
        together.ranks_from,
        together.ranks,
        together.by_bits,
        together.bits,
    )


@njit(cache=True, nogil=True)
def count_rows(
    first: int,
    counts: Ints,
    groups_from: Ints,
    groups: Ints,
    ranks_from: Ints,
    ranks: Ints,
    by_bits: Array,
    bits: Ints,
) -> None:
    """Fill (n, G) `counts` with the learners that n groups from `first` on share with each."""
    last = first + len(counts)
    wide = np.flatnonzero(by_bits[first:last])
    for row in range(len(counts)):
        if not by_bits[first + row]:
            counts[row] = 0
    count_by_bits(wide, bits[first:last], bits, counts)
    for row in range(len(counts)):
        group = first + row
        counted = bits.shape[1] * WORD if by_bits[group] else 0
        for k in range(ranks_from[group], ranks_from[group + 1]):
            rank = ranks[k]
            if rank < counted:
                continue
            for m in range(groups_from[rank], groups_from[rank + 1]):
                counts[row, groups[m]] += 1


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
