"""One suite for every graph database: each test takes the place of an empty one."""

import json
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import forked
import pytest
from rdflib import RDF, Graph, URIRef

from kgplan.errors import ConfigError, GraphUnavailable, UnknownQuery
from kgplan.etl.load import GraphRows, load, rows_of
from kgplan.etl.rdf import KG
from kgplan.graph.address import server_of
from kgplan.graph.schema import graph_schema
from kgplan.graph.snapshot import read_finished_snapshot, read_snapshot
from kgplan.graph.store import open_graph
from kgplan.settings import GraphAccess, Settings


def node(id_, name=None, name_en=None):
    absent = {"explanation": None, "about": None}
    return {"id": id_, "name": name or id_, "name_en": name_en} | absent


def some_rows(**changed) -> GraphRows:
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
        for name in graph_schema().names
    }


def test_a_load_puts_in_just_what_the_rows_say(place):
    with place.open() as store:
        load(some_rows(), store, "run")
        found = contents(store)
    assert found["concept"] == {
        ("K_栈_计算机", "栈", "stack"),
        ("K_b", "K_b", None),
        ("K_c", "K_c", None),
    }
    assert found["prerequisite_of"] == {
        ("K_栈_计算机", "K_b", ("dependency", "prediction"), None, None),
        ("K_b", "K_栈_计算机", ("prediction",), None, None),
    }
    assert {name: len(rows) for name, rows in found.items()} == {
        **dict.fromkeys(("school", "teacher", "field"), 1),
        **{relation.name: 1 for relation in graph_schema().in_snapshot.relations},
        **dict.fromkeys(("item", "course_has_item", "item_covers_concept"), 0),
        "concept": 3,
        "course": 2,
        "course_has_concept": 2,
        "prerequisite_of": 2,
    }


def test_a_second_load_changes_nothing(place):
    with place.open() as store:
        first = load(some_rows(), store, "run")
        before = contents(store)
        second = load(some_rows(), store, "run")
        assert contents(store) == before
    assert (first.changed, second.changed) == (True, False)
    assert second.graph_version == first.graph_version
    assert (second.swept_nodes, second.swept_relationships) == (0, 0)


def test_what_left_the_source_leaves_the_graph(place):
    with place.open() as store:
        first = load(some_rows(), store, "old")
        fewer = some_rows(
            Concept=some_rows().nodes["Concept"][:2],
            BROADER_CONCEPT=[],
            PREREQUISITE_OF=[edge("K_栈_计算机", "K_b", "dependency")],
        )
        second = load(fewer, store, "new")
        found = contents(store)
    assert {row[0] for row in found["concept"]} == {"K_栈_计算机", "K_b"}
    assert found["prerequisite_of"] == {("K_栈_计算机", "K_b", ("dependency",), None, None)}
    assert second.swept_nodes == 1
    assert second.graph_version != first.graph_version


def test_a_load_that_fails_leaves_no_half_graph_that_looks_finished(place):
    with place.open() as store:
        load(some_rows(), store, "old")
        before = contents(store)

        def stop(what, done, total):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            load(some_rows(Concept=[node("K_new")]), store, "new", stop)
        if place.url.startswith("ladybug"):
            assert contents(store) == before
            read_finished_snapshot(store)
        else:
            with pytest.raises(GraphUnavailable, match="finish it with `kgplan graph load`"):
                read_finished_snapshot(store)
            load(some_rows(), store, "old")
            assert contents(store) == before
            read_finished_snapshot(store)


def test_a_load_tells_how_far_it_is(place):
    told = []
    with place.open() as store:
        load(some_rows(), store, "run", lambda *now: told.append(now))
    assert told[:2] == [("Concept", 0, some_rows().total), ("Concept", 3, some_rows().total)]
    assert told[-1][1:] == (some_rows().total, some_rows().total)


def test_a_snapshot_has_the_version_that_the_load_reported(place):
    with place.open() as store:
        report = load(some_rows(), store, "run")
        snapshot = read_snapshot(store)
    assert snapshot.version == report.graph_version
    assert snapshot.prerequisites_among(["K_b", "K_栈_计算机"]) == [
        ("K_b", "K_栈_计算机"),
        ("K_栈_计算机", "K_b"),
    ]
    assert len(snapshot.triples) == 10
    assert snapshot.concept_fields.tolist() == ["F", "", ""]


def test_values_travel_as_parameters(place):
    hostile = 'x" }) DETACH DELETE n //'
    with place.open() as store:
        rows = some_rows()
        rows.nodes["School"] = [rows.nodes["School"][0] | {"name": hostile}]
        load(rows, store, "run")
        assert contents(store)["school"] == {("S", hostile)}


