"""What should a learner do next, in which order? By expected gain of mastery a minute.

Sizes: K concepts of the graph, V videos of the records, A concepts asked for; n concepts and m
videos of a scope.
"""

from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from kgplan.arrays import Array, Floats, Ints, positions
from kgplan.data.records import LearnerRecords
from kgplan.diagnosis.gain import CERTAIN, Lines, gains, lines
from kgplan.diagnosis.uncertainty import WEAK_EVIDENCE, divergence
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.native.sequence import GAIN, LENGTH, MINUTES, Layout, Rows, Standing, sequence
from kgplan.planning.derived import Derived
from kgplan.planning.mastery import LearnerMastery
from kgplan.planning.options import MOST_STEPS, THETA, USUAL_LENGTH, PlanOptions
from kgplan.planning.plan import Stopped
from kgplan.planning.planners.ranking import Learner
from kgplan.planning.resources import NOT_YET, WATCHED
from kgplan.planning.scope import Scope, Scopes

TRIES = 3  # videos watched, or answered, from which a concept holds nothing up any more
NEARLY = 0.8  # of theta: where a step that was done may end, as its gain was only expected
LEAST_MINUTES = 0.2  # that any video takes
LONGEST = 60.0  # a gain in log-odds that is certain
DUE = 3  # videos of the course that come next, held in doubt or not, while a learner goes along it
NEXT = 30.0  # how much better each of these stands than the one behind it
AHEAD = 10.0  # videos ahead by which the others' stand falls to 1 / e
BEHIND = 0.1  # how well those stand that a learner went past
PREFERRED = 0.1  # by how much a concept counts more that is alike to all that was learned
KEPT = 2_048  # scopes
STOPPED: dict[int, Stopped] = {LENGTH: "length", MINUTES: "minutes", GAIN: "gain"}


@dataclass(frozen=True)
class Sequence:
    """What was chosen for a learner, and from what.

    Attributes:
        scope, learner, standing: of whom, and for what.
        mastered: (n,) True for what is left out as mastered.
        not_yet: (n,) True for what the learner's answers say is not held yet.
        rows: a row a video, in positions of the scope.
        theta: mastery from which a concept is left out.
        in_order: whether it is the course's order.
        stopped: why there are no more.
    """

    scope: Scope
    learner: Learner
    standing: Standing
    mastered: Array
    not_yet: Array
    rows: Rows
    theta: float
    in_order: bool
    stopped: Stopped

    def asks_for(self, concept: int) -> bool:
        """Whether a concept of the scope was asked for by name."""
        return bool((self.scope.layout.asked[self.standing.first] == concept).any())


