"""What does the service count and measure? Numbers in Prometheus' format, from all its processes.

Requests are counted as they are answered. Everything else (snapshot, records, caches, memory)
counts by itself in plain numbers, which `Metrics.sample` reads: at a scrape, and every few seconds
where several processes serve, since a scrape reaches only one of them. Processes share their
numbers through files in a folder (`share_metrics`).
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Literal

import psutil
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from kgplan import __version__
from kgplan.api.answers import AnswerCache
from kgplan.api.keeper import Keeper
from kgplan.api.learner_states import LearnerStates
from kgplan.api.telemetry.readiness import Readiness
from kgplan.model.current import CurrentLearners

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # read by prometheus_client
SAMPLE_SECONDS = 2.0
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip
Over = Literal["livesum", "livemax"]  # how a gauge of all processes comes from theirs
disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series, which nobody asks for
_MEMORY = {"anonymous": "RssAnon", "file": "RssFile", "shared": "RssShmem"}


@dataclass(frozen=True)
class Sources:
    """Where the numbers of one process come from, requests apart."""

    keeper: Keeper
    answers: AnswerCache
    learners: LearnerStates
    readiness: Readiness


class Metrics:
    """The numbers of this process, and the way to all processes' numbers."""

    def __init__(self) -> None:
        self.shared = FOLDER in os.environ
        self.registry = registry = CollectorRegistry()

        def counter(name: str, help_text: str, *labels: str) -> Counter:
            return Counter(f"kgplan_{name}", help_text, labels, registry=registry)

        def gauge(name: str, help_text: str, *labels: str, over: Over = "livesum") -> Gauge:
            named = f"kgplan_{name}"
            return Gauge(named, help_text, labels, registry=registry, multiprocess_mode=over)

        self._seconds = Histogram(
            "kgplan_request_seconds",
            "Time to answer a request.",
            ("route", "method", "status"),
            buckets=SECONDS,
            registry=registry,
        )
        self._problems = counter("problems", "Problems answered, by their name.", "problem")
        self._events = counter(
            "events",
            "Events by what became of them; unknown: items and courses that no data tell of.",
            *("form", "result"),
        )
        self._in_flight = gauge("requests_in_flight", "Requests that are being answered.")
        self._workers = gauge(
            "workers",
            "Processes that serve these versions; 0 once none does.",
            *("version", "graph_version", "model_version"),
        )
        self._stopping = gauge("workers_stopping", "Processes that were told to stop.")
        self._stale = gauge(
            "stale",
            "1 while the graph or the model may have changed unseen, or is damaged on the disk.",
            over="livemax",
        )
        self._age = gauge(
            "snapshot_age_seconds",
            "Time since the graph and the model in use were read.",
            over="livemax",
        )
        self._unchecked = gauge(
            "snapshot_unchecked_seconds",
            "Time since it was last seen that nothing newer is to be read.",
            over="livemax",
        )
        self._builds = counter("snapshot_builds", "Planners built of a new graph or model.")
        self._build_seconds = counter("snapshot_build_seconds", "Time that this took.")
        self._waiting = gauge("records_waiting", "Requests that wait for the records' writer.")
        self._commits = counter("records_commits", "Transactions of the records' writer.")
        self._written = counter("records_written", "Requests written by them.")
        self._commit_seconds = counter("records_commit_seconds", "Time that they took.")
        self._failures = counter("records_failures", "Requests that could not be written.")
        self._asked = counter(
            "cache_requests", "Look-ups in what is kept in memory.", "cache", "result"
        )
        self._entries = gauge("cache_entries", "What is kept in memory.", "cache")
        self._bytes = gauge("cache_bytes", "What it takes.", "cache")
        self._memory = gauge("memory_bytes", "Resident memory.", "kind")
        self._cpu = counter("cpu_seconds", "Processor time, of the system's work too.")
        self._by_labels: dict[tuple[str, str, int], Histogram] = {}
        self._last: dict[Counter, float] = {}
        self._versions: tuple[str, ...] | None = None
        self._sampling = Lock()

    def observe(
        self, route: str, method: str, status: int, seconds: float, problem: str = ""
    ) -> None:
        """Count one request.

        Args:
            route: its template, so that there are no more series than operations.
            status: of which the class counts, such as 4xx.
            problem: name of the problem that it was answered with; empty where none.
        """
        key = route, method, status // 100
        timer = self._by_labels.get(key)
        if timer is None:
            timer = self._by_labels[key] = self._seconds.labels(route, method, f"{key[2]}xx")
        timer.observe(seconds)
        if problem:
            self._problems.labels(problem).inc()

    def count_events(self, form: str, **results: int) -> None:
        """Count events.

        Args:
            form: in which they were sent, `event` or `xapi`.
            results: what became of them -> how many.
        """
        for result, number in results.items():
            if number:
                self._events.labels(form, result).inc(number)

    def sample(self, sources: Sources) -> None:
        """Read the numbers that are kept elsewhere."""
        with self._sampling:
            self._sample_snapshot(sources.keeper)
            self._in_flight.set(sources.readiness.in_flight)
            self._stopping.set(sources.readiness.stopping)
            answers, learners = sources.answers, sources.learners
            self._sample_cache("answers", answers.hits, answers.misses, len(answers))
            self._bytes.labels("answers").set(answers.n_bytes)
            if isinstance(learners, CurrentLearners):
                self._sample_cache("mastery", learners.hits, learners.misses, learners.n_kept)
                writer = learners.store.writer
                self._waiting.set(learners.store.waiting)
                self._advance(self._commits, writer.commits)
                self._advance(self._written, writer.written)
                self._advance(self._commit_seconds, writer.seconds)
                self._advance(self._failures, writer.failures)
            for kind, size in resident_memory().items():
                self._memory.labels(kind).set(size)
            self._advance(self._cpu, time.process_time())

    def render(self) -> bytes:
        """All numbers, of all processes where several serve."""
        if not self.shared:
            return generate_latest(self.registry)
        folder = Path(os.environ[FOLDER])
        for pid in {int(path.stem.rsplit("_", 1)[1]) for path in folder.glob("gauge_live*.db")}:
            if not psutil.pid_exists(pid):
                mark_process_dead(pid)  # type: ignore[no-untyped-call]
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone, str(folder))  # type: ignore[no-untyped-call]
        return generate_latest(everyone)

    def _sample_snapshot(self, keeper: Keeper) -> None:
        served, now = keeper.served, time.monotonic()
        self._stale.set(served.stale or served.damage is not None)
        self._age.set(now - keeper.built)
        self._unchecked.set(now - keeper.checked)
        self._advance(self._builds, keeper.builds)
        self._advance(self._build_seconds, keeper.build_seconds)
        versions = __version__, served.planner.graph.version, served.planner.model_version
        if versions != self._versions:
            if self._versions is not None:
                self._workers.labels(*self._versions).set(0)
            self._workers.labels(*versions).set(1)
            self._versions = versions

    def _sample_cache(self, name: str, hits: int, misses: int, entries: int) -> None:
        self._advance(self._asked.labels(name, "hit"), hits)
        self._advance(self._asked.labels(name, "miss"), misses)
        self._entries.labels(name).set(entries)

    def _advance(self, counter: Counter, total: float) -> None:
        """Bring a counter to a total that is kept elsewhere."""
        last = self._last.get(counter, 0.0)
        counter.inc(max(total - last, 0.0))
        self._last[counter] = total


