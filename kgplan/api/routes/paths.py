"""The operations that plan."""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import QueryParams

from kgplan.api.answers import Answer, AnswerCache, State, conditional, etag_of, response_of
from kgplan.api.dependencies import (
    NOT_MODIFIED,
    AnswersDep,
    LearnersDep,
    LearnerStates,
    LimitsDep,
    ServedDep,
    operation_id,
    problems,
)
from kgplan.api.ids import Id
from kgplan.api.keeper import Served
from kgplan.api.limits import check_deadline
from kgplan.api.models import (
    GoalIn,
    PathIn,
    PathOut,
    PathsIn,
    PathsOut,
    PlannerOut,
    PlannersOut,
    Problem,
    path_json,
    plan_json,
)
from kgplan.api.problems import problem_of, told_to, validation_problem
from kgplan.api.routes.at_once import at_once
from kgplan.api.security import AccessDep, require
from kgplan.api.telemetry.tracing import span
from kgplan.errors import KgplanError
from kgplan.model.current import AtOnce
from kgplan.planning import CurrentLearner, Plan, Planner, PlanOptions
from kgplan.planning.planners import planners
from kgplan.report.plan_picture import picture

router = APIRouter(prefix="/v1", tags=["paths"], generate_unique_id_function=operation_id)
READS = [require("paths:read")]
JSON, SVG = "application/json", "image/svg+xml"
GOAL_FIELDS = set(GoalIn.model_fields)
LISTS = {"exclude", "pin"}
AT_ONCE_CONCEPTS = 2_000  # of a course that is planned for in the event loop


class Paths:
    """Plans, as answers with ETags, from one state of graph, model and learners."""

    def __init__(self, served: ServedDep, learners: LearnersDep, answers: AnswersDep) -> None:
        self.served: Served = served
        self.learners: LearnerStates = learners
        self.answers: AnswerCache = answers

    def state(self, learner_version: str) -> State:
        """What answers about a learner of this version depend on."""
        planner = self.served.planner
        versions = planner.graph.version, planner.model_version
        return *versions, self.served.stale, learner_version

    def version(self, learner_id: str) -> str:
        """The learner's version; read before the learner's state."""
        return self.learners.learner_version(self.served.planner, learner_id)

    def etag(self, kind: str, learner_id: str, goal: GoalIn, learner_version: str) -> str:
        """The name of an answer: all that it depends on."""
        graph_version, model_version, stale, _ = self.state(learner_version)
        return etag_of(
            kind, graph_version, model_version, learner_version, stale, learner_id,
            goal.model_dump(include=GOAL_FIELDS),
        )  # fmt: skip

    def plan(
        self,
        learner_id: str,
        goal: GoalIn,
        options: PlanOptions,
        version: str,
        at_once: AtOnce | None = None,
    ) -> tuple[Plan, bytes, CurrentLearner | None]:
        """Plan for a course or towards a concept: the plan, its JSON, what the learner held.

        Args:
            learner_id, goal, options: what is asked for.
            version: the learner's; a plan of a learner who was erased since is not remembered.
            at_once: the learner's state, where it is at hand.
        """
        planner = self.served.planner
        if at_once is not None:
            current = at_once.current
        else:
            current = self.learners.current(planner, learner_id)
        with span("plan"):
            if goal.towards is not None:
                plan = planner.plan_towards(learner_id, goal.towards, options, current)
            else:
                plan = planner.plan(learner_id, goal.course_id or "", options, current)
        text = plan_json(plan)
        self.learners.remember(plan, text, version)
        return plan, text, current

    def body(
        self,
        learner_id: str,
        goal: GoalIn,
        options: PlanOptions,
        version: str,
        at_once: AtOnce | None = None,
    ) -> tuple[bytes, str]:
        """A path as JSON; arguments as for `plan`."""
        plan, text, current = self.plan(learner_id, goal, options, version, at_once)
        with span("explain"):
            why = self.served.planner.explain(plan, current) if goal.explain else None
        return path_json(plan, self.served.stale, why, text), JSON

    def drawing(
        self, learner_id: str, goal: GoalIn, options: PlanOptions, version: str
    ) -> tuple[bytes, str]:
        """A path as a picture; arguments as for `plan`."""
        graph = self.served.planner.graph
        plan, _, _ = self.plan(learner_id, goal, options, version)
        edges = graph.prerequisites_among([step.concept_id for step in plan.steps])
        return picture(plan, graph.goal_name(plan.course_id, plan.towards), edges).encode(), SVG

    def answer(self, item: PathIn) -> Answer:
        """The answer to one item of a batch."""
        options, version = item.checked("body"), self.version(item.learner_id)
        return self.answers.get(
            self.etag("path", item.learner_id, item, version),
            lambda: self.body(item.learner_id, item, options, version),
            item.learner_id,
            ("path", item.course_id),
        )


PathsDep = Annotated[Paths, Depends()]
Goal = Annotated[GoalIn, Query()]


