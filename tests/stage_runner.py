"""Run stages in processes that die at chosen moments.

A moment is `progress:N` (when progress is told for that time), `keep` (when an artifact is put into
its place) or `switch` (when artifacts are switched in).
"""

import os
import signal
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import forked

from kgplan.embedding.config import EmbeddingConfig
from kgplan.etl.stages import Extraction
from kgplan.pipeline.reembed import run_reembed
from kgplan.progress import silent
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore
from kgplan.store.stages import stages

STAGES = ("extract", "map", "load", "embed", "diagnose", "resources", "engagement", "similarity")


def small_embedding() -> EmbeddingConfig:
    """The default configuration, with two epochs, of any graph."""
    text = (files("kgplan") / "embedding" / "default.toml").read_text(encoding="utf-8")
    small = {"epochs": "epochs = 2", "fewest": "fewest = 0"}
    lines = [small.get(line.partition(" =")[0], line) for line in text.splitlines()]
    return EmbeddingConfig.from_toml("\n".join(lines))


def run(stage: str, settings: Settings, source: Path, progress=silent, tolerant=False):
    """Run one stage by name."""
    if stage == "reembed":
        configs = {"embed": small_embedding()}
        return run_reembed(settings, configs, run_stage=lambda _, run: run(progress))
    found = stages()[{"map": "map and check", "load": "load graph"}.get(stage, stage)]
    configs = {"extract": Extraction(source, tolerant), "embed": small_embedding()}
    return found(settings, configs.get(stage), progress)


def die(*_args, **_kwargs):
    """End as if the power had gone."""
    os.kill(os.getpid(), signal.SIGKILL)


def run_until(stage: str, home: str, source: str, moment: str) -> None:
    """Run a stage and die at the moment."""
    progress = silent
    if moment.startswith("progress:"):
        left = int(moment.partition(":")[2])

        def progress(what, done, total):
            nonlocal left
            left -= 1
            if left <= 0:
                die()

    elif moment == "keep":
        Path.rename = die
    elif moment == "switch":
        ArtifactStore.switch = die
    run(stage, Settings(home=Path(home)), Path(source), progress)


def killed_runs(stage: str, home: Path, source: Path, moments: Sequence[str]) -> None:
    """Run a stage once for each moment, and see that it was killed there."""
    for moment in moments:
        done = forked.run("stage_runner:run_until", stage, home, source, moment)
        assert done.returncode == -signal.SIGKILL, f"{stage} {moment}: {done}"
