"""What does the service administrate? One home: its models, its jobs, the graph beside it."""

from dataclasses import dataclass
from importlib.util import find_spec
from json import dumps
from pathlib import Path
from typing import Any

from kgplan.api.jobs import Job, Jobs
from kgplan.errors import ArtifactMissing, MissingExtra
from kgplan.model.opening import model_version
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore
from kgplan.store.configs import configs_with
from kgplan.store.stages import stages_of

Sections = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Administration:
    """One home and its graph.

    Attributes:
        jobs: the long tasks of the home.
    """

    jobs: Jobs

    @property
    def settings(self) -> Settings:
        """Where home and graph are."""
        return self.jobs.settings

    @property
    def store(self) -> ArtifactStore:
        """The results of the home."""
        return ArtifactStore(self.settings.artifacts)

    def reembed(self, warm: bool, alpha: float, changes: Sections, by: str) -> Job:
        """Begin `kgplan reembed` as a job.

        Args:
            warm, alpha: its options.
            changes: keys that differ from the default, by section or stage.
            by: who asks.

        Raises:
            MissingExtra: the libraries that train are not installed.
            ArtifactMissing: a warm start, and there are no vectors yet.
            ConfigError: a hyper-parameter is unknown or has an impossible value.
            JobRunning: another one is at work.
        """
        if find_spec("torch") is None or find_spec("pykeen") is None:
            raise MissingExtra("embed", "a re-embedding job")
        if warm and "embedding" not in self.store.in_use():
            raise ArtifactMissing("embedding", "kgplan embed")
        configs_with(changes, stages_of("model"))  # refuses now what the job would refuse

        def arguments(folder: Path) -> list[str]:
            (folder / "config.toml").write_text(to_toml(changes), encoding="utf-8")
            files = ["--config", str(folder / "config.toml"), "--log", str(folder / "log.jsonl")]
            given = ["--warm"] if warm else []
            return ["reembed", *given, "--alpha", str(alpha), *files, "--job", folder.name]

        options = {"warm": warm, "alpha": alpha, "config": changes}
        return self.jobs.start("reembed", options, arguments, by, model_version(self.store))


def to_toml(sections: Sections) -> str:
    """Sections of plain values as TOML.

    >>> print(to_toml({"training": {"epochs": 2, "optimiser": "adam"}}), end="")
    [training]
    epochs = 2
    optimiser = "adam"
    """
    return "".join(
        f"[{section}]\n" + "".join(f"{key} = {dumps(value)}\n" for key, value in keys.items())
        for section, keys in sections.items()
    )
