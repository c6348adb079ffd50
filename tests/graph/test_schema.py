"""The ontology alone says what the graph has: a class more there is a class more everywhere."""

import csv
from io import StringIO

import networkx as nx
import pytest
from larger_ontology import GRAPH, ID, SOURCED, larger_schema, larger_text
from rdflib import OWL, RDF, RDFS, Graph, Namespace
from rdflib.collection import Collection

from kgplan.errors import ConfigError
from kgplan.etl.bulk import write_csv
from kgplan.etl.check import check_constraints
from kgplan.etl.export import csv_files, graphml, read_rows, triples_of
from kgplan.etl.load import load, rows_of
from kgplan.etl.rdf import canonical_lines
from kgplan.graph.queries import named_queries
from kgplan.graph.schema import graph_schema, read_schema
from kgplan.graph.snapshot import read_finished_snapshot
from kgplan.ontology import ontology_text

KG = Namespace("https://w3id.org/kgplan/ontology#")
LARGER = larger_schema()


def lines_of(turtle: str) -> list[str]:
    return canonical_lines(
        Graph().parse(data=turtle, format="turtle").serialize(format="nt").encode()
    )


WHOLE = ontology_text("learning.ttl") + ontology_text("items.ttl")
LINES, ALL_LINES = lines_of(GRAPH), lines_of(GRAPH + SOURCED)


@pytest.mark.parametrize("text", [WHOLE, larger_text()])
def test_the_schema_says_what_rdflib_reads(text):
    ontology, schema = Graph().parse(data=text, format="turtle"), read_schema(text)

    def domain(term):
        end = ontology.value(term, RDFS.domain)
        if end is None:  # of every class
            return set(ontology.subjects(KG.nodeLabel, None))
        union = ontology.value(end, OWL.unionOf)
        return {end} if union is None else set(Collection(ontology, union))

    keys = {
        term: key
        for term, key in ontology.subject_objects(KG.propertyKey)
        if (term, RDF.type, OWL.DatatypeProperty) in ontology
    }
    assert {str(c.iri): c.label for c in schema.classes} == {
        str(term): str(label) for term, label in ontology.subject_objects(KG.nodeLabel)
    }
    for class_ in schema.classes:
        assert {(each.iri, each.key) for each in class_.attributes} == {
            (str(term), str(key)) for term, key in keys.items() if KG[class_.label] in domain(term)
        }
    assert {(r.iri, r.type, r.head.iri, r.tail.iri) for r in schema.relations} == {
        (str(term), str(type_), *map(str, (*domain(term), ontology.value(term, RDFS.range))))
        for term, type_ in ontology.subject_objects(KG.relationshipType)
    }


def test_a_class_of_another_ontology_is_loaded_read_and_exported(place):
    with place.open(schema=LARGER) as store:
        report = load(rows_of(ALL_LINES, LARGER), store, "run")
        snapshot = read_finished_snapshot(store)
        rows = read_rows(store)
        assert load(rows_of(ALL_LINES, LARGER), store, "run").changed is False
    assert snapshot.version == report.graph_version
    heads, tails = snapshot.relations["exercise_trains_concept"]
    assert [*zip(heads.tolist(), tails.tolist(), strict=True)] == [
        ("E_1", "K_1"),
        ("E_1", "K_2"),
        ("E_2", "K_2"),
    ]
    assert triples_of(rows, LARGER).lines == ALL_LINES
    table = csv.reader(StringIO(csv_files(rows)["exercise.csv"].removeprefix("\ufeff")))
    assert [*table] == [
        ["id", "name", "statement"],
        ["E_1", "出栈", '弹出"a"'],
        ["E_2", "入队", ""],
    ]
    drawn = nx.parse_graphml(graphml(rows, LARGER))
    assert drawn.nodes["Exercise E_1"]["statement"] == '弹出"a"'
    assert drawn.edges["Exercise E_1", "Exercise E_2"]["sources"] == "a teacher measured"


