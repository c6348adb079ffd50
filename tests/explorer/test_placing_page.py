"""Where do I start? Questions one at a time, on a phone and by keyboard, and the plan then."""

import pytest
from explorer_cases import place, served
from playwright.sync_api import expect
from sites import site

NAMES = {"a": "Dictionaries", "b": "Expressions", "c": "Conditions"}


@pytest.fixture(scope="module")
def client_and_address(built, tmp_path_factory):
    made = site({"A": "a b c"}, "ab", names=NAMES)
    with served(made.planner, tmp_path_factory.mktemp("records")) as found:
        yield found


@pytest.mark.parametrize(("language", "phone"), [("en", True), ("zh", False)])
def test_a_learner_whom_nobody_knows_answers_and_gets_a_plan(
    reader, client_and_address, axe, language, phone
):
    client, address = client_and_address
    learner = f"fresh {language}"
    who = reader(address, language, phone=phone)
    page = who.visit(place("place", learner, course="A"))
    heading = page.locator(".question h2")
    expect(heading).to_be_visible()
    assert who.findings(axe) == []
    for button in page.locator(".replies button").all():
        assert button.bounding_box()["height"] >= 44
    width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert width <= 0
    first = heading.inner_text()
    if phone:
        page.locator(".replies button").first.click()
    else:
        page.keyboard.press("1")
    expect(heading.filter(has_text=first)).to_have_count(0)
    said = client.get(f"/v1/learners/{learner}/feedback").json()["feedback"]
    assert [each["said"] for each in said] == ["known"]
    assert said[0]["name"] in first
    while heading.count():
        now = heading.inner_text()
        page.keyboard.press("3")
        expect(heading.filter(has_text=now)).to_have_count(0)
        who.settled()
    steps = page.locator(".begins li")
    expect(steps.first).to_be_visible()
    planned = client.get(f"/v1/learners/{learner}/path?course_id=A").json()["steps"]
    assert steps.count() == len(planned)
    assert said[0]["name"] not in [step["name"] for step in planned]
    page.locator(".placing a.button").last.click()
    expect(page.locator("main h1")).to_contain_text(learner)
