"""Clusters beside scikit-learn's, planted groups, ids that stay."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from kgplan.engagement.clusters import adjusted_rand, choose, k_means, silhouette


def blobs(k, n=40, seed=0):
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(k), n)
    centres = 6 * np.eye(k, 4) if k <= 4 else rng.normal(0, 6, (k, 4))
    return centres[group] + rng.normal(size=(group.size, 4)), group


def test_k_means_comes_as_low_as_scikit_learn():
    x = np.random.default_rng(1).normal(size=(120, 3))
    for k in (2, 4, 6):
        theirs = KMeans(k, n_init=20, random_state=0).fit(x).inertia_
        assert k_means(x, k).within <= theirs * 1.01


@given(st.lists(st.integers(0, 3), min_size=4, max_size=30), st.integers(0, 1000))
def test_measures_are_those_of_scikit_learn(labels, seed):
    labels = np.array(labels)
    rng = np.random.default_rng(seed)
    other = rng.integers(0, 3, labels.size)
    assert adjusted_rand(labels, other) == pytest.approx(adjusted_rand_score(labels, other))
    x = rng.normal(size=(labels.size, 2))
    if 2 <= np.unique(labels).size < labels.size:
        assert silhouette(x, labels) == pytest.approx(silhouette_score(x, labels))


@pytest.mark.parametrize("k", [2, 3, 4])
def test_the_planted_number_is_chosen_and_its_groups_found(k):
    x, group = blobs(k)
    choice = choose(x, resamples=4, starts=5)
    assert choice.k == k
    assert adjusted_rand(k_means(x, k).cluster, group) == 1


def test_points_that_are_all_the_same_do_not_break_it():
    assert k_means(np.ones((6, 2)), 3).within == 0
