"""The built wheel works by itself: in a fresh environment, from any folder."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from kgplan.machine import locked
from kgplan.native.heap import is_worse

ROOT = Path(__file__).parent.parent


LINKS = {"api", "cli", "cypher", "etl", "ontology"}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """The files that git knows, as Git on Windows puts them: links are files with their target."""
    work = tmp_path_factory.mktemp("checkout")
    names = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True).split("\0")
    for name in filter(None, names):
        source, copy = ROOT / name, work / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            copy.write_text(str(source.readlink()), encoding="utf-8")
        elif source.is_file():
            shutil.copy(source, copy)
    return work


@pytest.fixture(scope="module")
def built(checkout, tmp_path_factory) -> Path:
    """The folder of the sdist and the wheel, built from a checkout without links."""
    subprocess.run([sys.executable, ROOT / "explorer" / "build.py"], check=True)
    dist = "kgplan/api/page/dist"
    shutil.copytree(ROOT / dist, checkout / dist)  # of the same sources: not built again
    work = tmp_path_factory.mktemp("wheel")
    uv = Path(sys.executable).with_name("uv")
    both = ["--wheel", "--sdist", "--out-dir", work]
    subprocess.run([uv, "build", "-q", *both, checkout], check=True)
    return work


@pytest.fixture(scope="module")
def wheel(built) -> Path:
    """The wheel."""
    (found,) = built.glob("*.whl")
    return found


def test_a_checkout_without_links_is_linted_and_imported_as_one_with_them(checkout):
    assert {name for name in LINKS if (checkout / name).is_file()} == LINKS
    for command in (["ruff", "check", "."], ["ruff", "format", "--check", "."]):
        program = Path(sys.executable).with_name(command[0])
        done = subprocess.run([program, *command[1:]], cwd=checkout, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
    script = "import kgplan.cli.main, kgplan.api.service; print(kgplan.__file__)"
    told = subprocess.check_output([sys.executable, "-c", script], cwd=checkout, text=True)
    assert Path(told.strip()) == checkout / "kgplan" / "__init__.py"


def test_the_sdist_carries_what_the_wheel_is_built_from(built):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {"pyproject.toml", "hatch_build.py", "explorer/build.py", "kgplan/etl/judging.sql"}
    assert needed <= names
    assert {name.partition("/")[0] for name in names} & LINKS == set()


def test_the_wheel_carries_the_ontology_the_queries_and_the_page(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "kgplan/ontology/learning.ttl",
        "kgplan/ontology/items.ttl",
        "kgplan/ontology/items.rml.ttl",
        "kgplan/ontology/mapping.rml.ttl",
        "kgplan/ontology/constraints.ttl",
        "kgplan/ontology/each/class.ttl",
        "kgplan/cypher/each/class.cypher",
        "kgplan/cypher/walk.cypher",
        "kgplan/api/page/index.html",
        "kgplan/api/page/dist/index.html",
        "kgplan/embedding/default.toml",
        "kgplan/store/events/migrations/script.py.mako",
        "kgplan/store/events/migrations/versions/0001_first_tables.py",
        "kgplan/etl/judging.sql",
        "kgplan/etl/sources/mooccube.sql",
        "kgplan/py.typed",
    } <= names
    assets = {name.rpartition(".")[2] for name in names if "/page/dist/assets/" in name}
    assert {"js", "css", "br", "gz"} <= assets
    # one top-level package: nothing that could hide another project's `api` or `etl`
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"kgplan"}


def test_the_wheel_in_a_fresh_environment_loads_a_graph_and_plans_a_path(
    wheel, tmp_path, mini_source, own_home
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
    home = own_home.home  # vectors need torch, which the core does without: they are there
    shutil.rmtree(home / "artifacts" / "triples")
    (home / "graph.lbug").unlink()

    # what this environment compiled for the diagnosis serves that one, too; the similarities it
    # compiles anew, and what plans take it compiles for the other tests, or they did for it
    here, caches = Path(is_worse.stats.cache_path), tmp_path / "compiled"
    with locked(here / ".lock"):  # another process of the tests may be keeping something
        shutil.copytree(here, caches / here.name)
    compiled = sorted(caches.rglob("*.nb*"))

    def kgplan(*arguments, **places):
        return subprocess.run(
            [environment / "bin" / "kgplan", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={"KGPLAN_HOME": str(home), "HOME": str(tmp_path), "PATH": os.environ["PATH"]}
            | places,
        )

    for command in (["etl", "run", mini_source], ["graph", "load"]):
        done = kgplan(*command)
        assert done.returncode == 0, done.stderr
    done = kgplan("diagnose", NUMBA_CACHE_DIR=str(caches))
    assert done.returncode == 0, done.stderr
    assert sorted(caches.rglob("*.nb*")) == compiled != []
    done = kgplan("similarity")
    assert done.returncode == 0, done.stderr
    planning = {"NUMBA_CACHE_DIR": str(here.parent)}
    done = kgplan("plan", "U_1", "C_1", "--length", "3", "--json", **planning)
    assert done.returncode == 0, done.stderr
    assert all(step["resources"] for step in json.loads(done.stdout)["steps"])
    done = kgplan("plan", "U_1", "C_1", "--planner", "kg-plppm", "--json", **planning)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["steps"]) == 4
    refused = kgplan("embed", "--set", "split.fewest=0")
    assert refused.returncode == 1
    assert "pip install 'kgplan[embed]'" in refused.stderr
