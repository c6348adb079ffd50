"""How is a configuration changed in some of its keys, the others staying as they are?"""

import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from kgplan.errors import ConfigError

Config = TypeVar("Config")


def changed(config: Config, changes: Mapping[str, Any]) -> Config:
    """A configuration with some keys changed.

    Args:
        config: with `to_dict` and `from_dict`, or any dataclass.
        changes: key -> value; a key of a section as `"section.key"`, or in the section's mapping.

    Raises:
        ConfigError: there is no such key; or the configuration refuses a value.

    >>> from kgplan.diagnosis import DiagnosisConfig
    >>> changed(DiagnosisConfig(), {"damping": 0.5}).damping
    0.5
    """
    values = config.to_dict() if hasattr(config, "to_dict") else asdict(config)  # type: ignore[call-overload]
    known = {".".join(path): path for path, _ in _leaves(values)}
    for path, value in _leaves(changes):
        name = ".".join(path)
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
            hint = f"close matches: {', '.join(near)}" if near else f"there are {', '.join(known)}"
            raise ConfigError(f"there is no key {name!r} to change; {hint}")
        *sections, key = known[name]
        within = values
        for section in sections:
            within = within[section]
        within[key] = value
    kind: Any = type(config)
    if is_dataclass(config) and not hasattr(config, "from_dict"):
        return kind(**values)
    return kind.from_dict(values)


def _leaves(values: Mapping[str, Any], *above: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in values.items():
        path = (*above, *key.split("."))
        if isinstance(value, Mapping):
            yield from _leaves(value, *path)
        else:
            yield path, value


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
