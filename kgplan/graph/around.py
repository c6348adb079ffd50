"""What leads to a concept, what does it unlock, and how do a course's concepts build on each other?

Sizes: K concepts, n concepts found.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import sparse

from kgplan.arrays import Ints
from kgplan.errors import UnknownConcept, UnknownCourse
from kgplan.graph.health import levels
from kgplan.graph.snapshot import GraphSnapshot

Direction = Literal["up", "down"]


@dataclass(frozen=True)
class Place:
    """A concept, and how far it stands from where one looks.

    Attributes:
        id, name, name_en: the concept; "" where unknown.
        field: of study; empty where unknown.
        depth: steps away; in a course map the longest chain of prerequisites before it, a cyclic
            group counted as one, or, for what is missing, how many of the course's concepts need
            it.
    """

    id: str
    name: str
    name_en: str
    field: str
    depth: int


@dataclass(frozen=True)
class PlacedEdge:
    """A prerequisite and a concept that builds on it, by id.

    Attributes:
        before, after: the two.
        sources: who says so: dependency, prediction or designer.
        strength: how much it is needed, 0 to 1.
        group: 0 where it is needed by itself; of those before the same concept that have the same
            number from 1, any one will do.
    """

    before: str
    after: str
    sources: tuple[str, ...]
    strength: float
    group: int


@dataclass(frozen=True)
class Around:
    """What leads to a concept, or what it unlocks.

    Attributes:
        graph_version: of the graph.
        concept: the one, at depth 0.
        direction: "up" to what leads to it, "down" to what it unlocks.
        concepts: the others, nearest first, then by id.
        edges: all prerequisites among them and with it.
        deeper: whether more lies beyond the depth asked for.
    """

    graph_version: str
    concept: Place
    direction: Direction
    concepts: tuple[Place, ...]
    edges: tuple[PlacedEdge, ...]
    deeper: bool


@dataclass(frozen=True)
class CourseMap:
    """A course's concepts, what builds on what, and what the course does not have.

    Attributes:
        graph_version: of the graph.
        course_id, name: the course.
        concepts: by depth, then by id.
        edges: prerequisites among them.
        missing: direct prerequisites of them that the course does not have, by id; depth is the
            number of the course's concepts that need it.
    """

    graph_version: str
    course_id: str
    name: str
    concepts: tuple[Place, ...]
    edges: tuple[PlacedEdge, ...]
    missing: tuple[Place, ...]


@dataclass(frozen=True)
class WholeGraph:
    """All concepts, or a field's, and the prerequisites among them.

    Attributes:
        graph_version: of the graph.
        total: how many concepts there are; more than listed, beyond the limit.
        fields: concepts of each field of study, the largest first; empty name: of none.
        concepts: by depth, the longest chain before a concept, a cyclic group counted as one, then
            by id; beyond the limit those with most prerequisite edges.
        edges: prerequisites among them.
    """

    graph_version: str
    total: int
    fields: Mapping[str, int]
    concepts: tuple[Place, ...]
    edges: tuple[PlacedEdge, ...]


def around(graph: GraphSnapshot, concept_id: str, direction: Direction, depth: int) -> Around:
    """Walk from a concept, breadth first.

    Args:
        graph: one version of it.
        concept_id: where to begin.
        direction: "up" to prerequisites, "down" to what builds on it.
        depth: steps at most.

    Raises:
        UnknownConcept: the graph has none of this id; the error holds close matches.
    """
    start = graph.concepts.place(concept_id, UnknownConcept)
    leads = graph.prerequisites if direction == "up" else graph.prerequisites.T.tocsr()
    steps = steps_from(leads, start)
    reached = np.flatnonzero((steps > 0) & (steps <= depth))
    order = reached[np.argsort(steps[reached], kind="stable")]
    return Around(
        graph.version,
        place(graph, start, 0),
        direction,
        tuple(place(graph, k, int(steps[k])) for k in order.tolist()),
        edges_among(graph, np.append(reached, start)),
        bool((steps > depth).any()),
    )


def steps_from(leads: sparse.csr_array, start: int) -> Ints:
    """(K,) fewest steps from a concept along the rows of a matrix; -1 where none lead there.

    >>> steps_from(sparse.csr_array([[0, 1, 0], [0, 0, 0], [1, 0, 0]]), 0)
    array([ 0,  1, -1])
    """
    steps = np.full(leads.shape[0], -1)
    steps[start] = 0
    front = np.array([start])
    while front.size:
        ahead = np.unique(leads[front].indices)
        depth = steps[front[0]] + 1
        front = ahead[steps[ahead] < 0]
        steps[front] = depth
    return steps


def course_map(graph: GraphSnapshot, course_id: str) -> CourseMap:
    """How a course's concepts build on each other, and what they need beside the course.

    Raises:
        UnknownCourse: the graph has none of this id; the error holds close matches.
    """
    mine = graph.course_concepts[[graph.courses.place(course_id, UnknownCourse)]].indices
    inside = graph.prerequisites[mine][:, mine].tocoo()
    depth = levels(inside.col.astype(np.int64), inside.row.astype(np.int64), mine.size)
    order = np.lexsort((mine, depth))
    needed = np.bincount(graph.prerequisites[mine].indices, minlength=graph.concept_ids.size)
    needed[mine] = 0
    return CourseMap(
        graph.version,
        course_id,
        graph.course_name(course_id),
        tuple(place(graph, int(mine[k]), int(depth[k])) for k in order),
        edges_among(graph, mine),
        tuple(place(graph, k, int(needed[k])) for k in np.flatnonzero(needed).tolist()),
    )


def whole_graph(graph: GraphSnapshot, field: str | None = None, most: int = 2_000) -> WholeGraph:
    """Everything at once, as far as one can look at it.

    Args:
        graph: one version of it.
        field: of study; None: all.
        most: concepts at most.

    Returns:
        Places whose depth is the longest chain before them in the whole graph, a cyclic group
        counted as one.
    """
    after, before = (ends.astype(np.int64) for ends in graph.prerequisites.nonzero())
    n = graph.concept_ids.size
    depth = levels(before, after, n)
    degree = np.bincount(before, minlength=n) + np.bincount(after, minlength=n)
    names, counts = np.unique(graph.concept_fields, return_counts=True)
    largest = np.argsort(-counts, kind="stable")
    mine = np.arange(n) if field is None else np.flatnonzero(graph.concept_fields == field)
    shown = np.sort(mine[np.argsort(-degree[mine], kind="stable")[:most]])
    order = shown[np.argsort(depth[shown], kind="stable")]
    return WholeGraph(
        graph.version,
        mine.size,
        dict(zip(names[largest].tolist(), counts[largest].tolist(), strict=True)),
        tuple(place(graph, k, int(depth[k])) for k in order.tolist()),
        edges_among(graph, shown),
    )


def place(graph: GraphSnapshot, concept: int, depth: int) -> Place:
    """A concept by its position."""
    return Place(
        str(graph.concept_ids[concept]),
        str(graph.concept_names[concept]),
        str(graph.concept_names_en[concept]),
        str(graph.concept_fields[concept]),
        depth,
    )


def edges_among(graph: GraphSnapshot, concepts: Ints) -> tuple[PlacedEdge, ...]:
    """The prerequisites among concepts, by id."""
    some = np.sort(concepts)
    stored = graph.prerequisites
    numbered = sparse.csr_array(
        (np.arange(stored.nnz), stored.indices, stored.indptr), shape=stored.shape
    )
    pairs = numbered[some][:, some].tocoo()
    sources: Mapping[tuple[int, int], object] = graph.prerequisite_sources
    found = []
    placed = some[pairs.row].tolist(), some[pairs.col].tolist(), pairs.data.tolist()
    for after, before, k in zip(*placed, strict=True):
        said = sources[after, before]
        assert isinstance(said, list | tuple)
        ends = str(graph.concept_ids[before]), str(graph.concept_ids[after])
        needed = float(graph.strength[k]), int(graph.group[k])
        found.append(PlacedEdge(*ends, tuple(said), *needed))
    return tuple(sorted(found, key=lambda edge: (edge.before, edge.after)))
