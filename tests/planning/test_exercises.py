"""Plans where courses have exercises and texts, on small sites that are worked on paper."""

import pytest
from sites import answered, ids, site, videos, watched

from kgplan.planning import PlanOptions

KINDS = {"x": "exercise", "t": "text"}


def school(items: str, prerequisites: str = "", **given):
    """A course A of items, each named by its kind and its concepts: "va xa tb" is a video on a, an
    exercise on it, and a text on b. Elsewhere by course, likewise."""
    courses = {"A": items, **given.pop("others", {})}
    kinds = {
        f"{course}{place}": KINDS.get(each[0], "video")
        for course, listed in courses.items()
        for place, each in enumerate(listed.split(), start=1)
    }
    covers = {
        course: " ".join(each[1:] for each in listed.split()) for course, listed in courses.items()
    }
    return site(covers, prerequisites, kinds=kinds, **given)


def steps(plan):
    return {step.concept_id: [each.item_id for each in step.resources] for step in plan.steps}


def first(plan):
    return next(iter(steps(plan).items()))


def why(plan, concept):
    return next(step.because for step in plan.steps if step.concept_id == concept)


# -- what teaches comes first, and one exercise behind it


@pytest.mark.parametrize("items", ["va xa tb xb", "xa va xb tb"])
def test_an_exercise_comes_behind_what_teaches(items):
    made = school(items)
    teaches = ["A1", "A2"] if items[0] == "v" else ["A2", "A1"]
    for plan in (made.plan(), made.plan(watched("A1", 0.1)), made.towards("a")):
        assert steps(plan)["a"] == teaches
    assert steps(made.plan())["b"] == [each.translate({49: "3", 50: "4"}) for each in teaches]


def test_an_exercise_waits_until_all_that_it_asks_for_was_taught():
    made = school("va xab vb")
    assert steps(made.plan()) == {"a": ["A1"], "b": ["A3", "A2"]}
    only_way = school("xab vb")  # nothing else is on a
    assert steps(only_way.plan()) == {"b": ["A2", "A1"]}
    assert steps(only_way.towards("a"))["a"] == ["A1"]


def test_where_nothing_teaches_exercises_bring_a_concept_to_theta():
    plan = school("xa xa xa xa xb").plan(answered("A5", 1.0), theta=0.9)
    # odds .3 / .7 times 9 for each right answer: .79, .97
    assert steps(plan)["a"] == ["A1", "A2"]


def test_a_course_goes_on_with_the_exercise_on_what_was_watched_last():
    made = school("va xa vb")
    assert first(made.plan(watched("A1"), theta=0.95)) == ("a", ["A2"])
    # held by what was watched, it is left out as anything is
    assert ids(made.plan(watched("A1"), theta=0.5)) == ["b"]
    # a second video on it would be no step
    assert ids(school("va va vb").plan(watched("A1"), theta=0.79)) == ["b"]


# -- what answers say


def test_an_exercise_that_was_passed_is_gone():
    made = school("va xa xa vb")
    assert "A2" not in videos(made.plan(answered("A2", 1.0), theta=0.99))
    assert ids(made.plan(watched("A1"), answered("A2", 1.0))) == ["b"]


def test_one_that_was_failed_brings_another_resource_before_the_same_one():
    done = watched("A1"), answered("A2", 0.0)
    with_text = school("va xa ta vb").plan(*done)
    assert first(with_text) == ("a", ["A3", "A2"])
    assert why(with_text, "a") == (
        "a is what you answered last. Your answer on it was not right yet, so another way to it"
        " comes first."
    )
    with_exercise = school("va xa xa vb").plan(*done)
    assert steps(with_exercise)["a"] == ["A3"]
    alone = school("va xa vb").plan(*done)
    assert first(alone) == ("a", ["A1", "A2"])
    assert [each.again for each in alone.steps[0].resources] == [True, True]
    assert alone.steps[0].resources[1].score == 0.0
    assert why(alone, "a").endswith("was not right yet, so it comes again.")
    elsewhere = school("va xa vb", others={"B": "va va va"}).plan(*done)
    assert steps(elsewhere)["a"][0][0] == "B"


def test_what_taught_it_once_more_is_enough_to_try_again():
    made = school("va xa vb")
    done = watched("A1"), answered("A2", 0.0), watched("A1", time=3.0)
    plan = made.plan(*done, theta=0.9)
    assert steps(plan)["a"] == ["A2"]
    assert why(plan, "a").endswith(
        "You watched one video on it, and that does not show yet that you hold it."
    )
    right = made.plan(*done, answered("A2", 1.0, time=4.0))
    assert ids(right) == ["b"]


def test_one_wrong_answer_among_right_ones_does_not_take_back_what_they_show():
    made = school("va xa xa xa vb")
    rights = answered("A2", 1.0), answered("A3", 1.0, time=2.5)
    assert "a" not in ids(made.plan(*rights, answered("A4", 0.0, time=3.0)))
    assert ids(made.plan(rights[0], answered("A4", 0.0, time=3.0), theta=0.8))[0] == "a"


def test_what_is_not_held_yet_is_taught_by_what_is_most_on_it_wherever_that_stands():
    made = school("va xa vab vc", "ab")
    assert steps(made.plan(answered("A2", 0.0)))["a"][0] == "A1"


def test_the_next_lesson_is_no_other_way_to_what_is_not_held_yet():
    """A3 goes on to b: what taught a comes again, and A3 where b is learned."""
    done = watched("A1"), answered("A2", 0.0)
    for edges in ("", "ab"):
        plan = school("va xa vab vb", edges).plan(*done)
        assert first(plan) == ("a", ["A1", "A2"])
        assert [each.again for each in plan.steps[0].resources] == [True, True]
        assert why(plan, "a").endswith("Your answer on it was not right yet, so it comes again.")
        assert steps(plan)["b"][0] in ("A3", "A4")
    with_text = school("va xa ta vab").plan(*done)
    assert first(with_text) == ("a", ["A3", "A2"])


