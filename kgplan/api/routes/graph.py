"""The operations on the graph of concepts, courses and prerequisites."""

import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from kgplan.api.answers import conditional, etag_of
from kgplan.api.case_models import CFPackage
from kgplan.api.dependencies import NOT_MODIFIED, AnswersDep, ServedDep, problems
from kgplan.api.ids import Id
from kgplan.api.models import (
    AroundOut,
    CourseMapOut,
    FoundOut,
    GraphHealthOut,
    QuestionOut,
    QuestionsOut,
    SearchOut,
    WholeGraphOut,
)
from kgplan.api.security import require
from kgplan.data.search import Entry, SearchIndex
from kgplan.graph import designer
from kgplan.graph.around import Direction, around, course_map, whole_graph
from kgplan.graph.case import case_package
from kgplan.graph.health import graph_health, video_concepts
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.model.catalogue import list_concepts

router = APIRouter(
    prefix="/v1", tags=["graph"], dependencies=[require("graph:read", learner="none")]
)

Text = Annotated[str, Query(max_length=200, description="part of a name, Chinese or English")]
Limit = Annotated[int, Query(ge=1, le=100, description="results at most")]
Depth = Annotated[int, Query(ge=1, le=50, description="steps at most")]


class Indexes:
    """What is searched, made once for each version of the graph."""

    def __init__(self) -> None:
        self._made: tuple[str, SearchIndex, SearchIndex] | None = None

    def of(self, graph: GraphSnapshot) -> tuple[SearchIndex, SearchIndex]:
        """The indexes of concepts, those that most others build on first, and of courses."""
        made = self._made
        if made is None or made[0] != graph.version:
            ends = zip(graph.course_ids.tolist(), graph.course_names.tolist(), strict=True)
            courses = [Entry(course_id, (name,)) for course_id, name in ends]
            concepts = SearchIndex(list_concepts(graph))
            self._made = made = (graph.version, concepts, SearchIndex(courses))
        return made[1:]


class GraphAnswers:
    """Answers that follow from the graph alone, with ETags."""

    def __init__(self, request: Request, served: ServedDep, answers: AnswersDep) -> None:
        self._request, self._answers = request, answers
        self.served, self.graph = served, served.planner.graph

    def give(self, operation: str, make: Callable[[], BaseModel], *depends_on: Any) -> Response:
        """The answer of an operation, kept or made."""
        etag = etag_of(operation, self.graph.version, *depends_on)
        return conditional(
            self._request,
            self._answers,
            etag,
            lambda: (make().model_dump_json().encode(), "application/json"),
        )

    def search(self, which: int, text: str, limit: int) -> SearchOut:
        """What matches a text: 0 among concepts, 1 among courses."""
        indexes: Indexes = self._request.app.state.indexes
        found = [
            FoundOut(
                id=match.entry.id,
                name=match.entry.names[0],
                name_en=match.entry.names[1] if len(match.entry.names) > 1 else "",
                match=match.kind,
            )
            for match in indexes.of(self.graph)[which].search(text, limit)
        ]
        return SearchOut(graph_version=self.graph.version, found=found)

    def around(self, concept_id: str, direction: Direction, depth: int) -> Response:
        """What leads to a concept, or what it unlocks."""

        def make() -> AroundOut:
            found = AroundOut.model_validate(around(self.graph, concept_id, direction, depth))
            found.graph_version = self.graph.version
            return found

        return self.give("around", make, concept_id, direction, depth)


GraphDep = Annotated[GraphAnswers, Depends()]


@router.get("/concepts", response_model=SearchOut, responses=problems(422) | NOT_MODIFIED)
def search_concepts(graph: GraphDep, text: Text = "", limit: Limit = 20) -> Response:
    """Concepts by id, Chinese or English name: whole, its begin, a part, or a typo away."""
    return graph.give("concepts", lambda: graph.search(0, text, limit), text, limit)


