"""The few array helpers that every computing module shares."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from kgplan.errors import AxisMismatch

if TYPE_CHECKING:
    from scipy import sparse

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.integer[Any]]
Ids = npt.NDArray[np.str_]


def check_axis(axis: str, **sizes: int) -> None:
    """Refuse arrays that disagree on the size of a shared axis.

    Args:
        axis: the axis's letter, for the message.
        **sizes: argument name -> its size along that axis.

    Raises:
        AxisMismatch: the sizes differ.

    >>> check_axis("V", watched=3, slip=3)
    >>> check_axis("V", watched=3, slip=2)
    Traceback (most recent call last):
    kgplan.errors.AxisMismatch: arrays disagree on axis V: watched has 3, slip has 2
    """
    if len(set(sizes.values())) > 1:
        raise AxisMismatch(axis, sizes)


def positions(ids: Array, wanted: Array) -> Ints:
    """Where each wanted value stands in sorted `ids`; -1 where it does not.

    Args:
        ids: (N,) sorted, without repeats.
        wanted: (M,) in any order.

    Returns:
        (M,) positions into `ids`.

    >>> positions(np.array(["a", "c"]), np.array(["c", "b", "a"]))
    array([ 1, -1,  0])
    """
    if ids.size == 0:
        return np.full(wanted.shape, -1)
    at = np.minimum(np.searchsorted(ids, wanted), ids.size - 1)
    return np.where(ids[at] == wanted, at, -1)


def stored_in(matrix: "sparse.csr_array | sparse.csc_array", line: int) -> Ints:
    """What a row of a CSR, or a column of a CSC matrix, has stored: a view of its own indices.

    >>> from scipy import sparse
    >>> stored_in(sparse.csr_array([[0, 0, 0], [5, 0, 7]]), 1)
    array([0, 2], dtype=int32)
    """
    stored: Ints = matrix.indices[matrix.indptr[line] : matrix.indptr[line + 1]]
    return stored
