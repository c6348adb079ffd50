"""How do several processes answer on one port, and who replaces one that dies?

    parent ── imports, binds the port, forks workers, waits; opens neither graph nor records
      ├─ worker 1: make_service(…, keep_shared_planner) on the parent's socket
      └─ worker N

What the parent has imported is in memory once, and a worker that dies is replaced within a second;
the others take its connections meanwhile. The parent runs no thread, so forking is safe. SIGTERM
and Ctrl-C reach the parent, which passes them on. Where the parent dies, its workers stop.

A worker that hangs is killed and replaced, too. Its event loop notes the time every second; where
it has not for `HUNG_SECONDS`, the system says why: a loop that computes, waits for a processor or
for the disk is at work, however long; one that is stopped, or sleeps and used no processor time all
the while, waits for something that does not come.
"""

import gc
import logging
import mmap
import multiprocessing
import os
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from kgplan.api.door import DoorLimits
from kgplan.api.server import refuse_new, run_server
from kgplan.api.service import make_service
from kgplan.api.shared import keep_shared_planner
from kgplan.api.telemetry.logs import set_up_logging
from kgplan.api.telemetry.metrics import share_metrics
from kgplan.errors import KgplanError, OtherSystem
from kgplan.settings import Settings

if TYPE_CHECKING:
    from multiprocessing.context import ForkProcess

log = logging.getLogger(__name__)

START_FAILED = 3  # exit status of a worker that has said why it cannot serve
PAUSES = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)  # seconds until the next try, by tries that failed
LOOK_SECONDS = 1.0  # between two looks of the parent at its workers
STOPPED_SECONDS = 3.0  # that a worker may be stopped, as for a look at its memory
HUNG_SECONDS = 5.0  # without a word from its event loop, until a worker is looked at closely
STOPPED, SLEEPING = "T", "S"  # states of a process in /proc
GRACE = 2.0  # seconds beyond `stop_seconds`, in which workers should have ended by themselves


class Pulse:
    """Memory that a worker shares with its parent: when its event loop was last at work."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8)

    def beat(self) -> None:
        """Note the time."""
        self._memory[:] = struct.pack("d", time.monotonic())

    @property
    def last(self) -> float:
        """When it last did, on the monotonic clock of all processes; 0 before the first time."""
        return float(struct.unpack("d", self._memory[:])[0])


@dataclass
class Worker:
    """A process, and where it says that it serves and goes on."""

    process: "ForkProcess"
    ready: Connection
    pulse: Pulse
    served: bool = False
    asleep_since: float | None = None
    cpu: float = 0.0

    def has_served(self) -> bool:
        """Whether it ever came so far."""
        if not self.served and self.ready.poll():
            with suppress(EOFError):  # it ended
                self.served = self.ready.recv()
        return self.served

    def hangs(self, now: float) -> str:
        """How it hangs; empty where it does not, or nobody can tell. To be asked every second."""
        state, cpu = state_of(self.process.pid or 0)
        silent = self.pulse.last and now - self.pulse.last > HUNG_SECONDS
        asleep = state == STOPPED or (silent and state == SLEEPING)
        if not state or not asleep or cpu > self.cpu:
            self.asleep_since, self.cpu = None, cpu
            return ""
        self.asleep_since = now if self.asleep_since is None else self.asleep_since
        if now - self.asleep_since < (STOPPED_SECONDS if state == STOPPED else HUNG_SECONDS):
            return ""
        return "is stopped" if state == STOPPED else "waits for something that does not come"


def state_of(pid: int) -> tuple[str, float]:
    """A process' state, as a letter of /proc, and its processor time in ticks; "" and 0 unknown.

    >>> state_of(os.getpid())[0] in "RS"
    True
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return "", 0.0
    told = text.rpartition(")")[2].split()  # what stands before may hold anything
    return told[0], float(told[11]) + float(told[12])


def how_it_ended(exitcode: int | None) -> str:
    """A worker's end in words.

    >>> how_it_ended(-9), how_it_ended(1)
    ('was killed by SIGKILL', 'ended with 1')
    """
    if exitcode is None or exitcode >= 0:
        return f"ended with {exitcode}"
    known = -exitcode in set(signal.Signals)
    name = signal.Signals(-exitcode).name if known else f"signal {-exitcode}"
    told = f"was killed by {name}"
    if -exitcode in (signal.SIGBUS, signal.SIGSEGV):
        told += (
            ": a file that it reads through memory (KGPLAN_HOME/serving, or the graph) was cut,"
            " changed or cannot be read from the disk; the next one checks the files first, and"
            " makes those of serving/ anew where they do not fit"
        )
    return told


