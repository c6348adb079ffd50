"""What an import would change, by brute force over both tables; and ids that became others."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from kgplan.cli.main import app
from kgplan.errors import InputError
from kgplan.etl.diff import changes
from kgplan.etl.extract import extract, read_id_map
from kgplan.etl.init import write_example
from kgplan.etl.tables import TABLES


@pytest.fixture(scope="module")
def example(tmp_path_factory) -> tuple[Path, Path]:
    """The example's files, and its tables."""
    folder = tmp_path_factory.mktemp("example")
    write_example(folder / "site")
    return folder / "site", extracted(folder / "site", folder)


def extracted(site: Path, folder: Path, **options: Any) -> Path:
    out = folder / "tables"
    out.mkdir()
    extract(site, out, **options)
    return out


def edited(site: Path, folder: Path, edits: dict[str, tuple[str, str]]) -> Path:
    new = folder / "site"
    new.mkdir()
    for file in site.iterdir():
        text = file.read_text(encoding="utf-8")
        (new / file.name).write_text(text.replace(*edits.get(file.stem, ("", ""))) or text)
    return new


def test_rows_that_came_went_and_changed_are_those_of_a_loop_over_both(example, tmp_path):
    site, before = example
    edits = {
        "concepts": ("sorting,Sorting", "ordering,Ordering"),
        "items": ("In order,480", "In order,500"),
        "prerequisites": ("lists,dictionaries,,0.5,", "lists,dictionaries,,0.9,"),
        "events": ("ben,conditions-quiz", "dan,conditions-quiz"),
    }
    after = extracted(edited(site, tmp_path, edits), tmp_path)
    expected = {}
    for table in TABLES.values():
        old, new = (
            {tuple(r[k] for k in table.key): r for r in rows_of(folder, table.name)}
            for folder in (before, after)
        )
        counts = (
            len(new.keys() - old.keys()),
            len(old.keys() - new.keys()),
            sum(old[key] != new[key] for key in old.keys() & new.keys()),
        )
        if any(counts):
            expected[table.name] = counts
    found = {
        each.table: (each.added, each.removed, each.changed) for each in changes(before, after)
    }
    assert found == expected
    assert {"concept", "item", "prerequisite", "learner", "answer"} <= found.keys()


def rows_of(folder: Path, table: str) -> list[dict[str, Any]]:
    return pq.read_table(folder / f"{table}.parquet").to_pylist()


def test_ids_that_became_others_are_read_as_the_ones_to_use(example, tmp_path):
    site, before = example
    new = tmp_path / "site"
    new.mkdir()
    for file in site.iterdir():
        text = file.read_text(encoding="utf-8")
        (new / file.name).write_text(text.replace("recursion", "k-77").replace("python-1", "C9"))
    ids = tmp_path / "ids.csv"
    ids.write_text("in the files,to use\nk-77,recursion\nk-77-video,recursion-video\nC9,python-1\n")
    after = extracted(new, tmp_path, ids=read_id_map(ids))
    # what is no id changed with them: the addresses
    assert {each.table for each in changes(before, after)} == {"item"}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("a,b\nb,c\n", "'a' becomes 'b', which becomes 'c'"),
        ("a,b\na,c\n", ":3: 'a' stands in an earlier line"),
        ("a,\n", ":2: give two ids"),
    ],
)
def test_a_map_that_says_two_things_is_refused_with_its_line(tmp_path, lines, said):
    file = tmp_path / "ids.csv"
    file.write_text("in the files,to use\n" + lines)
    with pytest.raises(InputError) as error:
        read_id_map(file)
    assert said in str(error.value)


def test_the_command_tells_and_changes_nothing(example, tmp_path, monkeypatch):
    site, _ = example
    monkeypatch.setenv("KGPLAN_HOME", str(tmp_path / "home"))
    run = CliRunner().invoke
    assert run(app, ["etl", "run", str(site), "--json"]).exit_code == 0
    in_use = (tmp_path / "home" / "artifacts" / "current.json").read_bytes()
    new = edited(site, tmp_path, {"items": ("In order,480", "In order,500")})
    same, other = (run(app, ["etl", "diff", str(each), "--json"]) for each in (site, new))
    assert json.loads(same.stdout) == {"rejected": 0, "tables": []}
    assert json.loads(other.stdout)["tables"] == [
        {
            "table": "item",
            "added": 0,
            "removed": 0,
            "changed": 1,
            "examples": ["~ sorting-video"],
        }
    ]
    assert (tmp_path / "home" / "artifacts" / "current.json").read_bytes() == in_use
