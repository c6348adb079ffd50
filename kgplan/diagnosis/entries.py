"""Stored entries of sparse matrices, zeros included: where they stand, and some of them."""

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Ints


def rows_of(matrix: sparse.csr_array) -> Ints:
    """The row of each stored entry, in their order.

    >>> rows_of(sparse.csr_array(([0.0, 2.0], ([1, 1], [0, 2])), shape=(2, 3)))
    array([1, 1])
    """
    rows: Ints = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    return rows


def only(matrix: sparse.csr_array, kept: Array) -> sparse.csr_array:
    """The matrix with those of its stored entries that are kept.

    Args:
        matrix: any.
        kept: True for each stored entry that stays, in their order.

    >>> only(sparse.csr_array([[1, 2], [3, 0]]), np.array([False, True, True])).toarray()
    array([[0, 2],
           [3, 0]])
    """
    indptr = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr]
    return sparse.csr_array((matrix.data[kept], matrix.indices[kept], indptr), shape=matrix.shape)


def stored_in(matrix: sparse.csr_array, other: sparse.csr_array) -> Array:
    """True for each stored entry of a matrix that another of its shape stores too.

    >>> stored_in(sparse.csr_array([[1, 2], [3, 0]]), sparse.csr_array([[0, 5], [0, 6]]))
    array([False,  True, False])
    """
    width = matrix.shape[1]
    mine, theirs = (rows_of(each) * width + each.indices for each in (matrix, other))
    return np.isin(mine, theirs)
