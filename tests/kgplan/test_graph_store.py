"""One suite for every graph database: each test takes the address of an empty one."""

import subprocess
import sys

import pytest
from rdflib import RDF, Graph, URIRef

from kgplan.errors import ConfigError, GraphUnavailable, UnknownQuery
from kgplan.etl.load import KG, GraphRows, graph_names, load, rows_of
from kgplan.graph.queries import named_queries
from kgplan.graph.snapshot import CLASSES, RELATIONS, read_snapshot
from kgplan.graph.store import open_graph


@pytest.fixture(params=["ladybug"])
def address(request, tmp_path):
    """Where an empty graph is."""
    return f"ladybug://{tmp_path / 'graph.lbug'}"


def some_rows(**changed) -> GraphRows:
    def node(id_, name=None, name_en=None):
        absent = {"explanation": None, "about": None}
        return {"id": id_, "name": name or id_, "name_en": name_en} | absent

    rows = GraphRows(
        {
            "Concept": [node("K_栈_计算机", name="栈", name_en="stack"), node("K_b"), node("K_c")],
            "Course": [node("C_1+sp"), node("C_2")],
            "School": [node("S")],
            "Teacher": [node("T")],
            "Field": [node("F")],
        },
        {
            "COURSE_HAS_CONCEPT": [edge("C_1+sp", "K_栈_计算机"), edge("C_2", "K_b")],
            "FIELD_HAS_CONCEPT": [edge("F", "K_b")],
            "FIELD_HAS_COURSE": [edge("F", "C_2")],
            "SCHOOL_HAS_COURSE": [edge("S", "C_2")],
            "SCHOOL_HAS_TEACHER": [edge("S", "T")],
            "TEACHER_HAS_COURSE": [edge("T", "C_2")],
            "PREREQUISITE_OF": [
                edge("K_栈_计算机", "K_b", "dependency", "prediction"),
                edge("K_b", "K_栈_计算机", "prediction"),
            ],
            "BROADER_CONCEPT": [edge("K_c", "K_b")],
        },
    )
    for name, content in changed.items():
        part = rows.nodes if name in rows.nodes else rows.relationships
        part[name] = content
    return rows


def edge(head, tail, *sources):
    return {"head": head, "tail": tail, "sources": list(sources)}


def contents(store) -> dict[str, set]:
    """Everything in the graph, as sets of tuples."""
    return {
        name: {
            tuple(tuple(v) if isinstance(v, list) else v for v in row.values())
            for row in store.read(f"snapshot.{name}")
        }
        for name in (*CLASSES, *RELATIONS)
    }


def test_a_load_puts_in_just_what_the_rows_say(address):
    with open_graph(address) as store:
        load(some_rows(), store, "run")
        found = contents(store)
    assert found["concept"] == {
        ("K_栈_计算机", "栈", "stack"),
        ("K_b", "K_b", None),
        ("K_c", "K_c", None),
    }
    assert found["prerequisite_of"] == {
        ("K_栈_计算机", "K_b", ("dependency", "prediction")),
        ("K_b", "K_栈_计算机", ("prediction",)),
    }
    assert {name: len(rows) for name, rows in found.items()} == {
        **dict.fromkeys(("school", "teacher", "field"), 1),
        **dict.fromkeys(RELATIONS, 1),
        "concept": 3,
        "course": 2,
        "course_has_concept": 2,
        "prerequisite_of": 2,
    }


def test_a_second_load_changes_nothing(address):
    with open_graph(address) as store:
        first = load(some_rows(), store, "run")
        before = contents(store)
        second = load(some_rows(), store, "run")
        assert contents(store) == before
    assert (first.changed, second.changed) == (True, False)
    assert second.graph_version == first.graph_version
    assert (second.swept_nodes, second.swept_relationships) == (0, 0)


def test_what_left_the_source_leaves_the_graph(address):
    with open_graph(address) as store:
        first = load(some_rows(), store, "old")
        fewer = some_rows(
            Concept=some_rows().nodes["Concept"][:2],
            BROADER_CONCEPT=[],
            PREREQUISITE_OF=[edge("K_栈_计算机", "K_b", "dependency")],
        )
        second = load(fewer, store, "new")
        found = contents(store)
    assert {row[0] for row in found["concept"]} == {"K_栈_计算机", "K_b"}
    assert found["prerequisite_of"] == {("K_栈_计算机", "K_b", ("dependency",))}
    assert second.swept_nodes == 1
    assert second.graph_version != first.graph_version


