"""Erased means gone: from the file's bytes, from what is written meanwhile, whatever the clock."""

import json
import random
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from kgplan.data.events import Event
from kgplan.errors import RecordsUnavailable
from kgplan.store.events import open_events, sqlite
from kgplan.store.events import store as event_store
from kgplan.store.events.sent import Sent
from kgplan.store.events.sqlite_file import stale_spans


def sent(event_id, learner, words="", stamped=False, **says):
    event = Event(event_id, learner, says.pop("time", 100.0), item_id="v", share=0.5, **says)
    return Sent(event, "event", {"words": words}, words, stamped)


def put(store, *events):
    return store.submit(events).result(30)


def remember(store, learner, step, now=1.0, erasures=0, course="A"):
    plan = {"learner_id": learner, "course_id": course, "towards": None, "steps": [step]}
    store.remember(learner, course, json.dumps(plan), now, erasures)


def awaited(condition, seconds=120.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "learners.db"


def files_with(path: Path, *texts: str) -> list[str]:
    beside = sorted(path.parent.glob(path.name + "*"))
    return [f.name for f in beside if any(t.encode() in f.read_bytes() for t in texts)]


# the file's bytes


@pytest.mark.parametrize("seed", range(3))
def test_no_byte_of_many_erased_learners_is_left_in_any_file(path, seed):
    """Random ids and lengths: trees are balanced often, which leaves copies of rows behind."""
    dice = random.Random(seed)
    store = open_events(f"sqlite:///{path}")
    learners = [f"Person{dice.randrange(10**9):09d}@school.example" for _ in range(300)]
    for turn in range(3):
        dice.shuffle(learners)
        put(
            store,
            *(
                sent(f"{dice.random()}-{u}", u, f"words of {u}" + "w" * dice.randrange(3000))
                for u in learners
            ),
        )
        for u in learners[:100]:
            store.say(u, "k", "done", 1.0)
            remember(store, u, f"{turn} of {u}" + "p" * dice.randrange(3000))
    store.flush()
    gone = dice.sample(learners, 40)
    for u in gone:
        store.erase(u, now=200.0)
    assert files_with(path, *gone) == []
    assert len(store.events(next(u for u in learners if u not in gone))) == 3
    store.close()
    assert files_with(path, *gone) == []
    checked = sqlite3.connect(path)
    assert checked.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert checked.execute("SELECT count(*) FROM learner_event").fetchone() == (3 * 260,)
    checked.close()


def test_free_space_with_copies_of_moved_rows_is_found_and_nothing_else(tmp_path):
    """What SQLite's secure_delete leaves; the file without it is as good as before."""
    path = tmp_path / "x.db"
    raw = sqlite3.connect(path, isolation_level=None)
    for pragma in ("secure_delete=ON", "synchronous=OFF", "journal_mode=MEMORY"):
        raw.execute("PRAGMA " + pragma)
    raw.execute("CREATE TABLE t (name TEXT PRIMARY KEY, words TEXT)")
    dice = random.Random(1)
    rows = [(f"{dice.random()}" * dice.randrange(1, 9), f"secret{n}") for n in range(3000)]
    raw.executemany("INSERT INTO t VALUES (?, ?)", rows)
    raw.close()
    pages = bytearray(path.read_bytes())
    spans = list(stale_spans(bytes(pages), 4096, first=True))
    assert b"0." in b"".join(pages[begin:end] for begin, end in spans)
    for begin, end in spans:
        pages[begin:end] = bytes(end - begin)
    assert list(stale_spans(bytes(pages), 4096, first=True)) == []
    path.write_bytes(pages)
    again = sqlite3.connect(path)
    assert again.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert again.execute("SELECT * FROM t ORDER BY words").fetchall() == sorted(
        rows, key=lambda row: row[1]
    )
    again.close()


def test_a_reader_who_holds_on_hinders_nobody_and_the_log_is_overwritten_after(path, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 60)  # that who is hindered waits
    store = open_events(f"sqlite:///{path}")
    put(store, *(sent(f"a{n}", "SecretPerson", "x" * 500) for n in range(200)))
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM learner_event").fetchone()
    begun = time.monotonic()
    assert store.erase("SecretPerson", now=200.0).n_events == 200
    for n in range(20):
        put(store, sent(f"b{n}", "other"))
    assert time.monotonic() - begun < 30
    assert files_with(path, "SecretPerson")  # the reader still may look at it
    reader.execute("ROLLBACK")
    reader.close()
    awaited(lambda: not files_with(path, "SecretPerson"))
    assert len(store.events("other")) == 20
    store.close()


def test_a_file_behind_a_link_is_overwritten_too(tmp_path):
    real, link = tmp_path / "disk" / "learners.db", tmp_path / "learners.db"
    real.parent.mkdir()
    real.touch()
    link.symlink_to(real)
    store = open_events(f"sqlite:///{link}")
    put(store, *(sent(f"a{n}", "SecretPerson", "x" * 500) for n in range(50)))
    store.erase("SecretPerson", now=200.0)
    assert files_with(real, "SecretPerson") == []
    with store.database.engine.connect() as connection:
        done = connection.exec_driver_sql("SELECT overwritten FROM erased_learner")
        assert done.scalars().all() == [1]
    store.close()


def test_an_erasure_that_was_interrupted_is_finished_by_the_next_start(path, monkeypatch):
    store = open_events(f"sqlite:///{path}")
    put(store, *(sent(f"a{n}", "SecretPerson", "x" * 500) for n in range(50)))
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM learner_event").fetchone()
    monkeypatch.setattr(event_store, "OVERWRITING_SECONDS", 0.01)
    store.erase("SecretPerson", now=200.0)
    store.close()  # the reader is still there, as if the machine had stopped
    assert files_with(path, "SecretPerson")
    reader.close()
    second = open_events(f"sqlite:///{path}")
    awaited(lambda: not files_with(path, "SecretPerson"))
    second.close()


# what is written meanwhile


def test_a_plan_that_was_begun_before_an_erasure_is_not_kept_whatever_its_time(store, records_url):
    put(store, sent("a", "u"))
    seen = store.version("u").erasures
    other = open_events(records_url)  # another process erases
    other.erase("u", now=time.time())
    other.close()
    remember(store, "u", 1, now=time.time() + 10, erasures=seen)
    assert not store.say("u", "k", "done", time.time() + 10, seen)
    assert not any(store.export("u").values())
    put(store, sent("b", "u", time=time.time() + 20))  # the learner came back
    remember(store, "u", 1, now=1.0, erasures=seen)  # still one from before
    remember(store, "u", 2, now=2.0, erasures=store.version("u").erasures)
    store.flush()
    assert [kept.body["steps"] for kept in store.plans("u", limit=9)] == [[2]]


def test_plans_while_learners_are_erased_leave_nothing(store, records_url):
    """As requests do: read the mark, work on a plan, write it."""
    other, stop = open_events(records_url), threading.Event()

    def plan():
        n = 0
        while not stop.is_set():
            for k in range(8):
                version = other.version(f"u{k}")
                if not version.is_erased:
                    n += 1
                    remember(other, f"u{k}", n, time.time(), version.erasures)
            time.sleep(0.001)

    put(store, *(sent(f"e{k}", f"u{k}") for k in range(8)))
    planner = threading.Thread(target=plan)
    planner.start()
    try:
        for k in range(8):
            time.sleep(0.03)
            store.erase(f"u{k}", time.time())
    finally:
        stop.set()
        planner.join()
        other.flush()
        other.close()
    assert [store.export(f"u{k}")["plans"] for k in range(8)] == [[]] * 8


def test_what_an_erased_learner_voided_of_others_stays_voided_and_names_nobody(store):
    void = Event("SecretVoid", "SecretTeacher", 100.0, voids="a")
    own = Event("SecretOwn", "SecretTeacher", 100.0, voids="SecretEvent")
    put(store, sent("a", "u"), sent("SecretEvent", "SecretTeacher"))
    put(store, *(Sent(each, "event", {"by": "SecretTeacher"}, "d") for each in (void, own)))
    assert store.events("u") == []
    assert store.erase("SecretTeacher", now=200.0).n_events == 3
    assert store.events("u") == []
    with store.database.engine.connect() as connection:
        left = connection.exec_driver_sql("SELECT * FROM learner_event WHERE learner_id <> 'u'")
        rows = left.all()
    assert len(rows) == 1
    assert "Secret" not in repr(rows)
    again = put(store, Sent(void, "event", {"by": "SecretTeacher"}, "d"))
    assert again.erased == ("SecretVoid",)


# clocks


def test_an_erased_event_sent_again_is_known_whatever_its_time(store):
    future = sent("f", "u", time=4e9)
    assert put(store, future).stored == ("f",)
    store.erase("u", now=time.time())
    assert put(store, future).erased == ("f",)
    assert store.events("u") == []
    assert put(store, sent("f", "else", time=4e9)).stored == ("f",)  # another learner's


def test_a_clock_that_was_fast_at_an_erasure_swallows_nothing_later(store):
    put(store, sent("a", "u"))
    before = time.time()
    store.erase("u", now=time.time() + 3600)
    receipt = put(
        store,
        sent("late", "u", time=before - 60),
        sent("came", "u", time=time.time(), stamped=True),
    )
    assert (receipt.stored, receipt.erased) == (("came",), ("late",))
    store.flush()
    assert before - 1 < store.version("u").erased <= time.time()  # put right
    assert put(store, sent("right", "u", time=time.time())).stored == ("right",)
    assert put(store, sent("late", "u", time=before - 60)).erased == ("late",)


# files that others move


@pytest.mark.parametrize("end", ["", "-wal", "-shm"])
def test_what_would_be_lost_is_refused_until_the_file_is_back(path, end):
    store = open_events(f"sqlite:///{path}")
    put(store, sent("a", "u"))
    place, away = Path(f"{path}{end}"), path.with_name("moved")
    place.rename(away)
    with pytest.raises(RecordsUnavailable, match="is gone while the service has it open"):
        put(store, sent("b", "u"))
    with pytest.raises(RecordsUnavailable, match="put it back"):
        store.check()
    away.rename(place)
    store.check()
    assert put(store, sent("c", "u")).stored == ("c",)
    store.close()
    again = open_events(f"sqlite:///{path}")
    assert {event.event_id for event in again.events("u")} >= {"a", "c"}
    again.close()


@pytest.mark.parametrize("fault", ["another", "cut", "junk"])
def test_another_file_or_a_damaged_one_takes_no_events(path, fault):
    store = open_events(f"sqlite:///{path}")
    put(store, *(sent(f"a{n}", "u", "x" * 500) for n in range(50)))
    store.erase("nobody", 1.0)  # moves the log into the file
    put(store, sent("b", "u"))
    if fault == "another":
        other = path.with_name("copy")
        other.write_bytes(path.read_bytes())
        other.replace(path)
    elif fault == "cut":
        with path.open("r+b") as file:
            file.truncate(4096)
    else:
        with path.open("r+b") as file:
            file.write(b"?" * 4096)
    with pytest.raises(RecordsUnavailable, match=r"replaced by another file|cut or overwritten"):
        put(store, sent("c", "u"))
    store.close()


# the size of a history


def test_a_history_is_bounded_in_bytes_and_the_oldest_plans_leave(records_url):
    store = open_events(records_url, history_bytes=20_000)
    for n in range(100):
        remember(store, "u", f"{n:03d}" + "x" * 1000, now=n, course=f"C{n % 3}")
        remember(store, "else", n, now=n)
        if n % 9 == 0:
            store.flush()
    store.flush()
    kept = [plan.body["steps"][0][:3] for plan in store.plans("u", limit=1000)]
    assert kept == [f"{n:03d}" for n in range(99, 99 - len(kept), -1)]
    assert 15 <= len(kept) <= 20
    assert len(store.plans("else", limit=1000)) == 100
    remember(store, "u", "y" * 50_000, now=200.0)  # larger than all: kept, alone
    store.flush()
    assert [plan.made for plan in store.plans("u", limit=9)] == [200.0]
    store.close()
