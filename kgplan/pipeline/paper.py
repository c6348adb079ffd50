"""From a home's model to the tables of a paper, in files."""

import json
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from kgplan.evaluation.papers.experiment import Experiment
from kgplan.evaluation.papers.harness import Kept, fill
from kgplan.evaluation.papers.paper import OfModel, experiment_of, paper_named
from kgplan.evaluation.papers.sources import Generator, Sources
from kgplan.evaluation.papers.written import Run, to_csv, to_dict, to_html, to_markdown
from kgplan.model.opening import (
    open_records,
    open_similarity,
    open_snapshot,
    with_new_concepts,
)
from kgplan.pipeline.resource_views import open_views
from kgplan.progress import Progress, silent
from kgplan.report.writing import template, write_page
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore, AsOf, hash_file, hash_json, package_versions

T = TypeVar("T")

FOLDER = "papers"  # in the home
KEPT_OTHERS = 3  # folders of cells of other data or code, as of another checkout
TOLD = ("findings.py", "written.py")  # they say what is in cells, and make none
ROOMS = (
    *("data", "native", "similarity", "diagnosis", "engagement", "planning", "resources"),
    "evaluation",
)


def run_paper(
    settings: Settings, name: str, tables: Sequence[str] = (), progress: Progress = silent
) -> Run:
    """Fill the tables of a paper from the model in use, or take up a run that was stopped.

    A paper whose data are generated needs no model.

    Args:
        settings: where graph and results are.
        name: of the paper, or the path of an experiment's file.
        tables: to fill; all where none is named.
        progress: told which cell is computed.

    Raises:
        ConfigError: there is no such paper or table, or the file is none of an experiment.
        InputError: the records do not hold what the tables need.
        ArtifactMissing, ArtifactDamaged: a stage has not run, or its result is not whole.
        GraphUnavailable: the graph cannot be read.
    """
    whole = experiment_of(name)
    experiment, paper = whole.only(list(tables)), paper_named(whole.paper)
    if isinstance(paper.data, OfModel):
        data, kept, versions = opened(settings, whole, paper.data.open, progress)
    else:
        data, kept, versions = _generated(settings, whole, paper.data.generate, progress)
    filled = fill(experiment, paper.measures, data, kept, progress)
    today = datetime.now(UTC).date().isoformat()
    made = {"on": today, **versions, **package_versions()}
    findings = paper.findings({each.table.name: each for each in filled})
    return Run(experiment, filled, findings, made)


def opened(
    settings: Settings,
    experiment: Experiment,
    make: Callable[[Sources], T],
    progress: Progress = silent,
) -> tuple[Callable[[], T], Kept, dict[str, str]]:
    """What the measures of an experiment read, of the model in use.

    Args:
        settings, progress: as for `run_paper`.
        experiment: whose model is fitted, or taken up where it is kept.
        make: makes it from its sources.

    Returns:
        A function that opens it; where cells of these data and this code are kept; versions.

    Raises:
        ArtifactMissing, ArtifactDamaged, GraphUnavailable: as `run_paper`.
    """
    artifacts = AsOf(ArtifactStore(settings.artifacts))  # all of one moment
    records, of_records = open_records(artifacts)
    stored = artifacts.current("similarity")
    graph = open_snapshot(settings)
    versions = {
        "graph": graph.version[:16],
        "records": of_records.version,
        "similarity": stored.version,
        "embedding": artifacts.current("embedding").version,
    }
    made_from = {**versions, "code": code_version()}
    kept = _cells(settings.home / FOLDER / "cells", hash_json(made_from)[:16])
    fitted = f"fit-{hash_json(experiment.model)[:16]}"

    def data() -> T:
        similarity = open_similarity(stored)
        fused, _ = with_new_concepts(
            similarity, stored.manifest["inputs"]["embedding"], artifacts, graph
        )
        sources = Sources(
            graph, records, fused, experiment.model, kept, fitted, progress,
            partial(open_views, settings),
        )  # fmt: skip
        return make(sources)

    return data, kept, versions


def _generated(
    settings: Settings, experiment: Experiment, make: Callable[[Generator], Any], progress: Progress
) -> tuple[Callable[[], Any], Kept, dict[str, str]]:
    """The same of an experiment on generated data, whose `model` says what is generated."""
    kept = _cells(settings.home / FOLDER / "cells", hash_json({"code": code_version()})[:16])
    return lambda: make(Generator(experiment.model, kept, progress)), kept, {}


def _cells(folder: Path, made_from: str) -> Kept:
    """Where cells of these data and this code are kept; of others only the newest stay."""
    others = [each for each in folder.glob("*") if each.name != made_from]
    others.sort(key=lambda each: each.stat().st_mtime, reverse=True)
    for each in others[KEPT_OTHERS:]:
        shutil.rmtree(each, ignore_errors=True)
    return Kept(folder / made_from)


def write_run(run: Run, folder: Path) -> list[Path]:
    """Write it as Markdown, page, CSV and JSON; each is written aside and put in place."""
    text = json.dumps(to_dict(run), ensure_ascii=False, indent=1, allow_nan=False)
    written = {
        "md": to_markdown(run),
        "html": to_html(run, template()),
        "csv": to_csv(run),
        "json": f"{text}\n",
    }
    places = {folder / f"{run.experiment.paper}.{ending}": ending for ending in written}
    for place, ending in places.items():
        write_page(written[ending], place)
    return list(places)


def code_version() -> str:
    """Hash of all code that a cell follows from, so that no other code's cells are used."""
    package = resources.files("kgplan")
    with resources.as_file(package) as folder:
        files = sorted(
            path
            for path in folder.rglob("*.py")
            if path.relative_to(folder).parts[0] in ROOMS and path.name not in TOLD
        )
        return hash_json({str(path.relative_to(folder)): hash_file(path) for path in files})[:16]
