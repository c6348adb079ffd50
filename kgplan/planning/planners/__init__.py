"""Which planners are there, by the name that `PlanOptions.planner` gives?

A planner is a file that makes a `NamedPlanner`. Those of other packages are found by the entry
point group `kgplan.planners`. Command line, HTTP, its description and the explorer know every one.
Importing this loads no numerical library.
"""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from kgplan.errors import ConfigError
from kgplan.planning.planners import kg_plppm, popularity, trans_cf
from kgplan.planning.planners.ranking import NamedPlanner, Ranking

__all__ = [
    "GROUP",
    "OVERRULING",
    "NamedPlanner",
    "Ranking",
    "planner_named",
    "planners",
    "rules",
]

GROUP = "kgplan.planners"
OVERRULING = ("score", "pinned", "target")
"""Rules that are no planner's own: of prerequisites, and of what was asked for."""


@cache
def planners() -> Mapping[str, NamedPlanner]:
    """Every planner by its name: the published method first, then ours, then other packages'.

    Raises:
        ConfigError: one cannot be loaded, or two have one name.
    """
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
