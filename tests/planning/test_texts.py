from string import Formatter

import pytest

from kgplan.planning.planners import planners
from kgplan.planning.texts import TEXTS, fill, say


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("figure", [-2.6e-16, -0.0, -0.004])
def test_no_figure_that_rounds_to_0_has_a_sign(language, figure):
    """No sentence gives more than two digits, so that -0.004 is 0 in all of them."""
    own = [each for planner in planners().values() for each in (planner.why, planner.start) if each]
    for sentence in [*TEXTS[language].values(), *(each[language] for each in own)]:
        parts = [(field, form) for _, field, form, _ in Formatter().parse(sentence) if field]
        values = {field: figure if form.endswith(("f", "%")) else 1 for field, form in parts}
        assert "-0" not in fill(sentence, **values), sentence


def test_figures_below_0_keep_their_sign():
    assert say("en", "not.lower", figure=-0.25, best=0.5) == "-0.25 < 0.50"
