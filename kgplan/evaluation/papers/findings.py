"""What can the filled tables of a paper say, and what can they not? Sentences from their figures.

A sentence is said only where the cells that it is about were filled; what it says depends on them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

from kgplan.evaluation.papers.harness import Cell, Filled

Tables = Mapping[str, Filled]

CLOSE = 0.05  # two sequence degrees that are no further apart are called close
ALGORITHM_1 = "KG-PLPPM, our planner"
WHOLE, TEN = f"{ALGORITHM_1}, whole path", f"{ALGORITHM_1}, 10 steps"
RULE_A, RULE_A_ALL = "KG-PLPPM, rule A", "KG-PLPPM, rule A, predicted prerequisites too"
OURS, HIGHER = "our default planner", "our default planner, mastered from .95"
RANDOM, SHORTEST = "random", "shortest video first"
OF_PLANS = ("needed later", "outside the course", "mastery from theta", "coverage", "stay")
AT_MOST = ", at most"
EVERYTHING, BACKWARDS = "the whole course, however long", "the same backwards"


def of_kg_plppm(tables: Tables) -> list[str]:
    """Of the tables of KG-PLPPM, given by their names."""
    of_order = (_readings, _walks, _ceiling, _cycles)
    of_gain = (_efficiency, _untouched, _order, _goal, _paired, _plans)
    return [sentence for each in (*of_order, *of_gain) for sentence in each(tables)]


def of_gcn_attention_rl(tables: Tables) -> list[str]:
    """Of the tables of GCN-Attention-RL, given by their names."""
    each_part = (_modalities, _temporal, _added, _price, _rewards)
    return [sentence for each in each_part for sentence in each(tables)]


def _modalities(tables: Tables) -> Iterator[str]:
    """Is the whole network better than each of its modalities, as published?"""
    rows = _rows(tables, "1")
    whole = rows.get("full")
    single = [line[0] for name, line in rows.items() if "only" in name]
    if whole and single:
        best = max(single, key=lambda cell: cell.found.value)
        yield _against_published(
            whole[0], best, f"Table 1: all modalities against the best single one ({best.row})"
        )


def _temporal(tables: Tables) -> Iterator[str]:
    """What do views in order add, as published?"""
    rows = _rows(tables, "2")
    whole = rows.get("LSTM and attention (full)")
    for name in ("no sequence", "LSTM only"):
        if whole and name in rows:
            yield _against_published(
                whole[0], rows[name][0], f"Table 2: the full one against {name}"
            )
    if whole and "LSTM only" in rows:
        yield _against_published(
            whole[-1], rows["LSTM only"][-1], "Table 2, RMSE: the full one against LSTM only"
        )


def _added(tables: Tables) -> Iterator[str]:
    """What does the graph add, and does the network reach the course's own order?"""
    rows = _rows(tables, "graph")
    if "full" not in rows:
        return
    told = [f"{cell.row} {_interval(cell, 3)}" for cell in (line[0] for line in rows.values())]
    yield f"P@5 on real views: {'; '.join(told)}."


def _price(tables: Tables) -> Iterator[str]:
    """What does delta cost, and what does it spare?"""
    rows = list(_rows(tables, "delta").values())
    if len(rows) > 1:
        none, most = rows[0], rows[-1]
        yield (
            f"{most[0].row} in place of {none[0].row} costs"
            f" {none[0].found.value - most[0].found.value:.3f} in P@5; unmet prerequisites go from"
            f" {none[2].found.value:.0%} to {most[2].found.value:.0%} of what is shown."
        )


def _rewards(tables: Tables) -> Iterator[str]:
    """Does the DQN beat holding the weights, so that it may be on?"""
    filled = tables.get("over-hold")
    cell = None if filled is None else filled.cell("DQN", "reward")
    if cell is None:
        return
    if cell.found.low > 0:
        yield (
            "On synthetic learners the DQN earns more than holding the weights, by"
            f" {_interval(cell, 4)} in the mean reward: it may be on. Of real learners that says"
            " nothing."
        )
    else:
        yield (
            "On synthetic learners the DQN does not earn more than holding the weights, by"
            f" {_interval(cell, 4)} in the mean reward: it stays off."
        )


def _against_published(ours: Cell, other: Cell, what: str) -> str:
    """A gap between two cells beside that which the paper prints."""
    gap = ours.found.value - other.found.value
    apart = ours.found.low > other.found.high or ours.found.high < other.found.low
    said = f"{what}, {ours.column}: {gap:+.3f}"
    if ours.published is not None and other.published is not None:
        said += f", published {ours.published - other.published:+.3f}"
    return said + ("; their intervals are apart." if apart else "; their intervals overlap.")


