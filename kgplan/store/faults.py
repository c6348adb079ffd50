"""What is wrong with a file that a person wrote, in one sentence."""

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches

from pydantic import BaseModel, ValidationError


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
