"""Events, mastery, plans and feedback over HTTP, on both databases."""

import json
import re
import time
from datetime import datetime

import numpy as np
import pytest
from fastapi.testclient import TestClient
from learner_cases import hand_model
from planning_cases import random_case

from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.api.routes.events import VERSION_HEADER
from kgplan.data.events import Event, evidence_of
from kgplan.data.wishes import Wishes
from kgplan.model.current import CurrentLearners
from kgplan.model.recommending import recommender_of
from kgplan.planning import PlanOptions
from kgplan.planning.live import LiveModel
from kgplan.planning.planners import planners
from kgplan.store.events import open_events

XAPI = {VERSION_HEADER: "1.0.3"}
SEED = 6  # at which the learner has two concepts of the course to learn, one with two videos
ID = "8f87ccde-bb56-4c2e-ab83-44982ef22df0"


@pytest.fixture(scope="module")
def case():
    return hand_model(SEED)


@pytest.fixture
def client(case, store):
    return client_of(case.planner(), store)


def client_of(planner, store, **options):
    keeper = Keeper(lambda: planner, lambda: "always the same")
    learners = CurrentLearners(store, **options)
    return TestClient(create_app(keeper, learners=learners), raise_server_exceptions=False)


def view(event_id, learner, video, share=1.0, **more):
    return {"event_id": event_id, "learner_id": learner, "item_id": video, "share": share} | more


