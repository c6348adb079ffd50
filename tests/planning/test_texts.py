import re
from string import Formatter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kgplan.planning import PlanOptions
from kgplan.planning.explanation import compared
from kgplan.planning.planners import planners
from kgplan.planning.texts import TEXTS, apart, fill, interest

NUMBERS = PlanOptions(detail="numbers")
figures = st.floats(-2, 2) | st.sampled_from([0.85, 0.5, 0.0])
nearby = st.floats(-1e-4, 1e-4) | st.just(0.0)


def sentences(language):
    """Every sentence that anything says of a plan, those of planners included."""
    own = [each for planner in planners().values() for each in (planner.why, planner.start) if each]
    return [*TEXTS[language].values(), *(each[language] for each in own)]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("figure", [-2.6e-16, -0.0, -0.0004])
def test_no_figure_that_rounds_to_0_has_a_sign(language, figure):
    """No sentence gives more than three digits, so that -0.0004 is 0 in all of them."""
    for sentence in sentences(language):
        parts = [(field, form) for _, field, form, _ in Formatter().parse(sentence) if field]
        values = {field: figure if form.endswith(("f", "%")) else 1 for field, form in parts}
        assert "-0" not in fill(sentence, "numbers", **values), sentence


def test_figures_below_0_keep_their_sign():
    assert compared(NUMBERS, "lower", -0.25, 0.5) == "-0.25 < 0.50"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_said_in_words_only_needs_no_figure(language):
    """A field with a format of figures stands in a part that is left out; minutes may stay."""
    for sentence in sentences(language):
        in_words = re.sub(r"\[[^]|]*\|?([^]]*)\]", r"\1", sentence)
        for literal, field, form, _ in Formatter().parse(in_words):
            assert not re.search(r"\d", literal), sentence
            assert field == "minutes" or not form, sentence


@given(figures, nearby)
@example(0.5, 1e-9)
@example(0.85, 1e-12)
def test_a_figure_that_is_said_to_be_less_is_printed_as_less(figure, step):
    best = figure + abs(step)
    said = compared(NUMBERS, "lower", figure, best)
    if "<" in said:
        less, most = map(float, said.split(" < "))
        assert less < most
    else:
        assert best - figure < 1e-9  # as a tie
        assert said.endswith("as much as the one chosen, which is listed first")


@given(figures, nearby, st.integers(0, 3))
def test_figures_are_printed_apart_wherever_they_differ_by_what_can_be_seen(figure, step, places):
    one, other = apart(figure, figure + step, places)
    assert (one == other) == (float(one) == float(other))
    if abs(step) > 1e-9:
        assert one != other
        assert (float(one) < float(other)) == (figure < figure + step)
    assert len(one.partition(".")[2]) >= places


@pytest.mark.parametrize(
    ("preference", "watched", "said"),
    [
        (0.0, 0.0, "Nothing that you learned is close to it"),
        (0.9, 0.0, "You are enrolled in courses with what is close to it"),
        (0.9, 0.3, "You watched a little that is close to it"),
        (0.9, 0.9, "You watched much that is close to it"),
    ],
)
def test_what_counts_as_learned_by_enrolment_alone_is_not_called_watched(preference, watched, said):
    assert interest(PlanOptions(), preference, watched, True) == said
    assert interest(NUMBERS, preference, watched, True).startswith(said)
