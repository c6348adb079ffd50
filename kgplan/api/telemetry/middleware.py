"""What does each request cost, and how did it end? The outermost middleware measures and tells."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kgplan.api.problems import answer, fault, problem_of
from kgplan.api.telemetry.context import CURRENT, KEY, RequestContext, request_id_from
from kgplan.api.telemetry.logs import TOLD, Fields, LineSink, LogLevel
from kgplan.api.telemetry.metrics import Metrics, Sources, keep_sampling
from kgplan.api.telemetry.readiness import Readiness
from kgplan.api.telemetry.tracing import Tracing
from kgplan.errors import NotReady

log = logging.getLogger(__name__)

REQUEST_ID = b"x-request-id"
WATCHING = frozenset({"/health", "/health/live", "/health/ready", "/metrics"})
"""Routes that machines ask every few seconds: their lines are for debugging."""
UNROUTED = "none"  # no operation has the address, or the request was refused before


@dataclass
class Telemetry:
    """Where what is seen of requests goes.

    Attributes:
        metrics: counts them.
        lines: writes a line about each; none are written where None.
        tracing: makes their spans; none where None.
    """

    metrics: Metrics = field(default_factory=Metrics)
    lines: LineSink | None = None
    tracing: Tracing | None = None

    @asynccontextmanager
    async def at_work(self, sources: Sources) -> AsyncIterator[None]:
        """While the service runs: share its numbers; at the end, send what spans still wait."""
        sampling = asyncio.create_task(keep_sampling(self.metrics, sources))
        try:
            yield
        finally:
            sampling.cancel()
            if self.tracing is not None:
                self.tracing.close()


class TelemetryMiddleware:
    """Gives each request its id, and tells what became of it.

    Args:
        app: what answers.
        telemetry: where this goes.
        readiness: once it is stopping, every answer asks the client to close its connection: the
            next request then comes over a new one, to a process that stays.
    """

    def __init__(self, app: ASGIApp, telemetry: Telemetry, readiness: Readiness) -> None:
        self.app, self.telemetry, self.readiness = app, telemetry, readiness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent_id = next((value for name, value in scope["headers"] if name == REQUEST_ID), None)
        context = scope[KEY] = RequestContext(request_id_from(sent_id))
        CURRENT.set(context)
        tracing = self.telemetry.tracing
        if tracing is None:
            await self.measured(scope, receive, send, context)
            return
        with tracing.request(scope["method"], scope["headers"], context) as span:
            status = await self.measured(scope, receive, send, context)
            tracing.name(span, scope["method"], route_of(scope), status, context)

    async def measured(
        self, scope: Scope, receive: Receive, send: Send, context: RequestContext
    ) -> int:
        """Answer a request, count it, write its line; its status."""
        begun = time.perf_counter()
        status, size = 0, 0

        async def noted(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], (REQUEST_ID, context.request_id.encode())]
                if self.readiness.stopping:
                    headers.append((b"connection", b"close"))
                message["headers"] = headers
            else:
                size += len(message.get("body", b""))
            await send(message)

        self.readiness.in_flight += 1
        try:
            await self.app(scope, receive, noted)
        except asyncio.CancelledError:  # by the server: its time to stop is over
            if status:
                raise
            await answer(problem_of(NotReady(["the service has stopped"])))(scope, receive, noted)
        except Exception as error:
            log.error("%s %s failed", scope["method"], route_of(scope), exc_info=error)
            setattr(error, TOLD, True)
            if not status:
                await answer(fault())(scope, receive, noted)
            raise
        finally:
            self.readiness.in_flight -= 1
            self.tell(scope, context, status, size, time.perf_counter() - begun)
        return status

    def tell(
        self, scope: Scope, context: RequestContext, status: int, size: int, seconds: float
    ) -> None:
        """Count a request that has been answered, and write its line."""
        route, method = route_of(scope), scope["method"]
        self.telemetry.metrics.observe(route, method, status, seconds, context.problem)
        lines = self.telemetry.lines
        if lines is None:
            return
        level: LogLevel = "debug" if route in WATCHING and status < 500 else "info"
        fields: Fields = {
            "event": "request",
            "request_id": context.request_id,
            "method": method,
            "route": route,
            "status": status,
            "ms": round(1e3 * seconds, 2),
            "bytes": size,
        }
        if context.problem:
            fields["problem"] = context.problem
        if context.trace_id:
            fields["trace_id"] = context.trace_id
        lines(level, fields)


def route_of(scope: Scope) -> str:
    """The template of the operation that a request reached, free of learners' ids.

    >>> route_of({"type": "http", "path": "/v1/learners/U_1/path"})
    'none'
    """
    route = scope.get("route")
    return getattr(route, "path_format", None) or UNROUTED
