"""What do answers in order say about learners and items? Fit them from two CSV files and write it.

The same files as those of `kgplan.pipeline.mastery`; mastery is that of a moment.
Sizes: U learners, V items, K concepts, N answers.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, tzinfo
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kgplan.arrays import Array, Floats, Ints
from kgplan.diagnosis import AgingConfig, AgingModel, ambiguous_concepts, fit_in_order
from kgplan.diagnosis.aging import half_life_interval
from kgplan.errors import InputError
from kgplan.pipeline.mastery import MASTERY, check_folder, number, write_csv, write_results
from kgplan.pipeline.responses import ResponsesInOrder, read_in_order
from kgplan.progress import Progress, silent

DAY = 86_400
MASTERY_THEN = MASTERY.append(pa.field("bits", pa.float64(), nullable=False))
_ITEM_COLUMNS = ("guess_se", "slip_se", "rmsea", "s_x2", "s_x2_df", "s_x2_p")  # not defined here
_LEARNERS_AT_ONCE = 4_096


def run_fit_in_order(
    responses: Path,
    q_matrix: Path,
    out: Path,
    config: AgingConfig,
    zone: tzinfo,
    as_of: float | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Read, fit and write.

    Args:
        responses, q_matrix: as for `read_in_order`.
        out: folder for the results; made where it is not there.
        config: all settings.
        zone: of times without one, and of those that are told.
        as_of: of which moment mastery is, in seconds since 1970; None: of the last answer.
        progress: told each iteration.

    Returns:
        What `fit.json` holds.

    Raises:
        InputError: the files cannot be used, or `out` is not a folder.
    """
    check_folder(out)
    data = read_in_order(responses, q_matrix, zone)
    speaks = np.diff(data.q_matrix.indptr)[data.item] > 0
    if not speaks.any():
        raise InputError(
            f"no answer in {responses} speaks about a concept: each is to an item that needs none;"
            " give answers to items of the Q-matrix that need a concept"
        )
    day = (data.seconds - data.seconds[0]) / DAY
    given = data.learner[speaks], data.item[speaks], data.score[speaks], day[speaks]
    model = fit_in_order(*given, data.q_matrix, config, progress)
    between = half_life_interval(model, *given, config, progress)
    moment = data.seconds.max() if as_of is None else as_of
    then = _mastery(model, data, speaks, day, (moment - data.seconds[0]) / DAY, progress)
    summary = _summary(data, model, config, between) | {
        "as_of": datetime.fromtimestamp(moment, zone).isoformat(),
        "n_responses_later": int(np.sum(data.seconds > moment)),
        "n_without_say": int(np.sum(~speaks)),
    }
    write = {
        "items.csv": lambda path: _write_items(path, data, model),
        "concepts.csv": lambda path: _write_concepts(path, data, model, then),
        "states.csv": lambda path: write_csv(path, (*data.concept_ids, "probability"), ()),
        "mastery.parquet": lambda path: _write_mastery(path, data, then),
    }
    return write_results(out, write, data.rejects, summary)


@dataclass(frozen=True)
class _Then:
    """Mastery at a moment: (U, K), what it says beyond the prior in bits, and where it is known."""

    mastery: Floats
    bits: Floats
    identified: Array


def _mastery(
    model: AgingModel,
    data: ResponsesInOrder,
    speaks: Array,
    day: Floats,
    as_of: float,
    progress: Progress,
) -> _Then:
    shape = data.learner_ids.size, data.concept_ids.size
    mastery, bits, identified = np.empty(shape), np.empty(shape), np.zeros(shape, bool)
    for u, own in enumerate(_of_learners(data.learner, speaks, data.learner_ids.size)):
        state = model.state(data.item[own], data.score[own], day[own], as_of)
        mastery[u], bits[u] = state.mastery, state.bits
        identified[u, data.q_matrix[data.item[own[day[own] <= as_of]]].indices] = True
        progress("mastery of each learner", u + 1, shape[0])
    return _Then(mastery, bits, identified)


def _of_learners(learner: Ints, speaks: Array, n_learners: int) -> Iterator[Ints]:
    """Where each learner's answers stand, of those that speak, in the file's order."""
    order = np.flatnonzero(speaks)[np.argsort(learner[speaks], kind="stable")]
    starts = np.searchsorted(learner[order], np.arange(n_learners + 1))
    return (order[begin:end] for begin, end in pairwise(starts))


