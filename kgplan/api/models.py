"""What the HTTP service says: the typed bodies of its answers."""

import re
from typing import Annotated, Any, Literal

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, WithJsonSchema, create_model

from kgplan.api.ids import Id
from kgplan.api.keeper import Served
from kgplan.data.search import Kind
from kgplan.errors import ConfigError
from kgplan.graph.around import Direction
from kgplan.planning import Doubt, Plan, PlanOptions, StepExplanation
from kgplan.planning.explanation import Verdict
from kgplan.planning.options import OPTIONS, NamedOption
from kgplan.planning.planners import planners, rules
from kgplan.planning.texts import Language

MAX_BATCH = 1_000  # items
PlannerName = Annotated[str, WithJsonSchema({"type": "string", "enum": list(planners())})]
RuleName = Annotated[str, WithJsonSchema({"type": "string", "enum": list(rules())})]

EXAMPLE_STEP: dict[str, Any] = {
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
    "teaches": [
        {
            "course_id": "C_course-v1:TsinghuaX+30240184+sp",
            "video_id": "V_5f3a",
            "minutes": 6.5,
        }
    ],
    "because": "线性表 comes before 栈 (similarity 0.74) and you probably do not know it"
    " yet (mastery 0.31).",
}

EXAMPLE_EXPLANATION: dict[str, Any] = {
    "concept_id": "K_线性表_计算机科学技术",
    "rule": "score",
    "because": "the largest similarity + 1 - mastery among the prerequisites left: 1.43",
    "terms": EXAMPLE_STEP["terms"],
    "alternatives": [
        {
            "concept_id": "K_数组_计算机科学技术",
            "name": "数组",
            "name_en": "array",
            "terms": {
                "preference": None,
                "mastery": 0.91,
                "value": None,
                "similarity": 0.69,
                "score": 0.78,
            },
            "figure": 0.78,
            "verdict": "mastered",
            "because": "skip: mastery 0.91 >= 0.90",
        }
    ],
    "rejected": 1,
    "changes": [
        {
            "concept_id": "K_数组_计算机科学技术",
            "mastery": 0.91,
            "above": None,
            "below": 0.26,
            "then": "K_数组_计算机科学技术",
            "because": "With a mastery of 数组 below 0.26 (now 0.91), it would be chosen.",
        }
    ],
    "ended": [],
}

EXAMPLE_PATH: dict[str, Any] = {
    "learner_id": "U_1000",
    "course_id": "C_course-v1:TsinghuaX+30240184+sp",
    "graph_version": "5f0c2f3f6f0b7a11",
    "model_version": "0b5c7c1f7ad1c9e2",
    "steps": [EXAMPLE_STEP],
    "notes": [],
    "towards": None,
    "minutes": 6.5,
    "options": {
        "length": 4,
        "max_prerequisites": 10,
        "neighbours": 10,
        "planner": "kg-plppm",
        "exclude": [],
        "pin": [],
        "skip_mastered": 0.9,
        "minutes": None,
        "language": "en",
    },
    "explanations": [EXAMPLE_EXPLANATION],
    "stale": False,
}


def _field(named: NamedOption) -> tuple[Any, Any]:
    """An option of a plan as the field of a request, (type, default)."""
    option, of, default = named.option, named.type, named.default
    if option.names is not None:
        of = Literal[tuple(option.names())]
    elif isinstance(default, tuple):
        of, default = list[Id], list(default)
    described = Field(
        default,
        ge=option.low,
        le=option.high,
        max_length=option.most,
        description=option.told(),
    )
    return of, described


_FIELDS: dict[str, Any] = {named.name: _field(named) for named in OPTIONS}
OptionsIn: Any = create_model(
    "OptionsIn",
    __module__=__name__,
    __doc__="What the caller may choose about a path.",
    **_FIELDS,
)


