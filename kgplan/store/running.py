"""How is a stage run: by itself, or with all of its part?"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgplan.progress import Progress, silent
from kgplan.settings import Settings
from kgplan.store.artifacts import Artifact, ArtifactStore, Draft
from kgplan.store.files import enough_room
from kgplan.store.stages import Part, Stage, StageReport, command_for, stages_of

RunStage = Callable[[str, Callable[[Progress], StageReport]], StageReport]
"""Called with a stage's name and the stage; shows its progress."""


@dataclass(frozen=True)
class Task:
    """What a stage works with.

    Attributes:
        settings: where the graph and the results are.
        artifacts: those that it reads, and puts its own among.
        progress: told how far it is.
        report: what it did, which it fills in.
        warm: whether what is trained starts from what is in use.
        follow: called after each epoch of training.
    """

    settings: Settings
    artifacts: ArtifactStore
    progress: Progress
    report: StageReport
    warm: bool = False
    follow: Callable[[Any], None] | None = None

    @contextmanager
    def draft(
        self,
        kind: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, str],
        beside: Sequence[Artifact] = (),
    ) -> Iterator[Draft]:
        """Write an artifact aside; when the block ends it comes into use, and the report tells it.

        Args:
            kind, config, inputs: as for `ArtifactStore.draft`.
            beside: what comes into use together with it.
        """
        with self.artifacts.draft(kind, config, inputs) as draft:
            yield draft
        made = draft.finished()
        self.artifacts.switch(made, *beside, by=command_for(kind))
        self.report.version, self.report.details = made.version, dict(draft.metrics)


def stage(**declared: Any) -> Callable[[Callable[[Task, Any], None]], Stage]:
    """Make the function below it a stage; it is called with a task and a configuration.

    Args:
        **declared: attributes of `Stage`.
    """

    def made_of(work: Callable[[Task, Any], None]) -> Stage:
        def run(
            settings: Settings,
            config: Any = None,
            progress: Progress = silent,
            artifacts: ArtifactStore | None = None,
            **training: Any,
        ) -> StageReport:
            artifacts = artifacts or ArtifactStore(settings.artifacts)
            with timed(made.name, settings.home) as report:
                task = Task(settings, artifacts, progress, report, **training)
                work(task, made.config() if config is None else config)
            return report

        made = Stage(run=run, **declared)
        return made

    return made_of


@contextmanager
def timed(stage: str, home: Path) -> Iterator[StageReport]:
    """A report whose seconds are filled in when the block ends.

    Args:
        stage: its name.
        home: where it writes.

    Raises:
        DiskFull: there is no room for what it writes.
    """
    report, start = StageReport(stage), time.perf_counter()
    with enough_room(stage, home):
        yield report
    report.seconds = time.perf_counter() - start


def run_plainly(name: str, stage: Callable[[Progress], StageReport]) -> StageReport:
    """Run a stage and show nothing."""
    return stage(silent)


def run_part(
    part: Part,
    settings: Settings,
    artifacts: ArtifactStore,
    configs: Mapping[str, Any],
    run_stage: RunStage = run_plainly,
    **training: Any,
) -> list[StageReport]:
    """Run the stages of a part, one after the other.

    Args:
        part: see `Stage`.
        settings, artifacts, **training: as for `Stage.run`.
        configs: stage -> configuration, where it is not the default one.
        run_stage: runs each.
    """

    def run(stage: Stage) -> StageReport:
        config = configs.get(stage.name)
        return run_stage(
            stage.name,
            lambda progress: stage.run(settings, config, progress, artifacts, **training),
        )

    return [run(stage) for stage in stages_of(part)]
