"""Models, jobs and the graph, administrated over HTTP; jobs as processes."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from neo4j_server import free_ports

from kgplan.api import administration, jobs
from kgplan.api.administration import Administration, to_toml
from kgplan.api.app import create_app
from kgplan.api.jobs import Jobs, headway_of
from kgplan.api.keeper import keep_planner
from kgplan.diagnosis import LearnerModelConfig
from kgplan.embedding.config import EmbeddingConfig
from kgplan.errors import JobRunning, UnknownJob
from kgplan.model.opening import MODEL_KINDS, model_version, open_snapshot
from kgplan.pipeline.similarity import SimilarityConfig, run_similarity
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore
from kgplan.store.configs import configs_with, read_changes
from kgplan.store.stages import stages_of

URN = "urn:kgplan:problem:"
PATH = "/v1/learners/U_1/path?course_id=C_1&length=8"
SECONDS = 600  # nothing takes as long; a loaded machine may

# A command that behaves as told: `say LINE` appends to its log, `wait` waits to be ended.
PUPPET = """
import json, os, subprocess, sys, time
log = open(sys.argv[1], "a")
for step in sys.argv[2:]:
    word, _, rest = step.partition(" ")
    if word == "say":
        log.write(json.dumps({"at": "2026-01-01T00:00:00Z"} | json.loads(rest)) + "\\n")
        log.flush()
    elif word == "print":
        print(rest, flush=True)
    elif word == "child":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    elif word == "wait":
        time.sleep(600)
    elif word == "kill":
        os.kill(os.getpid(), int(rest))
    elif word == "exit":
        sys.exit(int(rest))
