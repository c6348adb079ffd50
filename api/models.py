"""What the HTTP service says: the typed bodies of its answers."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from kgplan.api.keeper import Served
from kgplan.planning import Doubt, Plan

EXAMPLE_PATH: dict[str, Any] = {
    "learner_id": "U_1000",
    "course_id": "C_course-v1:TsinghuaX+30240184+sp",
    "graph_version": "5f0c2f3f6f0b7a11",
    "model_version": "0b5c7c1f7ad1c9e2",
    "steps": [
        {
            "concept_id": "K_线性表_计算机科学技术",
            "name": "线性表",
            "name_en": "linear list",
            "role": "prerequisite",
            "start_concept_id": "K_栈_计算机科学技术",
            "leads_to": "K_栈_计算机科学技术",
            "terms": {
                "preference": None,
                "mastery": 0.31,
                "value": None,
                "similarity": 0.74,
                "score": 1.43,
            },
            "sd": 0.46,
            "evidence": 0.11,
            "identified": True,
            "doubt": None,
            "teaches": [{"course_id": "C_course-v1:TsinghuaX+30240184+sp", "video_id": "V_5f3a"}],
            "because": "线性表 comes before 栈 (similarity 0.74) and you probably do not know it"
            " yet (mastery 0.31).",
        }
    ],
    "notes": [],
    "stale": False,
}


class TermsOut(BaseModel):
    """The numbers that chose a step; null where a number took no part."""

    preference: float | None = Field(description="S_P: how much of what is alike was learned")
    mastery: float = Field(description="probability that the learner holds the concept")
    value: float | None = Field(description="preference - mastery, for a start")
    similarity: float | None = Field(description="with the step that it leads to")
    score: float | None = Field(description="similarity + 1 - mastery, for a prerequisite")


class TeachingOut(BaseModel):
    """A course that has the concept, and a video of it where one is known."""

    course_id: str
    video_id: str | None


class StepOut(BaseModel):
    """One concept of a path."""

    concept_id: str
    name: str
    name_en: str = Field(description="empty where unknown")
    role: Literal["start", "prerequisite"]
    start_concept_id: str = Field(description="the start whose walk found it")
    leads_to: str | None = Field(description="the step that builds on it; null for a start")
    terms: TermsOut
    sd: float = Field(description="standard deviation of the concept's state: .5 wholly open")
    evidence: float = Field(
        description="bits that the learner's views said about the concept, beyond the prior"
    )
    identified: bool = Field(description="whether the mastery is the learner's own")
    doubt: Doubt | None = Field(
        description="why it is not identified: no observed video covers the concept; exactly the"
        " same observed videos cover another one; the views hardly moved it from the prior"
    )
    teaches: list[TeachingOut]
    because: str = Field(description="one plain sentence made from the terms")


class PathOut(BaseModel):
    """What a learner should learn next in a course, foundation first."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_PATH]})

    learner_id: str
    course_id: str
    graph_version: str
    model_version: str
    steps: list[StepOut]
    notes: list[str] = Field(description="what is unusual about this path")
    stale: bool = Field(description="true: the graph or the model may have changed unseen")

    @classmethod
    def of(cls, plan: Plan, stale: bool) -> "PathOut":
        """The body for a plan."""
        return cls.model_validate(plan.to_dict() | {"stale": stale})


class HealthOut(BaseModel):
    """That the service answers, and with what."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "status": "ok",
                    "graph_version": "5f0c2f3f6f0b7a11",
                    "model_version": "0b5c7c1f7ad1c9e2",
                    "learners": 4384,
                    "courses": 706,
                    "concepts": 944,
                    "problem": None,
                }
            ]
        }
    )

    status: Literal["ok", "stale"]
    graph_version: str
    model_version: str
    learners: int
    courses: int
    concepts: int
    problem: str | None = Field(description="why nothing newer can be read, while stale")

    @classmethod
    def of(cls, served: Served) -> "HealthOut":
        """The body for what is served."""
        planner = served.planner
        return cls(
            status="stale" if served.stale else "ok",
            graph_version=planner.graph.version,
            model_version=planner.model_version,
            learners=planner.records.learner_ids.size,
            courses=planner.graph.course_ids.size,
            concepts=planner.graph.concept_ids.size,
            problem=str(served.problem) if served.problem else None,
        )


class NamedOut(BaseModel):
    """A concept, by id and name."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str


class EdgeOut(BaseModel):
    """A prerequisite edge: `before` is the prerequisite of `after`."""

    model_config = ConfigDict(from_attributes=True)

    before: NamedOut
    after: NamedOut
    sources: list[str] = Field(description="dependency, prediction or designer")


class CyclicGroupOut(BaseModel):
    """Concepts that all lead to each other."""

    model_config = ConfigDict(from_attributes=True)

    concepts: list[NamedOut]
    edges: int = Field(description="edges between them")
    breaking: list[EdgeOut] = Field(description="edges whose removal leaves no cycle")
    smallest: bool = Field(description="true: proven that no smaller set breaks all cycles")


class RedundantEdgeOut(BaseModel):
    """An edge whose end is reached without it."""

    model_config = ConfigDict(from_attributes=True)

    edge: EdgeOut
    steps: int = Field(description="of the shortest way without it")
    together: bool = Field(description="one of a set that can be removed at once")


class BottleneckOut(BaseModel):
    """A concept that others are reached through only."""

    model_config = ConfigDict(from_attributes=True)

    concept: NamedOut
    unreachable: int = Field(description="concepts no foundation leads to without it")


class DepthOut(BaseModel):
    """How deep the prerequisites go, a cyclic group counted as one place."""

    model_config = ConfigDict(from_attributes=True)

    steps: int = Field(description="of the longest chain of places")
    concepts_at: list[int] = Field(description="number of concepts by the steps before them")
    chain: list[NamedOut] = Field(description="one longest chain")


class CoverageOut(BaseModel):
    """What is taught and what is connected."""

    model_config = ConfigDict(from_attributes=True)

    orphans: list[NamedOut] = Field(description="concepts without any prerequisite edge")
    foundations: int = Field(description="concepts that need nothing and unlock something")
    without_course: list[NamedOut]
    without_video: list[NamedOut] | None = Field(description="null: videos were not looked at")


class GraphHealthOut(BaseModel):
    """What is to mend in the prerequisites; the largest of each sort first."""

    model_config = ConfigDict(from_attributes=True)

    graph_version: str
    concepts: int
    edges: int
    cyclic_groups: list[CyclicGroupOut]
    contradictory_pairs: list[tuple[EdgeOut, EdgeOut]]
    redundant_edges: list[RedundantEdgeOut]
    bottlenecks: list[BottleneckOut]
    depth: DepthOut
    coverage: CoverageOut


class Problem(BaseModel):
    """An error, as problem details (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:kgplan:problem:unknown-course",
                    "title": "Unknown course",
                    "status": 404,
                    "detail": "no course 'C_math'; close matches: C_maths",
                    "close_matches": ["C_maths"],
                }
            ]
        }
    )

    type: str = Field(description="stable name of this sort of error")
    title: str
    status: int
    detail: str
    close_matches: list[str] = Field(default=[], description="ids that look like the missing one")
    fields: list[dict[str, str]] = Field(default=[], description="wrong parameters, and why")
