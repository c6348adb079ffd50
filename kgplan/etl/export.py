"""How does the graph leave again: as the RDF it was made from, for other tools, for a spreadsheet?

The inverse of `etl/load.py`: what a load put in comes out as the same triples, with what people
added and without what they removed.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from io import BytesIO, StringIO
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

import pyoxigraph as ox
from rdflib import DCTERMS, OWL, RDF, RDFS, SKOS, Graph, URIRef

from kgplan.errors import InputError
from kgplan.etl.load import GraphRows
from kgplan.etl.rdf import KG, N_TRIPLES, axiom_iri, entity_iri
from kgplan.graph.rows import Row
from kgplan.graph.schema import XSD, GraphSchema, Relation
from kgplan.graph.store import GraphStore
from kgplan.report.markup import clean
from kgplan.store.csvfile import write_rows

SPARQL_PREFIXES = {"kg": str(KG), "rdf": str(RDF), "owl": str(OWL), "dcterms": str(DCTERMS)}
QUERY_PREFIXES = SPARQL_PREFIXES | {"rdfs": str(RDFS), "xsd": XSD, "skos": str(SKOS)}
ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")  # SPARQL has them anywhere
SPACE = r"(?:\s|#[^\n]*(?:\n|$))"
SERVICE = re.compile(
    rf"[?$]\w+|:[\w.-]+|SERVICE{SPACE}*(?:SILENT{SPACE}*)?"
    rf"(?P<service><[^<>\s]*>|[?$]\w+|[\w.-]*:[^\s{{]*){SPACE}*\{{",
    re.IGNORECASE,
)
"""What a name is passed over by, then the word with whom it asks: it stands in no string so."""
PROLOGUE = rf"(?:PREFIX\s+[\w.-]*:\s*<[^>]*>|BASE\s*<[^>]*>|{SPACE})*"
UPDATE = re.compile(
    rf"{PROLOGUE}\b(INSERT|DELETE|LOAD|CLEAR|CREATE|DROP|COPY|MOVE|ADD|WITH)\b", re.IGNORECASE
)
FROM = re.compile(r"(?<![\w:?$.-])FROM\s+(?:NAMED\s+)?(?:<[^>\s]*>|[\w.-]*:\w*)", re.IGNORECASE)
GRAPHML_TYPES = {"decimal": "double", "integer": "long"}
CARRIAGE_RETURN = {"\r": "&#13;"}  # XML readers take a plain one for a line end
BOM = "\ufeff"  # without it, spreadsheets take UTF-8 for something else


class Format(StrEnum):
    """What `kgplan graph export` can write."""

    TURTLE = "ttl"
    N_TRIPLES = "nt"
    JSON_LD = "jsonld"
    GRAPHML = "graphml"
    CSV = "csv"
    CASE = "case"


@dataclass(frozen=True)
class Exported:
    """The graph as triples.

    Attributes:
        lines: canonical N-Triples, sorted, without line ends.
        left_out: nodes without an id, and relationships that end at one: RDF cannot name them.
    """

    lines: list[str]
    left_out: list[str] = field(default_factory=list)


def read_rows(store: GraphStore) -> GraphRows:
    """Everything of the ontology's classes and relations that the graph holds now."""
    return GraphRows(
        {each.label: store.read(f"export.{each.name}") for each in store.schema.classes},
        {each.type: store.read(f"snapshot.{each.name}") for each in store.schema.relations},
    )


