"""What the operations of administration take and say: their typed bodies."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from kgplan.api.jobs import Job, State
from kgplan.api.models import Problem
from kgplan.api.problems import problem_named
from kgplan.model.versions import Outdated
from kgplan.store.stages import SWITCH, stages_of

STAGES = ", ".join(f"`{stage.name}`" for stage in stages_of("model"))
Version = Annotated[str, Field(examples=["0b5c7c1f7ad1c9e2"])]

EXAMPLE_MODEL: dict[str, Any] = {
    "version": "0b5c7c1f7ad1c9e2",
    "artifacts": {
        "records": "9d59c7245b5d758b",
        "diagnosis": "9910e68a4431137a",
        "similarity": "4895fcaf8a530f80",
        "embedding": "58f866200e63f2ac",
    },
    "since": "2026-03-01T10:15:00.000Z",
    "by": "kgplan reembed --warm",
    "in_use": True,
    "problem": "",
    "graph_version": "5f0c2f3f6f0b7a11",
    "test_mrr": 0.316,
    "log_likelihood": -401234.5,
}
EXAMPLE_JOB: dict[str, Any] = {
    "id": "20260301T101500.123-a1b2c3",
    "kind": "reembed",
    "options": {"warm": True, "alpha": 0.7, "config": {}},
    "by": "operator",
    "state": "running",
    "stage": "embed",
    "progress": 0.31,
    "epoch": 63,
    "epochs": 100,
    "phase": "split",
    "validation_mrr": 0.309,
    "created_at": "2026-03-01T10:15:00.123Z",
    "started_at": "2026-03-01T10:15:04.456Z",
    "ended_at": None,
    "model_before": "0b5c7c1f7ad1c9e2",
    "model_version": None,
    "error": None,
}
EXAMPLE_JOB_IN: dict[str, Any] = {
    "kind": "reembed",
    "warm": True,
    "alpha": 0.7,
    "config": {"training": {"epochs": 80}},
}
EXAMPLE_ACTIVATION: dict[str, Any] = {
    "model": EXAMPLE_MODEL,
    "before": "3e5f08a1c24b9d77",
    "graph_version": "5f0c2f3f6f0b7a11",
    "concepts": 944,
    "known_concepts": 940,
}
EXAMPLE_REFRESH: dict[str, Any] = {
    "graph_version_before": "5f0c2f3f6f0b7a11",
    "graph_version": "77b1c0de9a3f4e21",
    "model_version_before": "0b5c7c1f7ad1c9e2",
    "model_version": "0b5c7c1f7ad1c9e2",
    "outdated": [
        {
            "kind": "embedding",
            "input": "graph",
            "made_from": "5f0c2f3f6f0b7a11",
            "now": "77b1c0de9a3f4e21",
        }
    ],
    "provisional_concepts": ["K_新概念_计算机科学技术"],
}


def example(body: Any) -> dict[str, Any]:
    """What a model's schema says beside its fields."""
    return {"examples": [body]}


class ModelOut(BaseModel):
    """A model that is or was in use."""

    model_config = ConfigDict(json_schema_extra=example(EXAMPLE_MODEL), from_attributes=True)

    version: Version
    artifacts: dict[str, str] = Field(description="kind -> version of what it is made of")
    since: AwareDatetime = Field(description="when it last came into use")
    by: str = Field(description="what put it into use; empty where nobody noted it")
    in_use: bool
    problem: str = Field(
        description="why it cannot be used any more; empty while it is whole on disk."
        " In a list by the files' sizes, alone by their content"
    )
    graph_version: str | None = Field(description="of the graph that its vectors were trained on")
    test_mrr: float | None = Field(description="filtered MRR of its vectors on the test triples")
    log_likelihood: float | None = Field(description="that its diagnosis ended with, in nats")


class ModelsOut(BaseModel):
    """Every remembered model, the one that came into use last first."""

    model_config = ConfigDict(json_schema_extra=example({"models": [EXAMPLE_MODEL]}))

    models: list[ModelOut]


class ActivationOut(BaseModel):
    """Which model is in use now, and how well it knows the graph."""

    model_config = ConfigDict(json_schema_extra=example(EXAMPLE_ACTIVATION), from_attributes=True)

    model: ModelOut
    before: str | None = Field(description="version of the model that was in use")
    graph_version: str
    concepts: int = Field(description="of the graph")
    known_concepts: int = Field(description="that the model has vectors of")


class RefreshOut(BaseModel):
    """What was answered from before a look at the graph and the model, and since."""

    model_config = ConfigDict(json_schema_extra=example(EXAMPLE_REFRESH))

    graph_version_before: str
    graph_version: str
    model_version_before: str
    model_version: str
    outdated: list[Outdated] = Field(description="a re-embedding makes these anew")
    provisional_concepts: list[str] = Field(
        description="concepts of the graph that are newer than the model"
    )


class JobIn(BaseModel):
    """A long task to begin."""

    model_config = ConfigDict(json_schema_extra=example(EXAMPLE_JOB_IN), extra="forbid")

    kind: Literal["reembed"]
    warm: bool = Field(False, description="start the vectors from those in use")
    alpha: float = Field(0.7, ge=0, le=1, description="weight of the semantic part")
    config: dict[str, dict[str, bool | int | float | str]] = Field(
        {}, description="keys that differ from the default, by section or by stage"
    )


class JobOut(BaseModel):
    """A long task, and how far it is."""

    model_config = ConfigDict(json_schema_extra=example(EXAMPLE_JOB))

    id: str
    kind: str
    options: dict[str, Any]
    by: str = Field(description="who asked for it")
    state: State
    stage: str | None = Field(description=f"{STAGES} or `{SWITCH}`")
    progress: float = Field(ge=0, le=1, description="by the usual shares of the stages")
    epoch: int | None
    epochs: int | None = Field(description="the most there can be")
    phase: str | None = Field(description="`split`, then `refit` on all facts")
    validation_mrr: float | None = Field(description="the last one measured")
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    model_before: str = Field(description="version in use when it was asked for")
    model_version: str | None = Field(description="that it put into use")
    error: Problem | None = Field(description="why it failed")

    @classmethod
    def of(cls, job: Job) -> "JobOut":
        """The body for a job."""
        headway = job.headway
        return cls(
            id=job.id,
            kind=job.kind,
            options=dict(job.options),
            by=job.by,
            state=job.state,
            stage=headway.stage,
            progress=headway.progress,
            epoch=headway.epoch,
            epochs=headway.epochs,
            phase=headway.phase,
            validation_mrr=headway.validation_mrr,
            created_at=job.created_at,  # type: ignore[arg-type]  # pydantic reads ISO 8601
            started_at=job.started_at,  # type: ignore[arg-type]
            ended_at=job.ended_at,  # type: ignore[arg-type]
            model_before=job.model_before,
            model_version=headway.model_version,
            error=problem_named(job.error_kind, job.error) if job.state == "failed" else None,
        )


class JobsOut(BaseModel):
    """Every job that is kept, the newest first."""

    model_config = ConfigDict(json_schema_extra=example({"jobs": [EXAMPLE_JOB]}))

    jobs: list[JobOut]
