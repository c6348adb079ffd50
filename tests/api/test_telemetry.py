"""What those who run the service see: ids, log lines, metrics, traces, health."""

import io
import json
import logging
import os
import sys
import threading
import time
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import uvicorn
from fastapi.testclient import TestClient
from learner_cases import hand_model
from prometheus_client.parser import text_string_to_metric_families

from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.api.limits import Limits
from kgplan.api.telemetry.logs import set_up_logging
from kgplan.api.telemetry.metrics import Metrics, share_metrics
from kgplan.api.telemetry.middleware import Telemetry
from kgplan.api.telemetry.tracing import Tracing, span
from kgplan.errors import GraphUnavailable, MissingExtra, RecordsUnavailable
from kgplan.model.current import CurrentLearners
from kgplan.store.events import open_events

PLANNER = cache(lambda: hand_model().planner())
PATH = "/v1/learners/learner/path"
URN = "urn:kgplan:"


class Service:
    """One application, what it writes, and how its graph and records can fail."""

    def __init__(self, folder: Path, tracing: Tracing | None = None, level="info") -> None:
        self.written = io.StringIO()
        root = logging.getLogger()
        self.before = root.handlers[:], root.level
        logging.getLogger("httpx2").setLevel("WARNING")  # the test's client
        lines = set_up_logging("json", level, self.written)
        self.records = open_events(f"sqlite:///{folder / 'learners.db'}", span=span)
        planner = PLANNER()
        self.version, self.failure = "1", None

        def mark():
            if self.failure:
                raise self.failure
            return self.version

        self.keeper = Keeper(lambda: planner, mark)
        self.app = create_app(
            self.keeper,
            Limits(),
            CurrentLearners(self.records),
            at_end=self.records.close,
            telemetry=Telemetry(lines=lines, tracing=tracing),
        )

        @self.app.get("/faulty", include_in_schema=False)
        def faulty():
            logging.getLogger("kgplan.test").warning("about to fail")
            raise ZeroDivisionError("secret")

        self.client = TestClient(self.app, raise_server_exceptions=False)

    def restore(self) -> None:
        """Give Python's logging back to the other tests."""
        root = logging.getLogger()
        root.handlers[:], level = self.before
        root.setLevel(level)
        logging.captureWarnings(False)

    def lines(self) -> list[dict]:
        """All but Python's warnings: which there are depends on what ran before."""
        lines = [json.loads(line) for line in self.written.getvalue().splitlines()]
        return [line for line in lines if line.get("logger") != "py.warnings"]

    def numbers(self) -> dict[tuple, float]:
        """(name, label values in order of their names) -> value, as Prometheus reads them."""
        text = self.client.get("/metrics").text
        return {
            (each.name, *(each.labels[name] for name in sorted(each.labels))): each.value
            for family in text_string_to_metric_families(text)
            for each in family.samples
        }


@pytest.fixture
def service(tmp_path):
    made = Service(tmp_path)
    with made.client:
        yield made
    made.restore()


# ---------------------------------------------------------------- request ids


def test_a_sane_request_id_is_taken_over_and_any_other_replaced(service):
    def answered(sent):
        headers = {} if sent is None else {"X-Request-ID": sent}
        return service.client.get("/health", headers=headers).headers.get_list("x-request-id")

    assert answered("order-17.a_b~c") == ["order-17.a_b~c"]
    for odd in (None, "", "two words", "a" * 129, 'x"; drop', "ü"):
        (made,) = answered(odd.encode() if odd else odd)
        assert len(made) == 32
        assert int(made, 16) >= 0
    assert answered(None) != answered(None)


@pytest.mark.parametrize(
    ("method", "path", "name", "status"),
    [
        ("GET", f"{PATH}?course_id=Q", "unknown-course", 404),
        ("GET", PATH, "bad-parameters", 422),
        ("GET", "/v1/nothing", "no-such-operation", 404),
        ("POST", "/v1/courses", "method-not-allowed", 405),
        ("POST", "/xapi/statements", "malformed-statement", 400),
        ("GET", "/faulty", "internal", 500),
    ],
)
def test_a_problem_its_header_its_line_and_its_count_name_the_same(
    service, method, path, name, status
):
    answer = service.client.request(method, path, headers={"X-Request-ID": "r-1"})
    assert answer.status_code == status
    assert answer.headers.get_list("x-request-id") == ["r-1"]
    assert answer.json()["type"] == f"{URN}problem:{name}"
    assert answer.json()["instance"] == f"{URN}request:r-1"
    assert int(answer.headers["content-length"]) == len(answer.content)
    (line,) = [line for line in service.lines() if line["event"] == "request"]
    assert (line["request_id"], line["problem"], line["status"]) == ("r-1", name, status)
    assert line["bytes"] == len(answer.content)
    assert service.numbers()["kgplan_problems_total", name] == 1


