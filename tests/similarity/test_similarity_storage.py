"""Float32 vectors: what is stored, and that no plan is another for it, on the real sample."""

from dataclasses import replace

import numpy as np
import pytest

from kgplan.data.records import learned_concepts
from kgplan.model.opening import open_similarity
from kgplan.planning import Planner, PlanOptions
from kgplan.similarity import fuse
from kgplan.store.artifacts import ArtifactStore


def plans_with(planner, similarity):
    """Plans of learners in their own courses: who follows whom.

    By similarity of every tenth learner; of every hundredth also by the planner that is served, for
    which it decides little.
    """
    other = Planner(
        planner.graph, planner.records, planner.diagnosis, similarity, planner.model_version
    )
    plans = []
    for every, name in ((10, "kg-plppm"), (100, "gain")):
        enrolled = planner.records.enrolled[::every].tocoo()
        learners, courses = planner.records.learner_ids[::every], planner.records.course_ids
        options = PlanOptions(length=8, planner=name)
        plans += [
            [
                (step.concept_id, step.leads_to)
                for step in other.plan(str(learners[u]), str(courses[c]), options).steps
            ]
            for u, c in zip(enrolled.row, enrolled.col, strict=True)
        ]
    return plans


def test_the_stored_vectors_are_the_trained_ones_bit_by_bit(sample_home):
    artifacts = ArtifactStore(sample_home.artifacts)
    embedding = artifacts.current("embedding")
    stored = open_similarity(artifacts.current("similarity"))
    at = np.searchsorted(embedding.array("entity_ids"), stored.concept_ids)
    assert stored.vectors.dtype == np.float32
    np.testing.assert_array_equal(stored.vectors, embedding.array("vectors")[at])


def test_plans_from_float32_vectors_equal_plans_from_the_same_numbers_in_float64(sample_planner):
    stored = sample_planner.similarity
    wide = replace(stored, vectors=stored.vectors.astype(np.float64))
    plans = plans_with(sample_planner, wide)
    assert sum(map(len, plans)) > 5_000
    assert plans == plans_with(sample_planner, stored)


@pytest.mark.parametrize("seed", [0, 1])
def test_rounding_float64_vectors_to_float32_changes_no_plan(sample_planner, seed):
    """Vectors with digits that float32 cannot hold, and the same rounded; bounds of each."""
    stored, records = sample_planner.similarity, sample_planner.records
    learned = learned_concepts(records).matrix
    learned = learned[:, np.isin(records.concept_ids, stored.concept_ids)]
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, stored.vectors.shape)
    fine = stored.vectors + noise * np.spacing(np.abs(stored.vectors))
    rounded = fine.astype(np.float32)
    assert (rounded != fine).mean() > 0.99
    fused = [fuse(stored.concept_ids, v, learned, stored.alpha) for v in (fine, rounded)]
    one, other = (plans_with(sample_planner, each) for each in fused)
    assert one == other