def test_a_reader_refuses_to_write(place):
    with place.open() as store:
        load(some_rows(), store, "run")
    with place.open(read_only=True) as store, pytest.raises(GraphUnavailable):
        store.write("load.finish", version="other", run_id="other")


def test_an_embedded_graph_has_one_writer(tmp_path):
    url = f"ladybug://{tmp_path / 'graph.lbug'}"
    code = (
        "import sys; from kgplan.graph.store import open_graph\nwith open_graph(sys.argv[1]): pass"
    )
    with open_graph(url):
        other = subprocess.run(
            [sys.executable, "-c", code, url], capture_output=True, text=True, check=False
        )
    assert "wait for the other process" in other.stderr


def killed_loads(place, rows, run_id, moments, tmp_path):
    """Loads in processes that die, one at each moment."""
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(asdict(rows)), encoding="utf-8")
    for moment in moments:
        given = (place.url, place.access.password, path, run_id, moment)
        done = forked.run("graph_loader:dying_load", *given)
        assert done.returncode == -signal.SIGKILL, f"{moment}: {done}"


def test_a_load_that_is_killed_at_any_moment_ends_as_if_undisturbed(place, tmp_path):
    with place.open() as store:
        load(some_rows(), store, "old")
    new = some_rows(
        Concept=[node("K_b", name="renamed"), node("K_c"), node("K_d")],
        COURSE_HAS_CONCEPT=[edge("C_1+sp", "K_d")],
        PREREQUISITE_OF=[edge("K_d", "K_b", "dependency")],
    )
    killed_loads(place, new, "new", [1, 2, 6, 12, 13], tmp_path)
    with place.open() as store:
        load(new, store, "new")
        found, version = contents(store), read_finished_snapshot(store).version
    assert found["concept"] == {
        ("K_b", "renamed", None),
        ("K_c", "K_c", None),
        ("K_d", "K_d", None),
    }
    assert found["course_has_concept"] == {("C_1+sp", "K_d")}
    assert found["prerequisite_of"] == {("K_d", "K_b", ("dependency",), None, None)}
    with open_graph(f"ladybug://{tmp_path / 'undisturbed.lbug'}") as store:
        assert load(new, store, "new").graph_version == version
        assert contents(store) == found


def test_both_databases_give_one_graph_one_version(neo4j_server, tmp_path):
    with neo4j_server.place.open() as store:
        of_server = load(some_rows(), store, "run").graph_version
    with open_graph(f"ladybug://{tmp_path / 'graph.lbug'}") as store:
        assert load(some_rows(), store, "run").graph_version == of_server


def test_what_a_designer_added_stays(place):
    with place.open() as store:
        load(some_rows(), store, "old")
        assert store.write("edit.add_prerequisite_of", head="K_c", tail="K_b") == 1
        report = load(some_rows(PREREQUISITE_OF=[]), store, "new")
        assert contents(store)["prerequisite_of"] == {("K_c", "K_b", ("designer",), None, None)}
        assert load(some_rows(PREREQUISITE_OF=[]), store, "new").changed is False
    assert report.swept_relationships == 2
    assert report.conflicts == []


def test_what_a_designer_removed_stays_away_and_is_reported(place):
    with place.open() as store:
        load(some_rows(), store, "run")
        assert store.write("edit.remove_prerequisite_of", head="K_b", tail="K_栈_计算机") == 1
        assert store.write("edit.remove_prerequisite_of", head="K_b", tail="K_栈_计算机") == 0
        assert store.write("edit.remove_teacher", id="T") == 1
        report = load(some_rows(), store, "run")
        found = contents(store)
        assert load(some_rows(), store, "run").changed is False
    assert {row[:2] for row in found["prerequisite_of"]} == {("K_栈_计算机", "K_b")}
    assert (found["teacher"], found["teacher_has_course"]) == (set(), set())
    assert {(c.what, c.reason) for c in report.conflicts} == {
        ("PREREQUISITE_OF K_b -> K_栈_计算机", "a designer removed it"),
        ("Teacher T", "a designer removed it"),
        ("TEACHER_HAS_COURSE T -> C_2", "a designer removed one of its ends"),
        ("SCHOOL_HAS_TEACHER S -> T", "a designer removed one of its ends"),
    }


def test_what_a_designer_adds_again_is_no_longer_kept_away(place):
    pair = {"head": "K_b", "tail": "K_栈_计算机"}
    with place.open() as store:
        load(some_rows(), store, "run")
        store.write("edit.remove_prerequisite_of", **pair)
        store.write("edit.add_prerequisite_of", **pair)
        report = load(some_rows(), store, "run")
        assert ("K_b", "K_栈_计算机", ("designer",), None, None) in contents(store)[
            "prerequisite_of"
        ]
    (conflict,) = report.conflicts
    assert conflict.what == "PREREQUISITE_OF K_b -> K_栈_计算机"
    assert conflict.reason == "a designer's differs from the source in sources"


