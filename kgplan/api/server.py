"""How does the service stop without dropping a request?

1. SIGTERM: the service is not ready any more, which load balancers see; requests still come and
   are answered, each answer with `Connection: close`, so that clients leave.
2. After `drain_seconds`: no new connection is begun; those that were begun are all accepted.
3. Connections end with their answers; those that say nothing are closed. What is not answered
   shortly before `stop_seconds` have passed is told so, 503.
4. The keeper ends, the records are written, the process exits with 0.

Where even that takes longer, the process ends with 1 and its log says what was left.
Ctrl-C does without the first step; a second signal cuts it short.
"""

import asyncio
import ctypes
import logging
import os
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from threadpoolctl import threadpool_limits

from kgplan.api.door import Door, DoorLimits, backlog_within

log = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 75  # longer than proxies keep idle connections (nginx: 60), so they end them
ACCEPT_SECONDS = 0.1  # for connections that are being begun: a round trip
SILENT_SECONDS = 0.5  # for the first bytes of a request on a connection that was just begun
TICKS = 10  # of uvicorn's, in a second
_SO_ATTACH_FILTER = 26  # linux/socket.h
_UNACKED = 24  # tcpi_unacked in linux/tcp.h's tcp_info: of a listening socket, its queue
_ONLY_BEGUN = (  # classic BPF: (code, jump if true, jump if false, constant)
    (0x30, 0, 0, 13),  # load the TCP flags
    (0x45, 0, 1, 0x02),  # SYN?
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # keep
)


class DrainingServer(uvicorn.Server):
    """Serves until it is told to stop, and then as the module says.

    Args:
        config: uvicorn's; its application is one of `create_app`.
        drain_seconds: from SIGTERM until no new connection is taken.
        stop_seconds: from SIGTERM until the process has ended.
        shared: whether other processes take connections from the same socket, and may go on.
        door: looks after the connections, if anybody does.
        beat: called every second while it serves.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        drain_seconds: float = 3.0,
        stop_seconds: float = 30.0,
        shared: bool = False,
        door: Door | None = None,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(config)
        self._shared, self._door, self._beat = shared, door, beat
        self._drain_seconds, self._stop_seconds = drain_seconds, stop_seconds
        self._drained_at: float | None = None
        self._told = self._ended = False
        self._gives_up_at = float("inf")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a second signal ends the draining, a second Ctrl-C all waiting."""
        now = time.monotonic()
        if self._drained_at is None:
            self._drained_at = now + (self._drain_seconds if sig == signal.SIGTERM else 0.0)
            self._gives_up_at = now + self._stop_seconds
            app: Any = self.config.app
            app.state.readiness.stopping = True
            watchdog = threading.Timer(self._stop_seconds, self._give_up)
            watchdog.daemon = True
            watchdog.start()
        else:
            self._drained_at = now
            self.force_exit = self.force_exit or sig == signal.SIGINT

    async def on_tick(self, counter: int) -> bool:
        """Whether it is time to close."""
        ends = await super().on_tick(counter)
        if counter % TICKS == 0:
            self._beat()
        if self._door is not None and counter % TICKS == 0:
            self._door.look(self.server_state, asyncio.get_running_loop().time())
        if self._drained_at is None:
            return ends
        if not self._told:
            self._told = True  # here, as a signal may come while a line is being written
            left = max(0.0, self._drained_at - time.monotonic())
            log.info("told to stop; requests are taken for %.1f s more", left)
        return ends or time.monotonic() >= self._drained_at

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take what was begun, answer it, and end."""
        listening = [each.fileno() for server in self.servers for each in server.sockets]
        for each in listening if not self._shared else ():
            refuse_new(each)
        await asyncio.sleep(ACCEPT_SECONDS)
        while any(map(waiting_to_be_accepted, listening)) and not self.force_exit:
            await asyncio.sleep(0.01)
        for server in self.servers:
            server.close()
        silent_until = time.monotonic() + SILENT_SECONDS
        while self.server_state.connections and time.monotonic() < silent_until:
            await asyncio.sleep(0.02)
        left = self._gives_up_at - time.monotonic()
        self.config.timeout_graceful_shutdown = None if left > 1e6 else max(1, int(left) - 1)
        await super().shutdown(sockets)
        self._ended = True

    def _give_up(self) -> None:
        if self._ended:
            os._exit(0)  # all is answered and written; a thread works for nobody
        app: Any = self.config.app
        log.error(
            "not stopped within %g s (KGPLAN_STOP_SECONDS), ended with %d requests unanswered",
            self._stop_seconds,
            app.state.readiness.in_flight,
        )
        logging.shutdown()
        os._exit(1)


def refuse_new(listening: int) -> None:
    """Let a listening socket begin no more connections; those begun before can be accepted.

    Closing it at once would reset those that wait to be accepted. Linux drops the SYNs, so a client
    tries again, and finds the socket closed or another process's; elsewhere nothing is done.

    Args:
        listening: file descriptor of a TCP socket.
    """
    if sys.platform != "linux":
        return
    program = b"".join(struct.pack("HBBI", *each) for each in _ONLY_BEGUN)
    held = ctypes.create_string_buffer(program, len(program))
    packed = struct.pack("HP", len(_ONLY_BEGUN), ctypes.addressof(held))
    with socket.socket(fileno=os.dup(listening)) as same, suppress(OSError):
        same.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, packed)


def waiting_to_be_accepted(listening: int) -> int:
    """Connections of a listening TCP socket that nobody has accepted; 0 where it is not known."""
    if sys.platform != "linux":
        return 0
    with socket.socket(fileno=os.dup(listening)) as same, suppress(OSError):
        info = same.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _UNACKED + 4)
        return int(struct.unpack_from("I", info, _UNACKED)[0])
    return 0


def run_server(
    app: FastAPI,
    host: str,
    port: int,
    drain_seconds: float,
    stop_seconds: float,
    shared: socket.socket | None = None,
    limits: DoorLimits | None = None,
    beat: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGTERM or Ctrl-C; returns when everything has ended.

    Args:
        app: the application.
        host, port: address to listen on.
        drain_seconds, stop_seconds: as for `DrainingServer`.
        shared: listens there already, for other processes too.
        limits: what a connection is allowed; the defaults where None.
        beat: called every second by the event loop.
    """
    door = Door(limits or DoorLimits())
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,  # set_up_logging has done it
        access_log=False,  # TelemetryMiddleware writes these lines
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        http=door.protocol,  # type: ignore[arg-type]
        backlog=backlog_within(door.limits.connections),
        proxy_headers=False,  # who may name a client: `LimitsMiddleware.client`
    )
    server = DrainingServer(config, drain_seconds, stop_seconds, shared is not None, door, beat)
    # products are small, requests many: two threads of one wait longer than they multiply
    with threadpool_limits(1, "blas"):
        server.run(None if shared is None else [shared])