def test_what_a_snapshot_does_not_hold_of_a_class_does_not_count_in_the_version(place):
    def version(lines):
        return load(rows_of(lines, LARGER), store, "run").graph_version

    with place.open(schema=LARGER) as store:
        first = version(LINES)
        assert version([line.replace("弹出", "压入") for line in LINES]) == first
        assert version([line.replace("出栈", "压栈") for line in LINES]) != first


def test_a_class_of_another_ontology_is_swept_and_edited(place):
    fewer = [line for line in LINES if "/E_1>" not in line]
    with place.open(schema=LARGER) as store:
        load(rows_of(LINES, LARGER), store, "old")
        swept = load(rows_of(fewer, LARGER), store, "new")
        assert (swept.swept_nodes, swept.swept_relationships) == (1, 2)
        ends = {"head": "E_2", "tail": "K_1"}
        assert store.write("edit.add_exercise_trains_concept", **ends) == 1
        assert load(rows_of(fewer, LARGER), store, "new").swept_relationships == 0
        assert store.write("edit.remove_exercise_trains_concept", **ends) == 1
        assert store.write("edit.remove_exercise", id="E_2") == 1
        kept_away = load(rows_of(fewer, LARGER), store, "new").conflicts
        assert store.read("snapshot.exercise") == []
    assert [conflict.what for conflict in kept_away] == [
        "Exercise E_2",
        "EXERCISE_TRAINS_CONCEPT E_2 -> K_2",
    ]


def test_a_graph_that_was_there_before_gains_the_class_and_an_attribute(place):
    with_credits = larger_text() + (
        'kg:credits a owl:DatatypeProperty ; kg:propertyKey "credits" ;'
        " rdfs:domain kg:Course ; rdfs:range xsd:string ."
    )
    schema = read_schema(with_credits)
    before = [line for line in LINES if "xercise" not in line]
    course = f'<{ID}/course/C_1> <{RDF.type}> <{KG.Course}> .\n<{ID}/course/C_1> <{KG.id}> "C_1" .'
    now = [*LINES, *course.split("\n"), f'<{ID}/course/C_1> <{KG.credits}> "3" .']
    with place.open() as store:
        load(rows_of([*before, *course.split("\n")], graph_schema()), store, "old")
    with place.open(schema=schema) as store:
        load(rows_of(now, schema), store, "new")
        assert triples_of(read_rows(store), schema).lines == sorted(now)
    with place.open(read_only=True) as store:  # and one that does not know them reads on
        assert [row["id"] for row in store.read("export.concept")] == ["K_1", "K_2"]


def test_a_server_keeps_the_ids_unique_and_an_index_of_what_is_searched(neo4j_server):
    with neo4j_server.place.open(schema=LARGER) as store:
        load(rows_of(LINES, LARGER), store, "run")
    found = neo4j_server.run("SHOW INDEXES YIELD labelsOrTypes, properties, owningConstraint")
    assert [
        (row["properties"], row["owningConstraint"] is not None)
        for row in sorted(found, key=lambda row: row["properties"] or [])
        if row["labelsOrTypes"] == ["Exercise"]
    ] == [(["id"], True), (["name"], False)]


def test_a_bulk_load_gets_a_file_with_the_classes_own_columns(tmp_path):
    rows = rows_of(ALL_LINES, LARGER)
    arguments = dict(
        argument.rpartition("=")[::2] for argument in write_csv(rows, LARGER, "run", tmp_path)
    )

    def table(argument):
        with open(arguments[argument], encoding="utf-8", newline="") as text:
            return [*csv.reader(text)]

    assert table("--nodes=Exercise") == [
        ["id:ID(Exercise)", "name:string", "statement:string", "run_id:string"],
        ["E_1", "出栈", '弹出"a"', "run"],
        ["E_2", "入队", "", "run"],
    ]
    assert table("--relationships=EASIER_EXERCISE") == [
        [":START_ID(Exercise)", ":END_ID(Exercise)", "sources:string[]", "run_id:string"],
        ["E_1", "E_2", "a teacher\x1fmeasured", "run"],
    ]


