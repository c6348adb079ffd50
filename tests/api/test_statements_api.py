"""Statements over HTTP: who they are of, what a malformed one stops, what the data do not know."""

import json
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from learner_cases import hand_model

from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.api.limits import Limits
from kgplan.api.routes.events import REFUSED_HEADER, VERSION_HEADER
from kgplan.api.statements import HEADER_BYTES, StatementRules, header_of
from kgplan.data.identity import MAILBOX
from kgplan.errors import Refusal
from kgplan.model.current import CurrentLearners
from kgplan.store.events import open_events

XAPI = {VERSION_HEADER: "1.0.3"}
COMPLETED = "http://adlnet.gov/expapi/verbs/completed"
NORTH, SOUTH = "https://north.example/moodle", "https://south.example/moodle"


@pytest.fixture(scope="module")
def planner():
    return hand_model().planner()


@pytest.fixture
def serve(planner, store):
    def made(*, records=store, **rules):
        keeper = Keeper(lambda: planner, lambda: "always the same")
        app = create_app(
            keeper, learners=CurrentLearners(records), statement_rules=StatementRules(**rules)
        )
        return TestClient(app, raise_server_exceptions=False)

    return made


def statement(n=0, name="2", home=NORTH, video="v_e", **parts):
    return {
        "id": str(UUID(int=n)),
        "actor": {"account": {"homePage": home, "name": name}},
        "verb": {"id": COMPLETED},
        "object": {"id": f"https://lms.example/videos/{video}"},
        **parts,
    }


def send(client, *sent, headers=XAPI):
    return client.post("/xapi/statements", json=list(sent), headers=headers)


def counted(client, learner):
    answer = client.get(f"/v1/learners/{quote(learner, safe='')}/mastery")
    return answer.json()["events"]["counted"] if answer.status_code == 200 else None


# ---------------------------------------------------------------- whose they are


def test_one_account_name_on_two_sites_is_two_learners(serve):
    client = serve()
    assert send(client, statement(1), statement(2, home=SOUTH, video="v_a")).status_code == 200
    other = f"{SOUTH}|2"
    assert [counted(client, each) for each in ("2", other)] == [1, 1]
    found = client.get("/v1/learners", params={"prefix": SOUTH}).json()
    assert found == {"learners": [other]}
    for what in (
        "path?course_id=A",
        "path.svg?course_id=A",
        "plans",
        "courses",
        "progress?course_id=A",
    ):
        asked = client.get(f"/v1/learners/{quote(other, safe='')}/{what}")
        assert asked.status_code == 200, (what, asked.text)
    exported = client.get(f"/v1/learners/{quote(other, safe='')}/export").json()
    assert [each["sent"]["id"] for each in exported["events"]] == [str(UUID(int=2))]
    assert client.delete(f"/v1/learners/{quote(other, safe='')}").json()["events"] == 1
    assert [counted(client, each) for each in ("2", other)] == [1, None]


def test_the_same_site_written_otherwise_is_the_same_learner(serve):
    client = serve()
    homes = [NORTH, NORTH + "/", "https://NORTH.example:443/moodle", "http://north.example/moodle"]
    assert send(client, *(statement(n, home=home) for n, home in enumerate(homes))).is_success
    assert counted(client, "2") == 4


def test_the_first_that_sends_keeps_the_plain_ids_for_every_process_and_restart(serve, records_url):
    assert send(serve(), statement(1, home=SOUTH)).is_success
    other = open_events(records_url)
    client = serve(records=other)
    assert send(client, statement(2), statement(3, home=SOUTH)).is_success
    assert [counted(client, each) for each in ("2", f"{NORTH}|2", f"{SOUTH}|2")] == [2, 1, None]
    other.close()


def test_mailboxes_alone_stay_as_they_are_and_beside_accounts_say_that_they_are_mailboxes(serve):
    ada = {"actor": {"mbox": "mailto:ada@example.org"}}
    client = serve(owners=frozenset([MAILBOX]))
    assert send(client, statement(1, **ada), statement(2, name="ada@example.org")).is_success
    assert counted(client, "ada@example.org") == counted(client, f"{NORTH}|ada@example.org") == 1
    client = serve(owners=frozenset([NORTH]))
    assert send(client, statement(3, **ada), statement(4, name="mailto:ada@example.org")).is_success
    assert counted(client, "mailto:ada@example.org") == 1
    assert counted(client, f"{NORTH}|mailto:ada@example.org") == 1


