"""What does an embedding look like on one page? Findings to HTML, charts inline.

kgplan/pipeline/embedding_report.py reads the findings from a home; what it cannot say is named in
`missing`, and its section gives the reason in place of a chart.
Sizes: K concepts shown, P pairs of concepts.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kgplan.arrays import Floats
from kgplan.embedding.plane import Plane
from kgplan.report.charts import Axis, Point, Row, histogram, points, rows
from kgplan.report.page import Section, Table, lay_out

COLOURS = 6  # fields with a colour of their own, the largest; any other is grey
BINS = 50
FIGURES = ("mrr", "hits@1", "hits@3", "hits@10", "mean_rank")
HEADINGS = ("MRR", "Hits@1", "Hits@3", "Hits@10", "mean rank")


@dataclass(frozen=True)
class ConceptMap:
    """The concepts on the map.

    Attributes:
        names: K, as a person reads them.
        fields: K names of fields, "" where unknown.
        plane: where they stand.
        of: how many there are in all.
    """

    names: Sequence[str]
    fields: Sequence[str]
    plane: Plane
    of: int


@dataclass(frozen=True)
class Neighbours:
    """The nearest concepts of one.

    Attributes:
        name, field: the concept's.
        nearest: (name, field, eq. (2)) each, nearest first.
    """

    name: str
    field: str
    nearest: Sequence[tuple[str, str, float]]


@dataclass(frozen=True)
class Similarities:
    """Both parts of eq. (8) on pairs of concepts, before and after normalisation.

    Attributes:
        semantic, collaborative: (P,) eqs. (2) and (5).
        semantic_bounds, collaborative_bounds: smallest and largest over all pairs.
        fused: (P,) eq. (8).
        alpha: weight of the semantic part.
        of: how many pairs there are in all.
    """

    semantic: Floats
    collaborative: Floats
    semantic_bounds: tuple[float, float]
    collaborative_bounds: tuple[float, float]
    fused: Floats
    alpha: float
    of: int


@dataclass(frozen=True)
class Findings:
    """All that the page shows.

    Attributes:
        source: where the figures come from.
        facts: label and figure, for the top.
        history: {epoch, loss, validation_mrr} of each epoch.
        best_epoch: whose vectors were measured.
        test: filtered ranking of the test facts, as `evaluate.ranking_metrics` gives it, with
            `popularity` beside it.
        concepts, neighbours, similarities: as above.
        missing: section -> why it has no chart.
    """

    source: str
    facts: Sequence[tuple[str, str]]
    history: Sequence[Mapping[str, Any]]
    best_epoch: int
    test: Mapping[str, Any]
    concepts: ConceptMap
    neighbours: Sequence[Neighbours]
    similarities: Similarities | None
    missing: Mapping[str, str] = field(default_factory=dict)


def page(findings: Findings, template: str) -> str:
    """The page.

    Args:
        findings: what to show.
        template: as `lay_out` needs it.
    """
    sections = [
        _training(findings),
        _validation(findings),
        _relations(findings.test),
        _map(findings.concepts),
        _neighbours(findings.neighbours),
        *_similarities(findings.similarities, findings.missing.get("similarities")),
    ]
    return lay_out("Embedding", findings.source, findings.facts, sections, template)


def _training(findings: Findings) -> Section:
    heading = "Training: loss"
    epochs = [(int(e["epoch"]), float(e["loss"])) for e in findings.history]
    if len(epochs) < 2:
        return Section(heading, "No curve: it was trained for less than two epochs.")
    losses = [loss for _, loss in epochs]
    pad = (max(losses) - min(losses)) * 0.05 or 1.0
    drawn = [Point(e, loss, f"epoch {e}: loss {loss:z,.4f}") for e, loss in epochs]
    chart = points(
        drawn,
        Axis("epoch", epochs[0][0], epochs[-1][0], whole=True),
        Axis("mean loss", min(losses) - pad, max(losses) + pad),
        "Mean loss of the training facts after each epoch",
        joined=True,
    )
    words = (
        f"Mean loss of the training facts; the last of {len(epochs):,} epochs: {losses[-1]:z,.3f}."
    )
    return Section(heading, words, [chart], Table("All epochs", ("epoch", "loss"), epochs))


def _validation(findings: Findings) -> Section:
    heading = "Training: validation"
    epochs = [
        (int(e["epoch"]), float(e["validation_mrr"]))
        for e in findings.history
        if e["validation_mrr"] is not None
    ]
    if not epochs:
        return Section(heading, "No curve: it was trained without a validation.")
    drawn = [
        Point(
            e,
            mrr,
            f"epoch {e}: MRR {mrr:z.4f}",
            kind="mark" if e == findings.best_epoch else "soft",
        )
        for e, mrr in epochs
    ]
    chart = points(
        drawn,
        Axis("epoch", 0, epochs[-1][0], whole=True),
        Axis("MRR", 0, max(mrr for _, mrr in epochs)).rounded(),
        "Filtered MRR of the validation facts",
        joined=True,
    )
    words = (
        "Filtered MRR of the validation facts; measured were the vectors of epoch"
        f" {findings.best_epoch}."
    )
    return Section(heading, words, [chart], Table("All evaluations", ("epoch", "MRR"), epochs))


def _relations(test: Mapping[str, Any]) -> Section:
    heading = "Test facts by relation"
    relations = test.get("relations", {})
    if not relations:
        return Section(heading, "No chart: there are no test facts.")
    popular = test["popularity"]["relations"]
    names = sorted(relations, key=lambda r: -relations[r]["both"]["mrr"])
    shown = {r: r.replace("_", " ") for r in names}
    chart = rows(
        [Row("all relations", [test["popularity"]["both"]["mrr"], test["both"]["mrr"]])]
        + [Row(shown[r], [popular[r]["both"]["mrr"], relations[r]["both"]["mrr"]]) for r in names],
        Axis("MRR", 0, 1),
        ("popularity", "TransR"),
        "Filtered MRR of the test facts, by relation",
        150,
        "moves",
    )
    body = [
        (f"{shown[r]}, {side}", int(relations[r][side]["ranked"]),
         *(float(relations[r][side][figure]) for figure in FIGURES), float(popular[r][side]["mrr"]))
        for r in names
        for side in ("head", "tail")
    ]  # fmt: skip
    both = test["both"]
    words = (
        f"Filtered ranking of each fact's head and tail among all entities: MRR {both['mrr']:z.3f},"
        f" Hits@10 {both['hits@10']:z.3f}, mean rank {both['mean_rank']:z,.0f}. Popularity ranks"
        " entities by how often they stand there in training, and knows no vectors."
    )
    key = (("popularity", "var(--soft)"), ("TransR", "var(--second)"))
    table = Table("Heads and tails", ("facts", "ranked", *HEADINGS, "popularity's MRR"), body)
    return Section(heading, words, [chart], table, key)


def _neighbours(known: Sequence[Neighbours]) -> Section:
    heading = "Nearest neighbours"
    if not known:
        return Section(heading, "No table: no concept has a neighbour.", wide=True)
    body = [
        (each.name, ", ".join(f"{name} {value:z.2f}" for name, _, value in each.nearest))
        for each in known
    ]
    same = [
        near == each.field for each in known for _, near, _ in each.nearest if each.field and near
    ]
    words = (
        f"The {len(known)} concepts with most facts in the graph, and the concepts nearest to each"
        " by eq. (2), 1 / (1 + distance)."
    )
    if same:
        words += f" {np.mean(same):z.0%} of them are of the concept's own field."
    table = Table("Nearest first", ("concept", "nearest"), body, opened=True)
    return Section(heading, words, table=table, wide=True)


def _map(concepts: ConceptMap) -> Section:
    heading = "Map of concepts"
    if not len(concepts.plane.places):
        return Section(heading, "No map: no concept has a vector.")
    largest = [name for name, _ in Counter(filter(None, concepts.fields)).most_common(COLOURS)]
    kind_of = {name: f"kind{place}" for place, name in enumerate(largest)}
    dense = " dense" if len(concepts.names) > 60 else ""
    drawn = [
        Point(
            float(x),
            float(y),
            f"{name}, {of}" if of else name,
            kind=kind_of.get(of, "soft") + dense,
        )
        for name, of, (x, y) in zip(
            concepts.names, concepts.fields, concepts.plane.places, strict=True
        )
    ]
    drawn.sort(key=lambda point: not point.kind.startswith("soft"))  # grey ones behind
    low, high = concepts.plane.places.min(axis=0), concepts.plane.places.max(axis=0)
    pad = (high - low) * 0.03 + 1e-9
    chart = points(
        drawn,
        Axis("", float(low[0] - pad[0]), float(high[0] + pad[0])),
        Axis("", float(low[1] - pad[1]), float(high[1] + pad[1])),
        f"{len(drawn):,} concepts on a plane, coloured by field",
        ticks=False,
        kind="map",
    )
    some = f"{len(drawn):,} of {concepts.of:,}" if len(drawn) < concepts.of else f"{len(drawn):,}"
    words = f"{some} concepts by {concepts.plane.method}; only nearness means something."
    if not np.isnan(concepts.plane.trustworthiness):
        words += f" Trustworthiness of the ten nearest: {concepts.plane.trustworthiness:z.2f} of 1."
    entries = [(name, f"var(--{kind})") for name, kind in kind_of.items()]
    if any(point.kind.startswith("soft") for point in drawn):
        entries.append(("other or unknown", "var(--soft)"))
    return Section(heading, words, [chart], key=entries)


def _similarities(found: Similarities | None, reason: str | None) -> list[Section]:
    if found is None or not found.semantic.size:
        return [Section("Similarities", f"No chart: {reason or 'there is no pair of concepts'}.")]
    some = (
        f"{found.semantic.size:,} of {found.of:,} pairs, drawn at random."
        if found.semantic.size < found.of
        else f"All {found.of:,} pairs."
    )
    zero = found.collaborative == 0
    without = f"{zero.mean():z.1%} of the pairs share no learner and are left out."
    parts = (
        ("Semantic", "1 / (1 + distance), eq. (2).", found.semantic, found.semantic_bounds, some),
        ("Collaborative", "Cosine of the sets of learners, eq. (5).", found.collaborative[~zero],
         found.collaborative_bounds, f"{some} {without}"),
    )  # fmt: skip
    sections = []
    for name, what, values, (low, high), note in parts:
        span = (high - low) or 1.0
        sections.append(
            Section(
                f"{name} similarity",
                f"{what} {note} Above as it is, from {low:z.3f} to {high:z.3f}; below normalised.",
                [
                    _bars(
                        values, Axis("before", low, high or 1.0), f"{name}, before normalisation"
                    ),
                    _bars(
                        (values - low) / span, Axis("after", 0, 1), f"{name}, after normalisation"
                    ),
                ],
            )
        )
    words = (
        f"Eq. (8): {found.alpha:zg} of the normalised semantic part and {1 - found.alpha:zg} of the"
        f" normalised collaborative one. {some} Median {np.median(found.fused):z.3f}; one in a"
        f" hundred is above {np.quantile(found.fused, 0.99):z.3f}."
    )
    chart = _bars(found.fused, Axis("fused", 0, 1), "Fused similarity")
    return [*sections, Section("Fused similarity", words, [chart])]


def _bars(values: Floats, x: Axis, about: str) -> str:
    edges = np.linspace(x.low, x.high, BINS + 1)
    counts, _ = np.histogram(np.clip(values, x.low, x.high), edges)
    return histogram(counts.tolist(), edges.tolist(), x, "pairs", about)
