"""What the HTTP service says: the typed bodies of its answers."""

import re
from dataclasses import dataclass
from typing import Any, Literal, Self

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model

from kgplan.api.ids import Id
from kgplan.api.keeper import Served
from kgplan.data.search import Kind, Match
from kgplan.errors import ConfigError
from kgplan.graph.about import AboutConcept, AboutCourse
from kgplan.graph.around import Around, CourseMap, WholeGraph
from kgplan.graph.health import GraphHealth
from kgplan.model.catalogue import ListedConcept, ListedCourse
from kgplan.planning import Plan, PlanOptions, StepExplanation
from kgplan.planning.experiment import Arm
from kgplan.planning.options import OPTIONS, NamedOption
from kgplan.planning.texts import Language

MAX_BATCH = 1_000  # items

COURSE_ID = "C_course-v1:TsinghuaX+30240184+sp"
LIST: dict[str, Any] = {
    "concept_id": "K_线性表_计算机科学技术",
    "name": "线性表",
    "name_en": "linear list",
}
STACK: dict[str, Any] = {"concept_id": "K_栈_计算机科学技术", "name": "栈", "name_en": "stack"}


def _terms(mastery: float, value: float) -> dict[str, Any]:
    return {
        "preference": None,
        "mastery": mastery,
        "value": value,
        "similarity": None,
        "score": None,
    }


def _resource(item_id: str, title: str, minutes: float, moves: list[Any]) -> dict[str, Any]:
    return {
        "course_id": COURSE_ID,
        "course_name": "数据结构(上)",
        "item_id": item_id,
        "kind": "video",
        "title": title,
        "minutes": minutes,
        "share": 0.0,
        "score": None,
        "url": "https://lms.example/courses/C_course-v1%3ATsinghuaX%2B30240184%2Bsp/videos/"
        + item_id,
        "again": False,
        "optional": False,
        "moves": moves,
        "rank": None,
    }


EXAMPLE_RESOURCE: dict[str, Any] = _resource("V_5f3a", "栈的定义", 6.5, []) | {
    "rank": {
        "place": 1,
        "of": 7,
        "score": 1.62,
        "methods": {"markov": 0.45, "next_in_course": 0.52, "item_cf": 0.03},
        "earlier": [{"item_id": "V_5e21", "title": "线性表", "share": 0.97}],
        "progress": 0.0,
        "pre": 0.21,
        "because": "In 数据结构(上) it comes next, behind “线性表”, and most learners went on to"
        " it.",
    }
}
EXAMPLE_STEPS: list[dict[str, Any]] = [
    {
        **LIST,
        "role": "prerequisite",
        "start_concept_id": STACK["concept_id"],
        "leads_to": STACK["concept_id"],
        "terms": _terms(0.31, 0.056),
        "sd": 0.46,
        "basis": "own",
        "evidence": 0.11,
        "identified": True,
        "doubt": None,
        "resources": [
            _resource("V_5e21", "线性表", 8.0, [LIST | {"mastery": 0.31, "expected": 0.68}])
        ],
        "because": "栈 builds on 线性表. You watched one video on it, and that does not show yet"
        " that you hold it.",
        "runners_up": [],
    },
    {
        **STACK,
        "role": "start",
        "start_concept_id": STACK["concept_id"],
        "leads_to": None,
        "terms": _terms(0.12, 0.056),
        "sd": 0.32,
        "basis": "prior",
        "evidence": 0.0,
        "identified": False,
        "doubt": "no_evidence",
        "resources": [
            _resource(
                *("V_5f3a", "栈的定义", 6.5),
                [
                    STACK | {"mastery": 0.12, "expected": 0.93},
                    LIST | {"mastery": 0.68, "expected": 0.79},
                ],
            )
        ],
        "because": "栈 comes next by what it gains you for the time and by its place in the course."
        " You have not opened a video on it yet.",
        "runners_up": [],
    },
]

