"""What load does the service bear, and where does the time go? `make load`, or

python tests/bench/load [--parts NAME,...] [--seconds S] [--minutes M] [--homes DIR]

wrk (a program of its own: `apt-get install wrk`) sends over loopback, from the same cores that
answer. Beside what a client sees, each table gives the CPU time of the service for a request,
which other work on the machine changes less. The rate is as fast as answers come (closed loop).
"""

import argparse
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import numpy as np
from home import made_aside

from kgplan.model.opening import open_records
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore

HERE = Path(__file__).parent
CONNECTIONS = 16
TICK = os.sysconf("SC_CLK_TCK")
PAPER = 15_921
GROWTH = {
    "a quarter of the learners": {"learners": PAPER // 4},
    "half of the learners": {"learners": PAPER // 2},
    "the paper's size": {},
    "a quarter of the concepts": {"concepts": 2_568},
    "half of the concepts": {"concepts": 5_135},
}
LINES = 12_000  # pairs of a learner and a course that are asked for


@dataclass
class Found:
    """What one run of wrk found; times in milliseconds, CPU in microseconds a request."""

    name: str
    rate: float
    p50: float
    p99: float
    worst: float
    server_cpu: float
    client_cpu: float
    wrong: int
    load: float

    def row(self) -> str:
        """A line of the table."""
        return (
            f"| {self.name} | {self.rate:,.0f} | {self.p50:.2f} | {self.p99:.1f}"
            f" | {self.worst:.0f} | {self.server_cpu:.0f} | {self.client_cpu:.0f}"
            f" | {self.wrong} | {self.load:.1f} |"
        )


HEAD = (
    "| | requests/s | p50 ms | p99 ms | worst ms | CPU us a request | of wrk | wrong | load |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


class Server:
    """A running service and its processes."""

    def __init__(self, process: subprocess.Popen, port: int) -> None:
        self.process, self.url = process, f"http://127.0.0.1:{port}"

    def processes(self) -> list[int]:
        """The parent, then its workers."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [self.process.pid, *map(int, listed.split())]

    def cpu_seconds(self) -> float:
        """User and system time of all processes."""
        stats = (Path(f"/proc/{pid}/stat").read_text() for pid in self.processes())
        return sum(sum(map(int, s.rpartition(")")[2].split()[11:13])) for s in stats) / TICK

    def megabytes(self) -> tuple[float, float]:
        """Memory of all processes, each page once (PSS): all of it, and that not of files."""
        total = anonymous = 0
        for pid in self.processes():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
                if line.startswith("Pss_Anon:"):
                    anonymous += int(line.split()[1])
        return total / 1024, anonymous / 1024


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


@contextmanager
def serving(home: Path, workers: int, **settings: str) -> Iterator[Server]:
    """`kgplan serve` on a home, its log in a file."""
    port = free_port()
    code = "from kgplan.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", "--dev", f"--port={port}"]
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w") as log:
        given = {
            "KGPLAN_HOME": str(home),
            "KGPLAN_RECORDS": f"sqlite:///{folder}/learners.db",
            "KGPLAN_DRAIN_SECONDS": "0",
            **settings,
        }
        with started([*command, f"--workers={workers}"], port, "/health", log, given) as server:
            yield server


@contextmanager
def empty(framework: str, workers: int) -> Iterator[Server]:
    """An application of one route that answers {}, as the service is served."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "uvicorn", f"empty:{framework}", "--app-dir", str(HERE)),
        *("--port", str(port), "--workers", str(workers), "--no-access-log"),
    ]
    with Path(os.devnull).open("w") as log, started(command, port, "/", log, {}) as server:
        yield server


@contextmanager
def started(
    command: Sequence[str], port: int, path: str, log: object, given: dict[str, str]
) -> Iterator[Server]:
    process = subprocess.Popen(
        command, stdout=log, stderr=subprocess.STDOUT, env=os.environ | given
    )
    try:
        server, begun = Server(process, port), time.monotonic()
        while True:
            assert process.poll() is None, "the service ended; see its settings"
            assert time.monotonic() - begun < 600, "the service did not come up"
            try:
                urlopen(server.url + path, timeout=5).read()
                break
            except OSError:
                time.sleep(0.1)
        time.sleep(2)  # the other workers
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def wrk(
    name: str, server: Server, mode: str, file: Path | str, seconds: float, path: str = "/"
) -> Found:
    """Send for some seconds."""
    begun, mine = server.cpu_seconds(), resource.getrusage(resource.RUSAGE_CHILDREN)
    said = subprocess.run(
        [
            *("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "-s", HERE / "requests.lua"),
            *("--timeout=30s", server.url + path, "--", mode, str(time.time_ns() % 10**9), file),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = json.loads(said.rstrip().rpartition("\n")[2])
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    client = used.ru_utime + used.ru_stime - mine.ru_utime - mine.ru_stime
    n = max(found["requests"], 1)
    return Found(
        name,
        n / found["seconds"],
        found["p50"],
        found["p99"],
        found["max"],
        1e6 * (server.cpu_seconds() - begun) / n,
        1e6 * client / n,
        found["errors"] + found["not_2xx_3xx"],
        os.getloadavg()[0],
    )


def write_lines(settings: Settings, server: Server, folder: Path, etags: int) -> tuple[Path, Path]:
    """Files of who asks for what: all, and some with the ETag of the answer.

    A learner asks for a course of theirs, and watches a video of it.
    """
    records, _ = open_records(ArtifactStore(settings.artifacts))
    rng = np.random.default_rng(0)
    enrolled = records.enrolled.tocoo()
    lines = []
    for k in rng.permutation(enrolled.nnz):
        shown = records.course_items[[enrolled.col[k]]].indices
        if shown.size:
            ids = (
                records.learner_ids[enrolled.row[k]],
                records.course_ids[enrolled.col[k]],
                records.item_ids[rng.choice(shown)],
            )
            lines.append("\t".join(quote(str(each)) for each in ids))
        if len(lines) == LINES:
            break
    everyone, some = folder / "all", folder / "some"
    everyone.write_text("".join(f"{line}\t\n" for line in lines))
    with some.open("w") as out:
        for line in lines[:etags]:
            learner, course, _ = line.split("\t")
            with urlopen(f"{server.url}/v1/learners/{learner}/path?course_id={course}") as answer:
                out.write(f"{line}\t{answer.headers['etag']}\n")
    return everyone, some


def paths(home: Path, workers: int, seconds: float, name: str = "") -> None:
    """Kept, not changed, made, mixed."""
    settings = Settings(home=home)
    with serving(home, workers) as server, tempfile.TemporaryDirectory() as folder:
        everyone, some = write_lines(settings, server, Path(folder), 400)
        label = f"{name}{workers} worker{'s' if workers > 1 else ''}: "
        for each, mode, file in (
            ("kept", "cached", some),
            ("not changed (304)", "same", some),
            ("made", "made", everyone),
            ("mixed 80:15:5", "mixed", everyone),
        ):
            wrk("", server, mode, file, min(seconds, 2))
            print(wrk(label + each, server, mode, file, seconds).row(), flush=True)


def baseline(workers: int, seconds: float) -> None:
    """An empty route of each framework, by the same server."""
    for framework in ("starlette", "fastapi"):
        with empty(framework, workers) as server:
            wrk("", server, "plain", "", 1)
            found = wrk(
                f"{workers} worker{'s' if workers > 1 else ''}: empty route of {framework}",
                *(server, "plain", "", seconds),
            )
            print(found.row(), flush=True)


def endurance(home: Path, workers: int, minutes: float) -> None:
    """The mixed load for minutes, and the memory meanwhile."""
    settings = Settings(home=home)
    with serving(home, workers) as server, tempfile.TemporaryDirectory() as folder:
        everyone, _ = write_lines(settings, server, Path(folder), 0)
        memory: list[tuple[float, float, float]] = []
        done = threading.Event()
        begun = time.monotonic()

        def watch() -> None:
            while not done.is_set():
                memory.append((time.monotonic() - begun, *server.megabytes()))
                done.wait(minutes * 60 / 20)

        watching = threading.Thread(target=watch)
        watching.start()
        found = wrk(f"{minutes:g} minutes mixed", server, "mixed", everyone, minutes * 60)
        done.set()
        watching.join()
        print(found.row())
        print("\n| minute | PSS MB | not of files MB |\n|---|---|---|")
        for at, total, anonymous in memory:
            print(f"| {at / 60:.1f} | {total:.0f} | {anonymous:.0f} |")


def memory(home: Path) -> None:
    """Workers that share the arrays beside as many services that each hold their own."""
    print("\n| processes | sharing: PSS MB (not of files) | apart: PSS MB (not of files) |")
    print("|---|---|---|")
    for number in (1, 2, 4):
        together = used([number], home)
        apart = used([1] * number, home)
        print(f"| {number} | {together} | {apart} |", flush=True)


def used(workers: Sequence[int], home: Path) -> str:
    """Memory of services, each of so many workers, after some load."""
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        servers = [stack.enter_context(serving(home, number)) for number in workers]
        everyone, _ = write_lines(Settings(home=home), servers[0], Path(folder), 0)
        for server in servers:
            wrk("", server, "made", everyone, 5)
        sizes = [server.megabytes() for server in servers]
        total, anonymous = (sum(each) for each in zip(*sizes, strict=True))
    return f"{total:.0f} ({anonymous:.0f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--homes", type=Path, default=Path(tempfile.gettempdir()) / "kgplan-load")
    parser.add_argument("--parts", default="baseline,paths,memory,endurance,growth")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    parts = given.parts.split(",")
    paper = given.homes / "paper"
    made_aside(paper)
    counts = sorted({1, given.workers})
    if {"baseline", "paths"} & set(parts):
        print(HEAD)
    for workers in counts:
        if "baseline" in parts:
            baseline(workers, given.seconds)
        if "paths" in parts:
            paths(paper, workers, given.seconds)
    if "memory" in parts:
        memory(paper)
    if "growth" in parts:
        print(f"\n{HEAD}")
        for name, sizes in GROWTH.items():
            home = given.homes / name.replace(" ", "-").replace("'", "") if sizes else paper
            made_aside(home, **sizes)
            paths(home, 1, given.seconds, f"{name}, ")
    if "endurance" in parts:
        print(f"\n{HEAD}")
        endurance(paper, given.workers, given.minutes)


if __name__ == "__main__":
    main()
