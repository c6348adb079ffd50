"""What can be held of the container files without an engine."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import promql_parser
import pytest
import yaml
from fastapi.testclient import TestClient
from planning_cases import hand_case
from prometheus_client.parser import text_string_to_metric_families

from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.settings import Settings

ROOT = Path(__file__).parent.parent
DOCKER = ROOT / "docker"
ALERTS = DOCKER / "prometheus" / "alerts.yaml"
DASHBOARD = DOCKER / "grafana" / "dashboards" / "kgplan.json"


def read(path: Path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def compose():
    return read(DOCKER / "compose.yaml")


def test_no_password_stands_in_the_files_and_none_is_taken_by_default():
    example = (DOCKER / "example.env").read_text(encoding="utf-8")
    services = compose()["services"]
    secret = services["api"]["environment"]["KGPLAN_AUTH_SECRET"]
    assert secret.startswith("${KGPLAN_AUTH_SECRET:?")
    # of the services in profiles each image refuses what stands there when nothing is set
    assert services["neo4j"]["environment"]["NEO4J_AUTH"] == "neo4j/${KGPLAN_GRAPH_PASSWORD:-neo4j}"
    password = services["postgresql"]["environment"]["POSTGRES_PASSWORD"]
    assert password == "${KGPLAN_RECORDS_PASSWORD:-}"
    for name in ("KGPLAN_AUTH_SECRET", "KGPLAN_GRAPH_PASSWORD", "KGPLAN_RECORDS_PASSWORD"):
        assert f"\n{name}=\n" in example


def test_only_the_service_starts_without_a_profile():
    profiles = {name: each.get("profiles") for name, each in compose()["services"].items()}
    assert profiles == {
        "api": None,
        "neo4j": ["neo4j"],
        "postgresql": ["postgresql"],
        "prometheus": ["monitoring"],
        "grafana": ["monitoring"],
    }
    needs = compose()["services"]["api"]["depends_on"]
    assert {name: each["required"] for name, each in needs.items()} == {
        "neo4j": False,
        "postgresql": False,
    }


def test_every_port_is_on_loopback_and_every_service_has_a_health_check():
    services = compose()["services"]
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert all("healthcheck" in each for name, each in services.items() if name != "api")
    assert "/health/ready" in (DOCKER / "Dockerfile").read_text(encoding="utf-8")


def test_every_path_and_volume_that_compose_names_is_there():
    content = compose()
    build = content["services"]["api"]["build"]
    assert (DOCKER / build["context"] / build["dockerfile"]).is_file()
    mounted = [
        volume.split(":")[0]
        for service in content["services"].values()
        for volume in service.get("volumes", [])
    ]
    assert all((DOCKER / each).is_dir() for each in mounted if each.startswith("./"))
    named = {each for each in mounted if not each.startswith((".", "/", "$"))}
    assert named == set(content["volumes"])


def test_every_variable_that_the_service_gets_is_one_of_its_settings():
    names = {name.removeprefix("KGPLAN_").lower() for name in compose_variables()}
    assert names - {"workers"} <= set(Settings.model_fields)  # --workers reads its own


def compose_variables() -> set[str]:
    environment = set(compose()["services"]["api"]["environment"])
    lines = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    return environment | set(re.findall(r"\b(KGPLAN_\w+)=/var", lines))


def test_the_service_has_time_to_stop():
    grace = compose()["services"]["api"]["stop_grace_period"]
    assert int(grace.removesuffix("s")) > Settings.model_fields["stop_seconds"].default


def test_the_image_does_not_run_as_root_and_installs_no_torch():
    text = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    assert "USER kgplan" in text.splitlines()
    assert re.findall(r"--extra (\w+)", text) == ["postgresql", "telemetry"]
    assert "--all-extras" not in text


def test_what_the_image_leaves_out_is_a_dependency_that_the_service_never_imports():
    lines = (DOCKER / "left-out.txt").read_text(encoding="utf-8").splitlines()
    left_out = {line.replace("-", "_") for line in lines if not line.startswith("#")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[<>=\[]", each)[0].replace("-", "_") for each in project["dependencies"]}
    assert left_out <= needed
    serving = "kgplan.cli.main, kgplan.api.server, kgplan.api.service, kgplan.api.workers"
    script = f"import sys, {serving}; print(*sorted(sys.modules))"
    imported = subprocess.check_output([sys.executable, "-c", script], text=True).split()
    assert left_out & {name.partition(".")[0] for name in imported} == set()
    parts = (DOCKER / "left-out-parts.txt").read_text(encoding="utf-8").split()
    assert {part.replace("/", ".") for part in parts} & set(imported) == set()


def test_everything_that_the_image_copies_is_in_the_repository():
    lines = (DOCKER / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = [
        name
        for line in lines
        if line.startswith("COPY") and "--from" not in line
        for name in line.split()[1:-1]
    ]
    assert len(copied) > 5
    assert all((ROOT / name).exists() for name in copied)


# ---------------------------------------------------------------- monitoring


@pytest.fixture(scope="module")
def exported():
    """What the service exports: name of a sample -> its labels; None where it has no value yet."""
    planner = hand_case().planner()
    client = TestClient(create_app(Keeper(lambda: planner, lambda: "always the same")))
    client.get("/v1/learners/learner/path", params={"course_id": "A"})
    client.get("/v1/nothing")
    found: dict[str, set[str] | None] = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        found[family.name + ("_total" if family.type == "counter" else "")] = None
        for sample in family.samples:
            found[sample.name] = set(sample.labels)
    return found


def queries() -> list[str]:
    """All of the dashboard and the alerts."""
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    shown = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    rules = [rule for group in read(ALERTS)["groups"] for rule in group["rules"]]
    return shown + [rule["expr"] for rule in rules]


def selectors(query: str):
    """(selector, labels that are grouped by around it), for all selectors of a query."""
    plain = query.replace("$__rate_interval", "1m").replace("$route", ".*")
    waiting = [(promql_parser.parse(plain), frozenset())]
    while waiting:
        part, grouped = waiting.pop()
        if isinstance(part, promql_parser.VectorSelector):
            yield part, grouped
        if isinstance(part, promql_parser.AggregateExpr) and part.modifier:
            grouped = grouped | set(part.modifier.labels)
        for name in ("lhs", "rhs", "expr", "vector_selector"):
            if getattr(part, name, None) is not None:
                waiting.append((getattr(part, name), grouped))
        waiting += [(each, grouped) for each in getattr(part, "args", [])]


def test_every_query_names_only_what_the_service_exports(exported):
    asked = [each for query in queries() for each in selectors(query)]
    assert len(asked) > 30
    for selector, grouped in asked:
        if selector.name == "up":  # Prometheus' own
            continue
        assert selector.name in exported
        labels = exported[selector.name]
        if labels is not None:
            matched = {each.name for each in selector.matchers.matchers} - {"__name__"}
            assert matched | grouped <= labels


def test_everything_that_the_service_exports_is_on_the_dashboard(exported):
    shown = {selector.name for query in queries() for selector, _ in selectors(query)}
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in exported}
    assert families - {re.sub(r"_(bucket|count|sum)$", "", n) for n in shown} == set()


def test_the_dashboard_has_a_row_for_each_area_and_nothing_overlaps():
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    rows = [panel["title"] for panel in panels if panel["type"] == "row"]
    assert len(rows) == 7
    cells = [
        (x, y)
        for panel in panels
        for at in [panel["gridPos"]]
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_every_alert_is_explained():
    page = (ROOT / "docs" / "guide" / "operations.md").read_text(encoding="utf-8")
    rules = [rule for group in read(ALERTS)["groups"] for rule in group["rules"]]
    assert [rule["alert"] for rule in rules if f"`{rule['alert']}`" not in page] == []
