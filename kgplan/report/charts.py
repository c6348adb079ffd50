"""How does a figure look? Small charts as inline SVG, coloured by the page's CSS.

Every mark carries its values as a title, shown on hover and read aloud; classes, not colours, so
that one drawing serves light and dark: axis, grid, mark, soft, range, bar, note.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from kgplan.report.markup import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 560, 320, 80, 14, 12, 44
SVG = '<svg xmlns="http://www.w3.org/2000/svg"'
ROW = 26  # height of a row of a chart with names


class Axis(NamedTuple):
    """What one direction of a chart shows.

    Attributes:
        label: in words.
        low, high: the range; above 0 if log.
        log: powers of ten at equal distances.
        whole: ticks at whole numbers only.
    """

    label: str
    low: float
    high: float
    log: bool = False
    whole: bool = False

    def at(self, value: float) -> float:
        """Where a value stands, 0 at the low end and 1 at the high one; outside is put at the end.

        >>> Axis("", 0, 10).at(5), Axis("", 0.01, 1, log=True).at(0.1)
        (0.5, 0.5)
        """
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(max(value, self.low))
        return min(max((value - low) / ((high - low) or 1.0), 0.0), 1.0)

    def ticks(self) -> list[float]:
        """Round values over the range, about five.

        >>> Axis("", 0, 1).ticks(), Axis("", 0.001, 1, log=True).ticks()
        ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [0.001, 0.01, 0.1, 1.0])
        """
        if self.log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            return [10.0**power for power in range(first, last + 1)]
        rough = ((self.high - self.low) or 1.0) / 5
        power = 10.0 ** math.floor(math.log10(rough))
        step = min((n * power for n in (1, 2, 5, 10)), key=lambda s: abs(s - rough))
        step = max(step, 1.0) if self.whole else step
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(n * step, 10) for n in range(first, last + 1)]

    def rounded(self) -> "Axis":
        """The same axis up to the next tick.

        >>> Axis("", 0, 79_000).rounded().high
        80000.0
        """
        ticks = self.ticks()
        step = ticks[1] - ticks[0] if len(ticks) > 1 else 0.0
        return self._replace(high=ticks[-1] + step) if ticks[-1] < self.high else self

    def text(self, value: float) -> str:
        """A tick's text.

        >>> [Axis("", 0, 1).text(value) for value in (0.2, -180497.0, 1e-5, -0.0)]
        ['0.2', '-180,497', '1e-5', '0']
        """
        if abs(value) >= 1000:
            return f"{value:z,.0f}"
        return f"{value:zg}".replace("e-0", "e-")


class Point(NamedTuple):
    """A point, with its ranges where they are known.

    Attributes:
        x, y: the values.
        title: shown on hover.
        x_range, y_range: low and high ends of an error bar.
        kind: a CSS class, "mark" or "soft".
    """

    x: float
    y: float
    title: str
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    kind: str = "mark"


def points(
    drawn: Sequence[Point],
    x: Axis,
    y: Axis,
    about: str,
    lines: Sequence[Sequence[tuple[float, float]]] = (),
    joined: bool = False,
    ticks: bool = True,
    kind: str = "",
) -> str:
    """Draw points with error bars.

    Args:
        drawn: the points, in order.
        x, y: the axes.
        about: the chart in a sentence, for who cannot see it.
        lines: polylines behind the points, each a list of (x, y).
        joined: draw a line from point to point.
        ticks: draw the grid; False where the values themselves say nothing.
        kind: a CSS class of the whole.
    """
    parts = [_open(HEIGHT, about, kind), _grid(x, y) if ticks else ""]
    for line in lines:
        parts.append(f'<polyline class="note" points="{_path(line, x, y)}"/>')
    if joined:
        parts.append(
            f'<polyline class="line" points="{_path([(p.x, p.y) for p in drawn], x, y)}"/>'
        )
    for point in drawn:
        across, up = _x(x, point.x), _y(y, point.y)
        parts.append(f'<g class="{point.kind}"><title>{escape(point.title)}</title>')
        if point.x_range is not None:
            low, high = (_x(x, end) for end in point.x_range)
            parts.append(f'<path class="range" d="M{low:z.1f} {up:z.1f}H{high:z.1f}"/>')
        if point.y_range is not None:
            low, high = (_y(y, end) for end in point.y_range)
            parts.append(f'<path class="range" d="M{across:z.1f} {low:z.1f}V{high:z.1f}"/>')
        parts.append(f'<circle cx="{across:z.1f}" cy="{up:z.1f}" r="3"/></g>')
    return "".join([*parts, "</svg>"])


_ALONE = (
    "text{font:12px system-ui,sans-serif}.grid{stroke:#e1e6eb}.axis{fill:#5b6875}"
    "circle{fill:#1b7f6b}.range{stroke:#8fb9b0;stroke-width:1.5;fill:none}"
    ".line{fill:none;stroke:#1b7f6b;stroke-width:1.5}"
    ".note{fill:none;stroke:#b4541a;stroke-dasharray:5 4}"
)


def alone(chart: str) -> str:
    """A chart of points as a document of its own, in the page's light colours."""
    begin, end = chart.split(">", 1)
    return (
        f'{begin.replace("<svg", SVG)} width="{WIDTH}" height="{HEIGHT}">'
        f'<style>{_ALONE}</style><rect width="100%" height="100%" fill="#fff"/>{end}\n'
    )


