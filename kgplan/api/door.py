"""What may a connection cost before its request reaches the application?

Uvicorn bounds neither a request's head nor the time that a client takes for it, and httptools puts
a header value together again with every piece that comes, in the event loop: a single long value
stops everybody. Here a head has a size and a time, a body has to move on, answers have to be taken,
and there are fewer connections than descriptors, so that files can still be opened.
"""

import logging
from asyncio import AbstractEventLoop, BaseTransport, Transport
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from kgplan.api.problems import problem_of
from kgplan.errors import HeadTooLarge, HeadTooSlow, KgplanError, TooManyConnections
from kgplan.machine import raise_descriptors
from kgplan.settings import Settings

log = logging.getLogger(__name__)

BODY_RATE = 10_000  # bytes a second that a body comes at, at least, beyond its first seconds
ANSWER_SECONDS = 75.0  # in which a client must take something of its answer
LINGER_SECONDS = 1.0  # for a refused client to read why; closed at once, it would see a reset
LINGER_BYTES = 32 << 20  # of its request that are thrown away meanwhile
SETTLED_SECONDS = 1.0  # an unfinished head younger than this is not closed to make room
TOLD_SECONDS = 10.0  # between two lines about refused connections


@dataclass(frozen=True)
class DoorLimits:
    """What a connection is allowed.

    Attributes:
        head_bytes: of a request line and its headers together.
        head_seconds: from a head's first byte to its last, and for the first byte of all.
        body_seconds: for a body, and a second more for each `BODY_RATE` bytes that have come.
        connections: at a time, in one process.
    """

    head_bytes: int = 1 << 16
    head_seconds: float = 10.0
    body_seconds: float = 10.0
    connections: int = 2_000

    @classmethod
    def of(cls, settings: Settings) -> "DoorLimits":
        """The limits that the settings name, as far as this process' descriptors reach."""
        return cls(
            settings.head_bytes,
            settings.head_seconds,
            settings.body_seconds,
            connections_within(settings.connections),
        )


