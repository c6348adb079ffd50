"""Where does a request's time go? Spans by OpenTelemetry, sent to a collector; off by default.

Spans are made here and not by OpenTelemetry's own ASGI middleware: that one writes addresses, with
the ids of learners, into its spans, and makes one for each message of a request.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from kgplan import __version__
from kgplan.api.telemetry.context import CURRENT, RequestContext
from kgplan.errors import MissingExtra

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

_NOTHING = nullcontext()


def span(name: str) -> AbstractContextManager[Any]:
    """A part of the request that this task or thread works for; nothing where it is not traced.

    >>> with span("outside of a request"):
    ...     pass
    """
    context = CURRENT.get()
    return _NOTHING if context is None or context.span is None else context.span(name)


class Tracing:
    """Makes spans and sends them, in the background, by OTLP over HTTP.

    Args:
        endpoint: the collector's address for traces, such as `http://localhost:4318/v1/traces`.
        share: of the traces that begin here, how many are kept, between 0 and 1; a caller that has
            decided (`traceparent`) is followed.

    Raises:
        MissingExtra: OpenTelemetry is not installed.
    """

    def __init__(self, endpoint: str, share: float = 1.0) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
            from opentelemetry.trace import SpanKind, Status, StatusCode
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ModuleNotFoundError:
            raise MissingExtra("telemetry", "sending traces (KGPLAN_OTLP)") from None
        resource = Resource.create({"service.name": "kgplan", "service.version": __version__})
        self._provider: TracerProvider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(share)), resource=resource
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
        self._tracer = self._provider.get_tracer("kgplan")
        self._propagator = TraceContextTextMapPropagator()
        self._server = SpanKind.SERVER
        self._failed = Status(StatusCode.ERROR)

    @contextmanager
    def request(
        self, method: str, headers: Iterable[tuple[bytes, bytes]], context: RequestContext
    ) -> Iterator[Span]:
        """The span of one request; the caller's trace goes on where it names one.

        Args:
            headers: of the request, names in lower case.
            context: gets the trace's id, and what makes further spans.
        """
        sent = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in headers
            if name in (b"traceparent", b"tracestate")
        }
        parent = self._propagator.extract(sent) if sent else None
        with self._tracer.start_as_current_span(
            method, parent, kind=self._server, record_exception=False
        ) as made:
            told = made.get_span_context()
            if told.trace_flags.sampled:
                context.trace_id = f"{told.trace_id:032x}"
                context.span = self.part
            yield made

    def name(
        self, made: Span, method: str, route: str, status: int, context: RequestContext
    ) -> None:
        """Say what the request turned out to be; names as OpenTelemetry's conventions have them."""
        if not made.is_recording():
            return
        made.update_name(f"{method} {route}")
        made.set_attributes(
            {
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": status,
                "kgplan.request_id": context.request_id,
            }
        )
        if context.problem:
            made.set_attribute("error.type", context.problem)
        if status >= 500:
            made.set_status(self._failed)

    def part(self, name: str) -> AbstractContextManager[Any]:
        """A span inside of the current one."""
        return self._tracer.start_as_current_span(name, record_exception=False)

    def close(self) -> None:
        """Send what still waits."""
        self._provider.shutdown()
