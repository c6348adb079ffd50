"""Collaborative filtering beside loops and planted groups."""

import numpy as np
import pytest

from kgplan.engagement.neighbours import Ratings, by_items, by_learners, pearson


def some(seed=0, u=12, v=9):
    rng = np.random.default_rng(seed)
    return Ratings(rng.random((u, v)), rng.random((u, v)) < 0.7)


def test_pearson_is_numpys_over_what_both_rated():
    ratings = some()
    found = pearson(ratings.share, ratings.known)
    for u, v in np.ndindex(found.shape):
        both = ratings.known[u] & ratings.known[v]
        if both.sum() >= 3:
            expected = np.corrcoef(ratings.share[u, both], ratings.share[v, both])[0, 1]
            assert found[u, v] == pytest.approx(expected)
        else:
            assert found[u, v] == 0


def test_equation_8_by_a_loop():
    ratings = some(1)
    alike, mean = pearson(ratings.share, ratings.known), ratings.of_learners
    pairs = np.argwhere(~ratings.known)
    found, told = by_learners(ratings, pairs[:, 0], pairs[:, 1])
    for k, (u, i) in enumerate(pairs):
        above = below = 0.0
        for v in range(12):
            if v != u and ratings.known[v, i] and alike[u, v] > 0:
                above += alike[u, v] * (ratings.share[v, i] - mean[v])
                below += alike[u, v]
        assert told[k] == (below > 0)
        if below:
            assert found[k] == pytest.approx(np.clip(mean[u] + above / below, 0, 1))


def planted():
    """Two groups who watch opposite halves; each learner misses one item."""
    rng = np.random.default_rng(3)
    group = np.repeat([0, 1], 12)
    taste = np.where(np.arange(20) % 2 == group[:, None], 0.9, 0.2)
    share = np.clip(taste + rng.normal(0, 0.03, taste.shape), 0, 1)
    known = np.ones(share.shape, dtype=bool)
    asked = rng.integers(0, 20, 24)
    known[np.arange(24), asked] = False
    return Ratings(share, known), group, asked, taste[np.arange(24), asked]


def test_planted_groups_are_told_where_item_means_cannot():
    ratings, group, asked, truth = planted()
    learner = np.arange(24)
    for found, told in (
        by_learners(ratings, learner, asked),
        by_learners(ratings, learner, asked, group),
        by_items(ratings, learner, asked),
    ):
        assert told.all()
        assert np.abs(found - truth).max() < 0.15
    assert np.abs(ratings.of_items[asked] - truth).min() > 0.2


def test_a_cluster_of_too_few_is_left_for_all_learners():
    ratings, _, asked, _ = planted()
    alone = np.arange(24)  # everybody in a cluster of their own
    learner = np.arange(24)
    whole, _ = by_learners(ratings, learner, asked)
    narrowed, _ = by_learners(ratings, learner, asked, alone)
    np.testing.assert_array_equal(narrowed, whole)


def test_who_rated_nothing_gets_the_means_of_items():
    ratings = some(4)
    ratings.known[0] = False
    found, told = by_learners(ratings, np.zeros(9, int), np.arange(9))
    np.testing.assert_allclose(found, ratings.of_items)
    assert not told.any()
