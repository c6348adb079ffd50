"""The triples are those that the tables say, in the same bytes every time."""

import logging
import random
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdflib import DCTERMS, OWL, RDF, Graph, Literal, Namespace, URIRef
from rdflib.compare import isomorphic

from kgplan.errors import InputError, SourceError
from kgplan.etl.map import map_tables
from kgplan.etl.rdf import axiom_iri, canonical_lines, entity_iri, terms

KG = Namespace("https://w3id.org/kgplan/ontology#")
ID = "https://w3id.org/kgplan/id/"
COLUMNS = {
    "concept": ("concept_id", "name", "name_en", "explanation"),
    "course": ("course_id", "name", "about", "prerequisites", "core_id"),
    "school": ("school_id", "name", "about"),
    "teacher": ("teacher_id", "name", "about"),
    "field": ("field_id", "name"),
    "field_course": ("field_id", "course_id"),
    "course_concept": ("course_id", "concept_id"),
    "school_course": ("school_id", "course_id"),
    "field_concept": ("field_id", "concept_id"),
    "teacher_course": ("teacher_id", "course_id"),
    "school_teacher": ("school_id", "teacher_id"),
    "prerequisite": ("before_id", "after_id", "source", "strength", "any_of"),
    "broader_concept": ("broader_id", "narrower_id"),
}
SMALL = {
    "concept": [
        ("K_树_计算机", "树", "tree", "层次结构"),
        ("K_B树_计算机", "B树", None, None),
    ],
    "course": [("C_course-v1:X+ds+sp", "数据结构", "about trees", None, "C_course-v1:X+ds+sp")],
    "school": [("S_X", "某大学", None)],
    "teacher": [("T_0001", "T_0001", None)],
    "field": [("计算机", "计算机")],
    "field_course": [("计算机", "C_course-v1:X+ds+sp")],
    "course_concept": [("C_course-v1:X+ds+sp", "K_树_计算机")],
    "school_course": [("S_X", "C_course-v1:X+ds+sp")],
    "field_concept": [("计算机", "K_B树_计算机")],
    "teacher_course": [("T_0001", "C_course-v1:X+ds+sp")],
    "school_teacher": [("S_X", "T_0001")],
    "prerequisite": [
        ("K_树_计算机", "K_B树_计算机", "dependency", "0.75", "1"),
        ("K_树_计算机", "K_B树_计算机", "prediction", None, None),
    ],
    "broader_concept": [("K_树_计算机", "K_B树_计算机")],
}

TREE = "concept/K_%E6%A0%91_%E8%AE%A1%E7%AE%97%E6%9C%BA"
B_TREE = "concept/K_B%E6%A0%91_%E8%AE%A1%E7%AE%97%E6%9C%BA"
COURSE = "course/C_course-v1%3AX%2Bds%2Bsp"
FIELD = "field/%E8%AE%A1%E7%AE%97%E6%9C%BA"
AXIOM = f"axiom/{TREE.removeprefix('concept/')}/{B_TREE.removeprefix('concept/')}"
BY_HAND = f"""
@prefix kg: <{KG}> .
@prefix owl: <{OWL}> .
@prefix dcterms: <{DCTERMS}> .
@base <{ID}> .
<{TREE}> a kg:Concept ; kg:id "K_树_计算机" ; kg:name "树" ; kg:englishName "tree" ;
    kg:explanation "层次结构" ; kg:dependencyPrerequisite <{B_TREE}> .
<{B_TREE}> a kg:Concept ; kg:id "K_B树_计算机" ; kg:name "B树" ; kg:broaderConcept <{TREE}> .
<{COURSE}> a kg:Course ; kg:id "C_course-v1:X+ds+sp" ; kg:name "数据结构" ;
    kg:about "about trees" ; kg:courseHasConcept <{TREE}> .
<school/S_X> a kg:School ; kg:id "S_X" ; kg:name "某大学" ;
    kg:schoolHasCourse <{COURSE}> ; kg:schoolHasTeacher <teacher/T_0001> .
<teacher/T_0001> a kg:Teacher ; kg:id "T_0001" ; kg:name "T_0001" ;
    kg:teacherHasCourse <{COURSE}> .
<{FIELD}> a kg:Field ; kg:id "计算机" ; kg:name "计算机" ;
    kg:fieldHasCourse <{COURSE}> ; kg:fieldHasConcept <{B_TREE}> .
<{AXIOM}> a owl:Axiom ; owl:annotatedSource <{TREE}> ; owl:annotatedTarget <{B_TREE}> ;
    owl:annotatedProperty kg:dependencyPrerequisite ;
    dcterms:source "dependency" , "prediction" ; kg:strength 0.75 ; kg:anyOf 1 .
"""


