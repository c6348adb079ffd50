"""The operations for those who run the service."""

from fastapi import APIRouter, Request

from kgplan.api.audit import audited
from kgplan.api.dependencies import KeeperDep, ServedDep, problems
from kgplan.api.models import HealthOut
from kgplan.api.security import OPEN, require

router = APIRouter(tags=["operations"])


@router.get("/health", openapi_extra=OPEN)
def read_health(served: ServedDep) -> HealthOut:
    """Whether the service answers, from which versions, and whether they may be outdated."""
    return HealthOut.of(served)


@router.post("/v1/admin/refresh", dependencies=[require("admin")], responses=problems())
def refresh(keeper: KeeperDep, request: Request) -> HealthOut:
    """Look for a changed graph or model now, instead of at the next interval."""
    with audited(request, "refresh"):
        served = keeper.refresh()
        if served.problem is not None:
            raise served.problem
    return HealthOut.of(served)
