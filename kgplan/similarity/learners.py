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
from kgplan.native.compiled import njit
from kgplan.native.wide import WORD, bit_count

HELD_BITS = 1 << 28  # bytes of all groups' learners as bits, up to which they are kept
STAY = 64  # sets of learners that stay in cache while others are intersected with them
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

    def learners_of(self, concept: int) -> Ints:
        """Positions of the learners who have learned a concept."""
        group = self.group_of[concept]
        return self.learners[self.learners_from[group] : self.learners_from[group + 1]]

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
            times = _times(right, self.learners_from, self.learners, self.n_learners)
            _count_one_by_one(left, right, times, self.learners_from, self.learners, counts)
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
        _count_pairs(order, one, other, self.learners_from, self.learners, self.n_learners, counts)
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
    starts, learners = _by_concept(rows.indptr, rows.indices, rows.data != 0, rows.shape[1])
    marks = np.random.default_rng(0).integers(1, 2**64, rows.shape[0], dtype=np.uint64)
    # the same learners give the same sum of marks, and are compared all the same; the least marks
    # are often the same where most learners are
    order = np.lexsort(_signs(starts, learners, marks))
    is_first = _differs_from_last(starts, learners, order)
    group_of = np.empty(order.size, dtype=np.int64)
    group_of[order] = np.cumsum(is_first) - 1
    firsts = order[is_first]
    learners_from = np.concatenate([[0], np.cumsum(np.diff(starts)[firsts])])
    taken = _taken(firsts, starts, learners, learners_from)
    return LearnerSets(rows.shape[0], group_of, learners_from, taken)


@njit(cache=True)
def _by_concept(rows_from: Ints, concepts: Ints, counts: Array, size: int) -> tuple[Ints, Ints]:
    """CSR of each concept's learners, ascending, from the rows; what is there twice counts once."""
    starts = np.zeros(size + 1, dtype=np.int64)
    last = np.full(size, -1, dtype=np.int64)
    for u in range(rows_from.size - 1):
        for k in range(rows_from[u], rows_from[u + 1]):
            i = concepts[k]
            if counts[k] and last[i] != u:
                last[i] = u
                starts[i + 1] += 1
    for i in range(size):
        starts[i + 1] += starts[i]
    learners = np.empty(starts[size], dtype=np.int32)
    free = starts[:-1].copy()
    for u in range(rows_from.size - 1):
        for k in range(rows_from[u], rows_from[u + 1]):
            i = concepts[k]
            if counts[k] and (free[i] == starts[i] or learners[free[i] - 1] != u):
                learners[free[i]] = u
                free[i] += 1
    return starts, learners


