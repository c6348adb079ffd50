"""Which classes, relations and properties has the graph? What `ontology/` says.

Queries, rows, exports and SHACL shapes are made from what is read here. The annotations `kg:...`
name a term in the property graph; what is there without such a name is not in it.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any, NoReturn

import pyoxigraph as ox

from kgplan.errors import ConfigError
from kgplan.ontology import ontology_text

KG = "https://w3id.org/kgplan/ontology#"
OWL = "http://www.w3.org/2002/07/owl#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
XSD = "http://www.w3.org/2001/XMLSchema#"
TEXT = f"{XSD}string"
NUMBERS = (f"{XSD}decimal", f"{XSD}integer")
KEY, NAME = f"{KG}id", f"{KG}name"
BOOKKEEPING = ("run_id", "source")
"""What the graph keeps with each node and relationship: who wrote it, who changed it by hand."""
NAMED = re.compile(r"[A-Za-z]\w*", re.ASCII)  # what Cypher takes without quoting


@dataclass(frozen=True)
class Attribute:
    """A text that nodes hold.

    Attributes:
        iri: of the data property.
        title: its English label.
        key: the nodes' property.
        in_snapshot: whether snapshots read it; then it counts in the graph's version.
    """

    iri: str
    title: str
    key: str
    in_snapshot: bool


@dataclass(frozen=True)
class NodeClass:
    """A class of nodes.

    Attributes:
        iri: of the class.
        title: its English label.
        label: of its nodes.
        attributes: in the ontology's order; `id` and `name` are among those of every class.
        searched: the attributes that people look nodes up by.
        in_snapshot: whether snapshots read its nodes; then they count in the graph's version.
    """

    iri: str
    title: str
    label: str
    attributes: tuple[Attribute, ...]
    searched: tuple[Attribute, ...]
    in_snapshot: bool = True

    @property
    def name(self) -> str:
        """What queries, files and IRIs call it."""
        return self.label.lower()


@dataclass(frozen=True)
class Annotation:
    """What each pair of a relation may say beside its ends.

    Attributes:
        iri: of the annotation property.
        title: its English label.
        key: the relationships' property.
        kind: `string`, of which a pair has a list, or `decimal` or `integer`, from 0, of which it
            has one or none.
    """

    iri: str
    title: str
    key: str
    kind: str

    @property
    def is_number(self) -> bool:
        """Whether a pair has one or none."""
        return self.kind != "string"


@dataclass(frozen=True)
class Relation:
    """A type of relationships.

    Attributes:
        iri: of the object property.
        type: of its relationships.
        head, tail: the classes at its ends.
        annotations: what each pair may say, such as where it comes from.
    """

    iri: str
    type: str
    head: NodeClass
    tail: NodeClass
    annotations: tuple[Annotation, ...]

    @property
    def name(self) -> str:
        """What queries and files call it."""
        return self.type.lower()

    @property
    def in_snapshot(self) -> bool:
        """Whether snapshots read its pairs: where they read both ends."""
        return self.head.in_snapshot and self.tail.in_snapshot


@dataclass(frozen=True)
class GraphSchema:
    """All of them, in the ontology's order."""

    classes: tuple[NodeClass, ...]
    relations: tuple[Relation, ...]

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """Those of all classes, each once."""
        return tuple(dict.fromkeys(each for class_ in self.classes for each in class_.attributes))

    @property
    def annotations(self) -> tuple[Annotation, ...]:
        """Those of all relations, each once."""
        return tuple(dict.fromkeys(each for one in self.relations for each in one.annotations))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all classes, then of all relations."""
        return tuple(each.name for part in (self.classes, self.relations) for each in part)

    @property
    def in_snapshot(self) -> "GraphSchema":
        """What snapshots read."""
        return GraphSchema(
            tuple(each for each in self.classes if each.in_snapshot),
            tuple(each for each in self.relations if each.in_snapshot),
        )

    @property
    def counted(self) -> Mapping[str, tuple[str, ...]]:
        """Class or relation of snapshots -> the keys whose values count in a graph's version."""
        found = {
            class_.name: tuple(sorted(each.key for each in class_.attributes if each.in_snapshot))
            for class_ in self.in_snapshot.classes
        }
        for relation in self.in_snapshot.relations:
            keys = (each.key for each in relation.annotations)
            found[relation.name] = ("head", *keys, "tail")
        return found