def test_malformed_statements_make_nobody_the_owner(serve):
    client = serve()
    assert send(client, statement(1, home=SOUTH), {}).status_code == 400
    assert send(client, statement(2)).is_success
    assert counted(client, "2") == 1


# ---------------------------------------------------------------- what one stops


def test_a_batch_is_refused_with_all_that_are_malformed_in_it(serve):
    client = serve()
    answer = send(client, statement(1), statement(2, verb={}), {"id": "x"}, statement(4))
    assert (answer.status_code, answer.json()["type"]) == (
        400,
        "urn:kgplan:problem:malformed-statement",
    )
    assert answer.json()["statements"] == [
        {"index": 1, "id": str(UUID(int=2)), "field": "verb.id", "reason": "is missing"},
        {"index": 2, "id": "x", "field": "id", "reason": "is 'x', not a UUID"},
    ]
    assert [each["field"] for each in answer.json()["fields"]] == [
        "statements[1].verb.id",
        "statements[2].id",
    ]
    assert "2 of the 4 statements are malformed" in answer.json()["detail"]
    assert counted(client, "2") is None


def test_where_each_stands_for_itself_the_others_are_stored(serve):
    client = serve(batches="each")
    assert send(client, statement(1)).headers.get(REFUSED_HEADER) is None
    late = statement(1, video="v_a")  # a stored id with other content
    answer = send(client, statement(2), statement(3, actor={}), late, statement(4))
    assert (answer.status_code, answer.json()) == (200, [str(UUID(int=2)), str(UUID(int=4))])
    refused = json.loads(answer.headers[REFUSED_HEADER])
    assert [(each["index"], each["id"], each["field"]) for each in refused] == [
        (1, str(UUID(int=3)), "actor"),
        (2, str(UUID(int=1)), "id"),
    ]
    assert "stored with other content" in refused[1]["reason"]
    assert counted(client, "2") == 3
    assert send(client, {}, []).status_code == 400  # nothing to store
    numbers = client.get("/metrics").text
    assert 'kgplan_events_total{form="xapi",result="refused"} 4.0' in numbers
    assert 'kgplan_events_total{form="xapi",result="stored"} 3.0' in numbers


def test_a_header_lists_what_fits_and_how_many_more():
    refused = [Refusal(n, None, "actor", "é" * 50) for n in range(100)]
    told = header_of(refused)
    assert told.isascii()
    assert "\n" not in told
    assert len(told) < HEADER_BYTES + 100
    *listed, rest = json.loads(told)
    assert len(listed) + rest["more"] == 100


@pytest.mark.parametrize("batches", ["whole", "each"])
def test_a_time_that_has_not_come_is_refused(serve, batches):
    client, now = serve(batches=batches), datetime.now(UTC)
    soon, far = ((now + timedelta(hours=h)).isoformat() for h in (23, 25))
    answer = send(client, statement(1, timestamp=soon), statement(2, timestamp=far))
    if batches == "each":
        assert answer.json() == [str(UUID(int=1))]
        (told,) = json.loads(answer.headers[REFUSED_HEADER])
    else:
        assert answer.status_code == 400
        (told,) = answer.json()["statements"]
    assert (told["index"], told["field"]) == (1, "timestamp")
    assert far in told["reason"]


def test_an_event_of_a_time_that_has_not_come_is_refused(serve):
    client = serve()
    event = {"event_id": "a", "learner_id": "u", "item_id": "v_e", "share": 1}
    soon = datetime.fromtimestamp(time.time() + 23 * 3600, UTC).isoformat()
    for body, field in (
        (event | {"time": "2999-01-01T00:00:00Z"}, "body.0.time"),
        ([event, event | {"event_id": "b", "time": "2999-01-01T00:00:00Z"}], "body.1.time"),
    ):
        answer = client.post("/v1/events", json=body)
        assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, field)
        assert "2999" in answer.json()["fields"][0]["reason"]
    assert client.post("/v1/events", json=event | {"time": soon}).status_code == 200


