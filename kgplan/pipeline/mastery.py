"""What do answers say about learners and items? Fit a diagnosis to two CSV files and write it.

All results are written aside; then each takes its place in one step, `fit.json` last, which names
the others' hashes: whoever reads a folder between two runs can tell.
Sizes: U learners, V items, K concepts.
"""

import csv
import json
import math
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kgplan.arrays import Array, Floats, Ids
from kgplan.diagnosis import (
    Diagnosis,
    DiagnosisConfig,
    Goodness,
    StandardErrors,
    ambiguous_concepts,
    assess,
    fit_best,
    reached,
    standard_errors,
)
from kgplan.errors import InputError
from kgplan.pipeline.qmatrix import Reject
from kgplan.pipeline.responses import Responses, read_hierarchy, read_responses
from kgplan.progress import Progress, silent
from kgplan.store.artifacts import hash_file
from kgplan.store.csvfile import uncell, write_rows

RESULTS = ("items.csv", "concepts.csv", "states.csv", "rejects.csv", "mastery.parquet")
SUMMARY = "fit.json"
MASTERY = pa.schema(
    [
        pa.field("learner_id", pa.string(), nullable=False),
        pa.field("concept_id", pa.string(), nullable=False),
        pa.field("mastery", pa.float64(), nullable=False),
        pa.field("sd", pa.float64(), nullable=False),
        pa.field("identified", pa.bool_(), nullable=False),
    ]
)
_LEARNERS_AT_ONCE = 4_096


def run_fit(
    responses: Path,
    q_matrix: Path,
    out: Path,
    config: DiagnosisConfig,
    n_starts: int = 1,
    seed: int = 0,
    progress: Progress = silent,
    hierarchy: Path | None = None,
) -> dict[str, Any]:
    """Read, fit, judge and write.

    Args:
        responses, q_matrix: as for `read_responses`.
        out: folder for the results; made where it is not there.
        config: all settings.
        n_starts, seed: fits from so many starting values, the later ones drawn with this seed.
        progress: told the objective after each iteration.
        hierarchy: as for `read_hierarchy`; needs a saturated prior.

    Returns:
        What `fit.json` holds.

    Raises:
        InputError: the files cannot be used, or `out` is not a folder.
        ConfigError: a hierarchy is given and the prior is not saturated.
    """
    check_folder(out)
    data = read_responses(responses, q_matrix)
    pairs = None
    if hierarchy is not None:
        pairs, kept_out = read_hierarchy(hierarchy, data.concept_ids)
        data = replace(data, rejects=data.rejects + kept_out)
    needs = np.diff(data.q_matrix.indptr)[data.scores.indices]
    if not np.any(needs if data.weights is None else needs * data.weights.data):
        raise InputError(
            f"no answer in {responses} speaks about a concept: each is to an item that needs none,"
            " or weighs 0; give answers to items of the Q-matrix that need a concept"
        )
    diagnosis = fit_best(
        data.scores,
        data.q_matrix,
        config,
        progress,
        n_starts=n_starts,
        rng=np.random.default_rng(seed),
        weights=data.weights,
        hierarchy=pairs,
    )
    progress("standard errors and fit", diagnosis.objective.size - 1, None)
    errors = standard_errors(data.scores, data.q_matrix, diagnosis, weights=data.weights)
    goodness = assess(data.scores, data.q_matrix, diagnosis, weights=data.weights)
    return write_fit(out, data, diagnosis, errors, goodness)


