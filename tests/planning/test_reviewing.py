"""What comes due again: FSRS's own laws, days of work by hand, and a time that is kept."""

from itertools import pairwise

import numpy as np
import pytest
from fsrs.scheduler import DEFAULT_PARAMETERS
from hypothesis import given
from hypothesis import strategies as st
from learner_cases import hand_model
from scipy import sparse

from kgplan.data.events import Event
from kgplan.data.wishes import Wishes
from kgplan.planning import PlanOptions
from kgplan.planning.live import LiveModel
from kgplan.planning.resources import Places
from kgplan.planning.reviewing import DAY, Sitting, fitted, memory_of, sittings_of

BEGIN = 1.7e9 // DAY * DAY
times = st.lists(st.floats(0, 400), min_size=1, max_size=8).map(
    lambda days: [BEGIN + DAY * day for day in sorted(days)]
)
scores = st.sampled_from([None, 0.0, 0.6, 1.0])


def seen(item, day, share=None, score=None, **more):
    return Event(f"{item}{day}", "u", BEGIN + DAY * day, item, share=share, score=score, **more)


# ---------------------------------------------------------------- memory


def test_the_first_intervals_are_those_of_the_published_weights():
    """The stability behind the first review is a weight itself; due is it, where .9 are wanted."""
    for score, weight in ((0.0, 0), (0.6, 1), (1.0, 2), (None, 2)):
        found = memory_of([BEGIN], [score], BEGIN)
        days = max(round(DEFAULT_PARAMETERS[weight]), 1)
        assert (found.due - BEGIN) / DAY == pytest.approx(days)
        assert found.recall == 1.0


@given(times, st.data(), st.floats(0, 2_000))
def test_what_is_remembered_fades_and_what_was_wrong_is_due_sooner(when, data, days):
    given_ = [data.draw(scores) for _ in when]
    chances = [memory_of(when, given_, when[-1] + n * days * DAY).recall for n in range(4)]
    assert all(later <= before for before, later in pairwise(chances))
    right, wrong = (memory_of(when, [*given_[:-1], last], when[-1]) for last in (1.0, 0.0))
    assert wrong.due <= right.due
    assert right.last == when[-1] < right.due


@given(times, st.sampled_from([0.7, 0.8, 0.9]))
def test_it_is_due_when_the_chance_falls_to_what_is_wanted(when, wanted):
    """To the day, in which FSRS counts."""
    due = memory_of(when, [None] * len(when), when[-1], wanted).due
    before, after = (
        memory_of(when, [None] * len(when), due + days * DAY, wanted).recall for days in (-1, 1)
    )
    assert after <= wanted <= before or due - when[-1] <= DAY + 1


# ---------------------------------------------------------------- days of work


def test_a_day_counts_on_which_the_sum_of_views_is_enough_and_each_later_one_that_is_alone():
    parts = {"segments": ((0.0, 50.0),), "length": 100.0}
    rest = {"segments": ((50.0, 95.0),), "length": 100.0}
    events = [
        seen("v", 9, **parts),  # again, half of it
        seen("v", 1, **rest),  # by now 95 of 100 s
        seen("v", 0, **parts),
        seen("v", 20, share=1.0),
        seen("w", 2, score=1.0),
        seen("w", 2.1, score=0.2),  # the same day: the last answer counts
        seen("x", 3, share=0.5),
        Event("e", "u", BEGIN, enrols=True, course_id="C"),
    ]
    assert sittings_of(events, None) == [
        Sitting("v", BEGIN + DAY, None),
        Sitting("w", BEGIN + 2.1 * DAY, 0.2),
        Sitting("v", BEGIN + 20 * DAY, None),
    ]


# ---------------------------------------------------------------- within a time


