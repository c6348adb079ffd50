"""Which concept next: by hand, and by what must hold on any graph."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from kgplan.planning.policy import (
    ONCE,
    STEADY,
    STUCK,
    Needs,
    Passes,
    in_a_row,
    next_concepts,
    next_in_turn,
    not_secure,
)

FEWER = Passes(2, 1)
PASSES = (STEADY, FEWER, ONCE)


def needs_of(edges, size):
    """Needs of (prerequisite, concept) pairs, taught in the order of their numbers."""
    matrix = np.zeros((size, size), bool)
    for before, after in edges:
        matrix[after, before] = True
    return Needs.of(sparse.csr_array(matrix), np.arange(size))


CHAIN = [(0, 1), (1, 2), (3, 4)]  # 0 -> 1 -> 2, and 3 -> 4


def one(goals, streak=(0, 0, 0, 0, 0), lapses=(0, 0, 0, 0, 0), passes=STEADY):
    asked = np.isin(np.arange(5), goals)[None]
    found = next_concepts(needs_of(CHAIN, 5), asked, np.array([streak]), np.array([lapses]), passes)
    return int(found[0])


def test_the_goal_that_takes_fewer_passes_comes_first_with_what_it_needs():
    assert one([2, 4]) == 3  # 4 needs one more concept, 2 needs two
    assert one([2]) == 0


def test_one_success_is_no_readiness():
    assert one([4], streak=(0, 0, 0, 3, 0)) == 3
    assert one([4], streak=(0, 0, 0, 4, 0)) == 4


def test_a_goal_on_which_nothing_waits_is_secure_sooner():
    assert one([4, 2], streak=(0, 0, 0, 4, 1)) == 4
    assert one([4, 2], streak=(0, 0, 0, 4, 2)) == 0
    assert one([4, 2], streak=(0, 0, 0, 2, 1), passes=FEWER) == 0


def test_a_goal_that_others_need_is_worked_on_as_a_foundation():
    assert one([3, 4], streak=(0, 0, 0, 2, 0)) == 3


def test_what_fails_again_and_again_is_set_aside_while_there_is_anything_else():
    assert one([2, 4], lapses=(0, 0, 0, STUCK, 0)) == 0
    assert one([4], lapses=(0, 0, 0, STUCK, 0)) == 3


def test_where_all_goals_are_secure_the_weakest_is_practised():
    assert one([2, 4], streak=(4, 4, 5, 4, 3)) == 4


def test_an_edge_inside_a_cycle_makes_nothing_wait():
    needs = needs_of([(0, 1), (1, 0), (1, 2)], 3)
    assert np.argwhere(needs.direct).tolist() == [[2, 1]]


@settings(deadline=None, max_examples=60)
@given(
    st.integers(2, 9),
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=20),
    st.integers(0, 2**32 - 1),
    st.sampled_from(PASSES),
)
def test_on_any_graph_what_is_worked_on_is_needed_and_ready(size, edges, seed, passes):
    random = np.random.default_rng(seed)
    edges = [(a, b) for a, b in edges if a != b and a < size and b < size]
    needs = needs_of(edges, size)
    goals = random.random((6, size)) < 0.4
    goals[np.arange(6), random.integers(0, size, 6)] = True
    streak, lapses = random.integers(0, 5, (6, size)), random.integers(0, 4, (6, size))
    found = next_concepts(needs, goals, streak, lapses, passes)
    for asked, held, k in zip(goals, streak, found.tolist(), strict=True):
        open_ = [g for g in np.flatnonzero(asked) if held[g] < passes.goal]
        if not open_:
            assert asked[k]
            continue
        assert any(needs.whole[g, k] for g in open_)
        before = np.flatnonzero(needs.direct[k])
        assert (held[before] >= passes.foundation).all()


def drawn(size, edges, seed):
    """Needs, goals, streaks and failures in a row of one learner."""
    random = np.random.default_rng(seed)
    needs = needs_of([(a, b) for a, b in edges if a != b and a < size and b < size], size)
    goals = random.random(size) < 0.4
    goals[random.integers(size)] = True
    streak = random.integers(0, 5, size)
    return needs, goals, streak, np.where(streak == 0, random.integers(0, 4, size), 0)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(2, 9),
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=20),
    st.integers(0, 2**32 - 1),
    st.sampled_from(PASSES),
)
def test_in_turn_comes_all_that_is_not_secure_each_behind_what_it_needs(size, edges, seed, passes):
    needs, goals, streak, lapses = drawn(size, edges, seed)
    left = not_secure(needs, goals, streak, passes)
    turns, led = next_in_turn(needs, goals, streak, lapses, size, passes)
    assert sorted(turns) == np.flatnonzero(left).tolist()
    if turns.size:
        first = next_concepts(needs, goals[None], streak[None], lapses[None], passes)
        assert turns[0] == first[0]
    for place, (concept, goal) in enumerate(zip(turns.tolist(), led.tolist(), strict=True)):
        assert goals[goal]
        assert needs.whole[goal, concept]
        before = np.flatnonzero(needs.direct[concept])
        assert all(streak[k] >= passes.foundation or k in turns[:place] for k in before)
    for n in range(turns.size):  # what comes first does not depend on how much is asked for
        assert next_in_turn(needs, goals, streak, lapses, n, passes)[0].tolist() == list(turns[:n])


def test_a_goal_that_is_secure_waits_for_nothing():
    """Answers contradict the edge 3 -> 4: 4 is right twice, 3 never."""
    streak = np.array([0, 0, 0, 0, 2])
    goals = np.isin(np.arange(5), [2, 4])
    assert not_secure(needs_of(CHAIN, 5), goals, streak).nonzero()[0].tolist() == [0, 1, 2]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.0, 0.4, 0.5, 0.79, 0.8, 1.0]))),
    st.integers(0, 2**32 - 1),
)
def test_answers_in_a_row_are_counted_back_from_the_last(answers, seed):
    covers = np.random.default_rng(seed).random((4, 3)) < 0.5
    found = in_a_row(
        sparse.csr_array(covers),
        np.array([item for item, _ in answers], np.int64),
        np.array([score for _, score in answers]),
    )
    for concept in range(3):
        mine = [score for item, score in answers if covers[item, concept]][::-1]
        for counted, is_counted in zip(found, (lambda s: s >= 0.8, lambda s: s < 0.5), strict=True):
            row = 0
            while row < len(mine) and is_counted(mine[row]):
                row += 1
            assert counted[concept] == row


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 4), st.integers(1, 4))
def test_who_always_succeeds_secures_everything_in_the_fewest_steps(foundation, goal):
    passes = Passes(max(foundation, goal), goal)
    needs, goals = needs_of(CHAIN, 5), np.array([[False, False, True, False, True]])
    streak, lapses = np.zeros((1, 5), int), np.zeros((1, 5), int)
    fewest = 3 * passes.foundation + 2 * passes.goal  # of 0, 1, 3; and of the goals 2, 4
    for _ in range(fewest):
        streak[0, next_concepts(needs, goals, streak, lapses, passes)[0]] += 1
    assert streak[0].tolist() == [passes.foundation] * 2 + [goal, passes.foundation, goal]
