"""The operations on the graph of concepts, courses and prerequisites."""

import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool

from kgplan.api.answers import Answer, etag_of, response_of
from kgplan.api.case_models import CFPackage
from kgplan.api.ids import Id
from kgplan.api.models import (
    ConceptsOut,
    CoursesOut,
    FoundConcept,
    FoundCourse,
    QuestionOut,
    QuestionsOut,
)
from kgplan.api.operation import JSON, NOT_MODIFIED, Asked, problems, router_of
from kgplan.api.security import require
from kgplan.data.search import SearchIndex
from kgplan.graph import designer
from kgplan.graph.about import AboutConcept, AboutCourse, about_concept, about_course
from kgplan.graph.around import (
    Around,
    CourseMap,
    Direction,
    WholeGraph,
    around,
    course_map,
    whole_graph,
)
from kgplan.graph.case import case_package
from kgplan.graph.health import GraphHealth, covered_concepts, graph_health
from kgplan.model.catalogue import ListedConcept, ListedCourse, list_concepts, list_courses
from kgplan.planning import Planner

router = router_of(
    prefix="/v1", tags=["graph"], dependencies=[require("graph:read", learner="none")]
)

Versions = tuple[str, str]
"""Of the graph and of the model."""

Text = Annotated[str, Query(max_length=200, description="part of a name, Chinese or English")]
Limit = Annotated[int, Query(ge=1, le=100, description="results at most")]
Depth = Annotated[int, Query(ge=1, le=50, description="steps at most")]


class Indexes:
    """What is searched, made once for each version of the graph and of the model."""

    def __init__(self) -> None:
        self._made: tuple[Versions, SearchIndex[ListedConcept], SearchIndex[ListedCourse]] | None
        self._made = None

    def concepts(self, planner: Planner) -> SearchIndex[ListedConcept]:
        """Concepts, those that most others build on first."""
        return self._of(planner)[1]

    def courses(self, planner: Planner) -> SearchIndex[ListedCourse]:
        """Courses, the richest in concepts first."""
        return self._of(planner)[2]

    def _of(
        self, planner: Planner
    ) -> tuple[Versions, SearchIndex[ListedConcept], SearchIndex[ListedCourse]]:
        made, versions = self._made, (planner.graph.version, planner.model_version)
        if made is None or made[0] != versions:
            concepts = SearchIndex(list_concepts(planner.graph))
            courses = SearchIndex(list_courses(planner.graph, planner.records))
            self._made = made = versions, concepts, courses
        return made


async def answered(
    asked: Asked, operation: str, make: Callable[[], Any], *depends_on: Any
) -> Answer:
    """The answer of an operation that follows from the graph, kept or made; made in a thread."""
    etag = etag_of(operation, asked.served.planner.graph.version, *depends_on)

    def made() -> tuple[bytes, str]:
        return to_json(make()), JSON

    return await run_in_threadpool(asked.answer, etag, made)


async def looked_around(asked: Asked, concept_id: str, direction: Direction, depth: int) -> Answer:
    """What leads to a concept, or what it unlocks."""
    graph = asked.served.planner.graph
    return await answered(
        *(asked, "around", lambda: around(graph, concept_id, direction, depth)),
        *(concept_id, direction, depth),
    )


@router.get("/concepts", response_model=ConceptsOut, responses=problems() | NOT_MODIFIED)
async def search_concepts(asked: Asked, text: Text = "", limit: Limit = 20) -> Answer:
    """Concepts by id, Chinese or English name: whole, its begin, a part, or a typo away."""
    planner, indexes = asked.served.planner, asked.app.state.indexes

    def search() -> ConceptsOut:
        found = indexes.concepts(planner).search(text, limit)
        return ConceptsOut(
            graph_version=planner.graph.version, found=[FoundConcept.of(match) for match in found]
        )

    return await answered(asked, "concepts", search, text, limit)


@router.get("/courses", response_model=CoursesOut, responses=problems() | NOT_MODIFIED)
async def search_courses(asked: Asked, text: Text = "", limit: Limit = 20) -> Answer:
    """Courses by id or name."""
    planner, indexes = asked.served.planner, asked.app.state.indexes

    def search() -> CoursesOut:
        found = indexes.courses(planner).search(text, limit)
        return CoursesOut(
            graph_version=planner.graph.version, found=[FoundCourse.of(match) for match in found]
        )

    return await answered(asked, "courses", search, planner.model_version, text, limit)


