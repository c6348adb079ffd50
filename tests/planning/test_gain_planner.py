"""Plans of the gain planner on small sites that are worked on paper."""

from dataclasses import replace

import pytest
from sites import answered, ids, site, videos, watched

from kgplan.data.wishes import Wishes
from kgplan.graph.snapshot import snapshot_of
from kgplan.native.sequence import sequence
from kgplan.planning.options import THETA

DIAMOND = "sm sg mt gt"  # set before map and graph, both before tree
OPENED = watched("A1", 0.1)


# -- prerequisites


@pytest.mark.parametrize("listed", ["s m g t", "t g m s", "m t s g"])
@pytest.mark.parametrize("seen", [(), (watched("A2", 0.3),), (watched("A1", 0.3),)])
def test_nothing_comes_before_what_it_needs(listed, seen):
    made = site({"A": listed}, DIAMOND)
    for plan in (made.plan(*seen, length=8), made.towards("t", *seen, length=10)):
        assert ids(plan)[0] == "s"
        assert set(ids(plan)[1:3]) == {"m", "g"}
        assert ids(plan)[3:] == ["t"]


def test_a_new_learner_gets_the_courses_own_order_with_what_it_needs_before_it():
    plan = site({"A": "d b a c"}, "ab").plan()
    assert ids(plan) == ["d", "a", "b", "c"]
    assert plan.new
    assert videos(plan) == ["A1", "A3", "A2", "A4"]


def test_inside_a_cycle_the_courses_order_decides():
    made = site({"A": "b a c d"}, "ab bc ca cd")
    assert ids(made.plan()) == ["b", "a", "c", "d"]
    cycle_first = ids(made.plan(watched("A4", 0.1)))
    assert set(cycle_first) == set("abcd")
    assert cycle_first.index("c") < cycle_first.index("d")


def test_a_prediction_that_the_course_contradicts_is_overruled():
    assert ids(site({"A": "c a x"}, predicted="ac").plan()) == ["c", "a", "x"]
    assert ids(site({"A": "c a x"}, "ac").plan()) == ["a", "c", "x"]  # stated


# -- along the course; with a theta under the usual .3 all counts as held, in doubt


def test_the_course_s_next_videos_come_though_what_they_teach_is_held_in_doubt():
    made = site({"A": "a b c d e f g h"})
    assert videos(made.plan(watched("A1"), theta=0.2)) == ["A2", "A3", "A4", "A5", "A6"]
    behind = made.plan(watched("A1"), watched("A2", time=2.0), theta=0.2)
    assert videos(behind) == ["A3", "A4", "A5", "A6", "A7"]


def test_the_course_s_next_videos_come_first_in_its_order():
    made = site({"A": "a b c d xyz"})
    assert videos(made.plan(watched("A1"))) == ["A2", "A3", "A4", "A5"]
    assert videos(made.plan(watched("A2", 0.9)))[:2] == ["A3", "A4"]


def test_what_was_only_begun_comes_first():
    plan = site({"A": "a b c"}).plan(watched("A2", 0.4))
    assert videos(plan) == ["A2", "A3", "A1"]
    assert plan.steps[0].because == "b is where you stopped in the course. You began a video on it."
    assert videos(site({"A": "a b c"}).plan(watched("A3", 0.4)))[0] == "A3"  # the last of all


def test_who_is_at_the_course_s_end_goes_back_to_what_was_left_out_in_its_order():
    plan = site({"A": "a b c d"}).plan(watched("A2"), watched("A4", time=2.0))
    assert videos(plan) == ["A1", "A3"]
    assert plan.steps[0].because.startswith("a comes next of what you left out of the course.")


def test_what_was_done_just_now_is_no_step_and_the_lesson_that_goes_on_with_it_stays_in_its_place():
    plan = site({"A": "a a b"}).plan(watched("A1"))
    assert ids(plan) == ["b"]
    assert videos(plan) == ["A2", "A3"]


def test_a_lesson_on_what_is_mastered_may_be_skipped():
    seen = watched("A1"), watched("A4", time=0.5)
    plan = site({"A": "a b c b", "B": "b"}).plan(*seen, watched("B1", course="B", time=0.2))
    assert ids(plan) == ["c"]
    assert videos(plan) == ["A2", "A3"]
    assert any(note.startswith("You may skip A2") for note in plan.notes)
    opened = [each for step in plan.steps for each in step.resources]
    assert [each.item_id for each in opened if each.optional] == ["A2"]


