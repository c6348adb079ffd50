"""The operations under /v1, and /health."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from kgplan.api.models import HealthOut, PathOut, Problem
from kgplan.planning import Planner, PlanOptions
from kgplan.planning.picture import picture

router = APIRouter()


def planner_of(request: Request) -> Planner:
    """The planner that the application was made with."""
    planner: Planner = request.app.state.planner
    return planner


PlannerDep = Annotated[Planner, Depends(planner_of)]
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
    learner_id: str, course_id: CourseId, options: OptionsDep, planner: PlannerDep
) -> PathOut:
    """What a learner should learn next in a course, foundation first."""
    return PathOut.of(planner.plan(learner_id, course_id, options))


@router.get(
    "/v1/learners/{learner_id}/path.svg",
    tags=["paths"],
    response_class=Response,
    responses=PROBLEMS | {200: {"content": {"image/svg+xml": {}}, "description": "the picture"}},
)
def read_picture(
    learner_id: str, course_id: CourseId, options: OptionsDep, planner: PlannerDep
) -> Response:
    """The same path as a picture."""
    plan = planner.plan(learner_id, course_id, options)
    edges = planner.graph.prerequisites_among([step.concept_id for step in plan.steps])
    drawn = picture(plan, planner.graph.course_name(course_id), edges)
    return Response(drawn, media_type="image/svg+xml")


@router.get("/health", tags=["operations"])
def read_health(planner: PlannerDep) -> HealthOut:
    """Whether the service answers, and from which versions."""
    return HealthOut(
        graph_version=planner.graph.version,
        model_version=planner.model_version,
        learners=planner.records.learner_ids.size,
        courses=planner.graph.course_ids.size,
        concepts=planner.graph.concept_ids.size,
    )
