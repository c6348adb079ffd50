"""How many learners does a group of concepts share with every other? Sums of bits, 512 at once.

Sizes: U learners, K concepts, G groups, B blocks of 512 groups.
"""

from typing import NamedTuple

import numpy as np

from kgplan.arrays import Ints
from kgplan.native.compiled import njit
from kgplan.native.wide import (
    BITS,
    WORD,
    WORDS,
    add_where,
    common,
    differing,
    is_empty,
    load,
    most,
    no_bits,
    no_sums,
    odd,
    store,
    store_sums,
)

SIXTEEN = 16  # learners added up at once
DIGITS = 32  # of a number of learners
TOGETHER = 256  # rows counted at once, so that the bits of their learners are fetched once for all


class Groups(NamedTuple):
    """R of eq. (5) by groups of concepts with the same learners.

    Attributes:
        group_of: (K,) each concept's group.
        sizes: (G,) learners of each concept of the group.
        members_from, members: CSR of the groups' concepts.
        sixteens_from: (G + 1,) where each group's rows of `sixteens` begin.
        sixteens: (n, 16) each group's learners, filled up with U.
        bits: (B, U + 1, 8) each learner's groups as bits; nobody's at last.
    """

    group_of: Ints
    sizes: Ints
    members_from: Ints
    members: Ints
    sixteens_from: Ints
    sixteens: Ints
    bits: Ints


@njit(cache=True)
def arrange(
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


@njit(cache=True, nogil=True)
def count_rows(first: int, counts: Ints, groups: Groups) -> None:
    """Fill (n, 512 B) `counts` with the learners that n groups from `first` on share with each."""
    sixteens_from, sixteens, bits = groups.sixteens_from, groups.sixteens, groups.bits
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
def extremes(first: int, counts: Ints, sizes: Ints) -> tuple[float, float]:
    """Smallest and largest eq. (5) between some groups and all others."""
    smallest, largest = np.inf, -np.inf
    for row in range(len(counts)):
        group = first + row
        for other in range(sizes.size):
            if other != group:
                value = cosine(counts[row, other], sizes[group], sizes[other])
                smallest, largest = min(smallest, value), max(largest, value)
    return smallest, largest