def triples_of(rows: GraphRows, schema: GraphSchema) -> Exported:
    """Turn the graph's rows into triples: `rows_of` backwards.

    Args:
        rows: label -> nodes, type -> relationships.
        schema: of the graph.
    """
    lines: set[str] = set()
    left_out: list[str] = []
    for class_ in schema.classes:
        for row in rows.nodes[class_.label]:
            if not row["id"]:
                left_out.append(f"{class_.label} {row.get('name') or 'without a name'}")
                continue
            subject = entity_iri(class_.label, row["id"])
            lines.add(line(subject, str(RDF.type), ox.NamedNode(class_.iri)))
            lines.update(
                line(subject, each.iri, ox.Literal(str(row[each.key])))
                for each in class_.attributes
                if row.get(each.key)
            )
    for relation in schema.relations:
        for row in rows.relationships[relation.type]:
            if not (row["head"] and row["tail"]):
                left_out.append(f"{relation.type} {row['head']} -> {row['tail']}")
                continue
            head = entity_iri(relation.head.label, row["head"])
            tail = entity_iri(relation.tail.label, row["tail"])
            lines.add(line(head, relation.iri, ox.NamedNode(tail)))
            if annotated := annotations_of(row, relation):
                axiom = axiom_iri(row["head"], row["tail"])
                ends: list[tuple[URIRef, ox.NamedNode]] = [
                    (RDF.type, ox.NamedNode(str(OWL.Axiom))),
                    (OWL.annotatedSource, ox.NamedNode(head)),
                    (OWL.annotatedProperty, ox.NamedNode(relation.iri)),
                    (OWL.annotatedTarget, ox.NamedNode(tail)),
                ]
                lines.update(line(axiom, str(predicate), value) for predicate, value in ends)
                lines.update(line(axiom, iri, value) for iri, value in annotated)
    return Exported(sorted(lines), sorted(left_out))


def annotations_of(row: Row, relation: Relation) -> list[tuple[str, ox.Literal]]:
    """What a relationship says beside its ends: property and value."""
    found = []
    for each in relation.annotations:
        value = row.get(each.key)
        if not each.is_number:
            found += [(each.iri, ox.Literal(text)) for text in value or []]
        elif value is not None:
            plain = format(Decimal(str(value)).normalize(), "f")  # no exponent, no zeros
            found.append((each.iri, ox.Literal(plain, datatype=ox.NamedNode(XSD + each.kind))))
    return found


def line(subject: str, predicate: str, value: ox.NamedNode | ox.Literal) -> str:
    """One canonical N-Triples line.

    >>> line("x:s", "x:p", ox.Literal('say "a"'))
    '<x:s> <x:p> "say \\\\"a\\\\"" .'
    """
    return f"{ox.Triple(ox.NamedNode(subject), ox.NamedNode(predicate), value)} ."


# ---------------------------------------------------------------- texts


def n_triples(lines: Iterable[str]) -> str:
    """One triple a line."""
    return "".join(f"{each}\n" for each in lines)


def turtle(lines: Iterable[str]) -> str:
    """Turtle with prefixes, grouped by subject."""
    return as_rdflib(lines).serialize(format="turtle")


def json_ld(lines: Iterable[str]) -> str:
    """JSON-LD with a context of the same prefixes."""
    return as_rdflib(lines).serialize(format="json-ld", context=SPARQL_PREFIXES)


def as_rdflib(lines: Iterable[str]) -> Graph:
    """The triples as an rdflib graph with readable prefixes."""
    graph = Graph()
    for prefix, namespace in SPARQL_PREFIXES.items():
        graph.bind(prefix, namespace)
    return graph.parse(data=n_triples(lines), format="nt")


def graphml(rows: GraphRows, schema: GraphSchema) -> str:
    """GraphML for Gephi, yEd, Cytoscape: a node's id is its label and id, its label an attribute.

    Characters that XML 1.0 cannot hold are left out of texts.
    """
    keys = sorted(each.key for each in schema.attributes)
    numbers = [each for each in schema.annotations if each.is_number]
    lists = [each.key for each in schema.annotations if not each.is_number]
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
        *(
            f'<key id="{target}_{key}" for="{target}" attr.name="{key}" attr.type="string"/>'
            for target, attributes in (("node", ["label", *keys]), ("edge", ["type", *lists]))
            for key in attributes
        ),
        *(
            f'<key id="edge_{each.key}" for="edge" attr.name="{each.key}"'
            f' attr.type="{GRAPHML_TYPES[each.kind]}"/>'
            for each in numbers
        ),
        '<graph id="kgplan" edgedefault="directed">',
    ]

    for label, nodes in rows.nodes.items():
        for row in sorted((row for row in nodes if row["id"]), key=lambda row: row["id"]):
            data: dict[str, Any] = {"label": label} | {key: row.get(key) for key in keys}
            parts.append(element("node", {"id": node_id(label, row["id"])}, data))
    for relation in schema.relations:
        head, tail = relation.head.label, relation.tail.label
        edges = rows.relationships[relation.type]
        named = [row for row in edges if row["head"] and row["tail"]]
        for row in sorted(named, key=lambda row: (row["head"], row["tail"])):
            ends = {"source": node_id(head, row["head"]), "target": node_id(tail, row["tail"])}
            data = {"type": relation.type}
            for each in relation.annotations:
                value = row.get(each.key)
                data[each.key] = value if each.is_number else " ".join(value or [])
            parts.append(element("edge", ends, data))
    parts += ["</graph>", "</graphml>"]
    return "\n".join(parts) + "\n"


