"""The operations on plans that adjust themselves: learners' own, and their teachers'."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Header, Query, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from kgplan.adjusting import RunningPlan
from kgplan.adjusting.deciding import marked
from kgplan.api.answers import etag_of, headers_of, matches
from kgplan.api.ids import Id
from kgplan.api.learner_models import moment
from kgplan.api.models import GoalIn, wrong_field
from kgplan.api.operation import JSON, Asked, in_thread, problems, router_of
from kgplan.api.routes.paths import Paths
from kgplan.api.running_models import (
    AcceptIn,
    BrokenOut,
    ChangeOut,
    ChangesOut,
    ClassOut,
    DatesIn,
    OffIn,
    OverriddenOut,
    OverrideIn,
    PreviewOut,
    RunIn,
    RunOut,
    StuckOut,
    UndoIn,
    class_of,
    stuck_of,
)
from kgplan.api.security import require
from kgplan.errors import NoRunningPlan, PlanChanged, UnknownCourse
from kgplan.model.running import Run, RunningPlans
from kgplan.store.events.running import LATEST

router = router_of(prefix="/v1", tags=["running plans"])
ONE = "/learners/{learner_id:path}"
READS = [require("teach", own="paths:read")]
WRITES = [require("teach", own="events:write")]
DECIDES = [require("teach", own="admin")]  # never with a learner's token
LOOKS_EVERY = 2.0  # seconds between two looks at a plan's version, of a stream
STREAMS_FOR = 600.0  # seconds that a stream lasts; its reader asks again
EVENTS = "text/event-stream"

Course = Annotated[Id, Query(description="the course that the plan is in")]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="ETag of the plan, as it was read")
]
TAGGED = problems(404, 412)
TOLD: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {EVENTS: {"example": 'event: plan\nid: 3\ndata: {"version":3}\n\n'}},
        "description": "versions",
    }
}


def who(asked: Asked) -> str:
    """Who asks, as changes name them: a learner by the id that is erased with all else."""
    return asked.access.learner_id or asked.access.subject


def tag_of(run: Run) -> str:
    """The ETag of a plan."""
    return etag_of("running", run.kept.learner_id, run.kept.course_id, run.kept.version)


def told(asked: Asked, run: Run) -> RunOut:
    """A plan as JSON, its ETag in the headers."""
    asked.answer_headers |= headers_of(tag_of(run), run.kept.learner_id)
    return RunOut.of(run, asked.served.planner.graph, asked.running.rules)


def version_sent(run: Run, if_match: str | None) -> int | None:
    """The version that a request means; None where it names none.

    Raises:
        PlanChanged: the plan is another by now.
    """
    if if_match is None:
        return None
    if if_match.strip() != "*" and not matches(if_match, tag_of(run)):
        raise PlanChanged(run.kept.learner_id, run.kept.course_id)
    return run.kept.version


def plan_meant(
    asked: Asked, learner_id: str, course_id: str, if_match: str | None
) -> tuple[RunningPlans, float, int | None]:
    """Running plans, the moment, and the version that is meant of the one in question.

    Raises:
        NoRunningPlan: there is none.
        PlanChanged: it is another by now.
    """
    asked.access.check_course(course_id)
    runs, now = asked.running, time.time()
    return runs, now, version_sent(runs.find(learner_id, course_id, now), if_match)


@router.get(
    ONE + "/plan",
    dependencies=READS,
    response_model=RunOut,
    responses=problems(404) | {304: {"description": "If-None-Match names the plan as it is"}},
)
@in_thread
def read_running_plan(learner_id: Id, course_id: Course, asked: Asked) -> Response:
    """The plan that a learner is at work on in a course, with what rules changed in it."""
    asked.access.check_course(course_id)
    run = asked.running.find(learner_id, course_id, time.time())
    headers = headers_of(tag_of(run), learner_id)
    if matches(asked.headers.get("if-none-match", ""), tag_of(run)):
        return Response(status_code=304, headers=headers)
    body = RunOut.of(run, asked.served.planner.graph, asked.running.rules)
    return Response(body.model_dump_json(), media_type=JSON, headers=headers)


@router.put(ONE + "/plan", dependencies=WRITES, responses=TAGGED)
@in_thread
def begin_plan(
    learner_id: Id, course_id: Course, body: RunIn, asked: Asked, if_match: IfMatch = None
) -> RunOut:
    """Plan for a course, and let the plan adjust itself; one that there is ends."""
    asked.access.check_course(course_id)
    planner, runs, now = asked.served.planner, asked.running, time.time()
    if if_match is not None:
        version_sent(runs.find(learner_id, course_id, now), if_match)
    # as a path is: by the learner's arm, where something is tried, and kept in the history
    paths = Paths(asked)
    goal = GoalIn(course_id=course_id, **body.model_dump(include={"length"}, exclude_none=True))
    wanted = paths.wanted(learner_id, goal, "body")
    plan, _, _ = paths.plan(learner_id, goal, wanted, paths.version(learner_id))
    return told(asked, runs.begin(planner, plan, body.weekly, who(asked), now, body.seconds))


@router.put(ONE + "/plan/dates", dependencies=WRITES, responses=TAGGED)
@in_thread
def set_plan_dates(
    learner_id: Id, course_id: Course, body: DatesIn, asked: Asked, if_match: IfMatch = None
) -> RunOut:
    """Say by when a plan and its steps are to be done; `misses` tells what will not be."""
    runs, now, version = plan_meant(asked, learner_id, course_id, if_match)
    dates = {step_id: date.timestamp() for step_id, date in body.steps.items()}
    return told(
        asked, runs.date(learner_id, course_id, body.seconds, dates, who(asked), now, version)
    )


@router.put(ONE + "/plan/off", dependencies=WRITES, responses=TAGGED)
@in_thread
def switch_plan(
    learner_id: Id, course_id: Course, body: OffIn, asked: Asked, if_match: IfMatch = None
) -> RunOut:
    """Let rules change a plan, or leave it alone."""
    runs, now, version = plan_meant(asked, learner_id, course_id, if_match)
    return told(asked, runs.switch(learner_id, course_id, body.off, who(asked), now, version))


@router.get(ONE + "/plan/changes", dependencies=READS, responses=problems(404))
@in_thread
def read_plan_changes(
    learner_id: Id,
    course_id: Course,
    asked: Asked,
    limit: Annotated[int, Query(ge=1, le=1000, description="changes at most")] = 50,
    before: Annotated[int, Query(ge=1, description="those numbered below")] = LATEST,
) -> ChangesOut:
    """What rules changed or suggest, and what people decided, the newest first, with reasons."""
    asked.access.check_course(course_id)
    asked.running.find(learner_id, course_id, time.time())
    found = asked.running.changes(learner_id, course_id, limit, before)
    return ChangesOut(
        learner_id=learner_id, course_id=course_id, changes=[ChangeOut.of(each) for each in found]
    )


@router.post(ONE + "/plan/changes/{n}/undo", dependencies=WRITES, responses=TAGGED)
@in_thread
def undo_plan_change(
    learner_id: Id,
    n: int,
    course_id: Course,
    body: UndoIn,
    asked: Asked,
    if_match: IfMatch = None,
) -> RunOut:
    """Take a change back; a learner's token only what a rule made."""
    runs, now, version = plan_meant(asked, learner_id, course_id, if_match)
    mine = asked.access.learner_id is not None
    return told(
        asked,
        runs.undo(learner_id, course_id, n, who(asked), body.reason, now, version, of_rules=mine),
    )


