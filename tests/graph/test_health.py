"""Each part against networkx, brute force or a planted answer, with and without cycles."""

from collections import Counter
from itertools import combinations, pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planning_cases import hand_case, random_case

from kgplan.errors import AxisMismatch
from kgplan.graph.health import (
    EXACT_EDGES,
    covered_concepts,
    cyclic_groups,
    deepest_chain,
    few_breaking,
    graph_health,
    levels,
    removable_together,
    smallest_breaking,
    steps_without,
    unreachable_without,
)
from kgplan.graph.snapshot import snapshot_of

EXAMPLES = settings(max_examples=60)
seeds = st.integers(0, 2**32 - 1)


def some_edges(seed: int, most: int = 9) -> tuple[np.ndarray, np.ndarray, int]:
    """A random directed graph: no edge twice, own prerequisites allowed."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, most + 1))
    there = rng.random((n, n)) < rng.uniform(0, 0.5)
    if rng.random() < 0.5:
        there = np.triu(there, 1)  # no cycle
    before, after = np.nonzero(there)
    return before, after, n


def as_graph(before, after, n: int) -> nx.DiGraph:
    graph = nx.DiGraph()
    graph.add_nodes_from(range(n))
    graph.add_edges_from(zip(before.tolist(), after.tolist(), strict=True))
    return graph


def breaks_all(before, after, n: int, removed) -> bool:
    left = np.setdiff1d(np.arange(before.size), removed)
    return nx.is_directed_acyclic_graph(as_graph(before[left], after[left], n))


def ring(n: int) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(n), np.roll(np.arange(n), -1)


# ---------------------------------------------------------------- cycles


@EXAMPLES
@given(seed=seeds)
def test_a_breaking_set_is_as_small_and_as_cheap_as_trying_all_sets_finds(seed):
    before, after, n = some_edges(seed, most=5)
    dear = np.random.default_rng(seed).random(before.size) < 0.5
    groups = cyclic_groups(before, after, n, dear)
    assert all(group.smallest for group in groups)
    found = np.concatenate([group.breaking for group in groups] or [np.array([], dtype=int)])
    assert breaks_all(before, after, n, found)
    smaller = combinations(range(before.size), max(found.size - 1, 0))
    assert not found.size or not any(breaks_all(before, after, n, list(s)) for s in smaller)
    as_small = [list(s) for s in combinations(range(before.size), found.size)]
    fewest = min(dear[s].sum() for s in as_small if breaks_all(before, after, n, s))
    assert dear[found].sum() == fewest


@EXAMPLES
@given(seed=seeds)
def test_groups_are_the_strong_components_with_a_cycle(seed):
    before, after, n = some_edges(seed)
    graph = as_graph(before, after, n)
    expected = {
        frozenset(part)
        for part in nx.strongly_connected_components(graph)
        if len(part) > 1 or any(graph.has_edge(v, v) for v in part)
    }
    groups = cyclic_groups(before, after, n)
    assert {frozenset(group.concepts.tolist()) for group in groups} == expected
    for group in groups:
        inside = graph.subgraph(group.concepts.tolist())
        assert group.edges.size == inside.number_of_edges()
    assert [g.concepts.size for g in groups] == sorted((len(p) for p in expected), reverse=True)


@settings(max_examples=20)
@given(seed=seeds)
def test_the_local_search_breaks_all_cycles_and_never_beats_the_proven_set(seed):
    before, after, n = some_edges(seed)
    searched, proven = (
        few_breaking(before, after, n),
        smallest_breaking(before, after, n, before < 0),
    )
    assert breaks_all(before, after, n, searched)
    assert proven is not None
    assert breaks_all(before, after, n, proven)
    assert proven.size <= searched.size


def test_planted_backward_edges_bound_what_the_search_removes_from_a_large_group():
    rng = np.random.default_rng(0)
    n, planted = 300, 20
    low, high = np.sort(rng.integers(n, size=(2, 4 * EXACT_EDGES)), axis=0)
    forward = np.unique(np.stack([low, high], axis=1)[low < high], axis=0)
    backward = forward[rng.permutation(len(forward))[:planted]][:, ::-1]
    before, after = np.concatenate([forward, backward]).T.copy()
    groups = cyclic_groups(before, after, n)
    removed = np.concatenate([group.breaking for group in groups])
    assert max(group.edges.size for group in groups) > EXACT_EDGES
    assert breaks_all(before, after, n, removed)
    assert removed.size <= planted


def test_one_edge_breaks_a_ring_of_any_length():
    for n in (1, 2, 20_000):
        (group,) = cyclic_groups(*ring(n), n)
        assert group.breaking.size == 1


# ---------------------------------------------------------------- redundant edges


def way_without(graph: nx.DiGraph, edge) -> int:
    """Steps between the edge's ends in the graph without it; 0 where there is no way."""
    if edge[0] == edge[1]:
        return 0
    rest = graph.copy()
    rest.remove_edge(*edge)
    try:
        return nx.shortest_path_length(rest, *edge)
    except nx.NetworkXNoPath:
        return 0