# ---------------------------------------------------------------- log lines


def test_each_request_has_one_line_with_its_route_and_without_its_learner(service):
    service.client.get(PATH, params={"course_id": "A"})
    service.client.get("/v1/learners/someone_secret/path", params={"course_id": "A"})
    service.client.get("/v1/learners/someone_secret/mastery")
    service.client.get("/v1/someone_secret")
    lines = [line for line in service.lines() if line["event"] == "request"]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("GET", "/v1/learners/{learner_id}/path", 200),
        ("GET", "/v1/learners/{learner_id}/path", 200),
        ("GET", "/v1/learners/{learner_id}/mastery", 404),
        ("GET", "none", 404),
    ]
    assert all(line["ms"] > 0 and line["level"] == "info" for line in lines)
    assert "someone_secret" not in service.written.getvalue()


def test_lines_of_anything_that_works_for_a_request_bear_its_id(service):
    service.client.get("/faulty", headers={"X-Request-ID": "r-2"})
    about = [line for line in service.lines() if line.get("request_id") == "r-2"]
    assert [line["event"] for line in about] == ["about to fail", "GET /faulty failed", "request"]
    assert [line["level"] for line in about] == ["warning", "error", "info"]
    assert "ZeroDivisionError: secret" in about[1]["exception"]
    logging.getLogger("uvicorn.error").warning("between requests")
    (between,) = [line for line in service.lines() if line["event"] == "between requests"]
    assert "request_id" not in between


def test_lines_of_the_server_are_written_though_another_server_had_set_its_own_level(tmp_path):
    uvicorn.Config(None, log_level="error")
    service = Service(tmp_path)
    logging.getLogger("uvicorn.error").warning("of the server")
    service.restore()
    service.records.close()
    assert [line["event"] for line in service.lines()] == ["of the server"]


def test_watchers_are_not_told_of_and_the_level_leaves_lines_out(tmp_path):
    def events(level):
        (tmp_path / level).mkdir()
        service = Service(tmp_path / level, level=level)
        for path in ("/health/live", f"{PATH}?course_id=A"):
            service.client.get(path)
        logging.getLogger("kgplan.test").warning("w")
        service.restore()
        service.records.close()
        return [line.get("route", line["event"]) for line in service.lines()]

    path = "/v1/learners/{learner_id}/path"
    assert events("info") == [path, "w"]
    assert events("warning") == ["w"]
    assert [each for each in events("debug") if each.startswith("/")] == ["/health/live", path]


def test_readable_lines_are_not_json(service):
    written = io.StringIO()
    lines = set_up_logging("console", "info", written)
    lines("info", {"event": "request", "route": "/health", "status": 200})
    logging.getLogger("kgplan.test").warning("free %s", "text")
    first, second = written.getvalue().splitlines()
    assert "request" in first
    assert "route=/health" in first
    assert "free text" in second


# ---------------------------------------------------------------- metrics


def test_requests_are_counted_by_route_method_and_class_of_status(service):
    for course in ("A", "A", "Q"):
        service.client.get(PATH, params={"course_id": course})
    numbers = service.numbers()
    route = "/v1/learners/{learner_id}/path"
    assert numbers["kgplan_request_seconds_count", "GET", route, "2xx"] == 2
    assert numbers["kgplan_request_seconds_count", "GET", route, "4xx"] == 1
    assert numbers["kgplan_request_seconds_bucket", "+Inf", "GET", route, "2xx"] == 2
    assert 0 < numbers["kgplan_request_seconds_sum", "GET", route, "2xx"] < 60
    assert numbers["kgplan_requests_in_flight",] == 1  # the scrape itself


