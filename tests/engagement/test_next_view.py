"""What is served of a next view: earlier views, the next video, the chance and its ground."""

from dataclasses import replace

import numpy as np
import pytest
from engagement_cases import DAY, completion, data

from kgplan.engagement.completion import COLUMNS, Watched, next_views
from kgplan.engagement.next_view import (
    GROUND,
    GROUNDS,
    RANGES,
    USED,
    Completion,
    fit,
    held_back_chances,
    range_of,
    used,
)
from kgplan.errors import InputError


@pytest.fixture(scope="module")
def model():
    return completion()


def test_a_planted_habit_is_told_of_learners_held_back():
    """Half of the learners complete 9 views of 10, the others 1: the best rule there is says so."""
    watched, _, places = data()
    views = next_views(watched, places)
    chances = held_back_chances(views, 0)
    keen = views.learner % 2 == 0
    assert chances[keen].mean() == pytest.approx(views.completed[keen].mean(), abs=0.05)
    assert chances[~keen].mean() == pytest.approx(views.completed[~keen].mean(), abs=0.05)
    oracle = np.mean((np.where(keen, 0.9, 0.1) - views.completed) ** 2)
    assert np.mean((chances - views.completed) ** 2) < oracle + 0.02


def test_what_was_recorded_and_what_happened_since_are_one_history(model):
    recorded = model.seen("u0", True, {}, {})
    first, other = (str(name) for name in model.item_ids[recorded.item[:2]])
    new = next(
        n for k, n in enumerate(model.item_ids) if k not in recorded.item and model.is_video[k]
    )
    late = 400 * DAY
    began = {first: late, other: 0.0, str(new): late, "unknown": late + 1, "exercise": late}
    shares = {first: 1.0, other: 0.0, str(new): 0.4, "unknown": 0.7, "exercise": 1.0}
    seen = model.seen("u0", True, began, shares)
    assert seen.item.size == recorded.item.size + 2  # each video once; an exercise is not watched
    assert seen.item[0] == recorded.item[1]  # events tell that it was begun earlier
    assert seen.share[0] == recorded.share[1]  # the larger share counts
    assert (seen.item[1], seen.share[1]) == (recorded.item[0], 1.0)
    assert seen.moment[1] == recorded.moment[0]
    assert seen.item[-2:].tolist() == [model.item_ids.tolist().index(new), model.item_ids.size]
    np.testing.assert_allclose(seen.share[-2:], [0.4, 0.7])
    assert (np.diff(seen.moment) >= 0).all()
    alone = model.seen("u0", False, began, shares)
    assert alone.item.size == 4  # of an erased learner what was recorded does not count


def test_events_stand_on_the_clock_of_the_tables(model):
    east = replace(model, zone="Asia/Shanghai")
    seen = east.seen("new", True, {"v00": 1_000.0}, {"v00": 1.0})
    assert seen.moment.tolist() == [1_000.0 + 8 * 3_600]


def test_next_comes_what_stands_behind_the_last_view_in_the_course(model):
    def after(*names, course=None):
        items = [model.item_ids.tolist().index(name) for name in names]
        n = len(items)
        seen = Watched(np.zeros(n, int), np.array(items), np.arange(n) * 1.0, np.ones(n))
        at = model.next_item(seen, course)
        return None if at == model.item_ids.size else str(model.item_ids[at])

    # course A shows v00 to v19 in order and an exercise behind v03, course B v20 to v39
    assert after("v00", "v01") == "v02"
    assert after("v03") == "v04"
    assert after("v05", "v04") == "v06"
    assert after("v18", "v19") == "v00"  # none is behind it: the first that was not opened
    assert after("v01", course="B") == "v20"
    assert after("v01", "v22", course="A") == "v02"
    assert after("v01", course="Z") is None
    assert after(*(f"v{k:02}" for k in range(20))) is None


def test_the_chance_is_that_of_the_trees_on_the_columns_of_the_view(model):
    watched, _, places = data()
    first = watched.learner == 0
    part = Watched(*(each[first] for each in vars(watched).values()))
    before = Watched(*(each[:-1] for each in vars(part).values()))
    found = model.foresee(before, int(part.item[-1]), float(part.moment[-1]))
    rows = used(next_views(part, places))[-1:]
    assert found.chance == pytest.approx(1 / (1 + np.exp(-model.trees.scores(rows)[0])))
    assert found.finished == int((part.share[-9:-1] >= 0.9).sum())
    moved = model.trees.moves(rows, np.arange(len(USED)))[0]
    by_ground = [abs(moved[k == GROUND].sum()) for k in range(len(GROUNDS))]
    assert found.ground == GROUNDS[int(np.argmax(by_ground))]
    at = range_of(np.array([found.chance]))[0]
    assert at / RANGES <= found.chance <= (at + 1) / RANGES
    assert found.alike == model.held_back[at]
    with pytest.raises(InputError, match="more than 8 views"):
        model.foresee(Watched(*(each[:7] for each in vars(part).values())), 0, 1e9)


def test_columns_that_are_served_hold_no_hour_and_nothing_of_others():
    assert set(COLUMNS) - set(USED) == {
        "hour, sine",
        "hour, cosine",
        "completed by others",
        "others' views",
    }
    grounds = {name: GROUNDS[k] for name, k in zip(USED, GROUND, strict=True)}
    assert grounds["share 3 before"] == grounds["completed in a row"] == "watched"
    assert grounds["gap 3 before"] == grounds["gap to the next"] == "times"
    assert grounds["length"] == grounds["steps in the course"] == "video"


def test_it_comes_back_from_its_arrays(model):
    again = Completion.from_arrays(model.to_arrays())
    seen = model.seen("u1", True, {}, {})
    assert again.foresee(seen, 3, 1e9) == model.foresee(seen, 3, 1e9)


def test_views_that_nothing_tells_apart_are_one_sentence():
    watched, _, places = data()
    views = next_views(replace(watched, share=np.ones(watched.share.size)), places)
    with pytest.raises(InputError, match=r"all of the .* views that have 8 before them"):
        fit(views, 0)