class GoalIn(OptionsIn):  # type: ignore[misc]  # made from `PlanOptions`
    """What a path shall lead to, a course or a concept, and the options."""

    course_id: Id | None = Field(
        None,
        description="course, for example C_course-v1:TsinghuaX+30240184+sp; in an address"
        " write + as %2B",
    )
    towards: Id | None = Field(None, description="concept to reach, in place of a course")
    explain: bool = Field(
        False, description="also why each step, what was rejected, what would change the choice"
    )

    def checked(self, where: str) -> PlanOptions:
        """The options, if they and the goal go together.

        Args:
            where: where the request holds them: "query", or "body".

        Raises:
            RequestValidationError: no goal, two, or options that contradict each other.
        """
        if self.course_id is None and self.towards is None:
            raise wrong_field(where, "course_id", "give a course_id, or towards a concept")
        if self.course_id is not None and self.towards is not None:
            raise wrong_field(where, "towards", "give either a course_id or towards, not both")
        try:
            return PlanOptions(**{each.name: getattr(self, each.name) for each in OPTIONS})
        except ConfigError as error:
            raise wrong_field(where, "pin", str(error)) from None


def wrong_field(where: str, field: str, reason: str) -> RequestValidationError:
    """The error that a field is wrong."""
    return RequestValidationError([{"type": "value_error", "loc": (where, field), "msg": reason}])


class PathIn(GoalIn):
    """One path of a batch."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "learner_id": "U_1000",
                    "towards": "K_栈_计算机科学技术",
                    "length": 6,
                    "skip_mastered": 0.9,
                }
            ]
        }
    )

    learner_id: Id


class PathsIn(BaseModel):
    """Paths that are asked for together."""

    items: list[PathIn] = Field(max_length=MAX_BATCH)


class TermsOut(BaseModel):
    """The numbers that chose a step; null where a number took no part."""

    model_config = ConfigDict(from_attributes=True)

    preference: float | None = Field(description="S_P: how much of what is alike was learned")
    mastery: float = Field(description="probability that the learner holds the concept")
    value: float | None = Field(
        description="what the planner ranks starts by; kg-plppm: preference - mastery"
    )
    similarity: float | None = Field(description="with the step that it leads to")
    score: float | None = Field(description="similarity + 1 - mastery, for a prerequisite")


class TeachingOut(BaseModel):
    """A course that has the concept, and a video of it where one is known."""

    model_config = ConfigDict(from_attributes=True)

    course_id: str
    video_id: str | None
    minutes: float | None = Field(description="length of the video; null where unknown")


class StepOut(BaseModel):
    """One concept of a path."""

    model_config = ConfigDict(from_attributes=True)

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


class AlternativeOut(BaseModel):
    """A concept that was rejected."""

    model_config = ConfigDict(from_attributes=True)

    concept_id: str
    name: str
    name_en: str
    terms: TermsOut
    figure: float = Field(description="what it was ranked by")
    verdict: Verdict = Field(
        description="lower or tie against the one chosen; or what kept it out whatever its figure"
    )
    because: str = Field(description="the same in words, as in: skip: mastery 0.91 >= 0.90")


class ChangeOut(BaseModel):
    """What would have changed a choice, all else the same."""

    model_config = ConfigDict(from_attributes=True)

    concept_id: str = Field(description="whose mastery, or exclusion, decides")
    mastery: float = Field(description="as it is")
    above: float | None = Field(description="mastery beyond which the choice is another")
    below: float | None = Field(description="mastery under which the choice is another")
    then: str | None = Field(description="the concept chosen then; null: the step is left out")
    because: str


class ExplanationOut(BaseModel):
    """Why one step was chosen."""

    model_config = ConfigDict(from_attributes=True)

    concept_id: str
    rule: RuleName = Field(description="whose largest figure decided; or pinned, or the target")
    because: str
    terms: TermsOut
    alternatives: list[AlternativeOut] = Field(description="the best that were rejected")
    rejected: int = Field(description="how many there were")
    changes: list[ChangeOut]
    ended: list[AlternativeOut] = Field(
        description="prerequisites of the step where the walk back ended"
    )


class OptionsOut(BaseModel):
    """The options that a path was planned with."""

    model_config = ConfigDict(from_attributes=True)

    length: int
    max_prerequisites: int
    neighbours: int
    planner: PlannerName
    exclude: list[str]
    pin: list[str]
    skip_mastered: float | None
    minutes: float | None
    language: Language


class PlannerOut(BaseModel):
    """A planner that a path can be asked of."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(description="what `planner` takes")
    title: dict[Language, str] = Field(description="for a list to choose from")
    about: str = Field(description="how it plans")
    figure: dict[Language, str] = Field(description="what starts are ranked by")
    walks: bool = Field(description="whether prerequisites are planned; needed towards a concept")
    weighs_mastery: bool = Field(description="whether the figure is the preference - mastery")


