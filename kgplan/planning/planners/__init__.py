"""Which planners are there, by the name that `PlanOptions.planner` gives?

A planner is a file that makes a `NamedPlanner`. Those of other packages are found by the entry
point group `kgplan.planners`. Command line, HTTP, its description and the explorer know every one.
Importing this loads no numerical library.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from kgplan.planning.planners import gain, kg_plppm, popularity, trans_cf
from kgplan.planning.planners.ranking import NamedPlanner, Ranking
from kgplan.registry import named, registered

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
OVERRULING = ("score", "pinned", "target", "foundation", "order", "next", "retry", "practice")
"""Rules that are no planner's own: of prerequisites, of what was asked for, of answers."""


@dataclass(frozen=True)
class Among:
    """Says of a type that it is one of some names, which depend on the planners there are.

    Attributes:
        names: gives them.
    """

    names: Callable[[], Iterable[str]]


@cache
def planners() -> Mapping[str, NamedPlanner]:
    """Every planner by its name: the one that is recommended first, then other packages'.

    Raises:
        ConfigError: one cannot be loaded, or two have one name.
    """
    ours = [module.PLANNER for module in (gain, kg_plppm, trans_cf, popularity)]
    return registered("planner", GROUP, NamedPlanner, ours)


def planner_named(name: str) -> NamedPlanner:
    """The planner of a name.

    Raises:
        ConfigError: there is none.
    """
    return named("planner", name, planners())


def rules() -> tuple[str, ...]:
    """Every rule that an explanation may name."""
    return tuple(dict.fromkeys([*(each.rule for each in planners().values()), *OVERRULING]))
