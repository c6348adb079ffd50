"""From made-up learners of a course to a policy of weights, which is on only if it beats "hold"."""

from dataclasses import asdict, dataclass

import numpy as np

from kgplan.arrays import positions
from kgplan.data.records import items_in_order
from kgplan.errors import ConfigError, UnknownCourse
from kgplan.evaluation.resources.synthetic import Course
from kgplan.evaluation.resources.taught import Trial, against_hold, kept_policy
from kgplan.model.opening import newest_records, open_snapshot
from kgplan.pipeline.resource_views import prerequisites_among
from kgplan.progress import Progress, silent
from kgplan.resources.policy.training import DqnConfig
from kgplan.settings import Settings
from kgplan.store.artifacts import Artifact, ArtifactStore

POLICY = "policy"
COMMAND = "kgplan resources policy"


@dataclass(frozen=True)
class Kept:
    """A policy that was trained and tried.

    Attributes:
        version: of the artifact.
        on: whether it came into use.
        trial: what it was found to earn.
    """

    version: str
    on: bool
    trial: Trial


def make_policy(
    settings: Settings,
    course_id: str,
    learners: int,
    seeds: int,
    config: DqnConfig,
    progress: Progress = silent,
) -> Kept:
    """Train a policy on made-up learners, keep it, and put it into use if it beats "hold".

    Args:
        settings: where graph and results are.
        course_id: whose videos the learners are shown.
        learners, seeds: as for `against_hold`.
        config: of the training.
        progress: told of episodes.

    Raises:
        UnknownCourse: the records have none of this id.
    """
    artifacts = ArtifactStore(settings.artifacts)
    records, source = newest_records(artifacts)
    found = np.flatnonzero(records.course_ids == course_id)
    if not found.size:
        raise UnknownCourse(course_id)
    graph = open_snapshot(settings)
    before = prerequisites_among(graph, positions(graph.concept_ids, records.concept_ids))
    items = items_in_order(records.course_items, int(found[0]))
    course = Course.of(records.q_matrix[items], before)
    values = kept_policy(course, config, progress)
    trial = against_hold(course, values, learners, seeds)
    inputs = {"records": source.version, "graph": graph.version}
    with artifacts.draft(POLICY, {**asdict(config), "course": course_id}, inputs) as draft:
        draft.put(**values.to_arrays())
        draft.metrics = {**asdict(trial), "beats_hold": trial.beats}
    made = draft.finished()
    if trial.beats:
        artifacts.switch(made, by=COMMAND)
    return Kept(made.version, trial.beats, trial)


def use_policy(settings: Settings, version: str) -> Artifact:
    """Put a policy into use again that was kept before.

    Raises:
        ConfigError: there is none of this version, or it did not beat "hold".
    """
    artifacts = ArtifactStore(settings.artifacts)
    versions = artifacts.versions(POLICY)
    if version not in versions:
        there = ", ".join(versions) or f"none; make one by `{COMMAND}`"
        raise ConfigError(f"no policy {version!r}; there are {there}")
    found = artifacts.open(POLICY, version)
    if not found.metrics["beats_hold"]:
        raise ConfigError(
            f"policy {version} did not beat holding the weights, by {found.metrics['gain']:+.4f}"
            f" ({found.metrics['low']:+.4f} to {found.metrics['high']:+.4f}); use another one"
        )
    artifacts.switch(found, by=f"{COMMAND} --use", back=True)
    return found


def stop_policy(settings: Settings) -> None:
    """Hold the weights from now on; what was kept stays."""
    ArtifactStore(settings.artifacts).switch(by=f"{COMMAND} --off", gone=[POLICY])
