"""`kgplan learners | courses | concepts | artifacts`: list and search what there is."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from kgplan.cli.output import AsJson, console, print_json, table
from kgplan.settings import read_settings
from kgplan.store.artifacts import ArtifactStore

if TYPE_CHECKING:
    from kgplan.data.search import Searchable

LEARNERS = {"learner_id": "learner_id", "courses": "courses", "views": "views"}
COURSES = {
    "course_id": "course_id",
    "name": "name",
    "concepts": "concepts",
    "items with concepts": "items",
    "learners": "learners",
}
CONCEPTS = {
    "concept_id": "concept_id",
    "name": "name",
    "English": "name_en",
    "field": "field",
    "prerequisites": "prerequisites",
    "unlocks": "unlocks",
    "courses": "courses",
}
"""Heading -> the attribute below it."""

Text = Annotated[str, typer.Argument(help="Part of an id or name, Chinese or English.")]
Limit = Annotated[int, typer.Option(help="Rows at most.", min=1)]


def learners(text: Text = "", limit: Limit = 20, as_json: AsJson = False) -> None:
    """Learners, those with the most views first.

    [bold]Examples:[/] kgplan learners · kgplan learners U_70 --limit 5
    """
    from kgplan.model import catalogue, opening  # --help answers without the numerical libraries

    records, _ = opening.open_records(ArtifactStore(read_settings().artifacts))
    found = catalogue.list_learners(records)
    show("learners", LEARNERS, found, text, limit, as_json)


def courses(text: Text = "", limit: Limit = 20, as_json: AsJson = False) -> None:
    """Courses, those with the most concepts first.

    [bold]Examples:[/] kgplan courses 数据结构 · kgplan courses Tsinghua --json
    """
    from kgplan.model import catalogue, opening

    settings = read_settings()
    records, _ = opening.open_records(ArtifactStore(settings.artifacts))
    found = catalogue.list_courses(opening.open_snapshot(settings), records)
    show("courses", COURSES, found, text, limit, as_json)


def concepts(text: Text = "", limit: Limit = 20, as_json: AsJson = False) -> None:
    """Concepts, those that most others build on first.

    [bold]Examples:[/] kgplan concepts 递归 · kgplan concepts "binary tree"
    """
    from kgplan.model import catalogue, opening

    found = catalogue.list_concepts(opening.open_snapshot(read_settings()))
    show("concepts", CONCEPTS, found, text, limit, as_json)


def show(
    title: str,
    columns: Mapping[str, str],
    entries: Sequence["Searchable"],
    text: str,
    limit: int,
    as_json: bool,
) -> None:
    """Print what matches, as a table or as JSON."""
    from kgplan.data.search import SearchIndex

    found = [match.entry for match in SearchIndex(entries).search(text, limit)]
    rows = [[getattr(each, name) for name in columns.values()] for each in found]
    if as_json:
        keys = [heading.replace(" ", "_").lower() for heading in columns]
        print_json([dict(zip(keys, row, strict=True)) for row in rows])
        return
    console.print(table(f"{title} ({len(entries):,})", list(columns), rows))
    if text and not found:
        console.print(f"nothing matches {text!r}; try a shorter part of the name")


def artifacts(
    kind: Annotated[str, typer.Argument(help="For example embedding; all where empty.")] = "",
    remove: Annotated[str, typer.Option(help="Remove this version, if it is not in use.")] = "",
    as_json: AsJson = False,
) -> None:
    """Stored results: kind, version, and which one is in use.

    [bold]Examples:[/] kgplan artifacts · kgplan artifacts embedding --remove 0123456789abcdef
    """
    store = ArtifactStore(read_settings().artifacts)
    if remove:
        store.remove(kind, remove)
    in_use = store.in_use()
    rows = [
        (each, version, in_use.get(each) == version)
        for each in ([kind] if kind else sorted(in_use))
        for version in store.versions(each)
    ]
    headings = ("kind", "version", "in use")
    if as_json:
        print_json([{"kind": k, "version": v, "in_use": used} for k, v, used in rows])
    else:
        console.print(table("artifacts", headings, rows))
