"""What should a learner do next, in which order? By expected gain of mastery a minute.

Sizes: K concepts of the graph, V videos of the records, A concepts asked for; n concepts and m
videos of a scope.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import NamedTuple

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints, positions, stored_in
from kgplan.data.records import NOT_YET, WATCHED, LearnerRecords
from kgplan.diagnosis.gain import CERTAIN, Lines, gains, lines
from kgplan.diagnosis.uncertainty import WEAK_EVIDENCE, divergence
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.native.sequence import GAIN, LENGTH, MINUTES, Layout, Rows, Standing, sequence
from kgplan.planning.derived import Derived
from kgplan.planning.done import in_time
from kgplan.planning.mastery import LearnerMastery
from kgplan.planning.options import MOST_STEPS, THETA, USUAL_LENGTH, PlanOptions
from kgplan.planning.plan import Stopped
from kgplan.planning.planners.ranking import Learner
from kgplan.planning.policy import STEADY, STUCK, next_in_turn, not_secure
from kgplan.planning.scope import Scope, Scopes

TRIES = 3  # items watched, read, or tried beside, from which a concept holds nothing up any more
NEARLY = 0.8  # of theta: where a step that was done may end, as its gain was only expected
LEAST_MINUTES = 0.2  # that any video takes
LONGEST = 60.0  # a gain in log-odds that is certain
DUE = 5  # lessons of the course that come next, whatever they gain, while a learner goes along it
RETRY = 1e6  # how well stands what teaches or asks what was just answered wrong
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
        practised: whether concepts come in the turns of `planning.policy`.
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
    practised: bool
    rows: Rows
    theta: float
    in_order: bool
    stopped: Stopped

    @cached_property
    def last_place(self) -> float:
        """The place in the course of what was seen last of it; -1 for nothing."""
        return _last_place(self.scope, self.learner.seen_at[self.scope.videos])

    def asks_for(self, concept: int) -> bool:
        """Whether a concept of the scope was asked for by name."""
        return bool((self.scope.layout.asked[self.standing.first] == concept).any())

    def retries(self, concept: int) -> bool:
        """Whether a concept of the scope comes first as it was just not answered right."""
        return bool(self.standing.urgency[concept] > 1)


class Practice(NamedTuple):
    """What a learner is to practise, in positions of a scope.

    Attributes:
        left: (n,) True for what is not secure yet: goals, and what these need.
        concepts, goals: in turn, and the goal that each is for.
    """

    left: Array
    concepts: Ints
    goals: Ints


NONE_PRACTISED = Practice(np.zeros(0, dtype=bool), np.zeros(0, np.int64), np.zeros(0, np.int64))


class Sequencer:
    """Chooses sequences; one for all learners.

    Args:
        graph: what the graph says.
        records: which videos there are.
        diagnosis: how they respond to mastery.
        derived: what `derive` gives for these.
        minutes: (V,) how long each video takes.

    Attributes:
        line: of the V items, how the answer to each depends on how many of its concepts are held.
    """

    def __init__(
        self,
        graph: GraphSnapshot,
        records: LearnerRecords,
        diagnosis: LearnerMastery,
        derived: Derived,
        minutes: Floats,
    ) -> None:
        self.scopes = Scopes(graph, records)
        self.prior = derived.prior
        self._scope = lru_cache(KEPT)(partial(_scope, self.scopes))  # any number of threads ask
        self.line = _lines(records, diagnosis, self.scopes)
        items = diagnosis.items
        self._attendance = None if items is None else items.attendance_on(records)
        self._courses = records.courses
        self.minutes, self._asks = minutes, records.exercises

    def scope_of(self, course_id: str | None, asked: Ints) -> Scope:
        """What a goal involves where nothing beside it is pinned; arguments as for `choose`."""
        pinned = asked if course_id is None else asked[:0]
        return self._scope(course_id, asked.tobytes(), pinned.tobytes())

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
        watched, not_yet, tried = self._done(learner, theta)
        mastered = self.mastered(learner, theta) & ~not_yet
        homonym: Array = np.zeros(mastered.size, dtype=bool)
        homonym[scope.concepts] = scope.asked & (scope.weight == 0)
        practised, in_order = scope.practised, learner.is_new and scope.has_videos
        most = _most(options, in_order or practised)
        practice = NONE_PRACTISED
        if practised:
            left_out = (learner.passed_over | homonym) & ~pinned
            left_out[excluded] = True
            practice = _practice(scope, learner, mastered & ~pinned, left_out, pinned, most)
            answered = (learner.streak + learner.lapses)[scope.concepts] > 0
            secure = learner.streak[scope.concepts] >= STEADY.goal
            secure &= ~practice.left
            mastered[scope.concepts] = np.where(answered, secure, mastered[scope.concepts])
            not_yet |= learner.lapses > 0
        closed = (mastered | learner.passed_over | homonym) & ~pinned
        closed[excluded] = True
        just_done = self._just_done(learner)
        enough = self._worked(learner, watched, tried, theta) | (learner.mastery > theta)
        enough |= just_done & (watched > 0)
        passed = closed | (enough & ~pinned & ~not_yet) | learner.held
        if practised:
            passed[scope.concepts] = (closed | learner.held)[scope.concepts] | ~practice.left
        standing = self._standing(
            scope, learner, closed, passed, just_done, pinned, preference, not_yet, mastered, theta,
            practice,
        )  # fmt: skip
        weighs_gain = options.length is None and course_id is not None and not practised
        rows, why = sequence(
            scope.layout,
            standing,
            theta,
            most,
            np.inf if options.minutes is None else float(options.minutes),
            float(options.least_gain) if weighs_gain else 0.0,
        )
        rows = _without_loose_end(rows, scope)
        here = scope.concepts
        return Sequence(
            scope, learner, standing, mastered[here], (not_yet & ~closed)[here], practised, rows,
            theta, in_order and not practised, STOPPED.get(why, "end"),
        )  # fmt: skip

    def _worked(self, learner: Learner, watched: Ints, tried: Ints, theta: float) -> Array:
        """(K,) True for what was worked through as far as it can be expected."""
        nearly = (watched > 0) & (learner.mastery >= NEARLY * theta)
        return nearly | (tried >= TRIES)

    def _just_done(self, learner: Learner) -> Array:
        """(K,) True for what the video seen last covers; not where it was only begun."""
        done = np.zeros(self.prior.size, dtype=bool)
        last = seen_last(learner)
        if last >= 0 and not (learner.shares[last] < WATCHED and np.isnan(learner.scores[last])):
            done[stored_in(self.scopes.covers, last)] = True
        return done

    def mastered(self, learner: Learner, theta: float) -> Array:
        """(K,) True where the learner's own evidence says so, which plans leave out."""
        own = learner.reached & ~learner.not_told_apart & (learner.mastery >= theta)
        at = np.flatnonzero(own)
        own[at] = divergence(learner.mastery[at], self.prior[at]) >= WEAK_EVIDENCE
        return own

    def _done(self, learner: Learner, theta: float) -> tuple[Ints, Array, Ints]:
        """Of each concept what was worked through, what answers say, and what was tried.

        Returns:
            (K,) items on it that were worked through; True where answers say not yet; and how many
            tries there were. Answers to exercises are no tries: what they say of mastery is all
            that they say. They say not yet where one was wrong and nothing was worked through
            since, but where another was right and both together come to `theta`.
        """
        wrong = learner.scores < NOT_YET
        right = learner.scores >= WATCHED
        through = ((learner.shares >= WATCHED) & ~wrong) | right
        size, covers = self.prior.size, self.scopes.covers
        through_on, wrong_on, tries_on = (
            np.bincount(_covered(covers, each), minlength=size)
            for each in (through, wrong, (through | wrong) & ~self._asks)
        )
        last_wrong, last_through = (
            _last_on(covers, each, learner.seen_at) for each in (wrong, through)
        )
        none_right = np.bincount(_covered(covers, right), minlength=size) == 0
        not_yet = (wrong_on > 0) & ((through_on == 0) | (last_wrong > last_through))
        not_yet &= none_right | (learner.mastery < theta)
        return through_on, not_yet, tries_on

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
        mastered: Array,
        theta: float,
        practice: Practice,
    ) -> Standing:
        layout, videos, concepts = scope.layout, scope.videos, scope.concepts
        shares, scores = learner.shares[videos], learner.scores[videos]
        wrong = scores < NOT_YET
        through = (shares >= WATCHED) | (scores >= WATCHED)
        # what a video of the course covers is not sent elsewhere for, unless it did not help, and
        # then not to what anticipates others that the course asks for and does not teach
        only_asked = _covered_by(layout, scope.in_course & layout.asks)
        only_asked &= ~_covered_by(layout, scope.in_course & ~layout.asks)
        early = _covers_any(layout, only_asked & ~(not_yet | closed)[concepts])
        helps = scope.own | (_covers_any(layout, not_yet[concepts]) & ~early)
        is_open = (~through & helps) | wrong
        before = through | (layout.asks & ~np.isnan(scores))
        fresh, failed = is_open & ~before, (not_yet & ~closed)[concepts]
        passed_here, lately = passed[concepts], learner.seen_at[videos]
        again_first: Array = np.zeros(concepts.size, dtype=bool)
        video_of = _video_of(layout)
        goes_on: Array = np.zeros(layout.covers.size, dtype=bool)
        for concept in np.flatnonzero(pinned[concepts] | failed):
            taught = layout.taught_by[slice(*layout.concept_start[concept : concept + 2].tolist())]
            other_ways = taught
            if failed[concept]:
                on = _going_on(scope, taught, before | wrong, fresh, passed_here)
                goes_on |= (layout.covers == concept) & np.isin(video_of, on)
                other_ways = np.setdiff1d(taught, on)
            if fresh[other_ways].any():
                continue
            # what taught it comes again, with what asks; not the same one a third time
            again = taught[~layout.asks[taught] | pinned[concepts][concept]]
            if failed[concept] and learner.lapses[concepts[concept]] >= STUCK:
                if again.size > 1 and lately[again].max() > -np.inf:
                    again = np.delete(again, lately[again].argmax())
                else:
                    again_first |= _needed(layout, int(concept)) & ~(mastered | closed)[concepts]
            is_open[again] = True
        for concept in np.flatnonzero(again_first):
            taught = layout.taught_by[slice(*layout.concept_start[concept : concept + 2].tolist())]
            if not fresh[taught].any():
                is_open[taught[~layout.asks[taught]]] = True
        passed_here &= ~again_first
        if scope.practised:
            again = layout.asks & scope.own & _covers_any(layout, practice.left)
            is_open |= again
            is_open &= ~_same_again(scope, learner, again & ~learner.refused[videos])
        is_open &= ~learner.refused[videos]
        left = np.where(through, 1.0, 1 - np.maximum(shares, 0))
        weight = scope.weight.copy()
        weight[layout.asked] *= 1 + PREFERRED * preference
        favour, turn, road = _favour(
            scope, learner.seen_at[videos], fresh | (is_open & layout.asks)
        )
        left_out = (closed & ~mastered)[concepts]
        rides = ~layout.asks & ~_covers_any(layout, left_out)
        if not learner.is_new:
            none_left = ((closed | just_done)[concepts]) | (weight == 0)
            road = _until(road, DUE, _covers_any(layout, ~none_left))
        likely = passed_here.copy()
        if scope.practised:
            road = road[:0]
        elif not learner.is_new:
            likely |= (learner.mastery >= NEARLY * theta)[concepts] & ~not_yet[concepts]
            likely &= ~again_first
        other = (~passed_here)[layout.covers].astype(np.int64)
        breadth = np.add.reduceat(np.append(other, 0), layout.video_start[:-1])
        rank = np.where(is_open & before, 2, layout.asks) * 2 + np.minimum(layout.tier, 1)
        for concept in np.flatnonzero(failed):
            taught = video_of[(layout.covers == concept) & is_open[video_of] & ~goes_on]
            if not taught.size:
                continue
            # what is most on it stands as well as any, wherever the learner is in the course
            taught = taught[rank[taught] == rank[taught].min()]
            most_on_it = taught[breadth[taught] == breadth[taught].min()]
            favour[most_on_it] = RETRY if just_done[concepts[concept]] else favour[taught].max()
        retried = (not_yet & just_done)[concepts] & (not scope.practised)
        urgency = np.where(retried, RETRY, 1.0)
        last = seen_last(learner)
        taught = just_done if last >= 0 and not self._asks[last] else np.zeros_like(just_done)
        return Standing(
            np.clip(learner.mastery[concepts], CERTAIN, 1 - CERTAIN),
            np.exp(np.minimum(self._gains(scope, learner), LONGEST)),
            np.where(pinned[concepts], np.maximum(weight, PREFERRED), weight),
            closed[concepts],
            passed_here,
            is_open,
            is_open & before,
            np.maximum(self.minutes[videos] * left, LEAST_MINUTES),
            favour,
            road,
            rides,
            likely,
            just_done[concepts],
            (just_done & taught)[concepts],
            pinned[concepts][layout.asked],
            urgency,
            failed,
            goes_on,
            turn,
            practice.concepts,
            practice.goals,
        )

    def _gains(self, scope: Scope, learner: Learner) -> Floats:
        """(N,) `gains` of the scope's entries, by all that its videos cover."""
        covers = self.scopes.covers[scope.videos]
        line = Lines(self.line.guess[scope.videos], self.line.pull[scope.videos])
        # of an exercise the score is what was observed
        answered = np.where(np.isnan(learner.scores), -1.0, learner.scores)
        shares = np.where(self._asks, answered, learner.shares)[scope.videos]
        weights = self._weights(scope.videos, shares, learner)
        found = gains(covers.indptr, covers.indices, line, shares, weights, learner.mastery)
        return found[scope.entries]

    def _weights(self, videos: Ints, shares: Floats, learner: Learner) -> Floats:
        """(m,) how much was observed of each video, 0 where nothing was."""
        weights = (shares >= 0).astype(np.float64)
        if self._attendance is not None:
            opened = (learner.shares > 0) | (learner.seen_at > -np.inf)
            never = (shares == 0) & ~opened[videos] & ~self._asks[videos]
            mine = np.sort(self._courses.known(learner.courses))
            weights[never] = self._attendance.weights(
                in_time(opened, learner.seen_at), mine, videos[never]
            )
        return weights


