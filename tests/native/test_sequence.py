"""Sequences of videos, held against loops over sets and lists, and against what must hold of any.

`plain_sequence` tells the same rule without anything that is kept between turns.
"""

from dataclasses import dataclass
from functools import cache
from itertools import groupby

import numpy as np
import pytest
from oracles.plain_sequence import Problem
from sequence_cases import Drawn, drawn, laid_out

from kgplan.native.sequence import (
    END,
    GAIN,
    LENGTH,
    MINUTES,
    MOST_VIDEOS,
    Rows,
    Standing,
    moves_of,
    rates_after,
    sequence,
)

WHY = {END: "end", LENGTH: "length", MINUTES: "minutes", GAIN: "gain"}
SMALL = range(400)
LARGER = range(1_000, 1_060)


@dataclass(frozen=True)
class Made:
    """A drawn problem, its loops, and what the compiled rule made of it."""

    asked: Drawn
    plain: Problem
    rows: Rows
    why: str

    @property
    def steps(self) -> list[tuple[int, list[int]]]:
        """Each concept with its videos."""
        pairs = zip(self.rows.concept.tolist(), self.rows.video.tolist(), strict=True)
        return [
            (concept, [video for _, video in same])
            for concept, same in groupby(pairs, key=lambda pair: pair[0])
        ]


def made(d: Drawn) -> Made:
    rows, why = sequence(d.layout, d.by, d.theta, d.length, d.budget, d.least)
    return Made(d, Problem(d.layout, d.by, d.theta), rows, WHY[why])


@cache
def problems() -> list[Made]:
    return [made(drawn(seed)) for seed in SMALL] + [made(drawn(seed, 20)) for seed in LARGER]


def test_the_rows_are_those_of_plain_loops():
    for each in problems():
        d = each.asked
        expected, why = each.plain.sequence(d.length, d.budget, d.least)
        found = zip(*(column.tolist() for column in each.rows[:2]), each.rows.goal, strict=True)
        assert list(found) == [(row.concept, row.video, row.goal) for row in expected]
        np.testing.assert_allclose(each.rows.gain, [row.gain for row in expected], atol=1e-12)
        np.testing.assert_allclose(each.rows.rate, [row.rate for row in expected], rtol=1e-9)
        assert each.why == why


def test_alternatives_that_lead_in_a_circle_are_planned_as_by_loops():
    for seed in range(100):
        each = made(drawn(seed, circles=True))
        d = each.asked
        expected, _ = each.plain.sequence(d.length, d.budget, d.least)
        assert each.rows.video.tolist() == [row.video for row in expected]


def test_all_that_can_be_drawn_is_drawn():
    drawings = [each.asked for each in problems()]
    assert {each.why for each in problems()} == set(WHY.values())
    assert any(each.by.again.any() for each in drawings)
    assert any(each.by.road.size > 3 for each in drawings)
    assert any(np.diff(each.layout.any_start).max(initial=0) > 1 for each in drawings)
    assert any(each.by.first.any() and each.budget < np.inf for each in drawings)
    assert any(each.by.to_check.any() and each.layout.asks.any() for each in drawings)
    assert any(each.by.not_yet.any() and each.by.goes_on.any() for each in drawings)
    longer = [each for each in problems() if len(each.steps) > 3]
    assert len(longer) > 50


def test_a_shorter_plan_begins_every_longer_one():
    for each in problems():
        before: list[tuple[int, list[int]]] = []
        for length in range(1, each.asked.by.mastery.size + 2):
            now = made(each.asked._replace(length=length)).steps
            assert now[: len(before)] == before
            assert len(now) <= length
            before = now


def test_what_a_concept_waits_for_and_can_be_learned_comes_earlier():
    for each in problems():
        state, on_road = each.plain.start(), on_the_road(each)
        for concept, videos in each.steps:
            likely = each.plain.likely if on_road[concept] else set()
            for lost in each.plain.lacking(concept, state, likely):  # the lesson alone teaches it
                assert on_road[concept]
                assert each.plain.left_for(lost, state) == [
                    v for v in videos if v in each.plain.taught_by[lost]
                ]
            for video in videos:
                each.plain.watch(video, concept, state)
            state.passed.add(concept)


