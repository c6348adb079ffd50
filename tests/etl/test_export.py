"""What leaves the graph is what went in, by rdflib, networkx and plain readers of each format."""

import csv
import io
import socket
from dataclasses import replace
from xml.etree import ElementTree

import networkx as nx
import pytest
from rdflib import DCTERMS, OWL, RDF, Graph, Literal, URIRef
from rdflib.compare import isomorphic

from kgplan.errors import InputError
from kgplan.etl.export import (
    Format,
    GraphRows,
    csv_files,
    graphml,
    json_ld,
    n_triples,
    read_rows,
    sparql,
    triples_of,
    turtle,
)
from kgplan.etl.load import load, rows_of
from kgplan.etl.rdf import KG, axiom_iri, entity_iri
from kgplan.graph.schema import graph_schema
from kgplan.graph.store import open_graph
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore
from kgplan.store.csvfile import uncell

SCHEMA = graph_schema()


@pytest.fixture(scope="module")
def home(mini_home) -> Settings:
    """The miniature archive, extracted, mapped and loaded."""
    return mini_home


@pytest.fixture(scope="module")
def rows(home) -> GraphRows:
    with open_graph(home.graph_url, read_only=True) as store:
        return read_rows(store)


@pytest.fixture(scope="module")
def source(home) -> str:
    """The triples that were loaded, as text."""
    triples = ArtifactStore(home.artifacts).current("triples")
    return (triples.path / "triples.nt").read_text(encoding="utf-8")


def parsed(text: str, format_: str) -> Graph:
    return Graph().parse(data=text, format=format_)


def test_n_triples_are_the_loaded_ones_to_the_byte(rows, source):
    exported = triples_of(rows, SCHEMA)
    assert n_triples(exported.lines) == source
    assert exported.left_out == []


@pytest.mark.parametrize(("write", "format_"), [(turtle, "turtle"), (json_ld, "json-ld")])
def test_turtle_and_json_ld_are_isomorphic_to_what_was_loaded(rows, source, write, format_):
    text = write(triples_of(rows, SCHEMA).lines)
    assert isomorphic(parsed(text, format_), parsed(source, "nt"))
    assert "kg:" in text


def test_designers_edits_are_exported(source, tmp_path):
    lines = source.split("\n")[:-1]
    graph = parsed(source, "nt")
    (first, last) = sorted(graph.subjects(RDF.type, KG.Concept))[::7]
    ids = [str(graph.value(concept, KG.id)) for concept in (first, last)]
    removed = next(iter(graph.triples((None, KG.courseHasConcept, None))))
    ends = {
        name: str(graph.value(end, KG.id))
        for name, end in (("head", removed[0]), ("tail", removed[2]))
    }
    assert (first, KG.dependencyPrerequisite, last) not in graph
    with open_graph(f"ladybug://{tmp_path / 'graph.lbug'}") as store:
        load(rows_of(lines, SCHEMA), store, "run")
        assert store.write("edit.add_prerequisite_of", head=ids[0], tail=ids[1]) == 1
        assert store.write("edit.remove_course_has_concept", **ends) == 1
        exported = triples_of(read_rows(store), SCHEMA)
    axiom = URIRef(axiom_iri(*ids))
    graph.add((first, KG.dependencyPrerequisite, last))
    graph.add((axiom, RDF.type, OWL.Axiom))
    graph.add((axiom, OWL.annotatedSource, first))
    graph.add((axiom, OWL.annotatedProperty, KG.dependencyPrerequisite))
    graph.add((axiom, OWL.annotatedTarget, last))
    graph.add((axiom, DCTERMS.source, Literal("designer")))
    graph.remove(removed)
    assert isomorphic(parsed(n_triples(exported.lines), "nt"), graph)