@router.get("/courses", response_model=SearchOut, responses=problems(422) | NOT_MODIFIED)
def search_courses(graph: GraphDep, text: Text = "", limit: Limit = 20) -> Response:
    """Courses by id or name."""
    return graph.give("courses", lambda: graph.search(1, text, limit), text, limit)


@router.get(
    "/concepts/{concept_id:path}/prerequisites",
    response_model=AroundOut,
    responses=problems(404, 422) | NOT_MODIFIED,
)
def read_prerequisites(concept_id: Id, graph: GraphDep, depth: Depth = 1) -> Response:
    """What leads to a concept, and how many steps before it."""
    return graph.around(concept_id, "up", depth)


@router.get(
    "/concepts/{concept_id:path}/unlocks",
    response_model=AroundOut,
    responses=problems(404, 422) | NOT_MODIFIED,
)
def read_unlocks(concept_id: Id, graph: GraphDep, depth: Depth = 1) -> Response:
    """What a concept unlocks, and how many steps after it."""
    return graph.around(concept_id, "down", depth)


@router.get(
    "/courses/{course_id:path}/map",
    response_model=CourseMapOut,
    responses=problems(404) | NOT_MODIFIED,
)
def read_course_map(course_id: Id, graph: GraphDep) -> Response:
    """A course's concepts by depth, the prerequisites among them, and what it does not have."""

    def make() -> CourseMapOut:
        found = CourseMapOut.model_validate(course_map(graph.graph, course_id))
        found.graph_version = graph.graph.version
        return found

    return graph.give("map", make, course_id)


@router.get("/graph", response_model=WholeGraphOut, responses=problems(422) | NOT_MODIFIED)
def read_graph(
    graph: GraphDep,
    field: Annotated[
        str | None, Query(max_length=200, description="of study; empty: concepts of none")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=10_000, description="concepts at most")] = 2_000,
) -> Response:
    """All concepts, or those of a field, by depth, and the prerequisites among them."""

    def make() -> WholeGraphOut:
        found = WholeGraphOut.model_validate(whole_graph(graph.graph, field, limit))
        found.graph_version = graph.graph.version
        return found

    return graph.give("graph", make, field, limit)


@router.get("/graph/questions", responses=problems())
def read_questions(request: Request) -> QuestionsOut:
    """Designers' questions in Cypher, and where Neo4j Browser can be asked them."""
    families = ((designer.questions(), False), (designer.pictures(), True))
    return QuestionsOut(
        browser=request.app.state.browser or None,
        questions=[
            QuestionOut(
                name=each.name,
                asks=each.asks,
                draws=draws,
                parameters=dict(each.examples),
                cypher=each.statement,
            )
            for listed, draws in families
            for each in listed.values()
        ],
    )


@router.get("/graph/health", response_model=GraphHealthOut, responses=problems() | NOT_MODIFIED)
def read_graph_health(graph: GraphDep) -> Response:
    """Cycles and what breaks them, redundant edges, bottlenecks, depth, coverage."""
    planner = graph.served.planner

    def make() -> GraphHealthOut:
        return GraphHealthOut.model_validate(
            graph_health(planner.graph, video_concepts(planner.records))
        )

    return graph.give("health", make, planner.model_version)


@router.get(
    "/graph/case",
    response_model=CFPackage,
    response_model_exclude_none=True,
    responses=problems() | NOT_MODIFIED,
)
def export_case(request: Request, graph: GraphDep, answers: AnswersDep) -> Response:
    """Concepts and prerequisites as a CASE 1.0 package: `precedes` and `isChildOf`.

    Identifiers are made from the graph's ids and stay the same; `lastChangeDateTime` is when the
    service first read this version of the graph.
    """
    changed = graph.served.since

    def make() -> tuple[bytes, str]:
        package = case_package(graph.graph, changed)
        return json.dumps(package, ensure_ascii=False).encode(), "application/json"

    etag = etag_of("case", graph.graph.version, changed.isoformat())
    return conditional(request, answers, etag, make)
