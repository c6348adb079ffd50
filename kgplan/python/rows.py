"""How is an answer seen? As a sequence in Python, a table where it is shown, a frame of pandas."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from rich.cells import cell_len, set_cell_size

from kgplan.errors import MissingExtra
from kgplan.report.markup import escape
from kgplan.report.table import cell

if TYPE_CHECKING:
    import pandas as pd

Row = TypeVar("Row")
Columns = Mapping[str, Callable[[Any], Any]]
"""Name of a column -> what gives its value of a row."""

SHOWN = 20  # rows, where a person looks on
WIDEST = 40  # letters of a column, in plain text


class Rows(Sequence[Row], Generic[Row]):
    """An answer of many rows. It shows itself as a table; `to_frame` gives all of it.

    Args:
        title: what the rows are.
        rows: in order.
        columns: of the frame.
        shown: names of those that a person is shown; all where not given.
        notes: sentences on the whole.
    """

    def __init__(
        self,
        title: str,
        rows: Sequence[Row],
        columns: Columns,
        shown: Sequence[str] = (),
        notes: Sequence[str] = (),
    ) -> None:
        self.title, self.notes = title, tuple(notes)
        self._rows, self._columns, self._shown = list(rows), columns, tuple(shown or columns)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> "Rows[Row]": ...
    def __getitem__(self, place: int | slice) -> "Row | Rows[Row]":
        if isinstance(place, slice):
            return Rows(self.title, self._rows[place], self._columns, self._shown, self.notes)
        return self._rows[place]

    def to_frame(self) -> "pd.DataFrame":
        """All rows and columns as a frame of pandas.

        Raises:
            MissingExtra: pandas is not installed.
        """
        try:
            import pandas as pd
        except ModuleNotFoundError:
            raise MissingExtra("notebook", "frames of pandas") from None
        return pd.DataFrame(
            {name: [of(row) for row in self._rows] for name, of in self._columns.items()}
        )

    def _cells(self) -> list[list[Any]]:
        return [[self._columns[name](row) for name in self._shown] for row in self._rows[:SHOWN]]

    def _below(self) -> list[str]:
        more = len(self) - SHOWN
        return [f"… and {more:,} more", *self.notes] if more > 0 else list(self.notes)

    def __repr__(self) -> str:
        lines = [list(self._shown), *([cell(value) for value in row] for row in self._cells())]
        widths = [min(WIDEST, max(map(cell_len, column))) for column in zip(*lines, strict=True)]
        drawn = ("  ".join(map(_fitted, line, widths)).rstrip() for line in lines)
        return "\n".join([f"{self.title} ({len(self):,})", *drawn, *self._below()])

    def _repr_html_(self) -> str:
        cells = self._cells()
        sides = [_side(value) for value in cells[0]] if cells else ["left"] * len(self._shown)

        def line(tag: str, texts: Iterable[str]) -> str:
            aligned = zip(sides, texts, strict=True)
            drawn = (f'<{tag} style="text-align:{s}">{escape(text)}</{tag}>' for s, text in aligned)
            return f"<tr>{''.join(drawn)}</tr>"

        body = "".join(line("td", map(cell, row)) for row in cells)
        below = "".join(f"<p>{escape(text)}</p>" for text in self._below())
        return (
            f"<p><b>{escape(self.title)}</b> ({len(self):,})</p>"
            f"<table><thead>{line('th', self._shown)}</thead><tbody>{body}</tbody></table>{below}"
        )


def _fitted(text: str, width: int) -> str:
    """A text as wide as its column: a Chinese character is as wide as two letters.

    >>> _fitted("栈", 4), _fitted("stack", 4)
    ('栈  ', 'sta…')
    """
    if cell_len(text) > width:
        text = set_cell_size(text, width - 1).rstrip() + "…"
    return set_cell_size(text, width)


def _side(value: Any) -> str:
    return "right" if isinstance(value, int | float) and not isinstance(value, bool) else "left"


def columns_of(kind: type, within: str = "", but: Sequence[str] = ()) -> Columns:
    """A column for each field of a dataclass.

    Args:
        kind: the dataclass.
        within: attribute of a row that holds it; "" where the row itself is one.
        but: names of fields without a column.
    """
    path = f"{within}." if within else ""
    names = [field.name for field in fields(kind) if field.name not in but]
    return {name: attrgetter(path + name) for name in names}
