"""What did training find? Read an embedding from a home, for one page."""

from collections.abc import Sequence

import numpy as np

from kgplan.arrays import Floats, Ints, positions
from kgplan.errors import ArtifactMissing, MissingExtra
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.model.opening import open_embedding, open_similarity, open_snapshot
from kgplan.report.embedding_page import ConceptMap, Findings, Neighbours, Similarities, page
from kgplan.report.writing import template
from kgplan.settings import Settings
from kgplan.similarity.fused import normalised, semantic_similarity
from kgplan.store.artifacts import Artifact, ArtifactStore

PAGE = "embedding.html"
KNOWN = 20  # concepts whose neighbours are listed
NEAREST = 5
MAPPED = 3000  # concepts on the map at most
PAIRS = 500_000  # of which similarities are counted at most


def to_html(findings: Findings) -> str:
    """The page as text."""
    return page(findings, template())


def find_in_home(settings: Settings, seed: int = 0) -> Findings:
    """The embedding in use.

    Args:
        settings: where the home is.
        seed: draws the concepts and pairs that are shown where there are too many, and the map.

    Raises:
        ArtifactMissing: `kgplan embed` has not run.
        GraphUnavailable: the graph cannot be read.
        MissingExtra: scikit-learn is not installed.
    """
    artifacts = ArtifactStore(settings.artifacts)
    artifact = artifacts.current("embedding")
    graph = open_snapshot(settings)
    rng = np.random.default_rng(seed)
    embedding = open_embedding(artifact)
    at = positions(embedding.entity_ids, graph.concept_ids)
    with_vector = np.flatnonzero(at >= 0)
    vectors = embedding.vectors[at[with_vector]].astype(np.float64)
    similarities, reason = read_similarities(artifacts, artifact, rng)
    metrics = artifact.metrics
    counts = metrics["counts"]
    return Findings(
        source=f"Model {artifact.version}, of graph {artifact.manifest['inputs']['graph']}."
        + ("" if graph.version == artifact.manifest["inputs"]["graph"] else
           f" The graph is now {graph.version}."),
        facts=[
            ("entities", f"{embedding.entity_ids.size:,}"),
            ("relations", f"{counts['relations']:,}"),
            ("training facts", f"{counts['training']:,}"),
            ("test facts", f"{counts['test']:,}"),
            ("dimension", f"{vectors.shape[1]:,}"),
            ("epochs", f"{metrics['epochs']:,}"),
            ("test MRR", f"{metrics['test']['both']['mrr']:z.3f}"),
            ("test Hits@10", f"{metrics['test']['both']['hits@10']:z.3f}"),
        ],
        history=metrics["history"],
        best_epoch=metrics["best_epoch"],
        test=metrics["test"],
        concepts=mapped(graph, with_vector, vectors, rng, seed),
        neighbours=nearest_of_known(graph, with_vector, vectors),
        similarities=similarities,
        missing={"similarities": reason},
    )  # fmt: skip


def mapped(
    graph: GraphSnapshot, with_vector: Ints, vectors: Floats, rng: np.random.Generator, seed: int
) -> ConceptMap:
    """ConceptMap on a plane: all, or so many of them as can be told apart."""
    try:
        from kgplan.embedding.plane import plane
    except ModuleNotFoundError as error:
        if error.name != "sklearn":
            raise
        raise MissingExtra("embed", "the map of concepts") from None
    some = np.arange(with_vector.size)
    if some.size > MAPPED:
        some = np.sort(rng.choice(some, MAPPED, replace=False))
    shown = with_vector[some]
    return ConceptMap(
        names=name_of(graph, shown),
        fields=graph.concept_fields[shown].tolist(),
        plane=plane(vectors[some], seed),
        of=with_vector.size,
    )


def name_of(graph: GraphSnapshot, concepts: Ints) -> list[str]:
    """Names of concepts, with the English one where there is one."""
    return [
        f"{name} ({english})" if english and english != name else name
        for name, english in zip(
            graph.concept_names[concepts].tolist(),
            graph.concept_names_en[concepts].tolist(),
            strict=True,
        )
    ]


def nearest_of_known(
    graph: GraphSnapshot, with_vector: Ints, vectors: Floats
) -> Sequence[Neighbours]:
    """The concepts with most facts, and the nearest of each."""
    if with_vector.size < 2:
        return []
    ends = np.concatenate([ids for pair in graph.relations.values() for ids in pair])
    place = positions(graph.concept_ids, ends)
    facts = np.bincount(place[place >= 0], minlength=graph.concept_ids.size)[with_vector]
    known = np.argsort(-facts, kind="stable")[:KNOWN]
    alike = semantic_similarity(vectors[known], vectors)
    alike[np.arange(known.size), known] = -np.inf
    near = np.argsort(-alike, axis=1, kind="stable")[:, : min(NEAREST, with_vector.size - 1)]
    names, fields = graph.concept_names[with_vector], graph.concept_fields[with_vector]
    return [
        Neighbours(
            name=name_of(graph, with_vector[[k]])[0],
            field=str(fields[k]),
            nearest=[(str(names[j]), str(fields[j]), float(alike[row, j])) for j in near[row]],
        )
        for row, k in enumerate(known)
    ]


def read_similarities(
    artifacts: ArtifactStore, embedding: Artifact, rng: np.random.Generator
) -> tuple[Similarities | None, str]:
    """Both parts and their fusion on pairs of concepts, or why there are none."""
    try:
        artifact = artifacts.current("similarity")
    except ArtifactMissing as error:
        return None, str(error)
    if artifact.manifest["inputs"]["embedding"] != embedding.version:
        return None, "it was made from another embedding; run `kgplan similarity` again"
    fused = open_similarity(artifact)
    left, right = some_pairs(fused.concept_ids.size, PAIRS, rng)
    parts, b = fused.parts(left, right), fused.bounds
    values = fused.alpha * normalised(parts.semantic, b.semantic_min, b.semantic_max) + (
        1 - fused.alpha
    ) * normalised(parts.collaborative, b.collaborative_min, b.collaborative_max)
    size = fused.concept_ids.size
    return Similarities(
        semantic=parts.semantic,
        collaborative=parts.collaborative,
        semantic_bounds=(b.semantic_min, b.semantic_max),
        collaborative_bounds=(b.collaborative_min, b.collaborative_max),
        fused=values,
        alpha=fused.alpha,
        of=size * (size - 1) // 2,
    ), ""


def some_pairs(size: int, limit: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """All pairs i < j, or about as many of them as asked for, drawn at random.

    >>> some_pairs(3, 10, np.random.default_rng(0))
    (array([0, 0, 1]), array([1, 2, 2]))
    """
    if size * (size - 1) // 2 <= limit:
        return np.triu_indices(size, 1)
    drawn = np.sort(rng.integers(0, size, (limit, 2)), axis=1)
    drawn = drawn[drawn[:, 0] < drawn[:, 1]]
    return drawn[:, 0], drawn[:, 1]
