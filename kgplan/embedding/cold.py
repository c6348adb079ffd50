"""Where does an entity lie that training has not seen? An estimate from its facts, at once.

TransR says of a fact (h, r, t) that M_r^T e_h + w_r = M_r^T e_t, about. With one end unknown these
are k linear equations for its d coordinates; the facts of an entity together give a least-squares
problem, held to the mean of all entities where they leave a direction open. A fact that n others
share at the same known end, such as "the course has it", says less: it weighs 1/sqrt(n). Choices
and what they are worth: docs/research/embedding.md.

Sizes: N triples, E entities, R' relations, d dimension, k relation dimension, X entities asked for.
"""

from dataclasses import dataclass

import numpy as np

from kgplan.arrays import Floats, Ids, Ints
from kgplan.data.axis import Axis
from kgplan.embedding.result import INVERSE, Embedding

RIDGE = 1.0  # weight of the mean of all entities


@dataclass(frozen=True)
class ColdVectors:
    """Estimated vectors of entities that have none.

    Attributes:
        entity_ids: (X,) as they were asked for.
        vectors: (X, d) float32; 0 where no fact leads to an entity with a vector.
        facts: (X,) facts that each vector rests on; 0 where there is none.
    """

    entity_ids: Ids
    vectors: Floats
    facts: Ints


def cold_vectors(embedding: Embedding, entity_ids: Ids, triples: Ids) -> ColdVectors:
    """Estimate vectors of new entities from their facts.

    Where new entities are linked with each other, those next to trained ones come first and the
    others are estimated from them in turn. A fact of an untrained relation is left out.

    Args:
        embedding: without these entities.
        entity_ids: (X,) new ids, without repeats.
        triples: (N, 3) head, relation and tail ids of the whole graph.

    >>> two = Embedding(
    ...     np.array(["a", "b"]), np.array([[0.0, 1.0], [0.0, -1.0]]), np.array(["near"]),
    ...     np.zeros((1, 2)), np.eye(2)[None], {}, ())
    >>> cold_vectors(two, np.array(["new"]), np.array([["a", "near", "new"]])).vectors
    array([[0. , 0.5]], dtype=float32)
    """
    known_ids, known = embedding.entity_ids, embedding.vectors.astype(np.float64)
    centre = known.mean(axis=0) if len(known) else np.zeros(known.shape[1])
    found = np.zeros((entity_ids.size, known.shape[1]), dtype=np.float32)
    counted = np.zeros(entity_ids.size, dtype=np.int64)
    weighted = _weighted(entity_ids, triples)
    while True:
        here, reached = Axis(known_ids), []
        for x in np.flatnonzero(counted == 0).tolist():
            facts = [
                (fact, at)
                for fact in weighted[x]
                if (at := here.find(fact.other)) >= 0 and fact.relation in embedding.relation_ids
            ]
            if facts:
                found[x] = _estimate(embedding, known, facts, centre)
                counted[x] = len(facts)
                reached.append(x)
        if not reached:
            return ColdVectors(entity_ids, found, counted)
        joined = np.concatenate([known_ids, entity_ids[reached]])
        order = np.argsort(joined)
        known_ids, known = joined[order], np.concatenate([known, found[reached]])[order]


@dataclass(frozen=True)
class _Fact:
    relation: str
    other: str  # the entity at the other end
    is_tail: bool  # whether the new entity is the tail
    weight: float


def _weighted(entity_ids: Ids, triples: Ids) -> list[list[_Fact]]:
    """For each new entity its facts, without loops."""
    facts: list[list[_Fact]] = [[] for _ in entity_ids]
    place = {str(entity_id): x for x, entity_id in enumerate(entity_ids)}
    for new, other, is_tail in ((2, 0, True), (0, 2, False)):
        mine = np.flatnonzero(np.isin(triples[:, new], entity_ids))
        # how many share the same end by the same relation
        near = np.flatnonzero(np.isin(triples[:, other], triples[mine, other]))
        ends, n = np.unique(triples[near][:, [1, other]], axis=0, return_counts=True)
        shared = {(str(r), str(y)): int(k) for (r, y), k in zip(ends, n, strict=True)}
        for h_r_t in np.unique(triples[mine], axis=0).tolist():
            x, relation, y = h_r_t[new], h_r_t[1], h_r_t[other]
            if x != y:
                weight = shared[relation, y] ** -0.5
                facts[place[x]].append(_Fact(relation, y, is_tail, weight))
    return facts


def _estimate(
    embedding: Embedding, known: Floats, facts: list[tuple[_Fact, int]], centre: Floats
) -> Floats:
    """(d,) the least-squares solution, where `known` holds the vectors at the facts' other ends."""
    left, right = RIDGE * np.eye(centre.size), RIDGE * centre
    rows = {str(name): k for k, name in enumerate(embedding.relation_ids)}
    for fact, at in facts:
        # of r itself and, where it was trained, of its inverse, whose ends are exchanged
        for name, sign in ((fact.relation, 1), (fact.relation + INVERSE, -1)):
            if name in rows:
                m = embedding.projections[rows[name]].astype(np.float64)
                w = (sign if fact.is_tail else -sign) * embedding.relation_vectors[rows[name]]
                left += fact.weight * m @ m.T
                right = right + fact.weight * m @ (known[at] @ m + w)
    return np.linalg.solve(left, right)