def element(name: str, attributes: Mapping[str, str], data: Mapping[str, Any]) -> str:
    """A GraphML node or edge with its data.

    >>> element("node", {"id": "K <"}, {"name": "a & b", "about": None})
    '<node id="K &lt;"><data key="node_name">a &amp; b</data></node>'
    """
    opening = " ".join(f"{key}={quoteattr(clean(value))}" for key, value in attributes.items())
    values = "".join(
        f'<data key="{name}_{key}">{escape(clean(str(value)), CARRIAGE_RETURN)}</data>'
        for key, value in data.items()
        if value not in (None, "")
    )
    return f"<{name} {opening}>{values}</{name}>"


def node_id(label: str, entity_id: str) -> str:
    """A node's id in GraphML: of its class, and different for different ids.

    Percent-encoded is what XML cannot hold, and the percent sign.

    >>> node_id("Concept", "K_a\x01 50%")
    'Concept K_a%01 50%25'
    """
    return f"{label} " + "".join(
        quote(c, errors="surrogatepass") if c == "%" or not clean(c) else c for c in entity_id
    )


def csv_files(rows: GraphRows) -> dict[str, str]:
    """A table per class and per relation, for spreadsheets.

    Returns:
        File name -> its text, with a byte order mark and CRLF line ends (RFC 4180).
    """
    tables = {**rows.nodes, **rows.relationships}
    return {f"{name.lower()}.csv": csv_text(found) for name, found in tables.items()}


def csv_text(found: Sequence[Mapping[str, Any]]) -> str:
    """One table, sorted; several sources of an edge have spaces between.

    >>> csv_text([{"head": "a", "tail": "b", "sources": ["x", "y"]}])[1:]
    'head,tail,sources\\r\\na,b,x y\\r\\n'
    """
    rows = [[" ".join(v) if isinstance(v, list) else v for v in row.values()] for row in found]
    text = StringIO()
    rows.sort(key=lambda row: [str(value) for value in row])
    write_rows(text, ([list(found[0])] if found else []) + rows)
    return BOM + text.getvalue()


TEXTS: Mapping[Format, Callable[[Iterable[str]], str]] = {
    Format.TURTLE: turtle,
    Format.N_TRIPLES: n_triples,
    Format.JSON_LD: json_ld,
}


# ---------------------------------------------------------------- SPARQL


@dataclass(frozen=True)
class SparqlAnswer:
    """What a SPARQL query says.

    Attributes:
        columns: variables of SELECT; subject, predicate, object of CONSTRUCT; answer of ASK.
        rows: values as texts, numbers and truth values as such; None where unbound.
    """

    columns: list[str]
    rows: list[list[Any]]


def sparql(lines: Iterable[str], query: str) -> SparqlAnswer:
    """Put a SPARQL 1.1 query to the triples; the prefixes of QUERY_PREFIXES are known.

    Args:
        lines: N-Triples.
        query: SELECT, ASK, CONSTRUCT or DESCRIBE.

    Raises:
        InputError: the text is not a SPARQL query, asks another service or graph, would change
            something, or cannot be answered.

    >>> sparql(['<x:a> <x:p> "1" .'], "SELECT ?v WHERE { ?s ?p ?v }")
    SparqlAnswer(columns=['v'], rows=[['1']])
    """
    check_query(query)
    store = ox.Store()
    store.bulk_load(BytesIO(n_triples(lines).encode()), N_TRIPLES)
    # on the query's own first line, so that a message's line numbers are those of the text
    prologue = "".join(f"PREFIX {name}: <{iri}> " for name, iri in QUERY_PREFIXES.items())
    try:
        return answer_of(store.query(prologue + query))
    except SyntaxError as broken:
        raise InputError(
            f"this is no SPARQL query: {mistake(str(broken), query, len(prologue))}"
        ) from None
    except (ValueError, OSError, RuntimeError) as refused:  # only while the answer is read
        raise InputError(f"the query cannot be answered: {refused}") from None