def _readings(tables: Tables) -> Iterator[str]:
    """Which reading of Algorithm 1 does the published degree fit?"""
    apart = {}
    for name in (RULE_A, RULE_A_ALL, WHOLE, TEN):
        gaps = _gaps(_row(tables, "1", name), _row(tables, "1", RULE_A))
        if gaps:
            apart[name] = float(np.mean(gaps)), max(gaps)
    if RULE_A not in apart:
        return
    nearest = min(apart, key=lambda name: apart[name][0])
    yield (
        f'The published Table 1 lies nearest to "{nearest}": {apart[nearest][0]:.3f} apart on'
        f" average, {apart[nearest][1]:.3f} at most."
    )
    others = [f'"{name}" {mean:.3f}' for name, (mean, _) in apart.items() if name != nearest]
    if others:
        yield f"The other readings are apart from it on average: {', '.join(others)}."


def _walks(tables: Tables) -> Iterator[str]:
    """Does the degree say anything that the number of walks does not?"""
    for name in (RULE_A, ALGORITHM_1 + ", whole path"):
        degree, walks = (
            _value(tables, "1-why", name, "degree"),
            _value(tables, "1-why", name, "by walks"),
        )
        if degree is None or walks is None:
            continue
        same = abs(degree - walks) <= CLOSE
        yield (
            f'The sequence degree of "{name}" is {degree:.3f}, and the share of neighbouring steps'
            f" of one walk is {walks:.3f}: "
            + (
                "the degree counts walks, and says little more."
                if same
                else "the degree is more than a count of walks."
            )
        )


def _ceiling(tables: Tables) -> Iterator[str]:
    """How high could the degree of a valid path be, and who is above that?"""
    filled = tables.get("1-ceiling")
    for column, most in pairwise(filled.table.columns if filled else ()):
        if filled is None or most.title != f"{column.title}{AT_MOST}":
            continue
        bound = filled.cells[0][[each.title for each in filled.table.columns].index(most.title)]
        found = [filled.cell(row.title, column.title) for row in filled.table.rows]
        there = [each for each in found if each is not None and not np.isnan(each.found.value)]
        above = [each.row for each in there if each.found.low > bound.found.value]
        told = ", ".join(f'"{each.row}" has {each.found.value:.3f}' for each in there)
        yield (
            f"A valid path of {column.title} has a degree of {_interval(bound, 3)} at most, in the"
            f" mean: {told}."
            + (
                " Who is above it asks for what is mastered or taught by nothing, or leaves out"
                f" what is needed: {', '.join(above)}."
                if above
                else ""
            )
        )


def _cycles(tables: Tables) -> Iterator[str]:
    shares = {
        name: share
        for name in (RULE_A, RULE_A_ALL, WHOLE, TEN)
        if (share := _value(tables, "1-why", name, "hits in cycles")) is not None
    }
    if shares:
        told = ", ".join(f'{share:.0%} for "{name}"' for name, share in shares.items())
        yield f"Hits that join two concepts of one cycle, and so put nothing in order: {told}."


def _efficiency(tables: Tables) -> Iterator[str]:
    """Is the published learning efficiency there, and who is highest?"""
    rows = _rows(tables, "2")
    ours = rows.get(ALGORITHM_1)
    if not ours:
        return
    first = ours[0]
    if first.published is not None:
        reached = first.found.low <= first.published <= first.found.high
        is_ = "is found" if reached else "is not found"
        yield (
            f"Table 2: the published {first.published:.1f} of KG-PLPPM at {first.column} {is_}"
            f" under these choices: it is {_interval(first, 1)}."
        )
    at_first = {name: row[0] for name, row in rows.items() if name not in (EVERYTHING, BACKWARDS)}
    above = [name for name, cell in at_first.items() if cell.found.value > first.found.value]
    _, highest = _extremes(at_first.values())
    if RANDOM in at_first:
        order = "above" if RANDOM in above else "not above"
        yield (
            f"A random order is {order} KG-PLPPM there, {_interval(at_first[RANDOM], 1)};"
            f' the highest of all is "{highest.row}", {_interval(highest, 1)}.'
        )


def _untouched(tables: Tables) -> Iterator[str]:
    """Does the other count of untouched concepts explain the published figures?"""
    rows = _rows(tables, "2-untouched")
    if ALGORITHM_1 not in rows:
        return
    ours = rows[ALGORITHM_1][0]
    low, high = _extremes(row[0] for row in rows.values())
    said = (
        f"Where an untouched concept counts 0, the figures at {ours.column} go from"
        f' {low.found.value:.1f} ("{low.row}") to {high.found.value:.1f} ("{high.row}")'
    )
    if ours.published is None:
        yield f"{said}."
        return
    spans = low.found.value <= ours.published <= high.found.value
    reaches = "the published value lies among them" if spans else "none is as high as published"
    if not spans and ours.published < low.found.value:
        reaches = "all are higher than published"
    yield (
        f"{said}; {reaches}, and KG-PLPPM itself is {_interval(ours, 1)}"
        f" in place of {ours.published:.1f}."
    )