class Sequencer:
    """Chooses sequences; one for all learners.

    Args:
        graph: what the graph says.
        records: which videos there are.
        diagnosis: how they respond to mastery.
        derived: what `derive` gives for these.
        mean_minutes: length of a video where it is not known.
    """

    def __init__(
        self,
        graph: GraphSnapshot,
        records: LearnerRecords,
        diagnosis: LearnerMastery,
        derived: Derived,
        mean_minutes: float | None,
    ) -> None:
        self.scopes = Scopes(graph, records)
        self.prior = derived.prior
        self._scope = lru_cache(KEPT)(partial(_scope, self.scopes))  # any number of threads ask
        self._line = _lines(records, diagnosis, self.scopes)
        usual = 1.0 if mean_minutes is None else mean_minutes  # all count alike
        lengths = derived.resources.minutes
        self.minutes: Floats = np.where(np.isnan(lengths), usual, lengths)

    def choose(
        self,
        learner: Learner,
        asked: Ints,
        preference: Floats,
        pinned: Array,
        excluded: Ints,
        options: PlanOptions,
        course_id: str | None,
    ) -> Sequence:
        """Choose what to do for a goal.

        Args:
            learner: whose.
            asked: (A,) sorted positions, what is asked for.
            preference: (A,) S_P of eq. (12).
            pinned: (K,) True for what is planned in any case.
            excluded: concepts that are not planned.
            options: of the plan.
            course_id: asked for; None for a path towards the one concept asked for.
        """
        pins = np.flatnonzero(pinned).tobytes()
        scope = self._scope(course_id, asked.tobytes(), pins)
        # a whole number would be compiled for anew
        theta = THETA if options.theta is None else float(options.theta)
        watched, not_yet, tried = self._done(learner)
        mastered = self._mastered(learner, theta) & ~not_yet
        homonym: Array = np.zeros(mastered.size, dtype=bool)
        homonym[scope.concepts] = scope.asked & (scope.weight == 0)
        closed = (mastered | learner.passed_over | homonym) & ~pinned
        closed[excluded] = True
        just_done = self._just_done(learner)
        passed = closed | (self._worked(learner, watched, tried, theta) & ~pinned)
        passed |= just_done & (watched > 0) & ~pinned
        passed |= (learner.mastery > theta) & ~pinned & ~not_yet
        passed |= learner.held
        in_order = learner.is_new and scope.has_videos
        standing = self._standing(
            scope, learner, closed, passed, just_done, pinned, preference, not_yet, in_order
        )
        rows, why = sequence(
            scope.layout,
            standing,
            theta,
            _most(options, in_order),
            np.inf if options.minutes is None else float(options.minutes),
            float(options.least_gain) if options.length is None and course_id is not None else 0.0,
            in_order,
        )
        rows = _without_loose_end(rows, scope)
        here = scope.concepts
        return Sequence(
            scope, learner, standing, mastered[here], (not_yet & ~closed)[here], rows, theta,
            in_order, STOPPED.get(why, "end"),
        )  # fmt: skip

    def _worked(self, learner: Learner, watched: Ints, tried: Ints, theta: float) -> Array:
        """(K,) True for what was worked through as far as it can be expected."""
        nearly = (watched > 0) & (learner.mastery >= NEARLY * theta)
        return nearly | (watched + tried >= TRIES)

    def _just_done(self, learner: Learner) -> Array:
        """(K,) True for what the video seen last covers."""
        done = np.zeros(self.prior.size, dtype=bool)
        if (learner.seen_at > -np.inf).any():
            last = np.zeros(learner.seen_at.size, dtype=bool)
            last[learner.seen_at.argmax()] = True
            done[_covered(self.scopes.covers, last)] = True
        return done

    def _mastered(self, learner: Learner, theta: float) -> Array:
        """(K,) True where the learner's own evidence says so."""
        own = learner.reached & ~learner.not_told_apart & (learner.mastery >= theta)
        at = np.flatnonzero(own)
        own[at] = divergence(learner.mastery[at], self.prior[at]) >= WEAK_EVIDENCE
        return own

    def _done(self, learner: Learner) -> tuple[Ints, Array, Ints]:
        """Videos worked through on each concept, whether answers say not yet, and how many do."""
        wrong = learner.scores < NOT_YET
        right = learner.scores >= WATCHED
        through = ((learner.shares >= WATCHED) & ~wrong) | right
        size, covers = self.prior.size, self.scopes.covers
        through_on = np.bincount(_covered(covers, through), minlength=size)
        wrong_on = np.bincount(_covered(covers, wrong), minlength=size)
        return through_on, (wrong_on > 0) & (through_on == 0), wrong_on

    def _standing(
        self,
        scope: Scope,
        learner: Learner,
        closed: Array,
        passed: Array,
        just_done: Array,
        pinned: Array,
        preference: Floats,
        not_yet: Array,
        in_order: bool,
    ) -> Standing:
        layout, videos, concepts = scope.layout, scope.videos, scope.concepts
        shares, scores = learner.shares[videos], learner.scores[videos]
        wrong = scores < NOT_YET
        through = (shares >= WATCHED) | (scores >= WATCHED)
        # what a video of the course covers is not sent elsewhere for, unless it did not help
        helps = scope.own | _covers_any(layout, not_yet[concepts])
        is_open = (~through & helps) | wrong
        for concept in np.flatnonzero(pinned[concepts]):
            taught = slice(*layout.concept_start[concept : concept + 2].tolist())
            if not is_open[layout.taught_by[taught]].any():
                is_open[layout.taught_by[taught]] = True
        left = np.where(through, 1.0, 1 - np.maximum(shares, 0))
        weight = scope.weight.copy()
        weight[layout.asked] *= 1 + PREFERRED * preference
        favour, due = _favour(scope, learner.seen_at[videos], is_open)
        if in_order:
            due = scope.in_course & is_open
        return Standing(
            np.clip(learner.mastery[concepts], CERTAIN, 1 - CERTAIN),
            np.exp(np.minimum(self._gains(scope, learner), LONGEST)),
            np.where(pinned[concepts], np.maximum(weight, PREFERRED), weight),
            closed[concepts],
            passed[concepts],
            is_open,
            is_open & through,
            np.maximum(self.minutes[videos] * left, LEAST_MINUTES),
            favour,
            due,
            just_done[concepts],
            pinned[concepts][layout.asked],
        )

    def _gains(self, scope: Scope, learner: Learner) -> Floats:
        """(N,) `gains` of the scope's entries, by all that its videos cover."""
        covers = self.scopes.covers[scope.videos]
        line = Lines(self._line.guess[scope.videos], self._line.pull[scope.videos])
        shares = learner.shares[scope.videos]
        found = gains(covers.indptr, covers.indices, line, shares, learner.mastery)
        return found[scope.entries]


