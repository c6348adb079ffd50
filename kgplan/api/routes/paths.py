"""The operations that plan."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

from fastapi import Query, Response
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool

from kgplan.api.answers import Answer, etag_of
from kgplan.api.ids import Id
from kgplan.api.limits import check_deadline
from kgplan.api.models import (
    GoalIn,
    Path,
    PathIn,
    PathsIn,
    PathsOut,
    PlannerOut,
    PlannersOut,
    Problem,
    path_json,
    plan_json,
)
from kgplan.api.operation import JSON, NOT_MODIFIED, Asked, in_thread, problems, router_of
from kgplan.api.problems import problem_of, told_to, validation_problem
from kgplan.api.security import require
from kgplan.api.telemetry.tracing import span
from kgplan.errors import KgplanError
from kgplan.model.current import AtOnce
from kgplan.planning import CurrentLearner, Plan, Planner, PlanOptions
from kgplan.planning.experiment import Assignment
from kgplan.planning.planners import planner_named, planners
from kgplan.report.plan_picture import picture

router = router_of(prefix="/v1", tags=["paths"])
READS = [require("paths:read")]
SVG = "image/svg+xml"
GOAL_FIELDS = set(GoalIn.model_fields)
AT_ONCE_CONCEPTS = 2_000  # of a course that is planned for in the event loop
Goal = Annotated[GoalIn, Query()]
Made = tuple[Plan, bytes, CurrentLearner | None]
"""A plan, its JSON, and what was known of the learner."""
Make = Callable[["Paths", GoalIn, Made], tuple[bytes, str]]
"""Makes body and media type of what was planned for a goal."""


@dataclass(frozen=True)
class Wanted:
    """What is planned by.

    Attributes:
        options: of the request, or of the learner's arm.
        assigned: that arm; None where none is.
    """

    options: PlanOptions
    assigned: Assignment | None


class Paths:
    """Plans, as answers with ETags, from one state of graph, model and learners."""

    def __init__(self, asked: Asked) -> None:
        self.served, self.learners, self.answers = asked.served, asked.learners, asked.answers
        self.experiment = asked.experiment

    def wanted(self, learner_id: str, goal: GoalIn, where: str) -> Wanted:
        """What a learner's goal is planned by; an experiment is on paths through courses.

        Args:
            learner_id, goal: what is asked for.
            where: as for `GoalIn.checked`, whose errors it has.
        """
        experiment = self.experiment
        if experiment is None or goal.course_id is None:
            return Wanted(goal.checked(where), None)
        arm = experiment.arm_of(learner_id)
        return Wanted(goal.checked(where, arm), Assignment(experiment.name, arm.name))

    def version(self, learner_id: str) -> str:
        """The learner's version; read before the learner's state."""
        return self.learners.learner_version(self.served.planner, learner_id)

    def etag(
        self, kind: str, learner_id: str, goal: GoalIn, wanted: Wanted, learner_version: str
    ) -> str:
        """The name of an answer: all that it depends on."""
        planner, stale = self.served.planner, self.served.stale
        by_arm = () if wanted.assigned is None else (asdict(wanted),)
        return etag_of(
            kind, planner.graph.version, planner.model_version, planner.links.template,
            learner_version, stale, learner_id, goal.model_dump(include=GOAL_FIELDS), *by_arm,
        )  # fmt: skip

    def plan(
        self,
        learner_id: str,
        goal: GoalIn,
        wanted: Wanted,
        version: str,
        at_once: AtOnce | None = None,
    ) -> Made:
        """Plan for a course or towards a concept.

        Args:
            learner_id, goal, wanted: what is asked for.
            version: the learner's; a plan of a learner who was erased since is not remembered,
                nor one of a learner whom nothing names, who could neither see nor erase it.
            at_once: the learner's state, where it is at hand.
        """
        planner = self.served.planner
        if at_once is not None:
            current = at_once.current
        else:
            current = self.learners.current(planner, learner_id)
        with span("plan"):
            if goal.towards is not None:
                plan = planner.plan_towards(learner_id, goal.towards, wanted.options, current)
            else:
                course_id = goal.course_id or ""
                plan = planner.plan(learner_id, course_id, wanted.options, current)
                if wanted.assigned is not None:
                    plan = replace(plan, experiment=wanted.assigned)
        text = plan_json(plan)
        if planner.knows(learner_id, current):
            self.learners.remember(plan, text, version)
        return plan, text, current

    def body(self, goal: GoalIn, made: Made) -> tuple[bytes, str]:
        """A path as JSON."""
        plan, text, current = made
        with span("explain"):
            why = self.served.planner.explain(plan, current) if goal.explain else None
        return path_json(text, self.served.stale, why), JSON

    def drawing(self, _goal: GoalIn, made: Made) -> tuple[bytes, str]:
        """A path as a picture."""
        graph, (plan, _, _) = self.served.planner.graph, made
        edges = graph.prerequisites_among([step.concept_id for step in plan.steps])
        return picture(plan, graph.goal_name(plan.course_id, plan.towards), edges).encode(), SVG

    def answer(self, item: PathIn) -> Answer:
        """The answer to one item of a batch."""
        wanted = self.wanted(item.learner_id, item, "body")
        version = self.version(item.learner_id)
        return self.answers.get(
            self.etag("path", item.learner_id, item, wanted, version),
            lambda: self.body(item, self.plan(item.learner_id, item, wanted, version)),
            item.learner_id,
            ("path", item.course_id),
        )


async def answered(
    asked: Asked, kind: str, learner_id: str, goal: GoalIn, make: Make, may_be_quick: bool
) -> Answer:
    """The answer of a kind to one learner's goal, in a thread where something is waited for.

    Args:
        make: makes it of the plan.
        may_be_quick: whether it may be made in the event loop, of a learner whose state is at
            hand, where the plan does not take long.
    """
    paths, known = Paths(asked), asked.known
    wanted = paths.wanted(learner_id, goal, "query")
    at_once = may_be_quick and not takes_long(goal, wanted.options, paths.served.planner)
    if known is not None and not known.known:
        known = None

    def find() -> Answer:
        version = paths.version(learner_id) if known is None else known.version
        return asked.answer(
            paths.etag(kind, learner_id, goal, wanted, version),
            lambda: make(paths, goal, paths.plan(learner_id, goal, wanted, version, known)),
            learner_id,
            (kind, goal.course_id),
        )

    return find() if at_once and known is not None else await run_in_threadpool(find)


def takes_long(goal: GoalIn, options: PlanOptions, planner: Planner) -> bool:
    """Whether a path may take so long that other requests should not wait for it: above 1 ms."""
    large = goal.course_id is not None and planner.n_concepts(goal.course_id) > AT_ONCE_CONCEPTS
    gains = planner_named(options.planner).expects_gain or planner.ranker is not None
    return gains or goal.explain or options.minutes is not None or large


async def read_path(learner_id: Id, goal: Goal, asked: Asked) -> Answer:
    """What a learner should learn next in a course, or towards a concept, foundation first."""
    return await answered(asked, "path", learner_id, goal, Paths.body, may_be_quick=True)


async def read_picture(learner_id: Id, goal: Goal, asked: Asked) -> Answer:
    """The same path as a picture."""
    return await answered(asked, "picture", learner_id, goal, Paths.drawing, may_be_quick=False)


ONE, WITH_SLASHES = "/learners/{learner_id}", "/learners/{learner_id:path}"
"""The second takes ids that hold a slash, as those of other home pages do, and the first not."""
DRAWN: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"image/svg+xml": {"example": "<svg xmlns='http://www.w3.org/2000/svg'/>"}},
        "description": "the picture",
    }
}
for one in (ONE, WITH_SLASHES):
    router.add_api_route(
        one + "/path",
        read_path,
        response_model=Path,
        dependencies=READS,
        responses=problems(404) | NOT_MODIFIED,
        include_in_schema=one == ONE,
    )
    router.add_api_route(
        one + "/path.svg",
        read_picture,
        response_model=None,
        response_class=Response,
        dependencies=READS,
        responses=problems(404) | NOT_MODIFIED | DRAWN,
        include_in_schema=one == ONE,
    )


@router.get("/planners", dependencies=[require("paths:read", learner="none")], responses=problems())
async def read_planners() -> PlannersOut:
    """The planners that a path can be asked of, and what each ranks by."""
    known = [PlannerOut.model_validate(planner) for planner in planners().values()]
    return PlannersOut(default=PlanOptions().planner, planners=known)


@router.post(
    "/paths",
    response_model=PathsOut,
    dependencies=[require("paths:read", learner="body")],
    responses=problems(413),
)
@in_thread
def read_paths(batch: PathsIn, asked: Asked) -> Response:
    """Up to 1,000 paths; each has its own result or problem, in the order of the items."""
    asked.access.check_learners(item.learner_id for item in batch.items)
    paths, planner = Paths(asked), asked.served.planner
    results = []
    for place, item in enumerate(batch.items):
        check_deadline(asked.scope, asked.limits)
        try:
            found = paths.answer(item)
        except RequestValidationError as error:
            results.append(refused(validation_problem(error, ("body", "items", place))))
        except KgplanError as error:
            told = told_to(asked.scope, error)
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
