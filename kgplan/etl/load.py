"""Fill the graph database from checked triples, so that it holds just what they say.

In the embedded database a load is one transaction: readers see the old
graph or the new one. In Neo4j it is many, and until the last one the graph has no version, so that
no reader takes a half graph for a finished one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from operator import itemgetter
from typing import Any

import pyoxigraph as ox
from rdflib import OWL, RDF

from kgplan.errors import LossRefused
from kgplan.graph.rows import Row, batches
from kgplan.graph.schema import BOOKKEEPING, Annotation, GraphSchema, NodeClass
from kgplan.graph.snapshot import content_hash, read_contents
from kgplan.graph.store import GraphStore
from kgplan.progress import Progress, silent

ABSENT = -1
"""Stands for a number that is not there, in rows for the load queries."""
DESIGNER = "designer"


@dataclass
class GraphRows:
    """The triples as rows: label -> [{id, ...}], type -> [{head, tail, ...}]."""

    nodes: dict[str, list[Row]] = field(default_factory=dict)
    relationships: dict[str, list[Row]] = field(default_factory=dict)

    @classmethod
    def empty(cls, schema: GraphSchema) -> "GraphRows":
        """No row of any class or relation."""
        return cls(
            {class_.label: [] for class_ in schema.classes},
            {relation.type: [] for relation in schema.relations},
        )

    @property
    def total(self) -> int:
        """Number of rows of both sorts."""
        return sum(map(len, [*self.nodes.values(), *self.relationships.values()]))


@dataclass(frozen=True)
class Conflict:
    """Where the source and a person's edit disagree; the person's stays.

    Attributes:
        what: the node, as `label id`, or the relationship, as `type head -> tail`.
        reason: how they disagree.
    """

    what: str
    reason: str


@dataclass
class Changes:
    """What makes the graph hold what the source says.

    Attributes:
        put: label or type -> rows that are new or differ.
        sweep: label or type -> rows that the source no longer has.
        unchanged: rows that the graph holds already.
        conflicts: rows that a person's edit keeps out, and what differs from a person's.
    """

    put: dict[str, list[Row]] = field(default_factory=dict)
    sweep: dict[str, list[Row]] = field(default_factory=dict)
    unchanged: int = 0
    conflicts: list[Conflict] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any([*self.put.values(), *self.sweep.values()])


@dataclass(frozen=True)
class LoadReport:
    """What a load did.

    Attributes:
        graph_version: content hash of the graph after it.
        changed: whether the graph differs from before.
        written: label or type -> rows put in or changed.
        unchanged: rows of the source that the graph held already.
        swept_nodes, swept_relationships: what the source no longer had.
        conflicts: where people's edits stay against the source.
    """

    graph_version: str
    changed: bool
    written: Mapping[str, int]
    unchanged: int
    swept_nodes: int
    swept_relationships: int
    conflicts: Sequence[Conflict]


def rows_of(lines: Iterable[str], schema: GraphSchema) -> GraphRows:
    """Turn N-Triples into rows for the load queries.

    Args:
        lines: N-Triples, each entity with its type and id.
        schema: of the graph.
    """
    classes = {class_.iri: class_ for class_ in schema.classes}
    keys = {attribute.iri: attribute.key for attribute in schema.attributes}
    relations = {relation.iri: relation for relation in schema.relations}
    carried = {annotation.iri for annotation in schema.annotations}
    class_of: dict[str, NodeClass] = {}
    properties: defaultdict[str, Row] = defaultdict(dict)
    edges: list[tuple[str, str, str]] = []
    axioms: defaultdict[str, dict[str, str]] = defaultdict(dict)
    said: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    annotated = {str(OWL[f"annotated{part}"]): part for part in ("Source", "Property", "Target")}
    text = BytesIO("\n".join(lines).encode())
    for triple in ox.parse(text, "application/n-triples"):
        if isinstance(triple.subject, ox.Triple) or isinstance(triple.object, ox.Triple):
            continue  # RDF-star: the mapping makes none
        subject, predicate = triple.subject.value, triple.predicate.value
        value = triple.object.value
        if predicate == str(RDF.type):
            if value in classes:
                class_of[subject] = classes[value]
        elif predicate in keys:
            properties[subject][keys[predicate]] = value
        elif predicate in relations:
            edges.append((subject, predicate, value))
        elif predicate in annotated:
            axioms[subject][annotated[predicate]] = value
        elif predicate in carried:
            said[subject][predicate].append(value)
    axiom_of = {
        (parts["Source"], parts["Property"], parts["Target"]): axiom
        for axiom, parts in axioms.items()
        if len(parts) == 3
    }
    rows = GraphRows.empty(schema)
    for iri, class_ in class_of.items():
        rows.nodes[class_.label].append(
            {each.key: properties[iri].get(each.key) for each in class_.attributes}
        )
    for head, predicate, tail in edges:
        relation, values = relations[predicate], said[axiom_of.get((head, predicate, tail), "")]
        row: Row = {"head": properties[head]["id"], "tail": properties[tail]["id"]}
        row |= {each.key: value_of(each, values[each.iri]) for each in relation.annotations}
        rows.relationships[relation.type].append(row)
    return rows


def value_of(annotation: Annotation, said: Sequence[str]) -> list[str] | float | int | None:
    """What a relationship keeps of what is said of its pair.

    >>> value_of(Annotation("", "", "strength", "decimal"), ["0.5"])
    0.5
    """
    if not annotation.is_number:
        return sorted(said)
    number = int if annotation.kind == "integer" else float
    return number(said[0]) if said else None


def read_found(store: GraphStore) -> GraphRows:
    """All that the graph holds now, with each row's run_id and source."""
    entities, edges = read_contents(store, "found")
    return GraphRows(
        {class_.label: entities[class_.name] for class_ in store.schema.classes},
        {relation.type: edges[relation.name] for relation in store.schema.relations},
    )


