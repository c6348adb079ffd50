"""Put similar concepts into the graph, so that designers can ask for them there.

    similarity artifact -> SIMILAR_TO relationships; on Neo4j also vectors and an index of them

They are derived: the graph's version does not count them, and whatever writes facts passes them by.
They name the similarity that they come from, and what an older one left is swept.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Ids, Ints, positions
from kgplan.errors import InputError
from kgplan.graph.address import database_of
from kgplan.graph.rows import BATCH, Row
from kgplan.graph.snapshot import id_array
from kgplan.graph.store import GraphStore, open_graph
from kgplan.model.opening import open_neighbours, open_similarity
from kgplan.progress import Progress, silent
from kgplan.settings import Settings
from kgplan.similarity import FusedSimilarity
from kgplan.store.artifacts import Artifact, ArtifactStore
from kgplan.store.running import timed
from kgplan.store.stages import StageReport

INDEX_SECONDS = 300


@dataclass
class SimilarReport:
    """What was written.

    Attributes:
        concepts: of the similarity.
        relationships: SIMILAR_TO that are there now.
        vectors: concepts that have a vector now.
        swept: relationships and vectors of older similarities.
        not_in_graph: concepts of the similarity that the graph does not have.
    """

    concepts: int = 0
    relationships: int = 0
    vectors: int = 0
    swept: int = 0
    not_in_graph: list[str] = field(default_factory=list)


def run_similar_graph(
    settings: Settings, top: int, concept_id: str | None = None, progress: Progress = silent
) -> StageReport:
    """Similarity in use -> SIMILAR_TO relationships of the graph.

    Args:
        settings: where both are.
        top: neighbours of each concept.
        concept_id: of this concept only, and no vectors; None: of all.
        progress: told the concepts done.

    Raises:
        ArtifactMissing: `kgplan similarity` has not run.
        InputError: `top` is out of range, or the similarity does not know the concept.
        GraphUnavailable: the graph cannot be written.
    """
    artifact = ArtifactStore(settings.artifacts).current("similarity")
    with (
        timed("similar concepts", settings.home) as report,
        open_graph(settings.graph_url, access=settings.graph_access) as store,
    ):
        is_server = database_of(settings.graph_url) == "neo4j"
        written = write_similar(artifact, store, top, concept_id, is_server, progress)
    report.version = artifact.version
    report.rows_in = written.concepts
    report.rows_out = written.relationships
    report.details = {
        "vectors": written.vectors,
        "swept": written.swept,
        "not_in_graph": written.not_in_graph,
    }
    return report


def write_similar(
    artifact: Artifact,
    store: GraphStore,
    top: int,
    concept_id: str | None = None,
    with_vectors: bool = False,
    progress: Progress = silent,
) -> SimilarReport:
    """Make the graph hold these similar concepts, and none of an older similarity.

    Killed in between it leaves some of both, and a second run ends it.

    Args:
        artifact: a similarity with its neighbours.
        store: the graph database.
        top: neighbours of each concept.
        concept_id: of this concept only, and no vectors.
        with_vectors: also write vectors and declare their index, which Neo4j knows.
        progress: told the concepts done.

    Raises:
        InputError: `top` is out of range, or the similarity does not know the concept.
    """
    fused, neighbours = open_similarity(artifact), open_neighbours(artifact)
    concept_ids = fused.concept_ids
    stored = int(np.diff(neighbours.indptr).max(initial=0))
    if not 1 <= top <= max(stored, 1):
        raise InputError(f"top is {top}; the similarity holds 1 to {stored} neighbours a concept")
    chosen: Ints = np.arange(concept_ids.size)
    if concept_id is not None:
        chosen = positions(concept_ids, id_array([concept_id]))
        if chosen[0] < 0:
            raise InputError(
                f"the similarity does not know {concept_id!r}: only neighbours of concepts that"
                " `kgplan etl run` read from the archive can be written into the graph"
            )
    version, report = artifact.version, SimilarReport(concepts=concept_ids.size)
    store.define_schema()
    with store.loading(f"similarity {version}"):
        in_graph = id_array(sorted(str(row["id"]) for row in store.read("snapshot.concept")))
        here = positions(in_graph, concept_ids) >= 0
        report.not_in_graph = concept_ids[chosen[~here[chosen]]].tolist()
        done = 0
        for rows in neighbour_rows(fused, neighbours, chosen[here[chosen]], here, top):
            report.relationships += store.write("similar.merge", rows=rows, version=version)
            done += len(rows)
            progress("similar concepts", done, None)
        if concept_id is not None:
            report.swept = store.write("similar.sweep_of", id=concept_id, version=version, top=top)
        else:
            report.swept = sweep(store, "similar.sweep", version=version, top=top)
        if with_vectors and concept_id is None:
            progress("vectors", 0, None)
            for rows in vector_rows(concept_ids, fused.vectors, here):
                report.vectors += store.write("similar.vectors", rows=rows, version=version)
            report.swept += sweep(store, "similar.sweep_vectors", version=version)
    if report.vectors:
        declare_index(store, fused.vectors.shape[1])
    return report


def neighbour_rows(
    fused: FusedSimilarity, neighbours: sparse.csr_array, chosen: Ints, here: Array, top: int
) -> Iterator[list[Row]]:
    """Rows of the chosen concepts' first neighbours, as many at a time as one write takes.

    Args:
        fused, neighbours: a similarity, and the lists made from it.
        chosen: positions of concepts.
        here: (K,) whether the graph has the concept.
        top: neighbours of each.
    """
    names = fused.concept_ids.tolist()
    indptr, indices, data = neighbours.indptr, neighbours.indices, neighbours.data
    step = max(BATCH // top, 1)
    for start in range(0, chosen.size, step):
        some = chosen[start : start + step]
        rank = np.arange(top)
        place = indptr[some][:, None] + rank
        inside = place < indptr[some + 1][:, None]
        heads, ranks = np.repeat(some, inside.sum(axis=1)), np.tile(rank, some.size)[inside.ravel()]
        tails, weights = indices[place[inside]], data[place[inside]]
        parts = fused.parts(heads, tails)
        columns = (heads, tails, ranks, weights, parts.semantic, parts.collaborative, parts.shared)
        yield [
            {
                "head": names[head],
                "tail": names[tail],
                "rank": rank + 1,
                "weight": weight,
                "semantic": semantic,
                "collaborative": collaborative,
                "shared_learners": shared,
            }
            for head, tail, rank, weight, semantic, collaborative, shared in zip(
                *(column[here[tails]].tolist() for column in columns), strict=True
            )
        ]


def vector_rows(concept_ids: Ids, vectors: Array, here: Array) -> Iterator[list[Row]]:
    """Rows {id, vector} of the concepts that the graph has, a thousand at a time."""
    there = np.flatnonzero(here)
    for start in range(0, there.size, 1000):
        some = there[start : start + 1000]
        yield [
            {"id": id_, "vector": vector}
            for id_, vector in zip(
                concept_ids[some].tolist(), np.asarray(vectors[some], float).tolist(), strict=True
            )
        ]


def sweep(store: GraphStore, name: str, **parameters: Any) -> int:
    """Remove what a query finds, a batch a transaction, until there is no more."""
    total = 0
    while removed := store.write(name, limit=BATCH, **parameters):
        total += removed
    return total


def declare_index(store: GraphStore, dimension: int) -> None:
    """Have the vectors indexed; an index of another dimension is made anew."""
    found = store.read("similar.index_dimension")
    if found and found[0]["dimension"] != dimension:
        store.write("similar.drop_index")
    store.write("similar.index", dimension=dimension)
    store.read("similar.index_ready", seconds=INDEX_SECONDS)
