"""Which method names what learners opened next, by how much, on every protocol?

Sizes: n cases, V resources.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kgplan.arrays import Array, Floats, Ints
from kgplan.data.records import LearnerRecords
from kgplan.evaluation.resources.metrics import diversity, paired_interval
from kgplan.evaluation.resources.protocol import (
    FIRST,
    Method,
    measured,
    measured_by_concept,
    of_concepts,
)
from kgplan.evaluation.resources.splits import CUT_AT, Split, Viewing, at_moment, last, last_share
from kgplan.progress import Progress, silent
from kgplan.resources.blend.fitting import BlendConfig, fit_blend
from kgplan.resources.simple import (
    HALF_LIFE,
    counts_of,
    item_cf,
    markov,
    next_in_course,
    popular,
)

SPLITS = {"last-5": last(5), "last-1": last(1), "last-20%": last_share, "global": at_moment(CUT_AT)}
BY_CONCEPT = "per concept"
PROTOCOLS = (*SPLITS, BY_CONCEPT)
SIMPLE = ("random", "popular", "item-CF", "item-CF with age", "Markov", "next in course")
BLEND = "blend"
MEASURES = {
    **dict.fromkeys(SPLITS, (f"P@{FIRST}", f"R@{FIRST}", f"NDCG@{FIRST}")),
    BY_CONCEPT: ("HR@1", f"NDCG@{FIRST}"),
}
"""Of each protocol; the methods are compared by the first of `COMPARED_BY`."""
COMPARED_BY = {"last-1": f"R@{FIRST}", BY_CONCEPT: "HR@1"}
"""Where it is not `P@5`."""
Fit = Callable[[LearnerRecords, int], Method]
"""Fits a method to records, with a seed."""


@dataclass(frozen=True)
class Cell:
    """A method on a protocol.

    Attributes:
        protocol, method: by name.
        cases: n.
        means: measure -> mean over cases, then seeds; per concept weighed by `OneConcept.weight`.
        spread: of the measure that methods are compared by, the standard deviation over seeds.
        diversity, coverage: of what is shown, the mean and the share of all resources; None per
            concept.
        gain, low, high: of that measure over the best simple method, with its 95 % interval over
            learners; None for simple methods.
        over: that method.
    """

    protocol: str
    method: str
    cases: int
    means: Mapping[str, float]
    spread: float
    diversity: float | None
    coverage: float | None
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    over: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True)
class _Seen:
    """(n,) of each case by measure, whose it is, its weight, and what was shown."""

    values: Mapping[str, Floats]
    learner: Array
    weight: Floats
    shown: tuple[Array, ...]

    def mean(self, name: str) -> float:
        return float(np.average(self.values[name], weights=self.weight))

    def by_learner(self, name: str) -> Floats:
        _, line = np.unique(self.learner, return_inverse=True)
        total = np.bincount(line, self.values[name] * self.weight)
        return np.asarray(total / np.bincount(line, self.weight))


def evaluate(
    viewing: Viewing,
    vectors: Floats,
    protocols: Sequence[str] = PROTOCOLS,
    seeds: int = 5,
    progress: Progress = silent,
    trained: Mapping[str, Fit] | None = None,
) -> Iterator[Cell]:
    """Fit and measure all methods, protocol after protocol.

    Args:
        viewing: all views.
        vectors: (V, d) that say how alike resources are, for the diversity of what is shown.
        protocols: of `PROTOCOLS`.
        seeds: how often what is drawn is drawn, from 0.
        progress: told of methods.
        trained: methods that are fitted to the records that are known, by name.
    """
    trained = trained or {}
    for protocol in protocols:
        split = (SPLITS.get(protocol) or SPLITS["last-5"])(viewing)
        run = _by_concept(split) if protocol == BY_CONCEPT else _at_all(split)
        name = COMPARED_BY.get(protocol, f"P@{FIRST}")
        simple: dict[str, list[_Seen]] = {}
        methods = (*SIMPLE, BLEND, *trained)
        for k, method in enumerate(methods):
            drawn = range(1 if method in SIMPLE[1:] else seeds)
            known = split.known.records
            made = (
                trained[method](known, seed)
                if method in trained
                else _method(method, protocol, known, seed)
                for seed in drawn
            )
            seen = [run(each) for each in made]
            best = max(simple, key=lambda each: simple[each][0].mean(name), default=None)
            against = None if method in SIMPLE or best is None else simple[best]
            yield _cell(protocol, method, seen, vectors, name, against, best)
            if method in SIMPLE:
                simple[method] = seen
            progress(protocol, k + 1, len(methods))


def _method(name: str, protocol: str, records: LearnerRecords, seed: int) -> Method:
    if name == BLEND:
        ahead = 1 if protocol in COMPARED_BY else FIRST
        blend = fit_blend(records, BlendConfig(ahead=ahead, seed=seed))
        if protocol == BY_CONCEPT:
            return lambda context, asked: blend.of(context.history, asked)
        return lambda context, asked: blend.scores(context.history)[asked]
    counts, rng = counts_of(records), np.random.default_rng(seed)
    methods: dict[str, Callable[[Ints], Floats]] = {
        "random": lambda history: rng.random(counts.item_ids.size),
        "popular": lambda history: popular(counts, history),
        "item-CF": lambda history: item_cf(counts, history),
        "item-CF with age": lambda history: item_cf(counts, history, HALF_LIFE),
        "Markov": lambda history: markov(counts, history),
        "next in course": lambda history: next_in_course(counts, history),
    }
    return lambda context, asked: methods[name](context.history)[asked]


def _at_all(split: Split) -> Callable[[Method], _Seen]:
    def run(method: Method) -> _Seen:
        found = measured(method, split)
        values = (found.precision, found.recall, found.ndcg)
        by_name = dict(zip(MEASURES["last-5"], values, strict=True))
        return _Seen(by_name, split.learner, np.ones(split.learner.size), found.shown)

    return run


def _by_concept(split: Split) -> Callable[[Method], _Seen]:
    cases = of_concepts(split)

    def run(method: Method) -> _Seen:
        found = measured_by_concept(method, cases)
        by_name = dict(zip(MEASURES[BY_CONCEPT], (found.hit, found.ndcg), strict=True))
        return _Seen(by_name, found.learner, found.weight, ())

    return run


def _cell(
    protocol: str,
    method: str,
    seen: list[_Seen],
    vectors: Floats,
    name: str,
    against: list[_Seen] | None,
    over: str | None,
) -> Cell:
    means = {each: float(np.mean([s.mean(each) for s in seen])) for each in seen[0].values}
    shown = seen[0].shown
    alike = float(np.mean([diversity(vectors[each]) for each in shown])) if shown else None
    covered = np.unique(np.concatenate(shown)).size / vectors.shape[0] if shown else None
    spread = float(np.std([s.mean(name) for s in seen]))
    cell = Cell(protocol, method, seen[0].learner.size, means, spread, alike, covered)
    if against is None:
        return cell
    ours = np.mean([s.by_learner(name) for s in seen], axis=0)
    theirs = against[0].by_learner(name)
    low, high = paired_interval(ours, theirs, np.random.default_rng(0))
    gain = float(np.mean(ours - theirs))
    return Cell(**{**vars(cell), "gain": gain, "low": low, "high": high, "over": over})


def markdown(cells: Sequence[Cell]) -> str:
    """A table for each protocol."""
    lines: list[str] = []
    for protocol in dict.fromkeys(each.protocol for each in cells):
        rows = [each for each in cells if each.protocol == protocol]
        names = MEASURES[protocol]
        lines += ["", f"### {protocol.capitalize()}, {rows[0].cases:,} cases", ""]
        heads = [*names, "diversity", "coverage", "over the best simple method, per learner"]
        lines += [f"| | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
        for row in rows:
            figures = [f"{row.means[name]:.3f}" for name in names]
            for each in (row.diversity, row.coverage):
                figures.append("" if each is None else f"{each:.3f}")
            gain = ""
            if row.gain is not None:
                gain = f"{row.gain:+.3f} ({row.low:+.3f} to {row.high:+.3f}), {row.over}"
            lines.append(f"| {row.method} | {' | '.join(figures)} | {gain} |")
    return "\n".join(lines).strip()
