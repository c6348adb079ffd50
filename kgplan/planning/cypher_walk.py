"""Algorithm 1 again, asking the graph database hop by hop: slow, plain, the planner's oracle.

Nothing is shared with `planner.py` but the types of the answer; the similarity is eq. (8) for one
pair at a time.
"""

import math
from dataclasses import dataclass

from kgplan.graph.store import GraphStore
from kgplan.planning.plan import PlanOptions
from kgplan.planning.planner import LearnerMastery
from kgplan.records import LearnerRecords
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
        self.similarity = similarity
        self.learner_at = {id: k for k, id in enumerate(records.learner_ids.tolist())}
        self.similar_at = {id: k for k, id in enumerate(similarity.concept_ids.tolist())}
        self.diagnosed_at = {id: k for k, id in enumerate(diagnosis.concept_ids.tolist())}
        self.diagnosed_learner_at = {id: k for k, id in enumerate(diagnosis.learner_ids.tolist())}

    def walk(self, learner_id: str, course_id: str, options: PlanOptions) -> list[WalkedStep]:
        """The steps of the plan, foundation first."""
        asked = self.concepts_of(course_id)
        mine = self.courses_of(learner_id)
        around = sorted({concept for course in mine for concept in self.concepts_of(course)})
        learned = self.learned_by(learner_id, mine)
        preference = {
            concept: self.preference(concept, around, learned, options.neighbours)
            for concept in asked
        }
        value = {c: preference[c] - self.mastery(learner_id, c) for c in asked}
        planned: list[WalkedStep] = []
        for start in sorted(asked, key=lambda concept: (-value[concept], concept)):
            if len(planned) >= options.length:
                break
            if any(step.concept_id == start for step in planned):
                continue
            path = [
                WalkedStep(
                    start, start, None, self.mastery(learner_id, start), preference[start], None
                )
            ]
            while (
                len(path) - 1 < options.max_prerequisites
                and len(planned) + len(path) < options.length
            ):
                now = path[-1].concept_id
                taken = {step.concept_id for step in planned + path}
                before = [p for p in self.prerequisites_of(now) if p not in taken]
                if not before:
                    break
                score = {
                    p: self.similar(p, now) + (1 - self.mastery(learner_id, p)) for p in before
                }
                best = min(before, key=lambda p: (-score[p], p))
                path.append(
                    WalkedStep(
                        best,
                        start,
                        now,
                        self.mastery(learner_id, best),
                        None,
                        self.similar(best, now),
                    )
                )
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
        row = self.learner_at[learner_id]
        enrolled = self.records.enrolled[[row]].tocoo()
        return [str(self.records.course_ids[k]) for k in enrolled.col]

    def learned_by(self, learner_id: str, mine: list[str]) -> set[str]:
        """Concepts of watched videos, and of courses whose videos have no concepts."""
        records, learned = self.records, set()
        viewed = records.viewed[[self.learner_at[learner_id]]].tocoo()
        for video, share in zip(viewed.col, viewed.data, strict=True):
            if share > 0:
                learned |= {
                    str(records.concept_ids[k]) for k in records.q_matrix[[video]].tocoo().col
                }
        for course_id in mine:
            course = records.course_ids.tolist().index(course_id)
            videos = records.course_videos[[course]].tocoo().col
            if not any(records.q_matrix[[video]].nnz for video in videos):
                concepts = records.course_concepts[[course]].tocoo().col
                learned |= {str(records.concept_ids[k]) for k in concepts}
        return learned

    def mastery(self, learner_id: str, concept_id: str) -> float:
        """The stored mastery, or the concept's prior."""
        if concept_id not in self.diagnosed_at:
            return float(sum(self.diagnosis.prior) / len(self.diagnosis.prior))
        column = self.diagnosed_at[concept_id]
        if learner_id in self.diagnosed_learner_at:
            row = self.diagnosis.mastery[[self.diagnosed_learner_at[learner_id]]].tocoo()
            for k, value in zip(row.col, row.data, strict=True):
                if k == column:
                    return float(value)
        return float(self.diagnosis.prior[column])

    def preference(
        self, concept_id: str, around: list[str], learned: set[str], neighbours: int
    ) -> float:
        """Eq. (12), one concept."""
        alike = [(self.similar(concept_id, j), j) for j in around if j != concept_id]
        top = sorted(alike, key=lambda pair: (-pair[0], pair[1]))[:neighbours]
        whole = sum(s for s, _ in top)
        return sum(s for s, j in top if j in learned) / whole if whole > 0 else 0.0

    def similar(self, one: str, other: str) -> float:
        """Eq. (8), one pair, from vectors and co-learning counts."""
        if one not in self.similar_at or other not in self.similar_at:
            return 0.0
        i, j = self.similar_at[one], self.similar_at[other]
        s, b = self.similarity, self.similarity.bounds
        semantic = 1 / (1 + math.dist(s.vectors[i], s.vectors[j]))
        both, first, second = s.shared[i, j], s.shared[i, i], s.shared[j, j]
        collaborative = both / math.sqrt(first * second) if both else 0.0
        return s.alpha * scaled(semantic, b.semantic_min, b.semantic_max) + (1 - s.alpha) * scaled(
            collaborative, b.collaborative_min, b.collaborative_max
        )


def scaled(value: float, smallest: float, largest: float) -> float:
    """Min-max normalisation of one value."""
    return (value - smallest) / (largest - smallest) if largest > smallest else 0.0
