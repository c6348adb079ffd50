"""How do several processes answer on one port, and who replaces one that dies?

    parent ── imports, binds the port, forks workers, waits; opens neither graph nor records
      ├─ worker 1: make_service(…, keep_shared_planner) on the parent's socket
      └─ worker N

What the parent has imported is in memory once, and a worker that dies is replaced within a second;
the others take its connections meanwhile. The parent runs no thread, so forking is safe. SIGTERM
and Ctrl-C reach the parent, which passes them on. Where the parent dies, its workers stop.
"""

import gc
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from types import FrameType
from typing import Any

from kgplan.api.door import DoorLimits
from kgplan.api.server import refuse_new, run_server
from kgplan.api.service import make_service
from kgplan.api.shared import keep_shared_planner
from kgplan.api.telemetry.logs import set_up_logging
from kgplan.api.telemetry.metrics import share_metrics
from kgplan.errors import KgplanError
from kgplan.settings import Settings

log = logging.getLogger(__name__)

START_FAILED = 3  # exit status of a worker that has said why it cannot serve
PAUSES = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)  # seconds until the next try, by tries that failed
GRACE = 2.0  # seconds beyond `stop_seconds`, in which workers should have ended by themselves


@dataclass
class Worker:
    """A process, and where it says that it serves."""

    process: ForkProcess
    ready: Connection
    served: bool = False

    def has_served(self) -> bool:
        """Whether it ever came so far."""
        if not self.served and self.ready.poll():
            with suppress(EOFError):  # it ended
                self.served = self.ready.recv()
        return self.served


class Workers:
    """Keeps a number of processes running.

    Args:
        work: what each does; called with `arguments`, and with what to call once it serves.
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
                log.error("worker %s ended with %s", worker.process.pid, worker.process.exitcode)
                worker.ready.close()
            pause = not_before - time.monotonic()
            while pause <= 0 and len(self._running) < self._number:
                self._start()
            missing = len(self._running) < self._number
            ends = [each.process.sentinel for each in self._running]
            wait([self._woken, *ends], pause if missing else None)

    def _start(self) -> Worker:
        ready, says_ready = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_run, args=(says_ready, self._work, self._arguments))
        process.start()
        says_ready.close()
        worker = Worker(process, ready)
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
        ended = [each.process.exitcode for each in self._running]
        for each in self._running:
            each.ready.close()
        return status or int(any(ended))

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._signals.append(number)
        os.write(self._wake, b".")


def _run(ready: Connection, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    """A worker's life."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()  # Ctrl-C reaches the parent, which passes it on
    threading.Thread(target=_stop_with_parent, name="kgplan-parent", daemon=True).start()
    work(*arguments, lambda: ready.send(True))


def _stop_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


def serve_by_workers(settings: Settings, host: str, port: int, number: int) -> int:
    """Serve by several processes until SIGTERM or Ctrl-C; the exit status.

    Raises:
        OSError: the port cannot be taken.
    """
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
    settings: Settings, host: str, port: int, bound: socket.socket, ready: Callable[[], None]
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
    run_server(app, host, port, settings.drain_seconds, settings.stop_seconds, bound, limits)