@cache
def graph_schema() -> GraphSchema:
    """What kgplan's own ontology says, its extension by items included."""
    return read_schema(ontology_text("learning.ttl") + ontology_text("items.ttl"))


def read_schema(turtle: str) -> GraphSchema:
    """Read the schema out of an ontology.

    Args:
        turtle: OWL 2 with the annotations of `ontology/learning.ttl`.

    Raises:
        ConfigError: it is no Turtle, or a term says what a graph cannot keep.
    """
    ontology = _Ontology(turtle)
    owned = _attributes(ontology)
    classes = {
        iri: _class(ontology, iri, label, owned.pop(iri, ()))
        for iri, label in ontology.named("nodeLabel")
    }
    for owner in owned:
        _refuse(owner, "is the domain of a property, and is no class with a kg:nodeLabel")
    annotations = _annotations(ontology)
    relations = [
        _relation(ontology, iri, type_, classes, annotations)
        for iri, type_ in ontology.named("relationshipType")
    ]
    schema = GraphSchema(tuple(classes.values()), tuple(relations))
    if twice := repeated(schema.names):
        raise ConfigError(
            f"the ontology has two classes or relations that the graph calls {twice[0]}"
        )
    return schema


def _attributes(ontology: "_Ontology") -> dict[str, tuple[Attribute, ...]]:
    """Class -> the attributes of its nodes."""
    owned: dict[str, tuple[Attribute, ...]] = {}
    for iri, key in ontology.keyed(annotations=False):
        if ontology.value(iri, f"{RDFS}range") != TEXT:
            _refuse(iri, "has another range than xsd:string, and nodes hold texts")
        in_snapshot = ontology.value(iri, f"{KG}inSnapshot") == "true"
        attribute = Attribute(iri, ontology.title(iri), key, in_snapshot)
        for owner in ontology.domain(iri):
            owned[owner] = (*owned.get(owner, ()), attribute)
    return owned


def _annotations(ontology: "_Ontology") -> dict[str, Annotation]:
    """Annotation property -> what it is to the pairs that it annotates."""
    found = {}
    for iri, key in ontology.keyed(annotations=True):
        kind = ontology.value(iri, f"{RDFS}range")
        if kind is None or kind not in (TEXT, *NUMBERS):
            _refuse(iri, "has another range than xsd:string, xsd:decimal or xsd:integer")
        found[iri] = Annotation(iri, ontology.title(iri), key, local_name(kind))
    return found


def _class(
    ontology: "_Ontology", iri: str, label: str, attributes: tuple[Attribute, ...]
) -> NodeClass:
    if ontology.members(ontology.value(iri, f"{OWL}hasKey")) != [KEY]:
        _refuse(iri, "has another key than kg:id (owl:hasKey)")
    if not {(KEY, "id", True), (NAME, "name", True)} <= {
        (each.iri, each.key, each.in_snapshot) for each in attributes
    }:
        _refuse(iri, "is not in the domain of both kg:id and kg:name, as snapshots read them")
    if twice := repeated(each.key for each in attributes):
        _refuse(iri, f"has the kg:propertyKey {twice[0]} twice")
    wanted = ontology.values(iri, f"{KG}searchedBy")
    searched = tuple(each for each in attributes if each.iri in wanted)
    in_snapshot = ontology.value(iri, f"{KG}inSnapshot") != "false"
    return NodeClass(iri, ontology.title(iri), label, attributes, searched, in_snapshot)


