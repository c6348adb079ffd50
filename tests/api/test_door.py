"""What a connection may cost: heads, bodies, silence and numbers, on a service of its own."""

import asyncio
import json
import select
import socket
import threading
import time
from contextlib import closing, suppress

import httpx
import pytest
import uvicorn
from neo4j_server import free_ports
from planning_cases import hand_case

from kgplan import machine
from kgplan.api import door as doors
from kgplan.api.app import create_app
from kgplan.api.door import Door, DoorLimits, connections_within
from kgplan.api.keeper import Keeper
from kgplan.api.limits import Limits
from kgplan.api.server import DrainingServer
from kgplan.api.telemetry.middleware import Telemetry

PATH = b"/v1/learners/learner/path?course_id=A"
URN = "urn:kgplan:problem:"


class Service:
    """Serves in a thread; `lines` are those about requests."""

    def __init__(self, limits: DoorLimits, body_seconds: float = 10.0) -> None:
        planner, self.lines = hand_case().planner(), []
        app = create_app(
            Keeper(lambda: planner, lambda: "always the same"),
            Limits(body_seconds=body_seconds),
            telemetry=Telemetry(lines=lambda level, fields: self.lines.append(dict(fields))),
        )
        (self.port,) = free_ports(1)
        self.door = Door(limits)
        config = uvicorn.Config(
            app, port=self.port, log_config=None, http=self.door.protocol, timeout_keep_alive=75
        )
        self.server = DrainingServer(config, door=self.door)
        self.server.capture_signals = suppress
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        begun = time.monotonic()
        while not self.server.started:
            assert time.monotonic() - begun < 60
            time.sleep(0.01)

    def end(self) -> None:
        self.server.should_exit = True
        self.thread.join(30)
        assert not self.thread.is_alive()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def get(self, path: str = "/health") -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=20)

    def problems(self) -> list[str]:
        return [line["problem"] for line in self.lines if "problem" in line]


@pytest.fixture
def serve():
    started = []

    def start(*arguments, **named):
        started.append(Service(*arguments, **named))
        return started[-1]

    yield start
    for each in started:
        each.end()


def all_of(connection: socket.socket) -> bytes:
    """What comes until the other side closes; what came before a reset counts."""
    found = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(1 << 16):
            found += piece
    return found