def test_what_rdf_cannot_name_is_left_out_and_listed(rows):
    nameless = {"id": None, "name": "new", "name_en": None, "explanation": None}
    changed = replace(
        rows,
        nodes=rows.nodes | {"Concept": [*rows.nodes["Concept"], nameless]},
        relationships=rows.relationships
        | {"BROADER_CONCEPT": [{"head": None, "tail": "K_x", "sources": None}]},
    )
    exported = triples_of(changed, SCHEMA)
    assert exported.left_out == ["BROADER_CONCEPT None -> K_x", "Concept new"]
    broader = str(KG.broaderConcept)
    expected = [line for line in triples_of(rows, SCHEMA).lines if broader not in line]
    assert exported.lines == expected


@pytest.mark.parametrize("text", ['a "b"\n\tc\\', "\u2028 and \U0001f4da", "<&>'\x0b", "a\r\nb"])
def test_any_text_survives_the_formats_of_rdf(rows, text):
    school = {"id": "S+/ü", "name": text, "about": None}
    changed = replace(rows, nodes=rows.nodes | {"School": [school]})
    changed = replace(
        changed,
        relationships=rows.relationships | {"SCHOOL_HAS_COURSE": [], "SCHOOL_HAS_TEACHER": []},
    )
    lines = triples_of(changed, SCHEMA).lines
    subject = URIRef(entity_iri("School", "S+/ü"))
    for written, format_ in ((n_triples, "nt"), (turtle, "turtle"), (json_ld, "json-ld")):
        assert parsed(written(lines), format_).value(subject, KG.name) == Literal(text)
    read = nx.parse_graphml(graphml(changed, SCHEMA))
    assert read.nodes["School S+/ü"]["name"].strip() == text.replace("\x0b", "").strip()


def test_networkx_reads_every_node_and_edge_from_graphml(rows):
    read = nx.parse_graphml(graphml(rows, SCHEMA), force_multigraph=True)
    expected = {
        f"{label} {row['id']}": label for label, found in rows.nodes.items() for row in found
    }
    assert dict(read.nodes(data="label")) == expected
    ends = {each.type: (each.head.label, each.tail.label) for each in SCHEMA.relations}
    edges = {(a, b, data["type"]): data.get("sources", "") for a, b, data in read.edges(data=True)}
    assert edges == {
        (f"{ends[type_][0]} {row['head']}", f"{ends[type_][1]} {row['tail']}", type_): (
            " ".join(row.get("sources") or [])
        )
        for type_, found in rows.relationships.items()
        for row in found
    }


def test_ids_that_differ_only_by_what_xml_cannot_hold_stay_different_in_graphml(rows):
    ids = ["K_a", "K_\x01a", "K_%01a", "K_a\ufffe", "K_a\t", "K_a ", "F_1"]
    concepts = [{"id": id_, "name": "x", "name_en": None, "explanation": None} for id_ in ids]
    edges = [{"head": a, "tail": b, "sources": []} for a in ids for b in ids if a < b]
    no_edges = {type_: [] for type_ in rows.relationships}
    changed = replace(
        rows,
        nodes=rows.nodes | {"Concept": concepts, "Field": [{"id": "F_1", "name": "x"}]},
        relationships=no_edges | {"PREREQUISITE_OF": edges},
    )
    text = graphml(changed, SCHEMA)
    found = [node.get("id") for node in ElementTree.fromstring(text).iter() if "node" in node.tag]
    others = sum(
        len(nodes) for label, nodes in rows.nodes.items() if label not in ("Concept", "Field")
    )
    assert len(set(found)) == len(found) == len(ids) + 1 + others
    assert nx.parse_graphml(text).number_of_edges() == len(edges)


FORMULAS = [
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "=cmd|' /C calc'!A0", "-", "'=1",
    "''+x",
]  # fmt: skip
NO_FORMULAS = ["-0.5", "+3", "-1e-9", "it's", "'quoted'", "a=b", "", " =1", "0"]


