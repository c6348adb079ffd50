"""What should this learner learn next in this course? Algorithm 1 of KG-PLPPM on arrays.

Spec section 4. Sizes: U learners, K concepts, C courses; A concepts of the course asked for,
N concepts of the learner's courses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from math import sqrt

import numpy as np
from numba import njit
from rapidfuzz import process
from scipy import sparse

from kgplan.arrays import Array, Floats, Ids, Ints, positions
from kgplan.diagnosis.config import DiagnosisConfig
from kgplan.diagnosis.uncertainty import WEAK_EVIDENCE, divergence
from kgplan.errors import UnknownCourse, UnknownLearner
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.planning.learner import ConceptMastery, CurrentLearner
from kgplan.planning.plan import (
    MASTERED,
    Doubt,
    Plan,
    PlanOptions,
    Step,
    Teaching,
    Terms,
    because_prerequisite,
    because_start,
)
from kgplan.records import LearnerRecords, learned_concepts
from kgplan.similarity import FusedSimilarity

DENSE_LIMIT = 4096  # concepts; 201 MB at the limit
TEACHINGS = 3  # places to learn a concept that a step names


@dataclass(frozen=True)
class ItemParameters:
    """How videos respond to mastery, for updates of single learners by `planning.live`.

    Attributes:
        video_ids: (V,) sorted.
        slip, guess: (V,).
        config: of the fit.
    """

    video_ids: Ids
    slip: Floats
    guess: Floats
    config: DiagnosisConfig


@dataclass(frozen=True)
class LearnerMastery:
    """Every learner's mastery, on its own sorted ids.

    Attributes:
        learner_ids, concept_ids: (U,), (K,) sorted.
        mastery: (U, K) stored where evidence reaches the learner's concept.
        prior: (K,) mastery where none does.
        not_told_apart: (U, K) True where the evidence leaves open which of several concepts the
            learner holds (`diagnosis.not_told_apart`).
        items: what single learners are updated by; None where no event can move the mastery.
    """

    learner_ids: Ids
    concept_ids: Ids
    mastery: sparse.csr_array
    prior: Floats
    not_told_apart: sparse.csr_array
    items: ItemParameters | None = None


@dataclass(frozen=True)
class _Learner:
    """What the planner needs of one learner, on the graph's concepts."""

    mastery: Floats  # (K,)
    reached: Array  # (K,) bool, evidence reaches the mastery
    not_told_apart: Array  # (K,) bool
    around: Array  # (K,) bool, N_u
    learned: Array  # (K,) bool, C_uj
    courses: frozenset[str]
    passed_over: Array  # (K,) bool, not to be planned
    too_hard: Array  # (K,) bool


