"""Where does an id stand on its axis, and a matrix on another one?"""

from collections.abc import Iterable

import numpy as np
from scipy import sparse

from kgplan.arrays import Ids, Ints, positions
from kgplan.data.search import close_matches
from kgplan.errors import NotFound


class Axis:
    """The ids of one axis, each with its position; `arrays.positions` finds many at once.

    Args:
        ids: (N,) without repeats.

    Attributes:
        ids: the array.
        names: the same as a list.

    >>> axis = Axis(np.array(["C_art", "C_maths"]))
    >>> axis.find("C_maths"), axis.find("C_law"), axis.known(["C_law", "C_art"])
    (1, -1, array([0]))
    """

    def __init__(self, ids: Ids) -> None:
        self.ids, self.names = ids, ids.tolist()
        self._at = {name: k for k, name in enumerate(self.names)}

    def __contains__(self, wanted: object) -> bool:
        return wanted in self._at

    def find(self, wanted: str) -> int:
        """The position of an id; -1 where there is none."""
        return self._at.get(wanted, -1)

    def place(self, wanted: str, unknown: type[NotFound]) -> int:
        """The position of an id that must be there.

        Raises:
            NotFound: of the kind given, with close matches; there is none.
        """
        at = self.find(wanted)
        if at < 0:
            raise unknown(wanted, close_matches(wanted, self.ids))
        return at

    def known(self, wanted: Iterable[str]) -> Ints:
        """The positions of those ids that are there, in the order given."""
        return np.array([at for each in wanted if (at := self.find(each)) >= 0], dtype=np.int64)


def on_axis(matrix: sparse.csr_array, of: Ids, to: Ids) -> sparse.csr_array:
    """The matrix with its columns, named by `of`, where `to` has these names; others left out."""
    if matrix.has_sorted_indices and np.array_equal(of, to):
        return matrix
    stored = matrix.tocoo()
    column = positions(to, of)[stored.col]
    kept = column >= 0
    result = sparse.coo_array(
        (stored.data[kept], (stored.row[kept], column[kept])), shape=(matrix.shape[0], to.size)
    ).tocsr()
    result.sort_indices()
    return result