@router.get(
    "/concepts/{concept_id:path}/prerequisites",
    response_model=Around,
    responses=problems(404) | NOT_MODIFIED,
)
async def read_prerequisites(concept_id: Id, asked: Asked, depth: Depth = 1) -> Answer:
    """What leads to a concept, and how many steps before it."""
    return await looked_around(asked, concept_id, "up", depth)


@router.get(
    "/concepts/{concept_id:path}/unlocks",
    response_model=Around,
    responses=problems(404) | NOT_MODIFIED,
)
async def read_unlocks(concept_id: Id, asked: Asked, depth: Depth = 1) -> Answer:
    """What a concept unlocks, and how many steps after it."""
    return await looked_around(asked, concept_id, "down", depth)


@router.get(
    "/courses/{course_id:path}/map",
    response_model=CourseMap,
    responses=problems(404) | NOT_MODIFIED,
)
async def read_course_map(course_id: Id, asked: Asked) -> Answer:
    """A course's concepts by depth, the prerequisites among them, and what it does not have."""
    graph = asked.served.planner.graph
    return await answered(asked, "map", lambda: course_map(graph, course_id), course_id)


@router.get(
    "/concepts/{concept_id:path}",
    response_model=AboutConcept,
    responses=problems(404) | NOT_MODIFIED,
)
async def read_concept(concept_id: Id, asked: Asked) -> Answer | Response:
    """A concept: what it is, the courses and items that teach it, what it needs and unlocks.

    `definition` is null while the graph database cannot be read; the rest is known without it.
    """
    planner, links = asked.served.planner, asked.links
    told = await run_in_threadpool(asked.definitions.of, concept_id, asked.served.mark)
    answer = await answered(
        *(asked, "concept"),
        lambda: about_concept(planner.graph, planner.records, links, concept_id, told),
        *(planner.model_version, links.template, concept_id, told),
    )
    return answer if told is not None else response_of(asked, answer)  # not kept for these words


@router.get(
    "/courses/{course_id:path}",
    response_model=AboutCourse,
    responses=problems(404) | NOT_MODIFIED,
)
async def read_course(course_id: Id, asked: Asked) -> Answer:
    """A course: who offers it, its concepts and items in the course's order."""
    planner, links = asked.served.planner, asked.links
    return await answered(
        *(asked, "course"),
        lambda: about_course(planner.graph, planner.records, links, course_id),
        *(planner.model_version, links.template, course_id),
    )


@router.get("/graph", response_model=WholeGraph, responses=problems() | NOT_MODIFIED)
async def read_graph(
    asked: Asked,
    field: Annotated[
        str | None, Query(max_length=200, description="of study; empty: concepts of none")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=10_000, description="concepts at most")] = 2_000,
) -> Answer:
    """All concepts, or those of a field, by depth, and the prerequisites among them."""
    graph = asked.served.planner.graph
    return await answered(asked, "graph", lambda: whole_graph(graph, field, limit), field, limit)


@router.get("/graph/questions", responses=problems())
async def read_questions(asked: Asked) -> QuestionsOut:
    """Designers' questions in Cypher, and where Neo4j Browser can be asked them."""
    families = ((designer.questions(), False), (designer.pictures(), True))
    return QuestionsOut(
        browser=asked.app.state.browser or None,
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


@router.get("/graph/health", response_model=GraphHealth, responses=problems() | NOT_MODIFIED)
async def read_graph_health(asked: Asked) -> Answer:
    """Cycles and what breaks them, redundant edges, bottlenecks, depth, coverage."""
    planner = asked.served.planner
    return await answered(
        asked,
        "health",
        lambda: graph_health(planner.graph, covered_concepts(planner.records)),
        planner.model_version,
    )


@router.get(
    "/graph/case",
    response_model=CFPackage,
    response_model_exclude_none=True,
    responses=problems() | NOT_MODIFIED,
)
async def export_case(asked: Asked) -> Answer:
    """Concepts and prerequisites as a CASE 1.0 package: `precedes` and `isChildOf`.

    Identifiers are made from the graph's ids and stay the same; `lastChangeDateTime` is when the
    service first read this version of the graph.
    """
    graph, changed = asked.served.planner.graph, asked.served.since

    def make() -> tuple[bytes, str]:
        return json.dumps(case_package(graph, changed), ensure_ascii=False).encode(), JSON

    etag = etag_of("case", graph.version, changed.isoformat())
    return await run_in_threadpool(asked.answer, etag, make)