def summarise(
    data: Responses, diagnosis: Diagnosis, errors: StandardErrors, goodness: Goodness
) -> dict[str, Any]:
    """The fit in figures: JSON values only, None where a figure is not defined."""
    config, moments = diagnosis.config, goodness.moments
    notes = [*data.notes, *goodness.notes]
    if errors.reason:
        notes.append(f"no standard errors: {errors.reason}")
    if diagnosis.learners["propagated"]:
        notes.append("the log-likelihood is Bethe's approximation: mastery was propagated")
    n_uncertain = np.sum(diagnosis.observed & np.isnan(errors.slip + errors.guess))
    if n_uncertain and not errors.reason:
        notes.append(
            f"{n_uncertain} items without a standard error: slip or guess at its bound, or not"
            " determined by the answers"
        )
    open_ = ambiguous_concepts(data.q_matrix, config.link)
    return {
        "log_likelihood": goodness.log_likelihood,
        "aic": goodness.aic,
        "bic": goodness.bic,
        "iterations": diagnosis.objective.size - 1,
        "converged": diagnosis.converged,
        "objective": diagnosis.objective.tolist(),
        "link": config.link,
        "prior": config.class_prior,
        "n_parameters": goodness.n_parameters,
        "n_impossible_states": 0 if diagnosis.share is None else int(np.sum(diagnosis.share == 0)),
        "n_learners": int(data.learner_ids.size),
        "n_learners_with_evidence": goodness.n_learners,
        "n_items": int(data.item_ids.size),
        "n_concepts": int(data.concept_ids.size),
        "n_responses": int(data.scores.nnz),
        "n_missing": data.missing,
        "n_without_say": diagnosis.skipped,
        "srmsr": number(goodness.srmsr),
        "m2": number(moments.m2),
        "m2_df": moments.df or None,
        "m2_p": number(moments.p),
        "rmsea2": number(moments.rmsea2),
        "rmsea2_90": [number(moments.rmsea2_low), number(moments.rmsea2_high)],
        "learners_by_inference": diagnosis.learners,
        "residual": diagnosis.residual,
        "rejected": data.rejected(),
        **data.findings(),
        "concepts_not_told_apart": data.concept_ids[open_].tolist(),
        "notes": notes,
        "config": config.to_dict(),
    }


def write_fit(
    out: Path, data: Responses, diagnosis: Diagnosis, errors: StandardErrors, goodness: Goodness
) -> dict[str, Any]:
    """Write items.csv, concepts.csv, states.csv, rejects.csv, mastery.parquet and fit.json."""
    write = {
        "items.csv": lambda path: _write_items(path, data, diagnosis, errors, goodness),
        "concepts.csv": lambda path: _write_concepts(path, data, diagnosis, errors),
        "states.csv": lambda path: _write_states(path, data, diagnosis),
        "mastery.parquet": lambda path: _write_mastery(path, data, diagnosis),
    }
    return write_results(out, write, data.rejects, summarise(data, diagnosis, errors, goodness))


