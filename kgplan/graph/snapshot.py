"""What does the graph say, as arrays, at one version?

Sizes: K concepts, C courses, E prerequisites, N triples.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ids, Ints, positions
from kgplan.data.axis import Axis
from kgplan.data.stored import Stored
from kgplan.errors import ConstraintViolation, GraphUnavailable
from kgplan.graph.rows import Row
from kgplan.graph.schema import GraphSchema, graph_schema
from kgplan.graph.store import GraphStore

READ_ATTEMPTS = 3
PREDICTED = 0.86
"""How strong a prerequisite is that nobody states but a prediction: of the 28 predicted pairs of
MOOCCube's computer science that annotators list in one direction or the other, 24 are listed in the
same one (95 % .69 to .94)."""
NAMED = ("field", "school", "teacher")

Rows = dict[str, list[Row]]


@dataclass(frozen=True)
class GraphSnapshot(Stored):
    """One version of the graph.

    Attributes:
        version: hash of all that the graph says; equal graphs have equal versions.
        concept_ids, concept_names, concept_names_en: (K,) sorted by id; "" where unknown.
        concept_fields: (K,) name of the field, "" where unknown.
        course_ids, course_names: (C,) sorted by id.
        course_concepts: (C, K) True where the course has the concept.
        prerequisites: (K, K) True where the column is a direct prerequisite of the row.
        strength: (E,) how much each prerequisite is needed, 0 to 1: as the graph states it, else 1,
            and less for one that is only predicted. In the order of `prerequisites.indices`.
        group: (E,) 0 where a prerequisite is needed by itself; of those of a concept that have the
            same number from 1, any one will do. In the same order.
        prerequisite_sources: (after, before) positions -> where the edge comes from.
        relations: relation -> ((N_r,) head ids, (N_r,) tail ids).
        named: field, school, teacher -> ((N_c,) ids, (N_c,) names) of all of that class.
    """

    version: str
    concept_ids: Ids
    concept_names: Ids
    concept_names_en: Ids
    concept_fields: Ids
    course_ids: Ids
    course_names: Ids
    course_concepts: sparse.csr_array
    prerequisites: sparse.csr_array
    strength: Floats
    group: Ints
    prerequisite_sources: Mapping[tuple[int, int], Sequence[str]]
    relations: Mapping[str, tuple[Ids, Ids]]
    named: Mapping[str, tuple[Ids, Ids]]

    @cached_property
    def concepts(self) -> Axis:
        """Where each concept stands."""
        return Axis(self.concept_ids)

    @cached_property
    def courses(self) -> Axis:
        """Where each course stands."""
        return Axis(self.course_ids)

    def course_name(self, course_id: str) -> str:
        """A course's name; its id where the graph does not have it."""
        at = self.courses.find(course_id)
        return str(self.course_names[at]) if at >= 0 else course_id

    @cached_property
    def _names(self) -> Mapping[str, Mapping[str, str]]:
        lists = {of: (ids.tolist(), names.tolist()) for of, (ids, names) in self.named.items()}
        return {of: dict(zip(*pair, strict=True)) for of, pair in lists.items()}

    def names_before(self, relation: str, of: str, tail: str) -> tuple[str, ...]:
        """Names of what stands before an id in a relation, in alphabetical order.

        Args:
            relation: such as "school_has_course".
            of: the class of its heads, one of `NAMED`.
            tail: the id.
        """
        heads, tails = self.relations[relation]
        return tuple(sorted({self._names[of][head] for head in heads[tails == tail].tolist()}))

    def goal_name(self, course_id: str | None, concept_id: str | None) -> str:
        """Name of the course, or of the concept, that a path leads to; its id where unknown."""
        if course_id is not None:
            return self.course_name(course_id)
        at = self.concepts.find(concept_id or "")
        return str(self.concept_names[at]) if at >= 0 else concept_id or ""

    def prerequisites_among(self, concept_ids: Sequence[str]) -> list[tuple[str, str]]:
        """The (prerequisite, concept) pairs among these concepts."""
        known = self.concepts.known(concept_ids)
        pairs = self.prerequisites[known][:, known].tocoo()
        before, after = self.concept_ids[known[pairs.col]], self.concept_ids[known[pairs.row]]
        return sorted(zip(before.tolist(), after.tolist(), strict=True))

    @property
    def triples(self) -> Ids:
        """(N, 3) head, relation, tail ids of every relation between entities."""
        return np.concatenate(
            [
                np.column_stack([heads, np.full(heads.shape, name), tails])
                for name, (heads, tails) in self.relations.items()
            ]
        )

    def to_arrays(self) -> dict[str, Array]:
        """Plain arrays that `from_arrays` turns back."""
        arrays = super().to_arrays()
        for name, (heads, tails) in self.relations.items():
            arrays |= {f"{name}.heads": heads, f"{name}.tails": tails}
        for name, (ids, names) in self.named.items():
            arrays |= {f"{name}.ids": ids, f"{name}.names": names}
        texts = [json.dumps(list(each)) for each in self.prerequisite_sources.values()]
        pairs = np.array(list(self.prerequisite_sources), dtype=np.int64).reshape(-1, 2)
        return arrays | {"sourced": pairs, "sources": id_array(texts)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array], **given: Any) -> Self:
        """Rebuild from what `to_arrays` gave."""
        texts = arrays["sources"].tolist()
        kinds = {text: json.loads(text) for text in set(texts)}
        places = map(tuple, arrays["sourced"].tolist())
        return super().from_arrays(
            arrays,
            prerequisite_sources={
                place: kinds[text] for place, text in zip(places, texts, strict=True)
            },
            relations={
                each.name: (arrays[f"{each.name}.heads"], arrays[f"{each.name}.tails"])
                for each in graph_schema().in_snapshot.relations
            },
            named={name: (arrays[f"{name}.ids"], arrays[f"{name}.names"]) for name in NAMED},
            **given,
        )


