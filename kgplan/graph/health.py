"""What is wrong with the prerequisites: cycles, redundant edges, bottlenecks, depth, coverage.

Arrays in, a report with names out. Nothing recurses: a chain of any length is walked by loops.
Sizes: K concepts, N prerequisite edges.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numba
import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse.csgraph import connected_components

from kgplan.arrays import Array, Ids, Ints, check_axis
from kgplan.data.records import LearnerRecords
from kgplan.graph.snapshot import GraphSnapshot

# Up to here a smallest breaking set is computed, and proven; limits are counts, not seconds, so
# that the same graph has the same answer everywhere.
EXACT_EDGES = 300
EXACT_ROUNDS = 6
EXACT_NODES = 100
SEARCH_STEPS = 20_000_000  # of one group's local search: places looked at
UPSETS = 2_000


@dataclass(frozen=True)
class Named:
    """A concept, by id and name.

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
class Coverage:
    """What is taught and what is connected.

    Attributes:
        orphans: concepts without any prerequisite edge.
        foundations: how many others have no prerequisite but unlock something.
        without_course: concepts that no course has.
        without_video: concepts that no video covers; None where videos were not looked at.
    """

    orphans: tuple[Named, ...]
    foundations: int
    without_course: tuple[Named, ...]
    without_video: tuple[Named, ...] | None


@dataclass(frozen=True)
class GraphHealth:
    """What is to mend in the prerequisites of a graph; the largest of each sort first."""

    graph_version: str
    concepts: int
    edges: int
    cyclic_groups: tuple[CyclicGroup, ...]
    contradictory_pairs: tuple[tuple[NamedEdge, NamedEdge], ...]
    redundant_edges: tuple[RedundantEdge, ...]
    bottlenecks: tuple[Bottleneck, ...]
    depth: Depth
    coverage: Coverage

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return asdict(self)