def told(answer: bytes) -> tuple[int, str]:
    """Status and problem of an answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["type"].removeprefix(URN)


def head_of(size: int) -> bytes:
    """A request that is answered 200, with a head of so many bytes."""
    begin, end = b"GET " + PATH + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: ", b"\r\n\r\n"
    return begin + b"a" * (size - len(begin) - len(end)) + end


def test_a_head_at_the_limit_is_answered_and_a_longer_one_refused(serve):
    service = serve(DoorLimits(head_bytes=8_000))
    for size, expected in ((8_000, 200), (8_001, 431)):
        with closing(service.connect()) as connection:
            connection.sendall(head_of(size))
            assert int(all_of(connection).split()[1]) == expected
        with closing(service.connect()) as connection:  # the same in pieces
            for at in range(0, size, 999):
                connection.sendall(head_of(size)[at : min(size, at + 999)])
                time.sleep(0.001)
            assert int(all_of(connection).split()[1]) == expected


@pytest.mark.parametrize("begin", [b"GET /", b"GET / HTTP/1.1\r\nX: ", b"GET / HTTP/1.1\r\n"])
def test_a_head_without_end_is_refused_at_once_wherever_it_grows(serve, begin):
    service = serve(DoorLimits())
    piece = b"a" * 1000 + (b": b\r\n" if begin.endswith(b"1.1\r\n") else b"")
    with closing(service.connect()) as connection:
        connection.sendall(begin)
        sent = 0
        with suppress(OSError):
            while sent < 1 << 27:
                connection.sendall(piece * 60)
                sent += len(piece) * 60
        assert sent < 1 << 26  # what was thrown away, or on the way
    assert service.get().status_code == 200


def test_who_sends_all_of_a_large_head_can_read_why_it_was_refused(serve):
    service = serve(DoorLimits())
    for size in (100_000, 20_000_000):
        with closing(service.connect()) as connection:
            connection.sendall(head_of(size))
            assert told(all_of(connection)) == (431, "head-too-large")


def test_trailers_without_end_are_cut_off(serve):
    service = serve(DoorLimits())
    head = b"POST /v1/paths HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: "
    with closing(service.connect()) as connection:
        connection.sendall(head)
        sent = 0
        with suppress(OSError):
            while sent < 1 << 26:
                sent += connection.send(b"a" * (1 << 16))
        assert sent < 1 << 24


def test_requests_that_were_sent_together_are_all_answered(serve):
    service = serve(DoorLimits(head_bytes=2_000))
    one = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    with closing(service.connect()) as connection:
        connection.sendall(one * 2_000 + head_of(300))
        assert all_of(connection).count(b"HTTP/1.1 200") == 2_001


def test_what_comes_too_late_is_ended(serve):
    service = serve(DoorLimits(head_seconds=1.0, body_seconds=1.0), body_seconds=1.0)
    post = b"POST /v1/paths HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{"
    begun = {
        "silent": (b"", None),
        "head": (b"GET /health HTTP/1.1\r\nHost: x\r\nX-A: ", (408, "head-too-slow")),
        "body": (post, (408, "body-too-slow")),
        "no such operation": (post.replace(b"/v1/paths", b"/nowhere"), (408, "body-too-slow")),
    }
    connections = {}
    for name, (sent, _) in begun.items():
        connections[name] = service.connect()
        connections[name].sendall(sent)  # at once: silence is ended, too
    for name, (_, expected) in begun.items():
        with closing(connections[name]) as connection:
            answer = all_of(connection)
            assert (told(answer) if expected else answer) == (expected or b""), name
    while len(service.problems()) < 2:  # they are written after the answers
        time.sleep(0.01)
    assert service.problems() == ["body-too-slow"] * 2


def test_a_body_that_comes_steadily_is_waited_for(serve):
    service = serve(DoorLimits(body_seconds=1.0), body_seconds=1.0)
    body = json.dumps({"items": [{"learner_id": "learner", "course_id": "A"}] * 200}).encode()
    body += b" " * (24_000 - len(body))
    head = b"POST /v1/paths HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with closing(service.connect()) as connection:
        connection.sendall(head + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body))
        pieces = [body[at : at + 2_000] for at in range(0, len(body), 2_000)]
        for piece in pieces:  # twice as fast as the slowest that is allowed
            connection.sendall(piece)
            time.sleep(0.1)
        assert 0.1 * len(pieces) > 1.0
        assert all_of(connection).startswith(b"HTTP/1.1 200")


def test_a_client_that_goes_away_is_no_fault(serve, caplog):
    service = serve(DoorLimits())
    for path in (b"/v1/paths", b"/v1/events", b"/xapi/statements"):
        with closing(service.connect()) as connection:
            head = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{"
            connection.sendall(head)
            while not service.server.server_state.tasks:
                time.sleep(0.01)
        while service.server.server_state.tasks:
            time.sleep(0.01)
    assert service.problems() == ["client-gone"] * 3
    assert [line["status"] for line in service.lines] == [499] * 3
    assert [each for each in caplog.records if each.exc_info] == []


def test_idle_connections_leave_for_new_ones_and_busy_ones_stay(serve, monkeypatch):
    service = serve(DoorLimits(connections=20))
    monkeypatch.setattr(doors, "SETTLED_SECONDS", 60.0)
    unfinished = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
    busy = [service.connect() for _ in range(10)]
    for each in busy:
        each.sendall(unfinished)
    idle = [service.connect() for _ in range(10)]
    for each in idle:
        each.sendall(unfinished + b"\r\n")
        assert each.recv(1 << 16).startswith(b"HTTP/1.1 200")
    for _ in range(30):
        assert service.get().status_code == 200
    assert len(select.select(idle, [], [], 0)[0]) >= 1  # closed: there is an end to read
    for each in busy:
        each.sendall(b"Connection: close\r\n\r\n")
        assert all_of(each).startswith(b"HTTP/1.1 200")
    for each in (*busy, *idle):
        each.close()


def test_where_nobody_can_leave_the_next_one_is_told_so(serve, monkeypatch):
    service = serve(DoorLimits(connections=5))
    monkeypatch.setattr(doors, "SETTLED_SECONDS", 60.0)
    held = [service.connect() for _ in range(5)]
    for each in held:
        each.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\nX: ")
    while len(service.server.server_state.connections) < 5:
        time.sleep(0.01)
    with closing(service.connect()) as connection:
        assert told(all_of(connection)) == (503, "too-many-connections")
    monkeypatch.setattr(doors, "SETTLED_SECONDS", 0.0)  # heads that do not come make room
    assert service.get().status_code == 200
    for each in held:
        each.close()


def test_descriptors_are_left_for_files(monkeypatch):
    limits, noted = [(100, 100)], []
    monkeypatch.setattr(machine.resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(machine.resource, "setrlimit", lambda _, to: noted.append(to))
    assert connections_within(2_000) == 50
    limits.append((1_024, 1 << 19))
    assert connections_within(2_000) == 2_000
    assert noted[-1] == (4_000, 1 << 19)


def test_one_long_value_does_not_stop_the_others(serve):
    """A header's value of 64 MB took minutes of the event loop's time, quadratic in its length."""
    service = serve(DoorLimits())

    async def attack() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
        with suppress(OSError):
            for _ in range(64):
                writer.write(b"a" * (1 << 20))
                await writer.drain()
        writer.close()

    attacking = threading.Thread(target=lambda: asyncio.run(attack()))
    attacking.start()
    slowest = 0.0
    for _ in range(20):
        begun = time.monotonic()
        assert service.get("/health/live").status_code == 200
        slowest = max(slowest, time.monotonic() - begun)
    attacking.join(30)
    assert slowest < 5
