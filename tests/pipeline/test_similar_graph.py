"""Similar concepts in the graph, on both databases: derived, renewed, and in nobody's way."""

import networkx as nx
import numpy as np
import pytest
from neo4j_server import Place
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.preprocessing import minmax_scale

from kgplan.data.stored import csr_to_arrays
from kgplan.errors import InputError
from kgplan.etl.export import read_rows, triples_of
from kgplan.etl.load import GraphRows, load
from kgplan.graph.designer import ask
from kgplan.graph.health import graph_health
from kgplan.graph.schema import graph_schema
from kgplan.graph.snapshot import read_finished_snapshot
from kgplan.pipeline.similar_graph import write_similar
from kgplan.similarity import top_similar
from kgplan.store.artifacts import ArtifactStore

SIZE, STORED = 12, 8
IDS = np.array([f"K_{k:02}" for k in range(SIZE)])


@pytest.fixture(params=["ladybug", "neo4j"])
def place(request, tmp_path) -> Place:
    """Where an empty graph is."""
    if request.param == "neo4j":
        return request.getfixturevalue("neo4j_server").place
    return Place(f"ladybug://{tmp_path / 'graph.lbug'}")


def is_neo4j(place) -> bool:
    return not place.url.startswith("ladybug")


def rows(ids=IDS) -> GraphRows:
    """These concepts, each before the next, in one course."""
    absent = {"name_en": None, "explanation": None, "about": None}
    content = GraphRows.empty(graph_schema())
    content.nodes["Concept"] = [{"id": k, "name": k, **absent} for k in ids]
    content.nodes["Course"] = [{"id": "C", "name": "C", **absent}]
    content.relationships["COURSE_HAS_CONCEPT"] = [
        {"head": "C", "tail": k, "sources": []} for k in ids
    ]
    content.relationships["PREREQUISITE_OF"] = [
        {"head": a, "tail": b, "sources": ["dependency"]} for a, b in nx.utils.pairwise(ids)
    ]
    return content


