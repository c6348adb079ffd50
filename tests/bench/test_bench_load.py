"""How fast does a Neo4j server take the graph: by queries, again, in bulk, and by other ways?

Every server is a new one, so that the first load meets a Java machine that has compiled nothing;
`warm` is the same load once more into the emptied database. The graphs are generated: the paper's
size, and 127,000 nodes with 350,000 relationships. KGPLAN_BENCH_FACTOR=10 makes the bulk load's
graph ten times that size.
"""

import os
import time

import numpy as np
import pytest
from neo4j import GraphDatabase
from neo4j_server import USER, start_test_server

from kgplan.etl.bulk import bulk_load
from kgplan.etl.load import GraphRows, load
from kgplan.graph.queries import query
from kgplan.graph.schema import graph_schema

NODES = {"Concept": 114_563, "Course": 706, "Teacher": 11_000, "School": 200, "Field": 531}
RELATIONSHIPS = {
    "COURSE_HAS_CONCEPT": 150_000,
    "FIELD_HAS_CONCEPT": 114_000,
    "FIELD_HAS_COURSE": 706,
    "SCHOOL_HAS_COURSE": 706,
    "SCHOOL_HAS_TEACHER": 2_000,
    "TEACHER_HAS_COURSE": 2_588,
    "PREREQUISITE_OF": 70_000,
    "BROADER_CONCEPT": 10_000,
}
PAPER_NODES = {"Concept": 10_000, "Course": 706, "Teacher": 1_800, "School": 200, "Field": 217}
PAPER_RELATIONSHIPS = {
    "COURSE_HAS_CONCEPT": 120_000,
    "FIELD_HAS_CONCEPT": 20_000,
    "FIELD_HAS_COURSE": 706,
    "SCHOOL_HAS_COURSE": 706,
    "SCHOOL_HAS_TEACHER": 1_800,
    "TEACHER_HAS_COURSE": 2_588,
    "PREREQUISITE_OF": 20_000,
    "BROADER_CONCEPT": 7_476,
}
SLICE = 2_000  # rows of each sort for the slow ways


