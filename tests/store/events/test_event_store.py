"""The learner records, on SQLite and on a real PostgreSQL."""

import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from kgplan.data.content import digest, digest_of_text
from kgplan.data.events import Event
from kgplan.data.wishes import Wishes
from kgplan.errors import ConfigError, EventConflict, RecordsUnavailable
from kgplan.store.events import open_events, read_events
from kgplan.store.events.database import migrate
from kgplan.store.events.erasure import hash_of
from kgplan.store.events.sent import Sent
from kgplan.store.queries import named_queries


def sent(event_id, learner="u", content="same", **says):
    event = Event(event_id, learner, says.pop("time", 100.0), **says)
    return Sent(event, "event", {"sent": content}, content)


def put(store, *events):
    return store.submit(events).result(30)


def remember(store, learner, course, step, now):
    plan = {"learner_id": learner, "course_id": course, "towards": None, "steps": [step]}
    store.remember(learner, course, json.dumps(plan), now)


def ids(store, learner="u"):
    return sorted(event.event_id for event in store.events(learner))


def test_an_event_comes_back_as_it_was(store):
    event = Event("e1", "u", 1.5, "v", "c", 0.25, ((0.0, 1.1), (2.0, 3.0)), 10.0, 0.75, enrols=True)
    player = Event(
        *("e2", "u", 2.5, "v"),
        stopped_at=0.0,
        started_at=7.5,
        session="s",
        aliases=("V_v", "w"),
        course_aliases=("C_c",),
    )
    for each in (event, player):
        put(store, Sent(each, "event", {}, each.event_id))
    assert sorted(store.events("u"), key=lambda each: each.time) == [event, player]
    exported = store.export("u")["events"][1]
    assert (exported["aliases"], exported["started_at"], exported["segments"]) == (
        ["V_v", "w"],
        7.5,
        [],
    )


def test_the_first_to_claim_owns_the_plain_ids_in_all_processes(store, records_url):
    other = open_events(records_url)
    assert store.claim(None, 1.0).result(30) is None
    with ThreadPoolExecutor(8) as pool:
        claims = [(store, other)[n % 2].claim(f"https://{n}.example", n) for n in range(8)]
        owners = set(pool.map(lambda claim: claim.result(30), claims))
    assert len(owners) == 1
    assert {each.claim(None, 9.0).result(30) for each in (store, other)} == owners
    other.close()


def test_a_nonce_counts_once_in_all_processes_until_its_time_is_over(store, records_url):
    other = open_events(records_url)
    with ThreadPoolExecutor(8) as pool:
        uses = [(store, other)[n % 2].use_once("a", 1.0, 10.0) for n in range(8)]
        assert sum(pool.map(lambda use: use.result(30), uses)) == 1
    assert not store.use_once("a", 10.0, 20.0).result(30)
    assert store.use_once("b", 10.0, 20.0).result(30)
    assert other.use_once("a", 10.5, 20.0).result(30)  # which nobody accepts any more
    other.close()


def test_the_same_event_again_is_a_repeat_and_other_content_a_conflict(store):
    assert put(store, sent("a"), sent("b")).stored == ("a", "b")
    again = put(store, sent("b"), sent("c"), sent("c"))
    assert (again.stored, again.repeated) == (("c",), ("b", "c"))
    with pytest.raises(EventConflict, match="'a' is stored with other content"):
        put(store, sent("d"), sent("a", content="other"))
    assert ids(store) == ["a", "b", "c"]  # all or none: d is not there


def statement(text, digest=None):
    event = Event("a", "u", 100.0)
    return Sent(event, "xapi", None, digest_of_text(text) if digest is None else digest, raw=text)


def test_a_statement_again_is_a_repeat_however_its_text_is_written(store):
    text, turned = '{"id": "a", "verb": 1, "actor": 2}', '{"actor":2,"verb":1,"id":"A","stored":3}'
    assert put(store, statement(text), statement(turned)).stored == ("a",)
    assert put(store, statement(turned), statement(text)).repeated == ("a", "a")
    others = [statement(text), statement('{"id": "a", "verb": 9, "actor": 2}'), statement(turned)]
    receipt = store.submit_each(others).result(30)
    assert (receipt.stored, receipt.repeated, receipt.conflicts) == ((), ("a", "a"), (1,))


def test_statements_that_were_kept_by_the_digest_of_their_content_are_known_again(store):
    text = '{"verb": 1, "id": "a"}'
    put(store, statement(text, digest=digest({"id": "a", "verb": 1})))
    assert put(store, statement(text)).repeated == ("a",)
    with pytest.raises(EventConflict):
        put(store, statement('{"verb": 2, "id": "a"}'))


