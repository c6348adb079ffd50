"""Every question of the library on the real sample, against the tables and networkx."""

import json
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from zipfile import ZipFile

import networkx as nx
import numpy as np
import pyarrow.parquet as pq
import pytest
from neo4j_server import Place
from oracles.cypher_walk import paper_similarity

from kgplan.errors import InputError, UnknownConcept, UnknownCourse, UnknownEntity, UnknownQuery
from kgplan.etl.export import n_triples, read_rows, triples_of
from kgplan.etl.load import load, rows_of
from kgplan.graph.designer import NEO4J_ONLY, OF_ITEMS, ask, question, question_of, questions
from kgplan.graph.queries import written_queries
from kgplan.graph.schema import graph_schema
from kgplan.graph.snapshot import read_snapshot
from kgplan.graph.store import GraphStore
from kgplan.model.opening import open_similarity
from kgplan.pipeline.similar_graph import run_similar_graph, write_similar
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore

CONCEPT, FIRST, LAST = "K_中断机制_计算机科学技术", "K_数学_数学", "K_搜索引擎_计算机科学技术"
COURSE, OTHER = "C_course-v1:TsinghuaX+30240184+sp", "C_course-v1:TsinghuaX+30240184_2X+sp"
TEACHER, SCHOOL, FIELD = "T_1476", "S_TsinghuaX", "计算机科学技术"


@dataclass
class Tables:
    """What the source says, read without kgplan's graph."""

    names: dict[str, str] = field(default_factory=dict)
    prerequisites: nx.DiGraph = field(default_factory=nx.DiGraph)
    sources: dict = field(default_factory=lambda: defaultdict(set))
    has: dict = field(default_factory=lambda: defaultdict(set))  # course, teacher, ... -> theirs

    def in_courses(self, concept: str) -> int:
        return sum(concept in self.has["course_concept", c] for c in self.courses)

    @property
    def courses(self) -> set[str]:
        return {left for table, left in self.has if table == "course_concept"}


@pytest.fixture(scope="module")
def home(sample_home, tmp_path_factory) -> Settings:
    """The real sample, extracted, mapped and loaded, with similar concepts in the graph."""
    copied = tmp_path_factory.mktemp("designer") / "home"
    shutil.copytree(sample_home.home, copied)
    run_similar_graph(Settings(home=copied), 10)
    return Settings(home=copied)


@pytest.fixture(scope="module")
def tables(home) -> Tables:
    folder = ArtifactStore(home.artifacts).current("tables").path

    def rows(name):
        columns = pq.read_table(folder / f"{name}.parquet").to_pydict()
        return list(zip(*columns.values(), strict=True))

    found = Tables()
    for name in ("concept", "course", "school", "teacher", "field"):
        found.names |= {row[0]: row[1] for row in rows(name)}
    found.prerequisites.add_nodes_from(row[0] for row in rows("concept"))
    for before, after, source, *_ in rows("prerequisite"):
        found.prerequisites.add_edge(before, after)
        found.sources[before, after].add(source)
    for name in (
        "course_concept",
        "teacher_course",
        "school_course",
        "field_concept",
        "field_course",
    ):
        for left, right in rows(name):
            found.has[name, left].add(right)
    return found


@pytest.fixture(scope="module", params=["ladybug", "neo4j"])
def database(request) -> str:
    """The kind of graph database that is asked."""
    return request.param


