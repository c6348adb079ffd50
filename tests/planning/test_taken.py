"""How far a learner has come in courses, counted by hand and by brute force."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from planning_cases import random_case
from scipy import sparse

from kgplan.data.records import KINDS
from kgplan.data.wishes import Wishes
from kgplan.planning.done import done_by
from kgplan.planning.learner import CurrentLearner
from kgplan.planning.taken import taken_courses


def with_answers(records, rng):
    """The records with kinds, and with answers to the exercises in place of views."""
    kinds = rng.choice(KINDS, records.item_ids.size)
    asks = kinds == "exercise"
    scores = np.where(rng.random(records.viewed.shape) < 0.4, rng.choice([0.3, 0.8, 1.0]), 0.0)
    viewed = sparse.csr_array(np.where(asks, 0.0, records.viewed.toarray()))
    order = rng.permutation(viewed.nnz + 1)[1:] + 1
    answered = sparse.csr_array(np.where(asks, scores, 0.0))
    return replace(
        records,
        item_kinds=kinds,
        viewed=viewed,
        viewed_order=order,
        answered=answered,
        answered_order=np.arange(answered.nnz) + 100,
    )


def told_since(records, rng, in_records=True):
    """What a learner is said to have done since; some of it with what nobody knows."""
    nothing = np.zeros(0, np.int64)
    asks = dict(zip(records.item_ids.tolist(), records.exercises.tolist(), strict=True))
    some = {item: round(float(rng.random()), 1) for item in asks if rng.random() < 0.4}
    return CurrentLearner(
        records.concept_ids, nothing, np.zeros(0), np.zeros(0, bool),
        wishes=Wishes(),
        in_records=in_records,
        shares={item: v for item, v in some.items() if not asks[item]} | {"unheard of": 1.0},
        scores={item: v for item, v in some.items() if asks[item]},
        seen_at=dict.fromkeys(some, 5.0),
    )  # fmt: skip


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_each_course_counts_its_own_items_by_the_most_that_is_told(seed, in_records):
    case, rng = random_case(seed), np.random.default_rng(seed)
    records = with_answers(case.records, rng)
    learner = str(rng.choice(records.learner_ids))
    current = told_since(records, rng, in_records)
    row = records.learner_ids.tolist().index(learner)
    best = dict(current.shares) | dict(current.scores)
    for before in (records.viewed.toarray()[row], records.answered.toarray()[row]):
        for item, value in zip(records.item_ids.tolist(), before.tolist(), strict=True):
            if value and in_records:
                best[item] = max(value, best.get(item, 0.0))
    done = done_by(records, learner, current, in_records)
    wanted = [*records.course_ids.tolist(), "nowhere"]
    found = taken_courses(case.graph, records, wanted, done)
    assert [each.course_id for each in found] == sorted(set(wanted) & set(case.graph.course_ids))
    for each in found:
        row = records.course_items.toarray()[records.course_ids.tolist().index(each.course_id)]
        mine = [v for v, place in zip(records.item_ids.tolist(), row, strict=True) if place]
        assert each.items == len(mine)
        assert each.opened == sum(item in best for item in mine)
        assert each.done == sum(best.get(item, 0.0) >= 0.8 for item in mine)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_what_was_done_keeps_its_order_and_lies_before_all_events(seed):
    case, rng = random_case(seed), np.random.default_rng(seed)
    records, current = with_answers(case.records, rng), told_since(case.records, rng)
    for learner in records.learner_ids.tolist():
        row = records.learner_ids.tolist().index(learner)
        done = done_by(records, learner, None)
        for matrix, order in (
            (records.viewed, records.viewed_order),
            (records.answered, records.answered_order),
        ):
            stored = slice(*matrix.indptr[row : row + 2])
            items = matrix.indices[stored]
            np.testing.assert_array_equal(
                np.argsort(done.seen_at[items]), np.argsort(order[stored])
            )
        assert np.isfinite(done.seen_at).sum() == done.opened.sum()
        since = done_by(records, learner, current).seen_at
        told = [records.item_ids.tolist().index(item) for item in current.seen_at]
        others = np.setdiff1d(np.arange(since.size), told)
        assert (since[told] == 5.0).all()
        assert (since[others] < 0).all()


def test_a_row_that_does_not_count_opens_nothing():
    records, rng = random_case(0).records, np.random.default_rng(0)
    nothing = replace(told_since(records, rng, False), shares={}, scores={}, seen_at={})
    for done in (
        done_by(records, records.learner_ids[0], nothing, False),
        done_by(records, "nobody", None),
    ):
        assert not done.opened.any()
        assert not done.through.any()
