"""What does a learner hold now? The batch's row and the events since, at fixed slip and guess.

An exercise is observed by its answers, at the slip and guess that were fitted. What was never
opened is weighed anew with every event, as far as the diagnosis weighs it. A scored answer to a
video is an observation beside the view: each item stands twice on the axis of responses, as what is
watched and as what is answered beside, with the same concepts.
What the learner answered when asked whether a concept is held is an observation
of that concept alone.
Sizes: V items of the diagnosis, K its concepts; responses V to 2V - 1 are answers beside a view,
and 2V to 2V + K - 1 answers on concepts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ids, Ints, positions, stored_in
from kgplan.data.events import Event, Evidence, evidence_of, named_in
from kgplan.data.records import NOT_YET, TEXT, WATCHED, LearnerRecords
from kgplan.data.wishes import Wishes
from kgplan.diagnosis.aging import HALF_LIFE
from kgplan.diagnosis.attendance import Attendance
from kgplan.diagnosis.influence import Together, influences
from kgplan.diagnosis.live import NOTHING_OBSERVED, LargeUpdate, LiveDiagnosis, Posterior
from kgplan.diagnosis.placing import SAID_GUESS, SAID_SLIP
from kgplan.planning.because import Did, Reason, Reasons
from kgplan.planning.done import done_by
from kgplan.planning.learner import CurrentLearner
from kgplan.planning.mastery import LearnerMastery

_DAY = 86_400.0  # seconds
ANSWER_SLIP = ANSWER_GUESS = 0.2
"""Of answers beside a view: nothing was fitted to them; where EM starts (de la Torre 2009)."""


@dataclass(frozen=True)
class LiveState:
    """One learner, ready for the next event.

    Attributes:
        learner: for `Planner.plan`.
        fitted: what the records' row alone says, where it counts.
        posterior: what follows from it and the events; None where events say nothing.
    """

    learner: CurrentLearner
    fitted: Posterior | None = None
    posterior: Posterior | None = None


class LiveModel:
    """Infers what single learners hold now. For any number of learners and threads.

    Args:
        records: what learners did before the fit.
        diagnosis: the fit; where its `items` are None, no event moves a mastery.

    Attributes:
        lengths: video -> seconds, where the records know it.
    """

    def __init__(self, records: LearnerRecords, diagnosis: LearnerMastery) -> None:
        self._records, self._diagnosis = records, diagnosis
        self._learners, self._diagnosed = records.learners, diagnosis.learners
        self._courses, self._videos = records.courses, records.items
        self._shown_in = records.course_items.tocsc()
        self._ascending = bool(diagnosis.mastery.has_sorted_indices)
        self._live: LiveDiagnosis | None = None
        self._attendance: Attendance | None = None
        items = diagnosis.items
        if items is not None and items.config.class_prior != "independent":
            items = None  # nobody is updated alone under a free probability for every state
        item_ids = records.item_ids[:0] if items is None else np.asarray(items.item_ids)
        self._n_videos = item_ids.size
        self._to_item = positions(item_ids, records.item_ids)
        self._from_item = positions(records.item_ids, item_ids)
        seconds = records.item_seconds
        known = np.flatnonzero(seconds > 0) if seconds is not None else np.zeros(0, np.int64)
        self.lengths = (
            {}
            if seconds is None
            else dict(zip(records.item_ids[known].tolist(), seconds[known].tolist(), strict=True))
        )
        if items is not None:
            self._attendance = items.attendance_on(records)
            q = _q_matrix(records, item_ids, np.asarray(diagnosis.concept_ids))
            self._live = LiveDiagnosis(
                sparse.vstack([q, q, sparse.eye_array(q.shape[1])], format="csr"),
                np.concatenate([items.slip, *_of_answers(q, ANSWER_SLIP, SAID_SLIP)]),
                np.concatenate([items.guess, *_of_answers(q, ANSWER_GUESS, SAID_GUESS)]),
                np.asarray(diagnosis.prior),
                items.config,
            )

    def knows(self, learner_id: str) -> bool:
        """Whether the records have a row of the learner."""
        return learner_id in self._learners

    def current(
        self,
        learner_id: str,
        evidence: Evidence,
        wishes: Wishes,
        in_records: bool = True,
        before: LiveState | None = None,
        most: int | None = None,
    ) -> LiveState:
        """What is known of a learner now.

        Args:
            learner_id: of the records, or new.
            evidence: what all events say.
            wishes: what the learner said.
            in_records: False where the records' row is to be ignored.
            before: an earlier state of the same learner in this model, which is moved.
            most: concepts that may be inferred; any number where None.

        Raises:
            LargeUpdate: it would be more.

        Returns:
            The same whatever `before` is; equal to the batch's own mastery where events say
            nothing, and to `diagnosis.infer` on row and events together where they do.
        """
        fitted = posterior = None
        if self._live is not None and self._says(evidence, wishes):
            if before is not None and before.fitted and before.learner.in_records == in_records:
                fitted, start = before.fitted, before.posterior or before.fitted
            else:
                fitted = start = self._fitted(learner_id if in_records else "", most)
            observed = self._observed(learner_id, evidence, in_records, wishes)
            posterior = self._live.update(start, *observed, most)
        concepts, mastery, not_apart = (
            self._batch(learner_id, in_records)
            if posterior is None or self._live is None
            else (posterior.concepts, posterior.mastery, self._live.not_told_apart(posterior))
        )
        learner = CurrentLearner(
            self._diagnosis.concept_ids,
            concepts,
            mastery,
            not_apart,
            self.covered(evidence.shares) | self.covered(evidence.scores, WATCHED),
            evidence.courses | self._showing(evidence.elsewhere),
            wishes,
            in_records,
            evidence.shares,
            evidence.scores,
            evidence.seen_at,
            evidence.answers,
        )
        return LiveState(learner, fitted, posterior)

    def aged(
        self, learner: CurrentLearner, as_of: float, half_life: float = HALF_LIFE
    ) -> CurrentLearner:
        """What is left of a learner's mastery some time after the last event on each concept.

        A state is drawn anew from the prior at a steady rate, as between answers in
        `diagnosis.aging`: half of what a mastery says beyond its prior is lost per half-life.
        A mastery below its prior stays, as nobody learns by waiting; so does that of a concept
        which no event is on, as records have the order of views and no times.

        Args:
            learner: what `current` gave.
            as_of: in seconds since 1970; before an event, its concepts have not aged.
            half_life: in days, above 0; infinite: nothing is forgotten.
        """
        if self._live is None:
            return learner
        seen = {
            self._videos.find(v): when for v, when in learner.seen_at.items() if self._diagnoses(v)
        }
        items, times = np.fromiter(seen, np.int64, len(seen)), np.fromiter(seen.values(), float)
        rows = self._live.q_matrix[self._to_item[items]]
        last = np.full(self._live.prior.size, -np.inf)
        np.maximum.at(last, rows.indices, np.repeat(times, np.diff(rows.indptr)))
        last, prior = last[learner.concepts], self._live.prior[learner.concepts]
        ages = (last > -np.inf) & (last < as_of) & (learner.mastery > prior)
        kept = 0.5 ** ((as_of - last[ages]) / _DAY / half_life)
        mastery = learner.mastery.copy()
        mastery[ages] = prior[ages] + kept * (mastery[ages] - prior[ages])
        return replace(learner, mastery=mastery)

    def reasons(
        self, learner_id: str, concept_id: str, state: LiveState | None, most: int
    ) -> Reasons | None:
        """What a mastery rests on, each observation left out in turn.

        Args:
            learner_id: of the records, or new.
            concept_id: of the graph.
            state: what `current` gave; None where nothing is known beside the records.
            most: observations that are looked at (`diagnosis.influence.influences`).

        Returns:
            None where it cannot be told: the mastery follows from other records than these, or
            nobody is updated alone.
        """
        known = self._known(learner_id, state)
        if known is None or self._live is None:
            return None
        concept = int(positions(np.asarray(self._diagnosis.concept_ids), np.array([concept_id]))[0])
        if concept < 0:
            return Reasons((), Together(0, 0.0), Together(0, 0.0), 0)
        found = influences(self._live, known, concept, most)
        opened = self._opened(learner_id, state)
        observed = zip(
            known.videos[found.places].tolist(),
            known.shares[found.places].tolist(),
            found.covers.tolist(),
            found.moved.tolist(),
            strict=True,
        )
        listed = (self._reason(*each, opened=opened, state=state) for each in observed)
        return Reasons(tuple(listed), found.raising, found.lowering, found.left_out)

    def covered(self, values: Mapping[str, float], least: float = 0.0) -> frozenset[str]:
        """Concepts of the videos with a share or score above 0, and not below `least`."""
        q, names = self._records.q_matrix, self._records.concept_ids
        found: set[str] = set()
        for video, value in values.items():
            if value > 0 and value >= least and (at := self._videos.find(video)) >= 0:
                found.update(names[stored_in(q, at)].tolist())
        return frozenset(found)

    def named(self, events: Iterable[Event]) -> list[Event]:
        """Events by the names that the records have for their videos and courses."""
        return named_in(events, self._videos, self._courses)

    def evidence(self, events: Iterable[Event]) -> Evidence:
        """What events say together, by the records' names and lengths.

        That an exercise was opened says nothing: it is answered, not watched.
        """
        said = evidence_of(self.named(events), self.lengths)
        asked = {item for item in said.shares if self._is_exercise(item)}
        seen = {
            item: when
            for item, when in said.seen_at.items()
            if item not in asked or item in said.scores
        }
        shares = {item: share for item, share in said.shares.items() if item not in asked}
        return replace(said, shares=shares, seen_at=seen)

    def _is_exercise(self, item: str) -> bool:
        at = self._videos.find(item)
        return at >= 0 and bool(self._records.exercises[at])

    def unknown(self, evidence: Evidence) -> list[str]:
        """Videos of the events that the diagnosis does not know; they say nothing until it does."""
        named = evidence.shares.keys() | evidence.scores.keys()
        return sorted(video for video in named if not self._diagnoses(video))

    def unknown_in(self, events: Iterable[Event]) -> tuple[list[str], list[str]]:
        """Videos that the diagnosis, and courses that the records do not know, of single events."""
        named = self.named(events)
        watched = {e.item_id for e in named if e.watches or e.score is not None}
        videos = {video for video in watched if video is not None and not self._diagnoses(video)}
        courses = {e.course_id for e in named if e.course_id is not None}
        return sorted(videos), sorted(each for each in courses if each not in self._courses)

    def _diagnoses(self, video: str) -> bool:
        at = self._videos.find(video)
        return at >= 0 and bool(self._to_item[at] >= 0)

    def _says(self, evidence: Evidence, wishes: Wishes) -> bool:
        """Whether a mastery can be moved; what is unknown to the diagnosis says nothing."""
        if self._answers(wishes)[0].size:
            return True
        told = evidence.shares.keys() | evidence.scores.keys()
        if any(self._diagnoses(video) for video in told):
            return True
        due = self._records.due(self._courses.known(evidence.enrolled))
        return bool((self._to_item[due] >= 0).any())

    def _observed(
        self, learner_id: str, evidence: Evidence, in_records: bool, wishes: Wishes | None = None
    ) -> tuple[Ints, Floats, Floats]:
        """Responses, ascending, their values and weights: of the records' row, events and answers.

        Without events it is the row of `records.observations` and, where attendance is fitted, of
        `attendance.observe`.
        """
        records = self._records
        done = done_by(records, learner_id, evidence, in_records)
        at = self._learners.find(learner_id) if in_records else -1
        mine = np.sort(self._courses.known(evidence.enrolled))
        if at >= 0:
            mine = np.union1d(mine, stored_in(records.enrolled, at)).astype(np.int64)
        answered = ~np.isnan(done.scores)
        value = np.where(answered & records.exercises, done.scores, done.shares)
        due = records.due(mine) & np.isnan(value)
        weight = np.ones(value.size)
        value[due] = 0.0
        if self._attendance is not None:
            (never,) = np.nonzero(due & ~done.opened)  # what was answered beside was met
            weight[never] = self._attendance.weights(done.in_time, mine, never)
        (own,) = np.nonzero(~np.isnan(value) & (weight > 0))
        (beside,) = np.nonzero(answered & ~records.exercises)
        items = np.append(self._to_item[own], self._n_videos + self._to_item[beside])
        known = np.append(self._to_item[own], self._to_item[beside]) >= 0
        values = np.append(value[own], done.scores[beside])
        weights = np.append(weight[own], np.ones(beside.size))
        asked, said = self._answers(wishes or Wishes())
        return (  # all three axes are sorted by id
            np.append(items[known], 2 * self._n_videos + asked),
            np.append(values[known], said),
            np.append(weights[known], np.ones(asked.size)),
        )

    def _answers(self, wishes: Wishes) -> tuple[Ints, Floats]:
        """Concepts of the diagnosis that the learner answered on, ascending, and what."""
        if not wishes.answers:
            return np.zeros(0, np.int64), np.zeros(0)
        ids = np.array(sorted(wishes.answers))
        at = positions(np.asarray(self._diagnosis.concept_ids), ids)
        values = np.array([wishes.answers[each] for each in ids.tolist()])
        return at[at >= 0], values[at >= 0]

    def _fitted(self, learner_id: str, most: int | None) -> Posterior:
        """The learner before all events; what the batch inferred of the same row is taken over."""
        assert self._live is not None
        at = self._learners.find(learner_id)
        if at < 0:
            return NOTHING_OBSERVED
        row = self._observed(learner_id, Evidence(), True)
        if self._diagnosis.of_records:
            concepts, mastery, _ = self._batch(learner_id, True)
            return Posterior(*row, concepts, mastery)
        if most is not None:
            raise LargeUpdate
        return self._live.infer(*row)

    def _known(self, learner_id: str, state: LiveState | None) -> Posterior | None:
        """What the learner's mastery follows from; None where that is not at hand."""
        if state is not None and state.posterior is not None:
            return state.posterior
        if state is not None and not state.learner.in_records:
            return NOTHING_OBSERVED
        if self._live is None or not self._diagnosis.of_records:
            return None
        return self._fitted(learner_id, None)

    def _opened(self, learner_id: str, state: LiveState | None) -> frozenset[str]:
        """Items that the learner opened, were it for nothing."""
        found: frozenset[str] = frozenset()
        at = self._learners.find(learner_id)
        if at >= 0 and (state is None or state.learner.in_records):
            found |= set(self._records.item_ids[stored_in(self._records.viewed, at)].tolist())
        return found if state is None else found | state.learner.shares.keys()

    def _reason(
        self,
        response: int,
        value: float,
        covers: bool,
        moved: float,
        opened: frozenset[str],
        state: LiveState | None,
    ) -> Reason:
        """An observation, as a person reads it."""
        if response >= 2 * self._n_videos:
            concept_id = str(self._diagnosis.concept_ids[response - 2 * self._n_videos])
            said: Did = "said_unsure" if value % 1 else "said_known" if value else "said_unknown"
            return Reason(concept_id, "concept", "", said, None, value, None, covers, moved)
        records, at = self._records, int(self._from_item[response % self._n_videos])
        item_id, kind = str(records.item_ids[at]), str(records.kinds[at])
        answered = response >= self._n_videos or bool(records.exercises[at])
        return Reason(
            item_id,
            kind,
            str(records.titles[at]),
            did_with(kind, answered, value, item_id in opened),
            None if answered else value,
            value if answered else None,
            None if state is None else state.learner.seen_at.get(item_id),
            covers,
            moved,
        )

    def _batch(self, learner_id: str, in_records: bool) -> tuple[Ints, Floats, Array]:
        at = self._diagnosed.find(learner_id)
        known = self._diagnosis.mastery
        if at < 0 or not in_records:
            return np.zeros(0, np.int64), np.zeros(0), np.zeros(0, bool)
        stored = slice(known.indptr[at], known.indptr[at + 1])
        concepts, mastery = known.indices[stored], known.data[stored]
        if not self._ascending:
            order = np.argsort(concepts)
            concepts, mastery = concepts[order], mastery[order]
        not_apart = np.zeros(concepts.size, bool)
        not_apart[np.searchsorted(concepts, stored_in(self._diagnosis.not_told_apart, at))] = True
        return concepts, mastery, not_apart

    def _showing(self, videos: frozenset[str]) -> frozenset[str]:
        """Courses that show a video."""
        names, found = self._records.course_ids, set()
        for at in self._videos.known(videos):
            shown = self._shown_in.indices[
                self._shown_in.indptr[at] : self._shown_in.indptr[at + 1]
            ]
            found.update(names[shown].tolist())
        return frozenset(found)


