"""Which experiment runs, by its file? TOML, read once, at the start; and such a file to begin with.

The file is the trial's protocol: it is written before the trial, kept under version control, and
not changed while the trial runs.
"""

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from kgplan.errors import ConfigError
from kgplan.planning.experiment import Arm, Experiment
from kgplan.planning.options import PlanOptions
from kgplan.planning.planners import planners
from kgplan.settings import Settings
from kgplan.store.faults import first_fault, read_toml

MANUAL = "docs/guide/experiments.md lists the keys"
SALT_BYTES = 16
FREE = ("length", "max_prerequisites", "neighbours", "least_gain", "theta", "minutes")
"""Options that an arm may set: what the planner takes and leaves, not what a learner wants."""
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,49}$")]
Primary = Literal["views", "finished", "returned", "scored"]


class _ArmIn(BaseModel):
    """An arm, as the file has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    planner: str
    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("planner")
    @classmethod
    def _there(cls, given: str) -> str:
        if given not in planners():
            raise ValueError(f"there is no such planner; there are {', '.join(planners())}")
        return given

    @model_validator(mode="after")
    def _planned(self) -> "_ArmIn":
        for each in self.options:
            if each not in FREE:
                raise ValueError(f"an arm cannot set {each!r}; it may set {', '.join(FREE)}")
        try:
            PlanOptions(planner=self.planner, **self.options)
        except TypeError:  # compared with its bounds
            raise ValueError(f"options {self.options} are not all numbers") from None
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return self


class _ExperimentIn(BaseModel):
    """What the file says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1]
    name: Name
    salt: str = Field(min_length=SALT_BYTES)
    primary: Primary
    days: float = Field(default=28, ge=7, le=365)
    least_effect: float = Field(gt=0, allow_inf_nan=False)
    arms: tuple[_ArmIn, ...] = Field(min_length=2, max_length=10)

    @model_validator(mode="after")
    def _each_once(self) -> "_ExperimentIn":
        names = [arm.name for arm in self.arms]
        for each in names:
            if names.count(each) > 1:
                raise ValueError(f"two arms have the name {each!r}")
        return self


def read_experiment(path: Path) -> Experiment:
    """Read the file of an experiment.

    Raises:
        ConfigError: it cannot be read, or something in it is wrong: with the place, what stands
            there, and a way out.
    """
    begin = "write one with `kgplan experiment new FILE`"
    values = read_toml(path, "the experiment's file", begin, MANUAL)
    try:
        found = _ExperimentIn.model_validate(values)
    except ValidationError as error:
        told = first_fault(error, _section, name_sections=True)
        raise ConfigError(f"{path}: {told}; {MANUAL}") from None
    arms = tuple(Arm(each.name, each.planner, each.weight, each.options) for each in found.arms)
    return Experiment(found.name, found.salt, arms, found.primary, found.days, found.least_effect)


def running_experiment(settings: Settings) -> Experiment | None:
    """The experiment that the settings name, if any; errors as for `read_experiment`."""
    return None if settings.experiment is None else read_experiment(settings.experiment)


def _section(inside: Sequence[int | str]) -> type[BaseModel]:
    return _ArmIn if "arms" in inside else _ExperimentIn


def new_experiment(name: str, planners_of_arms: Sequence[str]) -> str:
    """The text of a file to begin with: a fresh salt, an arm for each planner.

    Args:
        name: of the experiment.
        planners_of_arms: by name; the first is what others are compared with.
    """
    lines = [
        "# The protocol of a trial: written before it, and left as it is until the end.",
        "version = 1",
        f'name = "{name}"',
        f'salt = "{secrets.token_hex(SALT_BYTES)}"  # makes the draw; another one draws again',
        'primary = "views"  # the outcome that decides: views, finished, returned or scored',
        "days = 28  # that a learner's outcomes are counted, from the first plan on",
        "least_effect = 1.0  # difference of that outcome that would matter, in its own unit",
    ]
    for each in planners_of_arms:
        lines += ["", "[[arms]]", f'name = "{each}"', f'planner = "{each}"', "weight = 1"]
    return "\n".join(lines) + "\n"
