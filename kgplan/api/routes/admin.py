"""The operations of administration: which model is in use, a look at the graph, long jobs."""

from typing import Annotated

from fastapi import Query, Response

from kgplan.api.admin_models import (
    ActivationOut,
    JobIn,
    JobOut,
    JobsOut,
    ModelOut,
    ModelsOut,
    RefreshOut,
)
from kgplan.api.audit import audited
from kgplan.api.ids import Id
from kgplan.api.jobs import State
from kgplan.api.keeper import Keeper
from kgplan.api.operation import Asked, in_thread, problems, router_of
from kgplan.api.security import require
from kgplan.model.versions import Activation, activate, find_model, list_models, outdated, roll_back

NDJSON = "application/x-ndjson"

router = router_of(
    prefix="/v1/admin", tags=["administration"], dependencies=[require("admin", learner="none")]
)


# ---------------------------------------------------------------- models


@router.get("/models", responses=problems())
@in_thread
def read_models(asked: Asked) -> ModelsOut:
    """Every model that was in use, the one that came into use last first."""
    return ModelsOut(
        models=[ModelOut.model_validate(each) for each in list_models(asked.administration.store)]
    )


@router.get("/models/{version}", responses=problems(404))
@in_thread
def read_model(version: Id, asked: Asked) -> ModelOut:
    """One model; its files are read and checked."""
    return ModelOut.model_validate(find_model(asked.administration.store, version))


@router.post("/models/rollback", responses=problems(409))
@in_thread
def roll_back_model(asked: Asked) -> ActivationOut:
    """Put the model into use that was in use before this one; each call goes one further back."""
    home = asked.administration
    with audited(asked, "roll-back-model"):
        done = roll_back(home.settings, by=f"{asked.method} {asked.url.path}")
    return served_now(asked.keeper, done)


@router.post("/models/{version}/activate", responses=problems(404, 409))
@in_thread
def activate_model(version: Id, asked: Asked) -> ActivationOut:
    """Put a model into use again, all of it at once; refused where it is not whole or not fit."""
    home = asked.administration
    with audited(asked, "activate-model", version):
        done = activate(home.settings, version, by=f"{asked.method} {asked.url.path}")
    return served_now(asked.keeper, done)


def served_now(keeper: Keeper, done: Activation) -> ActivationOut:
    """The answer, once this process plans with the model; others follow at their next look."""
    keeper.refresh()
    return ActivationOut.model_validate(done)


# ---------------------------------------------------------------- graph


@router.post("/graph/refresh", responses=problems())
@in_thread
def refresh_graph(asked: Asked) -> RefreshOut:
    """Look for a changed graph or model now, and say what does not follow the graph any more."""
    before, home = asked.served.planner, asked.home
    with audited(asked, "refresh-graph"):
        served = asked.keeper.refresh()
        problem = served.problem or served.damage
        if problem is not None:
            raise problem
    planner = served.planner
    found = outdated(home.store, planner.graph.version) if home else []
    return RefreshOut(
        graph_version_before=before.graph.version,
        graph_version=planner.graph.version,
        model_version_before=before.model_version,
        model_version=planner.model_version,
        outdated=found,
        provisional_concepts=sorted(planner.provisional),
    )


# ---------------------------------------------------------------- jobs


@router.post("/jobs", status_code=202, responses=problems(409, 501))
@in_thread
def start_job(job: JobIn, asked: Asked) -> JobOut:
    """Begin a re-embedding in a process of its own; the model follows by itself when it is done."""
    home, by = asked.administration, asked.access.subject
    with audited(asked, "start-job", job.kind):
        begun = home.reembed(job.warm, job.alpha, job.config, by)
    asked.answer_headers["Location"] = f"{router.prefix}/jobs/{begun.id}"
    return JobOut.of(begun)


@router.get("/jobs", responses=problems())
@in_thread
def read_jobs(
    asked: Asked,
    state: Annotated[State | None, Query(description="only those in this state")] = None,
) -> JobsOut:
    """The jobs at work and the last that ended, the newest first."""
    found = [job for job in asked.administration.jobs.all() if state in (None, job.state)]
    return JobsOut(jobs=[JobOut.of(job) for job in found])


@router.get("/jobs/{job_id}", responses=problems(404))
@in_thread
def read_job(job_id: Id, asked: Asked) -> JobOut:
    """How far a job is, and how it ended."""
    return JobOut.of(asked.administration.jobs.find(job_id))


@router.delete("/jobs/{job_id}", responses=problems(404))
@in_thread
def cancel_job(job_id: Id, asked: Asked) -> JobOut:
    """End a job's process; nothing of it is in use. A job that has ended stays as it is."""
    home = asked.administration
    with audited(asked, "cancel-job", job_id):
        return JobOut.of(home.jobs.cancel(job_id))


@router.get(
    "/jobs/{job_id}/log",
    response_class=Response,
    responses=problems(404)
    | {200: {"content": {NDJSON: {"schema": {"type": "string"}}}, "description": "the lines"}},
)
@in_thread
def read_job_log(
    job_id: Id,
    asked: Asked,
    tail: Annotated[int, Query(ge=1, le=100_000, description="lines from the end")] = 100,
) -> Response:
    """The last lines of a job's log, each a JSON object: stages, epochs, reports."""
    lines = asked.administration.jobs.log(job_id, tail)
    return Response("".join(line + "\n" for line in lines), media_type=NDJSON)