class Planner:
    """Algorithm 1, ready to answer for any learner and course.

    Args:
        graph: what the graph says.
        records: what the learners did.
        diagnosis: what they know.
        similarity: eq. (8).
        model_version: named in every plan.
        dense_limit: concepts up to which all similarities are held in memory.
    """

    def __init__(
        self,
        graph: GraphSnapshot,
        records: LearnerRecords,
        diagnosis: LearnerMastery,
        similarity: FusedSimilarity,
        model_version: str,
        dense_limit: int = DENSE_LIMIT,
    ) -> None:
        self.graph = graph
        self.records = records
        self.diagnosis = diagnosis
        self.similarity = similarity
        self.model_version = model_version
        # each part keeps the concepts it was made with; the graph's order rules here
        self._to_similarity = positions(similarity.concept_ids, graph.concept_ids)
        self._prior = _prior_of(diagnosis, graph.concept_ids)
        self._mastery = _moved(diagnosis.mastery, diagnosis.concept_ids, graph.concept_ids)
        self._not_told_apart = _moved(
            diagnosis.not_told_apart, diagnosis.concept_ids, graph.concept_ids
        )
        learned = learned_concepts(records).matrix
        self._learned = _moved(learned, records.concept_ids, graph.concept_ids)
        self._enrolled = _moved(records.enrolled, records.course_ids, graph.course_ids)
        self._course_at = {name: k for k, name in enumerate(graph.course_ids.tolist())}
        self._learner_at = {name: k for k, name in enumerate(records.learner_ids.tolist())}
        self._diagnosed_at = {name: k for k, name in enumerate(diagnosis.learner_ids.tolist())}
        self._teachings = _teachings(graph, records)
        self._ids, self._names = graph.concept_ids.tolist(), graph.concept_names.tolist()
        self._english = graph.concept_names_en.tolist()
        self._record_course_ids = records.course_ids.tolist()
        self._edge_similarity = self._similarity_of_prerequisites()
        self._dense = None
        if graph.concept_ids.size <= dense_limit:
            everything = np.arange(graph.concept_ids.size)
            self._dense = self._similarity_block(everything, everything)
            # stable over positions that follow the ids: ties break by concept id
            self._order = np.argsort(-self._dense, axis=1, kind="stable").astype(np.int32)

    def _similarity_of_prerequisites(self) -> Floats:
        """sim(p, now) of each stored prerequisite: all that the walk back asks for."""
        requires = self.graph.prerequisites.tocoo()
        now, before = self._to_similarity[requires.row], self._to_similarity[requires.col]
        known = (now >= 0) & (before >= 0)
        found = np.zeros(now.size)
        found[known] = self.similarity.pairs(before[known], now[known])
        return found

    def _similarity_block(self, rows: Ints, columns: Ints) -> Floats:
        """(n, m) similarity; 0 for a concept that the similarity was made without."""
        to = self._to_similarity
        if to.min(initial=0) >= 0:
            return self.similarity.block(to[rows], to[columns])
        known_rows, known_columns = to[rows] >= 0, to[columns] >= 0
        block = np.zeros((rows.size, columns.size))
        block[np.ix_(known_rows, known_columns)] = self.similarity.block(
            to[rows[known_rows]], to[columns[known_columns]]
        )
        return block

    def plan(
        self,
        learner_id: str,
        course_id: str,
        options: PlanOptions | None = None,
        current: CurrentLearner | None = None,
    ) -> Plan:
        """Plan what the learner should learn next in the course.

        Args:
            learner_id, course_id: ids of the records and of the graph.
            options: length and the rest; defaults where None.
            current: what is known of the learner now; records and diagnosis alone where None.

        Raises:
            UnknownLearner, UnknownCourse: no such id; the error holds close matches.
        """
        options = options or PlanOptions()
        course = self._course(course_id)
        learner = self._learner(learner_id, current)
        asked = _row(self.graph.course_concepts, course)
        preference = self._preference(learner, asked, options.neighbours)
        value = preference - learner.mastery[asked]
        # a stable sort of positions that follow the ids: ties break by concept id
        order = np.argsort(-value, kind="stable")
        requires = self.graph.prerequisites
        concepts, starts, leads, similarities = _walk(
            asked[order],
            requires.indptr,
            requires.indices,
            self._edge_similarity,
            learner.mastery,
            options.length,
            options.max_prerequisites,
            learner.passed_over,
            learner.too_hard,
        )
        evidence = divergence(learner.mastery[concepts], self._prior[concepts])
        steps = []
        for concept, start, leads_to, similarity, bits in zip(
            *(a.tolist() for a in (concepts, starts, leads, similarities, evidence)), strict=True
        ):
            mastery = float(learner.mastery[concept])
            if leads_to < 0:
                k = int(np.searchsorted(asked, concept))
                terms = Terms(float(preference[k]), mastery, float(value[k]), None, None)
            else:
                terms = Terms(None, mastery, None, similarity, similarity + (1 - mastery))
            steps.append(self._step(course_id, learner, terms, bits, concept, start, leads_to))
        return Plan(
            learner_id,
            course_id,
            self.graph.version,
            self.model_version,
            tuple(steps),
            _notes(course_id, learner, asked, steps, options),
        )

    def mastery(
        self,
        learner_id: str,
        course_id: str | None = None,
        current: CurrentLearner | None = None,
    ) -> list[ConceptMastery]:
        """How likely the learner holds each concept that evidence reaches, or each of a course.

        Args:
            learner_id, course_id, current: as for `plan`.

        Returns:
            In order of concept id.

        Raises:
            UnknownLearner, UnknownCourse: no such id; the error holds close matches.
        """
        learner = self._learner(learner_id, current)
        if course_id is None:
            concepts = np.flatnonzero(learner.reached)
        else:
            concepts = _row(self.graph.course_concepts, self._course(course_id))
        mastery = learner.mastery[concepts]
        evidence = divergence(mastery, self._prior[concepts])
        found = []
        for concept, probability, bits in zip(
            *(a.tolist() for a in (concepts, mastery, evidence)), strict=True
        ):
            doubt = _doubt(learner, concept, bits)
            sd = sqrt(probability * (1 - probability))
            name = self._names[concept]
            found.append(
                ConceptMastery(self._ids[concept], name, probability, sd, bits, not doubt, doubt)
            )
        return found

    def _preference(self, learner: _Learner, asked: Ints, neighbours: int) -> Floats:
        """S_P of eq. (12).

        Args:
            learner: whose.
            asked: (A,) positions of the concepts asked for.
            neighbours: n, how many similar concepts count.

        Returns:
            (A,) in [0, 1]; 0 where the learner's courses have no other concept.
        """
        among, learned = learner.around, learner.learned
        if self._dense is not None:
            return _preferences(self._dense, self._order, asked, asked, among, learned, neighbours)
        around = np.flatnonzero(among)
        alike = self._similarity_block(asked, around)
        return _preferences(
            alike,
            np.argsort(-alike, axis=1, kind="stable").astype(np.int32),
            np.arange(asked.size),
            positions(around, asked),
            np.ones(around.size, dtype=bool),
            learned[around],
            neighbours,
        )

    def _step(
        self,
        course_id: str,
        learner: _Learner,
        terms: Terms,
        evidence: float,
        concept: int,
        start: int,
        leads_to: int,
    ) -> Step:
        doubt = _doubt(learner, concept, evidence)
        name = self._names[concept]
        if leads_to < 0:
            because = because_start(terms, doubt)
        else:
            because = because_prerequisite(name, self._names[leads_to], terms, doubt)
        return Step(
            concept_id=self._ids[concept],
            name=name,
            name_en=self._english[concept],
            role="start" if leads_to < 0 else "prerequisite",
            start_concept_id=self._ids[start],
            leads_to=None if leads_to < 0 else self._ids[leads_to],
            terms=terms,
            sd=sqrt(terms.mastery * (1 - terms.mastery)),
            evidence=evidence,
            identified=doubt is None,
            doubt=doubt,
            teaches=self._where_taught(concept, course_id, learner.courses),
            because=because,
        )

    def _where_taught(
        self, concept: int, course_id: str, own: frozenset[str]
    ) -> tuple[Teaching, ...]:
        """The course asked for, then the learner's courses, then others; with a video first."""
        places = self._teachings[concept]
        first = [places[course_id]] if course_id in places else []
        mine = [places[c] for c in places.keys() & own if c != course_id]
        found = first + sorted(mine, key=_with_video_first)
        if len(found) < TEACHINGS:
            named = {place.course_id for place in found}
            others = (place for c, place in places.items() if c not in named)
            found += islice(others, TEACHINGS - len(found))
        return tuple(found[:TEACHINGS])

    def _course(self, course_id: str) -> int:
        if course_id not in self._course_at:
            raise UnknownCourse(course_id, close_matches(course_id, self.graph.course_ids))
        return self._course_at[course_id]

    def _learner(self, learner_id: str, current: CurrentLearner | None = None) -> _Learner:
        row = self._learner_at.get(learner_id)
        if current is not None and not current.in_records:
            row = None
        if row is None and current is None:
            ids = self.records.learner_ids
            raise UnknownLearner(learner_id, close_matches(learner_id, ids))
        mastery, known = self._prior.copy(), self._mastery
        reached, not_apart, around, learned, over, hard = np.zeros((6, mastery.size), dtype=bool)
        courses: frozenset[str] = frozenset()
        diagnosed = self._diagnosed_at.get(learner_id)
        if diagnosed is not None and current is None:
            stored = slice(known.indptr[diagnosed], known.indptr[diagnosed + 1])
            mastery[known.indices[stored]] = known.data[stored]
            reached[known.indices[stored]] = True
            not_apart[_row(self._not_told_apart, diagnosed)] = True
        if row is not None:
            learned[_row(self._learned, row)] = True
            for course in _row(self._enrolled, row):
                around[_row(self.graph.course_concepts, course)] = True
            mine = _row(self.records.enrolled, row).tolist()
            courses = frozenset([self._record_course_ids[k] for k in mine])
        if current is not None:
            at = positions(self.graph.concept_ids, current.concept_ids)
            here = at >= 0
            mastery[at[here]] = current.mastery[here]
            reached[at[here]] = True
            not_apart[at[here]] = current.not_told_apart[here]
            for course_id in current.courses & self._course_at.keys():
                around[_row(self.graph.course_concepts, self._course_at[course_id])] = True
            courses |= current.courses
            held = self._places(current.wishes.held)
            # what was said to be held is no evidence: it steers plans, not `Planner.mastery`
            over[held] = over[self._places(current.wishes.left_out)] = True
            hard[self._places(current.wishes.too_hard)] = True
            learned[self._places(current.learned)] = learned[held] = True
        return _Learner(mastery, reached, not_apart, around, learned, courses, over, hard)

    def _places(self, concept_ids: frozenset[str]) -> Ints:
        """Positions of those concepts that the graph has."""
        at = positions(self.graph.concept_ids, np.array(sorted(concept_ids), dtype=np.str_))
        return at[at >= 0]