@njit(cache=True)
def _signs(starts: Ints, learners: Ints, marks: Ints) -> tuple[Ints, Ints, Ints]:
    """(K,) of each concept's learners: the sum of their marks, and the least mark, read two ways.

    Without learners all are 0.
    """
    size = starts.size - 1
    half = np.uint64(WORD // 2)
    sums = np.zeros(size, dtype=np.uint64)
    second, first = sums.copy(), sums.copy()
    for i in range(size):
        for k in range(starts[i], starts[i + 1]):
            mark = marks[learners[k]]
            turned = mark << half | mark >> half
            sums[i] += mark
            if k == starts[i] or mark < first[i]:
                first[i] = mark
            if k == starts[i] or turned < second[i]:
                second[i] = turned
    return sums, second, first


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


@njit(cache=True)
def _taken(concepts: Ints, starts: Ints, learners: Ints, taken_from: Ints) -> Ints:
    """The learners of some concepts, one concept after the other."""
    taken = np.empty(taken_from[-1], dtype=np.int32)
    for place in range(concepts.size):
        start = starts[concepts[place]]
        for k in range(taken_from[place + 1] - taken_from[place]):
            taken[taken_from[place] + k] = learners[start + k]
    return taken


@njit(cache=True)
def _times(groups: Ints, learners_from: Ints, learners: Ints, n_learners: int) -> Ints:
    """(U,) in how many of some groups each learner is."""
    times = np.zeros(n_learners, dtype=np.int64)
    for group in groups:
        for k in range(learners_from[group], learners_from[group + 1]):
            times[learners[k]] += 1
    return times


@njit(cache=True)
def _count_one_by_one(
    left: Ints, right: Ints, times: Ints, learners_from: Ints, learners: Ints, counts: Ints
) -> None:
    """Fill `counts` of left by right groups; `times`: in how many at the right each learner is."""
    ends = np.cumsum(times)
    begins = ends - times
    columns = np.empty(ends[-1] if ends.size else 0, dtype=np.int32)
    free = begins.copy()
    for column in range(right.size):
        for k in range(learners_from[right[column]], learners_from[right[column] + 1]):
            columns[free[learners[k]]] = column
            free[learners[k]] += 1
    for row in range(left.size):
        for k in range(learners_from[left[row]], learners_from[left[row] + 1]):
            u = learners[k]
            for m in range(begins[u], ends[u]):
                counts[row, columns[m]] += 1


@njit(cache=True)
def _count_pairs(
    order: Ints,
    one: Ints,
    other: Ints,
    learners_from: Ints,
    learners: Ints,
    n_learners: int,
    counts: Ints,
) -> None:
    """Fill `counts` of pairs of groups, in an order that has equal pairs behind each other."""
    met = np.full(n_learners, -1, dtype=np.int64)  # the last first group that each was seen in
    last, last_other, shared = -1, -1, 0
    for place in order:
        if one[place] != last:
            last, last_other = one[place], -1
            for k in range(learners_from[last], learners_from[last + 1]):
                met[learners[k]] = last
        if other[place] != last_other:
            last_other, shared = other[place], 0
            for k in range(learners_from[last_other], learners_from[last_other + 1]):
                shared += met[learners[k]] == last
        counts[place] = shared


@njit(cache=True)
def as_bits(groups: Ints, learners_from: Ints, learners: Ints, words: int) -> Ints:
    """(n, words) the learners of some groups as bits; those beyond the last word are left out."""
    bits = np.zeros((groups.size, words), dtype=np.uint64)
    for row in range(groups.size):
        for k in range(learners_from[groups[row]], learners_from[groups[row] + 1]):
            u = learners[k]
            if u < words * WORD:
                bits[row, u // WORD] |= np.uint64(1) << np.uint64(u % WORD)
    return bits


@njit(cache=True, nogil=True)
def count_by_bits(rows: Ints, left: Ints, right: Ints, counts: Ints) -> None:
    """Count the bits that some rows of `left` share with every row of `right`.

    Args:
        rows: (r,) which rows, ascending.
        left, right: (n, words), (m, words).
        counts: (n, m) of which these rows are filled.
    """
    if rows.size == 0:
        return
    for start in range(0, len(right), STAY):
        for k in range(0, rows.size, 4):  # a word of another set is fetched once for four
            # fours are filled up; counting twice does no harm
            a, b, c, d = rows[k], rows[-1], rows[-1], rows[-1]
            if k + 3 < rows.size:
                b, c, d = rows[k + 1], rows[k + 2], rows[k + 3]
            elif k + 2 < rows.size:
                b, c = rows[k + 1], rows[k + 2]
            one, two, three, four = left[a], left[b], left[c], left[d]
            for other in range(start, min(start + STAY, len(right))):
                theirs = right[other]
                s, t, v, w = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
                for m in range(theirs.size):
                    word = theirs[m]
                    s += bit_count(one[m] & word)
                    t += bit_count(two[m] & word)
                    v += bit_count(three[m] & word)
                    w += bit_count(four[m] & word)
                counts[a, other], counts[b, other] = s, t
                counts[c, other], counts[d, other] = v, w
