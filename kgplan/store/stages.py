"""Which batch stages are there, and what does each read, write and tell?

A stage is a file that declares a `Stage` beside the function that runs it. Those of other packages
are found by the entry point group `kgplan.stages`. What `kgplan demo` and `reembed` run, in which
order, which command is named where a result is missing, what a model is made of, which of it is
outdated and how far a job is: all of it follows from here. Loading the declarations loads the tools
of no stage.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Literal

from kgplan.errors import ConfigError
from kgplan.progress import Progress, silent
from kgplan.registry import registered
from kgplan.settings import Settings
from kgplan.store.files import enough_room

GROUP = "kgplan.stages"
SWITCH = "switch"  # in reports, logs and progress: when all of a new model comes into use
# by name, as those of other packages: they stand above all who ask what there is
OURS = (
    "kgplan.etl.stages:EXTRACT",
    "kgplan.etl.stages:MAP",
    "kgplan.etl.stages:LOAD",
    "kgplan.pipeline.embed:STAGE",
    "kgplan.pipeline.diagnose:STAGE",
    "kgplan.pipeline.similarity:STAGE",
    "kgplan.pipeline.calibrate:STAGE",
)
Part = Literal["source", "graph", "model", "study"]


@dataclass
class StageReport:
    """What a stage took in, gave out and cost.

    Attributes:
        stage: its name.
        rows_in, rows_out: records read and written, in the stage's own units.
        seconds: wall time.
        version: of what it made.
        details: figures and sentences for people.
    """

    stage: str
    rows_in: int = 0
    rows_out: int = 0
    seconds: float = 0.0
    version: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return asdict(self)


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


RunStage = Callable[[str, Callable[[Progress], StageReport]], StageReport]
"""Called with a stage's name and the stage; shows its progress."""


def run_plainly(name: str, stage: Callable[[Progress], StageReport]) -> StageReport:
    """Run a stage and show nothing."""
    return stage(silent)


@dataclass(frozen=True)
class Figures:
    """What to show of a stage's details.

    Attributes:
        title: of the table.
        rows: each begins with the name of what it tells.
        headings: of the columns; none over names and figures.
    """

    title: str
    rows: Sequence[tuple[Any, ...]]
    headings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stage:
    """One step from files to plans.

    Attributes:
        name: in reports, logs and progress.
        about: one sentence on what it does.
        part: what it belongs to: reading the source, filling the graph, the model, which is made
            and put into use as a whole; or a study of it, which nothing rests on.
        run: called with the settings, a configuration, what is told the progress, and the
            artifacts that it reads and puts its own among; a `StageReport` comes back.
        own_command: what runs it. `kgplan NAME` is made for a stage that brings none.
        reads: kinds of artifacts, or "graph".
        makes: kinds of artifacts.
        serves: those of them that answers are made from.
        config: makes the default configuration.
        trains: whether `run` also takes `warm`, to start from what is in use, and `follow`, to be
            called after each epoch.
        work: its part of the time of a whole model, from nothing and from what is in use; only
            their proportions count.
        figures: what to show of the report's details.
    """

    name: str
    about: str
    part: Part
    run: Callable[..., StageReport]
    own_command: str = ""
    reads: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()
    serves: tuple[str, ...] = ()
    config: Callable[[], Any] = lambda: None
    trains: bool = False
    work: tuple[float, float] = (0.02, 0.02)
    figures: Callable[[Mapping[str, Any]], Figures] | None = None

    @property
    def command(self) -> str:
        """What runs it."""
        return self.own_command or f"kgplan {self.name}"


@cache
def stages() -> Mapping[str, Stage]:
    """Every stage by its name: ours in their order, then other packages'.

    Raises:
        ConfigError: one cannot be loaded, or two have one name or make one kind.
    """
    ours = [EntryPoint(place, place, GROUP).load() for place in OURS]
    found = registered("stage", GROUP, Stage, ours)
    makers = Counter(kind for stage in found.values() for kind in stage.makes)
    for stage in found.values():
        if twice := [kind for kind in stage.makes if makers[kind] > 1]:
            raise ConfigError(
                f"stage {stage.name!r} makes {twice[0]}, and so does another; name its kind anew"
            )
    return found


@cache
def stages_of(part: Part) -> tuple[Stage, ...]:
    """The stages of a part, each after those that make what it reads.

    Raises:
        ConfigError: as for `stages`, or two read what the other makes.
    """
    ours = {stage.name: stage for stage in stages().values() if stage.part == part}
    before = {
        name: [each.name for each in ours.values() if set(each.makes) & set(stage.reads)]
        for name, stage in ours.items()
    }
    try:
        return tuple(ours[name] for name in TopologicalSorter(before).static_order())
    except CycleError as error:
        raise ConfigError(f"each of these stages reads another's: {error.args[1]}") from None


def run_part(
    part: Part,
    settings: Settings,
    artifacts: Any,
    configs: Mapping[str, Any],
    run_stage: RunStage,
    **training: Any,
) -> list[StageReport]:
    """Run the stages of a part, one after the other.

    Args:
        part: see `Stage`.
        settings, artifacts: as for `Stage.run`.
        configs: stage -> configuration, where it is not the default one.
        run_stage: runs each.
        **training: also for stages that train.
    """

    def run(stage: Stage) -> StageReport:
        config = configs[stage.name] if stage.name in configs else stage.config()
        more = training if stage.trains else {}
        return run_stage(
            stage.name, lambda progress: stage.run(settings, config, progress, artifacts, **more)
        )

    return [run(stage) for stage in stages_of(part)]


def command_for(kind: str) -> str:
    """The command that makes artifacts of a kind."""
    makers = (stage.command for stage in stages().values() if kind in stage.makes)
    return next(makers, "kgplan demo")


def served_kinds() -> list[str]:
    """Kinds of artifacts that answers are made from."""
    return [kind for stage in stages().values() for kind in stage.serves]


def model_kinds() -> list[str]:
    """Kinds of artifacts that come into use together: what is served, then what that rests on."""
    made = [kind for stage in stages_of("model") for kind in stage.makes]
    return list(dict.fromkeys([*served_kinds(), *made]))
