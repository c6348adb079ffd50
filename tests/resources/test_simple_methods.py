"""Simple methods say what counting by hand says."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from resources_cases import records

from kgplan.resources.simple import (
    HALF_LIFE,
    Counts,
    best,
    counts_of,
    item_cf,
    markov,
    next_in_course,
    popular,
    time_lines,
)

many_lines = st.lists(st.lists(st.integers(0, 6), unique=True, max_size=7), min_size=1, max_size=6)


@given(lines=many_lines)
def test_counts_equal_counting_pairs_and_steps_by_loops(lines):
    counts = counts_of(records(lines))
    viewers, together, followed = np.zeros(7), np.zeros((7, 7)), np.zeros((7, 7))
    for line in lines:
        for item in line:
            viewers[item] += 1
            for other in line:
                together[item, other] += item != other
        for before, after in pairwise(line):
            followed[before, after] += 1
    assert counts.viewers.tolist() == viewers.tolist()
    assert counts.together.toarray().tolist() == together.tolist()
    assert counts.followed.toarray().tolist() == followed.tolist()


@given(lines=many_lines)
def test_time_lines_are_the_views_in_their_order(lines):
    items, starts = time_lines(records(lines))
    found = [items[a:b].tolist() for a, b in pairwise(starts)]
    assert found == [list(line) for line in lines]


@given(lines=many_lines, history=st.lists(st.integers(0, 6), unique=True, max_size=7))
@pytest.mark.parametrize("half_life", [None, 2.0])
def test_item_cf_is_the_sum_of_cosines_weighed_by_age(half_life, lines, history):
    columns = np.zeros((len(lines), 7))
    for learner, line in enumerate(lines):
        columns[learner, list(line)] = 1
    expected = np.zeros(7)
    for item in range(7):
        for age, seen in enumerate(reversed(history)):
            norms = np.linalg.norm(columns[:, item]) * np.linalg.norm(columns[:, seen])
            if item != seen and norms:
                cosine = columns[:, item] @ columns[:, seen] / norms
                expected[item] += cosine * (1 if half_life is None else 0.5 ** (age / half_life))
    found = item_cf(counts_of(records(lines)), np.array(history, dtype=int), half_life)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_popular_is_the_share_of_the_most_opened():
    # 0 and 1 were opened by three learners each, 2 by two, 3 to 6 by one each
    found = popular(counts_of(records()), np.array([], dtype=int))
    np.testing.assert_allclose(found, np.array([3, 3, 2, 1, 1, 1, 1]) / 3)


def test_markov_gives_shares_of_steps_and_then_age():
    counts = counts_of(records())
    found = markov(counts, np.array([0, 1]))
    # after 1 came 2, 3 and 4, once each; 5 was only opened by who opened 1, 6 by who opened 0
    aged = item_cf(counts, np.array([0, 1]), HALF_LIFE)
    assert best(found, np.arange(2, 7), 3).tolist() == best(aged, np.arange(2, 5), 3).tolist()
    assert best(found, np.array([5, 6]), 2).tolist() == best(aged, np.array([5, 6]), 2).tolist()
    np.testing.assert_allclose(found[[2, 3, 4]], 1 / 3 + aged[[2, 3, 4]] / 6 / max(aged.max(), 1))


@pytest.mark.parametrize(
    ("history", "said"),
    [
        ([0, 1], [2, 3, 4]),  # nothing was left out before
        ([0, 3], [4, 2, 1]),  # 2 and 1 were left out, the nearest first
        ([4], [3, 2, 1, 0]),  # in both courses: the first of them
        ([5, 4], [2]),  # in both courses, but 5 is in the second
        ([1, 6], [2, 3, 4, 0]),  # the last view is in no course
        ([6], []),
        ([], []),
    ],
)
def test_next_in_course_goes_on_in_order(history, said):
    counts = counts_of(records())
    scores = next_in_course(counts, np.array(history, dtype=int))
    assert best(scores, np.flatnonzero(scores), 9).tolist() == said


def test_best_settles_ties_by_id():
    scores = np.array([0.5, 1.0, 0.5, 1.0, 2.0])
    assert best(scores, np.array([0, 1, 2, 3]), 3).tolist() == [1, 3, 0]


def test_counts_come_back_from_what_is_stored():
    counts = counts_of(records())
    again = Counts.from_arrays(counts.to_arrays())
    assert again.item_ids.tolist() == counts.item_ids.tolist()
    for name in ("together", "followed", "course_items"):
        assert (getattr(again, name) != getattr(counts, name)).nnz == 0
