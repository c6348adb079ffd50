from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning_cases import random_case
from resources_cases import records as walks
from scipy import sparse

from kgplan.resources.blend.fitting import BlendConfig, fit_blend
from kgplan.resources.foundations import Foundations
from kgplan.resources.ranker import FINISHED, Candidates, ResourceRanker, usual_ranker
from kgplan.resources.simple import HALF_LIFE, METHODS, item_cf, next_in_course, popular


def world(seed: int):
    """Records with an order of views, a ranker of random weights, and a learner."""
    rng = np.random.default_rng(seed)
    records = random_case(seed).records
    viewed = records.viewed.copy()
    viewed.eliminate_zeros()
    order = np.concatenate([rng.permutation(n) + 1 for n in np.diff(viewed.indptr)])
    records = replace(records, viewed=viewed, viewed_order=order.astype(np.int64))
    ranker = replace(usual_ranker(records), weights=rng.uniform(0.1, 1.0, len(METHODS)))
    n, k = records.q_matrix.shape
    made = Foundations.of(records.q_matrix, sparse.csr_array(rng.random((k, k)) < 0.1))
    history = rng.permutation(n)[: rng.integers(0, n + 1)]
    shares = np.zeros(n)
    shares[history] = rng.choice([0.1, 0.5, 0.95, 1.0], history.size)
    return rng, records, ranker, made, history, shares, rng.random(k)


def ranked(ranker, standing, items, tiers, made, n, also=()):
    """What is ranked in one group."""
    return ranker.rank(standing, [Candidates(items, tiers, also)], made, n)[0]


