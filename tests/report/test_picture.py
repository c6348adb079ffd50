from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning_cases import algorithm_1, hand_case, make_case

from kgplan.report.plan_picture import columns, picture, shorten, wrap

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def drawn():
    case = hand_case()
    plan = case.planner().plan("learner", "A", algorithm_1(5, 2, 2))
    edges = case.graph.prerequisites_among([step.concept_id for step in plan.steps])
    return plan, ElementTree.fromstring(picture(plan, "课程 <A> & more", edges))


def test_the_steps_stand_in_order_from_top_to_bottom(drawn):
    plan, svg = drawn
    names = {step.name for step in plan.steps}
    found = [(float(t.get("y")), t.text) for t in svg.iter(f"{SVG}text") if t.text in names]
    assert [name for _, name in sorted(found)] == [step.name for step in plan.steps]


def test_each_prerequisite_among_the_steps_is_an_arrow(drawn):
    _, svg = drawn
    arrows = [path for path in svg.iter(f"{SVG}path") if path.get("marker-end")]
    # among e, a, b, d, f: a -> b, b -> d, d -> b and e -> f; the walk took a -> b and b -> d
    assert len(arrows) == 4
    assert sum(path.get("stroke-dasharray") is None for path in arrows) == 2


def test_a_mastery_in_doubt_has_a_pale_bar_and_says_why(drawn):
    plan, svg = drawn
    doubted = sum(not step.identified for step in plan.steps)
    pale = [bar for bar in svg.iter(f"{SVG}rect") if bar.get("fill-opacity")]
    words = [t.text for t in svg.iter(f"{SVG}text")]
    assert doubted == len(pale) == sum(w.endswith("weak evidence") for w in words) == 1
    assert any(w.startswith("pale bar") for w in words)
    sure = make_case(
        course_concepts={"A": "a"},
        prerequisites=[],
        enrolled={"u": "A"},
        watched={"u": "a"},
        mastery={"u": {"a": 0.1}},
        vectors={"a": [0.0], "b": [1.0]},
    )
    assert "pale" not in picture(sure.planner().plan("u", "A", algorithm_1()), "A", [])


def test_names_are_escaped(drawn):
    _, svg = drawn
    assert "课程 <A> & more" in {t.text for t in svg.iter(f"{SVG}text")}


def test_a_picture_is_xml_whatever_characters_the_names_hold(drawn):
    plan, _ = drawn
    odd = "".join(map(chr, [*range(32), 0x7F, 0x85, 0xD800, 0xFFFE, 0xFFFF])) + "\U0001f4da"
    steps = tuple(replace(step, name=odd, name_en=odd, because=odd) for step in plan.steps)
    drawing = picture(replace(plan, steps=steps, learner_id=odd), odd, [])
    svg = ElementTree.fromstring(drawing.encode())
    assert any("\U0001f4da" in (t.text or "") for t in svg.iter(f"{SVG}text"))


def test_an_empty_plan_shows_its_note():
    plan = hand_case().planner().plan("learner", "Z")
    assert "nothing to plan" in picture(plan, "Z", [])


text = st.text(st.characters(categories=("L", "N", "P", "Zs")))


@given(text, st.integers(4, 40))
def test_wrapped_lines_fit_and_lose_no_character(words, width):
    lines = wrap(words, width)
    assert all(columns(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == words.replace(" ", "")


@given(text, st.integers(1, 40))
def test_shortened_text_fits(words, width):
    assert columns(shorten(words, width)) <= width
