"""What is known before a view, by hand; and that nothing of the view itself is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from kgplan.engagement.completion import (
    BEFORE,
    COLUMNS,
    Watched,
    folds,
    next_views,
    places_of,
    with_others,
)
from kgplan.errors import InputError


def column(views, name):
    return views.rows[:, COLUMNS.index(name)]


def watched(n=12, learners=2, items=20, seed=0):
    rng = np.random.default_rng(seed)
    learner = np.repeat(np.arange(learners), n)
    item = np.concatenate([rng.permutation(items)[:n] for _ in range(learners)])
    moment = np.tile(1000.0 * np.arange(n), learners) + 36_000.0
    return Watched(learner, item, moment, rng.choice([0.1, 0.5, 0.95, 1.0], n * learners))


def places(items=20):
    """One course of the even items in order; the odd ones are of none."""
    order = np.zeros((1, items), dtype=np.int32)
    order[0, ::2] = np.arange(1, items // 2 + 1)
    return places_of(sparse.csr_array(order), np.full(items, 600.0))


def test_columns_by_hand():
    seen = Watched(
        learner=np.zeros(10, int),
        item=np.array([0, 2, 4, 1, 3, 5, 7, 6, 8, 14]),
        moment=np.array([0, 100, 200, 300, 400, 500, 600, 700, 10_000, 10_060.0]),
        share=np.array([1, 1, 0.2, 0.9, 0.5, 1, 0, 1, 0.95, 0.3]),
    )
    views = next_views(seen, places())
    assert views.completed.tolist() == [True, False]
    assert column(views, "share 1 before").tolist() == [1, 0.95]
    assert column(views, "share 8 before").tolist() == [1, 1]
    # of ten views the first eight: 1, 1, .2, .9, .5, 1, 0, 1
    assert column(views, "mean share of 8")[0] == pytest.approx(5.6 / 8)
    assert column(views, "completed of 8")[0] == pytest.approx(5 / 8)
    assert column(views, "completed of all")[1] == pytest.approx(6 / 9)
    np.testing.assert_allclose(np.expm1(column(views, "gap to the next")), [9_300, 60])
    np.testing.assert_allclose(np.expm1(column(views, "completed in a row")), [1, 2])
    np.testing.assert_allclose(np.expm1(column(views, "views in this sitting")), [0, 1])
    np.testing.assert_allclose(column(views, "gap over length of the last"), [5, 0.1])  # 5 at most
    assert column(views, "same course").tolist() == [1, 1]
    assert column(views, "steps in the course").tolist() == [1, 3]
    np.testing.assert_allclose(column(views, "place in the course"), [0.5, 0.8])
    np.testing.assert_allclose(views.sequence[0, :, 0], [1, 1, 0.2, 0.9, 0.5, 1, 0, 1])


def test_nothing_of_the_view_itself_or_later_is_known():
    seen = watched()
    views = next_views(seen, places())
    for k in range(BEFORE, 12):
        share = seen.share.copy()
        share[k:12] = 1 - share[k:12]
        other = next_views(Watched(seen.learner, seen.item, seen.moment, share), places())
        at = k - BEFORE
        np.testing.assert_array_equal(other.rows[: at + 1], views.rows[: at + 1])
        np.testing.assert_array_equal(other.sequence[: at + 1], views.sequence[: at + 1])


def test_what_others_did_leaves_out_the_learner():
    seen = watched(n=14, learners=3, items=14)
    views = next_views(seen, places())
    told = with_others(views, views)
    mean = views.completed.mean()
    for k in range(views.learner.size):
        others = (views.item == views.item[k]) & (views.learner != views.learner[k])
        expected = (views.completed[others].sum() + 5 * mean) / (others.sum() + 5)
        assert column(told, "completed by others")[k] == pytest.approx(expected)
        assert np.expm1(column(told, "others' views")[k]) == pytest.approx(others.sum())


@given(st.lists(st.integers(0, 30), min_size=1), st.integers(2, 5), st.integers(0, 99))
def test_folds_part_learners(learner, n, seed):
    learner = np.sort(learner)
    if np.unique(learner).size < n:
        with pytest.raises(InputError, match=f"cannot be in {n} folds"):
            folds(learner, n, seed)
        return
    parts = folds(learner, n, seed)
    assert (np.sum(parts, axis=0) == 1).all()
    for each in np.unique(learner):
        assert sum((learner[part] == each).any() for part in parts) == 1


def test_too_few_views_are_one_sentence():
    with pytest.raises(InputError, match="no learner has more than 8 views"):
        next_views(watched(n=BEFORE), places())
