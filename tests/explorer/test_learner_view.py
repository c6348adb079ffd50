"""A learner's view in a real browser: what it shows is what the service answers."""

import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from explorer_cases import served
from learner_cases import hand_model
from playwright.sync_api import expect
from scipy import sparse
from tokens_by_hand import ISSUER, SECRET, claims, hs256

from kgplan.api.keys import SecretKeys
from kgplan.api.security import Security
from kgplan.api.tokens import Verifier
from kgplan.data.links import Links
from kgplan.resources.ranker import usual_ranker

LOCALES = {"en": "en-US", "zh": "zh-CN"}
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
SERIOUS = ("serious", "critical")
SEED = 1  # of parameters under which course A has two steps, one before the other


@pytest.fixture(scope="module")
def model():
    return hand_model(SEED).planner()


@pytest.fixture
def service(model, built, tmp_path):
    with served(model, tmp_path) as found:
        yield found


@pytest.fixture
def api(service):
    return service[0]


@pytest.fixture(scope="module")
def left_windows(browser):
    """Windows that were left, by their language; each has what a window has without options."""
    return {"en": [], "zh": []}


@pytest.fixture
def open_page(browser, left_windows, service):
    """Opens a view in a window of its own, and sees that nothing goes wrong in it."""
    usual, contexts, wrong = [], [], []

    def threw(error):
        wrong.append(str(error))

    def heard(said):
        if "Content Security Policy" in said.text:
            wrong.append(said.text)

    def open_(address, language="en", *, token="", base="", **options):
        is_usual = not (token or base or options)
        if is_usual and left_windows[language]:
            page = left_windows[language].pop()
        else:
            context = browser.new_context(
                **{"viewport": DESKTOP, "locale": LOCALES[language]} | options
            )
            context.set_default_timeout(60_000)
            context.add_init_script(f"sessionStorage.setItem('kgplan.token', '{token}')")
            page = context.new_page()
        if is_usual:
            usual.append((language, page))
        else:
            contexts.append(page.context)
        page.on("pageerror", threw)
        page.on("console", heard)
        page.goto((base or service[1]) + address)
        return page

    yield open_
    for context in contexts:
        context.close()
    for language, page in usual:
        page.remove_listener("pageerror", threw)
        page.remove_listener("console", heard)
        page.evaluate("sessionStorage.clear(); localStorage.clear()")
        page.goto("about:blank")
        left_windows[language].append(page)
    assert wrong == []


def path(api, **options):
    return api.get(
        "/v1/learners/learner/path", params={"course_id": "A", "explain": True} | options
    ).json()


def concepts(found):
    return [step["concept_id"] for step in found["steps"]]


def stops(page):
    """The concepts of the road, in order."""
    return page.locator("[data-concept]").evaluate_all(
        "stops => stops.map(stop => stop.dataset.concept)"
    )


def expect_road(page, expected):
    expect(page.locator("[data-concept]")).to_have_count(len(expected))
    page.wait_for_function(
        "wanted => [...document.querySelectorAll('[data-concept]')]"
        ".map(stop => stop.dataset.concept).join() === wanted",
        arg=",".join(expected),
    )


def masteries(api):
    answer = api.get("/v1/learners/learner/mastery", params={"course_id": "A"}).json()
    return {each["concept_id"]: each for each in answer["concepts"]}


ROAD = "#/learner/learner?course=A"


def test_the_road_shows_the_steps_of_the_service_with_mastery_and_reasons(open_page, api):
    page = open_page(ROAD)
    found = path(api)
    expect_road(page, concepts(found))
    for step in found["steps"]:
        stop = page.locator(f"[data-concept={step['concept_id']}]")
        mastery, sd = step["terms"]["mastery"], step["sd"]
        label = f"Mastery {mastery:.2f}, give or take {sd:.2f}, from 0 to 1"
        expect(stop.get_by_role("img", name=label)).to_be_visible()
        expect(stop).to_contain_text(step["because"])
    progress = api.get("/v1/learners/learner/progress?course_id=A").json()
    words = {"next": "Next", "later": "Later", "done": "Done"}
    for step in progress["steps"]:
        stop = page.locator(f"[data-concept={step['concept_id']}]")
        expect(stop.locator(".badge").first).to_have_text(words[step["status"]])