def _scope(scopes: Scopes, course_id: str | None, asked: bytes, pinned: bytes) -> Scope:
    """The scope of a goal, whose concepts are given as the bytes of int64."""
    concepts = np.frombuffer(asked, np.int64)
    if course_id is None:
        return scopes.towards(concepts)
    return scopes.of_course(course_id, concepts, np.frombuffer(pinned, np.int64))


def _practice(
    scope: Scope, learner: Learner, mastered: Array, left_out: Array, pinned: Array, most: int
) -> Practice:
    """What a learner is to practise for a scope.

    What evidence shows to be held and was not answered on, what the learner left out, and what
    nothing asks make nobody wait.

    Args:
        scope, learner: for what, whose.
        mastered, left_out, pinned: (K,) True for what evidence shows to be held; for what is not
            planned; and for what is in any case.
        most: concepts.
    """
    here, layout = scope.concepts, scope.layout
    streak, lapses = learner.streak[here], learner.lapses[here]
    asked_on = _covered_by(layout, layout.asks & scope.own & ~learner.refused[scope.videos])
    held = (mastered | learner.held)[here] & (streak + lapses == 0)
    streak = np.where(asked_on & ~held & ~left_out[here], streak, STEADY.foundation)
    goals = scope.asked | pinned[here]
    left = not_secure(scope.practice, goals, streak)
    return Practice(left, *next_in_turn(scope.practice, goals, streak, lapses, most))


