"""What do plans look like, over all enrolments? Planners side by side, for the model in use.

    python tests/bench/plans.py [--planner NAME ...] [--sample N --seed S] [--few N]
        [--other-seed HOME] [--json | --write]

One row for each figure, as `kgplan.evaluation.plans`, `degree` and `nextview` define it. Figures
that take several plans of a learner are of the first `--few` enrolments. `--other-seed` is a home
for an embedding that is trained with other seeds, where there is none yet. `--write` puts the table
into docs/measured.md (`make plan-figures`).
"""

import argparse
import json
import shutil
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
from scipy import sparse

from kgplan.arrays import Array, Floats, positions
from kgplan.data.events import Event, Evidence
from kgplan.data.wishes import Wishes
from kgplan.evaluation import degree, nextview
from kgplan.evaluation import plans as of
from kgplan.model.opening import open_planner, open_similarity
from kgplan.planning import CurrentLearner, Plan, Planner, PlanOptions
from kgplan.planning.live import LiveModel, LiveState
from kgplan.python.model import open_model
from kgplan.settings import Settings, read_settings
from kgplan.store.artifacts import ArtifactStore

LENGTH, SHORT = 10, 6
BOUNDS = 400  # enrolments whose sequence degree is held to its bound, half a second each
FIRST = (1, 5)  # videos of a plan, among which the next view may be
TRIED = 3  # videos on a concept, opened before
OTHER_SEEDS = {"model.seed": 1001, "training.seed": 1002}

SHARE = "{:.1%}"
Pair = tuple[str, str]


@dataclass(frozen=True)
class Figure:
    """What it is of, its value, and how that is written."""

    about: str
    value: float
    form: str

    @property
    def text(self) -> str:
        """The value as a table has it."""
        return self.form.format(self.value)


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
    def _opened(self) -> sparse.csr_array:
        viewed = self.planner.records.viewed > 0
        return viewed.astype(np.int64) @ self.ground.covers.astype(np.int64)

    def tried(self, learner_id: str) -> Array:
        """(K,) True where the learner opened several videos on the concept."""
        row = self._opened[[self.planner.records.learners.find(learner_id)]]
        return row.toarray()[0] >= TRIED

    def near(self, asked: Array) -> Array:
        """(K,) True for concepts of the field that most of a course's concepts are of."""
        fields = self.planner.graph.concept_fields
        names, counts = np.unique(fields[asked], return_counts=True)
        return fields == names[counts.argmax()]

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
        return of.outline(plan, self.planner.graph.concepts, self.planner.records.items)

    def asked(self, course_id: str) -> Array:
        graph = self.planner.graph
        row = graph.course_concepts[[graph.courses.find(course_id)]]
        return row.toarray()[0].astype(bool)

    def after(self, pair: Pair, watched: Sequence[tuple[str, str]]) -> CurrentLearner:
        """The learner, these videos watched in full, each in its course, as the service has it."""
        return self._state(pair, watched).learner

    def moved_by(self, pair: Pair, watched: Sequence[tuple[str, str]]) -> CurrentLearner:
        """The same where all else that is observed weighs what it did before, as in `moves`."""
        state = self._state(pair, watched)
        before, after, live = state.fitted, state.posterior, self.live._live
        if before is None or after is None or live is None:
            return state.learner
        weights, at = after.weights.copy(), positions(before.videos, after.videos)
        same = at >= 0
        same[same] = before.shares[at[same]] == after.shares[same]
        weights[same] = before.weights[at[same]]
        held = live.infer(after.videos, after.shares, weights)
        apart = live.not_told_apart(held)
        return replace(
            state.learner, concepts=held.concepts, mastery=held.mastery, not_told_apart=apart
        )

    def _state(self, pair: Pair, watched: Sequence[tuple[str, str]]) -> LiveState:
        events = [
            Event(f"{k}", pair[0], time.time(), item_id=video, course_id=course, share=1.0)
            for k, (video, course) in enumerate(watched)
        ]
        return self.live.current(pair[0], self.live.evidence(events), Wishes())

    def known(self, current: CurrentLearner) -> of.Known:
        return of.known_of(current, self._at, self.planner.derived.prior)


