"""Is a plan one that can be done, that belongs to the course, and that is worth its minutes?

Every figure is defined where it is computed. They read plans by any planner, as positions
(`Outline`), and what is known of the learner (`Known`) at a threshold theta: a concept is
*mastered* from a mastery of theta on where nothing is in doubt, and *lacking* below theta. What is
above theta but in doubt is neither, and no figure holds it against a plan.
A *strict* prerequisite is a direct one that is no alternative to others, and on no cycle with what
needs it: edges inside a strongly connected component of the graph put nothing in order.
Sizes: K concepts of the graph, V videos of the records; n steps of a plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints, positions
from kgplan.data.axis import Axis
from kgplan.data.records import LearnerRecords
from kgplan.diagnosis.uncertainty import WEAK_EVIDENCE, divergence
from kgplan.graph.health import components
from kgplan.graph.snapshot import GraphSnapshot, incidence
from kgplan.planning import CurrentLearner, Plan, Resource
from kgplan.planning.choosing import mean_minutes
from kgplan.planning.planners import planner_named

THETA = 0.5


# ---------------------------------------------------------------- what figures read


@dataclass(frozen=True)
class Outline:
    """A plan in positions.

    Attributes:
        concepts: (n,) of the steps.
        videos: of each step, what it says to open, in order; empty where it says nothing.
    """

    concepts: Ints
    videos: tuple[tuple[int, ...], ...]

    @cached_property
    def all_videos(self) -> list[int]:
        """All that the plan says to open, each once, in the order of first mention."""
        return list(dict.fromkeys(video for step in self.videos for video in step))

    @cached_property
    def first_to_do(self) -> int | None:
        """The place of the first step with something to open; None where there is none."""
        return next((place for place, videos in enumerate(self.videos) if videos), None)


def to_open(plan: Plan) -> list[list[Resource]]:
    """The videos that each step of a plan says to open.

    Of a planner that ranks concepts that is the first video of the places to choose from; of one
    that takes videos it is all of them.
    """
    one_of = planner_named(plan.options.planner).rank is not None
    return [
        [each for each in step.resources if each.item_id is not None][: 1 if one_of else None]
        for step in plan.steps
    ]


def outline(plan: Plan, concepts: Axis, videos: Axis) -> Outline:
    """A plan in positions on the graph's concepts and the records' videos."""
    return Outline(
        concepts.known([step.concept_id for step in plan.steps]),
        tuple(
            tuple(videos.known([each.item_id or "" for each in step]).tolist())
            for step in to_open(plan)
        ),
    )


@dataclass(frozen=True)
class Ground:
    """What plans are held against.

    Attributes:
        before: of each of K concepts, its direct prerequisites.
        strictly_before: of each, the strict ones of these.
        component: (K,) the strongly connected component of each.
        covers: (V, K) True where the video covers the concept.
        taught: (K,) True where a video covers the concept.
        minutes: (V,) length; the mean of all where unknown, 1 where no length is known.
    """

    before: Sequence[frozenset[int]]
    strictly_before: Sequence[frozenset[int]]
    component: Ints
    covers: sparse.csr_array
    taught: Array
    minutes: Floats


def ground_of(graph: GraphSnapshot, records: LearnerRecords) -> Ground:
    """What plans are held against, from what they are made from."""
    edges, size = graph.prerequisites.tocoo(), graph.concept_ids.size
    component = components(edges.col, edges.row, size)
    strict = (component[edges.row] != component[edges.col]) & (graph.group == 0)
    shown = records.q_matrix.tocoo()
    concept = positions(graph.concept_ids, records.concept_ids)[shown.col]
    here = (concept >= 0) & (shown.data > 0)
    covers = incidence(shown.row[here], concept[here], (records.item_ids.size, size))
    mean, minutes = mean_minutes(records), records.minutes
    return Ground(
        before=_rows(graph.prerequisites),
        strictly_before=_rows(incidence(edges.row[strict], edges.col[strict], (size, size))),
        component=component,
        covers=covers,
        taught=np.bincount(covers.indices, minlength=size) > 0,
        minutes=np.where(np.isnan(minutes), 1.0 if mean is None else mean, minutes),
    )


def _rows(matrix: sparse.csr_array) -> list[frozenset[int]]:
    return [frozenset(part.tolist()) for part in np.split(matrix.indices, matrix.indptr[1:-1])]


@dataclass(frozen=True)
class Known:
    """What is known of one learner.

    Attributes:
        mastery: (K,).
        identified: (K,) True where nothing is in doubt (`Step.doubt`).
    """

    mastery: Floats
    identified: Array

    def mastered(self, theta: float = THETA) -> Array:
        """(K,) True from a mastery of theta on where nothing is in doubt."""
        return (self.mastery >= theta) & self.identified

    def lacking(self, theta: float = THETA) -> Array:
        """(K,) True below theta, in doubt or not."""
        return self.mastery < theta


def known_of(current: CurrentLearner, at: Ints, prior: Floats) -> Known:
    """What is known of a learner, on the graph's concepts.

    Args:
        current: the learner.
        at: where each concept of the learner's axis stands among the graph's; -1 for none.
        prior: (K,) mastery where evidence reaches nothing.
    """
    place = at[current.concepts]
    here = place >= 0
    mastery, identified = prior.copy(), np.zeros(prior.size, dtype=bool)
    mastery[place[here]] = current.mastery[here]
    identified[place[here]] = ~current.not_told_apart[here]
    return Known(mastery, identified & (divergence(mastery, prior) >= WEAK_EVIDENCE))


# ---------------------------------------------------------------- can it be done


def without_anything_to_open(plan: Outline) -> Array:
    """(n,) True for a step that names no video."""
    return np.array([not videos for videos in plan.videos], dtype=bool)


@dataclass(frozen=True)
class Moved:
    """What became of the first thing to do once it was done.

    Attributes:
        video_gone: the video is not to be opened any more.
        concept_gone: the concept of its step is no step any more.
        leads_no_more: the plan's first step with something to open is another concept's.
    """

    video_gone: bool
    concept_gone: bool
    leads_no_more: bool


def moved(before: Outline, after: Outline) -> Moved | None:
    """What became of the first video of a plan's first step with one.

    Args:
        before: the plan that was followed.
        after: made once that video was watched in full.

    Returns:
        None where the plan before has nothing to open.
    """
    place, new = before.first_to_do, after.first_to_do
    if place is None:
        return None
    concept, video = before.concepts[place], before.videos[place][0]
    return Moved(
        video_gone=video not in after.all_videos,
        concept_gone=concept not in after.concepts,
        leads_no_more=new is None or bool(after.concepts[new] != concept),
    )


def begins_with(longer: Outline, shorter: Outline) -> tuple[bool, bool]:
    """Whether the shorter plan is a prefix of the longer: by concepts, and by videos.

    Videos are those of the whole plan, each once, in order of first mention.
    """
    n, videos = shorter.concepts.size, shorter.all_videos
    return (
        np.array_equal(longer.concepts[:n], shorter.concepts),
        longer.all_videos[: len(videos)] == videos,
    )


def steps_kept(plan: Outline, other: Outline) -> int:
    """How many of a plan's concepts another plan holds too, wherever."""
    return int(np.isin(plan.concepts, other.concepts).sum())


