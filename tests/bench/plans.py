"""What do plans look like, over all enrolments? Planners side by side, for the model in use.

    python tests/bench/plans.py [--planner NAME ...] [--sample N --seed S] [--other-seed HOME]

One row for each figure, as the modules of `kgplan.evaluation` named define it: `plans`, `degree`,
`nextview`. `--other-seed` names a home with the same data, whose embedding was trained with another
seed; `--write` puts the table into docs/measured.md, `make plan-figures` does all of it.
"""

import argparse
import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from page import write_figures
from rich.console import Console
from rich.progress import track as with_bar

from kgplan.arrays import Array, Floats, positions
from kgplan.data.events import Event, Evidence, evidence_of
from kgplan.data.wishes import Wishes
from kgplan.evaluation import degree, nextview
from kgplan.evaluation import plans as of
from kgplan.model.opening import open_planner, open_similarity
from kgplan.planning import CurrentLearner, Plan, Planner, PlanOptions
from kgplan.planning.live import LiveModel
from kgplan.settings import read_settings
from kgplan.store.artifacts import ArtifactStore

PREFIXES, BOUNDS = 10, 400
"""Plans of each length up to this are compared; enrolments whose degree is held to its bound."""

Pair = tuple[str, str]


def track(what: Sequence[Any], about: str) -> Iterable[Any]:
    """What is given, and a bar of how far it is, beside what is printed."""
    return with_bar(what, about, console=Console(stderr=True))


@dataclass(frozen=True)
class Bench:
    """A planner and what its plans are held against."""

    planner: Planner

    @cached_property
    def ground(self) -> of.Ground:
        return of.ground_of(self.planner.graph, self.planner.records)

    @cached_property
    def live(self) -> LiveModel:
        return LiveModel(self.planner.records, self.planner.diagnosis)

    @cached_property
    def _at(self) -> Array:
        return positions(self.planner.graph.concept_ids, self.planner.diagnosis.concept_ids)

    @cached_property
    def courses_with_concepts(self) -> frozenset[str]:
        graph = self.planner.graph
        return frozenset(graph.course_ids[np.diff(graph.course_concepts.indptr) > 0].tolist())

    def pairs(self) -> list[Pair]:
        """Every learner with each course of theirs that has concepts."""
        records = self.planner.records
        enrolled = records.enrolled.tocoo()
        learners = records.learner_ids[enrolled.row].tolist()
        courses = records.course_ids[enrolled.col].tolist()
        both = zip(learners, courses, strict=True)
        return [pair for pair in both if pair[1] in self.courses_with_concepts]

    def outline(self, plan: Plan) -> of.Outline:
        return of.outline(plan, self.planner.graph.concepts, self.planner.records.videos)

    def asked(self, course_id: str) -> Array:
        graph = self.planner.graph
        row = graph.course_concepts[[graph.courses.find(course_id)]]
        return row.toarray()[0].astype(bool)

    def after(self, pair: Pair, watched: Sequence[tuple[str, str]]) -> CurrentLearner:
        """The learner, these videos watched in full, each in its course, as the service has it."""
        events = [
            Event(f"{k}", pair[0], float(k), video_id=video, course_id=course, share=1.0)
            for k, (video, course) in enumerate(watched)
        ]
        evidence = evidence_of(self.live.named(events), self.live.lengths)
        return self.live.current(pair[0], evidence, Wishes()).learner

    def known(self, current: CurrentLearner) -> of.Known:
        return of.known_of(current, self._at, self.planner.derived.prior)


def opened(plan: Plan) -> list[tuple[str, str]]:
    """Videos that a plan says to open, each with its course."""
    return [(each.video_id, each.course_id) for step in plan.steps for each in of.to_open(step)]