EXAMPLE_EXPLANATIONS: list[dict[str, Any]] = [
    {
        "concept_id": LIST["concept_id"],
        "rule": "foundation",
        "because": "what is planned behind it builds on it",
        "terms": EXAMPLE_STEPS[0]["terms"],
        "alternatives": [],
        "rejected": 0,
        "changes": [],
        "ended": [],
    },
    {
        "concept_id": STACK["concept_id"],
        "rule": "gain",
        "because": "the largest expected gain of mastery for the time, what it needs included,"
        " weighed by its place in the course",
        "terms": EXAMPLE_STEPS[1]["terms"],
        "alternatives": [
            {
                "concept_id": "K_数组_计算机科学技术",
                "name": "数组",
                "name_en": "array",
                "terms": _terms(0.44, 0.041),
                "figure": 0.041,
                "verdict": "lower",
                "because": "less than the one chosen",
            }
        ],
        "rejected": 1,
        "changes": [
            {
                "concept_id": STACK["concept_id"],
                "mastery": 0.12,
                "above": 0.5,
                "below": None,
                "then": None,
                "because": "Once what you do shows that you hold 栈, it is left out.",
            }
        ],
        "ended": [],
    },
]

EXAMPLE_PATH: dict[str, Any] = {
    "learner_id": "U_1000",
    "course_id": COURSE_ID,
    "graph_version": "5f0c2f3f6f0b7a11",
    "model_version": "0b5c7c1f7ad1c9e2",
    "steps": EXAMPLE_STEPS,
    "notes": [
        "It also builds on 数据对象, for which no video is known.",
        "What is left gains little for its time.",
    ],
    "towards": None,
    "minutes": 14.5,
    "options": {
        "length": None,
        "max_prerequisites": 10,
        "neighbours": 10,
        "planner": "gain",
        "least_gain": 0.01,
        "exclude": [],
        "pin": [],
        "theta": None,
        "minutes": None,
        "language": "en",
        "detail": "words",
        "bound": False,
    },
    "gaps": [
        {
            "concept_id": "K_数据对象_计算机科学技术",
            "name": "数据对象",
            "name_en": "data object",
            "needed_by": [LIST["concept_id"]],
        }
    ],
    "new": False,
    "theta": 0.5,
    "stopped": "gain",
    "gain": 0.81,
    "bound": None,
    "experiment": {"name": "gain-or-popularity", "arm": "gain"},
    "explanations": EXAMPLE_EXPLANATIONS,
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
    __config__=ConfigDict(extra="forbid"),
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

    def checked(self, where: str, arm: Arm | None = None) -> PlanOptions:
        """The options, if they and the goal go together.

        Args:
            where: where the request holds them: "query", or "body".
            arm: of the learner; it plans where the request names no planner, by its own options
                where the request leaves them out.

        Raises:
            RequestValidationError: no goal, two, or options that contradict each other.
        """
        if self.course_id is None and self.towards is None:
            raise wrong_field(where, "course_id", "give a course_id, or towards a concept")
        if self.course_id is not None and self.towards is not None:
            raise wrong_field(where, "towards", "give either a course_id or towards, not both")
        options = {each.name: getattr(self, each.name) for each in OPTIONS}
        given = self.model_fields_set
        if arm is not None and "planner" not in given:
            options["planner"] = arm.planner
            options |= {name: value for name, value in arm.options.items() if name not in given}
        try:
            return PlanOptions(**options)
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
                    "theta": 0.9,
                }
            ]
        }
    )

    learner_id: Id


class PathsIn(BaseModel):
    """Paths that are asked for together."""

    model_config = ConfigDict(extra="forbid")

    items: list[PathIn] = Field(max_length=MAX_BATCH)


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
                    "default": "gain",
                    "planners": [
                        {
                            "name": "gain",
                            "title": {"en": "Most gain for the time", "zh": "单位时间收获最大"},
                            "about": "takes videos by expected gain of mastery a minute, behind"
                            " what they need, in the course's order where nothing is known of the"
                            " learner",
                            "figure": {"en": "Gain a minute, weighed", "zh": "每分钟收获（加权）"},
                            "walks": True,
                            "weighs_mastery": False,
                        }
                    ],
                }
            ]
        }
    )

    default: str = Field(
        description="the one that plans where none is named, unless an experiment gives the"
        " learner another"
    )
    planners: list[PlannerOut]


