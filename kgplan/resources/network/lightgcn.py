"""What do neighbours in two graphs say of a learner, a resource, a concept? Eq. (6).

Nodes stand in one row: learners, resources, concepts.
"""

from typing import Any

import numpy as np
from scipy import sparse


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
    n_concepts = q_matrix.shape[1]
    views = _symmetric([[None, opened], [None, None]], n_learners, n_items)
    with_concepts = sparse.block_diag(
        [views, sparse.csr_array((n_concepts, n_concepts))], format="csr"
    )
    relations = before.astype(np.float64)
    relations.setdiag(0)
    relations.eliminate_zeros()
    joined = sparse.block_array([[None, q_matrix], [None, relations]], format="csr")
    joined = _both_ways(sparse.csr_array(joined))
    padded = sparse.block_diag([sparse.csr_array((n_learners, n_learners)), joined], format="csr")
    return sparse.csr_array(
        normalised(_ones(with_concepts)) + knowledge * normalised(_ones(padded))
    )


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


def _ones(matrix: Any) -> sparse.csr_array:
    made = sparse.csr_array(matrix, dtype=np.float64)
    made.eliminate_zeros()
    made.data[:] = 1
    made.sort_indices()
    return made


def _both_ways(matrix: sparse.csr_array) -> sparse.csr_array:
    return sparse.csr_array(matrix + matrix.T)


def _symmetric(blocks: list[list[Any]], rows: int, columns: int) -> sparse.csr_array:
    blocks[0][0] = sparse.csr_array((rows, rows))
    blocks[1][1] = sparse.csr_array((columns, columns))
    return _both_ways(sparse.csr_array(sparse.block_array(blocks, format="csr")))