def _scope(scopes: Scopes, course_id: str | None, asked: bytes, pinned: bytes) -> Scope:
    """The scope of a goal, whose concepts are given as the bytes of int64."""
    concepts = np.frombuffer(asked, np.int64)
    if course_id is None:
        return scopes.towards(concepts)
    return scopes.of_course(course_id, concepts, np.frombuffer(pinned, np.int64))


def _most(options: PlanOptions, in_order: bool) -> int:
    """Concepts at most. In the course's order no gain ends a plan."""
    if options.length is not None:
        return options.length
    return USUAL_LENGTH if in_order and options.minutes is None else MOST_STEPS


def _favour(scope: Scope, seen_at: Floats, is_open: Array) -> tuple[Floats, Array]:
    """(m,) how well each video stands in the course behind the one seen last, and which are due.

    A teacher's order is the best guess at what comes next (71 % of real next views); where a
    learner saw nothing of the course yet, all stand alike and none is due.
    """
    favour = np.ones(seen_at.size)
    seen = scope.in_course & (seen_at > -np.inf)
    if not seen.any():
        return favour, np.zeros(seen_at.size, bool)
    place = scope.layout.place
    last = place[seen][seen_at[seen].argmax()]
    ahead = scope.in_course & is_open & (place > last)
    waiting = np.searchsorted(np.sort(place[ahead]), place)
    favour[:] = BEHIND
    favour[ahead] = np.exp(-waiting[ahead] / AHEAD)
    due = ahead & (waiting < DUE)
    favour[due] = NEXT ** (DUE - waiting[due])
    return favour, due


def _covers_any(layout: Layout, marked: Array) -> Array:
    """(m,) True for videos that cover a concept that is marked."""
    video = np.repeat(np.arange(layout.tier.size), np.diff(layout.video_start))
    return np.bincount(video, marked[layout.covers], minlength=layout.tier.size) > 0


def _without_loose_end(rows: Rows, scope: Scope) -> Rows:
    """The rows without a foundation at their end whose goal was not reached any more.

    Where nothing else is there, it stays: it is what to do first.
    """
    asked = np.flatnonzero(scope.asked[rows.concept])
    end = int(asked[-1]) + 1 if asked.size else rows.concept.size
    return Rows._make(column[:end] for column in rows)


def _lines(records: LearnerRecords, diagnosis: LearnerMastery, scopes: Scopes) -> Lines:
    """How the records' videos respond; those that the diagnosis does not know as usual."""
    size, items = records.item_ids.size, diagnosis.items
    slip, guess = np.full(size, np.nan), np.full(size, np.nan)
    if items is not None:
        at = positions(np.asarray(items.item_ids), records.item_ids)
        slip[at >= 0], guess[at >= 0] = items.slip[at[at >= 0]], items.guess[at[at >= 0]]
    return lines(slip, guess, np.diff(scopes.covers.indptr))


def _covered(covers, videos: Array) -> Ints:  # type: ignore[no-untyped-def]
    """Concepts of the videos, once for each."""
    rows = np.flatnonzero(videos)
    return covers[rows].indices if rows.size else np.zeros(0, np.int64)
