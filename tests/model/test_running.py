"""Plans that adjust themselves, as they are kept: looks, decisions, undoing, the chain of lines."""

import json
import os
import random
import signal
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from own_process import TESTS, in_own_process
from planning_cases import hand_case

from kgplan.adjusting import usual_rules
from kgplan.adjusting.beginning import begun
from kgplan.data.events import Event
from kgplan.errors import (
    AuditBroken,
    InputError,
    NoRunningPlan,
    PlanChanged,
    UnknownChange,
    UnknownLearner,
)
from kgplan.evaluation.adjusting import Followed, run
from kgplan.model.current import CurrentLearners
from kgplan.model.running import RunningPlans
from kgplan.store.events import chain, open_events, running
from kgplan.store.events.database import Session
from kgplan.store.events.sent import Sent

DAY, QUARTER = 86_400.0, 900.0
BEGUN = 1_000 * DAY
RULES = usual_rules()


@pytest.fixture(scope="module")
def planner():
    return hand_case().planner()


@pytest.fixture
def runs(store):
    return RunningPlans(CurrentLearners(store), RULES)


def answers(learner, first, n=30, score=0.0, item="v_d", every=180.0):
    """Answers, three minutes apart."""
    return [
        Event(f"{learner} {first} {k}", learner, first + k * every, item, "A", score=score)
        for k in range(n)
    ]


def put(store, events):
    store.submit([Sent(e, "event", {}, e.event_id) for e in events]).result(30)


def begin(runs, planner, learner="u", weekly=60.0, now=BEGUN):
    put(runs.store, [Event(f"{learner} enrols", learner, now - DAY, course_id="B", enrols=True)])
    return runs.begin(planner, planner.plan(learner, "A"), weekly, "platform", now)


def look_all(runs, planner, now):
    looks = 0
    while (found := runs.look(planner, now)).plans:
        looks += found.looks
    return looks


def told(changes):
    return [(c.at, c.rule, c.kind, c.step_id, c.after, c.limit, c.event_ids) for c in changes]


def kept_changes(runs, learner):
    """What is kept of a plan's changes, oldest first, each number once."""
    found = runs.changes(learner, "A", 1_000)[::-1]
    assert [each.kept.n for each in found] == list(range(1, len(found) + 1))
    return [each.what for each in found]


def replayed(planner, learner, events, until):
    """What a replay of the same events makes; all answers are wrong, and the prior holds."""
    plan = begun(planner.plan(learner, "A"), planner, BEGUN, 60.0)
    half = dict.fromkeys(planner.graph.concept_ids.tolist(), 0.5)
    return told(run(Followed(learner, plan, tuple(events)), RULES, lambda at: half, until).changes)


# ---------------------------------------------------------------- looks


def test_looks_make_what_a_replay_of_the_same_events_makes(runs, planner, store):
    begin(runs, planner)
    events = answers("u", BEGUN + 60) + answers("u", BEGUN + 3 * DAY)
    put(store, events)
    now = BEGUN + 5 * DAY
    looks = look_all(runs, planner, now)
    expected = replayed(planner, "u", events, now)
    assert {each[2] for each in expected} >= {"questions", "insert", "alert", "offers"}
    assert told(kept_changes(runs, "u")) == expected
    assert looks > 12
    assert look_all(runs, planner, now) == 0
    found = runs.find("u", "A", now)
    assert found.plan.steps[0].step_id in "bc"  # put in before d
    session_end = BEGUN + 3 * DAY + 29 * 180 + 1800  # then once a day
    assert found.kept.due == pytest.approx(session_end + 2 * DAY)


def test_looks_one_by_one_are_those_that_are_made_up_for_together(runs, planner, store):
    for learner in "uv":
        begin(runs, planner, learner)
    events = {each: answers(each, BEGUN + 60, 60) for each in "uv"}
    put(store, events["u"])
    for k in range(1, 40):
        look_all(runs, planner, BEGUN + k * 400)
    put(store, events["v"])
    look_all(runs, planner, BEGUN + 40 * 400)
    alike = [
        [(c.at, c.rule, c.kind, c.limit, c.values) for c in kept_changes(runs, each)]
        for each in "uv"
    ]
    assert alike[0] == alike[1]
    assert alike[0]


