import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learner_cases import hand_model
from planning_cases import random_case

from kgplan.graph.snapshot import GraphSnapshot
from kgplan.planning import Planner, PlanOptions
from kgplan.planning.live import LiveModel
from kgplan.planning.stored import planner_from_arrays, planner_to_arrays


def through_files(planner, folder) -> Planner:
    """Written as files, and read from their memory maps."""
    arrays, values = planner_to_arrays(planner)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    mapped = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in arrays}
    return planner_from_arrays(mapped, json.loads(json.dumps(values)))


@settings(max_examples=8)  # each writes a hundred files
@given(st.integers(0, 2**32 - 1), st.sampled_from([{}, {"minutes": 90}, {"theta": 0.5}]))
def test_a_planner_made_from_mapped_files_gives_the_same_plans(tmp_path_factory, seed, chosen):
    planner = random_case(seed).planner()
    again = through_files(planner, tmp_path_factory.mktemp("planner"))
    options = PlanOptions(length=6, **chosen)
    for learner in planner.records.learner_ids.tolist():
        for course in planner.graph.course_ids.tolist():
            try:
                expected = planner.plan(learner, course, options)
            except Exception as error:
                with pytest.raises(type(error)):
                    again.plan(learner, course, options)
                continue
            assert again.plan(learner, course, options) == expected
            assert again.explain(expected) == planner.explain(expected)


def test_a_graph_made_from_mapped_files_says_the_same(tmp_path):
    planner = random_case(0).planner()
    one, other = planner.graph, through_files(planner, tmp_path).graph
    assert isinstance(other, GraphSnapshot)
    assert one.version == other.version
    assert dict(one.prerequisite_sources) == dict(other.prerequisite_sources)
    assert (one.prerequisites != other.prerequisites).nnz == 0
    np.testing.assert_array_equal(one.strength, other.strength)
    np.testing.assert_array_equal(one.group, other.group)
    np.testing.assert_array_equal(one.triples, other.triples)
    assert one.named.keys() == other.named.keys()


def test_single_learners_are_updated_as_before(tmp_path):
    planner = hand_model().planner()
    again = through_files(planner, tmp_path)
    one, other = (LiveModel(p.records, p.diagnosis) for p in (planner, again))
    assert one.lengths == other.lengths
    assert other.knows(str(planner.records.learner_ids[0]))
    assert again.diagnosis.items is not None


def test_large_arrays_are_not_copied(tmp_path):
    again = through_files(random_case(0).planner(), tmp_path)
    derived, records = again.derived, again.records
    for array in (
        derived.mastery.data,
        derived.learned.indices,
        derived.nearby.values,
        records.viewed.data,
        again.similarity.vectors,
        again.similarity.learners.learners,
    ):
        assert not array.flags.owndata
        assert not array.flags.writeable