def generated(nodes: dict[str, int], relationships: dict[str, int], factor: int = 1) -> GraphRows:
    """Rows of these numbers, times the factor; pairs are drawn evenly, each once."""
    rng = np.random.default_rng(0)
    ends = {each.type: (each.head.label, each.tail.label) for each in graph_schema().relations}
    ids = {label: [f"{label[0]}_{k:07d}" for k in range(n * factor)] for label, n in nodes.items()}
    rows = GraphRows()
    for label, members in ids.items():
        is_concept = label == "Concept"
        rows.nodes[label] = [
            {
                "id": each,
                "name": f"名称 {each}",
                "name_en": f"name of {each}" if is_concept else None,
                "explanation": "what the concept means, in a sentence or two"
                if is_concept
                else None,
                "about": None if is_concept or label == "Field" else "a description " * 8,
            }
            for each in members
        ]
    for type_, n in relationships.items():
        heads, tails = (ids[label] for label in ends[type_])
        drawn = np.unique(rng.integers(len(heads) * len(tails), size=int(n * factor * 1.2) + 10))
        while drawn.size < n * factor:
            more = rng.integers(len(heads) * len(tails), size=n * factor)
            drawn = np.unique(np.concatenate([drawn, more]))
        chosen = rng.permutation(drawn)[: n * factor].tolist()
        sources = ["dependency"] if type_ == "PREREQUISITE_OF" else []
        rows.relationships[type_] = [
            {"head": heads[k // len(tails)], "tail": tails[k % len(tails)], "sources": sources}
            for k in chosen
        ]
    return rows


@pytest.fixture
def server(tmp_path):
    """A server that has done nothing yet."""
    started = start_test_server(tmp_path, heap_mb=2048, page_cache_mb=512)
    yield started
    started.server.stop()


def counted(server) -> tuple[int, int]:
    """Nodes and relationships of the source's sorts, as the server counts them."""
    (held,) = server.run(query("bulk.held"))
    return held["nodes"], held["relationships"]


def size(rows: GraphRows) -> tuple[int, int]:
    return sum(map(len, rows.nodes.values())), sum(map(len, rows.relationships.values()))


def timed_load(server, rows: GraphRows) -> tuple[float, float, float]:
    """Seconds of writing the nodes, of writing the relationships, and of the whole load.

    The rest of the whole is the schema, reading what the graph holds, before and after, and the
    content hash of it.
    """
    n_nodes, marks = size(rows)[0], []

    def mark(what, done, total):
        marks.append((done, time.perf_counter()))

    begun = time.perf_counter()
    with server.place.open() as store:
        load(rows, store, "run", mark)
    started = next(moment for done, moment in marks if done == 0)
    nodes_done = next(moment for done, moment in marks if done >= n_nodes)
    return nodes_done - started, marks[-1][1] - nodes_done, time.perf_counter() - begun


def wipe(server) -> None:
    server.run("MATCH (n) RETURN count(n)")
    with (
        GraphDatabase.driver(server.place.url, auth=(USER, server.place.access.password)) as driver,
        driver.session() as session,
    ):
        session.run("MATCH (n) CALL { WITH n DETACH DELETE n } IN TRANSACTIONS").consume()


@pytest.mark.parametrize(
    ("name", "nodes", "relationships"),
    [
        ("paper's size", PAPER_NODES, PAPER_RELATIONSHIPS),
        ("large", NODES, RELATIONSHIPS),
    ],
)
def test_a_load_by_queries(server, name, nodes, relationships):
    rows = generated(nodes, relationships)
    n_nodes, n_relationships = size(rows)
    for state in ("new server", "warm"):
        for_nodes, for_relationships, whole = timed_load(server, rows)
        assert counted(server) == (n_nodes, n_relationships)
        print(
            f"\n{name}, {state}: {n_nodes:,} nodes at {n_nodes / for_nodes:,.0f}/s,"
            f" {n_relationships:,} relationships at {n_relationships / for_relationships:,.0f}/s,"
            f" {whole:.1f} s in all; load average {os.getloadavg()[0]:.1f}"
        )
        again = timed_unchanged_load(server, rows)
        print(f"{name}, {state}: unchanged again {again:.1f} s, {again / whole:.2f} of the first")
        wipe(server)


def timed_unchanged_load(server, rows: GraphRows) -> float:
    """Seconds of a load that finds nothing to do."""
    begun = time.perf_counter()
    with server.place.open() as store:
        report = load(rows, store, "run")
    assert not report.changed
    return time.perf_counter() - begun


def test_a_load_in_bulk(server):
    factor = int(os.environ.get("KGPLAN_BENCH_FACTOR", "1"))
    rows = generated(NODES, RELATIONSHIPS, factor)
    begun = time.perf_counter()
    bulk_load(rows, server.settings, "run")
    seconds = time.perf_counter() - begun
    assert counted(server) == size(rows)
    print(
        f"\nbulk, {sum(size(rows)):,} elements: {seconds:.1f} s,"
        f" {sum(size(rows)) / seconds:,.0f}/s, the server's stop and start included;"
        f" load average {os.getloadavg()[0]:.1f}"
    )


def test_other_ways_on_a_slice(server):
    """Row by row with MERGE, and rdflib-neo4j: the same rows, in one run with ours."""
    rows = generated(PAPER_NODES, PAPER_RELATIONSHIPS)
    for_nodes, for_relationships, _ = timed_load(server, rows)
    wipe(server)
    for_nodes, for_relationships, _ = timed_load(server, rows)
    n_nodes, n_relationships = size(rows)
    ours = (n_nodes / for_nodes, n_relationships / for_relationships)
    wipe(server)
    part = slice_of(rows)
    row_by_row = by_single_rows(server, part)
    wipe(server)
    print(
        f"\nours: {ours[0]:,.0f} nodes/s, {ours[1]:,.0f} relationships/s;"
        f" load average {os.getloadavg()[0]:.1f}"
    )
    report("row-by-row MERGE", ours, row_by_row)
    pytest.importorskip("rdflib_neo4j", reason="pip install rdflib-neo4j to compare with it")
    report("rdflib-neo4j", ours, by_rdflib(server, part))


def report(way, ours, theirs):
    print(
        f"{way}: {theirs[0]:,.0f} nodes/s, {theirs[1]:,.0f} relationships/s;"
        f" ours is {ours[0] / theirs[0]:.0f} and {ours[1] / theirs[1]:.0f} times as fast"
    )


def slice_of(rows: GraphRows) -> GraphRows:
    """Some concepts, and the relationships among them."""
    concepts = rows.nodes["Concept"][:SLICE]
    pairs = [
        {"head": concepts[k]["id"], "tail": concepts[(7 * k + 1) % SLICE]["id"], "sources": ["x"]}
        for k in range(SLICE)
    ]
    return GraphRows({"Concept": concepts}, {"PREREQUISITE_OF": pairs})


def by_single_rows(server, rows: GraphRows) -> tuple[float, float]:
    """A transaction for each row, as a loop over a file would do: nodes/s, relationships/s."""
    speeds = []
    with (
        GraphDatabase.driver(server.place.url, auth=(USER, server.place.access.password)) as driver,
        driver.session() as session,
    ):
        for name, content in [*rows.nodes.items(), *rows.relationships.items()]:
            statement = query(f"load.{name.lower()}")
            begun = time.perf_counter()
            for row in content:
                session.run(statement, rows=[row], run_id="run").consume()
            speeds.append(len(content) / (time.perf_counter() - begun))
    return speeds[0], speeds[1]


def by_rdflib(server, rows: GraphRows) -> tuple[float, float]:
    """The triples of the rows, added to rdflib-neo4j's store in its batches."""
    from rdflib import RDF, Graph, Literal, URIRef
    from rdflib_neo4j import HANDLE_VOCAB_URI_STRATEGY, Neo4jStore, Neo4jStoreConfig

    from kgplan.etl.rdf import KG, entity_iri

    place = server.place
    auth = {
        "uri": place.url,
        "database": "neo4j",
        "user": USER,
        "pwd": place.access.password,
    }
    config = Neo4jStoreConfig(
        auth_data=auth, handle_vocab_uri_strategy=HANDLE_VOCAB_URI_STRATEGY.IGNORE, batching=True
    )
    server.run(
        "CREATE CONSTRAINT n10s_unique_uri IF NOT EXISTS FOR (r:Resource) REQUIRE r.uri IS UNIQUE"
    )
    graph = Graph(store=Neo4jStore(config=config))
    begun = time.perf_counter()
    for row in rows.nodes["Concept"]:
        subject = URIRef(entity_iri("Concept", row["id"]))
        graph.add((subject, RDF.type, KG.Concept))
        for key in ("id", "name", "name_en", "explanation"):
            graph.add((subject, KG[key], Literal(row[key])))
    graph.commit()
    nodes_done = time.perf_counter()
    for row in rows.relationships["PREREQUISITE_OF"]:
        head, tail = (URIRef(entity_iri("Concept", row[end])) for end in ("head", "tail"))
        graph.add((head, KG.dependencyPrerequisite, tail))
    graph.close(commit_pending_transaction=True)
    done = time.perf_counter()
    n = len(rows.nodes["Concept"])
    (held,) = server.run(
        "MATCH (n:Resource) WITH count(n) AS n MATCH ()-->() RETURN n, count(*) AS r"
    )
    assert (held["n"], held["r"]) == (n, len(rows.relationships["PREREQUISITE_OF"]))
    return n / (nodes_done - begun), held["r"] / (done - nodes_done)