def test_what_a_killed_process_claimed_another_one_makes_when_its_time_is_over(runs, planner):
    begin(runs, planner)
    put(runs.store, answers("u", BEGUN + 60))
    now = BEGUN + 2 * 3600
    with runs.store.reading() as session:
        wanted = running.wanting(session, now, now, 9)
    claimed = runs.store.write(
        partial(running.claim, wanted=wanted, by="killed", now=now, until=now + 120)
    )
    assert len(claimed) == 1  # and nobody ever writes what comes of it
    assert runs.look(planner, now + 119).plans == 0
    assert runs.look(planner, now + 121).looks == 8  # 7 quarters, and the end of the session


def test_one_odd_plan_holds_nobody_up(runs, planner, caplog):
    for learner in "uvw":
        begin(runs, planner, learner)
        put(runs.store, answers(learner, BEGUN + 60))
    with runs.store.database.engine.execution_options(writes=True).begin() as connection:
        connection.execute(sa.text("UPDATE running_plan SET plan = '{}' WHERE learner_id = 'v'"))
    assert look_all(runs, planner, BEGUN + 2 * 3600) == 16  # of u and w, 8 each
    assert "passed over" in caplog.text


def test_what_is_kept_of_a_look_does_not_grow_with_the_history(runs, planner):
    begin(runs, planner)
    views = [
        Event(f"w{k}", "u", BEGUN + k, "v_d", "A", started_at=float(k % 9), session=f"s{k // 9}")
        for k in range(2_000)
    ]
    put(runs.store, views)
    look_all(runs, planner, BEGUN + 2 * 3600)
    assert len(runs.find("u", "A", BEGUN + DAY).kept.seen) < 2_000


def test_who_was_overtaken_writes_nothing(runs, planner):
    begin(runs, planner)
    put(runs.store, answers("u", BEGUN + 60))
    now = BEGUN + 2 * 3600
    slow = RunningPlans(runs.learners, RULES)

    def while_it_computes(*args):
        runs.switch("u", "A", True, "u", now)
        return caught_up(*args)

    caught_up, slow._caught_up = slow._caught_up, while_it_computes
    assert slow.look(planner, now).again == 1
    assert runs.changes("u", "A", 10) == []
    runs.switch("u", "A", False, "u", now)
    assert runs.look(planner, now).looks == 0  # what happened while it was off is passed over


@pytest.fixture(scope="module")
def looking():
    """What starts processes that look, in a process of its own."""
    with in_own_process(TESTS / "model" / "looking.py") as started:
        yield started


def test_killed_processes_lose_no_look_and_make_none_twice(records_url, planner, looking):
    """Five kills at any moment, two processes at a time; then what a replay makes, once each."""
    store, until = open_events(records_url), BEGUN + 1.5 * DAY
    runs = RunningPlans(CurrentLearners(store), RULES)
    learners = [f"u{n}" for n in range(8)]
    events = {}
    for n, each in enumerate(learners):
        begin(runs, planner, each)
        again = BEGUN + (1 + n % 3) * DAY / 3
        events[each] = answers(each, BEGUN + 60 * n, 40) + answers(each, again)
        put(store, events[each])
    store.close()

    def start(first):
        looking.stdin.write(f"{records_url} {first} {until}\n")
        looking.stdin.flush()
        return int(looking.stdout.readline())

    rng, pids = random.Random(0), [start(BEGUN), start(BEGUN)]
    try:
        for n in range(5):
            time.sleep(rng.uniform(0.05, 0.5))
            os.kill(pids[n % 2], signal.SIGKILL)
            pids[n % 2] = start(BEGUN + n * QUARTER)
        end = time.monotonic() + 240
        while any(map(alive, pids)):
            assert time.monotonic() < end, "looking never ends"
            time.sleep(0.05)
    finally:
        for pid in filter(alive, pids):
            os.kill(pid, signal.SIGKILL)
    store = open_events(records_url)
    runs = RunningPlans(CurrentLearners(store), RULES)
    look_all(runs, planner, until + 1000)
    for each in learners:
        expected = replayed(planner, each, events[each], until + 1000)
        assert told(kept_changes(runs, each)) == expected
        assert expected
    with store.reading() as session:
        lines = [
            json.loads(body) for _, body, _ in session.rows("audit_line.page", after=0, most=10**6)
        ]
        assert chain.verified(session).lines == len(lines)
    looks = [(x["learner"], at) for x in lines if x["what"] == "look" for at in x["looks"]]
    assert len(looks) == len(set(looks))
    store.close()