def one_by_one(bench: Bench, pairs: Sequence[Pair], options: PlanOptions) -> dict[str, Floats]:
    """Figures of single plans, a row for each: (P,) arrays by name."""
    bench.planner.plan(*pairs[0], options)  # loads what is compiled
    rows: list[dict[str, float]] = []
    for pair in track(pairs, f"{options.planner}, plan by plan"):
        begun = time.thread_time_ns()
        plan = bench.planner.plan(*pair, options)
        spent = time.thread_time_ns() - begun
        shape, asked = bench.outline(plan), bench.asked(pair[1])
        known, ground = bench.known(bench.after(pair, ())), bench.ground
        lacking = known.lacking()
        outside = of.outside(shape, asked)
        mastered = of.mastered_already(shape, known)
        row: dict[str, float] = {
            "milliseconds": spent / 1e6,
            "steps": shape.concepts.size,
            "nothing to open": of.without_anything_to_open(shape).sum(),
            "in doubt": (~known.identified[shape.concepts]).sum(),
            "outside": outside.sum(),
            "nowhere": of.leading_nowhere(shape, asked, ground).sum(),
            "mastered": mastered.sum(),
            "not lacking": (~lacking[shape.concepts]).sum(),
            "outside and mastered": (outside & mastered).sum(),
            "later": of.prerequisite_later(shape, ground, np.ones_like(asked)).sum(),
            "lacking later": of.prerequisite_later(shape, ground, lacking).sum(),
            "not earlier": of.prerequisite_not_earlier(
                shape, ground, lacking & ground.taught
            ).sum(),
            "minutes": of.minutes_of(shape, ground),
            "gain": of.gain(known, bench.known(bench.after(pair, opened(plan))), asked),
            "needed": (asked & ground.taught & lacking).sum(),
            "coverage": of.coverage(shape, ground, known, asked),
            "degree": degree.sequence_degree(shape, ground),
        }
        rows.append(row)
    return {name: np.array([row[name] for row in rows], dtype=float) for name in rows[0]}


def after_the_first(bench: Bench, pairs: Sequence[Pair], options: PlanOptions) -> Floats:
    """(n, 4) of those with something to open: `Moved` after the first video of the first step
    with one, and whether its concept is no step any more after all videos of that step."""
    found = []
    for pair in track(pairs, f"{options.planner}, after its first step"):
        plan = bench.planner.plan(*pair, options)
        before = bench.outline(plan)
        if before.first_to_do is None:
            continue
        videos = [
            (str(each.video_id), each.course_id)
            for each in of.to_open(plan.steps[before.first_to_do])
        ]
        moved = []
        for watched in (videos[:1], videos):
            again = bench.planner.plan(*pair, options, bench.after(pair, watched))
            moved.append(of.moved(before, bench.outline(again)))
        one, whole = moved
        assert one is not None
        assert whole is not None
        found.append([one.video_gone, one.concept_gone, one.leads_no_more, whole.concept_gone])
    return np.array(found, dtype=float)


def prefixes(bench: Bench, pairs: Sequence[Pair], options: PlanOptions) -> tuple[Floats, Floats]:
    """(n, PREFIXES - 1, 2) whether plans of 1, 2, ... begin the next longer one, by concepts and by
    videos; (n, 2) whether that of 1 begins the longest."""
    steps, ends = [], []
    for pair in track(pairs, f"{options.planner}, of growing length"):
        plans = [
            bench.outline(bench.planner.plan(*pair, replace(options, length=length)))
            for length in range(1, PREFIXES + 1)
        ]
        pairwise = zip(plans[1:], plans[:-1], strict=True)
        steps.append([of.begins_with(longer, shorter) for longer, shorter in pairwise])
        ends.append(of.begins_with(plans[-1], plans[0]))
    return np.array(steps, dtype=float), np.array(ends, dtype=float)


def bounds(bench: Bench, pairs: Sequence[Pair], options: PlanOptions) -> Floats:
    """(n, 2) degree and bound of the plans that have both."""
    found = []
    for pair in track(pairs, f"{options.planner}, against its bound"):
        shape = bench.outline(bench.planner.plan(*pair, options))
        known, asked = bench.known(bench.after(pair, ())), bench.asked(pair[1])
        most = degree.degree_bound(shape.concepts.size, bench.ground, known, asked)
        found.append([degree.sequence_degree(shape, bench.ground), most])
    both = np.array(found)
    return both[~np.isnan(both).any(axis=1)]


def kept(bench: Bench, other: Planner, pairs: Sequence[Pair], options: PlanOptions) -> float:
    """Share of steps that another planner's plans hold too."""
    same = steps = 0
    for pair in track(pairs, f"{options.planner}, another seed"):
        ours, theirs = (bench.outline(p.plan(*pair, options)) for p in (bench.planner, other))
        same += of.steps_kept(ours, theirs)
        steps += ours.concepts.size
    return same / max(steps, 1)