def test_events_and_statements_without_a_zone_are_of_the_service_s(serve, store):
    client = serve(zone=ZoneInfo("Asia/Shanghai"))
    early = "2026-03-01T01:30:00"  # of the day before in UTC
    event = {"event_id": "a", "learner_id": "u", "item_id": "v_e", "share": 1, "time": early}
    assert client.post("/v1/events", json=event).json()["stored"] == ["a"]
    assert send(client, statement(1, name="u", timestamp=early)).status_code == 200
    moments = [each.time for each in store.events("u")]
    assert moments == [datetime(2026, 2, 28, 17, 30, tzinfo=UTC).timestamp()] * 2


# ---------------------------------------------------------------- what they are on


def test_a_receipt_says_what_the_data_do_not_know(serve):
    client = serve()
    event = {"learner_id": "u", "item_id": "v_e", "share": 1, "course_id": "A"}
    known = client.post("/v1/events", json=event | {"event_id": "a"})
    assert known.json() == {"stored": ["a"], "repeated": [], "erased": [], "silent": 0}
    sent = [
        event | {"event_id": "b", "item_id": "v_9"},
        event | {"event_id": "c", "course_id": "ZZ"},
        event | {"event_id": "d", "item_id": "v_9", "course_id": "ZZ"},
    ]
    assert client.post("/v1/events", json=sent).json()["unknown"] == {
        "items": 1,
        "courses": 1,
        "item_ids": ["v_9"],
        "course_ids": ["ZZ"],
    }
    send(client, statement(1, video="v_9"))
    assert 'kgplan_events_total{form="xapi",result="unknown_items"} 1.0' in (
        client.get("/metrics").text
    )


def test_an_address_is_resolved_by_the_data_in_use(serve):
    client = serve()
    for n, address in enumerate(
        [
            "https://tube.example/watch?v=v_e&t=30s",
            "https://lms.example/video/v_e#t=10,20",
            "https://lms.example/play.php?id=v_e",
        ]
    ):
        name = f"u{n}"
        sent = statement(n, name, object={"id": address})
        assert send(client, sent).is_success
        found = client.get(f"/v1/learners/{name}/mastery").json()
        assert found["events"]["unknown_items"] == []
        assert found["concepts"]


def test_a_video_paused_where_it_was_played_to_counts_like_its_segment(serve):
    client, said = serve(), "https://w3id.org/xapi/video/"

    def moved(n, name, verb, at, told):
        return statement(
            n,
            name,
            verb={"id": f"{said}verbs/{verb}"},
            timestamp=f"2026-03-01T10:{at}:00Z",
            context={"extensions": {f"{said}extensions/length": 195.0}},
            result={"extensions": {f"{said}extensions/{key}": value for key, value in told}},
        )

    sent = [
        moved(1, "partly", "paused", 18, [("time", 194.4)]),
        moved(2, "partly", "played", 15, [("time", 0.0)]),
        moved(3, "control", "paused", 18, [("played-segments", "0[.]194.4")]),
    ]
    assert send(client, *sent).is_success
    partly, control = (
        client.get(f"/v1/learners/{name}/mastery").json()["concepts"]
        for name in ("partly", "control")
    )
    assert partly == control != []


# ---------------------------------------------------------------- versions and sizes


def test_both_versions_are_spoken_and_named(serve):
    client = serve()
    for n, (version, answered) in enumerate(
        [("1.0", "1.0.3"), ("1.0.1", "1.0.3"), ("2.0", "2.0.0"), ("2.0.0", "2.0.0")]
    ):
        sent = statement(n, version=version)
        answer = send(client, sent, headers={VERSION_HEADER: version})
        assert (answer.status_code, answer.headers[VERSION_HEADER]) == (200, answered)
    assert client.get("/xapi/about").json() == {"version": ["1.0.3", "2.0.0"]}
    for version in ("0.95", "1.1.0", "3.0.0", "2"):
        assert send(client, statement(9), headers={VERSION_HEADER: version}).status_code == 400


def test_a_thousand_large_statements_fit_the_limit(serve):
    told = {f"https://lms.example/extensions/{n}": "x" * 80 for n in range(16)}
    sent = [statement(n, context={"extensions": told}) for n in range(1000)]
    size = len(json.dumps(sent))
    assert 1_634_000 < size < Limits().body_bytes  # the largest thousand of FUN-MOOC's player
    assert send(serve(), *sent).status_code == 200
