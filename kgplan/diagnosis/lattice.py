"""How are likelihoods summed over all 2^K states, where items need all of their concepts?

An item's likelihood ratio counts in all states that hold its concepts. A *table* has a row for
every set of its concepts: the product of the ratios of the items whose concepts the set holds. It
is grown concept by concept: the rows that hold one concept more are the rows without it, times
the product of the items whose last concept it is; and that product is itself a table, on the
other concepts of those items only, usually a few. So a state costs one product, whatever the
number of items. The way back is the same in reverse: rows that hold the concept are added to
those without it and, summed over the concepts that the smaller table lacks, to the rows of that
table. Every table's first row then holds the sum over all states that hold its path, the concepts
that lead to it: what the items with just these concepts need, and for paths of one concept the
mastery.

A row holds eight learners side by side (lanes.py).
Sizes: V videos, K concepts, S = 2^K states, R cases, N rows of all tables, L levels of all tables.
"""

from collections.abc import Iterable

import numpy as np

from kgplan.arrays import Ints
from kgplan.native.states import Lattice


def arrange(masks: Ints, n_concepts: int) -> Lattice:
    """Plan the tables for items of these concepts.

    The last concept is the one that shares items with the fewest others, as half of all states
    are grown with it; and so on downwards, as if its items were gone.

    Args:
        masks: (V,) the state that holds a video's concepts and no others; 0 for none.
        n_concepts: K; every concept is in some mask.

    >>> lattice = arrange(np.array([0b01, 0b11, 0]), 2)
    >>> lattice.n_rows, lattice.home.tolist()  # states: rows 0 to 3
    (8, [5, 7, -1])
    """
    needed = {int(mask) for mask in masks} - {0}
    order, left, rest = np.empty(n_concepts, np.int64), list(range(n_concepts)), set(needed)
    for bit in range(n_concepts - 1, -1, -1):
        sharing = [_union(mask for mask in rest if mask >> k & 1).bit_count() for k in left]
        order[bit] = left.pop(int(np.argmin(sharing)))
        rest = {mask for mask in rest if not mask >> int(order[bit]) & 1}

    def moved(states: Ints) -> Ints:
        """The same states, with concepts at their bits."""
        held = (states[:, None] >> order) & 1
        return (held << np.arange(n_concepts)).sum(axis=1).astype(np.int64)

    first_row: dict[int, int] = {}
    level: list[tuple[int, int, int, int, int]] = []
    walks: list[Ints] = [np.zeros(0, np.int64)]
    n_rows = n_walked = 0

    def lay(path: int, bits: list[int], inside: set[int]) -> int:
        """Lay out a table and those that it is grown from; `inside`: what its items need yet."""
        nonlocal n_rows, n_walked
        at = first_row[path] = n_rows
        n_rows += 1 << len(bits)
        for i, bit in enumerate(bits):
            others = {mask ^ 1 << bit for mask in inside if mask.bit_length() - 1 == bit}
            shared = _union(others)
            within = [j for j in range(i) if shared >> bits[j] & 1]
            free = [j for j in range(i) if not shared >> bits[j] & 1]
            child = lay(path | 1 << bit, [bits[j] for j in within], others - {0})
            level.append((at, 1 << i, child, 1 << len(within), n_walked))
            walks.append((_sets(within)[:, None] | _sets(free)).ravel())
            n_walked += 1 << i
        return at

    moved_masks = moved(masks)
    lay(0, list(range(n_concepts)), {int(mask) for mask in moved_masks} - {0})
    concept_home = np.empty(n_concepts, np.int64)
    concept_home[order] = [first_row[1 << bit] for bit in range(n_concepts)]
    return Lattice(
        place=moved(np.arange(1 << n_concepts)),
        home=np.array([first_row[int(m)] if m else -1 for m in moved_masks], np.int64),
        concept_home=concept_home,
        first=np.array(list(first_row.values()), np.int64),
        level=np.array(level, np.int64).reshape(-1, 5),
        walk=np.concatenate(walks).astype(np.int32),
        n_rows=n_rows,
    )


def _union(masks: Iterable[int]) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union


def _sets(bits: list[int]) -> Ints:
    """All subsets of these bits, the first varying fastest."""
    sets = np.zeros(1, np.int64)
    for bit in bits:
        sets = np.concatenate([sets, sets | 1 << bit])
    return sets