def did_with(kind: str, answered: bool, value: float, opened: bool) -> Did:
    """What a learner did with an item, in a word.

    Args:
        kind: of the item.
        answered: whether it was answered; else it was watched or read, or is due.
        value: the score, or the share.
        opened: whether the learner opened it at all.

    >>> did_with("text", False, 0.5, True), did_with("video", True, 0.4, True)
    ('read_part', 'answered_wrong')
    """
    if answered:
        if value >= WATCHED:
            return "answered_right"
        return "answered_wrong" if value < NOT_YET else "answered_partly"
    if value == 0:
        return "opened" if opened else "not_opened"
    if kind == TEXT:
        return "read" if value >= WATCHED else "read_part"
    return "watched" if value >= WATCHED else "watched_part"


def _of_answers(q_matrix: sparse.csr_array, beside: float, said: float) -> tuple[Floats, Floats]:
    """A parameter of answers beside views, and of answers on concepts."""
    return np.full(q_matrix.shape[0], beside), np.full(q_matrix.shape[1], said)


def _q_matrix(records: LearnerRecords, item_ids: Ids, concept_ids: Ids) -> sparse.csr_array:
    """The records' Q-matrix on the diagnosis's videos and concepts: a later run may have others."""
    stored = records.q_matrix.tocoo()
    row = positions(item_ids, records.item_ids)[stored.row]
    column = positions(concept_ids, records.concept_ids)[stored.col]
    kept = (row >= 0) & (column >= 0)
    shape = item_ids.size, concept_ids.size
    return sparse.coo_array((stored.data[kept], (row[kept], column[kept])), shape=shape).tocsr()
