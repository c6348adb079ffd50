"""What is known of learners beside the planner's own data?"""

from collections.abc import Iterable
from typing import Protocol

from kgplan.model.current import AtOnce
from kgplan.planning import CurrentLearner, Plan, Planner


class LearnerStates(Protocol):
    """What is known of learners beside the planner's own data."""

    def learner_version(self, planner: Planner, learner_id: str) -> str:
        """Changes whenever `current` does, at one version of the model."""

    def current(self, planner: Planner, learner_id: str) -> CurrentLearner | None:
        """What `Planner.plan` takes; None where nothing more is known."""

    def at_once(self, planner: Planner, learner_id: str) -> AtOnce | None:
        """Version and state together, in microseconds; None where even the version must wait."""

    def remember(self, plan: Plan, text: bytes, learner_version: str) -> None:
        """Keep a plan that was made for its learner at this version; `text` is its JSON."""

    def not_erased(self, learner_ids: Iterable[str]) -> list[str]:
        """Those of the learners that may be named."""


NOTHING_AT_ONCE = AtOnce("", True, None)


class NothingMore:
    """Learners are as the planner's own data say."""

    def learner_version(self, planner: Planner, learner_id: str) -> str:
        """Always the same."""
        return ""

    def current(self, planner: Planner, learner_id: str) -> CurrentLearner | None:
        """Nothing."""
        return None

    def at_once(self, planner: Planner, learner_id: str) -> AtOnce:
        """Always the same."""
        return NOTHING_AT_ONCE

    def remember(self, plan: Plan, text: bytes, learner_version: str) -> None:
        """Nothing is kept."""

    def not_erased(self, learner_ids: Iterable[str]) -> list[str]:
        """All."""
        return list(learner_ids)
