"""Do the commands that README and guide print run, in order and as they are printed?"""

import os
import re
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest
from neo4j_server import free_ports

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
OF_MAKE = ("ARGS", "MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS")
TEN_MINUTES = (ROOT / "docs" / "guide" / "ten-minutes.md").read_text(encoding="utf-8")
KGPLAN = Path(sys.executable).with_name("kgplan")
OTHERWISE_RUN = {"make demo", "make test"}  # by whoever runs this, and by the fixtures
FLAGS = runpy.run_path(str(ROOT / "docs" / "reference.py"))["flags"]()
FLAGS["kgplan resources"] = FLAGS["kgplan resources rank"]  # which may be left out
"""The options of each command."""


def blocks(text, language):
    """Its blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def printed(text):
    """The lines of its blocks for a shell, without their comments."""
    lines = (
        re.sub(r"\s+#.*", "", line) for block in blocks(text, "sh") for line in block.splitlines()
    )
    return [line for line in lines if line]


def test_the_readme_runs_as_printed(sample_home, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(sample_home.home, home)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "kgplan").symlink_to(KGPLAN)
    # what somebody gave to `make test` is not for the `make` of the page
    environment = {k: v for k, v in os.environ.items() if k not in OF_MAKE}
    environment |= {"KGPLAN_HOME": str(home)}
    (port,) = free_ports(1)
    service = None
    try:
        for line in printed(README):
            if line in OTHERWISE_RUN:
                continue
            if line == "make serve":
                service = subprocess.Popen(
                    ["make", "-C", ROOT, "serve", f"PORT={port}"],
                    env=environment,
                    start_new_session=True,
                )
                wait_for(f"http://localhost:{port}/health/ready", service)
                continue
            command = line.replace("localhost:8000", f"localhost:{port}")
            command = command.replace("curl ", "curl --fail-with-body --silent --show-error ")
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
            assert len(done.stdout) > 100, f"{line} says next to nothing: {done.stdout}"
    finally:
        if service is not None:
            os.killpg(service.pid, signal.SIGTERM)
            service.wait(60)


def test_the_ten_minutes_run_as_printed_in_an_empty_folder(tmp_path):
    """As one script, which stops at a command that fails; what the page shows is printed."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "".join(blocks(TEN_MINUTES, "sh"))],
        cwd=tmp_path,
        env=os.environ | {"PATH": f"{KGPLAN.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    place = 0
    for line in "".join(blocks(TEN_MINUTES, "text")).splitlines():
        place = done.stdout.find(line, place)
        assert place >= 0, f"{done.stdout}\n{line!r} is not printed, or not there"


def wait_for(address, service):
    """Return when the address answers."""
    while service.poll() is None:
        try:
            with urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"make serve ended with {service.returncode}")


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md"))],
    ids=lambda p: p.name,
)
def test_a_command_that_is_named_has_these_options(page):
    text = page.read_text(encoding="utf-8")
    inline = re.findall(r"`((?:\.venv/bin/)?kgplan [^`]*)`", text)
    lines = [part for line in printed(text) for part in re.split(r"&&|\|", line)]
    for given in [*inline, *(each.strip() for each in lines)]:
        words = shlex.split(given.replace("…", "X"))
        if not words or Path(words[0]).name != "kgplan":
            continue
        words = ["kgplan", *words[1:]]
        path = max(
            (name for name in FLAGS if words[: len(name.split())] == name.split()),
            key=len,
            default=None,
        )
        assert path is not None or len(words) == 1, f"{given}: no such command"
        unknown = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert unknown <= FLAGS.get(path, set()), given


def test_a_target_that_is_named_is_in_the_makefile():
    targets = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = re.findall(r"`make ([a-z0-9-]+)", README) + [
        line.split()[1] for line in printed(README) if line.startswith("make ")
    ]
    assert set(named) <= set(targets)
