"""Which simulators are there, made from what is at hand, and who teaches their learners best?

A simulator is made for a seed from a `Material`: the graph and the records in use, or files of
answers. Those of other packages are found by the entry point group `kgplan.simulators`.
Sizes: K concepts, V videos of a course, S sequences of views.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ids, Ints, positions
from kgplan.data.records import LearnerRecords, learned_concepts
from kgplan.diagnosis.aging import AgingConfig
from kgplan.errors import ConfigError, InputError, UnknownCourse
from kgplan.evaluation.papers.kg_plppm import open_session
from kgplan.evaluation.papers.paper import experiment_of
from kgplan.evaluation.papers.study import Study
from kgplan.evaluation.shapes import SHAPES
from kgplan.evaluation.simulators.comparison import AGAINST, Interval, Result, World, area
from kgplan.evaluation.simulators.kes import Fitted, Kes, KesConfig, fit_held_out
from kgplan.evaluation.simulators.kss import Kss, KssConfig, ten_concepts
from kgplan.evaluation.simulators.mooc import (
    Mooc,
    MoocConfig,
    course_platform,
    fit_views,
    halves,
    view_likelihood,
    views_of,
)
from kgplan.evaluation.simulators.protocol import Simulator
from kgplan.evaluation.simulators.vdina import Vdina, VdinaConfig, halves_of
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.model.opening import open_records, open_snapshot
from kgplan.pipeline.given_graph import GivenGraph, given_graph
from kgplan.pipeline.paper import opened
from kgplan.pipeline.responses import read_responses
from kgplan.progress import Progress, silent
from kgplan.registry import named, registered
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore
from kgplan.store.configs import changed

GROUP = "kgplan.simulators"
ASSUMED_LEARN = 0.1
"""P(not held turns held) at an answer, where answers have no order that would tell."""
ANSWERS_IN_ORDER = AgingConfig(n_classes=5, iteration_limit=60, half_life=np.inf, fit_forget=False)
"""Records keep the order of answers, not their times, so that nothing is forgotten."""
ANSWERS_AS_SET = AgingConfig(
    n_classes=5, iteration_limit=60, learn_start=0, fit_learn=False, half_life=np.inf,
    fit_forget=False,
)  # fmt: skip
DRAWN_BY = 11  # beside a seed, for what a simulator draws of itself


@dataclass
class Material:
    """What simulators are made from; each part is opened when first asked for.

    Attributes:
        settings: where the model in use is.
        course_id: of the course that learners take; None where no simulator needs one.
        responses, q_matrix: files as for `kgplan diagnose fit`; None: the answers of the records.
        graph_of, graph_seed: as for `given_graph`; None where no simulator needs one.
        progress: told while a model is fitted.
        told: what fitting found, a sentence each.
    """

    settings: Settings
    course_id: str | None = None
    responses: Path | None = None
    q_matrix: Path | None = None
    graph_of: str | None = None
    graph_seed: int = 0
    progress: Progress = silent
    told: list[str] = field(default_factory=list)

    @cached_property
    def graph(self) -> GraphSnapshot:
        """The graph in use."""
        return open_snapshot(self.settings)

    @cached_property
    def records(self) -> LearnerRecords:
        """The records in use."""
        return open_records(ArtifactStore(self.settings.artifacts))[0]

    @cached_property
    def course(self) -> "Course":
        """The course named.

        Raises:
            InputError: none is named, or it has no video on a concept.
            UnknownCourse: there is no such course.
        """
        if self.course_id is None:
            raise InputError(
                "no course is named; give one with --course, as listed by `kgplan courses`"
            )
        return course_of(self.graph, self.records, self.course_id)

    @cached_property
    def given(self) -> GivenGraph:
        """The graph named.

        Raises:
            InputError, SourceError: none is named; as `given_graph`.
        """
        if self.graph_of is None:
            raise InputError(
                f"no graph is named; give files, or one of {', '.join(SHAPES)}, with --graph"
            )
        return given_graph(self.graph_of, self.graph_seed)

    @cached_property
    def study(self) -> Study:
        """The model in use, with V-DINA as published in place of its diagnosis.

        Raises:
            ArtifactMissing, ArtifactDamaged, GraphUnavailable: as `run_paper`.
        """
        experiment = experiment_of("kg-plppm")
        data, _, _ = opened(self.settings, experiment, open_session, self.progress)
        return data().study

    @cached_property
    def fitted(self) -> tuple[Fitted, Ids, Ints, float | None]:
        """A model of answers, its concepts, answers to each item, and what has to be assumed of
        learning; None where it was fitted.

        Raises:
            InputError: there are no answers.
        """
        if (self.responses is None) != (self.q_matrix is None):
            raise InputError("--responses and --q-matrix go together; give both or neither")
        rng = np.random.default_rng(DRAWN_BY)
        learn: float | None = ASSUMED_LEARN
        config = ANSWERS_AS_SET
        if self.responses is not None and self.q_matrix is not None:
            data = read_responses(self.responses, self.q_matrix)
            scores, q, names = data.scores.tocoo(), data.q_matrix, data.concept_ids
            day = np.zeros(scores.nnz)
        else:
            records = self.records
            if records.answered is None or not records.answered.nnz:
                raise InputError(
                    "the records in use hold no answers; give files with --responses and --q-matrix"
                )
            scores, names = records.answered.tocoo(), records.concept_ids
            q, day = sparse.csr_matrix(records.q_matrix), np.zeros(scores.nnz)
            if records.answered_order is not None:
                day, config, learn = records.answered_order.astype(float), ANSWERS_IN_ORDER, None
        use = np.diff(q.indptr)[scores.col] > 0  # the others speak of no concept
        answers = scores.row[use], scores.col[use], scores.data[use], day[use]
        fitted = fit_held_out(*answers, q, rng, config=config, progress=self.progress)
        count = np.bincount(answers[1], minlength=q.shape[0])
        self.told.append(
            f"kes: fitted to the answers of {fitted.learners:,} learners; {fitted.answers:,} of"
            f" {fitted.held_out:,} others have a mean log-likelihood of {fitted.log_likelihood:.4f}"
            f" nats, {fitted.base:.4f} by each item's share of right answers"
        )
        if learn is not None:
            self.told.append(
                "kes: the answers have no order, from which learning could be told; an answer is"
                f" assumed to teach with probability {learn} (--set learn=...)"
            )
        return fitted, names, count, learn


@dataclass(frozen=True)
class Course:
    """One course of the graph.

    Attributes:
        names: (K,) of its concepts.
        prerequisites: (K, K) between them.
        items: (V,) positions in the records of its videos that cover a concept, in its order.
        covers: (V, K) which of its concepts each covers.
        popularity: (K,) share of all learners who learned each.
    """

    names: Ids
    prerequisites: sparse.csr_array
    items: Ints
    covers: Array
    popularity: Floats


def course_of(graph: GraphSnapshot, records: LearnerRecords, course_id: str) -> Course:
    """A course with its concepts, those that its videos cover first.

    Raises:
        UnknownCourse: the graph has no such course.
        InputError: it has fewer than two concepts.
    """
    at = graph.courses.place(course_id, UnknownCourse)
    row = slice(*graph.course_concepts.indptr[at : at + 2].tolist())
    concepts = graph.course_concepts.indices[row]
    if concepts.size < 2:
        raise InputError(
            f"course {course_id} has {concepts.size} concepts; take one with at least 2"
        )
    shown = records.courses.find(course_id)
    items = np.zeros(0, np.int64)
    if shown >= 0:
        stored = slice(*records.course_items.indptr[shown : shown + 2].tolist())
        items = records.course_items.indices[stored]
        items = items[np.argsort(records.course_items.data[stored], kind="stable")]
    here = positions(records.concept_ids, graph.concept_ids[concepts])
    padded = sparse.hstack([records.q_matrix, sparse.csr_array((records.item_ids.size, 1))])
    covers = padded.tocsr()[items][:, here].toarray() > 0  # -1 is the column of nothing
    some = covers.any(axis=1)
    counts = np.append(learned_concepts(records).matrix.sum(axis=0), 0)[here]
    return Course(
        graph.concept_names[concepts],
        sparse.csr_array(graph.prerequisites[concepts][:, concepts]),
        items[some],
        covers[some],
        counts / max(records.learner_ids.size, 1),
    )


@dataclass(frozen=True)
class NamedSimulator:
    """A simulator as callers ask for it.

    Attributes:
        name: as callers give it.
        about: half a sentence on its learners.
        config: its settings, the default ones.
        make: makes it from material and settings for a seed.
    """

    name: str
    about: str
    config: Any
    make: Callable[[Material, Any, int], Simulator]


def _kss(material: Material, config: KssConfig, seed: int) -> Simulator:
    return ten_concepts(config, np.random.default_rng([seed, DRAWN_BY]))


def _kss_course(material: Material, config: KssConfig, seed: int) -> Simulator:
    course = material.course
    platform = course_platform(course.names, course.prerequisites, course.covers, course.popularity)
    rng = np.random.default_rng([seed, DRAWN_BY])
    return Kss(course.prerequisites, platform.order, config, rng, course.names, course.popularity)


def _kss_graph(material: Material, config: KssConfig, seed: int) -> Simulator:
    given, rng = material.given, np.random.default_rng([seed, DRAWN_BY])
    return Kss(given.prerequisites, given.order, config, rng, given.names)


def _kes(material: Material, config: KesConfig, seed: int) -> Simulator:
    fitted, names, answers, learn = material.fitted
    if config.learn is None and learn is not None:
        config = changed(config, {"learn": learn})
    return Kes(fitted.model, names, answers, config)


def _mooc(material: Material, config: MoocConfig, seed: int) -> Simulator:
    course, records = material.course, material.records
    if not course.items.size or records.viewed_order is None:
        raise InputError(
            f"course {material.course_id} has no videos on concepts, or the order of views is not"
            " known; take a course that `kgplan courses` lists with videos"
        )
    tuning, test = halves(views_of(records.viewed, records.viewed_order, course.items))
    model = fit_views(tuning, course.items.size)
    said, plain = view_likelihood(model, test, course.items.size)
    told = (
        f"mooc: fitted to the views of {tuning.starts.size - 1:,} learners of the course; those of"
        f" {test.starts.size - 1:,} others have a mean log-likelihood of {said:.3f} nats a view,"
        f" {plain:.3f} by any video next and one rate of leaving"
    )
    if told not in material.told:
        material.told.append(told)
    platform = course_platform(course.names, course.prerequisites, course.covers, course.popularity)
    return Mooc(model, tuning, test, course.covers, platform, config)


def _vdina(material: Material, config: VdinaConfig, seed: int) -> Simulator:
    course, study = material.course, material.study
    at = study.records.courses.find(material.course_id or "")
    if at < 0 or not course.items.size:
        raise InputError(
            f"course {material.course_id} has no videos on concepts; take a course that"
            " `kgplan courses` lists with videos"
        )
    tuning, test = halves_of(study, at, config)
    platform = course_platform(course.names, course.prerequisites, course.covers, course.popularity)
    told = (
        f"vdina: {len(test):,} learners of the course, {len(tuning):,} others to tune on; after"
        f" {config.percent:g} % of their concepts the rest takes"
        f" {np.mean([each.minutes for each in test]):.0f} minutes in the mean"
    )
    if told not in material.told:
        material.told.append(told)
    return Vdina(study, at, tuning, test, platform)


def simulators() -> Mapping[str, NamedSimulator]:
    """Every simulator by its name: ours, then those of other packages.

    Raises:
        ConfigError: one cannot be loaded, or two have one name.
    """
    ours = [
        NamedSimulator("kss", "grow along ten made-up concepts", KssConfig(), _kss),
        NamedSimulator(
            "kss-course", "grow along a real course's prerequisites", KssConfig(), _kss_course
        ),
        NamedSimulator("kss-graph", "grow along the graph of --graph", KssConfig(), _kss_graph),
        NamedSimulator("kes", "answer as a model of real answers says", KesConfig(), _kes),
        NamedSimulator("vdina", "hold what V-DINA infers, as in KG-PLPPM", VdinaConfig(), _vdina),
        NamedSimulator("mooc", "go through a course as real learners did", MoocConfig(), _mooc),
    ]
    return registered("simulator", GROUP, NamedSimulator, ours)


def simulator_named(name: str) -> NamedSimulator:
    """The simulator of a name.

    Raises:
        ConfigError: there is none.
    """
    return named("simulator", name, simulators())


def worlds(
    material: Material,
    names: Sequence[str],
    changes: Mapping[str, Any],
    sweep: tuple[str, Sequence[Any]] | None = None,
) -> list[World]:
    """Every simulator in every setting.

    Args:
        material: what they are made from.
        names: of simulators.
        changes: keys of their settings; each simulator takes those that it has.
        sweep: a key, and the values that it has in turn; simulators without it stay as they are.

    Raises:
        ConfigError: there is no such simulator, none has a key, or one refuses a value.
    """
    found, asked = [], [simulator_named(name) for name in names]
    known = {key for each in asked for key in vars(each.config)}
    for key in [*changes, *([sweep[0]] if sweep else [])]:
        if key not in known:
            raise ConfigError(
                f"{' and '.join(names)} have no setting {key!r}; they have"
                f" {', '.join(sorted(known))}"
            )
    for each in asked:
        fixed = {key: value for key, value in changes.items() if key in vars(each.config)}
        swept: list[dict[str, Any]] = [{}]
        if sweep is not None and sweep[0] in vars(each.config):
            swept = [{sweep[0]: value} for value in sweep[1]]
        for own in swept:
            keys = {**fixed, **own}
            config = changed(each.config, keys)
            setting = ", ".join(f"{key} {value}" for key, value in keys.items())
            found.append(World(each.name, setting, partial(each.make, material, config)))
    return found


def areas(results: Sequence[Result], sweep: tuple[str, Sequence[float]]) -> dict[str, float]:
    """Contestant -> area under E_P along a setting, at the most steps, of one simulator.

    Args:
        results: of that simulator.
        sweep: the setting and its values.
    """
    most = max(each.steps for each in results)
    of: dict[str, list[float]] = {}
    for each in results:
        if each.steps == most:
            of.setdefault(each.contestant, []).append(each.effect.mean)
    return {name: area(sweep[1], effects) for name, effects in of.items()}


def markdown(results: Sequence[Result]) -> str:
    """The results as tables, one for each simulator in each setting."""
    parts = []
    for (name, setting), group in groupby(results, lambda each: (each.simulator, each.setting)):
        rows = list(group)
        steps = sorted({each.steps for each in rows})
        heads = [f"{n} steps" for n in steps]
        parts += [
            f"### {name}{f', {setting}' if setting else ''}",
            "",
            f"| | {' | '.join(heads)} | over `{AGAINST}` at {steps[-1]} | learners"
            " | to make, s | to teach, s |",
            f"|---|{'---|' * (len(steps) + 4)}",
        ]
        for contestant in dict.fromkeys(each.contestant for each in rows):
            own = [each for each in rows if each.contestant == contestant]
            last = own[-1]
            cells = [shown(each.effect) for each in own]
            gap = "" if last.gap is None else shown(last.gap, sign=True)
            mark = " (sees the truth)" if last.sees_truth else ""
            making, seconds = (sum(getattr(e, name) for e in own) for name in ("making", "seconds"))
            parts.append(
                f"| {contestant}{mark} | {' | '.join(cells)} | {gap} | {last.learners:,}"
                f" | {making:.1f} | {seconds:.1f} |"
            )
        parts.append("")
    return "\n".join(parts)


def shown(found: Interval, sign: bool = False) -> str:
    """A mean and half of its interval as text.

    >>> shown(Interval(0.5, 0.05)), shown(Interval(-0.104, None), sign=True)
    ('.500 ±.050', '-.104')
    """
    mean = f"{found.mean:{'+' if sign else ''}z.3f}".replace("0.", ".", 1)
    return mean if found.half is None else f"{mean} ±{found.half:.3f}".replace("±0.", "±.")