def failing_twice(video, exercise):
    """Watched and answered wrong, then both once more."""
    return [
        watched(video),
        answered(exercise, 0.0, time=2.0),
        watched(video, time=3.0),
        answered(exercise, 0.0, time=4.0),
    ]


def test_who_fails_again_after_watching_again_is_offered_what_it_builds_on_first():
    made = school("va xa vb xb vc", "ab")
    done = watched("A1", time=0.5), *failing_twice("A3", "A4")
    assert first(made.plan(*done[:3], theta=0.9))[0] == "b"  # of one failure it is the way again
    plan = made.plan(*done, theta=0.9)
    assert ids(plan)[:2] == ["a", "b"]
    assert steps(plan)["a"] == ["A2"]
    assert steps(plan)["b"] == ["A3", "A4"]
    assert why(plan, "a") == (
        "b builds on a, and your last answers on b were not right. You watched one video on it,"
        " and that does not show yet that you hold it."
    )
    held = made.plan(*done, answered("A2", 1.0, time=1.5), theta=0.9)
    assert ids(held)[0] == "b"  # what is held is not what is lacking


def test_who_fails_again_is_offered_the_video_that_was_seen_longer_ago():
    made = school("va va xa vb")
    twice = watched("A2", time=0.5), *failing_twice("A1", "A3")
    assert first(made.plan(*twice)) == ("a", ["A2", "A3"])


@pytest.mark.parametrize(
    ("items", "done", "expected"),
    [
        ("vab xa vab vb", (watched("A1"), answered("A2", 0.0)), ["A3", "A2"]),  # b came before
        ("vab va xa vb", (watched("A2"), answered("A3", 0.0)), ["A1", "A3"]),  # so did this
        ("xa vab vb", (answered("A1", 0.0),), ["A2", "A1"]),  # nothing else is on a
    ],
)
def test_another_way_that_is_on_more_is_told_as_one(items, done, expected):
    plan = school(items).plan(*done, theta=0.9)
    assert first(plan) == ("a", expected)
    assert why(plan, "a").endswith("was not right yet, so another way to it comes first.")


def test_that_an_answer_or_a_wish_decided_is_told_and_not_a_figure():
    made = school("va xa vab vb vc")
    current = made.current(watched("A1"), answered("A2", 0.0))

    def explained(**options):
        plan = made.planner.plan("someone", "A", PlanOptions(**options), current)
        found = made.planner.explain(plan, current)
        return [
            (each.concept_id, each.rule, {other.verdict for other in each.alternatives})
            for each in found[:2]
        ]

    again, then = explained()
    assert again == ("a", "retry", {"not_retried"})
    assert then[1:] == ("next", {"not_next"})
    pinned, again = explained(pin=("c",))
    assert pinned == ("c", "pinned", {"not_pinned"})
    assert again[:2] == ("a", "retry")


def test_watching_once_more_is_not_said_to_move_what_it_does_not():
    plan = school("va xa vb").plan(watched("A1"), answered("A2", 0.0))
    video, exercise = plan.steps[0].resources
    assert video.moves == ()
    assert [move.concept_id for move in exercise.moves] == ["a"]


def test_answers_to_exercises_are_no_tries():
    made = school("xa xa xa xa xa vb")
    wrong = [answered(f"A{k}", 0.0, time=float(k)) for k in (1, 2, 3)]
    assert ids(made.plan(*wrong))[0] == "a"
    assert steps(made.plan(*wrong))["a"][0] in ("A4", "A5")


def test_that_an_exercise_was_opened_says_nothing():
    made = school("xa vb")
    opened = made.current(watched("A1"))
    assert not opened.shares
    assert not opened.seen_at
    assert opened.concepts.size == 0
    both = made.current(watched("A1"), answered("A1", 1.0), watched("A2"))
    assert (set(both.scores), set(both.shares)) == ({"A1"}, {"A2"})


def test_what_a_failed_exercise_would_add_is_what_answering_it_right_brings():
    made = school("xa vb")
    plan = made.plan(answered("A1", 0.2))
    (move,) = plan.steps[0].resources[0].moves
    now = made.planner.mastery("someone", current=made.current(answered("A1", 0.2)))
    then = made.planner.mastery("someone", current=made.current(answered("A1", 1.0)))
    assert move.mastery == pytest.approx(now[0].mastery)
    assert move.expected == pytest.approx(then[0].mastery)


# -- minutes


def test_an_item_of_unknown_length_takes_as_long_as_others_of_its_kind():
    minutes = {"A1": 10.0, "A2": 2.0, "A3": float("nan"), "A4": float("nan"), "A5": 6.0}
    made = school("va xa xb tb vc", minutes=minutes)
    assert made.planner._chooser.minutes.tolist() == [10.0, 2.0, 2.0, 6.0, 6.0]
    plan = made.plan()
    assert plan.minutes == pytest.approx(10 + 2 + 6 + 2 + 6)


@pytest.mark.parametrize("planner", ["kg-plppm", "popularity"])
def test_a_ranking_names_what_is_not_done_yet_and_what_teaches_first(planner):
    made = school("xa va tb xb")
    plan = made.plan(watched("A2"), planner=planner, length=4)
    named = steps(plan)
    assert named["b"] == ["A3"]
    if "a" in named:  # what was learned is not ranked by popularity
        assert named["a"] == ["A1"]
    done = made.plan(watched("A2"), answered("A1", 1.0), planner=planner, length=4)
    again = {each.item_id: each.again for step in done.steps for each in step.resources}
    assert again.get("A1", True)