class PlannersOut(BaseModel):
    """The planners of this service."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "default": "kg-plppm",
                    "planners": [
                        {
                            "name": "popularity",
                            "title": {"en": "Rank by popularity", "zh": "按热门程度排序"},
                            "about": "ranks what was not learned by the share of learners who"
                            " learned it, and walks nothing",
                            "figure": {
                                "en": "Share of learners who learned it",
                                "zh": "学过它的学习者比例",
                            },
                            "walks": False,
                            "weighs_mastery": False,
                        }
                    ],
                }
            ]
        }
    )

    default: str = Field(description="the one that plans where none is named")
    planners: list[PlannerOut]


class PathOut(BaseModel):
    """What a learner should learn next in a course, or towards a concept, foundation first."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [EXAMPLE_PATH]})

    learner_id: str
    course_id: str | None = Field(description="null for a path towards a concept")
    graph_version: str
    model_version: str
    steps: list[StepOut]
    notes: list[str] = Field(description="what is unusual about this path")
    towards: str | None = Field(description="the concept to reach; null for a course")
    minutes: float | None = Field(
        description="what the first videos named take together; null where no length is known"
    )
    options: OptionsOut
    explanations: list[ExplanationOut] | None = Field(
        None, description="of each step, in order; null where not asked for"
    )
    stale: bool = Field(False, description="true: the graph or the model may have changed unseen")

    @classmethod
    def of(
        cls, plan: Plan, stale: bool, explanations: tuple[StepExplanation, ...] | None = None
    ) -> "PathOut":
        """The body for a plan."""
        path = cls.model_validate(plan)
        path.stale = stale
        if explanations is not None:
            path.explanations = [ExplanationOut.model_validate(each) for each in explanations]
        return path


_PLAN = TypeAdapter(Plan)


def plan_json(plan: Plan) -> bytes:
    """The JSON of a plan, as it is kept in a learner's history."""
    return _PLAN.dump_json(plan)


def path_json(
    plan: Plan,
    stale: bool,
    explanations: tuple[StepExplanation, ...] | None = None,
    text: bytes | None = None,
) -> bytes:
    """The JSON of `PathOut.of`; without explanations it is made from the plan as it is.

    Args:
        plan, stale, explanations: as for `PathOut.of`.
        text: `plan_json` of the plan, where it is at hand.
    """
    if explanations is not None:
        return PathOut.of(plan, stale, explanations).model_dump_json().encode()
    rest = (
        b',"explanations":null,"stale":true}' if stale else b',"explanations":null,"stale":false}'
    )
    return (text or plan_json(plan))[:-1] + rest


def without_places(text: str) -> str:
    """A sentence for anybody to read, without addresses; of paths only the last name is left.

    >>> without_places("cannot reach neo4j://graph:7687; see /var/lib/kgplan and/or the log")
    'cannot reach …; see …/kgplan and/or the log'
    """

    def short(found: re.Match[str]) -> str:
        return "…" if "://" in found[0] else "…/" + found[0].rstrip("/").rpartition("/")[2]

    return re.sub(r"(?<!\w)(?:[a-z][a-z0-9+.-]*:/)?/[^\s;,()'\"`]+", short, text)


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
        planner, problem = served.planner, served.problem or served.damage
        return cls(
            status="stale" if problem else "ok",
            graph_version=planner.graph.version,
            model_version=planner.model_version,
            learners=planner.records.learner_ids.size,
            courses=planner.graph.course_ids.size,
            concepts=planner.graph.concept_ids.size,
            problem=without_places(str(problem)) if problem else None,
        )


class AliveOut(BaseModel):
    """That the process answers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "alive"}]})

    status: Literal["alive"] = "alive"


class NamedOut(BaseModel):
    """A concept, by id and name."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    name_en: str = Field(description="empty where unknown")


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


EXAMPLE_NAMED = {"id": "K_栈_计算机科学技术", "name": "栈", "name_en": "stack"}
EXAMPLE_GRAPH_HEALTH: dict[str, Any] = {
    "graph_version": "5f0c2f3f6f0b7a11",
    "concepts": 944,
    "edges": 2470,
    "cyclic_groups": [],
    "contradictory_pairs": [],
    "redundant_edges": [],
    "bottlenecks": [{"concept": EXAMPLE_NAMED, "unreachable": 3}],
    "depth": {"steps": 20, "concepts_at": [182, 90], "chain": [EXAMPLE_NAMED]},
    "coverage": {
        "orphans": [],
        "foundations": 121,
        "without_course": [],
        "without_video": None,
    },
}


