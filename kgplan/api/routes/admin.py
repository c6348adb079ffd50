"""The operations of administration: which model is in use, a look at the graph, long jobs."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from kgplan.api.admin_models import (
    ActivationOut,
    JobIn,
    JobOut,
    JobsOut,
    ModelOut,
    ModelsOut,
    OutdatedOut,
    RefreshOut,
)
from kgplan.api.administration import AdministrationDep, HomeDep
from kgplan.api.audit import access_of, audited
from kgplan.api.dependencies import KeeperDep, problems
from kgplan.api.ids import Id
from kgplan.api.jobs import State
from kgplan.api.keeper import Keeper
from kgplan.api.security import require
from kgplan.model.versions import Activation, activate, find_model, list_models, outdated, roll_back

NDJSON = "application/x-ndjson"

router = APIRouter(
    prefix="/v1/admin", tags=["administration"], dependencies=[require("admin", learner="none")]
)


# ---------------------------------------------------------------- models


@router.get("/models", responses=problems())
def read_models(home: AdministrationDep) -> ModelsOut:
    """Every model that was in use, the one that came into use last first."""
    return ModelsOut(models=[ModelOut.model_validate(each) for each in list_models(home.store)])


@router.get("/models/{version}", responses=problems(404))
def read_model(version: Id, home: AdministrationDep) -> ModelOut:
    """One model; its files are read and checked."""
    return ModelOut.model_validate(find_model(home.store, version))


@router.post("/models/rollback", responses=problems(409))
def roll_back_model(request: Request, home: AdministrationDep, keeper: KeeperDep) -> ActivationOut:
    """Put the model into use that was in use before this one; each call goes one further back."""
    with audited(request, "roll-back-model"):
        done = roll_back(home.settings, by=f"{request.method} {request.url.path}")
    return served_now(keeper, done)


@router.post("/models/{version}/activate", responses=problems(404, 409))
def activate_model(
    version: Id, request: Request, home: AdministrationDep, keeper: KeeperDep
) -> ActivationOut:
    """Put a model into use again, all of it at once; refused where it is not whole or not fit."""
    with audited(request, "activate-model", version):
        done = activate(home.settings, version, by=f"{request.method} {request.url.path}")
    return served_now(keeper, done)


def served_now(keeper: Keeper, done: Activation) -> ActivationOut:
    """The answer, once this process plans with the model; others follow at their next look."""
    keeper.refresh()
    return ActivationOut.model_validate(done)


# ---------------------------------------------------------------- graph


@router.post("/graph/refresh", responses=problems())
def refresh_graph(request: Request, home: HomeDep, keeper: KeeperDep) -> RefreshOut:
    """Look for a changed graph or model now, and say what does not follow the graph any more."""
    before = keeper.served.planner
    with audited(request, "refresh-graph"):
        served = keeper.refresh()
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
        outdated=[OutdatedOut.model_validate(each) for each in found],
        provisional_concepts=sorted(planner.provisional),
    )


# ---------------------------------------------------------------- jobs


@router.post("/jobs", status_code=202, responses=problems(409, 422, 501))
def start_job(
    asked: JobIn, request: Request, response: Response, home: AdministrationDep
) -> JobOut:
    """Begin a re-embedding in a process of its own; the model follows by itself when it is done."""
    with audited(request, "start-job", asked.kind):
        job = home.reembed(asked.warm, asked.alpha, asked.config, access_of(request).subject)
    response.headers["Location"] = f"{router.prefix}/jobs/{job.id}"
    return JobOut.of(job)


@router.get("/jobs", responses=problems(422))
def read_jobs(
    home: AdministrationDep,
    state: Annotated[State | None, Query(description="only those in this state")] = None,
) -> JobsOut:
    """The jobs at work and the last that ended, the newest first."""
    found = [job for job in home.jobs.all() if state in (None, job.state)]
    return JobsOut(jobs=[JobOut.of(job) for job in found])


@router.get("/jobs/{job_id}", responses=problems(404))
def read_job(job_id: Id, home: AdministrationDep) -> JobOut:
    """How far a job is, and how it ended."""
    return JobOut.of(home.jobs.find(job_id))


@router.delete("/jobs/{job_id}", responses=problems(404))
def cancel_job(job_id: Id, request: Request, home: AdministrationDep) -> JobOut:
    """End a job's process; nothing of it is in use. A job that has ended stays as it is."""
    with audited(request, "cancel-job", job_id):
        return JobOut.of(home.jobs.cancel(job_id))


@router.get(
    "/jobs/{job_id}/log",
    response_class=Response,
    responses=problems(404, 422)
    | {200: {"content": {NDJSON: {"schema": {"type": "string"}}}, "description": "the lines"}},
)
def read_job_log(
    job_id: Id,
    home: AdministrationDep,
    tail: Annotated[int, Query(ge=1, le=100_000, description="lines from the end")] = 100,
) -> Response:
    """The last lines of a job's log, each a JSON object: stages, epochs, reports."""
    lines = home.jobs.log(job_id, tail)
    return Response("".join(line + "\n" for line in lines), media_type=NDJSON)
