"""What operations ask for: what a request is answered from, and what is kept between requests."""

from collections.abc import Iterable
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request
from fastapi.routing import APIRoute

from kgplan.api.answers import AnswerCache
from kgplan.api.keeper import Keeper, Served
from kgplan.api.limits import Limits
from kgplan.api.models import Problem
from kgplan.model.current import AtOnce
from kgplan.planning import CurrentLearner, Plan, Planner


def operation_id(route: APIRoute) -> str:
    """The name of an operation in generated clients: that of its function."""
    return route.name


def keeper_of(request: Request) -> Keeper:
    """The keeper that the application was made with."""
    keeper: Keeper = request.app.state.keeper
    return keeper


def served_to(keeper: Annotated[Keeper, Depends(keeper_of)]) -> Served:
    """What this request is answered from, whatever is renewed meanwhile."""
    return keeper.served


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


def learners_of(request: Request) -> LearnerStates:
    """The learners that the application was made with."""
    learners: LearnerStates = request.app.state.learners
    return learners


def answers_of(request: Request) -> AnswerCache:
    """The answers that the application keeps."""
    answers: AnswerCache = request.app.state.answers
    return answers


def limits_of(request: Request) -> Limits:
    """The limits that the application was made with."""
    limits: Limits = request.app.state.limits
    return limits


KeeperDep = Annotated[Keeper, Depends(keeper_of)]
ServedDep = Annotated[Served, Depends(served_to)]
LearnersDep = Annotated[LearnerStates, Depends(learners_of)]
AnswersDep = Annotated[AnswerCache, Depends(answers_of)]
LimitsDep = Annotated[Limits, Depends(limits_of)]

PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "no such thing, with close matches"},
    422: {"model": Problem, "description": "a parameter is missing or out of its range"},
    413: {"model": Problem, "description": "the body or the batch is too large"},
    429: {"model": Problem, "description": "too many requests; see Retry-After"},
    503: {"model": Problem, "description": "the graph or the model cannot be read, or time is up"},
}

RARE: dict[int | str, dict[str, Any]] = {
    409: {"model": Problem, "description": "it contradicts what there is; `type` says how"},
    501: {"model": Problem, "description": "a part of kgplan is not installed"},
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that an operation may answer with; 429 and 503 are everyone's."""
    return {status: (PROBLEMS | RARE)[status] for status in (*statuses, 429, 503)}


NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "If-None-Match names the answer as it still is"}
}
