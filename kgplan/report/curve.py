"""How did a figure come on, iteration by iteration? A curve as SVG."""

from collections.abc import Sequence

from kgplan.report.markup import escape

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 640, 320, 96, 44, 20, 44
INK, SOFT, GRID, LINE = "#1d2733", "#5b6875", "#e1e6eb", "#1b7f6b"


def curve(values: Sequence[float], title: str, horizontal: str, first: int = 0) -> str:
    """Draw values against their place.

    Args:
        values: at least one number.
        title: what they are.
        horizontal: what their places are.
        first: the place of the first value.

    Returns:
        The SVG document.
    """
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    last = max(len(values) - 1, 1)

    def x(place: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * place / last

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / span

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}"'
        f' viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-family="system-ui,sans-serif"'
        f' font-size="12"><title>{escape(title)}</title>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="26" font-size="15" font-weight="700" fill="{INK}">'
        f"{escape(title)}</text>",
    ]
    for share in (0, 0.25, 0.5, 0.75, 1):
        level = low + share * span
        parts.append(
            f'<path d="M{LEFT} {y(level):z.1f}H{WIDTH - RIGHT}" stroke="{GRID}"/>'
            f'<text x="{LEFT - 8}" y="{y(level) + 4:z.1f}" text-anchor="end" fill="{SOFT}">'
            f"{level:z,.0f}</text>"
        )
    for place in sorted({round(share * (len(values) - 1)) for share in (0, 0.25, 0.5, 0.75, 1)}):
        parts.append(
            f'<text x="{x(place):z.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle"'
            f' fill="{SOFT}">{place + first}</text>'
        )
    points = " ".join(f"{x(place):z.1f},{y(value):z.1f}" for place, value in enumerate(values))
    parts += [
        f'<polyline points="{points}" fill="none" stroke="{LINE}" stroke-width="2"/>',
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle"'
        f' fill="{SOFT}">{escape(horizontal)}</text>',
        "</svg>\n",
    ]
    return "\n".join(parts)
