"""What does a diagnosis look like on one page? Findings to HTML, charts inline.

Findings come from a home's artifacts or from a folder of results, read by
kgplan/pipeline/diagnosis_report.py; what a source cannot say is named in
`missing`, and its section says why in place of a chart.
Sizes: U learners, V videos or items, K concepts, n concepts shown of a learner, T stages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kgplan.arrays import Array, Floats, Ints
from kgplan.planning.because import VISIBLE, MasteryReasons
from kgplan.report.charts import Axis, Point, Row, bars, histogram, points, rows
from kgplan.report.page import SHOWN, Section, Table, lay_out, shown

POOR_FIT = 0.1
BEST = "attended"  # the served model, with what attendance says
_BEST_SAYS = (
    "The same pairs, by what the learner's views and the course's order say, and by V-DINA fitted"
    " to what learners met."
)
_LEAST_GUESS = 1e-6  # left end of the logarithmic axis


@dataclass(frozen=True)
class Items:
    """The videos or items.

    Attributes:
        names: (V,) as a person reads them.
        slip, guess: (V,) NaN where an item has none.
        slip_error, guess_error: (V,) standard errors, NaN where there is none.
        fit: (V,) RMSD or RMSEA, NaN where it is not defined.
        observations: (V,) answers or learners observed.
        errors_by: how the errors were made.
    """

    names: list[str]
    slip: Floats
    guess: Floats
    slip_error: Floats
    guess_error: Floats
    fit: Floats
    observations: Array
    errors_by: str


@dataclass(frozen=True)
class ConceptEvidence:
    """How far observations reach the concepts.

    Attributes:
        names: (K,).
        prior: (K,).
        learners: (K,) learners whose observations reach the concept.
        open: (K,) True where the Q-matrix alone leaves the concept undecided for some.
        twins: (K,) True where exactly the same items need another concept too; None: not known.
    """

    names: Sequence[str]
    prior: Floats
    learners: Ints
    open: Array
    twins: Array | None


@dataclass(frozen=True)
class Moves:
    """One learner's mastery, stage after stage.

    Attributes:
        learner: id.
        stages: T names of the stages.
        names: (n,) concepts, those that moved most first.
        mastery: (n, T).
    """

    learner: str
    stages: Sequence[str]
    names: Sequence[str]
    mastery: Floats


@dataclass(frozen=True)
class Findings:
    """All that the page shows.

    Attributes:
        title, source: heading, and where the figures come from.
        facts: label and figure, for the top.
        objective: after each iteration, in nats.
        items, concepts: as above.
        mastery: every identified mastery of every learner.
        calibration: `metrics` of a calibration artifact.
        moves: one learner.
        reasons: what some of this learner's masteries rest on.
        missing: section -> why it has no chart.
        objective_is: what the objective is, and whether it may fall.
    """

    title: str
    source: str
    facts: Sequence[tuple[str, str]]
    objective: Sequence[float]
    items: Items
    concepts: ConceptEvidence
    mastery: Floats
    calibration: Mapping[str, Any] | None = None
    moves: Moves | None = None
    reasons: Sequence[MasteryReasons] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    objective_is: str = "Log-evidence plus log density of the priors. It never falls"


def page(findings: Findings, template: str) -> str:
    """The page.

    Args:
        findings: what to show.
        template: as `lay_out` needs it.
    """
    sections = [
        _convergence(findings),
        _slip_guess(findings.items),
        _item_fit(findings.items, findings.missing.get("item fit")),
        _mastery(findings.mastery),
        _identifiability(findings.concepts),
        _moves(findings.moves, findings.missing.get("learner")),
        *map(_rests, findings.reasons),
        *_calibration(findings.calibration, findings.missing.get("calibration")),
    ]
    return lay_out(findings.title, findings.source, findings.facts, sections, template)


def _convergence(findings: Findings) -> Section:
    heading = "Convergence"
    values = list(findings.objective)
    if len(values) < 2:
        reason = findings.missing.get("convergence", "the fit made no iteration")
        return Section(heading, f"No curve: {reason}.")
    first = 1 if len(values) > 2 else 0  # the first step gains most by far and would flatten all
    kept = values[first:]
    pad = (max(kept) - min(kept)) * 0.05 or 1.0
    x = Axis("iteration", first, len(values) - 1)
    y = Axis("objective, nats", min(kept) - pad, max(kept) + pad)
    drawn = [Point(first + i, value, f"iteration {first + i}: {value:z,.2f}") for i, value in
             enumerate(kept)]  # fmt: skip
    words = (
        f"{findings.objective_is}; the last iteration gained {values[-1] - values[-2]:z,.3g} nats."
    )
    chart = points(drawn, x, y, "The objective after each iteration", joined=True)
    start = max(len(values) - SHOWN, 0)
    table = Table(
        "The last iterations",
        ("iteration", "objective", "gain"),
        ((start + i, f"{v:z,.3f}", f"{v - values[start + i - 1]:z,.4f}" if start + i else "")
         for i, v in enumerate(values[start:])),
    )  # fmt: skip
    return Section(heading, words, [chart], table)


def _slip_guess(items: Items) -> Section:
    there = np.flatnonzero(~np.isnan(items.slip + items.guess))
    small = float(np.min(items.guess[there], initial=1.0))
    if small < 0.01:
        x = Axis(
            "guess (logarithmic)", max(10.0 ** np.floor(np.log10(small)), _LEAST_GUESS), 1, True
        )
    else:
        x = Axis("guess", 0, 1)
    y = Axis("slip", 0, 1)
    dense = " dense" if there.size > 60 else ""
    drawn = []
    for v in there:
        guess, slip = float(items.guess[v]), float(items.slip[v])
        told = f"{items.names[v]}: guess {shown(guess)}{_plus_minus(items.guess_error[v])}, slip"
        told += f" {shown(slip)}{_plus_minus(items.slip_error[v])},"
        told += f" {int(items.observations[v]):,} observations"
        ranges = [
            _interval(guess, float(items.guess_error[v]), x.log),
            _interval(slip, float(items.slip_error[v]), False),
        ]
        drawn.append(Point(guess, slip, told, ranges[0], ranges[1], f"mark{dense}"))
    lowest = x.low if x.log else 0.0
    edge = [(g, 1 - g) for g in np.geomspace(max(lowest, 1e-3), 1, 60)]
    words = (
        f"One point a video or item, with 95 % intervals ({items.errors_by}). A point near the"
        " dashed line, slip = 1 - guess, tells holders from others hardly at all."
    )
    worst = there[np.argsort(-(items.slip + items.guess)[there])][:SHOWN]
    table = Table(
        "Items that tell least",
        ("item", "guess", "error", "slip", "error", "observations"),
        (
            (items.names[v], items.guess[v], items.guess_error[v], items.slip[v],
             items.slip_error[v], int(items.observations[v]))
            for v in worst
        ),
    )  # fmt: skip
    chart = points(drawn, x, y, f"Guess against slip of {there.size:,} items", [edge])
    return Section("Slip and guess", words, [chart], table)


def _interval(value: float, error: float, log: bool) -> tuple[float, float] | None:
    """95 % about a value, on the scale of its axis; None without an error.

    >>> _interval(0.5, 0.1, False), _interval(0.5, float("nan"), False)
    ((0.304, 0.696), None)
    """
    if np.isnan(error):
        return None
    if log:
        factor = float(np.exp(min(1.96 * error / value, 50.0)))
        return value / factor, value * factor
    return value - 1.96 * error, value + 1.96 * error


def _plus_minus(error: float) -> str:
    return "" if np.isnan(error) else f" ± {shown(float(error))}"


def _item_fit(items: Items, reason: str | None) -> Section:
    there = np.flatnonzero(~np.isnan(items.fit))
    if not there.size:
        return Section("Item fit", f"No chart: {reason or 'it is not defined for these data'}.")
    high = max(float(np.ceil(items.fit[there].max() * 20) / 20), 0.15)
    edges = np.linspace(0, high, 31)
    counts, _ = np.histogram(items.fit[there], edges)
    poor = int(np.sum(items.fit[there] > POOR_FIT))
    words = (
        "Root mean squared distance between the share of views expected among holders and the"
        f" model's probability: above {POOR_FIT} is poor. Poor: {poor:,} of {there.size:,}."
    )
    chart = histogram(
        counts.tolist(), edges.tolist(), Axis("distance", 0, high), "items",
        "How many items fit how well", POOR_FIT,
    )  # fmt: skip
    worst = there[np.argsort(-items.fit[there], kind="stable")][:SHOWN]
    table = Table(
        "Items that fit worst",
        ("item", "distance", "guess", "slip", "observations"),
        (
            (items.names[v], items.fit[v], items.guess[v], items.slip[v],
             int(items.observations[v]))
            for v in worst
        ),
    )  # fmt: skip
    return Section("Item fit", words, [chart], table)


def _mastery(mastery: Floats) -> Section:
    edges = np.linspace(0, 1, 26)
    counts, _ = np.histogram(mastery, edges)
    if not mastery.size:
        return Section("Mastery", "No chart: no learner's observations reach a concept.")
    quantiles = np.quantile(mastery, [0.05, 0.5, 0.95])
    words = (
        f"{mastery.size:,} pairs of learner and concept that observations reach. Median"
        f" {quantiles[1]:z.2f}; nine of ten lie between {quantiles[0]:z.2f} and"
        f" {quantiles[2]:z.2f}."
    )
    chart = histogram(
        counts.tolist(), edges.tolist(), Axis("mastery", 0, 1), "pairs",
        "How many pairs of learner and concept have which mastery",
    )  # fmt: skip
    table = Table(
        "Pairs by mastery",
        ("from", "to", "pairs", "share"),
        (
            (f"{a:z.1f}", f"{b:z.1f}", int(n), f"{n / mastery.size:z.1%}")
            for a, b, n in zip(
                np.linspace(0, 0.9, 10), np.linspace(0.1, 1, 10),
                np.histogram(mastery, np.linspace(0, 1, 11))[0], strict=True,
            )
        ),
    )  # fmt: skip
    return Section("Mastery", words, [chart], table)


def _identifiability(concepts: ConceptEvidence) -> Section:
    reached = concepts.learners > 0
    n_open, twins = int(np.sum(concepts.open & reached)), concepts.twins
    words = (
        f"Observations reach {int(reached.sum()):,} of {reached.size:,} concepts; any other keeps"
        f" its prior for everybody. Of those reached, {n_open:,} stay open for some learners by the"
        " items alone."
    )
    if twins is not None:
        words += f" {int(twins.sum()):,} stand in exactly the same items as another concept."
    # as many learners as the rank-th concept, largest first
    sizes = np.sort(concepts.learners)[::-1]
    step = max(sizes.size // 120, 1)
    drawn = [
        Point(place + 1, int(sizes[place]), f"{place + 1:,} concepts: {sizes[place]:,} learners"
              " each or more") for place in range(0, sizes.size, step)
    ]  # fmt: skip
    chart = points(
        drawn,
        Axis("concepts, most learners first", 0, max(sizes.size, 1)),
        Axis("learners reached", 0, max(int(sizes.max(initial=0)), 1)),
        "How many learners' observations reach each concept",
        joined=True,
    )
    least = np.argsort(concepts.learners, kind="stable")
    least = least[concepts.learners[least] > 0][:SHOWN]
    table = Table(
        "Concepts that fewest learners' observations reach",
        ("concept", "learners", "prior", "undecided", "has a twin"),
        (
            (concepts.names[k], int(concepts.learners[k]), concepts.prior[k],
             _yes(concepts.open[k]), "not known" if twins is None else _yes(twins[k]))
            for k in least
        ),
    )  # fmt: skip
    return Section("Identifiability", words, [chart], table)


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def _moves(moves: Moves | None, reason: str | None) -> Section:
    heading = "A learner, before and after"
    if moves is None:
        return Section(heading, f"No chart: {reason or 'no learner has evidence'}.")
    colours = ("--soft", "--second", "--accent")
    keys = colours if len(moves.stages) == 3 else (colours[0], colours[1])
    key = [(stage, f"var({colour})") for colour, stage in zip(keys, moves.stages, strict=True)]
    chart = rows(
        [Row(name, m.tolist()) for name, m in zip(moves.names, moves.mastery, strict=True)],
        Axis("mastery", 0, 1),
        moves.stages,
        f"Mastery of learner {moves.learner}, stage after stage",
        190,
        "moves",
    )
    table = Table(
        "The same as a table",
        ("concept", *moves.stages),
        ((name, *m) for name, m in zip(moves.names, moves.mastery, strict=True)),
    )
    words = f"The concepts of {moves.learner} that moved most."
    return Section(heading, words, [chart], table, key)


def _rests(mastery: MasteryReasons) -> Section:
    """What one mastery rests on: all that raised it and that lowered it, then one by one."""
    heading = f"What a mastery rests on: {mastery.name}"
    reasons, sides = mastery.reasons or (), (mastery.raising, mastery.lowering)
    entries = [
        (f"all {side.observations} {way} it", side.moved)
        for side, way in zip(sides, ("for", "against"), strict=True)
        if side is not None and side.observations > 1
    ]
    entries += [(each.title or each.item_id, each.moved) for each in reasons[:SHOWN]]
    entries = [(name, moved) for name, moved in entries if abs(moved) >= VISIBLE]
    words = f"{mastery.learner_id} is told: {mastery.because}"
    if not entries:
        return Section(heading, words)
    end = max(abs(moved) for _, moved in entries)
    axis = Axis("moved the mastery by", -end, end)
    chart = bars(entries, axis, f"What moved the mastery of {mastery.name}", 218)
    caption = "Each left out in turn; what several say alike, none of them moves alone"
    if mastery.left_out:
        caption += f". Not looked at: {mastery.left_out:,}"
    table = Table(
        caption,
        ("item", "kind", "did", "share or score", "on it", "moved"),
        (
            (each.title or each.item_id, each.kind, each.did.replace("_", " "),
             each.share if each.score is None else each.score, _yes(each.covers), each.moved)
            for each in reasons
        ),
    )  # fmt: skip
    return Section(heading, words, [chart], table)


Bin = tuple[float, float, float, float, int]


def reliability(method: Mapping[str, Any]) -> tuple[str, list[Bin]]:
    """How often pairs were opened that a method predicts so, as SVG.

    Args:
        method: its figures, one of `methods` of a calibration.

    Returns:
        The chart, and its rows: predicted, observed, low, high, pairs.
    """
    bins = method["reliability"]
    listed: list[Bin] = list(
        zip(bins["predicted"], bins["observed"], bins["low"], bins["high"], bins["pairs"],
            strict=True)
    )  # fmt: skip
    drawn = [
        Point(
            p, o, f"predicted {p:z.3f}, observed {o:z.3f} ({low:z.3f} to {high:z.3f}), {n:,} pairs",
            None, (low, high),
        )
        for p, o, low, high, n in listed
    ]  # fmt: skip
    about = f"Reliability of {method['name']} on held-back pairs"
    x, y = Axis("predicted", 0, 1), Axis("observed", 0, 1)
    return points(drawn, x, y, about, [[(0, 0), (1, 1)]], joined=True), listed


def _calibration(found: Mapping[str, Any] | None, reason: str | None) -> list[Section]:
    if found is None:
        return [Section("Calibration", f"No chart: {reason or 'nothing was held back'}.")]
    split, methods = found["split"], {method["name"]: method for method in found["methods"]}
    words = (
        f"{split['views_held_back']:,} views and {split['zeros_held_back']:,} zeros of"
        f" {split['learners_predicted']:,} learners were held back. A point on the dashed line"
        " is right as often as it says; intervals: 95 %, learners resampled."
    )
    sections = []
    for name, about in (("V-DINA", words), (BEST, _BEST_SAYS)):
        if name not in methods:
            continue
        chart, listed = reliability(methods[name])
        table = Table("Bins", ("predicted", "observed", "low", "high", "pairs"), listed)
        sections.append(Section(f"Calibration: {name}", about, [chart], table))
    for figure, label, what in (
        ("auc", "AUC", "Area under the ROC curve: larger is better; .5 is chance."),
        ("brier", "Brier score", "Mean squared error: smaller is better."),
    ):
        entries = [
            Row(
                method["name"],
                [method[figure][0]],
                (method[figure][1], method[figure][2]),
                "soft" if method["kind"] == "baseline" else "mark",
            )
            for method in found["methods"]
        ]
        values = [end for row in entries if row.interval for end in row.interval]
        low, high = min(values), max(values)
        pad = (high - low) * 0.05
        chart = rows(entries, Axis(label, low - pad, high + pad), (label,), what, 218)
        table = Table(
            "All figures",
            ("method", "Brier", "log-loss", "AUC", "calibration error"),
            (
                (method["name"], *(method[name][0] for name in ("brier", "log_loss", "auc", "ece")))
                for method in found["methods"]
            ),
        )
        words = f"{what} Grey: methods that know no concepts."
        sections.append(Section(f"Prediction: {label}", words, [chart], table))
    return sections