def test_a_load_that_fails_leaves_the_old_graph(address):
    with open_graph(address) as store:
        load(some_rows(), store, "old")
        before = contents(store)

        def stop(what, done, total):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            load(some_rows(Concept=[]), store, "new", stop)
        assert contents(store) == before


def test_a_load_tells_how_far_it_is(address):
    told = []
    with open_graph(address) as store:
        load(some_rows(), store, "run", lambda *now: told.append(now))
    assert told[0] == ("Concept", 3, some_rows().total)
    assert told[-1][1:] == (some_rows().total, some_rows().total)


def test_a_snapshot_has_the_version_that_the_load_reported(address):
    with open_graph(address) as store:
        report = load(some_rows(), store, "run")
        snapshot = read_snapshot(store)
    assert snapshot.version == report.graph_version
    assert snapshot.prerequisites_among(["K_b", "K_栈_计算机"]) == [
        ("K_b", "K_栈_计算机"),
        ("K_栈_计算机", "K_b"),
    ]
    assert len(snapshot.triples) == 10
    assert snapshot.concept_fields.tolist() == ["F", "", ""]


def test_values_travel_as_parameters(address):
    hostile = 'x" }) DETACH DELETE n //'
    with open_graph(address) as store:
        rows = some_rows()
        rows.nodes["School"] = [rows.nodes["School"][0] | {"name": hostile}]
        load(rows, store, "run")
        assert contents(store)["school"] == {("S", hostile)}


def test_a_reader_refuses_to_write_and_a_writer_keeps_others_out(address):
    with open_graph(address) as store:
        load(some_rows(), store, "run")
        code = (
            "import sys; from kgplan.graph.store import open_graph\n"
            "with open_graph(sys.argv[1]): pass"
        )
        other = subprocess.run(
            [sys.executable, "-c", code, address], capture_output=True, text=True, check=False
        )
    assert "wait for the other process" in other.stderr
    with open_graph(address, read_only=True) as store, pytest.raises(GraphUnavailable):
        store.write("load.sweep_nodes", run_id="other")


def test_a_file_that_is_no_graph_is_refused_with_a_way_out(tmp_path):
    path = tmp_path / "graph.lbug"
    path.write_text("no graph at all" * 100)
    with pytest.raises(GraphUnavailable, match="remove the file"), open_graph(f"ladybug://{path}"):
        pass


def test_reading_before_the_first_load_says_what_to_do(tmp_path):
    absent = f"ladybug://{tmp_path / 'graph.lbug'}"
    with (
        pytest.raises(GraphUnavailable, match="make it with `kgplan graph load`"),
        open_graph(absent, read_only=True),
    ):
        pass


def test_an_unknown_address_or_query_is_refused(address):
    with pytest.raises(ConfigError, match="scheme 'mysql' is unknown"), open_graph("mysql://x"):
        pass
    with open_graph(address) as store, pytest.raises(UnknownQuery, match=r"snapshot\.course"):
        store.read("snapshot.nothing")


def test_every_class_and_relation_of_the_ontology_has_its_queries():
    names, queries = graph_names(), named_queries()
    for name in [*names.labels.values(), *names.types.values()]:
        for family in ("load", "snapshot", "schema.ladybug"):
            assert f"{family}.{name.lower()}" in queries
    assert {label.lower() for label in names.labels.values()} == set(CLASSES)
    assert {type_.lower() for type_ in names.types.values()} == set(RELATIONS)


def test_triples_become_rows_as_rdflib_reads_them():
    stack, course = URIRef("urn:k"), URIRef("urn:c")
    graph = Graph()
    for subject, class_, id_ in ((stack, "Concept", "K_栈"), (course, "Course", "C_1")):
        graph.add((subject, RDF.type, KG[class_]))
        graph.parse(data=f'<{subject}> <{KG.id}> "{id_}" .', format="nt")
    graph.add((course, KG.courseHasConcept, stack))
    rows = rows_of(graph.serialize(format="nt").splitlines(), graph_names())
    assert [row["id"] for row in rows.nodes["Concept"]] == ["K_栈"]
    assert rows.relationships["COURSE_HAS_CONCEPT"] == [edge("C_1", "K_栈")]
    assert rows.total == 3