class GraphHealthOut(BaseModel):
    """What is to mend in the prerequisites; the largest of each sort first."""

    model_config = ConfigDict(
        from_attributes=True, json_schema_extra={"examples": [EXAMPLE_GRAPH_HEALTH]}
    )

    graph_version: str
    concepts: int
    edges: int
    cyclic_groups: list[CyclicGroupOut]
    contradictory_pairs: list[tuple[EdgeOut, EdgeOut]]
    redundant_edges: list[RedundantEdgeOut]
    bottlenecks: list[BottleneckOut]
    depth: DepthOut
    coverage: CoverageOut


class FoundOut(BaseModel):
    """A concept or a course that matches a text."""

    id: str
    name: str
    name_en: str = Field(description="empty where unknown, and for a course")
    match: Kind = Field(
        description="exact; prefix: a name begins so; part: it holds the text; near: a typo away"
    )


class SearchOut(BaseModel):
    """What matches a text, best first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "graph_version": "5f0c2f3f6f0b7a11",
                    "found": [
                        {
                            "id": "K_栈_计算机科学技术",
                            "name": "栈",
                            "name_en": "stack",
                            "match": "near",
                        }
                    ],
                }
            ]
        }
    )

    graph_version: str
    found: list[FoundOut]


class PlaceOut(BaseModel):
    """A concept, and how far it stands from where one looks."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    name_en: str
    field: str = Field(description="of study; empty where unknown")
    depth: int = Field(
        description="steps away; in a course map the longest chain before it, or, for what is"
        " missing, how many of the course's concepts need it"
    )


class PlacedEdgeOut(BaseModel):
    """A prerequisite and a concept that builds on it, by id."""

    model_config = ConfigDict(from_attributes=True)

    before: str
    after: str
    sources: list[str] = Field(description="dependency, prediction or designer")


EXAMPLE_STACK: dict[str, Any] = {
    "id": "K_栈_计算机科学技术",
    "name": "栈",
    "name_en": "stack",
    "field": "计算机科学技术",
    "depth": 0,
}
EXAMPLE_LIST: dict[str, Any] = {
    "id": "K_线性表_计算机科学技术",
    "name": "线性表",
    "name_en": "linear list",
    "field": "计算机科学技术",
    "depth": 1,
}
EXAMPLE_EDGE: dict[str, Any] = {
    "before": "K_线性表_计算机科学技术",
    "after": "K_栈_计算机科学技术",
    "sources": ["dependency"],
}


class AroundOut(BaseModel):
    """What leads to a concept, or what it unlocks."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "graph_version": "5f0c2f3f6f0b7a11",
                    "concept": EXAMPLE_STACK,
                    "direction": "up",
                    "concepts": [EXAMPLE_LIST],
                    "edges": [EXAMPLE_EDGE],
                    "deeper": True,
                }
            ]
        },
    )

    graph_version: str = ""
    concept: PlaceOut
    direction: Direction
    concepts: list[PlaceOut] = Field(description="nearest first")
    edges: list[PlacedEdgeOut] = Field(description="all prerequisites among them and the concept")
    deeper: bool = Field(description="whether more lies beyond the depth asked for")


class CourseMapOut(BaseModel):
    """A course's concepts, what builds on what, and what the course does not have."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "graph_version": "5f0c2f3f6f0b7a11",
                    "course_id": "C_course-v1:TsinghuaX+30240184+sp",
                    "name": "数据结构(上)",
                    "concepts": [EXAMPLE_LIST | {"depth": 0}, EXAMPLE_STACK | {"depth": 1}],
                    "edges": [EXAMPLE_EDGE],
                    "missing": [],
                }
            ]
        },
    )

    graph_version: str = ""
    course_id: str
    name: str
    concepts: list[PlaceOut] = Field(description="by depth")
    edges: list[PlacedEdgeOut]
    missing: list[PlaceOut] = Field(description="direct prerequisites that the course has not")


