"""What is a page of findings made of? Sections with words, charts and folded tables, as HTML.

Charts come from kgplan/report/charts.py; kgplan/report/writing.py writes the text to a file.
"""

from collections.abc import Iterable, Sequence
from string import Template
from typing import Any

import numpy as np

from kgplan.report.markup import escape

SHOWN = 12  # rows of a table that lists the worst or the best


def lay_out(
    title: str,
    source: str,
    facts: Iterable[tuple[str, str]],
    sections: Iterable[str],
    template: str,
) -> str:
    """The whole page.

    Args:
        title: its heading.
        source: where the figures come from, in a sentence.
        facts: label and figure, for the top.
        sections: HTML, as `section` gives it.
        template: HTML with $title, $source, $facts and $sections.

    >>> lay_out("A & B", "", [("n", "3")], [], "<h1>$title</h1>$facts")
    '<h1>A &amp; B</h1><div><dt>n</dt><dd>3</dd></div>'
    """
    listed = (
        f"<div><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>" for label, value in facts
    )
    return Template(template).substitute(
        title=escape(title),
        source=escape(source),
        facts="".join(listed),
        sections="\n".join(sections),
    )


def section(heading: str, words: str, *parts: str) -> str:
    """A card of the page: heading and words as text, parts as HTML."""
    return f"<section><h2>{escape(heading)}</h2><p>{escape(words)}</p>{''.join(parts)}</section>"


def folded_table(caption: str, headings: Sequence[str], body: Iterable[Sequence[object]]) -> str:
    """A table behind a fold; numbers stand at the right."""
    listed = [list(row) for row in body]
    numeric = [not isinstance(cell, str) for cell in (listed[0] if listed else headings)]
    head = "".join(
        f'<th scope="col"{_number_class(n)}>{escape(h)}</th>'
        for h, n in zip(headings, numeric, strict=True)
    )
    lines = "".join(
        "<tr>"
        + "".join(
            f"<td{_number_class(n)}>{escape(shown(value))}</td>"
            for value, n in zip(row, numeric, strict=True)
        )
        + "</tr>"
        for row in listed
    )
    return (
        f'<details><summary>{escape(caption)}</summary><div class="wide"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{lines}</tbody></table></div></details>"
    )


def colour_key(entries: Iterable[tuple[str, str]]) -> str:
    """A chart's key: (label, CSS colour) each."""
    told = "".join(
        f'<span style="background:{escape(colour)}"></span>{escape(label)}'
        for label, colour in entries
    )
    return f'<p class="key">{told}</p>'


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


def _number_class(numeric: bool) -> str:
    return ' class="number"' if numeric else ""
