"""History comes in by the door of HTTP: the same events, once, whatever stops it in between."""

import json
import signal
import subprocess
import sys
import time
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from learner_cases import hand_model

from kgplan.api.app import create_app
from kgplan.api.event_files import found_in, parts_of
from kgplan.api.history import load, replay
from kgplan.api.keeper import Keeper
from kgplan.api.letters import letter_of
from kgplan.api.routes.events import VERSION_HEADER
from kgplan.api.statements import StatementRules
from kgplan.errors import Refusal
from kgplan.model.current import CurrentLearners
from kgplan.store.events import open_events

HOME = "https://lms.example"
VIDEO = "https://w3id.org/xapi/video/"
PLAIN = StatementRules()


@pytest.fixture(scope="module")
def planner():
    return hand_model().planner()


def statement(n, video="v_e", **parts):
    return {
        "id": str(UUID(int=n)),
        "actor": {"account": {"homePage": HOME, "name": f"u{n % 3}"}},
        "verb": {"id": VIDEO + "verbs/paused"},
        "object": {"id": f"{HOME}/videos/{video}"},
        "result": {"extensions": {VIDEO + "extensions/played-segments": f"{n}[.]{n + 9}"}},
        "context": {"extensions": {VIDEO + "extensions/length": 60}},
        "timestamp": f"2026-03-01T10:{n % 60:02d}:00Z",
        **parts,
    }


def written(tmp_path, *rows, name="events.jsonl"):
    path = tmp_path / name
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return path


def all_of(store, *learners):
    return sorted((e for u in learners for e in store.events(u)), key=lambda e: e.event_id)


CSV = "learner_id,item_id,time,share,score\nu1,v_a,2026-01-01T08:00:00Z,1,\nu2,v_e,2026-01-02,,0.75"


def test_a_loaded_learner_holds_what_the_same_events_over_http_say(planner, store, tmp_path):
    statements = [statement(n, ("v_e", "v_a", "v_b")[n % 3 - 1]) for n in range(24)]
    statements.append({k: v for k, v in statement(30).items() if k != "id"})
    files = [written(tmp_path, *statements), written(tmp_path, CSV, name="events.csv")]
    rows = [each for file in files for part in parts_of(file) for each in found_in(part)]
    plain = [each.content for each in rows if each.form == "event"]
    other = open_events(f"sqlite:///{tmp_path / 'other.db'}")
    masteries = []
    for records in (store, other):
        keeper = Keeper(lambda: planner, lambda: "always the same")
        client = TestClient(create_app(keeper, learners=CurrentLearners(records)))
        if records is store:
            client.post("/xapi/statements", json=statements, headers={VERSION_HEADER: "1.0.3"})
            assert client.post("/v1/events", json=plain).status_code == 200
        else:
            assert [load(file, records, PLAIN).refused for file in files] == [0, 0]
        told = [client.get(f"/v1/learners/u{n}/mastery").json() for n in range(3)]
        masteries.append([(each["events"], each["concepts"]) for each in told])
    other.close()
    assert masteries[0] == masteries[1]
    assert all(concepts for _, concepts in masteries[0])


def test_the_same_file_twice_changes_nothing(store, tmp_path):
    file = written(
        tmp_path,
        *(statement(n) for n in range(5)),
        {k: v for k, v in statement(7).items() if k not in ("id", "timestamp")},
        {"event_type": "play_video", "time": "2026-01-01T00:00:00Z"}
        | {"event": {"id": "v_e", "currentTime": 1}, "context": {"user_id": "u0"}},
        {"event_type": "page_close"},
        "{broken",
        statement(8, verb={}),
    )
    first = load(file, store, PLAIN)
    assert (first.number, first.stored, first.passed, first.refused) == (10, 7, 1, 2)
    assert [line for line, _ in first.first_refused] == [9, 10]
    before = all_of(store, "u0", "u1", "u2"), store.dead_letters()
    versions = [store.version(f"u{n}") for n in range(3)]
    again = load(file, store, PLAIN)
    assert (again.stored, again.repeated, again.refused) == (0, 7, 2)
    assert (all_of(store, "u0", "u1", "u2"), [store.version(f"u{n}") for n in range(3)]) == (
        before[0],
        versions,
    )
    assert [each.raw for _, each in store.dead_letters()] == [each.raw for _, each in before[1]]


