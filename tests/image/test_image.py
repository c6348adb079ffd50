"""The image, built and run: `make test-image`.

Needs buildah, as root, and the base images, here or to be pulled. Layers are kept between runs, so
that only what changed is built; files' times say nothing of that, and are all the same.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import psutil
import pytest

ROOT = Path(__file__).parents[2]
BASES = ("docker.io/library/python:3.11-slim", "docker.io/library/node:22-slim")
PLAIN = ("--isolation", "chroot", "--network", "host")  # works in a container, too
NAME = "kgplan-tested"
READY_SECONDS, PACKAGES_BYTES = 8.0, 450_000_000
USER = 10001
OPTIONAL = (
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "neo4j._rust",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "psycopg",
    "uvloop",
)


def buildah(*arguments: object) -> str:
    """What a command of buildah prints."""
    done = subprocess.run(
        ["buildah", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout.strip()


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A container of the image, built from the files that git knows."""
    if shutil.which("buildah") is None or os.geteuid() != 0:
        pytest.skip("waits for buildah: as root; on Debian: apt-get install buildah")
    for base in BASES:
        pulled = ["timeout", "600", "buildah", "pull", "-q", "--policy", "missing", base]
        if subprocess.run(pulled, check=False, capture_output=True).returncode:
            pytest.skip(f"waits for a base image: {base} is not here and cannot be pulled")
    context = tmp_path_factory.mktemp("context")
    names = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True).split("\0")
    for name in filter(None, names):
        source, copy = ROOT / name, context / name
        if source.is_file() and not source.is_symlink():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
    for path in (context, *context.rglob("*")):
        os.utime(path, (0, 0))
    buildah(
        "bud", "-q", "--layers", *PLAIN, "-f", context / "docker/Dockerfile", "-t", NAME, context
    )
    made = buildah("from", NAME)
    yield made
    buildah("rm", made)


@pytest.fixture
def home(mini_home, tmp_path: Path) -> Path:
    """A copy of the miniature's model."""
    shutil.copytree(mini_home.home, tmp_path / "home")
    return tmp_path / "home"


def give(folder: Path, user: int) -> None:
    """Make a user the owner of a folder and all in it."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, user)


class Service:
    """`kgplan serve` in the container.

    Args:
        container: of the image.
        home: its KGPLAN_HOME.
        user: who runs it; the image's own where None.
    """

    def __init__(self, container: str, home: Path, user: int | None = None) -> None:
        give(home, user or USER)
        with socket.socket() as asked:
            asked.bind(("127.0.0.1", 0))
            self.port = asked.getsockname()[1]
        self.process = subprocess.Popen(
            [
                *("buildah", "run", *PLAIN, "-v", f"{home}:/var/lib/kgplan"),
                *(("--user", str(user)) if user else ()),
                *(container, "--", "kgplan", "serve", "--dev", "--port", str(self.port)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def answer(self, path: str) -> dict:
        """What it answers."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}") as answered:
            return json.load(answered)

    def wait(self) -> None:
        """Wait until it is ready."""
        while True:
            try:
                self.answer("/health/ready")
                return
            except URLError:
                assert self.process.poll() is None, self.process.stdout.read()
                time.sleep(0.05)

    @property
    def inside(self) -> psutil.Process:
        """The process of the service itself."""
        (found,) = [
            each
            for each in psutil.Process(self.process.pid).children(recursive=True)
            if "serve" in each.cmdline() and each.cmdline()[0].endswith("python")
        ]
        return found


def test_the_packages_weigh_what_serving_needs(container):
    counted = buildah("run", *PLAIN, container, "--", "du", "-sb", "/opt/kgplan")
    assert int(counted.split()[0]) <= PACKAGES_BYTES


@pytest.mark.parametrize("user", [None, 12345])
def test_it_is_soon_ready_plans_and_stops_when_told_whoever_runs_it(container, home, user):
    service = Service(container, home, user)
    try:
        service.wait()
        inside = service.inside
        # of its processor's time, as others may keep the machine busy
        assert sum(inside.cpu_times()[:2]) < READY_SECONDS
        assert set(inside.uids()) == {user or USER}
        for planner in ("gain", "kg-plppm"):
            asked = f"/v1/learners/U_2/path?course_id=C_1&planner={planner}"
            assert service.answer(asked)["steps"]
        inside.send_signal(signal.SIGTERM)
        assert service.process.wait(40) == 0, service.process.stdout.read()
    finally:
        service.process.kill()


def test_the_image_has_what_serving_may_be_told_to_use(container):
    script = f"import {', '.join(OPTIONAL)}"
    buildah("run", *PLAIN, container, "--", "python", "-c", script)


def test_what_the_image_leaves_out_is_said_in_one_sentence(container):
    done = subprocess.run(
        ["buildah", "run", *PLAIN, container, "--", "kgplan", "etl", "run", "/tmp"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "pip install kgplan" in done.stderr
    assert "Traceback" not in done.stderr