def test_no_video_comes_twice_and_each_is_open_and_on_its_concept():
    for each in problems():
        videos = each.rows.video.tolist()
        assert len(set(videos)) == len(videos)
        assert each.asked.by.open[videos].all()
        for concept, used in each.steps:
            own = [video for video in used if concept in each.plain.covers[video]]
            assert own
            with_it = set(used) - set(own)
            assert with_it <= set(each.asked.by.road[each.asked.by.rides[each.asked.by.road]])
            asks = each.asked.layout.asks[used]
            assert on_the_road(each)[concept] or len(used) <= MOST_VIDEOS + asks[-1]


def test_an_exercise_comes_behind_all_that_could_teach_what_it_asks_for():
    checks = 0
    for each in problems():
        asks, state = each.asked.layout.asks, each.plain.start()
        for concept, used in each.steps:
            new = [video for video in used if not each.asked.by.again[video]]
            assert [asks[v] for v in new] == sorted(asks[v] for v in new)
            for place, video in enumerate(used):
                if asks[video] and place and not asks[used[place - 1]]:
                    checks += 1
                    others = set(each.plain.covers[video]) - {concept} - state.passed
                    left = [v for c in others for v in each.plain.left_for(c, state)]
                    assert each.asked.by.again[video] or asks[left].all()
                each.plain.watch(video, concept, state)
            state.passed.add(concept)
    assert checks > 50


def test_no_step_is_closed_and_none_comes_twice():
    for each in problems():
        concepts = [concept for concept, _ in each.steps]
        assert len(set(concepts)) == len(concepts)
        assert not each.asked.by.closed[concepts].any()


def on_the_road(each: Made) -> dict[int, bool]:
    """Whether each concept that is planned is so as the road goes on."""
    return dict(zip(each.rows.concept.tolist(), (each.rows.stand == 0).tolist(), strict=True))


def test_what_is_passed_comes_on_the_road_only_and_not_behind_what_builds_on_it():
    came = 0
    for each in problems():
        by, earlier = each.asked.by, set()
        for concept, used in each.steps:
            if by.passed[concept]:
                came += 1
                assert on_the_road(each)[concept]
                asks = each.asked.layout.asks[used]
                assert not by.just_done[concept] or (by.to_check[concept] and asks.any())
                assert all(concept not in any_of for e in earlier for any_of in each.plain.needs[e])
            earlier.add(concept)
    assert came > 20


def test_the_road_comes_in_the_courses_order_before_what_is_taken_by_its_gain():
    longest = 0
    for each in problems():
        by, layout = each.asked.by, each.asked.layout
        forced = set(layout.asked[by.first | (by.urgency[layout.asked] > 1)].tolist())
        rows = zip(
            *(c.tolist() for c in (*each.rows[:2], each.rows.goal, each.rows.stand)), strict=True
        )
        free = [(c, v, g, s) for c, v, g, s in rows if g not in forced]
        by_gain = [stand > 0 for *_, stand in free]
        assert by_gain == sorted(by_gain)
        mine = set(by.road.tolist())
        places = [
            by.turn[v]
            for c, v, g, s in free
            if s == 0 and c == g and v in mine and not layout.asks[v] and not by.not_yet[c]
        ]
        assert places == sorted(places)
        longest = max(longest, len(places))
    assert longest > 3


def test_what_nothing_teaches_is_no_step_and_holds_nothing_up():
    needs, covers = [[], [[0]], [[1]]], np.array([[False, False, True]])
    layout = laid_out(needs, covers, np.array([True]), [0, 1, 2])
    by = standing(3, 1, first=np.array([True, False, False]))
    rows, why = sequence(layout, by, 0.5, 10, np.inf, 0.0)
    assert rows.concept.tolist() == [2]
    assert why == END


def standing(n: int, m: int, **given) -> Standing:
    """A learner who knows little of n concepts, each on one of m videos of a minute."""
    usual = {
        "mastery": np.full(n, 0.2),
        "factor": np.full(m, 9.0),
        "weight": np.ones(n),
        "closed": np.zeros(n, bool),
        "passed": np.zeros(n, bool),
        "open": np.ones(m, bool),
        "again": np.zeros(m, bool),
        "minutes": np.ones(m),
        "favour": np.ones(m),
        "road": np.zeros(0, np.int64),
        "rides": np.zeros(m, bool),
        "likely": np.zeros(n, bool),
        "just_done": np.zeros(n, bool),
        "to_check": np.zeros(n, bool),
        "first": np.zeros(n, bool),
        "urgency": np.ones(n),
        "not_yet": np.zeros(n, bool),
        "goes_on": np.zeros(m, bool),
        "turn": np.arange(float(m)),
        "practice": np.zeros(0, np.int64),
        "practised_for": np.zeros(0, np.int64),
    }
    return Standing(**usual | given)