@dataclass(frozen=True)
class Path(Plan):
    """What a learner should learn next in a course, or towards a concept, foundation first.

    Attributes:
        explanations: of each step, in order; None where not asked for.
        stale: whether the graph or the model may have changed unseen.
    """

    explanations: tuple[StepExplanation, ...] | None = None
    stale: bool = False


_PLAN = TypeAdapter(Plan)
_EXPLANATIONS = TypeAdapter(tuple[StepExplanation, ...] | None)


def plan_json(plan: Plan) -> bytes:
    """The JSON of a plan, as it is kept in a learner's history."""
    return _PLAN.dump_json(plan)


def path_json(
    text: bytes, stale: bool, explanations: tuple[StepExplanation, ...] | None = None
) -> bytes:
    """The JSON of a `Path`.

    Args:
        text: `plan_json` of its plan.
        stale, explanations: as there.
    """
    told = b"null" if explanations is None else _EXPLANATIONS.dump_json(explanations)
    return b'%b,"explanations":%b,"stale":%b}' % (text[:-1], told, b"true" if stale else b"false")


def without_places(text: str) -> str:
    """A sentence for anybody to read, without addresses; of paths only the last name is left.

    >>> without_places("cannot reach neo4j://graph:7687; see /var/lib/kgplan and/or the log")
    'cannot reach …; see …/kgplan and/or the log'
    """

    def short(found: re.Match[str]) -> str:
        return "…" if "://" in found[0] else "…/" + found[0].rstrip("/").rpartition("/")[2]

    return re.sub(r"(?<!\w)(?:[a-z][a-z0-9+.-]*:/)?/[^\s;,()'\"`]+", short, text)


class SourceOut(BaseModel):
    """Whose data answers are made from."""

    title: str = Field(description="as its people call it; empty where unknown")
    licence: str = Field(description="under which they give it; empty where unknown")


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
                    "source": {"title": "MOOCCube", "licence": "CC0 1.0"},
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
    source: SourceOut
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
            source=SourceOut(title=served.source.title, licence=served.source.licence),
            problem=without_places(str(problem)) if problem else None,
        )


class AliveOut(BaseModel):
    """That the process answers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "alive"}]})

    status: Literal["alive"] = "alive"


EXAMPLE_NAMED = {"id": "K_栈_计算机科学技术", "name": "栈", "name_en": "stack"}
EXAMPLE_GRAPH_HEALTH: dict[str, Any] = {
    "graph_version": "5f0c2f3f6f0b7a11",
    "concepts": 944,
    "edges": 2470,
    "cyclic_groups": [],
    "contradictory_pairs": [],
    "redundant_edges": [],
    "bottlenecks": [{"concept": EXAMPLE_NAMED, "unreachable": 3}],
    "lone_alternatives": [],
    "depth": {"steps": 20, "concepts_at": [182, 90], "chain": [EXAMPLE_NAMED]},
    "coverage": {
        "orphans": [],
        "foundations": 121,
        "without_course": [],
        "without_item": None,
        "gaps": None,
    },
}


class FoundOut(BaseModel):
    """A concept or a course that matches a text."""

    id: str
    name: str
    field: str = Field(description="name of its field of study; empty where unknown")
    match: Kind = Field(
        description="exact; prefix: a name begins so; part: it holds the text; near: a typo away"
    )

    @classmethod
    def of(cls, match: Match[ListedConcept] | Match[ListedCourse]) -> Self:
        """The row for what was found: what the list says of it, and how it matches."""
        listed = {name: getattr(match.entry, name) for name in cls.model_fields if name != "match"}
        return cls(match=match.kind, **listed)


class FoundConcept(FoundOut):
    """A concept that matches a text, and what tells it from another of its name."""

    name_en: str = Field(description="empty where unknown")
    prerequisites: int = Field(description="concepts directly before it")
    unlocks: int = Field(description="concepts directly after it")
    courses: int = Field(description="that have it")


class FoundCourse(FoundOut):
    """A course that matches a text, and what tells it from another of its name."""

    school: str = Field(description="name of the school that gives it; empty where unknown")
    concepts: int = Field(description="that it has")
    items: int = Field(description="of it, whose concepts are known")
    kinds: list[str] = Field(description="of these items: video, exercise, text")
    learners: int = Field(description="who take it")


class ConceptsOut(BaseModel):
    """The concepts that match a text, best first."""

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
                            "field": "计算机科学技术",
                            "match": "near",
                            "prerequisites": 4,
                            "unlocks": 7,
                            "courses": 33,
                        }
                    ],
                }
            ]
        }
    )

    graph_version: str
    found: list[FoundConcept]


class CoursesOut(BaseModel):
    """The courses that match a text, best first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "graph_version": "5f0c2f3f6f0b7a11",
                    "found": [
                        {
                            "id": "C_course-v1:TsinghuaX+30240184+sp",
                            "name": "数据结构",
                            "field": "数学",
                            "school": "清华大学",
                            "match": "exact",
                            "concepts": 140,
                            "items": 228,
                            "kinds": ["video"],
                            "learners": 1596,
                        }
                    ],
                }
            ]
        }
    )

    graph_version: str
    found: list[FoundCourse]


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
    "strength": 1.0,
    "group": 0,
}