class Workers:
    """Keeps a number of processes running.

    Args:
        work: what each does; called with `arguments`, with what to call once it serves, and with
            what to call every second from then on.
        arguments: of `work`.
        number: of processes.
        stop_seconds: from a signal to the end until those left are killed.
        drain_seconds: from SIGTERM to `last_call`.
        last_call: called once while stopping: nothing new should come from now on.
    """

    def __init__(
        self,
        work: Callable[..., None],
        arguments: Sequence[Any],
        number: int,
        stop_seconds: float = 30.0,
        drain_seconds: float = 0.0,
        last_call: Callable[[], None] = lambda: None,
    ) -> None:
        self._work, self._arguments, self._number = work, tuple(arguments), number
        self._stop_seconds, self._drain_seconds = stop_seconds, drain_seconds
        self._last_call = last_call
        self._context = multiprocessing.get_context("fork")
        self._running: list[Worker] = []
        self._signals: list[int] = []
        self._woken, self._wake = os.pipe()

    def run(self) -> int:
        """Work until SIGTERM or Ctrl-C, or until the first worker cannot start; the exit status."""
        before = {each: signal.signal(each, self._note) for each in (signal.SIGTERM, signal.SIGINT)}
        try:
            first = self._start()
            if not self._serves(first):
                return self._stop(first.process.exitcode or START_FAILED)
            self._keep_running()
            return self._stop(0)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(self._wake)
            os.close(self._woken)

    def _keep_running(self) -> None:
        """Start what is missing, again and again, until a signal comes."""
        failed, not_before = 0, 0.0
        while not self._signals:
            for worker in [each for each in self._running if not each.process.is_alive()]:
                self._running.remove(worker)
                failed = 0 if worker.has_served() else failed + 1
                not_before = time.monotonic() + PAUSES[min(failed, len(PAUSES) - 1)]
                told = how_it_ended(worker.process.exitcode)
                log.error("worker %s %s", worker.process.pid, told)
                worker.ready.close()
            pause = not_before - time.monotonic()
            while pause <= 0 and len(self._running) < self._number:
                self._start()
            missing = len(self._running) < self._number
            ends = [each.process.sentinel for each in self._running]
            wait([self._woken, *ends], min(pause, LOOK_SECONDS) if missing else LOOK_SECONDS)
            self._end_hung()

    def _end_hung(self) -> None:
        """Kill the workers that hang; they are then replaced as others that ended."""
        for worker in self._running:
            if how := worker.hangs(time.monotonic()):
                log.error("worker %s %s; it is replaced", worker.process.pid, how)
                worker.process.kill()
                worker.process.join(GRACE)

    def _start(self) -> Worker:
        ready, says_ready = self._context.Pipe(duplex=False)
        pulse = Pulse()
        given = says_ready, pulse, self._work, self._arguments
        process = self._context.Process(target=_run, args=given)
        process.start()
        says_ready.close()
        worker = Worker(process, ready, pulse)
        self._running.append(worker)
        return worker

    def _serves(self, worker: Worker) -> bool:
        """Wait until a worker serves or is told to stop; False where it ended before."""
        while not self._signals:
            wait([worker.ready, worker.process.sentinel, self._woken])
            if worker.has_served() or not worker.process.is_alive():
                return worker.served
        return True

    def _stop(self, status: int) -> int:
        """Pass on the signals that came, and those that come; return when all have ended."""
        begun, passed_on, called = time.monotonic(), 0, False
        while alive := [each.process for each in self._running if each.process.is_alive()]:
            signals = self._signals or [signal.SIGTERM]
            for number in signals[passed_on:]:
                for process in alive:
                    os.kill(process.pid or 0, number)
            passed_on = len(signals)
            waited = time.monotonic() - begun
            if not called and (waited >= self._drain_seconds or signals[0] == signal.SIGINT):
                called = True
                self._last_call()
            if waited > self._stop_seconds + GRACE:
                for process in alive:
                    process.kill()
            wait([process.sentinel for process in alive], 0.05)
        starting = -signal.SIGTERM  # how one ends that is told to stop before it serves
        ended = [
            each.process.exitcode
            for each in self._running
            if each.has_served() or each.process.exitcode != starting
        ]
        for each in self._running:
            each.ready.close()
        return status or int(any(ended))

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._signals.append(number)
        os.write(self._wake, b".")


def _run(
    ready: Connection, pulse: Pulse, work: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    """A worker's life."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()  # Ctrl-C reaches the parent, which passes it on
    threading.Thread(target=_stop_with_parent, name="kgplan-parent", daemon=True).start()
    work(*arguments, lambda: ready.send(True), pulse.beat)


def _stop_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


def serve_by_workers(settings: Settings, host: str, port: int, number: int) -> int:
    """Serve by several processes until SIGTERM or Ctrl-C; the exit status.

    Raises:
        OSError: the port cannot be taken.
        OtherSystem: this one does not fork.
    """
    if not hasattr(os, "fork"):
        raise OtherSystem("several workers; serve by one, or by several behind a proxy")
    set_up_logging(settings.log_format, settings.log_level)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # bound here and listened on by the workers: nobody connects before one can answer
    with socket.socket(family, socket.SOCK_STREAM) as bound, share_metrics():
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        gc.freeze()  # collections then leave the pages alone that all have in common
        return Workers(
            serve_as_worker,
            (settings, host, port, bound),
            number,
            settings.stop_seconds,
            settings.drain_seconds,
            lambda: refuse_new(bound.fileno()),
        ).run()


def serve_as_worker(
    settings: Settings,
    host: str,
    port: int,
    bound: socket.socket,
    ready: Callable[[], None],
    beat: Callable[[], None],
) -> None:
    """Serve as one of several processes."""
    lines = set_up_logging(settings.log_format, settings.log_level)
    try:
        app = make_service(settings, keep_shared_planner(settings), lines)
    except KgplanError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(START_FAILED)
    ready()
    limits = DoorLimits.of(settings)
    stopping = settings.drain_seconds, settings.stop_seconds
    run_server(app, host, port, *stopping, bound, limits, beat)
