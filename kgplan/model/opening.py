"""The model in use: open all that a plan needs, from the graph and the artifacts."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Ids, positions
from kgplan.data.links import Links
from kgplan.data.records import LearnerRecords
from kgplan.diagnosis.config import LearnerModelConfig
from kgplan.embedding import Embedding
from kgplan.embedding.cold import cold_vectors
from kgplan.engagement.next_view import Completion
from kgplan.errors import ArtifactMissing, InputError
from kgplan.graph.snapshot import GraphSnapshot, read_finished_snapshot
from kgplan.graph.store import open_graph
from kgplan.planning import Planner
from kgplan.planning.mastery import LearnerMastery
from kgplan.resources.ranker import ResourceRanker
from kgplan.settings import Settings
from kgplan.similarity import FusedSimilarity
from kgplan.similarity.added import with_added
from kgplan.similarity.top import neighbours_from_arrays
from kgplan.store.artifacts import Artifact, ArtifactStore, AsOf, hash_json
from kgplan.store.stages import command_for, served_kinds

MODEL_KINDS = ("records", "diagnosis", "similarity")
"""What `open_planner` opens: no plan can do without."""
RESOURCES = "resources"
"""The kind of what ranks resources."""
ENGAGEMENT = "engagement"
"""The kind of what says whether the next view is completed."""


class StoredArrays(Mapping[str, Array]):
    """The arrays of an artifact, read when asked for.

    Raises:
        ArtifactDamaged: from whatever asks for one that is not there, see `Artifact.array`.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    def __getitem__(self, name: str) -> Array:
        return self.artifact.array(name)

    def __iter__(self):  # type: ignore[no-untyped-def]
        return (name[:-4] for name in self.artifact.manifest["files"] if name.endswith(".npy"))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def open_records(artifacts: ArtifactStore) -> tuple[LearnerRecords, Artifact]:
    """The learner records in use, which answers are made from."""
    artifact = artifacts.current("records")
    return LearnerRecords.from_arrays(StoredArrays(artifact)), artifact


@dataclass(frozen=True)
class DataSource:
    """Whose data the records in use are.

    Attributes:
        title: as the people of the source call it; "" where the records do not tell.
        licence: under which they give the data; "" where unknown.
    """

    title: str = ""
    licence: str = ""


def source_in_use(artifacts: ArtifactStore) -> DataSource:
    """Whose data answers are made from; records of an older kgplan do not tell."""
    records = artifacts.open("records", artifacts.in_use()["records"], hashed=False)
    return DataSource(**records.metrics.get("source", {}))


def newest_records(artifacts: ArtifactStore) -> tuple[LearnerRecords, Artifact]:
    """The learner records of the tables in use, which the next model is fitted on.

    The records in use are those that the diagnosis in use was fitted on: both change together.
    """
    tables = artifacts.in_use().get("tables")
    if tables is None:  # records that came without tables
        return open_records(artifacts)
    version = artifacts.made_from("records", "tables", tables)
    if version is None:
        raise ArtifactMissing("records", command_for("records"))
    artifact = artifacts.open("records", version)
    return LearnerRecords.from_arrays(StoredArrays(artifact)), artifact


def open_snapshot(settings: Settings) -> GraphSnapshot:
    """The graph as it is now.

    Raises:
        GraphUnavailable: it cannot be read, or no load of it has finished.
    """
    with open_graph(settings.graph_url, read_only=True, access=settings.graph_access) as store:
        return read_finished_snapshot(store)


def open_mastery(artifact: Artifact, records_version: str | None = None) -> LearnerMastery:
    """Every learner's mastery from a diagnosis artifact.

    Args:
        artifact: of the diagnosis.
        records_version: of the records that it is to be used with, if of any.
    """
    config = LearnerModelConfig.from_dict(dict(artifact.manifest["config"]))
    return LearnerMastery.from_arrays(
        StoredArrays(artifact),
        config,
        of_records=records_version in artifact.manifest["inputs"].values(),
    )


def open_embedding(artifact: Artifact) -> Embedding:
    """Vectors, relations and figures from an embedding artifact; the history stays there."""
    return Embedding.from_arrays(StoredArrays(artifact), artifact.metrics)


def open_similarity(artifact: Artifact) -> FusedSimilarity:
    """Eq. (8) from a similarity artifact."""
    alpha = float(artifact.manifest["config"]["alpha"])
    return FusedSimilarity.from_arrays(StoredArrays(artifact), alpha)


