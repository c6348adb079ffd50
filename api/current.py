"""What is known of a learner at this moment? The model in use, and the learner records on top.

A learner's state is kept until the records' mark of the learner or the model changes; asking for
the mark is two look-ups by key, so several processes may serve the same records.
"""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from kgplan.api.records.store import KeptPlan, Mark, RecordStore
from kgplan.errors import RecordsUnavailable, UnknownLearner
from kgplan.events import Evidence, evidence_of
from kgplan.planning import CurrentLearner, Plan, Planner
from kgplan.planning.live import LiveModel, LiveState
from kgplan.planning.progress import WATCHED, StepProgress, progress_along
from kgplan.search import close_matches

CAPACITY = 4_096  # learners; about 20 kB each on the real sample


@dataclass(frozen=True)
class Standing:
    """A learner's records, read and inferred from.

    Attributes:
        mark: of the records that it was read at.
        n_events: events that count.
        n_silent: those of them that say nothing.
        evidence: what they say together.
        state: what follows in the model.
    """

    mark: Mark
    n_events: int
    n_silent: int
    evidence: Evidence
    state: LiveState


class CurrentLearners:
    """Follows learners through events, feedback and changes of the model.

    Args:
        store: the learner records.
        capacity: learners whose state is kept; those not asked for the longest are dropped.

    Attributes:
        hits, misses: how often the state that is kept was the current one, and how often not.
    """

    def __init__(self, store: RecordStore, capacity: int = CAPACITY) -> None:
        self.store, self._capacity = store, capacity
        self._kept: OrderedDict[str, tuple[LiveModel, Standing]] = OrderedDict()
        self._last_plans: OrderedDict[tuple[str, str | None], Plan] = OrderedDict()
        self._keeping = threading.Lock()
        self._one_at_a_time = [threading.Lock() for _ in range(64)]  # by learner
        self._modelling = threading.Lock()
        self._model: tuple[Planner, LiveModel] | None = None
        self.hits = self.misses = 0

    @property
    def n_kept(self) -> int:
        """Learners whose state is kept."""
        return len(self._kept)

    def model(self, planner: Planner) -> LiveModel:
        """The live model beside a planner; made once for each planner."""
        with self._modelling:
            if self._model is None or self._model[0] is not planner:
                self._model = planner, LiveModel(planner.records, planner.diagnosis)
            return self._model[1]

    def standing(self, planner: Planner, learner_id: str) -> Standing | None:
        """All that is known of a learner beside the planner's own data; None where that is nothing.

        Raises:
            UnknownLearner: the learner was erased, and nothing was stored since.
            RecordsUnavailable: the records cannot be read.
        """
        mark = self.store.mark(learner_id)
        if mark.revision is None:
            if mark.erased is not None:
                raise UnknownLearner(learner_id)
            return None
        model = self.model(planner)
        with self._one_at_a_time[hash(learner_id) % len(self._one_at_a_time)]:
            with self._keeping:
                known = self._kept.get(learner_id)
                if known is not None:
                    self._kept.move_to_end(learner_id)
                hit = known is not None and known[0] is model and known[1].mark == mark
                self.hits, self.misses = self.hits + hit, self.misses + (not hit)
            if known is not None and hit:
                return known[1]
            before = known[1] if known is not None and known[0] is model else None
            standing = self._read(model, learner_id, mark, before)
            with self._keeping:
                self._kept[learner_id] = model, standing
                self._kept.move_to_end(learner_id)
                while len(self._kept) > self._capacity:
                    self._kept.popitem(last=False)
        return standing

    def learner_version(self, planner: Planner, learner_id: str) -> str:
        """Changes whenever `current` does, at one version of the model."""
        mark = self.store.mark(learner_id)
        return f"{mark.revision} {mark.erased}"

    def current(self, planner: Planner, learner_id: str) -> CurrentLearner | None:
        """What `Planner.plan` takes; errors as for `standing`."""
        standing = self.standing(planner, learner_id)
        return None if standing is None else standing.state.learner

    def check(self, planner: Planner, learner_id: str) -> None:
        """Refuse a learner of whom nothing is known.

        Raises:
            UnknownLearner: no records of the planner's or of this service's name the learner.
        """
        if self.standing(planner, learner_id) is None and not self.model(planner).knows(learner_id):
            ids = planner.records.learner_ids
            raise UnknownLearner(learner_id, close_matches(learner_id, ids))

    def remember(self, plan: Plan) -> None:
        """Put a plan into the learner's history, unless it is the last of its course there."""
        key = plan.learner_id, plan.course_id
        with self._keeping:
            if self._last_plans.get(key) == plan:
                self._last_plans.move_to_end(key)
                return
            self._last_plans[key] = plan
            while len(self._last_plans) > self._capacity:
                self._last_plans.popitem(last=False)
        self.store.remember(plan.to_dict(), time.time())

    def forget(self, learner_id: str) -> None:
        """Drop what is kept in memory of an erased learner."""
        with self._keeping:
            self._kept.pop(learner_id, None)
            for key in [key for key in self._last_plans if key[0] == learner_id]:
                del self._last_plans[key]

    def history(
        self, planner: Planner, learner_id: str, course_id: str | None, limit: int
    ) -> list[KeptPlan]:
        """The learner's plans, the newest first; errors as for `check`."""
        self.check(planner, learner_id)
        self.store.flush()  # what was just answered is in it
        return self.store.plans(learner_id, course_id, limit)

    def progress(
        self, planner: Planner, learner_id: str, kept: KeptPlan, now: float, days_per_step: float
    ) -> list[StepProgress]:
        """Where the learner stands with each step of a plan from the history."""
        since = [e for e in self.store.events(learner_id) if e.time >= kept.made]
        model = self.model(planner)
        seen = evidence_of(since, model.lengths)
        worked = model.covered(seen.shares, WATCHED) | model.covered(seen.scores, WATCHED)
        steps = [step["concept_id"] for step in kept.body["steps"]]
        wishes = self.store.wishes(learner_id)
        return progress_along(steps, kept.made, worked, wishes, now, days_per_step)

    def _read(
        self,
        model: LiveModel,
        learner_id: str,
        mark: Mark,
        before: Standing | None,
    ) -> Standing:
        events, wishes = self.store.events(learner_id), self.store.wishes(learner_id)
        evidence = evidence_of(events, model.lengths)
        state = model.current(
            learner_id, evidence, wishes, mark.erased is None, before.state if before else None
        )
        silent = sum(not event.tells for event in events)
        return Standing(mark, len(events), silent, evidence, state)


def current_learners(request: Request) -> CurrentLearners:
    """The learners that the application follows.

    Raises:
        RecordsUnavailable: it keeps no records.
    """
    learners = request.app.state.learners
    if isinstance(learners, CurrentLearners):
        return learners
    raise RecordsUnavailable("this service keeps no learner records; start it with `kgplan serve`")


LearnersDep = Annotated[CurrentLearners, Depends(current_learners)]