def test_the_rules_know_a_class_of_another_ontology():
    result = check_constraints(LINES, schema=LARGER)
    assert (result.violations, result.triples) == ([], LINES)
    assert result.classes == {"Concept": 2, "Exercise": 2}
    unknown = {violation.rule for violation in check_constraints(LINES).violations}
    assert {"classIsKnown", "propertyIsKnown"} <= unknown


@pytest.mark.parametrize(
    ("old", "new", "rule", "message"),
    [
        ("exercise/E_2> a", "task/E_2> a", "exerciseIri", "an exercise's IRI is .../id/exercise/"),
        (':name "入队" ;', "", "entityHasOneName", "an entity has exactly one name"),
        (':statement "弹', ':statement "b" , "弹', "statementIsText", "at most one statement, a"),
        (
            f"<{ID}/exercise/E_2> a :Exercise ",
            f"<{ID}/concept/E_2> a :Concept ",
            "exerciseTrainsConceptSubject",
            "the subject of exerciseTrainsConcept is an exercise of this graph",
        ),
        (
            f"{ID}/concept/K_2> .",
            f"{ID}/concept/K_3> .",
            "exerciseTrainsConceptObject",
            "the object of exerciseTrainsConcept is a concept of this graph",
        ),
    ],
)
def test_the_rules_find_what_breaks_them_in_a_class_of_another_ontology(old, new, rule, message):
    assert old in GRAPH
    lines = lines_of(GRAPH.replace(old, new))
    found = {each.rule: each.message for each in check_constraints(lines, schema=LARGER).violations}
    assert message in found[rule]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('kg:nodeLabel "Exercise"', 'kg:nodeLabel "Exer cise"', "'Exer cise', which is no plain"),
        ('kg:nodeLabel "Exercise"', 'kg:nodeLabel "CONCEPT"', "the graph calls concept"),
        ('kg:nodeLabel "Exercise"', 'kg:nodeLabel "Tombstone"', r"two queries .*\.tombstone"),
        ('kg:propertyKey "statement"', 'kg:propertyKey "run_id"', "graph uses itself"),
        ('kg:propertyKey "statement"', 'kg:propertyKey "name"', "name twice"),
        ("kg:searchedBy kg:name ;\n    owl:hasKey ( kg:id ) ;\n    rdfs:label \"exer",
         "rdfs:label \"exer", "Exercise has another key than kg:id"),
        ('kg:propertyKey "name" ;\n    kg:inSnapshot true', 'kg:propertyKey "name"',
         "not in the domain of both kg:id"),
        ("rdfs:domain kg:Exercise ; rdfs:range kg:Concept", "rdfs:domain kg:Exercise",
         "exerciseTrainsConcept has a domain or a range that is no class"),
        ("rdfs:domain kg:Exercise ; rdfs:range xsd:string",
         "rdfs:domain kg:Exercise ; rdfs:range xsd:integer", "another range than xsd:string"),
        ("rdfs:domain kg:Exercise ; rdfs:range xsd:string",
         "rdfs:domain kg:Exercize ; rdfs:range xsd:string", "Exercize is the domain of a prop"),
        ("kg:annotatedBy dcterms:source ;\n    rdfs:domain kg:Exercise",
         "kg:annotatedBy kg:about ;\n    rdfs:domain kg:Exercise", "no kg:propertyKey"),
        ("rdfs:range xsd:decimal", "rdfs:range xsd:date", "xsd:decimal or xsd:integer"),
        ("kg:Exercise a owl:Class", "kg:Exercise owl:Class", "not Turtle"),
    ],
)  # fmt: skip
def test_an_ontology_that_a_graph_cannot_keep_is_refused(old, new, told):
    assert old in larger_text()
    with pytest.raises(ConfigError, match=told):
        named_queries(read_schema(larger_text().replace(old, new)))
