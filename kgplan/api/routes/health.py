"""The operations for machines that watch the service: is it alive, is it ready, what does it count?

None asks for a token and none tells of learners; a proxy keeps `/metrics` inside.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from kgplan.api.dependencies import ServedDep
from kgplan.api.models import AliveOut, HealthOut, Problem
from kgplan.api.security import OPEN
from kgplan.api.telemetry.metrics import CONTENT_TYPE, Metrics, Sources
from kgplan.api.telemetry.readiness import Readiness
from kgplan.errors import NotReady

router = APIRouter(tags=["operations"])

NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"model": Problem, "description": "no requests should come now, with the reasons"}
}


def readiness_of(request: Request) -> Readiness:
    """What the application knows of its readiness."""
    readiness: Readiness = request.app.state.readiness
    return readiness


@router.get("/health/live", openapi_extra=OPEN)
async def read_liveness() -> AliveOut:
    """That this process answers at all; where it does not, it should be started again."""
    return AliveOut()


@router.get("/health/ready", openapi_extra=OPEN, responses=NOT_READY)
def read_readiness(
    served: ServedDep, readiness: Annotated[Readiness, Depends(readiness_of)]
) -> HealthOut:
    """Whether requests should come here; a stale service is ready, and says so."""
    reasons = readiness.reasons()
    if reasons:
        raise NotReady(reasons)
    return HealthOut.of(served)


@router.get("/metrics", include_in_schema=False)
def read_metrics(request: Request) -> Response:
    """What the service counts, in Prometheus' format."""
    metrics: Metrics = request.app.state.metrics
    sources: Sources = request.app.state.sources
    metrics.sample(sources)
    return Response(metrics.render(), media_type=CONTENT_TYPE)
