"""Which concepts can answers tell apart, and which does a learner's evidence reach?

Sizes: U learners, V videos or items, K concepts.
"""

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, check_axis


def reached(watched: sparse.csr_matrix, q_matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Say which concepts a learner's observed videos cover: those *identified* for the learner.

    Args:
        watched: (U, V) every stored entry is an observation.
        q_matrix: (V, K) not 0 where the video covers the concept.

    Returns:
        (U, K) True where at least one observed video covers the concept.

    Raises:
        AxisMismatch: the two disagree on V.

    >>> watched = sparse.csr_matrix(([0.0], ([0], [1])), shape=(1, 2))
    >>> reached(watched, sparse.csr_matrix(np.array([[1, 0], [0, 1]]))).toarray()
    array([[False,  True]])
    """
    check_axis("V", watched=watched.shape[1], q_matrix=q_matrix.shape[0])
    seen = sparse.csr_matrix(
        (np.ones(watched.nnz), watched.indices, watched.indptr), shape=watched.shape
    )
    return sparse.csr_matrix(seen @ (q_matrix != 0).astype(np.float64)) > 0


def ambiguous_concepts(q_matrix: sparse.csr_matrix, link: str) -> Array:
    """Find concepts that two learners may differ in without any item showing it.

    Conjunctive: a concept is told apart for everybody exactly if some item needs it alone (Chiu,
    Douglas & Li, Psychometrika 2009: completeness of Q): without such an item, a learner who
    holds nothing else answers the same with it and without it. Compensatory: counts of held
    concepts are linear in the state, so concepts outside the null space of Q are told apart; a
    concept inside it may be.

    Args:
        q_matrix: (V, K) not 0 where the item needs the concept.
        link: "conjunctive" or "compensatory".

    Returns:
        (K,) True where the Q-matrix alone leaves the concept open, at least for some learners.

    >>> q_matrix = sparse.csr_matrix(np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1]]))
    >>> ambiguous_concepts(q_matrix, "conjunctive"), ambiguous_concepts(q_matrix, "compensatory")
    (array([False,  True, False]), array([False, False, False]))
    """
    q = (q_matrix != 0).astype(np.float64).tocsr()
    if link == "conjunctive":
        alone = q[np.diff(q.indptr) == 1]
        return np.asarray(alone.sum(axis=0)).ravel() == 0
    gram = (q.T @ q).toarray()
    value, vector = np.linalg.eigh(gram)
    null = value < 1e-9 * max(float(value.max(initial=0.0)), 1.0)
    return (vector[:, null] ** 2).sum(axis=1) > 1e-9
