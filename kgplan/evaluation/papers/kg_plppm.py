"""What do the tables of KG-PLPPM measure, and what else decides whether a path is worth following?

Hou et al., Electronics 2025, 14(2), 255, section 4. Measures give a value for each enrolment, a
learner with one course, of a sample.
Sizes: N enrolments.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np

from kgplan.arrays import Array, Floats
from kgplan.diagnosis.config import PUBLISHED, DiagnosisConfig, LearnerModelConfig
from kgplan.errors import ConfigError, InputError
from kgplan.evaluation.degree import degree_bound, sequence_degree
from kgplan.evaluation.papers.efficiency import (
    Cut,
    before_and_original,
    cut,
    original_path,
    recommended,
)
from kgplan.evaluation.papers.experiment import Parameters
from kgplan.evaluation.papers.harness import LEARNER, Measure, Values
from kgplan.evaluation.papers.intervals import Ratio, mean_of
from kgplan.evaluation.papers.paths import METHODS, Asked, path_of
from kgplan.evaluation.papers.sources import Sources
from kgplan.evaluation.papers.study import Enrolment, Path, State, Study
from kgplan.evaluation.plans import (
    Outline,
    coverage,
    mastered_already,
    outside,
    prerequisite_later,
    steps_kept,
)
from kgplan.planning.fitting import fit_learners
from kgplan.planning.mastery import LearnerMastery

OF_SAMPLE = frozenset({"enrolments", "sample_seed", "least_concepts"})
OF_PATH = frozenset({"method", "max_pre", "steps", "neighbours", "alpha", "mastered_from", "seed"})


class Session:
    """A study with the enrolments that were drawn from it, each computed once.

    Args:
        study: what the tables read.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self.enrolments: Callable[[int, int, int], list[Enrolment]] = cache(self._enrolments)
        self.states: Callable[[int, int], list[State]] = cache(self._states)
        self.cuts: Callable[..., tuple[list[Cut], Values]] = cache(self._cuts)
        self.bounds: Callable[[int, int, int, float], Floats] = cache(self._bounds)

    def _enrolments(self, most: int, seed: int, least_concepts: int) -> list[Enrolment]:
        """Enrolments in courses with concepts, drawn at random.

        Args:
            most: how many, or all where there are fewer.
            seed: draws them.
            least_concepts: concepts of the original path, at least; 0: whether or not any was met.
        """
        study, enrolled = self.study, self.study.records.enrolled.tocoo()
        pairs = zip(enrolled.row.tolist(), enrolled.col.tolist(), strict=True)
        found = [
            each
            for each in (Enrolment(learner, course) for learner, course in pairs)
            if study.asked(each.course).size
            and (not least_concepts or original_path(study, each).concepts.size >= least_concepts)
        ]
        if not found:
            met = f" and met {least_concepts} of its concepts" if least_concepts else ""
            raise InputError(
                f"no learner is enrolled in a course with concepts{met}, so the table has nobody"
                " to be made from; lower least_concepts, or load records with more views"
            )
        drawn = np.random.default_rng(seed).permutation(len(found))[:most]
        return [found[k] for k in drawn.tolist()]

    def _states(self, most: int, seed: int) -> list[State]:
        """Of each, what the records tell."""
        study = self.study
        drawn = self.enrolments(most, seed, 0)
        return [study.now(each) for each in drawn]

    def _cuts(
        self, most: int, seed: int, least_concepts: int, k: float, own_videos: bool
    ) -> tuple[list[Cut], Values]:
        drawn = self.enrolments(most, seed, least_concepts)
        cuts = [cut(self.study, each, k, own_videos) for each in drawn]
        return cuts, before_and_original(self.study, cuts)

    def _bounds(self, most: int, seed: int, steps: int, theta: float) -> Floats:
        """Of each, above what degree no valid path of so many steps is."""
        study, found = self.study, []
        for state in self.states(most, seed):
            asked = _among(study, state)
            found.append(degree_bound(steps, study.ground, study.judged(state), asked, theta))
        return np.array(found)


def open_session(sources: Sources) -> Session:
    """Fit V-DINA as published to the records, or take up the fit that is kept.

    Raises:
        ConfigError: the experiment's `model` has a setting that V-DINA has not.
    """
    published = DiagnosisConfig.from_dict(sources.model)
    config = LearnerModelConfig(**vars(published), model=PUBLISHED)
    arrays = sources.kept.get(sources.key)
    if arrays is None:
        fitted = fit_learners(sources.records, config, sources.progress, new_videos=False)
        arrays = fitted.mastery.to_arrays()
        sources.kept.put(sources.key, arrays)
    diagnosis = LearnerMastery.from_arrays(arrays, config, of_records=True)
    return Session(Study(sources.graph, sources.records, sources.similarity, diagnosis))


# ---------------------------------------------------------------- Table 1


