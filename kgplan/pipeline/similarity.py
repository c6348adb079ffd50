"""From vectors and learner records to the fused similarity of every pair of concepts."""

from dataclasses import asdict, dataclass

from kgplan.errors import ConfigError
from kgplan.progress import Progress, silent
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore
from kgplan.store.stages import Stage, StageReport, timed

STORED_NEIGHBOURS = 50  # most similar concepts kept for each


@dataclass(frozen=True)
class SimilarityConfig:
    """How the two parts are joined.

    Attributes:
        alpha: weight of the semantic part, 0.7 in all of the paper's experiments.

    Raises:
        ConfigError: alpha is not in [0, 1].
    """

    alpha: float = 0.7

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:
            raise ConfigError(
                f"alpha is {self.alpha}; it goes from 0 (learners only) to 1 (graph only)"
            )


def run_similarity(
    settings: Settings,
    config: SimilarityConfig = SimilarityConfig(),
    progress: Progress = silent,
    artifacts: ArtifactStore | None = None,
) -> StageReport:
    """Vectors and learner records -> fused similarity of every pair of concepts."""
    import numpy as np

    from kgplan.data.records import learned_concepts
    from kgplan.model.opening import newest_records, open_embedding
    from kgplan.similarity import FusedSimilarity, top_similar

    artifacts = artifacts or ArtifactStore(settings.artifacts)
    with timed(STAGE.name, settings.home) as report:
        source_of_vectors = artifacts.current("embedding")
        embedding = open_embedding(source_of_vectors)
        records, source = newest_records(artifacts)
        columns = np.isin(records.concept_ids, embedding.entity_ids)
        concept_ids = records.concept_ids[columns]
        learned = learned_concepts(records)
        # float32, as it was trained: half the memory, and what is stored is what is computed with
        at = np.searchsorted(embedding.entity_ids, concept_ids)
        vectors = embedding.vectors[at].astype(np.float32)
        matrix = learned.matrix[:, columns]
        top = top_similar(concept_ids, vectors, matrix, config.alpha, STORED_NEIGHBOURS, progress)
        fused = FusedSimilarity(concept_ids, vectors, top.together.sets, top.alpha, top.bounds)
        inputs = {"embedding": source_of_vectors.version, "records": source.version}
        with artifacts.draft("similarity", asdict(config), inputs) as draft:
            draft.put(**fused.to_arrays(), **top.to_arrays())
            draft.metrics = {
                "bounds": asdict(top.bounds),
                "learned_by_view": learned.by_view,
                "learned_by_enrolment": learned.by_enrolment,
                "concepts_without_vector": int(records.concept_ids.size - concept_ids.size),
            }
        artifacts.switch(draft.finished())
        report.version = draft.finished().version
        report.rows_in = int(records.concept_ids.size)
        report.rows_out = concept_ids.size * (concept_ids.size - 1) // 2
        report.details = dict(draft.metrics)
    return report


STAGE = Stage(
    name="similarity",
    about="Semantic and collaborative similarity of concepts, and their fusion.",
    part="model",
    run=run_similarity,
    own_command="kgplan similarity",
    reads=("embedding", "records"),
    makes=("similarity",),
    serves=("similarity",),
    config=SimilarityConfig,
)