@pytest.mark.parametrize("text", FORMULAS + NO_FORMULAS)
def test_no_cell_of_a_csv_is_a_formula_and_each_reads_back(rows, text):
    school = {"id": text, "name": text, "about": None}
    files = csv_files(replace(rows, nodes=rows.nodes | {"School": [school]}))
    (row,) = csv.DictReader(io.StringIO(files["school.csv"][1:], newline=""))
    assert row["name"] == (f"'{text}" if text in FORMULAS else text)
    assert {name: uncell(value) for name, value in row.items()} == school | {"about": ""}


def test_csv_has_a_row_for_every_node_and_relationship(rows):
    files = csv_files(rows)
    assert set(files) == {f"{name.lower()}.csv" for name in [*rows.nodes, *rows.relationships]}
    for name, expected in (*rows.nodes.items(), *rows.relationships.items()):
        text = files[f"{name.lower()}.csv"]
        assert text.startswith("\ufeff")
        read = list(csv.DictReader(io.StringIO(text[1:])))
        wanted = [
            {
                key: " ".join(value) if isinstance(value, list) else value or ""
                for key, value in row.items()
            }
            for row in expected
        ]
        assert sorted(read, key=str) == sorted(wanted, key=str)


def test_sparql_answers_as_rdflib_does(rows, source):
    lines = triples_of(rows, SCHEMA).lines
    query = (
        "SELECT ?course (COUNT(?concept) AS ?n) WHERE { ?course kg:courseHasConcept ?concept }"
        " GROUP BY ?course"
    )
    expected = parsed(source, "nt").query(query, initNs={"kg": KG})
    found = sparql(lines, query)
    assert found.columns == ["course", "n"]
    assert sorted(map(tuple, found.rows)) == sorted((str(c), n.toPython()) for c, n in expected)
    assert sparql(lines, "ASK { ?s a kg:Course }").rows == [[True]]
    built = sparql(lines, "CONSTRUCT { ?s a kg:Course } WHERE { ?s a kg:Course }")
    assert built.columns == ["subject", "predicate", "object"]
    assert len(built.rows) == len(rows.nodes["Course"])
    optional = "SELECT ?about WHERE { ?t a kg:Teacher OPTIONAL { ?t kg:noSuch ?about } }"
    assert set(map(tuple, sparql(lines, optional).rows)) == {(None,)}


def test_a_text_that_is_no_sparql_is_refused_with_its_place():
    with pytest.raises(InputError, match="this is no SPARQL query: error at 2:"):
        sparql([], "SELECT ?s\nWHERE { ?s ?p }")


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("SELECT ?s WHERE { ?s ?p }", "error at 1:26: expected "),  # where Oxigraph gives up
        ("ASK {\n ?s foaf:name ?o }", "error at 2:14: prefix 'foaf' is not declared"),
        ("ASK { ?s foaf:name ?o }", "prefix 'foaf' is not declared; begin with PREFIX foaf: <"),
        ("", "this is no SPARQL query"),
    ],
)
def test_a_mistake_is_told_in_one_line_by_its_place_or_prefix(query, place):
    with pytest.raises(InputError) as caught:
        sparql([], query)
    assert place in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "\\u{" not in str(caught.value)
    assert len(str(caught.value)) < 200


SERVICES = [
    "SELECT * { SERVICE <URL> { ?s ?p ?o } }",
    "select * { service <URL> { ?s ?p ?o } }",
    "SELECT * { SERVICE SILENT <URL> { ?s ?p ?o } }",
    "SELECT*{SERVICE<URL>{?s ?p ?o}}",
    "SELECT * { ?s ?p 1SERVICE <URL> { ?a ?b ?c } }",
    "SELECT * { SERVICE # a note { <x:y>\n <URL> # another\n { ?s ?p ?o } }",
    "SELECT * { { SELECT ?s { OPTIONAL { SERVICE <URL> { ?s ?p ?o } } } } }",
    "SELECT * { ?s ?p ?o FILTER EXISTS { SERVICE <URL> { ?s ?p ?x } } }",
    "PREFIX there: <URL> SELECT * { SERVICE there: { ?s ?p ?o } }",
    "SELECT * { VALUES ?there { <URL> } SERVICE ?there { ?s ?p ?o } }",
    "SELECT * { SERV\\u0049CE <URL> { ?s ?p ?o } }",
    "SELECT * { \\U00000053ERVICE <URL> { ?s ?p ?o } }",
    "ASK { FILTER(1<'x>') SERVICE <URL> { ?s ?p ?o } FILTER(1<'y>') }",
    "CONSTRUCT { ?s ?p ?o } WHERE { SERVICE <URL> { ?s ?p ?o } }",
]