def watched(video="v_e", **more):
    return {
        "id": ID,
        "actor": {"account": {"homePage": "https://mooc.example", "name": "learner"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"id": f"https://mooc.example/videos/{video}"},
        **more,
    }


def path(client, learner="learner", **options):
    answer = client.get(f"/v1/learners/{learner}/path", params={"course_id": "A"} | options)
    assert answer.status_code == 200, answer.text
    return answer.json()


def concepts(client, learner="learner"):
    return [step["concept_id"] for step in path(client, learner)["steps"]]


@pytest.mark.parametrize("form", ["plain", "xapi"])
def test_an_event_moves_the_mastery_and_the_next_plan_at_once(case, client, form):
    before = path(client)
    if form == "plain":
        answer = client.post("/v1/events", json=view("e1", "learner", "v_e"))
    else:
        answer = client.post("/xapi/statements", json=watched(), headers=XAPI)
    assert answer.status_code == 200
    event = Event("e1", "learner", 0.0, "v_e", share=1.0)
    state = LiveModel(case.records, case.diagnosis).current(
        "learner", evidence_of([event]), Wishes()
    )
    expected = case.planner().plan("learner", "A", PlanOptions(), state.learner)
    after = path(client)
    assert after["steps"] != before["steps"]
    assert [step["terms"]["mastery"] for step in after["steps"]] == [
        step.terms.mastery for step in expected.steps
    ]
    mastery = client.get("/v1/learners/learner/mastery").json()
    assert {c["concept_id"]: c["mastery"] for c in mastery["concepts"]} == dict(
        zip(state.learner.concept_ids.tolist(), state.learner.mastery.tolist(), strict=True)
    )
    assert mastery["events"] == {"counted": 1, "silent": 0, "unknown_items": []}


@pytest.mark.parametrize("planner", planners())
def test_a_learner_never_seen_gets_the_plan_of_a_new_one_and_no_history(case, client, planner):
    """Nobody can ask for, or erase, what is kept of a learner whom nothing names."""
    item = {"learner_id": "zed", "course_id": "A", "planner": planner}
    for _ in range(2):
        alone = path(client, "zed", planner=planner)
        (batch,) = client.post("/v1/paths", json={"items": [item]}).json()["results"]
        assert (batch["status"], batch["path"]) == (200, alone)
        assert client.get("/v1/learners/zed/path.svg", params={"course_id": "A"}).is_success
    assert (alone["learner_id"], alone["new"]) == ("zed", True)
    expected = case.planner().plan("zed", "A", PlanOptions(planner=planner))
    assert [s["concept_id"] for s in alone["steps"]] == [s.concept_id for s in expected.steps]
    assert not path(client, "learner", planner=planner)["new"]
    for what in ("mastery", "plans", "progress", "courses", "feedback", "export"):
        assert client.get(f"/v1/learners/zed/{what}").status_code == 404
    assert client.delete("/v1/learners/zed").status_code == 404
    assert client.get("/v1/learners?prefix=zed").json()["learners"] == []
    client.app.state.learners.store.flush()
    assert client.app.state.learners.store.export("zed")["plans"] == []
    client.post("/v1/events", json=[view("e1", "zed", "v_e", course_id="A")])
    known = path(client, "zed", planner=planner)
    assert known["new"] is False
    kept = client.get("/v1/learners/zed/plans").json()["plans"]
    assert [each["plan"]["new"] for each in kept] == [False]


def test_a_learner_who_only_enrolled_is_new_and_has_a_history(client):
    client.post(
        "/v1/events", json={"event_id": "e1", "learner_id": "zed", "course_id": "A", "enrols": True}
    )
    assert path(client, "zed")["new"] is True
    assert len(client.get("/v1/learners/zed/plans").json()["plans"]) == 1


def test_mastery_is_read_as_of_a_moment(client):
    client.post("/v1/events", json=view("e1", "zed", "v_e", time="2020-01-01T00:00:00Z"))
    client.post("/v1/events", json=view("e2", "zed", "v_f", time="2022-01-01T00:00:00Z"))

    def read(**asked):
        answer = client.get("/v1/learners/zed/mastery", params=asked)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        return found["events"]["counted"], {
            c["concept_id"]: c["mastery"] for c in found["concepts"]
        }

    now, then = read()[1], read(as_of="2022-01-01T00:00:00Z")[1]
    assert read(as_of="2021-01-01T00:00:00Z")[0] == 1  # what came later does not count
    year = read(as_of="2023-01-01T00:00:00Z", half_life=365)[1]
    two = read(as_of="2024-01-01T00:00:00Z", half_life=365)[1]
    assert then["f"] == now["f"] > year["f"] > two["f"]
    assert two["f"] - year["f"] == pytest.approx((year["f"] - now["f"]) / 2, abs=1e-12)
    for wrong in ({"as_of": "2023-01-01"}, {"as_of": "2023-01-01T00:00:00Z", "half_life": 0}):
        assert client.get("/v1/learners/zed/mastery", params=wrong).status_code == 422


def test_a_new_learners_mastery_is_unknown_until_the_first_event(client):
    assert client.get("/v1/learners/zed/mastery").status_code == 404
    client.post("/v1/events", json=[view("e1", "zed", "v_e", course_id="A")])
    assert path(client, "zed")["learner_id"] == "zed"
    found = client.get("/v1/learners/zed/mastery", params={"course_id": "A"}).json()["concepts"]
    assert [(c["concept_id"], c["doubt"] == "no_evidence") for c in found] == [
        ("d", True),
        ("e", False),
        ("f", False),
    ]


def test_statements_are_idempotent_and_other_content_is_a_conflict(client):
    for _ in range(2):
        answer = client.post("/xapi/statements", json=[watched()], headers=XAPI)
        assert (answer.status_code, answer.json()) == (200, [ID])
        assert answer.headers[VERSION_HEADER] == "1.0.3"
    put = client.put(f"/xapi/statements?statementId={ID}", json=watched(), headers=XAPI)
    assert (put.status_code, put.content) == (204, b"")
    stored = watched(authority={"mbox": "mailto:lrs@example.org"})  # set by a store, not content
    assert client.post("/xapi/statements", json=stored, headers=XAPI).status_code == 200
    other = client.post("/xapi/statements", json=watched("v_f"), headers=XAPI)
    assert (other.status_code, other.headers["content-type"]) == (409, "application/problem+json")
    assert other.headers[VERSION_HEADER] == "1.0.3"
    assert client.get("/v1/learners/learner/mastery").json()["events"]["counted"] == 1


@pytest.mark.parametrize(
    ("headers", "body", "field"),
    [
        ({}, watched(), VERSION_HEADER),
        ({VERSION_HEADER: "0.95"}, watched(), VERSION_HEADER),
        (XAPI, [watched(), watched(verb={})], "statements[1].verb.id"),
        (XAPI, 7, "statement"),
    ],
)
def test_a_malformed_request_is_400_with_the_field_and_stores_nothing(client, headers, body, field):
    answer = client.post("/xapi/statements", json=body, headers=headers)
    assert (answer.status_code, answer.headers[VERSION_HEADER]) == (400, "1.0.3")
    assert [each["field"] for each in answer.json()["fields"]] == [field]
    assert client.get("/v1/learners/learner/mastery").json()["events"]["counted"] == 0


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (view("e", "u", "v_e", 1.5), "body.0.share"),
        (view("e", "u", "v_e", segments=[[5, 1]]), "body.0"),
        ({"event_id": "e", "learner_id": "u"}, "body.0"),
        (view("e\0", "u", "v_e"), "body.0.event_id"),
        (view("e", "u", "v_e", extra=1), "body.0.extra"),
        (view("e", "u", "v_e", time="yesterday"), "body.0.time"),
    ],
)
def test_a_wrong_event_is_422_with_the_field(client, event, field):
    answer = client.post("/v1/events", json=event)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["fields"]] == [field]