def _row(matrix: sparse.csr_array, row: int) -> Ints:
    """Columns stored in a row."""
    return matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]


def _doubt(learner: _Learner, concept: int, evidence: float) -> Doubt | None:
    """Why a mastery is not the learner's own; what more views of the same kind mend comes last."""
    if not learner.reached[concept]:
        return "no_evidence"
    if learner.not_told_apart[concept]:
        return "not_told_apart"
    return "weak_evidence" if evidence < WEAK_EVIDENCE else None


def _moved(matrix: sparse.csr_array, of: Ids, to: Ids) -> sparse.csr_array:
    """The matrix with its columns, named by `of`, where `to` has these names; others left out."""
    stored = matrix.tocoo()
    column = positions(to, of)[stored.col]
    kept = column >= 0
    moved = sparse.coo_array(
        (stored.data[kept], (stored.row[kept], column[kept])), shape=(matrix.shape[0], to.size)
    ).tocsr()
    moved.sort_indices()
    return moved


def _prior_of(diagnosis: LearnerMastery, concept_ids: Ids) -> Floats:
    """Each concept's prior; for one that the diagnosis was made without, the mean of all."""
    at = positions(diagnosis.concept_ids, concept_ids)
    mean = float(diagnosis.prior.mean()) if diagnosis.prior.size else 0.5
    return np.where(at >= 0, np.append(diagnosis.prior, mean)[at], mean)


