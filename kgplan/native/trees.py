"""What do boosted trees say of rows, and what brought each row there?

Sizes: j rows, F columns, T trees, N nodes of all trees, G groups of columns.
"""

from typing import NamedTuple

import numpy as np

from kgplan.arrays import Array, Floats, Ints
from kgplan.native.compiled import njit


class Nodes(NamedTuple):
    """The nodes of all trees, see `resources.blend.trees.Trees`."""

    roots: Ints
    column: Ints
    threshold: Floats
    missing_left: Array
    left: Ints
    right: Ints
    value: Floats


@njit(cache=True, nogil=True)
def sums(nodes: Nodes, base: float, rows: Floats) -> Floats:
    """(j,) the values of the leaves that each row reaches, added to `base` tree by tree."""
    found = np.full(rows.shape[0], base)
    for tree in range(nodes.roots.size):
        for row in range(rows.shape[0]):
            node = nodes.roots[tree]
            while nodes.column[node] >= 0:
                node = _below(nodes, node, rows[row, nodes.column[node]])
            found[row] += nodes.value[node]
    return found


@njit(cache=True, nogil=True)
def moves(nodes: Nodes, group: Ints, n_groups: int, rows: Floats) -> Floats:
    """(j, G) by how much the nodes that look at each group's columns moved the value of a row.

    Args:
        nodes: all, with values of those that are no leaves, too.
        group: (F,) of each column.
        n_groups: G.
        rows: (j, F).
    """
    found = np.zeros((rows.shape[0], n_groups))
    for tree in range(nodes.roots.size):
        for row in range(rows.shape[0]):
            node = nodes.roots[tree]
            while nodes.column[node] >= 0:
                column = nodes.column[node]
                after = _below(nodes, node, rows[row, column])
                found[row, group[column]] += nodes.value[after] - nodes.value[node]
                node = after
    return found


@njit(cache=True, nogil=True)
def _below(nodes: Nodes, node: int, x: float) -> int:
    """Where a row goes from a node."""
    goes_left = nodes.missing_left[node] if np.isnan(x) else x <= nodes.threshold[node]
    return nodes.left[node] if goes_left else nodes.right[node]
