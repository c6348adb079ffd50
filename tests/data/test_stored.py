"""A dataclass that kgplan does not know is stored by its fields, through files, and comes back."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import sparse

from kgplan.arrays import Floats, Ids
from kgplan.data.stored import Stored


@dataclass(frozen=True)
class Inner(Stored):
    values: Floats
    whole: bool


@dataclass(frozen=True)
class Outer(Stored):
    ids: Ids
    counts: sparse.csr_array
    inner: Inner
    version: str
    lengths: Floats | None = None


def test_what_is_stored_comes_back_under_the_names_of_the_fields(tmp_path):
    counts = sparse.csr_array(np.array([[0, 2], [3, 0]]))
    outer = Outer(np.array(["a", "b"]), counts, Inner(np.array([0.5]), True), "v1")
    for name, array in outer.to_arrays().items():
        np.save(tmp_path / f"{name}.npy", array, allow_pickle=False)
    stored = {file.stem: np.load(file, mmap_mode="r") for file in tmp_path.iterdir()}
    matrix = {f"counts.{part}" for part in ("data", "indices", "indptr", "shape")}
    assert set(stored) == {"ids", "version", "inner.values", "inner.whole", *matrix}
    again = Outer.from_arrays(stored)
    assert (again.ids.tolist(), again.version, again.lengths) == (["a", "b"], "v1", None)
    assert (again.counts != counts).nnz == 0
    assert (again.inner.values.tolist(), again.inner.whole) == ([0.5], True)
    assert type(again.inner.whole) is bool
    given = Outer.from_arrays({"ids": outer.ids, "version": "v2"} | stored, inner=outer.inner)
    assert given.inner is outer.inner
    with pytest.raises(KeyError, match="ids"):
        Outer.from_arrays({name: array for name, array in stored.items() if name != "ids"})