@dataclass(frozen=True)
class Views:
    """Learners before their last views: what they opened, what the order names, who they were."""

    bench: Bench
    pairs: list[Pair]
    video: list[int]
    following: list[int]
    current: list[CurrentLearner]


def before_last_views(bench: Bench) -> Views:
    """The state before the last view of each learner with one; slip, guess, prior and similarity
    stay as they were fitted, last views included."""
    planner = bench.planner
    planned = np.isin(planner.records.course_ids, list(bench.courses_with_concepts))
    held = nextview.last_views(planner.records, planned)
    records = held.records
    diagnosis = replace(planner.diagnosis, of_records=False)  # so that rows are inferred anew
    before = Planner(
        planner.graph, records, diagnosis, planner.similarity, planner.model_version, before=planner
    )
    live, pairs, current = LiveModel(records, diagnosis), [], []
    for learner, course in track(
        list(zip(held.learner, held.course, strict=True)), "before the last views"
    ):
        pair = str(records.learner_ids[learner]), str(records.course_ids[course])
        enrolled = Evidence(courses=frozenset(pair[1:]), enrolled=frozenset(pair[1:]))
        pairs.append(pair)
        current.append(live.current(pair[0], enrolled, Wishes()).learner)
    return Views(Bench(before), pairs, held.video.tolist(), held.following.tolist(), current)


def places(views: Views, options: PlanOptions) -> Floats:
    """(L,) the place of each last view among the plan's videos, from 1; 0 where it is not there."""
    planned = track(
        list(zip(views.pairs, views.current, views.video, strict=True)),
        f"{options.planner}, next views",
    )
    plan, outline = views.bench.planner.plan, views.bench.outline
    return np.array(
        [of.place_of(video, outline(plan(*pair, options, now))) for pair, now, video in planned]
    )


def share(value: float) -> str:
    """A share as a table has it.

    >>> share(0.5), share(0.0312)
    ('50 %', '3.1 %')
    """
    return f"{100 * value:.1f} %" if value < 0.1 and value > 0 else f"{100 * value:.0f} %"


def points(value: float) -> str:
    """A number below one as a table has it."""
    return f"{value:.3f}"


def told(rows: dict[str, Floats]) -> Iterator[tuple[str, float, str]]:
    """Figure, value and text, from figures of single plans."""
    steps = rows["steps"].sum()
    of_steps = {
        "steps without anything to open": "nothing to open",
        "steps outside the course": "outside",
        "steps outside the course that lead nowhere in it": "nowhere",
        "steps outside the course, mastered already": "outside and mastered",
        "steps mastered already": "mastered",
        "steps with a mastery of .5 or more, in doubt or not": "not lacking",
        "steps whose mastery is in doubt": "in doubt",
        "steps with a strict prerequisite later in the plan": "later",
        "steps with a lacking strict prerequisite later in the plan": "lacking later",
        "steps with a lacking, taught strict prerequisite not earlier": "not earlier",
    }
    yield "steps a plan", steps / rows["steps"].size, f"{steps / rows['steps'].size:.2f}"
    for figure, name in of_steps.items():
        yield figure, rows[name].sum() / steps, share(rows[name].sum() / steps)
    for name, what in (("lacking later", "later"), ("not earlier", "not earlier, taught")):
        late = np.mean(rows[name] > 0)
        yield f"plans with a lacking strict prerequisite {what}", late, share(late)
    minutes = rows["minutes"].sum()
    per_minute = rows["gain"].sum() / minutes
    yield "expected mastery gained a minute, all minutes alike", per_minute, points(per_minute)
    worth = rows["minutes"] > 0
    by_plan = float(np.mean(rows["gain"][worth] / rows["minutes"][worth]))
    yield "expected mastery gained a minute, all plans alike", by_plan, points(by_plan)
    yield "minutes a plan", minutes / rows["minutes"].size, f"{minutes / rows['minutes'].size:.0f}"
    covered = float(np.nanmean(rows["coverage"]))
    yield "coverage of what the course needs, all plans alike", covered, points(covered)
    covered = np.nansum(rows["coverage"] * rows["needed"]) / rows["needed"].sum()
    yield "coverage of what the course needs, all concepts alike", covered, points(covered)
    degrees = float(np.nanmean(rows["degree"]))
    yield "sequence degree", degrees, points(degrees)
    for q in (50, 99):
        spent = float(np.percentile(rows["milliseconds"], q))
        yield f"CPU time of a plan, p{q}", spent, f"{spent:.2f} ms"


