"""A client in Python, generated from the service's description, talks to the running service."""

import importlib
import json
import sys
import threading
import time
from pathlib import Path

import pytest
import uvicorn
from openapi_python_client import generate
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser.errors import ErrorLevel
from planning_cases import hand_case

from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.planning import PlanOptions


@pytest.fixture(scope="module")
def app():
    planner = hand_case().planner()
    return create_app(Keeper(lambda: planner, lambda: "always the same"))


@pytest.fixture(scope="module")
def address(app):
    """Where the service listens, on a port that the system chose."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def generated(app, tmp_path_factory):
    """The generated package."""
    folder = tmp_path_factory.mktemp("client")
    description = folder / "openapi.json"
    description.write_text(json.dumps(app.openapi()), encoding="utf-8")
    config = Config.from_sources(
        ConfigFile(post_hooks=[]),
        MetaType.NONE,
        document_source=description,
        file_encoding="utf-8",
        overwrite=True,
        output_path=folder / "kgplan_client",
    )
    found = generate(config=config)  # a warning: pictures and text are not parsed
    assert [error.detail for error in found if error.level == ErrorLevel.ERROR] == []
    sys.path.insert(0, str(folder))
    yield importlib.import_module("kgplan_client")
    sys.path.remove(str(folder))


def operation(part, name):
    return importlib.import_module(f"kgplan_client.api.{part}.{name}")


def model(name):
    return getattr(importlib.import_module("kgplan_client.models"), name)


def test_the_generated_client_gets_what_the_planner_plans(generated, address):
    client = generated.Client(base_url=address)
    path = operation("paths", "read_path").sync(
        "learner", client=client, course_id="A", length=5, explain=True
    )
    expected = hand_case().planner().plan("learner", "A", PlanOptions(5))
    assert isinstance(path, model("Path"))
    assert path.graph_version == expected.graph_version
    assert [[each.item_id for each in step.resources] for step in path.steps] == [
        [each.item_id for each in step.resources] for step in expected.steps
    ]
    assert len(path.explanations) == len(path.steps)


def test_the_generated_client_sends_batches_and_reads_problems(generated, address):
    client = generated.Client(base_url=address)
    items = [
        model("PathIn")(learner_id="learner", course_id="A"),
        model("PathIn")(learner_id="somebody", course_id="A"),
        model("PathIn")(learner_id="learner", towards="dd"),
    ]
    answer = operation("paths", "read_paths").sync(
        client=client, body=model("PathsIn")(items=items)
    )
    good, new, bad = answer.results
    assert (good.status, good.path.learner_id, good.path.new) == (200, "learner", False)
    assert (new.status, new.path.learner_id, new.path.new) == (200, "somebody", True)
    assert (bad.status, bad.problem.close_matches) == (404, ["d"])
    refused = operation("paths", "read_path").sync("learner", client=client, course_id="Q")
    assert isinstance(refused, model("Problem"))
    assert refused.fields[0].field == "query.course_id"


def test_the_generated_client_asks_the_graph(generated, address):
    client = generated.Client(base_url=address)
    found = operation("graph", "search_concepts").sync(client=client, text="d")
    assert [each.id for each in found.found] == ["d"]
    up = operation("graph", "read_prerequisites").sync("d", client=client, depth=2)
    assert [(c.id, c.depth) for c in up.concepts] == [("b", 1), ("c", 1), ("a", 2)]
    course = operation("graph", "read_course_map").sync("A", client=client)
    assert [c.id for c in course.missing] == ["b", "c"]
    package = operation("graph", "export_case").sync(client=client)
    assert {a.association_type for a in package.cf_associations} == {"precedes", "isChildOf"}
    assert operation("operations", "read_health").sync(client=client).status == "ok"
    assert Path(generated.__file__).parent.name == "kgplan_client"
