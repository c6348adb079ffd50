"""No event that was answered 2xx is lost, however often the service is killed under load."""

import os
import random
import signal
import threading
import time
from uuid import uuid4

import httpx
import pytest
from neo4j_server import free_ports
from own_process import TESTS, in_own_process

from kgplan.store.events import open_events

KILLS = 20


class Sender(threading.Thread):
    """Sends events until told to stop, some again, and notes what was answered 2xx."""

    def __init__(self, number: int, base: str, stop: threading.Event) -> None:
        super().__init__()
        self.base, self.stop, self.rng = base, stop, random.Random(number)
        self.answered: dict[str, str] = {}  # id -> learner
        self.odd: list[str] = []

    def run(self) -> None:
        with httpx.Client(base_url=self.base, timeout=5) as client:
            while not self.stop.is_set():
                plain = self.rng.random() < 0.5
                again = [x for x in self.answered.items() if x[0].startswith("e") == plain][-5:]
                ids = (("e" if plain else "") + str(uuid4()) for _ in range(3))
                ids = [each if plain else "a" + each[1:] for each in ids]
                batch = {each: f"u{self.rng.randrange(9)}" for each in ids}
                batch |= dict(self.rng.sample(again, min(1, len(again))))
                try:
                    answer = send(client, batch, plain)
                except httpx.TransportError:  # killed: nobody answered, nothing was promised
                    time.sleep(0.05)
                    continue
                time.sleep(0.005)
                if answer.is_success:
                    self.answered |= batch
                else:
                    self.odd.append(answer.text)


def send(client: httpx.Client, batch: dict[str, str], plain: bool) -> httpx.Response:
    if plain:
        events = [
            {"event_id": each, "learner_id": learner, "item_id": "v_a", "share": 0.5}
            for each, learner in batch.items()
        ]
        return client.post("/v1/events", json=events)
    statements = [
        {
            "id": each,
            "actor": {"account": {"homePage": "https://mooc.example", "name": learner}},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
            "object": {"id": "https://mooc.example/videos/v_b"},
        }
        for each, learner in batch.items()
    ]
    headers = {"X-Experience-API-Version": "1.0.3"}
    return client.post("/xapi/statements", json=statements, headers=headers)


@pytest.fixture(scope="module")
def service():
    """What starts services, in a process of its own."""
    with in_own_process(TESTS / "api" / "killed_service.py") as started:
        yield started


def test_twenty_kills_under_load_lose_no_answered_event(service, records_url):
    (port,) = free_ports(1)
    stop = threading.Event()
    senders = [Sender(n, f"http://127.0.0.1:{port}", stop) for n in range(3)]
    rng, before = random.Random(0), 0
    try:
        for each in senders:
            each.start()
        for _ in range(KILLS):
            service.stdin.write(f"{port} {records_url}\n")
            service.stdin.flush()
            child = int(service.stdout.readline())
            begun = time.monotonic()
            while sum(len(each.answered) for each in senders) <= before:
                assert time.monotonic() - begun < 240, "the service never answered"
                time.sleep(0.005)
            time.sleep(rng.uniform(0, 0.1))
            os.kill(child, signal.SIGKILL)
            before = sum(len(each.answered) for each in senders)
    finally:
        stop.set()
        for each in senders:
            each.join()
    assert [odd for each in senders for odd in each.odd] == []
    store = open_events(records_url)
    stored = {event.event_id for n in range(9) for event in store.events(f"u{n}")}
    store.close()
    answered = {each for sender in senders for each in sender.answered}
    assert len(answered) > KILLS
    assert answered - stored == set()
