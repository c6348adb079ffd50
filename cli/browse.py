"""`kgplan learners | courses | concepts | artifacts`: list and search what there is."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import typer

from kgplan.artifacts import ArtifactStore
from kgplan.cli.output import AsJson, console, print_json, table
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.model import open_records, open_snapshot
from kgplan.records import LearnerRecords
from kgplan.search import Entry, search
from kgplan.settings import read_settings

Text = Annotated[str, typer.Argument(help="Part of an id or name, Chinese or English.")]
Limit = Annotated[int, typer.Option(help="Rows at most.", min=1)]


def learners(text: Text = "", limit: Limit = 20, as_json: AsJson = False) -> None:
    """Learners, those with the most views first.

    [bold]Examples:[/] kgplan learners · kgplan learners U_70 --limit 5
    """
    records, _ = open_records(ArtifactStore(read_settings().artifacts))
    show("learners", LEARNER_HEADINGS, learner_entries(records), text, limit, as_json)


def courses(text: Text = "", limit: Limit = 20, as_json: AsJson = False) -> None:
    """Courses, those with the most concepts first.

    [bold]Examples:[/] kgplan courses 数据结构 · kgplan courses Tsinghua --json
    """
    settings = read_settings()
    records, _ = open_records(ArtifactStore(settings.artifacts))
    found = course_entries(open_snapshot(settings), records)
    show("courses", COURSE_HEADINGS, found, text, limit, as_json)


def concepts(text: Text = "", limit: Limit = 20, as_json: AsJson = False) -> None:
    """Concepts, those that most others build on first.

    [bold]Examples:[/] kgplan concepts 递归 · kgplan concepts "binary tree"
    """
    found = concept_entries(open_snapshot(read_settings()))
    show("concepts", CONCEPT_HEADINGS, found, text, limit, as_json)


LEARNER_HEADINGS = ("learner_id", "courses", "views")
COURSE_HEADINGS = ("course_id", "name", "concepts", "videos with concepts", "learners")
CONCEPT_HEADINGS = ("concept_id", "name", "English", "field", "prerequisites", "unlocks", "courses")


def learner_entries(records: LearnerRecords) -> list[Entry]:
    """Every learner with courses and views, the busiest first."""
    enrolled, viewed = np.diff(records.enrolled.indptr), np.diff(records.viewed.indptr)
    return [
        Entry(str(records.learner_ids[k]), (), (int(enrolled[k]), int(viewed[k])))
        for k in np.lexsort((records.learner_ids, -enrolled, -viewed))
    ]


def course_entries(graph: GraphSnapshot, records: LearnerRecords) -> list[Entry]:
    """Every course with its sizes, the richest in concepts first."""
    n_concepts = np.diff(graph.course_concepts.indptr)
    at = {course: k for k, course in enumerate(records.course_ids.tolist())}
    videos = np.diff(records.course_videos.indptr)
    learners = np.asarray((records.enrolled > 0).sum(axis=0)).ravel()
    found = []
    for k in np.lexsort((graph.course_ids, -n_concepts)):
        course_id, name = str(graph.course_ids[k]), str(graph.course_names[k])
        row = at.get(course_id)
        sizes = (0, 0) if row is None else (int(videos[row]), int(learners[row]))
        found.append(Entry(course_id, (name,), (name, int(n_concepts[k]), *sizes)))
    return found


def concept_entries(graph: GraphSnapshot) -> list[Entry]:
    """Every concept with its degree, the most needed first."""
    before = np.diff(graph.prerequisites.indptr)
    unlocks = np.diff(graph.prerequisites.tocsc().indptr)
    n_courses = np.diff(graph.course_concepts.tocsc().indptr)
    found = []
    for k in np.lexsort((graph.concept_ids, -unlocks)):
        name, english = str(graph.concept_names[k]), str(graph.concept_names_en[k])
        shown = (name, english, str(graph.concept_fields[k]))
        sizes = (int(before[k]), int(unlocks[k]), int(n_courses[k]))
        found.append(Entry(str(graph.concept_ids[k]), (name, english), (*shown, *sizes)))
    return found


def show(
    title: str,
    headings: Sequence[str],
    entries: Sequence[Entry],
    text: str,
    limit: int,
    as_json: bool,
) -> None:
    """Print what matches, as a table or as JSON."""
    found = search(entries, text, limit)
    if as_json:
        keys = [heading.replace(" ", "_").lower() for heading in headings]
        print_json([dict(zip(keys, (e.id, *e.shown), strict=True)) for e in found])
        return
    console.print(table(f"{title} ({len(entries):,})", headings, [(e.id, *e.shown) for e in found]))
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