@pytest.fixture(scope="module")
def store(request, database, home) -> Iterator[GraphStore]:
    """The loaded graph, open for reading."""
    if database == "ladybug":
        place = Place(home.graph_url)
    else:
        place = request.getfixturevalue("neo4j_process").empty().place
        text = (ArtifactStore(home.artifacts).current("triples").path / "triples.nt").read_text(
            "utf-8"
        )
        with place.open() as opened:
            load(rows_of(text.split("\n")[:-1], graph_schema()), opened, "sample")
            similarity = ArtifactStore(home.artifacts).current("similarity")
            write_similar(similarity, opened, 10, with_vectors=True)
    with place.open(read_only=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def put(store: GraphStore, database):
    """Put a question, get its rows."""
    return lambda name, **given: ask(store, database, name, **given)


def only_where_it_can_be_said(database, name):
    if database == "ladybug" and name in NEO4J_ONLY:
        pytest.skip(f"{name} is said in Neo4j's Cypher only")


# ---------------------------------------------------------------- chains


def test_a_text_finds_the_concepts_whose_name_has_it(put, tables):
    found = put("find_concepts", text="数据结构")
    expected = sorted(k for k in tables.prerequisites if "数据结构" in tables.names[k])
    assert [row["concept_id"] for row in found] == expected
    assert len(put("find_concepts", text="数", limit=3)) == 3


@pytest.mark.parametrize("concept", [CONCEPT, LAST, FIRST])
@pytest.mark.parametrize("name", ["leads_to", "unlocks"])
def test_depths_are_those_of_a_breadth_first_search(put, tables, name, concept):
    graph = tables.prerequisites
    walked = graph.reverse(copy=False) if name == "leads_to" else graph
    expected = nx.single_source_shortest_path_length(walked, concept)
    expected.pop(concept)
    found = put(name, concept_id=concept)
    assert {row["concept_id"]: row["depth"] for row in found} == expected
    assert len(found) == len(expected)
    assert all(row["name"] == tables.names[row["concept_id"]] for row in found)
    assert [row["depth"] for row in found] == sorted(row["depth"] for row in found)


@pytest.mark.parametrize(
    ("first", "last"), [(FIRST, LAST), (LAST, FIRST), ("K_算法_计算机科学技术", LAST)]
)
def test_the_shortest_chains_are_all_shortest_paths(put, tables, first, last):
    try:
        expected = sorted(nx.all_shortest_paths(tables.prerequisites, first, last))
    except nx.NetworkXNoPath:
        expected = []
    found = put("shortest_chains", from_concept_id=first, to_concept_id=last, limit=1000)
    assert sorted(row["concept_ids"] for row in found) == expected
    assert all(row["steps"] == len(row["concept_ids"]) - 1 for row in found)
    assert all(row["names"] == [tables.names[k] for k in row["concept_ids"]] for row in found)


def test_the_longest_chains_are_as_long_as_the_longest_simple_path_within_ten_steps(put, tables):
    first, last = "K_鉴别信息_计算机科学技术", LAST
    graph = tables.prerequisites
    near = graph.subgraph({last, *nx.ancestors(graph, last)})  # elsewhere no path can end
    ways = nx.all_simple_paths(near, first, last, cutoff=10)
    longest = max(len(way) - 1 for way in ways)
    found = put("longest_chains", from_concept_id=first, to_concept_id=last, limit=3)
    assert [row["steps"] for row in found] == [longest] * 3
    for row in found:
        assert (row["concept_ids"][0], row["concept_ids"][-1]) == (first, last)
        assert len(set(row["concept_ids"])) == longest + 1
        assert all(tables.prerequisites.has_edge(*step) for step in pairwise(row["concept_ids"]))


# ---------------------------------------------------------------- mending


def test_the_concepts_on_cycles_come_back_to_themselves_the_shortest_way(put, tables):
    graph = tables.prerequisites
    expected = {}
    for part in nx.strongly_connected_components(graph):
        for concept in part if len(part) > 1 else ():
            back = nx.single_source_shortest_path_length(graph.reverse(copy=False), concept)
            expected[concept] = 1 + min(back[k] for k in graph[concept] if k in back)
    found = put("cycles")
    assert {row["concept_id"]: row["steps"] for row in found} == expected
    named = {(tables.names[a], tables.names[b]) for a, b in graph.edges}
    for row in found:
        assert len(row["names"]) == row["steps"] + 1
        assert row["names"][0] == row["names"][-1] == tables.names[row["concept_id"]]
        assert all(step in named for step in pairwise(row["names"]))


def test_contradictory_pairs_are_edges_both_ways_with_their_sources(put, tables):
    graph = tables.prerequisites
    expected = {(a, b) for a, b in graph.edges if a < b and graph.has_edge(b, a)}
    found = put("contradictory_pairs")
    assert {(row["concept_id"], row["other_concept_id"]) for row in found} == expected
    for row in found:
        one, other = row["concept_id"], row["other_concept_id"]
        assert set(row["sources"]) == tables.sources[one, other]
        assert set(row["other_sources"]) == tables.sources[other, one]


def test_soft_edges_are_those_that_a_prediction_alone_says_as_strong_as_a_snapshot_has_them(
    put, tables, store
):
    found = {(row["prerequisite_id"], row["concept_id"]): row for row in put("soft_edges")}
    assert {pair for pair, row in found.items() if row["sources"] == ["prediction"]} == set(found)
    assert set(found) == {k for k, said in tables.sources.items() if said == {"prediction"}}
    graph = read_snapshot(store)
    after, before = graph.prerequisites.nonzero()
    for b, a, strength in zip(before, after, graph.strength, strict=True):
        row = found.get((str(graph.concept_ids[b]), str(graph.concept_ids[a])))
        assert strength == (row["strength"] if row else 1)
    assert not any(row["stated"] for row in found.values())


def ways_round(graph: nx.DiGraph, edges) -> dict:
    """Edge -> steps of the shortest way between its ends without it, where there is one."""
    found = {}
    for edge in edges:
        graph.remove_edge(*edge)
        if nx.has_path(graph, *edge):
            found[edge] = nx.shortest_path_length(graph, *edge)
        graph.add_edge(*edge)
    return found


def test_redundant_edges_have_a_way_round_in_the_graph_without_them(put, tables, database):
    only_where_it_can_be_said(database, "redundant_edges")
    graph = tables.prerequisites.copy()
    found = put("redundant_edges")
    pairs = {(row["prerequisite_id"], row["concept_id"]): row["steps"] for row in found}
    assert pairs == ways_round(graph, list(graph.edges))


@pytest.mark.parametrize("concept", [FIRST, "K_IP地址_计算机科学技术", "K_算法_计算机科学技术"])
def test_redundant_edges_from_a_concept_have_a_way_round(put, tables, concept):
    graph = tables.prerequisites.copy()
    expected = {b: steps for (_, b), steps in ways_round(graph, list(graph.edges(concept))).items()}
    found = put("redundant_edges_from", concept_id=concept)
    assert {row["concept_id"]: row["steps"] for row in found} == expected
    assert len(found) == len(expected) > 0


def test_orphans_have_no_edge(put, tables):
    expected = set(nx.isolates(tables.prerequisites))
    found = put("orphans")
    assert {row["concept_id"]: row["courses"] for row in found} == {
        concept: tables.in_courses(concept) for concept in expected
    }


def lost_without(graph: nx.DiGraph, concept: str) -> set[str]:
    """What no concept without prerequisites leads to once this concept is gone."""
    roots = [k for k in graph if not graph.in_degree(k)]

    def reached(within, starts):
        return set().union(*({root} | nx.descendants(within, root) for root in starts))

    rest = graph.subgraph(set(graph) - {concept})
    before = reached(graph, roots)
    return before - reached(rest, [root for root in roots if root != concept]) - {concept}


@pytest.mark.parametrize("concept", [FIRST, "K_数据结构_计算机科学技术", LAST])
def test_what_is_reached_only_through_a_concept_is_lost_without_it(put, tables, concept):
    found = put("only_through", concept_id=concept)
    assert {row["concept_id"] for row in found} == lost_without(tables.prerequisites, concept)
    steps = nx.single_source_shortest_path_length(tables.prerequisites, concept)
    assert all(row["depth"] == steps[row["concept_id"]] for row in found)


def dominated(graph: nx.DiGraph) -> dict[str, int]:
    """Concept -> how many lie below it in the dominator tree from all roots, where any does."""
    rooted = nx.DiGraph(graph.edges)
    rooted.add_edges_from(("root of all", k) for k in graph if not graph.in_degree(k))
    parents = nx.immediate_dominators(rooted, "root of all")
    tree = nx.DiGraph((parent, k) for k, parent in parents.items() if parent not in (None, k))
    below = {k: len(nx.descendants(tree, k)) for k in tree if k != "root of all"}
    return {k: count for k, count in below.items() if count}


def test_bottlenecks_lose_most(put, tables, database):
    only_where_it_can_be_said(database, "bottlenecks")
    found = put("bottlenecks", limit=1000)
    lost = {row["concept_id"]: row["unreachable"] for row in found}
    assert lost == dominated(tables.prerequisites)
    assert [row["unreachable"] for row in found] == sorted(lost.values(), reverse=True)


# ---------------------------------------------------------------- courses


def test_concepts_without_a_course_are_in_no_row_of_the_table(put, tables):
    taught = set().union(*(tables.has["course_concept", c] for c in tables.courses))
    found = put("concepts_without_course")
    assert {row["concept_id"]: row["unlocks"] for row in found} == {
        concept: tables.prerequisites.out_degree(concept)
        for concept in set(tables.prerequisites) - taught
    }


@pytest.mark.parametrize("concept", [CONCEPT, FIRST])
def test_a_concept_is_told_with_what_its_source_says_of_it(put, tables, sample_source, concept):
    with ZipFile(sample_source) as archive:
        (file,) = [name for name in archive.namelist() if name.endswith("entities/concept.json")]
        rows = map(json.loads, archive.read(file).splitlines())
        (said,) = [row for row in rows if row["id"] == concept]
    (row,) = put("concept", concept_id=concept)
    assert row == {
        "name": tables.names[concept],
        "name_en": said["en"] or None,
        # all of the sample say their place in their field alone
        "definition": said["explanation"].replace("_", " › "),
        "unlocks": tables.prerequisites.out_degree(concept),
        "prerequisites": tables.prerequisites.in_degree(concept),
        "courses": tables.in_courses(concept),
    }


def gaps(tables: Tables, course: str) -> set[tuple[str, str]]:
    """(prerequisite that the course has not, concept of the course that needs it)."""
    own = tables.has["course_concept", course]
    graph = tables.prerequisites
    return {(before, k) for k in own for before in graph.predecessors(k) if before not in own}


def test_a_courses_gaps_are_prerequisites_outside_it(put, tables):
    found = put("course_gaps", course_id=COURSE)
    assert {(row["prerequisite_id"], row["concept_id"]) for row in found} == gaps(tables, COURSE)
    assert all(row["courses"] == tables.in_courses(row["prerequisite_id"]) for row in found)
    assert [row["prerequisite_id"] for row in found] == sorted(
        row["prerequisite_id"] for row in found
    )


def test_the_courses_with_most_gaps_come_first(put, tables):
    expected = {course: gaps(tables, course) for course in tables.courses}
    order = sorted(expected, key=lambda c: (-len({before for before, _ in expected[c]}), c))
    found = put("courses_with_gaps", limit=15)
    assert [row["course_id"] for row in found] == order[:15]
    for row in found:
        missing, concepts = zip(*expected[row["course_id"]], strict=True)
        assert (row["missing"], row["concepts"]) == (len(set(missing)), len(set(concepts)))


def test_shared_concepts_are_the_intersection(put, tables):
    found = put("shared_concepts", course_id=COURSE, other_course_id=OTHER)
    expected = tables.has["course_concept", COURSE] & tables.has["course_concept", OTHER]
    assert [row["concept_id"] for row in found] == sorted(expected)


def test_overlapping_courses_share_most(put, tables):
    own = tables.has["course_concept", COURSE]
    expected = {
        c: (len(own & tables.has["course_concept", c]), len(tables.has["course_concept", c]))
        for c in tables.courses - {COURSE}
    }
    order = sorted(expected, key=lambda c: (-expected[c][0], c))
    found = put("overlapping_courses", course_id=COURSE)
    assert [row["course_id"] for row in found] == order[:20]
    assert [(row["shared"], row["concepts"]) for row in found] == [expected[c] for c in order[:20]]


@pytest.mark.parametrize(
    ("name", "table", "given"),
    [
        ("teacher_coverage", "teacher_course", {"teacher_id": TEACHER}),
        ("school_coverage", "school_course", {"school_id": SCHOOL}),
    ],
)
def test_coverage_counts_courses_by_concept(put, tables, name, table, given):
    (owner,) = given.values()
    counted = Counter(k for c in tables.has[table, owner] for k in tables.has["course_concept", c])
    found = put(name, **given)
    assert {row["concept_id"]: row["courses"] for row in found} == counted
    assert len(found) == len(counted) > 0


# ---------------------------------------------------------------- fields


def test_a_schools_share_of_each_field_is_counted_from_the_tables(put, tables):
    courses = tables.has["school_course", SCHOOL]
    expected = {}
    for (table, field_id), concepts in tables.has.items():
        if table == "field_concept":
            covering = {c for c in courses if tables.has["course_concept", c] & concepts}
            covered = set().union(*(tables.has["course_concept", c] for c in covering)) & concepts
            if covered:
                expected[field_id] = (len(covered), len(concepts), len(covering))
    found = put("school_fields", school_id=SCHOOL)
    assert {
        row["field_id"]: (row["covered"], row["concepts"], row["courses"]) for row in found
    } == expected


def test_a_fields_edges_are_inside_or_into_it(put, tables):
    found = {row["field_id"]: row for row in put("fields")}
    edges = tables.prerequisites.edges
    for (table, field_id), concepts in list(tables.has.items()):
        if table == "field_concept":
            row = found.pop(field_id)
            assert row["concepts"] == len(concepts)
            assert row["courses"] == len(tables.has["field_course", field_id])
            assert row["inside"] == sum(a in concepts and b in concepts for a, b in edges)
            assert row["outside"] == sum(a not in concepts and b in concepts for a, b in edges)
    assert found == {}


def test_a_fields_concepts_come_with_their_degrees(put, tables):
    graph = tables.prerequisites
    found = put("field_concepts", field_id=FIELD)
    assert {row["concept_id"] for row in found} == tables.has["field_concept", FIELD]
    for row in islice(found, 0, None, 9):
        k = row["concept_id"]
        assert row["unlocks"] == graph.out_degree(k)
        assert row["prerequisites"] == graph.in_degree(k)
        assert row["courses"] == tables.in_courses(k)


def test_a_fields_courses_come_with_its_concepts(put, tables):
    found = put("field_courses", field_id=FIELD)
    own = tables.has["field_concept", FIELD]
    assert {row["course_id"]: row["concepts"] for row in found} == {
        c: len(tables.has["course_concept", c] & own) for c in tables.has["field_course", FIELD]
    }


# ---------------------------------------------------------------- leaving


def test_the_exported_triples_are_the_loaded_ones(store, home):
    loaded = ArtifactStore(home.artifacts).current("triples").path / "triples.nt"
    exported = triples_of(read_rows(store), graph_schema())
    assert n_triples(exported.lines) == loaded.read_text(encoding="utf-8")


# ---------------------------------------------------------------- similar concepts


@pytest.fixture(scope="module")
def similarity(home):
    """Ids, (K, d) vectors, and (K, K) eq. (8) as the paper prints it."""
    fused = open_similarity(ArtifactStore(home.artifacts).current("similarity"))
    return fused.concept_ids.tolist(), fused.vectors.astype(float), paper_similarity(fused)


def test_what_is_similar_to_a_concept_is_what_the_formula_says(put, similarity):
    ids, _, values = similarity
    row = values[ids.index(CONCEPT)]
    expected = sorted((-v, k) for k, v in zip(ids, row, strict=True) if k != CONCEPT)[:7]
    found = put("similar_to", concept_id=CONCEPT, limit=7)
    assert [r["concept_id"] for r in found] == [k for _, k in expected]
    assert [r["weight"] for r in found] == pytest.approx([-v for v, _ in expected], abs=1e-9)


def test_similar_pairs_without_a_prerequisite_have_none_and_come_once(put, tables, similarity):
    ids, _, values = similarity
    at = {k: place for place, k in enumerate(ids)}
    pairs = set()
    for i, one in enumerate(ids):
        near = sorted((-v, k) for k, v in zip(ids, values[i], strict=True) if k != one)[:10]
        pairs |= {tuple(sorted((one, k))) for _, k in near}
    graph = tables.prerequisites
    open_ = [p for p in pairs if not graph.has_edge(*p) and not graph.has_edge(*p[::-1])]
    best = sorted((values[at[a], at[b]] for a, b in open_), reverse=True)[:20]
    found = put("similar_without_prerequisite")
    named = {tuple(sorted((row["concept_id"], row["other_id"]))) for row in found}
    assert len(named) == len(found) == 20
    assert named <= set(open_)
    assert [row["weight"] for row in found] == pytest.approx(best, abs=1e-9)


def test_the_nearest_by_vector_are_nearest_by_distance(put, similarity, database):
    only_where_it_can_be_said(database, "nearest_by_vector")
    ids, vectors, _ = similarity
    apart = np.linalg.norm(vectors - vectors[ids.index(CONCEPT)], axis=1)
    found = put("nearest_by_vector", concept_id=CONCEPT, limit=5)
    expected = np.argsort(apart, kind="stable")[1:6]
    assert [row["concept_id"] for row in found] == [ids[k] for k in expected]
    assert [row["distance"] for row in found] == pytest.approx(apart[expected].tolist(), abs=1e-3)


# ---------------------------------------------------------------- asking


def test_every_question_answers_its_own_example(put, database):
    for name, asked in questions().items():
        if database == "ladybug" and name in NEO4J_ONLY:
            continue
        if OF_ITEMS in asked.statement:  # which this graph is without
            with pytest.raises(InputError, match="the graph holds no items"):
                put(name, **asked.examples)
            continue
        found = put(name, **asked.examples)
        assert found or name == "alternatives", name  # which this source does not know


def test_every_picture_draws_its_own_example(store, database):
    if database == "neo4j":  # they are for its Browser
        for name, statement in written_queries().items():
            if name.startswith("picture."):
                assert store.read(name, **question_of(name, statement).examples), name


def test_every_question_is_in_the_designers_guide():
    guide = (Path(__file__).parents[2] / "docs" / "guide" / "designers.md").read_text("utf-8")
    assert [name for name in questions() if f"`{name}`" not in guide] == []


def test_every_question_says_what_it_asks_in_one_line():
    for asked in questions().values():
        assert asked.asks.endswith("?"), asked.name
        used = set(re.findall(r"\$(\w+)", asked.statement))
        assert set(asked.examples) == used, asked.name


def test_an_unknown_id_is_refused_with_close_matches(put):
    with pytest.raises(UnknownConcept, match=f"close matches: {CONCEPT}"):
        put("leads_to", concept_id="中断机制")
    with pytest.raises(UnknownCourse, match="close matches"):
        put("course_gaps", course_id=COURSE[:-1])
    with pytest.raises(UnknownEntity, match=f"no school 'S_Tsinghua'; close matches: {SCHOOL}"):
        put("school_coverage", school_id="S_Tsinghua")


def test_a_question_whose_answer_is_empty_is_no_error(put, tables):
    root = next(k for k in tables.prerequisites if not tables.prerequisites.in_degree(k))
    assert put("leads_to", concept_id=root) == []


def test_parameters_that_do_not_fit_are_refused(put):
    with pytest.raises(InputError, match="leads_to needs concept_id; for example concept_id=K_"):
        put("leads_to")
    with pytest.raises(InputError, match="orphans has no parameter 'limit'; it has: none"):
        put("orphans", limit=3)
    with pytest.raises(InputError, match="limit is '0'; it takes a whole number from 1"):
        put("find_concepts", text="x", limit="0")
    with pytest.raises(UnknownQuery, match="close matches: leads_to"):
        question("lead_to")


def test_what_the_embedded_database_cannot_say_is_said(put, database):
    if database == "ladybug":
        for name in NEO4J_ONLY:
            with pytest.raises(InputError, match=r"needs Neo4j.*`kgplan (graph health|similar)"):
                put(name)
