"""The operations for machines that watch the service: is it alive, is it ready, what does it count?

None asks for a token and none tells of learners; a proxy keeps `/metrics` inside.
"""

from typing import Any

from fastapi import Response

from kgplan.api.models import AliveOut, HealthOut, Problem
from kgplan.api.operation import Asked, in_thread, router_of
from kgplan.api.security import OPEN
from kgplan.api.telemetry.metrics import CONTENT_TYPE
from kgplan.errors import NotReady

router = router_of(tags=["operations"])

NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"model": Problem, "description": "no requests should come now, with the reasons"}
}


@router.get("/health/live", openapi_extra=OPEN)
async def read_liveness() -> AliveOut:
    """That this process answers at all; where it does not, it should be started again."""
    return AliveOut()


@router.get("/health/ready", openapi_extra=OPEN, responses=NOT_READY)
@in_thread
def read_readiness(asked: Asked) -> HealthOut:
    """Whether requests should come here; a stale service is ready, and says so."""
    reasons = asked.app.state.readiness.reasons()
    if reasons:
        raise NotReady(reasons)
    return HealthOut.of(asked.served)


@router.get("/metrics", include_in_schema=False)
@in_thread
def read_metrics(asked: Asked) -> Response:
    """What the service counts, in Prometheus' format."""
    asked.metrics.sample(asked.app.state.sources)
    return Response(asked.metrics.render(), media_type=CONTENT_TYPE)