def test_the_minutes_are_kept_but_for_what_comes_first():
    for each in problems():
        d = each.asked
        first = set(d.layout.asked[d.by.first].tolist())
        used = 0.0
        for video, goal in zip(each.rows.video.tolist(), each.rows.goal.tolist(), strict=True):
            used += d.by.minutes[video]
            assert used <= d.budget + 1e-9 or first & set(each.rows.goal.tolist())
            assert goal in set(d.layout.asked.tolist())


def test_what_comes_first_comes_before_all_other_goals():
    for each in problems():
        first = set(each.asked.layout.asked[each.asked.by.first].tolist())
        by_gain = each.rows.goal[each.rows.stand > 0]
        are = [goal in first for goal in by_gain.tolist()]
        assert are == sorted(are, reverse=True)


def test_nothing_is_taken_that_gains_less_a_minute_than_is_asked_for():
    for each in problems():
        by, rows = each.asked.by, each.rows
        first = set(each.asked.layout.asked[by.first].tolist())
        bundles = [list(same) for _, same in groupby(range(rows.goal.size), rows.goal.item)]
        for places in bundles[:-1] if each.why == "length" else bundles:  # that cuts the last one
            videos = rows.video[places]
            pace = rows.gain[places].sum() / by.minutes[videos].sum()
            goal = int(rows.goal[places[0]])
            is_free = goal in first or by.urgency[goal] > 1 or rows.stand[places[0]] == 0
            assert is_free or pace >= each.asked.least - 1e-12


def test_the_moves_are_those_of_going_through_it_again():
    for each in problems():
        d, state = each.asked, each.plain.start()
        moves = moves_of(each.rows, d.layout, d.by, d.theta)
        expected = []
        for concept, videos in each.steps:
            for video in videos:
                before = {c: state.mastery[c] for c in each.plain.covers[video]}
                each.plain.watch(video, concept, state)
                expected += [(c, m, state.mastery[c]) for c, m in before.items()]
            state.passed.add(concept)
        assert moves.concept.tolist() == [concept for concept, _, _ in expected]
        np.testing.assert_allclose(moves.before, [before for _, before, _ in expected])
        np.testing.assert_allclose(moves.after, [after for _, _, after in expected])
        assert (np.diff(moves.row) >= 0).all()
        # a row is credited with what it moves, weighted, of all that is counted
        counts = np.where(d.by.closed, 0.0, d.by.weight)[moves.concept]
        gained = np.bincount(moves.row, counts * (moves.after - moves.before), each.rows.gain.size)
        ready = gained - each.rows.gain
        assert (ready >= -1e-12).all()


def test_the_rates_are_those_of_each_goal_alone_and_the_best_is_chosen():
    choices = 0
    for each in problems():
        d, goals = each.asked, each.rows.goal
        wide = Problem(d.layout, d.by, d.theta)
        state, first = wide.start(), set(d.layout.asked[d.by.first].tolist())
        begins = np.flatnonzero(np.diff(goals, prepend=-1)).tolist()
        for begin in begins:
            rates = rates_after(each.rows, begin, d.layout, d.by, d.theta)
            for goal, rate in zip(d.layout.asked.tolist(), rates.tolist(), strict=True):
                if goal not in wide.goals(state):
                    assert rate < 0
                else:
                    after = state.copy()
                    rows = wide.bundle(goal, after)
                    if rows[-1].concept != goal and goal not in first:
                        assert rate < 0
                        continue
                    assert rate == pytest.approx(wide.rate_of(goal, rows, state, after))
            if each.rows.stand[begin] > 0:
                chosen = rates[np.searchsorted(d.layout.asked, goals[begin])]
                assert chosen == pytest.approx(each.rows.rate[begin])
                if d.budget == np.inf and goals[begin] not in first:
                    choices += 1
                    assert chosen >= rates.max() * (1 - 1e-9)
            for row in np.flatnonzero(goals == goals[begin]).tolist():
                concept = int(each.rows.concept[row])
                wide.watch(int(each.rows.video[row]), concept, state)
                if row + 1 == goals.size or each.rows.concept[row + 1] != concept:
                    state.passed.add(concept)
    assert choices > 150


def test_a_learner_is_left_as_found():
    d = problems()[0].asked
    before = [each.copy() for each in (*d.layout, *d.by)]
    made(d)
    for was, now in zip(before, (*d.layout, *d.by), strict=True):
        np.testing.assert_array_equal(was, now)