def test_a_hole_comes_before_the_next_lesson_only_where_it_is_likely_one():
    for prior, expected in ((0.3, ["a", "c"]), (0.45, ["c", "a"])):
        plan = site({"A": "a b c"}, "ac", prior=prior).plan(watched("A2", 0.1))
        assert [each for each in ids(plan) if each != "b"] == expected


def test_what_is_held_in_doubt_does_not_come_behind_what_builds_on_it():
    made = site({"A": "d b a c"}, "ab")
    assert ids(made.plan(theta=0.2)) == ["d", "b", "c"]
    assert ids(made.plan(watched("A1"), theta=0.2)) == ["b", "c"]
    assert ids(made.plan(theta=0.5)) == ["d", "a", "b", "c"]


def test_any_one_of_alternatives_is_enough():
    made = site({"A": "c", "B": "a a a b b b"}, "ac bc")
    rows = [
        row | {"any_of": 1} if row["tail"] == "c" else row
        for row in made.case.edges["prerequisite_of"]
    ]
    either = replace_edges(made, rows)
    assert set(ids(made.plan(OPENED))[:2]) == {"a", "b"}
    assert len(ids(either.plan(OPENED))) == 2
    assert ids(either.plan(OPENED))[-1] == "c"
    held = either.plan(OPENED, wishes=Wishes(held=frozenset("b")))
    assert ids(held) == ["c"]


def replace_edges(made, rows):
    """The site with other prerequisites."""
    edges = made.case.edges | {"prerequisite_of": rows}
    graph = snapshot_of(made.case.entities, edges)
    return replace(made, case=replace(made.case, edges=edges, graph=graph))


def test_towards_a_concept_its_foundations_come_first_and_it_comes_last():
    made = site({"A": "e d c b a"}, "ab bc cd de")
    assert ids(made.towards("e")) == list("abcde")
    assert ids(made.towards("c", watched("A1"))) == list("abc")
    assert ids(made.towards("e", length=2)) == list("ab")  # what is next is next


# -- in the course, and out of it


def test_a_step_outside_the_course_is_needed_near_and_stated():
    made = site({"A": "c", "B": "a a a b b b x x x"}, "xa ab bc")
    assert ids(made.plan(OPENED)) == ["a", "b", "c"]  # x is three steps from the course
    assert ids(made.plan(OPENED, course="B")) == ["x", "a", "b"]
    assert ids(site({"A": "c", "B": "b b b"}, predicted="bc").plan(OPENED)) == ["c"]
    other = site({"A": "c d", "B": "b b b"}, "bc", fields={"law": "b"})
    assert set(ids(other.plan(OPENED))) == {"c", "d"}
    mentioned = site({"A": "c", "B": "b a a a"}, "bc")  # B is not about b
    assert ids(mentioned.plan(OPENED)) == ["c"]


def test_a_homonym_of_another_field_is_no_goal():
    names = {"x": "b"}  # b and x are both called "b", x in law
    made = site({"A": "ab abx b c"}, fields={"law": "x"}, names=names)
    for seen in ((), (OPENED,), (watched("A1"), watched("A2"))):
        assert "x" not in ids(made.plan(*seen))
    assert "x" in ids(made.plan(OPENED, pin=("x",)))
    elsewhere = site({"A": "a b c", "B": "x"}, "xb", fields={"law": "x"}, names=names)
    assert "x" not in ids(elsewhere.plan(OPENED))


def test_gaps_are_listed_apart():
    made = site({"A": "b c"}, "ub", untaught={"A": "w"})
    for plan in (made.plan(), made.plan(OPENED), made.towards("b")):
        assert "u" not in ids(plan)
        assert "w" not in ids(plan)
        assert [(gap.concept_id, gap.needed_by) for gap in plan.gaps] == [("u", ("b",))]
        assert all(step.resources for step in plan.steps)
    alone = made.towards("u")
    assert ids(alone) == []
    assert [gap.concept_id for gap in alone.gaps] == ["u"]


# -- doing it counts


def test_a_video_that_was_watched_is_not_named_again():
    made = site({"A": "s m s g s t"}, "sm sg mt gt")  # of the course three videos are on s
    assert videos(made.plan(length=3))[0] == "A1"
    after = made.plan(watched("A1"))
    assert "A1" not in videos(after)
    assert not any(each.again for step in after.steps for each in step.resources)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ("A5", ["A1", "A3", "A4"]),  # behind all of them
        ("A2", ["A3", "A4"]),  # what lies ahead
    ],
)
def test_what_teaches_one_concept_comes_in_the_courses_order(seen, expected):
    """Theta takes all three, and by what they gain a minute the shortest would come first."""
    minutes = {"A1": 3.0, "A3": 2.0, "A4": 1.0}
    plan = site({"A": "a b a a b c"}, minutes=minutes).plan(watched(seen), theta=0.9999)
    step = next(step for step in plan.steps if step.concept_id == "a")
    assert [each.item_id for each in step.resources] == expected
    masteries = [step.terms.mastery, *(each.moves[0].expected for each in step.resources)]
    assert masteries == sorted(masteries)
    assert [each.moves[0].mastery for each in step.resources] == masteries[:-1]


