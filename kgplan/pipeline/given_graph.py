"""Which concepts and prerequisites do anyone's files hold? Read through the source that knows them.

Sizes: K concepts.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from scipy import sparse

from kgplan.arrays import Ids, Ints
from kgplan.errors import InputError
from kgplan.etl.extract import extract
from kgplan.evaluation.shapes import SHAPES, write_shape
from kgplan.graph.health import levels


@dataclass(frozen=True)
class GivenGraph:
    """A graph without courses.

    Attributes:
        names: (K,) of its concepts, those that others are parts of left out.
        prerequisites: (K, K) True where the column is a prerequisite of the row.
        order: (K,) positions; what needs less comes first, of these by id.
    """

    names: Ids
    prerequisites: sparse.csr_array
    order: Ints


def given_graph(graph: str, seed: int = 0) -> GivenGraph:
    """The graph of files, or a made-up one of a shape, written in its platform's files first.

    Args:
        graph: a name of `SHAPES`; else the path of a zip or a folder that a source knows.
        seed: draws a shape.

    Raises:
        SourceError: nothing is there, or no source knows it.
        InputError: there are fewer than two concepts.
    """
    with tempfile.TemporaryDirectory(prefix="kgplan-") as name:
        files, out = Path(name) / "files", Path(name) / "tables"
        files.mkdir()
        out.mkdir()
        if graph in SHAPES:
            write_shape(graph, seed, files)
        extract(files if graph in SHAPES else Path(graph), out)
        ids, names = _columns(out / "concept.parquet", "concept_id", "name")
        before, after = _columns(out / "prerequisite.parquet", "before_id", "after_id")
        (above,) = _columns(out / "broader_concept.parquet", "broader_id")
    kept = np.flatnonzero(~np.isin(ids, above))
    if kept.size < 2:
        raise InputError(
            f"{graph} holds {kept.size} concepts that are not made of others; give a graph with at"
            " least 2"
        )
    ids, names = ids[kept], names[kept]
    sorted_ = np.argsort(ids, kind="stable")
    ids, names = ids[sorted_], names[sorted_]
    here = np.isin(before, ids) & np.isin(after, ids)
    row, column = np.searchsorted(ids, after[here]), np.searchsorted(ids, before[here])
    matrix = sparse.csr_array((np.ones(row.size, bool), (row, column)), (ids.size, ids.size))
    order = np.argsort(levels(column, row, ids.size), kind="stable")
    return GivenGraph(names, matrix, order)


def _columns(path: Path, *names: str) -> list[Ids]:
    table = pq.read_table(path, columns=list(names))
    return [np.array(table[name].to_pylist(), dtype=np.str_) for name in names]
