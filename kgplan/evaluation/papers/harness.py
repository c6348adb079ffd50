"""How are the tables of an experiment filled, cell by cell, so that a stopped run goes on?

What a measure gives for the enrolments of a cell is kept under a key of measure and parameters, in
a folder of the data and the code. Cells of several tables that ask for the same are computed once.
"""

import math
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from kgplan.arrays import Array
from kgplan.errors import ConfigError
from kgplan.evaluation.papers.experiment import Experiment, Parameters, Table
from kgplan.evaluation.papers.intervals import Draws, Estimate, Figure, draws, estimate
from kgplan.progress import Progress, silent
from kgplan.store.artifacts import hash_json

S = TypeVar("S")
Values = Mapping[str, Array]
LEARNER = "learner"


@dataclass(frozen=True)
class Measure(Generic[S]):
    """What is measured of each enrolment.

    Attributes:
        compute: from the data and the parameters of a cell, (N,) arrays by name, one of them
            `LEARNER`: whose the enrolment is. It depends on the sample alone.
        parameters: names of those that it reads; others are refused.
        read: of the parameters of a cell, those that its values depend on.
        figures: what may be shown of the values, by name.
    """

    compute: Callable[[S, Parameters], Values]
    parameters: frozenset[str]
    figures: Mapping[str, Callable[[Values], Figure]]
    read: Callable[[Parameters], Parameters] = dict


@dataclass(frozen=True)
class Cell:
    """A cell that is filled.

    Attributes:
        row, column: their titles.
        found: what we find.
        published: what the paper prints; None where it has no such cell.
    """

    row: str
    column: str
    found: Estimate
    published: float | None

    @property
    def gap(self) -> float | None:
        """Ours - published."""
        return None if self.published is None else self.found.value - self.published


@dataclass(frozen=True)
class Filled:
    """A table that is filled.

    Attributes:
        table: what was asked for.
        cells: row by row.
    """

    table: Table
    cells: tuple[tuple[Cell, ...], ...]

    def cell(self, row: str, column: str) -> Cell | None:
        """The cell of these titles; None where there is none."""
        for cell in (cell for line in self.cells for cell in line):
            if (cell.row, cell.column) == (row, column):
                return cell
        return None


class Kept:
    """Cells in a folder, by their keys.

    Args:
        folder: made where it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: str) -> Values | None:
        """The values of a cell; None where they are not there, or not whole."""
        try:
            with np.load(self._place(key), allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return None

    def put(self, key: str, values: Values) -> None:
        """Keep them: written aside, then put in place."""
        self.folder.mkdir(parents=True, exist_ok=True)
        aside = self.folder / f".{key}.{os.getpid()}"
        try:
            with aside.open("wb") as stream:
                np.savez(stream, **dict(values))  # type: ignore[arg-type]
            aside.replace(self._place(key))
        finally:
            aside.unlink(missing_ok=True)

    def _place(self, key: str) -> Path:
        return self.folder / f"{key}.npz"


@dataclass(frozen=True)
class _Wanted:
    key: str
    measure: str
    parameters: Parameters
    about: str


def fill(
    experiment: Experiment,
    measures: Mapping[str, Measure[S]],
    data: Callable[[], S],
    kept: Kept,
    progress: Progress = silent,
) -> list[Filled]:
    """Fill the tables of an experiment.

    Args:
        experiment: what is asked for.
        measures: by the names that its tables give.
        data: opens what the measures read; called where a cell is missing.
        kept: where cells of these data and this code are kept.
        progress: told which cell is computed.

    Raises:
        ConfigError: a table names a measure, a figure or a parameter that there is not.
    """
    wanted: dict[str, _Wanted] = {}
    for each in _wanted(experiment, measures):
        wanted.setdefault(each.key, each)
    values = {key: found for key in wanted if (found := kept.get(key)) is not None}
    missing = [each for key, each in wanted.items() if key not in values]
    if missing:
        opened = data()
    for done, each in enumerate(missing):
        progress(each.about, done, len(missing))
        values[each.key] = measures[each.measure].compute(opened, each.parameters)
        kept.put(each.key, values[each.key])
    drawn: dict[bytes, Draws] = {}

    def of_cell(table: Table, parameters: Parameters, name: str) -> tuple[Figure, Draws]:
        measure = measures[table.measure]
        found = values[_key(experiment, table.measure, measure, parameters)]
        sample = found[LEARNER].tobytes()
        if sample not in drawn:
            drawn[sample] = draws(found[LEARNER], experiment.resamples, experiment.seed)
        return measure.figures[name](found), drawn[sample]

    filled = []
    for table in experiment.tables:
        lines = []
        for row in table.rows:
            line = []
            for place, column in enumerate(table.columns):
                parameters = experiment.parameters_of(table, row, column)
                name = column.figure or table.figure
                ratio, sample = of_cell(table, parameters, name)
                other = None
                if table.against:
                    other, _ = of_cell(table, parameters | table.against, name)
                figure = estimate(ratio, sample, experiment.level, other)
                printed = row.published[place] if row.published else math.nan
                published = None if math.isnan(printed) else printed
                line.append(Cell(row.title, column.title, figure, published))
            lines.append(tuple(line))
        filled.append(Filled(table, tuple(lines)))
    return filled


def _wanted(experiment: Experiment, measures: Mapping[str, Measure[S]]) -> Iterator[_Wanted]:
    for table in experiment.tables:
        measure = measures.get(table.measure)
        if measure is None:
            raise _unknown(table, "measure", table.measure, measures)
        for row in table.rows:
            for column in table.columns:
                name = column.figure or table.figure
                if name not in measure.figures:
                    raise _unknown(table, "figure", name, measure.figures)
                parameters = experiment.parameters_of(table, row, column)
                both = [parameters, *([parameters | table.against] if table.against else [])]
                for each in both:
                    for unknown in sorted(each.keys() - measure.parameters):
                        raise _unknown(table, "parameter", unknown, sorted(measure.parameters))
                    key = _key(experiment, table.measure, measure, each)
                    about = f"table {table.name}: {row.title}, {column.title}"
                    yield _Wanted(key, table.measure, each, about)


def _key(experiment: Experiment, name: str, measure: Measure[S], parameters: Parameters) -> str:
    """What names the values of a cell, among those of the same data and code."""
    named = {"paper": experiment.paper, "model": experiment.model, "measure": name}
    return hash_json({**named, "parameters": measure.read(parameters)})[:24]


def _unknown(
    table: Table, what: str, name: str, known: Sequence[str] | Mapping[str, Any]
) -> ConfigError:
    return ConfigError(
        f"table {table.name}: there is no {what} {name!r}; it is one of {', '.join(known)}"
    )
