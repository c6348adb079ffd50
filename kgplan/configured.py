"""Is a configuration one that can be? Checks that configurations share."""

from collections.abc import Iterable, Sequence

from kgplan.errors import ConfigError


def check_above_zero(config: object, *names: str) -> None:
    """Refuse numbers that are not above 0.

    Args:
        config: has them as attributes.
        names: of these.

    Raises:
        ConfigError: with the first that is not.

    >>> from types import SimpleNamespace
    >>> check_above_zero(SimpleNamespace(rate=0.1, epochs=0), "rate", "epochs")
    Traceback (most recent call last):
    kgplan.errors.ConfigError: epochs is 0; give a number above 0
    """
    for name in names:
        if getattr(config, name) <= 0:
            raise ConfigError(f"{name} is {getattr(config, name)}; give a number above 0")


def check_some_of(what: str, given: Iterable[str], known: Sequence[str]) -> None:
    """Refuse a choice of none, or of what is not there.

    Args:
        what: is chosen, in the plural.
        given: the choice.
        known: all that there are.

    Raises:
        ConfigError: it is no choice of these.

    >>> check_some_of("modalities", ("text", "smell"), ("text", "place"))
    Traceback (most recent call last):
    kgplan.errors.ConfigError: modalities are text, smell; give one or more of text, place
    """
    chosen = list(given)
    if not chosen or not set(chosen) <= set(known):
        raise ConfigError(
            f"{what} are {', '.join(chosen) or 'none'}; give one or more of {', '.join(known)}"
        )
