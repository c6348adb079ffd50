"""The pages of a platform that is not MOOCCube: names in English, no fields of study."""

import pytest
from explorer_cases import place, served
from playwright.sync_api import expect
from sites import site

NAMES = {"a": "Dictionaries", "b": "Expressions", "c": "Conditions"}


@pytest.fixture(scope="module")
def address(built, tmp_path_factory):
    made = site({"A": "a b c"}, "ab", names=NAMES)
    with served(made.planner, tmp_path_factory.mktemp("records")) as (_, found):
        yield found


def test_on_a_phone_no_name_of_a_concept_is_broken(reader, address):
    for language in ("en", "zh"):
        page = reader(address, language, phone=True).visit(
            place("learner", "known", course="A", part="mastery")
        )
        names = page.locator(".masteries .name a")
        expect(names).to_have_count(3)
        assert set(names.all_inner_texts()) == set(NAMES.values())
        lines = names.evaluate_all("all => all.map(each => each.getClientRects().length)")
        assert lines == [1, 1, 1]


def test_the_way_in_names_what_much_builds_on_and_fields_where_there_are_any(reader, address):
    who = reader(address, "en")
    page = who.visit("")
    assert page.locator(".home section .chips").first.all_inner_texts() == ["Dictionaries"]
    expect(page.get_by_role("heading", name="Fields of study")).to_be_visible()

    def without_fields(route):
        found = route.fetch().json()
        route.fulfill(json=found | {"fields": {"": 3}})

    page.route("**/v1/graph?*", without_fields)
    page.reload()
    page = who.settled()
    expect(page.locator(".home section .chips").first).to_have_text("Dictionaries")
    expect(page.get_by_role("heading", name="Fields of study")).to_have_count(0)