def test_feedback_steers_the_next_plan_and_can_be_withdrawn(client):
    first = concepts(client)

    def say(concept, said):
        answer = client.post(
            "/v1/learners/learner/feedback", json={"concept_id": concept, "said": said}
        )
        assert answer.status_code == 200
        return concepts(client)

    assert first[0] not in say(first[0], "not_for_me")
    assert first[0] not in say(first[0], "done")
    assert say(first[0], "withdrawn") == first
    unknown = {"concept_id": "zz", "said": "done"}
    assert client.post("/v1/learners/learner/feedback", json=unknown).status_code == 404


def opened(step):
    """Videos that a step says to open: all of them, or a first one to choose."""
    return [resource["item_id"] for resource in step["resources"]]


@pytest.mark.parametrize("planner", ["gain", "kg-plppm"])
def test_progress_tells_done_next_and_overdue(client, planner):
    assert client.get("/v1/learners/learner/progress").status_code == 404  # no plan yet
    steps = path(client, planner=planner)["steps"]
    first, second, *rest = [step["concept_id"] for step in steps]
    # a repeat is not listed again
    assert path(client, planner=planner)["steps"] == steps
    videos = opened(steps[0]) if planner == "gain" else [f"v_{first}"]
    events = [view(f"e{video}", "learner", video) for video in videos]
    client.post("/v1/events", json=events)

    def statuses(**options):
        answer = client.get("/v1/learners/learner/progress", params=options).json()
        return {step["concept_id"]: step["status"] for step in answer["steps"]}, answer

    found, answer = statuses()
    assert found[first] == "done"
    assert list(found.values()).count("next") == 1
    assert found[answer["next_concept_id"]] == "next"
    time.sleep(0.02)
    found, answer = statuses(days_per_step=1e-9)
    assert set(found.values()) == {"done", "overdue"}
    assert answer["overdue"] == len(found) - answer["done"]
    history = client.get("/v1/learners/learner/plans").json()["plans"]
    assert [[s["concept_id"] for s in kept["plan"]["steps"]] for kept in history] == [
        [first, second, *rest]
    ]


def test_an_erased_learner_is_gone_from_every_answer(client):
    client.post("/xapi/statements", json=watched(timestamp="2026-01-01T00:00:00Z"), headers=XAPI)
    concepts(client)
    exported = client.get("/v1/learners/learner/export").json()
    assert exported["records"]["courses"] == ["B"]
    assert [event["sent"]["id"] for event in exported["events"]] == [ID]
    assert len(exported["plans"]) == 1
    erased = client.delete("/v1/learners/learner").json()
    assert (erased["events"], erased["plans"], erased["known_to_model"]) == (1, 1, True)
    for what in ("path?course_id=A", "mastery", "plans", "progress", "export"):
        assert client.get(f"/v1/learners/learner/{what}").status_code == 404
    again = client.post(
        "/xapi/statements", json=watched(timestamp="2026-01-01T00:00:00Z"), headers=XAPI
    )
    assert again.status_code == 200  # an outbox that sends again is not to blame
    assert client.get("/v1/learners/learner/mastery").status_code == 404
    assert client.delete("/v1/learners/learner").json()["events"] == 0
    assert client.delete("/v1/learners/nobody").status_code == 404


