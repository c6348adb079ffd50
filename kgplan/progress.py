"""How a long task says how far it is."""

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""Called with what is being done, how much of it is done, and how much there is if known."""


def silent(what: str, done: int, total: int | None) -> None:
    """Report no progress."""
