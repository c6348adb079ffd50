"""How does a processor take a step of negative sampling? `kgplan.embedding.grouped`, compiled.

The same arithmetic as there, for arrays in main memory: loops where torch would call forty small
operations a batch, and BLAS for the one matrix product per relation.

Sizes: B groups of facts, C facts of a group, P (relation, entity) pairs, M entities of the batch,
E entities, R relations, d dimension, k relation dimension.
"""

from typing import NamedTuple

import numpy as np

from kgplan.arrays import Array, Floats, Ints
from kgplan.native.compiled import njit

# Sums may be reordered and no division checks for zero, so that loops run in vector registers; no
# NaN or infinity is assumed away.
_FAST = {"reassoc", "contract", "nsz"}


class Places(NamedTuple):
    """Scratch of one table of entities: which ones a batch has met, and where they stand.

    Attributes:
        marks, places: (2, E).
        counter: (1,) the last mark.
    """

    marks: Ints
    places: Ints
    counter: Ints


class Tables(NamedTuple):
    """What is learned.

    Attributes:
        entities: (E, d).
        relations: (R, k).
        projections: (R, d, k).
    """

    entities: Floats
    relations: Floats
    projections: Floats


class Batch(NamedTuple):
    """The different (relation, entity) pairs and entities of some facts.

    Attributes:
        relations: (B,) of the groups of facts.
        entities: (M,), in the order of their first occurrence.
        entity_of_pair: (P,) places in `entities`; pairs are sorted by relation.
        parts: (R', 3) relation, first pair, behind the last pair.
        head_pair, tail_pair: (B, C) of each fact.
    """

    relations: Ints
    entities: Ints
    entity_of_pair: Ints
    parts: Ints
    head_pair: Ints
    tail_pair: Ints


class Distance(NamedTuple):
    """How a distance is taken.

    Attributes:
        kept: (P, k) factors of dropout, or (0, 0) without.
        norm: p of the distance, 1 or 2.
        largest: norm to which projected entities are shortened.
    """

    kept: Floats
    norm: int
    largest: float


class Way(NamedTuple):
    """Distances of a batch, and how they came about.

    Attributes:
        distance: (B, C).
        paired: (P, d) entities of the pairs.
        shortened: (P, k) the projected ones.
        shortening: (P,) factors, 1 where nothing was shortened.
        seen: (P, k) after dropout.
    """

    distance: Floats
    paired: Floats
    shortened: Floats
    shortening: Floats
    seen: Floats


def no_places(n_entities: int) -> Places:
    """Nothing met, of so many entities."""
    marks, places = np.zeros((2, 2, n_entities), dtype=np.int64)
    return Places(marks, places, np.zeros(1, dtype=np.int64))


