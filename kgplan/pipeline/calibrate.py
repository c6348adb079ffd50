"""How well do V-DINA and simpler methods predict views that were held back? Read, ask, write.

The split is by time: records hold each learner's views in order. The artifact `calibration` holds
the figures of every method; `left_out.csv` in it names the learners who could not be asked about.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kgplan.arrays import Ints
from kgplan.errors import InputError
from kgplan.store.running import Task, stage

if TYPE_CHECKING:
    from scipy import sparse

    from kgplan.data.records import LearnerRecords
    from kgplan.evaluation.calibration import HeldBack, Score

LEFT_OUT = "left_out.csv"


@dataclass(frozen=True)
class CalibrationConfig:
    """What is held back, and how sure the figures are to be.

    Attributes:
        share, least_views: what is held back, of whom: as for `hold_back`.
        seed: draws the zeros that are held back, and the resamples.
        resamples: of learners behind every interval.
    """

    share: float = 0.2
    least_views: int = 5
    seed: int = 0
    resamples: int = 300


@stage(
    name="calibrate",
    about="Predict held-back views: the model that is served, V-DINA, and simpler methods.",
    part="study",
    own_command="kgplan diagnose calibrate",
    reads=("records",),
    makes=("calibration",),
    config=CalibrationConfig,
)
def run_calibrate(task: Task, config: CalibrationConfig) -> None:
    """Hold back each learner's last views, let every method predict them, judge, and write.

    Raises:
        ArtifactMissing: there are no records.
        InputError: a setting out of range, or too few learners with enough views.
    """
    from kgplan.data.records import observations, time_line
    from kgplan.diagnosis import LearnerModelConfig
    from kgplan.evaluation.calibration import hold_back, score
    from kgplan.evaluation.contest import METHODS, SERVED, contest
    from kgplan.model.opening import newest_records

    artifacts, progress = task.artifacts, task.progress
    share, least_views = config.share, config.least_views
    records, source = newest_records(artifacts)
    order = time_line(records)
    rng = np.random.default_rng(config.seed)
    watched = observations(records)
    held = hold_back(watched, order, rng, share, least_views)
    if not np.any(held.opened):
        raise InputError(
            f"no learner has {least_views} views of videos that cover a concept;"
            " give a smaller --least-views, or more data"
        )
    step = iter(range(1_000))
    found = contest(
        records, order, held, rng, LearnerModelConfig(tolerance=1e-5),
        lambda what: progress(what, next(step), None), share, least_views,
    )  # fmt: skip
    progress("figures and their intervals", next(step), None)
    whole = score(found, held.opened, held.learner, rng, n_resamples=config.resamples)
    inputs = {"records": source.version}
    with task.draft("calibration", asdict(config), inputs) as draft:
        views = np.diff(records.viewed.indptr)
        _write_left_out(draft.path / LEFT_OUT, records, held, views)
        draft.metrics = {
            "split": split_figures(watched, held, views),
            "methods": [
                {
                    **asdict(method),
                    "served": method.name == SERVED,
                    **to_json(whole[method.name]),
                }
                for method in METHODS
                if method.name in whole
            ],
        }
    task.report.rows_in, task.report.rows_out = int(held.watched.nnz), int(held.learner.size)


def split_figures(
    watched: "sparse.csr_array", held: "HeldBack", views: Ints
) -> dict[str, int | float]:
    """How much was held back, and of whom."""
    n_views = views
    return {
        "learners": int(watched.shape[0]),
        "learners_predicted": int(np.unique(held.learner).size),
        "learners_without_views": int(np.sum(n_views == 0)),
        "learners_with_too_few_views": int(np.sum(held.too_few & (n_views > 0))),
        "observations_to_fit": int(held.watched.nnz),
        "views_to_fit": int(np.sum(held.watched.data > 0)),
        "pairs": int(held.learner.size),
        "views_held_back": int(held.opened.sum()),
        "zeros_held_back": int(np.sum(~held.opened)),
        "base_rate": float(held.opened.mean()),
    }


def to_json(found: "Score") -> dict[str, Any]:
    """A score as JSON values: figures as [value, low, high], bins as lists.

    A bin that some resample left empty has the interval of the other resamples.
    """
    figures = {name: list(asdict(getattr(found, name)).values()) for name in (
        "brier", "log_loss", "auc", "ece"
    )}  # fmt: skip
    bins = {name: values.tolist() for name, values in asdict(found.reliability).items()}
    return {**figures, "reliability": bins}


def _write_left_out(path: Path, records: "LearnerRecords", held: "HeldBack", views: Ints) -> None:
    """Learners who are not predicted, and how many views they have."""
    from kgplan.store.csvfile import write_rows

    with path.open("w", encoding="utf-8", newline="") as stream:
        write_rows(stream, [("learner_id", "n_views")], "\n")
        few = np.flatnonzero(held.too_few)
        write_rows(stream, ((str(records.learner_ids[u]), int(views[u])) for u in few), "\n")
