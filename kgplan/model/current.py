"""What is known of a learner at this moment? The model in use, and the learner records on top.

A learner's state is kept until the version of what is stored of them or the model changes; asking
for the version is two look-ups by key, so several processes may serve the same records.
"""

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, filterfalse, islice, takewhile
from typing import Any

import numpy as np

from kgplan.data.events import Event, Evidence
from kgplan.data.records import WATCHED
from kgplan.data.wishes import Wishes
from kgplan.diagnosis.live import LargeUpdate
from kgplan.errors import UnknownLearner
from kgplan.planning import CurrentLearner, Plan, Planner
from kgplan.planning.done import done_by
from kgplan.planning.live import LiveModel, LiveState
from kgplan.planning.progress import StepProgress, Worked, progress_along, steps_done
from kgplan.planning.taken import TakenCourse, taken_courses
from kgplan.store.events.plans import KeptPlan
from kgplan.store.events.store import EventStore, LearnerVersion

CAPACITY = 16_384  # learners; about 16 kB each at the paper's size
AT_ONCE_CONCEPTS = 500  # that the event loop infers: 4 ms in sparse components, 10 in dense ones
NOTHING_STORED = LearnerVersion(None, None)


@dataclass(frozen=True)
class Standing:
    """A learner's records, read and inferred from.

    Attributes:
        version: of the records that it was read at.
        n_events: events that count.
        n_silent: those of them that say nothing.
        evidence: what they say together.
        state: what follows in the model.
    """

    version: LearnerVersion
    n_events: int
    n_silent: int
    evidence: Evidence
    state: LiveState


@dataclass(frozen=True)
class AboutLearner:
    """What is known of a learner; of the items those count that cover a concept.

    Attributes:
        in_model: whether the model was made with records of the learner, and these still count.
        views: how many were opened, to watch or to read, in these records and by events.
        answers: how many were answered.
        events: that count.
        first_event, last_event: when they happened, in seconds since 1970; None without any.
        courses: that the learner takes, by id.
    """

    in_model: bool
    views: int
    answers: int
    events: int
    first_event: float | None
    last_event: float | None
    courses: tuple[TakenCourse, ...]


@dataclass(frozen=True)
class Glance:
    """What can be said of a learner's records without waiting.

    Attributes:
        version: of the records.
        standing: None where nothing is stored, or finding it out takes longer.
    """

    version: LearnerVersion
    standing: Standing | None

    @property
    def is_whole(self) -> bool:
        """Whether there is no more to say; not where that is for `CurrentLearners.standing`."""
        return self.standing is not None or self.version == NOTHING_STORED


@dataclass(frozen=True, slots=True)
class AtOnce:
    """What can be said of a learner without waiting.

    Attributes:
        version: what `CurrentLearners.learner_version` gives.
        known: whether the state is at hand; False where finding it out takes longer, or fails.
        current: the state; None where nothing more is known.
    """

    version: str
    known: bool
    current: CurrentLearner | None


