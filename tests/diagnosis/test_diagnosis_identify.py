"""What answers can tell apart, held against lists of all states and sets of videos."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.stats import entropy as entropy_of

from kgplan.diagnosis import (
    LiveDiagnosis,
    ambiguous_concepts,
    equal_response_classes,
    exchangeable_concepts,
    not_told_apart,
)
from kgplan.diagnosis.uncertainty import divergence, entropy
from kgplan.errors import AxisMismatch, InputError

seeds = st.integers(0, 2**32 - 1)
links = st.sampled_from(["compensatory", "conjunctive"])


def some_q(seed, most_videos=6, most_concepts=6):
    """Few videos and concepts with some equal columns, some concepts and videos left out."""
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, most_videos + 1), rng.integers(1, most_concepts + 1)
    q = (rng.random(shape) < rng.uniform(0.2, 0.8)).astype(int)
    return q[:, rng.integers(0, shape[1], shape[1])]  # columns drawn again: some twice


def ideal_responses(state, q, link):
    """Eq. (9), or all-or-nothing, as written."""
    shares = []
    for row in q.tolist():
        if sum(row):
            held = sum(a * b for a, b in zip(state, row, strict=True))
            shares.append(held / sum(row) if link == "compensatory" else held == sum(row))
    return tuple(shares)


def all_states(n_concepts):
    """Bit k of a state's number is concept k."""
    return [tuple((s >> k) & 1 for k in range(n_concepts)) for s in range(1 << n_concepts)]


@settings(deadline=None)
@given(seed=seeds, link=links)
def test_states_share_a_class_exactly_if_no_ideal_response_differs(seed, link):
    q = some_q(seed)
    responses = [ideal_responses(state, q, link) for state in all_states(q.shape[1])]
    first = {}
    expected = [first.setdefault(r, len(first)) for r in responses]
    assert equal_response_classes(sparse.csr_matrix(q), link).tolist() == expected


@settings(deadline=None)
@given(seed=seeds, link=links)
def test_concepts_are_exchangeable_exactly_if_exchanging_them_in_no_state_shows(seed, link):
    q = some_q(seed)
    classes = exchangeable_concepts(sparse.csr_matrix(q))
    states = all_states(q.shape[1])
    for i, j in itertools.combinations(range(q.shape[1]), 2):

        def exchanged(state, i=i, j=j):
            other = list(state)
            other[i], other[j] = other[j], other[i]
            return other

        unseen = all(
            ideal_responses(state, q, link) == ideal_responses(exchanged(state), q, link)
            for state in states
        )
        assert (classes[i] == classes[j]) == unseen
    assert np.array_equal(classes == 0, q.sum(axis=0) == 0)


@settings(deadline=None)
@given(seed=seeds, link=links)
def test_a_concept_that_some_class_leaves_open_is_ambiguous(seed, link):
    q = some_q(seed)
    classes = equal_response_classes(sparse.csr_matrix(q), link)
    states = np.array(all_states(q.shape[1]))
    left_open = np.zeros(q.shape[1], bool)
    for number in range(classes.max() + 1):
        left_open |= np.ptp(states[classes == number], axis=0) > 0
    ambiguous = ambiguous_concepts(sparse.csr_matrix(q), link)
    if link == "conjunctive":  # Chiu, Douglas & Li (2009) says exactly when
        assert np.array_equal(left_open, ambiguous)
    assert np.all(ambiguous[left_open])


@settings(deadline=None)
@given(seed=seeds)
def test_a_learners_concepts_are_told_apart_by_the_sets_of_videos_observed(seed):
    rng = np.random.default_rng(seed)
    q = some_q(seed, 8, 8)
    seen = rng.random((5, q.shape[0])) < 0.5
    watched = sparse.csr_matrix(
        (np.zeros(seen.sum()), np.nonzero(seen)), shape=seen.shape
    )  # stored zeros are observations
    found = not_told_apart(watched, sparse.csr_matrix(q)).toarray()
    third = np.full(q.shape[0], 1 / 3)
    live = LiveDiagnosis(sparse.csr_matrix(q), third, third, np.full(q.shape[1], 0.5))
    for row, flags in zip(seen, found, strict=True):
        covering = [frozenset(np.flatnonzero(row & (column > 0)).tolist()) for column in q.T]
        expected = [bool(own) and covering.count(own) > 1 for own in covering]
        assert flags.tolist() == expected
        learner = live.infer(np.flatnonzero(row), np.zeros(row.sum()))
        assert live.not_told_apart(learner).tolist() == flags[learner.concepts].tolist()


def test_concepts_not_told_apart_with_equal_priors_get_equal_mastery():
    """The law behind the flag: exchanging the two changes no term of the posterior."""
    q = sparse.csr_matrix(np.array([[1, 1, 1, 0], [1, 1, 0, 1], [0, 0, 1, 1]]))
    live = LiveDiagnosis(q, np.full(3, 0.1), np.full(3, 0.2), np.full(4, 0.4))
    learner = live.infer(np.arange(3), np.array([1.0, 0.3, 0.0]))
    assert live.not_told_apart(learner).tolist() == [True, True, False, False]
    assert learner.mastery[0] == pytest.approx(learner.mastery[1], abs=1e-12)
    assert abs(learner.mastery[2] - learner.mastery[3]) > 0.01


def test_many_concepts_have_too_many_states():
    with pytest.raises(InputError, match=r"2\^16 states; give at most 15"):
        equal_response_classes(sparse.csr_matrix(np.eye(16)), "conjunctive")
    with pytest.raises(AxisMismatch, match="axis V"):
        not_told_apart(sparse.csr_matrix(np.eye(2)), sparse.csr_matrix(np.eye(3)))


@given(m=st.floats(0, 1), p=st.floats(0.001, 0.999))
def test_bits_are_those_of_scipy(m, p):
    two, before = [m, 1 - m], [p, 1 - p]
    m, p = np.array([m]), np.array([p])
    np.testing.assert_allclose(divergence(m, p)[0], entropy_of(two, before, base=2), atol=1e-12)
    np.testing.assert_allclose(entropy(m)[0], entropy_of(two, base=2), atol=1e-12)
