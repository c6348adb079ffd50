"""What the pages say of things to open holds of their kinds: videos, exercises, texts."""

import re

import pytest
from explorer_cases import place, served
from playwright.sync_api import expect
from sites import site

KINDS = {"A2": "exercise", "A3": "text", "T1": "text", "T2": "text", "X1": "exercise"}


@pytest.fixture(scope="module")
def address(built, tmp_path_factory):
    """Course A has things of every kind, V videos, T texts, X an exercise; nothing is on z."""
    courses = {"A": "a a b ab", "V": "v v", "T": "t tu", "X": "x"}
    made = site(courses, "zt", kinds=KINDS)
    with served(made.planner, tmp_path_factory.mktemp("records")) as (_, found):
        yield found


def words(page):
    return page.locator("main").inner_text().lower()


@pytest.mark.parametrize(
    ("course", "title", "covered", "row"),
    [
        ("A", "What to open, in the course's order", "Items that are known cover 2", "4 items"),
        ("V", "Videos in the course's order", "Videos that are known cover 1", "2 videos"),
        ("T", "Texts in the course's order", "Texts that are known cover 2", "2 texts"),
        ("X", "Exercises in the course's order", "Exercises that are known cover 1", "1 exercise"),
    ],
)
def test_a_course_and_its_row_name_the_kinds_that_it_has(
    reader, address, course, title, covered, row
):
    page = reader(address, "en").visit(place("course", course))
    expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
    expect(page.locator(".taught")).to_contain_text(covered)
    assert ("video" in words(page)) == (course in "AV")
    page.keyboard.press("/")
    page.keyboard.type(f"course {course}")
    found = page.get_by_role("option", name=re.compile(f"^course {course}"))
    expect(found).to_contain_text(row.replace(" ", "\u00a0"))


def test_each_item_of_a_course_is_told_by_its_kind(reader, address):
    page = reader(address, "en").visit(place("course", "A"))
    rows = [each.split("\n") for each in page.locator(".taught .items li").all_inner_texts()]
    assert [[part.strip() for part in row] for row in rows] == [
        ["Video without a title 2 min", "covers a"],
        ["Exercise without a title exercise · 2 min", "asks for a"],
        ["Text without a title text · 2 min", "covers b"],
        ["Video without a title 2 min", "covers a, b"],
    ]
    chinese = reader(address, "zh").visit(place("course", "A"))
    expect(chinese.locator(".taught .items li").nth(1)).to_contain_text("考查 a")
    expect(chinese.get_by_role("heading", name="按课程顺序的学习内容")).to_be_visible()


@pytest.mark.parametrize(
    ("concept", "english", "chinese"),
    [
        ("a", "3 items are on it, in 1 course.", "1 门课程中有 3 项相关内容。"),
        ("v", "2 videos cover it, in 1 course.", "1 门课程中有 2 个视频讲授它。"),
        ("t", "2 texts cover it, in 1 course.", "1 门课程中有 2 份阅读材料讲解它。"),
        ("u", "1 text covers it, in 1 course.", "1 门课程中有 1 份阅读材料讲解它。"),
        ("x", "1 exercise asks for it, in 1 course.", "1 门课程中有 1 道练习考查它。"),
        (
            "z",
            "No course has it, and nothing to open on it is known: a gap.",
            "没有课程列有它，也没有已知的学习内容：这是一处空缺。",
        ),
    ],
)
def test_a_concept_tells_how_much_is_on_it(reader, address, concept, english, chinese):
    for language, expected in (("en", english), ("zh", chinese)):
        page = reader(address, language).visit(place("concept", concept))
        expect(page.locator(".taught > .soft")).to_have_text(expected)


def test_health_speaks_of_no_kind(reader, address):
    page = reader(address, "en").visit(place("health"))
    none = page.locator("summary", has_text=re.compile(r"^With nothing to open on them \(1\)"))
    expect(none).to_be_visible()
    assert "video" not in words(page)
    assert "视频" not in words(reader(address, "zh").visit(place("health")))