def test_the_place_in_the_course_is_named_where_it_counts():
    told = {s.concept_id: s.because for s in site({"A": "a b c"}).plan(watched("A2")).steps}
    assert told["a"].startswith(
        "a comes next by what it gains you for the time and by its place in the course."
    )


def test_who_saw_other_courses_alone_begins_the_course_at_its_begin():
    minutes = {"A1": 9.0, "A2": 5.0, "A3": 1.0}
    plan = site({"A": "a b c", "B": "d"}, minutes=minutes).plan(watched("B1", course="B"))
    assert videos(plan) == ["A1", "A2", "A3"]
    assert [step.because.partition(".")[0] for step in plan.steps] == [
        "The course begins with a",
        "The course goes on with b",
        "The course goes on with c",
    ]


def test_an_answer_that_says_not_yet_brings_another_video_before_the_same_again():
    made = site({"A": "a a b"}, "ab")
    plan = made.plan(watched("A1"), answered("A1", 0.0))
    assert ids(plan)[0] == "a"
    assert videos(plan)[0] == "A2"
    both = made.plan(*[watched(v) for v in ("A1", "A2")], answered("A1", 0.0), answered("A2", 0.0))
    again = {each.item_id: each.again for step in both.steps for each in step.resources}
    assert ids(both)[0] == "a"
    assert again[videos(both)[0]]


def test_what_is_mastered_with_evidence_is_left_out_from_theta_on():
    made = site({"A": "a b"})
    held = next(
        each.mastery
        for each in made.planner.mastery("someone", current=made.current(watched("A1")))
        if each.concept_id == "a"
    )
    assert held == pytest.approx(0.3 * 0.9 / (0.3 * 0.9 + 0.7 * 0.1))
    assert ids(made.plan(watched("A1"))) == ["b"]
    assert held > THETA
    one_more = site({"A": "a b a"})
    assert ids(one_more.plan(watched("A1"), theta=held - 0.01)) == ["b"]
    assert ids(one_more.plan(watched("A1"), theta=1.0)) == ["b"]  # it was done just now
    later = watched("A1"), watched("A2", time=2.0)
    assert "a" in ids(one_more.plan(*later, theta=1.0))


def test_a_number_of_minutes_is_compiled_for_once():
    made = site({"A": "a b"})
    made.plan(minutes=3.0, theta=0.6, least_gain=0.1, length=None)
    before = list(sequence.signatures)
    made.plan(minutes=3, theta=1, least_gain=0, length=None)
    assert sequence.signatures == before


# -- what was asked for


def test_what_is_excluded_held_or_left_out_is_not_planned_and_what_is_pinned_is():
    made = site({"A": "a b c d", "B": "p"}, "ab bc")
    assert set(ids(made.plan(OPENED, exclude=("b",)))) == {"a", "c", "d"}
    assert "a" not in ids(made.plan(OPENED, wishes=Wishes(held=frozenset("a"))))
    assert "d" not in ids(made.plan(OPENED, wishes=Wishes(left_out=frozenset("d"))))
    assert ids(made.plan(OPENED, pin=("p",)))[0] == "p"
    assert ids(made.plan(OPENED, pin=("c",), length=3)) == ["a", "b", "c"]
    assert "p" in ids(made.plan(OPENED, pin=("p",), length=1))


def test_what_is_too_hard_comes_behind_all_that_it_needs():
    made = site({"A": "c", "B": "a a a b b b"}, "ac bc")
    plan = made.plan(OPENED, wishes=Wishes(too_hard=frozenset("c")))
    assert set(ids(plan)[:2]) == {"a", "b"}
    assert ids(plan)[-1] == "c"


def test_the_minutes_asked_for_are_kept():
    made = site({"A": "a b c d e"}, "ab bc")
    for minutes in (1, 3, 5, 7, 20):
        plan = made.plan(OPENED, minutes=minutes)
        assert plan.minutes <= minutes
        assert plan.minutes == pytest.approx(
            sum(each.minutes for step in plan.steps for each in step.resources)
        )
