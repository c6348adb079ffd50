"""What did a diagnosis find? Read it from a home or a folder of results, for one page."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from scipy import sparse

from kgplan.arrays import Floats, Ids
from kgplan.data.axis import Axis
from kgplan.data.records import LearnerRecords, observations, time_line
from kgplan.diagnosis import (
    ambiguous_concepts,
    exchangeable_concepts,
    infer,
)
from kgplan.diagnosis.attendance import observe
from kgplan.diagnosis.itemwise import report_items
from kgplan.diagnosis.uncertainty import divergence
from kgplan.errors import ArtifactMissing, UnknownLearner
from kgplan.evaluation.calibration import look_up
from kgplan.model.opening import StoredArrays, open_mastery
from kgplan.pipeline.mastery import StoredFit, read_fit
from kgplan.planning import ConceptMastery, PlanOptions
from kgplan.planning.because import MOST_REASONS, MasteryReasons, told
from kgplan.planning.live import LiveModel
from kgplan.planning.mastery import ItemParameters, LearnerMastery
from kgplan.report.diagnosis_page import ConceptEvidence, Findings, Items, Moves, page
from kgplan.report.page import SHOWN
from kgplan.report.writing import template
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore

PAGE = "diagnosis.html"
REASONED = 4  # masteries of a learner whose reasons are shown


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
    found, metrics = open_mastery(artifact, source.version), artifact.metrics
    fitted = found.items
    assert fitted is not None  # the artifact holds them
    slip, guess = fitted.slip, fitted.guess
    watched, weights = fitted.observed_in(records)
    items = report_items(
        watched, records.q_matrix, found.mastery, found.prior, slip, guess, fitted.config, weights
    )
    concept_names = _names(tables, "concept", records.concept_ids)
    classes = exchangeable_concepts(records.q_matrix)
    calibration, reason = _calibration(artifacts, source.version)
    shown = _shown(records, learner_id)
    return Findings(
        title="Diagnosis",
        source=f"Model {artifact.version}, of learner records {source.version}.",
        facts=[
            ("learners", f"{records.learner_ids.size:,}"),
            ("with evidence", f"{int(np.sum(np.diff(found.mastery.indptr) > 0)):,}"),
            ("videos", f"{records.item_ids.size:,}"),
            ("concepts covered", f"{np.unique(found.mastery.indices).size:,}"),
            ("observations", f"{watched.nnz:,}"),
            ("of them views", f"{int(np.sum(watched.data > 0)):,}"),
            ("iterations", f"{metrics['iterations']:,}"),
            ("converged", "yes" if metrics["converged"] else "no"),
        ],
        objective=metrics["objective"],
        items=Items(
            names=_names(tables, "item", records.item_ids),
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
            open=ambiguous_concepts(records.q_matrix, fitted.config.link),
            twins=(np.bincount(classes)[classes] > 1) & (classes > 0),
        ),
        mastery=np.asarray(found.mastery.data, np.float64),
        calibration=calibration,
        moves=None if shown is None else _moves(records, fitted, found.prior, concept_names, shown),
        reasons=() if shown is None else _reasons(records, found, concept_names, shown),
        missing={"calibration": reason},
    )


def _shown(records: LearnerRecords, learner_id: str | None) -> int | None:
    """Place of the learner who is shown; None where nobody has a view.

    Raises:
        UnknownLearner: there is no such learner.
    """
    if learner_id is not None:
        return records.learners.place(learner_id, UnknownLearner)
    n_views = np.diff(records.viewed.indptr)
    if not n_views.any():
        return None
    many = np.quantile(n_views[n_views > 0], 0.9)
    return int(np.argmin(np.abs(n_views - many)))  # many views, and not the most


def _reasons(
    records: LearnerRecords, found: LearnerMastery, names: list[str], u: int
) -> list[MasteryReasons]:
    """What the learner's masteries rest on that evidence says most about."""
    learner_id, model = str(records.learner_ids[u]), LiveModel(records, found)
    stored = slice(found.mastery.indptr[u], found.mastery.indptr[u + 1])
    concepts, mastery = found.mastery.indices[stored], found.mastery.data[stored]
    open_ = found.not_told_apart[[u]].indices
    evidence = divergence(mastery, found.prior[concepts])
    told_of = []
    for place in np.argsort(-evidence, kind="stable")[:REASONED].tolist():
        k, held, bits = int(concepts[place]), float(mastery[place]), float(evidence[place])
        concept_id = str(found.concept_ids[k])
        known = ConceptMastery.judged((concept_id, names[k], ""), held, bits, True, k in open_)
        reasons = model.reasons(learner_id, concept_id, None, MOST_REASONS)
        prior, manner = float(found.prior[k]), PlanOptions(detail="numbers")
        told_of.append(told(learner_id, known, prior, reasons, manner))
    return told_of


