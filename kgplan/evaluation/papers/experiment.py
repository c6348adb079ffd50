"""What does an experiment measure, with which parameters, and what was published of it?

An experiment is one file in TOML: every parameter and seed, the tables with their rows and columns,
and what the paper prints in them. A cell is what one measure gives for the parameters of the
experiment, of its table, its row and its column, the later ones before the earlier.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kgplan.errors import ConfigError

Parameters = dict[str, Any]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Row(_Part):
    """A row of a table.

    Attributes:
        title: as the table has it.
        parameters: of its cells.
        published: what the paper prints, a value for each column, nan where it prints none; empty
            where it has no such row.
        drawn: whether the chart shows it.
    """

    title: str
    parameters: Parameters = Field(default_factory=dict)
    published: tuple[float, ...] = ()
    drawn: bool = False


class Column(_Part):
    """A column of a table.

    Attributes:
        title: as the table has it.
        parameters: of its cells.
        figure: what is shown of them; that of the table where None.
        digits: behind the point; those of the table where None.
    """

    title: str
    parameters: Parameters = Field(default_factory=dict)
    figure: str | None = None
    digits: int | None = None


class Table(_Part):
    """A table.

    Attributes:
        name: to ask for it.
        title: above it.
        words: what it is about, below that.
        measure: gives what its cells are made from.
        figure: what is shown of that.
        unit: of the figure, for the axis of the chart.
        across: what the columns are, for the other axis.
        against: parameters of the cell that each is compared with, on the same learners: shown is
            the difference. Nothing is compared where it is empty.
        goal: what the lower end of an interval is to reach.
        digits: behind the point.
        parameters: of its cells.
        rows, columns: of the table.
    """

    name: str
    title: str
    words: str = ""
    measure: str
    figure: str = ""
    unit: str = ""
    across: str = ""
    against: Parameters = Field(default_factory=dict)
    goal: float | None = None
    digits: int = 3
    parameters: Parameters = Field(default_factory=dict)
    rows: tuple[Row, ...] = Field(min_length=1)
    columns: tuple[Column, ...] = Field(min_length=1)


class Experiment(_Part):
    """All that a paper's tables are made with.

    Attributes:
        paper: its name, which says whose measures the tables name.
        version: of the file; another one where any parameter is changed.
        title: of the paper.
        source: where it was published.
        cases: what values are of, in words.
        seed: draws the resamples of learners.
        resamples: of learners, behind each interval.
        level: share of resamples that an interval holds.
        model: settings of what is fitted before anything is measured.
        parameters: of every cell.
        tables: in order.
    """

    paper: str
    version: int
    title: str
    source: str
    cases: str = "enrolments"
    seed: int = 0
    resamples: int = Field(default=2000, ge=20)
    level: float = Field(default=0.95, gt=0, lt=1)
    model: Parameters = Field(default_factory=dict)
    parameters: Parameters = Field(default_factory=dict)
    tables: tuple[Table, ...] = Field(min_length=1)

    def parameters_of(self, table: Table, row: Row, column: Column) -> Parameters:
        """Those of a cell."""
        return self.parameters | table.parameters | column.parameters | row.parameters

    def only(self, names: list[str]) -> "Experiment":
        """The same with the named tables alone; with all where no name is given.

        Raises:
            ConfigError: there is no table of such a name.
        """
        known = [table.name for table in self.tables]
        for name in names:
            if name not in known:
                raise ConfigError(f"there is no table {name!r}; the tables are {', '.join(known)}")
        kept = tuple(table for table in self.tables if not names or table.name in names)
        return self.model_copy(update={"tables": kept})


def read_experiment(path: Path) -> Experiment:
    """Read an experiment's file.

    Raises:
        ConfigError: it cannot be read, or says something that no experiment has.
    """
    try:
        values: Mapping[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        found = Experiment.model_validate(values)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as an experiment: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{path}: {place}: {first['msg']}; mend the file") from None
    for table in found.tables:
        for row in table.rows:
            if row.published and len(row.published) != len(table.columns):
                raise ConfigError(
                    f"{path}: table {table.name}: {row.title} has {len(row.published)} published"
                    f" values for {len(table.columns)} columns; give one for each"
                )
    return found
