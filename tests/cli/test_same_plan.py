"""One learner, asked about by command, in Python and over HTTP: the same plan, to the byte."""

import json

import pytest
from fastapi.testclient import TestClient
from miniature import ARRAY, RECURSION
from typer.testing import CliRunner

import kgplan
from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.cli import app
from kgplan.model.current import CurrentLearners
from kgplan.model.opening import open_planner
from kgplan.settings import read_settings

ONLY_OVER_HTTP = ("explanations", "stale")
GOALS = {("C_2",): {"course_id": "C_2"}, ("--towards", RECURSION): {"towards": RECURSION}}
EVENT = {"item_id": "V_4", "share": 0.9}


@pytest.fixture
def service(mini_home, store):
    planner = open_planner(mini_home)
    keeper = Keeper(lambda: planner, lambda: "always the same")
    with TestClient(create_app(keeper, learners=CurrentLearners(store))) as client:
        yield client


@pytest.fixture
def command(mini_home, records_url, monkeypatch):
    """Runs a command in the home of the miniature, with these records."""
    monkeypatch.setenv("KGPLAN_HOME", str(mini_home.home))
    monkeypatch.setenv("KGPLAN_RECORDS", records_url)
    read_settings.cache_clear()
    yield lambda *arguments: CliRunner().invoke(app, arguments)
    read_settings.cache_clear()


def text_of(plan):
    return json.dumps(plan, ensure_ascii=False, sort_keys=True).encode()


@pytest.mark.parametrize("learner", ["U_1", "newcomer"])
def test_the_same_learner_gets_the_same_plan_every_way(
    mini_home, service, command, records_url, learner
):
    events = [
        {"event_id": "1", "learner_id": learner} | EVENT,
        {"event_id": "2", "learner_id": learner, "course_id": "C_2", "enrols": True},
    ]
    service.post("/v1/events", json=events).raise_for_status()
    said = {"concept_id": ARRAY, "said": "too_easy"}
    service.post(f"/v1/learners/{learner}/feedback", json=said).raise_for_status()
    with kgplan.open(mini_home.home, records=records_url) as model:
        for arguments, goal in GOALS.items():
            typed = command("plan", learner, *arguments, "--length", "3", "--json")
            assert typed.exit_code == 0, typed.exception
            by_command = json.loads(typed.stdout)
            answer = service.get(f"/v1/learners/{learner}/path", params={**goal, "length": 3})
            over_http = answer.raise_for_status().json()
            for each in ONLY_OVER_HTTP:
                del over_http[each]
            ask = model.plan if "course_id" in goal else model.towards
            in_python = ask(learner, *goal.values(), length=3).to_dict()
            assert text_of(by_command) == text_of(over_http) == text_of(in_python)


def test_what_a_mastery_rests_on_is_the_same_every_way(mini_home, service, command, records_url):
    event = {"event_id": "1", "learner_id": "U_1"} | EVENT
    service.post("/v1/events", json=event).raise_for_status()
    listed = service.get("/v1/learners/U_1/mastery").json()["concepts"]
    known = max(listed, key=lambda each: each["evidence"])
    typed = command("mastery", "U_1", known["concept_id"], "--json")
    assert typed.exit_code == 0, typed.exception
    by_command = json.loads(typed.stdout)
    address = f"/v1/learners/U_1/mastery/{known['concept_id']}"
    over_http = service.get(address, params={"detail": "numbers"}).raise_for_status().json()
    with kgplan.open(mini_home.home, records=records_url) as model:
        found = model.mastery_of("U_1", known["concept_id"], detail="numbers")
    rows = by_command["reasons"]
    assert [(each.item_id, each.moved) for each in found] == [
        (each["item_id"], each["moved"]) for each in rows
    ]
    assert rows
    for each in rows:  # HTTP writes a time as a date
        del each["time"]
    for each in over_http["reasons"]:
        del each["time"]
    assert over_http == over_http | by_command
    assert found.notes == (by_command["because"],)
    drawn = command("mastery", "U_1", known["concept_id"]).stdout
    assert by_command["because"] in drawn.replace("\n", " ")
    unknown = command("mastery", "U_nobody", known["concept_id"])
    assert "no learner 'U_nobody'" in str(unknown.exception)


def test_what_the_service_recorded_counts_in_the_next_plan_by_command(service, command):
    before = json.loads(command("plan", "U_1", "C_2", "--json").stdout)
    event = {"event_id": "1", "learner_id": "U_1"} | EVENT
    service.post("/v1/events", json=event).raise_for_status()
    after = json.loads(command("plan", "U_1", "C_2", "--json").stdout)
    assert after["steps"] != before["steps"]


def test_a_learner_erased_in_the_service_has_no_plan_by_command_either(service, command):
    assert command("plan", "U_1", "C_2").exit_code == 0
    service.delete("/v1/learners/U_1").raise_for_status()
    refused = command("plan", "U_1", "C_2")
    assert type(refused.exception).__name__ == "UnknownLearner"
    assert service.get("/v1/learners/U_1/path?course_id=C_2").status_code == 404
