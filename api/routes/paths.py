"""The operations that plan."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from kgplan.api.dependencies import PROBLEMS, ServedDep
from kgplan.api.models import PathOut
from kgplan.planning import PlanOptions
from kgplan.planning.picture import picture

router = APIRouter(prefix="/v1", tags=["paths"])


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


@router.get("/learners/{learner_id}/path", responses=PROBLEMS)
def read_path(
    learner_id: str, course_id: CourseId, options: OptionsDep, served: ServedDep
) -> PathOut:
    """What a learner should learn next in a course, foundation first."""
    return PathOut.of(served.planner.plan(learner_id, course_id, options), served.stale)


@router.get(
    "/learners/{learner_id}/path.svg",
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