def test_several_processes_load_what_one_does(store, tmp_path):
    file = written(tmp_path, *(statement(n) for n in range(40)), statement(50, verb={}))
    loaded, events = [], []
    other = open_events(f"sqlite:///{tmp_path / 'other.db'}")
    for n, records in ((1, other), (2, store)):
        loaded.append(load(file, records, PLAIN, parts_of(file, size=7), processes=n))
        events.append(all_of(records, "u0", "u1", "u2"))
    other.close()
    assert loaded[0] == loaded[1]
    assert events[0] == events[1]
    assert len(events[0]) == 40


def test_an_id_that_is_stored_with_other_content_is_refused_alone(store, tmp_path):
    load(written(tmp_path, statement(1)), store, PLAIN)
    changed = load(written(tmp_path, statement(1, video="v_a"), statement(2)), store, PLAIN)
    assert (changed.stored, changed.refused, changed.first_refused[0][0]) == (1, 1, 1)
    ((_, letter),) = store.dead_letters()
    assert (letter.field, letter.learner_id) == ("id", "u1")
    assert json.loads(letter.raw) == statement(1, video="v_a")


def test_the_platform_of_the_first_statement_owns_the_plain_ids_as_over_http(store, tmp_path):
    south = {"account": {"homePage": "https://south.example", "name": "7"}}
    load(written(tmp_path, statement(0), statement(3, actor=south)), store, PLAIN)
    assert store.claim(None, 0.0).result() == HOME
    assert store.learners("", 9) == ["https://south.example|7", "u0"]


KILLED = """
import os, signal, sys
from pathlib import Path
from kgplan.api.event_files import parts_of
from kgplan.api.history import load
from kgplan.api.statements import StatementRules
from kgplan.store.events import open_events
from kgplan.api import history

history.AT_ONCE = 150  # so many go into PostgreSQL by COPY
url, path = sys.argv[1:]
file, store = Path(path), open_events(url)

def parts():
    for n, part in enumerate(parts_of(file, size=50)):
        if n == 12:
            os.kill(os.getpid(), signal.SIGKILL)
        yield part

load(file, store, StatementRules(), parts(), processes=1)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Unix only")
def test_a_load_that_was_killed_goes_on_where_it_is_asked_for_again(records_url, tmp_path):
    file = written(tmp_path, *(statement(n) for n in range(800)))
    child = subprocess.run([sys.executable, "-c", KILLED, records_url, str(file)])
    assert child.returncode == -signal.SIGKILL
    store = open_events(records_url)
    done = load(file, store, PLAIN)
    assert 0 < done.stored < 800
    assert (done.stored + done.repeated, len(all_of(store, "u0", "u1", "u2"))) == (800, 800)
    store.close()


def test_letters_are_taken_that_nothing_is_wrong_with_any_more(planner, store):
    keeper = Keeper(lambda: planner, lambda: "always the same")
    client = TestClient(create_app(keeper, learners=CurrentLearners(store)))
    nameless = {k: v for k, v in statement(5).items() if k not in ("id", "timestamp")}
    batch = [statement(0), statement(1, verb={}), statement(2), nameless]
    client.post("/xapi/statements", json=batch, headers={VERSION_HEADER: "1.0.3"})
    store.flush()
    assert len(store.dead_letters()) == 4
    came = {letter.refused for _, letter in store.dead_letters()}
    done = replay(store, PLAIN)
    assert (done.taken, done.refused) == (3, 1)
    assert [letter.field for _, letter in store.dead_letters()] == ["verb.id"]
    assert [e.event_id for e in store.events("u0")] == [str(UUID(int=0))]
    (stamped,) = {e.time for e in store.events("u2")} - {1772359320.0}
    assert {stamped} == came  # it came when it was refused
    again = replay(store, PLAIN)
    assert (again.taken, again.refused) == (0, 1)


def test_a_learners_own_letter_is_taken_for_this_learner_alone(store):
    why, now = Refusal(0, None, "batch", "was refused for another event in it"), time.time()
    mine = {"event_id": "a", "learner_id": "ada", "item_id": "v_e", "share": 1.0}
    yours = {**mine, "event_id": "b", "learner_id": "bob"}
    store.bury([letter_of("event", each, why, now, None, "ada") for each in (mine, yours)])
    store.flush()
    done = replay(store, PLAIN)
    assert (done.taken, done.refused) == (1, 1)
    assert [(e.event_id, e.time) for e in store.events("ada")] == [("a", now)]
    assert store.events("bob") == []
    assert [each.sender for _, each in store.dead_letters()] == ["ada"]
