"""What is wrong with the prerequisites: cycles, redundant edges, bottlenecks, depth, coverage.

Arrays in, a report with names out. Nothing recurses: a chain of any length is walked by loops.
Sizes: K concepts, N prerequisite edges.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse.csgraph import connected_components

from kgplan.arrays import Array, Ids, Ints, check_axis
from kgplan.data.records import LearnerRecords
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.native.digraph import dominated, longest_chains, other_ways, removable, shortest_way
from kgplan.native.ordering import eades, search_order

# Up to here a smallest breaking set is computed, and proven; limits are counts, not seconds, so
# that the same graph has the same answer everywhere.
EXACT_EDGES = 300
EXACT_ROUNDS = 6
EXACT_NODES = 100


@dataclass(frozen=True)
class Named:
    """A concept or course, by id and name.

    Attributes:
        id, name: of it.
        name_en: empty where unknown.
    """

    id: str
    name: str
    name_en: str = ""


@dataclass(frozen=True)
class NamedEdge:
    """A prerequisite edge: `before` is the prerequisite of `after`.

    Attributes:
        before, after: its ends.
        sources: who says so: dependency, prediction or designer.
    """

    before: Named
    after: Named
    sources: tuple[str, ...]


@dataclass(frozen=True)
class CyclicGroup:
    """Concepts that all lead to each other.

    Attributes:
        concepts: of the group, by id.
        edges: how many run between them.
        breaking: edges whose removal leaves no cycle.
        smallest: whether no smaller set breaks all cycles, proven.
    """

    concepts: tuple[Named, ...]
    edges: int
    breaking: tuple[NamedEdge, ...]
    smallest: bool


@dataclass(frozen=True)
class RedundantEdge:
    """An edge whose end is reached without it.

    Attributes:
        edge: the edge.
        steps: of the shortest way without it, 2 at least.
        together: one of a set that can be removed at once and changes nothing that is reached.
    """

    edge: NamedEdge
    steps: int
    together: bool


@dataclass(frozen=True)
class Bottleneck:
    """A concept that others are reached through only.

    Attributes:
        concept: which one.
        unreachable: how many others no foundation leads to without it.
    """

    concept: Named
    unreachable: int


@dataclass(frozen=True)
class Depth:
    """How deep the prerequisites go, a cyclic group counted as one place.

    Attributes:
        steps: of the longest chain of places.
        concepts_at: number of concepts by the longest chain of places before them.
        chain: one such chain; inside a cyclic group it goes the shortest way.
    """

    steps: int
    concepts_at: tuple[int, ...]
    chain: tuple[Named, ...]


@dataclass(frozen=True)
class Untaught:
    """A concept that no item covers, though it is needed.

    Attributes:
        concept: which one.
        needed_by: the concepts that it is a direct prerequisite of, by id.
        courses: those that list it, by id.
    """

    concept: Named
    needed_by: tuple[Named, ...]
    courses: tuple[Named, ...]


@dataclass(frozen=True)
class Coverage:
    """What is taught and what is connected.

    Attributes:
        orphans: concepts without any prerequisite edge.
        foundations: how many others have no prerequisite but unlock something.
        without_course: concepts that no course has.
        without_item: concepts that no item covers; None where items were not looked at.
        gaps: those of them that another concept needs or a course lists, most needed first.
    """

    orphans: tuple[Named, ...]
    foundations: int
    without_course: tuple[Named, ...]
    without_item: tuple[Named, ...] | None
    gaps: tuple[Untaught, ...] | None


@dataclass(frozen=True)
class GraphHealth:
    """What is to mend in the prerequisites of a graph; the largest of each sort first.

    Of a group of alternatives with one member, `lone_alternatives` has that edge: where any one
    will do, there are two at least.
    """

    graph_version: str
    concepts: int
    edges: int
    cyclic_groups: tuple[CyclicGroup, ...]
    contradictory_pairs: tuple[tuple[NamedEdge, NamedEdge], ...]
    redundant_edges: tuple[RedundantEdge, ...]
    bottlenecks: tuple[Bottleneck, ...]
    lone_alternatives: tuple[NamedEdge, ...]
    depth: Depth
    coverage: Coverage

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return asdict(self)


def graph_health(graph: GraphSnapshot, covered: Ids | None = None) -> GraphHealth:
    """Examine the prerequisites of a graph.

    Args:
        graph: one version of it.
        covered: ids of the concepts that some item covers; None: not known.

    Returns:
        The report, with names.
    """
    after, before = (ends.astype(np.int64) for ends in graph.prerequisites.nonzero())
    n = graph.concept_ids.size
    named = [
        Named(*each)
        for each in zip(
            graph.concept_ids.tolist(),
            graph.concept_names.tolist(),
            graph.concept_names_en.tolist(),
            strict=True,
        )
    ]

    def edge(position: int) -> NamedEdge:
        a, b = int(after[position]), int(before[position])
        return NamedEdge(named[b], named[a], tuple(graph.prerequisite_sources[a, b]))

    annotated = np.array([set(edge(k).sources) != {"prediction"} for k in range(before.size)])

    def listed(where: Array) -> tuple[Named, ...]:
        return tuple(named[k] for k in np.flatnonzero(where))

    place = {pair: k for k, pair in enumerate(zip(before.tolist(), after.tolist(), strict=True))}
    mutual = [(k, place[a, b]) for (b, a), k in place.items() if b < a and (a, b) in place]
    steps = steps_without(before, after, n)
    redundant = np.lexsort((after, before, steps))[np.count_nonzero(steps == 0) :]
    together = set(removable_together(before, after, n, redundant).tolist())
    lost = unreachable_without(before, after, n)
    narrow = np.lexsort((np.arange(n), -lost))[: np.count_nonzero(lost)]
    unlocks, needs = np.bincount(before, minlength=n), np.bincount(after, minlength=n)
    in_course = np.diff(graph.course_concepts.tocsc().indptr) > 0
    taught = None if covered is None else np.isin(graph.concept_ids, covered)
    return GraphHealth(
        graph_version=graph.version,
        concepts=n,
        edges=before.size,
        cyclic_groups=tuple(
            CyclicGroup(
                tuple(named[k] for k in group.concepts),
                group.edges.size,
                tuple(edge(k) for k in group.breaking),
                group.smallest,
            )
            for group in cyclic_groups(before, after, n, annotated)
        ),
        contradictory_pairs=tuple((edge(there), edge(back)) for there, back in sorted(mutual)),
        redundant_edges=tuple(
            RedundantEdge(edge(k), int(steps[k]), k in together) for k in redundant.tolist()
        ),
        bottlenecks=tuple(Bottleneck(named[k], int(lost[k])) for k in narrow),
        lone_alternatives=tuple(edge(k) for k in lone_members(after, graph.group)),
        depth=depth_of(before, after, named),
        coverage=Coverage(
            orphans=listed((unlocks == 0) & (needs == 0)),
            foundations=int(np.count_nonzero((needs == 0) & (unlocks > 0))),
            without_course=listed(~in_course),
            without_item=None if taught is None else listed(~taught),
            gaps=None if taught is None else untaught(graph, named, ~taught),
        ),
    )


def covered_concepts(records: LearnerRecords) -> Ids:
    """The ids of the concepts that some item covers: those with a 1 in the Q-matrix."""
    found: Ids = records.concept_ids[np.diff(records.q_matrix.tocsc().indptr) > 0]
    return found


def untaught(graph: GraphSnapshot, named: Sequence[Named], lacking: Array) -> tuple[Untaught, ...]:
    """What needs a concept that no item covers, most needed first, then by id.

    Args:
        graph: one version of it.
        named: its K concepts.
        lacking: (K,) True where no item covers the concept.
    """
    ends = zip(graph.course_ids.tolist(), graph.course_names.tolist(), strict=True)
    courses = [Named(*each) for each in ends]
    needing, listing = graph.prerequisites.T.tocsr(), graph.course_concepts.T.tocsr()
    for each in (needing, listing):
        each.sort_indices()
    needed = np.diff(needing.indptr) + np.diff(listing.indptr)
    return tuple(
        Untaught(
            named[k],
            tuple(named[a] for a in needing[[k]].indices.tolist()),
            tuple(courses[c] for c in listing[[k]].indices.tolist()),
        )
        for k in np.argsort(-needed, kind="stable").tolist()
        if lacking[k] and needed[k]
    )


def lone_members(after: Ints, group: Ints) -> list[int]:
    """Positions of the edges that are alone in their group of alternatives.

    Args:
        after: (N,) what each edge leads to.
        group: (N,) of each edge; 0: none.

    >>> lone_members(np.array([5, 5, 5, 7, 7]), np.array([1, 1, 2, 0, 1]))
    [2, 4]
    """
    groups, inverse = np.unique(np.column_stack([after, group]), axis=0, return_inverse=True)
    size = np.bincount(inverse.reshape(-1), minlength=len(groups))
    return np.flatnonzero((group > 0) & (size[inverse.reshape(-1)] == 1)).tolist()


def depth_of(before: Ints, after: Ints, named: Sequence[Named]) -> Depth:
    """How deep the prerequisites go, with a longest chain."""
    level = levels(before, after, len(named))
    chain = deepest_chain(before, after, level) if level.size else []
    return Depth(
        int(level.max(initial=0)),
        tuple(np.bincount(level).tolist()),
        tuple(named[k] for k in chain),
    )


# ---------------------------------------------------------------- cycles


@dataclass(frozen=True)
class Group:
    """A strongly connected component that holds a cycle, in positions.

    Attributes:
        concepts: positions of its concepts, sorted.
        edges: positions of the edges between them, sorted.
        breaking: those whose removal leaves no cycle, sorted.
        smallest: whether their number is proven to be the least.
    """

    concepts: Ints
    edges: Ints
    breaking: Ints
    smallest: bool


def components(before: Ints, after: Ints, n: int) -> Ints:
    """(K,) the strongly connected component of every concept, in any numbering."""
    pairs = sparse.csr_array((np.ones(before.size, np.int8), (before, after)), shape=(n, n))
    labels: Ints = connected_components(pairs, directed=True, connection="strong")[1]
    return labels


def cyclic_groups(before: Ints, after: Ints, n: int, dear: Array | None = None) -> list[Group]:
    """The concepts on cycles, and in each group few edges that break all of its cycles.

    A smallest breaking set (minimum feedback arc set) is a smallest set of edges that meets every
    cycle. Groups of up to 300 edges are solved as that covering problem, with cycles added until
    the answer meets all [baharev2021, An exact method for the minimum feedback arc set problem];
    larger ones, and those that the solver gives up, by an order that few edges run against
    [eades1993] and a seeded local search that moves single concepts [lourenco2003, Iterated local
    search].

    Args:
        before, after: (N,) positions of each edge's prerequisite and of what builds on it, every
            pair once.
        n: K.
        dear: (N,) True where an edge should rather stay; of the smallest sets, one with fewest of
            these is taken.

    Returns:
        The groups, largest first, then by their first concept.

    Raises:
        AxisMismatch: before and after disagree on N.

    >>> (group,) = cyclic_groups(np.array([0, 1, 2, 2]), np.array([1, 2, 0, 3]), 4)
    >>> group.concepts, group.breaking.size, group.smallest
    (array([0, 1, 2]), 1, True)
    """
    dear = np.zeros(before.size, dtype=bool) if dear is None else dear
    check_axis("N", before=before.size, after=after.size, dear=dear.size)
    component = components(before, after, n)
    inside = np.flatnonzero(component[before] == component[after])
    groups = []
    for label in np.unique(component[before[inside]]).tolist():
        edges = inside[component[before[inside]] == label]
        concepts = np.flatnonzero(component == label)
        start, end = (np.searchsorted(concepts, ends[edges]) for ends in (before, after))
        breaking = smallest_breaking(start, end, concepts.size, dear[edges])
        if breaking is not None:
            groups.append(Group(concepts, edges, edges[breaking], True))
        else:
            groups.append(
                Group(concepts, edges, edges[few_breaking(start, end, concepts.size)], False)
            )
    return sorted(groups, key=lambda group: (-group.concepts.size, int(group.concepts[0])))


def smallest_breaking(start: Ints, end: Ints, n: int, dear: Array) -> Ints | None:
    """A smallest breaking set with fewest dear edges; None where it is too large to be proven."""
    if start.size > EXACT_EDGES:
        return None
    cycles: dict[tuple[int, ...], None] = {}
    left = np.ones(start.size, dtype=bool)
    for _ in range(EXACT_ROUNDS):
        found = dict.fromkeys(short_cycles(start, end, n, left))
        if not found:
            return np.flatnonzero(~left)
        cycles |= found
        sizes = [len(cycle) for cycle in cycles]
        meets = sparse.csr_array(
            (
                np.ones(sum(sizes)),
                np.concatenate([np.array(cycle) for cycle in cycles]),
                np.concatenate([[0], np.cumsum(sizes)]),
            ),
            shape=(len(cycles), start.size),
        )
        solved = milp(
            1 + dear / (start.size + 1),  # all the dear edges weigh less than one more edge
            integrality=np.ones(start.size),
            bounds=Bounds(0, 1),
            constraints=LinearConstraint(meets, lb=1),
            options={"node_limit": EXACT_NODES, "mip_rel_gap": 0},
        )
        if solved.status != 0:
            return None
        left = solved.x < 0.5
    return None


def short_cycles(start: Ints, end: Ints, n: int, left: Array) -> Iterator[tuple[int, ...]]:
    """For every edge that is left and on a cycle, a shortest cycle through it, as sorted edges."""
    alive = np.flatnonzero(left)
    component = components(start[alive], end[alive], n)
    alive = alive[component[start[alive]] == component[end[alive]]]
    order = alive[np.argsort(start[alive], kind="stable")]
    first = np.searchsorted(start[order], np.arange(n + 1))
    for k in alive.tolist():
        way = shortest_way(first, end[order], int(end[k]), int(start[k]))
        yield tuple(sorted([k, *order[way].tolist()]))


def few_breaking(start: Ints, end: Ints, n: int) -> Ints:
    """Edges that run against a good order of the concepts: removing them leaves no cycle."""
    rank = greedy_order(start, end, n)
    return np.flatnonzero(rank[start] >= rank[end])


def greedy_order(start: Ints, end: Ints, n: int) -> Ints:
    """(K,) the place of each concept in an order that few edges run against.

    Sources first, sinks last, else the concept with most edges out over in [eades1993]; then
    single concepts move to the place that most edges agree with, with small upsets in between.
    """
    loops = start == end
    out = adjacency(start[~loops], end[~loops], n)
    into = adjacency(end[~loops], start[~loops], n)
    rank = np.empty(n, dtype=np.int64)
    rng = np.random.default_rng(0)  # the same graph, the same answer
    rank[search_order(rng, eades(*out, *into), *out, *into)] = np.arange(n)
    return rank


# ---------------------------------------------------------------- redundant edges


def steps_without(before: Ints, after: Ints, n: int) -> Ints:
    """The shortest way between the ends of each edge without the edge itself.

    In a graph without cycles the edges that have such a way are those outside the transitive
    reduction [aho1972]. On a cycle the same question is asked of each edge alone.

    Args:
        before, after: (N,) positions, every pair once.
        n: K.

    Returns:
        (N,) steps, 2 at least; 0 where there is no other way. A concept that is its own
        prerequisite has 0 too.

    >>> steps_without(np.array([0, 1, 0]), np.array([1, 2, 2]), 3)
    array([0, 0, 2])
    """
    check_axis("N", before=before.size, after=after.size)
    order = np.argsort(before, kind="stable")
    first = np.searchsorted(before[order], np.arange(n + 1))
    steps = np.zeros(before.size, dtype=np.int64)
    steps[order] = other_ways(first, after[order])
    return steps


def removable_together(before: Ints, after: Ints, n: int, candidates: Ints) -> Ints:
    """Those edges that can all go at once: what leads to what stays the same.

    Taken in the given order, an edge goes when its end is still reached without it and without
    those that went before. In a graph without cycles that takes every redundant edge.

    Args:
        before, after: (N,) positions, every pair once.
        n: K.
        candidates: positions of redundant edges, those to remove first in front.

    Returns:
        Positions of the edges, in that order.
    """
    order = np.argsort(before, kind="stable")
    first = np.searchsorted(before[order], np.arange(n + 1))
    place = np.empty(before.size, dtype=np.int64)
    place[order] = np.arange(before.size)
    went = removable(first, before[order], after[order], place[candidates])
    return candidates[went]


# ---------------------------------------------------------------- bottlenecks


def unreachable_without(before: Ints, after: Ints, n: int) -> Ints:
    """How many other concepts no foundation leads to, once a concept is taken away.

    Foundations are the concepts without prerequisites, and all of a cyclic group that nothing
    outside leads to. The concepts lost with one are those below it in the dominator tree from the
    foundations [cooper2001, A simple, fast dominance algorithm].

    Args:
        before, after: (N,) positions of each edge.
        n: K.

    Returns:
        (K,) numbers of concepts.

    >>> unreachable_without(np.array([0, 1, 1]), np.array([1, 2, 3]), 4)
    array([3, 2, 0, 0])
    """
    check_axis("N", before=before.size, after=after.size)
    component = components(before, after, n)
    fed = np.zeros(n, dtype=bool)
    fed[component[after[component[before] != component[after]]]] = True
    foundations = np.flatnonzero(~fed[component])
    start = np.concatenate([before, np.full(foundations.size, n)])
    end = np.concatenate([after, foundations])
    lost: Ints = dominated(*adjacency(start, end, n + 1), *adjacency(end, start, n + 1))[:n]
    return lost


# ---------------------------------------------------------------- depth


def levels(before: Ints, after: Ints, n: int) -> Ints:
    """(K,) steps of the longest chain of places before each concept, a cyclic group one place.

    >>> levels(np.array([0, 1, 2, 2]), np.array([1, 2, 1, 3]), 4)
    array([0, 1, 1, 2])
    """
    component = components(before, after, n)
    start, end = component[before], component[after]
    across = start != end
    n_places = int(component.max(initial=-1)) + 1
    level: Ints = longest_chains(*adjacency(start[across], end[across], n_places))
    return level[component]


def deepest_chain(before: Ints, after: Ints, level: Ints) -> list[int]:
    """A chain of edges through as many levels as there are, first concept first.

    >>> deepest_chain(np.array([0, 1, 2, 2]), np.array([1, 2, 1, 3]), np.array([0, 1, 1, 2]))
    [0, 1, 2, 3]
    """
    n = level.size
    component = components(before, after, n)
    first, heads = adjacency(before, after, n)
    rises = np.flatnonzero(level[after] == level[before] + 1)
    chain = [int(np.argmax(level))]
    while level[chain[0]] > 0:
        same = rises[component[after[rises]] == component[chain[0]]]
        edge = int(same[np.lexsort((before[same], after[same] != chain[0]))[0]])
        way = shortest_way(first, heads, int(after[edge]), chain[0])
        inside = [int(after[edge]), *heads[way].tolist()][:-1] if way.size else []
        chain = [int(before[edge]), *inside, *chain]
    return chain


# ---------------------------------------------------------------- shared


def adjacency(start: Ints, end: Ints, n: int) -> tuple[Ints, Ints]:
    """(n + 1,) where each node's edges begin, and (N,) the ends of the edges in that order."""
    order = np.argsort(start, kind="stable")
    return np.searchsorted(start[order], np.arange(n + 1)), end[order]
