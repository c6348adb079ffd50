"""How does what is computed become plain arrays to store, and come back?"""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, Self

import numpy as np
from scipy import sparse

from kgplan.arrays import Array


class Stored:
    """A dataclass that is stored under the names of its fields.

    These are arrays, sparse matrices, single values and such dataclasses; what has no value is not
    stored. A class with fields of another form stores these itself.
    """

    def to_arrays(self) -> dict[str, Array]:
        """Plain arrays that `from_arrays` turns back."""
        arrays: dict[str, Array] = {}
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if isinstance(value, sparse.csr_array):
                arrays |= csr_to_arrays(field.name, value)
            elif isinstance(value, Stored):
                arrays |= named_below(field.name, value.to_arrays())
            elif isinstance(value, np.ndarray | str | float | int):
                arrays[field.name] = np.asarray(value)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array], **given: Any) -> Self:
        """Rebuild from what `to_arrays` gave.

        Args:
            arrays: those; one may be missing where its field has a default.
            **given: fields that are not among them.
        """
        stored = set(arrays)
        for field in fields(cls):  # type: ignore[arg-type]
            name, kind = field.name, field.type
            if name in given:
                continue
            if isinstance(kind, type) and issubclass(kind, Stored):
                given[name] = kind.from_arrays(arrays_below(name, arrays))
            elif f"{name}.indptr" in stored:
                given[name] = csr_from_arrays(name, arrays)
            elif name in stored or field.default is MISSING:
                array = np.asarray(arrays[name])
                given[name] = array if array.ndim else array.item()
        return cls(**given)


def csr_to_arrays(name: str, matrix: sparse.csr_array) -> dict[str, Array]:
    """The parts of a sparse matrix, named after it."""
    return {
        f"{name}.indptr": matrix.indptr.astype(np.int64),
        f"{name}.indices": matrix.indices.astype(np.int32),
        f"{name}.data": matrix.data,
        f"{name}.shape": np.array(matrix.shape, dtype=np.int64),
    }


def csr_from_arrays(name: str, arrays: Mapping[str, Array]) -> sparse.csr_array:
    """The sparse matrix whose parts `csr_to_arrays` named."""
    data, indices, indptr = (
        np.asarray(arrays[f"{name}.{part}"]) for part in ("data", "indices", "indptr")
    )
    if indices.size <= np.iinfo(indices.dtype).max:
        indptr = indptr.astype(indices.dtype)  # of two types SciPy would copy all to the wider one
    return sparse.csr_array(
        (data, indices, indptr), shape=tuple(int(n) for n in arrays[f"{name}.shape"])
    )


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
