"""Which batch stages are there, and what does each read, write and tell?

A stage is a file with a function that `running.stage` declares. Those of other packages are found
by the entry point group `kgplan.stages`. What `kgplan demo` and `reembed` run, in which
order, which command is named where a result is missing, what a model is made of, which of it is
outdated and how far a job is: all of it follows from here. Loading the declarations loads the tools
of no stage.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import EntryPoint
from typing import Any, Literal

from kgplan.errors import ConfigError
from kgplan.registry import registered

GROUP = "kgplan.stages"
SWITCH = "switch"  # in reports, logs and progress: when all of a new model comes into use
# by name, as those of other packages: they stand above all who ask what there is
OURS = (
    "kgplan.etl.stages:run_extract",
    "kgplan.etl.stages:run_map",
    "kgplan.etl.stages:run_load",
    "kgplan.pipeline.embed:run_embed",
    "kgplan.pipeline.diagnose:run_diagnose",
    "kgplan.pipeline.similarity:run_similarity",
    "kgplan.pipeline.resources:run_resources",
    "kgplan.pipeline.engagement:run_engagement",
    "kgplan.pipeline.calibrate:run_calibrate",
    "kgplan.pipeline.coldstart:run_coldstart",
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
        run: takes the settings and, if they are not the usual ones, a configuration, what is told
            the progress, the artifacts, `warm` and `follow`, see `running.Task`.
        own_command: what runs it. `kgplan NAME` is made for a stage that brings none.
        reads: kinds of artifacts, or "graph".
        makes: kinds of artifacts.
        serves: those of them that answers are made from.
        config: makes the default configuration.
        trains: whether it tells epochs.
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

    def __call__(self, *given: Any, **named: Any) -> StageReport:
        """Run it."""
        return self.run(*given, **named)

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
