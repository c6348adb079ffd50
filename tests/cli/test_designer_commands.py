import json
import zipfile
from pathlib import Path

import jsonschema
import miniature
import pytest
from fastapi.testclient import TestClient
from forked import run_kgplan

from kgplan.api.app import create_app
from kgplan.api.case_models import CFPackage
from kgplan.api.keeper import keep_planner
from kgplan.settings import Settings


@pytest.fixture(scope="module")
def home(mini_home) -> Path:
    """A home with the graph of the miniature archive."""
    return mini_home.home


def graph(home, *arguments, code=0):
    """Run `kgplan graph` as a person would."""
    done = run_kgplan(home, "graph", *arguments)
    assert done.returncode == code, done.stderr
    return done


def prerequisites() -> set[tuple[str, str]]:
    """The pairs that the archive annotates."""
    return {tuple(pair) for pair in miniature.MINI["relations/prerequisite-dependency.json"]}


def test_questions_are_listed_and_answered(home):
    listed = json.loads(graph(home, "ask", "--list", "--json").stdout)
    (orphans,) = [row for row in listed if row["name"] == "orphans"]
    assert orphans["parameters"] == {}
    assert orphans["asks"].endswith("?")
    found = json.loads(
        graph(home, "ask", "unlocks", "--param", f"concept_id={miniature.SET}", "--json").stdout
    )
    after = {row["concept_id"] for row in found if row["depth"] == 1}
    assert {b for a, b in prerequisites() if a == miniature.SET} <= after
    assert "orphans" in graph(home, "ask").stdout


def test_effects_of_all_prerequisites_are_told_and_of_whom_nothing_can_be(home):
    found = json.loads(graph(home, "effects", "--json").stdout)
    assert prerequisites() <= {(edge["before"]["id"], edge["after"]["id"]) for edge in found}
    for edge in found:
        compared = edge["effect"] is not None
        assert compared == (edge["says"] != "nobody to compare") == bool(edge["with_it"])
    assert "nobody to compare" in graph(home, "effects").stdout


def test_what_cannot_be_asked_is_one_sentence(home):
    assert "close matches: unlocks" in graph(home, "ask", "unlock", code=2).stderr
    assert "needs concept_id" in graph(home, "ask", "unlocks", code=2).stderr
    wrong = graph(home, "ask", "unlocks", "--param", "concept_id", code=2)
    assert "is not KEY=VALUE" in wrong.stderr
    assert "Traceback" not in wrong.stderr


def test_health_is_told_to_people_and_programs(home):
    told = json.loads(graph(home, "health", "--json").stdout)
    assert told["concepts"] == 8
    assert told["edges"] >= len(prerequisites())
    assert told["coverage"]["without_item"] is not None
    assert "edges that break all cycles" in graph(home, "health").stdout


def test_the_graph_is_exported_and_asked_in_sparql(home, tmp_path):
    lines = graph(home, "export", "--format", "nt").stdout.splitlines()
    out = tmp_path / "new" / "graph.ttl"
    graph(home, "export", "--format", "ttl", "--out", out)
    assert "kg:Course" in out.read_text(encoding="utf-8")
    graph(home, "export", "--format", "csv", "--out", tmp_path / "tables")
    assert (tmp_path / "tables" / "prerequisite_of.csv").exists()
    query = tmp_path / "count.rq"
    query.write_text("SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }", encoding="utf-8")
    assert json.loads(graph(home, "sparql", query, "--json").stdout) == [{"n": len(lines)}]
    text = graph(home, "sparql", query.read_text(encoding="utf-8")).stdout
    assert f"{len(lines):,}" in text
    subject = lines[0].partition(" ")[0]
    told = graph(home, "sparql", f"DESCRIBE {subject}", "--json").stdout
    assert {row["subject"] for row in json.loads(told)} == {subject.strip("<>")}
    query.write_bytes('SELECT ?s {\n ?s ?p "é" }'.encode("latin-1"))
    refused = graph(home, "sparql", query, code=2).stderr
    assert "line 2, is not UTF-8" in " ".join(refused.split())
    refused = graph(home, "sparql", "ASK { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }", code=2)
    assert "another service" in refused.stderr
    assert "cannot be read" in graph(home, "sparql", tmp_path, code=2).stderr


def test_the_graph_is_exported_as_the_case_package_that_the_service_gives(home, tmp_path):
    out, given = tmp_path / "case.json", ("export", "--format", "case", "--changed", "2026-03-01")
    told = graph(home, *given, "--out", out).stderr
    package = json.loads(out.read_text(encoding="utf-8"))
    jsonschema.validate(package, CFPackage.model_json_schema())
    assert json.loads(graph(home, *given).stdout) == package
    assert package["CFDocument"]["lastChangeDateTime"] == "2026-03-01T00:00:00+00:00"
    # the service's, apart from when it first read the graph
    client = TestClient(create_app(keep_planner(Settings(home=home))))
    served = client.get("/v1/graph/case").json()
    for each in (served["CFDocument"], *served["CFItems"], *served["CFAssociations"]):
        each["lastChangeDateTime"] = package["CFDocument"]["lastChangeDateTime"]
    assert package == served
    names = {item["humanCodingScheme"]: item["identifier"] for item in package["CFItems"]}
    precedes = {
        (link["originNodeURI"]["identifier"], link["destinationNodeURI"]["identifier"])
        for link in package["CFAssociations"]
        if link["associationType"] == "precedes"
    }
    assert {(names[a], names[b]) for a, b in prerequisites()} <= precedes
    assert f"{len(names)} items" in told


def test_an_export_that_cannot_be_written_is_one_sentence(home, tmp_path):
    assert "choose from ttl, nt" in graph(home, "export", "--format", "xls", code=2).stderr
    assert "folder with --out" in graph(home, "export", "--format", "csv", code=2).stderr
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "graph.nt"
    assert "cannot write" in graph(home, "export", "--format", "nt", "--out", out, code=2).stderr
    assert "no file" in graph(home, "sparql", tmp_path / "absent.rq", code=2).stderr


def test_saved_scripts_are_what_the_repository_keeps(home, tmp_path):
    graph(home, "scripts", tmp_path / "scripts.zip")
    kept = Path(__file__).parents[2] / "docker" / "neo4j" / "browser-scripts.zip"
    assert (tmp_path / "scripts.zip").read_bytes() == kept.read_bytes()
    with zipfile.ZipFile(kept) as archive:
        assert archive.testzip() is None
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert all(name.endswith(".cypher") for name in texts)
    assert all(text.startswith("// ") for text in texts.values())  # Browser shows the first line
    assert not any("ladybug" in name for name in texts)