def test_a_node_that_a_designers_edge_hangs_on_outlives_the_source(place):
    with place.open() as store:
        load(some_rows(), store, "old")
        store.write("edit.add_broader_concept", head="K_b", tail="K_c")
        fewer = some_rows(Concept=some_rows().nodes["Concept"][:2], BROADER_CONCEPT=[])
        report = load(fewer, store, "new")
        found = contents(store)
    assert found["broader_concept"] == {("K_b", "K_c")}
    assert "K_c" in {row[0] for row in found["concept"]}
    assert [conflict.what for conflict in report.conflicts] == ["Concept K_c"]


@pytest.mark.parametrize("type_", sorted(some_rows().relationships))
def test_every_relation_can_be_removed_and_added(place, type_):
    row = some_rows().relationships[type_][0]
    ends, name = {key: row[key] for key in ("head", "tail")}, type_.lower()
    with place.open() as store:
        load(some_rows(), store, "run")
        before = contents(store)[name]
        assert store.write(f"edit.remove_{name}", **ends) == 1
        assert len(contents(store)[name]) == len(before) - 1
        assert store.write(f"edit.add_{name}", **ends) == 1
        assert {row[:2] for row in contents(store)[name]} == {row[:2] for row in before}
        assert store.read("found.tombstone") == []
        assert store.write(f"edit.add_{name}", head="nobody", tail=ends["tail"]) == 0


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


def test_an_unknown_address_or_query_is_refused(place):
    with pytest.raises(ConfigError, match="scheme 'mysql' is unknown"), open_graph("mysql://x"):
        pass
    with place.open() as store, pytest.raises(UnknownQuery, match=r"snapshot\.course"):
        store.read("snapshot.nothing")


def test_triples_become_rows_as_rdflib_reads_them():
    stack, course = URIRef("urn:k"), URIRef("urn:c")
    graph = Graph()
    for subject, class_, id_ in ((stack, "Concept", "K_栈"), (course, "Course", "C_1")):
        graph.add((subject, RDF.type, KG[class_]))
        graph.parse(data=f'<{subject}> <{KG.id}> "{id_}" .', format="nt")
    graph.add((course, KG.courseHasConcept, stack))
    rows = rows_of(graph.serialize(format="nt").splitlines(), graph_schema())
    assert [row["id"] for row in rows.nodes["Concept"]] == ["K_栈"]
    assert rows.relationships["COURSE_HAS_CONCEPT"] == [{"head": "C_1", "tail": "K_栈"}]
    assert rows.total == 3


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("neo4j://here:7687/a/b", "'/a/b' is not used"),
        ("neo4j://here:7687#mooc", "'#mooc' is not used"),
        ("bolt://here:7687?db=mooc", "'?db=' is not used"),
        ("bolt://here:7687?policy=near", "'?policy=' is not used"),
        ("neo4j://here:7687/mooc?database=other", "mooc and other; name one"),
        ("neo4j://here:7687/system", "system, which holds no graph"),
        ("ladybug://var/graph.lbug", "more than a file"),
        ("ladybug:///var/graph.lbug?database=x", "more than a file"),
        ("ladybug:///var/graph#1.lbug", "more than a file"),
    ],
)
def test_an_address_with_a_part_that_is_not_used_is_refused(url, part):
    with pytest.raises(ConfigError) as caught, open_graph(url):
        pass
    assert part in str(caught.value)


def test_a_server_that_does_not_answer_is_told_in_one_sentence_alone():
    code = (
        "from kgplan.graph.store import open_graph\n"
        "from kgplan.errors import GraphUnavailable\n"
        "try:\n"
        "    with open_graph('neo4j://127.0.0.1:1'): pass\n"
        "except GraphUnavailable as error: print(error)\n"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert asked.stdout.startswith("no Neo4j answers at neo4j://127.0.0.1:1: ")
    assert asked.stderr == ""


def test_an_address_and_a_setting_that_name_two_databases_are_refused():
    access = GraphAccess(database="other")
    with pytest.raises(ConfigError, match=r"KGPLAN_GRAPH_DATABASE 'other': .* mooc and other"):
        server_of("neo4j://here/mooc", access)
    assert server_of("neo4j://here/other?policy=near", access) == (
        "neo4j://here?policy=near", "other",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["a b", "50%25", "x#y", "x?y", "数据", "relative"])
def test_the_embedded_graph_of_a_home_of_any_name_lies_in_it(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    settings = Settings(home=Path(name) if name == "relative" else tmp_path / name)
    with open_graph(settings.graph_url) as store:
        store.define_schema()
    assert (tmp_path / name / "graph.lbug").is_file()
