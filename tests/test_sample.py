"""The whole method on the real sample: what it must reach, and what must agree."""

import json
import zipfile

import networkx as nx
import numpy as np
import pytest
from oracles.cypher_walk import CypherWalk
from remembering import Remembering
from scipy import sparse

from kgplan.data.records import learned_concepts, observations
from kgplan.diagnosis import Pooled, fit_new_videos, pooled_parameters, similar_videos
from kgplan.graph.store import open_graph
from kgplan.model.opening import open_records, open_snapshot
from kgplan.planning import PlanOptions
from kgplan.store.artifacts import ArtifactStore


@pytest.fixture(scope="module")
def raw(sample_source):
    """Lines of a file of the archive, read without kgplan."""
    with zipfile.ZipFile(sample_source) as archive:
        yield lambda name: archive.read(f"MOOCCube/{name}").decode().splitlines()


def test_the_embedding_learns_the_graph(sample_home):
    test = ArtifactStore(sample_home.artifacts).current("embedding").metrics["test"]
    assert test["both"]["mrr"] >= 0.220
    assert test["both"]["hits@10"] >= 0.365
    assert test["both"]["mrr"] > 2 * test["popularity"]["both"]["mrr"]


def test_the_log_likelihood_never_falls(sample_home):
    metrics = ArtifactStore(sample_home.artifacts).current("diagnosis").metrics
    objective = np.array(metrics["objective"])
    assert metrics["converged"]
    assert (np.diff(objective) >= 0).all()
    assert objective[-1] > objective[0]


def test_the_graph_has_the_rows_of_the_archive(sample_home, raw):
    graph = open_snapshot(sample_home)
    courses = {tuple(line.split("\t")) for line in raw("relations/course-concept.json")}
    heads, tails = graph.relations["course_has_concept"]
    assert set(zip(heads.tolist(), tails.tolist(), strict=True)) == courses
    given = {tuple(line.split("\t")) for line in raw("relations/prerequisite-dependency.json")}
    loaded = {
        (str(graph.concept_ids[before]), str(graph.concept_ids[after]))
        for (after, before), sources in graph.prerequisite_sources.items()
        if "dependency" in sources
    }
    assert loaded == given


def test_the_cycles_are_those_that_networkx_finds(sample_home):
    graph = open_snapshot(sample_home)
    before, after = graph.relations["prerequisite_of"]
    found = nx.DiGraph(zip(before.tolist(), after.tolist(), strict=True))
    expected = sorted(
        (len(c) for c in nx.strongly_connected_components(found) if len(c) > 1), reverse=True
    )
    triples = ArtifactStore(sample_home.artifacts).current("triples")
    assert triples.metrics["cycles"] == expected
    assert len(expected) > 1


def test_what_evidence_leaves_open_is_said(sample_planner):
    """Sets of observed videos, concept by concept; no evidence and twins are found from them."""
    p = sample_planner
    rng = np.random.default_rng(0)
    watched, said = p.diagnosis.items.observed_in(p.records).watched, set()
    for row in rng.integers(0, p.records.learner_ids.size, 40):
        videos = watched[[row]].tocoo().col
        covering: dict[str, set[int]] = {}
        q = p.records.q_matrix[videos].tocoo()
        for video, concept in zip(q.row, p.records.concept_ids[q.col].tolist(), strict=True):
            covering.setdefault(concept, set()).add(int(video))
        sets = list(covering.values())
        enrolled = p.records.enrolled[[row]].tocoo().col
        course = str(p.records.course_ids[rng.choice(enrolled)])
        for step in p.plan(str(p.records.learner_ids[row]), course).steps:
            own = covering.get(step.concept_id, set())
            assert (step.doubt == "no_evidence") == (not own)
            assert (step.doubt == "not_told_apart") == (sets.count(own) > 1)
            assert step.identified == (step.doubt is None)
            said.add(step.doubt)
    assert said == {None, "no_evidence", "not_told_apart", "weak_evidence"}


def test_new_videos_start_nearer_to_the_fit_by_similar_ones_than_by_default(sample_home):
    """Every tenth video counts as new: known by the others and responses of a few learners."""
    store = ArtifactStore(sample_home.artifacts)
    records, _ = open_records(store)
    made, q = store.current("diagnosis"), records.q_matrix
    slip, guess, prior = (made.array(name) for name in ("slip", "guess", "prior"))
    groups = similar_videos(q, records.course_items)
    new = np.arange(0, slip.size, 10)
    old = np.setdiff1d(np.arange(slip.size), new)
    pooled = pooled_parameters(slip[old], guess[old], groups[old], groups[new])
    watched = sparse.csc_array(observations(records))
    watched.sort_indices()
    ends = zip(watched.indptr[new], watched.indptr[new + 1], strict=True)
    some = np.unique(np.concatenate([watched.indices[a : min(a + 20, b)] for a, b in ends]))
    few = watched.tocsr()[some]
    two, six = np.full(new.size, 2.0), np.full(new.size, 6.0)
    sixth = np.full(new.size, 1 / 6)
    default = Pooled(sixth, sixth, (two, six), (two, six), (6.0, 6.0))
    by_pool, by_default = (
        fit_new_videos(few, q, slip, guess, prior, new, start) for start in (pooled, default)
    )
    for name, later in (("slip", slip), ("guess", guess)):
        error = [
            np.abs(getattr(found, name) - later[new]).mean()
            for found in (pooled, by_pool, default, by_default)
        ]
        assert error[0] < error[2]
        assert error[1] < error[3]


def test_plans_equal_the_walk_by_cypher_in_the_learners_own_courses(sample_planner, sample_home):
    """Every eighth learner, in up to three of the learner's courses that have concepts.

    `make oracle` compares all learners in all courses, in a quarter of an hour.
    """
    p, rng = sample_planner, np.random.default_rng(0)
    options = PlanOptions(length=6, max_prerequisites=4, planner="kg-plppm")
    has_concepts = set(p.graph.relations["course_has_concept"][0].tolist())
    compared = 0
    with open_graph(sample_home.graph_url, read_only=True) as store:
        walk = CypherWalk(Remembering(store), p.records, p.diagnosis, p.similarity)
        for learner in p.records.learner_ids[::8].tolist():
            courses = [c for c in walk.courses_of(learner) if c in has_concepts]
            state = walk.learner(learner)
            for course in rng.permutation(courses)[:3].tolist():
                expected = walk.walk_course(state, course, options)
                steps = p.plan(learner, course, options).steps
                assert [(s.concept_id, s.leads_to) for s in steps] == [
                    (s.concept_id, s.leads_to) for s in expected
                ], (learner, course)
                compared += 1
    assert compared > p.records.learner_ids.size / 8


def test_both_counts_of_learned_concepts_are_reported(sample_home, sample_planner):
    metrics = ArtifactStore(sample_home.artifacts).current("similarity").metrics
    learned = learned_concepts(sample_planner.records)
    assert metrics["learned_by_view"] + metrics["learned_by_enrolment"] == learned.matrix.nnz
    assert min(learned.by_view, learned.by_enrolment) > 0


def test_a_plan_is_a_function_of_its_inputs(sample_planner):
    p = sample_planner
    learner, course = str(p.records.learner_ids[7]), str(p.graph.course_ids[5])
    one, other = (json.dumps(p.plan(learner, course).to_dict()) for _ in range(2))
    assert one == other