@pytest.fixture(scope="module")
def taught():
    """The model with titles, lengths and addresses of videos, and one concept that none covers."""
    case = hand_model(SEED)
    q_matrix = case.records.q_matrix.toarray()
    q_matrix[:, case.records.concept_ids == "e"] = 0
    records = replace(
        case.records,
        q_matrix=sparse.csr_array(q_matrix),
        item_names=np.array([f"All on {video[-1]}" for video in case.records.item_ids]),
        item_seconds=60.0 * np.arange(1, case.records.item_ids.size + 1),
    )
    links = Links("https://lms.example/{course_id}/{item_id}")
    return replace(case, records=records).planner(links=links)


def test_what_is_due_again_stands_before_the_road_until_it_was_opened(
    taught, built, browser, tmp_path
):
    with served(taught, tmp_path) as (api, address):
        long_ago = datetime.fromtimestamp(time.time() - 60 * 86_400, UTC).isoformat()
        seen = {"learner_id": "learner", "share": 1, "time": long_ago}
        events = [
            seen | {"event_id": item, "item_id": item} for item in taught.records.item_ids.tolist()
        ]
        api.post("/v1/events", json=events).raise_for_status()
        found = api.get("/v1/learners/learner/reviews", params={"course_id": "A"}).json()
        assert found["reviews"]
        page = browser.new_page(viewport=PHONE, locale="en-US")
        page.goto(address + ROAD)
        due = page.locator(".due")
        expect(due.locator("li .resource-title")).to_have_text(
            [each["resource"]["title"] for each in found["reviews"]]
        )
        for each in found["reviews"]:
            expect(due).to_contain_text(each["because"])
        for n, each in enumerate(found["reviews"]):
            again = {"event_id": f"again-{n}", "learner_id": "learner", "share": 1}
            api.post("/v1/events", json=again | {"item_id": each["resource"]["item_id"]})
        after = api.get("/v1/learners/learner/reviews", params={"course_id": "A"}).json()
        page.reload()
        expect(page.locator(".path-head")).to_be_visible()
        expect(due.locator("li")).to_have_count(len(after["reviews"]))
        assert len(after["reviews"]) < len(found["reviews"])
        page.close()


def test_the_road_says_what_to_open_what_it_moves_and_what_is_taught_nowhere(
    taught, built, browser, tmp_path
):
    with served(taught, tmp_path) as (api, address):
        context = browser.new_context(viewport=DESKTOP, locale="en-US")
        page = context.new_page()
        page.goto(address + ROAD)
        found = path(api, length=3)
        steps = path(api)["steps"]
        assert steps
        for step in steps:
            stop = page.locator(f"[data-concept={step['concept_id']}]")
            rows = stop.locator(".resources > li")
            expect(rows).to_have_count(min(len(step["resources"]), 2))
            for row, resource in zip(rows.all(), step["resources"], strict=False):
                link = row.get_by_role("link", name=resource["title"], exact=True)
                video, course = resource["item_id"], resource["course_id"]
                assert resource["title"] == f"All on {video[-1]}"
                expect(link).to_have_attribute("href", f"https://lms.example/{course}/{video}")
                expect(row).to_contain_text(f"{resource['minutes']:.0f} min")
                for move in resource["moves"]:
                    told = row.locator(".move", has_text=move["name"])
                    now, expected = move["mastery"], move["expected"]
                    expect(told).to_contain_text(
                        f"Mastery {now:.2f} now, {expected:.2f} expected after it"
                    )
        gaps = page.locator(".gaps li")
        assert [each["concept_id"] for each in found["gaps"]] == ["e"]  # which f builds on
        expect(gaps).to_have_count(1)
        expect(gaps).to_contain_text("e is needed for f")
        for note in path(api)["notes"]:
            expect(page.locator(".notes")).to_contain_text(note)
        context.close()


