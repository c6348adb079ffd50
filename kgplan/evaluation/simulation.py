"""Which courses, learners and views could a MOOC platform of any size have, and what is true there?

`plant` draws a world: what courses and videos cover, which concept comes before which, who enrols,
and the truth that a diagnosis looks for. `watch` lets some of its learners watch, by V-DINA's own
generative model (kg-plppm eq. 9-10), so that memory is bounded by the learners taken at once.
Sizes: U learners, V videos, K concepts, C courses, E enrolments.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import expit

from kgplan.arrays import Array, Floats, Ints
from kgplan.errors import ConfigError
from kgplan.progress import Progress, silent

FIRST_DAY = 1_420_070_400  # 2015-01-01 in seconds since 1970, as MOOCCube's first runs
LAST_DAY = 1_577_836_800  # 2020-01-01
_ROUNDS = 30
_CELLS_AT_ONCE = 1 << 24  # learners times concepts


@dataclass(frozen=True)
class SimulationConfig:
    """How large the world is, and how it departs from a clean one; the defaults are the paper's.

    Attributes:
        learners, courses, videos, concepts, fields, schools, teachers: how many there are.
        enrolments: pairs of learner and course; heavy-tailed on both sides.
        views: videos opened, in expectation: the level of all priors is set so.
        course_concepts: pairs of course and concept, those of second runs not counted.
        concepts_per_video: mean of 1 + Poisson.
        prerequisites: pairs, the wrong ones included.
        wrong_prerequisites: share of them that point against the order, and so close cycles.
        second_runs: share of courses that show the videos of another course.
        topics: share of concepts that are topics: above others, taught by no video.
        partial: share of views that end early. Their share watched is no draw of eq. (10).
        idle: share of learners who enrol and open nothing, whatever they hold; nor are these.

    Raises:
        ConfigError: a value is out of its range.

    >>> SimulationConfig(partial=2)
    Traceback (most recent call last):
    kgplan.errors.ConfigError: partial is 2; give a number in [0, 1]
    """

    learners: int = 15_921
    courses: int = 706
    videos: int = 38_181
    concepts: int = 10_270
    fields: int = 20
    schools: int = 194
    teachers: int = 1_733
    enrolments: int = 88_220
    views: int = 2_384_681
    course_concepts: int = 126_650
    concepts_per_video: float = 3.6
    prerequisites: int = 17_686
    wrong_prerequisites: float = 0.05
    second_runs: float = 0.1
    topics: float = 0.02
    partial: float = 0.015
    idle: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type is int and value < 1:
                raise ConfigError(f"{field.name} is {value}; give at least 1")
        for name in ("wrong_prerequisites", "partial", "idle"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; give a number in [0, 1]")
        for name in ("second_runs", "topics"):
            if not 0 <= getattr(self, name) <= 0.5:
                raise ConfigError(f"{name} is {getattr(self, name)}; give a number in [0, .5]")
        if not 1 <= self.concepts_per_video <= 30:
            raise ConfigError(f"concepts_per_video is {self.concepts_per_video}; give 1 to 30")
        self._at_least("videos", self.courses, "one for each course")
        self._at_least("fields", 1, "one")
        self._at_least("concepts", 4 * self.fields, "four for each field")
        self._at_least("courses", self.fields, "one for each field")
        self._at_least("course_concepts", self.courses, "one for each course")
        self._at_least("enrolments", self.learners, "one for each learner")
        if self.enrolments > self.learners * self.courses // 2:
            raise ConfigError(
                f"enrolments is {self.enrolments} for {self.learners} learners and {self.courses} "
                f"courses; give {self.learners * self.courses // 2} at most, half of all pairs"
            )

    def _at_least(self, name: str, least: int, reason: str) -> None:
        if getattr(self, name) < least:
            raise ConfigError(f"{name} is {getattr(self, name)}; give at least {least}, {reason}")

    def to_dict(self) -> dict[str, Any]:
        """All settings as plain values."""
        return asdict(self)

    def resized(self, **given: int | float | None) -> "SimulationConfig":
        """Some values changed; what was not given keeps its proportion to what was.

        Enrolments and views go with learners, enrolments with views, videos and pairs of course
        and concept with courses, and prerequisites with concepts.

        >>> SimulationConfig().resized(learners=1_000).views
        149782
        """
        known = {name: value for name, value in given.items() if value is not None}
        size: dict[str, float] = asdict(self) | known

        def follow(name: str, leader: str, share: float = 1.0) -> None:
            if name not in known:
                before = getattr(self, leader)
                size[name] = round(getattr(self, name) * share * size[leader] / before)

        follow("views", "learners")
        follow("enrolments", "views")
        if "enrolments" not in known:
            room = int(size["learners"] * size["courses"]) // 2
            fits = min(max(size["enrolments"], size["learners"]), room)
            if fits < size["enrolments"] and "views" not in known:
                size["views"] = round(size["views"] * fits / size["enrolments"])
            size["enrolments"] = fits
        follow("videos", "courses")
        follow("course_concepts", "courses")
        follow("prerequisites", "concepts")
        size["fields"] = (
            size["fields"]
            if "fields" in known
            else max(1, min(self.fields, int(size["courses"]), int(size["concepts"]) // 4))
        )
        return replace(self, **size)  # type: ignore[arg-type]


_PAPER = SimulationConfig()
PRESETS = {
    "sample": _PAPER.resized(
        learners=1_376, courses=190, videos=15_031, concepts=944, fields=4, teachers=600,
        schools=100, enrolments=6_900, views=97_387, course_concepts=9_000, prerequisites=2_494,
    ),
    "paper": _PAPER,
    "full": _PAPER.resized(
        learners=199_199, concepts=114_563, idle=0.756, enrolments=1_100_000, views=7_300_000,
        course_concepts=300_000, prerequisites=17_686,
    ),
    "10x": _PAPER.resized(
        learners=159_210, courses=7_060, concepts=102_700, fields=40, schools=1_940,
        teachers=17_330,
    ),
}  # fmt: skip
"""Sizes by name: about the real sample's, the paper's, all of MOOCCube's, ten times the paper's."""


@dataclass(frozen=True)
class World:
    """A platform and its truth. A field's concepts stand together, foundations first; topics last.

    Attributes:
        seed: it was drawn with.
        field_of_concept, field_of_course: (K,), (C,).
        topic_of: (T,) for the last T concepts, the concept whose name each topic carries.
        shows: (C,) the course whose videos each course shows: itself, or an earlier run.
        course_concepts: (C, K) 1 where the course has the concept.
        course_items: (C, V) place of the video in the course, from 1.
        q_matrix: (V, K) 1 where the video covers the concept.
        duration: (V,) seconds.
        slip, guess: (V,); prior: (K,) planted.
        before, after, wrong: (P,) prerequisite pairs, and whether a pair is a planted error.
        broader, narrower: (B,) a topic and a concept below it.
        enrolment_start: (U + 1,) where each learner's enrolments begin, in the learner's order.
        enrolment_course, enrolled_at: (E,) the course, and seconds since 1970.
        idle: (U,) True where the learner opens nothing.
        school_of_course: (C,); teacher_courses, school_teachers: (n, 2) pairs.
    """

    seed: int
    field_of_concept: Ints
    field_of_course: Ints
    topic_of: Ints
    shows: Ints
    course_concepts: sparse.csr_array
    course_items: sparse.csr_array
    q_matrix: sparse.csr_array
    duration: Floats
    slip: Floats
    guess: Floats
    prior: Floats
    before: Ints
    after: Ints
    wrong: Array
    broader: Ints
    narrower: Ints
    enrolment_start: Ints
    enrolment_course: Ints
    enrolled_at: Ints
    idle: Array
    school_of_course: Ints
    teacher_courses: Ints
    school_teachers: Ints


def apportion(weights: Floats, total: int, least: int, most: Ints | int) -> Ints:
    """Whole numbers in proportion to weights, within limits, with a given sum.

    Args:
        weights: (N,) above 0.
        total: their sum, as far as the limits allow.
        least, most: limits of each number.

    >>> apportion(np.array([1.0, 2.0, 3.0]), 12, 1, 5)
    array([2, 5, 5])
    """
    most = np.broadcast_to(np.maximum(most, least), weights.shape)
    total = int(np.clip(total, least * weights.size, most.sum()))
    low, high = 0.0, (total + 1) / weights.min()

    def counts(scale: float) -> Ints:
        return np.clip(np.floor(scale * weights), least, most).astype(np.int64)

    for _ in range(200):
        middle = (low + high) / 2
        if counts(middle).sum() <= total:
            low = middle
        else:
            high = middle
    found = counts(low)
    left = total - int(found.sum())
    open_ = np.flatnonzero(found < most)
    found[open_[np.argsort(-(low * weights[open_] - found[open_]), kind="stable")[:left]]] += 1
    return found


def distinct_draws(
    rng: np.random.Generator, wanted: Ints, n_items: Ints, draw: Callable[[Ints], Ints]
) -> tuple[Ints, Ints]:
    """Draw different items for each owner, as many as wanted.

    Args:
        rng: for the last few, drawn uniformly where a popular draw finds nothing new.
        wanted: (N,) items of each owner, at most its n_items.
        n_items: (N,) an owner's items are 0 .. n_items - 1.
        draw: owners, with repeats -> one item for each.

    Returns:
        Owner and item of each pair, sorted.

    >>> rng = np.random.default_rng(0)
    >>> owner, item = distinct_draws(rng, np.array([1, 2]), np.array([1, 2]), np.zeros_like)
    >>> owner.tolist(), item.tolist()
    ([0, 1, 1], [0, 0, 1])
    """
    width = int(n_items.max(initial=1))
    keys = np.zeros(0, np.int64)
    for _ in range(_ROUNDS):
        missing = wanted - np.bincount(keys // width, minlength=wanted.size)
        owner = np.repeat(np.arange(wanted.size), missing)
        if owner.size == 0:
            break
        keys = np.union1d(keys, owner * width + draw(owner))
    missing = wanted - np.bincount(keys // width, minlength=wanted.size)
    rest = []
    for one in np.flatnonzero(missing):
        begin, end = np.searchsorted(keys, [one * width, (one + 1) * width])
        new = np.setdiff1d(np.arange(n_items[one]), keys[begin:end] - one * width)
        rest.append(one * width + rng.choice(new, missing[one], replace=False))
    return np.divmod(np.sort(np.concatenate([keys, *rest])), width)


def plant(config: SimulationConfig, seed: int) -> World:
    """Draw a world: a function of its arguments.

    Raises:
        ConfigError: so many views cannot come from so many enrolments.

    >>> world = plant(SimulationConfig().resized(learners=50, courses=5, concepts=60), seed=0)
    >>> world.q_matrix.shape, world.enrolment_course.size
    ((270, 60), 125)
    """
    rng = np.random.default_rng([seed, 0])
    n_topics = int(config.topics * config.concepts)
    taught = config.concepts - n_topics
    share = 1 / np.sqrt(np.arange(1, config.fields + 1))
    field_size = apportion(share, taught, 3, taught)
    field_start = np.concatenate([[0], np.cumsum(field_size)])
    topic_of = np.sort(rng.choice(taught, n_topics, replace=False))
    field_of_taught = np.repeat(np.arange(config.fields), field_size)
    field_of_course = rng.permutation(
        np.repeat(
            np.arange(config.fields), apportion(share, config.courses, 1, config.courses)
        )
    )  # fmt: skip
    shows, course_concepts, course_items, q_matrix = _courses(
        config, rng, field_of_course, field_start
    )
    depth = (np.arange(taught) - field_start[field_of_taught]) / field_size[field_of_taught]
    before, after, wrong = _prerequisites(config, rng, field_of_taught, field_start)
    broader, narrower = _broader(rng, topic_of, taught, field_of_taught, field_start)

    n_videos = config.videos
    slip = 0.02 + 0.78 * rng.beta(1.5, 4.5, n_videos)
    guess = 0.005 + 0.195 * rng.beta(1.0, 5.0, n_videos)
    guess = np.minimum(guess, 0.8 * (1 - slip))
    start, course, enrolled_at = _enrolments(config, rng)
    idle = rng.random(config.learners) < config.idle
    due = _due(start, course, idle, shows, course_items)
    lean = np.concatenate([rng.normal(0, 1.2, taught) + 1 - 2 * depth, np.zeros(n_topics)])
    prior = _prior_for(config, due, lean, q_matrix, slip, guess)
    school_of_course, teacher_courses, school_teachers = _staff(config, rng)
    return World(
        seed=seed,
        field_of_concept=np.concatenate([field_of_taught, field_of_taught[topic_of]]),
        field_of_course=field_of_course,
        topic_of=topic_of,
        shows=shows,
        course_concepts=course_concepts,
        course_items=course_items,
        q_matrix=q_matrix,
        duration=np.round(np.clip(np.exp(rng.normal(6.09, 0.65, n_videos)), 20, 5400)),
        slip=slip,
        guess=guess,
        prior=prior,
        before=before,
        after=after,
        wrong=wrong,
        broader=broader,
        narrower=narrower,
        enrolment_start=start,
        enrolment_course=course,
        enrolled_at=enrolled_at,
        idle=idle,
        school_of_course=school_of_course,
        teacher_courses=teacher_courses,
        school_teachers=school_teachers,
    )


def _courses(
    config: SimulationConfig, rng: np.random.Generator, field_of_course: Ints, field_start: Ints
) -> tuple[Ints, sparse.csr_array, sparse.csr_array, sparse.csr_array]:
    """What each course shows and covers: shows, course_concepts, course_items, q_matrix.

    A course takes neighbouring concepts of its field, popular ones more often, and goes through
    them in their order; a video covers concepts near its place.
    """
    n_courses = config.courses
    shows = np.arange(n_courses)
    for field in range(config.fields):  # a second run is of a course of the same field
        here = rng.permutation(np.flatnonzero(field_of_course == field))
        again = round(config.second_runs * here.size)
        shows[here[:again]] = here[again : 2 * again]
    first = np.flatnonzero(shows == np.arange(n_courses))
    length = np.exp(rng.normal(0, 0.55, first.size))
    n_videos = apportion(length, config.videos, 1, config.videos)
    field_size = np.diff(field_start)[field_of_course[first]]
    breadth = length * np.exp(rng.normal(0, 0.8, first.size))
    n_concepts = apportion(breadth, config.course_concepts, 1, field_size)

    popularity = rng.normal(0, 1.2, field_start[-1])
    concepts = []
    for course, n in zip(first, n_concepts, strict=True):
        begin, end = field_start[field_of_course[course] : field_of_course[course] + 2]
        away = (np.arange(end - begin) / (end - begin) - rng.random()) / 0.25
        score = popularity[begin:end] - away**2 / 2 + rng.gumbel(size=end - begin)
        concepts.append(begin + np.sort(np.argpartition(-score, n - 1)[:n]))
    concept_start = np.concatenate([[0], np.cumsum(n_concepts)])
    concept = np.concatenate(concepts)

    at = np.repeat(np.arange(first.size), n_videos)  # each video's course among `first`
    video_start = np.concatenate([[0], np.cumsum(n_videos)])
    place = np.arange(config.videos) - video_start[at]
    middle = (place + 0.5) / n_videos[at] * n_concepts[at]
    covers = 1 + rng.poisson(config.concepts_per_video - 1, config.videos)
    covers = np.minimum(covers, n_concepts[at])

    def near(video: Ints) -> Ints:
        n = n_concepts[at[video]]
        wide = np.maximum(2.0, n / 10)
        spot = np.floor(middle[video] + rng.laplace(0, 1, video.size) * wide).astype(np.int64)
        return np.where((spot < 0) | (spot >= n), rng.integers(0, n), spot)

    video, spot = distinct_draws(rng, covers, n_concepts[at], near)
    shape = (config.videos, config.concepts)
    q_matrix = _pairs(video, concept[concept_start[at[video]] + spot], shape)
    position = np.zeros(n_courses, np.int64)
    position[first] = np.arange(first.size)
    of = position[shows]
    row, place_in = _runs(concept_start, of)
    course_concepts = _pairs(row, concept[place_in], (n_courses, config.concepts))
    row, place_in = _runs(video_start, of)
    course_items = sparse.csr_array(
        ((place[place_in] + 1).astype(np.int32), (row, place_in)), shape=(n_courses, config.videos)
    )
    return shows, course_concepts, course_items, q_matrix


def _pairs(row: Ints, column: Ints, shape: tuple[int, int]) -> sparse.csr_array:
    """A 1 for each pair, sorted."""
    made = sparse.csr_array((np.ones(row.size, np.int8), (row, column)), shape=shape)
    made.sort_indices()
    return made


def _runs(start: Ints, of: Ints) -> tuple[Ints, Ints]:
    """Where the runs `of` of start lie, one after another: the number in `of`, and the place.

    >>> _runs(np.array([0, 2, 5]), np.array([1, 0]))
    (array([0, 0, 0, 1, 1]), array([2, 3, 4, 0, 1]))
    """
    size = np.diff(start)[of]
    owner = np.repeat(np.arange(of.size), size)
    begin = np.cumsum(size) - size
    return owner, np.arange(owner.size) - begin[owner] + start[:-1][of][owner]


def _prerequisites(
    config: SimulationConfig, rng: np.random.Generator, field: Ints, field_start: Ints
) -> tuple[Ints, Ints, Array]:
    """Pairs from earlier to later concepts of a field, mostly near; some turned around."""
    rank = np.arange(field.size) - field_start[field]
    n_wrong = round(config.wrong_prerequisites * config.prerequisites)
    weight = np.exp(rng.normal(0, 1, field.size))
    wanted = apportion(weight, config.prerequisites, 0, rank // 2)

    def back(owner: Ints) -> Ints:
        steps = np.ceil(rng.pareto(1.0, owner.size) * 3).astype(np.int64)
        far = steps >= rank[owner]
        steps[far] = rng.integers(0, rank[owner[far]])
        return steps

    after, steps = distinct_draws(rng, wanted, rank, back)
    before = after - 1 - steps
    wrong = np.zeros(before.size, bool)
    wrong[rng.permutation(before.size)[:n_wrong]] = True
    return np.where(wrong, after, before), np.where(wrong, before, after), wrong


def _broader(
    rng: np.random.Generator, topic_of: Ints, taught: int, field: Ints, field_start: Ints
) -> tuple[Ints, Ints]:
    """Topics with up to three concepts of their field below them."""
    low = field_start[field[topic_of]]
    size = field_start[field[topic_of] + 1] - low
    topic, concept = distinct_draws(
        rng,
        np.minimum(rng.integers(1, 4, topic_of.size), size),
        size,
        lambda owner: rng.integers(0, size[owner]),
    )
    return taught + topic, low[topic] + concept


def _enrolments(config: SimulationConfig, rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """Learners' courses by popularity, each learner's in the order of the time."""
    activity = np.exp(rng.normal(0, 0.95, config.learners))
    wanted = apportion(activity, config.enrolments, 1, config.courses)
    popularity = np.exp(rng.normal(0, 1.9, config.courses))
    ladder = np.cumsum(popularity / popularity.sum())

    def popular(owner: Ints) -> Ints:
        return np.minimum(np.searchsorted(ladder, rng.random(owner.size)), config.courses - 1)

    n_courses = np.full(config.learners, config.courses)
    learner, course = distinct_draws(rng, wanted, n_courses, popular)
    at = rng.integers(FIRST_DAY, LAST_DAY, learner.size)
    order = np.lexsort((at, learner))
    start = np.searchsorted(learner, np.arange(config.learners + 1))
    return start, course[order], at[order]


def _due(
    start: Ints, course: Ints, idle: Array, shows: Ints, course_items: sparse.csr_array
) -> Floats:
    """(V,) active learners in whose courses each video is, a second run not counted again."""
    learner = np.repeat(np.arange(idle.size), np.diff(start))
    seen = np.unique(learner[~idle[learner]] * shows.size + shows[course][~idle[learner]])
    active = np.bincount(seen % shows.size, minlength=shows.size)
    return (course_items > 0).T.astype(np.float64) @ active


def expected_right(
    prior: Floats, q_matrix: sparse.csr_array, slip: Floats, guess: Floats
) -> Floats:
    """(V,) P(r = 1) of each video over learners who hold concepts with their priors.

    With the share eta of held concepts, log P is linear in each, so the mean is a product.

    >>> one = sparse.csr_array(np.array([[1, 1]]))
    >>> expected_right(np.array([0.5, 1.0]), one, np.array([0.1]), np.array([0.4])).round(3)
    array([0.75])
    """
    size = np.diff(q_matrix.indptr)
    ratio = np.repeat(((1 - slip) / guess) ** (1 / size), size)
    held = prior[q_matrix.indices]
    return guess * np.exp(np.add.reduceat(np.log(1 - held + held * ratio), q_matrix.indptr[:-1]))


def _prior_for(
    config: SimulationConfig,
    due: Floats,
    lean: Floats,
    q_matrix: sparse.csr_array,
    slip: Floats,
    guess: Floats,
) -> Floats:
    """(K,) priors at the level that makes as many views as wanted, in expectation."""

    def at(level: float) -> Floats:
        return np.clip(expit(level + lean), 0.005, 0.995)

    def views(level: float) -> float:
        return float(due @ expected_right(at(level), q_matrix, slip, guess))

    low, high = -8.0, 8.0
    fewest, most = views(low), views(high)
    if not fewest <= config.views <= most:
        raise ConfigError(
            f"views is {config.views:,}; {config.enrolments:,} enrolments in courses of "
            f"{config.videos / config.courses:.0f} videos bring {fewest:,.0f} to {most:,.0f}: "
            "give such a number, or other enrolments"
        )
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if views(middle) < config.views else (low, middle)
    return at((low + high) / 2)


def _staff(config: SimulationConfig, rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """Schools of courses; pairs of teacher and course, and of school and teacher."""
    size = np.cumsum(1 / np.arange(1, config.schools + 1))
    size /= size[-1]

    def school(n: int) -> Ints:
        return np.searchsorted(size, rng.random(n), side="right").clip(max=config.schools - 1)

    of_course, of_teacher = school(config.courses), school(config.teachers)
    n_teachers = 1 + rng.poisson(1.3 * np.exp(rng.normal(0, 0.7, config.courses)))
    course, teacher = distinct_draws(
        rng,
        np.minimum(n_teachers, config.teachers),
        np.full(config.courses, config.teachers),
        lambda owner: rng.integers(0, config.teachers, owner.size),
    )
    return (
        of_course,
        np.column_stack([teacher, course]),
        np.column_stack([of_teacher, np.arange(config.teachers)]),
    )


@dataclass(frozen=True)
class Cohort:
    """Some learners of a world and what they held and watched.

    Attributes:
        first, last: they are learners first .. last - 1.
        held: (n, K) stored where a video of the learner's courses covers the concept: 1 held, 0
            not held.
        watched: (n, V) share watched; a stored 0 where a video of a course was not opened.
        course: along `watched`, the course through which the learner met the video.
        place: along `watched`, its place there as a share of the course, in (0, 1).
        enrolled_at: along `watched`, when the learner enrolled there.
    """

    first: int
    last: int
    held: sparse.csr_array
    watched: sparse.csr_array
    course: Ints
    place: Floats
    enrolled_at: Ints


def cohorts(
    world: World, config: SimulationConfig, progress: Progress = silent
) -> Iterator[Cohort]:
    """All learners, some at a time."""
    step = max(16, min(2_048, _CELLS_AT_ONCE // config.concepts))
    for number, first in enumerate(range(0, config.learners, step)):
        progress("learners", first, config.learners)
        rng = np.random.default_rng([world.seed, 1, number])
        yield watch(world, config, rng, first, min(first + step, config.learners))


def watch(
    world: World, config: SimulationConfig, rng: np.random.Generator, first: int, last: int
) -> Cohort:
    """Let learners first .. last - 1 watch: r = 1 with the P of eq. (10), given what they hold."""
    n_videos, n_concepts = world.q_matrix.shape
    begin, end = world.enrolment_start[first], world.enrolment_start[last]
    learner = np.repeat(np.arange(last - first), np.diff(world.enrolment_start[first : last + 1]))
    run, at = _runs(world.course_items.indptr.astype(np.int64), world.enrolment_course[begin:end])
    video = world.course_items.indices[at].astype(np.int64)
    # the first course in which the learner meets a video counts
    key, once = np.unique(learner[run] * n_videos + video, return_index=True)
    row, video = np.divmod(key, n_videos)
    run, at = run[once], at[once]
    course = world.enrolment_course[begin:end][run]

    pair, edge = _runs(world.q_matrix.indptr.astype(np.int64), video)
    cell = row[pair] * n_concepts + world.q_matrix.indices[edge]
    reached = np.zeros((last - first) * n_concepts, bool)
    reached[cell] = True
    cells = np.flatnonzero(reached)
    holds = rng.random(cells.size) < world.prior[cells % n_concepts]
    holding = reached  # its memory, of no more use as it was
    holding[cells] = holds
    size = np.diff(world.q_matrix.indptr)[video]
    eta = np.bincount(pair, holding[cell], video.size) / size
    slip, guess = world.slip[video], world.guess[video]
    share = (rng.random(video.size) < guess ** (1 - eta) * (1 - slip) ** eta).astype(np.float64)
    early = (share > 0) & (rng.random(video.size) < config.partial)
    share[early] = rng.uniform(0.02, 0.98, int(early.sum()))
    share[world.idle[first + row]] = 0

    shape = (last - first, n_videos)
    length = np.diff(world.course_items.indptr)[course]
    return Cohort(
        first=first,
        last=last,
        held=_rows(cells // n_concepts, cells % n_concepts, holds, (last - first, n_concepts)),
        watched=_rows(row, video, share, shape),
        course=course,
        place=(world.course_items.data[at] - 0.5) / length,
        enrolled_at=world.enrolled_at[begin:end][run],
    )


def _rows(row: Ints, column: Ints, value: Array, shape: tuple[int, int]) -> sparse.csr_array:
    """Sorted entries as they are, zeros too."""
    start = np.searchsorted(row, np.arange(shape[0] + 1))
    return sparse.csr_array((value, column, start), shape=shape)


def simulate(
    config: SimulationConfig, seed: int, progress: Progress = silent
) -> tuple[World, sparse.csr_array]:
    """A world and all observations, as the diagnosis takes them.

    Returns:
        The world, and (U, V) share watched; a stored 0 where a video of a course was not opened.

    Raises:
        ConfigError: as `plant`.
    """
    world = plant(config, seed)
    parts = [cohort.watched for cohort in cohorts(world, config, progress)]
    return world, sparse.vstack(parts, format="csr")


@dataclass(frozen=True)
class Sittings:
    """When and how long videos were played, in each learner's time order.

    Attributes:
        row: (n,) the learner's number in the cohort, ascending.
        course, video: (n,).
        starts, ends: (n,) seconds since 1970.
        count: (n,) how often the learner has opened the video.
        played: (n,) seconds of the video played, replays counted again.
        elapsed: (n,) seconds on the clock while playing.
        position: (n,) seconds into the video at which it stopped; each sitting starts at 0.
    """

    row: Ints
    course: Ints
    video: Ints
    starts: Ints
    ends: Ints
    count: Ints
    played: Floats
    elapsed: Floats
    position: Floats


_RETURNS = 0.01  # share of views that a first, shorter sitting precedes


def sittings(world: World, cohort: Cohort, rng: np.random.Generator) -> Sittings:
    """Spread a cohort's views over the weeks after enrolment, along the order of each course."""
    opened = np.flatnonzero(cohort.watched.data > 0)
    row = np.repeat(np.arange(cohort.last - cohort.first), np.diff(cohort.watched.indptr))[opened]
    video = cohort.watched.indices[opened]
    share, duration = cohort.watched.data[opened], world.duration[video]
    n_courses = world.shows.size
    pace, run = np.unique(row * n_courses + cohort.course[opened], return_inverse=True)
    weeks = np.exp(rng.normal(1.8, 0.6, pace.size))[run]
    wait = rng.exponential(4.0, pace.size)[run]
    days = wait + 7 * weeks * (cohort.place[opened] + rng.normal(0, 0.004, row.size))
    starts = cohort.enrolled_at[opened] + (np.maximum(days, 0) * 86_400).astype(np.int64)
    replays = (share == 1) & (rng.random(row.size) < 0.34)
    played = np.round(share * duration * (1 + replays * rng.exponential(0.45, row.size)), 2)
    # 1 means to the end: rounding must not make a whole view of a part, nor the reverse
    played = np.where(share < 1, np.minimum(played, duration - 0.01), np.maximum(played, duration))
    again = np.flatnonzero((share == 1) & (rng.random(row.size) < _RETURNS))
    part = np.round(rng.uniform(0.05, 0.9, again.size) * duration[again], 2)
    earlier = starts[again] - rng.integers(3_600, 5 * 86_400, again.size)

    row, video = np.concatenate([row, row[again]]), np.concatenate([video, video[again]])
    course = cohort.course[np.concatenate([opened, opened[again]])]
    starts, played = np.concatenate([starts, earlier]), np.concatenate([played, part])
    speed = rng.choice([0.5, 1.0, 1.25, 1.5, 2.0], row.size, p=[0.08, 0.42, 0.2, 0.2, 0.1])
    elapsed = np.maximum(1, np.round(played / speed * np.exp(rng.normal(0, 0.08, row.size))))
    order = np.lexsort((video, starts, row))
    stops = np.minimum(played, world.duration[video])
    count = rng.geometric(0.18, row.size)
    return Sittings(
        row=row[order],
        course=course[order],
        video=video[order],
        starts=starts[order],
        ends=(starts + elapsed.astype(np.int64))[order],
        count=count[order],
        played=played[order],
        elapsed=elapsed[order],
        position=stops[order],
    )
