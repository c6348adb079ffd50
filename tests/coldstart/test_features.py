"""What is known at a cut, by loops; and that nothing of the future is in it."""

from dataclasses import replace
from itertools import pairwise

import coldstart_cases as cases
import numpy as np
import pytest
from scipy import sparse

from kgplan.coldstart.config import CUTS
from kgplan.coldstart.features import GROUPS, Histories, encoder_of, weighed

DAY = 86_400.0


@pytest.fixture
def world():
    records = cases.records(np.random.default_rng(0))
    histories = cases.histories(records)
    some = np.arange(30)
    return records, histories, encoder_of(histories, some, cases.facts(), records, CUTS)


def dense(groups):
    return [part.toarray() for part in groups.parts]


def with_other_future(records, histories, dated, u, n, rng):
    """The same records where all that a learner did after n rows is another thing."""
    kept = set(histories.all_of(u)[:n].tolist())
    order = np.zeros(records.viewed.shape, dtype=np.int32)
    shares = np.zeros(order.shape)
    for w in range(order.shape[0]):
        for place, (v, share) in enumerate(
            zip(histories.all_of(w), histories.cut(w).shares, strict=True), start=1
        ):
            order[w, v], shares[w, v] = place, share
    order[u], shares[u] = np.where(np.isin(np.arange(order.shape[1]), list(kept)), order[u], 0), 0
    shares[u][list(kept)] = histories.cut(u, n).shares[
        np.argsort(np.argsort([histories.all_of(u)[:n].tolist().index(v) for v in kept]))
    ]
    rest = [v for v in rng.permutation(order.shape[1]).tolist() if v not in kept]
    for place, v in enumerate(rest[:8], start=n + 1):
        order[u, v], shares[u, v] = place, rng.random()
    viewed = sparse.csr_array(order)
    other = replace(
        records,
        viewed=sparse.csr_array((shares[order > 0], viewed.indices, viewed.indptr), order.shape),
        viewed_order=viewed.data,
    )
    return other, cases.histories(other, dated)


@pytest.mark.parametrize("n", [1, 3])
def test_nothing_of_the_future_is_in_the_features(world, n):
    records, histories, encoder = world
    u = 31
    times = histories.cut(u).moments
    late = sparse.coo_array(([times[n - 1] + DAY / 2], ([u], [0])), shape=(40, 4)).tocsr()
    _, others = with_other_future(records, histories, late, u, n, np.random.default_rng(n))
    seen, same = histories.cut(u, n), others.cut(u, n)
    assert set(others.all_of(u)[n:].tolist()) != set(histories.all_of(u)[n:].tolist())
    np.testing.assert_array_equal(np.sort(seen.items), np.sort(same.items))
    for ours, theirs in zip(
        dense(encoder.groups([seen])), dense(encoder.groups([same])), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_a_planted_leak_is_found(world):
    """The same comparison, where an enrolment of the day after the cut is let in."""
    records, histories, encoder = world
    u, n = 31, 3  # of the courses 2 and 3
    times = histories.cut(u).moments
    behind = sparse.coo_array(([times[n - 1] + DAY], ([u], [0])), shape=(40, 4)).tocsr()
    kept_out = cases.histories(records, behind).cut(u, n)
    let_in = replace(kept_out, courses=np.union1d(kept_out.courses, [0]))
    plain = dense(encoder.groups([histories.cut(u, n)]))
    np.testing.assert_array_equal(plain[0], dense(encoder.groups([kept_out]))[0])
    leaked = dense(encoder.groups([let_in]))
    apart = {GROUPS[g] for g in range(6) if not np.array_equal(plain[g], leaked[g])}
    assert {"courses", "about courses"} <= apart
    before = sparse.coo_array(([times[n - 1]], ([u], [0])), shape=(40, 4)).tocsr()
    assert 0 in cases.histories(records, before).cut(u, n).courses  # dated no later than the row


def test_enrolments_without_a_moment_are_left_out():
    records = cases.records(np.random.default_rng(1))
    everywhere = sparse.csr_array(np.ones((40, 4), dtype=np.int8))
    taken = replace(records, enrolled=everywhere)
    for u, n in ((0, 0), (1, 1), (2, 5)):
        found = Histories.of(taken, cases.moments(records)).cut(u, n)
        assert set(found.courses.tolist()) <= ({0, 1} if u % 2 == 0 else {2, 3})


def test_without_a_row_the_course_that_is_asked_for_is_known_and_nothing_else(world):
    _, histories, encoder = world
    rows = histories.cut(5, 0)
    assert rows.items.size == 0
    assert rows.courses.tolist() == [int(histories.all_of(5)[0]) // 6]
    assert encoder.groups([rows]).present.tolist() == [[1, 1, 0, 0, 0, 0]]


def test_groups_of_counts_are_idf_and_logarithms_of_length_one_by_loops(world):
    _, histories, encoder = world
    rows = histories.cut(3, 5)
    known = range(30)
    parts = dense(encoder.groups([rows]))
    idf = np.zeros(24)
    for v in range(24):
        count = sum(v in histories.all_of(u) for u in known)
        idf[v] = np.log(31 / (1 + count)) + 1
    expected = np.array([idf[v] if v in rows.items else 0 for v in range(24)])
    np.testing.assert_allclose(parts[2][0], expected / np.linalg.norm(expected))
    concepts = np.zeros(6)
    for v in rows.items.tolist():
        concepts[v // 4] += 1
    logs = np.log1p(concepts)
    np.testing.assert_allclose(parts[3][0], logs / np.linalg.norm(logs))
    schools = np.log1p([(rows.courses < 2).sum(), (rows.courses >= 2).sum()])
    np.testing.assert_allclose(parts[1][0], schools / np.linalg.norm(schools))
    np.testing.assert_allclose(weighed([rows.items], encoder.item_weight).toarray()[0], parts[2][0])


def test_numbers_lie_between_the_least_and_the_largest_of_known_learners(world):
    _, histories, encoder = world
    rows = [histories.cut(u, n) for u in range(40) for n in (1, 3, 5, None)]
    parts = encoder.groups(rows).parts
    for part in parts[4:]:
        assert part.min() >= 0
        assert part.max() <= 1
    one = histories.cut(0, 3)  # a row a day
    items = one.items.tolist()
    follows = sum(b == a + 1 and a // 6 == b // 6 for a, b in pairwise(items))
    n_courses = len({v // 6 for v in items})
    expected = [
        np.log(4), np.log1p(n_courses), np.log1p(1.0), np.log(2), one.shares.mean(), 1.0,
        follows / 2, np.log(3), np.log(2), 3 / (6 * n_courses), 1.0,
    ]  # fmt: skip
    np.testing.assert_allclose(encoder.numbers([one])[0], expected)


def test_a_constant_is_zero(world):
    _, histories, encoder = world
    flat = replace(encoder, low=np.ones(11), high=np.ones(11))
    assert not flat.scaled(encoder.numbers([histories.cut(0)])).any()