def _relation(
    ontology: "_Ontology",
    iri: str,
    type_: str,
    classes: Mapping[str, NodeClass],
    annotations: Mapping[str, Annotation],
) -> Relation:
    ends = [ontology.value(iri, f"{RDFS}{end}") for end in ("domain", "range")]
    head, tail = (classes.get(end or "") for end in ends)
    if head is None or tail is None:
        _refuse(iri, "has a domain or a range that is no class with a kg:nodeLabel")
    carried = set(ontology.values(iri, f"{KG}annotatedBy"))
    if not carried <= annotations.keys():
        _refuse(iri, "is annotated by a property that has no kg:propertyKey")
    known = (each for name, each in annotations.items() if name in carried)
    return Relation(iri, type_, head, tail, tuple(known))


class _Ontology:
    """An ontology's triples: what each term says; terms in the order of the text."""

    def __init__(self, turtle: str) -> None:
        self.said: defaultdict[str, list[tuple[str, Any]]] = defaultdict(list)
        try:
            triples: Iterable[Any] = ox.parse(BytesIO(turtle.encode()), "text/turtle")
            for subject, predicate, object_ in triples:
                self.said[subject.value].append((predicate.value, object_))
        except SyntaxError as broken:
            raise ConfigError(f"the ontology is not Turtle: {broken}") from None

    def named(self, annotation: str) -> Iterator[tuple[str, str]]:
        """The terms that this annotation of ours names, and the name of each."""
        for iri in list(self.said):
            name = self.value(iri, KG + annotation)
            if name is not None and not NAMED.fullmatch(name):
                _refuse(iri, f"has the kg:{annotation} {name!r}, which is no plain name")
            if name is not None:
                yield iri, name

    def keyed(self, annotations: bool) -> Iterator[tuple[str, str]]:
        """The properties whose values the graph keeps, and the key of each.

        Args:
            annotations: those that annotate relations; else those of nodes.
        """
        for iri, key in self.named("propertyKey"):
            if key in BOOKKEEPING:
                _refuse(iri, f"has the kg:propertyKey {key!r}, which the graph uses itself")
            if (f"{OWL}AnnotationProperty" in self.values(iri, f"{RDF}type")) == annotations:
                yield iri, key

    def values(self, term: str, predicate: str) -> list[str]:
        """What the term says by this property."""
        return [object_.value for said, object_ in self.said[term] if said == predicate]

    def value(self, term: str | None, predicate: str) -> str | None:
        """The one thing that it says."""
        return next(iter(self.values(term, predicate)), None) if term else None

    def title(self, term: str) -> str:
        """Its English label; the end of its IRI where there is none."""
        labels = [object_ for said, object_ in self.said[term] if said == f"{RDFS}label"]
        english = [label.value for label in labels if label.language == "en"]
        return english[0] if english else local_name(term)

    def domain(self, term: str) -> list[str]:
        """The classes whose things have this property: all, where none is said."""
        domain = self.value(term, f"{RDFS}domain")
        if domain is None:
            return [iri for iri, _ in self.named("nodeLabel")]
        union = self.value(domain, f"{OWL}unionOf")
        return self.members(union) if union else [domain]

    def members(self, collection: str | None) -> list[str]:
        """The members of an RDF collection."""
        first = self.value(collection, f"{RDF}first")
        return [] if first is None else [first, *self.members(self.value(collection, f"{RDF}rest"))]


def local_name(iri: str) -> str:
    """The part of an IRI behind its namespace.

    >>> local_name(KEY)
    'id'
    """
    return iri.rpartition("#")[2]


def repeated(values: Iterable[str]) -> list[str]:
    """Those that are there more than once.

    >>> repeated(["id", "name", "id"])
    ['id']
    """
    return [value for value, times in Counter(values).items() if times > 1]


def _refuse(iri: str, reason: str) -> NoReturn:
    raise ConfigError(f"the ontology's {local_name(iri)} {reason}; mend its entry")