def connections_within(wanted: int) -> int:
    """How many connections there may be, so that half of the descriptors are left.

    The other half is for files, and for what is accepted before it can be refused. The soft limit
    on descriptors is raised where the hard one allows it.
    """
    granted = raise_descriptors(2 * wanted)
    if granted >= 2 * wanted:
        return wanted
    fewer = max(1, int(granted) // 2)
    log.info(
        "up to %d connections, not %d (KGPLAN_CONNECTIONS), as there may be %d open files",
        fewer,
        wanted,
        granted,
    )
    return fewer


def late(since: float, seconds: float, received: int) -> float:
    """When a body is late that began to come at `since` and has `received` bytes so far."""
    return since + seconds + received / BODY_RATE


class Stage(Enum):
    """What a connection waits for."""

    IDLE = 0  # the first byte of a request
    HEAD = 1
    BODY = 2
    ANSWER = 3


IDLE, HEAD, BODY, ANSWER = Stage  # an enumeration's members are looked up slowly


class Door:
    """Looks after all connections of one server."""

    def __init__(self, limits: DoorLimits) -> None:
        self.limits = limits
        self.refused = self.closed = self.slow = 0
        self._told_at = float("-inf")

    def protocol(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> "GuardedProtocol":
        """What uvicorn makes for each connection."""
        return GuardedProtocol(self, config, server_state, app_state, _loop)

    def look(self, state: ServerState, now: float) -> None:
        """End what takes too long; to be called every second or so.

        Args:
            state: the server's.
            now: seconds of the event loop's clock.
        """
        for each in list(state.connections):
            if isinstance(each, GuardedProtocol):
                each.look(now)
        if (self.refused or self.closed or self.slow) and now - self._told_at > TOLD_SECONDS:
            log.warning(
                "connections: %d refused and %d closed for want of room (KGPLAN_CONNECTIONS), %d"
                " ended as heads, bodies or answers did not move",
                *(self.refused, self.closed, self.slow),
            )
            self.refused = self.closed = self.slow = 0
            self._told_at = now

    def has_room(self, connections: set[Any], now: float) -> bool:
        """Whether one more may come; connections that wait for nothing leave for it."""
        if len(connections) < self.limits.connections:
            return True
        ours = [each for each in connections if isinstance(each, GuardedProtocol)]
        waiting = [each for each in ours if each.may_leave(now)]
        waiting.sort(key=lambda each: (each.stage.value, each.since))
        for each in waiting[: 1 + self.limits.connections // 20]:  # a look at all is paid for many
            self.closed += 1
            each.leave()
        return len(connections) < self.limits.connections


class GuardedProtocol(HttpToolsProtocol):
    """HTTP/1.1 on one connection, within limits.

    Attributes:
        stage: what it waits for.
        since: when it began to, on the event loop's clock.
        now: when something last came.
        unparsed: bytes since the parser last had a head, a piece of a body or a message whole.
        received: bytes of the body so far.
    """

    def __init__(
        self,
        door: Door,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.door, self.limits = door, door.limits
        self.stage = IDLE
        self.since = self.now = self.loop.time()
        self.unparsed = self.received = 0
        self._refused, self._discarded = False, 0
        self._unsent, self._unsent_since = 0, 0.0

    def connection_made(self, transport: BaseTransport) -> None:
        """Take the connection, or say that there is no room."""
        if self.door.has_room(self.connections, self.loop.time()):
            super().connection_made(cast(Transport, transport))
            return
        self.transport = cast(Transport, transport)
        self.door.refused += 1
        self._tell(TooManyConnections())
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Read on, within the limits."""
        if self._refused:
            self._discarded += len(data)
            if self._discarded > LINGER_BYTES:
                self.transport.abort()
            return
        self.now = self.loop.time()
        if self.stage is IDLE:
            self.stage, self.since = HEAD, self.now
        self.unparsed += len(data)
        super().data_received(data)
        if self.unparsed > self.limits.head_bytes and not self.transport.is_closing():
            if self.stage is HEAD:
                self._refuse(HeadTooLarge(self.limits.head_bytes))
            elif self.stage is BODY:  # trailers, or a chunk's extensions
                self._end()

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        if self.stage is ANSWER:
            self.stage, self.since = HEAD, self.now

    def on_headers_complete(self) -> None:
        """A head is whole: start the request, if it is not too large."""
        if self._refused:
            return
        limit = self.limits.head_bytes
        if self.unparsed > limit and self._head_size() > limit:
            self._refuse(HeadTooLarge(limit))
            return
        self.unparsed = self.received = 0
        self.stage, self.since = BODY, self.now
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body came."""
        if not self._refused:
            self.unparsed = 0
            self.received += len(body)
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        if not self._refused:
            self.unparsed = 0
            self.stage = ANSWER
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer is written; the next request may come."""
        if self.stage is ANSWER and not self.pipeline:
            self.stage, self.since = IDLE, self.loop.time()
        super().on_response_complete()

    def look(self, now: float) -> None:
        """End the connection where its client is too slow."""
        if self._refused:
            if now - self.since > LINGER_SECONDS:
                self.transport.abort()
            return
        self._look_at_answer(now)
        limits = self.limits
        if self.stage is IDLE:
            if self.cycle is None and now - self.since > limits.head_seconds:
                self._end()  # nothing came at all, so there is nothing to answer
        elif self.flow.read_paused:
            self.since = now  # the client waits for us
        elif self.stage is HEAD and now - self.since > limits.head_seconds:
            self.door.slow += 1
            self._refuse(HeadTooSlow(limits.head_seconds))
        # the application answers first where it waits for the body
        elif self.stage is BODY and now > 1 + late(self.since, limits.body_seconds, self.received):
            self._end()

    def may_leave(self, now: float) -> bool:
        """Whether it is closed to make room: no request would be lost, or none that comes well."""
        if self.stage is IDLE:
            return True
        settled = now - self.since > SETTLED_SECONDS
        return self.stage is HEAD and settled and not self._at_work()

    def leave(self) -> None:
        """Close it, and count it out at once."""
        self._refused = True
        self.connections.discard(self)
        self.transport.close()

    def _head_size(self) -> int:
        lines = sum(len(name) + len(value) + 4 for name, value in self.headers)
        return len(self.url) + lines + len("GET  HTTP/1.1\r\n\r\n")

    def _at_work(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _look_at_answer(self, now: float) -> None:
        unsent = self.transport.get_write_buffer_size()
        if unsent != self._unsent or not unsent:
            self._unsent, self._unsent_since = unsent, now
        elif now - self._unsent_since > ANSWER_SECONDS:
            self._end()

    def _end(self) -> None:
        self.door.slow += 1
        self.transport.abort()

    def _refuse(self, error: KgplanError) -> None:
        """Take nothing more of this client; say why where no earlier answer is to come."""
        if self._refused:
            return
        self._refused = True
        if self._at_work():
            last = self.pipeline[0][0] if self.pipeline else self.cycle
            last.keep_alive = False  # the connection ends with its answer
            self.since = float("inf")
            return
        self.since = self.loop.time()
        self._unset_keepalive_if_required()
        self._tell(error)
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _tell(self, error: KgplanError) -> None:
        self._refused = True
        problem = problem_of(error)
        body = problem.model_dump_json().encode()
        self.transport.write(
            b"%bcontent-type: application/problem+json\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%b" % (STATUS_LINE[problem.status], len(body), body)
        )


def backlog_within(connections: int) -> int:
    """Connections that may wait to be accepted: all of them may be at once, before any is refused.

    >>> backlog_within(2_000), backlog_within(100)
    (1000, 50)
    """
    return max(1, min(2048, connections // 2))