def test_the_histogram_sums_to_the_times_of_the_log(service):
    for _ in range(20):
        service.client.get(PATH, params={"course_id": "A"})
    route = "/v1/learners/{learner_id}/path"
    told = [line["ms"] / 1e3 for line in service.lines() if line.get("route") == route]
    numbers = service.numbers()
    total = numbers["kgplan_request_seconds_sum", "GET", route, "2xx"]
    assert total == pytest.approx(sum(told), abs=20 * 5e-6)
    for bound in ("0.001", "0.005", "0.1"):
        count = numbers["kgplan_request_seconds_bucket", bound, "GET", route, "2xx"]
        assert abs(count - sum(each <= float(bound) for each in told)) <= 1  # ms are rounded


def test_what_is_kept_elsewhere_is_told_as_it_is(service):
    event = {"event_id": "e", "learner_id": "learner", "item_id": "v_a", "share": 1}
    service.client.post("/v1/events", json=event)
    for _ in range(3):
        service.client.get(PATH, params={"course_id": "A"})
    service.records.flush()
    numbers, again = service.numbers(), service.numbers()
    assert numbers["kgplan_cache_requests_total", "answers", "miss"] == 1
    assert numbers["kgplan_cache_requests_total", "answers", "hit"] == 2
    assert numbers["kgplan_cache_requests_total", "mastery", "miss"] == 1
    assert numbers["kgplan_cache_entries", "mastery"] == 1
    assert numbers["kgplan_cache_entries", "answers"] == 1
    assert numbers["kgplan_records_waiting",] == 0
    # dead letters of old, removed at opening; event, plan, flush
    assert numbers["kgplan_records_written_total",] == 4
    assert 1 <= numbers["kgplan_records_commits_total",] <= 4
    assert again["kgplan_records_written_total",] == 4  # a second look counts nothing twice
    anonymous = numbers["kgplan_memory_bytes", "anonymous"]
    status = Path("/proc/self/status").read_text().split("RssAnon:")[1].split()[0]
    assert anonymous == pytest.approx(1024 * int(status), rel=0.1)


def test_a_change_and_an_outage_of_the_graph_are_seen(service):
    first = service.numbers()
    version = (service.keeper.served.planner.graph.version, "model")
    worker = next(key for key in first if key[0] == "kgplan_workers")
    assert worker[1:3] == version
    assert (first["kgplan_stale",], first["kgplan_snapshot_builds_total",]) == (0, 1)
    service.version = "2"
    service.keeper.refresh()
    assert service.numbers()["kgplan_snapshot_builds_total",] == 2
    service.failure = GraphUnavailable("gone")
    service.keeper.stop()  # else the watcher would look in between
    service.keeper.refresh()
    time.sleep(0.2)
    stale = service.numbers()
    assert stale["kgplan_stale",] == 1
    assert stale["kgplan_snapshot_unchecked_seconds",] >= 0.2
    assert stale["kgplan_snapshot_age_seconds",] >= stale["kgplan_snapshot_unchecked_seconds",]


def test_processes_share_their_counts_and_the_gauges_of_dead_ones_go(tmp_path):
    with share_metrics() as folder:
        for n in (1, 2, 3):
            child = os.fork()
            if child == 0:
                metrics = Metrics()
                for _ in range(n):
                    metrics.observe("/r", "GET", 200, 0.01)
                metrics._in_flight.set(n)
                metrics._stale.set(n == 2)
                if n == 3:
                    (tmp_path / "told").write_bytes(metrics.render())
                os._exit(0)
            os.waitpid(child, 0)
    assert not folder.exists()
    values = {
        (each.name, each.labels.get("le", "")): each.value
        for family in text_string_to_metric_families((tmp_path / "told").read_text())
        for each in family.samples
    }
    assert values["kgplan_request_seconds_count", ""] == 1 + 2 + 3
    assert values["kgplan_request_seconds_sum", ""] == pytest.approx(0.06)
    assert values["kgplan_requests_in_flight", ""] == 3  # of the process that lives
    assert values["kgplan_stale", ""] == 0


# ---------------------------------------------------------------- health


def test_a_stale_service_is_ready_and_says_so(service):
    assert service.client.get("/health/ready").json()["status"] == "ok"
    service.failure = GraphUnavailable("gone")
    service.keeper.refresh()
    ready = service.client.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "stale")
    assert ready.json()["problem"] == "gone"


