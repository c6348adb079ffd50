"""What was refused is kept with its reason, within limits, until it is taken or erased."""

import json
import time
from pathlib import Path
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from learner_cases import hand_model

from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.api.routes.events import VERSION_HEADER
from kgplan.api.statements import StatementRules
from kgplan.model.current import CurrentLearners
from kgplan.store.events import open_events
from kgplan.store.events.dead import DAY, DeadLetter, DeadLimits
from kgplan.store.events.erasure import hash_of

XAPI = {VERSION_HEADER: "1.0.3"}
HOME = "https://lms.example"


@pytest.fixture(scope="module")
def planner():
    return hand_model().planner()


@pytest.fixture
def serve(planner, store):
    def made(**rules):
        keeper = Keeper(lambda: planner, lambda: "always the same")
        rules = StatementRules(**rules)
        app = create_app(keeper, learners=CurrentLearners(store), statement_rules=rules)
        return TestClient(app, raise_server_exceptions=False)

    return made


def statement(n, **parts):
    return {
        "id": str(UUID(int=n)),
        "actor": {"account": {"homePage": HOME, "name": "ada"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"id": "https://lms.example/videos/v_e"},
        "timestamp": "2026-03-01T10:15:00Z",
        **parts,
    }


def kept(store):
    store.flush()
    return [letter for _, letter in store.dead_letters()]


def letter(n, learner="ada", said=1_000.0, refused=None, reason="is wrong", raw=None):
    raw = json.dumps({"n": n}) if raw is None else raw
    now = time.time() if refused is None else refused
    return DeadLetter("event", raw, str(n), "share", reason, now, learner, said)


@pytest.mark.parametrize("batches", ["whole", "each"])
def test_what_of_a_batch_is_not_stored_is_kept_with_its_reason(serve, store, batches):
    client = serve(batches=batches)
    bad, good = statement(2, verb={}), statement(1)
    client.post("/xapi/statements", json=[good, bad, bad], headers=XAPI)
    beside = {"batch"} if batches == "whole" else set()
    assert {each.field for each in kept(store)} == {"verb.id"} | beside
    assert [json.loads(each.raw) for each in kept(store) if each.field == "verb.id"] == [bad]
    assert {each.learner_id for each in kept(store)} == {"ada"}
    assert len(store.events("ada")) == (batches == "each")
    numbers = client.get("/metrics").text
    refused = 3 if batches == "whole" else 2
    assert f'kgplan_events_total{{form="xapi",result="refused"}} {refused}.0' in numbers


def test_single_statements_and_plain_events_are_kept_too(serve, store):
    client = serve()
    client.post("/xapi/statements", json=statement(1, object={}), headers=XAPI)
    client.put(
        f"/xapi/statements?statementId={UUID(int=2)}",
        json=statement(2, timestamp="2999-01-01T00:00:00Z"),
        headers=XAPI,
    )
    plain = {"event_id": "e", "learner_id": "bob", "item_id": "v_e", "share": 7}
    client.post("/v1/events", json=plain)
    late = {**plain, "event_id": "f", "share": 0.5, "time": "2999-01-01T00:00:00Z"}
    client.post("/v1/events", json=[late, {**late, "time": "2026-01-01T00:00:00Z"}])
    client.post("/v1/events", json={**late, "time": "2026-01-01T00:00:00Z"})
    client.post("/v1/events", json={**plain, "event_id": "f", "share": 0.6})  # an id that is stored
    found = [(each.form, each.field, each.learner_id) for each in kept(store)]
    assert found == [
        *(("xapi", "object.id", "ada"), ("xapi", "timestamp", "ada")),
        *(("event", "share", "bob"), ("event", "time", "bob"), ("event", "batch", "bob")),
        ("event", "id", "bob"),
    ]


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/xapi/statements", b"{", XAPI),
        ("/xapi/statements", json.dumps(statement(1)).encode(), {}),
        ("/xapi/statements?x=1", json.dumps({"id": "no UUID"}).encode(), XAPI),
        ("/v1/events", b"[", {}),
        (
            "/v1/events?x=1",
            b'{"event_id": "e", "learner_id": "u", "course_id": "c_1", "enrols": true}',
            {},
        ),
    ],
)
def test_what_is_wrong_with_the_request_and_no_event_of_it_is_not_kept(
    serve, store, path, body, headers
):
    headers = {"Content-Type": "application/json"} | headers
    assert serve().post(path, content=body, headers=headers).status_code >= 400
    assert kept(store) == []


def test_the_same_thing_refused_again_is_kept_once_with_its_last_reason(store):
    for reason in ("first", "last"):
        store.bury([letter(1, reason=reason), letter(2)])
    assert [(each.digest, each.reason) for each in kept(store)] == [
        ("1", "last"),
        ("2", "is wrong"),
    ]
    assert [(each.reason, each.number) for each in store.dead_reasons()] == [
        ("is wrong", 1),
        ("last", 1),
    ]


def test_the_oldest_leave_where_they_are_too_many_or_too_old(records_url):
    size = len(letter(1).raw)
    store = open_events(records_url, dead_limits=DeadLimits(3 * size, days=2))
    for n in range(5):
        store.bury([letter(n)])
    assert [each.digest for each in kept(store)] == ["2", "3", "4"]
    store.bury([letter(5, refused=time.time() - 3 * DAY)])
    assert [each.digest for each in kept(store)] == ["2", "3", "4"]  # it was too old by itself
    store.close()
    store = open_events(records_url, dead_limits=DeadLimits(days=0))
    assert kept(store) == []  # a start looks after them too
    store.close()


def test_an_erasure_takes_them_and_those_from_before_that_come_later(store, records_url):
    store.bury([letter(1, raw="ada-was-here"), letter(2, learner="bob"), letter(3, learner=None)])
    store.flush()
    assert [each["sent"] for each in store.export("ada")["refused"]] == ["ada-was-here"]
    assert store.erase("ada", now=2_000.0).n_refused == 1
    store.bury([letter(4, said=1_999.0), letter(5, said=None), letter(6, said=2_001.0)])
    assert [each.digest for each in kept(store)] == ["2", "3", "6"]
    if records_url.startswith("sqlite"):
        path = records_url.removeprefix("sqlite:///")
        files = [Path(path), Path(f"{path}-wal")]
        assert all(b"ada-was-here" not in file.read_bytes() for file in files)


def test_a_letter_is_named_by_what_was_sent_and_by_whom():
    one = letter(1)
    assert one.name == letter(1, reason="other").name == hash_of("event", "", "1")
    assert one.name != letter(2).name


def test_text_that_no_database_holds_is_kept_as_far_as_it_can_be(store):
    store.bury([letter(1, raw="a\0b"), letter(2, reason="x" * 1_000)])
    first, second = kept(store)
    assert (first.raw, second.reason) == ("a�b", "x" * 300)