async def keep_sampling(metrics: Metrics, sources: Sources) -> None:
    """Read the numbers again and again where several processes serve; a scrape does else."""
    while metrics.shared:
        metrics.sample(sources)
        await asyncio.sleep(SAMPLE_SECONDS)


@contextmanager
def share_metrics() -> Iterator[Path]:
    """Let this process and those that it starts meanwhile share their numbers.

    To be entered before the first `Metrics` is made, in the process that starts the others.

    Returns:
        The folder of the shared files, which is removed at the end.
    """
    with tempfile.TemporaryDirectory(prefix="kgplan-metrics-", ignore_cleanup_errors=True) as made:
        before = values.ValueClass
        os.environ[FOLDER] = made
        values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]
        try:
            yield Path(made)
        finally:
            values.ValueClass = before
            del os.environ[FOLDER]


def resident_memory() -> dict[str, int]:
    """Bytes of this process in memory by kind; pages of files and shared ones count in each.

    Empty where the system does not tell (only Linux does).

    >>> set(resident_memory()) <= {"anonymous", "file", "shared"}
    True
    """
    found: dict[str, int] = {}
    with suppress(OSError):
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        told = dict(line.split(":", 1) for line in lines if ":" in line)
        for kind, name in _MEMORY.items():
            if name in told:
                found[kind] = 1024 * int(told[name].split()[0])
    return found