@njit(cache=True)
def group_pairs(
    heads: Array, relations: Array, tails: Array, n_relations: int, scratch: Places
) -> Batch:
    """Find the different (relation, entity) pairs and entities of a batch.

    Args:
        heads, tails: (B, C) entity numbers.
        relations: (B,).
        n_relations: R.
        scratch: changed.
    """
    marks, places, counter = scratch.marks, scratch.places, scratch.counter
    n_groups, n_facts = heads.shape
    starts = np.zeros(n_relations + 1, dtype=np.int64)
    for b in range(n_groups):
        starts[relations[b] + 1] += 1
    starts = np.cumsum(starts)
    order = np.empty(n_groups, dtype=np.int64)
    filled = starts.copy()
    for b in range(n_groups):
        order[filled[relations[b]]] = b
        filled[relations[b]] += 1

    entities = np.empty(2 * n_groups * n_facts, dtype=np.int64)
    entity_of_pair = np.empty(2 * n_groups * n_facts, dtype=np.int64)
    head_pair = np.empty((n_groups, n_facts), dtype=np.int64)
    tail_pair = np.empty((n_groups, n_facts), dtype=np.int64)
    parts = np.empty((n_relations, 3), dtype=np.int64)
    n_entities, n_pairs, n_parts = 0, 0, 0
    counter[0] += 1
    batch_mark = counter[0]
    for relation in range(n_relations):
        if starts[relation] == starts[relation + 1]:
            continue
        counter[0] += 1  # a pair is new once per relation, an entity once per batch
        first = n_pairs
        for at in range(starts[relation], starts[relation + 1]):
            b = order[at]
            for c in range(n_facts):
                for side in range(2):
                    entity = heads[b, c] if side == 0 else tails[b, c]
                    if marks[0, entity] != batch_mark:
                        marks[0, entity] = batch_mark
                        places[0, entity] = n_entities
                        entities[n_entities] = entity
                        n_entities += 1
                    if marks[1, entity] != counter[0]:
                        marks[1, entity] = counter[0]
                        places[1, entity] = n_pairs
                        entity_of_pair[n_pairs] = places[0, entity]
                        n_pairs += 1
                    if side == 0:
                        head_pair[b, c] = places[1, entity]
                    else:
                        tail_pair[b, c] = places[1, entity]
        parts[n_parts, 0], parts[n_parts, 1], parts[n_parts, 2] = relation, first, n_pairs
        n_parts += 1
    return Batch(
        relations,
        entities[:n_entities].copy(),
        entity_of_pair[:n_pairs].copy(),
        parts[:n_parts].copy(),
        head_pair,
        tail_pair,
    )


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def forward(tables: Tables, batch: Batch, by: Distance) -> Way:
    """Distances of a batch, and what `backward` needs of the way there."""
    entities, relation_vectors, projections = tables.entities, tables.relations, tables.projections
    entity_of_pair, parts, relations = batch.entity_of_pair, batch.parts, batch.relations
    head_pair, tail_pair, of_batch = batch.head_pair, batch.tail_pair, batch.entities
    kept, norm, largest = by.kept, by.norm, by.largest
    n_pairs, width = entity_of_pair.size, relation_vectors.shape[1]
    paired = np.empty((n_pairs, entities.shape[1]), dtype=np.float32)
    for p in range(n_pairs):
        entity = of_batch[entity_of_pair[p]]
        for x in range(paired.shape[1]):
            paired[p, x] = entities[entity, x]
    shortened = np.empty((n_pairs, width), dtype=np.float32)
    for n in range(len(parts)):
        start, end = parts[n, 1], parts[n, 2]
        np.dot(paired[start:end], projections[parts[n, 0]], shortened[start:end])
    shortening = np.ones(n_pairs, dtype=np.float32)
    for p in range(n_pairs):
        total = np.float32(0)
        for x in range(width):
            value = shortened[p, x]
            total += abs(value) if norm == 1 else value * value
        length = total if norm == 1 else np.sqrt(total)
        if length > largest:
            shortening[p] = np.float32(largest) / length
            for x in range(width):
                shortened[p, x] *= shortening[p]
    seen = shortened if kept.size == 0 else shortened * kept
    distance = np.empty(head_pair.shape, dtype=np.float32)
    for b in range(len(relations)):
        vector = relation_vectors[relations[b]]
        for c in range(head_pair.shape[1]):
            head, tail = seen[head_pair[b, c]], seen[tail_pair[b, c]]
            total = np.float32(0)
            for x in range(width):
                apart = head[x] + vector[x] - tail[x]
                total += abs(apart) if norm == 1 else apart * apart
            distance[b, c] = total if norm == 1 else np.sqrt(total)
    return Way(distance, paired, shortened, shortening, seen)


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def backward(
    slope: Array, way: Way, tables: Tables, batch: Batch, by: Distance, squared: bool
) -> tuple[Array, Array, Array]:
    """The slopes of the three tables, from those of the scores.

    Args:
        slope: (B, C) of the scores, minus the distances or their powers.
        way: that `forward` went with these arguments.
        squared: whether the score is the distance's p-th power.

    Returns:
        (M, d) of the batch's entities; (R', k) and (R', d, k) of its relations, as in `parts`.
    """
    distance, paired, shortened = way.distance, way.paired, way.shortened
    shortening, seen = way.shortening, way.seen
    relation_vectors, projections = tables.relations, tables.projections
    entity_of_pair, parts, relations = batch.entity_of_pair, batch.parts, batch.relations
    head_pair, tail_pair, n_entities = batch.head_pair, batch.tail_pair, batch.entities.size
    kept, norm, largest = by.kept, by.norm, by.largest
    n_pairs, width = seen.shape
    part_of = np.zeros(len(relation_vectors), dtype=np.int64)
    for n in range(len(parts)):
        part_of[parts[n, 0]] = n
    of_seen = np.zeros((n_pairs, width), dtype=np.float32)
    of_vectors = np.zeros((len(parts), width), dtype=np.float32)
    for b in range(len(relations)):
        vector, of_vector = relation_vectors[relations[b]], of_vectors[part_of[relations[b]]]
        for c in range(head_pair.shape[1]):
            if slope[b, c] == 0 or distance[b, c] == 0:  # as in torch: no slope at distance 0
                continue
            i, j = head_pair[b, c], tail_pair[b, c]
            head, tail, of_head, of_tail = seen[i], seen[j], of_seen[i], of_seen[j]
            if norm == 1:
                for x in range(width):
                    gradient = -slope[b, c] * np.sign(head[x] + vector[x] - tail[x])
                    of_head[x] += gradient
                    of_tail[x] -= gradient
                    of_vector[x] += gradient
            else:
                factor = -slope[b, c] * (np.float32(2) if squared else 1 / distance[b, c])
                for x in range(width):
                    gradient = factor * (head[x] + vector[x] - tail[x])
                    of_head[x] += gradient
                    of_tail[x] -= gradient
                    of_vector[x] += gradient
    if kept.size:
        of_seen *= kept
    for p in range(n_pairs):
        if shortening[p] < 1:  # a shortened vector x / |x| moves only across its direction
            along = np.float32(0)
            for x in range(width):
                along += of_seen[p, x] * shortened[p, x]
            along /= np.float32(largest)
            for x in range(width):
                value = shortened[p, x]
                ray = np.sign(value) if norm == 1 else value / np.float32(largest)
                of_seen[p, x] = shortening[p] * (of_seen[p, x] - along * ray)

    of_paired = np.empty_like(paired)
    of_projections = np.empty((len(parts), *projections.shape[1:]), dtype=np.float32)
    for n in range(len(parts)):
        start, end = parts[n, 1], parts[n, 2]
        part = of_seen[start:end]
        np.dot(part, projections[parts[n, 0]].T, of_paired[start:end])
        np.dot(paired[start:end].T, part, of_projections[n])
    of_entities = np.zeros((n_entities, paired.shape[1]), dtype=np.float32)
    for p in range(n_pairs):
        of_entity = of_entities[entity_of_pair[p]]
        for x in range(paired.shape[1]):
            of_entity[x] += of_paired[p, x]
    return of_entities, of_vectors, of_projections


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def adam_rows(
    table: Array,
    mean: Array,
    square: Array,
    rows: Array,
    gradient: Array,
    pace: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    norm: int,
) -> None:
    """`kgplan.embedding.optimiser.RowAdam` on (E, w) arrays, in place.

    Args:
        table, mean, square: (E, w); changed in the given rows.
        rows: (M,) different row numbers.
        gradient: (M, w).
        pace: learning rate, corrected for the moments' start at 0.
        beta1, beta2, epsilon: of Adam.
        norm: moved rows longer than 1 by this norm are shortened to it; 0 shortens none.
    """
    b2, step, tiny = np.float32(beta2), np.float32(pace), np.float32(epsilon)
    c1, c2 = np.float32(1 - beta1), np.float32(1 - beta2)
    for m in range(rows.size):
        row, first, second, slope = table[rows[m]], mean[rows[m]], square[rows[m]], gradient[m]
        for x in range(row.size):
            first[x] += c1 * (slope[x] - first[x])
            second[x] = b2 * second[x] + c2 * slope[x] * slope[x]
            row[x] -= step * first[x] / (np.sqrt(second[x]) + tiny)
        _shorten(row, norm)


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def adagrad_rows(
    table: Array,
    total: Array,
    rows: Array,
    gradient: Array,
    rate: float,
    epsilon: float,
    norm: int,
) -> None:
    """`kgplan.embedding.optimiser.RowAdagrad` on (E, w) arrays, in place; see `adam_rows`."""
    step, tiny = np.float32(rate), np.float32(epsilon)
    for m in range(rows.size):
        row, summed, slope = table[rows[m]], total[rows[m]], gradient[m]
        for x in range(row.size):
            summed[x] += slope[x] * slope[x]
            row[x] -= step * slope[x] / (np.sqrt(summed[x]) + tiny)
        _shorten(row, norm)


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _shorten(row: Array, norm: int) -> None:
    if norm == 0:
        return
    total = np.float32(0)
    for x in range(row.size):
        total += abs(row[x]) if norm == 1 else row[x] * row[x]
    length = total if norm == 1 else np.sqrt(total)
    if length > 1:
        for x in range(row.size):
            row[x] /= length
