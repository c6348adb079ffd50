"""From vectors and learner records to the fused similarity of every pair of concepts."""

from dataclasses import asdict, dataclass

from kgplan.errors import ConfigError
from kgplan.store.running import Task, stage

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


@stage(
    name="similarity",
    about="Semantic and collaborative similarity of concepts, and their fusion.",
    part="model",
    own_command="kgplan similarity",
    reads=("embedding", "records"),
    makes=("similarity",),
    serves=("similarity",),
    config=SimilarityConfig,
)
def run_similarity(task: Task, config: SimilarityConfig) -> None:
    """Vectors and learner records -> fused similarity of every pair of concepts."""
    import numpy as np

    from kgplan.data.records import learned_concepts
    from kgplan.model.opening import newest_records, open_embedding
    from kgplan.similarity import FusedSimilarity, top_similar

    of_vectors = task.artifacts.current("embedding")
    embedding = open_embedding(of_vectors)
    records, source = newest_records(task.artifacts)
    columns = np.isin(records.concept_ids, embedding.entity_ids)
    concept_ids = records.concept_ids[columns]
    learned = learned_concepts(records)
    # float32, as it was trained: half the memory, and what is stored is what is computed with
    at = np.searchsorted(embedding.entity_ids, concept_ids)
    vectors = embedding.vectors[at].astype(np.float32)
    matrix = learned.matrix[:, columns]
    top = top_similar(concept_ids, vectors, matrix, config.alpha, STORED_NEIGHBOURS, task.progress)
    fused = FusedSimilarity(concept_ids, vectors, top.together.sets, config.alpha, top.bounds)
    inputs = {"embedding": of_vectors.version, "records": source.version}
    with task.draft("similarity", asdict(config), inputs) as draft:
        draft.put(**fused.to_arrays(), **top.to_arrays())
        draft.metrics = {
            "bounds": asdict(top.bounds),
            "learned_by_view": learned.by_view,
            "learned_by_enrolment": learned.by_enrolment,
            "concepts_without_vector": int(records.concept_ids.size - concept_ids.size),
        }
    task.report.rows_in = int(records.concept_ids.size)
    task.report.rows_out = concept_ids.size * (concept_ids.size - 1) // 2
