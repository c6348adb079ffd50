"""How does the whole model follow a changed graph? All of its stages at once.

Every stage works aside; one switch at the end puts all results into use. Until then everybody is
answered from the old model, and a run that is killed changes nothing.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from kgplan.errors import ArtifactError
from kgplan.model.opening import name_of, open_planner
from kgplan.pipeline.tracking import Follow
from kgplan.planning import Planner
from kgplan.progress import Progress
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore, Aside
from kgplan.store.running import RunStage, run_part, run_plainly, timed
from kgplan.store.stages import SWITCH, StageReport

PANEL = 200  # learners whose plans are compared


@dataclass(frozen=True)
class PlanChanges:
    """What a new model did to the plans of the panel.

    Attributes:
        plans: compared; one for each learner of the panel.
        changed: with other steps, or the same in another order.
        kept_steps: share of the old plans' concepts that are in the new ones, any place; 1 where
            there was none.
    """

    plans: int
    changed: int
    kept_steps: float


def run_reembed(
    settings: Settings,
    configs: Mapping[str, Any] = MappingProxyType({}),
    warm: bool = False,
    follow: Follow | None = None,
    run_stage: RunStage = run_plainly,
    job: str = "",
) -> list[StageReport]:
    """Graph and records -> all that the model's stages make, put into use together.

    Args:
        settings: where the graph and the results are.
        configs: stage -> configuration, where it is not the default one.
        warm: start what is trained from what is in use.
        follow: called after each epoch of training.
        run_stage: called with each stage's name and the stage; shows its progress.
        job: id of the job that runs it, for the history; empty where none does.

    Returns:
        A report of each stage; the last one, of the switch, has the model's version, the drift of
        the vectors and how the panel's plans changed (None where there was no earlier model to
        plan with).

    Raises:
        MissingExtra, ArtifactError, GraphUnavailable: as the stages; nothing has changed then.
    """
    store = ArtifactStore(settings.artifacts)
    aside = Aside(store)
    reports = run_part("model", settings, aside, configs, run_stage, warm=warm, follow=follow)
    drift = next((each.details["drift"] for each in reports if "drift" in each.details), None)

    def switch(progress: Progress) -> StageReport:
        with timed(SWITCH, settings.home) as report:
            progress("comparing plans", 0, None)
            changes = changes_of_plans(settings, store, aside)
            command = "kgplan reembed --warm" if warm else "kgplan reembed"
            aside.commit(by=f"{command} (job {job})" if job else command)
            report.version = name_of(aside.in_use())
            report.rows_in = report.rows_out = len(reports)
            report.details = {"drift": drift, "plans": asdict(changes) if changes else None}
        return report

    return [*reports, run_stage(SWITCH, switch)]


def changes_of_plans(
    settings: Settings, before: ArtifactStore, after: ArtifactStore
) -> PlanChanges | None:
    """Compare the panel's plans by two models of the same graph; None where one cannot plan."""
    try:
        old = open_planner(settings, before)
    except ArtifactError:
        return None
    new = open_planner(settings, after, old.graph, old)
    plans = [
        tuple(
            [step.concept_id for step in planner.plan(learner_id, course_id).steps]
            for planner in (old, new)
        )
        for learner_id, course_id in panel_of(old)
    ]
    steps = sum(len(was) for was, _ in plans)
    kept = sum(len(set(was) & set(now)) for was, now in plans)
    changed = sum(was != now for was, now in plans)
    return PlanChanges(len(plans), changed, kept / steps if steps else 1.0)


def panel_of(planner: Planner, learners: int = PANEL) -> list[tuple[str, str]]:
    """The same learners every time, spread evenly over the ids, each with the first own course.

    Args:
        planner: whose learners.
        learners: how many at most.

    Returns:
        (learner id, course id) pairs; who is enrolled in no course of the graph is left out.
    """
    records = planner.records
    here = np.isin(records.course_ids, planner.graph.course_ids)
    enrolled = records.enrolled
    panel = []
    for row in range(records.learner_ids.size):
        courses = enrolled.indices[enrolled.indptr[row] : enrolled.indptr[row + 1]]
        courses = courses[here[courses]]
        if courses.size:
            panel.append((str(records.learner_ids[row]), str(records.course_ids[courses.min()])))
    chosen = np.linspace(0, len(panel) - 1, min(learners, len(panel))).astype(int)
    return [panel[place] for place in chosen.tolist()]