def opened(plan: Plan) -> list[tuple[str, str]]:
    """Videos that a plan says to open, each with its course."""
    return [(str(each.item_id), each.course_id) for step in of.to_open(plan) for each in step]


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
        lacking, near = known.lacking(), bench.near(asked)
        could = lacking & ground.taught
        outside = of.outside(shape, asked)
        mastered = of.mastered_already(shape, known)
        row = {
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
            "not met": of.prerequisite_not_met(shape, ground, could).sum(),
            "near, not met": of.prerequisite_not_met(shape, ground, could & near).sum(),
            "untried, not met": of.prerequisite_not_met(
                shape, ground, could & near & ~bench.tried(pair[0])
            ).sum(),
            "minutes": of.minutes_of(shape, ground),
            "gain": of.gain(known, bench.known(bench.moved_by(pair, opened(plan))), asked),
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
        step = of.to_open(plan)[before.first_to_do]
        videos = [(str(each.item_id), each.course_id) for each in step]
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
    """(n, LENGTH - 1, 2) whether plans of 1, 2, ... begin the next longer one, by concepts and by
    videos; (n, 2) whether that of 1 begins the longest."""
    steps, ends = [], []
    for pair in track(pairs, f"{options.planner}, of growing length"):
        plans = [
            bench.outline(bench.planner.plan(*pair, replace(options, length=length)))
            for length in range(1, LENGTH + 1)
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
    """Learners before their last views: who, what they opened, how far ahead, what they held."""

    bench: Bench
    pairs: list[Pair]
    video: list[int]
    ahead: Array
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
    return Views(Bench(before), pairs, held.video.tolist(), held.ahead, current)


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


def told(rows: dict[str, Floats]) -> Iterator[Figure]:
    """What single plans are like, taken together."""
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
        "steps with a lacking, taught strict prerequisite that is not met": "not met",
        "the same, of the course's field": "near, not met",
        f"the same, less than {TRIED} videos on it opened": "untried, not met",
    }
    yield Figure("plans without a step", np.mean(rows["steps"] == 0), SHARE)
    yield Figure("steps a plan", rows["steps"].mean(), "{:.2f}")
    for about, name in of_steps.items():
        yield Figure(about, rows[name].sum() / steps, SHARE)
    for name, what in (("lacking later", "later"), ("not met", "not met, taught")):
        some = np.mean(rows[name] > 0)
        yield Figure(f"plans with a lacking strict prerequisite {what}", some, SHARE)
    yield from worth(rows)
    yield Figure("sequence degree", np.nanmean(rows["degree"]), "{:.3f}")
    for q in (50, 99):
        spent = np.percentile(rows["milliseconds"], q)
        yield Figure(f"CPU time of a plan, p{q}", spent, "{:.2f} ms")


def worth(rows: dict[str, Floats]) -> Iterator[Figure]:
    """What plans give for their minutes."""
    minutes, some = rows["minutes"], rows["minutes"] > 0
    yield Figure("minutes a plan", minutes.mean(), "{:.0f}")
    gained = "expected mastery gained a minute"
    yield Figure(f"{gained}, all minutes alike", rows["gain"].sum() / minutes.sum(), "{:.3f}")
    by_plan = np.mean(rows["gain"][some] / minutes[some])
    yield Figure(f"{gained}, all plans alike", by_plan, "{:.3f}")
    covered = "coverage of what the course needs"
    by_concept = np.nansum(rows["coverage"] * rows["needed"]) / rows["needed"].sum()
    yield Figure(f"{covered}, all concepts alike", by_concept, "{:.3f}")
    yield Figure(f"{covered}, all plans alike", np.nanmean(rows["coverage"]), "{:.3f}")


def figures(
    bench: Bench,
    pairs: list[Pair],
    few: list[Pair],
    options: PlanOptions,
    other: Planner | None,
    views: Views,
) -> Iterator[Figure]:
    """All figures of one planner."""
    yield from told(one_by_one(bench, pairs, options))
    for each in worth(one_by_one(bench, few, replace(options, length=SHORT))):
        yield replace(each, about=f"length {SHORT}: {each.about}")
    gone = after_the_first(bench, few, options).mean(axis=0)
    after = (
        "first video gone after it was watched",
        "its concept gone then",
        "another concept first then",
        "its concept gone after all that the step names",
    )
    yield from (Figure(about, value, SHARE) for about, value in zip(after, gone, strict=True))
    steps, ends = prefixes(bench, few, options)
    for k, what in enumerate(("concepts", "videos")):
        about = f"plan of n begins plan of n + 1, n < {LENGTH}, {what}"
        yield Figure(about, steps[..., k].mean(), SHARE)
        yield Figure(f"plan of 1 begins plan of {LENGTH}, {what}", ends[:, k].mean(), SHARE)
    degrees, most = bounds(bench, few[:BOUNDS], options).mean(axis=0)
    about = f"sequence degree as a share of its bound, {len(few[:BOUNDS])} enrolments"
    yield Figure(about, degrees / most, f"{{:.2f}} ({degrees:.3f} of {most:.3f})")
    at = places(views, options)
    for first in FIRST:
        found = np.mean((at > 0) & (at <= first))
        yield Figure(f"next view among the plan's first {first}", found, SHARE)
    if other is not None:
        about = "steps that stay with another seed"
        yield Figure(about, kept(bench, other, few, options), SHARE)


def with_other_seeds(home: Path, settings: Settings, planner: Planner) -> Planner:
    """The planner with the similarity of another home, which is made where there is none."""
    if not (home / "artifacts").is_dir():
        shutil.copytree(settings.artifacts, home / "artifacts")
        with open_model(home, graph=settings.graph_url) as model:
            model.refit(stages=("embed", "similarity"), embed=OTHER_SEEDS)
    similarity = open_similarity(ArtifactStore(home / "artifacts").current("similarity"))
    return Planner(
        planner.graph, planner.records, planner.diagnosis, similarity, planner.model_version
    )


def main() -> None:
    """Measure, and print or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--planner", action="append", help="by name; several times; both of ours if not given"
    )
    parser.add_argument("--sample", type=int, help="enrolments to draw; all where not given")
    parser.add_argument("--seed", type=int, default=0, help="draws the enrolments")
    parser.add_argument("--few", type=int, help="of them, for what takes many plans")
    parser.add_argument("--other-seed", type=Path, help="home of vectors by other seeds")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write", action="store_true", help="write docs/measured.md")
    given = parser.parse_args()
    settings = read_settings()
    bench = Bench(open_planner(settings))
    other = given.other_seed and with_other_seeds(given.other_seed, settings, bench.planner)
    everything = bench.pairs()
    drawn = np.random.default_rng(given.seed).permutation(len(everything))[: given.sample]
    pairs = [everything[k] for k in drawn]
    few = pairs[: given.few]
    views = before_last_views(bench)
    columns = {}
    for name in given.planner or ["kg-plppm", "gain"]:
        options = PlanOptions(length=LENGTH, planner=name)
        columns[name] = list(figures(bench, pairs, few, options, other, views))
    if given.json:
        told = {name: {each.about: each.value for each in of} for name, of in columns.items()}
        print(json.dumps(told))
        return
    next_ones = [np.mean((views.ahead > 0) & (views.ahead <= first)) for first in FIRST]
    table = [
        f"`make plan-figures`, {date.today()}: {len(pairs):,} of {len(everything):,} enrolments,"
        f' {len(few):,} from "length {SHORT}" on; plans of length {LENGTH}. The next views are'
        f" those of {len(views.video):,} learners; {' / '.join(map(SHARE.format, next_ones))} of"
        f" them are among the course's next {' / '.join(map(str, FIRST))} after the one before.\n",
        f"| | {' | '.join(columns)} |",
        f"|---|{'---|' * len(columns)}",
        *(
            f"| {same[0].about} | {' | '.join(each.text for each in same)} |"
            for same in zip(*columns.values(), strict=True)
        ),
    ]
    if given.write:
        write_figures("plan-figures", table)
    print("\n".join(table))


if __name__ == "__main__":
    main()