def snapshot_of(
    entities: Mapping[str, Sequence[Row]],
    edges: Mapping[str, Sequence[Row]],
    schema: GraphSchema | None = None,
) -> GraphSnapshot:
    """Arrange rows of the graph as arrays.

    Args:
        entities: class -> rows {id, name, name_en?}.
        edges: relation -> rows {head, tail, sources?, strength?, any_of?}.
        schema: of the graph; None: that of kgplan's ontology.

    Raises:
        ConstraintViolation: an entity has no id, or one that is no text; a prerequisite has a
            strength or a group that is none.
    """
    for name, rows in entities.items():
        for row in rows:
            if not isinstance(row["id"], str) or not row["id"]:
                raise ConstraintViolation(
                    f"a {name} in the graph has the id {row['id']!r}, which is no text;"
                    f" mend or delete that {name.capitalize()} node"
                )
    concepts = sorted(entities["concept"], key=lambda row: row["id"])
    courses = sorted(entities["course"], key=lambda row: row["id"])
    concept_ids = id_array([row["id"] for row in concepts])
    course_ids = id_array([row["id"] for row in courses])
    relations = {
        name: (id_array([row["head"] for row in rows]), id_array([row["tail"] for row in rows]))
        for name, rows in edges.items()
    }
    before, after = (positions(concept_ids, ids) for ids in relations["prerequisite_of"])
    field_names = {row["id"]: row["name"] or row["id"] for row in entities["field"]}
    fields: dict[str, str] = {}
    for row in edges["field_has_concept"]:
        fields.setdefault(row["tail"], field_names[row["head"]])
    has_course, has_concept = relations["course_has_concept"]
    pairs = zip(after.tolist(), before.tolist(), strict=True)
    placed = dict(zip(pairs, edges["prerequisite_of"], strict=True))
    stated = [placed[pair] for pair in sorted(placed)]  # as the matrix stores them
    return GraphSnapshot(
        version=content_hash(entities, edges, schema or graph_schema()),
        concept_ids=concept_ids,
        concept_names=id_array([row["name"] or row["id"] for row in concepts]),
        concept_names_en=id_array([row["name_en"] or "" for row in concepts]),
        concept_fields=id_array([fields.get(row["id"], "") for row in concepts]),
        course_ids=course_ids,
        course_names=id_array([row["name"] or row["id"] for row in courses]),
        course_concepts=incidence(
            positions(course_ids, has_course),
            positions(concept_ids, has_concept),
            (course_ids.size, concept_ids.size),
        ),
        prerequisites=incidence(after, before, (concept_ids.size, concept_ids.size)),
        strength=np.array([strength_of(row) for row in stated], dtype=float),
        group=np.array([group_of(row) for row in stated], dtype=np.int64),
        prerequisite_sources={pair: row["sources"] or [] for pair, row in placed.items()},
        relations=relations,
        named={
            name: (
                id_array([row["id"] for row in entities[name]]),
                id_array([row["name"] or row["id"] for row in entities[name]]),
            )
            for name in NAMED
        },
    )


def strength_of(row: Row) -> float:
    """How much a prerequisite is needed: what is stated, else by its sources.

    Raises:
        ConstraintViolation: what is stated is no number from 0 to 1.

    >>> strength_of({"sources": ["prediction"]}), strength_of({"sources": [], "strength": 0.5})
    (0.86, 0.5)
    """
    stated = row.get("strength")
    if stated is None:
        return PREDICTED if set(row["sources"] or ()) == {"prediction"} else 1.0
    if not isinstance(stated, int | float) or not 0 <= stated <= 1:
        raise _out_of_range(row, "strength", "a number from 0 to 1")
    return float(stated)


