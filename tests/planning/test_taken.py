"""How far a learner has come in courses, counted by hand and by brute force."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from planning_cases import random_case

from kgplan.planning.taken import opened_shares, taken_courses


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_each_course_counts_its_own_videos_by_the_largest_share_that_is_told(seed):
    case, rng = random_case(seed), np.random.default_rng(seed)
    records = case.records
    learner = str(rng.choice(records.learner_ids))
    told = {v: float(rng.random()) for v in records.item_ids.tolist() if rng.random() < 0.4}
    before = records.viewed.toarray()[records.learner_ids.tolist().index(learner)]
    best = dict(told)
    for video, share in zip(records.item_ids.tolist(), before.tolist(), strict=True):
        if share:
            best[video] = max(share, told.get(video, 0.0))
    shares = opened_shares(records, learner, told | {"unheard of": 1.0})
    wanted = [*records.course_ids.tolist(), "nowhere"]
    found = taken_courses(case.graph, records, wanted, shares)
    assert [each.course_id for each in found] == sorted(set(wanted) & set(case.graph.course_ids))
    for each in found:
        row = records.course_items.toarray()[records.course_ids.tolist().index(each.course_id)]
        mine = [v for v, place in zip(records.item_ids.tolist(), row, strict=True) if place]
        assert each.items == len(mine)
        assert each.opened == sum(video in best for video in mine)
        assert each.watched == sum(best.get(video, 0.0) >= 0.8 for video in mine)


def test_a_row_that_does_not_count_opens_nothing():
    records = random_case(0).records
    assert np.isnan(opened_shares(records, None, {})).all()
    assert np.isnan(opened_shares(records, "nobody", {})).all()