def write_tables(folder: Path, rows: dict[str, list[tuple]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, columns in COLUMNS.items():
        table = rows.get(name, [])
        arrays = [pa.array([row[i] for row in table], pa.string()) for i in range(len(columns))]
        pq.write_table(pa.table(arrays, names=list(columns)), folder / f"{name}.parquet")
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    return write_tables(tmp_path_factory.mktemp("tables"), SMALL)


@pytest.fixture(scope="module")
def mapped(small) -> tuple[list[str], list[tuple[str, int, int]]]:
    steps: list[tuple[str, int, int]] = []
    return map_tables(small, lambda *step: steps.append(step)), steps


@pytest.fixture(scope="module")
def lines(mapped) -> list[str]:
    return mapped[0]


def graph_of(lines: list[str]) -> Graph:
    return Graph().parse(data="\n".join(lines), format="nt")


def test_the_triples_are_those_written_by_hand(lines):
    expected = Graph().parse(data=BY_HAND, format="turtle")
    assert set(graph_of(lines)) == set(expected)
    assert len(lines) == len(expected)


def test_a_round_trip_through_rdflib_gives_an_isomorphic_graph(lines):
    once = graph_of(lines)
    for syntax in ("nt", "turtle", "xml"):
        again = Graph().parse(data=once.serialize(format=syntax), format=syntax)
        assert isomorphic(once, again), syntax
    back = once.serialize(format="nt", encoding="utf-8")
    assert canonical_lines(back) == lines


def test_the_lines_are_sorted_by_byte_and_without_repeats(lines):
    as_bytes = [line.encode() for line in lines]
    assert as_bytes == sorted(set(as_bytes))


def test_the_order_of_rows_and_repeated_rows_change_nothing(tmp_path, lines):
    shuffler = random.Random(7)
    rows = {name: table + table[:1] for name, table in SMALL.items()}
    for table in rows.values():
        shuffler.shuffle(table)
    assert map_tables(write_tables(tmp_path, rows)) == lines


def test_a_second_run_elsewhere_gives_the_same_bytes_and_leaves_output_and_logging_alone(
    small, lines, tmp_path, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    assert map_tables(small) == lines
    assert (root.level, root.handlers[:]) == before
    assert capfd.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())


def test_progress_counts_every_table_once(mapped):
    _, steps = mapped
    assert {name for name, _, _ in steps} == set(COLUMNS)
    assert [done for _, done, _ in steps] == list(range(1, len(COLUMNS) + 1))


def test_null_says_nothing_but_texts_that_look_like_null_are_kept(tmp_path):
    texts = ["None", "nan", "NaN", "null", "NULL", "", "<NA>", None]
    rows = {"concept": [(f"K_{i}", text, None, text) for i, text in enumerate(texts)]}
    graph = graph_of(map_tables(write_tables(tmp_path, rows)))
    for i, text in enumerate(texts):
        expected = set() if text is None else {Literal(text)}
        concept = URIRef(f"{ID}concept/K_{i}")
        assert set(graph.objects(concept, KG.name)) == expected
        assert set(graph.objects(concept, KG.explanation)) == expected
        assert not set(graph.objects(concept, KG.englishName))


# What a file of texts can hold: any character but NUL and surrogates.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1)


# Few examples of many ids each: a run of the engine costs a second, whatever the number of rows.
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ids=st.lists(TEXT, min_size=50, max_size=100, unique=True))
def test_any_id_is_percent_encoded_as_rfc_3986_says_and_comes_back(tmp_path_factory, ids):
    rows = {
        "concept": [(id_, id_, None, None) for id_ in ids],
        "prerequisite": [(a, b, "dependency", None, None) for a, b in pairwise(ids)],
    }
    graph = Graph()
    for triple in terms(map_tables(write_tables(tmp_path_factory.mktemp("ids"), rows))):
        graph.add(triple)
    entities = dict(graph.subject_objects(KG.id))
    assert {str(iri) for iri in entities} == {f"{ID}concept/{quote(i, safe='')}" for i in ids}
    for iri, id_ in entities.items():
        assert iri.isascii()
        assert unquote(iri.removeprefix(f"{ID}concept/")) == str(id_)
        assert graph.value(iri, KG.name) == id_
    pairs = {(str(a), str(b)) for a, b in graph.subject_objects(KG.dependencyPrerequisite)}
    expected = [(quote(a, safe=""), quote(b, safe="")) for a, b, *_ in rows["prerequisite"]]
    assert pairs == {(f"{ID}concept/{a}", f"{ID}concept/{b}") for a, b in expected}
    axioms = {str(axiom) for axiom in graph.subjects(RDF.type, OWL.Axiom)}
    assert axioms == {f"{ID}axiom/{a}/{b}" for a, b in expected}


def test_iris_minted_in_python_are_those_of_the_mapping(lines):
    subjects = {str(subject) for subject in graph_of(lines).subjects()}
    minted = {
        entity_iri(name.capitalize(), row[0])
        for name in ("concept", "course", "school", "teacher", "field")
        for row in SMALL[name]
    }
    assert subjects == minted | {axiom_iri("K_树_计算机", "K_B树_计算机")}


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"broader_concept\.parquet"):
        map_tables(tmp_path)


def test_a_missing_column_is_named(tmp_path):
    write_tables(tmp_path, SMALL)
    pq.write_table(pa.table({"course_id": ["C_1"]}), tmp_path / "course.parquet")
    with pytest.raises(SourceError, match=r"course\.parquet has no column about, name"):
        map_tables(tmp_path)


def test_a_null_id_is_refused_rather_than_lost(tmp_path):
    write_tables(tmp_path, SMALL | {"course_concept": [("C_1", None), ("C_1", "K_1")]})
    with pytest.raises(SourceError, match=r"1 rows of table .*course_concept.* no concept_id"):
        map_tables(tmp_path)


def test_lines_that_are_not_n_triples_are_refused():
    with pytest.raises(InputError, match="not N-Triples"):
        canonical_lines(b"<x:a> <x:p> .")
