"""Train the tower and its rivals on known learners, and measure them on learners nobody knows.

Sizes: U learners, V items.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from kgplan.arrays import Floats, Ints
from kgplan.coldstart.config import CUTS, TowerConfig
from kgplan.coldstart.features import Histories, Rows
from kgplan.coldstart.lending import LendingConfig
from kgplan.coldstart.model import ColdStart
from kgplan.coldstart.neighbours import item_scores, similarity, weights_of
from kgplan.coldstart.training import TEST, TRAIN, VALIDATION, parts_of, train
from kgplan.data.records import LearnerRecords
from kgplan.evaluation.coldstart.cases import Case, cases_of, seen_of
from kgplan.evaluation.coldstart.lent import MEASURES as OF_MASTERY
from kgplan.evaluation.coldstart.lent import (
    Diagnoser,
    Lend,
    Lenders,
    Lending,
    Lent,
    by_mastery,
)
from kgplan.evaluation.coldstart.pair_task import (
    Classifier,
    Likeness,
    PairFigures,
    asked_of,
    told_apart,
)
from kgplan.evaluation.coldstart.ranking import MEASURES, Blend, Ranked, Scores, compared
from kgplan.evaluation.coldstart.rivals import NEIGHBOURS, Known, Scorer
from kgplan.planning.fitting import fit_learners
from kgplan.progress import Progress, silent

HSNN, NO_ATTENTION, NO_CUTS = "HSNN", "HSNN, no attention", "HSNN, no cuts in training"
POPULAR, ITEM_CF, RAW = "popularity", "item-CF", "raw kNN"
BLEND, WITHOUT = "blend", "blend without HSNN"
SIMPLE = (POPULAR, "popularity in the courses", ITEM_CF, "user-CF", "content", RAW,
          "next in course")  # fmt: skip
FOREST, ANN = "random forest", "ANN"
VARIANTS: Mapping[str, dict[str, bool]] = {
    HSNN: {},
    NO_ATTENTION: {"attends": False},
    NO_CUTS: {"cuts": False},
}


@dataclass(frozen=True)
class World:
    """Rows to evaluate on.

    Attributes:
        records: with the order of views; of items that cover no concept, too.
        histories: the same rows, to be cut.
        facts: (C, F) schools, teachers and fields of courses.
    """

    records: LearnerRecords
    histories: Histories
    facts: sparse.csr_array

    def learners(self, part: str) -> Ints:
        """Those of a part who have a row."""
        of = parts_of(self.records.learner_ids) == part
        return np.flatnonzero(of & (self.histories.sizes > 0))


@dataclass(frozen=True)
class Report:
    """What was found.

    Attributes:
        learners: part -> learners with a row, and of these how many are scored.
        seeds: of the tower.
        ranked: methods after each cut.
        pairs: methods on pairs.
        lent: ways to estimate mastery after each cut.
        lending: the setting that validation chose.
    """

    learners: Mapping[str, tuple[int, int]]
    seeds: int
    ranked: Sequence[Ranked]
    pairs: Sequence[PairFigures]
    lent: Sequence[Lent]
    lending: LendingConfig

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def rows_of(records: LearnerRecords, learners: Ints) -> LearnerRecords:
    """The records of some learners alone.

    Args:
        records: of all; answers are left out.
        learners: by position.
    """
    viewed = records.viewed
    order = sparse.csr_array((records.places_of_views, viewed.indices, viewed.indptr), viewed.shape)
    return replace(
        records,
        learner_ids=records.learner_ids[learners],
        enrolled=records.enrolled[learners],
        viewed=viewed[learners],
        viewed_order=order[learners].data,
        answered=None,
        answered_order=None,
    )


def evaluate(
    world: World,
    config: TowerConfig | None = None,
    seeds: int = 5,
    progress: Progress = silent,
    whole: bool = True,
) -> Report:
    """Train on 14 of 20 learners, choose on 3, measure on 3.

    Args:
        world: the rows.
        config: of the tower; its seed is left out.
        seeds: how often the tower is trained, from 0; its parts are left out with seed 0 alone.
        progress: told of steps.
        whole: whether parts are left out of the tower, and classifiers of pairs fitted, too.
    """
    config = config or TowerConfig()
    records, histories = world.records, world.histories
    known, chosen, asked = (world.learners(part) for part in (TRAIN, VALIDATION, TEST))
    cases = {part: cases_of(histories, records, each) for part, each in
             ((VALIDATION, chosen), (TEST, asked))}  # fmt: skip
    steps = seeds + 5
    models: dict[str, list[ColdStart]] = {}
    for name, changes in VARIANTS.items() if whole else [(HSNN, VARIANTS[HSNN])]:
        models[name] = []
        for seed in range(seeds if name == HSNN else 1):
            progress("evaluation", len(models) - 1 + seed, steps)
            of_seed = replace(config, seed=seed, **changes)
            made = train(histories, records, world.facts, known, chosen, of_seed)
            models[name].append(made.model)
    progress("evaluation", seeds + 2, steps)
    first = models[HSNN][0]
    simple = Known(rows_of(records, known), first.encoder)
    rng = np.random.default_rng(config.seed)
    fitted = _classifiers(world, known, first, simple, config, rng) if whole else {}
    methods = {
        part: _scores(histories, each, models, simple, fitted if part == TEST else {})
        for part, each in cases.items()  # blends take no part of what classifiers say
    }
    progress("evaluation", seeds + 3, steps)
    _blended(methods, cases)
    ranked = list(compared(methods[TEST], cases[TEST], (POPULAR, ITEM_CF, HSNN, WITHOUT)))
    pairs = _pairs(world, known, chosen, asked, models, simple, fitted, config, rng)
    progress("evaluation", seeds + 4, steps)
    lent, lending = _lent(world, known, cases, first, simple)
    sizes = {part: (each.size, len(cases[part]) if part in cases else each.size)
             for part, each in ((TRAIN, known), (VALIDATION, chosen), (TEST, asked))}  # fmt: skip
    progress("evaluation", steps, steps)
    return Report(sizes, seeds, ranked, pairs, lent, lending)


def _classifiers(
    world: World,
    known: Ints,
    model: ColdStart,
    simple: Known,
    config: TowerConfig,
    rng: np.random.Generator,
) -> dict[str, Classifier]:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neural_network import MLPClassifier

    made = {
        FOREST: RandomForestClassifier(300, min_samples_leaf=5, random_state=0),
        ANN: MLPClassifier((128, 64), early_stopping=True, random_state=0),
    }
    pairs = asked_of(world.histories, known, known, model.encoder, config.alike, rng)
    return {
        name: Classifier(each, model.encoder, simple.groups, pairs, rng)
        for name, each in made.items()
    }


def _scores(
    histories: Histories,
    cases: list[Case],
    models: Mapping[str, list[ColdStart]],
    simple: Known,
    fitted: Mapping[str, Classifier],
) -> dict[str, list[Scores]]:
    """Of every method, for the learners of some cases."""
    seen = {n: seen_of(histories, cases, n) for n in CUTS}

    def of_network(model: ColdStart) -> Scorer:
        return lambda rows: model.scores(model.alike(rows)) + 1e-9 * simple.popularity

    def of_pairs(by: Classifier) -> Scorer:
        def scores(rows: list[Rows]) -> Floats:
            like = by.of_all(rows)
            at = np.argsort(-like, axis=1, kind="stable")[:, :NEIGHBOURS]
            weights = weights_of(np.take_along_axis(like, at, 1))
            return item_scores(at, weights, simple.opened) + 1e-9 * simple.popularity

        return scores

    counted = (simple.popular, simple.popular_in_course, simple.item_cf, simple.user_cf,
               simple.content, simple.raw_knn, simple.next_in_course)  # fmt: skip
    scorers: dict[str, list[Scorer]] = {
        name: [each] for name, each in zip(SIMPLE, counted, strict=True)
    }
    scorers |= {name: [of_pairs(each)] for name, each in fitted.items()}
    scorers |= {name: [of_network(each) for each in some] for name, some in models.items()}
    return {
        name: [{n: each(rows) for n, rows in seen.items()} for each in some]
        for name, some in scorers.items()
    }


def _blended(
    methods: Mapping[str, dict[str, list[Scores]]], cases: Mapping[str, list[Case]]
) -> None:
    """Add the blends, fitted on validation, to the methods of both parts."""
    for name, names in ((WITHOUT, SIMPLE), (BLEND, (*SIMPLE, HSNN))):
        found = []
        for seed in range(len(methods[TEST][HSNN]) if name == BLEND else 1):
            of = {part: {each: some[min(seed, len(some) - 1)] for each, some in by_name.items()}
                  for part, by_name in methods.items()}  # fmt: skip
            blend = Blend(of[VALIDATION], cases[VALIDATION], names, seed)
            found.append(blend.scores(of[TEST], cases[TEST]))
        methods[TEST][name] = list(found)


def _pairs(
    world: World,
    known: Ints,
    chosen: Ints,
    asked: Ints,
    models: Mapping[str, list[ColdStart]],
    simple: Known,
    fitted: Mapping[str, Classifier],
    config: TowerConfig,
    rng: np.random.Generator,
) -> list[PairFigures]:
    def of_pairs(of_all: Callable[[list[Rows]], Floats]) -> Likeness:
        return lambda asked: of_all(asked.rows)[asked.pairs.asked, asked.pairs.known]

    def of_network(model: ColdStart) -> Likeness:
        def like(rows: list[Rows]) -> Floats:
            return similarity(model.tower(model.encoder.groups(rows))[0] @ model.vectors.T)

        return of_pairs(like)

    likes: dict[str, Likeness] = {
        "cosine of rows and courses": of_pairs(lambda rows: simple.raw_likeness(rows).toarray()),
        **{name: each.of_pairs for name, each in fitted.items()},
        **{name: of_network(each[0]) for name, each in models.items()},
    }
    encoder = models[HSNN][0].encoder
    validation, test = (
        asked_of(world.histories, each, known, encoder, config.alike, rng)
        for each in (chosen, asked)
    )
    return [told_apart(name, like, validation, test) for name, like in likes.items()]


def _lent(
    world: World,
    known: Ints,
    cases: Mapping[str, list[Case]],
    model: ColdStart,
    simple: Known,
) -> tuple[list[Lent], LendingConfig]:
    fitted = fit_learners(rows_of(world.records, known)).mastery
    diagnoser = Diagnoser(fitted, world.records, world.histories)
    drawn = np.random.default_rng(0)
    validation, test = (Lending(diagnoser, cases[part], drawn) for part in (VALIDATION, TEST))
    config = validation.chosen(_by_network(world, cases[VALIDATION], model))
    network = _by_network(world, cases[TEST], model)
    seen = {n: seen_of(world.histories, cases[TEST], n) for n in CUTS}
    raw = {n: simple.raw_likeness(rows).toarray() for n, rows in seen.items()}
    takes = sparse.csr_array(
        (simple.opened @ sparse.csr_array((world.records.course_items > 0).T, dtype=np.float64)) > 0
    )

    def by_raw(k: int, n: int) -> Lenders:
        at = np.argsort(-raw[n][k], kind="stable")[:NEIGHBOURS]
        weights = raw[n][k][at]
        return at, weights / max(weights.sum(), 1e-12), network(k, n)[2]

    def by_course(k: int, n: int) -> Lenders:
        at = np.unique(takes[:, seen[n][k].courses].tocoo().row)
        return at, np.full(at.size, 1 / max(at.size, 1)), network(k, n)[2]

    def by_truth(k: int, n: int) -> Lenders:
        at, weights, _ = by_mastery(fitted.mastery, test.truth[k], NEIGHBOURS)
        return at, weights, network(k, n)[2]

    ways: dict[str, Lend] = {
        "lent by HSNN": network,
        "lent by raw kNN": by_raw,
        "lent by all of the courses": by_course,
        "lent by true mastery (bound)": by_truth,
    }
    return list(test.compared(ways, config)), config


def _by_network(world: World, cases: list[Case], model: ColdStart) -> Lend:
    found = {n: model.alike(seen_of(world.histories, cases, n)) for n in CUTS}

    def lend(k: int, n: int) -> Lenders:
        alike = found[n]
        return alike.positions[k], alike.weights[k], float(alike.confidence[k])

    return lend


def markdown(report: Report) -> str:
    """The tables of the page."""
    parts = ", ".join(
        f"{name} {some} ({scored} scored)" for name, (some, scored) in report.learners.items()
    )
    lines = [f"Learners with a row: {parts}. Seeds of the tower: {report.seeds}.", ""]
    names = list(dict.fromkeys(each.method for each in report.ranked))
    cell = {(each.method, each.n): each for each in report.ranked}
    for measure in MEASURES:
        means = {name: [_figure(cell[name, n].means[measure]) for n in CUTS] for name in names}
        lines += [*_by_cut(f"### {measure}", means), ""]
    gains = [(HSNN, POPULAR), (HSNN, ITEM_CF), (BLEND, POPULAR), (BLEND, ITEM_CF), (BLEND, WITHOUT)]
    over = {
        f"{name} over {rival}": [_interval(cell[name, n].gains[rival]) for n in CUTS]
        for name, rival in gains
    }
    lines += _by_cut("### Gains in AUC_hard, with 95 % intervals over learners", over)
    lines += ["", f"Spread of HSNN's AUC_hard over seeds, largest:"
              f" {max(cell[HSNN, n].spread for n in CUTS):.3f}.", "", "### Pairs", "",
              "| | pairs | accuracy | precision | recall | F1 | AUC |", "|---|---|---|---|---|---|---|"]  # fmt: skip  # noqa: E501
    lines += [
        f"| {p.method} | {p.pairs:,} | {p.accuracy:.3f} | {p.precision:.3f} | {p.recall:.3f} |"
        f" {p.f1:.3f} | {p.auc:.3f} |"
        for p in report.pairs
    ]
    chosen = report.lending
    lines += ["", "### Mastery", "", f"Chosen on validation: lambda_max {chosen.most},"
              f" kappa {chosen.fade}, m0 {chosen.pull}.", ""]  # fmt: skip
    ways = list(dict.fromkeys(each.method for each in report.lent))
    way = {(each.method, each.n): each for each in report.lent}
    for measure in OF_MASTERY:
        means = {name: [_figure(way[name, n].means[measure]) for n in CUTS] for name in ways}
        lines += [*_by_cut(f"#### {measure.capitalize()}", means), ""]
    less = {
        f"{name}, than {other}": [_interval(way[name, n].gains[other]) for n in CUTS]
        for name in ways[2:]
        for other in ways[:2]
    }
    lines += _by_cut("#### How much less error", less)
    return "\n".join(lines) + "\n"


def _by_cut(heading: str, rows: Mapping[str, Sequence[str]]) -> list[str]:
    """The lines of a table with a column for each cut."""
    head = ["| |" + "".join(f" n = {n} |" for n in CUTS), "|---|" + "---|" * len(CUTS)]
    told = [f"| {name} |" + "".join(f" {cell} |" for cell in cells) for name, cells in rows.items()]
    return [heading, "", *head, *told]


def _figure(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3f}"


def _interval(gain: tuple[float, float, float]) -> str:
    mean, low, high = gain
    return f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"
