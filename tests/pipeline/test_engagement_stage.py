"""The stage that fits whether a next view is completed: of planted habits, and of too few views."""

import numpy as np
import pytest
from engagement_cases import data

from kgplan.engagement.next_view import Completion
from kgplan.evaluation.engagement import auc
from kgplan.model.opening import StoredArrays, open_completion, open_planner
from kgplan.model.versions import list_models, roll_back
from kgplan.pipeline import engagement_views
from kgplan.pipeline.engagement import EngagementConfig, figures, fitted, run_engagement
from kgplan.store.artifacts import ArtifactStore


@pytest.fixture
def planted(monkeypatch):
    """As if the tables told the views of learners of two habits."""
    watched, records, _ = data()
    monkeypatch.setattr(engagement_views, "read_watched", lambda tables: (watched, records))


def test_too_few_views_are_a_note_and_no_error(own_home):
    report = run_engagement(own_home)
    (note,) = report.details["notes"]
    assert "no learner has more than 8 views" in note
    assert report.details["served"] is False
    store = ArtifactStore(own_home.artifacts)
    assert store.in_use()["engagement"] == report.version
    assert open_completion(store) is None
    assert open_planner(own_home).completion is None
    assert ("served", False) in figures(report.details).rows


def test_what_is_fitted_is_stored_with_how_well_it_tells_held_back_views(own_home, planted):
    report = run_engagement(own_home, EngagementConfig(seed=3))
    again = run_engagement(own_home, EngagementConfig(seed=3))
    assert report.version == again.version  # of the same views and seed
    details = report.details
    assert (details["served"], details["views"], details["learners"]) == (True, 12 * 32, 12)
    assert report.rows_in == 12 * 40
    assert details["auc_low"] <= details["auc"] <= details["auc_high"]
    watched, _, _ = data()
    late = np.arange(watched.learner.size) % 40 >= 8
    completed, keen = (watched.share >= 0.9)[late], (watched.learner % 2 == 0)[late]
    assert details["completed"] == pytest.approx(completed.mean())
    assert details["auc"] == pytest.approx(auc(completed, keen * 1.0), abs=0.05)  # the best rule
    stored = ArtifactStore(own_home.artifacts).current("engagement")
    made = Completion.from_arrays(StoredArrays(stored))
    assert stored.manifest["config"] == {"seed": 3}
    assert made.held_back.sum() == details["views"]
    assert made.completed.sum() == completed.sum()
    planner = open_planner(own_home)
    assert planner.completion is not None
    assert planner.completion.zone == "UTC"


def test_it_comes_into_use_and_goes_back_with_the_model(own_home, planted):
    store = ArtifactStore(own_home.artifacts)
    before, old = store.in_use(), open_planner(own_home)
    assert old.completion is None
    run_engagement(own_home)
    new = open_planner(own_home)
    assert new.completion is not None
    assert new.model_version != old.model_version
    assert [each.version for each in list_models(store)][:2] == [
        new.model_version,
        old.model_version,
    ]
    roll_back(own_home, by="kgplan model rollback")
    assert store.in_use() == before
    assert open_planner(own_home).completion is None


def test_a_home_of_before_plans_and_says_nothing(own_home):
    store = ArtifactStore(own_home.artifacts)
    with_it = open_planner(own_home).plan("U_1", "C_1")
    kept = {kind: store.current(kind) for kind in store.in_use() if kind != "engagement"}
    (own_home.artifacts / "current.json").unlink()
    store.switch(*kept.values(), by="an older kgplan")
    planner = open_planner(own_home)
    assert planner.completion is None
    assert planner.plan("U_1", "C_1").steps == with_it.steps


def test_of_seeds_the_trees_differ_and_the_views_do_not():
    watched, records, _ = data()
    one, other = (fitted(watched, records, "UTC", seed)[0] for seed in (0, 1))
    np.testing.assert_array_equal(one.item, other.item)
    assert not np.array_equal(one.trees.value, other.trees.value)
