"""Did learners who happened to do what a plan would have said go further than others like them?

A look back at learners whom nobody planned for. It is no trial: who does what a plan would say may
differ from others in much that no records hold.

Each learner's time line is cut behind the same number of views. What the default planner would have
said there is planned from these views alone, by a model that was fitted to other learners. The next
few views say whether it was followed; what comes behind them is the outcome.

Sources:
    E. A. Stuart: Matching methods for causal inference. Statistical Science 25(1), 2010.
    P. C. Austin, D. S. Small: The use of bootstrapping when using propensity-score matching without
    replacement. Statistics in Medicine 33, 2014: whole pairs are drawn again.
Sizes: n learners, p things that they are matched on, m pairs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import linear_sum_assignment

from kgplan.arrays import Array, Floats, Ints
from kgplan.data.events import Evidence
from kgplan.data.records import LearnerRecords, learned_concepts
from kgplan.data.wishes import Wishes
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.planning import Planner, PlanOptions
from kgplan.planning.fitting import fit_learners
from kgplan.planning.live import LiveModel
from kgplan.progress import Progress, silent
from kgplan.similarity import FusedSimilarity, fuse

BEFORE, NEXT = 5, 3
SHARE = 0.5  # of the next views that have to be in the plan, at least
CALIPER = 0.3
"""Root mean square of a pair's differences, in standard deviations. On the sample the widest of
`CALIPERS` at which pairs are alike (`ALIKE`) in all that they are matched on within a course."""
CALIPERS = (0.2, 0.3, 0.5)
DRAWS = 2_000
FEWEST = 10  # pairs under which no interval is given
FOLDS = 2
ALIKE = 0.1  # standard deviations up to which groups are called alike (Stuart 2010)
MATCHED = (
    "place in the course",
    "views in the course",
    "went on in order",
    "share watched",
    "courses enrolled",
)
"""What learners are matched on within a course. Enrolments may be later than the cut; the rest is
from before it."""
OUTCOMES = (
    "items of the course opened later",
    "share of the course's rest opened later",
    "opened anything of the course later",
    "opened another course later",
)
CONFOUNDERS = (
    "The will to learn: who means to finish goes on step by step, whatever a plan says.",
    "Leaving: who opens another course next does not follow the plan, and is gone already. Pairs"
    " that are alike in staying leave that out.",
    "The course's own order: the planner prefers what comes next in the course, and so does the"
    " platform's page. Following the plan is for the most part going on in order.",
    "Time: the records hold the order of views and not their moments, so that deadlines, pauses and"
    " the end of the course's run are in nobody's match.",
    "Teachers, classmates, marks: nothing is known of them.",
    "Enrolments have no moment: some of those that are matched on came after the cut.",
    "The sample holds learners who are in it for their views; those of few views cannot be cut.",
)


@dataclass(frozen=True)
class Cut:
    """Learners at the cut of their time lines.

    Attributes:
        learner, course: (n,) rows of the records.
        earlier: of each, what was opened up to the cut, in order.
        coming: of each, what was opened next.
        in_order, in_course: (n,) how many of these are the course's next ones, and any of it.
        matched: (n, p) `MATCHED`.
        outcomes: (n, q) `OUTCOMES`.
        enough: learners with enough views, of whom the others were in no course of theirs at it.
    """

    learner: Ints
    course: Ints
    earlier: tuple[tuple[int, ...], ...]
    coming: tuple[tuple[int, ...], ...]
    in_order: Ints
    in_course: Ints
    matched: Floats
    outcomes: Floats
    enough: int


def cut(records: LearnerRecords, before: int = BEFORE, coming: int = NEXT) -> Cut:
    """Cut every time line behind the same number of views.

    Args:
        records: with the order of views.
        before: views up to the cut.
        coming: views behind it that say what was followed.

    Raises:
        InputError: the records do not tell in which order learners watched.
    """
    viewed, order = records.viewed, records.places_of_views
    in_order_of = [records.in_order(c).tolist() for c in range(records.course_ids.size)]
    places = [{item: k for k, item in enumerate(items)} for items in in_order_of]
    rows: list[tuple[int, int, list[int], list[int], int, int, list[float], list[float]]] = []
    lines = np.flatnonzero(np.diff(viewed.indptr) >= before + coming)
    for learner in lines.tolist():
        part = slice(*viewed.indptr[learner : learner + 2].tolist())
        in_time = np.argsort(order[part], kind="stable")
        line, shares = viewed.indices[part][in_time].tolist(), viewed.data[part][in_time]
        earlier, then, later = np.split(np.array(line), [before, before + coming])
        mine = records.enrolled.indices[slice(*records.enrolled.indptr[learner : learner + 2])]
        shown = [c for c in mine.tolist() if line[before - 1] in places[c]]
        if not shown:
            continue
        course = max(shown, key=lambda c: (sum(item in places[c] for item in line[:before]), -c))
        place, items = places[course], in_order_of[course]
        coming_up = items[place[line[before - 1]] + 1 :]
        due = [item for item in coming_up if item not in line[:before]][:coming]
        here = [place[item] for item in line[:before] if item in place]
        steps = np.diff(here)
        alike = [
            (max(here) + 1) / len(items),
            len(here),
            float(np.mean(steps == 1)) if steps.size else 0.0,
            float(shares[:before].mean()),
            float(np.log1p(mine.size)),
        ]
        rest = set(items) - set(line[: before + coming])
        opened = rest & set(later.tolist())
        others = [c for c in mine.tolist() if c != course]
        elsewhere = any(i not in place and any(i in places[c] for c in others) for i in later)
        gone = [
            len(opened),
            len(opened) / len(rest) if rest else 1.0,
            float(bool(opened)),
            float(elsewhere),
        ]
        in_order, stayed = (sum(i in some for i in then.tolist()) for some in (due, place))
        named = learner, course, earlier.tolist(), then.tolist()
        rows.append((*named, in_order, stayed, alike, gone))
    return Cut(
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[1] for row in rows], dtype=np.int64),
        tuple(tuple(row[2]) for row in rows),
        tuple(tuple(row[3]) for row in rows),
        np.array([row[4] for row in rows], dtype=np.int64),
        np.array([row[5] for row in rows], dtype=np.int64),
        np.array([row[6] for row in rows], dtype=float).reshape(-1, len(MATCHED)),
        np.array([row[7] for row in rows], dtype=float).reshape(-1, len(OUTCOMES)),
        lines.size,
    )


def said_at(
    found: Cut,
    records: LearnerRecords,
    graph: GraphSnapshot,
    similarity: FusedSimilarity,
    rng: np.random.Generator,
    progress: Progress = silent,
) -> list[frozenset[int]]:
    """What the default planner would have said to open at each cut.

    Learners are divided at random; each is planned for by a model that was fitted to the others.

    Args:
        found: the cuts.
        records, graph, similarity: what the model in use is made from; of the similarity the
            vectors are taken, which no learner's views made.
        rng: divides.
        progress: told of learners planned for.

    Returns:
        Of each learner, items that the plan names.
    """
    fold = rng.integers(0, FOLDS, records.learner_ids.size)
    said: list[frozenset[int]] = [frozenset()] * found.learner.size
    done = 0
    for each in range(FOLDS):
        planner, live = _model(_only(records, np.flatnonzero(fold != each)), graph, similarity)
        for k in np.flatnonzero(fold[found.learner] == each).tolist():
            ids = records.item_ids[list(found.earlier[k])].tolist()
            row, course = found.learner[k], str(records.course_ids[found.course[k]])
            taken = frozenset([course])
            evidence = Evidence(
                shares=dict(zip(ids, _shares(records, row, found.earlier[k]), strict=True)),
                courses=taken,
                enrolled=taken,
                seen_at={item: float(place) for place, item in enumerate(ids)},
            )
            learner = live.current("", evidence, Wishes(), in_records=False).learner
            plan = planner.plan("", course, PlanOptions(), learner)
            named = [each.item_id or "" for step in plan.steps for each in step.resources]
            said[k] = frozenset(records.items.known(named).tolist())
            done += 1
            progress("learners", done, found.learner.size)
    return said


def _shares(records: LearnerRecords, learner: int, items: Sequence[int]) -> list[float]:
    row = records.viewed[[learner]].toarray()[0]
    shares: list[float] = row[list(items)].tolist()
    return shares


def _only(records: LearnerRecords, learners: Ints) -> LearnerRecords:
    """The records of some learners; who answered what is left out."""
    ordered = sparse.csr_array(
        (records.viewed_order, records.viewed.indices, records.viewed.indptr),
        shape=records.viewed.shape,
    )
    return replace(
        records,
        learner_ids=records.learner_ids[learners],
        enrolled=records.enrolled[learners],
        viewed=records.viewed[learners],
        viewed_order=ordered[learners].data,
        answered=None,
        answered_order=None,
        answers_start=None,
    )


def _model(
    records: LearnerRecords, graph: GraphSnapshot, similarity: FusedSimilarity
) -> tuple[Planner, LiveModel]:
    mastery = fit_learners(records).mastery
    alike = similarity
    if np.array_equal(similarity.concept_ids, records.concept_ids):
        learned = learned_concepts(records).matrix
        alike = fuse(records.concept_ids, similarity.vectors, learned, similarity.alpha)
    return Planner(graph, records, mastery, alike, "fold"), LiveModel(records, mastery)


def pairs(group: Array, strata: Ints, matched: Floats, caliper: float = CALIPER) -> Ints:
    """Match each learner of the group with one outside, none twice, within a stratum.

    Args:
        group: (n,) True in the group.
        strata: (n,) that both of a pair have to share.
        matched: (n, p) what they should be alike in.
        caliper: root mean square of the p differences, in standard deviations, that a pair may
            not pass; of the pairings that are allowed one with the smallest sum is taken.

    Returns:
        (m, 2) who is in the group, and who is not.
    """
    spread = matched.std(axis=0) if matched.size else np.ones(matched.shape[1])
    scaled = matched / np.where(spread > 0, spread, 1.0)
    found = []
    for stratum in np.unique(strata):
        inside = np.flatnonzero(group & (strata == stratum))
        outside = np.flatnonzero(~group & (strata == stratum))
        if inside.size and outside.size:
            apart = scaled[inside, None] - scaled[None, outside]
            distance = np.sqrt(np.mean(apart**2, axis=2))
            far = distance > caliper
            # as many pairs as may be: one that may not costs more than all that may
            cost = np.where(far, caliper * (1 + inside.size), distance)
            one, other = linear_sum_assignment(cost)
            kept = ~far[one, other]
            found.append(np.column_stack([inside[one[kept]], outside[other[kept]]]))
    return np.concatenate(found) if found else np.zeros((0, 2), dtype=np.int64)


def imbalance(group: Array, matched: Floats) -> Floats:
    """(p,) difference of the means of group and others, in standard deviations of both pooled."""
    inside, outside = matched[group], matched[~group]
    spread = np.sqrt((inside.var(axis=0) + outside.var(axis=0)) / 2)
    apart = inside.mean(axis=0) - outside.mean(axis=0)
    return np.divide(apart, spread, out=np.zeros_like(apart), where=spread > 0)


@dataclass(frozen=True)
class Difference:
    """One outcome, of those who followed against those who did not.

    Attributes:
        outcome: what it is.
        all_followed, all_others: means of all, unmatched; None of nobody.
        followed, others: means of the pairs; None under `FEWEST` of them.
        difference, low, high: mean over pairs and a 95 % interval by bootstrap over pairs; None
            likewise.
    """

    outcome: str
    all_followed: float | None
    all_others: float | None
    followed: float | None
    others: float | None
    difference: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Balance:
    """How alike the groups are in one thing: differences of means in standard deviations."""

    thing: str
    all: float | None
    matched: float | None


@dataclass(frozen=True)
class Comparison:
    """Two groups, unmatched and matched.

    Attributes:
        of: what makes the group, in words.
        within: what pairs share exactly, in words.
        group, others: how many learners.
        pairs: of them.
        balance: thing by thing.
        differences: outcome by outcome.
    """

    of: str
    within: str
    group: int
    others: int
    pairs: int
    balance: tuple[Balance, ...]
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class AtCaliper:
    """What becomes of a comparison's first outcome where pairs may be less alike, or less so.

    Attributes:
        caliper: as for `pairs`.
        pairs: how many.
        imbalance: the largest of what they are matched on, without its sign; None under `FEWEST`.
        difference, low, high: as of `Difference`.
    """

    caliper: float
    pairs: int
    imbalance: float | None
    difference: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class FollowedReport:
    """What a look back shows.

    Attributes:
        before, next, caliper, seed: as asked for.
        learners: of the records.
        enough: with enough views.
        cut: those of them who were in a course of theirs at the cut.
        planned: those of them whom the plan would have told something.
        both: (2, 2) learners by followed (rows: no, yes) and by going on in order (columns).
        comparisons: by the plan; by the course's order; by the plan among those alike in staying,
            and among those alike in order.
        calipers: of each comparison, in their order.
        confounders: plain sentences.
    """

    before: int
    next: int
    caliper: float
    seed: int
    learners: int
    enough: int
    cut: int
    planned: int
    both: tuple[tuple[int, int], tuple[int, int]]
    comparisons: tuple[Comparison, ...]
    calipers: tuple[tuple[AtCaliper, ...], ...]
    confounders: tuple[str, ...] = CONFOUNDERS

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return asdict(self)


def compare(
    of: str,
    within: str,
    group: Array,
    strata: Ints,
    found: Cut,
    rng: np.random.Generator,
    caliper: float = CALIPER,
) -> Comparison:
    """Hold a group against others.

    Args:
        of, within: in words.
        group: (n,) True in it.
        strata: (n,) that pairs share.
        found: the cuts.
        rng: draws pairs again.
        caliper: as for `pairs`.
    """
    matched = pairs(group, strata, found.matched, caliper)
    inside, outside = found.outcomes[matched[:, 0]], found.outcomes[matched[:, 1]]
    enough = len(matched) >= FEWEST
    both = bool(group.any() and not group.all())
    unmatched = imbalance(group, found.matched) if both else np.full(len(MATCHED), np.nan)
    left = np.full(len(MATCHED), np.nan)
    if enough:
        of_pairs = np.concatenate([found.matched[matched[:, 0]], found.matched[matched[:, 1]]])
        left = imbalance(np.arange(len(of_pairs)) < len(matched), of_pairs)
        again = rng.integers(0, len(matched), (DRAWS, len(matched)))
        drawn = (inside - outside)[again].mean(axis=1)
        low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    differences = []
    for k, outcome in enumerate(OUTCOMES):
        means = [_mean(found.outcomes[who, k]) for who in (group, ~group)]
        told: tuple[float | None, ...] = (None,) * 5
        if enough:
            ours, theirs = float(inside[:, k].mean()), float(outside[:, k].mean())
            told = ours, theirs, ours - theirs, float(low[k]), float(high[k])
        differences.append(Difference(outcome, *means, *told))
    balance = tuple(
        Balance(thing, float(before) if both else None, float(after) if enough else None)
        for thing, before, after in zip(MATCHED, unmatched, left, strict=True)
    )
    return Comparison(
        of, within, int(group.sum()), int((~group).sum()), len(matched), balance, tuple(differences)
    )


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if values.size else None


Said = Callable[[Cut], Sequence[frozenset[int]]]
"""What the planner says at each cut."""


def look_back(
    records: LearnerRecords, say: Said, before: int = BEFORE, coming: int = NEXT, seed: int = 0
) -> FollowedReport:
    """Compare those who did what the plan would have said with others like them.

    Args:
        records: with the order of views.
        say: plans, see `said_at`.
        before, coming: as for `cut`.
        seed: of the bootstrap.

    Raises:
        InputError: as for `cut`.
    """
    rng, found = np.random.default_rng(seed), cut(records, before, coming)
    said = say(found)
    told = np.array([bool(each) for each in said], dtype=bool)
    kept = _kept(found, np.flatnonzero(told))
    said = [each for each in said if each]
    hits = [sum(i in s for i in then) for then, s in zip(kept.coming, said, strict=True)]
    followed = np.array(hits, dtype=float) >= SHARE * coming
    ordered = kept.in_order >= SHARE * coming
    counts = [[int(np.sum((followed == f) & (ordered == o))) for o in (0, 1)] for f in (0, 1)]
    in_plan = f"at least half of the next {coming} views are in the plan"
    in_order = f"at least half of the next {coming} views are the course's next ones"
    stayed = kept.in_course >= SHARE * coming
    groups = (
        (in_plan, "the course", followed, kept.course),
        (in_order, "the course", ordered, kept.course),
        (in_plan, "the course, and whether they stayed in it", followed, kept.course * 2 + stayed),
        (
            *(in_plan, "the course, and whether they went on in order"),
            *(followed, kept.course * 2 + ordered),
        ),
    )
    return FollowedReport(
        before,
        coming,
        CALIPER,
        seed,
        records.learner_ids.size,
        found.enough,
        found.learner.size,
        kept.learner.size,
        ((counts[0][0], counts[0][1]), (counts[1][0], counts[1][1])),
        tuple(compare(*group, kept, rng) for group in groups),
        tuple(
            tuple(_at(caliper, compare(*group, kept, rng, caliper)) for caliper in CALIPERS)
            for group in groups
        ),
    )


def _at(caliper: float, found: Comparison) -> AtCaliper:
    apart = [abs(each.matched) for each in found.balance if each.matched is not None]
    first = found.differences[0]
    return AtCaliper(
        *(caliper, found.pairs, max(apart, default=None)),
        *(first.difference, first.low, first.high),
    )


def _kept(found: Cut, rows: Ints) -> Cut:
    return Cut(
        found.learner[rows],
        found.course[rows],
        tuple(found.earlier[k] for k in rows.tolist()),
        tuple(found.coming[k] for k in rows.tolist()),
        found.in_order[rows],
        found.in_course[rows],
        found.matched[rows],
        found.outcomes[rows],
        found.enough,
    )


def page(report: FollowedReport, made: Mapping[str, str]) -> str:
    """The report in Markdown.

    Args:
        report: what was found.
        made: what it says of how it was made, by a few words: the day, versions, the command.
    """
    plan, order, staying, alike = report.comparisons
    (no_no, no_yes), (yes_no, yes_yes) = report.both
    lines = [
        "# Did learners who did what a plan would have said go further?",
        "",
        "**This is no trial.** Nobody planned for these learners. It compares those who happened to"
        " do what the default planner would have said with others like them; what makes people do"
        " so may be what makes them go on. Only a trial can tell: [try it on your"
        " learners](../guide/experiments.md).",
        "",
        *(f"{what.capitalize()}: {how}  " for what, how in made.items()),
        "",
        "## How",
        "",
        f"Each learner's time line is cut behind {report.before} views. The default planner plans"
        " from these views alone, by a model that was fitted to the other half of the learners."
        f" The next {report.next} views say whether the plan was followed (half of them or more are"
        " in it); all behind them is the outcome. Of"
        f" {report.learners:,} learners {report.enough:,} have enough views, {report.cut:,} of them"
        " were in a course that they are enrolled in,"
        f" and {report.planned:,} would have been told something.",
        "",
        "Pairs share the course, and differ by at most"
        f" {report.caliper:g} standard deviations (root mean square) in what the balance lists; no"
        " learner stands in two pairs. Intervals are 95 %, by drawing pairs again"
        f" {DRAWS:,} times.",
        "",
        "## What was found",
        "",
        _verdict(report),
        "",
        "| | went on in order | did not |",
        "|---|---|---|",
        f"| followed the plan | {yes_yes} | {yes_no} |",
        f"| did not | {no_yes} | {no_no} |",
        "",
    ]
    titles = (
        "By the plan",
        "The same by the course's order, which needs no planner",
        "By the plan, among pairs alike in staying in the course",
        "By the plan, among pairs alike in going on in order",
    )
    for title, each in zip(titles, (plan, order, staying, alike), strict=True):
        lines += [f"### {title}", "", *_tables(each), ""]
    lines += [
        "### How alike pairs have to be",
        "",
        f"*{OUTCOMES[0].capitalize()}*, at other limits of how far a pair may differ, in standard"
        " deviations. A result that comes and goes with the limit is none.",
        "",
        "| | limit | pairs | largest imbalance left | difference |",
        "|---|---|---|---|---|",
    ]
    for title, calipers in zip(titles, report.calipers, strict=True):
        for at in calipers:
            cells = "| |"
            if at.difference is not None:
                cells = (
                    f"{at.imbalance:.2f} | {at.difference:+.2f} ({at.low:+.2f} to {at.high:+.2f}) |"
                )
            lines.append(f"| {title} | {at.caliper:g} | {at.pairs} | {cells}")
    lines.append("")
    lines += ["## What may be behind it", "", *(f"- {each}" for each in report.confounders), ""]
    return "\n".join(lines)


def _verdict(report: FollowedReport) -> str:
    """What can be said, a line for each comparison."""
    plan, order, staying, alike = report.comparisons
    (no_no, no_yes), (yes_no, yes_yes) = report.both
    same = (yes_yes + no_no) / max(report.planned, 1)
    return "\n".join(
        [
            f"- Those who followed the plan, against others: {_shown(plan)}",
            f"- Those who went on in the course's order, against others: {_shown(order)}",
            f"- The two are the same for {same:.0%} of the learners: {yes_no + no_yes} of"
            f" {report.planned} did one without the other.",
            f"- By the plan, among pairs alike in staying in the course: {_shown(staying)}",
            f"- By the plan, among pairs alike in going on in order, which is what the plan adds to"
            f" the course's own order: {_shown(alike)}",
        ]
    )


def _shown(each: Comparison) -> str:
    """Which differences show, and whether pairs are alike."""
    if each.pairs < FEWEST:
        return f"{each.pairs} pairs, too few to say."
    more = [d.outcome for d in each.differences if d.low is not None and d.low > 0]
    less = [d.outcome for d in each.differences if d.high is not None and d.high < 0]
    said = [f"more in *{name}*" for name in more] + [f"less in *{name}*" for name in less]
    apart = [b.thing for b in each.balance if b.matched is not None and abs(b.matched) > ALIKE]
    text = f"{', '.join(said) or 'no difference shows'} ({each.pairs} pairs"
    if apart:
        text += f", not quite alike in {', '.join(apart)}"
    return f"{text})."


def _tables(each: Comparison) -> list[str]:
    lines = [
        f"{each.group} learners of whom {each.of}, {each.others} others; {each.pairs} pairs within"
        f" {each.within}.",
        "",
        "| outcome | all: group | all: others | pairs: group | pairs: others | difference |",
        "|---|---|---|---|---|---|",
    ]
    for d in each.differences:
        cells = ["" if mean is None else f"{mean:.3g}" for mean in (d.all_followed, d.all_others)]
        if d.followed is not None and d.others is not None:
            cells += [f"{d.followed:.3g}", f"{d.others:.3g}"]
            cells.append(f"{d.difference:+.3f} ({d.low:+.3f} to {d.high:+.3f})")
        else:
            cells += ["", "", f"under {FEWEST} pairs"]
        lines.append(f"| {d.outcome} | {' | '.join(cells)} |")
    lines += ["", "| balance: matched on | all | pairs |", "|---|---|---|"]
    for b in each.balance:
        apart = ["" if value is None else f"{value:+.2f}" for value in (b.all, b.matched)]
        lines.append(f"| {b.thing} | {' | '.join(apart)} |")
    return lines