EXAMPLE_ITEM: dict[str, Any] = {
    "id": "V_5f3a",
    "kind": "video",
    "title": "栈的定义",
    "minutes": 6.5,
    "url": "https://lms.example/courses/C_course-v1%3ATsinghuaX%2B30240184%2Bsp/videos/V_5f3a",
    "concepts": [{"id": "K_栈_计算机科学技术", "name": "栈", "name_en": "stack"}],
}

VERSION = EXAMPLE_PATH["graph_version"]
BY_DEPTH = [EXAMPLE_LIST | {"depth": 0}, EXAMPLE_STACK | {"depth": 1}]
EXAMPLES: dict[type, dict[str, Any]] = {
    Path: EXAMPLE_PATH,
    GraphHealth: EXAMPLE_GRAPH_HEALTH,
    Around: {
        "graph_version": VERSION,
        "concept": EXAMPLE_STACK,
        "direction": "up",
        "concepts": [EXAMPLE_LIST],
        "edges": [EXAMPLE_EDGE],
        "deeper": True,
    },
    CourseMap: {
        "graph_version": VERSION,
        "course_id": "C_course-v1:TsinghuaX+30240184+sp",
        "name": "数据结构(上)",
        "concepts": BY_DEPTH,
        "edges": [EXAMPLE_EDGE],
        "missing": [],
    },
    AboutCourse: {
        "graph_version": VERSION,
        "course_id": "C_course-v1:TsinghuaX+30240184+sp",
        "name": "数据结构(上)",
        "fields": ["计算机科学技术"],
        "schools": ["清华大学"],
        "teachers": ["T_0412"],
        "concepts": [
            {"id": "K_栈_计算机科学技术", "name": "栈", "name_en": "stack", "taught": True}
        ],
        "items": [EXAMPLE_ITEM],
        "learners": 1042,
    },
    AboutConcept: {
        "graph_version": VERSION,
        "concept_id": "K_栈_计算机科学技术",
        "name": "栈",
        "name_en": "stack",
        "definition": "只能在同一端插入和删除元素的线性表。",
        "fields": ["计算机科学技术"],
        "taught": True,
        "courses": [
            {
                "course_id": "C_course-v1:TsinghuaX+30240184+sp",
                "name": "数据结构(上)",
                "items": [EXAMPLE_ITEM],
            }
        ],
        "prerequisites": [
            {"id": "K_线性表_计算机科学技术", "name": "线性表", "name_en": "linear list"}
        ],
        "unlocks": [],
    },
    WholeGraph: {
        "graph_version": VERSION,
        "total": 2,
        "fields": {"计算机科学技术": 2},
        "concepts": BY_DEPTH,
        "edges": [EXAMPLE_EDGE],
    },
}
"""Of answers that are the core's own types."""


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
    path: Path | None
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
                "type": "urn:kgplan:problem:unknown-course",
                "title": "Unknown course",
                "status": 404,
                "detail": "no course 'C_math'; close matches: C_maths",
                "close_matches": ["C_maths"],
                "fields": [
                    {
                        "field": "body.items.1.course_id",
                        "reason": "no course 'C_math'; close matches: C_maths",
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
