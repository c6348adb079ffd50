"""The operations for those who run the service."""

from fastapi import APIRouter

from kgplan.api.dependencies import ServedDep
from kgplan.api.models import HealthOut
from kgplan.api.security import OPEN

router = APIRouter(tags=["operations"])


@router.get("/health", openapi_extra=OPEN)
def read_health(served: ServedDep) -> HealthOut:
    """Whether the service answers, from which versions, and whether they may be outdated."""
    return HealthOut.of(served)
