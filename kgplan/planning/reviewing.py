"""What that was learned comes due again, and what is the least to open for it?

Memory is that of FSRS-6, by its authors' library, with its default weights: a concept is a card,
and each day on which something on it was worked through or answered is a review of the card.
Answers are rated by their scores; what was watched or read to its end counts as recalled, as
nothing tells more. Sizes: K concepts of the graph, V items of the records.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from fsrs import Card, Rating, Scheduler
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints, stored_in
from kgplan.data.axis import Axis
from kgplan.data.events import Event, evidence_of
from kgplan.data.links import Links
from kgplan.data.records import NOT_YET, WATCHED, LearnerRecords
from kgplan.planning.choosing import Chooser
from kgplan.planning.options import THETA
from kgplan.planning.planners.ranking import Learner
from kgplan.planning.progress import DAY
from kgplan.planning.resources import Places, Resource
from kgplan.planning.sequencing import Sequencer
from kgplan.planning.texts import Manner, listed, say

RECALL = 0.9  # chance of recalling at which a concept is due
DEAREST = 1e-9  # minutes that no item takes less than
UNITS = (("years", 365), ("months", 30), ("weeks", 7), ("days", 1))  # each told from two on


class Sitting(NamedTuple):
    """An item that was worked through or answered on a day.

    Attributes:
        item_id: of it.
        time: when last on that day (of UTC), in seconds since 1970.
        score: of the last answer; None where it was watched or read.
    """

    item_id: str
    time: float
    score: float | None


@dataclass(frozen=True)
class Memory:
    """How well something is remembered.

    Attributes:
        last: when it was last worked on, in seconds since 1970.
        due: when the chance of recalling it falls to what is wanted.
        recall: that chance now.
    """

    last: float
    due: float
    recall: float


@dataclass(frozen=True)
class DueConcept:
    """A concept that a review brings back.

    Attributes:
        concept_id, name: the concept.
        name_en: empty where unknown.
        mastery: probability that the learner holds it.
        last, due, recall: see `Memory`.
    """

    concept_id: str
    name: str
    name_en: str
    mastery: float
    last: float
    due: float
    recall: float


@dataclass(frozen=True)
class Review:
    """One thing to open again.

    Attributes:
        resource: what to open.
        concepts: that are due and that it is on, the most urgent first.
        because: one plain sentence.
    """

    resource: Resource
    concepts: tuple[DueConcept, ...]
    because: str


@dataclass(frozen=True)
class Reviews:
    """What is due again, the most urgent first.

    Attributes:
        learner_id, course_id: of whom, and of which course's concepts; None: of all.
        graph_version, model_version: what it was computed from.
        minutes: that reviews may take.
        reviews: within that time.
        later: concepts that are due, too, and found no room or nothing to open.
        next_due: when the next one comes due that is not yet; None where there is none.
        note: one plain sentence where there is no review; else empty.
    """

    learner_id: str
    course_id: str | None
    graph_version: str
    model_version: str
    minutes: float
    reviews: tuple[Review, ...]
    later: int
    next_due: float | None
    note: str

    def to_dict(self) -> dict[str, Any]:
        """The whole as JSON values."""
        return asdict(self)


def sittings_of(events: Iterable[Event], lengths: Mapping[str, float] | None) -> list[Sitting]:
    """The days on which items were worked through or answered, in order of time.

    A view counts on the day on which it came to `WATCHED` of the item, and again on each later day
    that alone comes to as much.

    Args:
        events: of one learner, that count; by the names that the records have.
        lengths: item -> seconds, as for `evidence_of`.

    >>> at = Event("e1", "u", 7 * DAY, "v", share=1.0)
    >>> sittings_of([at, at._replace(time=7 * DAY + 5, score=0.5, share=None)], None)
    [Sitting(item_id='v', time=604805.0, score=0.5)]
    """
    days: dict[str, dict[int, list[Event]]] = {}
    for event in events:
        if event.item_id is not None and (event.watches or event.score is not None):
            of_item = days.setdefault(event.item_id, {})
            of_item.setdefault(int(event.time // DAY), []).append(event)
    found = []
    for item, of_item in days.items():
        before: list[Event] = []
        reached = False
        for _, today in sorted(of_item.items()):
            answers = sorted((e.time, e.score) for e in today if e.score is not None)
            before += today
            alone = evidence_of(today, lengths).shares.get(item, 0.0)
            whole = alone if reached else evidence_of(before, lengths).shares.get(item, 0.0)
            if answers or whole >= WATCHED:
                last = max(event.time for event in today)
                found.append(Sitting(item, last, answers[-1][1] if answers else None))
            reached |= whole >= WATCHED
    return sorted(found, key=lambda each: (each.time, each.item_id))


def memory_of(
    times: Sequence[float], scores: Sequence[float | None], now: float, recall: float = RECALL
) -> Memory:
    """How well a concept is remembered [FSRS-6, by py-fsrs].

    Args:
        times: of its reviews, ascending, in seconds since 1970; at least one.
        scores: of each answer; None of what was watched or read.
        now: in seconds since 1970.
        recall: chance of recalling at which it is due, in (0, 1).
    """
    scheduler = _scheduler(recall)
    card = Card(card_id=0, due=_moment(times[0]))
    for time, score in zip(times, scores, strict=True):
        card, _ = scheduler.review_card(card, _rating(score), _moment(time))
    chance = scheduler.get_card_retrievability(card, _moment(now))
    return Memory(times[-1], card.due.timestamp(), float(chance))


def memories(
    sittings: Sequence[Sitting],
    items: Axis,
    covers: sparse.csr_array,
    asks: Array,
    wanted: Array,
    now: float,
    recall: float = RECALL,
) -> dict[int, Memory]:
    """How well each concept is remembered that was worked on.

    Args:
        sittings: in order of time, none after `now`.
        items: where each stands.
        covers: (V, K) stored where an item covers a concept.
        asks: (V,) True for exercises, of which only answers count.
        wanted: (K,) True for concepts that are asked about.
        now, recall: as for `memory_of`.
    """
    of_concept: dict[int, list[Sitting]] = {}
    for each in sittings:
        item = items.find(each.item_id)
        if item >= 0 and not (asks[item] and each.score is None):
            for concept in stored_in(covers, item).tolist():
                if wanted[concept]:
                    of_concept.setdefault(concept, []).append(each)
    return {
        concept: memory_of([s.time for s in mine], [s.score for s in mine], now, recall)
        for concept, mine in of_concept.items()
    }


def urgency(memory: Memory, ahead: int) -> float:
    """How much a review helps: what is forgotten, for itself and for each concept that needs it.

    Args:
        memory: of a concept.
        ahead: concepts not held yet that build on it.

    >>> urgency(Memory(0.0, 1.0, 0.75), 3)
    1.0
    """
    return (1 - memory.recall) * (1 + ahead)


def fitted(
    due: Mapping[int, float],
    places: Mapping[int, Places],
    covers: sparse.csr_array,
    asks: Array,
    minutes: Floats,
    budget: float,
) -> list[tuple[int, int, list[int]]]:
    """What to open for concepts that are due, within a time.

    One concept after the other, the most urgent first, gets what asks on it, else what taught it;
    of these the nearest course's, and there what brings back most a minute. What it brings back
    beside needs nothing of its own.

    Args:
        due: concept -> urgency.
        places: concept -> what there is to open on it.
        covers: (V, K) as for `memories`.
        asks: (V,) True for exercises.
        minutes: (V,) that each item takes.
        budget: minutes for all.

    Returns:
        (item, course, concepts that it brings back, the most urgent first) of each.
    """
    order = sorted(due, key=lambda concept: (-due[concept], concept))
    left, back = budget, set[int]()
    found = []
    for concept in order:
        if concept in back:
            continue
        best: tuple[tuple[bool, int, float], int, int, list[int]] | None = None
        for item, course, tier in zip(*(each.tolist() for each in places[concept]), strict=True):
            if minutes[item] > left:
                continue
            covered = set(stored_in(covers, item).tolist()) & due.keys() - back
            gain = sum(due[each] for each in covered) / max(float(minutes[item]), DEAREST)
            key = (not asks[item], tier // 2, -gain)
            if best is None or key < best[0]:
                best = key, item, course, [each for each in order if each in covered]
        if best is not None:
            _, item, course, brought = best
            left -= float(minutes[item])
            back.update(brought)
            found.append((item, course, brought))
    return found


def waiting(prerequisites: sparse.csr_array, missing: Array) -> Ints:
    """(K,) how many concepts that are missing need each concept directly.

    Args:
        prerequisites: (K, K) stored where the row's concept needs the column's.
        missing: (K,) True for what is asked for and not held.
    """
    needed = prerequisites[np.flatnonzero(missing)].indices
    return np.bincount(needed, minlength=missing.size)


class Reviewer:
    """Finds reviews, for any number of learners.

    Args:
        chooser, sequencer: know concepts, and which of them a learner holds.
        records: which items there are.
        links: addresses of items.
        model_version: named in what is found.
    """

    def __init__(
        self,
        chooser: Chooser,
        sequencer: Sequencer,
        records: LearnerRecords,
        links: Links,
        model_version: str,
    ) -> None:
        self._chooser, self._sequencer = chooser, sequencer
        self._records, self._links, self._model_version = records, links, model_version

    def of(
        self,
        learner_id: str,
        learner: Learner,
        asked: Ints,
        course_id: str | None,
        sittings: Sequence[Sitting],
        now: float,
        minutes: float,
        recall: float,
        manner: Manner,
    ) -> Reviews:
        """What is due of the concepts asked about; arguments as for `Planner.reviews`.

        Args:
            learner: what is known of them.
            asked: (A,) positions of these concepts.
        """
        covers, taught = self._chooser.covers, self._chooser.derived.resources
        held = self._sequencer.mastered(learner, THETA)
        among: Array = np.zeros(held.size, dtype=bool)
        among[asked] = True
        wanted = held & among & ~learner.passed_over
        asks = self._records.exercises
        known = memories(sittings, self._records.items, covers, asks, wanted, now, recall)
        ahead = waiting(self._chooser.graph.prerequisites, among & ~held)
        due = {k: urgency(each, int(ahead[k])) for k, each in known.items() if each.due <= now}
        # nothing new is sent for: what was worked through, and what asks only what is held
        ahead_of_it = np.asarray(covers @ (~held).astype(np.int64)) > 0
        through = np.fmax(learner.shares, learner.scores) >= WATCHED
        fits = (through | (asks & ~ahead_of_it)) & ~learner.refused
        places = {}
        for concept in due:
            on = taught.on(concept, course_id, learner.courses)
            places[concept] = Places(*(column[fits[on.items]] for column in on))
        chosen = fitted(due, places, covers, asks, self._chooser.minutes, minutes)
        reviews = []
        for item, course, brought in chosen:
            concepts = tuple(self._due(learner, each, known[each]) for each in brought)
            resource = taught.resource(course, item, learner.shares, learner.scores, self._links)
            reviews.append(Review(resource, concepts, because(manner, concepts, now)))
        later = len(due) - sum(len(each.concepts) for each in reviews)
        next_due = min((each.due for k, each in known.items() if k not in due), default=None)
        nothing = say(manner, "review.no_room" if due else "review.none")
        return Reviews(
            learner_id,
            course_id,
            self._chooser.graph.version,
            self._model_version,
            minutes,
            tuple(reviews),
            later,
            next_due,
            "" if reviews else nothing,
        )

    def _due(self, learner: Learner, concept: int, memory: Memory) -> DueConcept:
        of = self._chooser
        names = of.ids[concept], of.names[concept], of.english[concept]
        mastery = float(learner.mastery[concept])
        return DueConcept(*names, mastery, memory.last, memory.due, memory.recall)


def because(manner: Manner, concepts: Sequence[DueConcept], now: float) -> str:
    """Why something is to be opened again."""
    first, *others = concepts
    told = say(
        manner,
        "review",
        name=first.name,
        ago=ago(manner, now - first.last),
        recall=first.recall,
    )
    if others:
        names = listed(manner, [each.name for each in others], "and")
        told += (" " if manner.language == "en" else "") + say(manner, "review.too", names=names)
    return told


def ago(manner: Manner, seconds: float) -> str:
    """How long ago something was, roughly.

    >>> from kgplan.planning.options import PlanOptions
    >>> [ago(PlanOptions(), days * DAY) for days in (0, 1, 13, 15, 60, 800)]
    ['today', 'a day ago', '13 days ago', '2 weeks ago', '2 months ago', '2 years ago']
    """
    days = int(seconds // DAY)
    for unit, size in UNITS:
        if days >= 2 * size:
            return say(manner, f"ago.{unit}", n=str(days // size))
    return say(manner, "ago.day" if days else "ago.today")


@lru_cache(16)  # of the few settings that a process has
def _scheduler(recall: float) -> Scheduler:
    # days are the least that it counts in, and chance would make plans that nobody can repeat
    return Scheduler(
        desired_retention=recall, learning_steps=(), relearning_steps=(), enable_fuzzing=False
    )


def _rating(score: float | None) -> Rating:
    if score is None or score >= WATCHED:
        return Rating.Good
    return Rating.Again if score < NOT_YET else Rating.Hard


def _moment(time: float) -> datetime:
    return datetime.fromtimestamp(time, UTC)
