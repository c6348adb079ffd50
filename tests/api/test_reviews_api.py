"""Reviews over HTTP and from the command line: what is due again, within the time that is set."""

import json
import time
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient
from forked import run_kgplan
from learner_cases import hand_model

from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.model.current import CurrentLearners
from kgplan.model.reviews import ReviewRules

DAY = 86_400.0
SEED = 6


@pytest.fixture(scope="module")
def case():
    return hand_model(SEED)


@pytest.fixture
def served(case, store):
    planner = case.planner()

    def made(**rules):
        keeper = Keeper(lambda: planner, lambda: "always the same")
        learners = CurrentLearners(store)
        app = create_app(keeper, learners=learners, review_rules=ReviewRules(**rules))
        return TestClient(app, raise_server_exceptions=False)

    return made


def moment(days_ago):
    return datetime.fromtimestamp(time.time() - days_ago * DAY, UTC).isoformat()


def watch_everything(client, case, days_ago):
    events = [
        {"event_id": f"{item}-{days_ago}", "learner_id": "u", "item_id": item, "share": 1}
        | {"time": moment(days_ago)}
        for item in case.records.item_ids.tolist()
    ]
    client.post("/v1/events", json=events).raise_for_status()


def asked(client, **parameters):
    answer = client.get("/v1/learners/u/reviews", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_what_is_due_takes_its_share_of_the_time_and_is_gone_when_it_was_opened(served, case):
    client = served(share=1.0)
    assert asked(client)["reviews"] == []  # of somebody who is new
    watch_everything(client, case, days_ago=90)
    found = asked(client, minutes=1_000)
    assert found["reviews"]
    assert found["minutes"] == 1_000
    opened = {each["resource"]["item_id"] for each in found["reviews"]}
    due = {each["concept_id"] for one in found["reviews"] for each in one["concepts"]}
    for one in found["reviews"]:
        assert one["resource"]["again"]
        assert one["because"].startswith(f"You last worked on {one['concepts'][0]['name']} 3 m")
        assert all(each["recall"] < 0.9 for each in one["concepts"])
    none = asked(served(share=0.0), minutes=1_000)
    assert (none["reviews"], none["later"]) == ([], len(due) + found["later"])
    for item in opened:
        event = {"event_id": f"again-{item}", "learner_id": "u", "item_id": item, "share": 1}
        client.post("/v1/events", json=event).raise_for_status()
    after = asked(client, minutes=1_000)
    assert due.isdisjoint(
        each["concept_id"] for one in after["reviews"] for each in one["concepts"]
    )
    assert after["next_due"] > datetime.now(UTC).isoformat()


def test_a_course_a_language_and_figures_are_asked_for(served, case):
    client = served(share=1.0)
    watch_everything(client, case, days_ago=40)
    planner = case.planner()
    of_course = planner.graph.course_concepts[[planner.graph.courses.find("A")]].indices
    inside = set(planner.graph.concept_ids[of_course].tolist())
    found = asked(client, course_id="A", minutes=1_000, language="zh", detail="numbers")
    assert {c["concept_id"] for one in found["reviews"] for c in one["concepts"]} <= inside
    assert all("5 周前，现在还记得的概率为0." in one["because"] for one in found["reviews"])
    unknown = client.get("/v1/learners/u/reviews", params={"course_id": "B_none"})
    assert (unknown.status_code, "B_none" in unknown.text) == (404, True)
    wrong = client.get("/v1/learners/u/reviews", params={"minutes": 0})
    assert wrong.status_code == 422


def test_the_command_says_the_same_and_nothing_of_whom_nothing_is_known(mini_home):
    told = run_kgplan(mini_home.home, "reviews", "U_1", "C_1", "--json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["reviews"] == []
    said = run_kgplan(mini_home.home, "reviews", "nobody")
    assert said.stdout.strip() == "Nothing that you hold is due again."