@router.post(ONE + "/plan/changes/{n}/accept", dependencies=DECIDES, responses=TAGGED)
@in_thread
def accept_plan_change(
    learner_id: Id,
    n: int,
    course_id: Course,
    body: AcceptIn,
    asked: Asked,
    if_match: IfMatch = None,
) -> RunOut:
    """Do what a rule only suggested about a step."""
    runs, now, version = plan_meant(asked, learner_id, course_id, if_match)
    return told(asked, runs.accept(learner_id, course_id, n, who(asked), body.reason, now, version))


@router.post(ONE + "/plan/tick", dependencies=READS, responses=problems(404))
@in_thread
def try_plan_rules(
    learner_id: Id,
    course_id: Course,
    asked: Asked,
    dry_run: Annotated[
        bool, Query(description="looks are made by the service alone: there is no other than true")
    ] = True,
) -> PreviewOut:
    """What rules would make of a plan by now; nothing of it is kept."""
    asked.access.check_course(course_id)
    if not dry_run:
        raise wrong_field(
            "query", "dry_run", "looks follow from events and are made by the service; try it dry"
        )
    run, found = asked.running.preview(asked.served.planner, learner_id, course_id, time.time())
    plan: RunningPlan = marked(found.plan, ())
    return PreviewOut(
        looks=[moment(each) for each in found.looks],
        changes=[
            ChangeOut.of_rule(each, n=run.kept.changes + k, version=run.kept.version + 1)
            for k, each in enumerate(found.changes, start=1)
        ],
        steps=[each.step_id for each in plan.steps],
    )


