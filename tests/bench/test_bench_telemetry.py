"""What do a request's id, its numbers, its log line and its trace cost?"""

import asyncio
import time
from pathlib import Path

from kgplan.api.learner_states import NothingMore
from kgplan.api.telemetry.logs import set_up_logging
from kgplan.api.telemetry.metrics import share_metrics
from kgplan.api.telemetry.middleware import Telemetry, TelemetryMiddleware
from kgplan.api.telemetry.readiness import Readiness
from kgplan.api.telemetry.tracing import Tracing

NAMES = (b"host", b"user-agent", b"accept", b"authorization", b"accept-encoding")
HEADERS = [(name, b"something") for name in NAMES]
START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]}
TIMES, ROUNDS = 2_000, 15


class Route:
    path_format = "/v1/learners/{learner_id}/path"


async def inner(scope, receive, send):
    scope["route"] = Route
    await send(dict(START))
    await send({"type": "http.response.body", "body": b"0123456789"})


async def nowhere(message):
    pass


async def cost(app) -> float:
    """Microseconds of processor time for one request."""
    begun = time.process_time()
    for _ in range(TIMES):
        scope = {"type": "http", "method": "GET", "path": "/", "headers": HEADERS}
        await app(scope, None, nowhere)
    return 1e6 * (time.process_time() - begun) / TIMES


def least_costs(variants: dict[str, Telemetry | None]) -> dict[str, float]:
    """Of each variant, the least of many rounds, each with all, as other work comes and goes."""
    ready = Readiness(NothingMore())
    apps = {
        name: TelemetryMiddleware(inner, telemetry, ready) if telemetry else inner
        for name, telemetry in variants.items()
    }

    async def measure() -> dict[str, float]:
        least = dict.fromkeys(apps, float("inf"))
        for _ in range(ROUNDS):
            for name, app in apps.items():
                least[name] = min(least[name], await cost(app))
        return least

    least = asyncio.run(measure())
    base = least.pop("nothing")
    return {name: found - base for name, found in least.items()}


def test_a_request_costs_at_most_thirty_microseconds_more(tmp_path: Path):
    written = (tmp_path / "log").open("w", encoding="utf-8")
    lines, tracing = set_up_logging("json", "info", written), "http://127.0.0.1:9/v1/traces"
    found = least_costs(
        {
            "nothing": None,
            "id and numbers": Telemetry(),
            "id, numbers and line": Telemetry(lines=lines),
            "and a trace that is not kept": Telemetry(lines=lines, tracing=Tracing(tracing, 0.0)),
            "and a trace": Telemetry(lines=lines, tracing=Tracing(tracing)),
        }
    )
    with share_metrics():
        found |= least_costs({"nothing": None, "id and numbers of several processes": Telemetry()})
    for name, microseconds in found.items():
        print(f"\n{name}: +{microseconds:.1f} us", end="")
    assert found["id, numbers and line"] < 30
