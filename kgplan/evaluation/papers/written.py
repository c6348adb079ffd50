"""How is a filled experiment told: as Markdown, as a page with charts, as CSV, as JSON?"""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kgplan.evaluation.papers.experiment import Experiment
from kgplan.evaluation.papers.harness import Cell, Filled
from kgplan.report.charts import Axis, Bar, groups
from kgplan.report.page import Section, Table, lay_out
from kgplan.store.csvfile import write_rows

COLOURS = 6  # rows of a table that a chart tells apart


@dataclass(frozen=True)
class Run:
    """An experiment that was run.

    Attributes:
        experiment: what was asked for.
        tables: filled, in its order.
        findings: sentences that follow from them.
        made: on which day, from what: label and text.
    """

    experiment: Experiment
    tables: Sequence[Filled]
    findings: Sequence[str]
    made: Mapping[str, str]


# ---------------------------------------------------------------- Markdown


def to_markdown(run: Run) -> str:
    """All tables and findings in one text."""
    about = run.experiment
    level = f"{about.level:.0%}".replace("%", " %")
    parts = [
        f"# {about.title}\n\n{about.source}. {_made(run)}\n\n"
        f"A cell says ours with its {level} interval, learners drawn with replacement"
        f" ({about.resamples:,} times, seed {about.seed}); then, where the paper prints one, the"
        f" published value and how far ours is from it. n counts {about.cases}, and in brackets the"
        " learners whose they are.\n"
    ]
    if run.findings:
        said = "\n".join(f"- {sentence}" for sentence in run.findings)
        parts.append(f"## What the tables can and cannot say\n\n{said}\n")
    parts += [_table_text(filled, about) for filled in run.tables]
    return "\n".join(parts)


def _made(run: Run) -> str:
    told = ", ".join(f"{label} {text}" for label, text in run.made.items())
    about = run.experiment
    return f"Made by `kgplan paper {about.paper}`, version {about.version} of its file: {told}."


def _table_text(filled: Filled, about: Experiment) -> str:
    table = filled.table
    columns = [column.title for column in table.columns]
    lines = [
        f"## {table.title}\n",
        f"{table.words}\n",
        f"{_parameters(filled, about)}\n",
        f"| | {' | '.join(columns)} | n |",
        f"|---|{'---:|' * len(columns)}---:|",
    ]
    lines += [f"| {' | '.join(cells)} |" for cells in rows_of(filled)]
    return "\n".join([*lines, ""])


def rows_of(filled: Filled) -> list[list[str]]:
    """The rows of a table as texts: title, cells, and how many are behind it."""
    digits = _digits(filled)
    return [
        [line[0].row, *(_cell_text(c, d) for c, d in zip(line, digits, strict=True)), _n(line)]
        for line in filled.cells
    ]


def _parameters(filled: Filled, about: Experiment) -> str:
    given = about.parameters | filled.table.parameters
    against = filled.table.against
    told = ", ".join(f"{name} = {value}" for name, value in given.items())
    less = ", ".join(f"{name} = {value}" for name, value in against.items())
    return f"Parameters: {told}." + (f" Less the cell of {less}." if less else "")


def _digits(filled: Filled) -> list[int]:
    table = filled.table
    return [table.digits if c.digits is None else c.digits for c in table.columns]


def _cell_text(cell: Cell, digits: int) -> str:
    """A cell in words.

    >>> from kgplan.evaluation.papers.intervals import Estimate
    >>> _cell_text(Cell("", "", Estimate(0.25, 0.2, 0.3, 9, 9), 0.29), 2)
    '0.25 [0.20, 0.30]; published 0.29, gap -0.04'
    """
    found = cell.found
    if math.isnan(found.value):
        return "none"
    said = f"{found.value:z.{digits}f}"
    if not math.isnan(found.low):
        said += f" [{found.low:z.{digits}f}, {found.high:z.{digits}f}]"
    if cell.published is not None:
        said += f"; published {cell.published:.{digits}f}, gap {cell.gap:+z.{digits}f}"
    return said


