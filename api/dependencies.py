"""What operations ask for: the keeper, and what a request is answered from."""

from typing import Annotated, Any

from fastapi import Depends, Request

from kgplan.api.keeper import Keeper, Served
from kgplan.api.models import Problem


def keeper_of(request: Request) -> Keeper:
    """The keeper that the application was made with."""
    keeper: Keeper = request.app.state.keeper
    return keeper


def served_to(keeper: Annotated[Keeper, Depends(keeper_of)]) -> Served:
    """What this request is answered from, whatever is renewed meanwhile."""
    return keeper.served


KeeperDep = Annotated[Keeper, Depends(keeper_of)]
ServedDep = Annotated[Served, Depends(served_to)]

PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "no such thing, with close matches"},
    422: {"model": Problem, "description": "a parameter is missing or out of its range"},
    503: {"model": Problem, "description": "the graph or the model cannot be read now"},
}
