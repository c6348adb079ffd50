"""Who follows a run, stage by stage and epoch by epoch? A JSON-lines file, and PyKEEN's trackers.

The lines, each with `event`, `at` (ISO 8601, UTC) and `seconds` since the first:

    start     config
    stage     stage
    progress  stage, what, done, total (null where nobody knows), at most two a second
    epoch     the fields of `TrainingProgress`
    report    the fields of the stage's `StageReport`
    failed    error, kind (the error's class); the last line of a run that went wrong
    end       the last line of a run that went well
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from kgplan.errors import ConfigError, MissingExtra
from kgplan.progress import Progress
from kgplan.store.running import RunStage
from kgplan.store.stages import StageReport

if TYPE_CHECKING:
    from kgplan.embedding import TrainingProgress

Follow = Callable[["TrainingProgress"], None]
PROGRESS_SECONDS = 0.5  # between two lines of progress
# what PyKEEN's tracker calls the place that it writes to
TRACKERS = {
    "csv": "path",
    "json": "path",
    "mlflow": "tracking_uri",
    "tensorboard": "experiment_path",
}


class Lines:
    """The JSON-lines file of one run."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._begun = stream, time.perf_counter()
        self._last_progress = -PROGRESS_SECONDS

    def write(self, event: str, **values: Any) -> None:
        """Append a line; who follows sees it at once."""
        seconds = time.perf_counter() - self._begun
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"event": event, "at": now, "seconds": round(seconds, 3), **values}
        self._stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._stream.flush()

    def write_progress(self, stage: str, what: str, done: int, total: int | None) -> None:
        """Append a line of progress, unless the last one is too young."""
        now = time.perf_counter()
        if now - self._last_progress >= PROGRESS_SECONDS:
            self._last_progress = now
            self.write("progress", stage=stage, what=what, done=done, total=total)


class Followers:
    """All who follow a run; each epoch is told to them by a call.

    Args:
        lines: of the run's file; None where it has none.
        trackers: of epochs.
    """

    def __init__(self, lines: Lines | None, trackers: Sequence[Follow]) -> None:
        self._lines, self._trackers = lines, trackers

    def __call__(self, now: "TrainingProgress") -> None:
        """Tell an epoch to everybody."""
        if self._lines is not None:
            self._lines.write("epoch", **asdict(now))
        for tell in self._trackers:
            tell(now)

    def stages(self, run_stage: RunStage) -> RunStage:
        """The same way to run a stage, with its begin, progress and report in the file."""
        lines = self._lines
        if lines is None:
            return run_stage

        def run(name: str, stage: Callable[[Progress], StageReport]) -> StageReport:
            def followed_stage(progress: Progress) -> StageReport:
                def told(what: str, done: int, total: int | None) -> None:
                    progress(what, done, total)
                    lines.write_progress(name, what, done, total)

                return stage(told)

            lines.write("stage", stage=name)
            report = run_stage(name, followed_stage)
            lines.write("report", **report.to_dict())
            return report

        return run


@contextmanager
def followed(
    log: Path | None, trackers: Sequence[str], config: Mapping[str, Any]
) -> Iterator[Followers]:
    """Tell all followers of every epoch, and of stages that run by `Followers.stages`.

    Args:
        log: JSON lines are appended to it, see above. None for no such file.
        trackers: NAME or NAME=PLACE of PyKEEN's result trackers, see `TRACKERS`.
        config: every hyper-parameter, told at the start.

    Raises:
        ConfigError: no such tracker, its package is not installed, or it refuses the place.
    """
    with ExitStack() as stack:
        lines = stack.enter_context(_json_lines(log, config)) if log is not None else None
        yield Followers(lines, [stack.enter_context(_tracker(each, config)) for each in trackers])


@contextmanager
def _json_lines(path: Path, config: Mapping[str, Any]) -> Iterator[Lines]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        lines = Lines(stream)
        lines.write("start", config=config)
        try:
            yield lines
        except BaseException as error:
            kind = type(error).__name__
            lines.write("failed", error=str(error) or kind, kind=kind)
            raise
        lines.write("end")


@contextmanager
def _tracker(given: str, config: Mapping[str, Any]) -> Iterator[Follow]:
    name, _, place = given.partition("=")
    if name not in TRACKERS:
        choices = ", ".join(TRACKERS)
        raise ConfigError(f"--tracker {given!r} is not NAME or NAME=PLACE with one of {choices}")
    try:
        from pykeen.trackers import tracker_resolver

        tracker = tracker_resolver.make(name, {TRACKERS[name]: place} if place else {})
        tracker.start_run("kgplan embed")
        tracker.log_params(config)
    except ModuleNotFoundError as error:
        if error.name in {"torch", "pykeen"}:
            raise MissingExtra("embed", "training an embedding") from None
        raise ConfigError(
            f"--tracker {name} needs the package {error.name}; install it with"
            f" `pip install {error.name}`"
        ) from None
    except Exception as error:  # each package raises its own, and nothing has been trained yet
        raise ConfigError(f"--tracker {given} cannot be used: {error}") from error
    done = False
    try:
        yield lambda now: tracker.log_metrics(_metrics(now), step=now.epoch, prefix=now.phase)
        done = True
    finally:
        tracker.end_run(success=done)


def _metrics(now: "TrainingProgress") -> dict[str, float]:
    mrr = {} if now.validation_mrr is None else {"validation_mrr": now.validation_mrr}
    return {"loss": now.loss, **mrr}
