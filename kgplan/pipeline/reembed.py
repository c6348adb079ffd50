"""How does the whole model follow a changed graph? Vectors, diagnosis and similarity, all at once.

Every stage works aside; one switch at the end puts all results into use. Until then everybody is
answered from the old model, and a run that is killed changes nothing.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from kgplan.diagnosis import DiagnosisConfig
from kgplan.errors import ArtifactError
from kgplan.model.opening import name_of, open_planner
from kgplan.pipeline.stages import (
    DEFAULT_ALPHA,
    StageReport,
    run_diagnose,
    run_embed,
    run_similarity,
    timed,
)
from kgplan.pipeline.tracking import RunStage
from kgplan.planning import Planner
from kgplan.progress import Progress, silent
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore, Aside

if TYPE_CHECKING:
    from kgplan.embedding import EmbeddingConfig, TrainingProgress

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
    config: "EmbeddingConfig",
    diagnosis: DiagnosisConfig | None = None,
    alpha: float = DEFAULT_ALPHA,
    warm: bool = False,
    follow: "Callable[[TrainingProgress], None] | None" = None,
    run_stage: RunStage | None = None,
    job: str = "",
) -> list[StageReport]:
    """Graph and records -> vectors, diagnosis and similarity, put into use together.

    Args:
        settings: where the graph and the results are.
        config, diagnosis, alpha: of the stages; the defaults where not given.
        warm: start the vectors from those in use.
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
    run_stage = run_stage or (lambda _, stage: stage(silent))
    store = ArtifactStore(settings.artifacts)
    aside = Aside(store)
    reports = [
        run_stage(
            "embed", lambda progress: run_embed(settings, config, progress, warm, follow, aside)
        ),
        run_stage(
            "diagnose",
            lambda progress: run_diagnose(
                settings, diagnosis or DiagnosisConfig(), progress, aside
            ),
        ),
        run_stage("similarity", lambda progress: run_similarity(settings, alpha, progress, aside)),
    ]

    def switch(progress: Progress) -> StageReport:
        with timed("switch", settings.home) as report:
            progress("comparing plans", 0, None)
            changes = changes_of_plans(settings, store, aside)
            command = "kgplan reembed --warm" if warm else "kgplan reembed"
            aside.commit(by=f"{command} (job {job})" if job else command)
            report.version = name_of(aside.in_use())
            report.rows_in = report.rows_out = len(reports)
            report.details = {
                "drift": reports[0].details["drift"],
                "plans": asdict(changes) if changes else None,
            }
        return report

    return [*reports, run_stage("switch", switch)]


def changes_of_plans(
    settings: Settings, before: ArtifactStore, after: ArtifactStore
) -> PlanChanges | None:
    """Compare the panel's plans by two models of the same graph; None where one cannot plan."""
    try:
        old = open_planner(settings, before)
    except ArtifactError:
        return None
    new = open_planner(settings, after)
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
