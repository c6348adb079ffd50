"""The effect of a prerequisite: what is planted is found, and what is not there is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats

from kgplan.errors import AxisMismatch
from kgplan.evaluation.effects import Tries, compare, edge_effects

P, C = 0, 1


def tries_of(rows) -> Tries:
    """Tries from (learner, video, place, success, seen)."""
    columns = np.array(rows).reshape(-1, 5).T
    return Tries(*columns[:3], *columns[3:].astype(bool))


def effect_of(tries, q_matrix=np.eye(2, dtype=np.int8)):
    """Effect, interval and numbers of the edge from concept 0 to concept 1."""
    found = edge_effects(np.array([P]), np.array([C]), tries, sparse.csr_array(q_matrix))
    return tuple(part.item() for part in vars(found).values())


def counts(good_with, with_it, good_without, without_it, stratum=0):
    """Learners of one stratum for `compare`."""
    has_it = np.repeat([True, False], [with_it, without_it])
    success = np.r_[np.arange(with_it) < good_with, np.arange(without_it) < good_without]
    return success, has_it, np.full(has_it.size, stratum)


def test_with_many_learners_the_interval_is_about_newcombes_own_example():
    found = compare(*counts(56, 70, 48, 80))  # Newcombe 1998, method 10: .2, .0524 to .3339
    assert found[:3] == pytest.approx([0.2, 0.0524, 0.3339], abs=0.006)
    assert found[3:] == (70, 80)


def test_an_interval_of_95_percent_holds_the_truth_95_times_in_100_even_for_few():
    def coverage(n_with, n_without, p_with, p_without):
        """Exact: over all outcomes, by their probability."""
        covered = 0.0
        for a in range(n_with + 1):
            for b in range(n_without + 1):
                _, low, high, *_ = compare(*counts(a, n_with, b, n_without))
                if low <= p_with - p_without <= high:
                    chance = stats.binom(n_with, p_with).pmf(a)
                    covered += chance * stats.binom(n_without, p_without).pmf(b)
        return covered

    for n in ((2, 1), (5, 3), (20, 10)):
        for p in ((0.5, 0.5), (0.8, 0.8), (0.9, 0.6), (0.3, 0.7)):
            assert coverage(*n, *p) > 0.93, (n, p)


def test_a_hard_video_that_those_without_it_meet_more_often_is_no_effect():
    # as Simpson's: on either video both sides do equally well
    easy, hard = counts(81, 90, 9, 10), counts(2, 10, 18, 90, stratum=1)
    success, has_it, stratum = (np.concatenate(parts) for parts in zip(easy, hard, strict=True))
    effect, low, high, *_ = compare(success, has_it, stratum)
    assert abs(effect) < 0.02
    assert low < 0 < high
    pooled = compare(success, has_it, np.zeros(success.size, int))
    assert pooled.low > 0.4


def test_only_what_was_worked_through_before_counts_and_only_what_was_seen_is_an_outcome():
    rows = [
        (0, P, 1, True, True), (0, C, 2, True, True),  # had it
        (1, C, 1, False, True), (1, P, 2, True, True),  # had it too late
        (2, P, 1, False, True), (2, C, 2, False, True),  # began it only
        (3, P, 1, True, False), (3, C, 2, True, True),  # assumed to have it
        (4, P, 1, True, True), (4, C, 2, True, False),  # the outcome is assumed
        (5, C, 3, False, True),
    ]  # fmt: skip
    effect, *_, with_it, without_it = effect_of(tries_of(rows))
    assert (with_it, without_it) == (2, 3)
    assert effect == pytest.approx(3 / 4 - 1 / 5)  # 2 of 2 and 0 of 3, one and one added


def test_where_all_or_none_had_it_nobody_can_be_compared():
    everyone = tries_of([(u, v, v, True, True) for u in range(5) for v in (P, C)])
    nobody = tries_of([(u, C, 1, True, True) for u in range(5)])
    for tries in (everyone, nobody, tries_of([])):
        effect, *_, with_it, without_it = effect_of(tries)
        assert (np.isnan(effect), with_it, without_it) == (True, 0, 0)


def test_disagreeing_arrays_are_refused():
    with pytest.raises(AxisMismatch, match="before has 1, after has 2"):
        edge_effects(np.array([0]), np.array([0, 1]), tries_of([]), sparse.csr_array((2, 2)))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_each_edge_compares_what_a_reader_of_the_time_lines_would(seed):
    rng = np.random.default_rng(seed)
    learners, videos, concepts = 8, 6, 4
    q = (rng.random((videos, concepts)) < 0.4).astype(np.int8)
    rows = [
        (u, v, place, rng.random() < 0.6, rng.random() < 0.8)
        for u in range(learners)
        for place, v in enumerate(rng.permutation(videos)[: rng.integers(0, videos + 1)])
    ]
    before, after = np.nonzero(~np.eye(concepts, dtype=bool))
    found = edge_effects(before, after, tries_of(rows), sparse.csr_array(q))
    for edge, (b, a) in enumerate(zip(before, after, strict=True)):
        seen = []
        for u in range(learners):
            line = [row for row in rows if row[0] == u]
            first = next((row for row in line if q[row[1], a] and row[4]), None)
            if first is not None:
                earlier = [row for row in line if row[2] < first[2] and q[row[1], b]]
                seen.append((first[3], any(row[3] for row in earlier), first[1]))
        expected = compare(*(np.array(part) for part in zip(*seen, strict=True))) if seen else None
        got = [part[edge] for part in vars(found).values()]
        if expected is None:
            assert np.isnan(got[0])
        else:
            np.testing.assert_allclose(got, expected)


def test_planted_effects_are_found_and_those_of_0_are_told_to_be_nothing():
    rng = np.random.default_rng(5)
    planted, learners = np.repeat([0.0, 0.3], 40), 400
    rows, edges = [], []
    for edge, gain in enumerate(planted):
        p, c = 2 * edge, 2 * edge + 1
        edges.append((p, c))
        has_it = rng.random(learners) < 0.5
        success = rng.random(learners) < 0.5 + gain * has_it
        for u in range(learners):
            rows += [(u, p, 2 * edge, has_it[u], True), (u, c, 2 * edge + 1, success[u], True)]
    before, after = np.array(edges).T
    q = sparse.eye_array(2 * planted.size, dtype=np.int8).tocsr()
    found = edge_effects(before, after, tries_of(rows), q)
    assert found.effect.reshape(2, -1).mean(axis=1) == pytest.approx([0, 0.3], abs=0.02)
    assert np.mean((found.low <= planted) & (planted <= found.high)) >= 0.9
    assert np.mean(found.low[planted > 0] > 0) == 1
    assert np.mean(found.low[planted == 0] > 0) <= 0.1
