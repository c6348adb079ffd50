"""Who follows a training, epoch by epoch? A JSON-lines file, and PyKEEN's own result trackers."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgplan.errors import ConfigError, MissingExtra

if TYPE_CHECKING:
    from kgplan.embedding import TrainingProgress

Follow = Callable[["TrainingProgress"], None]
# what PyKEEN's tracker calls the place that it writes to
TRACKERS = {
    "csv": "path",
    "json": "path",
    "mlflow": "tracking_uri",
    "tensorboard": "experiment_path",
}


@contextmanager
def followed(
    log: Path | None, trackers: Sequence[str], config: Mapping[str, Any]
) -> Iterator[Follow]:
    """Tell all followers of every epoch.

    Args:
        log: JSON lines are appended to it; one object says what begins, one each epoch how it
            went, and the last how it ended. None for no such file.
        trackers: NAME or NAME=PLACE of PyKEEN's result trackers, see `TRACKERS`.
        config: every hyper-parameter, told at the start.

    Raises:
        ConfigError: no such tracker, or its package is not installed.
    """
    with ExitStack() as stack:
        followers = [stack.enter_context(_json_lines(log, config))] if log is not None else []
        followers += [stack.enter_context(_tracker(given, config)) for given in trackers]

        def follow(now: "TrainingProgress") -> None:
            for tell in followers:
                tell(now)

        yield follow


@contextmanager
def _json_lines(path: Path, config: Mapping[str, Any]) -> Iterator[Follow]:
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = time.perf_counter()
    with path.open("a", encoding="utf-8") as stream:

        def write(event: str, **values: Any) -> None:
            seconds = round(time.perf_counter() - begun, 3)
            line = {"event": event, "seconds": seconds, **values}
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
            stream.flush()  # a reader follows while training runs

        write("start", config=config)
        try:
            yield lambda now: write("epoch", **asdict(now))
        except BaseException as error:
            write("failed", error=str(error) or type(error).__name__)
            raise
        write("end")


@contextmanager
def _tracker(given: str, config: Mapping[str, Any]) -> Iterator[Follow]:
    name, _, place = given.partition("=")
    if name not in TRACKERS:
        choices = ", ".join(TRACKERS)
        raise ConfigError(f"--tracker {given!r} is not NAME or NAME=PLACE with one of {choices}")
    try:
        from pykeen.trackers import tracker_resolver

        tracker = tracker_resolver.make(name, {TRACKERS[name]: place} if place else {})
    except ModuleNotFoundError as error:
        if error.name in {"torch", "pykeen"}:
            raise MissingExtra("embed", "training an embedding") from None
        raise ConfigError(
            f"--tracker {name} needs the package {error.name}; install it with"
            f" `pip install {error.name}`"
        ) from None
    tracker.start_run("kgplan embed")
    tracker.log_params(config)
    done = False
    try:
        yield lambda now: tracker.log_metrics(_metrics(now), step=now.epoch, prefix=now.phase)
        done = True
    finally:
        tracker.end_run(success=done)


def _metrics(now: "TrainingProgress") -> dict[str, float]:
    mrr = {} if now.validation_mrr is None else {"validation_mrr": now.validation_mrr}
    return {"loss": now.loss, **mrr}