def _n(line: Sequence[Cell]) -> str:
    """Enrolments and learners behind a row; the fewest, where its cells differ."""
    least = min(line, key=lambda cell: cell.found.n).found
    return f"{least.n:,} ({least.learners:,})"


# ---------------------------------------------------------------- a page


def to_html(run: Run, template: str) -> str:
    """The same as a page, with charts in the paper's layout.

    Args:
        run: what was found.
        template: of `kgplan.report.writing`.
    """
    about = run.experiment
    said = Table("findings", ("finding",), [(sentence,) for sentence in run.findings], True)
    first = Section(
        "What the tables can and cannot say",
        "Each sentence follows from the figures below.",
        table=said,
        wide=True,
    )
    sections = ([first] if run.findings else []) + [_section(each, about) for each in run.tables]
    facts = [("tables", f"{len(run.tables)}"), *run.made.items()]
    return lay_out(about.title, f"{about.source}. {_made(run)}", facts, sections, template)


def _section(filled: Filled, about: Experiment) -> Section:
    table = filled.table
    drawn = [line for row, line in zip(table.rows, filled.cells, strict=True) if row.drawn][
        :COLOURS
    ]
    key = [(line[0].row, f"var(--kind{n})") for n, line in enumerate(drawn)]
    if any(row.published for row in table.rows if row.drawn):
        key.append(("published, dashed", "var(--second)"))
    headings = ["", *(column.title for column in table.columns), "n (learners)"]
    return Section(
        table.title,
        f"{table.words} {_parameters(filled, about)}",
        charts=[_chart(filled, drawn)] if drawn else [],
        table=Table("every cell", headings, rows_of(filled), opened=not drawn),
        key=key,
        wide=True,
    )


def _chart(filled: Filled, drawn: Sequence[Sequence[Cell]]) -> str:
    """A group of bars for each column; dashed lines are what was published."""
    table, digits = filled.table, _digits(filled)
    entries = []
    for place, column in enumerate(table.columns):
        bars = [
            Bar(
                cell.found.value,
                f"{cell.row}, {cell.column}: {_cell_text(cell, digits[place])}",
                None if math.isnan(cell.found.low) else (cell.found.low, cell.found.high),
                cell.published,
            )
            for cell in (line[place] for line in drawn)
        ]
        entries.append((column.title, bars))
    cells = [cell for line in drawn for cell in line]
    shown = [
        value
        for cell in cells
        for value in (cell.found.value, cell.found.high, cell.published)
        if value is not None and not math.isnan(value)
    ]
    y = Axis(table.unit, 0, max(shown, default=1) or 1).rounded()
    return groups(entries, table.across, y, f"{table.title}: {table.unit} by {table.across}")


# ---------------------------------------------------------------- data


def to_csv(run: Run) -> str:
    """A line for each cell."""
    text = io.StringIO()
    head = ("value", "low", "high", "enrolments", "learners", "published", "gap")
    rows: list[Sequence[Any]] = [("table", "row", "column", *head)]
    for filled in run.tables:
        told = [_told(cell) for line in filled.cells for cell in line]
        rows += [(filled.table.name, *each.values()) for each in told]
    write_rows(text, rows, "\n")
    return text.getvalue()


def to_dict(run: Run) -> dict[str, Any]:
    """Everything as JSON values; None where nobody has a say."""
    return {
        "paper": run.experiment.paper,
        "version": run.experiment.version,
        "source": run.experiment.source,
        "made": dict(run.made),
        "findings": list(run.findings),
        "tables": [
            {
                "name": filled.table.name,
                "title": filled.table.title,
                "goal": filled.table.goal,
                "cells": [_told(cell) for line in filled.cells for cell in line],
            }
            for filled in run.tables
        ],
    }


def _told(cell: Cell) -> dict[str, Any]:
    found, gap = cell.found, cell.gap

    def number(value: float | None) -> float | None:
        return None if value is None or math.isnan(value) else value

    return {
        "row": cell.row,
        "column": cell.column,
        "value": number(found.value),
        "low": number(found.low),
        "high": number(found.high),
        "enrolments": found.n,
        "learners": found.learners,
        "published": cell.published,
        "gap": number(gap),
    }