class WholeGraphOut(BaseModel):
    """All concepts, or a field's, and the prerequisites among them."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "graph_version": "5f0c2f3f6f0b7a11",
                    "total": 2,
                    "fields": {"计算机科学技术": 2},
                    "concepts": [EXAMPLE_LIST | {"depth": 0}, EXAMPLE_STACK | {"depth": 1}],
                    "edges": [EXAMPLE_EDGE],
                }
            ]
        },
    )

    graph_version: str = ""
    total: int = Field(description="concepts that there are; more than listed, beyond the limit")
    fields: dict[str, int] = Field(
        description="concepts of each field of study, the largest first; empty name: of none"
    )
    concepts: list[PlaceOut] = Field(
        description="by depth: the longest chain before a concept, a cyclic group counted as one;"
        " beyond the limit those with most prerequisite edges"
    )
    edges: list[PlacedEdgeOut]


class QuestionOut(BaseModel):
    """A question in Cypher."""

    name: str = Field(description="as `kgplan graph ask` takes it; of a picture, as saved")
    asks: str = Field(description="the question in one sentence")
    draws: bool = Field(description="whether it returns nodes and edges for Neo4j Browser to draw")
    parameters: dict[str, str | int] = Field(description="each with an example, or its default")
    cypher: str


class QuestionsOut(BaseModel):
    """What can be asked of the graph database in its own language."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "browser": "http://127.0.0.1:7474/browser/",
                    "questions": [
                        {
                            "name": "redundant_edges_from",
                            "asks": "Which edges out of this concept are implied by a longer way?",
                            "draws": False,
                            "parameters": {"concept_id": "K_数学_数学"},
                            "cypher": "MATCH (concept:Concept {id: $concept_id}) RETURN concept",
                        }
                    ],
                }
            ]
        }
    )

    browser: str | None = Field(
        description="address of Neo4j Browser; null where the graph is in the embedded database"
    )
    questions: list[QuestionOut]


class FieldProblem(BaseModel):
    """What is wrong with a field of the request."""

    field: str = Field(description="where it is, as in query.length or path.learner_id")
    reason: str


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
                    "fields": [
                        {
                            "field": "query.course_id",
                            "reason": "no course 'C_math'; close matches: C_maths",
                        }
                    ],
                }
            ]
        }
    )

    type: str = Field(
        description="stable name of this sort of error; docs/reference/errors.md lists them"
    )
    title: str
    status: int
    detail: str
    close_matches: list[str] = Field(default=[], description="ids that look like the missing one")
    fields: list[FieldProblem] = Field(default=[], description="wrong parameters, and why")
    instance: str | None = Field(
        default=None,
        description="names the request, as `urn:kgplan:request:` and its X-Request-ID; null in"
        " the results of a batch",
    )


class RefusedStatement(BaseModel):
    """Why a statement of a batch is refused."""

    index: int = Field(description="its place in the batch, from 0")
    id: str | None = Field(description="as it was sent")
    field: str = Field(description="the part of it that is wrong")
    reason: str


class StatementsProblem(Problem):
    """The problem of a batch of statements, with all that are malformed."""

    statements: list[RefusedStatement] = Field(
        description="those that are malformed; the others may be sent again without them"
    )


class ResultOut(BaseModel):
    """One path of a batch, or why there is none."""

    status: int = Field(description="as if it had been asked for alone")
    etag: str | None = Field(description="of the same path asked for alone")
    path: PathOut | None
    problem: Problem | None


EXAMPLE_PATHS: dict[str, Any] = {
    "graph_version": EXAMPLE_PATH["graph_version"],
    "model_version": EXAMPLE_PATH["model_version"],
    "results": [
        {
            "status": 200,
            "etag": '"3f1d0b7cbf7a4f5e8f2b0c6a9d1e4b77"',
            "path": EXAMPLE_PATH,
            "problem": None,
        },
        {
            "status": 404,
            "etag": None,
            "path": None,
            "problem": {
                "type": "urn:kgplan:problem:unknown-learner",
                "title": "Unknown learner",
                "status": 404,
                "detail": "no learner 'U_100'; close matches: U_1000",
                "close_matches": ["U_1000"],
                "fields": [
                    {
                        "field": "body.items.1.learner_id",
                        "reason": "no learner 'U_100'; close matches: U_1000",
                    }
                ],
            },
        },
    ],
}


class PathsOut(BaseModel):
    """The results of a batch, in the order of its items."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_PATHS]})

    graph_version: str
    model_version: str
    results: list[ResultOut]