def test_a_step_says_what_was_rejected_and_what_would_change_it(open_page, api):
    for wish, rule in (({"pin": "f"}, "foundation"), ({}, "next")):  # no figure decided
        page = open_page("&".join([ROAD, *map("=".join, wish.items())]))
        found = path(api, **wish)
        others = [each for each in found["explanations"] if each["rule"] == rule]
        assert others
        for each in others:
            page.get_by_role("button", name=each["concept_id"], exact=True).click()
            expect(page.locator(".details")).to_contain_text(each["because"])
            expect(page.locator(".details table")).to_have_count(0)
            for change in each["changes"]:
                expect(page.locator(".details")).to_contain_text(change["because"])
    page = open_page(f"{ROAD}&planner=kg-plppm")
    found = path(api, planner="kg-plppm")
    explained = [each for each in found["explanations"] if each["rule"] == "value"]
    assert any(each["alternatives"] for each in explained)
    for each in explained:
        page.get_by_role("button", name=each["concept_id"], exact=True).click()
        details = page.locator(".details")
        expect(details).to_contain_text(each["because"])
        row = details.locator("tbody tr:not(.chosen-row)")
        expect(row).to_have_count(len(each["alternatives"]))
        for place, other in enumerate(each["alternatives"]):
            expect(row.nth(place)).to_contain_text(other["concept_id"])
            expect(row.nth(place)).to_contain_text(f"{other['figure']:.2f}")
        for change in each["changes"]:
            expect(details).to_contain_text(change["because"])


def test_an_event_changes_mastery_and_plan_in_words_and_can_be_taken_back(open_page, api):
    page = open_page(f"{ROAD}&step=f")
    before, first = masteries(api), path(api)
    expect_road(page, concepts(first))
    page.get_by_role("button", name="Send").click()
    news = page.get_by_role("region", name="What changed")
    expect(news).to_contain_text("100 % of “f” watched.")
    expect(news).to_contain_text("Done: f")
    after, second = masteries(api), path(api)
    assert concepts(second) != concepts(first)
    expect_road(page, concepts(second))
    moved = {c for c in before if abs(after[c]["mastery"] - before[c]["mastery"]) >= 0.005}
    assert moved
    for concept in moved:
        was, now = before[concept]["mastery"], after[concept]["mastery"]
        expect(news).to_contain_text(f"Mastery of {concept}: {was:.2f} → {now:.2f}")
    for concept in set(concepts(second)) - set(concepts(first)):
        at = concepts(second).index(concept)
        expect(news).to_contain_text(
            re.compile(f"New: {concept}, step {at + 1}|Step {at + 1}: {concept} instead of")
        )
    live = page.locator("[aria-live=polite]")
    assert live.evaluate("(live, news) => live.contains(news)", news.element_handle())
    news.get_by_role("button", name="Undo").click()
    expect(news).to_contain_text("Taken back.")
    expect_road(page, concepts(first))
    assert masteries(api) == before


def test_what_is_said_of_a_step_steers_the_road_and_is_kept(open_page, api):
    page = open_page(ROAD)
    first = concepts(path(api))
    expect_road(page, first)
    page.get_by_role("button", name=first[0], exact=True).click()
    page.get_by_role("button", name="Done", exact=True).click()
    expect(page.locator(".news")).to_contain_text(f"Done: {first[0]}")
    expect_road(page, concepts(path(api)))
    expect(page.locator(".behind")).to_contain_text(first[0])
    said = api.get("/v1/learners/learner/feedback").json()["feedback"]
    assert [(each["concept_id"], each["said"]) for each in said] == [(first[0], "done")]
    page.get_by_role("link", name="Feedback and data").click()
    page.get_by_role("button", name=f"Withdraw what was said about {first[0]}").click()
    expect(page.get_by_text("Nothing has been said about any step.")).to_be_visible()
    assert concepts(path(api)) == first


def test_the_choice_stands_in_the_address(open_page, api):
    page = open_page(ROAD)
    expect_road(page, concepts(path(api)))
    page.get_by_text("Options").click()
    page.get_by_label("Steps to plan").fill("1")
    page.get_by_label("Steps to plan").press("Enter")
    short = concepts(path(api, length=1))
    expect_road(page, short)
    page.get_by_role("button", name="Leave out").click()
    expected = concepts(path(api, length=1, exclude=[short[0]]))
    assert expected != short
    expect_road(page, expected)
    shared = open_page(page.url.split("/", 3)[3])
    expect_road(shared, expected)
    page.go_back()
    expect_road(page, short)


