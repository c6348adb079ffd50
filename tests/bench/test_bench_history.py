"""How fast does history come in, next to reading its lines as JSON and inserting them as they are?

Three forms, three sizes, both databases. What the reading processes take to begin is told apart: a
rate is of what a longer file costs more, in time and in that of processors, PostgreSQL's too.
20,000 events a second are wanted on two cores. The largest process of a load is measured, too.
KGPLAN_BENCH_FACTOR=10 makes the files ten times as
long.
"""

import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import psutil
import pytest

from kgplan.api.history import load
from kgplan.api.statements import StatementRules
from kgplan.store.events import open_events

SIZES = [n * int(os.environ.get("KGPLAN_BENCH_FACTOR", "1")) for n in (10_000, 40_000, 120_000)]
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
VIDEO = "https://w3id.org/xapi/video/"
GROWTH = 1.5  # by which an event of a long file may cost more than one of a short file


def statement(rng, learner, video, moment):
    played = f"0[.]{rng.randrange(100)}.5[,]120[.]{121 + rng.randrange(100)}.25"
    course = {"id": "https://lms.example/course/course-v1:X+D+T"}
    course["definition"] = {"type": "http://adlnet.gov/expapi/activities/course"}
    return {
        "id": str(UUID(int=rng.getrandbits(128), version=4)),
        "actor": {"account": {"homePage": "https://lms.example", "name": str(learner)}},
        "verb": {"id": VIDEO + "verbs/paused", "display": {"en": "paused"}},
        "object": {
            "id": f"https://lms.example/xblock/block-v1:X+D+T+type@video+block@{video:032x}",
            "definition": {"type": VIDEO + "activity-type/video", "name": {"en": f"{video}"}},
        },
        "result": {"extensions": {VIDEO + "extensions/played-segments": played}},
        "context": {
            "contextActivities": {"parent": [course]},
            "extensions": {VIDEO + "extensions/length": 300, VIDEO + "extensions/session-id": "s"},
        },
        "timestamp": moment,
    }


def tracked(rng, learner, video, moment):
    kind = rng.choice(["play_video", "pause_video", "page_close"])
    told = {"id": f"{video:032x}", "code": "x", "currentTime": rng.random() * 300, "duration": 300}
    return {
        "event_type": kind,
        "event_source": "browser",
        "session": f"{learner:032x}",
        "agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)",
        "page": "https://lms.example/courses/course-v1:X+D+T/courseware/",
        "context": {"user_id": learner, "course_id": "course-v1:X+D+T", "path": "/event"},
        "event": json.dumps(told),
        "time": moment,
    }


def write(path, form, number):
    rng = random.Random(number)
    with path.open("w") as file:
        if form == "csv":
            file.write("learner_id,item_id,time,score\n")
        for n in range(number):
            learner, video = rng.randrange(max(10, number // 40)), rng.randrange(300)
            moment = (BEGIN + timedelta(seconds=7 * n)).isoformat()
            if form == "csv":
                file.write(f"U_{learner},V_{video},{moment},{rng.random():.2f}\n")
            else:
                make = statement if form == "xapi" else tracked
                file.write(json.dumps(make(rng, learner, video, moment)) + "\n")


def floor(path, folder):
    """Processor time of reading each line as JSON, if it is some, and inserting it as it is."""
    database = sqlite3.connect(folder / "floor.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE line (name TEXT PRIMARY KEY, raw TEXT)")
    begun = time.process_time()
    rows = []
    for n, line in enumerate(path.open()):
        if line.startswith("{"):
            json.loads(line)
        rows.append((f"{n:09d}", line))
    database.execute("BEGIN")
    database.executemany("INSERT INTO line VALUES (?, ?)", rows)
    database.execute("COMMIT")
    database.close()
    (folder / "floor.db").unlink()
    return time.process_time() - begun


def processor_time():
    """Of this process, those that it waited for, and the database that it began."""
    mine, begun = os.times(), psutil.Process().children(recursive=True)
    servers = [each for each in begun if each.name() == "postgres"]
    total = mine.user + mine.system + mine.children_user + mine.children_system
    for each in servers:
        try:
            times = each.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


@pytest.mark.parametrize("form", ["xapi", "tracking", "csv"])
def test_history_comes_in_at_a_rate_that_its_length_leaves_as_it_is(
    records_url, tmp_path, form, capsys
):
    rules, points = StatementRules(), []
    for number in SIZES:
        file = tmp_path / f"{form}-{number}"
        write(file, form, number)
        least = floor(file, tmp_path)
        store = open_events(records_url)
        begun, used = time.perf_counter(), processor_time()
        loaded = load(file, store, rules, processes=2)
        points.append((number, time.perf_counter() - begun, processor_time() - used, least))
        store.close()
        assert (loaded.number, loaded.refused) == (number, 0)
    costs = np.diff(np.array(points), axis=0)
    for (longer, *_), (more, wall, used, least) in zip(points[1:], costs.tolist(), strict=True):
        with capsys.disabled():
            print(
                f"\n{form} on {records_url.split(':')[0]}, up to {longer:,} events:"
                f" {more / wall:,.0f}/s, {1e6 * used / more:.0f} us of processors each (two give"
                f" {2 * more / used:,.0f}/s), {used / least:.1f} times the floor"
            )
    shorter, longer = (used / more for more, _, used, _ in costs.tolist())
    assert longer < GROWTH * shorter


LOADED = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-m", "kgplan", "events", "load", *sys.argv[1:]], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.parametrize("form", ["xapi", "csv"])
def test_a_longer_file_takes_no_more_memory(tmp_path, form, capsys):
    peaks = []
    for number in SIZES:
        file = tmp_path / f"{form}-{number}"
        write(file, form, number)
        done = subprocess.run(
            [sys.executable, "-c", LOADED, file, "--processes", "2"],
            env=os.environ | {"KGPLAN_HOME": str(tmp_path / f"home-{number}")},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        peaks.append(int(done.stdout.splitlines()[-1]) / 1024)
    with capsys.disabled():
        told = " / ".join(f"{peak:.0f}" for peak in peaks)
        print(f"\n{form}, {SIZES} events: the largest process takes {told} MB")
    assert peaks[2] - peaks[1] < 0.25 * peaks[1]
