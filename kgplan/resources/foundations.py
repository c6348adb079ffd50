"""Is a resource a foundation that is due, or ahead of what the learner holds? Pre of eq. (8).

Sizes: K concepts, V resources.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from kgplan.arrays import Floats, Ints
from kgplan.graph.health import components

AT_ONCE = 4_096  # targets whose reach is followed at once: a bit of each for every concept


@dataclass(frozen=True)
class Foundations:
    """What resources cover, what that builds on, and how much builds on each concept.

    Attributes:
        covers: (V, K) stored where the resource covers the concept.
        before: (V, K) stored where a concept is a direct prerequisite of one that the resource
            covers, and is not covered by it.
        criticality: (K,) of each concept, see `criticality`.
    """

    covers: sparse.csr_array
    before: sparse.csr_array
    criticality: Floats

    @classmethod
    def of(cls, covers: sparse.csr_array, requires: sparse.csr_array) -> "Foundations":
        """From what covers what, and what requires what.

        Args:
            covers: (V, K).
            requires: (K, K) stored where the column is a direct prerequisite of the row.
        """
        covered = (covers != 0).astype(np.int32)
        needed = ((covered @ (requires != 0).astype(np.int32)) > 0).astype(np.int32)
        before = (needed - needed * covered).tocsr()
        before.eliminate_zeros()
        return cls(covered.tocsr(), before, criticality(requires))

    def pre(self, items: Ints, mastery: Floats) -> Floats:
        """(n,) Pre of eq. (8): positive for a foundation not held, negative for what comes early.

        The largest criticality times what is not held of it among what the resource covers, less
        the mean of the same over the prerequisites that it does not cover itself.

        Args:
            items: (n,) positions of resources.
            mastery: (K,).
        """
        open_part = self.criticality * (1 - mastery)
        lifts, starts = _values(self.covers, items, open_part)
        most = np.zeros(items.size)
        some = np.diff(starts) > 0
        if lifts.size:
            most[some] = np.maximum.reduceat(lifts, starts[:-1][some])
        needs, starts = _values(self.before, items, open_part)
        sums = np.diff(np.append(0.0, np.cumsum(needs))[starts])
        found: Floats = most - sums / np.maximum(np.diff(starts), 1)
        return found


def _values(matrix: sparse.csr_array, rows: Ints, of: Floats) -> tuple[Floats, Ints]:
    """What stands at the columns of each row, and where each row's begin."""
    counts = matrix.indptr[rows + 1] - matrix.indptr[rows]
    starts = np.append(0, np.cumsum(counts))
    within = np.arange(starts[-1]) - np.repeat(starts[:-1], counts)
    return of[matrix.indices[np.repeat(matrix.indptr[rows], counts) + within]], starts


def criticality(requires: sparse.csr_array) -> Floats:
    """(K,) log(1 + descendants) / log(1 + the most of any), in [0, 1]; 0 where nothing has any.

    Descendants are the concepts that a concept is needed for, directly or not. Those of one cycle
    need each other: they count as one in front of the others, and not for each other.

    Args:
        requires: (K, K) stored where the column is a direct prerequisite of the row.

    >>> chain = sparse.csr_array(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]]))
    >>> criticality(chain).round(2).tolist()
    [1.0, 0.63, 0.0]
    """
    pairs, n = requires.tocoo(), requires.shape[0]
    group = components(pairs.col, pairs.row, n)
    size = np.bincount(group)
    crosses = group[pairs.col] != group[pairs.row]
    edges = np.unique(np.stack([group[pairs.col], group[pairs.row]], axis=1)[crosses], axis=0)
    first = np.searchsorted(edges[:, 0], np.arange(size.size + 1))
    order = _latest_first(edges, first)
    found = np.zeros(size.size)
    for begin in range(0, size.size, AT_ONCE):
        some = np.arange(begin, min(begin + AT_ONCE, size.size))
        reach = np.zeros((size.size, -(-some.size // 8)), dtype=np.uint8)
        own = np.packbits(np.eye(some.size, dtype=bool), axis=1)
        for node in order:
            after = edges[first[node] : first[node + 1], 1]
            if after.size:
                below = np.bitwise_or.reduce(reach[after], axis=0)
                for each in after[(after >= begin) & (after < begin + some.size)]:
                    below = below | own[each - begin]
                reach[node] = below
        for node in np.flatnonzero(reach.any(axis=1)).tolist():
            found[node] += size[some][np.unpackbits(reach[node], count=some.size) > 0].sum()
    most = found.max(initial=0.0)
    return (np.log1p(found) / np.log1p(most) if most > 0 else found)[group]


def _latest_first(edges: Ints, first: Ints) -> list[int]:
    """Every node of an acyclic graph behind all that its edges lead to.

    Args:
        edges: (E, 2) from and to, sorted.
        first: (n + 1,) where each node's edges begin.
    """
    n = first.size - 1
    left = np.diff(first)
    into = np.argsort(edges[:, 1], kind="stable")
    starts = np.searchsorted(edges[into, 1], np.arange(n + 1))
    order = np.flatnonzero(left == 0).tolist()
    for node in order:  # grows meanwhile
        for before in edges[into[starts[node] : starts[node + 1]], 0].tolist():
            left[before] -= 1
            if left[before] == 0:
                order.append(before)
    return order
