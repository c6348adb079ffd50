"""How the command speaks: tables and progress for people, JSON for programs."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich import progress as rich_progress
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from kgplan.progress import Progress

console = Console()
errors = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


def print_json(value: Any) -> None:
    """Print a value as JSON, Chinese left readable."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2, allow_nan=False)
    sys.stdout.write("\n")


def table(title: str, headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """A table whose numbers are right-aligned."""
    drawn = Table(title=title, title_justify="left", header_style="bold")
    for place, heading in enumerate(headings):
        numbers = all(isinstance(row[place], int | float) for row in rows) and bool(rows)
        # what names the row stays whole, to be copied; the others fold where the screen is narrow
        justify: Literal["left", "right"] = "right" if numbers else "left"
        drawn.add_column(heading, justify=justify, overflow="fold", no_wrap=place == 0)
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
    return f"{value:z.3f}" if isinstance(value, float) else str(value)


@contextmanager
def progress_bar(stage: str) -> Iterator[Progress]:
    """Show how a stage comes on, on standard error, where a person looks on."""
    bar = rich_progress.Progress(
        TextColumn(f"[bold]{stage:<14}[/]"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(
            task, description=what, completed=done, total=total
        )