def _summary(
    data: ResponsesInOrder,
    model: AgingModel,
    config: AgingConfig,
    between: tuple[float, float] | None,
) -> dict[str, Any]:
    """The fit in figures: JSON values only, None where a figure is not defined."""
    notes = [*data.notes]
    fitted = model.forget != float(np.log(2)) / config.half_life
    if not fitted:
        notes.append(
            "no learner was asked for a concept again at a later time, so that the half-life is"
            " the one stated for such data"
        )
    elif between is None:
        notes.append("no interval of the half-life: its evidence has no top there")
    notes.append(
        "no standard errors, AIC, BIC and item fit: slip and guess are pulled to those of items"
        " with the same concepts"
    )
    if together := data.at_the_same_time():
        notes.append(
            f"{together} answers have the same learner and time as one before them: these count in"
            " the file's order"
        )
    taught = np.unique(data.q_matrix.indices)
    open_ = ambiguous_concepts(data.q_matrix, "conjunctive")
    return {
        "log_likelihood": float(model.evidence[-1]),
        "aic": None,
        "bic": None,
        "iterations": model.evidence.size - 1,
        "converged": model.converged,
        "objective": model.evidence.tolist(),
        "link": "conjunctive",
        "prior": "ability classes",
        "half_life_days": _days(model.half_life),
        "half_life_fitted": fitted,
        "half_life_95": None if between is None else [_days(end) for end in between],
        "learn": float(model.learn[taught].mean()),
        "prior_slope": model.prior_slope,
        "answer_slope": model.answer_slope,
        "ability": model.ability.tolist(),
        "ability_share": model.share.tolist(),
        "n_learners": int(data.learner_ids.size),
        "n_items": int(data.item_ids.size),
        "n_concepts": int(data.concept_ids.size),
        "n_responses": int(data.learner.size),
        "n_missing": data.missing,
        "srmsr": None,
        "rejected": data.rejected(),
        **data.findings(),
        "concepts_not_told_apart": data.concept_ids[open_].tolist(),
        "notes": notes,
        "config": asdict(config),
    }


def _days(value: float) -> float | None:
    """A half-life for JSON; None where nothing is forgotten."""
    return None if np.isinf(value) else value


def _write_items(path: Path, data: ResponsesInOrder, model: AgingModel) -> None:
    """As those of other fits; an item that needs no concept has no slip and guess."""
    needs, nothing = np.diff(data.q_matrix.indptr) > 0, (None,) * len(_ITEM_COLUMNS)
    guess, slip = np.where(needs, model.guess, np.nan), np.where(needs, model.slip, np.nan)
    answers = np.bincount(data.item, minlength=data.item_ids.size)
    rows = (
        (item, number(guess[v]), number(slip[v]), *nothing, int(answers[v]))
        for v, item in enumerate(data.item_ids.tolist())
    )
    write_csv(path, ("item_id", "guess", "slip", *_ITEM_COLUMNS, "n_responses"), rows)


def _write_concepts(path: Path, data: ResponsesInOrder, model: AgingModel, then: _Then) -> None:
    """As those of other fits; and what is learned at an answer, and known of whom at the moment."""
    items = np.bincount(data.q_matrix.indices, minlength=data.concept_ids.size)
    open_ = ambiguous_concepts(data.q_matrix, "conjunctive")
    n_known = then.identified.sum(axis=0)
    known = np.where(then.identified, then.mastery, 0).sum(axis=0) / np.maximum(n_known, 1)
    mean = np.where(n_known > 0, known, np.nan)
    rows = (
        (
            concept,
            float(model.prior[k]),
            None,
            int(items[k]),
            int(open_[k]),
            number(model.learn[k]) if items[k] else None,
            int(n_known[k]),
            number(mean[k]),
        )
        for k, concept in enumerate(data.concept_ids.tolist())
    )
    header = ("concept_id", "prior", "prior_se", "n_items", "not_told_apart")
    write_csv(path, (*header, "learn", "n_learners", "mean_mastery"), rows)


def _write_mastery(path: Path, data: ResponsesInOrder, then: _Then) -> None:
    """A row for every learner and concept, as of other fits, and bits."""
    n_concepts = data.concept_ids.size
    with pq.ParquetWriter(path, MASTERY_THEN) as writer:
        for begin in range(0, data.learner_ids.size, _LEARNERS_AT_ONCE):
            part = slice(begin, begin + _LEARNERS_AT_ONCE)
            learners, mastery = data.learner_ids[part], then.mastery[part].ravel()
            columns = [
                np.repeat(learners, n_concepts),
                np.tile(data.concept_ids, learners.size),
                mastery,
                np.sqrt(mastery * (1 - mastery)),
                then.identified[part].ravel(),
                then.bits[part].ravel(),
            ]
            writer.write_table(pa.table(columns, schema=MASTERY_THEN))
