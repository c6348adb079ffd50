"""Groups of bars: what is drawn stands where its value says."""

import math
from xml.etree import ElementTree

import pytest

from kgplan.report.charts import Axis, Bar, groups


def drawn():
    entries = [
        ("2", [Bar(0.25, "a < b", (0.2, 0.3), other=0.5), Bar(math.nan, "nothing")]),
        ("4", [Bar(0.5, "c"), Bar(0.75, "d")]),
    ]
    return ElementTree.fromstring(groups(entries, "nodes", Axis("degree", 0, 1), "a chart"))


def test_bars_begin_at_the_bottom_and_are_as_high_as_their_values():
    bars = list(drawn().iter("rect"))
    heights = [float(bar.get("height")) for bar in bars]
    assert [height / heights[0] for height in heights] == pytest.approx([1, 2, 3], abs=0.01)
    bottoms = {round(float(bar.get("y")) + float(bar.get("height")), 1) for bar in bars}
    assert len(bottoms) == 1
    lefts = [float(bar.get("x")) for bar in bars]
    assert lefts == sorted(lefts)


def test_a_published_value_is_a_line_at_its_height():
    """At .5, that is where the bar of .5 ends."""
    _, half, _ = drawn().iter("rect")
    (line,) = [path for path in drawn().iter("path") if path.get("class") == "note"]
    assert line.get("d").split("H")[0].split()[1] == half.get("y")


def test_every_bar_says_its_value_and_every_group_its_name():
    assert [title.text for title in drawn().iter("title")] == ["a < b", "c", "d"]
    texts = [text.text for text in drawn().iter("text")]
    assert {"2", "4", "nodes", "degree"} <= set(texts)
    assert len([each for each in drawn().iter("g") if each.get("class") == "kind1"]) == 1
