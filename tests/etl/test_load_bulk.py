import json
import signal
from dataclasses import asdict
from itertools import pairwise

import forked
import pytest

from kgplan.errors import ConfigError, GraphUnavailable
from kgplan.etl import bulk
from kgplan.etl.load import GraphRows, load, read_found
from kgplan.graph.schema import graph_schema
from kgplan.model.opening import open_snapshot
from kgplan.settings import Settings

ODD_TEXTS = [
    '"quoted", with commas',
    "two\nlines",
    "back\\slash",
    "semi;colon",
    " 空格 ",
    "'",
    "Ω𝒳",
]


def odd_rows() -> GraphRows:
    """A node for each odd text, one with an empty text and one with none."""
    rows = GraphRows.empty(graph_schema())
    for k, text in enumerate([*ODD_TEXTS, "", None]):
        absent = {"about": None, "explanation": None}
        rows.nodes["Concept"].append(
            {"id": f"K_{k}+{text}", "name": text, "name_en": text} | absent
        )
    rows.nodes["Course"].append(
        {"id": "C_1", "name": "a course", "about": "x" * 5000, "name_en": None, "explanation": None}
    )
    ids = [row["id"] for row in rows.nodes["Concept"]]
    rows.relationships["PREREQUISITE_OF"] = [
        {
            "head": head,
            "tail": tail,
            "sources": ["dependency", "prediction"][: 1 + k % 2],
            "strength": [0.75, 0.0, None][k % 3],
            "any_of": [1, None][k % 2],
        }
        for k, (head, tail) in enumerate(pairwise(ids))
    ]
    rows.relationships["COURSE_HAS_CONCEPT"] = [
        {"head": "C_1", "tail": each, "sources": []} for each in ids
    ]
    return rows


def contents(server) -> dict[str, set]:
    """Everything in the graph, every property included, as sets."""
    with server.place.open(read_only=True) as store:
        found = read_found(store)
    return {
        name: {json.dumps(row, sort_keys=True, ensure_ascii=False) for row in rows}
        for name, rows in [*found.nodes.items(), *found.relationships.items()]
    }


def test_a_bulk_load_gives_the_graph_that_queries_give(neo4j_server, tmp_path):
    with neo4j_server.place.open() as store:
        by_queries = load(odd_rows(), store, "run")
    expected = contents(neo4j_server)
    with pytest.raises(
        GraphUnavailable, match="holds 10 nodes, and a bulk load needs an empty one"
    ):
        bulk.bulk_load(odd_rows(), neo4j_server.settings, "run")
    neo4j_server.empty()
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(asdict(odd_rows())), encoding="utf-8")
    given = (neo4j_server.settings.graph, neo4j_server.settings_home, path)
    assert forked.run("graph_loader:dying_bulk_load", *given).returncode == -signal.SIGKILL
    assert not neo4j_server.server.status().running
    neo4j_server.server.restart()
    by_import = bulk.bulk_load(odd_rows(), neo4j_server.settings, "run")
    assert contents(neo4j_server) == expected
    assert by_import.graph_version == by_queries.graph_version
    assert open_snapshot(neo4j_server.settings).version == by_queries.graph_version
    with neo4j_server.place.open() as store:
        assert load(odd_rows(), store, "run").changed is False


def test_a_bulk_load_into_another_database_is_refused(tmp_path):
    settings = Settings(home=tmp_path)
    with pytest.raises(ConfigError, match="KGPLAN_GRAPH is 'ladybug://"):
        bulk.bulk_load(odd_rows(), settings, "run")


def test_the_command_loads_the_sample_into_the_server_and_plans_from_it(neo4j_server, sample_home):
    server = {
        "KGPLAN_GRAPH": neo4j_server.place.url,
        "KGPLAN_GRAPH_PASSWORD_FILE": str(neo4j_server.server.password_file),
    }

    def kgplan(*arguments, **environment):
        done = forked.run_kgplan(sample_home.home, *arguments, **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    (report,) = kgplan("graph", "load", "--json", **server)
    assert report["version"] == open_snapshot(sample_home).version
    plan = ("plan", "U_9018026", "C_course-v1:TsinghuaX+30240184+sp", "--json")
    assert kgplan(*plan, **server) == kgplan(*plan)
