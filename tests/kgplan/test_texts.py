from string import Formatter

import pytest

from kgplan.planning.texts import TEXTS, say


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("figure", [-2.6e-16, -0.0, -0.004])
def test_no_figure_that_rounds_to_0_has_a_sign(language, figure):
    """No sentence gives more than two digits, so that -0.004 is 0 in all of them."""
    for name, sentence in TEXTS[language].items():
        parts = [(field, form) for _, field, form, _ in Formatter().parse(sentence) if field]
        values = {field: figure if form.endswith(("f", "%")) else 1 for field, form in parts}
        assert "-0" not in say(language, name, **values), name


def test_figures_below_0_keep_their_sign():
    assert say("en", "why.value", figure=-0.25).endswith("left: -0.25")
