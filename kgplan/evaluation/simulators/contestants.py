"""Which contestants are there, by name?

A contestant is made for a platform and a number of steps, and may be fitted to learners that nobody
is tested on. It sees what the platform sees; those marked `sees_truth` are given true mastery in
place of the estimate. Those of other packages are found by the entry point group
`kgplan.contestants`.
"""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec

from kgplan.errors import ConfigError
from kgplan.evaluation.simulators import learned, rules, served
from kgplan.evaluation.simulators.contestant import Contestant
from kgplan.registry import named, registered

GROUP = "kgplan.contestants"


def contestants() -> Mapping[str, Contestant]:
    """Every contestant by its name, simplest first, then other packages'.

    Raises:
        ConfigError: one cannot be loaded, or two have one name.
    """
    ours = [*rules.SIMPLE, served.CONTESTANT, *rules.OURS, *learned.CONTESTANTS]
    return registered("contestant", GROUP, Contestant, ours)


def chosen(names: Sequence[str] | None) -> list[Contestant]:
    """Contestants by name; all whose packages are installed where None.

    Raises:
        ConfigError: there is none of a name, or it lacks a package.
    """
    if names is None:
        return [each for each in contestants().values() if not lacking(each)]
    found = [named("contestant", name, contestants()) for name in dict.fromkeys(names)]
    for each in found:
        if lacks := lacking(each):
            raise ConfigError(
                f"contestant {each.name!r} needs the package {lacks[0]}; `pip install"
                " 'kgplan[simulate]'` brings it"
            )
    return found


def lacking(contestant: Contestant) -> list[str]:
    """Packages that a contestant needs and that are not installed."""
    return [package for package in contestant.needs if find_spec(package) is None]
