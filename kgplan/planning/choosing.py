"""Which concepts does a plan take? Algorithm 1 of KG-PLPPM on arrays, by the planner named.

Spec section 4. Sizes: K concepts; A concepts of the course asked for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kgplan.arrays import Array, Floats, Ints, positions
from kgplan.data.axis import on_axis
from kgplan.data.records import EXERCISE, VIDEO, LearnerRecords
from kgplan.errors import ConfigError, UnknownConcept
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.native.walk import Limits, Requires, Standing, preferences, walk
from kgplan.planning.derived import Derived, similarity_block
from kgplan.planning.options import PlanOptions
from kgplan.planning.plan import Terms
from kgplan.planning.planners import planner_named
from kgplan.planning.planners.ranking import Learner, NamedPlanner, Ranking
from kgplan.planning.texts import IN_ORDER, Manner, listed, one_kind, say
from kgplan.similarity import FusedSimilarity


@dataclass(frozen=True)
class Times:
    """How long each concept takes: (K,) minutes, and which video that is, -1 where none is known.

    Both are empty where time does not count.
    """

    minutes: Floats
    video: Ints


NO_TIMES = Times(np.empty(0), np.empty(0, dtype=np.int64))


@dataclass(frozen=True)
class Choices:
    """What was chosen for a learner, in positions, and the numbers that chose it.

    Attributes:
        planner, learner: who chose, and for whom.
        asked: (A,) sorted, what the course or the caller asks for.
        ranking: (A,) by what starts are ranked.
        pinned: (K,) True for what is planned in any case.
        times: how long concepts take.
        concepts, starts, leads, similarities, chosen: as `walk` gives them.
    """

    planner: NamedPlanner
    learner: Learner
    asked: Ints
    ranking: Ranking
    pinned: Array
    times: Times
    concepts: Ints
    starts: Ints
    leads: Ints
    similarities: Floats
    chosen: Ints

    def start_terms(self, place: int) -> Terms:
        """The terms of what stands at a place of `asked`, as a start."""
        preference = self.ranking.preference
        return Terms(
            None if preference is None else float(preference[place]),
            float(self.learner.mastery[self.asked[place]]),
            float(self.ranking.value[place]),
            None,
            None,
        )

    def terms(self) -> Iterator[Terms]:
        """The terms of each step."""
        for concept, leads_to, similarity in zip(
            self.concepts.tolist(), self.leads.tolist(), self.similarities.tolist(), strict=True
        ):
            if leads_to < 0:
                yield self.start_terms(int(np.searchsorted(self.asked, concept)))
            else:
                yield prerequisite_terms(float(self.learner.mastery[concept]), similarity)


class Chooser:
    """Chooses the concepts of plans; one for all learners.

    Args:
        graph: what the graph says.
        records: what the learners did.
        similarity: eq. (8).
        derived: what `derive` gives for these.

    Attributes:
        ids, names, english: of the K concepts, by position.
        covers: (V, K) stored where the item covers the concept.
        kind: of all items, "mixed" where they are of several.
        taught: (K,) whether a video covers the concept.
        minutes: (V,) how long each item takes; where that is not known the mean of its kind, or of
            all; 1 where no length is known.
        mean_minutes: mean length of the items whose length is known; None where none is.
    """

    def __init__(
        self,
        graph: GraphSnapshot,
        records: LearnerRecords,
        similarity: FusedSimilarity,
        derived: Derived,
    ) -> None:
        self.graph, self.records = graph, records
        self.similarity, self.derived = similarity, derived
        self.mean_minutes = mean_minutes(records)
        self.minutes = usual_minutes(records)
        self._to_similarity = positions(similarity.concept_ids, graph.concept_ids)
        self.covers = on_axis(records.q_matrix, records.concept_ids, graph.concept_ids)
        self.ids, self.names = graph.concepts.names, graph.concept_names.tolist()
        self.english = graph.concept_names_en.tolist()
        self.kind = one_kind(records.kinds.tolist() or [VIDEO])
        self._taught_by = self.covers.T.tocsr()
        self._usual_times = self._usual()
        self.taught: Array = derived.resources.first_videos() >= 0
        requires = graph.prerequisites
        self._requires = Requires(requires.indptr, requires.indices, derived.edge_similarity)

    def choose(
        self, learner: Learner, asked: Ints, options: PlanOptions, course_id: str | None
    ) -> Choices:
        """Rank what is asked for as the planner named does, and take steps 4 and 5 of Algorithm 1.

        Args:
            learner: whose.
            asked: (A,) sorted positions, what is asked for; (1,) for a path towards a concept.
            options: of the plan.
            course_id: asked for; None for a path towards the one concept asked for.
        """
        towards = course_id is None
        pins = self.concepts(options.pin)
        pinned = np.zeros(learner.mastery.size, dtype=bool)
        pinned[pins] = True
        target = asked if towards else asked[:0]  # as good as pinned, but last of these
        pinned[target] = True
        asked = np.union1d(asked, pins) if pins.size else asked
        planner = planner_named(options.planner)
        assert planner.rank is not None
        ranking = planner.rank(self, learner, asked, options)
        # a stable sort of positions that follow the ids: ties break by concept id
        order = np.argsort(-ranking.value, kind="stable")
        if pins.size:
            rank = np.where(pinned[asked], np.isin(asked, target).astype(int), 2)
            order = order[np.argsort(rank[order], kind="stable")]
        times = self._times(learner, course_id, options)
        by = Standing(
            learner.mastery,
            self.passed_over(learner, pinned, options),
            pinned,
            learner.too_hard,
            times.minutes,
            times.video,
        )
        limits = Limits(
            options.most,
            options.max_prerequisites if planner.walks else 0,
            towards,
            np.inf if options.minutes is None else options.minutes,
        )
        found = walk(asked[order], self._requires, by, limits)
        return Choices(planner, learner, asked, ranking, pinned, times, *found)

    def preference(self, learner: Learner, asked: Ints, neighbours: int) -> Floats:
        """S_P of eq. (12).

        Args:
            learner: whose.
            asked: (A,) positions of the concepts asked for.
            neighbours: n, how many similar concepts count.

        Returns:
            (A,) in [0, 1]; 0 where the learner's courses have no other concept.
        """
        among, learned = learner.around, learner.learned
        near = self.derived.nearby
        found, short = preferences(near.ids, near.values, asked, asked, among, learned, neighbours)
        rest = asked[short]
        if rest.size and not near.whole:  # of these the list ended before n were found
            around = np.flatnonzero(among)
            alike = similarity_block(self.similarity, self._to_similarity, rest, around)
            order = np.argsort(-alike, axis=1, kind="stable")
            found[short], _ = preferences(
                around[order].astype(np.int32),
                np.take_along_axis(alike, order, axis=1),
                np.arange(rest.size),
                rest,
                among,
                learned,
                neighbours,
            )
        return found

    def on(self, concept: int) -> Ints:
        """Items that cover a concept."""
        begin, end = self._taught_by.indptr[concept : concept + 2].tolist()
        found: Ints = self._taught_by.indices[begin:end]
        return found

    def nothing_yet(self, manner: Manner) -> str:
        """Say that nothing was done yet, of what can be done here; a video may be answered too."""
        kinds = {*(self.records.kinds.tolist() or [VIDEO]), EXERCISE}
        did = [say(manner, f"did.{kind}") for kind in IN_ORDER if kind in kinds]
        return say(manner, "note.nothing_yet", did=listed(manner, did, "or"))

    def covered(self, items: Array) -> Array:
        """(K,) True for what any of the items covers.

        Args:
            items: (V,) True for each of them.
        """
        found: Array = np.zeros(self.graph.concept_ids.size, dtype=bool)
        found[self.covers[np.flatnonzero(items)].indices] = True
        return found

    def passed_over(self, learner: Learner, pinned: Array, options: PlanOptions) -> Array:
        """(K,) True for what must not be planned; what is pinned may."""
        over = learner.passed_over
        if not planner_named(options.planner).walks:
            over = over | learner.learned
        if options.theta is not None:
            over = over | (learner.mastery >= options.theta)
        if options.exclude:
            over = over.copy()
            over[self.concepts(options.exclude)] = True
        return over & ~pinned if pinned.any() else over

    def concepts(self, concept_ids: Sequence[str]) -> Ints:
        """Sorted positions of concepts that must be there."""
        places = [self.graph.concepts.place(each, UnknownConcept) for each in concept_ids]
        return np.sort(np.array(places, dtype=np.int64))

    def _times(self, learner: Learner, course_id: str | None, options: PlanOptions) -> Times:
        """How long each concept takes, by the first video that a step would name."""
        if options.minutes is None:
            return NO_TIMES
        if self.mean_minutes is None:
            raise ConfigError(
                "minutes are set, but the records hold no lengths of what there is to open;"
                " run `kgplan etl run` on an archive that has them, or leave minutes out"
            )
        usual = self._usual_times
        minutes, video = usual.minutes.copy(), usual.video.copy()
        nearer = learner.courses if course_id is None else {course_id, *learner.courses}
        taught = self.derived.resources
        concepts = list({k for course in nearer for k in taught.concepts_in(course)})
        done = far_done(learner)
        about = course_id, learner.courses, done, learner.refused
        first = [taught.first_video(k, *about) for k in concepts]
        video[concepts] = first
        minutes[concepts] = self._minutes_of_videos(video[concepts])
        return Times(minutes, video)

    def _minutes_of_videos(self, videos: Ints) -> Floats:
        """Minutes of each video; the mean of all for -1, no video."""
        assert self.mean_minutes is not None
        found: Floats = np.append(self.minutes, self.mean_minutes)[videos]
        return found

    def _usual(self) -> Times:
        """How long concepts take a learner whose courses have none of them."""
        if self.mean_minutes is None:
            return NO_TIMES
        videos = self.derived.resources.first_videos()
        return Times(self._minutes_of_videos(videos), videos)


def mean_minutes(records: LearnerRecords) -> float | None:
    """Mean length of the items whose length is known; None where none is."""
    seconds = records.item_seconds
    known = np.empty(0) if seconds is None else seconds[~np.isnan(seconds)]
    return float(known.mean()) / 60 if known.size else None


def usual_minutes(records: LearnerRecords) -> Floats:
    """(V,) `Chooser.minutes`."""
    mean, seconds = mean_minutes(records), records.item_seconds
    if mean is None or seconds is None:
        return np.ones(records.item_ids.size)
    minutes, known = records.minutes.copy(), ~np.isnan(seconds)
    for kind in np.unique(records.kinds):
        alike = records.kinds == kind
        of_kind = seconds[alike & known]
        minutes[alike & ~known] = float(of_kind.mean()) / 60 if of_kind.size else mean
    return minutes


def far_done(learner: Learner) -> Floats:
    """(V,) how far each item is done: its share or its score, the larger one."""
    return np.fmax(learner.shares, learner.scores)


def prerequisite_terms(mastery: float, similarity: float) -> Terms:
    """The terms of a prerequisite."""
    return Terms(None, mastery, None, similarity, similarity + (1 - mastery))
