"""The estimator by scikit-learn's own tools, and against the functions behind it."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.validation import check_is_fitted

from kgplan.diagnosis import DiagnosisConfig, VDina, infer
from kgplan.errors import ConfigError, InputError


def answers(n_learners=300, seed=0):
    """DINA with two dependent concepts: who holds the second holds the first."""
    rng = np.random.default_rng(seed)
    q = np.array([[1, 0], [0, 1], [1, 1], [1, 0], [0, 1], [1, 1]])
    level = rng.integers(0, 3, n_learners)
    held = np.stack([level > 0, level > 1], axis=1)
    full = held @ q.T == q.sum(axis=1)
    x = (rng.random(full.shape) < np.where(full, 0.85, 0.2)).astype(float)
    return np.where(rng.random(x.shape) < 0.1, np.nan, x), q, held


def test_a_clone_has_the_same_parameters_and_no_fit():
    x, q, _ = answers()
    model = VDina(q, link="conjunctive", prior="saturated", n_init=2, random_state=3).fit(x)
    copy = clone(model)
    assert not hasattr(copy, "slip_")
    kept, cloned = model.get_params(), copy.get_params()
    assert np.array_equal(kept.pop("q_matrix"), cloned.pop("q_matrix"))
    assert kept == cloned


def test_scikit_learn_knows_whether_it_is_fitted():
    x, q, _ = answers()
    with pytest.raises(NotFittedError):
        check_is_fitted(VDina(q))
    check_is_fitted(VDina(q).fit(x))
    with pytest.raises(InputError, match="call fit"):
        VDina(q).predict_mastery(x)


def test_parameters_are_set_by_name_and_unknown_ones_are_refused():
    model = VDina(np.eye(2))
    assert model.set_params(link="conjunctive") is model
    assert model.get_params()["link"] == "conjunctive"
    with pytest.raises(ConfigError, match="no parameter 'slip'"):
        model.set_params(slip=0.1)


def test_a_search_by_cross_validation_prefers_the_link_that_made_the_answers():
    x, q, _ = answers(600)
    search = GridSearchCV(
        VDina(q, prior="saturated"), {"link": ["compensatory", "conjunctive"]}, cv=3
    ).fit(x)
    assert search.best_params_ == {"link": "conjunctive"}
    assert search.best_estimator_.n_features_in_ == 6


def test_held_out_learners_are_as_likely_as_the_e_step_says():
    x, q, _ = answers()
    model = VDina(q, link="conjunctive").fit(x[:200])
    expected = infer(
        sparse.csr_matrix(
            (x[200:][~np.isnan(x[200:])], np.nonzero(~np.isnan(x[200:]))), shape=(100, 6)
        ),
        sparse.csr_matrix(q), model.slip_, model.guess_, model.prior_,
        DiagnosisConfig(link="conjunctive"),
    )  # fmt: skip
    assert model.score(x[200:]) == pytest.approx(expected.log_evidence.mean())
    assert len(cross_val_score(model, x, cv=3)) == 3


def test_predicted_states_agree_with_the_planted_ones_as_often_as_mastery_says():
    """Calibration: mean certainty of the predictions against the share that is right.

    2,000 learners and two concepts; the standard error of the share is below .01, and 4 of them
    are allowed.
    """
    x, q, held = answers(2000, seed=1)
    model = VDina(q, link="conjunctive", prior="saturated").fit(x)
    mastery = model.predict_mastery(x)
    right = np.mean(model.predict(x) == held)
    assert np.mean(np.maximum(mastery, 1 - mastery)) == pytest.approx(right, abs=0.04)
    assert right > 0.8


def test_dense_with_nan_and_sparse_answers_are_the_same_fit():
    x, q, _ = answers()
    stored = sparse.csr_matrix((x[~np.isnan(x)], np.nonzero(~np.isnan(x))), shape=x.shape)
    weights = np.where(np.isnan(x), np.nan, 2.0)
    one, other = VDina(q).fit(x), VDina(sparse.csr_matrix(q)).fit(stored)
    assert np.array_equal(one.predict_mastery(x), other.predict_mastery(stored))
    heavier = VDina(q).fit(x, weights=weights)
    assert not np.allclose(one.slip_, heavier.slip_)


def test_more_starts_never_end_lower_and_a_seed_repeats_them():
    x, q, _ = answers(60, seed=5)
    single = VDina(q, prior="saturated").fit(x)
    many = [VDina(q, prior="saturated", n_init=4, random_state=7).fit(x) for _ in range(2)]
    assert many[0].diagnosis_.objective[-1] >= single.diagnosis_.objective[-1]
    assert np.array_equal(many[0].slip_, many[1].slip_)
    with pytest.raises(InputError, match="n_starts"):
        VDina(q, n_init=0).fit(x)


def test_a_learner_without_answers_gets_the_prior():
    x, q, _ = answers()
    for prior in ("independent", "saturated"):
        model = VDina(q, prior=prior).fit(x)
        np.testing.assert_allclose(model.predict_mastery(np.full((1, 6), np.nan))[0], model.prior_)


def test_it_shows_what_differs_from_the_defaults():
    assert repr(VDina(np.eye(2), link="conjunctive")) == "VDina(q_matrix, link='conjunctive')"
