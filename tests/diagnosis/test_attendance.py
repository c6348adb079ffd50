"""Attendance: what tells whether an item was met, and V-DINA fitted to what was."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from kgplan.diagnosis import DiagnosisConfig
from kgplan.diagnosis.attendance import (
    FEATURES,
    Attendance,
    Popularity,
    describe,
    describe_rows,
    fit_attended,
    observe,
    popularity,
    syllabus,
)
from kgplan.diagnosis.logistic import Logistic
from kgplan.diagnosis.vdina import fit, infer

CONFIG = DiagnosisConfig(tolerance=1e-4)


def told(opened, mine, asked, courses, popular):
    """`describe` by the words of FEATURES, one item after the other."""
    rows = []
    for item in asked:
        best = None
        for course in mine:
            order = courses.of(course).tolist()
            views = [v for v in opened if v in order]
            if item in order and (best is None or len(views) > len(best[1])):
                best = order, views, course
        order, views, course = best
        place, places = order.index(item), [order.index(v) for v in views]
        row = dict.fromkeys(FEATURES, 0.0)
        row[FEATURES[0]], row[FEATURES[1]] = popular.item[item], np.log(1 + len(opened))
        row["share of the course"] = np.log((len(views) + 0.5) / (len(order) + 1))
        near = [k in places for k in range(place - 3, place + 4) if k != place]
        row["opened among three before and three after"] = np.log((sum(near) + 0.2) / 6.4)
        row[FEATURES[7]] = -1
        if views:
            ahead, past = place - places[-1], place - max(places)
            since = len(opened) - 1 - opened.index(views[-1])
            row["views since the last one in the course"] = np.log(1 + since)
            row["places ahead of the last one"] = np.log(1 + max(ahead, 0))
            row["places behind it"] = np.log(1 + max(-ahead, 0))
            row["next"], row["among the next five"] = ahead == 1, 1 <= ahead <= 5
            if past > 0:
                row[FEATURES[7]] = min(past / max(len(views) / 4, 1), 20)
            row["in the course watched last"] = since == 0
            row["before the furthest"] = past <= 0
            before, after = place - 1 in places, place + 1 in places
            row["opened just before"], row["opened just after"] = before, after
            row["both"] = before and after
        else:
            row["place in a course not begun"] = np.log(1 + place)
            row["share that begins the course"] = popular.course[course]
        rows.append([float(row[name]) for name in FEATURES])
    return np.array(rows)


@given(seed=st.integers(0, 10_000))
def test_items_are_described_by_their_place_among_the_views(seed):
    rng = np.random.default_rng(seed)
    n_items, n_courses = 12, 3
    places = np.zeros((n_courses, n_items), int)
    for course in range(n_courses):
        its = rng.permutation(n_items)[: rng.integers(1, 9)]
        places[course, its] = rng.permutation(its.size) + 1
    courses = syllabus(sparse.csr_array(places), sparse.csr_array(places > 0))
    mine = np.flatnonzero(rng.random(n_courses) < 0.7)
    due = np.flatnonzero(places[mine].any(axis=0))
    opened = rng.permutation(n_items)[: rng.integers(0, 7)]
    asked = np.setdiff1d(due, opened)
    popular = Popularity(rng.normal(size=n_items), rng.normal(size=n_courses))
    found = describe(opened, mine, asked, courses, popular)
    expected = told(opened.tolist(), mine.tolist(), asked.tolist(), courses, popular)
    np.testing.assert_allclose(found, expected.reshape(-1, len(FEATURES)), atol=1e-12)


def test_shares_count_who_began_a_course_and_who_is_active():
    """Items 0 and 1 in course 0, item 2 in course 1; four learners, one of whom opened nothing."""
    courses = syllabus(sparse.csr_array([[1, 2, 0], [0, 0, 1]]), sparse.csr_array(np.eye(2, 3) + 1))
    opened = sparse.csr_array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0]])
    enrolled = sparse.csr_array([[1, 1], [1, 0], [1, 1], [1, 1]])
    found = popularity(opened, enrolled, courses)
    began_0, began_1, active_0, active_1 = 2, 1, 3, 2
    odds = lambda some, of: np.log((some + 1) / (of + 5 - some - 1))  # noqa: E731
    np.testing.assert_allclose(found.item, [odds(2, began_0), odds(1, began_0), odds(1, began_1)])
    np.testing.assert_allclose(found.course, [odds(2, active_0), odds(1, active_1)])


@given(opens=st.floats(0.001, 0.6), rate=st.floats(0.61, 0.99))
def test_a_zero_weighs_the_probability_that_it_was_met(opens, rate):
    """Bayes: P(met | not opened) = meets (1 - rate) / (1 - opens), meets = opens / rate."""
    nothing = Logistic(np.zeros(0), np.ones(0), np.zeros(1))
    none = np.zeros(0, np.int64)
    attendance = Attendance(
        syllabus(sparse.csr_array((0, 0)), sparse.csr_array((0, 0))),
        Popularity(none, none), nothing, rate,
    )  # fmt: skip
    met = opens / rate
    [weight] = attendance.weight(np.array([opens]))
    assert weight == pytest.approx(met * (1 - rate) / (met * (1 - rate) + (1 - met)), rel=1e-9)


def world(seed, n_learners=600, n_courses=6, n_items=20, n_concepts=30, rate=0.6):
    """Learners follow courses in order up to where they leave, pass some items by, and open what
    they meet by what they know. The truth is kept."""
    rng = np.random.default_rng(seed)
    total = n_courses * n_items
    q = np.zeros((total, n_concepts))
    for item in range(total):
        q[item, rng.choice(n_concepts, rng.integers(1, 3), replace=False)] = 1
    prior = rng.uniform(0.3, 0.7, n_concepts)
    slip, guess = rng.uniform(0.03, 0.1, total), rng.uniform(rate - 0.4, rate - 0.2, total)
    held = rng.random((n_learners, n_concepts)) < prior
    eta = held @ q.T / q.sum(axis=1)
    right = rng.random((n_learners, total)) < guess ** (1 - eta) * (1 - slip) ** eta
    enrolled = rng.random((n_learners, n_courses)) < 0.5
    met = np.zeros((n_learners, total), bool)
    for u in range(n_learners):
        for course in np.flatnonzero(enrolled[u] & (rng.random(n_courses) < 0.7)):
            reach = min(n_items, rng.geometric(1 / n_items))
            begin = course * n_items
            met[u, begin : begin + reach] = rng.random(reach) < 0.9
    due = np.repeat(enrolled, n_items, axis=1)
    opened = met & right
    row, column = np.nonzero(due)
    watched = sparse.csr_array(
        (opened[row, column].astype(float), column, np.searchsorted(row, np.arange(n_learners + 1)))
    )
    order = sparse.csr_array(np.cumsum(opened, axis=1) * opened)
    places = np.zeros((n_courses, total), int)
    for course in range(n_courses):
        places[course, course * n_items : (course + 1) * n_items] = np.arange(1, n_items + 1)
    courses = syllabus(sparse.csr_array(places), sparse.csr_array(places > 0))
    return (
        watched, sparse.csr_array(q), order, sparse.csr_array(enrolled.astype(int)), courses,
        held, met, (slip, guess, prior), right[met].mean(),
    )  # fmt: skip


def dense(mastery, prior):
    """(U, K), the prior where nothing is stored."""
    found = np.tile(prior, (mastery.shape[0], 1))
    at = mastery.tocoo()
    found[at.row, at.col] = at.data
    return found


@pytest.fixture(scope="module")
def planted():
    watched, q, order, enrolled, courses, held, met, (slip, guess, prior), rate = world(0)
    found = fit_attended(watched, q, order, enrolled, courses, np.random.default_rng(0), CONFIG)
    row = np.repeat(np.arange(watched.shape[0]), np.diff(watched.indptr))
    weights = sparse.csr_array(
        (met[row, watched.indices].astype(float), watched.indices, watched.indptr),
        shape=watched.shape,
    )
    knows = infer(watched, q, slip, guess, prior, CONFIG, weights=weights)
    published = fit(watched, q, CONFIG)
    touched = (met.astype(int) @ q.toarray().astype(int)) > 0
    best = dense(knows.mastery, prior)
    return found, published, best, touched, held, met, rate, (watched, order, enrolled)


def test_who_knows_that_many_never_came_there_is_nearer_to_what_learners_hold(planted):
    """Against the mastery that follows from the planted parameters and from who met what."""
    found, published, best, touched, held, *_ = planted
    ours = dense(found.diagnosis.mastery, found.diagnosis.prior)
    theirs = dense(published.mastery, published.prior)
    error, before = (np.abs(m - best)[touched].mean() for m in (ours, theirs))
    assert error < 0.7 * before
    brier, before = (np.square(m - held)[touched].mean() for m in (ours, theirs))
    assert brier < before


def test_a_response_rate_far_above_the_planted_one_says_less_of_what_was_hidden(planted):
    found, *_, rate, _ = planted
    assert 0.5 < rate < 0.7
    assert found.rates[0.6] < min(found.rates[0.8], found.rates[0.9])
    chosen, best = found.attendance.response_rate, min(found.rates, key=found.rates.get)
    assert best <= chosen < 0.8
    assert abs(chosen - rate) <= abs(best - rate)


def test_zeros_that_were_met_weigh_more(planted):
    found, *_, met, _, (watched, order, enrolled) = planted
    seen = observe(found.attendance, watched, order, enrolled)
    weight = seen.weights.toarray()
    zero = (watched.toarray() == 0) & (enrolled.toarray().repeat(20, axis=1) > 0)
    assert weight[zero & met].mean() > 3 * weight[zero & ~met].mean()
    opened = watched.toarray() > 0
    np.testing.assert_array_equal(weight[opened], 1)
    np.testing.assert_array_equal(seen.watched.toarray(), watched.toarray())


def test_rows_are_described_one_by_one_and_in_the_order_of_the_pairs():
    watched, _, order, enrolled, courses, *_ = world(1, n_learners=12)
    opened = sparse.csr_array(watched > 0)
    popular = popularity(opened, enrolled, courses)
    row = np.repeat(np.arange(12), np.diff(watched.indptr))
    zero = watched.data == 0
    pairs = row[zero], watched.indices[zero]
    shuffled = np.random.default_rng(0).permutation(pairs[0].size)
    found = describe_rows(
        opened, order, enrolled, courses, popular, (pairs[0][shuffled], pairs[1][shuffled])
    )
    places = order.toarray()
    for u in range(12):
        seen = np.flatnonzero(places[u])
        in_time = seen[np.argsort(places[u, seen])]
        mine = np.flatnonzero(enrolled.toarray()[u])
        alone = describe(in_time, mine, pairs[1][pairs[0] == u], courses, popular)
        at = np.argsort(shuffled)[np.flatnonzero(pairs[0] == u)]
        np.testing.assert_array_equal(found[at], alone)
