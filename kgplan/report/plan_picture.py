"""A plan as a picture: steps in order, what builds on what, and how much is mastered."""

import unicodedata
from collections.abc import Sequence

from kgplan.data.records import VIDEO
from kgplan.planning.plan import Plan, Step
from kgplan.planning.resources import Resource
from kgplan.report.markup import escape

WIDTH, GUTTER, MARGIN = 860, 120, 28
CARD_HEIGHT, GAP, HEADER = 124, 20, 112
FONT = (
    "'Noto Sans SC','Noto Sans CJK SC','PingFang SC','Microsoft YaHei',"
    "'WenQuanYi Zen Hei',system-ui,sans-serif"
)
WEAK, HALF, STRONG = (0xC2, 0x4A, 0x1C), (0xE3, 0xB2, 0x3C), (0x1B, 0x7F, 0x6B)
INK, SOFT, LINE, PAPER, CARD = "#1d2733", "#5b6875", "#9aa7b4", "#f5f7f9", "#ffffff"


def picture(plan: Plan, course_name: str, edges: Sequence[tuple[str, str]]) -> str:
    """Draw a plan as SVG.

    Args:
        plan: what to draw.
        course_name: its heading.
        edges: (prerequisite, concept) ids among the steps; the plan's own walk is drawn bold.

    Returns:
        The SVG document.
    """
    notes = [line for note in plan.notes for line in wrap(note, 96)]
    steps_height = max(len(plan.steps) * (CARD_HEIGHT + GAP) - GAP, 0)
    height = HEADER + steps_height + 24 * len(notes) + 64
    at = {step.concept_id: place for place, step in enumerate(plan.steps)}
    walked = {(step.concept_id, step.leads_to) for step in plan.steps}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
        f' viewBox="0 0 {WIDTH} {height}" role="img" font-family="{FONT}">',
        f"<title>{escape(f'Learning path of {plan.learner_id} in {course_name}')}</title>",
        '<defs><marker id="to" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7"'
        f' markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="{SOFT}"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>',
        text(MARGIN, 44, shorten(course_name, 60), 24, INK, weight=700),
        text(
            MARGIN,
            70,
            f"Learning path of {plan.learner_id}, foundation first",
            14,
            SOFT,
        ),
        legend(WIDTH - MARGIN - 210, 30, all(step.identified for step in plan.steps)),
    ]
    for before, after in sorted(set(edges)):
        if before in at and after in at:
            parts.append(arc(at[before], at[after], (before, after) in walked))
    parts += [card(place, step) for place, step in enumerate(plan.steps)]
    below = HEADER + steps_height + 30
    for line, note in enumerate(notes):
        parts.append(text(MARGIN, below + 24 * line, note, 14, INK))
    parts.append(
        text(
            MARGIN,
            height - 18,
            f"graph {plan.graph_version} · model {plan.model_version}",
            11,
            SOFT,
        )
    )
    return "\n".join([*parts, "</svg>\n"])


def card(place: int, step: Step) -> str:
    """One step: its number, names, mastery as colour and number, the reason, and what to open."""
    x, y = GUTTER, top(place)
    width = WIDTH - GUTTER - MARGIN
    mastery = step.terms.mastery
    colour = mastery_colour(mastery)
    known = f"{'assumed' if step.doubt == 'no_evidence' else 'mastery'} {mastery:z.2f}"
    if step.doubt in ("weak_evidence", "not_told_apart"):
        known += f", {step.doubt.replace('_', ' ')}"
    sure = "" if step.identified else ' fill-opacity="0.4"'
    name = shorten(step.name, 34)
    role = "goal of this course" if step.role == "start" else "prerequisite"
    lines = wrap(step.because, 88)[:2]
    opened = shorten(" · ".join(filter(None, map(to_open, step.resources))), 92)
    bar = 150
    number = INK if 0.2 < mastery < 0.8 else "#ffffff"  # readable on amber too
    return "\n".join(
        [
            f'<g><rect x="{x}" y="{y}" width="{width}" height="{CARD_HEIGHT}" rx="10" fill="{CARD}"'
            f' stroke="{colour}" stroke-width="1.5"/>',
            f'<rect x="{x}" y="{y}" width="10" height="{CARD_HEIGHT}" rx="5" fill="{colour}"/>',
            f'<circle cx="{x + 40}" cy="{y + 34}" r="17" fill="{colour}"/>',
            text(x + 40, y + 40, str(place + 1), 16, number, anchor="middle", weight=700),
            text(x + 70, y + 31, name, 20, INK, weight=700),
            text(x + 70, y + 52, " · ".join(filter(None, [step.name_en, role])), 13, SOFT),
            f'<rect x="{x + width - bar - 18}" y="{y + 20}" width="{bar}" height="8" rx="4"'
            ' fill="#e4e9ee"/>',
            f'<rect x="{x + width - bar - 18}" y="{y + 20}" width="{max(bar * mastery, 3):z.1f}"'
            f' height="8" rx="4" fill="{colour}"{sure}/>',
            text(x + width - 18, y + 47, known, 13, SOFT, anchor="end"),
            *(text(x + 70, y + 74 + 18 * line, words, 13, INK) for line, words in enumerate(lines)),
            text(x + 70, y + 112, opened, 13, SOFT),
            "</g>",
        ]
    )