@router.get(
    ONE + "/plan/stream",
    dependencies=READS,
    response_class=Response,
    responses=problems(404) | TOLD,
)
async def stream_plan(learner_id: Id, course_id: Course, asked: Asked) -> Response:
    """Tells each new version of a plan as a server-sent event, the present one first."""
    asked.access.check_course(course_id)
    runs = asked.running
    first = await run_in_threadpool(runs.version, learner_id, course_id)
    if first is None:
        raise NoRunningPlan(learner_id, course_id)
    until = min(time.time() + STREAMS_FOR, asked.access.until)

    async def versions() -> AsyncIterator[bytes]:
        last = 0
        now: int | None = first
        while now is not None:
            # a comment shows the client, and what lies between, that somebody is there
            yield event_of(now) if now != last else b":\n\n"
            last = now
            if time.time() >= until or asked.app.state.readiness.stopping:
                return
            await asyncio.sleep(LOOKS_EVERY)
            now = await run_in_threadpool(runs.version, learner_id, course_id)

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(versions(), media_type=EVENTS, headers=headers)


def event_of(version: int) -> bytes:
    """A server-sent event (HTML, 9.2) that tells a plan's version.

    >>> event_of(3)
    b'event: plan\\nid: 3\\ndata: {"version":3}\\n\\n'
    """
    return b'event: plan\nid: %d\ndata: {"version":%d}\n\n' % (version, version)


@router.post(ONE + "/overrides", dependencies=DECIDES, responses=TAGGED)
@in_thread
def override_plan(
    learner_id: Id, course_id: Course, body: OverrideIn, asked: Asked, if_match: IfMatch = None
) -> OverriddenOut:
    """Decide about a learner's plan; rules only suggest there for 14 days."""
    runs, now, version = plan_meant(asked, learner_id, course_id, if_match)
    if version is None:
        raise wrong_field("header", "If-Match", "name the ETag of the plan as you read it")
    if body.kind in ("pin", "remove", "insert") and body.step_id is None:
        raise wrong_field("body", "step_id", f"say which step to {body.kind}")
    run, broken = runs.decide(
        asked.served.planner,
        learner_id,
        course_id,
        body.kind,
        who(asked),
        body.reason,
        now,
        version,
        body.step_id or "",
        body.before or "",
        body.order,
    )
    warnings = [BrokenOut(step_id=step, needs=needs) for step, needs in broken]
    return OverriddenOut(plan=told(asked, run), warnings=warnings)


@router.delete(ONE + "/overrides/{n}", dependencies=DECIDES, responses=TAGGED)
@in_thread
def end_override(
    learner_id: Id,
    n: int,
    course_id: Course,
    asked: Asked,
    reason: Annotated[str, Query(max_length=500, description="why")] = "",
    if_match: IfMatch = None,
) -> RunOut:
    """End a decision, and take back what it did to steps."""
    runs, now, version = plan_meant(asked, learner_id, course_id, if_match)
    return told(asked, runs.undo(learner_id, course_id, n, who(asked), reason, now, version))


@router.get(
    "/courses/{course_id:path}/class",
    dependencies=DECIDES,
    responses=problems(404),
)
@in_thread
def read_class(course_id: Id, asked: Asked) -> ClassOut:
    """Who is at work on a plan in a course, how far, and in which state; figures from 5 on."""
    asked.access.check_course(course_id)
    graph, now = asked.served.planner.graph, time.time()
    graph.courses.place(course_id, UnknownCourse)
    runs = asked.running.of_course(course_id, now)
    return class_of(runs, course_id, graph.course_name(course_id), now)


@router.get(
    "/courses/{course_id:path}/stuck",
    dependencies=DECIDES,
    responses=problems(404),
)
@in_thread
def read_stuck(course_id: Id, asked: Asked) -> StuckOut:
    """Who finds which step hard and since when, the longest first; and concepts many do."""
    asked.access.check_course(course_id)
    graph, now = asked.served.planner.graph, time.time()
    graph.courses.place(course_id, UnknownCourse)
    runs = [run for run, _ in asked.running.of_course(course_id, now)]
    return stuck_of(runs, course_id, graph, now)