def test_the_keyboard_alone_reaches_a_learner_a_goal_and_the_reasons(open_page, api):
    page = open_page("#/learner")
    page.get_by_role("combobox", name="Learner").focus()
    page.keyboard.type("lear")
    expect(page.get_by_role("option", name="learner", exact=True)).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="learner", exact=True)).to_be_visible()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.role") == "combobox" and page.evaluate(
            "document.activeElement.ariaLabel === 'Goal'"
        ):
            break
    page.keyboard.type("A")
    expect(page.get_by_role("option").first).to_contain_text("A")
    page.keyboard.press("Enter")
    found = concepts(path(api))
    expect_road(page, found)
    page.get_by_role("button", name=found[0], exact=True).focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name=found[1], exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"Why {found[1]}")).to_be_visible()
    assert "step=" in page.url


def test_an_unknown_learner_is_met_with_close_matches(open_page):
    page = open_page("#/learner/learnr")
    told = page.get_by_role("status").filter(has_text="Nothing is known of learnr yet")
    told.get_by_role("link", name="learner", exact=True).click()
    expect(page.get_by_role("link", name=re.compile("^B"))).to_be_visible()


def test_a_learner_of_whom_nothing_is_known_has_a_plan(open_page):
    page = open_page(ROAD.replace("learner?", "nobody?"))
    expect(page.get_by_role("heading", name=re.compile("^The road"))).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_the_masteries_can_be_sorted_and_filtered(open_page, api):
    page = open_page(f"{ROAD}&part=mastery")
    known = list(masteries(api).values())

    def rows():
        return page.locator("tbody th a").all_inner_texts()

    expect(page.locator("tbody tr")).to_have_count(len(known))
    falling = sorted(known, key=lambda each: -each["mastery"])
    told = [each["concept_id"] for each in falling if each["evidence"] >= 0.01]
    untold = [each["concept_id"] for each in falling if each["evidence"] < 0.01]
    assert told
    assert rows() == told + untold  # what has no figure stands last either way
    page.get_by_role("button", name="Mastery").click()
    assert rows() == told[::-1] + untold[::-1]
    expect(page.get_by_role("columnheader", name="Mastery")).to_have_attribute(
        "aria-sort", "ascending"
    )
    page.locator(".filters select").select_option("In doubt")
    doubted = {each["concept_id"] for each in known if not each["identified"]}
    expect(page.locator("tbody tr")).to_have_count(len(doubted))
    assert set(rows()) == doubted
    page.get_by_label("Filter").fill("zzz")
    expect(page.get_by_text("No concept is like this.")).to_be_visible()


def test_a_concept_opens_what_its_mastery_rests_on(open_page, api):
    event = {"event_id": "e1", "learner_id": "learner", "item_id": "v_d", "share": 0.4}
    api.post("/v1/events", json=event).raise_for_status()
    page = open_page(f"{ROAD}&part=mastery")
    known = masteries(api)
    for concept, each in known.items():
        row = page.locator("tbody tr:not(.below)", has=page.get_by_role("link", name=concept))
        if each["evidence"] < 0.01:
            expect(row.locator(".mastery")).to_have_text("too little evidence")
        else:
            expect(row.locator(".mastery")).to_contain_text(f"{each['mastery']:.2f} ±")
    assert {each["evidence"] < 0.01 for each in known.values()} == {True, False}
    for concept in known:
        address = f"/v1/learners/learner/mastery/{concept}"
        found = api.get(address).json()
        button = page.get_by_role("button", name=f"What it rests on: {concept}", exact=True)
        expect(button).to_have_attribute("aria-expanded", "false")
        button.focus()
        page.keyboard.press("Enter")
        expect(button).to_have_attribute("aria-expanded", "true")
        expect(button).to_be_focused()
        region = page.get_by_role("region", name=f"What it rests on: {concept}")
        expect(region.locator(".rests-sentence")).to_have_text(found["because"])
        moved = [each for each in found["reasons"] if abs(each["moved"]) >= 0.005]
        bars = region.locator(".bars li:not(.together)")
        expect(bars).to_have_count(len(moved))
        for place, each in enumerate(moved):
            expect(bars.nth(place)).to_contain_text(each["title"] or each["item_id"])
            expect(bars.nth(place)).to_contain_text(
                f"{each['moved']:+.2f}".replace("+0.00", "0.00")
            )
            way = "down" if each["moved"] < 0 else "up"
            expect(bars.nth(place).locator(f".bar.{way}")).to_have_count(1)
        zero = [box["x"] for box in (each.bounding_box() for each in bars.locator(".up").all())]
        zero += [
            box["x"] + box["width"]
            for box in (each.bounding_box() for each in bars.locator(".down").all())
        ]
        assert max(zero, default=0) - min(zero, default=0) < 1  # all begin at one line
        assert f"step={concept}" in page.url
        shared = open_page(page.url.split("/", 3)[3], "zh")
        chinese = api.get(address, params={"language": "zh"}).json()["because"]
        expect(shared.locator(".rests-sentence")).to_have_text(chinese)
        page.keyboard.press("Enter")
        expect(region).to_have_count(0)


