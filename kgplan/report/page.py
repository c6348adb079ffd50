"""What is a page of findings made of? Sections with words, charts and folded tables, as HTML.

Charts come from kgplan/report/charts.py; kgplan/report/writing.py reads the template and writes the
page to a file.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from kgplan.report.markup import clean

SHOWN = 12  # rows of a table that lists the worst or the best


@dataclass(frozen=True)
class Table:
    """A table behind a fold; numbers stand at the right.

    Attributes:
        caption, headings, rows: what it says.
        opened: whether it is unfolded at first.
    """

    caption: str
    headings: Sequence[str]
    rows: Iterable[Sequence[object]]
    opened: bool = False


@dataclass(frozen=True)
class Section:
    """A card of the page.

    Attributes:
        heading, words: what it is about.
        charts: SVG, as `kgplan.report.charts` draws it.
        table: below them.
        key: (label, CSS colour) each, above them.
        wide: whether it takes the page's whole width.
    """

    heading: str
    words: str
    charts: Sequence[str] = ()
    table: Table | None = None
    key: Iterable[tuple[str, str]] = ()
    wide: bool = False


def lay_out(
    title: str,
    source: str,
    facts: Iterable[tuple[str, str]],
    sections: Iterable[Section],
    template: str,
) -> str:
    """The whole page.

    Args:
        title: its heading.
        source: where the figures come from, in a sentence.
        facts: label and figure, for the top.
        sections: in order.
        template: in Jinja, with what is above by these names.

    >>> lay_out("A & B", "", [("n", "3")], [], "<h1>{{ title }}</h1>{{ facts[0][1] }}")
    '<h1>A &amp; B</h1>3'
    """
    pages = Environment(autoescape=True, finalize=_clean, undefined=StrictUndefined)
    pages.filters["shown"] = shown
    return pages.from_string(template).render(
        title=title, source=source, facts=list(facts), sections=list(sections)
    )


def _clean(value: Any) -> Any:
    return value if isinstance(value, Markup) else clean(value)


def shown(value: Any) -> str:
    """A value as a person reads it.

    >>> shown(0.12345), shown(1e-6), shown(12345), shown(float("nan")), shown(-0.0), shown("text")
    ('0.123', '1e-06', '12,345', 'none', '0.000', 'text')
    """
    if isinstance(value, int | np.integer):
        return f"{int(value):,}"
    if not isinstance(value, float | np.floating):
        return str(value)
    number = float(value)
    if np.isnan(number):
        return "none"
    size = abs(number)
    if size >= 1000:
        return f"{number:z,.1f}"
    return f"{number:z.3f}" if size >= 0.0005 or size == 0 else f"{number:z.0e}"
