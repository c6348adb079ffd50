"""The operations for those who run the service."""

from kgplan.api.models import HealthOut
from kgplan.api.operation import Asked, router_of
from kgplan.api.security import OPEN

router = router_of(tags=["operations"])


@router.get("/health", openapi_extra=OPEN)
async def read_health(asked: Asked) -> HealthOut:
    """Whether the service answers, from which versions, and whether they may be outdated."""
    return HealthOut.of(asked.served)
