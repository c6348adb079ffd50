"""Plans that adjust themselves over HTTP: learners, teachers, and a service that looks."""

import json
import time
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient
from planning_cases import hand_case
from tokens_by_hand import ISSUER, SECRET, claims, hs256

from kgplan.adjusting import usual_rules
from kgplan.api import adjuster as adjusting
from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.api.keys import SecretKeys
from kgplan.api.routes import running as routes
from kgplan.api.security import Security
from kgplan.api.tokens import Verifier
from kgplan.data.events import Event
from kgplan.model.current import CurrentLearners
from kgplan.model.running import RunningPlans
from kgplan.store.events import chain, open_events
from kgplan.store.events.sent import Sent

DAY, HOUR = 86_400.0, 3_600.0
A = {"course_id": "A"}


@pytest.fixture(scope="module")
def planner():
    return hand_case().planner()


@pytest.fixture
def store(tmp_path):
    opened = open_events(f"sqlite:///{tmp_path / 'learners.db'}")
    yield opened
    opened.close()


def app_of(planner, store, security=None, **options):
    keeper = Keeper(lambda: planner, lambda: "always the same")
    learners = CurrentLearners(store)
    runs = RunningPlans(learners, usual_rules())
    if options.pop("looks", False):
        options["adjuster"] = adjusting.Adjuster(runs, lambda: planner, 0.02)
    return create_app(keeper, learners=learners, security=security, running=runs, **options)


@pytest.fixture
def client(planner, store):
    return TestClient(app_of(planner, store), raise_server_exceptions=False)


def began_before(planner, store, learner="u", ago=2 * HOUR, wrong=True):
    """A learner who began some time ago, and answers every three minutes since."""
    runs, now = RunningPlans(CurrentLearners(store), usual_rules()), time.time()
    begun = now - ago
    told = [Event(f"{learner} in", learner, begun - DAY, course_id="B", enrols=True)]
    if wrong:
        told += [
            Event(f"{learner} {k}", learner, begun + 180 * k, "v_d", "A", score=0.0)
            for k in range(1, 30)
        ]
    store.submit([Sent(each, "event", {}, each.event_id) for each in told]).result(30)
    return runs.begin(planner, planner.plan(learner, "A"), 60.0, "platform", begun)


def at(days):
    return datetime.fromtimestamp(time.time() + days * DAY, UTC).isoformat()


def ids(body):
    return [each["step_id"] for each in body["steps"]]


def named(answer):
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