def to_open(resource: Resource) -> str:
    """What to open: its title, or its id; empty where it is not known which.

    >>> to_open(Resource("C_1", "Algorithms", "V_1", "video", "Sorting", 4.6))
    'Sorting (5 min)'
    >>> to_open(Resource("C_1", "Algorithms", "E_1", "exercise", "Sort these"))
    'Sort these (exercise)'
    """
    if resource.item_id is None:
        return ""
    kind = "" if resource.kind in (None, VIDEO) else str(resource.kind)
    length = "" if resource.minutes is None else f"{max(resource.minutes, 1):.0f} min"
    told = ", ".join(filter(None, (kind, length)))
    title = resource.title or resource.item_id
    return f"{title} ({told})" if told else title


def arc(before: int, after: int, walked: bool) -> str:
    """A prerequisite edge, from the earlier step's side to the later one's."""
    start, end = top(before) + CARD_HEIGHT * 0.62, top(after) + CARD_HEIGHT * 0.38
    reach = GUTTER - min(28 + 16 * abs(after - before), GUTTER - 12)
    style = (
        f'stroke="{SOFT}" stroke-width="2.4"'
        if walked
        else f'stroke="{LINE}" stroke-width="1.4" stroke-dasharray="5 4"'
    )
    return (
        f'<path d="M{GUTTER} {start:z.0f}C{reach} {start:z.0f} {reach} {end:z.0f} {GUTTER - 3}'
        f' {end:z.0f}" fill="none" {style} marker-end="url(#to)"/>'
    )


def legend(x: float, y: float, identified: bool) -> str:
    """What the colours mean, and a pale bar where some step has one."""
    stops = "".join(
        f'<stop offset="{share}" stop-color="{mastery_colour(share)}"/>' for share in (0, 0.5, 1)
    )
    return (
        f'<defs><linearGradient id="mastery">{stops}</linearGradient></defs>'
        f'<rect x="{x}" y="{y}" width="210" height="10" rx="5" fill="url(#mastery)"/>'
        + text(x, y + 28, "not mastered", 12, SOFT)
        + text(x + 210, y + 28, "mastered", 12, SOFT, anchor="end")
        + ("" if identified else text(x, y + 46, "pale bar: it is left open", 12, SOFT))
    )


def top(place: int) -> int:
    """Where the card of this place begins."""
    return HEADER + place * (CARD_HEIGHT + GAP)


def mastery_colour(mastery: float) -> str:
    """From rust through amber to teal: apart in hue and in lightness.

    >>> mastery_colour(0), mastery_colour(1)
    ('#c24a1c', '#1b7f6b')
    """
    low, high, share = (
        (WEAK, HALF, 2 * mastery) if mastery < 0.5 else (HALF, STRONG, 2 * mastery - 1)
    )
    mixed = (round(a + (b - a) * share) for a, b in zip(low, high, strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def text(
    x: float, y: float, words: str, size: int, fill: str, anchor: str = "start", weight: int = 400
) -> str:
    """One line of text."""
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" fill="{fill}" text-anchor="{anchor}"'
        f' font-weight="{weight}">{escape(words)}</text>'
    )


def columns(words: str) -> int:
    """Width in columns: a Chinese character takes two.

    >>> columns("栈 ok")
    5
    """
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in words)


def shorten(words: str, width: int) -> str:
    """Cut to a width in columns, with an ellipsis where something is lost.

    >>> shorten("数据结构与算法", 7)
    '数据结…'
    """
    if columns(words) <= width:
        return words
    kept = ""
    for char in words:
        if columns(kept + char) > width - 1:
            break
        kept += char
    return kept + "…"


def wrap(words: str, width: int) -> list[str]:
    """Break into lines of a width in columns, at spaces, or inside a run of Chinese.

    >>> wrap("one two three", 8)
    ['one two', 'three']
    """
    lines, line = [], ""
    for word in words.split(" "):
        longer = f"{line} {word}" if line else word
        if columns(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        while columns(word) > width:
            head = shorten(word, width).removesuffix("…")
            lines.append(head)
            word = word[len(head) :]
        line = word
    return [*lines, line] if line else lines
