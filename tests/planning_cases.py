"""Small graphs, learners and models for the planner's tests: one by hand, others at random."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import sparse

from kgplan.data.records import LearnerRecords, learned_concepts
from kgplan.graph.schema import graph_schema
from kgplan.graph.snapshot import GraphSnapshot, snapshot_of
from kgplan.planning import Planner, PlanOptions
from kgplan.planning.mastery import LearnerMastery
from kgplan.similarity import FusedSimilarity, fuse

algorithm_1 = partial(PlanOptions, planner="kg-plppm", detail="numbers")
"""Options of plans by Algorithm 1, and, with another name, of others that rank: figures told."""


@dataclass(frozen=True)
class Case:
    """All that a plan is made from."""

    entities: dict
    edges: dict
    graph: GraphSnapshot
    records: LearnerRecords
    diagnosis: LearnerMastery
    similarity: FusedSimilarity

    def planner(self, **options) -> Planner:
        return Planner(
            self.graph, self.records, self.diagnosis, self.similarity, "model", **options
        )


def make_case(
    *,
    course_concepts: dict[str, str],
    prerequisites: list[tuple[str, str]],
    enrolled: dict[str, str],
    watched: dict[str, str],
    mastery: dict[str, dict[str, float]],
    vectors: dict[str, list[float]],
    exchangeable: dict[str, str] | None = None,
    minutes: dict[str, float] | None = None,
    prior: float = 0.5,
    alpha: float = 1.0,
) -> Case:
    """Build a case; concepts and courses have one-letter names, one video covers one concept.

    Args:
        course_concepts: course -> its concepts, as in {"A": "def"}.
        prerequisites: (prerequisite, concept).
        enrolled: learner -> courses.
        watched: learner -> concepts whose video was watched.
        mastery: learner -> concept -> mastery that evidence gives.
        vectors: concept -> TransR vector.
        exchangeable: learner -> concepts that evidence does not tell apart.
        minutes: concept -> length of its video; those not named are unknown.
        prior, alpha: of the diagnosis and of the similarity.
    """
    concepts, courses = sorted(vectors), sorted(course_concepts)
    learners = sorted(enrolled)
    entities = {each.name: [] for each in graph_schema().classes}
    entities["concept"] = [{"id": c, "name": c, "name_en": None} for c in concepts]
    entities["course"] = [{"id": c, "name": c} for c in courses]
    edges = {each.name: [] for each in graph_schema().relations}
    edges["course_has_concept"] = [
        {"head": course, "tail": c} for course in courses for c in course_concepts[course]
    ]
    edges["prerequisite_of"] = [
        {"head": before, "tail": after, "sources": ["dependency"]}
        for before, after in prerequisites
    ]
    videos = [f"v_{c}" for c in concepts]
    has = np.array([[c in course_concepts[k] for c in concepts] for k in courses], dtype=np.int8)
    records = LearnerRecords(
        learner_ids=np.array(learners),
        item_ids=np.array(videos),
        concept_ids=np.array(concepts),
        course_ids=np.array(courses),
        enrolled=sparse.csr_array(
            np.array([[k in enrolled[u] for k in courses] for u in learners], dtype=np.int8)
        ),
        viewed=sparse.csr_array(
            np.array([[float(c in watched.get(u, "")) for c in concepts] for u in learners])
        ),
        course_concepts=sparse.csr_array(has),
        course_items=sparse.csr_array(np.cumsum(has, axis=1) * has),
        q_matrix=sparse.csr_array(np.eye(len(concepts), dtype=np.int8)),
        item_seconds=None
        if minutes is None
        else np.array([60 * minutes.get(c, np.nan) for c in concepts]),
    )
    known = [
        (row, column, mastery[u][c])
        for row, u in enumerate(learners)
        for column, c in enumerate(concepts)
        if c in mastery.get(u, {})
    ]
    rows, columns, values = zip(*known, strict=True) if known else ((), (), ())
    diagnosis = LearnerMastery(
        records.learner_ids,
        records.concept_ids,
        sparse.csr_array((values, (rows, columns)), shape=(len(learners), len(concepts))),
        np.full(len(concepts), prior),
        sparse.csr_array(
            np.array([[c in (exchangeable or {}).get(u, "") for c in concepts] for u in learners])
        ),
    )
    similarity = fuse(
        records.concept_ids,
        np.array([vectors[c] for c in concepts], dtype=float),
        learned_concepts(records).matrix,
        alpha,
    )
    return Case(entities, edges, snapshot_of(entities, edges), records, diagnosis, similarity)


def hand_case() -> Case:
    """Six concepts with a cycle, worked on paper in test_planner.py."""
    places = {"a": 0, "b": 1, "d": 2, "c": 3, "e": 5, "f": 6}
    return make_case(
        course_concepts={"A": "def", "B": "abc", "Z": ""},
        prerequisites=[("b", "d"), ("c", "d"), ("a", "b"), ("d", "b"), ("e", "f")],
        enrolled={"learner": "B", "new": ""},
        watched={"learner": "ac"},
        mastery={"learner": {"a": 0.9, "b": 0.2, "c": 0.6, "d": 0.3, "e": 0.5, "f": 0.9}},
        vectors={name: [place] for name, place in places.items()},
    )


def random_case(seed: int) -> Case:
    """Up to 20 concepts with cycles, courses without concepts, learners without anything."""
    rng = np.random.default_rng(seed)
    concepts = [chr(ord("a") + k) for k in range(rng.integers(2, 21))]
    courses = [chr(ord("A") + k) for k in range(rng.integers(1, 6))]

    def some(of: list[str], share: float) -> str:
        return "".join(x for x in of if rng.random() < share)

    density = rng.uniform(0, 0.4)
    learners = [f"u{k}" for k in range(4)]
    known = {u: some(concepts, 0.7) for u in learners}
    return make_case(
        course_concepts={course: some(concepts, rng.uniform(0, 0.8)) for course in courses},
        prerequisites=[
            (p, c) for p in concepts for c in concepts if p != c and rng.random() < density
        ],
        enrolled={u: some(courses, 0.5) for u in learners},
        watched={u: some(concepts, 0.3) for u in learners},
        # one digit: values tie often
        mastery={u: {c: round(rng.random(), 1) for c in known[u]} for u in learners},
        exchangeable={u: some(list(known[u]), 0.3) for u in learners},
        vectors={c: rng.normal(size=3).tolist() for c in concepts},
        minutes={c: float(rng.integers(1, 9)) for c in some(concepts, 0.8)} or {concepts[0]: 5.0},
        alpha=float(rng.choice([0.0, 0.7, 1.0])),
    )


def large_case(n_concepts: int, n_courses: int, n_learners: int, seed: int = 0) -> Case:
    """A generated graph for benchmarks: 20 concepts a course, 3 prerequisites a concept."""
    rng = np.random.default_rng(seed)
    concept_ids = np.array([f"K_{k:06}" for k in range(n_concepts)])
    course_ids = np.array([f"C_{k:06}" for k in range(n_courses)])
    learner_ids = np.array([f"U_{k:06}" for k in range(n_learners)])
    has = sparse.random_array(
        (n_courses, n_concepts), density=20 / n_concepts, rng=rng, format="csr"
    )
    pairs = rng.integers(0, n_concepts, (3 * n_concepts, 2))
    entities = {each.name: [] for each in graph_schema().classes}
    entities["concept"] = [{"id": c, "name": c, "name_en": None} for c in concept_ids.tolist()]
    entities["course"] = [{"id": c, "name": c} for c in course_ids.tolist()]
    edges = {each.name: [] for each in graph_schema().relations}
    row, column = has.nonzero()
    edges["course_has_concept"] = [
        {"head": head, "tail": tail}
        for head, tail in zip(course_ids[row].tolist(), concept_ids[column].tolist(), strict=True)
    ]
    edges["prerequisite_of"] = [
        {"head": head, "tail": tail, "sources": []}
        for head, tail in concept_ids[pairs].tolist()
        if head != tail
    ]
    q_matrix = sparse.eye_array(n_concepts, dtype=np.int8, format="csr")
    course_items = (has > 0).astype(np.int32).tocsr()
    records = LearnerRecords(
        learner_ids=learner_ids,
        item_ids=np.array([f"V_{k:06}" for k in range(n_concepts)]),
        concept_ids=concept_ids,
        course_ids=course_ids,
        enrolled=sparse.random_array(
            (n_learners, n_courses), density=min(1, 12 / n_courses), rng=rng, format="csr"
        ),
        viewed=sparse.random_array(
            (n_learners, n_concepts), density=60 / n_concepts, rng=rng, format="csr"
        ),
        course_concepts=(has > 0).astype(np.int8).tocsr(),
        course_items=course_items,
        q_matrix=q_matrix,
    )
    diagnosis = LearnerMastery(
        learner_ids,
        concept_ids,
        sparse.random_array(
            (n_learners, n_concepts), density=200 / n_concepts, rng=rng, format="csr"
        ),
        np.full(n_concepts, 0.5),
        sparse.csr_array((n_learners, n_concepts), dtype=bool),
    )
    learned = learned_concepts(records).matrix
    vectors = rng.normal(size=(n_concepts, 50))
    similarity = fuse(concept_ids, vectors, learned, 0.7)
    return Case(entities, edges, snapshot_of(entities, edges), records, diagnosis, similarity)