def compare(rows: GraphRows, found: GraphRows, tombstones: Iterable[Row]) -> Changes:
    """Find what to put in and what to sweep; what people added or removed stays as it is.

    Args:
        rows: all nodes and relationships of the source.
        found: those of the graph, each with run_id and source.
        tombstones: {type, head, tail} of what people removed; a node has its label as type.
    """
    changes = Changes()
    removed = {(stone["type"], stone["head"], stone["tail"]) for stone in tombstones}
    gone = {(label, id_) for label, id_, tail in removed if not tail}
    for label, wanted in rows.nodes.items():
        kept = [row for row in wanted if (label, row["id"]) not in gone]
        changes.conflicts += [
            Conflict(f"{label} {row['id']}", "a designer removed it")
            for row in wanted
            if (label, row["id"]) in gone
        ]
        _compare_part(changes, label, kept, found.nodes[label], ("id",))
    gone_ids = {id_ for _, id_ in gone}
    for type_, wanted in rows.relationships.items():
        kept = []
        for row in wanted:
            what = f"{type_} {row['head']} -> {row['tail']}"
            if (type_, row["head"], row["tail"]) in removed:
                changes.conflicts.append(Conflict(what, "a designer removed it"))
            elif gone_ids and (row["head"] in gone_ids or row["tail"] in gone_ids):
                changes.conflicts.append(Conflict(what, "a designer removed one of its ends"))
            else:
                kept.append(row)
        _compare_part(changes, type_, kept, found.relationships[type_], ("head", "tail"))
    return changes


def _compare_part(
    changes: Changes, name: str, wanted: Sequence[Row], found: Sequence[Row], key: tuple[str, ...]
) -> None:
    """Compare the rows of one label or type."""
    key_of = itemgetter(*key)
    held = {key_of(row): row for row in sorted(found, key=is_of_load)}  # of a pair, the load's
    sources = {key_of(row) for row in wanted}
    put = changes.put[name] = []
    for row in wanted:
        before = held.get(key_of(row))
        if before is None:
            put.append(row)
            continue
        differ = [
            field
            for field, value in before.items()
            if field not in BOOKKEEPING and given(value) != given(row.get(field))
        ]
        if not differ:
            changes.unchanged += 1
        elif is_of_load(before):
            put.append(row)
        else:
            what = f"{name} {' -> '.join(row[part] for part in key)}"
            reason = f"a designer's differs from the source in {', '.join(differ)}"
            changes.conflicts.append(Conflict(what, reason))
    changes.sweep[name] = [
        {part: row[part] for part in key}
        for place, row in held.items()
        if place not in sources and is_of_load(row)
    ]


def given(value: Any) -> Any:
    """A row's value; None for an empty text or list, which says as little.

    >>> given([]), given(0.0)
    (None, 0.0)
    """
    return None if value in ("", []) else value


def is_of_load(row: Row) -> bool:
    """Whether a load wrote this row and no person changed it."""
    return row["run_id"] is not None and row["source"] != DESIGNER


