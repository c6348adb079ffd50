from xml.etree import ElementTree

import pytest

from kgplan.report.curve import curve

SVG = "{http://www.w3.org/2000/svg}"


def points(svg: str) -> list[tuple[float, float]]:
    (line,) = ElementTree.fromstring(svg).iter(f"{SVG}polyline")
    return [tuple(map(float, point.split(","))) for point in line.get("points").split()]


def test_larger_values_stand_higher_and_later_ones_further_right():
    drawn = points(curve([1.0, 5.0, 3.0], "a < b", "iteration"))
    assert [x for x, _ in drawn] == sorted(x for x, _ in drawn)
    (_, one), (_, five), (_, three) = drawn
    assert five < three < one  # SVG counts downwards
    assert three == pytest.approx((one + five) / 2, abs=0.1)


def test_one_value_or_equal_values_are_drawn():
    assert len(points(curve([2.0], "one", "iteration"))) == 1
    assert len({y for _, y in points(curve([2.0, 2.0], "same", "iteration"))}) == 1
