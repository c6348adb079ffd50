"""Sources of other packages are found, listed, recognised and asked for by name, as ours are."""

import json
from importlib.metadata import EntryPoint

import duckdb
import miniature
import pytest
from other_package import install, told_where_installed
from rdflib import Graph

from kgplan import registry
from kgplan.errors import ConfigError, SourceError
from kgplan.etl import sources as registered
from kgplan.etl.archive import SourceFile
from kgplan.etl.rdf import KG
from kgplan.etl.sources import GROUP, NamedSource, source_of, sources
from kgplan.etl.sources.mooccube import SOURCE
from kgplan.etl.tables import TABLES
from kgplan.model.opening import DataSource, source_in_use
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore

# as Excel writes tables: a byte order mark, semicolons, quotes
FILES = {
    "topics.csv": 'topic;title\n1;Sets\n2;"Maps; and functions"\n2;again\n3;\n4;Groups\n',
    "needs.csv": "topic;first\n2;1\n4;2\n4;9\n",
    "units.csv": "unit;title\nU;Algebra\n",
    "unit-topics.csv": "unit;topic\nU;1\nU;2\n",
}

ELSEWHERE = """
import csv, io
import pyarrow as pa
from kgplan.etl.archive import SourceFile
from kgplan.etl.sources import NamedSource, Step

CELLS = pa.schema([("line", pa.int64()), ("cells", pa.list_(pa.string()))])


def cells(archive, path):
    with archive.open(path) as stream:
        text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
        rows = list(csv.reader(text, delimiter=";"))[1:]
    yield pa.record_batch([list(range(2, len(rows) + 2)), rows], schema=CELLS)


def step(file, table, columns, same, constant=""):
    names = columns.split()
    found = ", ".join(f"cells[{n}] AS {name}" for n, name in enumerate(names, 1)) + constant
    needed = ", ".join(f"no_text('{name}', cells[{n}])" for n, name in enumerate(names, 1))
    query = f'''SELECT line, 0 AS item, array_to_string(cells, ';') AS record,
        coalesce({needed}) AS reject, '' AS mends, {found} FROM lines'''
    names += [constant.split()[-1]] if constant else []
    return Step(file, table, table, query, tuple(names), same, rows=cells, schema=CELLS)


SOURCE = NamedSource(
    name="syllabus",
    title="Syllabus",
    about="a school's tables of topics",
    layout=[
        SourceFile("topics.csv"),
        SourceFile("units.csv"),
        SourceFile("needs.csv", required=False),
        SourceFile("unit-topics.csv", required=False),
    ],
    steps=(
        step("topics.csv", "concept", "concept_id name", same=("concept_id",)),
        step("units.csv", "course", "course_id name", same=("course_id",)),
        step("needs.csv", "prerequisite", "after_id before_id", ("before_id", "after_id"),
             ", 'teacher' AS source"),
        step("unit-topics.csv", "course_concept", "course_id concept_id",
             ("course_id", "concept_id")),
    ),
)
"""

ASK = """
import json, sys
from typer.testing import CliRunner
from kgplan.cli.main import app

told = []
for line in sys.stdin:
    done = CliRunner().invoke(app, json.loads(line))
    told.append([done.stdout, str(done.exception or "")])
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The path of another package that brings a source."""
    folder = tmp_path_factory.mktemp("installed")
    return install(folder, ELSEWHERE, GROUP, "syllabus = elsewhere:SOURCE")


def kgplan(installed, home, *commands):
    """What each command prints, and the error that it ends with, where the package is installed."""
    sent = "\n".join(json.dumps([str(word) for word in command]) for command in commands)
    return json.loads(told_where_installed(installed, home, ASK, sent=sent))


