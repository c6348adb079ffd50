import json
import re

import pytest
from fastapi.testclient import TestClient
from planning_cases import hand_case
from pydantic import TypeAdapter

from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.api.models import EXAMPLE_PATH, Path
from kgplan.api.problems import status_of
from kgplan.errors import ArtifactMissing, GraphUnavailable, KgplanError
from kgplan.planning import PlanOptions
from kgplan.planning.planners import planners


@pytest.fixture(scope="module")
def planner():
    return hand_case().planner()


@pytest.fixture(scope="module")
def client(planner):
    return TestClient(create_app(kept(planner)), raise_server_exceptions=False)


def kept(planner) -> Keeper:
    return Keeper(lambda: planner, lambda: "always the same")


@pytest.mark.parametrize("name", planners())
def test_a_path_over_http_is_the_planners(client, planner, name):
    options = {"length": 5, "max_prerequisites": 2, "neighbours": 2, "planner": name}
    answer = client.get("/v1/learners/learner/path", params={"course_id": "A"} | options)
    assert answer.status_code == 200
    expected = planner.plan("learner", "A", PlanOptions(**options)).to_dict()
    assert answer.json() == json.loads(
        json.dumps(expected | {"explanations": None, "stale": False})
    )
    if name == "kg-plppm":  # worked on paper in test_planner.py
        assert [step["concept_id"] for step in answer.json()["steps"]] == [*"eabdf"]


def test_where_no_planner_is_named_the_one_that_is_recommended_plans(client):
    query = {"course_id": "A"}
    named = client.get("/v1/planners").json()["default"]
    assert named == "gain"
    asked = [
        client.get("/v1/learners/learner/path", params=query | more).json()
        for more in ({}, {"planner": named})
    ]
    assert asked[0] == asked[1]
    assert all(step["resources"] for step in asked[0]["steps"])


@pytest.mark.parametrize(
    ("path", "problem", "near"),
    [
        ("/v1/learners/learner/path?towards=ee", "unknown-concept", ["e"]),
        ("/v1/learners/learner/path?course_id=Q", "unknown-course", []),
    ],
)
def test_an_unknown_id_is_404_with_close_matches(client, path, problem, near):
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:kgplan:problem:{problem}"
    assert answer.json()["close_matches"] == near


def test_a_plus_that_became_a_space_is_explained(client):
    answer = client.get("/v1/learners/learner/path?course_id=C+1")
    assert "write it as %2B" in answer.json()["detail"]


@pytest.mark.parametrize(
    "query", ["", "course_id=A&length=0", "course_id=A&length=51", "course_id=A&length=x"]
)
def test_bad_parameters_are_422_with_the_field(client, query):
    answer = client.get(f"/v1/learners/learner/path?{query}")
    assert answer.status_code == 422
    field = "length" if "length" in query else "course_id"
    assert [each["field"] for each in answer.json()["fields"]] == [f"query.{field}"]


def test_a_misspelled_option_is_422_with_the_field_and_the_near_name(client):
    answer = client.get("/v1/learners/learner/path?course_id=A&lenght=3")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:kgplan:problem:bad-parameters")
    said = "unknown option 'lenght'; did you mean 'length'?"
    assert answer.json()["fields"] == [{"field": "query.lenght", "reason": said}]
    item = {"learner_id": "learner", "course_id": "A"}
    answer = client.post("/v1/paths", json={"items": [item, item | {"lenght": 3}]})
    assert answer.status_code == 422
    assert answer.json()["fields"] == [{"field": "body.items.1.lenght", "reason": said}]


def documented():
    """(method, address, declared options) of every operation of the service."""
    document = create_app(Keeper(lambda: None, lambda: "always the same")).openapi()
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            sent = [each["name"] for each in told.get("parameters", []) if each["in"] == "query"]
            yield method, path, sent


@pytest.mark.parametrize(("method", "path", "declared"), list(documented()))
def test_no_operation_passes_over_an_option_that_it_does_not_declare(
    client, method, path, declared
):
    address = re.sub(r"{\w+}", "x", path)
    query = dict.fromkeys(declared, "1") | {"unheardof": "1"}
    answer = client.request(method, address, params=query)
    assert answer.status_code == (400 if path.startswith("/xapi/") else 422)
    fields = {each["field"] for each in answer.json()["fields"]}
    assert "query.unheardof" in fields
    reasons = [each["reason"] for each in answer.json()["fields"]]
    assert sum("unknown option" in each for each in reasons) == 1


@pytest.mark.parametrize(
    "error", [ArtifactMissing("diagnosis", "kgplan diagnose"), GraphUnavailable("locked")]
)
def test_what_passes_by_itself_is_503_with_a_time_to_retry(planner, error):
    app = create_app(kept(planner))

    @app.get("/fails")
    def fails():
        raise error

    answer = TestClient(app).get("/fails")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["detail"] == str(error)


def test_every_error_class_has_a_status():
    def below(cls):
        return [cls, *(each for sub in cls.__subclasses__() for each in below(sub))]

    known = {400, 401, 403, 404, 408, 409, 412, 413, 415, 422, 429, 431, 499, 500, 501, 503}
    assert {status_of(cls.__new__(cls)) for cls in below(KgplanError)} <= known


def test_health_names_the_versions(client, planner):
    assert client.get("/health").json() == {
        "status": "ok",
        "graph_version": planner.graph.version,
        "model_version": "model",
        "learners": 2,
        "courses": 3,
        "concepts": 6,
        "source": {"title": "", "licence": ""},
        "problem": None,
    }


def test_while_the_graph_is_away_paths_go_on_marked_stale(planner):
    marks = iter(["before"])

    def mark():
        for found in marks:
            return found
        raise GraphUnavailable("the server is gone")

    client = TestClient(create_app(Keeper(lambda: planner, mark)))
    path = "/v1/learners/learner/path?course_id=A"
    assert client.get(path).json()["stale"] is False
    refused = client.post("/v1/admin/graph/refresh")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert client.get(path).json()["stale"] is True
    health = client.get("/health").json()
    assert (health["status"], health["problem"]) == ("stale", "the server is gone")


def test_the_picture_is_svg(client):
    answer = client.get("/v1/learners/learner/path.svg", params={"course_id": "A"})
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.text.startswith("<svg")


def test_the_page_is_served(client):
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>kgplan" in answer.text  # the explorer, or the page that needs no build


def test_openapi_documents_the_answers_with_examples(client):
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    responses = document["paths"]["/v1/learners/{learner_id}/path"]["get"]["responses"]
    assert set(responses) == {*["200", "304", "400", "401", "403", "404", "422", "429", "503"]}
    for name in ("Path", "HealthOut", "Problem"):
        assert document["components"]["schemas"][name]["examples"]


def test_the_documented_example_is_a_valid_answer():
    path = TypeAdapter(Path)
    assert path.dump_python(path.validate_python(EXAMPLE_PATH), mode="json") == EXAMPLE_PATH