def test_many_senders_of_the_same_ids_store_each_once(store, records_url):
    other = open_events(records_url)  # as another process would

    def send(n):
        target = (store, other)[n % 2]
        return put(target, *(sent(f"e{k}") for k in range(n % 7, 40, 3)))

    with ThreadPoolExecutor(16) as pool:
        receipts = list(pool.map(send, range(60)))
    other.close()
    fresh = [event_id for receipt in receipts for event_id in receipt.stored]
    assert sorted(fresh) == sorted(set(fresh)) == ids(store)
    assert set(fresh) == {f"e{k}" for n in range(60) for k in range(n % 7, 40, 3)}


def test_many_events_at_once_come_back_as_they_were(store):
    odd = ("v", "\\N", "\\.", 'a"b', "c\\d", "e\te", "f\ng", "\u56fe", "{1,2}", "%s", "")
    events = [
        Event(
            *(f"e{n}", f"u{n % 120}", 1.5 + n / 7, odd[n % 11] or None, "c"),
            segments=((0.1 + n, 1e-7 + n), (5e6, 1e7))[: n % 3],
            score=n / 400 if n % 2 else None,
            enrols=n % 5 == 0,
            aliases=tuple(odd[: n % 4]),
        )
        for n in range(400)
    ]
    raws = [json.dumps({"says": odd[n % 11]}, ensure_ascii=False) for n in range(400)]
    many = [Sent(e, "event", None, r, raw=r) for e, r in zip(events, raws, strict=True)]
    assert len(put(store, *many).stored) == 400
    assert len(put(store, *many).repeated) == 400
    back = {e.event_id: e for n in range(120) for e in store.events(f"u{n}")}
    assert back == {e.event_id: e for e in events}
    kept = {e["event_id"]: e["sent"] for n in range(120) for e in store.export(f"u{n}")["events"]}
    assert kept == {e.event_id: r for e, r in zip(events, raws, strict=True)}
    versions = [store.version(f"u{n}") for n in range(120)]
    put(store, *(sent(f"x{n}", f"u{n}") for n in range(120)))
    assert all(store.version(f"u{n}") != versions[n] for n in range(120))


