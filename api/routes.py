"""The operations under /v1, and /health."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from kgplan.api.keeper import Keeper, Served
from kgplan.api.models import GraphHealthOut, HealthOut, PathOut, Problem
from kgplan.graph.health import graph_health, video_concepts
from kgplan.planning import PlanOptions
from kgplan.planning.picture import picture

router = APIRouter()


def keeper_of(request: Request) -> Keeper:
    """The keeper that the application was made with."""
    keeper: Keeper = request.app.state.keeper
    return keeper


def served_to(keeper: Annotated[Keeper, Depends(keeper_of)]) -> Served:
    """What this request is answered from, whatever is renewed meanwhile."""
    return keeper.served


KeeperDep = Annotated[Keeper, Depends(keeper_of)]
ServedDep = Annotated[Served, Depends(served_to)]
CourseId = Annotated[
    str, Query(description="course, for example C_course-v1:TsinghuaX+30240184+sp")
]


def plan_options(
    length: Annotated[int, Query(ge=1, le=50, description="concepts to plan")] = 4,
    max_prerequisites: Annotated[
        int, Query(ge=0, le=50, description="prerequisites walked per start")
    ] = 10,
    neighbours: Annotated[
        int, Query(ge=1, le=100, description="similar concepts that a preference looks at")
    ] = 10,
) -> PlanOptions:
    """What the caller may choose about a path."""
    return PlanOptions(length, max_prerequisites, neighbours)


OptionsDep = Annotated[PlanOptions, Depends(plan_options)]
PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "no such learner or course, with close matches"},
    422: {"model": Problem, "description": "a parameter is missing or out of its range"},
    503: {"model": Problem, "description": "the graph or the model cannot be read now"},
}


@router.get("/v1/learners/{learner_id}/path", tags=["paths"], responses=PROBLEMS)
def read_path(
    learner_id: str, course_id: CourseId, options: OptionsDep, served: ServedDep
) -> PathOut:
    """What a learner should learn next in a course, foundation first."""
    return PathOut.of(served.planner.plan(learner_id, course_id, options), served.stale)


@router.get(
    "/v1/learners/{learner_id}/path.svg",
    tags=["paths"],
    response_class=Response,
    responses=PROBLEMS | {200: {"content": {"image/svg+xml": {}}, "description": "the picture"}},
)
def read_picture(
    learner_id: str, course_id: CourseId, options: OptionsDep, served: ServedDep
) -> Response:
    """The same path as a picture."""
    planner = served.planner
    plan = planner.plan(learner_id, course_id, options)
    edges = planner.graph.prerequisites_among([step.concept_id for step in plan.steps])
    drawn = picture(plan, planner.graph.course_name(course_id), edges)
    return Response(drawn, media_type="image/svg+xml")


@router.get("/v1/graph/health", tags=["graph"])
def read_graph_health(served: ServedDep) -> GraphHealthOut:
    """Cycles and what breaks them, redundant edges, bottlenecks, depth, coverage."""
    planner = served.planner
    found = graph_health(planner.graph, video_concepts(planner.records))
    return GraphHealthOut.model_validate(found)


@router.get("/health", tags=["operations"])
def read_health(served: ServedDep) -> HealthOut:
    """Whether the service answers, from which versions, and whether they may be outdated."""
    return HealthOut.of(served)


@router.post("/v1/admin/refresh", tags=["operations"], responses={503: PROBLEMS[503]})
def refresh(keeper: KeeperDep) -> HealthOut:
    """Look for a changed graph or model now, instead of at the next interval."""
    served = keeper.refresh()
    if served.problem is not None:
        raise served.problem
    return HealthOut.of(served)
