"""Edits and faults of a real Neo4j server, seen through the HTTP service."""

import json
import os
import shutil
import signal
import threading
import time
from collections import Counter
from contextlib import contextmanager

import pytest
from fastapi.testclient import TestClient

from kgplan.api.app import create_app
from kgplan.api.keeper import keep_planner
from kgplan.api.models import path_json, plan_json
from kgplan.etl.load import load, rows_of
from kgplan.graph.schema import graph_schema
from kgplan.graph.store import open_graph
from kgplan.model.opening import open_planner
from kgplan.planning import PlanOptions
from kgplan.store.artifacts import ArtifactStore

PATH = "/v1/learners/U_1/path?course_id=C_1&length=8&planner=kg-plppm"  # plans every concept
RECOMMENDED = "/v1/learners/U_2/path?course_id=C_1"


@pytest.fixture(scope="module")
def model(neo4j_process, mini_home):
    """The miniature's model in the home of the server's settings."""
    shutil.copytree(mini_home.artifacts, neo4j_process.settings.artifacts)
    return neo4j_process


@pytest.fixture
def server(model, neo4j_server):
    """The server with the miniature's graph."""
    settings = neo4j_server.settings
    triples = ArtifactStore(settings.artifacts).current("triples")
    lines = (triples.path / "triples.nt").read_text(encoding="utf-8").split("\n")[:-1]
    with open_graph(settings.graph_url, access=settings.graph_access) as store:
        load(rows_of(lines, graph_schema()), store, triples.version)
    return neo4j_server


@contextmanager
def service(server):
    with TestClient(create_app(keep_planner(server.settings))) as client:
        yield client


def until(holds, seconds=240):
    """Wait until something holds; how fast it comes is a benchmark's business."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < seconds, "it never came"
        time.sleep(0.05)


def test_an_edit_by_hand_changes_the_next_plans_and_their_version(server):
    with service(server) as client:
        before = client.get(PATH).json()
        walked = next(step for step in before["steps"] if step["leads_to"])
        server.run(
            "MATCH (:Concept {id: $before})-[r:PREREQUISITE_OF]->(:Concept {id: $after}) DELETE r",
            before=walked["concept_id"],
            after=walked["leads_to"],
        )
        until(lambda: client.get(PATH).json()["graph_version"] != before["graph_version"])
        after = client.get(PATH).json()
        assert (walked["concept_id"], walked["leads_to"]) not in {
            (step["concept_id"], step["leads_to"]) for step in after["steps"]
        }
        planner = open_planner(server.settings)
        for answer, learner, options in (
            (after, "U_1", PlanOptions(length=8, planner="kg-plppm")),
            (client.get(RECOMMENDED).json(), "U_2", PlanOptions()),
        ):
            expected = planner.plan(learner, "C_1", options)
            assert expected.steps
            assert answer == json.loads(path_json(plan_json(expected), stale=False))
        assert client.get("/health").json()["graph_version"] == after["graph_version"]


def test_an_added_concept_is_planned_with_the_prior_and_a_provisional_vector_at_once(server):
    with service(server) as client:
        version = client.get(PATH).json()["graph_version"]
        server.run(
            "MATCH (c:Course {id: 'C_1'}) CREATE (c)-[:COURSE_HAS_CONCEPT]->"
            "(:Concept {id: 'K_new', name: '新概念', source: 'designer'})"
        )
        until(lambda: client.get(PATH).json()["graph_version"] != version)
        body = client.get(PATH).json()
        (step,) = [s for s in body["steps"] if s["concept_id"] == "K_new"]
        assert (step["identified"], step["doubt"]) == (False, "no_evidence")
        # without a vector nothing that U_1 learned would be like it, and S_P of eq. (12) were 0
        assert step["terms"]["preference"] > 0
        (note,) = [note for note in body["notes"] if "新概念" in note]
        assert note.startswith("New in the graph: 新概念. How close it is to the rest is estimated")


def test_a_held_server_makes_answers_stale_and_its_return_fresh(server):
    with service(server) as client:
        pid = server.server.status().pid
        os.kill(pid, signal.SIGSTOP)
        try:
            until(lambda: client.get(PATH).json()["stale"])
            assert "has not answered" in client.get("/health").json()["problem"]
        finally:
            os.kill(pid, signal.SIGCONT)
        until(lambda: not client.get(PATH).json()["stale"])


def test_restarts_under_load_give_no_wrong_answer(server):
    """The graph does not change, so every answer must be the first one, stale or not.

    The second restart finds the service as the first one left it, and so would any more.
    """
    with service(server) as client:
        right = client.get(PATH).json()
        seen, wrong, stop = Counter(), [], threading.Event()

        def ask():
            while not stop.is_set():
                time.sleep(0.02)
                answer = client.get(PATH)
                body = answer.json() if answer.status_code == 200 else {}
                seen["stale" if body.get("stale") else "fresh"] += 1
                if body | {"stale": False} != right:
                    wrong.append((answer.status_code, answer.text[:200]))

        askers = [threading.Thread(target=ask) for _ in range(2)]
        for asker in askers:
            asker.start()
        try:
            for _ in range(2):
                server.kill()
                until(lambda: client.get("/health").json()["status"] == "stale")
                refused = client.post("/v1/admin/graph/refresh")
                assert refused.status_code == 503
                assert refused.headers["retry-after"]
                assert "start it with `kgplan neo4j start`" in refused.json()["detail"]
                server.server.restart()
                until(lambda: client.get("/health").json()["status"] == "ok")
            until(lambda: sum(seen.values()) >= 2000)
        finally:
            stop.set()
            for asker in askers:
                asker.join()
        assert wrong == []
        assert min(seen["stale"], seen["fresh"]) > 0