def test_two_processes_that_store_many_of_the_same_at_once_store_each_once(store, records_url):
    other = open_events(records_url)

    def send(n):
        events = [sent(f"e{k}", f"u{k % 7}") for k in range(150 * (n // 2), 150 * (n // 2) + 600)]
        return (store, other)[n % 2].submit_each(events).result(60)

    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(send, range(8)))
    other.close()
    fresh = sorted(event_id for receipt in receipts for event_id in receipt.stored)
    assert fresh == sorted(f"e{k}" for k in range(150 * 3 + 600))
    assert all(len(r.stored) + len(r.repeated) == 600 for r in receipts)
    assert sorted(i for n in range(7) for i in ids(store, f"u{n}")) == fresh


def test_a_version_changes_with_every_change_and_for_nobody_else(store):
    versions = [store.version("u")]
    assert versions[0].revision is None

    def changed():
        versions.append(store.version("u"))
        return versions[-1] != versions[-2]

    put(store, sent("a"))
    assert changed()
    store.say("u", "k", "done", now=200.0)
    assert changed()
    put(store, sent("w", learner="teacher", voids="a"))
    assert changed()
    put(store, sent("a"), sent("x", learner="else"))
    assert not changed()


@pytest.mark.parametrize("voiding_first", [False, True])
def test_a_voided_event_does_not_count_whichever_comes_first(store, voiding_first):
    voiding = sent("w", learner="teacher", voids="a")
    for each in [voiding, sent("a")] if voiding_first else [sent("a"), voiding]:
        put(store, each)
    put(store, sent("b"))
    assert ids(store) == ["b"]


def test_the_last_word_on_a_concept_counts(store):
    for concept, said in (
        *(("a", "done"), ("b", "too_easy"), ("c", "not_for_me"), ("d", "too_hard")),
        *(("a", "too_hard"), ("c", "withdrawn")),
    ):
        store.say("u", concept, said, now=1.0)
    assert store.wishes("u") == Wishes(held=frozenset("b"), too_hard=frozenset("ad"))


@pytest.mark.parametrize("each_alone", [False, True])
def test_a_plan_that_repeats_the_last_of_its_course_is_not_kept_again(store, each_alone):
    plans = [("A", 1), ("A", 1), ("B", 1), ("A", 1), ("A", 2), (None, 1)]
    for now, (course, step) in enumerate(plans):
        remember(store, "u", course, step, now=now)
        if each_alone:
            store.flush()
    store.flush()
    assert [(kept.made, kept.body["course_id"]) for kept in store.plans("u", limit=9)] == [
        (5, None),
        (4, "A"),
        (2, "B"),
        (0, "A"),
    ]
    assert [kept.made for kept in store.plans("u", "A", limit=1)] == [4]


def test_erasure_removes_everything_and_late_repeats_stay_away(store):
    put(store, sent("a", time=10.0), sent("b", time=20.0), sent("x", learner="else"))
    store.say("u", "k", "done", now=30.0)
    remember(store, "u", "A", 1, now=40.0)
    erasure = store.erase("u", now=100.0)
    assert (erasure.n_events, erasure.n_plans, erasure.n_feedback) == (2, 1, 1)
    assert not any(store.export("u").values())
    assert store.version("u").erased == 100.0
    assert put(store, sent("a", time=10.0)).erased == ("a",)  # an outbox sends again
    remember(store, "u", "A", 1, now=99.0)  # answered just before
    store.say("u", "k", "done", now=99.0)
    assert not any(store.export("u").values())
    assert put(store, sent("c", time=101.0)).stored == ("c",)  # the learner came back
    assert ids(store) == ["c"]
    assert ids(store, "else") == ["x"]


def test_an_erased_learners_name_is_in_no_file_of_sqlite(tmp_path):
    store = open_events(f"sqlite:///{tmp_path / 'learners.db'}")
    name, secret = "ada-lovelace", "looked-at-this"
    events = [sent(f"{name}-{n}", name, secret * 50, time=1.0) for n in range(300)]
    put(store, *events)
    put(store, sent("x", learner="else"))

    def found(what):
        return [p.name for p in Path(tmp_path).iterdir() if what.encode() in p.read_bytes()]

    assert found(name)
    assert found(secret)
    store.erase(name, now=2.0)
    assert (found(name), found(secret), found("else")) == ([], [], ["learners.db"])
    store.close()


def test_events_and_an_erasure_at_once_leave_nothing_from_before_it(store, records_url):
    """Whatever the order of commits: what is left was sent with a later time."""
    other, stop = open_events(records_url), threading.Event()

    def send():
        n = 0
        while not stop.is_set():
            put(other, sent(f"e{n}", time=time.time()))
            n += 1
            time.sleep(0.002)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        for _ in range(5):
            time.sleep(0.03)
            now = time.time()
            store.erase("u", now)
            assert all(event.time > now for event in store.events("u"))
    finally:
        stop.set()
        sender.join()
        other.close()


def test_an_export_holds_all_that_was_sent(store):
    put(store, sent("a", content="first"), sent("b", content="second"))
    store.say("u", "k", "too_hard", now=5.0)
    remember(store, "u", "A", 1, now=6.0)
    store.flush()
    found = store.export("u")
    sent_then = [json.loads(event["sent"]) for event in found["events"]]
    assert sent_then == [{"sent": "first"}, {"sent": "second"}]
    assert [(f["concept_id"], f["said"], f["time"]) for f in found["feedback"]] == [
        ("k", "too_hard", 5.0)
    ]
    assert [json.loads(plan["body"])["course_id"] for plan in found["plans"]] == ["A"]


def schema(engine):
    """Every table's columns, keys and indexes."""
    found = sa.inspect(engine)
    return {
        table: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in columns],
            found.get_pk_constraint(table),
            found.get_unique_constraints(table),
            sorted(found.get_indexes(table), key=lambda index: index["name"]),
        )
        for (_, table), columns in found.get_multi_columns().items()
    }


def test_the_migrations_make_the_same_tables_again(store):
    engine = store.database.engine
    made = schema(engine)
    put(store, sent("a"))
    migrate(engine)  # a second time changes nothing
    assert ids(store) == ["a"]
    migrate(engine, "base")
    assert schema(engine).keys() == {"alembic_version"}
    migrate(engine)
    assert schema(engine) == made


def explained(session, how):
    """What a database says of each named statement, for values that are in no row."""
    for name, text in named_queries("kgplan.store.events", "statements.sql").items():
        values = dict.fromkeys(re.findall(r":(\w+)", text))
        session.cursor.execute(f"{how} {session.database.texts[name]}", values)
        yield name, [str(row[-1]) for row in session.cursor.fetchall()]


def test_the_tables_hold_what_every_statement_names(store):
    with store.database.writing() as session:
        assert all(steps for _, steps in explained(session, "EXPLAIN"))


def test_no_statement_looks_through_all_events_or_plans(tmp_path):
    store = open_events(f"sqlite:///{tmp_path / 'learners.db'}")
    with store.database.reading() as session:
        plans = dict(explained(session, "EXPLAIN QUERY PLAN"))
    whole = re.compile(r"SCAN (learner_event|event|voiding|other|plan|feedback)\b")
    looking = [name for name, steps in plans.items() if whole.match("\n".join(steps))]
    assert looking == ["plan.learners_with"]  # a trial is read over all learners, by a command
    assert any(step.startswith("SEARCH event ") for step in plans["event.of_learner"])
    store.close()


