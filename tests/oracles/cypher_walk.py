"""Algorithm 1 again, asking the graph database hop by hop: slow, plain, the planner's oracle.

Nothing is shared with `planner.py` but the types that go in. Similarity is eq. (8) written as in
the paper, for all pairs at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from kgplan.arrays import Floats
from kgplan.data.records import LearnerRecords
from kgplan.graph.store import GraphStore
from kgplan.planning.mastery import LearnerMastery
from kgplan.planning.options import PlanOptions
from kgplan.similarity import FusedSimilarity


@dataclass(frozen=True)
class WalkedStep:
    """One concept as the walk found it; fields as in `kgplan.planning.plan`."""

    concept_id: str
    start_concept_id: str
    leads_to: str | None
    mastery: float
    preference: float | None
    similarity: float | None


@dataclass(frozen=True)
class WalkingLearner:
    """N_u, the concepts learned, mastery by concept, and the preferences (eq. 12) seen so far."""

    around: list[str]
    learned: set[str]
    mastery: dict[str, float]
    preferences: dict[tuple[str, int], float]


class CypherWalk:
    """Algorithm 1 by Cypher queries and loops.

    Args:
        store: the graph database.
        records, diagnosis, similarity: as for `Planner`.
    """

    def __init__(
        self,
        store: GraphStore,
        records: LearnerRecords,
        diagnosis: LearnerMastery,
        similarity: FusedSimilarity,
    ) -> None:
        self.store = store
        self.records = records
        self.diagnosis = diagnosis
        self.learner_at = {id: k for k, id in enumerate(records.learner_ids.tolist())}
        self.course_at = {id: k for k, id in enumerate(records.course_ids.tolist())}
        self.similar_at = {id: k for k, id in enumerate(similarity.concept_ids.tolist())}
        self.similar = paper_similarity(similarity)

    def walk(self, learner_id: str, course_id: str, options: PlanOptions) -> list[WalkedStep]:
        """The steps of the plan, foundation first."""
        return self.walk_course(self.learner(learner_id), course_id, options)

    def learner(self, learner_id: str) -> WalkingLearner:
        """What the walk needs of a learner, whatever the course."""
        mine = self.courses_of(learner_id)
        return WalkingLearner(
            around=sorted({concept for course in mine for concept in self.concepts_of(course)}),
            learned=self.learned_by(learner_id, mine),
            mastery=self.mastery_of(learner_id),
            preferences={},
        )

    def walk_course(
        self, learner: WalkingLearner, course_id: str, options: PlanOptions
    ) -> list[WalkedStep]:
        """The steps of the plan for a learner whose state is known."""
        n, known = options.neighbours, learner.preferences
        for concept in self.concepts_of(course_id):
            if (concept, n) not in known:
                known[concept, n] = self.preference(concept, learner.around, learner.learned, n)
        preference = {concept: known[concept, n] for concept in self.concepts_of(course_id)}
        return self.walk_back(preference, learner.mastery, options)

    def walk_back(
        self, preference: Mapping[str, float], mastery: Mapping[str, float], options: PlanOptions
    ) -> list[WalkedStep]:
        """Steps 3 to 5: sort the course's concepts, then walk each one's prerequisites.

        Args:
            preference: S_P of every concept of the course.
            mastery: of every concept.
            options: length and the rest.
        """
        planned: list[WalkedStep] = []
        for start in sorted(preference, key=lambda c: (-(preference[c] - mastery[c]), c)):
            if len(planned) >= options.length:
                break
            if any(step.concept_id == start for step in planned):
                continue
            path = [WalkedStep(start, start, None, mastery[start], preference[start], None)]
            while (
                len(path) - 1 < options.max_prerequisites
                and len(planned) + len(path) < options.length
            ):
                now = path[-1].concept_id
                taken = {step.concept_id for step in planned + path}
                before = [p for p in self.prerequisites_of(now) if p not in taken]
                if not before:
                    break
                alike = {p: self.pair(p, now) for p in before}
                best = min(before, key=lambda p: (-(alike[p] + (1 - mastery[p])), p))
                path.append(WalkedStep(best, start, now, mastery[best], None, alike[best]))
            planned += path[::-1]
        return planned

    def concepts_of(self, course_id: str) -> list[str]:
        """Concepts of a course, by Cypher."""
        return [row["id"] for row in self.store.read("walk.course_concepts", course_id=course_id)]

    def prerequisites_of(self, concept_id: str) -> list[str]:
        """Direct prerequisites of a concept, by Cypher."""
        rows = self.store.read("walk.direct_prerequisites", concept_id=concept_id)
        return [row["id"] for row in rows]

    def courses_of(self, learner_id: str) -> list[str]:
        """Courses that the learner is enrolled in."""
        enrolled = self.records.enrolled[[self.learner_at[learner_id]]].tocoo()
        return [str(self.records.course_ids[k]) for k in enrolled.col]

    def learned_by(self, learner_id: str, mine: list[str]) -> set[str]:
        """Concepts of watched videos, and of courses whose videos have no concepts."""
        records = self.records
        viewed = records.viewed[[self.learner_at[learner_id]]].tocoo()
        covered = records.q_matrix[viewed.col[viewed.data > 0]].tocoo().col
        learned = set(records.concept_ids[covered].tolist())
        for course_id in mine:
            course = self.course_at[course_id]
            videos = records.course_items[[course]].tocoo().col
            if records.q_matrix[videos].nnz == 0:
                concepts = records.course_concepts[[course]].tocoo().col
                learned |= set(records.concept_ids[concepts].tolist())
        return learned

    def mastery_of(self, learner_id: str) -> dict[str, float]:
        """The stored mastery of each concept, or the concept's prior."""
        d = self.diagnosis
        mastery = dict(zip(d.concept_ids.tolist(), d.prior.tolist(), strict=True))
        row = d.mastery[d.learner_ids == learner_id].tocoo()
        mastery |= zip(d.concept_ids[row.col].tolist(), row.data.tolist(), strict=True)
        return mastery

    def preference(
        self, concept_id: str, around: list[str], learned: set[str], neighbours: int
    ) -> float:
        """Eq. (12), one concept."""
        others = [j for j in around if j != concept_id]
        places = [self.similar_at[j] for j in others]
        alike = self.similar[self.similar_at[concept_id], places]
        top = np.argsort(-alike, kind="stable")[:neighbours]  # `around` follows the ids
        whole = sum(alike[k] for k in top)
        return sum(alike[k] for k in top if others[k] in learned) / whole if whole > 0 else 0.0

    def pair(self, one: str, other: str) -> float:
        """Eq. (8), one pair."""
        return float(self.similar[self.similar_at[one], self.similar_at[other]])


def paper_similarity(parts: FusedSimilarity) -> Floats:
    """Eqs. (1), (2), (5) and (8) as the paper prints them, with the bounds taken again: (K, K)."""
    semantic = 1 / (1 + cdist(parts.vectors, parts.vectors))
    learned = parts.learners.matrix().astype(float)
    shared = (learned.T @ learned).toarray()
    squares = np.diag(shared)
    norms = np.sqrt(np.outer(squares, squares))  # one root: exact for squares, ties stay
    collaborative = np.where(norms > 0, shared / np.where(norms > 0, norms, 1), 0)
    fused = np.zeros_like(semantic)
    pairs = ~np.eye(len(semantic), dtype=bool)
    for weight, values in ((parts.alpha, semantic), (1 - parts.alpha, collaborative)):
        low, high = values[pairs].min(), values[pairs].max()
        if high > low:
            fused += weight * (values - low) / (high - low)
    return fused