def open_neighbours(artifact: Artifact) -> sparse.csr_array:
    """Every concept's most similar others from a similarity artifact, most similar first.

    Raises:
        InputError: it was stored without.
    """
    found = neighbours_from_arrays(StoredArrays(artifact))
    if found is None:
        raise InputError(
            f"similarity {artifact.version} was made without neighbours;"
            " run `kgplan similarity` again"
        )
    return found


def open_ranker(artifacts: ArtifactStore) -> ResourceRanker | None:
    """What ranks resources; None where that stage has not run: a plan can do without."""
    if RESOURCES not in artifacts.in_use():
        return None
    return ResourceRanker.from_arrays(StoredArrays(artifacts.current(RESOURCES)))


def open_completion(artifacts: ArtifactStore) -> Completion | None:
    """What says whether the next view is completed; None where nothing does."""
    if ENGAGEMENT not in artifacts.in_use():
        return None
    artifact = artifacts.current(ENGAGEMENT)
    if not artifact.metrics["served"]:
        return None
    return Completion.from_arrays(StoredArrays(artifact))


def open_planner(
    settings: Settings,
    artifacts: ArtifactStore | None = None,
    graph: GraphSnapshot | None = None,
    before: Planner | None = None,
) -> Planner:
    """Everything that a plan needs, ready to answer.

    Args:
        settings: where the graph and the results are.
        artifacts: which results are in use; the store of the settings where None.
        graph: as it was read; read now where None.
        before: an earlier planner; what is the same is not computed again.

    Raises:
        ArtifactMissing, ArtifactDamaged: a stage has not run, or its result is not whole.
        GraphUnavailable: the graph cannot be read.
    """
    artifacts = AsOf(artifacts or ArtifactStore(settings.artifacts))  # all of one moment
    records, source = open_records(artifacts)
    diagnosis, similarity = artifacts.current("diagnosis"), artifacts.current("similarity")
    graph = graph or open_snapshot(settings)
    fused, provisional = with_new_concepts(
        open_similarity(similarity), similarity.manifest["inputs"]["embedding"], artifacts, graph
    )
    return Planner(
        graph=graph,
        records=records,
        diagnosis=open_mastery(diagnosis, source.version),
        similarity=fused,
        model_version=model_version(artifacts),
        provisional=provisional.tolist(),
        before=before,
        links=Links.of(settings.links),
        ranker=open_ranker(artifacts),
        completion=open_completion(artifacts),
    )


def with_new_concepts(
    similarity: FusedSimilarity, embedding: str, artifacts: ArtifactStore, graph: GraphSnapshot
) -> tuple[FusedSimilarity, Ids]:
    """The similarity with the graph's concepts that it was made without.

    A concept that no record names may have a trained vector; one that was added to the graph
    since gets one from its neighbours, and what cannot be reached from any stays without.

    Args:
        similarity: as it is stored.
        embedding: version of the vectors that it was made from; others lie in another space.
        artifacts: where these are.
        graph: as it is now.

    Returns:
        The similarity, and the ids of the concepts whose place in it is provisional: estimated
        from neighbours, or not known at all.
    """
    missing = graph.concept_ids[positions(similarity.concept_ids, graph.concept_ids) < 0]
    if missing.size == 0:
        return similarity, missing
    try:
        vectors = open_embedding(artifacts.open("embedding", embedding))
    except ArtifactMissing:  # removed since: no vector lies in the same space
        return similarity, missing
    at = positions(vectors.entity_ids, missing)
    trained, new = missing[at >= 0], missing[at < 0]
    cold = cold_vectors(vectors, new, graph.triples)
    found = cold.facts > 0
    fused = with_added(
        similarity,
        np.concatenate([trained, new[found]]),
        np.concatenate([vectors.vectors[at[at >= 0]], cold.vectors[found]]),
    )
    return fused, new


def model_version(artifacts: ArtifactStore) -> str:
    """One name for the versions in use of all that plans are computed from, the graph apart."""
    return name_of(artifacts.in_use())


def name_of(versions: Mapping[str, str]) -> str:
    """The model version of a set of artifacts, given as kind -> version.

    What other stages serve beside `MODEL_KINDS` counts where it is there.
    """
    named = {kind: versions.get(kind) for kind in MODEL_KINDS}
    named |= {kind: versions[kind] for kind in served_kinds() if kind in versions}
    return hash_json(named)[:16]
