"""Several processes on one port, each with the same arrays: started, killed, stopped, switched."""

import json
import os
import shutil
import signal
import stat
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from neo4j_server import free_ports

from kgplan.api import workers
from kgplan.api.models import path_json, plan_json
from kgplan.api.workers import Pulse, Worker
from kgplan.diagnosis import LearnerModelConfig
from kgplan.model.opening import open_planner
from kgplan.pipeline.diagnose import run_diagnose
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore
from kgplan.store.files import stats_of

SWITCHES = 20


def until(holds, seconds=240):
    begun = time.monotonic()
    while not (found := holds()):
        assert time.monotonic() - begun < seconds, "it never came"
        time.sleep(0.02)
    return found


def get(address: str, seconds: float = 60) -> httpx.Response:
    """Ask over a new connection; a machine may be busy."""
    return httpx.get(address, timeout=seconds)


class Service:
    """`kgplan serve --workers 2` on a home."""

    def __init__(self, home: Path) -> None:
        (self.port,) = free_ports(1)
        command = "from kgplan.cli import main; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", command, "serve", "--dev", f"--port={self.port}", "--workers=2"],
            env=os.environ | {"KGPLAN_HOME": str(home), "KGPLAN_DRAIN_SECONDS": "0"},
            stderr=(home / "log").open("a"),
        )
        self.url = f"http://127.0.0.1:{self.port}"
        until(lambda: self.answers() and len(self.workers()) == 2)

    def answers(self) -> bool:
        assert self.process.poll() is None
        try:
            return get(self.url + "/health", 5).status_code == 200
        except httpx.TransportError:
            return False

    def workers(self) -> list[int]:
        pid = self.process.pid
        return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))

    def mapped(self, pid: int) -> set[str]:
        """Names of the serving folders of which the process has mapped a file."""
        lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
        files = [Path(line.split(None, 5)[5]) for line in lines if line.endswith(".npy")]
        return {file.parent.name for file in files}


@pytest.fixture(scope="module")
def home(mini_home, tmp_path_factory) -> Settings:
    folder = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(mini_home.home, folder)
    return Settings(home=folder)


@pytest.fixture(scope="module")
def service(home):
    started = Service(home.home)
    yield started
    started.process.send_signal(signal.SIGTERM)
    assert started.process.wait(60) == 0


def test_all_workers_map_the_same_files(service, home):
    (folder,) = [each for each in (home.home / "serving").iterdir() if each.is_dir()]
    until(lambda: all(service.mapped(pid) == {folder.name} for pid in service.workers()))


def test_a_worker_that_is_killed_is_replaced_and_the_service_goes_on(service):
    before = service.workers()
    os.kill(before[0], signal.SIGKILL)
    answered = 0
    while len(service.workers()) < 2 or before[0] in service.workers():
        answered += service.answers()
    after = until(lambda: len(service.workers()) == 2 and service.workers())
    assert before[1] in after
    assert answered or service.answers()


def test_a_worker_that_is_stopped_is_replaced_with_a_word_in_the_log(service, home):
    before = service.workers()
    os.kill(before[0], signal.SIGSTOP)
    try:
        after = until(lambda: before[0] not in (now := service.workers()) and now)
        assert before[1] in after
    finally:
        with suppress(ProcessLookupError):
            os.kill(before[0], signal.SIGKILL)
    assert f"worker {before[0]} is stopped; it is replaced" in (home.home / "log").read_text()
    until(lambda: len(service.workers()) == 2 and service.answers())


def test_only_what_neither_computes_nor_waits_for_the_disk_hangs(monkeypatch):
    """What the system tells every second of a worker that has not spoken for a minute."""
    told = iter([])
    monkeypatch.setattr(workers, "state_of", lambda pid: next(told))
    pulse = Pulse()
    pulse._memory[:] = struct.pack("d", 1000.0)

    def hangs(states) -> list[bool]:
        nonlocal told
        worker = Worker(SimpleNamespace(pid=1), None, pulse)
        told = iter(states)
        return [bool(worker.hangs(1060.0 + n)) for n in range(len(states))]

    at_work = [("R", 7.0)] * 20, [("D", 7.0)] * 20, [("S", float(n)) for n in range(20)]
    assert not any(any(hangs(each)) for each in at_work)
    assert not any(hangs([("S", 7.0), ("S", 7.0), ("R", 7.0)] * 7))  # waits for a processor
    assert hangs([("S", 7.0)] * 20).index(True) in range(4, 8)
    assert hangs([("T", 7.0)] * 20).index(True) in range(2, 6)
    pulse._memory[:] = struct.pack("d", 1079.0)  # it has spoken
    assert not any(hangs([("S", 7.0)] * 20))
    assert not any(hangs([("", 0.0)] * 20))  # nobody can tell


