"""The operations for those who run the service."""

from fastapi import APIRouter

from kgplan.api.dependencies import KeeperDep, ServedDep, problems
from kgplan.api.models import HealthOut

router = APIRouter(tags=["operations"])


@router.get("/health")
def read_health(served: ServedDep) -> HealthOut:
    """Whether the service answers, from which versions, and whether they may be outdated."""
    return HealthOut.of(served)


@router.post("/v1/admin/refresh", responses=problems())
def refresh(keeper: KeeperDep) -> HealthOut:
    """Look for a changed graph or model now, instead of at the next interval."""
    served = keeper.refresh()
    if served.problem is not None:
        raise served.problem
    return HealthOut.of(served)
