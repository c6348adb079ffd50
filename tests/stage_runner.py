"""Run one stage as its own process, and die at a chosen moment.

python stage_runner.py STAGE HOME SOURCE [progress:N | keep | switch]
"""

import os
import signal
import sys
from importlib.resources import files
from pathlib import Path

from kgplan.embedding.config import EmbeddingConfig
from kgplan.etl.stages import Extraction
from kgplan.pipeline.reembed import run_reembed
from kgplan.progress import silent
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore
from kgplan.store.stages import stages

STAGES = ("extract", "map", "load", "embed", "diagnose", "similarity")


def small_embedding() -> EmbeddingConfig:
    """The default configuration, with two epochs."""
    text = (files("kgplan") / "embedding" / "default.toml").read_text(encoding="utf-8")
    lines = ["epochs = 2" if line.startswith("epochs =") else line for line in text.splitlines()]
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


def main() -> None:
    """Fork a child for each moment: the imports, which take longest, are done once."""
    stage, home, source, *moments = sys.argv[1:]
    for moment in moments:
        child = os.fork()
        if child == 0:
            run_until(stage, home, source, moment)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WTERMSIG(status) != signal.SIGKILL:
            sys.exit(f"{stage} {moment}: ended with status {status}, not killed")


if __name__ == "__main__":
    main()