@pytest.mark.parametrize("operation", ["path", "path.svg", "batch", "feedback"])
def test_what_was_begun_before_an_erasure_leaves_nothing(
    case, store, records_url, monkeypatch, operation
):
    """The erasure, by another process, falls between reading the learner and writing."""
    planner, other = case.planner(), open_events(records_url)
    client = client_of(planner, store)
    client.post("/v1/events", json=view("e1", "learner", "v_e"))
    begun = []

    def erasing(work):
        def erased_meanwhile(*given, **options):
            if not begun:
                begun.append(1)
                other.erase("learner", time.time() - 60)  # its clock is slow, too
            return work(*given, **options)

        return erased_meanwhile

    monkeypatch.setattr(planner, "plan", erasing(planner.plan))
    monkeypatch.setattr(store, "say", erasing(store.say))
    if operation == "feedback":
        said = {"concept_id": "e", "said": "done"}
        answer = client.post("/v1/learners/learner/feedback", json=said)
        assert answer.status_code == 404  # not kept, and not answered as if it were
    elif operation == "batch":
        item = {"learner_id": "learner", "course_id": "A"}
        results = client.post(
            "/v1/paths", json={"items": [item | {"length": n + 1} for n in range(9)]}
        ).json()["results"]
        assert [each["status"] for each in results] == [200] + [404] * 8
    else:
        client.get(f"/v1/learners/learner/{operation}", params={"course_id": "A"})
    other.close()
    store.flush()
    assert begun
    assert not any(store.export("learner").values())
    client.post("/v1/events", json=view("e2", "learner", "v_e"))  # the learner comes back
    assert client.get("/v1/learners/learner/plans").json()["plans"] == []
    first = path(client)
    store.flush()
    assert [
        kept["plan"]["steps"] for kept in client.get("/v1/learners/learner/plans").json()["plans"]
    ] == [first["steps"]]


def test_a_learner_named_by_an_address_can_be_asked_for_and_erased(client):
    actor = {"openid": "https://ada.example/me"}
    client.post("/xapi/statements", json=watched(actor=actor), headers=XAPI)
    name = "https%3A%2F%2Fada.example%2Fme"
    assert client.get(f"/v1/learners/{name}/mastery").json()["learner_id"] == actor["openid"]
    assert client.delete(f"/v1/learners/{name}").json()["events"] == 1


def test_a_new_model_takes_the_events_along(case, store):
    first, second = case.planner(), random_case(3).planner()
    served = [first]
    keeper = Keeper(lambda: served[0], lambda: str(id(served[0])))
    client = TestClient(create_app(keeper, learners=CurrentLearners(store)))
    client.post("/v1/events", json=view("e1", "learner", "v_e"))
    assert client.get("/v1/learners/learner/mastery").json()["concepts"]
    served[0] = second
    assert client.post("/v1/admin/graph/refresh").status_code == 200
    answer = client.get("/v1/learners/learner/mastery").json()
    assert answer["graph_version"] == second.graph.version
    assert answer["events"]["counted"] == 1


def test_more_learners_than_are_kept_in_memory_are_still_answered_rightly(case, store):
    small, large = (client_of(case.planner(), store, capacity=n) for n in (2, 100))
    learners = [f"u{n}" for n in range(6)]
    small.post(
        "/v1/events",
        json=[view(f"e{u}", u, f"v_{'abcdef'[n]}") for n, u in enumerate(learners)],
    )
    for learner in learners * 2:
        assert path(small, learner) == path(large, learner)


def test_a_service_without_records_says_so(case):
    planner = case.planner()
    client = TestClient(create_app(Keeper(lambda: planner, lambda: "always the same")))
    answer = client.post("/v1/events", json=view("e1", "learner", "v_e"))
    assert (answer.status_code, answer.json()["title"]) == (503, "Records unavailable")


def test_learners_are_found_by_the_begin_of_their_id(case, client):
    known = case.records.learner_ids.tolist()
    client.post("/v1/events", json=[view("e1", "zed", "v_e"), view("e2", "Zed", "v_e")])

    def found(prefix="", **more):
        answer = client.get("/v1/learners", params={"prefix": prefix} | more)
        assert answer.status_code == 200
        return answer.json()["learners"]

    everyone = sorted([*known, "zed", "Zed"])
    assert found() == everyone
    assert found("z") == ["zed"]
    assert found(known[0][:2]) == [each for each in everyone if each.startswith(known[0][:2])]
    assert found("%") == []
    assert found(limit=1) == everyone[:1]
    client.delete(f"/v1/learners/{known[0]}")
    assert found() == everyone[1:] if everyone[0] == known[0] else known[0] not in found()