async def path_at_once(request: Request) -> Response | None:
    """The answer of `read_path` if it takes no waiting and no long work; else None."""
    scope, state = request.scope, request.app.state
    learner_id = scope["path_params"]["learner_id"]
    paths = Paths(state.keeper.served, state.learners, state.answers)
    planner, cache = paths.served.planner, paths.answers
    try:
        known = paths.learners.at_once(planner, learner_id)
        if known is None:
            return None
        words, holds_in = (scope["path"], scope["query_string"]), paths.state(known.version)
        found = cache.held(words, holds_in)
        if found is None:
            goal = goal_of(request.query_params)
            if goal is None:
                return None
            options = goal.checked("query")
            etag = paths.etag("path", learner_id, goal, known.version)
            if known.known and not takes_long(goal, planner):
                found = cache.get(
                    etag,
                    lambda: paths.body(learner_id, goal, options, known.version, known),
                    learner_id,
                    ("path", goal.course_id),
                )
            else:
                found = cache.find(etag)
            if found is None:
                return None
            cache.hold(words, holds_in, found)
    except (KgplanError, RequestValidationError):  # told in the ordinary way
        return None
    return response_of(request, found)


def goal_of(sent: QueryParams) -> GoalIn | None:
    """The goal that a query asks for; None where a parameter is wrong."""
    values: dict[str, Any] = dict(sent)
    for name in LISTS & values.keys():
        values[name] = sent.getlist(name)
    try:
        return GoalIn.model_validate(values)
    except ValidationError:
        return None


def takes_long(goal: GoalIn, planner: Planner) -> bool:
    """Whether a path may take so long that other requests should not wait for it."""
    large = goal.course_id is not None and planner.n_concepts(goal.course_id) > AT_ONCE_CONCEPTS
    return goal.explain or goal.minutes is not None or large


def read_path(learner_id: Id, goal: Goal, paths: PathsDep, request: Request) -> Response:
    """What a learner should learn next in a course, or towards a concept, foundation first."""
    options, version = goal.checked("query"), paths.version(learner_id)
    return conditional(
        request,
        paths.answers,
        paths.etag("path", learner_id, goal, version),
        lambda: paths.body(learner_id, goal, options, version),
        learner_id,
        ("path", goal.course_id),
    )


ONE, WITH_SLASHES = "/learners/{learner_id}", "/learners/{learner_id:path}"
"""The second takes ids that hold a slash, as those of other home pages do, and the first not."""
for one in (ONE, WITH_SLASHES):
    router.add_api_route(
        one + "/path",
        read_path,
        route_class_override=at_once(path_at_once),
        response_model=PathOut,
        dependencies=READS,
        responses=problems(404, 422) | NOT_MODIFIED,
        include_in_schema=one == ONE,
    )


@router.get(WITH_SLASHES + "/path.svg", dependencies=READS, include_in_schema=False)
@router.get(
    ONE + "/path.svg",
    response_class=Response,
    dependencies=READS,
    responses=problems(404, 422)
    | NOT_MODIFIED
    | {
        200: {
            "content": {"image/svg+xml": {"example": "<svg xmlns='http://www.w3.org/2000/svg'/>"}},
            "description": "the picture",
        }
    },
)
def read_picture(learner_id: Id, goal: Goal, paths: PathsDep, request: Request) -> Response:
    """The same path as a picture."""
    options, version = goal.checked("query"), paths.version(learner_id)
    return conditional(
        request,
        paths.answers,
        paths.etag("picture", learner_id, goal, version),
        lambda: paths.drawing(learner_id, goal, options, version),
        learner_id,
        ("picture", goal.course_id),
    )


@router.get("/planners", dependencies=[require("paths:read", learner="none")], responses=problems())
def read_planners() -> PlannersOut:
    """The planners that a path can be asked of, and what each ranks by."""
    known = [PlannerOut.model_validate(planner) for planner in planners().values()]
    return PlannersOut(default=PlanOptions().planner, planners=known)


@router.post(
    "/paths",
    response_model=PathsOut,
    dependencies=[require("paths:read", learner="body")],
    responses=problems(413, 422),
)
def read_paths(
    batch: PathsIn, paths: PathsDep, limits: LimitsDep, access: AccessDep, request: Request
) -> Response:
    """Up to 1,000 paths; each has its own result or problem, in the order of the items."""
    access.check_learners(item.learner_id for item in batch.items)
    planner = paths.served.planner
    results = []
    for place, item in enumerate(batch.items):
        check_deadline(request.scope, limits)
        try:
            found = paths.answer(item)
        except RequestValidationError as error:
            results.append(refused(validation_problem(error, ("body", "items", place))))
        except KgplanError as error:
            told = told_to(request.scope, error)
            results.append(refused(problem_of(told, given_in(place, item))))
        else:
            etag = found.etag.replace('"', '\\"').encode()
            results.append(
                b'{"status":200,"etag":"%b","path":%b,"problem":null}' % (etag, found.body)
            )
    head = b'{"graph_version":"%b","model_version":"%b","results":[' % (
        planner.graph.version.encode(),
        planner.model_version.encode(),
    )
    return Response(head + b",".join(results) + b"]}", media_type=JSON)


def refused(problem: Problem) -> bytes:
    """The result of an item that has no path."""
    return b'{"status":%d,"etag":null,"path":null,"problem":%b}' % (
        problem.status,
        problem.model_dump_json().encode(),
    )


def given_in(place: int, item: PathIn) -> Iterable[tuple[str, object]]:
    """(field, value) of an item of a batch."""
    return [(f"body.items.{place}.{name}", value) for name, value in item.model_dump().items()]