def group_of(row: Row) -> int:
    """The group of alternatives that a prerequisite is of; 0: none.

    Raises:
        ConstraintViolation: it is no whole number from 0.

    >>> group_of({"any_of": 2}), group_of({"any_of": None})
    (2, 0)
    """
    stated = row.get("any_of") or 0
    if not isinstance(stated, int) or stated < 0:
        raise _out_of_range(row, "any_of", "a whole number from 0")
    return stated


def _out_of_range(row: Row, key: str, wanted: str) -> ConstraintViolation:
    return ConstraintViolation(
        f"the prerequisite {row['head']} -> {row['tail']} in the graph has the {key}"
        f" {row[key]!r}, which is not {wanted}; mend that PREREQUISITE_OF relationship"
    )


def read_contents(store: GraphStore, family: str = "snapshot") -> tuple[Rows, Rows]:
    """Read all entities and relations, finished or not: by class, by relation.

    Relations are read before entities: of one that is being removed, the ends may be gone by then,
    and such a relation is left out.

    Args:
        store: the graph database.
        family: of the queries; "found" gives more columns, and what snapshots do not hold.
    """
    schema = store.schema if family == "found" else store.schema.in_snapshot
    edges = {each.name: store.read(f"{family}.{each.name}") for each in schema.relations}
    entities = {each.name: store.read(f"{family}.{each.name}") for each in schema.classes}
    ids = {row["id"] for rows in entities.values() for row in rows}
    for name, rows in edges.items():
        edges[name] = [row for row in rows if row["head"] in ids and row["tail"] in ids]
    for relation in schema.relations:
        for each in relation.annotations:
            if not each.is_number:
                for row in edges[relation.name]:
                    row[each.key] = row[each.key] or []
    return entities, edges


def read_snapshot(store: GraphStore) -> GraphSnapshot:
    """Read the whole graph from its database, finished or not."""
    return snapshot_of(*read_contents(store), store.schema)


def read_finished_snapshot(store: GraphStore) -> GraphSnapshot:
    """Read the whole graph as a load left it, people's edits included.

    Raises:
        GraphUnavailable: no load has finished, or one is under way.
    """
    for _ in range(READ_ATTEMPTS):
        before = store.read("snapshot.graph_version")
        if not before:
            raise GraphUnavailable("no load of the graph has finished; run `kgplan graph load`")
        if before[0]["version"] is None:
            raise GraphUnavailable(
                "the graph is being loaded, or its load was stopped; try again later,"
                " or finish it with `kgplan graph load`"
            )
        snapshot = read_snapshot(store)
        if store.read("snapshot.graph_version") == before:
            return snapshot
    raise GraphUnavailable("the graph changes faster than it can be read; try again later")


def content_hash(
    entities: Mapping[str, Sequence[Row]], edges: Mapping[str, Sequence[Row]], schema: GraphSchema
) -> str:
    """Hash what the rows say, whatever their order (16 hexadecimal digits).

    What a snapshot does not hold, such as explanations, does not count, nor does a number that no
    row has: graphs from before the ontology had it keep their versions.

    Args:
        entities: class or its label -> rows {id, name, ...}.
        edges: relation or its type -> rows {head, tail, ...}.
        schema: says which keys count.
    """
    digest, counted = hashlib.sha256(), schema.counted
    numbers = {each.key for each in schema.annotations if each.is_number}
    named = {name.lower(): rows for name, rows in [*entities.items(), *edges.items()]}
    for name in sorted(named.keys() & counted.keys()):
        rows = named[name]
        keys = [
            key
            for key in counted[name]
            if key not in numbers or any(row.get(key) is not None for row in rows)
        ]
        digest.update(f"{name} {' '.join(keys)} {len(rows)}\n".encode())
        said = sorted(repr(tuple(map(row.get, keys))) for row in rows)
        digest.update("\n".join(said).encode())
    return digest.hexdigest()[:16]


def id_array(values: Sequence[Any]) -> Ids:
    """An array of texts that stays one when empty."""
    return np.array(values, dtype=np.str_)


def incidence(rows: Any, columns: Any, shape: tuple[int, int]) -> sparse.csr_array:
    """A boolean matrix, True at the given places; its indices are sorted.

    >>> incidence([0, 0, 1], [1, 1, 0], (2, 2)).toarray()
    array([[False,  True],
           [ True, False]])
    """
    matrix = sparse.coo_array((np.ones(len(rows), dtype=bool), (rows, columns)), shape=shape)
    result = matrix.tocsr()
    result.sum_duplicates()
    result.sort_indices()
    return result.astype(bool)
