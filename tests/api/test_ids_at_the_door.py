"""No operation takes an id that no database can keep, wherever it stands in a request."""

import copy
import json
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from learner_cases import hand_model

from kgplan.api.administration import Administration
from kgplan.api.app import create_app
from kgplan.api.jobs import Jobs
from kgplan.api.keeper import Keeper
from kgplan.api.routes.events import VERSION_HEADER
from kgplan.data.events import Event
from kgplan.model.current import CurrentLearners
from kgplan.settings import Settings
from kgplan.store.events.sent import Sent

XAPI = {VERSION_HEADER: "1.0.3"}
IDS = {
    *("learner_id", "course_id", "concept_id", "item_id", "event_id", "voids", "towards"),
    *("exclude", "pin", "version", "job_id", "statementId", "prefix", "step_id", "before", "order"),
}
OTHERS = {  # parameters that are no ids: texts to search, numbers, choices
    *("text", "field", "limit", "depth", "length", "max_prerequisites", "neighbours", "planner"),
    *("alike", "theta", "least_gain", "minutes", "language", "detail", "bound", "explain"),
    *("days_per_step", "state", "tail", "X-Experience-API-Version", "If-Match", "n", "dry_run"),
    *("as_of", "half_life"),
    "reason",
}
ODD = ["learner\0", "\0", "a\x1fb", "a\x7f", "a\nb", "a\x85b", "a\u2028b", "x" * 501]
HALVES = ["\ud800", "a\udfffb"]


@pytest.fixture
def client(store, tmp_path):
    planner = hand_model().planner()
    keeper = Keeper(lambda: planner, lambda: "always the same")
    app = create_app(
        keeper,
        learners=CurrentLearners(store),
        administration=Administration(Jobs(Settings(home=tmp_path))),
    )
    return TestClient(app, raise_server_exceptions=False)


def filled(path, of, odd=None):
    """An operation's address with good ids, but for the one of this name."""
    for name in IDS:
        good = "e" if name == "concept_id" else "A" if name == "course_id" else "learner"
        value = quote(odd if name == of and odd is not None else good, safe="")
        path = path.replace(f"{{{name}}}", value)
    path = path.replace("{n}", "1")
    assert "{" not in path
    return path


def refused(answer, what):
    assert answer.status_code in (400, 404, 422), (what, answer.status_code, answer.text[:200])
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    kinds = ("bad-parameters", "malformed-statement", "malformed-body")
    if answer.status_code == 404:  # of a line break in an address the router makes nothing
        kinds = ("no-such-operation",)
    assert told["type"].endswith(kinds), (what, told)
    assert told["close_matches"] == []


def test_no_odd_id_passes_in_the_address_of_any_operation(client):
    description = client.get("/openapi.json").json()
    tried = 0
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            parameters = operation.get("parameters", [])
            assert {each["name"] for each in parameters} <= IDS | OTHERS, (method, path)
            for each in parameters:
                if each["name"] not in IDS:
                    continue
                for odd in ODD:
                    tried += 1
                    address, query = filled(path, None), {each["name"]: odd}
                    if each["in"] == "path":
                        address, query = filled(path, each["name"], odd), {}
                    answer = client.request(method, address, params=query, headers=XAPI)
                    refused(answer, (method, path, each["name"], odd))
    assert tried > 200
    assert client.get("/v1/learners/learner/mastery").status_code == 200


