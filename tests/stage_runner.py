"""Run stages in processes that die at chosen moments.

A moment is `progress:N` (when progress is told for that time), `keep` (when an artifact is put into
its place) or `switch` (when artifacts are switched in).
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
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


def run(stage: str, settings: Settings, source: Path, progress=silent):
    """Run one stage by name."""
    if stage == "reembed":
        configs = {"embed": small_embedding()}
        return run_reembed(settings, configs, run_stage=lambda _, run: run(progress))
    found = stages()[{"map": "map and check", "load": "load graph"}.get(stage, stage)]
    configs = {"extract": Extraction(source), "embed": small_embedding()}
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


class KilledRuns:
    """A process that forks one for each run: the imports, which take longest, are done once."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, stage: str, home: Path, source: Path, moments: Sequence[str]) -> None:
        """Run a stage once for each moment, and see that it was killed there."""
        for moment in moments:
            print(json.dumps([stage, str(home), str(source), moment]), file=self.process.stdin)
            self.process.stdin.flush()
            status = int(self.process.stdout.readline())
            assert os.WIFSIGNALED(status), f"{stage} {moment}: ended with status {status}"
            assert os.WTERMSIG(status) == signal.SIGKILL

    def end(self) -> None:
        """No more runs."""
        self.process.stdin.close()
        assert self.process.wait(60) == 0


def main() -> None:
    """Fork a child for each line; answer how it ended."""
    import morph_kgc  # noqa: F401

    import kgplan.embedding.train  # noqa: F401

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run_until(*json.loads(line))
            os._exit(0)
        print(os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    main()