def test_a_learners_courses_are_those_planned_and_those_taken(case, client):
    def courses(learner="learner"):
        answer = client.get(f"/v1/learners/{learner}/courses")
        assert answer.status_code == 200
        return [(c["course_id"], c["planned"] is not None) for c in answer.json()["courses"]]

    assert courses() == [("B", False)]
    path(client)
    assert courses() == [("A", True), ("B", False)]
    client.post("/v1/events", json=view("e1", "zed", "v_a", course_id="nowhere"))
    assert [course for course, _ in courses("zed")] == []
    assert client.get("/v1/learners/nobody/courses").status_code == 404


def test_courses_are_recommended_with_their_reason_and_of_a_new_learner_those_most_take(
    case, client
):
    asked = client.get("/v1/learners/learner/recommendations", params={"alike": 0.0}).json()
    expected = recommender_of(case.planner(), {}).of("learner", alike=0.0)
    assert asked == json.loads(json.dumps(expected.to_dict()))
    assert asked["basis"] == "courses"
    new = client.get("/v1/learners/zed/recommendations", params={"limit": 1}).json()
    takers = np.asarray((case.records.enrolled > 0).sum(axis=0)).ravel()
    assert (new["basis"], new["courses"][0]["score"]) == ("popular", takers.max())
    assert "nothing is known" in new["told"]
    # what happens counts at once: with a course, the new one is like the others
    client.post(
        "/v1/events", json={"event_id": "e1", "learner_id": "zed", "course_id": "A", "enrols": True}
    )
    assert client.get("/v1/learners/zed/recommendations").json()["basis"] == "courses"
    refused = client.get("/v1/learners/zed/recommendations", params={"alike": 2})
    assert refused.status_code == 422


def test_a_placement_asks_stores_what_is_answered_and_asks_nothing_twice(client):
    def ask(*answers, **more):
        body = {"course_id": "A", "answers": list(answers)} | more
        answer = client.post("/v1/learners/zed/placement", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    first = ask()
    assert (first["stop"], first["reason"], first["asked"]) == (False, None, 0)
    assert client.get("/v1/learners/zed/mastery").status_code == 404  # asking stores nothing
    one = {"concept_id": first["next"]["concept_id"], "said": "known"}
    second = ask(one)
    assert second["asked"] == 1
    assert second["next"] is None or second["next"]["concept_id"] != one["concept_id"]
    ask(one)  # sent again, it is the same answer
    said = client.get("/v1/learners/zed/feedback").json()["feedback"]
    assert [(e["concept_id"], e["said"]) for e in said] == [(one["concept_id"], "known")]
    assert len(client.app.state.learners.store.export("zed")["feedback"]) == 1
    (known,) = [
        c
        for c in client.get("/v1/learners/zed/mastery").json()["concepts"]
        if c["concept_id"] == one["concept_id"]
    ]
    assert known["basis"] == "own"
    assert known["mastery"] > known["sd"] ** 2
    rests = client.get(f"/v1/learners/zed/mastery/{one['concept_id']}").json()
    assert [each["did"] for each in rests["reasons"]] == ["said_known"]
    assert [each["concept_id"] for each in path(client, "zed")["steps"]] == [
        each["concept_id"] for each in second["steps"]
    ]
    client.post("/v1/learners/zed/feedback", json=one | {"said": "withdrawn"})
    again = ask()
    assert (again["next"], again["steps"]) == (first["next"], first["steps"])


def test_an_answer_to_an_item_becomes_an_event(client):
    answers = [{"item_id": "v_e", "score": 1.0}, {"concept_id": "f"}]
    for _ in range(2):
        body = {"course_id": "A", "answers": answers}
        placed = client.post("/v1/learners/zed/placement", json=body).json()
    assert placed["asked"] == 2
    assert placed["next"] is None or placed["next"]["concept_id"] != "f"  # passed over
    (event,) = client.app.state.learners.store.events("zed")
    assert (event.item_id, event.score) == ("v_e", 1.0)
    assert client.get("/v1/learners/zed/feedback").json()["feedback"] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"course_id": "A", "towards": "d"}, 422),
        ({"course_id": "nowhere"}, 404),
        ({"words": "nothing that is called so"}, 404),
        ({"course_id": "A", "answers": [{"said": "known"}]}, 422),
        ({"course_id": "A", "answers": [{"item_id": "v_e", "said": "known"}]}, 422),
        ({"course_id": "A", "answers": [{"concept_id": "z", "said": "known"}]}, 404),
    ],
)
def test_a_placement_without_a_goal_or_with_odd_answers_is_refused(client, body, status):
    answer = client.post("/v1/learners/zed/placement", json=body)
    assert answer.status_code == status, answer.text
    assert client.get("/v1/learners/zed/mastery").status_code == 404