def load(
    rows: GraphRows,
    store: GraphStore,
    run_id: str,
    progress: Progress = silent,
    loss_share: float = 1.0,
) -> LoadReport:
    """Make the graph hold these rows, and nothing that an older load wrote.

    What the graph holds is compared with the rows, and the difference is written, batch by batch.
    A load that was killed left some of it undone, and the next one finds that out in the same way.

    Args:
        rows: all nodes and relationships of the source.
        store: the graph database.
        run_id: names the content; a second load of the same content changes nothing.
        progress: called with a name, rows done and rows in all.
        loss_share: of the graph's nodes that may be swept; 1: all of them.

    Raises:
        GraphUnavailable: the database does not answer, or another load is under way.
        LossRefused: too much would be swept; nothing has changed.
    """
    store.define_schema()
    with store.loading(run_id):
        before = [row["version"] for row in store.read("snapshot.graph_version")]
        found = read_found(store)
        changes = compare(rows, found, store.read("found.tombstone"))
        if loss_share < 1:
            refuse_sweep(changes, found, loss_share)
        if changes:
            store.write("load.begin", run_id=run_id)
        written = put(changes, rows, store, run_id, progress)
        swept_relationships = sum(
            store.write(f"load.sweep_{type_.lower()}", rows=changes.sweep[type_])
            for type_ in rows.relationships
        )
        swept_nodes = sum(sweep_nodes(changes, label, store) for label in rows.nodes)
        after = read_found(store) if changes else found
        version = content_hash(after.nodes, after.relationships, store.schema)
        changed = bool(changes) or before != [version]  # what no version counts may change alone
        if changed:
            store.write("load.finish", version=version, run_id=run_id)
    return LoadReport(
        version,
        changed,
        written,
        changes.unchanged,
        swept_nodes,
        swept_relationships,
        changes.conflicts,
    )


def refuse_sweep(changes: Changes, found: GraphRows, share: float) -> None:
    """Refuse changes that would take away much of the graph.

    Args:
        changes: as `compare` found them.
        found: what the graph holds.
        share: of its nodes that may be swept. A class of which nothing would be left counts, too.

    Raises:
        LossRefused: with what would go, by class.
    """
    held = {label: len(rows) for label, rows in found.nodes.items() if rows}
    swept = {label: len(changes.sweep[label]) for label in held if changes.sweep[label]}
    emptied = [label for label, n in swept.items() if n == held[label] and not changes.put[label]]
    if emptied or sum(swept.values()) > share * sum(held.values()):
        listed = ", ".join(f"{n:,} of {held[label]:,} {label}" for label, n in swept.items())
        raise LossRefused(
            f"this load would delete {sum(swept.values()):,} of the graph's"
            f" {sum(held.values()):,} nodes ({listed}); nothing was changed: check the source, or"
            " run `kgplan graph load --sweep` if they are to go"
        )


def put(
    changes: Changes, rows: GraphRows, store: GraphStore, run_id: str, progress: Progress
) -> dict[str, int]:
    """Write what is new or differs, nodes first; returns label or type -> rows written."""
    numbers = {
        relation.type: [each.key for each in relation.annotations if each.is_number]
        for relation in store.schema.relations
    }
    written: dict[str, int] = {}
    done = 0
    for name, content in [*rows.nodes.items(), *rows.relationships.items()]:
        # a node's relationships one after the other: the server finds them twice as fast
        new = sorted(changes.put[name], key=lambda row: row.get("tail", ""))
        written[name] = 0
        progress(name, done, rows.total)
        done += len(content) - len(new)
        if keys := numbers.get(name):
            new = [row | numbered(row, keys) for row in new]
        for batch in batches(new):
            written[name] += store.write(f"load.{name.lower()}", rows=batch, run_id=run_id)
            done += len(batch)
            progress(name, done, rows.total)
        if not new:
            progress(name, done, rows.total)
    return written


def numbered(row: Row, keys: Iterable[str]) -> Row:
    """The numbers of a row as the load queries take them.

    >>> numbered({"head": "a", "strength": None}, ["strength"])
    {'strength': -1}
    """
    return {key: ABSENT if row.get(key) is None else row[key] for key in keys}


def sweep_nodes(changes: Changes, label: str, store: GraphStore) -> int:
    """Remove nodes that the source no longer has, but for those that people's edits hang on."""
    ids = [row["id"] for row in changes.sweep[label]]
    if not ids:
        return 0
    if label == "Concept":
        store.write("similar.untie_out", ids=ids)
        store.write("similar.untie_in", ids=ids)
    tied = {row["id"] for row in store.read(f"load.tied_{label.lower()}", ids=ids)}
    changes.conflicts += [
        Conflict(
            f"{label} {id_}", "the source no longer has it, but a designer's relationship does"
        )
        for id_ in sorted(tied)
    ]
    free = [{"id": id_} for id_ in ids if id_ not in tied]
    return store.write(f"load.sweep_{label.lower()}", rows=free)
