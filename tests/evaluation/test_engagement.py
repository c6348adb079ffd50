"""Measures of completion beside scikit-learn; learners whose habits are planted."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import roc_auc_score

from kgplan.engagement.completion import Watched, next_views, places_of
from kgplan.evaluation.engagement import auc, evaluate, foretell, markdown


def test_the_area_is_that_of_scikit_learn_with_ties_and_weights():
    rng = np.random.default_rng(0)
    yes, score = rng.random(200) < 0.4, rng.integers(0, 8, 200) / 8
    weight = rng.integers(0, 4, 200).astype(float)
    assert auc(yes, score) == pytest.approx(roc_auc_score(yes, score))
    expected = roc_auc_score(yes, score, sample_weight=weight)
    assert auc(yes, score, weight) == pytest.approx(expected)


def world(learners=40, views=30, items=60, seed=0, constant=False):
    """Learners complete views at rates of their own, .1 or .95; or all alike at one half."""
    rng = np.random.default_rng(seed)
    rate = np.full(learners, 0.5) if constant else np.where(np.arange(learners) % 2, 0.1, 0.95)
    learner = np.repeat(np.arange(learners), views)
    item = np.concatenate([rng.permutation(items)[:views] for _ in range(learners)])
    share = np.where(rng.random(learner.size) < rate[learner], 1.0, 0.3)
    return Watched(learner, item, np.tile(600.0 * np.arange(views), learners), share)


def places(items=60):
    return places_of(sparse.csr_array(np.arange(1, items + 1)[None]), np.full(items, 500.0))


def test_planted_habits_are_found_and_the_truth_bounds_them():
    pytest.importorskip("torch")
    seen = world()
    views = next_views(seen, places())
    truth = auc(views.completed, np.where(views.learner % 2, 0.1, 0.95))
    rows = {row.method: row for row in evaluate(views)}
    for name in ("logistic", "boosting", "mean completion", "LSTM"):
        assert truth - 0.06 < rows[name].auc <= truth + 0.01
        assert rows[name].low <= rows[name].auc <= rows[name].high
    assert rows["boosting"].accuracy > rows["majority"].accuracy + 0.2
    assert rows["logistic"].gain is None
    text = markdown(list(rows.values()))
    assert f"| boosting | {rows['boosting'].auc:.4f} [" in text


def test_where_nothing_was_planted_nothing_is_found():
    views = next_views(world(constant=True), places())
    (row,) = evaluate(views, ["logistic"])
    assert row.low < 0.5 < row.high + 0.03
    assert row.auc == pytest.approx(0.5, abs=0.06)


def test_two_kinds_of_learners_make_two_clusters_and_their_own_mean_is_best():
    choice, rows, against = foretell(world())
    assert choice.k == 2
    by_name = {row.method: row for row in rows}
    assert by_name["item mean"].gain == 0
    assert by_name["learner mean"].low > 0  # habits are of learners here, not of items
    assert by_name["learner mean"].rmse < by_name["item mean"].rmse
    assert against.method == "user-based (8), of the cluster"