def test_the_goal_of_a_placement_may_be_given_in_words(client):
    placed = client.post("/v1/learners/zed/placement", json={"words": " D "}).json()
    assert (placed["course_id"], placed["towards"]) == (None, "d")


def test_what_was_said_is_listed_by_its_last_word(client):
    def say(concept, said):
        body = {"concept_id": concept, "said": said}
        assert client.post("/v1/learners/learner/feedback", json=body).status_code == 200

    for concept, said in [("e", "done"), ("f", "too_hard"), ("d", "done"), ("e", "too_easy")]:
        say(concept, said)
    say("f", "withdrawn")
    listed = client.get("/v1/learners/learner/feedback").json()["feedback"]
    assert [(each["concept_id"], each["said"]) for each in listed] == [
        ("e", "too_easy"),
        ("d", "done"),
    ]
    assert client.get("/v1/learners/nobody/feedback").status_code == 404


@pytest.mark.parametrize("answered", [False, True])
def test_a_step_is_done_when_all_that_it_opens_is_at_whatever_time_it_was_begun(client, answered):
    """A half before the plan and a half behind it are the whole video."""

    def see(video, event, **what):
        told = {"event_id": f"{event}{video}", "learner_id": "learner", "item_id": video}
        client.post("/v1/events", json=told | {"length": 100} | what)

    for video in ("v_d", "v_e", "v_f"):
        see(video, "begun", segments=[[0, 50]])
    first, *_ = path(client, length=2)["steps"]
    assert {resource["share"] for resource in first["resources"]} == {0.5}

    def status():
        steps = client.get("/v1/learners/learner/progress").json()["steps"]
        return steps[0]["status"]

    for video in opened(first):
        assert status() == "next"
        see(video, "ended", **({"score": 1.0} if answered else {"segments": [[50, 100]]}))
    assert status() == "done"
    now = [video for step in path(client, length=2)["steps"] for video in opened(step)]
    assert not set(now) & set(opened(first))


@pytest.mark.parametrize("how", ["said", "watched"])
def test_what_is_done_of_earlier_plans_lies_behind_the_learner(client, how):
    steps = path(client)["steps"]
    done, other = [step["concept_id"] for step in steps[:2]]
    assert client.get("/v1/learners/learner/progress?course_id=A").json()["behind"] == []
    if how == "said":
        body = {"concept_id": done, "said": "done"}
        client.post("/v1/learners/learner/feedback", json=body)
    else:
        seen = [view(f"e{video}", "learner", video) for video in opened(steps[0])]
        client.post("/v1/events", json=seen)
    now = path(client, exclude=[done, other])["steps"]
    progress = client.get("/v1/learners/learner/progress?course_id=A").json()
    assert [step["concept_id"] for step in progress["steps"]] == [s["concept_id"] for s in now]
    behind = [step["concept_id"] for step in progress["behind"]]
    assert done in behind
    if how == "said":
        assert behind == [done]  # the other one was planned, and is not done


def test_plans_towards_a_concept_have_a_history_of_their_own(client):
    def towards(concept):
        answer = client.get("/v1/learners/learner/path", params={"towards": concept})
        return [step["concept_id"] for step in answer.json()["steps"]]

    to_f, to_e = towards("f"), towards("e")
    course = concepts(client)
    plans = client.get("/v1/learners/learner/plans", params={"towards": "f"}).json()["plans"]
    assert [[s["concept_id"] for s in kept["plan"]["steps"]] for kept in plans] == [to_f]
    for query, expected in [
        ({"towards": "f"}, to_f),
        ({"towards": "e"}, to_e),
        ({"course_id": "A"}, course),
    ]:
        answer = client.get("/v1/learners/learner/progress", params=query).json()
        assert [step["concept_id"] for step in answer["steps"]] == expected
        assert answer["towards"] == query.get("towards")
    both = client.get("/v1/learners/learner/progress?towards=f&course_id=A")
    assert both.status_code == 422