def test_records_of_the_first_version_are_taken_over(records_url):
    first = open_events(records_url)
    migrate(first.database.engine, "0001")
    with first.database.engine.begin() as connection:
        for n, (event_id, voids) in enumerate([("a", None), ("b", None), ("w", "a")]):
            connection.exec_driver_sql(
                "INSERT INTO learner_event (event_id, learner_id, time, stored, enrols, voids,"
                f" form, digest, raw, share) VALUES ('{event_id}', 'u', {n}.5, 1.0, false,"
                f" {'NULL' if voids is None else repr(voids)}, 'event', 'same', '{{}}', 0.5)"
            )
        connection.exec_driver_sql("INSERT INTO learner VALUES ('u', 7)")
        connection.exec_driver_sql(
            "INSERT INTO plan (learner_id, course_id, made, body)"
            " VALUES ('u', 'A', 1.0, '[\u6808]')"
        )
        connection.exec_driver_sql(
            f"INSERT INTO erased_learner VALUES ('{hash_of('gone')}', 50.0, 1, 0, 0)"
        )
    first.close()
    second = open_events(records_url)
    assert ids(second) == ["b", "w"]
    assert second.export("u")["plans"][0]["body"] == "[\u6808]"
    with second.database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT size FROM plan").scalar() == 5  # bytes of UTF-8
    assert put(second, sent("a")).repeated == ("a",)
    assert put(second, sent("late", learner="gone", time=49.0)).erased == ("late",)
    assert second.version("gone").erasures == 1
    second.close()


def test_whose_statements_were_there_before_owns_the_plain_ids(store):
    actors = [
        {"mbox": "mailto:admin@example.org"},
        *({"account": {"homePage": f"http://Lms.example/{end}", "name": "1"}} for end in ("", "")),
    ]
    for n, actor in enumerate(actors):
        event = Event(f"e{n}", "u", 1.0)
        put(store, Sent(event, "xapi", {"actor": actor}, str(n)))
    put(store, sent("plain"))
    assert store.claim(None, 1.0).result(30) is None
    migrate(store.database.engine, "0001")
    migrate(store.database.engine)
    assert store.claim("https://else.example", 2.0).result(30) == "https://lms.example"
    assert ids(store) == ["e0", "e1", "e2", "plain"]


def test_records_of_a_later_version_are_refused(store, records_url):
    with store.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigError, match="written by a later kgplan"):
        open_events(records_url)


def test_a_reader_sees_what_a_service_writes_and_writes_nothing(store, records_url):
    reader = read_events(records_url)
    put(store, sent("a", item_id="v", share=0.5))
    assert ids(reader) == ["a"]
    store.say("u", "c", "done", 1.0)
    assert reader.wishes("u") == store.wishes("u") != Wishes()
    assert reader.version("u") == store.version("u")
    with pytest.raises(RecordsUnavailable, match=r"read-?only"):
        put(reader, sent("b"))
    assert ids(store) == ["a"]
    reader.close()
    put(store, sent("c"))
    store.check()


def test_where_no_service_ever_was_there_is_nothing_to_read(tmp_path, postgres):
    url = f"sqlite:///{tmp_path / 'learners.db'}"
    assert read_events(url) is None
    assert not list(tmp_path.iterdir())
    (tmp_path / "learners.db").touch()
    assert read_events(url) is None
    assert read_events(postgres.new_database()) is None


def test_a_reader_refuses_records_of_another_version(store, records_url):
    migrate(store.database.engine, "0001")
    with pytest.raises(ConfigError, match="of another version of kgplan"):
        read_events(records_url)
    migrate(store.database.engine)


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "nonsense", "learners.db"])
def test_an_address_of_no_known_database_is_refused(url):
    with pytest.raises(ConfigError, match="KGPLAN_RECORDS"):
        open_events(url)


def test_a_database_that_is_away_is_told_without_its_password(tmp_path):
    url = f"postgresql+psycopg://me:secret@/db?host={tmp_path}"
    with pytest.raises(RecordsUnavailable, match="cannot be used now") as refused:
        open_events(url)
    assert "secret" not in str(refused.value)


def test_what_waits_is_written_when_the_service_stops(records_url):
    first = open_events(records_url)
    waiting = [first.submit([sent(f"e{n}")]) for n in range(50)]
    first.close()
    assert all(each.result(0).stored for each in waiting)
    with pytest.raises(RecordsUnavailable, match="stopping"):
        first.submit([sent("late")])
    second = open_events(records_url)
    assert len(ids(second)) == 50
    second.close()
