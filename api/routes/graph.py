"""The operations on the graph of concepts, courses and prerequisites."""

from fastapi import APIRouter

from kgplan.api.dependencies import ServedDep
from kgplan.api.models import GraphHealthOut
from kgplan.graph.health import graph_health, video_concepts

router = APIRouter(prefix="/v1", tags=["graph"])


@router.get("/graph/health")
def read_graph_health(served: ServedDep) -> GraphHealthOut:
    """Cycles and what breaks them, redundant edges, bottlenecks, depth, coverage."""
    planner = served.planner
    found = graph_health(planner.graph, video_concepts(planner.records))
    return GraphHealthOut.model_validate(found)