@given(st.integers(0, 10_000))
def test_the_time_is_kept_and_nothing_that_would_have_fitted_is_left(seed):
    rng = np.random.default_rng(seed)
    n_items, n_concepts = rng.integers(1, 8, 2)
    covers = sparse.csr_array((rng.random((n_items, n_concepts)) < 0.4).astype(np.int8))
    minutes, budget = rng.uniform(1, 10, n_items), rng.uniform(0, 20)
    due = {int(k): float(rng.random()) for k in np.flatnonzero(rng.random(n_concepts) < 0.7)}
    on = {k: np.flatnonzero(covers.toarray()[:, k]) for k in due}
    places = {k: Places(i, np.zeros_like(i), 2 * rng.integers(0, 3, i.size)) for k, i in on.items()}
    asks = rng.random(n_items) < 0.3
    found = fitted(due, places, covers, asks, minutes, budget)
    left = budget - sum(minutes[item] for item, _, _ in found)
    assert left >= -1e-9
    back = [concept for _, _, concepts in found for concept in concepts]
    assert len(back) == len(set(back))
    for item, _, concepts in found:
        assert all(covers[item, concept] for concept in concepts)
        # the concept that it was opened for has nothing that asks, or this asks
        assert (
            asks[item]
            or not any(asks[k] and minutes[k] <= left for k in on[concepts[0]].tolist())
            or len(concepts) > 1
        )
    for concept in due.keys() - set(back):
        assert all(minutes[item] > left for item in on[concept].tolist())
    urgent = [max(due[k] for k in concepts) for _, _, concepts in found]
    assert urgent == sorted(urgent, reverse=True)


# ---------------------------------------------------------------- a learner


@pytest.fixture(scope="module")
def case():
    return hand_model(6)


def reviews(case, events, now, minutes=100.0, wishes=None, **manner):
    model, learner = LiveModel(case.records, case.diagnosis), "somebody"
    events = [each._replace(learner_id=learner) for each in events]
    state = model.current(learner, model.evidence(events), wishes or Wishes())
    sittings = sittings_of(events, model.lengths)
    return case.planner().reviews(
        *(learner, None, sittings, BEGIN + now * DAY, minutes),
        manner=PlanOptions(**manner),
        current=state.learner,
    )


def test_what_was_held_comes_due_and_is_not_when_it_was_worked_on_again(case):
    events = [seen(item, 0, share=1.0) for item in case.records.item_ids.tolist()]
    fresh, later = reviews(case, events, 0.5), reviews(case, events, 60)
    assert (fresh.reviews, fresh.later) == ((), 0)
    assert fresh.next_due is not None
    assert fresh.note == "Nothing that you hold is due again."
    assert later.reviews
    due = [concept.concept_id for review in later.reviews for concept in review.concepts]
    mastery = {
        each.concept_id: each
        for each in case.planner().mastery(
            "somebody",
            current=LiveModel(case.records, case.diagnosis)
            .current("somebody", LiveModel(case.records, case.diagnosis).evidence(events), Wishes())
            .learner,
        )
    }
    assert all(mastery[each].mastery >= 0.5 and mastery[each].identified for each in due)
    for review in later.reviews:
        assert review.resource.again
        assert review.because.startswith(f"You last worked on {review.concepts[0].name} 2 months")
    again = [seen(review.resource.item_id, 60, share=1.0) for review in later.reviews]
    assert reviews(case, [*events, *again], 60.1).reviews == ()
    assert reviews(case, [*events, *again], 60.1).next_due > fresh.next_due


def test_what_was_left_out_and_what_was_refused_is_not_sent_for(case):
    events = [seen(item, 0, share=1.0) for item in case.records.item_ids.tolist()]
    first = reviews(case, events, 60).reviews[0]
    left = Wishes(left_out=frozenset({first.concepts[0].concept_id}))
    told = reviews(case, events, 60, wishes=left)
    assert first.concepts[0].concept_id not in {
        each.concept_id for review in told.reviews for each in review.concepts
    }
    refused = Wishes(items_left_out=frozenset({first.resource.item_id}))
    told = reviews(case, events, 60, wishes=refused)
    assert first.resource.item_id not in {each.resource.item_id for each in told.reviews}


def test_without_time_it_is_said_and_counted(case):
    events = [seen(item, 0, share=1.0) for item in case.records.item_ids.tolist()]
    every, none = reviews(case, events, 60), reviews(case, events, 60, minutes=1e-6, language="zh")
    assert (none.reviews, none.next_due) == ((), every.next_due)
    assert none.later == sum(len(each.concepts) for each in every.reviews) + every.later
    assert none.note == "有内容需要复习，但在这段时间内安排不下。"
