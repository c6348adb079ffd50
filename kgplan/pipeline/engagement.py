"""From what learners watched to what says whether their next view is completed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from kgplan.errors import InputError
from kgplan.store.running import Task, stage
from kgplan.store.stages import Figures

if TYPE_CHECKING:
    from kgplan.data.records import LearnerRecords
    from kgplan.engagement.completion import Watched
    from kgplan.engagement.next_view import Completion


@dataclass(frozen=True)
class EngagementConfig:
    """How it is fitted.

    Attributes:
        seed: of folds, fits and resamples.
    """

    seed: int = 0


def figures(details: Mapping[str, Any]) -> Figures:
    """How well held-back views are told, or that nothing is."""
    rows = [
        (name.replace("_", " "), value)
        for name, value in details.items()
        if name != "notes" and value is not None
    ]
    return Figures("engagement: is the next view completed?", rows)


@stage(
    name="engagement",
    about="Says how likely it is that a learner's next view is completed, from earlier views.",
    part="model",
    own_command="kgplan engagement train",
    reads=("tables",),
    makes=("engagement",),
    serves=("engagement",),
    config=EngagementConfig,
    figures=figures,
)
def run_engagement(task: Task, config: EngagementConfig) -> None:
    """Views of the tables -> trees, and the views that they are asked about.

    Where too few views tell how much was watched, nothing is served, and the artifact says why.
    """
    from kgplan.model.opening import ENGAGEMENT
    from kgplan.pipeline.engagement_views import read_watched

    inputs, arrays = {}, {}
    metrics: dict[str, Any] = {"served": False, "views": 0, "learners": 0}
    try:
        if find_spec("sklearn") is None:
            raise InputError("the trees are grown by scikit-learn; pip install 'kgplan[embed]'")
        if "tables" not in task.artifacts.in_use():
            raise InputError("there are no tables, which tell when each view began")
        tables = task.artifacts.current("tables")
        inputs = {"tables": tables.version}
        watched, records = read_watched(tables.path)
        zone = str(tables.manifest["config"].get("time_zone", "UTC"))
        task.report.rows_in = watched.item.size
        made, measured = fitted(watched, records, zone, config.seed)
        arrays = made.to_arrays()
        metrics |= measured | {"served": True}
        task.report.rows_out = int(measured["views"])
    except InputError as error:
        metrics["notes"] = [f"engagement is not told: {error}"]
    with task.draft(ENGAGEMENT, asdict(config), inputs) as draft:
        draft.put(**arrays)
        draft.metrics = metrics


def fitted(
    watched: "Watched", records: "LearnerRecords", zone: str, seed: int
) -> tuple["Completion", dict[str, Any]]:
    """What is served, and how well it tells views of learners whom it was not fitted to.

    Args:
        watched: all views with a share.
        records: their learners, items and courses.
        zone: of their moments.
        seed: see `EngagementConfig`.

    Returns:
        It, and the area under the ROC curve over all held-back views, with its 95 % interval over
        learners; the share of views that was completed; the Brier score.

    Raises:
        InputError: there are too few views or learners, or views that nothing tells apart.
    """
    import numpy as np

    from kgplan.data.records import VIDEO
    from kgplan.diagnosis.entries import only
    from kgplan.engagement.completion import next_views, places_of
    from kgplan.engagement.next_view import (
        RANGES,
        Completion,
        fit,
        held_back_chances,
        range_of,
        with_unknown,
    )
    from kgplan.evaluation.engagement import RESAMPLES, auc
    from kgplan.evaluation.papers.intervals import draws

    places = places_of(records.course_items, records.minutes * 60)
    views = next_views(watched, places)
    chances = held_back_chances(views, seed)
    drawn = draws(views.learner, RESAMPLES, seed)
    areas = [auc(views.completed, chances, w) for w in drawn.weights[:, drawn.learner]]
    low, high = np.nanquantile(areas[1:], [0.025, 0.975])
    at, is_video = range_of(chances), np.asarray(records.kinds == VIDEO)
    made = Completion(
        learner_ids=records.learner_ids,
        item_ids=records.item_ids,
        course_ids=records.course_ids,
        starts=np.searchsorted(watched.learner, np.arange(records.learner_ids.size + 1)),
        item=watched.item.astype(np.int32),
        moment=watched.moment,
        share=watched.share,
        places=with_unknown(places),
        videos=only(records.course_items, is_video[records.course_items.indices]),
        is_video=is_video,
        zone=zone,
        held_back=np.bincount(at, minlength=RANGES),
        completed=np.bincount(at, views.completed, RANGES).astype(np.int64),
        trees=fit(views, seed),
    )
    return made, {
        "views": int(views.completed.size),
        "learners": int(np.unique(views.learner).size),
        "completed": float(views.completed.mean()),
        "auc": float(areas[0]),
        "auc_low": float(low),
        "auc_high": float(high),
        "brier": float(np.mean((chances - views.completed) ** 2)),
    }