@njit(cache=True)
def _walk(
    starts: Ints,
    indptr: Ints,
    indices: Ints,
    edge_similarity: Floats,
    mastery: Floats,
    length: int,
    max_prerequisites: int,
    passed_over: Array,
    too_hard: Array,
) -> tuple[Ints, Ints, Ints, Floats]:
    """Steps 4 and 5 of Algorithm 1.

    Args:
        starts: (A,) concepts of the course, largest value first.
        indptr, indices, edge_similarity: for each concept its direct prerequisites in order of
            id, and eq. (8) with them.
        mastery: (K,).
        length, max_prerequisites: as in PlanOptions.
        passed_over: (K,) True for what is not planned.
        too_hard: (K,) True where the walk takes all direct prerequisites before it ends.

    Returns:
        For each step, foundation first: its concept, its start, what it leads to (-1 for a
        start) and eq. (8) with that.
    """
    planned = passed_over.copy()
    concepts = np.empty(length, dtype=np.int64)
    of_start = np.empty(length, dtype=np.int64)
    leads = np.empty(length, dtype=np.int64)
    similarities = np.empty(length)
    done = 0
    for start in starts:
        if done == length:
            break
        if planned[start]:
            continue
        begin, now, leads_to, similarity = done, start, -1, 0.0
        while True:
            planned[now] = True
            concepts[done], of_start[done] = now, start
            leads[done], similarities[done] = leads_to, similarity
            done += 1
            if done == length or done - begin > max_prerequisites:
                break
            of = leads_to if leads_to >= 0 and too_hard[leads_to] else now
            best, best_score, best_similarity = -1, -np.inf, 0.0
            for k in range(indptr[of], indptr[of + 1]):
                before = indices[k]
                score = edge_similarity[k] + (1 - mastery[before])
                if not planned[before] and score > best_score:  # equal: the smaller id stays
                    best, best_score, best_similarity = before, score, edge_similarity[k]
            if best < 0:
                break
            leads_to, now, similarity = of, best, best_similarity
        for path in (concepts, of_start, leads):
            path[begin:done] = path[begin:done][::-1].copy()
        similarities[begin:done] = similarities[begin:done][::-1].copy()
    return concepts[:done], of_start[:done], leads[:done], similarities[:done]