@pytest.mark.parametrize("harm", ["cut", "changed"])
def test_shared_files_that_somebody_harms_are_made_again(service, home, harm):
    path = "/v1/learners/U_1/path?course_id=C_1"
    expected = get(service.url + path).content
    (folder,) = [each for each in (home.home / "serving").iterdir() if each.is_dir()]
    before = stats_of(folder)
    for file in folder.glob("*.npy"):
        if harm == "cut":
            os.truncate(file, 0)
        else:
            content = bytearray(file.read_bytes())
            content[-1] ^= 0xFF
            with file.open("r+b") as stream:
                stream.write(content)

    def made_again():
        now = stats_of(folder)  # nothing while it is put into its place
        return now.keys() == before.keys() and all(now[name][2] != before[name][2] for name in now)

    until(made_again)
    until(lambda: len(service.workers()) == 2 and service.answers())
    until(lambda: all(service.mapped(pid) == {folder.name} for pid in service.workers()))
    for _ in range(6):  # whoever answers
        assert get(service.url + path).content == expected


def test_the_folder_of_shared_files_is_the_owners_only(service, home):
    for each in ("serving", "artifacts/records", "artifacts/diagnosis"):
        assert stat.S_IMODE((home.home / each).stat().st_mode) == 0o700
    for each in ("learners.db", "audit.jsonl"):
        assert stat.S_IMODE((home.home / each).stat().st_mode) == 0o600


def test_an_event_taken_by_one_worker_is_in_the_next_plan_of_any(service):
    # connections of their own: both workers
    clients = [httpx.Client(base_url=service.url, timeout=60) for _ in range(8)]
    versions = set()
    for n, client in enumerate(clients):
        said = {"event_id": f"e{n}", "learner_id": "new", "item_id": "V_1", "share": (n + 1) / 10}
        assert client.post("/v1/events", json=said).status_code == 200
        etags = {
            each.get("/v1/learners/new/path", params={"course_id": "C_1"}).headers["etag"]
            for each in clients
        }
        assert len(etags) == 1  # whoever answers knows the event
        versions |= etags
    assert len(versions) == len(clients)


def test_switching_models_back_and_forth_under_load_fails_and_mixes_nothing(service, home):
    """Two models of the same home; what each says is computed here, without the service."""
    store = ArtifactStore(home.artifacts)
    one = store.current("diagnosis")
    run_diagnose(home, LearnerModelConfig(learn_prior=False))
    other = store.current("diagnosis")
    assert one.version != other.version
    expected = {}
    pairs = [("U_1", "C_1"), ("U_2", "C_1"), ("U_1", "C_2")]
    for made in (one, other):
        store.switch(made)
        planner = open_planner(home)
        for pair in pairs:
            body = path_json(plan_json(planner.plan(*pair)), stale=False)
            expected[planner.model_version, pair] = json.loads(body)
    stop, wrong, seen, slowest = threading.Event(), [], set(), [0.0]

    def ask(number: int) -> None:
        with httpx.Client(base_url=service.url, timeout=30) as client:
            while not stop.is_set():
                learner, course = pair = pairs[number % len(pairs)]
                begun = time.monotonic()
                answer = client.get(f"/v1/learners/{learner}/path", params={"course_id": course})
                slowest[0] = max(slowest[0], time.monotonic() - begun)
                body = answer.json()
                version = body.get("model_version")
                if answer.status_code != 200 or body != expected.get((version, pair)):
                    wrong.append(answer.text)
                seen.add(version)

    asking = [threading.Thread(target=ask, args=(n,)) for n in range(6)]
    for each in asking:
        each.start()
    try:
        for n in range(SWITCHES):
            store.switch((one, other)[n % 2])
            time.sleep(0.35)
        last = open_planner(home).model_version
        until(lambda: all(served_by(service, 6) == {last} for _ in range(2)))
    finally:
        stop.set()
        for each in asking:
            each.join()
    assert wrong == []
    assert len(seen) == 2
    print(f"slowest answer during {SWITCHES} switches: {1e3 * slowest[0]:.0f} ms")


def served_by(service: Service, connections: int) -> set[str]:
    """Model versions that answer, over some new connections."""
    return {get(service.url + "/health").json()["model_version"] for _ in range(connections)}


def test_the_service_says_why_it_cannot_start(tmp_path):
    (port,) = free_ports(1)
    command = "from kgplan.cli import main; main()"
    found = subprocess.run(
        [sys.executable, "-c", command, "serve", "--dev", "--workers=2", f"--port={port}"],
        env=os.environ | {"KGPLAN_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert found.returncode == 3
    assert "error: there is no graph" in found.stderr
