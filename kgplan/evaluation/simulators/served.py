"""The planner that is served, asked again after each step, on a small model made for it.

Each concept has `ITEMS` exercises of one length, or videos where work is no answer; each learner
has a course of their own, which asks for their goals and shows the items of these and of all they
need. What a learner did goes in as events would: answered right or not, or watched; mastery is the
estimate of the protocol.
Sizes: L learners, K concepts.
"""

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Ints
from kgplan.data.records import EXERCISE, VIDEO, LearnerRecords
from kgplan.diagnosis.config import DiagnosisConfig
from kgplan.evaluation.simulators.contestant import Classroom, Contestant
from kgplan.evaluation.simulators.protocol import GUESS, PRIOR, SLIP, Platform, Policy, Seen
from kgplan.graph.rows import Row
from kgplan.graph.schema import graph_schema
from kgplan.graph.snapshot import GraphSnapshot, snapshot_of
from kgplan.planning import Planner, PlanOptions
from kgplan.planning.learner import CurrentLearner
from kgplan.planning.mastery import ItemParameters, LearnerMastery
from kgplan.planning.policy import Needs
from kgplan.similarity import fuse

ITEMS = 3
MINUTES = 5.0


def small_model(platform: Platform, goals: Array) -> Planner:
    """A planner for what a platform knows, with a course for each learner.

    Args:
        platform: its concepts become `K_0000`, `K_0001`, ...
        goals: (L, K) what each learner is to hold; the course of learner 0 is `C_0000`.
    """
    size, n = platform.order.size, len(goals)
    concepts = _ids("K", size)
    needs = Needs.of(platform.prerequisites, platform.place)
    shown = np.repeat(goals.astype(np.float32) @ needs.whole > 0, ITEMS, axis=1)
    place = np.repeat(platform.place * ITEMS, ITEMS) + np.tile(np.arange(ITEMS), size) + 1
    records = LearnerRecords(
        learner_ids=np.array(["U_0"]),
        item_ids=_ids("V", size * ITEMS),
        concept_ids=concepts,
        course_ids=_ids("C", n),
        enrolled=sparse.csr_array((1, n), dtype=np.int8),
        viewed=sparse.csr_array((1, size * ITEMS)),
        course_concepts=sparse.csr_array(goals.astype(np.int8)),
        course_items=sparse.csr_array(shown * place),
        q_matrix=sparse.csr_array(np.repeat(np.eye(size, dtype=np.int8), ITEMS, axis=0)),
        item_seconds=np.full(size * ITEMS, 60 * MINUTES),
        item_kinds=np.full(size * ITEMS, EXERCISE if platform.answered else VIDEO),
    )
    diagnosis = LearnerMastery(
        records.learner_ids,
        concepts,
        sparse.csr_array((1, size)),
        np.full(size, PRIOR),
        sparse.csr_array((1, size), dtype=bool),
        ItemParameters(
            records.item_ids,
            np.full(size * ITEMS, SLIP),
            np.full(size * ITEMS, GUESS),
            DiagnosisConfig(),
        ),
    )
    alike = fuse(concepts, np.zeros((size, 2)), sparse.csr_array((1, size), dtype=bool), 1.0)
    return Planner(_graph(platform, goals), records, diagnosis, alike, "simulated")


def _graph(platform: Platform, goals: Array) -> GraphSnapshot:
    concepts, courses = _ids("K", platform.order.size), _ids("C", len(goals))
    entities: dict[str, list[Row]] = {each.name: [] for each in graph_schema().classes}
    edges: dict[str, list[Row]] = {each.name: [] for each in graph_schema().relations}
    entities["concept"] = [{"id": c, "name": c, "name_en": None} for c in concepts.tolist()]
    entities["course"] = [{"id": c, "name": c} for c in courses.tolist()]
    of, asked = np.nonzero(goals)
    edges["course_has_concept"] = [
        {"head": head, "tail": tail}
        for head, tail in zip(courses[of].tolist(), concepts[asked].tolist(), strict=True)
    ]
    pairs = platform.prerequisites.tocoo()
    edges["prerequisite_of"] = [
        {"head": head, "tail": tail, "sources": ["platform"]}
        for head, tail in zip(
            concepts[pairs.col].tolist(), concepts[pairs.row].tolist(), strict=True
        )
    ]
    return snapshot_of(entities, edges)


class _Served:
    """Asks the planner for the first step of a plan for each learner."""

    def __init__(self) -> None:
        self._planner: Planner | None = None

    def __call__(self, seen: Seen, rng: np.random.Generator) -> Ints:
        if self._planner is None or seen.left == seen.steps:
            self._begin(seen)
        assert self._planner is not None
        self._take_in(seen)
        axis = self._planner.graph.concept_ids
        chosen = np.where(seen.goals, seen.mastery, np.inf).argmin(axis=1)  # where no step is left
        for u in np.flatnonzero(~seen.gone).tolist():
            reached = np.flatnonzero(seen.tries[u])
            current = CurrentLearner(
                axis,
                reached,
                seen.mastery[u, reached],
                np.zeros(reached.size, dtype=bool),
                courses=frozenset([f"C_{u:04}"]),
                in_records=False,
                shares=self._shares[u],
                scores=self._scores[u],
                seen_at=self._times[u],
                answers=tuple(self._answers[u]),
            )
            plan = self._planner.plan(f"U_{u}", f"C_{u:04}", PlanOptions(length=1), current)
            if plan.steps:
                chosen[u] = int(np.searchsorted(axis, plan.steps[0].concept_id))
        return chosen

    def _begin(self, seen: Seen) -> None:
        self._planner = small_model(seen.platform, seen.goals)
        n = len(seen.goals)
        self._shares, self._scores, self._times = (
            [dict[str, float]() for _ in range(n)] for _ in range(3)
        )
        self._answers: list[list[tuple[str, float]]] = [[] for _ in range(n)]
        self._tries, self._right = np.zeros((2, *seen.goals.shape), np.int64)

    def _take_in(self, seen: Seen) -> None:
        """Put down what was worked on since: each item of a concept in turn, then again."""
        for u, k in np.argwhere(seen.tries > self._tries).tolist():
            item = f"V_{k * ITEMS + (seen.tries[u, k] - 1) % ITEMS:04}"
            if seen.platform.answered:
                score = float(seen.right[u, k] > self._right[u, k])
                self._scores[u][item] = max(score, self._scores[u].get(item, 0.0))
                self._answers[u].append((item, score))
            else:
                self._shares[u][item] = 1.0
            self._times[u][item] = float(seen.steps - seen.left + 1)
        self._tries, self._right = seen.tries.copy(), seen.right.copy()


def _ids(letter: str, n: int) -> Array:
    return np.array([f"{letter}_{k:04}" for k in range(n)])


def _make(classroom: Classroom) -> Policy:
    return _Served()


CONTESTANT = Contestant(
    "gain", "the planner that is served, asked again after each step", _make, most_learners=20
)