class CurrentLearners:
    """Follows learners through events, feedback and changes of the model.

    Args:
        store: the learner records.
        capacity: learners whose state is kept; those not asked for the longest are dropped.

    Attributes:
        hits, misses: how often the state that is kept was the current one, and how often not.
        owners: authorities that own the plain ids of learners; None while nobody is known to.
    """

    def __init__(self, store: EventStore, capacity: int = CAPACITY) -> None:
        self.store, self._capacity = store, capacity
        self._kept: OrderedDict[str, tuple[LiveModel, Standing]] = OrderedDict()
        # (learner, course) -> erasures of the learner, and hash of the text
        self._last_plans: OrderedDict[tuple[str, str | None], tuple[int, int]] = OrderedDict()
        self._keeping = threading.Lock()
        self._one_at_a_time = [threading.Lock() for _ in range(64)]  # by learner
        self._modelling = threading.Lock()
        self._models: list[tuple[Planner, LiveModel]] = []  # newest last
        self.hits = self.misses = 0
        self.owners: frozenset[str] | None = None

    @property
    def n_kept(self) -> int:
        """Learners whose state is kept."""
        return len(self._kept)

    def model(self, planner: Planner) -> LiveModel:
        """The live model beside a planner; made once for each of the last two planners."""
        with self._modelling:
            made = self._made(planner)
            if made is None:
                made = LiveModel(planner.records, planner.diagnosis)
                self._models = [*self._models[-1:], (planner, made)]
            return made

    def unknown_in(self, planner: Planner, events: Iterable[Event]) -> tuple[list[str], list[str]]:
        """Videos and courses of events that the data in use do not know."""
        return (self._made(planner) or self.model(planner)).unknown_in(events)

    async def plain_owners(self, first: str | None) -> frozenset[str] | None:
        """Who owns the plain ids of learners; the first authority that is given comes to.

        Args:
            first: to be the owner if there is none; None: nobody becomes it.

        Raises:
            RecordsUnavailable: it cannot be written.
        """
        if self.owners is None:
            owner = await asyncio.wrap_future(self.store.claim(first, time.time()))
            self.owners = None if owner is None else frozenset([owner])
        return self.owners

    def _made(self, planner: Planner) -> LiveModel | None:
        return next((model for of, model in self._models if of is planner), None)

    def prepare(self, planner: Planner) -> None:
        """Make what belongs to a planner before requests ask for it; let go of what is older."""
        model, videos = self.model(planner), planner.records.item_ids[:1].tolist()
        views = [Event("", "", 0.0, item_id=video, share=0.5) for video in videos]
        model.current("", model.evidence(views), Wishes())  # loads what is compiled
        with self._keeping:
            models = [model for _, model in self._models]
            for learner_id in [u for u, (of, _) in self._kept.items() if of not in models]:
                del self._kept[learner_id]

    def standing(self, planner: Planner, learner_id: str) -> Standing | None:
        """All that is known of a learner beside the planner's own data; None where that is nothing.

        Raises:
            UnknownLearner: the learner was erased, and nothing was stored since.
            RecordsUnavailable: the records cannot be read.
        """
        version = self.store.version(learner_id)
        if version.is_erased:
            raise UnknownLearner(learner_id)
        if version.revision is None:
            return None
        model = self.model(planner)
        with self._lock_of(learner_id):
            return self._renewed(model, learner_id, version, self.store.told)

    def standing_at(
        self, planner: Planner, learner_id: str, as_of: float, half_life: float
    ) -> Standing | None:
        """As `standing`, of a moment: later events do not count, and mastery is aged until then.

        Args:
            planner, learner_id: as there.
            as_of, half_life: as for `LiveModel.aged`. What the learner said counts at any time.

        Raises:
            UnknownLearner, RecordsUnavailable: as there.
        """
        version = self.store.version(learner_id)
        if version.is_erased:
            raise UnknownLearner(learner_id)
        if version.revision is None:
            return None
        model, (events, wishes) = self.model(planner), self.store.told(learner_id)
        past = [event for event in events if event.time <= as_of or event.voids is not None]
        evidence = model.evidence(past)
        state = model.current(learner_id, evidence, wishes, version.erased is None)
        aged = replace(state, learner=model.aged(state.learner, as_of, half_life))
        silent = sum(not event.tells for event in past)
        return Standing(version, len(past), silent, evidence, aged)

    def glance(self, planner: Planner, learner_id: str) -> Glance | None:
        """What `standing` gives, as far as the event loop can wait; None: not for the version."""
        version = self.store.version_at_once(learner_id)
        if version is None:
            return None
        model = self._made(planner)
        if version.revision is None or model is None:
            return Glance(version, None)
        lock = self._lock_of(learner_id)
        if not lock.acquire(blocking=False):
            return Glance(version, None)
        try:
            tell = self.store.told_at_once
            return Glance(
                version, self._renewed(model, learner_id, version, tell, AT_ONCE_CONCEPTS)
            )
        except LargeUpdate:
            return Glance(version, None)
        finally:
            lock.release()

    def _lock_of(self, learner_id: str) -> threading.Lock:
        return self._one_at_a_time[hash(learner_id) % len(self._one_at_a_time)]

    def _renewed(
        self,
        model: LiveModel,
        learner_id: str,
        version: LearnerVersion,
        tell: Callable[[str], tuple[list[Event], Wishes] | None],
        most: int | None = None,
    ) -> Standing | None:
        """The learner's standing at this version; None where it is not kept, and not told either.

        Raises:
            LargeUpdate: more than `most` concepts would have to be inferred.
        """
        with self._keeping:
            of, before = self._kept.get(learner_id, (None, None))
            if of is not model:
                before = None
            elif before is not None and before.version == version:
                self._kept.move_to_end(learner_id)
                self.hits += 1
                return before
        told = tell(learner_id)
        if told is None:
            return None
        (events, wishes), erased = told, version.erased is not None
        evidence = model.evidence(events)
        state = model.current(
            learner_id, evidence, wishes, not erased, before.state if before else None, most
        )
        silent = sum(not event.tells for event in events)
        standing = Standing(version, len(events), silent, evidence, state)
        with self._keeping:
            self.misses += 1
            self._kept[learner_id] = model, standing
            self._kept.move_to_end(learner_id)
            while len(self._kept) > self._capacity:
                self._kept.popitem(last=False)
        return standing

    def learner_version(self, planner: Planner, learner_id: str) -> str:
        """Changes whenever `current` does, at one version of the model."""
        return _version_of(self.store.version(learner_id))

    def at_once(self, planner: Planner, learner_id: str) -> AtOnce | None:
        """Version and state, as far as they are known without waiting for the records."""
        found = self.glance(planner, learner_id)
        if found is None:
            return None
        current = None if found.standing is None else found.standing.state.learner
        return AtOnce(_version_of(found.version), found.is_whole, current)

    def current(self, planner: Planner, learner_id: str) -> CurrentLearner | None:
        """What `Planner.plan` takes; errors as for `standing`."""
        standing = self.standing(planner, learner_id)
        return None if standing is None else standing.state.learner

    def check(self, planner: Planner, learner_id: str) -> None:
        """Refuse a learner of whom nothing is known.

        Raises:
            UnknownLearner: no records of the planner's or of this service's name the learner.
        """
        if self.standing(planner, learner_id) is None:
            planner.records.learners.place(learner_id, UnknownLearner)

    def remember(self, plan: Plan, text: bytes, learner_version: str) -> None:
        """Put a plan into the learner's history, unless it is the last of its course there.

        Args:
            plan: whose, and for what.
            text: its JSON.
            learner_version: read before the learner's state was; where the learner was erased
                since, the plan is not kept.
        """
        erasures = _erasures_in(learner_version)
        key, content = (plan.learner_id, plan.course_id), (erasures, hash(text))
        with self._keeping:
            before = self._last_plans.get(key)
            self._last_plans[key] = content
            self._last_plans.move_to_end(key)
            if before == content:
                return
            while len(self._last_plans) > self._capacity:
                self._last_plans.popitem(last=False)
        self.store.remember(plan.learner_id, plan.course_id, text.decode(), time.time(), erasures)

    def say(
        self,
        learner_id: str,
        concept_id: str,
        said: str,
        learner_version: str,
        item_id: str | None = None,
    ) -> None:
        """Keep what a learner said about a concept, or about an item on it.

        Args:
            learner_id, concept_id, said, item_id: who, about what (`Said`).
            learner_version: read before the learner was checked.

        Raises:
            UnknownLearner: the learner was erased since.
        """
        erasures = _erasures_in(learner_version)
        if not self.store.say(learner_id, concept_id, said, time.time(), erasures, item_id):
            raise UnknownLearner(learner_id)

    def not_erased(self, learner_ids: Iterable[str]) -> list[str]:
        """Those of the learners that may be named: none that was erased and not heard of since."""
        return [each for each in learner_ids if not self.store.version(each).is_erased]

    def forget(self, learner_id: str) -> None:
        """Drop what is kept in memory of an erased learner."""
        with self._keeping:
            self._kept.pop(learner_id, None)
            for key in [key for key in self._last_plans if key[0] == learner_id]:
                del self._last_plans[key]

    def found(self, planner: Planner, prefix: str, limit: int) -> list[str]:
        """Learners whose id begins so, in the order of ids; an erased one is not among them."""
        ids = planner.records.learner_ids  # sorted
        rest = map(str, ids[int(np.searchsorted(ids, prefix)) :])
        begin = takewhile(lambda each: each.startswith(prefix), rest)
        known = islice(filterfalse(lambda each: self.store.version(each).is_erased, begin), limit)
        return sorted({*self.store.learners(prefix, limit), *known})[:limit]

    def courses(self, planner: Planner, learner_id: str) -> dict[str, float | None]:
        """The learner's courses in the graph, and when the last plan of each was made.

        Returns:
            Those with a plan first, the newest first; then those the learner takes, by id. Errors
            as for `check`.
        """
        self.check(planner, learner_id)
        self.store.flush()
        planned = self.store.planned(learner_id)
        taken = _taken(planner, learner_id, self.standing(planner, learner_id)) | planned.keys()
        taken &= set(planner.graph.course_ids.tolist())
        in_order = sorted(taken, key=lambda each: (-planned.get(each, 0.0), each))
        return {each: planned.get(each) for each in in_order}

    def about(self, planner: Planner, learner_id: str) -> AboutLearner:
        """What is known of a learner; errors as for `check`."""
        self.check(planner, learner_id)
        standing, records = self.standing(planner, learner_id), planner.records
        current = None if standing is None else standing.state.learner
        counts = current is None or current.in_records
        done = done_by(records, learner_id, current, counts)
        times = [event.time for event in self.store.events(learner_id)]
        return AboutLearner(
            in_model=counts and learner_id in records.learners,
            views=int(np.count_nonzero(~np.isnan(done.shares))),
            answers=int(np.count_nonzero(~np.isnan(done.scores))),
            events=len(times),
            first_event=min(times, default=None),
            last_event=max(times, default=None),
            courses=taken_courses(
                planner.graph, records, _taken(planner, learner_id, standing), done
            ),
        )

    def history(
        self,
        planner: Planner,
        learner_id: str,
        course_id: str | None,
        limit: int,
        towards: str | None = None,
    ) -> list[KeptPlan]:
        """The learner's plans, the newest first; errors as for `check`."""
        self.check(planner, learner_id)
        self.store.flush()  # what was just answered is in it
        return self.store.plans(learner_id, course_id, limit, towards)

    def progress(
        self, planner: Planner, learner_id: str, kept: KeptPlan, now: float, days_per_step: float
    ) -> list[StepProgress]:
        """Where the learner stands with each step of a plan from the history."""
        worked = self._worked_since(planner, self.store.events(learner_id), kept.made)
        steps, wishes = kept.body["steps"], self.store.wishes(learner_id)
        done = steps_done(steps, worked)
        concepts = [step["concept_id"] for step in steps]
        return progress_along(concepts, kept.made, done, wishes, now, days_per_step)

    def behind(
        self, planner: Planner, learner_id: str, plans: Sequence[KeptPlan]
    ) -> list[dict[str, Any]]:
        """The steps of earlier plans that are done, and that the last plan does not hold any more.

        Args:
            planner, learner_id: whose.
            plans: the newest first; those of another goal than the first one's are passed over.

        Returns:
            Steps as the plans named them first, in that order.
        """
        if not plans:
            return []
        (last, *_), goal = plans, _goal(plans[0])
        ahead = {step["concept_id"] for step in last.body["steps"]}
        events, held = self.store.events(learner_id), self.store.wishes(learner_id).held
        found: dict[str, dict[str, Any]] = {}
        worked: dict[int, Worked] = {}  # by the number of events since: plans share theirs
        for kept in reversed([each for each in plans[1:] if _goal(each) == goal]):
            since = sum(event.time >= kept.made for event in events)
            if since not in worked:
                worked[since] = self._worked_since(planner, events, kept.made)
            done = steps_done(kept.body["steps"], worked[since]) | held
            for step in kept.body["steps"]:
                if step["concept_id"] in done - ahead:
                    found.setdefault(step["concept_id"], step)
        return list(found.values())

    def _worked_since(self, planner: Planner, events: Iterable[Event], moment: float) -> Worked:
        """What was watched, read or answered to `WATCHED` since a moment."""
        model, events = self.model(planner), list(events)
        since = model.evidence(event for event in events if event.time >= moment)
        return Worked(
            model.covered(since.shares, WATCHED) | model.covered(since.scores, WATCHED),
            _worked_through(since),
            _worked_through(model.evidence(events)),
        )


def _taken(planner: Planner, learner_id: str, standing: Standing | None) -> set[str]:
    """The courses that a learner takes, by the records and since."""
    records = planner.records
    if standing is None or standing.state.learner.in_records:
        at = records.learners.known([learner_id])
        taken = set(records.course_ids[records.enrolled[at].indices].tolist())
    else:
        taken = set()
    return taken if standing is None else taken | standing.state.learner.courses


def _worked_through(seen: Evidence) -> frozenset[str]:
    """Items watched, read or answered to `WATCHED`."""
    told = chain(seen.shares.items(), seen.scores.items())
    return frozenset(video for video, value in told if value >= WATCHED)


def _goal(kept: KeptPlan) -> tuple[str | None, str | None]:
    return kept.body["course_id"], kept.body["towards"]


def _version_of(version: LearnerVersion) -> str:
    return f"{version.revision} {version.erasures}"


def _erasures_in(version: str) -> int:
    return int(version.rpartition(" ")[2])