def alive(pid):
    """Whether a process is there that has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# ---------------------------------------------------------------- decisions


def steps(run):
    return [each.step_id for each in run.plan.steps]


def decide(runs, planner, kind, run, now=BEGUN, **given):
    return runs.decide(
        planner, "u", "A", kind, "teacher", "because", now, run.kept.version, **given
    )


def test_decisions_change_the_plan_at_once_warn_and_are_taken_back(runs, planner):
    first = begin(runs, planner)
    assert steps(first) == ["d", "e", "f"]  # f needs e
    found, broken = decide(runs, planner, "remove", first, step_id="e")
    assert (steps(found), broken) == (["d", "f"], [("f", "e")])
    found, broken = decide(runs, planner, "insert", found, step_id="b", before="d")
    assert (steps(found), broken) == (["b", "d", "f"], [])
    with pytest.raises(PlanChanged, match="read it again"):
        decide(runs, planner, "pin", first, step_id="d")
    with pytest.raises(InputError, match="name each once"):
        decide(runs, planner, "reorder", found, order=["d"])
    with pytest.raises(InputError, match="no step 'x'; the plan has b, d, f"):
        decide(runs, planner, "pin", found, step_id="x")
    found, _ = decide(runs, planner, "reorder", found, order=["f", "b", "d"])
    assert steps(found) == ["f", "b", "d"]
    assert [each.step_id for each in found.plan.steps if each.overridden] == ["f", "b", "d"]
    for n in (3, 2, 1):
        found = runs.undo("u", "A", n, "u", "", BEGUN)
    assert steps(found) == ["d", "e", "f"]
    assert not any(each.overridden for each in found.plan.steps)
    with pytest.raises(InputError, match="taken back already"):
        runs.undo("u", "A", 1, "u", "", BEGUN)
    with pytest.raises(NoRunningPlan):
        runs.undo("u", "B", 1, "u", "", BEGUN)


def test_rules_only_suggest_where_somebody_decided_until_that_is_14_days_old(runs, planner):
    found = begin(runs, planner)
    decide(runs, planner, "freeze", found)
    put(runs.store, answers("u", BEGUN + 60))
    look_all(runs, planner, BEGUN + DAY)
    assert [c.limit for c in kept_changes(runs, "u")[1:] if c.kind == "insert"] == ["frozen"]
    assert steps(runs.find("u", "A", BEGUN + DAY)) == steps(found)
    assert runs.find("u", "A", BEGUN + 13 * DAY).plan.frozen
    assert not runs.find("u", "A", BEGUN + 15 * DAY).plan.frozen


def test_what_a_rule_put_in_is_taken_back(runs, planner):
    before = steps(begin(runs, planner))
    put(runs.store, answers("u", BEGUN + 60))
    look_all(runs, planner, BEGUN + DAY)
    (n,) = [c.kept.n for c in runs.changes("u", "A", 99) if c.kept.kind == "insert"]
    assert len(steps(runs.find("u", "A", BEGUN + DAY))) == 4
    assert steps(runs.undo("u", "A", n, "u", "", BEGUN + DAY)) == before


def test_a_teacher_accepts_what_a_rule_only_suggests_and_only_teachers_take_it_back(runs, planner):
    begun = begin(runs, planner)
    decide(runs, planner, "freeze", begun)
    put(runs.store, answers("u", BEGUN + 60))
    look_all(runs, planner, BEGUN + DAY)
    now = BEGUN + DAY + 5
    (asked,) = [c for c in runs.changes("u", "A", 99) if c.kept.kind == "insert"]
    found = runs.accept("u", "A", asked.kept.n, "teacher", "asked in class", now)
    assert set(steps(found)) - set(steps(begun)) == {asked.what.after}
    newest = runs.changes("u", "A", 1)[0]
    assert (newest.kept.author, newest.kept.reason, newest.kept.is_made) == (
        *("teacher", "asked in class"),
        True,
    )
    assert newest.what == replace(asked.what, at=now, limit="")
    with pytest.raises(InputError, match="would change nothing any more"):
        runs.accept("u", "A", asked.kept.n, "teacher", "again", now)
    with pytest.raises(InputError, match="is no suggestion about steps"):
        runs.accept("u", "A", newest.kept.n, "teacher", "", now)
    with pytest.raises(UnknownChange):
        runs.accept("u", "A", 999, "teacher", "", now)
    with pytest.raises(InputError, match="decided by a teacher"):
        runs.undo("u", "A", newest.kept.n, "u", "", now, of_rules=True)
    assert steps(runs.undo("u", "A", newest.kept.n, "teacher", "no", now)) == steps(begun)
    # looks go on behind it, and a plan that was begun anew has nothing to accept
    assert look_all(runs, planner, BEGUN + 3 * DAY) > 0
    begin(runs, planner, now=BEGUN + 4 * DAY)
    with pytest.raises(InputError, match="would change nothing any more"):
        runs.accept("u", "A", asked.kept.n, "teacher", "", BEGUN + 4 * DAY)


def test_a_preview_keeps_nothing(runs, planner):
    before = begin(runs, planner)
    put(runs.store, answers("u", BEGUN + 60))
    _, found = runs.preview(planner, "u", "A", BEGUN + DAY)
    assert [each.kind for each in found.changes if each.made and each.structural] == ["insert"]
    assert runs.find("u", "A", BEGUN + DAY) == before


# ---------------------------------------------------------------- erasing, and the chain


def test_of_an_erased_learner_no_plan_is_left_and_the_chain_names_nobody(runs, planner, store):
    found = begin(runs, planner, "Grace Hopper")
    begin(runs, planner, "other")
    runs.decide(
        planner, "Grace Hopper", "A", "pin", "teacher", "she was ill", BEGUN, 1, step_id="d"
    )
    assert "she was ill" in json.dumps(store.export("Grace Hopper"))
    store.erase("Grace Hopper", BEGUN + 1)
    with pytest.raises(NoRunningPlan):
        runs.find("Grace Hopper", "A", BEGUN)
    with store.database.engine.connect() as connection:
        for table in ("running_plan", "plan_change", "audit_line", "learner"):
            rows = connection.execute(sa.text(f"SELECT * FROM {table}")).all()
            assert "Grace" not in str(rows)
            assert "ill" not in str([r for r in rows if table != "running_plan"]).split()
    with store.reading() as session:
        assert chain.verified(session).lines == 3
    with pytest.raises(UnknownLearner):
        runs.begin(planner, planner.plan("Grace Hopper", "A"), None, "", BEGUN)
    assert found.kept.version == 1


def test_a_changed_left_out_or_cut_line_breaks_the_chain(runs, planner, store):
    for n in range(6):
        begin(runs, planner, f"u{n}")
    with store.reading() as session:
        whole = chain.verified(session)
        rows = session.rows("audit_line.page", after=0, most=10)
        assert chain.verified(session, rows[2][2]) == whole
        with pytest.raises(AuditBroken, match="no line has the hash"):
            chain.verified(session, "f" * 64)
    assert whole == chain.Chain(6, rows[-1][2])
    engine = store.database.engine.execution_options(writes=True)
    for statement in ("UPDATE audit_line SET body = '{}'", "DELETE FROM audit_line"):
        with pytest.raises(sa.exc.DatabaseError, match="append-only"), engine.begin() as connection:
            connection.execute(sa.text(statement))
    allow = "DROP TRIGGER audit_line_append_only ON audit_line"
    if engine.dialect.name == "sqlite":
        allow = "DROP TRIGGER audit_line_no_update", "DROP TRIGGER audit_line_no_delete"
    with engine.begin() as connection:
        for each in [allow] if isinstance(allow, str) else allow:
            connection.execute(sa.text(each))
    text = rows[3][1].replace("platform", "nobody")
    for statement, line in (
        (f"UPDATE audit_line SET body = '{text}' WHERE n = 4", 4),
        ("DELETE FROM audit_line WHERE n = 2", 2),
        ("DELETE FROM audit_line WHERE n = 6", 6),
    ):
        with engine.connect() as connection, connection.begin() as transaction:
            connection.exec_driver_sql(statement)
            session = Session(connection.connection.cursor(), store.database)
            with pytest.raises(AuditBroken) as refusal:
                chain.verified(session)
            assert refusal.value.line == line
            transaction.rollback()