@EXAMPLES
@given(seed=seeds)
def test_steps_without_an_edge_are_those_in_the_graph_from_which_it_is_removed(seed):
    before, after, n = some_edges(seed)
    graph = as_graph(before, after, n)
    expected = [way_without(graph, edge) for edge in zip(before, after, strict=True)]
    assert steps_without(before, after, n).tolist() == expected


@EXAMPLES
@given(seed=seeds)
def test_without_cycles_the_redundant_edges_are_outside_the_transitive_reduction(seed):
    before, after, n = some_edges(seed)
    forward = before < after
    before, after = before[forward], after[forward]
    graph = as_graph(before, after, n)
    steps = steps_without(before, after, n)
    kept = {(int(b), int(a)) for b, a in zip(before[steps == 0], after[steps == 0], strict=True)}
    assert kept == set(nx.transitive_reduction(graph).edges)
    redundant = np.flatnonzero(steps)
    assert removable_together(before, after, n, redundant).tolist() == redundant.tolist()


@EXAMPLES
@given(seed=seeds)
def test_removing_the_edges_together_changes_nothing_that_is_reached(seed):
    before, after, n = some_edges(seed)
    redundant = np.flatnonzero(steps_without(before, after, n))
    gone = removable_together(before, after, n, redundant)
    left = np.setdiff1d(np.arange(before.size), gone)
    was, now = as_graph(before, after, n), as_graph(before[left], after[left], n)
    assert {v: nx.descendants(was, v) for v in was} == {v: nx.descendants(now, v) for v in now}
    again = steps_without(before[left], after[left], n)
    assert not again.any()  # none could go as well


# ---------------------------------------------------------------- bottlenecks, depth


@EXAMPLES
@given(seed=seeds)
def test_a_bottleneck_loses_what_a_search_without_it_does_not_find(seed):
    before, after, n = some_edges(seed)
    graph = as_graph(before, after, n)
    parts = nx.condensation(graph)
    roots = {v for p in parts if not parts.in_degree(p) for v in parts.nodes[p]["members"]}
    expected = []
    for gone in range(n):
        rest = graph.subgraph(set(graph) - {gone})
        reached = set().union(*({r} | nx.descendants(rest, r) for r in roots - {gone}))
        expected.append(n - 1 - len(reached))
    assert unreachable_without(before, after, n).tolist() == expected


@EXAMPLES
@given(seed=seeds)
def test_levels_are_longest_paths_of_the_condensation_and_the_chain_climbs_them_all(seed):
    before, after, n = some_edges(seed)
    graph = as_graph(before, after, n)
    parts = nx.condensation(graph)
    depth = {}
    for part in nx.topological_sort(parts):
        depth[part] = max((depth[p] + 1 for p in parts.predecessors(part)), default=0)
    expected = [depth[parts.graph["mapping"][v]] for v in range(n)]
    level = levels(before, after, n)
    assert level.tolist() == expected
    chain = deepest_chain(before, after, level)
    assert all(graph.has_edge(*step) for step in pairwise(chain))
    assert sorted({expected[v] for v in chain}) == list(range(max(expected) + 1))
    assert len(set(chain)) == len(chain)


def test_a_chain_of_a_hundred_thousand_concepts_is_examined_without_recursion():
    n = 100_000
    before, after = np.arange(n - 1), np.arange(1, n)
    assert levels(before, after, n)[-1] == n - 1
    assert unreachable_without(before, after, n).tolist() == list(range(n - 1, -1, -1))
    assert cyclic_groups(before, after, n) == []


def test_disagreeing_arrays_are_refused():
    for part in (cyclic_groups, steps_without, unreachable_without):
        with pytest.raises(AxisMismatch, match="before has 1, after has 2"):
            part(np.array([0]), np.array([1, 2]), 3)


# ---------------------------------------------------------------- the report