def degrees(session: Session, parameters: Parameters) -> Values:
    """Eq. (13) of each path, and what it is made of.

    Returns:
        (N,) each: `degree`; `hits`, neighbouring steps that are prerequisite and concept;
        `in_cycles`, those on a cycle of the graph, which put nothing in order; `by_walks`, what
        the degree would be were every step inside a walk a hit and none between walks.
    """
    study, rows = session.study, []
    for state in session.states(parameters["enrolments"], parameters["sample_seed"]):
        path = _path(session, state, parameters)
        pairs = list(pairwise(path.concepts.tolist()))
        hits = [(a, b) for a, b in pairs if a in study.ground.before[b]]
        component = study.ground.component
        inside = [] if path.walks is None else [a == b for a, b in pairwise(path.walks.tolist())]
        rows.append(
            {
                LEARNER: state.of.learner,
                "degree": sequence_degree(_outline(path), study.ground),
                "hits": len(hits),
                "in_cycles": sum(component[a] == component[b] for a, b in hits),
                "by_walks": np.mean(inside) if inside else np.nan,
            }
        )
    return _columns(rows)


def ceilings(session: Session, parameters: Parameters) -> Values:
    """Eq. (13) of paths that have all the steps, and the bound of valid ones (`degree_bound`).

    Returns:
        (N,) each: `degree`, of the path; `ceiling`. NaN where no valid path has two steps, the
        degree also where the method's has fewer than asked for.
    """
    steps = parameters["steps"]
    sample = parameters["enrolments"], parameters["sample_seed"]
    bounds, rows = session.bounds(*sample, steps, parameters["theta"]), []
    for state, bound in zip(session.states(*sample), bounds.tolist(), strict=True):
        path = _path(session, state, parameters)
        counts = path.concepts.size == steps and not np.isnan(bound)
        degree = sequence_degree(_outline(path), session.study.ground) if counts else np.nan
        rows.append({LEARNER: state.of.learner, "degree": degree, "ceiling": bound})
    return _columns(rows)


# ---------------------------------------------------------------- Tables 2 to 4


def efficiencies(session: Session, parameters: Parameters) -> Values:
    """Summed mastery at the cut, along the original path, and along the recommended one."""
    cuts, known = session.cuts(
        *(parameters[name] for name in ("enrolments", "sample_seed", "least_concepts", "k")),
        parameters["own_videos"],
    )
    timeless = parameters.get("timeless", False)
    found = recommended(session.study, cuts, parameters["method"], _asked(parameters), timeless)
    learner = np.array([each.state.of.learner for each in cuts])
    return {LEARNER: learner, **known, **found}


def _efficiency(of: str) -> Callable[[Values], Ratio]:
    """Eqs. (14) to (16) in percent, averaged over enrolments."""

    def figure(values: Values) -> Ratio:
        below = values[f"original{of}"]
        share = np.divide(
            100 * values[f"recommended{of}"], below, out=np.full(below.shape, np.nan),
            where=below > 0,
        )  # fmt: skip
        return mean_of(share)

    return figure


def _gain_ratio(values: Values) -> Ratio:
    """What the recommended path gains over what the original one gains, both summed."""
    state = values["state"]
    return Ratio(values["recommended"] - state, values["original"] - state)


# ---------------------------------------------------------------- what decides beside them


def plans(session: Session, parameters: Parameters) -> Values:
    """What a path of so many steps is like (`evaluation.plans` defines the figures).

    Returns:
        (N,) each, counts of steps but for `any_later`, `coverage`: `steps`; `later`, a strict
        prerequisite follows; `lacking_later`, one below theta does; `raw_later`, any prerequisite
        does, cycles included; `outside`; `from_theta`, with a mastery from theta on; `mastered`,
        those of them where nothing is in doubt; `could_stay`, steps whose concept is not
        covered by the course's next video; `stayed`, those of them that are steps too once that
        video was watched.
    """
    study, rows, theta = session.study, [], parameters["theta"]
    for state in session.states(parameters["enrolments"], parameters["sample_seed"]):
        path = _path(session, state, parameters)
        shape, known = _outline(_opened(study, state, path)), study.judged(state)
        asked = _among(study, state)
        later = prerequisite_later(shape, study.ground, np.ones_like(asked))
        steps = shape.concepts.tolist()
        raw = [bool(study.ground.before[k] & set(steps[at:])) for at, k in enumerate(steps)]
        could, stayed = _stability(session, state, path, parameters)
        rows.append(
            {
                LEARNER: state.of.learner,
                "steps": len(steps),
                "later": later.sum(),
                "lacking_later": prerequisite_later(
                    shape, study.ground, known.lacking(theta)
                ).sum(),
                "raw_later": sum(raw),
                "any_later": later.any() if steps else np.nan,
                "outside": outside(shape, asked).sum(),
                "from_theta": (~known.lacking(theta)[shape.concepts]).sum(),
                "mastered": mastered_already(shape, known, theta).sum(),
                "coverage": coverage(shape, study.ground, known, asked, theta),
                "could_stay": could,
                "stayed": stayed,
            }
        )
    return _columns(rows)


