"""What may be an id in a request: one rule for paths, queries and bodies, of every operation."""

from typing import Annotated

from pydantic import AfterValidator

from kgplan.data.events import ID_RULE, usable_id


def checked_id(text: str) -> str:
    """The id, if it can be one.

    Raises:
        ValueError: it cannot; with the rule.
    """
    if not usable_id(text):
        shown = repr(text if len(text) <= 40 else text[:39] + "…")
        raise ValueError(f"{shown} is no id; {ID_RULE}")
    return text


def checked_begin(text: str) -> str:
    """The same for what ids may begin with.

    Raises:
        ValueError: no id begins so; with the rule.
    """
    if not usable_id(f"a{text}"):
        checked_id(text)
    return text


Id = Annotated[str, AfterValidator(checked_id)]
"""Of a learner, course, concept, video, event, model or job."""
Begin = Annotated[str, AfterValidator(checked_begin)]
"""Of an id; empty: of any."""
