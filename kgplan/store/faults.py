"""What is wrong with a file that a person wrote, in one sentence."""

import re
import tomllib
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from kgplan.errors import ConfigError


def read_toml(
    path: Path, what: str, begin: str, manual: str, encoding: str = "utf-8"
) -> dict[str, Any]:
    """The values of a TOML file.

    Args:
        path: of the file.
        what: it is, for the sentence that says it cannot be read.
        begin: how to get one that can.
        manual: where its keys are explained.
        encoding: of its text.

    Raises:
        ConfigError: it cannot be read, or is no TOML, with the line where that is known.
    """
    try:
        return tomllib.loads(path.read_text(encoding=encoding))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise ConfigError(
            f"{what} is {str(path)!r}, which cannot be read: {why}; {begin}"
        ) from None
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        place = f"{path}:{line[1]}" if line else f"{path}"
        raise ConfigError(f"{place}: the file is no TOML: {error}; {manual}") from None


def first_fault(
    error: ValidationError,
    section_of: Callable[[Sequence[int | str]], type[BaseModel]],
    name_sections: bool,
) -> str:
    """The first thing that is wrong: its place, what stands there, and why it cannot.

    Args:
        error: of the file's values; a misspelt key comes before the missing one.
        section_of: the model of the section that an unknown key stands in, by the place before it.
        name_sections: whether the place is told too where a whole section is wrong.
    """
    first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    place = re.sub(r"\.(\d+)", r"[\1]", ".".join(map(str, first["loc"]))) or "the file"
    if first["type"] == "missing":
        return f"{place} is missing"
    if first["type"] == "extra_forbidden":
        *inside, name = first["loc"]
        near = get_close_matches(str(name), section_of(inside).model_fields, n=1)
        return f"there is no key {place}" + (f"; did you mean {near[0]!r}?" if near else "")
    why = str(first["msg"]).removeprefix("Value error, ")
    if isinstance(first["input"], dict):
        return f"{place}: {why}" if name_sections else why
    return f"{place} is {first['input']!r}: {why}"