def similarity(folder, seed=0, dimension=4):
    """A stored similarity, its vectors and eq. (8) of all pairs by other libraries."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(SIZE, dimension)).astype(np.float32)
    learned = rng.random((9, SIZE)) < 0.4
    top = top_similar(IDS, vectors, sparse.csr_array(learned), 0.7, STORED)
    store = ArtifactStore(folder)
    with store.draft("similarity", {"alpha": 0.7}, {}) as draft:
        draft.put(
            concept_ids=IDS,
            vectors=vectors,
            bounds=np.array(list(vars(top.bounds).values())),
            **top.together.sets.to_arrays(),
            **csr_to_arrays("neighbours", top.to_csr()),
        )
    off = ~np.eye(SIZE, dtype=bool)
    whole = np.zeros((SIZE, SIZE))
    whole[off] = 0.7 * minmax_scale((1 / (1 + cdist(vectors, vectors)))[off])
    whole[off] += 0.3 * minmax_scale(cosine_similarity(learned.T.astype(float))[off])
    return draft.finished(), vectors, whole


def nearest(whole, top):
    """{(head, tail): weight} of the `top` largest of each row."""
    expected = {}
    for i in range(SIZE):
        others = [j for j in np.argsort(-whole[i], kind="stable") if j != i][:top]
        expected |= {(IDS[i], IDS[j]): whole[i, j] for j in others}
    return expected


def in_graph(store):
    """{(head, tail): weight} of what designers find."""
    return {
        (head, row["concept_id"]): row["weight"]
        for head in (row["id"] for row in store.read("snapshot.concept"))
        for row in store.read("designer.similar_to", concept_id=head, limit=100)
    }


def test_the_graph_holds_the_most_similar_by_the_formula_and_a_second_run_changes_nothing(
    place, tmp_path
):
    artifact, _, whole = similarity(tmp_path)
    with place.open() as store:
        load(rows(), store, "run")
        report = write_similar(artifact, store, 5)
        assert in_graph(store) == pytest.approx(nearest(whole, 5))
        assert (report.relationships, report.swept, report.not_in_graph) == (5 * SIZE, 0, [])
        again = write_similar(artifact, store, 5)
        assert (again.relationships, again.swept) == (5 * SIZE, 0)
        assert in_graph(store) == pytest.approx(nearest(whole, 5))


def test_an_older_similarity_and_neighbours_beyond_the_top_are_swept(place, tmp_path):
    old, _, _ = similarity(tmp_path, seed=0)
    new, _, whole = similarity(tmp_path, seed=1)
    with place.open() as store:
        load(rows(), store, "run")
        write_similar(old, store, 6)
        kept = set(in_graph(store)) & set(nearest(whole, 6))
        report = write_similar(new, store, 6)
        assert in_graph(store) == pytest.approx(nearest(whole, 6))
        assert report.swept == 6 * SIZE - len(kept)
        assert write_similar(new, store, 2).swept == 4 * SIZE
        assert in_graph(store) == pytest.approx(nearest(whole, 2))


def test_one_concept_is_written_without_touching_the_others(place, tmp_path):
    old, _, before = similarity(tmp_path, seed=0)
    new, _, whole = similarity(tmp_path, seed=1)
    with place.open() as store:
        load(rows(), store, "run")
        write_similar(old, store, 3)
        write_similar(new, store, 4, concept_id=IDS[3])
        expected = {pair: v for pair, v in nearest(before, 3).items() if pair[0] != IDS[3]}
        expected |= {pair: v for pair, v in nearest(whole, 4).items() if pair[0] == IDS[3]}
        assert in_graph(store) == pytest.approx(expected)
        with pytest.raises(InputError, match="does not know 'nobody'"):
            write_similar(new, store, 4, concept_id="nobody")
        with pytest.raises(InputError, match=f"holds 1 to {STORED} neighbours"):
            write_similar(new, store, STORED + 1)


def test_version_load_export_and_health_pass_the_derived_by(place, tmp_path):
    artifact, _, whole = similarity(tmp_path)
    with place.open() as store:
        loaded = load(rows(), store, "run")
        names = graph_schema()
        exported = triples_of(read_rows(store), names)
        before = read_finished_snapshot(store)
        write_similar(artifact, store, 5, with_vectors=is_neo4j(place))
        after = read_finished_snapshot(store)
        assert after.version == before.version == loaded.graph_version
        assert graph_health(after, None) == graph_health(before, None)
        assert triples_of(read_rows(store), names) == exported
        again = load(rows(), store, "run")
        assert (again.changed, again.conflicts, again.swept_relationships) == (False, [], 0)
        assert in_graph(store) == pytest.approx(nearest(whole, 5))


def test_a_concept_that_leaves_the_source_goes_with_what_was_derived_for_it(place, tmp_path):
    artifact, _, whole = similarity(tmp_path)
    with place.open() as store:
        load(rows(), store, "old")
        write_similar(artifact, store, 5, with_vectors=is_neo4j(place))
        report = load(rows(IDS[:-1]), store, "new")
        assert (report.swept_nodes, report.conflicts) == (1, [])
        left = {pair: v for pair, v in nearest(whole, 5).items() if IDS[-1] not in pair}
        assert in_graph(store) == pytest.approx(left)
        written = write_similar(artifact, store, 5)
        assert written.not_in_graph == [IDS[-1]]
        assert written.relationships == len(left)


def test_a_concept_with_a_designers_relationship_outlives_the_source_all_the_same(place, tmp_path):
    artifact, _, _ = similarity(tmp_path)
    with place.open() as store:
        load(rows(), store, "old")
        write_similar(artifact, store, 5)
        store.write("edit.add_broader_concept", head=IDS[-1], tail=IDS[0])
        report = load(rows(IDS[:-1]), store, "new")
        assert report.swept_nodes == 0
        assert [conflict.what for conflict in report.conflicts] == [f"Concept {IDS[-1]}"]


def test_the_vector_index_finds_the_nearest_and_follows_a_new_dimension(neo4j_server, tmp_path):
    with neo4j_server.place.open() as store:
        load(rows(), store, "run")
        for seed, dimension in ((0, 4), (1, 3)):
            artifact, vectors, _ = similarity(tmp_path, seed, dimension)
            report = write_similar(artifact, store, 5, with_vectors=True)
            assert report.vectors == SIZE
            apart = cdist(vectors, vectors)
            for i in range(SIZE):
                found = ask(store, "neo4j", "nearest_by_vector", concept_id=IDS[i], limit=3)
                expected = np.argsort(apart[i], kind="stable")[1:4]
                assert [row["concept_id"] for row in found] == IDS[expected].tolist()
                distances = [row["distance"] for row in found]
                np.testing.assert_allclose(distances, apart[i][expected], atol=1e-4)
