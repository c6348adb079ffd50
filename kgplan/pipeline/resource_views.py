"""Who viewed what and when, of everything that was opened, for rankings to be measured on.

Sizes: V resources, K concepts, d dimensions.
"""

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, positions
from kgplan.etl.records import read_moments, read_records
from kgplan.evaluation.resources.networks import Content
from kgplan.evaluation.resources.splits import Viewing
from kgplan.graph.definition import read_abouts
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.graph.store import open_graph
from kgplan.model.opening import open_embedding, open_snapshot
from kgplan.resources.network.features import modalities, texts_of
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore


def open_views(settings: Settings) -> tuple[Viewing, Content]:
    """The views of the tables in use, and what their resources are about.

    Raises:
        InputError: a view has no moment.
        GraphUnavailable: what is said of courses cannot be read.
    """
    artifacts = ArtifactStore(settings.artifacts)
    tables = artifacts.current("tables").path
    embedding = open_embedding(artifacts.current("embedding"))
    records, graph = read_records(tables, all_opened=True), open_snapshot(settings)
    at = positions(embedding.entity_ids, records.concept_ids)
    vectors = np.where((at >= 0)[:, None], embedding.vectors[np.maximum(at, 0)], np.nan)
    with open_graph(settings.graph_url, read_only=True, access=settings.graph_access) as store:
        abouts = read_abouts(store)
    at = positions(graph.concept_ids, records.concept_ids)
    concepts = [
        f"{graph.concept_names[k]} {graph.concept_names_en[k]}" if k >= 0 else ""
        for k in at.tolist()
    ]
    courses = [f"{graph.course_name(c)} {abouts.get(c, '')}" for c in records.course_ids.tolist()]
    texts = texts_of(records.titles, records.q_matrix, concepts, records.course_items, courses)
    about = modalities(texts, records.q_matrix, vectors, records.course_items, records.minutes)
    content = Content(about, vectors, prerequisites_among(graph, at))
    return Viewing(records, read_moments(tables, records)), content


def prerequisites_among(graph: GraphSnapshot, at: Array) -> sparse.csr_array:
    """The graph's prerequisites among concepts at these places of it, -1 for none."""
    here = at >= 0
    chosen = sparse.csr_array(
        (np.ones(here.sum(), np.int8), (np.flatnonzero(here), at[here])),
        shape=(at.size, graph.concept_ids.size),
    )
    edges = sparse.csr_array((graph.prerequisites != 0).astype(np.int8))
    return sparse.csr_array(chosen @ edges @ chosen.T)
