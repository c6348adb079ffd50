"""The built wheel works by itself: in a fresh environment, from any folder."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import stage_runner

from kgplan.settings import Settings

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy of what is in the repository."""
    work = tmp_path_factory.mktemp("wheel")
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "build", "-q", "--wheel", "--out-dir", work, ROOT], check=True)
    (built,) = work.glob("*.whl")
    return built


def test_the_wheel_carries_the_ontology_the_queries_and_the_page(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "kgplan/ontology/mooccube.ttl",
        "kgplan/ontology/mapping.rml.ttl",
        "kgplan/ontology/constraints.ttl",
        "kgplan/ontology/each/class.ttl",
        "kgplan/cypher/each/class.cypher",
        "kgplan/cypher/walk.cypher",
        "kgplan/api/page/index.html",
        "kgplan/api/page/dist/index.html",
        "kgplan/embedding/default.toml",
        "kgplan/etl/extract.sql",
        "kgplan/store/events/migrations/script.py.mako",
        "kgplan/store/events/migrations/versions/0001_first_tables.py",
        "kgplan/py.typed",
    } <= names
    assets = {name.rpartition(".")[2] for name in names if "/page/dist/assets/" in name}
    assert {"js", "css", "br", "gz"} <= assets
    # one top-level package: nothing that could hide another project's `api` or `etl`
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"kgplan"}


def test_the_wheel_in_a_fresh_environment_loads_a_graph_and_plans_a_path(
    wheel, tmp_path, mini_source
):
    uv, environment = Path(sys.executable).with_name("uv"), tmp_path / "env"
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, environment], check=True)
    subprocess.run(
        [
            *(uv, "pip", "install", "-q", "--python", environment / "bin" / "python"),
            *("-c", ROOT / "constraints.txt", wheel),
        ],
        check=True,
    )
    home = tmp_path / "home"
    # vectors need torch, which the core does without: they come from this environment
    for stage in stage_runner.STAGES:
        stage_runner.run(stage, Settings(home=home), mini_source)
    shutil.rmtree(home / "artifacts" / "triples")
    (home / "graph.lbug").unlink()

    def kgplan(*arguments):
        return subprocess.run(
            [environment / "bin" / "kgplan", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={"KGPLAN_HOME": str(home), "HOME": str(tmp_path), "PATH": os.environ["PATH"]},
        )

    for command in (["etl", "run", mini_source], ["graph", "load"], ["diagnose"], ["similarity"]):
        done = kgplan(*command)
        assert done.returncode == 0, done.stderr
    done = kgplan("plan", "U_1", "C_1", "--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["steps"]) == 4
    refused = kgplan("embed")
    assert refused.returncode == 1
    assert "pip install 'kgplan[embed]'" in refused.stderr