@pytest.mark.parametrize("query", SERVICES)
def test_no_query_asks_another_service(query):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        host, port = server.getsockname()
        with pytest.raises(InputError, match=r"asks another service \(SERVICE .*; queries are"):
            sparql(["<x:a> <x:b> <x:c> ."], query.replace("URL", f"http://{host}:{port}/"))
        with pytest.raises(BlockingIOError):  # nobody has come
            server.accept()


def test_the_word_service_may_stand_in_names_and_texts():
    lines = [f'<{KG}service> <x:p> "a service <x:y> for all" .']
    query = """# the service {
        SELECT ?service { ?service <x:p> ?text . kg:service <x:p> ?text
            FILTER(CONTAINS(?text, "service <x:y>")) FILTER(CONTAINS(?text, 'a service')) }"""
    assert sparql(lines, query).rows == [[f"{KG}service"]]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("INSERT DATA { <x:a> <x:b> 1 }", "INSERT would change the graph"),
        ("PREFIX x: <x:>\n# note\nDELETE WHERE { ?s ?p ?o }", "DELETE would change the graph"),
        ("load <http://127.0.0.1:9/x>", "LOAD would change the graph"),
        ("CLEAR ALL", "CLEAR would change the graph"),
        ("SELECT * FROM <http://127.0.0.1:9/x> { ?s ?p ?o }", "names a graph .FROM <http"),
        ("SELECT * FROM NAMED kg:x { ?s ?p ?o }", "names a graph .FROM NAMED kg:x"),
        ("SELECT ?x { BIND(<x:f>(1) AS ?x) }", "cannot be answered: .*function <x:f>"),
    ],
)
def test_what_only_another_store_could_do_is_refused(query, message):
    with pytest.raises(InputError, match=message):
        sparql([], query)


def test_describe_and_the_common_prefixes_answer(rows):
    lines = triples_of(rows, SCHEMA).lines
    iri = entity_iri("Concept", rows.nodes["Concept"][0]["id"])
    expected = {tuple(row) for row in sparql(lines, f"SELECT ?p ?o {{ <{iri}> ?p ?o }}").rows}
    assert {(p, o) for s, p, o in sparql(lines, f"DESCRIBE <{iri}>").rows if s == iri} == expected
    for prefix in ("rdf", "rdfs", "owl", "xsd", "skos", "dcterms", "kg"):
        assert sparql(lines, f"ASK {{ {prefix}:nothing {prefix}:nothing 1 }}").rows == [[False]]


def test_a_literal_that_is_not_of_its_type_is_given_as_text():
    typed = [("integer", "many"), ("double", "INF"), ("integer", "7"), ("double", "1e3")]
    xsd = "http://www.w3.org/2001/XMLSchema#"
    lines = [f'<x:a> <x:p> "{text}"^^<{xsd}{kind}> .' for kind, text in typed]
    found = sparql(lines, "SELECT ?o { ?s ?p ?o }").rows
    assert sorted((row[0] for row in found), key=str) == [1000.0, 7, "INF", "many"]


def test_every_format_has_a_name_on_the_command_line():
    assert [str(each) for each in Format] == ["ttl", "nt", "jsonld", "graphml", "csv", "case"]
