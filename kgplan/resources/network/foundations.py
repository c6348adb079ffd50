"""Is a foundation unfinished, or a topic premature? Eq. (8).

Sizes: V resources, K concepts.
"""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from kgplan.arrays import Array, Floats


def criticality(before: sparse.csr_array) -> Floats:
    """(K,) how much rests on each concept: log(1 + descendants) over the log of the most.

    Args:
        before: (K, K) where the column's concept is a prerequisite of the row's. Concepts of one
            cycle have each other, and all that follows any of them, as descendants.
    """
    after = sparse.csr_array(before.T)
    n, part = connected_components(after, directed=True, connection="strong")
    sizes = np.bincount(part, minlength=n)
    edges = after.tocoo()
    reached: Array = np.eye(n, dtype=bool)
    of_part = sparse.coo_array(
        (np.ones(edges.nnz, dtype=bool), (part[edges.row], part[edges.col])), shape=(n, n)
    ).tocsr()
    count = -1
    while count != (count := int(reached.sum())):
        reached |= (of_part.astype(np.int32) @ reached.astype(np.int32)) > 0
    descendants = reached @ sizes - 1
    most = np.log1p(descendants.max(initial=0))
    return np.log1p(descendants[part]) / (most or 1.0)


def foundations(
    q_matrix: sparse.csr_array, before: sparse.csr_array, critical: Floats, mastery: Floats
) -> Floats:
    """(V,) Pre of eq. (8), in [-1, 1].

    Above 0 where a resource lays an unfinished foundation, below where its own ones are missing.

    Args:
        q_matrix: (V, K) where the resource covers the concept; one without any gets 0.
        before: as for `criticality`.
        critical: (K,) what that gives.
        mastery: (K,) of the learner.
    """
    open_ones = critical * (1 - mastery)
    lays = np.asarray(q_matrix.multiply(open_ones[None, :]).max(axis=1).todense()).ravel()
    needed = (q_matrix.astype(np.int32) @ before.astype(np.int32)) > 0
    own = needed.multiply(q_matrix > 0)
    missing = sparse.csr_array(needed.astype(np.float64) - own.astype(np.float64))
    count = missing.sum(axis=1)
    return lays - (missing @ open_ones) / np.maximum(count, 1)
