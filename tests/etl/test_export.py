"""What leaves the graph is what went in, by rdflib, networkx and plain readers of each format."""

import csv
import io
from dataclasses import replace

import networkx as nx
import pytest
from rdflib import DCTERMS, OWL, RDF, Graph, Literal, URIRef
from rdflib.compare import isomorphic

from kgplan.artifacts import ArtifactStore
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
from kgplan.etl.load import graph_names, load, rows_of
from kgplan.etl.rdf import KG, axiom_iri, entity_iri
from kgplan.graph.store import open_graph
from kgplan.settings import Settings

NAMES = graph_names()


@pytest.fixture(scope="module")
def home(mini_home) -> Settings:
    """The miniature archive, extracted, mapped and loaded."""
    return mini_home


@pytest.fixture(scope="module")
def rows(home) -> GraphRows:
    with open_graph(home.graph_url, read_only=True) as store:
        return read_rows(store, NAMES)


@pytest.fixture(scope="module")
def source(home) -> str:
    """The triples that were loaded, as text."""
    triples = ArtifactStore(home.artifacts).current("triples")
    return (triples.path / "triples.nt").read_text(encoding="utf-8")


def parsed(text: str, format_: str) -> Graph:
    return Graph().parse(data=text, format=format_)


def test_n_triples_are_the_loaded_ones_to_the_byte(rows, source):
    exported = triples_of(rows, NAMES)
    assert n_triples(exported.lines) == source
    assert exported.left_out == []


@pytest.mark.parametrize(("write", "format_"), [(turtle, "turtle"), (json_ld, "json-ld")])
def test_turtle_and_json_ld_are_isomorphic_to_what_was_loaded(rows, source, write, format_):
    text = write(triples_of(rows, NAMES).lines)
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
        load(rows_of(lines, NAMES), store, "run")
        assert store.write("edit.add_prerequisite_of", head=ids[0], tail=ids[1]) == 1
        assert store.write("edit.remove_course_has_concept", **ends) == 1
        exported = triples_of(read_rows(store, NAMES), NAMES)
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
    exported = triples_of(changed, NAMES)
    assert exported.left_out == ["BROADER_CONCEPT None -> K_x", "Concept new"]
    broader = str(KG.broaderConcept)
    expected = [line for line in triples_of(rows, NAMES).lines if broader not in line]
    assert exported.lines == expected


@pytest.mark.parametrize("text", ['a "b"\n\tc\\', "\u2028 and \U0001f4da", "<&>'\x0b", "a\r\nb"])
def test_any_text_survives_the_formats_of_rdf(rows, text):
    school = {"id": "S+/ü", "name": text, "about": None}
    changed = replace(rows, nodes=rows.nodes | {"School": [school]})
    changed = replace(
        changed,
        relationships=rows.relationships | {"SCHOOL_HAS_COURSE": [], "SCHOOL_HAS_TEACHER": []},
    )
    lines = triples_of(changed, NAMES).lines
    subject = URIRef(entity_iri("School", "S+/ü"))
    for written, format_ in ((n_triples, "nt"), (turtle, "turtle"), (json_ld, "json-ld")):
        assert parsed(written(lines), format_).value(subject, KG.name) == Literal(text)
    read = nx.parse_graphml(graphml(changed, NAMES))
    assert read.nodes["School S+/ü"]["name"].strip() == text.replace("\x0b", "").strip()


def test_networkx_reads_every_node_and_edge_from_graphml(rows):
    read = nx.parse_graphml(graphml(rows, NAMES), force_multigraph=True)
    expected = {
        f"{label} {row['id']}": label for label, found in rows.nodes.items() for row in found
    }
    assert dict(read.nodes(data="label")) == expected
    edges = {(a, b, data["type"]): data.get("sources", "") for a, b, data in read.edges(data=True)}
    assert edges == {
        (f"{NAMES.ends[type_][0]} {row['head']}", f"{NAMES.ends[type_][1]} {row['tail']}", type_): (
            " ".join(row.get("sources") or [])
        )
        for type_, found in rows.relationships.items()
        for row in found
    }


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
    lines = triples_of(rows, NAMES).lines
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


def test_every_format_has_a_name_on_the_command_line():
    assert [str(each) for each in Format] == ["ttl", "nt", "jsonld", "graphml", "csv", "case"]