def test_the_report_of_a_graph_worked_by_hand():
    case = hand_case()  # b and d lead to each other; a, c into them; e to f
    found = graph_health(case.graph, covered_concepts(case.records))
    (group,) = found.cyclic_groups
    assert [concept.id for concept in group.concepts] == ["b", "d"]
    assert (group.edges, len(group.breaking), group.smallest) == (2, 1, True)
    ((there, back),) = found.contradictory_pairs
    assert (there.before.id, there.after.id, back.before.id) == ("b", "d", "d")
    assert found.redundant_edges == ()
    assert {row.concept.id: row.unreachable for row in found.bottlenecks} == {"e": 1}
    assert found.depth.steps == 1
    assert found.depth.concepts_at == (3, 3)
    assert found.coverage.orphans == ()
    assert found.coverage.foundations == 3
    assert found.coverage.without_course == ()
    assert found.coverage.without_item == ()
    assert found.coverage.gaps == ()


@EXAMPLES
@given(seed=seeds)
def test_the_report_counts_what_its_rows_say(seed):
    case = random_case(seed)
    found = graph_health(case.graph, case.graph.concept_ids[::2])
    pairs = {(row["head"], row["tail"]) for row in case.edges["prerequisite_of"]}
    assert found.edges == len(pairs)
    mutual = {(there.before.id, there.after.id) for there, _ in found.contradictory_pairs}
    assert mutual == {(a, b) for a, b in pairs if a < b and (b, a) in pairs}
    assert sum(found.depth.concepts_at) == found.concepts
    needs, unlocks = Counter(b for _, b in pairs), Counter(a for a, _ in pairs)
    ids = case.graph.concept_ids.tolist()
    orphans = [k for k in ids if not needs[k] and not unlocks[k]]
    assert [concept.id for concept in found.coverage.orphans] == orphans
    assert found.coverage.foundations == sum(not needs[k] and unlocks[k] > 0 for k in ids)
    taught = {row["tail"] for row in case.edges["course_has_concept"]}
    assert {c.id for c in found.coverage.without_course} == set(ids) - taught
    assert {c.id for c in found.coverage.without_item} == set(ids[1::2])
    assert [row.steps for row in found.redundant_edges] == sorted(
        row.steps for row in found.redundant_edges
    )


@EXAMPLES
@given(seed=seeds)
def test_a_gap_is_needed_or_listed_and_taught_by_nothing_and_the_most_needed_is_first(seed):
    case = random_case(seed)
    ids = case.graph.concept_ids.tolist()
    gaps = graph_health(case.graph, case.graph.concept_ids[::2]).coverage.gaps
    expected = {}
    for k in ids[1::2]:
        needed = {row["tail"] for row in case.edges["prerequisite_of"] if row["head"] == k}
        courses = {row["head"] for row in case.edges["course_has_concept"] if row["tail"] == k}
        if needed or courses:
            expected[k] = needed, courses
    told = {
        gap.concept.id: [{n.id for n in each} for each in (gap.needed_by, gap.courses)]
        for gap in gaps
    }
    assert told == {k: [*each] for k, each in expected.items()}
    order = [(-sum(map(len, expected[gap.concept.id])), gap.concept.id) for gap in gaps]
    assert order == sorted(order)
    assert graph_health(case.graph).coverage.gaps is None


def test_a_group_of_one_alternative_is_told_and_one_of_two_is_not():
    case = hand_case()
    of_group = {("b", "d"): 1, ("c", "d"): 1, ("a", "b"): 1, ("d", "b"): 2}
    pairs = case.edges["prerequisite_of"]
    said = [row | {"any_of": of_group.get((row["head"], row["tail"]))} for row in pairs]
    found = graph_health(snapshot_of(case.entities, case.edges | {"prerequisite_of": said}))
    lone = {(edge.before.id, edge.after.id) for edge in found.lone_alternatives}
    assert lone == {("a", "b"), ("d", "b")}


def test_an_empty_graph_is_healthy():
    case = hand_case()
    empty = graph_health(type(case.graph)(**{**vars(case.graph), **nothing()}))
    assert (empty.concepts, empty.edges, empty.cyclic_groups) == (0, 0, ())
    assert empty.depth.chain == ()
    assert empty.coverage.without_item is None


def nothing() -> dict:
    """The arrays of a graph without concepts."""
    from scipy import sparse

    none = np.array([], dtype=np.str_)
    return {
        "concept_ids": none,
        "concept_names": none,
        "concept_names_en": none,
        "prerequisites": sparse.csr_array((0, 0), dtype=bool),
        "course_concepts": sparse.csr_array((2, 0), dtype=bool),
        "strength": np.array([]),
        "group": np.array([], dtype=np.int64),
        "prerequisite_sources": {},
    }