def write_results(
    out: Path,
    write: Mapping[str, Callable[[Path], None]],
    rejects: Iterable[Reject],
    summary: dict[str, Any],
) -> dict[str, Any]:
    """Write all files of a fit aside, then put them in place.

    Args:
        out: the folder; made where it is not there.
        write: each of RESULTS but rejects.csv, and what writes it.
        rejects: rows and cells kept out.
        summary: what fit.json holds but the files' hashes.

    Returns:
        What fit.json holds.
    """
    out.mkdir(parents=True, exist_ok=True)
    aside = out / f".draft-{os.getpid()}"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        for name, to in write.items():
            to(aside / name)
        write_csv(
            aside / "rejects.csv",
            ("file", "line", "learner_id", "item_id", "value", "reason"),
            ((r.file, r.line, r.learner_id, r.item_id, r.value, r.reason) for r in rejects),
        )
        summary = summary | {"files": {name: hash_file(aside / name) for name in RESULTS}}
        text = json.dumps(summary, ensure_ascii=False, indent=1, allow_nan=False)
        (aside / SUMMARY).write_text(text + "\n", encoding="utf-8")
        for name in (*RESULTS, SUMMARY):
            (aside / name).replace(out / name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return summary


def check_folder(out: Path) -> None:
    """Refuse a place that cannot take results.

    Raises:
        InputError: it is there and is not a folder.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is not a folder; give another place for the results")


@dataclass(frozen=True)
class StoredFit:
    """What `write_results` wrote and people look at.

    Attributes:
        summary: what `fit.json` holds.
        item_ids, slip, guess, slip_se, guess_se, rmsea, n_responses: (V,); NaN where not defined.
        concept_ids, prior, not_told_apart: (K,).
        learner_ids: (U,).
        mastery, identified: (U, K).
    """

    summary: dict[str, Any]
    item_ids: list[str]
    slip: Floats
    guess: Floats
    slip_se: Floats
    guess_se: Floats
    rmsea: Floats
    n_responses: Floats
    concept_ids: list[str]
    prior: Floats
    not_told_apart: Array
    learner_ids: Ids
    mastery: Floats
    identified: Array


def read_fit(folder: Path) -> StoredFit:
    """Read the results of a fit.

    Raises:
        InputError: the folder does not hold such results, or half of them.
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
    items, concepts = read_columns(folder / "items.csv"), read_columns(folder / "concepts.csv")
    table = pq.read_table(folder / "mastery.parquet")
    mastery = table["mastery"].to_numpy().reshape(-1, len(concepts["concept_id"]))
    identified = table["identified"].to_numpy(zero_copy_only=False).reshape(mastery.shape)
    figures = ("slip", "guess", "slip_se", "guess_se", "rmsea", "n_responses")
    return StoredFit(
        summary=summary,
        item_ids=items["item_id"],
        **{name: _numbers(items[name]) for name in figures},
        concept_ids=concepts["concept_id"],
        prior=_numbers(concepts["prior"]),
        not_told_apart=_numbers(concepts["not_told_apart"]) > 0,
        learner_ids=table["learner_id"].to_numpy()[:: max(mastery.shape[1], 1)].astype(np.str_),
        mastery=mastery,
        identified=identified,
    )


def _write_items(
    path: Path,
    data: Responses,
    diagnosis: Diagnosis,
    errors: StandardErrors,
    goodness: Goodness,
) -> None:
    seen = diagnosis.observed
    columns = {
        "guess": np.where(seen, diagnosis.guess, np.nan),
        "slip": np.where(seen, diagnosis.slip, np.nan),
        "guess_se": errors.guess,
        "slip_se": errors.slip,
        "rmsea": goodness.rmsea,
        "s_x2": goodness.s_x2,
        "s_x2_df": goodness.s_x2_df,
        "s_x2_p": goodness.s_x2_p,
    }
    answers = np.bincount(data.scores.indices, minlength=data.item_ids.size)
    rows = (
        (item, *(number(column[v]) for column in columns.values()), int(answers[v]))
        for v, item in enumerate(data.item_ids.tolist())
    )
    write_csv(path, ("item_id", *columns, "n_responses"), rows)


def _write_concepts(
    path: Path, data: Responses, diagnosis: Diagnosis, errors: StandardErrors
) -> None:
    items = np.bincount(data.q_matrix.indices, minlength=data.concept_ids.size)
    open_ = ambiguous_concepts(data.q_matrix, diagnosis.config.link)
    rows = (
        (concept, float(diagnosis.prior[k]), number(errors.prior[k]), int(items[k]), int(open_[k]))
        for k, concept in enumerate(data.concept_ids.tolist())
    )
    write_csv(path, ("concept_id", "prior", "prior_se", "n_items", "not_told_apart"), rows)


def _write_states(path: Path, data: Responses, diagnosis: Diagnosis) -> None:
    """One row a state under the saturated prior, 1 where it holds the concept; else no row."""
    covered = np.unique(data.q_matrix.indices)
    share = np.zeros(0) if diagnosis.share is None else diagnosis.share
    rows = (
        (*(int(state >> k) & 1 for k in range(covered.size)), float(share[state]))
        for state in range(share.size)
    )
    write_csv(path, (*data.concept_ids[covered].tolist(), "probability"), rows)


def _write_mastery(path: Path, data: Responses, diagnosis: Diagnosis) -> None:
    """A row for every learner and concept; sd is that of held (1) or not (0) given the answers."""
    evidence = reached(data.scores, data.q_matrix)
    n_concepts = data.concept_ids.size
    with pq.ParquetWriter(path, MASTERY) as writer:
        for begin in range(0, data.learner_ids.size, _LEARNERS_AT_ONCE):
            part = slice(begin, begin + _LEARNERS_AT_ONCE)
            learners = data.learner_ids[part]
            mastery = np.tile(diagnosis.prior, (learners.size, 1))
            known = diagnosis.mastery[part]
            mastery[np.repeat(np.arange(learners.size), np.diff(known.indptr)), known.indices] = (
                known.data
            )
            columns = [
                np.repeat(learners, n_concepts),
                np.tile(data.concept_ids, learners.size),
                mastery.ravel(),
                np.sqrt(mastery * (1 - mastery)).ravel(),
                evidence[part].toarray().ravel(),
            ]
            writer.write_table(pa.table(columns, schema=MASTERY))


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a header and rows; None is an empty cell."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        write_rows(stream, [header], "\n")
        write_rows(stream, rows, "\n")


def number(value: float | np.floating[Any]) -> float | None:
    """A figure for CSV and JSON; None, an empty cell, where it is not defined.

    >>> number(0.5), number(float("nan"))
    (0.5, None)
    """
    return None if math.isnan(value) else float(value)


def read_columns(path: Path) -> dict[str, list[str]]:
    """A CSV file's columns, as text."""
    with path.open(encoding="utf-8", newline="") as stream:
        header, *rows = list(csv.reader(stream))
    return {name: [uncell(row[at]) for row in rows] for at, name in enumerate(header)}


def _numbers(cells: list[str]) -> Floats:
    """Cells as numbers; an empty one is NaN."""
    return np.array([float(cell) if cell else np.nan for cell in cells])