@njit(cache=True)
def _preferences(
    alike: Floats,
    order: Ints,
    rows: Ints,
    own: Ints,
    among: Array,
    learned: Array,
    neighbours: int,
) -> Floats:
    """Eq. (12): for each row, the first n columns in order of similarity that are in N_u.

    Args:
        alike: similarity, rows of concepts by columns of concepts.
        order: for each row its columns, most similar first.
        rows: which rows are asked for.
        own: for each of them the column of the same concept, which says nothing about itself.
        among, learned: for each column whether it is in N_u, and C_uj.
        neighbours: n.
    """
    result = np.zeros(rows.size)
    for i in range(rows.size):
        count, top, whole = 0, 0.0, 0.0
        for j in order[rows[i]]:
            if not among[j] or j == own[i]:
                continue
            s = alike[rows[i], j]
            whole += s
            if learned[j]:
                top += s
            count += 1
            if count == neighbours:
                break
        if whole > 0:
            result[i] = top / whole
    return result


def _with_video_first(place: Teaching) -> tuple[bool, str]:
    return place.video_id is None, place.course_id


def _teachings(graph: GraphSnapshot, records: LearnerRecords) -> list[dict[str, Teaching]]:
    """For every concept the courses that have it, each with its first video on the concept."""
    places: list[list[Teaching]] = [[] for _ in graph.concept_ids]
    first_video: dict[tuple[str, str], tuple[int, str]] = {}
    shown = records.course_videos.tocoo()
    q = records.q_matrix
    for course, video, position in zip(
        shown.row.tolist(), shown.col.tolist(), shown.data.tolist(), strict=True
    ):
        course_id, video_id = str(records.course_ids[course]), str(records.video_ids[video])
        for concept in q.indices[q.indptr[video] : q.indptr[video + 1]]:
            key = (course_id, str(records.concept_ids[concept]))
            earlier = first_video.get(key)
            if earlier is None or (position, video_id) < earlier:
                first_video[key] = (position, video_id)
    listed = graph.course_concepts.tocoo()
    pairs = set(
        zip(
            graph.course_ids[listed.row].tolist(),
            graph.concept_ids[listed.col].tolist(),
            strict=True,
        )
    )
    at = {concept_id: k for k, concept_id in enumerate(graph.concept_ids.tolist())}
    for course_id, concept_id in sorted(pairs | set(first_video)):
        if concept_id in at:
            video = first_video.get((course_id, concept_id))
            places[at[concept_id]].append(Teaching(course_id, video[1] if video else None))
    return [{p.course_id: p for p in sorted(each, key=_with_video_first)} for each in places]


def _notes(
    course_id: str, learner: _Learner, asked: Ints, steps: Sequence[Step], options: PlanOptions
) -> tuple[str, ...]:
    notes = []
    if asked.size == 0:
        notes.append(
            f"Course {course_id} has no concepts in the graph, so there is nothing to plan."
        )
    elif learner.mastery[asked].min() >= MASTERED:
        notes.append("You have mastered every concept of this course; these steps are a review.")
    if not learner.around.any():
        notes.append("Nothing is known about you yet: the plan rests on the course alone.")
    n_over = int(learner.passed_over[asked].sum())
    if n_over:
        notes.append(f"{n_over} of the course's concepts are passed over, as you said.")
    if asked.size and len(steps) < options.length:
        notes.append(
            f"The course and what it builds on give {len(steps)}"
            f" of the {options.length} steps asked for."
        )
    return tuple(notes)


def close_matches(wanted: str, ids: Ids, limit: int = 3) -> list[str]:
    """Ids that look like the one that was asked for, best first.

    >>> close_matches("C_math", np.array(["C_maths", "C_art", "K_x"]))
    ['C_maths']
    """
    return [
        match for match, _, _ in process.extract(wanted, ids.tolist(), limit=limit, score_cutoff=75)
    ]
