"""How is a configuration changed in some of its keys, the others staying as they are?"""

import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from kgplan.errors import ConfigError
from kgplan.store.stages import Stage

Config = TypeVar("Config")


def configs_with(changes: Mapping[str, Any], stages: Sequence[Stage]) -> dict[str, Any]:
    """The configurations of stages, the default ones but for some keys.

    Args:
        changes: as for `changed`; the stage's name may stand before a key, as
            `"embed.training.epochs"`, and must where several stages have the key.
        stages: whose.

    Returns:
        Stage -> configuration, of the stages of which something is changed.

    Raises:
        ConfigError: none of the stages has a key, several have it; or one refuses a value.
    """
    configs = {stage.name: stage.config() for stage in stages}
    keys = [(name, key) for name, config in configs.items() for key in keys_of(config)]
    known = [*(f"{name}.{key}" for name, key in keys), *(key for _, key in keys)]
    own: dict[str, dict[str, Any]] = {name: {} for name in configs}
    for key, value in _leaves(changes, known):
        first, _, rest = key.partition(".")
        having = [name for name in configs if (name, key) in keys]
        if (first, rest) in keys:
            having, key = [first], rest
        if not having:
            raise _unknown(key, known)
        if len(having) > 1:
            raise ConfigError(
                f"{key!r} is a key of {' and '.join(having)}; write {having[0]}.{key}"
            )
        own[having[0]][key] = value
    return {name: changed(config, own[name]) for name, config in configs.items() if own[name]}


def changed(config: Config, changes: Mapping[str, Any]) -> Config:
    """A configuration with some keys changed.

    Args:
        config: a dataclass, or anything with `to_dict` and `from_dict`.
        changes: key -> value; a key of a section as `"section.key"`, or in the section's mapping.

    Raises:
        ConfigError: there is no such key; or the configuration refuses a value.

    >>> from kgplan.diagnosis import DiagnosisConfig
    >>> changed(DiagnosisConfig(), {"damping": 0.5}).damping
    0.5
    """
    values, known = _values_of(config), keys_of(config)
    for name, value in _leaves(changes, known):
        if name not in known:
            raise _unknown(name, known)
        *sections, key = name.split(".")
        within = values
        for section in sections:
            within = within[section]
        within[key] = value
    kind: Any = type(config)
    if not is_dataclass(config):
        return kind.from_dict(values)
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        reason = first["msg"].lower()
        raise ConfigError(f"{first['loc'][0]} is {first['input']!r}: {reason}") from None


def keys_of(config: Any) -> list[str]:
    """Every key of a configuration, with its sections before it."""
    return [key for key, _ in _leaves(_values_of(config))]


def _values_of(config: Any) -> dict[str, Any]:
    if hasattr(config, "to_dict"):
        values: dict[str, Any] = config.to_dict()
        return values
    return asdict(config) if is_dataclass(config) and not isinstance(config, type) else {}


def _leaves(
    values: Mapping[str, Any], known: Sequence[str] = (), above: str = ""
) -> Iterator[tuple[str, Any]]:
    """(key with its sections, value); a known section that is empty changes nothing."""
    for key, value in values.items():
        path = above + key
        if isinstance(value, Mapping) and (
            value or any(each.startswith(f"{path}.") for each in known)
        ):
            yield from _leaves(value, known, f"{path}.")
        else:
            yield path, value


def _unknown(key: str, known: Sequence[str]) -> ConfigError:
    near = difflib.get_close_matches(key, known, n=3, cutoff=0.5)
    first = dict.fromkeys(each.partition(".")[0] for each in known)
    hint = f"close matches: {', '.join(near)}" if near else f"keys begin with {', '.join(first)}"
    return ConfigError(f"there is no key {key!r} to change; {hint}")


def read_changes(file: Path | None, pairs: Sequence[str] = ()) -> dict[str, Any]:
    """Changes from a TOML file and from KEY=VALUE pairs, which come after it.

    Args:
        file: sections and keys; none where None.
        pairs: the value as TOML writes it, or a text as it is.

    Raises:
        ConfigError: the file cannot be read, or a pair has no key.

    >>> read_changes(None, ["training.epochs=5", "training.optimiser=adagrad"])
    {'training.epochs': 5, 'training.optimiser': 'adagrad'}
    """
    found: dict[str, Any] = {}
    if file is not None:
        try:
            found = tomllib.loads(file.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise ConfigError(f"{file} cannot be read: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file} is no TOML: {error}") from None
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (key.strip() and equals):
            raise ConfigError(f"{pair!r} is not KEY=VALUE, for example training.epochs=5")
        try:
            found[key.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            found[key.strip()] = value.strip()
    return found