def places(value, name=None):
    """Paths to all ids in an example of a body."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from ((key, *rest) for rest in places(inner, key))
    elif isinstance(value, list):
        for k, inner in enumerate(value):
            yield from ((k, *rest) for rest in places(inner, name))
    elif name in IDS:
        yield ()


def with_value(body, place, value):
    body = copy.deepcopy(body)
    holder = body
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    return json.dumps(body)


PATH = {"learner_id": "learner", "course_id": "A", "exclude": ["e"], "pin": ["d"]}
EVENT = {"event_id": "e1", "learner_id": "learner", "item_id": "v_e", "course_id": "A", "share": 1}
BODIES = {
    "/v1/paths": {"items": [PATH, {"learner_id": "learner", "towards": "e"}]},
    "/v1/events": [EVENT, {"event_id": "e2", "learner_id": "learner", "voids": "e1"}],
    "/v1/learners/{learner_id}/feedback": {"concept_id": "e", "said": "done"},
    "/v1/learners/{learner_id}/placement": {
        "course_id": "A",
        "answers": [{"concept_id": "e", "said": "known"}],
    },
    "/v1/learners/{learner_id}/overrides?course_id=A": {
        "kind": "freeze",
        "step_id": "a",
        "before": "e",
        "order": ["e"],
        "reason": "asked in class",
    },
}
WITHOUT_IDS = {
    "/v1/admin/jobs",
    "/v1/learners/{learner_id}/plan/changes/{n}/undo",
    "/v1/learners/{learner_id}/plan/changes/{n}/accept",
}


def test_no_odd_id_passes_in_any_body(client):
    described = client.get("/openapi.json").json()["paths"]
    with_body = {path for path, each in described.items() if "requestBody" in each.get("post", {})}
    tried = {path.partition("?")[0] for path in BODIES}
    assert with_body <= tried | WITHOUT_IDS | {"/xapi/statements"}
    headers = {"content-type": "application/json", "if-match": "*"}
    begun = client.put(filled("/v1/learners/{learner_id}/plan?course_id=A", None), json={})
    assert begun.status_code == 200
    for path, body in BODIES.items():
        address = filled(path, None)
        found = list(places(body))
        assert len(found) >= 1
        for place in found:
            for odd in ODD + HALVES:
                answer = client.post(address, content=with_value(body, place, odd), headers=headers)
                refused(answer, (path, place, odd))
    assert client.get("/v1/learners/learner/export").json()["events"] == []
    for path, body in BODIES.items():
        answer = client.post(filled(path, None), json=body, headers=headers)
        assert answer.status_code == 200, (path, answer.text)


def test_no_odd_id_passes_in_a_statement(client):
    good = {
        "id": "8f87ccde-bb56-4c2e-ab83-44982ef22df0",
        "actor": {"account": {"homePage": "https://mooc.example", "name": "learner"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"id": "https://mooc.example/videos/v_e"},
    }
    headers = XAPI | {"content-type": "application/json"}
    for place in (("id",), ("actor", "account", "name"), ("object", "id")):
        for odd in ODD + HALVES:
            if place == ("object", "id"):
                odd = "https://mooc.example/videos/" + quote(odd, errors="surrogatepass")
                if "%ED" in odd or len(odd) > 500:
                    continue  # no UTF-8: read as other characters; too long: says nothing
            content = with_value(good, place, odd)
            refused(client.post("/xapi/statements", content=content, headers=headers), (place, odd))
    assert client.post("/xapi/statements", json=good, headers=XAPI).status_code == 200


def test_an_unknown_field_with_half_a_character_in_its_name_is_refused(client):
    body = r'{"event_id":"e","learner_id":"u","item_id":"v","share":1,"\ud800":1}'
    answer = client.post("/v1/events", content=body, headers={"content-type": "application/json"})
    refused(answer, body)


@pytest.mark.parametrize("depth", [101, 250, 970, 5_000, 200_000])
@pytest.mark.parametrize("path", ["/v1/events", "/v1/paths", "/xapi/statements"])
def test_a_body_nested_too_deep_is_refused_in_a_sentence(client, depth, path):
    content = '{"a": ' + "[" * depth + "]" * depth + "}"
    headers = XAPI | {"content-type": "application/json"}
    answer = client.post(path, content=content, headers=headers)
    assert answer.status_code == (400 if path.startswith("/xapi") else 422)
    assert "nested deeper than 100" in answer.json()["detail"]


def test_what_is_nested_as_deep_as_allowed_is_stored_and_exported(client):
    deep = "[" * 95 + "]" * 95
    statement = {
        "actor": {"mbox": "mailto:ada@example.org"},
        "verb": {"id": "https://x.y/v"},
        "object": {"id": "https://x.y/o"},
        "result": {"extensions": {"https://x.y/e": json.loads(deep)}},
    }
    headers = XAPI | {"content-type": "application/json"}
    content = json.dumps(statement)
    assert client.post("/xapi/statements", content=content, headers=headers).status_code == 200
    exported = client.get("/v1/learners/ada@example.org/export")
    assert exported.status_code == 200
    assert exported.json()["events"][0]["sent"]["result"]["extensions"]["https://x.y/e"] == (
        json.loads(deep)
    )


def test_an_export_tells_a_statement_that_was_stored_deeper_than_is_read(client, store):

    sent = Sent(Event("old", "learner", 1.0), "xapi", {"deep": 1}, "d")
    store.submit([sent]).result(30)
    deep = '{"deep": ' + "[" * 900 + "]" * 900 + "}"
    with store.database.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE learner_event SET raw = '{deep}'")
    answer = client.get("/v1/learners/learner/export")
    assert answer.status_code == 200
    assert deep in answer.text


def test_an_erased_learner_is_named_by_no_list_and_no_message(client):
    def near(learner):
        return client.get(f"/v1/learners/{learner}/feedback").json()

    assert near("learnr")["close_matches"] == ["learner"]
    assert client.delete("/v1/learners/learner").status_code == 200
    for told in (
        near("learnr"),
        client.get("/v1/learners/learnr/mastery").json(),
        client.get("/v1/learners/learnr/export").json(),
        client.get("/v1/learners/learnr/path?course_id=A").json(),
        client.get("/v1/learners", params={"prefix": "lear"}).json(),
        client.post("/v1/paths", json={"items": [PATH | {"learner_id": "learnr"}]}).json(),
    ):
        assert "learner'" not in json.dumps(told)
        assert '"learner"' not in json.dumps(told)
        assert "learner;" not in json.dumps(told)