def _moves(
    records: LearnerRecords,
    items: ItemParameters,
    prior: Floats,
    names: list[str],
    u: int,
) -> Moves | None:
    """A learner at the prior, after half of the views, after all.

    What was never opened counts from the start.
    """
    order, watched = time_line(records), observations(records)
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
    weights, attendance = None, items.attendance_on(records)
    if attendance is not None:
        both, weights = observe(attendance, both, order[[u, u]], records.enrolled[[u, u]])
    told = infer(
        both, records.q_matrix, items.slip, items.guess, prior, items.config, weights=weights
    ).mastery
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
        folder: it holds what `write_results` wrote.
        learner_id: who is shown before and after; None: the first whose mastery moved most.

    Raises:
        InputError: the folder does not hold such results, or half of them.
        UnknownLearner: there is no such learner.
    """
    fit = read_fit(folder)
    summary = fit.summary
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
    found = Findings(
        title="Diagnosis",
        source=f"{summary['link']}, {summary['prior']} prior."
        + (f" Notes: {notes}." if notes else ""),
        facts=facts,
        objective=summary.get("objective", []),
        items=Items(
            names=fit.item_ids,
            slip=fit.slip,
            guess=fit.guess,
            slip_error=fit.slip_se,
            guess_error=fit.guess_se,
            fit=fit.rmsea,
            observations=fit.n_responses,
            errors_by="observed information of all parameters",
        ),
        concepts=ConceptEvidence(
            names=fit.concept_ids,
            prior=fit.prior,
            learners=fit.identified.sum(axis=0),
            open=fit.not_told_apart,
            twins=None,
        ),
        mastery=fit.mastery[fit.identified],
        moves=_moves_of_results(fit, learner_id),
        missing={
            "calibration": "views are held back from a home's time lines (`kgplan diagnose"
            " calibrate`); results of `kgplan diagnose fit` have none",
            "convergence": "these results were written before fits kept their objective; fit again",
            "item fit": notes,
        },
    )
    if "as_of" not in summary:
        return found
    return replace(
        found,
        source=f"Answers in order, mastery at {summary['as_of']}. Notes: {notes}.",
        objective_is="Log-evidence. It may fall, as what items are pulled to moves with them",
    )


def _moves_of_results(fit: StoredFit, learner_id: str | None) -> Moves | None:
    """A learner at the prior and after all answers."""
    if not fit.mastery.size:
        return None
    moves = np.abs(fit.mastery - fit.prior)
    if learner_id is None:
        u = int(np.argmax(moves.sum(axis=1)))
    else:
        u = Axis(fit.learner_ids).place(learner_id, UnknownLearner)
    top = np.argsort(-moves[u], kind="stable")[:SHOWN]
    return Moves(
        learner=str(fit.learner_ids[u]),
        stages=("prior", "after all answers"),
        names=[fit.concept_ids[k] for k in top],
        mastery=np.stack([fit.prior[top], fit.mastery[u, top]], axis=1),
    )
