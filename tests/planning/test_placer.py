"""Questions to a learner of whom little is known, on small sites that are worked on paper."""

import itertools

import pytest
from sites import GUESS, PRIOR, SLIP, answered, ids, site, watched

from kgplan.data.wishes import Wishes
from kgplan.diagnosis.placing import CARRIED, SAID_GUESS, SAID_SLIP
from kgplan.planning import PlanOptions
from kgplan.planning.placing import FIRST_STEPS, LEAST_BITS, Goal, Known, Placer

COURSE = Goal("A", None)
KNOWS = (1 - SAID_SLIP) / SAID_GUESS
"""How much likelier who holds a concept says so."""


def odds(probability):
    return probability / (1 - probability)


def probability(odds):
    return odds / (1 + odds)


def masteries(made, *events, **answers):
    current = made.current(*events, wishes=Wishes(answers=answers))
    return {each.concept_id: each for each in made.planner.mastery("someone", "A", current)}


def placer_of(made):
    return Placer(made.planner, made.live)


def asked_all(placer, goal=COURSE, reply=lambda _: 1.0, known=None, **more):
    """The ids that are asked one after the other, what is known then, and why it is over."""
    known, asked = known or Known(), []
    while (found := placer.next("someone", goal, known, asked=len(asked), **more)).question:
        asked.append(found.question.concept_id or found.question.item_id)
        known = placer.answered("someone", known, found.question, reply(asked[-1]))
    return asked, known, found


def test_an_answer_moves_its_concept_and_what_that_needs_and_nothing_else():
    found = masteries(site({"A": "a b c"}, "ab"), b=1.0)
    held = probability(odds(PRIOR) * KNOWS)
    with_it = 1 - (1 - CARRIED) * (1 - PRIOR)  # b without a is but as likely as CARRIED leaves it
    without = (PRIOR - PRIOR * with_it) / (1 - PRIOR)
    assert found["b"].mastery == pytest.approx(held)
    assert found["a"].mastery == pytest.approx(held * with_it + (1 - held) * without)
    assert found["c"].mastery == pytest.approx(PRIOR)
    assert [found[each].basis for each in "abc"] == ["own", "own", "prior"]


def test_what_is_said_of_a_concept_itself_is_not_overruled_by_what_is_carried():
    made = site({"A": "a b"}, "ab")
    both, alone = masteries(made, a=1.0, b=0.0), masteries(made, a=1.0)
    assert both["a"].mastery == pytest.approx(alone["a"].mastery)
    assert ids(made.plan(wishes=Wishes(answers={"a": 1.0, "b": 0.0}))) == ["b"]


def test_an_answer_counts_beside_what_was_watched():
    found = masteries(site({"A": "a b"}), watched("A1"), a=0.0)
    expected = odds(PRIOR) * (1 - SLIP) / GUESS * SAID_SLIP / (1 - SAID_GUESS)
    assert found["a"].mastery == pytest.approx(probability(expected))
    assert found["b"].basis == "prior"


def test_what_is_said_to_be_known_is_not_planned_and_what_is_not_known_is():
    made = site({"A": "a b c"})
    assert ids(made.plan()) == list("abc")
    known = made.plan(wishes=Wishes(answers={"a": 1.0, "b": 0.0}))
    assert ids(known) == list("bc")
    assert not known.new
    assert not [note for note in known.notes if note.startswith("Nothing that you")]
    bases = {step.concept_id: step.basis for step in known.steps}
    assert bases == {"b": "own", "c": "prior"}


@pytest.mark.parametrize("reply", [0.0, 0.5, 1.0])
def test_nothing_is_asked_twice_nor_what_is_not_the_goals(reply):
    made = site({"A": "a b c d", "B": "x y"}, "ab bc")
    asked, known, _ = asked_all(placer_of(made), reply=lambda _: reply)
    assert len(asked) == len(set(asked))
    assert asked
    assert set(asked) <= set("abcd")
    assert dict(known.wishes.answers) == dict.fromkeys(asked, reply)


def test_what_was_passed_over_does_not_come_again():
    placer = placer_of(site({"A": "a b"}))
    first = placer.next("someone", COURSE, Known()).question
    second = placer.next("someone", COURSE, Known(), [first.concept_id], 1).question
    assert {first.concept_id, second.concept_id} == {"a", "b"}


def test_what_joins_most_is_asked_first():
    """All priors are the same: of a star the middle says most, by what it carries."""
    placer = placer_of(site({"A": "b c m d e"}, "mb mc md me"))
    question = placer.next("someone", COURSE, Known(), options=PlanOptions(detail="numbers"))
    assert question.question.concept_id == "m"
    assert "b, c and d" in question.question.because
    alone = placer_of(site({"A": "b c m d e"}))
    bits = alone.next("someone", COURSE, Known()).question.bits
    assert question.question.bits > bits >= LEAST_BITS


def begins(made, answers):
    plan = made.plan(wishes=Wishes(answers=answers), length=None)
    return ids(plan)[:FIRST_STEPS]


def test_it_is_over_when_no_answer_would_change_how_the_plan_begins():
    made = site({"A": "a b c d e f g"}, "ab bc cd")
    over = set()
    for pattern in itertools.product([0.0, 1.0], repeat=4):
        replies = dict(zip("abcdefg", [*pattern, *pattern[:3]], strict=True))
        asked, known, found = asked_all(placer_of(made), reply=replies.get)
        over.add(found.ended)
        now = dict(known.wishes.answers)
        left = [c for c in "abcdefg" if c not in asked]
        after = [begins(made, now | {c: v}) for c in left for v in (0.0, 1.0)]
        changes = any(each != begins(made, now) for each in after)
        if found.ended == "settled":
            assert not changes
    assert "settled" in over


def test_nothing_is_asked_where_the_plan_is_empty_whatever_is_answered():
    made = site({"A": "a", "B": ""}, untaught={"B": "xy"})
    found = placer_of(made).next("someone", Goal("B", None), Known())
    assert (found.ended, found.question, found.plan.steps) == ("settled", None, ())


def test_as_many_are_asked_as_may_be():
    placer = placer_of(site({"A": "a b c"}))
    assert placer.next("someone", COURSE, Known(), most=0).ended == "enough"
    asked, _, found = asked_all(placer, most=2, reply=lambda _: 0.5)
    assert (len(asked), found.ended, found.asked) == (2, "enough", 2)


def test_an_exercise_is_asked_where_there_is_one_and_the_concept_elsewhere():
    made = site({"A": "a b a"}, kinds={"A3": "exercise"})
    placer = placer_of(made)
    asked, known, _ = asked_all(placer)
    assert set(asked) <= {"A3", "b"}
    assert "A3" in asked
    assert dict(known.evidence.scores) == {"A3": 1.0}
    before = made.live.evidence([answered("A3", 1.0)])
    again, *_ = asked_all(placer, known=Known(evidence=before))
    assert "A3" not in again
    in_words, *_ = asked_all(placer, in_words=True)
    assert set(in_words) <= {"a", "b"}


def test_towards_a_concept_what_it_needs_is_asked_too():
    made = site({"A": "a b c"}, "ab bc")
    asked, *_ = asked_all(placer_of(made), Goal(None, "c"), reply=lambda _: 0.0)
    assert set(asked) <= set("abc")
    assert len(asked) >= 1
    zh = PlanOptions(language="zh")
    assert "掌握" in placer_of(made).next("someone", COURSE, Known(), options=zh).question.because
