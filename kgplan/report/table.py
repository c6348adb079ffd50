"""Rows as a table that a person reads in a terminal."""

from collections.abc import Sequence
from typing import Any, Literal

from rich.table import Table


def table(title: str, headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """A table whose numbers are right-aligned."""
    drawn = Table(title=title, title_justify="left", header_style="bold")
    for place, heading in enumerate(headings):
        numbers = all(isinstance(row[place], int | float) for row in rows) and bool(rows)
        # what names the row stays whole, to be copied, and so do numbers, to be read; the others
        # fold where the screen is narrow
        justify: Literal["left", "right"] = "right" if numbers else "left"
        drawn.add_column(heading, justify=justify, overflow="fold", no_wrap=numbers or not place)
    for row in rows:
        drawn.add_row(*(cell(value) for value in row))
    return drawn


def cell(value: Any) -> str:
    """A value as a person reads it.

    >>> cell(12345), cell(0.5), cell(-1e-16), cell(None)
    ('12,345', '0.500', '0.000', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return "; ".join(map(str, value))
    return f"{value:z.3f}" if isinstance(value, float) else str(value)