def _needed(layout: Layout, concept: int) -> Array:
    """(n,) True for the direct prerequisites of a concept."""
    found: Array = np.zeros(layout.concept_start.size - 1, dtype=bool)
    begin, end = layout.any_start[layout.require_start[concept : concept + 2]].tolist()
    found[layout.any_of[begin:end]] = True
    return found


def _same_again(scope: Scope, learner: Learner, again: Array) -> Array:
    """(m,) True for what was answered last, where something else asks for the same.

    Args:
        scope, learner: for what, whose.
        again: (m,) True for what may be practised.
    """
    same: Array = scope.videos == seen_last(learner)
    others = _covered_by(scope.layout, again & ~same)
    alone = _covered_by(scope.layout, same) & ~others
    return same & ~_covers_any(scope.layout, alone)


def _most(options: PlanOptions, in_order: bool) -> int:
    """Concepts at most. In the course's order no gain ends a plan."""
    if options.length is not None:
        return options.length
    return USUAL_LENGTH if in_order and options.minutes is None else MOST_STEPS


def _last_place(scope: Scope, seen_at: Floats) -> float:
    """The place in the course of what was seen last of it; -1 for nothing."""
    seen = np.flatnonzero(scope.in_course & (seen_at > -np.inf))
    return float(scope.layout.place[seen[seen_at[seen].argmax()]]) if seen.size else -1.0


