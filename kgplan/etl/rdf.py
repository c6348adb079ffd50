"""How are things named in RDF, and how do N-Triples lines become terms and back?

The mapping in `ontology/mapping.rml.ttl` mints the same IRIs through its own engine; the tests hold
the two against each other.
"""

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any
from urllib.parse import quote

import pyoxigraph as ox
from rdflib import DCTERMS, OWL, RDF, BNode, Literal, Namespace, URIRef
from rdflib.term import Node

from kgplan.errors import InputError
from kgplan.graph import schema

KG = Namespace(schema.KG)
KGC = Namespace("https://w3id.org/kgplan/constraints#")
ENTITY = "https://w3id.org/kgplan/id/"
XSD_STRING = "http://www.w3.org/2001/XMLSchema#string"
N_TRIPLES = "application/n-triples"
PREFIXES = {str(KG): "", str(OWL): "owl:", str(RDF): "rdf:", str(DCTERMS): "dcterms:"}

Triple = tuple[Node, Node, Node]


def entity_iri(class_name: str, entity_id: str) -> str:
    """The IRI of an entity: its class and its percent-encoded id (RFC 3986), ASCII only.

    >>> entity_iri("Concept", "K_B树_a+b")
    'https://w3id.org/kgplan/id/concept/K_B%E6%A0%91_a%2Bb'
    """
    return f"{ENTITY}{class_name.lower()}/{quote(entity_id, safe='')}"


def axiom_iri(before_id: str, after_id: str) -> str:
    """The IRI of the record that says where a prerequisite pair comes from.

    >>> axiom_iri("K_a", "K_b/c")
    'https://w3id.org/kgplan/id/axiom/K_a/K_b%2Fc'
    """
    return f"{ENTITY}axiom/{quote(before_id, safe='')}/{quote(after_id, safe='')}"


def short_name(iri: str) -> str:
    """A term's name without its namespace, where the namespace is one of `PREFIXES`.

    >>> short_name(str(KG.Concept)), short_name(str(OWL.Axiom))
    ('Concept', 'owl:Axiom')
    """
    for namespace, prefix in PREFIXES.items():
        if iri.startswith(namespace):
            return prefix + iri.removeprefix(namespace)
    return iri


def canonical_lines(text: bytes) -> list[str]:
    """N-Triples in one spelling: every triple once, escapes as in the specification, sorted.

    Args:
        text: N-Triples.

    Returns:
        One line per triple without its line end, by code point (the order of `LC_ALL=C sort`).

    Raises:
        InputError: the text is not N-Triples.

    >>> canonical_lines(b'<x:b> <x:p> "a\\\\u0062" .\\n<x:a>  <x:p> <x:b> .\\n<x:b> <x:p> "ab" .')
    ['<x:a> <x:p> <x:b> .', '<x:b> <x:p> "ab" .']
    """
    return sorted({f"{triple} ." for triple in _parsed(text)})


def terms(lines: Iterable[str]) -> Iterator[Triple]:
    """The RDF terms of N-Triples lines, one triple per line and in their order.

    Raises:
        InputError: the lines are not N-Triples.

    >>> list(terms(['<x:a> <x:p> "b" .']))
    [(rdflib.term.URIRef('x:a'), rdflib.term.URIRef('x:p'), rdflib.term.Literal('b'))]
    """
    for triple in _parsed("\n".join(lines).encode()):
        yield _term(triple.subject), _term(triple.predicate), _term(triple.object)


def _parsed(text: bytes) -> Iterator[Any]:
    try:
        yield from ox.parse(BytesIO(text), N_TRIPLES)
    except SyntaxError as broken:
        raise InputError(f"this is not N-Triples: {broken}") from broken


def _term(term: ox.NamedNode | ox.BlankNode | ox.Literal) -> Node:
    if isinstance(term, ox.NamedNode):
        return URIRef(term.value)
    if isinstance(term, ox.BlankNode):
        return BNode(term.value)
    if term.language:
        return Literal(term.value, lang=term.language)
    # A plain literal is an xsd:string; rdflib compares them equal only when both are plain.
    datatype = term.datatype.value
    return Literal(term.value, datatype=None if datatype == XSD_STRING else URIRef(datatype))