def answer_of(found: Any) -> SparqlAnswer:
    """Read what Oxigraph found to its end."""
    if isinstance(found, bool):
        return SparqlAnswer(["answer"], [[found]])
    if isinstance(found, ox.QueryTriples):
        triples = sorted(
            [value_of(t.subject), value_of(t.predicate), value_of(t.object)] for t in found
        )
        return SparqlAnswer(["subject", "predicate", "object"], triples)
    columns = [variable.value for variable in found.variables]
    return SparqlAnswer(columns, [[value_of(value) for value in solution] for solution in found])


def check_query(query: str) -> None:
    """Refuse what Oxigraph would ask the network for, and what it would answer emptily.

    Raises:
        InputError: the query has SERVICE or FROM, or is an update.

    >>> check_query("SELECT ?service { ?s x:service ?service }")
    >>> check_query("select * { service silent <http://x/> { ?s ?p ?o } }")
    Traceback (most recent call last):
    kgplan.errors.InputError: the query asks another service (SERVICE <http://x/>); queries are
    answered from this graph alone, take it out
    """
    told = ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16) % 0x110000), query)
    for found in (found for text in (query, told) for found in SERVICE.finditer(text)):
        if found["service"]:
            raise InputError(
                f"the query asks another service (SERVICE {found['service']}); queries are"
                " answered from this graph alone, take it out"
            )
    if update := UPDATE.match(told):
        raise InputError(
            f"{update[1].upper()} would change the graph, and queries only read it; give SELECT,"
            " ASK, CONSTRUCT or DESCRIBE"
        )
    if other := FROM.search(told):
        raise InputError(
            f"the query names a graph ({' '.join(other[0].split())}); there is only this one, take"
            " FROM out"
        )


def mistake(message: str, query: str, before: int) -> str:
    """Oxigraph's message in one line, its place that of the text.

    Args:
        message: what it says.
        query: the text.
        before: characters before it in its first line.

    >>> mistake("error at 1:25: expected one of Prefix not found, ['%']", "ASK { ?s x:p 1 }", 12)
    "error at 1:13: prefix 'x' is not declared; begin with PREFIX x: <...>"
    >>> mistake("error at 1:15: expected one of LATERAL,\\n['_' | '\\\\u{B7}']", "{}", 12)
    'error at 1:3: expected LATERAL or other'
    """
    found = re.match(r"error at (\d+):(\d+): expected (?:one of )?(.*)", message, re.DOTALL)
    if found is None:
        return " ".join(message.split())
    row, column = int(found[1]), int(found[2])
    column -= before if row == 1 else 0
    place = f"error at {row}:{column}: "
    if "Prefix not found" in found[3]:
        upto = query.split("\n")[row - 1][: column - 1]
        last = re.search(r"([\w.-]*):[^\s<>(){},;|/^]*$", upto)
        name = last[1] if last else ""
        return f"{place}prefix {name!r} is not declared; begin with PREFIX {name}: <...>"
    words = re.findall(r"[A-Z]{2,}", re.sub(r"\[.*?\]", "", found[3], flags=re.DOTALL))
    told = ", ".join(word for word in words[:8] if word != "SERVICE")
    return place + (f"expected {told} or other" if told else "the query cannot go on like this")


def value_of(term: Any) -> Any:
    """A term as a JSON value."""
    if term is None:
        return None
    if isinstance(term, ox.Literal):
        kind = term.datatype.value.rpartition("#")[2]
        if kind == "boolean":
            return term.value in ("true", "1")
        number = {"integer": int, "decimal": float, "double": float, "float": float}.get(kind)
        try:
            value = number(term.value) if number else None
        except ValueError:  # the graph may hold "many" as an integer
            value = None
        if value is not None and math.isfinite(value):
            return value
    return str(term.value)
