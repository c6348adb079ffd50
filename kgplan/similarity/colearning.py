"""How often are two concepts learned by the same learners? Eq. (5), some rows at a time.

At full size the matrix of shared learners does not fit into memory, so rows of it are counted when
they are needed, between groups of concepts with the same learners. Each learner has one bit per
group; the row of a group is the sum of its learners' bits, 512 groups at once, by full adders that
keep the sum's binary digits as bits again. Groups that are alike stand near each other, so that the
bits of a learner who is in one row's sum are still in cache for the next.
Sizes: U learners, K concepts, G groups, B blocks of 512 groups.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from kgplan.arrays import Ints
from kgplan.native.compiled import njit
from kgplan.native.threads import in_threads
from kgplan.native.wide import (
    BITS,
    WORD,
    WORDS,
    add_where,
    common,
    differing,
    is_empty,
    lines,
    load,
    most,
    no_bits,
    no_sums,
    odd,
    store,
    store_sums,
)
from kgplan.similarity.learners import LearnerSets, learner_sets

BATCH = 256  # rows of one task
TOGETHER = 256  # rows counted at once, so that the bits of their learners are fetched once for all
SIXTEEN = 16  # learners added up at once
DIGITS = 32  # of a number of learners


@dataclass(frozen=True)
class CoLearning:
    """R of eq. (5) by groups of concepts, both ways round.

    Attributes:
        sets: each concept's group and each group's learners.
        members_from, members: CSR of the groups' concepts.
        sixteens_from: (G + 1,) where each group's rows of `sixteens` begin.
        sixteens: (n, 16) each group's learners, filled up with U.
        bits: (B, U + 1, 8) each learner's groups as bits; nobody's at last.
    """

    sets: LearnerSets
    members_from: Ints
    members: Ints
    sixteens_from: Ints
    sixteens: Ints
    bits: Ints

    @property
    def group_of(self) -> Ints:
        """(K,) each concept's group."""
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
    >>> together.sizes[together.group_of], cosine_bounds(together)
    (array([2, 1, 2]), (0.7071067811865475, 1.0))
    """
    sets = learner_sets(learned)
    sixteens_from = np.concatenate([[0], np.cumsum(-(-sets.sizes // SIXTEEN))])
    sixteens = np.full((sixteens_from[-1], SIXTEEN), sets.n_learners, dtype=np.uint32)
    bits = lines(-(-sets.sizes.size // BITS), sets.n_learners + 1)
    _arrange(sets.learners_from, sets.learners, sixteens_from, sixteens.ravel(), bits)
    return CoLearning(
        sets=sets,
        members_from=np.concatenate([[0], np.cumsum(np.bincount(sets.group_of))]),
        members=np.argsort(sets.group_of, kind="stable"),
        sixteens_from=sixteens_from,
        sixteens=sixteens,
        bits=bits,
    )


@njit(cache=True)
def _arrange(
    learners_from: Ints, learners: Ints, sixteens_from: Ints, sixteens: Ints, bits: Ints
) -> None:
    """Write each group's learners into rows of sixteen, and as bits of the learners."""
    for group in range(learners_from.size - 1):
        block, place = group // BITS, group % BITS
        word, bit = place // WORD, np.uint64(1) << np.uint64(place % WORD)
        first = sixteens_from[group] * SIXTEEN - learners_from[group]
        for k in range(learners_from[group], learners_from[group + 1]):
            sixteens[first + k] = learners[k]
            bits[block, learners[k], word] |= bit


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
    counts = np.empty((last - first, len(together.bits) * BITS), dtype=np.int32)
    count_rows(first, counts, together.sixteens_from, together.sixteens, together.bits)
    return counts[:, : together.sizes.size]


@njit(cache=True, nogil=True)
def count_rows(first: int, counts: Ints, sixteens_from: Ints, sixteens: Ints, bits: Ints) -> None:
    """Fill (n, 512 B) `counts` with the learners that n groups from `first` on share with each."""
    digits = np.empty((DIGITS, WORDS), dtype=np.uint64)
    for block in range(len(bits)):
        for row in range(len(counts)):
            group = first + row
            learners = sixteens[sixteens_from[group] : sixteens_from[group + 1]]
            n_digits = _add_up(learners, bits[block], digits)
            _write_sums(digits[:n_digits], counts[row], block * BITS)


@njit(cache=True)
def _add_up(sixteens: Ints, bits: Ints, digits: Ints) -> int:
    """Write the sum of some learners' bits as binary digits; return how many there are."""
    ones, twos, fours, eights = no_bits(), no_bits(), no_bits(), no_bits()
    n_digits = 4
    for k in range(len(sixteens)):
        ones, twos, fours, one = _add_eight(ones, twos, fours, bits, sixteens, k, 0)
        ones, twos, fours, other = _add_eight(ones, twos, fours, bits, sixteens, k, 8)
        carry, eights = most(eights, one, other), odd(eights, one, other)
        digit = 4
        while not is_empty(carry):
            if digit == n_digits:
                store(digits, digit, carry)
                n_digits += 1
                break
            held = load(digits, digit)
            store(digits, digit, differing(held, carry))
            carry = common(held, carry)
            digit += 1
    store(digits, 0, ones)
    store(digits, 1, twos)
    store(digits, 2, fours)
    store(digits, 3, eights)
    return n_digits


@njit(cache=True)
def _add_eight(ones, twos, fours, bits, sixteens, k, m):  # type: ignore[no-untyped-def]
    """Three digits after eight learners more, and what is carried into the fourth."""
    ones, twos, one = _add_four(ones, twos, bits, sixteens, k, m)
    ones, twos, other = _add_four(ones, twos, bits, sixteens, k, m + 4)
    return ones, twos, odd(fours, one, other), most(fours, one, other)


@njit(cache=True)
def _add_four(ones, twos, bits, sixteens, k, m):  # type: ignore[no-untyped-def]
    """Two digits after four learners more, and what is carried into the third."""
    a, b = load(bits, sixteens[k, m]), load(bits, sixteens[k, m + 1])
    one, ones = most(ones, a, b), odd(ones, a, b)
    a, b = load(bits, sixteens[k, m + 2]), load(bits, sixteens[k, m + 3])
    other, ones = most(ones, a, b), odd(ones, a, b)
    return ones, odd(twos, one, other), most(twos, one, other)


@njit(cache=True)
def _write_sums(digits: Ints, counts: Ints, at: int) -> None:
    """Turn the binary digits of 512 sums into numbers."""
    for word in range(WORDS):
        sums = no_sums()
        for digit in range(len(digits)):
            sums = add_where(sums, digits[digit, word], np.int32(1) << np.int32(digit))
        store_sums(counts, at + word * WORD, sums)


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
