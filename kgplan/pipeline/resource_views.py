"""Who viewed what and when, of everything that was opened, for rankings to be measured on.

Sizes: V resources, d dimensions.
"""

import numpy as np

from kgplan.arrays import Floats, positions
from kgplan.etl.records import read_moments, read_records
from kgplan.evaluation.resources.splits import Viewing
from kgplan.model.opening import open_embedding
from kgplan.resources.network.features import modalities
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore


def open_views(settings: Settings) -> tuple[Viewing, Floats]:
    """The views of the tables in use, and (V, d) text and knowledge of each resource, both alike in
    length.

    Raises:
        InputError: a view has no moment.
    """
    artifacts = ArtifactStore(settings.artifacts)
    tables = artifacts.current("tables").path
    embedding = open_embedding(artifacts.current("embedding"))
    records = read_records(tables, all_opened=True)
    at = positions(embedding.entity_ids, records.concept_ids)
    vectors = np.where((at >= 0)[:, None], embedding.vectors[np.maximum(at, 0)], np.nan)
    about = modalities(
        records.titles, records.q_matrix, vectors, records.course_items, records.minutes
    )
    size = np.linalg.norm(about.knowledge, axis=1, keepdims=True)
    both = np.concatenate([about.text, about.knowledge / np.where(size > 0, size, 1)], axis=1)
    return Viewing(records, read_moments(tables, records)), both