"""
START, END = 'say {"event": "start"}', 'say {"event": "end"}'
FAILED = 'say {"event": "failed", "error": "the server is gone", "kind": "GraphUnavailable"}'


def until(holds, seconds=SECONDS, pause=0.02):
    """What `holds` returns, once it is true."""
    begun = time.monotonic()
    while not (found := holds()):
        assert time.monotonic() - begun < seconds, "it never came"
        time.sleep(pause)
    return found


@pytest.fixture
def puppets(tmp_path):
    """Jobs whose command does as it is told; what is left of them is ended."""
    found = Jobs(Settings(home=tmp_path), command=[sys.executable, "-S", "-c", PUPPET])
    yield found
    for job in found.all():
        found.cancel(job.id)


def begin(jobs_, *steps, kind="reembed"):
    return jobs_.start(kind, {}, lambda folder: [str(folder / "log.jsonl"), *steps])


def ended(jobs_, job):
    """The job once its process is gone and its status noted."""
    until(lambda: (jobs_.root / job.id / "exit").exists())
    return jobs_.find(job.id)


# ---------------------------------------------------------------- jobs as processes


def test_a_job_is_queued_then_running_then_done(puppets):
    job = begin(puppets, START, "wait")
    assert job.state in ("queued", "running")
    until(lambda: puppets.find(job.id).state == "running")
    assert puppets.find(job.id).ended_at is None
    done = ended(puppets, begin(puppets, START, END, kind="other"))
    assert (done.state, done.headway.progress, done.error) == ("done", 1.0, "")


@pytest.mark.parametrize(
    ("steps", "kind", "says"),
    [
        ([START, FAILED, "exit 1"], "GraphUnavailable", "the server is gone"),
        ([START, "kill 9"], "JobDied", "was killed by SIGKILL, perhaps for want of memory"),
        (["print no module named torch", "exit 3"], "JobDied", "status 3; its last words: no mod"),
        ([START, "exit 0"], "JobDied", "ended with status 0, without a word"),
    ],
)
def test_a_job_that_failed_says_why(puppets, steps, kind, says):
    job = ended(puppets, begin(puppets, *steps))
    assert (job.state, job.error_kind) == ("failed", kind)
    assert says in job.error


def test_a_job_runs_beside_the_service_and_is_nicer(puppets):
    job = begin(puppets, START, "wait")
    pid = int((puppets.root / job.id / "pid").read_text())
    niceness = os.getpriority(os.PRIO_PROCESS, pid)
    assert niceness >= max(10, os.getpriority(os.PRIO_PROCESS, 0))
    assert os.getsid(pid) == pid != os.getsid(0)


def test_one_job_of_a_kind_at_a_time_and_the_refusal_names_it(puppets):
    job = begin(puppets, START, "wait")
    with pytest.raises(JobRunning, match=job.id):
        begin(puppets, START, END)
    with pytest.raises(JobRunning, match=job.id):  # as another process of the service sees it
        begin(Jobs(puppets.settings, puppets.command), START, END)
    assert [each.id for each in puppets.all()] == [job.id]
    puppets.cancel(job.id)
    assert ended(puppets, begin(puppets, START, END)).state == "done"


def test_a_cancelled_job_ends_with_all_that_it_started(puppets):
    job = begin(puppets, START, "child", "wait")
    until(lambda: puppets.find(job.id).state == "running")
    group = int((puppets.root / job.id / "pid").read_text())
    cancelled = puppets.cancel(job.id)
    assert (cancelled.state, cancelled.error) == ("cancelled", "")
    until(lambda: not group_lives(group))
    assert puppets.cancel(job.id).state == "cancelled"


def group_lives(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_job_that_ended_stays_as_it_is_when_cancelled(puppets):
    for steps, state in ([[START, END], "done"], [[START, FAILED], "failed"]):
        job = ended(puppets, begin(puppets, *steps))
        assert puppets.cancel(job.id).state == state


def test_a_job_outlives_the_service_that_started_it_and_is_found_again(puppets):
    """A starter that is killed at once; what it started is seen, and cancelled, from here."""
    starter = (
        "import os, sys; from pathlib import Path\n"
        "from kgplan.api.jobs import Jobs; from kgplan.settings import Settings\n"
        "jobs = Jobs(Settings(home=Path(sys.argv[1])), [sys.executable, '-S', '-c', sys.argv[2]])\n"
        "for kind, steps in (('waits', ['wait']), ('dies', ['kill 9']), ('ends', [sys.argv[4]])):\n"
        "    arguments = lambda folder: [str(folder / 'log.jsonl'), sys.argv[3], *steps]\n"
        "    jobs.start(kind, {}, arguments)\n"
        "os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run(
        [sys.executable, "-c", starter, puppets.settings.home, PUPPET, START, END], check=False
    )
    assert killed.returncode == -signal.SIGKILL

    def states():
        return {job.kind: job.state for job in puppets.all()}

    until(lambda: states() == {"waits": "running", "dies": "failed", "ends": "done"})
    found = {job.kind: job for job in puppets.all()}
    assert "is gone" in found["dies"].error or "SIGKILL" in found["dies"].error
    puppets.cancel(found["waits"].id)
    assert states()["waits"] == "cancelled"


def test_a_job_killed_between_the_switch_and_its_last_word_is_done(puppets):
    store, switch = (
        ArtifactStore(puppets.settings.artifacts),
        'say {"event": "stage", "stage": "switch"}',
    )
    killed = ended(puppets, begin(puppets, START, switch, "kill 9"))
    assert killed.state == "failed"
    made = []
    for kind in MODEL_KINDS:
        with store.draft(kind, {}, {}) as draft:
            draft.put(numbers=np.zeros(1))
        made.append(draft.finished())
    store.switch(*made, by=f"kgplan reembed (job {killed.id})")
    found = puppets.find(killed.id)
    assert (found.state, found.headway.model_version) == ("done", model_version(store))
    assert found.headway.progress == 1


def test_the_last_jobs_are_kept_and_none_that_is_at_work_is_lost(puppets, monkeypatch):
    monkeypatch.setattr(jobs, "KEPT_JOBS", 3)
    at_work = begin(puppets, START, "wait", kind="long")
    ids = [ended(puppets, begin(puppets, START, END)).id for _ in range(5)]
    assert [job.id for job in puppets.all()] == [*ids[:1:-1], at_work.id]
    with pytest.raises(UnknownJob):
        puppets.find(ids[0])


def test_a_log_line_that_is_being_written_is_not_read(puppets):
    job = begin(puppets, START, "wait")
    until(lambda: puppets.find(job.id).state == "running")
    with (puppets.root / job.id / "log.jsonl").open("a") as stream:
        stream.write('{"event": "en')
    assert puppets.find(job.id).state == "running"
    assert [json.loads(line)["event"] for line in puppets.log(job.id, 10)] == ["start"]


@pytest.mark.parametrize("warm", [False, True])
def test_progress_goes_from_nought_to_one_and_never_falls(warm):
    assert sum(jobs.shares_of_time(warm).values()) == pytest.approx(1)
    epochs = [
        {"event": "epoch", "epoch": n, "epochs": 5, "phase": phase, "validation_mrr": None}
        for phase in ("split", "refit")
        for n in range(1, 6)
    ]
    lines = [
        {"event": "start"},
        {"event": "stage", "stage": "embed"},
        *epochs,
        {"event": "stage", "stage": "diagnose"},
        *({"event": "progress", "stage": "diagnose", "done": n, "total": None} for n in (1, 9, 70)),
        {"event": "stage", "stage": "similarity"},
        {"event": "progress", "stage": "similarity", "done": 4, "total": 4},
        {"event": "stage", "stage": "switch"},
        {"event": "report", "stage": "switch", "version": "m"},
        {"event": "end"},
    ]
    told = [headway_of(lines[:n], warm) for n in range(len(lines) + 1)]
    progress = [each.progress for each in told]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0, 1)
    assert max(progress[:-1]) < 1
    assert len(set(progress)) > len(epochs)
    assert (told[-1].stage, told[-1].model_version, told[-1].ended) == ("switch", "m", True)


def test_changed_keys_reach_the_command(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text(to_toml({"training": {"epochs": 7}, "diagnose": {"damping": 0.2}}))
    configs = configs_with(read_changes(file), stages_of("model"))
    training = EmbeddingConfig.default().training
    assert configs["embed"].training == training.model_copy(update={"epochs": 7})
    assert configs["diagnose"] == LearnerModelConfig(damping=0.2)


# ---------------------------------------------------------------- over HTTP, in this process


@pytest.fixture
def home(mini_home, tmp_path) -> Settings:
    """A home in which two models came into use."""
    home = Settings(home=shutil.copytree(mini_home.home, tmp_path / "home"))
    run_similarity(home, SimilarityConfig(0.2))
    return home


@pytest.fixture
def client(home):
    app = create_app(keep_planner(home), administration=Administration(Jobs(home)))
    return TestClient(app, raise_server_exceptions=False)


def test_models_are_listed_activated_and_rolled_back_and_paths_follow_at_once(
    client, home, mini_home
):
    first = model_version(ArtifactStore(mini_home.artifacts))
    second = model_version(ArtifactStore(home.artifacts))
    listed = client.get("/v1/admin/models").json()["models"]
    assert [(each["version"], each["in_use"]) for each in listed] == [
        (second, True),
        (first, False),
    ]
    assert client.get(f"/v1/admin/models/{first}").json() == listed[1]
    after_second = client.get(PATH)
    told = client.post("/v1/admin/models/rollback").json()
    assert (told["model"]["version"], told["before"]) == (first, second)
    assert told["concepts"] == told["known_concepts"] == open_snapshot(home).concept_ids.size
    assert client.get(PATH).json()["model_version"] == first
    told = client.post(f"/v1/admin/models/{second}/activate").json()
    assert (told["model"]["version"], told["before"]) == (second, first)
    assert told["model"]["by"] == f"POST /v1/admin/models/{second}/activate"
    again = client.get(PATH)
    assert (again.content, again.headers["etag"]) == (
        after_second.content,
        after_second.headers["etag"],
    )


def test_what_cannot_be_put_into_use_is_a_problem_and_paths_stay(client, home, mini_home):
    first = model_version(ArtifactStore(mini_home.artifacts))
    before = client.get(PATH).content
    for version in ("0" * 16, "x", "..%2Fx"):
        unknown = client.post(f"/v1/admin/models/{version}/activate")
        assert unknown.status_code == 404
    unknown = client.get(f"/v1/admin/models/{first[:-1]}")
    assert unknown.json()["type"] == URN + "unknown-model-version"
    assert unknown.json()["close_matches"] == [first]
    similarity = client.get(f"/v1/admin/models/{first}").json()["artifacts"]["similarity"]
    (home.artifacts / "similarity" / similarity / "bounds.npy").write_bytes(b"")
    assert "bounds.npy" in client.get("/v1/admin/models").json()["models"][1]["problem"]
    for operation in (f"{first}/activate", "rollback"):
        refused = client.post(f"/v1/admin/models/{operation}")
        assert (refused.status_code, refused.json()["type"]) == (409, URN + "model-unusable")
        assert "bounds.npy is not what was written" in refused.json()["detail"]
    assert client.get(PATH).content == before


def test_a_refresh_tells_what_does_not_follow_the_graph(client, home):
    import ladybug

    before = client.get(PATH).json()["graph_version"]
    quiet = client.post("/v1/admin/graph/refresh").json()
    assert (quiet["graph_version_before"], quiet["graph_version"]) == (before, before)
    assert (quiet["outdated"], quiet["provisional_concepts"]) == ([], [])
    database = ladybug.Database(home.home / "graph.lbug", max_db_size=1 << 30)
    connection = ladybug.Connection(database)
    connection.execute(
        "MATCH (c:Course {id: 'C_1'}) CREATE (c)-[:COURSE_HAS_CONCEPT]->"
        "(:Concept {id: 'K_new', name: '新概念', source: 'designer'})"
    )
    connection.close()
    database.close()
    told = client.post("/v1/admin/graph/refresh").json()
    now = open_snapshot(home).version
    assert (told["graph_version_before"], told["graph_version"]) == (before, now)
    assert told["outdated"] == [
        {"kind": "embedding", "input": "graph", "made_from": before, "now": now}
    ]
    assert told["provisional_concepts"] == ["K_new"]
    assert client.get(PATH).json()["graph_version"] == now


def test_a_job_that_cannot_run_is_refused_before_it_starts(client, home, monkeypatch):
    def refused(body, status, name, says):
        answer = client.post("/v1/admin/jobs", json={"kind": "reembed"} | body)
        assert (answer.status_code, answer.json()["type"]) == (status, URN + name)
        assert says in answer.json()["detail"]

    refused({"config": {"training": {"epoch": 2}}}, 422, "config-error", "training.epochs")
    refused({"config": {"training": {"epochs": 0}}}, 422, "config-error", "0 cannot be used")
    refused({"alpha": 2}, 422, "bad-parameters", "alpha")
    refused({"warmth": True}, 422, "bad-parameters", "warmth")
    refused({"kind": "dance"}, 422, "bad-parameters", "reembed")
    in_use = json.loads((home.artifacts / "current.json").read_text())
    (home.artifacts / "current.json").write_text(
        json.dumps({kind: version for kind, version in in_use.items() if kind != "embedding"})
    )
    refused({"warm": True}, 503, "artifact-missing", "run `kgplan embed` first")
    monkeypatch.setattr(administration, "find_spec", lambda name: None)
    refused({}, 501, "missing-extra", "pip install 'kgplan[embed]'")
    assert not (home.home / "jobs").exists()
    assert client.get("/v1/admin/jobs").json() == {"jobs": []}
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/log")):
        answer = client.request(method, f"/v1/admin/jobs/..{path}x")
        assert answer.status_code == 404


ODD = [
    *("", "{", "[]", "null", "7", "NaN", "\udcff\udcfe", '{"kind": 5}', "[" * 100_000),
    '{"kind": "reembed", "options": [], "by": "", "created_at": "x", "model_before": ""}',
]
ODD_LINES = [
    *ODD,
    '{"event": "epoch", "at": "2026-03-01T10:15:00+00:00"}',
    '{"event": "stage", "stage": [], "at": "2026-03-01T10:15:00+00:00"}',
    '{"event": "report", "stage": "switch", "version": 5, "at": "2026-03-01T10:15:00+00:00"}',
    '{"event": "failed", "error": 5, "kind": {}, "at": "2026-03-01T10:15:00+00:00"}',
    '{"event": "end", "at": "yesterday"}',
    '{"event": "\\ud800", "at": 5}',
]


def test_odd_files_of_a_job_are_passed_over(client, puppets):
    object.__setattr__(client.app.state.administration, "jobs", puppets)
    whole = ended(puppets, begin(puppets, START, END))
    odd = ended(puppets, begin(puppets, START, END))

    def listed():
        answer = client.get("/v1/admin/jobs")
        assert answer.status_code == 200
        return {each["id"]: each["state"] for each in answer.json()["jobs"]}

    for content in ODD_LINES:
        (puppets.root / odd.id / "log.jsonl").write_bytes(
            (content + "\n").encode(errors="surrogateescape")
        )
        assert listed() == {whole.id: "done", odd.id: "failed"}
        assert client.get(f"/v1/admin/jobs/{odd.id}").status_code == 200
        assert client.get(f"/v1/admin/jobs/{odd.id}/log").status_code == 200
        assert client.delete(f"/v1/admin/jobs/{odd.id}").status_code == 200
    for content in ("x", "-", "-x", "-99999", "\udcff"):
        for name in ("exit", "pid", "cancelled"):
            (puppets.root / odd.id / name).write_bytes(content.encode(errors="surrogateescape"))
        assert listed().keys() == {whole.id, odd.id}
    for content in ODD:
        (puppets.root / odd.id / "job.json").write_bytes(content.encode(errors="surrogateescape"))
        assert listed() == {whole.id: "done"}
        assert client.get(f"/v1/admin/jobs/{odd.id}").status_code == 404
    assert begin(puppets, START, "wait").at_work
    assert stat.S_IMODE(puppets.root.stat().st_mode) == 0o700


def test_a_job_over_http_tells_its_error_as_a_problem(client, puppets):
    app = client.app
    object.__setattr__(app.state.administration, "jobs", puppets)
    job = ended(puppets, begin(puppets, START, FAILED, "exit 1"))
    at_work = begin(puppets, START, "wait")
    told = client.get(f"/v1/admin/jobs/{job.id}").json()
    assert told["error"]["type"] == URN + "graph-unavailable"
    assert (told["error"]["status"], told["error"]["detail"]) == (503, "the server is gone")
    listed = client.get("/v1/admin/jobs").json()["jobs"]
    assert [each["id"] for each in listed] == [at_work.id, job.id]
    failed = client.get("/v1/admin/jobs?state=failed").json()["jobs"]
    assert [each["id"] for each in failed] == [job.id]
    log = client.get(f"/v1/admin/jobs/{job.id}/log?tail=1")
    assert log.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line)["event"] for line in log.text.splitlines()] == ["failed"]
    unknown = client.get(f"/v1/admin/jobs/{job.id[:-1]}")
    assert unknown.json()["type"] == URN + "unknown-job"
    assert job.id in unknown.json()["close_matches"]
    assert client.delete(f"/v1/admin/jobs/{at_work.id}").json()["state"] == "cancelled"


# ---------------------------------------------------------------- a real service


@pytest.fixture
def service(mini_home, tmp_path):
    """`kgplan serve` on a copy of the miniature's home: a client of it, and the home."""
    home = Settings(home=shutil.copytree(mini_home.home, tmp_path / "home"))
    (port,) = free_ports(1)
    command = [Path(sys.executable).with_name("kgplan"), "serve", "--dev", "--port", str(port)]
    environment = os.environ | {"KGPLAN_HOME": str(home.home), "KGPLAN_DRAIN_SECONDS": "0"}
    with (tmp_path / "service.log").open("wb") as log:
        started = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:

        def answers():
            assert started.poll() is None, (tmp_path / "service.log").read_text()
            try:
                return client.get("/health").is_success
            except httpx.TransportError:
                return False

        try:
            until(answers, pause=0.2)
            yield client, home
        finally:
            started.terminate()
            started.wait(60)


