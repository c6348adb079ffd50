"""What follows from graph, records, diagnosis and similarity, whoever asks? Computed once.

The four keep the axes that they were made with; here all stand on the graph's concepts and courses.
Sizes: U learners, K concepts, C courses, M similar concepts kept of each.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from kgplan.arrays import Floats, Ids, Ints, positions
from kgplan.data.axis import on_axis
from kgplan.data.records import LearnerRecords, learned_concepts
from kgplan.data.stored import Stored
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.planning.mastery import LearnerMastery
from kgplan.planning.resources import Resources, resources
from kgplan.similarity import FusedSimilarity

DENSE_LIMIT = 4096  # concepts up to which all similarities are kept; 201 MB at the limit
KEPT = 512  # similar concepts kept of each beyond it; the rest is computed when asked for
STRIP = 1 << 22  # similarities computed at once


@dataclass(frozen=True)
class Nearby(Stored):
    """Of each concept the others most similar to it; ties in order of position.

    Attributes:
        ids: (K, M) positions, most similar first.
        values: (K, M) eq. (8) of each.
        whole: whether every other concept is among them.
    """

    ids: Ints
    values: Floats
    whole: bool


@dataclass(frozen=True)
class Derived(Stored):
    """What a planner needs beside its sources, on the graph's axes.

    Attributes:
        prior: (K,) mastery where nothing is known; the mean of all for a concept that the
            diagnosis was made without.
        mastery, not_told_apart: (U, K) of the diagnosis.
        learned: (U, K) R of eq. (5).
        enrolled: (U, C).
        popularity: (K,) share of the learners who learned the concept.
        edge_similarity: eq. (8) of each stored prerequisite with what needs it, all that the walk
            back asks for.
        resources: where each concept is taught.
        nearby: what eq. (12) looks through.
    """

    prior: Floats
    mastery: sparse.csr_array
    not_told_apart: sparse.csr_array
    learned: sparse.csr_array
    enrolled: sparse.csr_array
    popularity: Floats
    edge_similarity: Floats
    resources: Resources
    nearby: Nearby


def derive(
    graph: GraphSnapshot,
    records: LearnerRecords,
    diagnosis: LearnerMastery,
    similarity: FusedSimilarity,
    kept: int | None = None,
    known: Nearby | None = None,
) -> Derived:
    """Compute all of it.

    Args:
        graph, records, diagnosis, similarity: what a planner is made from.
        kept: M; where None, all others up to `DENSE_LIMIT` concepts, `KEPT` of more.
        known: the lists of similar concepts, where they are there already.
    """
    matrix = learned_concepts(records).matrix
    learned = on_axis(matrix, records.concept_ids, graph.concept_ids)
    counts = np.bincount(learned.indices, minlength=graph.concept_ids.size)
    if kept is None:
        size = graph.concept_ids.size
        kept = size if size <= DENSE_LIMIT else KEPT
    return Derived(
        prior=_prior_of(diagnosis, graph.concept_ids),
        mastery=on_axis(diagnosis.mastery, diagnosis.concept_ids, graph.concept_ids),
        not_told_apart=on_axis(diagnosis.not_told_apart, diagnosis.concept_ids, graph.concept_ids),
        learned=learned,
        enrolled=on_axis(records.enrolled, records.course_ids, graph.course_ids),
        popularity=counts / max(records.learner_ids.size, 1),
        edge_similarity=_similarity_of_prerequisites(graph, similarity),
        resources=resources(graph, records),
        nearby=known or nearby(graph.concept_ids, similarity, kept),
    )


def nearby(concept_ids: Ids, similarity: FusedSimilarity, kept: int) -> Nearby:
    """Each concept's most similar others; one that the similarity was made without has 0 with all.

    Args:
        concept_ids: (K,) sorted.
        similarity: eq. (8).
        kept: M.
    """
    size = concept_ids.size
    kept = min(kept, max(size - 1, 0))
    ids = np.empty((size, kept), dtype=np.int32)
    values = np.empty((size, kept))
    everything = np.arange(size)
    to = positions(similarity.concept_ids, concept_ids)
    rows = max(STRIP // max(size, 1), 1)
    for start in range(0, size if kept else 0, rows):
        strip = everything[start : start + rows]
        alike = similarity_block(similarity, to, strip, everything)
        alike[np.arange(strip.size), strip] = -np.inf  # the concept itself is no other
        order = _largest(alike, kept)
        ids[strip], values[strip] = order, np.take_along_axis(alike, order, axis=1)
    return Nearby(ids, values, kept >= size - 1)


def _largest(values: Floats, count: int) -> Ints:
    """(n, count) columns of each row's largest values, largest first, ties by column."""
    if 4 * count >= values.shape[1]:
        return np.argsort(-values, axis=1, kind="stable")[:, :count]
    found = np.empty((len(values), count), dtype=np.int64)
    least = np.partition(values, values.shape[1] - count, axis=1)[:, -count]
    for row, (each, limit) in enumerate(zip(values, least, strict=True)):
        columns = np.flatnonzero(each >= limit)  # more than count where the last ones tie
        found[row] = columns[np.argsort(-each[columns], kind="stable")[:count]]
    return found


def similarity_block(
    similarity: FusedSimilarity, to_similarity: Ints, rows: Ints, columns: Ints
) -> Floats:
    """(n, m) similarity; 0 for a concept that the similarity was made without.

    Args:
        similarity: eq. (8).
        to_similarity: (K,) each concept's place in it; -1 for none.
        rows, columns: (n,), (m,) positions of concepts.
    """
    to = to_similarity
    if to.min(initial=0) >= 0:
        return similarity.block(to[rows], to[columns])
    known_rows, known_columns = to[rows] >= 0, to[columns] >= 0
    block = np.zeros((rows.size, columns.size))
    block[np.ix_(known_rows, known_columns)] = similarity.block(
        to[rows[known_rows]], to[columns[known_columns]]
    )
    return block


def _similarity_of_prerequisites(graph: GraphSnapshot, similarity: FusedSimilarity) -> Floats:
    requires = graph.prerequisites.tocoo()
    to = positions(similarity.concept_ids, graph.concept_ids)
    now, before = to[requires.row], to[requires.col]
    known = (now >= 0) & (before >= 0)
    found = np.zeros(now.size)
    found[known] = similarity.pairs(before[known], now[known])
    return found


def _prior_of(diagnosis: LearnerMastery, concept_ids: Ids) -> Floats:
    at = positions(diagnosis.concept_ids, concept_ids)
    mean = float(diagnosis.prior.mean()) if diagnosis.prior.size else 0.5
    return np.where(at >= 0, np.append(diagnosis.prior, mean)[at], mean)