def test_the_history_is_compared_with_the_plan_now(open_page, api):
    before = concepts(path(api))
    body = {"concept_id": before[0], "said": "not_for_me"}
    api.post("/v1/learners/learner/feedback", json=body)
    now = concepts(path(api))
    assert now != before
    page = open_page(f"{ROAD}&part=history")
    plans = page.locator(".plan")
    expect(plans).to_have_count(2)
    assert [text.split()[-1] for text in plans.nth(0).locator(".chip").all_inner_texts()] == now
    kept = plans.nth(1).locator(".chip.stays")
    expect(kept).to_have_count(len(set(before) & set(now)))
    expect(plans.nth(1).locator(".chip.gone").first).to_contain_text("not in the plan now")


def test_all_is_exported_and_erased_only_after_the_id_was_typed(open_page, api):
    path(api)
    page = open_page("#/learner/learner?part=record")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    exported = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    expected = api.get("/v1/learners/learner/export").json()
    assert exported == expected
    page.get_by_role("button", name="Erase").click()
    confirm = page.get_by_role("button", name="Erase for good")
    expect(confirm).to_be_disabled()
    page.get_by_label("Type learner to confirm").fill("learner")
    confirm.click()
    expect(page.get_by_text(f"Erased: 0 events, {len(expected['plans'])} plans")).to_be_visible()
    assert api.get("/v1/learners/learner/mastery").status_code == 404


def test_a_learners_token_leads_to_this_learner_and_shows_what_it_may(
    open_page, model, built, tmp_path
):
    security = Security(Verifier(SecretKeys([SECRET]), "kgplan", ISSUER))
    scopes = {"reads": "paths:read graph:read", "writes": "paths:read graph:read events:write"}
    tokens = {
        name: hs256(claims(learner_id="learner", scope=scope)) for name, scope in scopes.items()
    }
    (tmp_path / "own").mkdir()
    with served(model, tmp_path / "own", security) as (_, address):
        page = open_page("#/learner", token=tokens["reads"], base=address)
        page.get_by_role("link", name="My path").click()
        page.get_by_role("link", name="Feedback and data").click()
        expect(page.get_by_role("button", name="Download")).to_be_visible()
        expect(page.get_by_role("button", name="Erase")).to_have_count(0)
        page.goto(f"{address}{ROAD}")
        expect(page.get_by_text("Your token does not allow this.").first).to_be_visible()
        expect(page.get_by_role("button", name="Send")).to_have_count(0)
        page = open_page("#/learner/learner?part=record", token=tokens["writes"], base=address)
        expect(page.get_by_role("button", name="Erase")).to_be_visible()
        page = open_page("#/learner/new?course=A", token=tokens["writes"], base=address)
        expect(page.get_by_role("alert").first).to_be_visible()  # another learner


def test_who_wants_rest_sees_no_motion(open_page, api):
    for motion, moves in (("reduce", False), ("no-preference", True)):
        page = open_page(f"{ROAD}&step=e", reduced_motion=motion)
        expect_road(page, concepts(path(api)))
        page.evaluate(
            "Element.prototype.animate = new Proxy(Element.prototype.animate, {apply(to, on, how) {"
            " globalThis.moved = true; return Reflect.apply(to, on, how); }}); null"
        )
        page.get_by_role("button", name="Not for me", exact=True).click()
        expect(page.locator(".news")).to_be_visible()
        assert page.evaluate("globalThis.moved ?? false") == moves
        page.get_by_role("button", name="Undo").click()
        expect(page.locator(".news")).to_contain_text("Taken back.")


