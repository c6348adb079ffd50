"""The few array helpers that every computing module shares."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from kgplan.errors import AxisMismatch

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


def named_below(name: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays of a part under names of the whole.

    >>> named_below("graph", {"ids": np.array([1])})
    {'graph.ids': array([1])}
    """
    return {f"{name}.{each}": array for each, array in arrays.items()}


def arrays_below(name: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays of a part, under its own names, from those of the whole.

    >>> arrays_below("graph", {"graph.ids": np.array([1]), "items.ids": np.array([2])})
    {'ids': array([1])}
    """
    start = f"{name}."
    return {each[len(start) :]: arrays[each] for each in arrays if each.startswith(start)}
