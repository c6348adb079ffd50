"""A planner whose model knows slip and guess, so that events move its masteries."""

from dataclasses import replace

import numpy as np
from planning_cases import Case, hand_case
from scipy import sparse

from kgplan.data.records import LearnerRecords
from kgplan.diagnosis import DiagnosisConfig, infer, not_told_apart
from kgplan.diagnosis.attendance import FEATURES
from kgplan.planning.mastery import ItemAttendance, ItemParameters, LearnerMastery


def diagnosed(case: Case, seed: int = 0, attended: bool = False) -> Case:
    """The case with a diagnosis by the batch's inference, at random slip, guess and prior.

    What was never opened weighs by a random attendance where it is attended, else in full.
    """
    rng = np.random.default_rng(seed)
    records = case.records
    slip, guess = rng.uniform(0.05, 0.3, (2, records.item_ids.size))
    prior = rng.uniform(0.2, 0.8, records.concept_ids.size)
    attendance = _attendance(records, rng) if attended else None
    items = ItemParameters(records.item_ids, slip, guess, DiagnosisConfig(), attendance)
    return replace(case, diagnosis=batch(records, items, prior))


def batch(records: LearnerRecords, items: ItemParameters, prior: np.ndarray) -> LearnerMastery:
    """Every learner's mastery, as the diagnosis stage infers and stores it."""
    (watched, weights), q = items.observed_in(records), sparse.csr_matrix(records.q_matrix)
    found = infer(watched, q, items.slip, items.guess, prior, items.config, weights=weights)
    return LearnerMastery(
        records.learner_ids,
        records.concept_ids,
        sparse.csr_array(found.mastery),
        prior,
        sparse.csr_array(not_told_apart(watched, q)),
        items,
        of_records=True,
    )


def _attendance(records: LearnerRecords, rng: np.random.Generator) -> ItemAttendance:
    n, odds = len(FEATURES), rng.normal(size=records.item_ids.size)
    begun = rng.normal(size=records.course_ids.size)
    weights = np.append(rng.uniform(-1, 1), rng.normal(0, 0.1, n))
    return ItemAttendance(
        records.course_ids, odds, begun, np.zeros(n), np.ones(n), weights, rng.uniform(0.3, 0.9)
    )


def hand_model(seed: int = 0, attended: bool = False) -> Case:
    """The case worked on paper, with videos that cover two concepts each."""
    case = hand_case()
    both = np.eye(6, dtype=np.int8) + np.eye(6, k=1, dtype=np.int8)
    covered = replace(case.records, q_matrix=sparse.csr_array(both))
    return diagnosed(replace(case, records=covered), seed, attended)