@pytest.mark.parametrize(
    ("viewport", "language", "theme"),
    [(PHONE, "en", "light"), (DESKTOP, "zh", "dark")],
    ids=["phone", "desktop"],
)
def test_axe_finds_nothing_serious_and_nothing_is_wider_than_the_window(
    open_page, api, axe, viewport, language, theme
):
    said = {"concept_id": "d", "said": "too_hard"}
    api.post("/v1/learners/learner/feedback", json=said)
    page = open_page(
        "#/learner", language, viewport=viewport, color_scheme=theme, reduced_motion="reduce"
    )
    page.evaluate(axe + "; null")
    shown = {
        "": ".pick-card .chip",
        "learner": ".own-course",
        "learner?course=A&step=e": ".details",
        "learner?course=A&part=mastery": "tbody",
        "learner?course=A&part=mastery&step=d": ".bars li",
        "learner?course=A&part=history": ".plan",
        "learner?part=record": ".said-list li",
        "nobody": ".own .empty",
        "nobody?course=A": ".stop",
    }
    for address, there in shown.items():
        page.evaluate("address => { location.hash = address }", f"#/learner/{address}")
        expect(page.locator(there).first).to_be_visible()
        if "A&step" in address:
            page.locator(".details .words button").last.click()  # leave it out: what changes
            expect(page.locator(".news")).to_be_visible()
        page.wait_for_function("!document.querySelector('.loading, [aria-busy=true]')")
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        wrong = [(each["id"], each["nodes"][0]["html"]) for each in found]
        assert [each for each in found if each["impact"] in SERIOUS] == [], (address, wrong)
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) <= 0, address


def test_sentences_follow_the_language(open_page, api):
    page = open_page(ROAD, "zh")
    chinese, english = path(api, language="zh"), path(api, language="en")
    expect_road(page, concepts(chinese))
    expect(page.locator(".because").first).to_have_text(chinese["steps"][0]["because"])
    page.get_by_role("button", name="English").click()
    expect(page.locator(".because").first).to_have_text(english["steps"][0]["because"])
    expect(page.locator(".news")).to_have_count(0)  # other words are no change of the plan


def test_a_goal_can_be_a_concept(open_page, api):
    page = open_page(f"#/learner/learner?towards={quote('f')}")
    found = api.get("/v1/learners/learner/path", params={"towards": "f"}).json()
    expect_road(page, concepts(found))
    expect(page.get_by_role("heading", name="The road to f")).to_be_visible()
    expect(page.locator("[data-concept=f]")).to_contain_text("Goal")


@pytest.fixture(scope="module")
def ranking():
    """The model with titles, an order of views, and a ranking."""
    case = hand_model(SEED)
    viewed = sparse.csr_array(case.records.viewed)
    viewed.eliminate_zeros()
    records = replace(
        case.records,
        viewed=viewed,
        viewed_order=np.arange(1, viewed.nnz + 1),
        item_names=np.array([f"All on {video[-1]}" for video in case.records.item_ids]),
    )
    return replace(case, records=records).planner(ranker=usual_ranker(records))


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_resource_says_why_it_stands_where_it_does_and_leaves_when_refused(
    open_page, ranking, built, tmp_path, viewport
):
    with served(ranking, tmp_path) as (api, address):
        step = next(each for each in path(api)["steps"] if each["runners_up"])
        first, other = step["resources"][0], step["runners_up"][0]
        page = open_page(f"{ROAD}&step={step['concept_id']}", base=address, viewport=viewport)
        details = page.locator(".stop .details, .beside .details").first
        expect(details).to_contain_text(other["rank"]["because"])
        expect(details).to_contain_text("Other ways to learn it")
        rank = first["rank"]
        why = page.get_by_text(f"Why this one: {rank['place']} of {rank['of']}").first
        why.click()
        expect(page.get_by_text("Foundation still open").first).to_be_visible()
        page.get_by_role("button", name=f"Not for me: {other['title']}").click()
        expect(page.locator(".news")).to_contain_text(f"{other['title']}: Not for me")
        named = [
            each["item_id"]
            for each in path(api)["steps"]
            for each in each["resources"] + each["runners_up"]
        ]
        assert other["item_id"] not in named
        expect(page.get_by_role("button", name=f"Not for me: {other['title']}")).to_have_count(0)
        page.locator(".news").get_by_role("button", name="Undo").click()
        expect(page.locator(".news")).to_contain_text("Taken back.")
        assert api.get("/v1/learners/learner/feedback").json()["feedback"] == []
