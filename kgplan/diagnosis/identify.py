"""Which concepts can answers tell apart, and which does a learner's evidence reach?

The *ideal response* of a state (set of held concepts) to a video is eta, its answer but for slip
and guess: states with equal ideal responses to all that was observed are equally likely by the
evidence, and only the prior prefers one of them.
Sizes: U learners, V videos or items, K concepts, S = 2^K states.
"""

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Ints, check_axis
from kgplan.diagnosis.config import STATE_LIMIT
from kgplan.errors import InputError
from kgplan.native.partition import split


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


def equal_response_classes(q_matrix: sparse.csr_matrix, link: str) -> Ints:
    """Put states with equal ideal responses to every video into one class.

    Args:
        q_matrix: (V, K) not 0 where the video covers the concept; at most STATE_LIMIT concepts.
        link: "conjunctive" or "compensatory".

    Returns:
        (S,) the class of each state, numbered by its first state; bit k of a state is concept k.

    Raises:
        InputError: more than STATE_LIMIT concepts.

    >>> both = sparse.csr_matrix(np.array([[1, 1]]))  # states: none, the first, the second, both
    >>> equal_response_classes(both, "conjunctive"), equal_response_classes(both, "compensatory")
    (array([0, 0, 0, 1]), array([0, 1, 1, 2]))
    """
    n_concepts = q_matrix.shape[1]
    if n_concepts > STATE_LIMIT:
        raise InputError(
            f"{n_concepts} concepts have 2^{n_concepts} states; give at most {STATE_LIMIT}, "
            "or ask exchangeable_concepts about single concepts"
        )
    q = np.unique((q_matrix != 0).toarray(), axis=0)
    states = np.arange(1 << n_concepts)
    label = np.zeros(states.size, np.int64)
    for video in q[q.any(axis=1)]:
        covered = int(video @ (1 << np.arange(n_concepts)))
        if link == "conjunctive":
            response = ((states & covered) == covered).astype(np.int64)
        else:
            response = np.bitwise_count(states & covered).astype(np.int64)
        label = np.unique(label * (n_concepts + 1) + response, return_inverse=True)[1]
    _, first, label = np.unique(label, return_index=True, return_inverse=True)
    rank = np.empty(first.size, np.int64)
    rank[np.argsort(first)] = np.arange(first.size)
    return rank[label]


def exchangeable_concepts(q_matrix: sparse.csr_matrix) -> Ints:
    """Put concepts that exactly the same videos cover into one class.

    Exchanging two concepts in every state changes no ideal response, under either link, exactly if
    the same videos cover both: no answer of anybody then tells which of the two is held. Answers
    may leave more open than that (`ambiguous_concepts`).

    Args:
        q_matrix: (V, K) not 0 where the video covers the concept.

    Returns:
        (K,) the class of each concept; 0 for those that no video covers.

    >>> q_matrix = sparse.csr_matrix(np.array([[1, 1, 1, 0], [0, 0, 1, 0]]))
    >>> exchangeable_concepts(q_matrix)
    array([1, 1, 2, 0])
    """
    q = sparse.csr_matrix(q_matrix, copy=True)
    q.sum_duplicates()
    q.eliminate_zeros()
    return split(np.arange(q.shape[0]), q.indptr, q.indices, q.shape[1])


def not_told_apart(watched: sparse.csr_matrix, q_matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Find each learner's concepts that the videos observed leave exchangeable with another.

    Args:
        watched: (U, V) every stored entry is an observation.
        q_matrix: (V, K) not 0 where the video covers the concept.

    Returns:
        (U, K) True where exactly the same observed videos cover the concept and another one: the
        learner's answers cannot tell which of them is held (`exchangeable_concepts`).

    Raises:
        AxisMismatch: the two disagree on V.

    >>> watched = sparse.csr_matrix(np.array([[1.0, 0.0], [1.0, 1.0]]))
    >>> q_matrix = sparse.csr_matrix(np.array([[1, 1, 0], [0, 1, 1]]))
    >>> not_told_apart(watched, q_matrix).toarray()
    array([[ True,  True, False],
           [False, False, False]])
    """
    check_axis("V", watched=watched.shape[1], q_matrix=q_matrix.shape[0])
    q = sparse.csr_matrix(q_matrix, copy=True)
    q.sum_duplicates()
    q.eliminate_zeros()
    indptr, indices = [0], []
    for row in range(watched.shape[0]):
        observed = watched.indices[watched.indptr[row] : watched.indptr[row + 1]]
        classes = split(observed, q.indptr, q.indices, q.shape[1])
        size = np.bincount(classes)
        size[0] = 0  # not reached at all
        indices.append(np.flatnonzero(size[classes] > 1))
        indptr.append(indptr[-1] + indices[-1].size)
    found = np.concatenate([*indices, np.zeros(0, np.int64)])
    shape = watched.shape[0], q.shape[1]
    return sparse.csr_matrix((np.ones(found.size, bool), found, indptr), shape=shape)
