"""Signals are what they are called, trees say what scikit-learn says, a planted habit is found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_signals import Plain
from resources_cases import records

from kgplan.errors import AxisMismatch, ConfigError, InputError
from kgplan.native.signals import SIGNALS
from kgplan.resources.blend.fitting import Blend, BlendConfig, fit_blend
from kgplan.resources.blend.signals import known_of, nominated, signals
from kgplan.resources.blend.trees import grown
from kgplan.resources.simple import best


def of(column: str, history, asked, lines=((0, 1, 2), (0, 1, 3), (1, 4, 2, 5), (6, 0), ())):
    known = known_of(records(lines))
    found = signals(known, np.array(history, dtype=int), np.array(asked))
    assert found.shape == (len(asked), len(SIGNALS))
    return found[:, SIGNALS.index(column)].tolist()


def test_signals_of_steps_are_counted_by_hand():
    assert of("steps from the last view", [0, 1], [2, 3, 5]) == [1, 1, 0]
    # three learners went on from 1
    np.testing.assert_allclose(of("share of steps from view 0 before", [0, 1], [4]), 1 / 3)
    # from 0 two went on, both to 1
    np.testing.assert_allclose(of("share of steps from view 1 before", [0, 4], [1]), 1)
    # of three who opened 1, two opened 2 within five views, one of them two views later
    np.testing.assert_allclose(of("soon after the last view", [1], [2]), 2 / 3)


def test_signals_of_courses_are_counted_by_hand():
    # course 0 is 0 1 2 3 4; 4 is also the first of course 1, which is 4 2 5
    assert of("unopened ones up to it in course 0", [0, 2], [1, 3, 4]) == [-1, 1, 2]
    assert of("places ahead in course 0", [0, 2], [1, 3, 4]) == [-1, 1, 2]
    np.testing.assert_allclose(of("share opened in course 0", [0, 2], [3]), 2 / 5)
    assert np.isnan(of("places ahead in course 0", [0, 2], [6])).all()
    assert of("last step", [0, 2], [3]) == [2]
    np.testing.assert_allclose(of("steps of one place", [0, 1, 3], [4]), 1 / 2)


@given(
    lines=st.lists(st.lists(st.integers(0, 6), unique=True, max_size=7), min_size=1, max_size=6),
    history=st.lists(st.integers(0, 6), unique=True, max_size=7),
)
def test_every_signal_is_what_loops_over_lists_of_views_say(lines, history):
    world = records(lines)
    found = signals(known_of(world), np.array(history, dtype=int), np.arange(7))
    plain = Plain(world, lines)
    expected = [plain.row(history, item) for item in range(7)]
    np.testing.assert_allclose(found, np.array(expected, dtype=float), atol=1e-12)


@given(st.lists(st.integers(0, 6), unique=True, max_size=7))
def test_nominated_ones_are_ascending_and_not_opened(history):
    found = nominated(known_of(records()), np.array(history, dtype=int))
    assert (np.diff(found) > 0).all()
    assert not set(found.tolist()) & set(history)


def drawn(seed: int, n: int):
    """Rows with gaps, and what is likelier for a high first column."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 4)).astype(np.float32).astype(float)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    return rows, np.nan_to_num(rows[:, 0]) + rng.normal(size=n) > 0


def test_trees_say_what_scikit_learn_says():
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows, yes = drawn(0, 900)
    trees = grown(rows, yes, rounds=20, rate=0.1, seed=3)
    theirs = HistGradientBoostingClassifier(
        max_iter=20, learning_rate=0.1, max_leaf_nodes=31, min_samples_leaf=50,
        l2_regularization=5.0, early_stopping=False, random_state=3,
    ).fit(rows, yes)  # fmt: skip
    asked, _ = drawn(1, 200)
    expected = theirs.decision_function(asked)
    np.testing.assert_allclose(trees.scores(asked), expected, rtol=0, atol=1e-12)
    with pytest.raises(AxisMismatch):
        trees.scores(asked[:, :3])


def test_what_moved_a_score_is_found_node_by_node_and_adds_up_to_it():
    rows, yes = drawn(0, 900)
    trees = grown(rows, yes, rounds=20, rate=0.1, seed=3)
    # the mean over the rows that trees were grown from is where every row begins
    assert trees.mean == pytest.approx(trees.scores(rows).mean(), abs=1e-9)
    asked, _ = drawn(1, 50)
    group = np.array([0, 1, 0, 2])
    found = trees.moves(asked, group)
    np.testing.assert_allclose(found.sum(axis=1) + trees.mean, trees.scores(asked), atol=1e-9)
    for row, said in zip(asked, found, strict=True):
        moved = np.zeros(3)
        for node in trees.roots.tolist():
            while (column := trees.column[node]) >= 0:
                x, missing = row[column], trees.missing_left[node]
                left = missing if np.isnan(x) else x <= trees.threshold[node]
                after = (trees.left if left else trees.right)[node]
                moved[group[column]] += trees.value[after] - trees.value[node]
                node = after
        np.testing.assert_allclose(said, moved, atol=1e-12)


def test_a_planted_habit_is_found_that_no_course_order_tells():
    # everyone goes through the course two places at a time, and then through what was left out
    n, rng = 24, np.random.default_rng(1)
    lines = []
    for _ in range(40):
        start = int(rng.integers(0, 3)) * 2
        lines.append([*range(start, n, 2), *range(1, n, 2)])
    world = records(lines, courses=(tuple(range(n)),), n_items=n)
    blend = fit_blend(world, BlendConfig(ahead=1, rounds=30, others=10))
    history = np.array([4, 6, 8])
    left = np.setdiff1d(np.arange(n), history)
    assert best(blend.scores(history), left, 1).tolist() == [10]


def test_a_blend_comes_back_from_what_is_stored_with_the_same_scores():
    lines = [[*range(k, 7), *range(k)] for k in range(7)] * 6
    blend = fit_blend(records(lines), BlendConfig(before=2, rounds=5))
    again = Blend.from_arrays(blend.to_arrays())
    history = np.array([3, 4])
    np.testing.assert_array_equal(again.scores(history), blend.scores(history))


def test_what_cannot_be_fitted_is_refused():
    with pytest.raises(InputError, match="nothing to fit a blend to"):
        fit_blend(records([[k] for k in range(7)]), BlendConfig())
    with pytest.raises(ConfigError, match="folds is 1"):
        BlendConfig(folds=1)
    with pytest.raises(ConfigError, match="rounds is 0"):
        BlendConfig(rounds=0)
