"""Which things of a kind are there, ours and those of other packages, by name?

Other packages bring theirs by an entry point of the kind's group.
"""

from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, TypeVar

from kgplan.errors import ConfigError


class Named(Protocol):
    """What callers ask for by name."""

    @property
    def name(self) -> str:
        """As callers give it."""


T = TypeVar("T", bound=Named)


def registered(kind: str, group: str, of: type[T], ours: Iterable[T]) -> dict[str, T]:
    """Every thing of a kind by its name: ours in their order, then other packages' in theirs.

    Args:
        kind: what people call it.
        group: of the entry points.
        of: what an entry point leads to.
        ours: those that kgplan brings.

    Raises:
        ConfigError: one cannot be loaded, or two have one name.
    """
    found = {each.name: each for each in ours}
    for entry in sorted(entry_points(group=group), key=lambda each: each.name):
        thing = _loaded(kind, entry, of)
        if thing.name in found:
            raise ConfigError(
                f"two {kind}s are called {thing.name!r}, one of them in {entry.value};"
                " give it another name"
            )
        found[thing.name] = thing
    return found


def named(kind: str, name: str, among: Mapping[str, T]) -> T:
    """The thing of a name.

    Raises:
        ConfigError: there is none.
    """
    found = among.get(name)
    if found is None:
        raise ConfigError(f"{kind} is {name!r}; it is one of {', '.join(among)}")
    return found


def _loaded(kind: str, entry: EntryPoint, of: type[T]) -> T:
    try:
        thing = entry.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"{kind} {entry.name!r} cannot be loaded from {entry.value}: {error};"
            " mend or uninstall the package that brings it"
        ) from None
    if not isinstance(thing, of):
        raise ConfigError(
            f"{kind} {entry.name!r} in {entry.value} is a {type(thing).__name__};"
            f" make it a {of.__module__}.{of.__qualname__}"
        )
    return thing
