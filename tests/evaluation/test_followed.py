"""A look back at learners nobody planned for: cuts by hand, matching by law, planted effects."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from kgplan.data.records import LearnerRecords
from kgplan.errors import InputError
from kgplan.evaluation.followed import (
    MATCHED,
    OUTCOMES,
    cut,
    imbalance,
    look_back,
    page,
    pairs,
    said_at,
)


def records_of(lines, courses, enrolled):
    """Records of learners by what they opened, in order, each to its share.

    Args:
        lines: learner -> [(item, share)].
        courses: course -> its items, in order.
        enrolled: learner -> courses.
    """
    learners, names = sorted(lines), sorted(courses)
    items = sorted({item for of in courses.values() for item in of})
    viewed = np.zeros((len(learners), len(items)))
    order = np.zeros_like(viewed)
    for row, learner in enumerate(learners):
        for place, (item, share) in enumerate(lines[learner], start=1):
            viewed[row, items.index(item)] = share
            order[row, items.index(item)] = place
    places = np.zeros((len(names), len(items)), dtype=np.int64)
    for row, name in enumerate(names):
        for place, item in enumerate(courses[name], start=1):
            places[row, items.index(item)] = place
    stored = sparse.csr_array(viewed)
    mine = np.array([[name in enrolled[u] for name in names] for u in learners], dtype=np.int8)
    return LearnerRecords(
        learner_ids=np.array(learners),
        item_ids=np.array(items),
        concept_ids=np.array(["k"]),
        course_ids=np.array(names),
        enrolled=sparse.csr_array(mine),
        viewed=stored,
        course_concepts=sparse.csr_array(np.ones((len(names), 1), dtype=np.int8)),
        course_items=sparse.csr_array(places),
        q_matrix=sparse.csr_array(np.ones((len(items), 1), dtype=np.int8)),
        viewed_order=sparse.csr_array(order).data.astype(np.int64),
    )


def test_a_cut_is_what_stands_on_paper():
    lines = {
        "ann": [("a1", 1), ("a2", 1), ("b1", 0.5), ("a3", 1), ("a5", 1), ("b2", 1), ("a6", 1)],
        "bob": [("a1", 1), ("a2", 1)],  # too few
        "cid": [("b1", 1), ("b2", 1), ("b3", 1), ("a1", 1), ("a2", 1)],  # in no course of his
    }
    courses = {"A": ["a1", "a2", "a3", "a4", "a5", "a6"], "B": ["b1", "b2", "b3"]}
    found = cut(records_of(lines, courses, {"ann": "AB", "bob": "A", "cid": "A"}), 3, 2)
    assert found.enough == 2
    assert found.learner.tolist() == [0]
    records = records_of(lines, courses, {"ann": "A", "bob": "A", "cid": "A"})
    names = records.item_ids.tolist()
    # by the third view of ann she is in B; where she takes A alone, in no course of hers
    assert cut(records, 3, 2).learner.size == 0
    found = cut(records, 4, 2)
    assert [names[i] for i in found.earlier[0]] == ["a1", "a2", "b1", "a3"]
    assert [names[i] for i in found.coming[0]] == ["a5", "b2"]
    assert (found.in_order.tolist(), found.in_course.tolist()) == ([1], [1])  # a4 and a5 are due
    alike = dict(zip(MATCHED, found.matched[0], strict=True))
    assert alike == pytest.approx(
        {
            "place in the course": 3 / 6,
            "views in the course": 3,
            "went on in order": 1.0,
            "share watched": 3.5 / 4,
            "courses enrolled": np.log(2),
        }
    )
    # of a4 and a6, left then, a6 was opened; B is no other course of hers
    assert dict(zip(OUTCOMES, found.outcomes[0], strict=True)) == {
        "items of the course opened later": 1,
        "share of the course's rest opened later": 1 / 2,
        "opened anything of the course later": 1,
        "opened another course later": 0,
    }


def test_what_comes_after_changes_nothing_before_the_cut():
    """The same beginning, other ends: nothing that is planned from or matched on differs."""
    courses = {"A": [f"a{k}" for k in range(9)]}
    begin = [("a0", 1), ("a1", 1), ("a2", 0.5)]
    ends = [[("a3", 1), ("a4", 1)], [("a8", 1), ("a7", 1), ("a6", 1)]]
    lines = {f"u{k}": begin + end for k, end in enumerate(ends)}
    found = cut(records_of(lines, courses, dict.fromkeys(lines, "A")), 3, 2)
    assert found.earlier[0] == found.earlier[1]
    assert found.matched[0].tolist() == found.matched[1].tolist()
    assert found.coming[0] != found.coming[1]


def test_records_without_order_are_refused():
    records = records_of({"u": [("a1", 1)]}, {"A": ["a1"]}, {"u": "A"})
    with pytest.raises(InputError, match="in which order"):
        cut(replace(records, viewed_order=None))


def test_pairs_are_the_best_that_are_allowed():
    """By trying every pairing: as many as may be, then the least sum."""
    rng = np.random.default_rng(2)
    for _ in range(20):
        matched = rng.normal(size=(7, 2))
        group = np.array([True] * 3 + [False] * 4)
        found = pairs(group, np.zeros(7, dtype=int), matched, 0.6)
        scaled = matched / matched.std(axis=0)
        apart = np.sqrt(np.mean((scaled[:3, None] - scaled[None, 3:]) ** 2, axis=2))
        best = (0, 0.0)
        for chosen in itertools.permutations(range(4), 3):
            near = [apart[k, c] for k, c in enumerate(chosen) if apart[k, c] <= 0.6]
            best = min(best, (-len(near), sum(near)))
        assert -len(found) == best[0]
        total = sum(apart[one, other - 3] for one, other in found)
        assert total == pytest.approx(best[1])
        assert len(set(found.ravel().tolist())) == found.size


def test_pairs_share_their_stratum():
    rng = np.random.default_rng(3)
    group, strata = rng.random(60) < 0.5, rng.integers(0, 5, 60)
    found = pairs(group, strata, rng.normal(size=(60, 1)), 9.0)
    assert (strata[found[:, 0]] == strata[found[:, 1]]).all()
    assert group[found[:, 0]].all()
    assert not group[found[:, 1]].any()
    assert pairs(group, np.arange(60), np.zeros((60, 1))).shape == (0, 2)


def test_imbalance_is_in_standard_deviations():
    group = np.array([True, True, False, False])
    assert imbalance(group, np.array([[1.0, 5], [3, 5], [0, 5], [2, 5]])) == pytest.approx([1, 0])


def planted(rng, adds, spurious=0.0, n=600):
    """Learners of one course: the plan says a10 to a14; who is far goes on further by himself.

    Args:
        adds: items more that following brings.
        spurious: how much more often those follow who watch whole videos, who go further anyway.
    """
    courses = {"A": [f"a{k:02}" for k in range(60)]}
    lines, followers = {}, []
    for k in range(n):
        whole = rng.random() < 0.5
        follows = rng.random() < 0.5 + spurious * (1 if whole else -1)
        start = [(f"a{j:02}", 1.0 if whole else 0.9) for j in range(5)]
        then = range(10, 13) if follows else range(20, 23)
        far = rng.integers(0, 8) + (6 if whole else 0) + (adds if follows else 0)
        later = [(f"a{j:02}", 1.0) for j in range(30, 30 + far)]
        lines[f"u{k:03}"] = [*start, *((f"a{j:02}", 1.0) for j in then), *later]
        followers.append(follows)
    return records_of(lines, courses, dict.fromkeys(lines, "A")), followers


def plan_of(records):
    named = frozenset(records.items.known([f"a{k}" for k in range(10, 15)]).tolist())
    return lambda found: [named] * found.learner.size


def test_a_planted_effect_is_found_and_a_spurious_one_is_matched_away():
    rng = np.random.default_rng(4)
    records, followers = planted(rng, adds=4)
    report = look_back(records, plan_of(records))
    plan = report.comparisons[0]
    assert (plan.group, plan.others) == (sum(followers), len(followers) - sum(followers))
    assert plan.differences[0].low < 4 < plan.differences[0].high
    assert [at.pairs for at in report.calipers[0]] == sorted(at.pairs for at in report.calipers[0])
    records, _ = planted(rng, adds=0, spurious=0.3)
    plan = look_back(records, plan_of(records)).comparisons[0]
    first = plan.differences[0]
    assert first.all_followed - first.all_others > 2  # 6 items, 80 % against 20 % of the groups
    assert first.low < 0 < first.high
    watched = next(b for b in plan.balance if b.thing == "share watched")
    assert abs(watched.all) > 1
    assert abs(watched.matched) < 0.01


def test_intervals_hold_as_often_as_they_say():
    """Of planted worlds without an effect: about one in twenty is wrong."""
    rng, wrong = np.random.default_rng(5), 0
    for _ in range(40):
        records, _ = planted(rng, adds=0, spurious=0.2, n=100)
        first = look_back(records, plan_of(records)).comparisons[0].differences[0]
        wrong += not first.low <= 0 <= first.high
    assert wrong <= 7  # P(Binomial(40, .05) > 7) < .001


def test_few_pairs_bring_no_figures():
    records, _ = planted(np.random.default_rng(6), adds=0, n=8)
    report = look_back(records, plan_of(records))
    assert all(d.difference is None for d in report.comparisons[0].differences)
    assert all(at.difference is None for each in report.calipers for at in each)
    text = page(report, {"made": "2026-01-01"})
    assert "too few to say" in text
    assert "This is no trial" in text


def test_plans_are_made_from_what_lies_before_the_cut(sample_planner):
    """Of learners of the real sample: nothing that is planned for one rests on later views."""
    whole = sample_planner.records
    chosen = np.flatnonzero(np.diff(whole.viewed.indptr) >= 30)[:24]
    order = sparse.csr_array(
        (whole.viewed_order, whole.viewed.indices, whole.viewed.indptr), shape=whole.viewed.shape
    )[chosen]
    viewed, some = whole.viewed[chosen], {"learner_ids": whole.learner_ids[chosen]}
    some |= {"enrolled": whole.enrolled[chosen], "viewed": viewed, "viewed_order": order.data}
    records = replace(whole, **some)
    graph, alike = sample_planner.graph, sample_planner.similarity

    def said(of):
        return said_at(cut(of, 5, 3), of, graph, alike, np.random.default_rng(0))

    before, learner = said(records), int(cut(records, 5, 3).learner[3])
    part = slice(*viewed.indptr[learner : learner + 2].tolist())
    later = np.argsort(np.argsort(order.data[part])) >= 5 + 3
    changed = viewed.copy()
    changed.data[part] = np.where(later, 0.01, changed.data[part])
    after = said(replace(records, viewed=changed))
    assert before[3]
    assert after[3] == before[3]
    assert after != before  # of others: their model was fitted to this learner, too