def test_a_job_renews_the_model_of_a_running_service_and_a_rollback_brings_the_old_plans_back(
    service,
):
    client, home = service
    store = ArtifactStore(home.artifacts)
    old, before = client.get(PATH), store.in_use()

    def begin(epochs):
        config = {"training": {"epochs": epochs}, "split": {"fewest": 0}}
        body = {"kind": "reembed", "alpha": 0.3, "config": config}
        begun = client.post("/v1/admin/jobs", json=body)
        assert begun.status_code == 202
        return begun.headers["location"]

    # a job that nobody waits for
    endless = begin(1_000_000)
    refused = client.post("/v1/admin/jobs", json={"kind": "reembed"})
    assert (refused.status_code, refused.json()["type"]) == (409, URN + "job-running")
    assert endless.rpartition("/")[2] in refused.json()["detail"]
    until(lambda: client.get(endless).json()["state"] == "running", pause=0.2)
    assert client.delete(endless).json()["state"] == "cancelled"
    assert store.in_use() == before
    assert list((home.artifacts / ".drafts").iterdir()) == []

    # one that is
    job, told = begin(3), []

    def over():
        told.append(client.get(job).json())
        return told[-1]["state"] in ("done", "failed", "cancelled")

    until(over, pause=0.2)
    last = told[-1]
    assert (last["state"], last["error"], last["progress"]) == ("done", None, 1.0)
    assert [each["progress"] for each in told] == sorted(each["progress"] for each in told)
    assert last["created_at"] < last["started_at"] < last["ended_at"]
    assert last["model_before"] == old.json()["model_version"]
    assert last["model_version"] == model_version(store) != last["model_before"]
    events = [json.loads(line) for line in client.get(f"{job}/log").text.splitlines()]
    assert [each["stage"] for each in events if each["event"] == "report"] == [
        "embed",
        "diagnose",
        "resources",
        "engagement",
        "similarity",
        "switch",
    ]
    assert (events[0]["event"], events[-1]["event"]) == ("start", "end")
    measured = [e["validation_mrr"] for e in events if e.get("validation_mrr") is not None]
    assert last["validation_mrr"] == measured[-1]

    # the service follows by itself, and goes back
    until(lambda: client.get(PATH).json()["model_version"] == last["model_version"])
    listed = client.get("/v1/admin/models").json()["models"]
    assert (listed[0]["in_use"], listed[0]["by"]) == (True, f"kgplan reembed (job {last['id']})")
    assert client.get(PATH).content != old.content
    back = client.post("/v1/admin/models/rollback").json()
    assert back["model"]["version"] == old.json()["model_version"]
    again = client.get(PATH)
    assert (again.content, again.headers["etag"]) == (old.content, old.headers["etag"])
    noted = [json.loads(line) for line in (home.home / "audit.jsonl").read_text().splitlines()]
    begun = [line["action"] for line in noted if line["outcome"] == "begun"]
    ended = [line for line in noted if line["outcome"] != "begun"]
    assert begun == [line["action"] for line in ended]
    assert [(line["action"], line["outcome"]) for line in ended] == [
        ("start-job", "done"),
        ("start-job", "failed: job-running"),
        ("cancel-job", "done"),
        ("start-job", "done"),
        ("roll-back-model", "done"),
    ]