def _stability(
    session: Session, state: State, path: Path, parameters: Parameters
) -> tuple[int, int]:
    """Steps that one more view need not move, and those of them that stay."""
    study, shares = session.study, state.shares.copy()
    unopened = [v for v in study.course_videos(state.of.course).tolist() if not shares[v] > 0]
    if not unopened:
        return 0, 0
    shares[unopened[0]] = 1.0
    seen_at = state.seen_at.copy()
    seen_at[unopened[0]] = seen_at.max(initial=0, where=np.isfinite(seen_at)) + 1
    after = _path(session, study.state(state.of, shares, seen_at), parameters)
    free = path.concepts[~np.isin(path.concepts, study.ground.covers[[unopened[0]]].indices)]
    return free.size, steps_kept(_outline(Path(free)), _outline(after))


def _among(study: Study, state: State) -> Array:
    """(K,) True for the course's concepts."""
    asked = np.zeros(study.graph.concept_ids.size, dtype=bool)
    asked[study.asked(state.of.course)] = True
    return asked


def _opened(study: Study, state: State, path: Path) -> Path:
    """The path with the video that each step is learned by, where it names none."""
    if path.videos is not None:
        return path
    shares, videos = state.shares.copy(), []
    for concept in path.concepts.tolist():
        video = study.least_watched(concept, state.of.course, shares)
        videos.append((video,) if video >= 0 else ())
        if video >= 0:
            shares[video] = 1.0
    return replace(path, videos=videos)


# ---------------------------------------------------------------- all measures


def _path(session: Session, state: State, parameters: Parameters) -> Path:
    return path_of(parameters["method"], session.study, state, _asked(parameters))


def _asked(parameters: Parameters) -> Asked:
    return Asked(
        max_pre=parameters["max_pre"],
        steps=parameters.get("steps"),
        neighbours=parameters["neighbours"],
        alpha=parameters["alpha"],
        theta=parameters.get("mastered_from"),
        seed=parameters["seed"],
    )


def _outline(path: Path) -> Outline:
    videos: Sequence[Sequence[int]] = path.videos or [()] * path.concepts.size
    return Outline(path.concepts, tuple(tuple(each) for each in videos))


def _columns(rows: Sequence[dict[str, float]]) -> Values:
    return {
        name: np.array([row[name] for row in rows], dtype=int if name == LEARNER else float)
        for name in rows[0]
    }


def _read(parameters: Parameters) -> Parameters:
    """Without what the method does not look at, so that equal cells are computed once."""
    method = METHODS.get(parameters["method"])
    if method is None:
        raise ConfigError(
            f"there is no method {parameters['method']!r}; it is one of {', '.join(METHODS)}"
        )
    walks, timed = ("max_pre",), ("mastered_from",)
    skipped = {*(() if method.walks else walks), *(() if method.timed else timed)}
    return {name: value for name, value in parameters.items() if name not in skipped}


def _share(above: str, below: str) -> Callable[[Values], Ratio]:
    return lambda values: Ratio(values[above], values[below])


def _mean(name: str) -> Callable[[Values], Ratio]:
    return lambda values: mean_of(values[name])


MEASURES = {
    "degree": Measure(
        degrees,
        OF_SAMPLE | OF_PATH | {"theta"},
        {
            "degree": _mean("degree"),
            "by walks": _mean("by_walks"),
            "in cycles": _share("in_cycles", "hits"),
        },
        _read,
    ),
    "ceiling": Measure(
        ceilings,
        OF_SAMPLE | OF_PATH | {"theta"},
        {"degree": _mean("degree"), "ceiling": _mean("ceiling")},
        _read,
    ),
    "efficiency": Measure(
        efficiencies,
        OF_SAMPLE | OF_PATH | {"theta", "k", "own_videos", "timeless"},
        {
            "efficiency": _efficiency(""),
            "efficiency, untouched 0": _efficiency("_touched"),
            "gain ratio": _gain_ratio,
            "time used": _mean("used"),
        },
        _read,
    ),
    "plans": Measure(
        plans,
        OF_SAMPLE | OF_PATH | {"theta"},
        {
            "steps": _mean("steps"),
            "later": _share("later", "steps"),
            "lacking later": _share("lacking_later", "steps"),
            "raw later": _share("raw_later", "steps"),
            "plans with one": _mean("any_later"),
            "outside": _share("outside", "steps"),
            "from theta": _share("from_theta", "steps"),
            "mastered": _share("mastered", "steps"),
            "coverage": _mean("coverage"),
            "stay": _share("stayed", "could_stay"),
        },
        _read,
    ),
}
