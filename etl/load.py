"""Fill the graph database from checked triples, so that it holds just what they say.

Names of labels, relationship types and property keys come from the annotations in
`ontology/mooccube.ttl`. One transaction: readers see the old graph or the new one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from io import BytesIO

import pyoxigraph as ox
from rdflib import OWL, RDF, Graph, Namespace

from kgplan.graph.snapshot import read_snapshot
from kgplan.graph.store import GraphStore, Row
from kgplan.progress import Progress, silent

KG = Namespace("https://w3id.org/kgplan/ontology#")
SOURCE = "http://purl.org/dc/terms/source"


@dataclass(frozen=True)
class GraphNames:
    """Term IRI -> its name in the property graph."""

    labels: Mapping[str, str]
    types: Mapping[str, str]
    keys: Mapping[str, str]


@dataclass
class GraphRows:
    """The triples as rows: label -> [{id, ...}], type -> [{head, tail, sources}]."""

    nodes: dict[str, list[Row]] = field(default_factory=dict)
    relationships: dict[str, list[Row]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Number of rows of both sorts."""
        return sum(map(len, [*self.nodes.values(), *self.relationships.values()]))


@dataclass(frozen=True)
class LoadReport:
    """What a load did.

    Attributes:
        graph_version: content hash of the graph after it.
        changed: whether the graph differs from before.
        written: label or type -> rows that the graph now holds.
        swept_nodes, swept_relationships: what the source no longer had.
    """

    graph_version: str
    changed: bool
    written: Mapping[str, int]
    swept_nodes: int
    swept_relationships: int


@cache
def graph_names() -> GraphNames:
    """Read the names that the ontology gives to its terms."""
    ontology = Graph()
    ontology.parse(
        data=(files("kgplan") / "ontology" / "mooccube.ttl").read_text(encoding="utf-8"),
        format="turtle",
    )

    def named(annotation: str) -> dict[str, str]:
        return {str(term): str(name) for term, name in ontology.subject_objects(KG[annotation])}

    return GraphNames(named("nodeLabel"), named("relationshipType"), named("propertyKey"))


def rows_of(lines: Iterable[str], names: GraphNames) -> GraphRows:
    """Turn N-Triples into rows for the load queries.

    Args:
        lines: N-Triples, each entity with its type and id.
        names: from the ontology.
    """
    label_of: dict[str, str] = {}
    properties: defaultdict[str, Row] = defaultdict(dict)
    edges: list[tuple[str, str, str]] = []
    axioms: defaultdict[str, dict[str, str]] = defaultdict(dict)
    axiom_sources: defaultdict[str, list[str]] = defaultdict(list)
    annotated = {str(OWL[f"annotated{part}"]): part for part in ("Source", "Property", "Target")}
    text = BytesIO("\n".join(lines).encode())
    for triple in ox.parse(text, "application/n-triples"):
        if isinstance(triple.subject, ox.Triple) or isinstance(triple.object, ox.Triple):
            continue  # RDF-star: the mapping makes none
        subject, predicate = triple.subject.value, triple.predicate.value
        value = triple.object.value
        if predicate == str(RDF.type):
            if value in names.labels:
                label_of[subject] = names.labels[value]
        elif predicate in names.keys:
            properties[subject][names.keys[predicate]] = value
        elif predicate in names.types:
            edges.append((subject, predicate, value))
        elif predicate in annotated:
            axioms[subject][annotated[predicate]] = value
        elif predicate == SOURCE:
            axiom_sources[subject].append(value)
    sources = {
        (parts["Source"], parts["Property"], parts["Target"]): sorted(axiom_sources[axiom])
        for axiom, parts in axioms.items()
        if len(parts) == 3
    }
    keys = sorted(set(names.keys.values()))
    rows = GraphRows(
        {label: [] for label in names.labels.values()},
        {type_: [] for type_ in names.types.values()},
    )
    for iri, label in label_of.items():
        rows.nodes[label].append({key: properties[iri].get(key) for key in keys})
    for head, predicate, tail in edges:
        row: Row = {"head": properties[head]["id"], "tail": properties[tail]["id"]}
        row["sources"] = sources.get((head, predicate, tail), [])
        rows.relationships[names.types[predicate]].append(row)
    return rows


def load(
    rows: GraphRows, store: GraphStore, run_id: str, progress: Progress = silent
) -> LoadReport:
    """Make the graph hold these rows and nothing older.

    Args:
        rows: all nodes and relationships of the source.
        store: the graph database.
        run_id: names the content; a second load of the same content changes nothing.
        progress: called with a name, rows done and rows in all.
    """
    store.define_schema()
    written: dict[str, int] = {}
    done = 0
    with store.transaction():
        before = [row["version"] for row in store.read("snapshot.graph_version")]
        for name, content in [*rows.nodes.items(), *rows.relationships.items()]:
            written[name] = store.write(f"load.{name.lower()}", rows=content, run_id=run_id)
            done += len(content)
            progress(name, done, rows.total)
        swept_relationships = store.write("load.sweep_relationships", run_id=run_id)
        swept_nodes = store.write("load.sweep_nodes", run_id=run_id)
        version = read_snapshot(store).version
        store.write("load.graph_version", version=version, run_id=run_id)
    return LoadReport(version, before != [version], written, swept_nodes, swept_relationships)