def test_a_source_of_another_package_is_read_into_tables_and_triples(installed, tmp_path):
    folder = tmp_path / "school" / "export of 2026"
    folder.mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8-sig")
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "photo.jpg").touch()
    home = tmp_path / "home"
    looked, asked, wrong, unknown, unread, listed = kgplan(
        installed,
        home,
        ["etl", "run", tmp_path / "school", "--json"],
        ["etl", "run", tmp_path / "school", "--format", "syllabus", "--json"],
        ["etl", "run", tmp_path / "school", "--format", "mooccube"],
        ["etl", "run", tmp_path / "school", "--format", "syllabi"],
        ["etl", "run", tmp_path / "holiday"],
        ["etl", "sources", "--json"],
    )

    reports = [json.loads(each)[0] for each, _ in (looked, asked)]
    assert [each["details"]["format"] for each in reports] == ["syllabus", "syllabus"]
    assert reports[0]["version"] == reports[1]["version"]
    assert "does not hold MOOCCube: no entities/concept.json" in wrong[1]
    known = ", ".join([*sources(), "syllabus"])
    assert unknown[1] == f"source is 'syllabi'; it is one of {known}"
    assert "holds photo.jpg, nothing of a source that is known" in unread[1]
    assert "mooccube: entities/concept.json" in unread[1]
    assert "syllabus: topics.csv, units.csv, needs.csv and 1 more" in unread[1]
    found = {each["name"]: each["files"] for each in json.loads(listed[0])}
    assert found["syllabus"][0] == {"path": "topics.csv", "required": True, "used": True}
    assert len(found["mooccube"]) == len(SOURCE.layout)

    artifacts = ArtifactStore(Settings(home=home).artifacts)
    assert source_in_use(artifacts) == DataSource("Syllabus", "")
    tables = artifacts.current("tables").path
    rows = {name: duckdb.sql(f"FROM '{tables}/{name}.parquet'").fetchall() for name in TABLES}
    names = {"1": "Sets", "2": "Maps; and functions", "4": "Groups"}
    assert {name: found for name, found in rows.items() if found} == {
        "concept": [(*each, None, None) for each in names.items()],
        "course": [("U", "Algebra", None, None, None)],
        "prerequisite": [
            ("1", "2", "teacher", None, None),
            ("2", "4", "teacher", None, None),
        ],
        "course_concept": [("U", "1"), ("U", "2")],
    }
    rejects = duckdb.sql(f"SELECT file, line, reason FROM '{tables}/rejects.parquet'").fetchall()
    assert rejects == [
        ("needs.csv", 4, "dangling_id"),
        ("topics.csv", 4, "duplicate"),
        ("topics.csv", 5, "missing_field"),
    ]
    graph = Graph().parse(artifacts.current("triples").path / "triples.nt", format="nt")
    assert {str(text) for text in graph.objects(None, KG.name)} == {*names.values(), "Algebra"}
    assert len(list(graph.subject_objects(KG.dependencyPrerequisite))) == 2


def other(name, *files):
    return NamedSource(name, name.title(), "", [SourceFile(file) for file in files], ())


def holding(folder, *files):
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    return folder


def test_a_source_is_recognised_by_its_files(tmp_path, monkeypatch, mini_source):
    known = [SOURCE, other("alpha", "a.csv", "b.csv"), other("beta", "b.csv", "c.csv")]
    monkeypatch.setattr(registered, "sources", lambda: {each.name: each for each in known})
    assert source_of(mini_source).name == "mooccube"
    assert source_of(miniature.write_zip(tmp_path / "a.zip", miniature.MINI)).name == "mooccube"
    # all that one needs is there, and of the other a part
    assert source_of(holding(tmp_path / "whole", "x/a.csv", "x/b.csv")).name == "alpha"
    # one lacks a file, which it says by itself
    assert source_of(holding(tmp_path / "part", "c.csv")).name == "beta"
    both = holding(tmp_path / "both", "a.csv", "b.csv", "c.csv")
    with pytest.raises(SourceError) as refused:
        source_of(both)
    assert "could be alpha (it has a.csv, b.csv) or beta (it has b.csv, c.csv)" in str(
        refused.value
    )
    assert "--format" in str(refused.value)
    assert source_of(both, "beta").name == "beta"
    with pytest.raises(SourceError, match=r"could be alpha .* or beta "):
        source_of(holding(tmp_path / "neither", "b.csv"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="holds no file, nothing of a source that is known"):
        source_of(tmp_path / "empty")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("no_such_module_anywhere:SOURCE", "source 'broken' cannot be loaded"),
        (
            "kgplan.etl.sources.mooccube:FILES",
            "is a tuple; make it a kgplan.etl.sources.*NamedSource",
        ),
        ("kgplan.etl.sources.mooccube:SOURCE", "two sources are called 'mooccube'"),
    ],
)
def test_a_source_that_cannot_be_used_is_told_with_its_place(monkeypatch, value, told):
    broken = EntryPoint("broken", value, GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [broken])
    with pytest.raises(ConfigError, match=told) as refused:
        sources.__wrapped__()
    assert value in str(refused.value)