def test_without_its_records_a_service_lives_and_is_not_ready(service, monkeypatch, caplog):
    def away(learner_id):
        raise RecordsUnavailable("kgplan@db.example:5432 is away")

    monkeypatch.setattr(service.records, "version", away)
    refused = service.client.get("/health/ready")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert refused.json()["type"] == f"{URN}problem:not-ready"
    assert refused.json()["detail"] == "records unavailable"  # nobody needs a token to ask
    assert "db.example" not in refused.text
    service.client.get("/health/ready")
    told = [each.getMessage() for each in caplog.records if "db.example" in each.getMessage()]
    assert told == ["not ready: kgplan@db.example:5432 is away"]  # once
    assert service.client.get("/health/live").status_code == 200
    monkeypatch.undo()
    assert service.client.get("/health/ready").status_code == 200


# ---------------------------------------------------------------- traces


class Collector:
    """Takes OTLP over HTTP, as a collector does, and decodes it."""

    def __init__(self) -> None:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
            ExportTraceServiceRequest,
        )

        spans = self.spans = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    import gzip

                    body = gzip.decompress(body)
                sent = ExportTraceServiceRequest.FromString(body)
                for resource in sent.resource_spans:
                    for scope in resource.scope_spans:
                        spans.extend(scope.spans)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}/v1/traces"


@pytest.fixture
def collector():
    made = Collector()
    yield made
    made.server.shutdown()
    made.server.server_close()


def attributes(span):
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


def test_a_request_its_planning_and_its_records_are_spans_of_the_callers_trace(collector, tmp_path):
    service = Service(tmp_path, Tracing(collector.address))
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    headers = {"traceparent": f"00-{trace}-{parent}-01", "X-Request-ID": "r-3"}
    with service.client:
        service.client.get(PATH, params={"course_id": "A"}, headers=headers)
        service.client.get(PATH, params={"course_id": "Q"})
    service.restore()
    by_name = {}
    for each in collector.spans:
        by_name.setdefault(each.name, []).append(each)
    asked, missing = sorted(
        by_name["GET /v1/learners/{learner_id}/path"], key=lambda s: s.start_time_unix_nano
    )
    assert (asked.trace_id.hex(), asked.parent_span_id.hex()) == (trace, parent)
    told = attributes(asked)
    assert told["http.route"] == "/v1/learners/{learner_id}/path"
    assert told["http.response.status_code"] == 200
    assert told["kgplan.request_id"] == "r-3"
    inside = [span for name in ("plan", "records.read") for span in by_name[name]]
    ours = [span for span in inside if span.trace_id == asked.trace_id]
    assert {span.name for span in ours} == {"plan", "records.read"}
    for inner in ours:
        assert inner.parent_span_id in {asked.span_id, *(each.span_id for each in ours)}
        assert asked.start_time_unix_nano <= inner.start_time_unix_nano
        assert inner.end_time_unix_nano <= asked.end_time_unix_nano
    assert missing.trace_id != asked.trace_id
    assert attributes(missing)["error.type"] == "unknown-course"
    assert "learner" not in str(collector.spans).replace("{learner_id}", "").replace(
        "/learners/", ""
    )
    lines = [line for line in service.lines() if line["event"] == "request"]
    assert [line["trace_id"] for line in lines] == [trace, missing.trace_id.hex()]


def test_a_share_of_zero_keeps_only_what_the_caller_decided(collector, tmp_path):
    service = Service(tmp_path, Tracing(collector.address, share=0.0))
    trace = "0af7651916cd43dd8448eb211c80319c"
    with service.client:
        for _ in range(5):
            service.client.get("/health")
        service.client.get("/health", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    service.restore()
    assert [span.trace_id.hex() for span in collector.spans] == [trace]
    assert [line.get("trace_id") for line in service.lines() if line["event"] == "request"] == []


def test_a_tracer_of_the_surroundings_learns_nothing_of_learners(tmp_path, monkeypatch):
    """As an agent that instruments every service of a machine sets one."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    seen, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(seen))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    service = Service(tmp_path)
    with service.client:
        assert service.client.get(PATH, params={"course_id": "A"}).status_code == 200
    service.restore()
    assert seen.get_finished_spans() == ()


def test_traces_without_the_extra_are_refused_with_a_way_out(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(MissingExtra, match=r"kgplan\[telemetry\]"):
        Tracing("http://localhost:4318/v1/traces")
