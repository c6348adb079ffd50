"""A service that is told to stop under load answers every request, and keeps every event."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from neo4j_server import free_ports

from kgplan.store.events import open_events

TESTS = Path(__file__).parent.parent
STOPS, CLIENTS, DRAIN = 3, 40, 0.5


class Service:
    """Starts and stops services, one at a time."""

    def __init__(self) -> None:
        path = os.pathsep.join([str(TESTS), str(TESTS / "api")])
        self.process = subprocess.Popen(
            [sys.executable, TESTS / "api" / "stopped_service.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"PYTHONPATH": path},
        )
        self.pid: int | None = None

    def start(self, url: str, drain: float = DRAIN, stop: float = 20.0) -> str:
        """Start one and wait until it is ready; its address."""
        (port,) = free_ports(1)
        self.process.stdin.write(f"{port} {url} {drain} {stop}\n")
        self.process.stdin.flush()
        self.pid = int(self.process.stdout.readline())
        base, begun = f"http://127.0.0.1:{port}", time.monotonic()
        while True:
            try:
                if httpx.get(f"{base}/health/ready", timeout=60).status_code == 200:
                    return base
            except httpx.TransportError:
                assert time.monotonic() - begun < 240, "the service never answered"
                time.sleep(0.05)

    def signal(self, sig: int = signal.SIGTERM) -> None:
        os.kill(self.pid, sig)

    def wait(self) -> int:
        """Its exit status."""
        status, self.pid = int(self.process.stdout.readline()), None
        return status

    def end(self) -> None:
        """See that none runs: a test that failed leaves one behind."""
        if self.pid is not None:
            self.signal(signal.SIGKILL)
            self.wait()


@dataclass
class Seen:
    """What all clients together saw."""

    answered: int = 0
    closing: int = 0  # answers that asked to close the connection
    dropped: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    stored: set[str] = field(default_factory=set)


async def client(port: int, seen: Seen, seed: int) -> None:
    """Asks over one connection after the other, as HTTP/1.1 allows, until none can be begun."""
    rng, reader, writer = random.Random(seed), None, None
    while True:
        if writer is None:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return
        event = str(uuid4())
        if rng.random() < 0.5:
            body = json.dumps(
                {"event_id": event, "learner_id": f"u{seed}", "item_id": "v_a", "share": 1}
            )
            head = "POST /v1/events HTTP/1.1\r\nContent-Type: application/json"
            head += f"\r\nContent-Length: {len(body)}"
        else:
            body, head = "", "GET /v1/learners/learner/path?course_id=A HTTP/1.1"
        try:
            writer.write(f"{head}\r\nHost: x\r\n\r\n{body}".encode())
            told = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(told.split("content-length: ")[1].split("\r\n")[0])
            await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError) as error:
            seen.dropped.append(f"{head.split()[0]}: {error!r}")
            return
        seen.answered += 1
        if told.split()[1] != "200":
            seen.odd.append(told)
        elif body:
            seen.stored.add(event)
        if "connection: close" in told:
            seen.closing += 1
            writer.close()
            writer = None
        await asyncio.sleep(rng.choice((0, 0, 0.01, 0.2)))


async def load(port: int, service: Service) -> Seen:
    seen = Seen()
    clients = [asyncio.create_task(client(port, seen, seed)) for seed in range(CLIENTS)]
    while seen.answered < 5 * CLIENTS:
        await asyncio.sleep(0.01)
    service.signal()
    await asyncio.gather(*clients)
    return seen


@pytest.fixture(scope="module")
def starter():
    started = Service()
    yield started
    started.process.stdin.close()
    started.process.wait(30)


@pytest.fixture
def service(starter):
    yield starter
    starter.end()


def test_no_request_is_dropped_over_several_stops_under_load(service, tmp_path):
    url = f"sqlite:///{tmp_path / 'learners.db'}"
    stored = set()
    for _ in range(STOPS):
        base = service.start(url)
        seen = asyncio.run(load(int(base.rsplit(":", 1)[1]), service))
        assert service.wait() == 0
        assert (seen.dropped, seen.odd) == ([], [])
        assert seen.closing > 0
        stored |= seen.stored
    store = open_events(url)
    kept = {event.event_id for n in range(CLIENTS) for event in store.events(f"u{n}")}
    store.close()
    assert stored
    assert kept == stored


def test_a_stopping_service_is_alive_and_answers_but_is_not_ready(service, tmp_path):
    base = service.start(f"sqlite:///{tmp_path / 'learners.db'}", drain=60)
    with httpx.Client(base_url=base, timeout=60) as client:
        path = "/v1/learners/learner/path?course_id=A"
        assert "connection" not in client.get(path).headers
        service.signal()
        begun = time.monotonic()
        while (refused := client.get("/health/ready")).status_code == 200:
            assert time.monotonic() - begun < 20
        assert refused.json()["type"] == "urn:kgplan:problem:not-ready"
        assert refused.json()["detail"] == "the service is stopping"
        assert client.get("/health/live").json() == {"status": "alive"}
        answer = client.get(path)
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
    service.signal()  # a second signal ends the draining
    assert service.wait() == 0


def test_what_does_not_end_in_time_is_told_so_and_what_was_stored_is_kept(service, tmp_path):
    url = f"sqlite:///{tmp_path / 'learners.db'}"
    base = service.start(url, drain=0, stop=2)
    event = {"event_id": "e", "learner_id": "u", "item_id": "v_a", "share": 1}
    assert httpx.post(f"{base}/v1/events", json=event, timeout=60).status_code == 200
    answers = []
    stuck = threading.Thread(target=lambda: answers.append(httpx.get(f"{base}/stuck", timeout=60)))
    stuck.start()
    while "kgplan_requests_in_flight 2.0" not in httpx.get(f"{base}/metrics", timeout=60).text:
        time.sleep(0.01)
    begun = time.monotonic()
    service.signal()
    assert service.wait() == 0
    assert time.monotonic() - begun < 15  # 2 and some, on a busy machine; 20 where nobody says
    stuck.join()
    assert answers[0].status_code == 503
    assert answers[0].json()["type"] == "urn:kgplan:problem:not-ready"
    assert answers[0].headers["retry-after"]
    store = open_events(url)
    assert [each.event_id for each in store.events("u")] == ["e"]
    store.close()
