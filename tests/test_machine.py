"""kgplan where the system lacks what only Unix has, as Windows does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from forked import run_kgplan

from kgplan import machine

# Hidden from kgplan alone: other libraries choose by the system's name, which stays. The stand-in
# of Windows' module locks a byte for one process, as that does.
HIDE = """
import builtins, fcntl, os, sys, types

real = builtins.__import__
HIDDEN = {"fcntl", "resource", "pwd", "grp", "termios"}

def guarded(name, globals=None, *rest, **named):
    if (globals or {}).get("__name__", "").startswith("kgplan"):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if name == "msvcrt":
            return types.SimpleNamespace(locking=locking, LK_NBLCK=2)
    return real(name, globals, *rest, **named)

def locking(handle, mode, n_bytes):
    fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, n_bytes, os.lseek(handle, 0, os.SEEK_CUR))

builtins.__import__ = guarded
import psutil
psutil.Process.memory_info = lambda process: types.SimpleNamespace(peak_wset=1 << 20)
for name in ("fork", "killpg", "pread", "pwrite", "sched_getaffinity", "setpriority", "setsid"):
    delattr(os, name)
"""

IMPORT = """
import importlib, pkgutil, kgplan
for each in pkgutil.walk_packages(kgplan.__path__, "kgplan."):
    if not each.name.endswith("__main__") and ".migrations" not in each.name:
        importlib.import_module(each.name)
"""

COMMAND = """
import sys
from kgplan.cli import main
sys.argv = ["kgplan", *sys.argv[1:]]
main()
"""

SERVE = """
import sys
from fastapi.testclient import TestClient
from kgplan.api.jobs import Jobs
from kgplan.api.keeper import keep_planner
from kgplan.api.service import make_service
from kgplan.api.workers import serve_by_workers
from kgplan.errors import OtherSystem
from kgplan.settings import Settings

settings = Settings(home=sys.argv[1], auth="dev")
service = make_service(settings, keep_planner(settings))
with TestClient(service, base_url="http://127.0.0.1") as client:
    path = "/v1/learners/U_1/path?course_id=C_1"
    first = client.get(path)
    assert first.status_code == 200, first.text
    seen = {"event_id": "1", "learner_id": "U_1", "item_id": "V_1", "share": 1}
    assert client.post("/v1/events", json=[seen]).json()["stored"] == ["1"]
    assert client.get(path).status_code == 200
    assert client.delete("/v1/learners/U_1").status_code < 300
    assert client.post("/v1/admin/jobs", json={"kind": "reembed"}).status_code == 501
try:
    serve_by_workers(settings, "127.0.0.1", 0, 2)
except OtherSystem as refused:
    assert "several workers" in str(refused)
else:
    raise AssertionError("several workers without fork")
"""


def run(script: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess:
    """Run a script where what only Unix has is hidden."""
    return subprocess.run(
        [sys.executable, "-c", HIDE + script, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )


def test_every_module_is_imported_where_unix_is_hidden():
    done = run(IMPORT)
    assert done.returncode == 0, done.stderr


def test_an_archive_is_read_and_a_path_planned_where_unix_is_hidden(
    mini_source, mini_home, tmp_path
):
    read = run(COMMAND, "etl", "run", mini_source, KGPLAN_HOME=str(tmp_path))
    assert read.returncode == 0, read.stderr
    planned = run(COMMAND, "plan", "U_1", "C_1", "--json", KGPLAN_HOME=str(mini_home.home))
    here = run_kgplan(mini_home.home, "plan", "U_1", "C_1", "--json")
    assert here.returncode == 0, here.stderr
    assert planned.returncode == 0, planned.stderr
    assert planned.stdout == here.stdout


def test_the_service_answers_where_unix_is_hidden_and_refuses_what_needs_it(mini_home, tmp_path):
    home = tmp_path / "home"
    subprocess.run(["cp", "-r", mini_home.home, home], check=True)
    done = run(SERVE, home)
    assert done.returncode == 0, done.stderr


def test_a_lock_is_one_process_at_a_time_whatever_the_system(tmp_path):
    ask = (
        "import os, sys; from kgplan.machine import lock;"
        "print(lock(os.open(sys.argv[1], os.O_RDWR), wait=False))"
    )
    hold = (
        "import os, sys; from kgplan.machine import lock;"
        "assert lock(os.open(sys.argv[1], os.O_RDWR)); print('held', flush=True); input()"
    )
    path = tmp_path / "lock"
    path.touch()
    for hidden in (HIDE, ""):
        command = [sys.executable, "-c", hidden + hold, str(path)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as holder:
            assert holder.stdout.readline() == "held\n"
            asked = [sys.executable, "-c", hidden + ask, str(path)]
            assert subprocess.check_output(asked, text=True) == "False\n"
            holder.communicate("\n")
        assert subprocess.check_output(asked, text=True) == "True\n"


@pytest.mark.skipif(not hasattr(os, "pread"), reason="nothing to compare with")
def test_bytes_at_a_place_are_read_and_written_without_the_systems_own_call(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"0123456789")
    handle = os.open(tmp_path / "file", os.O_RDWR)
    try:
        expected = os.pread(handle, 3, 5)
        monkeypatch.delattr(os, "pread")
        monkeypatch.delattr(os, "pwrite")
        assert machine.read_at(handle, 3, 5) == expected
        machine.write_at(handle, b"xy", 4)
    finally:
        os.close(handle)
    assert Path(tmp_path / "file").read_bytes() == b"0123xy6789"