def told_of(each):
    """What is said of a resource, in numbers; sums of other sizes may end in other digits."""
    views = [number for view in each.views for number in (view.item, view.share)]
    said = [each.item, each.place, each.score, *each.steps, each.progress, each.pre, *views]
    return pytest.approx([*said, *each.parts, *each.figures], abs=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_a_score_is_the_weighted_sum_of_what_the_methods_say_alone(seed):
    rng, records, ranker, made, history, shares, mastery = world(seed)
    counts, n = ranker.counts, records.item_ids.size
    followed = np.zeros(n)
    if history.size:
        row = counts.followed[[history[-1]]].toarray().ravel()
        followed = row / max(row.sum(), 1)
    figures = np.array(
        [
            followed,
            next_in_course(counts, history) if history.size else np.zeros(n),
            item_cf(counts, history, HALF_LIFE) if history.size else np.zeros(n),
            popular(counts, history),
            shares,
            made.pre(np.arange(n), mastery),
        ]
    )
    scores = ranker.weights @ figures
    candidates, tiers = rng.permutation(n), rng.integers(0, 3, n)
    standing = ranker.standing(history, shares, mastery)
    found = ranked(ranker, standing, candidates, tiers, made, n)
    left = [k for k in candidates.tolist() if shares[k] < FINISHED]
    tier_of = dict(zip(candidates.tolist(), tiers.tolist(), strict=True))
    assert sorted(each.item for each in found) == sorted(left)
    for each in found:
        assert each.score == pytest.approx(scores[each.item])
        assert each.parts == pytest.approx(ranker.weights * figures[:, each.item])
    keys = [(tier_of[each.item], -each.score) for each in found]
    for before, after in pairwise(keys):
        assert before[0] < after[0] or (before[0] == after[0] and before[1] <= after[1] + 1e-12)
    assert [each.place for each in found] == list(range(1, len(found) + 1))


@given(st.integers(0, 2**32 - 1))
def test_groups_that_are_ranked_together_are_ranked_as_each_alone(seed):
    rng, records, ranker, made, history, shares, mastery = world(seed)
    n = records.item_ids.size
    standing = ranker.standing(history, shares, mastery)
    groups = [
        Candidates(part, rng.integers(0, 3, part.size), part[:1].tolist())
        for part in np.split(rng.permutation(n), np.sort(rng.integers(0, n + 1, 3)))
    ]
    together = ranker.rank(standing, groups, made, 2)
    for found, (items, tiers, also) in zip(together, groups, strict=True):
        alone = ranked(ranker, standing, items, tiers, made, 2, also)
        assert [told_of(each).expected for each in found] == list(map(told_of, alone))
    assert ranker.rank(standing, [], made, 2) == []


@given(st.integers(0, 2**32 - 1))
def test_shares_add_up_and_what_is_asked_for_is_told_wherever_it_stands(seed):
    rng, records, ranker, made, history, shares, mastery = world(seed)
    n = records.item_ids.size
    standing = ranker.standing(history, shares, mastery)
    candidates, tiers = np.arange(n), np.zeros(n, dtype=np.int64)
    whole = ranked(ranker, standing, candidates, tiers, made, n)
    for each in whole:
        told = sum(abs(share) for share in each.shares.values())
        assert told == pytest.approx(1.0 if each.parts.any() else 0.0)
        assert sum(view.share for view in each.views) <= 1 + 1e-9
        assert {view.item for view in each.views} <= set(history.tolist())
    also = rng.permutation(n)[:3].tolist()
    some = ranked(ranker, standing, candidates, tiers, made, 2, also)
    expected = [each for each in whole if each.place <= 2 or each.item in also]
    assert [(each.item, each.place) for each in some] == [(e.item, e.place) for e in expected]


def test_what_nothing_tells_apart_keeps_its_order():
    _, records, ranker, made, _, _, mastery = world(3)
    n = records.item_ids.size
    silent = replace(ranker, weights=np.zeros(len(METHODS)))
    order = np.random.default_rng(0).permutation(n)
    standing = silent.standing(np.empty(0, np.int64), np.zeros(n), mastery)
    found = ranked(silent, standing, order, np.zeros(n, np.int64), made, n)
    assert [each.item for each in found] == order.tolist()
    assert {each.leading for each in found} == {None}


def test_a_new_learner_is_ranked_by_popularity_alone():
    _, records, _, made, _, _, mastery = world(5)
    n = records.item_ids.size
    usual = usual_ranker(records)
    standing = usual.standing(np.empty(0, np.int64), np.zeros(n), mastery)
    found = ranked(usual, standing, np.arange(n), np.zeros(n, np.int64), made, n)
    viewers = (records.viewed > 0).sum(axis=0)
    assert [each.opened for each in found] == sorted(viewers.tolist(), reverse=True)
    assert {each.leading for each in found if each.opened} == {"popular"}


def test_what_came_later_has_no_views_and_what_left_is_gone():
    _, records, ranker, *_ = world(8)
    kept = np.arange(1, records.item_ids.size)
    ids = np.sort(np.append(records.item_ids[kept], "v_new"))
    at = np.searchsorted(ids, records.item_ids[kept])
    later = replace(
        records,
        item_ids=ids,
        course_items=sparse.csr_array((records.course_ids.size, ids.size), dtype=np.int64),
    )
    moved = ranker.on(later).counts
    assert ranker.on(records) is ranker
    new = int(np.searchsorted(ids, "v_new"))
    assert moved.viewers[new] == moved.followed[[new]].sum() == moved.together[[new]].sum() == 0
    np.testing.assert_array_equal(moved.viewers[at], ranker.counts.viewers[kept])
    for name in ("together", "followed"):
        was, now = getattr(ranker.counts, name).toarray(), getattr(moved, name).toarray()
        np.testing.assert_array_equal(now[np.ix_(at, at)], was[np.ix_(kept, kept)])


def test_without_an_order_no_step_is_counted():
    _, records, ranker, *_ = world(8)
    counts = usual_ranker(replace(records, viewed_order=None)).counts
    assert counts.followed.nnz == 0
    assert (counts.together != ranker.counts.together).nnz == 0


def test_what_is_stored_comes_back():
    _, _, ranker, *_ = world(4)
    again = ResourceRanker.from_arrays(ranker.to_arrays())
    assert again.chosen == ranker.chosen
    np.testing.assert_array_equal(again.weights, ranker.weights)
    assert (again.counts.together != ranker.counts.together).nnz == 0


def blended():
    """A ranker whose blend was fitted to learners who go along a course, some by two places."""
    lines = [[*range(k % 3, 12, 1 + k % 2)] for k in range(60)]
    views = walks(lines, courses=(tuple(range(12)),), n_items=12)
    blend = fit_blend(views, BlendConfig(ahead=1, moments=6, before=1, rounds=10))
    return views, replace(usual_ranker(views), counts=blend.known.counts, blend=blend)


def test_a_blend_orders_by_what_its_trees_say_and_its_parts_add_up_to_that():
    _, ranker = blended()
    n, history = 12, np.array([1, 3, 5])
    made = Foundations.of(sparse.csr_array((n, 1)), sparse.csr_array((1, 1)))
    standing = ranker.standing(history, np.zeros(n), np.zeros(1))
    asked = np.setdiff1d(np.arange(n), history)
    found = ranked(ranker, standing, asked, np.zeros(asked.size, np.int64), made, n)
    scores = ranker.blend.of(history, asked)
    assert [e.item for e in found] == asked[np.argsort(-scores, kind="stable")].tolist()
    assert found[0].item == 7  # who went by two places goes on so
    for each in found:
        assert each.parts.sum() + ranker.blend.trees.mean == pytest.approx(each.score)
        assert each.leading is None or each.figures[METHODS.index(each.leading)] > 0


def test_a_new_learner_is_not_asked_of_the_blend():
    views, ranker = blended()
    nobody, zeros = np.empty(0, np.int64), np.zeros(12)
    made = Foundations.of(sparse.csr_array((12, 1)), sparse.csr_array((1, 1)))
    usual = usual_ranker(views)
    said = [
        each.score(each.standing(nobody, zeros, np.zeros(1)), np.arange(12), made)
        for each in (ranker, usual)
    ]
    np.testing.assert_array_equal(*said)


def test_a_blend_is_stored_with_its_counts_once_and_moves_to_other_resources():
    views, ranker = blended()
    arrays = ranker.to_arrays()
    assert not [name for name in arrays if name.startswith("blend.known.counts")]
    again = ResourceRanker.from_arrays(arrays)
    history, asked = np.array([0, 1, 2]), np.arange(3, 12)
    expected = ranker.blend.of(history, asked)
    np.testing.assert_array_equal(again.blend.of(history, asked), expected)
    # one more in front of all, which nobody opened: all others stand where they did
    places = sparse.hstack([sparse.csr_array((1, 1)), views.course_items]).tocsr()
    later = replace(
        views,
        item_ids=np.concatenate([["A_new"], views.item_ids]),
        course_items=sparse.csr_array(places.astype(np.int64)),
    )
    moved = again.on(later)
    np.testing.assert_allclose(moved.blend.of(history + 1, asked + 1), expected)
    assert moved.blend.known.counts is moved.counts


def test_what_was_stored_before_there_was_a_blend_ranks_by_its_weights():
    _, ranker = blended()
    old = {name: each for name, each in ranker.to_arrays().items() if "blend" not in name}
    assert ResourceRanker.from_arrays(old).blend is None
