"""What do neighbours in two graphs say of a learner, a resource, a concept? Eq. (6).

Nodes stand in one row: learners, resources, concepts.
"""

from typing import Any

import numpy as np
from scipy import sparse

from kgplan.arrays import Ints


def normalised(edges: sparse.csr_array) -> sparse.csr_array:
    """Each entry over the root of both nodes' numbers of neighbours; of (N, N), symmetric."""
    degree = np.maximum(np.diff(edges.indptr), 1)
    root = sparse.diags_array(1 / np.sqrt(degree))
    return sparse.csr_array(root @ edges @ root)


def two_graphs(
    opened: sparse.csr_array, q_matrix: sparse.csr_array, before: sparse.csr_array, knowledge: float
) -> sparse.csr_array:
    """What a layer of eq. (6) multiplies by.

    Args:
        opened: (U, V) where the learner opened the resource.
        q_matrix: (V, K) where it covers the concept.
        before: (K, K) where the column's concept is a prerequisite of the row's.
        knowledge: lambda.

    Returns:
        (U + V + K, U + V + K).
    """
    n_learners, n_items = opened.shape
    n = n_learners + n_items + q_matrix.shape[1]
    items, concepts = n_learners, n_learners + n_items
    relations = before.tocoo()
    other = relations.row != relations.col
    pairs = relations.row[other] + concepts, relations.col[other] + concepts
    covers, views = q_matrix.tocoo(), opened.tocoo()
    by_views = both_ways(views.row, views.col + items, n)
    by_knowledge = both_ways(
        np.concatenate([covers.row + items, pairs[0]]),
        np.concatenate([covers.col + concepts, pairs[1]]),
        n,
    )
    return sparse.csr_array(normalised(by_views) + knowledge * normalised(by_knowledge))


def propagated(graph: Any, first: Any, layers: int) -> Any:
    """(N, d) mean over the layers 0 to L.

    Args:
        graph: (N, N) of `two_graphs`, sparse, of SciPy or PyTorch.
        first: (N, d) e^(0).
        layers: L.
    """
    total = now = first
    for _ in range(layers):
        now = graph @ now
        total = total + now
    return total / (layers + 1)


def both_ways(row: Ints, col: Ints, n: int) -> sparse.csr_array:
    """(n, n) 1 for each pair of nodes, in both directions, however often it is given."""
    ends = np.concatenate([row, col]), np.concatenate([col, row])
    edges = sparse.coo_array((np.ones(ends[0].size), ends), shape=(n, n)).tocsr()
    edges.data[:] = 1
    return sparse.csr_array(edges)
