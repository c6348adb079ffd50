"""Small problems for tests of the gain planner's sequence, drawn at random."""

from typing import NamedTuple

import numpy as np

from kgplan.native.sequence import Layout, Standing


class Drawn(NamedTuple):
    """A goal, a learner, and how much is asked for."""

    layout: Layout
    by: Standing
    theta: float
    length: int
    budget: float
    least: float


def drawn(seed: int, concepts: int = 9, circles: bool = False) -> Drawn:
    """Some concepts, up to twice as many videos; of the requirements a third has alternatives.

    Args:
        seed: of what is drawn.
        concepts: at most.
        circles: whether prerequisites may lead in a circle, which those of a scope do not.
    """
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, concepts + 1))
    m = int(rng.integers(n, 2 * n + 1))
    covers = rng.random((m, n)) < rng.uniform(0.1, 0.4)
    in_course = rng.random(m) < 0.7
    asked = np.flatnonzero(rng.random(n) < 0.7)
    layout = laid_out(_needs(rng, n, circles), covers, in_course, asked, rng)
    asks = rng.random(m) < rng.choice([0.0, 0.4, 1.0], p=[0.4, 0.5, 0.1])
    layout = layout._replace(asks=asks)
    passed, closed = rng.random((2, n)) < [[0.15], [0.1]]
    is_open = rng.random(m) < 0.9
    road = np.flatnonzero(is_open & in_course & (rng.random(m) < rng.choice([0.0, 0.5, 1.0])))
    turn = np.where(in_course, rng.permutation(m), np.inf)
    by = Standing(
        mastery=rng.uniform(0.02, 0.7, n),
        factor=np.exp(rng.exponential(1.0, layout.covers.size)),
        weight=np.where(np.isin(np.arange(n), asked), rng.uniform(0.1, 1.0, n), 0.0),
        closed=closed,
        passed=passed | closed,
        open=is_open,
        again=is_open & ~np.isin(np.arange(m), road) & (rng.random(m) < 0.4),
        minutes=rng.uniform(0.5, 12.0, m),
        favour=np.exp(rng.normal(0, 1.0, m)) if rng.random() < 0.5 else np.ones(m),
        road=road[np.argsort(turn[road])],
        rides=~asks & (rng.random(m) < 0.8),
        likely=passed | closed | (rng.random(n) < 0.2),
        just_done=passed & (rng.random(n) < 0.3),
        to_check=np.zeros(n, bool),
        first=(rng.random(asked.size) < 0.2) & ~closed[asked],
        urgency=np.ones(n),
        not_yet=np.zeros(n, bool),
        goes_on=np.zeros(layout.covers.size, bool),
        turn=turn,
        practice=np.zeros(0, np.int64),
        practised_for=np.zeros(0, np.int64),
    )
    by = by._replace(
        to_check=by.just_done & (rng.random(n) < 0.5),
        urgency=np.where(rng.random(n) < 0.1, 100.0, 1.0),
        not_yet=~by.passed & (rng.random(n) < 0.3),
        goes_on=rng.random(layout.covers.size) < 0.3,
    )
    return Drawn(
        layout,
        by,
        theta=float(rng.choice([0.5, 0.8, 0.95])),
        length=int(rng.integers(1, n + 2)),
        budget=float(rng.choice([np.inf, np.inf, rng.uniform(1, 40)])),
        least=float(rng.choice([0.0, 0.0, 0.05])),
    )


def _needs(rng: np.random.Generator, n: int, circles: bool) -> list[list[list[int]]]:
    """For each concept the sets of which any one is needed."""
    rank, density = rng.permutation(n), rng.uniform(0, 0.5)
    needs: list[list[list[int]]] = [[] for _ in range(n)]

    def may(before: int, after: int) -> bool:
        return rank[before] < rank[after] or (circles and before != after)

    for after in range(n):
        before = [p for p in range(n) if may(p, after) and rng.random() < density]
        rng.shuffle(before)
        while before:
            size = 1 if rng.random() < 0.67 else int(rng.integers(2, 4))
            needs[after].append(before[:size])
            before = before[size:]
    return needs


def laid_out(needs, covers, in_course, asked, rng=None) -> Layout:
    """The layout of what each concept needs, which videos cover it, and what is asked for."""
    n, m = len(needs), covers.shape[0]
    requirements = [any_of for each in needs for any_of in each]
    waits = [
        sorted({c for c in range(n) if any(p in any_of for any_of in needs[c])}) for p in range(n)
    ]
    tier = np.where(in_course, 0, 1).astype(np.int64)
    video, concept = np.nonzero(covers)
    by_concept = np.lexsort((video, tier[video], concept))
    place = np.full(m, np.inf)
    order = np.flatnonzero(in_course)
    place[order] = order if rng is None else rng.permutation(order.size)
    return Layout(
        asked=np.asarray(asked, dtype=np.int64),
        require_start=_starts(needs),
        any_start=_starts(requirements),
        any_of=_flat(requirements),
        waits_start=_starts(waits),
        waits=_flat(waits),
        video_start=np.append(0, np.cumsum(covers.sum(axis=1))).astype(np.int64),
        covers=concept.astype(np.int64),
        concept_start=np.searchsorted(concept[by_concept], np.arange(n + 1)).astype(np.int64),
        taught_by=video[by_concept].astype(np.int64),
        tier=tier,
        place=place,
        asks=np.zeros(m, bool),
    )


def _starts(rows) -> np.ndarray:
    return np.append(0, np.cumsum([len(row) for row in rows])).astype(np.int64)


def _flat(rows) -> np.ndarray:
    return np.array([each for row in rows for each in row], dtype=np.int64)
