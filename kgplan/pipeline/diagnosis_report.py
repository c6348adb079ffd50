"""What did a diagnosis find? Read it from a home or a folder of results, for one page."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq
from scipy import sparse

from kgplan.arrays import Floats, Ids, positions
from kgplan.data.records import LearnerRecords, observed_views
from kgplan.data.search import close_matches
from kgplan.diagnosis import (
    DiagnosisConfig,
    ambiguous_concepts,
    exchangeable_concepts,
    infer,
)
from kgplan.diagnosis.itemwise import report_items
from kgplan.errors import ArtifactMissing, InputError, UnknownLearner
from kgplan.evaluation.calibration import look_up
from kgplan.model.opening import StoredArrays, open_mastery
from kgplan.pipeline.calibrate import read_order
from kgplan.pipeline.mastery import SUMMARY
from kgplan.report.diagnosis_page import ConceptEvidence, Findings, Items, Moves, page
from kgplan.report.page import SHOWN
from kgplan.report.writing import template
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore, hash_file
from kgplan.store.csvfile import uncell

PAGE = "diagnosis.html"


def to_html(findings: Findings) -> str:
    """The page as text."""
    return page(findings, template())


def find_in_home(settings: Settings, learner_id: str | None = None) -> Findings:
    """The batch model of a home.

    Args:
        settings: where it is.
        learner_id: who is shown before and after; None: a learner with many views.

    Raises:
        ArtifactMissing: `kgplan diagnose` has not run.
        UnknownLearner: there is no such learner.
    """
    artifacts = ArtifactStore(settings.artifacts)
    artifact = artifacts.current("diagnosis")
    source = artifacts.open("records", artifact.manifest["inputs"]["records"])
    records = LearnerRecords.from_arrays(StoredArrays(source))
    tables = artifacts.open("tables", source.manifest["inputs"]["tables"]).path
    found, metrics = open_mastery(artifact), artifact.metrics
    config = DiagnosisConfig.from_dict(dict(artifact.manifest["config"]))
    watched = observed_views(records)
    slip, guess = (np.asarray(artifact.array(name)) for name in ("slip", "guess"))
    items = report_items(watched, records.q_matrix, found.mastery, found.prior, slip, guess, config)
    concept_names = _names(tables, "concept", records.concept_ids)
    classes = exchangeable_concepts(records.q_matrix)
    calibration, reason = _calibration(artifacts, source.version)
    return Findings(
        title="Diagnosis",
        source=f"Model {artifact.version}, of learner records {source.version}.",
        facts=[
            ("learners", f"{records.learner_ids.size:,}"),
            ("with evidence", f"{int(np.sum(np.diff(found.mastery.indptr) > 0)):,}"),
            ("videos", f"{records.video_ids.size:,}"),
            ("concepts covered", f"{np.unique(found.mastery.indices).size:,}"),
            ("observations", f"{watched.nnz:,}"),
            ("of them views", f"{int(np.sum(watched.data > 0)):,}"),
            ("iterations", f"{metrics['iterations']:,}"),
            ("converged", "yes" if metrics["converged"] else "no"),
        ],
        objective=metrics["objective"],
        items=Items(
            names=_names(tables, "video", records.video_ids),
            slip=slip,
            guess=guess,
            slip_error=items.slip_error,
            guess_error=items.guess_error,
            fit=items.rmsd,
            observations=items.observations,
            errors_by="item by item: lower bounds",
        ),
        concepts=ConceptEvidence(
            names=concept_names,
            prior=found.prior,
            learners=np.bincount(found.mastery.indices, minlength=found.prior.size),
            open=ambiguous_concepts(records.q_matrix, config.link),
            twins=(np.bincount(classes)[classes] > 1) & (classes > 0),
        ),
        mastery=np.asarray(found.mastery.data, np.float64),
        calibration=calibration,
        moves=_moves(records, tables, slip, guess, found.prior, config, concept_names, learner_id),
        missing={"calibration": reason},
    )


def _moves(
    records: LearnerRecords,
    tables: Path,
    slip: Floats,
    guess: Floats,
    prior: Floats,
    config: DiagnosisConfig,
    names: list[str],
    learner_id: str | None,
) -> Moves | None:
    """A learner at the prior, after half of the views, after all; zeros count from the start."""
    order, watched = read_order(tables, records), observed_views(records)
    n_views = np.diff(records.viewed.indptr)
    if learner_id is None:
        if not n_views.any():
            return None
        many = np.quantile(n_views[n_views > 0], 0.9)
        u = int(np.argmin(np.abs(n_views - many)))  # many views, and not the most
    else:
        u = int(positions(records.learner_ids, np.array([learner_id]))[0])
        if u < 0:
            near = close_matches(learner_id, records.learner_ids)
            raise UnknownLearner(learner_id, near)
    begin, end = watched.indptr[u], watched.indptr[u + 1]
    video, share = np.asarray(watched.indices[begin:end]), watched.data[begin:end]
    views = np.flatnonzero(share > 0)
    when = look_up(order, np.full(views.size, u), video[views])
    later = views[np.argsort(when)][(views.size + 1) // 2 :]
    early = np.setdiff1d(np.arange(video.size), later)
    both = sparse.csr_array(
        (
            np.concatenate([share[early], share]),
            np.concatenate([video[early], video]),
            np.array([0, early.size, early.size + video.size]),
        ),
        shape=(2, watched.shape[1]),
    )
    told = infer(both, records.q_matrix, slip, guess, prior, config).mastery
    stages = np.tile(prior, (3, 1))
    for stage in (0, 1):
        part = slice(told.indptr[stage], told.indptr[stage + 1])
        stages[stage + 1, told.indices[part]] = told.data[part]
    move = np.abs(np.diff(stages, axis=0)).max(axis=0)
    top = np.argsort(-move, kind="stable")[:SHOWN]
    top = top[move[top] > 0]
    if not top.size:
        return None
    return Moves(
        learner=str(records.learner_ids[u]),
        stages=("prior", f"after {views.size - later.size:,} views", f"after {views.size:,} views"),
        names=[names[k] for k in top],
        mastery=stages[:, top].T,
    )


def _calibration(
    artifacts: ArtifactStore, records_version: str
) -> tuple[Mapping[str, Any] | None, str]:
    """Figures on held-back views of the same records, or why there are none."""
    try:
        found = artifacts.current("calibration")
    except ArtifactMissing as error:
        return None, str(error)
    if found.manifest["inputs"]["records"] != records_version:
        return None, "it was made of other learner records; run `kgplan diagnose calibrate` again"
    return found.metrics, ""


def _names(tables: Path, table: str, ids: Ids) -> list[str]:
    """Names of videos or concepts in the order of their ids; the id where one has no name."""
    with duckdb.connect() as database:
        rows = database.execute(
            f"SELECT {table}_id, name FROM read_parquet($table)",
            {"table": str(tables / f"{table}.parquet")},
        ).fetchall()
    names = dict(rows)
    return [names.get(each) or each for each in ids.tolist()]


def find_in_results(folder: Path, learner_id: str | None = None) -> Findings:
    """The results that `kgplan diagnose fit` wrote.

    Args:
        folder: it holds fit.json, items.csv, concepts.csv and mastery.parquet.
        learner_id: who is shown before and after; None: the first whose mastery moved most.

    Raises:
        InputError: the folder does not hold such results, or half of them.
        UnknownLearner: there is no such learner.
    """
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        for name, digest in summary["files"].items():
            if hash_file(folder / name) != digest:
                raise InputError(
                    f"{folder / name} is not what {SUMMARY} names; run `kgplan diagnose fit` again"
                )
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{folder} holds no results of a fit ({error}); name the folder that"
            " `kgplan diagnose fit --out` wrote"
        ) from None
    items, concepts = _columns(folder / "items.csv"), _columns(folder / "concepts.csv")
    table = pq.read_table(folder / "mastery.parquet")
    mastery = table["mastery"].to_numpy().reshape(-1, len(concepts["concept_id"]))
    identified = table["identified"].to_numpy(zero_copy_only=False).reshape(mastery.shape)
    learner_ids = table["learner_id"].to_numpy()[:: max(mastery.shape[1], 1)].astype(np.str_)
    prior = _numbers(concepts["prior"])
    figures = ("n_learners", "n_items", "n_concepts", "n_responses", "iterations")
    facts = [(name.removeprefix("n_"), f"{summary[name]:,}") for name in figures]
    facts += [
        (label, "none" if summary[name] is None else f"{summary[name]:,.{digits}f}")
        for name, label, digits in (
            ("log_likelihood", "log-likelihood", 1), ("aic", "AIC", 1), ("bic", "BIC", 1),
            ("srmsr", "SRMSR", 3),
        )
    ]  # fmt: skip
    facts.append(("converged", "yes" if summary["converged"] else "no"))
    notes = "; ".join(summary["notes"])
    return Findings(
        title="Diagnosis",
        source=f"{summary['link']}, {summary['prior']} prior."
        + (f" Notes: {notes}." if notes else ""),
        facts=facts,
        objective=summary.get("objective", []),
        items=Items(
            names=items["item_id"],
            slip=_numbers(items["slip"]),
            guess=_numbers(items["guess"]),
            slip_error=_numbers(items["slip_se"]),
            guess_error=_numbers(items["guess_se"]),
            fit=_numbers(items["rmsea"]),
            observations=_numbers(items["n_responses"]),
            errors_by="observed information of all parameters",
        ),
        concepts=ConceptEvidence(
            names=concepts["concept_id"],
            prior=prior,
            learners=identified.sum(axis=0),
            open=_numbers(concepts["not_told_apart"]) > 0,
            twins=None,
        ),
        mastery=mastery[identified],
        moves=_moves_of_results(learner_ids, concepts["concept_id"], prior, mastery, learner_id),
        missing={
            "calibration": "views are held back from a home's time lines (`kgplan diagnose"
            " calibrate`); results of `kgplan diagnose fit` have no times",
            "convergence": "these results were written before fits kept their objective; fit again",
            "item fit": notes,
        },
    )


def _moves_of_results(
    learner_ids: Ids,
    names: list[str],
    prior: Floats,
    mastery: Floats,
    learner_id: str | None,
) -> Moves | None:
    """A learner at the prior and after all answers."""
    if not mastery.size:
        return None
    moves = np.abs(mastery - prior)
    if learner_id is None:
        u = int(np.argmax(moves.sum(axis=1)))
    elif not np.any(at := learner_ids == learner_id):
        raise UnknownLearner(learner_id, close_matches(learner_id, learner_ids))
    else:
        u = int(np.argmax(at))
    top = np.argsort(-moves[u], kind="stable")[:SHOWN]
    return Moves(
        learner=str(learner_ids[u]),
        stages=("prior", "after all answers"),
        names=[names[k] for k in top],
        mastery=np.stack([prior[top], mastery[u, top]], axis=1),
    )


def _columns(path: Path) -> dict[str, list[str]]:
    """A CSV file's columns, as text."""
    with path.open(encoding="utf-8", newline="") as stream:
        header, *rows = list(csv.reader(stream))
    return {name: [uncell(row[at]) for row in rows] for at, name in enumerate(header)}


def _numbers(cells: list[str]) -> Floats:
    """Cells as numbers; an empty one is NaN."""
    return np.array([float(cell) if cell else np.nan for cell in cells])
