"""What do the tables of a paper read, and where does a learner stand at one moment of a course?

The mastery is V-DINA's as it was published, whatever model answers are made from: slip, guess and
prior are given and stay fixed. Learning a concept means to watch in full the video that covers it
and was watched least (spec section 5); time is counted in minutes of videos.
Sizes: V items of the records, K concepts of the graph, n concepts of a path.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints, positions, stored_in
from kgplan.data.axis import on_axis
from kgplan.data.records import LearnerRecords, learned_concepts, observations
from kgplan.diagnosis import LiveDiagnosis, Posterior, infer
from kgplan.diagnosis.uncertainty import WEAK_EVIDENCE, divergence
from kgplan.errors import InputError
from kgplan.evaluation.plans import Ground, Known, ground_of
from kgplan.graph.snapshot import GraphSnapshot, incidence
from kgplan.planning import CurrentLearner, Planner
from kgplan.planning.choosing import Chooser, usual_minutes
from kgplan.planning.derived import Derived, derive, similarity_block
from kgplan.planning.mastery import LearnerMastery
from kgplan.planning.planners.ranking import Learner
from kgplan.similarity import FusedSimilarity


@dataclass(frozen=True)
class Enrolment:
    """A learner with one course.

    Attributes:
        learner, course: rows of the records.
    """

    learner: int
    course: int


@dataclass(frozen=True)
class State:
    """A learner at one moment of a course.

    Attributes:
        of: who, in which course.
        shares: (V,) what is observed of each item: 0 for one that is due and was not opened, NaN
            for one that says nothing.
        seen_at: (V,) when it was last opened, as a place in an order; -inf for never.
        known: the mastery that follows, on the concepts of the diagnosis.
        learner: the same as planners that rank concepts read it.
    """

    of: Enrolment
    shares: Floats
    seen_at: Floats
    known: Posterior
    learner: Learner


@dataclass(frozen=True)
class Path:
    """What is to be learned, in this order.

    Attributes:
        concepts: (n,).
        videos: what to open for each; None where each is learned by its least watched video.
        walks: (n,) which walk back from a start each is of; None where nothing was walked.
    """

    concepts: Ints
    videos: Sequence[Sequence[int]] | None = None
    walks: Ints | None = None


@dataclass(frozen=True)
class Watched:
    """What came of learning along a path.

    Attributes:
        shares: (V,) as for `State`.
        minutes: that it took.
        opened: the videos, in order.
        without: concepts on the way that no video teaches, which were passed by.
    """

    shares: Floats
    minutes: float
    opened: Sequence[int]
    without: int


class Study:
    """Graph, records, similarity and the published diagnosis, as the tables read them.

    Args:
        graph: what the graph says.
        records: what the learners did.
        similarity: eq. (8).
        diagnosis: V-DINA as published, with its items.

    Raises:
        InputError: the diagnosis holds no slip and guess.
    """

    def __init__(
        self,
        graph: GraphSnapshot,
        records: LearnerRecords,
        similarity: FusedSimilarity,
        diagnosis: LearnerMastery,
    ) -> None:
        if diagnosis.items is None:
            raise InputError("the diagnosis holds no slip and guess; run `kgplan diagnose` again")
        self.graph, self.records, self.diagnosis = graph, records, diagnosis
        self.derived: Derived = derive(graph, records, diagnosis, similarity)
        self.chooser = Chooser(graph, records, similarity, self.derived)
        self.planner = Planner(
            graph, records, diagnosis, similarity, "published", derived=self.derived
        )
        self.similarity = similarity
        self.ground: Ground = ground_of(graph, records)
        self.observed = observations(records)
        self._items = diagnosis.items
        self._q = records.q_matrix
        self.live = LiveDiagnosis(
            self._q, self._items.slip, self._items.guess, diagnosis.prior, self._items.config
        )
        self._at = positions(graph.concept_ids, diagnosis.concept_ids)
        self.minutes: Floats = usual_minutes(records)
        self._watchable = ~records.exercises
        self._graph_course = positions(graph.course_ids, records.course_ids)

    # ------------------------------------------------------------ courses

    @cached_property
    def _taught_by(self) -> sparse.csc_array:
        return self.ground.covers.tocsc()

    @cached_property
    def _by_enrolment(self) -> sparse.csr_array:
        """(U, K) learned by enrolment alone, in a course without videos."""
        nothing = sparse.csr_array(self.records.viewed.shape)
        bare = replace(self.records, viewed=nothing, answered=None, viewed_order=None)
        return on_axis(
            learned_concepts(bare).matrix, self.records.concept_ids, self.graph.concept_ids
        )

    def course_id(self, course: int) -> str:
        """The id of a course, given by its row of the records."""
        return str(self.records.course_ids[course])

    def asked(self, course: int) -> Ints:
        """(A,) the concepts of a course, sorted; empty where the graph does not have it."""
        at = int(self._graph_course[course])
        return stored_in(self.graph.course_concepts, at) if at >= 0 else np.zeros(0, np.int64)

    def course_videos(self, course: int) -> Ints:
        """Videos and texts of a course, in its order."""
        items = self.records.course_items
        part = slice(items.indptr[course], items.indptr[course + 1])
        found = items.indices[part][np.argsort(items.data[part], kind="stable")]
        return found[self._watchable[found]]

    def teaching(self, concept: int) -> Ints:
        """What covers a concept and can be watched or read, in order of its id."""
        found = stored_in(self._taught_by, concept)
        return found[self._watchable[found]]

    @cached_property
    def stated(self) -> Array:
        """(E,) True for prerequisites that are not only predicted, as `prerequisites` has them."""
        edges, sources = self.graph.prerequisites.tocoo(), self.graph.prerequisite_sources
        pairs = zip(edges.row.tolist(), edges.col.tolist(), strict=True)
        return np.array([set(sources[pair]) != {"prediction"} for pair in pairs], dtype=bool)

    def shared_relations(self, concepts: Ints) -> Floats:
        """(n, K) share of the relations of either concept that both have, prerequisites apart.

        A relation is its name, its direction and what is joined by it (Jaccard).
        """
        for concept in concepts.tolist():
            if concept not in self._shared:
                joined = self._relations
                both = (joined @ joined[[concept]].T).toarray()[:, 0]
                counts = np.diff(joined.indptr)
                either = counts + counts[concept] - both
                share = np.divide(both, either, out=np.zeros(both.size), where=either > 0)
                self._shared[concept] = share
        rows = [self._shared[k] for k in concepts.tolist()]
        return np.array(rows).reshape(concepts.size, self.graph.concept_ids.size)

    @cached_property
    def _shared(self) -> dict[int, Floats]:
        return {}

    @cached_property
    def _relations(self) -> sparse.csr_array:
        """(K, M) which of M relations each concept has."""
        concept, joined = [], []
        for name, (heads, tails) in self.graph.relations.items():
            for ids, others, side in ((heads, tails, "to"), (tails, heads, "of")):
                at = positions(self.graph.concept_ids, ids)
                here = (at >= 0) & (name != "prerequisite_of")
                concept += at[here].tolist()
                joined += [(name, side, other) for other in others[here].tolist()]
        column = {each: k for k, each in enumerate(dict.fromkeys(joined))}
        of = np.array([column[each] for each in joined], dtype=np.int64)
        size = (self.graph.concept_ids.size, max(len(column), 1))
        return incidence(np.array(concept, dtype=np.int64), of, size).astype(np.int64)

    def together(self, left: Ints, right: Ints) -> Floats:
        """(n, m) eq. (5) of each left with each right concept, normalised as in eq. (8)."""
        collaborative = replace(self.similarity, alpha=0.0)
        to = positions(collaborative.concept_ids, self.graph.concept_ids)
        return similarity_block(collaborative, to, left, right)

    # ------------------------------------------------------------ learners

    def shares_now(self, learner: int) -> Floats:
        """(V,) what the records observe of a learner, as `State.shares`."""
        shares = np.full(self.records.item_ids.size, np.nan)
        stored = slice(*self.observed.indptr[learner : learner + 2].tolist())
        shares[self.observed.indices[stored]] = self.observed.data[stored]
        return shares

    def seen_now(self, learner: int) -> Floats:
        """(V,) when the records have each item opened, as `State.seen_at`."""
        viewed, order = self.records.viewed, self.records.viewed_order
        seen_at = np.full(self.records.item_ids.size, -np.inf)
        if order is not None:
            stored = slice(*viewed.indptr[learner : learner + 2].tolist())
            seen_at[viewed.indices[stored]] = order[stored]
        return seen_at

    def now(self, of: Enrolment) -> State:
        """The learner as the records end."""
        return self.state(of, self.shares_now(of.learner), self.seen_now(of.learner))

    def state(self, of: Enrolment, shares: Floats, seen_at: Floats) -> State:
        """The learner with these observations, and the mastery that follows."""
        seen = np.flatnonzero(~np.isnan(shares))
        known = self.live.infer(seen, shares[seen])
        return State(of, shares, seen_at, known, self._learner(of, shares, known))

    def mastery(self, known: Posterior) -> Floats:
        """(K,) on the graph's concepts."""
        mastery = self.derived.prior.copy()
        at = self._at[known.concepts]
        mastery[at[at >= 0]] = known.mastery[at >= 0]
        return mastery

    def masteries(self, shares: Sequence[Floats]) -> Floats:
        """(N, K) on the graph's concepts, for N learners at once.

        Args:
            shares: of each, as `State.shares`.
        """
        seen = [np.flatnonzero(~np.isnan(each)) for each in shares]
        indptr = np.cumsum([0, *(each.size for each in seen)])
        values = [each[at] for each, at in zip(shares, seen, strict=True)]
        none = np.zeros(0, np.int64)
        watched = sparse.csr_array(
            (np.concatenate([none.astype(float), *values]), np.concatenate([none, *seen]), indptr),
            shape=(len(shares), self.records.item_ids.size),
        )
        items = self._items
        found = infer(
            watched, self._q, items.slip, items.guess, self.diagnosis.prior, items.config
        ).mastery.tocoo()
        mastery = np.tile(self.derived.prior, (len(shares), 1))
        at = self._at[found.col]
        mastery[found.row[at >= 0], at[at >= 0]] = found.data[at >= 0]
        return mastery

    def judged(self, state: State) -> Known:
        """What is known of the learner, for the figures of `evaluation.plans`."""
        mastery, prior = state.learner.mastery, self.derived.prior
        sure = np.zeros(mastery.size, dtype=bool)
        at, open_ = self._at[state.known.concepts], self.live.not_told_apart(state.known)
        sure[at[at >= 0]] = ~open_[at >= 0]
        return Known(mastery, sure & (divergence(mastery, prior) >= WEAK_EVIDENCE))

    def touched(self, shares: Floats) -> Array:
        """(K,) True for concepts that something covers which was opened."""
        found = np.zeros(self.graph.concept_ids.size, dtype=bool)
        found[self.ground.covers[np.flatnonzero(shares > 0)].indices] = True
        return found

    def _learner(self, of: Enrolment, shares: Floats, known: Posterior) -> Learner:
        reached, not_apart, around, nothing = np.zeros((4, self.graph.concept_ids.size), dtype=bool)
        at = self._at[known.concepts]
        reached[at[at >= 0]] = True
        mine = stored_in(self.records.enrolled, of.learner)
        for course in mine.tolist():
            around[self.asked(course)] = True
        learned = self.touched(shares)  # or told by enrolment (spec section 2)
        learned[stored_in(self._by_enrolment, of.learner)] = True
        n_items, no_answers = self.records.item_ids.size, np.zeros(reached.size, np.int64)
        return Learner(
            mastery=self.mastery(known),
            reached=reached,
            not_told_apart=not_apart,
            around=around,
            learned=learned,
            courses=frozenset(self.records.course_ids[mine].tolist()),
            passed_over=nothing,
            too_hard=nothing,
            held=nothing,
            shares=np.where(np.isnan(shares), -1.0, shares),
            scores=np.full(n_items, np.nan),
            seen_at=np.full(n_items, -np.inf),
            refused=np.zeros(n_items, dtype=bool),
            streak=no_answers,
            lapses=no_answers,
        )

    def current(self, state: State) -> CurrentLearner:
        """The learner as any planner of ours is told of one."""
        opened = np.flatnonzero(state.shares > 0)
        ids = self.records.item_ids[opened].tolist()
        return CurrentLearner(
            axis=self.diagnosis.concept_ids,
            concepts=state.known.concepts,
            mastery=state.known.mastery,
            not_told_apart=self.live.not_told_apart(state.known),
            learned=frozenset(self.graph.concept_ids[state.learner.learned].tolist()),
            courses=state.learner.courses,
            in_records=False,
            shares=dict(zip(ids, state.shares[opened].tolist(), strict=True)),
            seen_at={
                each: at
                for each, at in zip(ids, state.seen_at[opened].tolist(), strict=True)
                if np.isfinite(at)
            },
        )

    # ------------------------------------------------------------ learning

    def least_watched(self, concept: int, course: int, shares: Floats) -> int:
        """The video that teaches a concept next; -1 where none does, or all were watched in full.

        That is the one watched least; of several one of the course, in its order, then by id.
        """
        items = self.teaching(concept)
        seen = np.nan_to_num(shares[items])
        left = seen < 1
        if not left.any():
            return -1
        items, seen = items[left], seen[left]
        place = self.places(course)[items]
        return int(items[np.lexsort((items, place, seen))[0]])

    def places(self, course: int) -> Floats:
        """(V,) place of each item in a course; infinite for items of others."""
        if course not in self._places:
            places = np.full(self.records.item_ids.size, np.inf)
            videos = self.course_videos(course)
            places[videos] = np.arange(videos.size)
            self._places[course] = places
        return self._places[course]

    @cached_property
    def _places(self) -> dict[int, Floats]:
        return {}

    def watch(self, shares: Floats, course: int, path: Path, budget: float = np.inf) -> Watched:
        """Learn along a path, concept by concept, as long as there is time.

        The last video is watched for the time that is left. What was watched in full already takes
        no time again.

        Args:
            shares: (V,) before, as `State.shares`.
            course: that is learned, whose videos come first.
            path: what is to be learned.
            budget: minutes.
        """
        shares, spent, without, opened = shares.copy(), 0.0, 0, list[int]()
        for place, concept in enumerate(path.concepts.tolist()):
            if path.videos is None:
                video = self.least_watched(concept, course, shares)
                videos: Sequence[int] = [video] if video >= 0 else []
                without += not self.teaching(concept).size
            else:
                videos = [each for each in path.videos[place] if not shares[each] >= 1]
            for video in videos:
                if spent >= budget:
                    return Watched(shares, spent, opened, without)
                before = float(np.nan_to_num(shares[video]))
                needed = float(self.minutes[video]) * (1 - before)
                part = min((budget - spent) / needed, 1.0) if needed > 0 else 1.0
                shares[video] = 1.0 if part == 1 else before + (1 - before) * part
                spent += needed * part
                opened.append(video)
        return Watched(shares, spent, opened, without)