@pytest.mark.parametrize("address", ["/v1/events", "/xapi/statements"])
def test_no_events_are_nothing_to_store(client, address):
    answer = client.post(address, json=[], headers=XAPI)
    assert answer.status_code == 200, answer.text
    assert answer.json() in ([], {"stored": [], "repeated": [], "erased": [], "silent": 0})


@pytest.mark.parametrize("way", [{}, {"explain": True}], ids=["at once", "in a thread"])
def test_the_last_plan_is_the_one_asked_for_last_also_where_it_was_kept(client, way):
    lengths = [2, 1, 2, 2, 1]
    shown = [path(client, length=length, **way)["steps"] for length in lengths]
    assert [len(steps) for steps in shown] == lengths
    kept = client.get("/v1/learners/learner/plans").json()["plans"]
    assert [len(each["plan"]["steps"]) for each in kept] == [1, 2, 1, 2]  # the newest first


@pytest.mark.parametrize("half", ['"\\ud800"', '"\ud800"'])
def test_half_a_character_anywhere_in_a_statement_is_refused(client, half):
    body = f'{{"id": "{ID}", {half}: 1}}'.encode(errors="surrogatepass")
    answer = client.post("/xapi/statements", content=body, headers=XAPI)
    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (400, "the body")


def test_a_mastery_says_what_it_rests_on(case, client):
    events = [
        view("e1", "learner", "v_e", time="2026-03-01T10:15:00Z"),
        {"event_id": "e2", "learner_id": "learner", "item_id": "v_e", "score": 0.0},
    ]
    client.post("/v1/events", json=events).raise_for_status()
    listed = client.get("/v1/learners/learner/mastery").json()["concepts"]
    model = LiveModel(case.records, case.diagnosis)

    def mastery(*kept):
        sums = evidence_of(
            Event(each["event_id"], "learner", 0.0, "v_e", share=each.get("share"),
                  score=each.get("score"))
            for each in kept
        )  # fmt: skip
        learner = model.current("learner", sums, Wishes()).learner
        return dict(zip(learner.concept_ids.tolist(), learner.mastery.tolist(), strict=True))

    both, viewed, answered = mastery(*events), mastery(events[0]), mastery(events[1])
    for known in listed:
        concept = known["concept_id"]
        answer = client.get(f"/v1/learners/learner/mastery/{concept}", params={"limit": 100})
        assert answer.status_code == 200, answer.text
        told = answer.json()
        same = ("name", "name_en", "evidence", "identified", "doubt")
        assert {each: told[each] for each in same} == {each: known[each] for each in same}
        too_little = known["evidence"] < 0.01
        assert told["mastery"] == (None if too_little else known["mastery"])
        assert told["model_version"] == "model"
        moved = {(each["item_id"], each["did"]): each for each in told["reasons"]}
        answer_moved = moved.get(("v_e", "answered_wrong"), {"moved": 0.0})["moved"]
        assert answer_moved == pytest.approx(both[concept] - viewed[concept], abs=1e-9)
        if ("v_e", "watched") in moved:
            one = moved["v_e", "watched"]
            assert (one["share"], one["score"], one["kind"]) == (1.0, None, "video")
            assert datetime.fromisoformat(one["time"]).timestamp() >= 1_772_360_100
    assert both != viewed != answered


def test_what_a_mastery_rests_on_is_said_in_the_language_and_detail_asked_for(client):
    client.post("/v1/events", json=view("e1", "learner", "v_e")).raise_for_status()
    address = "/v1/learners/learner/mastery/e"

    def because(**options):
        return client.get(address, params=options).raise_for_status().json()["because"]

    assert re.search(r"\d", because(detail="numbers"))
    assert not re.search(r"\d", because())
    assert "你" in because(language="zh")
    one = client.get(address, params={"limit": 1}).json()
    whole = client.get(address).json()
    assert len(one["reasons"]) == 1
    assert one["left_out"] == len(whole["reasons"]) + whole["left_out"] - 1
    for options in ({"limit": 0}, {"limit": 101}, {"language": "fr"}, {"course_id": "A"}):
        assert client.get(address, params=options).status_code == 422
    assert client.get("/v1/learners/nobody/mastery/e").status_code == 404
    unknown = client.get("/v1/learners/learner/mastery/E").json()
    assert unknown["type"] == "urn:kgplan:problem:unknown-concept"
