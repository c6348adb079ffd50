"""Who has learned a concept, and how many learners do two concepts share? The counts of eq. (5).

A matrix of shared learners grows with the square of the concepts, so only the learners of each
concept are kept, and any block or list of pairs is counted from them. Concepts with the very same
learners (those of one video, mostly) are one group and are counted once: learner by learner, or,
where that takes longer, by the bits that two groups' sets of learners have in common.
Sizes: U learners, K concepts, G groups.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Ints
from kgplan.native.sets import (
    as_bits,
    by_concept,
    count_by_bits,
    count_one_by_one,
    count_pairs,
    differs_from_last,
    gathered,
    signs,
    times_in,
)
from kgplan.native.wide import WORD

HELD_BITS = 1 << 28  # bytes of all groups' learners as bits, up to which they are kept
# Time to intersect a word of two sets, in times of adding 1 to a count, where the processor counts
# the bits of eight words at once; 0.4 where of one
WORD_COST = 0.05


@dataclass(frozen=True)
class LearnerSets:
    """R of eq. (5) by groups of concepts with the same learners.

    Attributes:
        n_learners: U.
        group_of: (K,) each concept's group; the one without learners, if any, is the first, and of
            the others those with many learners in common are mostly near each other.
        learners_from, learners: CSR of each group's learners, ascending.
    """

    n_learners: int
    group_of: Ints
    learners_from: Ints
    learners: Ints

    @cached_property
    def sizes(self) -> Ints:
        """(G,) learners of each concept of the group."""
        return np.diff(self.learners_from)

    def learned(self, concepts: Ints) -> Ints:
        """How many learners have learned each of some concepts."""
        return self.sizes[self.group_of[concepts]]

    def shared(self, rows: Ints, columns: Ints) -> Ints:
        """Learners that every row shares with every column.

        Args:
            rows, columns: (n,), (m,) positions of concepts.

        Returns:
            (n, m).

        >>> sets = learner_sets(sparse.csr_array([[1, 0, 1], [1, 1, 1]]))
        >>> sets.shared(np.array([0, 1]), np.array([0, 1, 2]))
        array([[2, 1, 2],
               [1, 1, 1]], dtype=int32)
        """
        left, row_at = np.unique(self.group_of[rows], return_inverse=True)
        right, column_at = np.unique(self.group_of[columns], return_inverse=True)
        counts = np.zeros((left.size, right.size), dtype=np.int32)
        words = -(-self.n_learners // WORD)
        # as many as if the two sides were learned by chance
        additions = (
            float(self.sizes[left].sum()) * self.sizes[right].sum() / max(self.n_learners, 1)
        )
        if additions > WORD_COST * words * counts.size:
            of_left, of_right = self._bits_of(left, words), self._bits_of(right, words)
            count_by_bits(np.arange(left.size), of_left, of_right, counts)
        else:
            times = times_in(right, self.learners_from, self.learners, self.n_learners)
            count_one_by_one(left, right, times, self.learners_from, self.learners, counts)
        return counts[row_at][:, column_at]

    def _bits_of(self, groups: Ints, words: int) -> Ints:
        """(n, words) the learners of some groups as bits."""
        if self.sizes.size * words * WORD // 8 > HELD_BITS:
            return as_bits(groups, self.learners_from, self.learners, words)
        return self._bits[groups]

    @cached_property
    def _bits(self) -> Ints:
        """(G, words) the learners of all groups as bits."""
        words = -(-self.n_learners // WORD)
        return as_bits(np.arange(self.sizes.size), self.learners_from, self.learners, words)

    def shared_by_pairs(self, left: Ints, right: Ints) -> Ints:
        """Learners that each left concept shares with the right one beside it.

        Args:
            left, right: (n,) positions of concepts.

        Returns:
            (n,).
        """
        one, other = self.group_of[left], self.group_of[right]
        order = np.lexsort((other, one))
        counts = np.empty(order.size, dtype=np.int32)
        count_pairs(order, one, other, self.learners_from, self.learners, self.n_learners, counts)
        return counts

    def matrix(self) -> sparse.csr_array:
        """(U, K) R, True where a learner has learned a concept."""
        groups = sparse.csc_array(
            (np.ones(self.learners.size, dtype=bool), self.learners, self.learners_from),
            shape=(self.n_learners, self.sizes.size),
        )
        return groups[:, self.group_of].tocsr()

    def to_arrays(self) -> dict[str, Array]:
        """The arrays to store."""
        return {
            "learners.n": np.array(self.n_learners),
            "learners.group_of": self.group_of,
            "learners.indptr": self.learners_from,
            "learners.indices": self.learners,
        }

    @staticmethod
    def from_arrays(arrays: Mapping[str, Array]) -> "LearnerSets":
        """The same from stored arrays.

        Raises:
            KeyError: one is not there.
        """
        return LearnerSets(
            int(arrays["learners.n"]),
            np.asarray(arrays["learners.group_of"]),
            np.asarray(arrays["learners.indptr"]),
            np.asarray(arrays["learners.indices"]),
        )


def learner_sets(learned: sparse.csr_array) -> LearnerSets:
    """Group the concepts of R by their learners.

    Args:
        learned: (U, K) R; whatever is stored and not 0 counts as 1.

    >>> sets = learner_sets(sparse.csr_array([[1, 0, 1], [1, 1, 1]]))
    >>> sets.sizes[sets.group_of], len(set(sets.group_of))
    (array([2, 1, 2]), 2)
    """
    rows = sparse.csr_array(learned)
    starts, learners = by_concept(rows.indptr, rows.indices, rows.data != 0, rows.shape[1])
    marks = np.random.default_rng(0).integers(1, 2**64, rows.shape[0], dtype=np.uint64)
    # the same learners give the same sum of marks, and are compared all the same; the least marks
    # are often the same where most learners are
    order = np.lexsort(signs(starts, learners, marks))
    is_first = differs_from_last(starts, learners, order)
    group_of = np.empty(order.size, dtype=np.int64)
    group_of[order] = np.cumsum(is_first) - 1
    firsts = order[is_first]
    learners_from = np.concatenate([[0], np.cumsum(np.diff(starts)[firsts])])
    taken = gathered(firsts, starts, learners, learners_from)
    return LearnerSets(rows.shape[0], group_of, learners_from, taken)
