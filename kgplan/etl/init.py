"""What does a platform without any export begin with? A folder of plain tables that works.

Beside the tables lie a page on every column, and their schema as a data package (Frictionless).
"""

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kgplan.errors import InputError
from kgplan.etl.plain import PLAIN, PlainColumn, PlainTable
from kgplan.etl.sources.tables import PACKAGE

PAGE = "README.md"
INTRODUCTION = """\
# Plain tables

Change the rows to yours, then run `kgplan demo` with this folder. Each table is a CSV or Parquet
file; `concepts` and `items` are needed, the others help. Columns may stand in any order, and those
marked * must be there.

Semicolons or tabs for commas, decimal commas, byte order marks and CRLF are read. A time without a
zone is of the zone that `KGPLAN_TIME_ZONE` names. What is not understood is kept out and told with
file, line and reason: `kgplan etl report`.

`datapackage.json` describes the tables to other programs (Data Package). Its `title` and `licenses`
stand below every page of the explorer: put yours in."""


def write_example(folder: Path) -> list[str]:
    """Write the example, all files or none.

    Args:
        folder: where; made where it is not there.

    Returns:
        The files' names.

    Raises:
        InputError: something is there already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is not empty; give a new folder, or empty this one first")
    texts = {PAGE: page(), PACKAGE: json.dumps(data_package(), ensure_ascii=False, indent=2) + "\n"}
    for name in PLAIN:
        texts[f"{name}.csv"] = (files("kgplan.etl.example") / f"{name}.csv").read_text("utf-8")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".kgplan-", dir=folder.parent) as aside:
        made = Path(aside) / folder.name
        made.mkdir()
        for name, text in texts.items():
            (made / name).write_text(text, encoding="utf-8", newline="")
        made.replace(folder)  # an empty folder makes room
    return sorted(texts)


def data_package() -> dict[str, Any]:
    """The tables' schema, as the Data Package standard (v1) has it."""
    return {
        "profile": "tabular-data-package",
        "name": "kgplan-tables",
        "title": "Python from zero, an example",
        "licenses": [{"name": "CC0-1.0", "title": "CC0 1.0"}],
        "resources": [_resource(table) for table in PLAIN.values()],
    }


def _resource(table: PlainTable) -> dict[str, Any]:
    keys = [
        {"fields": column, "reference": {"resource": other, "fields": _id_of(other)}}
        for column, other in table.refers.items()
    ]
    schema: dict[str, Any] = {"fields": [_field(column) for column in table.columns]}
    schema["missingValues"] = [""]
    if all(column.required for column in table.columns if column.name in table.key):
        schema["primaryKey"] = list(table.key)
    return {
        "profile": "tabular-data-resource",
        "name": table.name.replace("_", "-"),
        "path": f"{table.name}.csv",
        "description": table.about,
        "encoding": "utf-8",
        "schema": schema | ({"foreignKeys": keys} if keys else {}),
    }


def _id_of(table: str) -> str:
    return PLAIN[table].columns[0].name


def _field(column: PlainColumn) -> dict[str, Any]:
    constraints = {"required": True} if column.required else {}
    found = {"name": column.name, "type": column.type, "description": column.about}
    if column.type == "datetime":
        found["format"] = "any"
    return {**found, **({"constraints": constraints} if constraints else {})}


def page() -> str:
    """The page on every column, as Markdown."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    yield INTRODUCTION
    for table in PLAIN.values():
        yield ""
        yield f"## {table.name}: {table.about}"
        yield ""
        yield "| column | what it means | for example |"
        yield "|---|---|---|"
        for column in table.columns:
            example = f"`{column.example}`" if column.example else ""
            yield f"| `{column.name}`{'*' * column.required} | {column.about} | {example} |"