def _favour(scope: Scope, seen_at: Floats, fresh: Array) -> tuple[Floats, Floats, Ints]:
    """How well each video stands in the course behind the one seen last, and what comes next.

    One that was only begun comes next itself. A teacher's order is the best guess at what comes
    next (70 % of real next views are among the five that it has next): who saw nothing of the
    course stands before its first video, and who is at its end goes back to what was left out.

    Args:
        scope, seen_at: of it.
        fresh: (m,) True for what is new, and exercises that were not answered right.

    Returns:
        (m,) favour; (m,) when the course comes to each, what a learner went past at the end; what
        it has next of the videos that are new, in its order.
    """
    place = scope.layout.place  # inf outside of the course
    last, new = _last_place(scope, seen_at), scope.in_course & fresh
    begun = (place == last) & ~scope.layout.asks
    ahead = new & ((place > last) | begun)
    if not ahead.any():
        last, ahead = -1.0, new
    waiting = np.searchsorted(np.sort(place[ahead]), place)
    favour = np.where(ahead, np.exp(-waiting / AHEAD), BEHIND)
    went_past = (place <= last) & ~ahead
    turn = place + went_past * place[scope.in_course].max(initial=0)
    road = np.flatnonzero(ahead)
    return favour, turn, road[np.argsort(place[road])]