def test_a_plan_is_begun_read_by_its_tag_decided_about_and_taken_back(client):
    path = "/v1/learners/learner/plan"
    assert named(client.get(path, params=A)) == (404, "no-running-plan")
    begun = client.put(path, params=A, json={"weekly": 90})
    assert begun.status_code == 200, begun.text
    read = client.get(path, params=A)
    assert read.json() == begun.json()
    tag = read.headers["etag"]
    assert tag == begun.headers["etag"]
    assert read.headers["cache-control"] == "private, no-cache"
    again = client.get(path, params=A, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert ids(read.json()) == ["d", "e"]

    where = "/v1/learners/learner/overrides"
    pin = {"kind": "pin", "step_id": "d", "reason": "wanted"}
    assert named(client.post(where, params=A, json=pin))[0] == 422  # which plan is meant?
    done = client.post(where, params=A, json=pin, headers={"If-Match": tag})
    assert done.status_code == 200, done.text
    assert [s["pinned"] for s in done.json()["plan"]["steps"]] == [True, False]
    late = client.post(where, params=A, json=pin, headers={"If-Match": tag})
    assert named(late) == (412, "plan-changed")
    put_in = {"kind": "insert", "step_id": "b", "before": "d", "reason": "asked in class"}
    done = client.post(where, params=A, json=put_in, headers={"If-Match": done.headers["etag"]})
    assert ids(done.json()["plan"]) == ["b", "d", "e"]
    out = {"kind": "remove", "step_id": "f", "reason": "not there"}
    done = client.post(where, params=A, json=out, headers={"If-Match": done.headers["etag"]})
    assert done.status_code == 422
    assert "the plan has b, d, e" in done.text

    told = client.get(f"{path}/changes", params=A).json()["changes"]
    assert [(x["n"], x["kind"], x["reason"]) for x in told] == [
        (2, "insert", "asked in class"),
        (1, "pin", "wanted"),
    ]
    ended = client.delete(f"{where}/2", params=A)
    assert ids(ended.json()) == ["d", "e"]
    assert client.get(f"{path}/changes", params=A | {"limit": 1}).json()["changes"][0]["undone"]
    assert named(client.delete(f"{where}/9", params=A)) == (404, "unknown-change")
    off = client.put(f"{path}/off", params=A, json={"off": True}).json()
    assert (off["off"], off["next_look"]) == (True, None)


def test_dates_are_kept_and_a_missed_one_says_what_would_have_to_go(client):
    path = "/v1/learners/learner/plan"
    begun = client.put(path, params=A, json={"weekly": 1, "date": at(days=1)}).json()
    assert begun["date"] is not None
    (miss,) = begun["misses"]
    minutes = sum(each["minutes"] for each in begun["steps"])
    assert miss["step_id"] is None
    assert miss["minutes"] == pytest.approx(minutes - 1 / 7, abs=0.01)
    assert miss["finish"] > miss["date"]
    goal = [each["step_id"] for each in begun["steps"] if each["is_goal"]]
    assert (miss["would_go"], miss["fits"]) == ([i for i in ids(begun) if i not in goal], False)
    first = ids(begun)[0]
    far = client.put(
        path + "/dates", params=A, json={"date": at(days=4_000), "steps": {first: at(days=3_999)}}
    ).json()
    assert far["misses"] == []
    assert [each["date"] is not None for each in far["steps"]] == [True, False]
    assert client.get(path, params=A).json() == far
    none = client.put(path + "/dates", params=A, json={}).json()
    assert (none["date"], none["misses"]) == (None, [])
    assert ids(none) == ids(begun)


def test_a_date_is_of_a_step_that_is_there_and_of_the_plan_as_it_was_read(client):
    path = "/v1/learners/learner/plan"
    tag = client.put(path, params=A, json={}).headers["etag"]
    unknown = client.put(path + "/dates", params=A, json={"steps": {"zz": at(days=1)}})
    assert named(unknown)[0] == 422
    assert "'zz'" in unknown.json()["detail"]
    bare = client.put(path + "/dates", params=A, json={"date": "2030-01-01T00:00:00"})
    assert bare.status_code == 422
    good = {"json": {"date": at(days=9)}, "params": A, "headers": {"If-Match": tag}}
    assert client.put(path + "/dates", **good).json()["misses"] == []  # no minutes a week
    assert named(client.put(path + "/dates", **good)) == (412, "plan-changed")


def test_what_breaks_a_prerequisite_is_done_and_warned_of(client, planner, store):
    began_before(planner, store, wrong=False)
    read = client.get("/v1/learners/u/plan", params=A)
    order = {"kind": "reorder", "order": ["f", "d", "e"], "reason": "holidays"}
    done = client.post(
        "/v1/learners/u/overrides", params=A, json=order, headers={"If-Match": read.headers["etag"]}
    ).json()
    assert ids(done["plan"]) == ["f", "d", "e"]
    assert done["warnings"] == [{"step_id": "f", "needs": "e"}]


def test_a_suggestion_is_accepted_with_a_reason(client, planner, store):
    began_before(planner, store)
    path, frozen = "/v1/learners/u/plan", {"kind": "freeze", "reason": "exam"}
    tag = client.get(path, params=A).headers["etag"]
    client.post("/v1/learners/u/overrides", params=A, json=frozen, headers={"If-Match": tag})
    RunningPlans(CurrentLearners(store), usual_rules()).look(planner, time.time())
    changes = client.get(f"{path}/changes", params=A).json()["changes"]
    (asked,) = [each for each in changes if each["kind"] == "insert"]
    assert (asked["made"], asked["limit"]) == (False, "frozen")
    accept = f"{path}/changes/{asked['n']}/accept"
    assert client.post(accept, params=A, json={}).status_code == 422  # not without a reason
    done = client.post(accept, params=A, json={"reason": "asked in class"})
    assert done.status_code == 200, done.text
    assert asked["after"] in ids(done.json())
    newest = client.get(f"{path}/changes", params=A | {"limit": 1}).json()["changes"][0]
    assert (newest["made"], newest["reason"], newest["rule"]) == (True, "asked in class", "stuck")
    assert client.post(accept, params=A, json={"reason": "again"}).status_code == 422


def test_rules_are_tried_without_anything_being_kept(client, planner, store):
    began_before(planner, store)
    path = "/v1/learners/u/plan"
    before = client.get(path, params=A).json()
    tried = client.post(f"{path}/tick", params=A).json()
    (insert,) = [x for x in tried["changes"] if x["kind"] == "insert"]
    assert (insert["rule"], insert["step_id"], insert["made"]) == ("stuck", "d", True)
    assert insert["after"] == tried["steps"][0]
    assert client.get(path, params=A).json() == before
    assert client.post(f"{path}/tick", params=A | {"dry_run": False}).status_code == 422


def test_the_service_looks_by_itself_and_streams_tell_it(planner, store, monkeypatch):
    began_before(planner, store)
    monkeypatch.setattr(routes, "LOOKS_EVERY", 0.02)
    monkeypatch.setattr(routes, "STREAMS_FOR", 3.0)
    path, versions = "/v1/learners/u/plan", []
    with TestClient(app_of(planner, store, looks=True)) as client:
        begun = time.monotonic()
        while client.get(path, params=A).json()["looked"] is None:
            assert time.monotonic() - begun < 60
            time.sleep(0.02)
        plan = client.get(path, params=A).json()
        assert plan["states"]["difficulty"] == "stuck"
        assert len(plan["steps"]) == 4
        insert = next(
            x
            for x in client.get(f"{path}/changes", params=A).json()["changes"]
            if x["kind"] == "insert"
        )
        undone = client.post(f"{path}/changes/{insert['n']}/undo", params=A, json={})
        assert ids(undone.json()) == ["d", "e", "f"]
        answer = client.get(f"{path}/stream", params=A)
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.text.splitlines():
            if line.startswith("data: "):
                versions.append(json.loads(line.removeprefix("data: "))["version"])
    assert versions == [undone.json()["version"]]
    with store.reading() as session:
        assert chain.verified(session).lines >= 3  # begun, looked, undone


# ---------------------------------------------------------------- who may


def bearer(scope, **more):
    return {"Authorization": f"Bearer {hs256(claims(scope=scope, **more))}"}


@pytest.fixture
def guarded(planner, store):
    for k in range(5):
        began_before(planner, store, f"u{k}", wrong=k < 2)
    security = Security(Verifier(SecretKeys([SECRET]), "kgplan", ISSUER))
    return TestClient(app_of(planner, store, security), raise_server_exceptions=False)


def test_learners_reach_their_own_plan_teachers_their_courses(guarded):
    learner = bearer("paths:read events:write teach", learner_id="u0", sub="Ada Lovelace")
    teacher = bearer("teach paths:read admin", course_ids=["A"], sub="Ms Noether")
    other = bearer("teach", course_ids=["B"])
    plan, deciding = "/v1/learners/u0/plan", "/v1/learners/u0/overrides"
    for headers, status in ((learner, 200), (teacher, 200), (other, 403), (bearer("admin"), 403)):
        assert guarded.get(plan, params=A, headers=headers).status_code == status
    assert guarded.get("/v1/learners/u1/plan", params=A, headers=learner).status_code == 403
    # what else names learners is not for a token that is limited to courses
    for path in ("/v1/learners/u0/mastery", "/v1/learners", "/v1/admin/models"):
        assert guarded.get(path, headers=teacher).status_code == 403
    tag = {"If-Match": guarded.get(plan, params=A, headers=teacher).headers["etag"]}
    freeze = {"kind": "freeze", "reason": "exam"}
    for headers in (learner, other):
        answer = guarded.post(deciding, params=A, json=freeze, headers=headers | tag)
        assert answer.status_code == 403
    done = guarded.post(deciding, params=A, json=freeze, headers=teacher | tag)
    assert done.json()["plan"]["frozen"]
    # what a teacher decided, a learner does not undo
    mine = guarded.post(f"{plan}/changes/1/undo", params=A, json={}, headers=learner)
    assert (mine.status_code, "decided by a teacher" in mine.text) == (422, True)
    for path in ("class", "stuck"):
        for headers, status in ((teacher, 200), (learner, 403), (other, 403)):
            answer = guarded.get(f"/v1/courses/A/{path}", headers=headers)
            assert answer.status_code == status, answer.text


def test_a_learners_name_does_not_get_into_the_chain(guarded, store):
    learner = bearer("paths:read events:write", learner_id="u0", sub="Ada Lovelace")
    guarded.put("/v1/learners/u0/plan/off", params=A, json={"off": True}, headers=learner)
    with store.reading() as session:
        rows = session.rows("audit_line.page", after=0, most=99)
    assert json.loads(rows[-1][1])["who"] == "learner"
    assert not any("Ada" in text or "u0" in text for _, text, _ in rows)


def test_a_class_is_listed_and_has_figures_from_five_on(guarded, planner, store):
    teacher = bearer("teach", course_ids=["A"])
    runs = RunningPlans(CurrentLearners(store), usual_rules())
    adjusting.look_at_all(runs, lambda: planner)
    told = guarded.get("/v1/courses/A/class", headers=teacher).json()
    assert [each["learner_id"] for each in told["learners"]] == ["u0", "u1", "u2", "u3", "u4"]
    assert [x["states"]["difficulty"] for x in told["learners"]] == ["stuck"] * 2 + [""] * 3
    assert told["figures"] | {"lagging": 0} == {
        "done": 0.0, "lagging": 0, "strained": 0, "stuck": 2, "silent": 3,
    }  # fmt: skip
    stuck = guarded.get("/v1/courses/A/stuck", headers=teacher).json()
    assert [(x["learner_id"], x["step_id"]) for x in stuck["learners"]] == [
        ("u0", "d"),
        ("u1", "d"),
    ]
    assert [(x["step_id"], x["learners"]) for x in stuck["concepts"]] == [("d", 2)]
    assert 0 < stuck["learners"][0]["hours"] < 2
    store.erase("u4", time.time())
    told = guarded.get("/v1/courses/A/class", headers=teacher).json()
    assert (len(told["learners"]), told["figures"]) == (4, None)
    assert guarded.get("/v1/courses/A/stuck", headers=teacher).json()["concepts"] == []