def _order(tables: Tables) -> Iterator[str]:
    """Does the measure see in which order videos are watched, and how many?"""
    rows = _rows(tables, "2")
    if EVERYTHING not in rows:
        return
    forth = rows[EVERYTHING]
    yield (
        f"To watch the whole course, however long it takes, gives {_interval(forth[0], 1)} at"
        f" {forth[0].column}: so much all of its videos give together."
    )
    if BACKWARDS in rows:
        apart = max(
            abs(a.found.value - b.found.value) for a, b in zip(forth, rows[BACKWARDS], strict=True)
        )
        blind = (
            "the measure is blind to the order of what is watched"
            if apart < 0.05
            else "the measure sees the order"
        )
        yield f"Backwards it gives the same to within {apart:.2f}: {blind}."


def _goal(tables: Tables) -> Iterator[str]:
    """Is the goal of the gain ratio reached, and by whom?"""
    filled = tables.get("gain")
    if filled is None or filled.table.goal is None:
        return
    goal, firsts = filled.table.goal, [line[0] for line in filled.cells]
    reached = [cell.row for cell in firsts if cell.found.low >= goal]
    _, best = _extremes(firsts)
    for name in (ALGORITHM_1, OURS, HIGHER):
        cell = filled.cell(name, firsts[0].column)
        if cell is not None:
            met = "reaches" if cell.found.low >= goal else "misses"
            yield (
                f'Gain ratio at {cell.column}: "{name}" {met} the goal of {goal:g} with'
                f" {_interval(cell, 2)}."
            )
    who = ", ".join(f'"{name}"' for name in reached) or "nobody"
    yield (
        f"Of all methods {who} reaches it at {firsts[0].column}; the highest is"
        f' "{best.row}" with {_interval(best, 2)}.'
    )


def _paired(tables: Tables) -> Iterator[str]:
    """In how many cells is each planner of ours above a simple rival, on the same learners?"""
    for table, rival in (("gain-random", RANDOM), ("gain-shortest", SHORTEST)):
        rows = _rows(tables, table)
        for name in (ALGORITHM_1, OURS, HIGHER):
            row = rows.get(name, ())
            if not row:
                continue
            above = sum(cell.found.low > 0 for cell in row)
            below = sum(cell.found.high < 0 for cell in row)
            yield (
                f'Against "{rival}", on the same learners, "{name}" gains more in {above} of'
                f" {len(row)} cells and less in {below}; the others leave it open."
            )


def _plans(tables: Tables) -> Iterator[str]:
    """What do the measures say that the published ones leave out?"""
    for name in (ALGORITHM_1, OURS):
        told = [
            f"{column} {value:.1%}"
            for column in OF_PLANS
            if (value := _value(tables, "plans", name, column)) is not None
        ]
        if told:
            yield f'Ten steps of "{name}": {", ".join(told)}.'


def _rows(tables: Tables, table: str) -> dict[str, Sequence[Cell]]:
    """The rows of a table by their titles."""
    filled = tables.get(table)
    return {} if filled is None else {line[0].row: line for line in filled.cells}


def _row(tables: Tables, table: str, row: str) -> Sequence[Cell]:
    return _rows(tables, table).get(row, ())


def _value(tables: Tables, table: str, row: str, column: str) -> float | None:
    """What is found in a cell; None where it was not filled, or nobody has a say."""
    cell = tables[table].cell(row, column) if table in tables else None
    return None if cell is None or np.isnan(cell.found.value) else cell.found.value


def _extremes(cells: Iterable[Cell]) -> tuple[Cell, Cell]:
    """The cells of the lowest and of the highest value."""
    ordered = sorted(cells, key=lambda cell: cell.found.value)
    return ordered[0], ordered[-1]


def _gaps(row: Sequence[Cell], published: Sequence[Cell]) -> list[float]:
    """How far each cell of a row is from what is published of another row."""
    return [
        abs(cell.found.value - there.published)
        for cell, there in zip(row, published, strict=bool(row))
        if there.published is not None and not np.isnan(cell.found.value)
    ]


def _interval(cell: Cell, digits: int) -> str:
    """A value with its interval.

    >>> from kgplan.evaluation.papers.intervals import Estimate
    >>> _interval(Cell("", "", Estimate(1.234, 1.1, 1.3, 5, 5), None), 1)
    '1.2 [1.1, 1.3]'
    """
    found = cell.found
    return f"{found.value:.{digits}f} [{found.low:.{digits}f}, {found.high:.{digits}f}]"