def _until(road: Ints, n: int, stops: Array) -> Ints:
    """The first lessons of a road, at least so many, up to one that may be a step."""
    found = np.flatnonzero(stops[road][n - 1 :])
    return road[: n + found[0]] if found.size else road[:n]


def _going_on(scope: Scope, taught: Ints, done: Array, fresh: Array, passed: Array) -> Ints:
    """Videos on a concept that go on from it, rather than teach it in another way.

    The course comes to them behind all that the learner did on the concept, and with them to
    something else that is not passed. None do where nothing else could teach the concept.

    Args:
        scope: of it.
        taught: videos on the concept.
        done, fresh: (m,) True for videos that the learner did, and for those that are new.
        passed: (n,) True for concepts that nothing waits for.
    """
    layout, video = scope.layout, _video_of(scope.layout)
    place = np.where(scope.in_course & ~layout.asks, layout.place, np.inf)
    first = np.full(passed.size, np.inf)  # where the course comes to each concept
    np.minimum.at(first, layout.covers, place[video])
    begins = (place[video] == first[layout.covers]) & ~passed[layout.covers]
    begins &= np.isfinite(place[video])
    new = np.bincount(video, begins, minlength=place.size) > 0
    last = layout.place[taught[(scope.in_course & done)[taught]]].max(initial=-np.inf)
    on = taught[(fresh & new & (place > last))[taught]]
    others = np.setdiff1d(taught, on)
    teach = (done | fresh)[others] & ~layout.asks[others]
    return on if teach.any() else on[:0]


def _video_of(layout: Layout) -> Ints:
    """(N,) the video of each entry."""
    return np.repeat(np.arange(layout.tier.size), np.diff(layout.video_start))


def _covered_by(layout: Layout, videos: Array) -> Array:
    """(n,) True for concepts that any of the videos covers."""
    found: Array = np.zeros(layout.concept_start.size - 1, dtype=bool)
    found[layout.covers[np.repeat(videos, np.diff(layout.video_start))]] = True
    return found


def _covers_any(layout: Layout, marked: Array) -> Array:
    """(m,) True for videos that cover a concept that is marked."""
    video = _video_of(layout)
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


def seen_last(learner: Learner) -> int:
    """Position of the video seen or answered last; -1 where that is not known of any."""
    last = int(learner.seen_at.argmax()) if learner.seen_at.size else -1
    return last if last >= 0 and learner.seen_at[last] > -np.inf else -1


def _last_on(covers: sparse.csr_array, videos: Array, seen_at: Floats) -> Floats:
    """(K,) when a video of these was last seen; -inf for never, or where that is not known."""
    last = np.full(covers.shape[1], -np.inf)
    rows = covers[np.flatnonzero(videos)]
    np.maximum.at(last, rows.indices, np.repeat(seen_at[videos], np.diff(rows.indptr)))
    return last


def _covered(covers, videos: Array) -> Ints:  # type: ignore[no-untyped-def]
    """Concepts of the videos, once for each."""
    rows = np.flatnonzero(videos)
    return covers[rows].indices if rows.size else np.zeros(0, np.int64)