def graph_health(graph: GraphSnapshot, video_concepts: Ids | None = None) -> GraphHealth:
    """Examine the prerequisites of a graph.

    Args:
        graph: one version of it.
        video_concepts: ids of the concepts that some video covers; None: not known.

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
        depth=depth_of(before, after, named),
        coverage=Coverage(
            orphans=listed((unlocks == 0) & (needs == 0)),
            foundations=int(np.count_nonzero((needs == 0) & (unlocks > 0))),
            without_course=listed(~in_course),
            without_video=None
            if video_concepts is None
            else listed(~np.isin(graph.concept_ids, video_concepts)),
        ),
    )


def video_concepts(records: LearnerRecords) -> Ids:
    """The ids of the concepts that some video covers: those with a 1 in the Q-matrix."""
    covered: Ids = records.concept_ids[np.diff(records.q_matrix.tocsc().indptr) > 0]
    return covered


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


@numba.njit(cache=True)
def eades(out_first: Ints, out: Ints, in_first: Ints, into: Ints) -> Ints:
    """The order of Eades, Lin and Smyth (1993), by repeated scans: K is small here."""
    n = out_first.size - 1
    outs, ins = np.diff(out_first), np.diff(in_first)
    order = np.empty(n, dtype=np.int64)
    low, high = 0, n - 1
    gone = np.zeros(n, dtype=np.bool_)
    while low <= high:
        best, best_score, at_end = -1, 0, False
        for v in range(n):
            if gone[v]:
                continue
            if outs[v] == 0:
                best, at_end = v, True
                break
            score = 2 * n if ins[v] == 0 else outs[v] - ins[v]
            if best < 0 or score > best_score:
                best, best_score = v, score
        gone[best] = True
        for k in range(out_first[best], out_first[best + 1]):
            ins[out[k]] -= 1
        for k in range(in_first[best], in_first[best + 1]):
            outs[into[k]] -= 1
        if at_end:
            order[high] = best
            high -= 1
        else:
            order[low] = best
            low += 1
    return order


@numba.njit(cache=True)
def search_order(
    rng: np.random.Generator, order: Ints, out_first: Ints, out: Ints, in_first: Ints, into: Ints
) -> Ints:
    """Settle, upset a few concepts, settle again; an upset that ends worse is taken back."""
    n = order.size
    rank = np.empty(n, dtype=np.int64)
    order = order.copy()
    left = SEARCH_STEPS - sift(order, rank, out_first, out, in_first, into)
    best, best_back = order.copy(), against(order, rank, out_first, out)
    for _ in range(UPSETS):
        if left <= 0 or best_back == 0:
            break
        for _ in range(2 + rng.integers(0, 3)):
            move(order, rank, order[rng.integers(0, n)], rng.integers(0, n + 1))
        left -= sift(order, rank, out_first, out, in_first, into)
        back = against(order, rank, out_first, out)
        if back <= best_back:
            best[:], best_back = order, back
        else:
            order[:] = best
    return best


@numba.njit(cache=True)
def against(order: Ints, rank: Ints, out_first: Ints, out: Ints) -> int:
    """How many edges run against an order; fills `rank` with it."""
    for k in range(order.size):
        rank[order[k]] = k
    count = 0
    for v in range(order.size):
        for k in range(out_first[v], out_first[v + 1]):
            count += rank[out[k]] < rank[v]
    return count


@numba.njit(cache=True)
def move(order: Ints, rank: Ints, v: int, place: int) -> None:
    """Put a concept before the one that is at this place now."""
    here = np.flatnonzero(order == v)[0]
    if place > here:
        order[here : place - 1] = order[here + 1 : place].copy()
        order[place - 1] = v
    else:
        order[place + 1 : here + 1] = order[place:here].copy()
        order[place] = v
    for k in range(min(here, place), min(max(here, place) + 1, order.size)):
        rank[order[k]] = k


@numba.njit(cache=True)
def sift(order: Ints, rank: Ints, out_first: Ints, out: Ints, in_first: Ints, into: Ints) -> int:
    """Move single concepts to their best place until no move gains; returns places looked at."""
    n = order.size
    against(order, rank, out_first, out)
    change = np.zeros(n + 1, dtype=np.int64)
    looked, moved = 0, True
    while moved:
        moved = False
        for v in range(n):
            # change[p]: edges that begin to agree when v passes from before place p - 1 to before p
            change[:] = 0
            for k in range(out_first[v], out_first[v + 1]):
                change[rank[out[k]] + 1] -= 1
            for k in range(in_first[v], in_first[v + 1]):
                change[rank[into[k]] + 1] += 1
            agree = np.cumsum(change)
            best = int(np.argmax(agree))
            looked += n
            if agree[best] > agree[rank[v]]:
                moved = True
                move(order, rank, v, best)
    return looked


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
    steps[order] = _steps_without(first, after[order])
    return steps


@numba.njit(cache=True)
def _steps_without(first: Ints, heads: Ints) -> Ints:
    """One search per concept that remembers, at each place, two ways with different first steps.

    A shortest way that leaves by another first step than the edge never uses the edge, as it does
    not come back to where it began; and of two first steps at most one is the edge.
    """
    n = first.size - 1
    steps = np.zeros(heads.size, dtype=np.int64)
    hop = np.empty((n, 2), dtype=np.int64)
    far = np.empty((n, 2), dtype=np.int64)
    seen = np.zeros(n, dtype=np.int64)
    queue = np.empty((2 * n, 2), dtype=np.int64)
    for a in range(n):
        seen[:] = 0
        read, written = 0, 0
        for k in range(first[a], first[a + 1]):
            b = heads[k]
            if b != a:
                hop[b, 0], far[b, 0], seen[b] = b, 1, 1
                queue[written, 0], queue[written, 1] = b, 0
                written += 1
        while read < written:
            v, which = queue[read]
            read += 1
            for k in range(first[v], first[v + 1]):
                w = heads[k]
                if w == a or seen[w] == 2 or (seen[w] == 1 and hop[w, 0] == hop[v, which]):
                    continue
                slot = seen[w]
                hop[w, slot], far[w, slot], seen[w] = hop[v, which], far[v, which] + 1, slot + 1
                queue[written, 0], queue[written, 1] = w, slot
                written += 1
        for k in range(first[a], first[a + 1]):
            b = heads[k]
            for slot in range(seen[b]):
                if hop[b, slot] != b:
                    steps[k] = far[b, slot]
                    break
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
    went = _removable(first, before[order], after[order], place[candidates])
    return candidates[went]


@numba.njit(cache=True)
def _removable(first: Ints, tails: Ints, heads: Ints, candidates: Ints) -> Array:
    """Whether each candidate went."""
    n = first.size - 1
    there = np.ones(heads.size, dtype=np.bool_)
    went = np.zeros(candidates.size, dtype=np.bool_)
    seen = np.full(n, -1, dtype=np.int64)
    stack = np.empty(n, dtype=np.int64)
    for c in range(candidates.size):
        edge = candidates[c]
        goal = heads[edge]
        there[edge] = False
        seen[tails[edge]] = c
        stack[0] = tails[edge]
        top = 1
        while top > 0 and not went[c]:
            top -= 1
            v = stack[top]
            for k in range(first[v], first[v + 1]):
                w = heads[k]
                if there[k] and seen[w] != c:
                    if w == goal:
                        went[c] = True
                        break
                    seen[w] = c
                    stack[top] = w
                    top += 1
        if not went[c]:
            there[edge] = True
    return went


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
    lost: Ints = _dominated(*adjacency(start, end, n + 1), *adjacency(end, start, n + 1))[:n]
    return lost


@numba.njit(cache=True)
def _dominated(out_first: Ints, out: Ints, in_first: Ints, into: Ints) -> Ints:
    """Nodes below each node in the dominator tree from the last one, which reaches all."""
    n = out_first.size - 1
    root = n - 1
    # nodes by the end of a depth-first visit
    at = out_first[:-1].copy()
    post = np.full(n, -1, dtype=np.int64)
    by_post = np.empty(n, dtype=np.int64)
    seen = np.zeros(n, dtype=np.bool_)
    stack = np.empty(n, dtype=np.int64)
    stack[0], top, done = root, 1, 0
    seen[root] = True
    while top > 0:
        v = stack[top - 1]
        if at[v] < out_first[v + 1]:
            w = out[at[v]]
            at[v] += 1
            if not seen[w]:
                seen[w] = True
                stack[top] = w
                top += 1
        else:
            top -= 1
            post[v], by_post[done] = done, v
            done += 1
    parent = np.full(n, -1, dtype=np.int64)
    parent[root] = root
    changed = True
    while changed:
        changed = False
        for p in range(n - 2, -1, -1):
            v = by_post[p]
            found = -1
            for k in range(in_first[v], in_first[v + 1]):
                u = into[k]
                if parent[u] < 0:
                    continue
                if found < 0:
                    found = u
                    continue
                a, b = found, u
                while a != b:  # climb to where the two branches meet
                    while post[a] < post[b]:
                        a = parent[a]
                    while post[b] < post[a]:
                        b = parent[b]
                found = a
            if parent[v] != found:
                parent[v] = found
                changed = True
    below = np.zeros(n, dtype=np.int64)
    for p in range(n - 1):  # a parent's visit ends after its children's
        below[parent[by_post[p]]] += below[by_post[p]] + 1
    return below


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
    level: Ints = _levels(*adjacency(start[across], end[across], n_places))
    return level[component]


@numba.njit(cache=True)
def _levels(first: Ints, heads: Ints) -> Ints:
    """Longest chain before each node of a graph without cycles."""
    n = first.size - 1
    waits = np.zeros(n, dtype=np.int64)
    for head in heads:
        waits[head] += 1
    level = np.zeros(n, dtype=np.int64)
    queue = np.empty(n, dtype=np.int64)
    written = 0
    for v in range(n):
        if waits[v] == 0:
            queue[written] = v
            written += 1
    read = 0
    while read < written:
        v = queue[read]
        read += 1
        for k in range(first[v], first[v + 1]):
            w = heads[k]
            level[w] = max(level[w], level[v] + 1)
            waits[w] -= 1
            if waits[w] == 0:
                queue[written] = w
                written += 1
    return level


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


@numba.njit(cache=True)
def shortest_way(first: Ints, heads: Ints, start: int, goal: int) -> Ints:
    """Places in `heads` of the edges on a shortest way; none where start is goal or no way is."""
    n = first.size - 1
    came = np.full(n, -1, dtype=np.int64)
    tail = np.empty(n, dtype=np.int64)
    queue = np.empty(n + 1, dtype=np.int64)
    queue[0] = start
    read, written = 0, 1
    while read < written and start != goal and came[goal] < 0:
        v = queue[read]
        read += 1
        for k in range(first[v], first[v + 1]):
            w = heads[k]
            if w != start and came[w] < 0:
                came[w], tail[w] = k, v
                queue[written] = w
                written += 1
    n_steps, v = 0, goal
    if came[goal] >= 0:
        while v != start:
            n_steps += 1
            v = tail[v]
    way = np.empty(n_steps, dtype=np.int64)
    v = goal
    for k in range(n_steps - 1, -1, -1):
        way[k] = came[v]
        v = tail[v]
    return way
