"""The chance that a learner's next view is completed, over HTTP; and that no media are taken."""

import re
from pathlib import Path

import numpy as np
import pytest
from engagement_cases import completion
from fastapi.testclient import TestClient
from learner_cases import hand_model

from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.model.current import CurrentLearners
from kgplan.planning.stored import planner_from_arrays, planner_to_arrays

EXPLORER = Path(__file__).parents[2] / "explorer" / "src"
TOLD = {
    *("learner_id", "course_id", "item_id", "title", "chance", "reason", "views", "finished"),
    *("alike", "alike_completed", "because", "model_version", "stale"),
}
STATES = ("neutral", "positive", "confused", "anxious", "fatigued", "emotion", "attention")


@pytest.fixture(scope="module")
def planner():
    return hand_model(6).planner(completion=completion())


def client_of(planner, store):
    keeper = Keeper(lambda: planner, lambda: "always the same")
    app = create_app(keeper, learners=CurrentLearners(store))
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture
def client(planner, store):
    return client_of(planner, store)


def told(client, learner, **asked):
    answer = client.get(f"/v1/learners/{learner}/engagement", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def watch(client, learner, share, names):
    events = [
        {"event_id": f"{learner} {n} {share}", "learner_id": learner, "item_id": n, "share": share}
        for n in names
    ]
    client.post("/v1/events", json=events).raise_for_status()


def test_a_keen_learner_is_told_another_chance_than_one_who_stops_early(client):
    keen, other = told(client, "u0"), told(client, "u1", detail="numbers")
    assert keen["chance"] > 0.7
    assert other["chance"] < 0.3
    assert keen["views"] == other["views"] == 40
    assert "probably watch" in keen["because"]
    assert "probably not" in other["because"]
    assert f"chance {other['chance']:.2f}" in other["because"]
    assert f"{other['finished']} of your last 8" in other["because"]
    assert not any(letter.isdigit() for letter in keen["because"])
    chinese = told(client, "u0", language="zh")
    assert chinese["because"].startswith("你很可能会看完下一个视频")
    assert abs(keen["alike_completed"] - keen["chance"]) < 0.2
    assert keen["alike"] > 10


def test_nothing_but_completion_is_told(client):
    for learner in ("u0", "u1", "nobody"):
        found = told(client, learner)
        assert set(found) == TOLD
        assert not any(word in found["because"].lower() for word in STATES)


def test_events_count_at_once_and_from_eight_on(client):
    names = [f"v{k:02}" for k in range(20)]
    empty = told(client, "new")
    assert (empty["chance"], empty["reason"], empty["views"]) == (None, "few_views", 0)
    assert empty["because"]
    watch(client, "new", 1.0, names[:7])
    seven = told(client, "new", detail="numbers")
    assert (seven["chance"], seven["views"], seven["item_id"]) == (None, 7, None)
    assert "7 so far; it takes 8" in seven["because"]
    watch(client, "new", 1.0, names[7:8])
    eight = told(client, "new")
    assert (eight["views"], eight["finished"], eight["item_id"]) == (8, 8, "v08")
    assert eight["reason"] is None
    assert told(client, "new", course_id="B")["item_id"] == "v20"
    watch(client, "new", 0.1, names[8:16])
    worse = told(client, "new")
    assert (worse["views"], worse["finished"]) == (16, 0)
    assert worse["chance"] < eight["chance"]


def test_an_erased_learner_has_no_figure_and_begins_anew(client):
    watch(client, "u0", 1.0, ["v00"])
    client.delete("/v1/learners/u0").raise_for_status()
    assert client.get("/v1/learners/u0/engagement").status_code == 404
    watch(client, "u0", 1.0, ["v01"])
    assert told(client, "u0")["views"] == 1


def test_a_home_without_it_says_so_and_an_unknown_course_is_named(client, store):
    without = client_of(hand_model(6).planner(), store)
    found = told(without, "u0")
    assert (found["chance"], found["reason"]) == (None, "no_model")
    assert "nothing has been fitted" in found["because"]
    unknown = client.get("/v1/learners/u0/engagement", params={"course_id": "Q"})
    assert unknown.status_code == 404
    assert unknown.json()["type"].endswith("unknown-course")


def test_plans_are_the_same_with_and_without_it(client, planner, store):
    asked = {"course_id": "A"}
    without = client_of(hand_model(6).planner(), store)
    paths = [each.get("/v1/learners/learner/path", params=asked) for each in (client, without)]
    assert paths[0].status_code == 200
    assert paths[0].json() == paths[1].json()


def test_processes_that_share_a_planner_say_the_same(planner):
    again = planner_from_arrays(*planner_to_arrays(planner))
    seen = planner.completion.seen("u0", True, {}, {})
    np.testing.assert_array_equal(again.completion.seen("u0", True, {}, {}).item, seen.item)
    assert again.completion.foresee(seen, 0, 1e9) == planner.completion.foresee(seen, 0, 1e9)


def test_the_figure_is_in_no_metric_and_in_no_export(client):
    chance = str(told(client, "u0")["chance"])
    assert chance not in client.get("/metrics").text
    assert "completed" not in client.get("/metrics").text
    watch(client, "u0", 1.0, ["v00"])
    export = client.get("/v1/learners/u0/export")
    assert export.status_code == 200
    assert chance not in export.text
    assert "chance" not in export.text


@pytest.mark.parametrize("kind", ["image/png", "audio/wav", "video/mp4", "IMAGE/JPEG; q=1"])
def test_no_operation_takes_pictures_sounds_or_films(client, kind):
    described = client.get("/openapi.json").json()["paths"]
    tried = 0
    for path, operations in described.items():
        for method, operation in operations.items():
            for media in operation.get("requestBody", {}).get("content", {}):
                assert not media.startswith(("image/", "audio/", "video/"))
            if "requestBody" not in operation or "{" in path or "/lti/" in path:
                continue
            sent = {"content-type": kind, "X-Experience-API-Version": "1.0.3"}
            answer = client.request(method, path, content=b"\x89PNG\r\n", headers=sent)
            if "/admin/" not in path:
                assert answer.status_code == 415, (path, answer.text)
                tried += 1
            assert 400 <= answer.status_code < 500
    assert tried >= 2  # events and statements are among them
    answer = client.post("/v1/events", content=b"{}", headers={"content-type": kind})
    assert answer.json()["type"].endswith("media-refused")
    assert "send JSON" in answer.json()["detail"]


def test_our_pages_ask_for_no_camera_and_no_microphone():
    sources = [p for p in EXPLORER.rglob("*") if p.suffix in (".ts", ".tsx", ".html")]
    assert len(sources) > 20
    for source in sources:
        text = source.read_text(encoding="utf-8")
        assert not re.search("getUserMedia|mediaDevices|MediaRecorder|webkitSpeech", text), source