def place_of(video: int, plan: Outline) -> int:
    """The place of a video among all that a plan says to open, from 1; 0 where it is not there."""
    return plan.all_videos.index(video) + 1 if video in plan.all_videos else 0


# ---------------------------------------------------------------- does it belong there


def outside(plan: Outline, asked: Array) -> Array:
    """(n,) True for a step whose concept the course does not list.

    Args:
        plan: of the course.
        asked: (K,) True for the course's concepts.
    """
    return ~asked[plan.concepts]


def leading_nowhere(plan: Outline, asked: Array, ground: Ground) -> Array:
    """(n,) True for a step outside the course that leads to no step in it.

    A step leads to another where a chain of direct prerequisites joins them whose every concept is
    in the plan, wherever they stand in it; edges of cycles count.
    """
    steps = frozenset(plan.concepts.tolist())
    leading = {concept for concept in steps if asked[concept]}
    ahead = list(leading)
    while ahead:
        new = (ground.before[ahead.pop()] & steps) - leading
        leading |= new
        ahead += new
    return ~np.isin(plan.concepts, list(leading))


def mastered_already(plan: Outline, known: Known, theta: float = THETA) -> Array:
    """(n,) True for a step whose concept is mastered already, without a doubt."""
    return known.mastered(theta)[plan.concepts]


def prerequisite_later(plan: Outline, ground: Ground, which: Array) -> Array:
    """(n,) True for a step that a strict prerequisite of it follows in the plan.

    Args:
        plan, ground: as above.
        which: (K,) True for prerequisites that count.
    """
    steps = plan.concepts.tolist()
    return np.array(
        [
            any(which[later] for later in ground.strictly_before[concept] & set(steps[place:]))
            for place, concept in enumerate(steps)
        ],
        dtype=bool,
    )


def prerequisite_not_met(plan: Outline, ground: Ground, which: Array) -> Array:
    """(n,) True for a step with a strict prerequisite that nothing before the step teaches.

    It is taught where it is an earlier step, or where a video of an earlier step covers it.

    Args:
        plan, ground: as above.
        which: (K,) True for prerequisites that count; those that are lacking and taught are what a
            plan could hold.
    """
    found, met = [], set[int]()
    for concept, videos in zip(plan.concepts.tolist(), plan.videos, strict=True):
        found.append(any(which[lost] for lost in ground.strictly_before[concept] - met))
        met |= {concept, *ground.covers[list(videos)].indices.tolist()}
    return np.array(found, dtype=bool)


# ---------------------------------------------------------------- is it worth it


def minutes_of(plan: Outline, ground: Ground) -> float:
    """Whole minutes of all videos that the plan says to open, each once."""
    return float(ground.minutes[plan.all_videos].sum())


def gain(before: Known, after: Known, asked: Array) -> float:
    """How many of the course's concepts are mastered more, as expected: the sum of the rises."""
    return float((after.mastery - before.mastery)[asked].sum())


def coverage(
    plan: Outline, ground: Ground, known: Known, asked: Array, theta: float = THETA
) -> float:
    """Share of what the course needs that the plan's videos cover.

    It needs its concepts that some video covers, of this course or another, and that are lacking.
    NaN where it needs nothing.
    """
    needed = np.flatnonzero(asked & ground.taught & known.lacking(theta))
    covered = ground.covers[plan.all_videos].indices
    return float(np.isin(needed, covered).mean()) if needed.size else np.nan