def figures(
    bench: Bench, pairs: list[Pair], options: PlanOptions, other: Planner | None, views: Views
) -> Iterator[tuple[str, float, str]]:
    """All figures of one planner: what it is, its value, its text."""
    yield from told(one_by_one(bench, pairs, options))
    gone = after_the_first(bench, pairs, options).mean(axis=0)
    names = (
        "first video gone after it was watched",
        "its concept gone then",
        "another concept first then",
        "its concept gone after all that the step names",
    )
    for name, value in zip(names, gone.tolist(), strict=True):
        yield name, value, share(value)
    steps, ends = prefixes(bench, pairs, options)
    for k, what in enumerate(("concepts", "videos")):
        value = steps[..., k].mean()
        yield f"plan of n begins plan of n + 1, n < {PREFIXES}, {what}", value, share(value)
        value = ends[:, k].mean()
        yield f"plan of 1 begins plan of {PREFIXES}, {what}", value, share(value)
    both = bounds(bench, pairs[:BOUNDS], options)
    value = both[:, 0].sum() / both[:, 1].sum()
    yield (
        f"sequence degree as a share of its bound, {len(both)} plans",
        value,
        f"{value:.2f} ({both[:, 0].mean():.3f} of {both[:, 1].mean():.3f})",
    )
    at = places(views, options)
    for first in (1, 5):
        value = float(np.mean((at > 0) & (at <= first)))
        yield f"next view among the plan's first {first}, {at.size:,} learners", value, share(value)
    if other is not None:
        value = kept(bench, other, pairs, options)
        yield "steps that stay with another seed", value, share(value)


def with_similarity_of(home: Path, planner: Planner) -> Planner:
    """The planner with the similarity in use in another home."""
    similarity = open_similarity(ArtifactStore(home / "artifacts").current("similarity"))
    return Planner(
        planner.graph, planner.records, planner.diagnosis, similarity, planner.model_version
    )


def main() -> None:
    """Measure, and print or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--planner", action="append", help="by name; several times")
    parser.add_argument("--length", type=int, default=10, help="of the plans")
    parser.add_argument("--sample", type=int, help="enrolments to draw; all where not given")
    parser.add_argument("--seed", type=int, default=0, help="draws the enrolments")
    parser.add_argument("--other-seed", type=Path, help="home of another similarity")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write", action="store_true", help="write docs/measured.md")
    given = parser.parse_args()
    bench = Bench(open_planner(read_settings()))
    views = before_last_views(bench)
    pairs = bench.pairs()
    everything = len(pairs)
    drawn = np.random.default_rng(given.seed).permutation(everything)[: given.sample]
    pairs = [pairs[k] for k in drawn]
    other = (
        None if given.other_seed is None else with_similarity_of(given.other_seed, bench.planner)
    )
    columns = {
        name: list(
            figures(bench, pairs, PlanOptions(length=given.length, planner=name), other, views)
        )
        for name in given.planner or ["kg-plppm"]
    }
    following = float(np.mean(np.array(views.following) == np.array(views.video)))
    if given.json:
        print(json.dumps({name: {k: v for k, v, _ in rows} for name, rows in columns.items()}))
        return
    table = [
        f"`make plan-figures`, {date.today()}, {len(pairs):,} of {everything:,} enrolments, plans"
        f" of length {given.length}, {os.cpu_count()} cores; the course's next video is the next"
        f" view of {share(following)}:\n",
        f"| | {' | '.join(columns)} |",
        f"|---|{'---|' * len(columns)}",
        *(
            f"| {same[0][0]} | {' | '.join(text for _, _, text in same)} |"
            for same in zip(*columns.values(), strict=True)
        ),
    ]
    if given.write:
        write_figures("plan-figures", table)
    print("\n".join(table))


if __name__ == "__main__":
    main()