def histogram(
    counts: Sequence[int],
    edges: Sequence[float],
    x: Axis,
    unit: str,
    about: str,
    limit: float | None = None,
) -> str:
    """Draw how many values lie in each bin.

    Args:
        counts: one per bin.
        edges: one more than bins, rising.
        x: what the values are.
        unit: what is counted.
        about: the chart in a sentence.
        limit: a value to mark by a dashed line.
    """
    y = Axis(unit, 0, max(counts, default=1) or 1, whole=True).rounded()
    parts = [_open(HEIGHT, about), _grid(x, y)]
    for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True):
        left, right, top = _x(x, low), _x(x, high), _y(y, count)
        parts.append(
            f'<rect class="bar" x="{left + 0.5:z.1f}" y="{top:z.1f}"'
            f' width="{max(right - left - 1, 0.5):z.1f}" height="{HEIGHT - BOTTOM - top:z.1f}">'
            f"<title>{x.text(low)} to {x.text(high)}: {count:,} {escape(unit)}</title></rect>"
        )
    if limit is not None:
        parts.append(f'<path class="note" d="M{_x(x, limit):z.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
    return "".join([*parts, "</svg>"])


class Row(NamedTuple):
    """A named row of values, first to last.

    Attributes:
        name: at its left.
        values: where its points stand.
        interval: low and high end of a bar behind them.
        kind: a CSS class, "mark" or "soft".
    """

    name: str
    values: Sequence[float]
    interval: tuple[float, float] | None = None
    kind: str = "mark"


def rows(
    entries: Sequence[Row], x: Axis, names: Sequence[str], about: str, left: int, kind: str = ""
) -> str:
    """Draw a row of points per name; several points are joined in order.

    Args:
        entries: the rows, top first.
        x: the axis of all values.
        names: what the first, second, ... value of each row is, for the titles; the points get the
            classes step0, step1, ..., and shrink, so that
            one behind another shows as a ring
        about: the chart in a sentence.
        left: room for the names.
        kind: a CSS class of the whole.
    """
    parts, across = _beside(len(entries), x, about, left, kind)
    for place, row in enumerate(entries):
        middle = TOP + ROW * (place + 0.5)
        told = ", ".join(
            f"{name} {value:z.3f}" for name, value in zip(names, row.values, strict=True)
        )
        if row.interval is not None:
            told += f" ({row.interval[0]:z.3f} to {row.interval[1]:z.3f})"
        parts.append(
            f'<g class="{row.kind}"><title>{escape(f"{row.name}: {told}")}</title>'
            f'<text class="name" x="{left - 10}" y="{middle + 4:z.1f}" text-anchor="end">'
            f"{escape(_short(row.name, left))}</text>"
        )
        ends = row.interval or (min(row.values), max(row.values))
        parts.append(
            f'<path class="range" d="M{across(ends[0]):z.1f} {middle:z.1f}'
            f'H{across(ends[1]):z.1f}"/>'
        )
        for step, value in enumerate(row.values):
            parts.append(
                f'<circle class="step{step}" cx="{across(value):z.1f}" cy="{middle:z.1f}"'
                f' r="{6.5 - 1.5 * step if len(row.values) > 1 else 4.5}"/>'
            )
        parts.append("</g>")
    return "".join([*parts, "</svg>"])


def bars(
    entries: Sequence[tuple[str, float]], x: Axis, about: str, left: int, kind: str = ""
) -> str:
    """Draw a bar per name, from 0 to its value, to the left where that is below 0.

    Args:
        entries: name and value, top first.
        x: the axis of all values; it holds 0.
        about: the chart in a sentence.
        left: room for the names.
        kind: a CSS class of the whole.
    """
    parts, across = _beside(len(entries), x, about, left, kind)
    for place, (name, value) in enumerate(entries):
        middle = TOP + ROW * (place + 0.5)
        begin, end = sorted((across(0.0), across(value)))
        below = " below" if value < 0 else ""
        parts.append(
            f"<g><title>{escape(f'{name}: {value:+z.3f}')}</title>"
            f'<text class="name" x="{left - 10}" y="{middle + 4:z.1f}" text-anchor="end">'
            f"{escape(_short(name, left))}</text>"
            f'<rect class="bar{below}" x="{begin:z.1f}" y="{middle - 7:z.1f}"'
            f' width="{max(end - begin, 0.5):z.1f}" height="14"/></g>'
        )
    return "".join([*parts, "</svg>"])


class Bar(NamedTuple):
    """A bar of a group.

    Attributes:
        value: where it ends; nothing is drawn for NaN.
        title: shown on hover.
        interval: low and high end of an error bar.
        other: a value to hold it against, drawn as a line across; None for none.
    """

    value: float
    title: str
    interval: tuple[float, float] | None = None
    other: float | None = None


def groups(entries: Sequence[tuple[str, Sequence[Bar]]], x_label: str, y: Axis, about: str) -> str:
    """Draw groups of bars side by side; the n-th bar of each has the class kind<n>.

    Args:
        entries: name and bars of each group, from the left.
        x_label: what the names are.
        y: the axis of the values; bars begin at its low end.
        about: the chart in a sentence.
    """
    bottom = HEIGHT - BOTTOM
    nowhere = Axis(x_label, 0.1, 0.9, whole=True)  # has no tick, as names stand in their place
    parts = [_open(HEIGHT, about), _grid(nowhere, y)]
    room = (WIDTH - LEFT - RIGHT) / max(len(entries), 1)
    for place, (name, drawn) in enumerate(entries):
        begin = LEFT + room * (place + 0.12)
        wide = room * 0.76 / max(len(drawn), 1)
        parts.append(
            f'<text class="axis" x="{LEFT + room * (place + 0.5):z.1f}" y="{bottom + 16}"'
            f' text-anchor="middle">{escape(name)}</text>'
        )
        for n, bar in enumerate(drawn):
            if math.isnan(bar.value):
                continue
            left, top = begin + wide * n, _y(y, bar.value)
            parts.append(
                f'<g class="kind{n}"><title>{escape(bar.title)}</title>'
                f'<rect x="{left:z.1f}" y="{top:z.1f}" width="{max(wide - 2, 1):z.1f}"'
                f' height="{bottom - top:z.1f}"/>'
            )
            middle = left + max(wide - 2, 1) / 2
            if bar.interval is not None:
                low, high = (_y(y, end) for end in bar.interval)
                parts.append(f'<path class="range" d="M{middle:z.1f} {low:z.1f}V{high:z.1f}"/>')
            if bar.other is not None:
                across = _y(y, bar.other)
                parts.append(
                    f'<path class="note" d="M{left:z.1f} {across:z.1f}H{left + wide - 2:z.1f}"/>'
                )
            parts.append("</g>")
    return "".join([*parts, "</svg>"])


def _beside(
    n_rows: int, x: Axis, about: str, left: int, kind: str
) -> tuple[list[str], Callable[[float], float]]:
    """The begin of a chart with names at its left, and where a value stands across it."""
    height = TOP + ROW * n_rows + BOTTOM

    def across(value: float) -> float:
        return left + (WIDTH - left - RIGHT) * x.at(value)

    parts = [_open(height, about, kind)]
    for tick in x.ticks():
        parts.append(
            f'<path class="grid" d="M{across(tick):z.1f} {TOP}V{height - BOTTOM}"/>'
            f'<text class="axis" x="{across(tick):z.1f}" y="{height - BOTTOM + 16}"'
            f' text-anchor="middle">{x.text(tick)}</text>'
        )
    parts.append(
        f'<text class="axis" x="{(left + WIDTH - RIGHT) / 2:z.0f}" y="{height - 8}"'
        f' text-anchor="middle">{escape(x.label)}</text>'
    )
    return parts, across


def _short(name: str, room: int) -> str:
    """A name cut to its room; a Chinese sign takes two places."""
    places = (room - 12) / 6.6
    for end, sign in enumerate(name):
        places -= 1.9 if ord(sign) > 0x2E80 else 1
        if places < 0:
            return name[: max(end - 1, 1)] + "…"
    return name


def _open(height: int, about: str, kind: str = "") -> str:
    css = kind and f' class="{kind}"'
    return f'<svg{css} viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(about)}">'


def _grid(x: Axis, y: Axis) -> str:
    bottom = HEIGHT - BOTTOM
    parts = []
    for tick in y.ticks():
        parts.append(
            f'<path class="grid" d="M{LEFT} {_y(y, tick):z.1f}H{WIDTH - RIGHT}"/>'
            f'<text class="axis" x="{LEFT - 6}" y="{_y(y, tick) + 4:z.1f}" text-anchor="end">'
            f"{y.text(tick)}</text>"
        )
    for tick in x.ticks():
        parts.append(
            f'<path class="grid" d="M{_x(x, tick):z.1f} {TOP}V{bottom}"/>'
            f'<text class="axis" x="{_x(x, tick):z.1f}" y="{bottom + 16}" text-anchor="middle">'
            f"{x.text(tick)}</text>"
        )
    middle = (TOP + bottom) / 2
    parts.append(
        f'<text class="axis" x="{(LEFT + WIDTH - RIGHT) / 2:z.0f}" y="{HEIGHT - 8}"'
        f' text-anchor="middle">{escape(x.label)}</text>'
        f'<text class="axis" x="12" y="{middle:z.0f}" text-anchor="middle"'
        f' transform="rotate(-90 12 {middle:z.0f})">{escape(y.label)}</text>'
    )
    return "".join(parts)


def _x(axis: Axis, value: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * axis.at(value)


def _y(axis: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * axis.at(value)


def _path(line: Sequence[tuple[float, float]], x: Axis, y: Axis) -> str:
    return " ".join(f"{_x(x, a):z.1f},{_y(y, b):z.1f}" for a, b in line)
