"""What is known of learners beside the planner's own data?"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from kgplan.planning import CurrentLearner, Plan, Planner


@dataclass(frozen=True, slots=True)
class AtOnce:
    """What can be said of a learner without waiting.

    Attributes:
        version: what `LearnerStates.learner_version` gives.
        known: whether the state is at hand; False where finding it out takes longer, or fails.
        current: the state; None where nothing more is known.
    """

    version: str
    known: bool
    current: CurrentLearner | None


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
