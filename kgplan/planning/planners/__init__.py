"""Which planners are there, by the name that `PlanOptions.planner` gives?

A planner is a file that makes a `NamedPlanner`. Those of other packages are found by the entry
point group `kgplan.planners`. Command line, HTTP, its description and the explorer know every one.
Importing this loads no numerical library.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from kgplan.errors import ConfigError
from kgplan.planning.texts import Language

if TYPE_CHECKING:
    from kgplan.arrays import Floats, Ints
    from kgplan.planning.choosing import Chooser, Learner
    from kgplan.planning.options import PlanOptions

GROUP = "kgplan.planners"
OVERRULING = ("score", "pinned", "target")
"""Rules that are no planner's own: of prerequisites, and of what was asked for."""


@dataclass(frozen=True)
class Among:
    """Says of a type that it is one of some names, which depend on the planners there are.

    Attributes:
        names: gives them.
    """

    names: Callable[[], Iterable[str]]


@dataclass(frozen=True)
class Ranking:
    """What starts are ranked by.

    Attributes:
        preference: (A,) S_P of eq. (12); None where the planner does not use it.
        value: (A,) the largest comes first; ties break by concept id.
    """

    preference: "Floats | None"
    value: "Floats"


@dataclass(frozen=True)
class NamedPlanner:
    """What ranks, whether prerequisites are walked, and how it is said.

    Attributes:
        name: as callers give it.
        title: of it, in a list to choose from.
        about: half a sentence on how it plans.
        rank: ranks what is asked for, (A,) sorted positions of concepts.
        rule: names what starts are ranked by, in explanations.
        figure: the same for readers, beside the number.
        why: why a start was chosen, in terms of `{figure}`.
        walks: whether prerequisites of a start are planned before it. A planner that walks nothing
            plans only what the learner has not learned.
        weighs_mastery: whether the value falls by as much as the mastery rises.
        start: why a start is worth learning, in terms of `{name}`, `{value}` and `{knowledge}`;
            None where preference and mastery say it.
    """

    name: str
    title: Mapping[Language, str]
    about: str
    rank: "Callable[[Chooser, Learner, Ints, PlanOptions], Ranking]"
    rule: str
    figure: Mapping[Language, str]
    why: Mapping[Language, str]
    walks: bool = False
    weighs_mastery: bool = False
    start: Mapping[Language, str] | None = None


@cache
def planners() -> Mapping[str, NamedPlanner]:
    """Every planner by its name: the published method first, then ours, then other packages'.

    Raises:
        ConfigError: one cannot be loaded, or two have one name.
    """
    from kgplan.planning.planners import kg_plppm, popularity, trans_cf

    ours = [module.PLANNER for module in (kg_plppm, trans_cf, popularity)]
    found = {planner.name: planner for planner in ours}
    for entry in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        planner = _loaded(entry)
        if planner.name in found:
            raise ConfigError(
                f"two planners are called {planner.name!r}, one of them in {entry.value};"
                " give it another name"
            )
        found[planner.name] = planner
    return found


def planner_named(name: str) -> NamedPlanner:
    """The planner of a name.

    Raises:
        ConfigError: there is none.
    """
    found = planners().get(name)
    if found is None:
        raise ConfigError(f"planner is {name!r}; it is one of {', '.join(planners())}")
    return found


def rules() -> tuple[str, ...]:
    """Every rule that an explanation may name."""
    return tuple(dict.fromkeys([*(each.rule for each in planners().values()), *OVERRULING]))


def _loaded(entry: EntryPoint) -> NamedPlanner:
    try:
        planner = entry.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"planner {entry.name!r} cannot be loaded from {entry.value}: {error};"
            " mend or uninstall the package that brings it"
        ) from None
    if not isinstance(planner, NamedPlanner):
        raise ConfigError(
            f"planner {entry.name!r} in {entry.value} is a {type(planner).__name__};"
            " make it a kgplan.planning.planners.NamedPlanner"
        )
    return planner
