"""Plans that adjust themselves, as a teacher and a learner see them: a class, one plan, changes."""

import time

import pytest
from explorer_cases import place, served
from playwright.sync_api import expect
from sites import site
from tokens_by_hand import ISSUER, SECRET, claims, hs256

from kgplan.adjusting import usual_rules
from kgplan.api.keys import SecretKeys
from kgplan.api.security import Security
from kgplan.api.tokens import Verifier
from kgplan.data.events import Event
from kgplan.model.current import CurrentLearners
from kgplan.model.running import RunningPlans
from kgplan.store.events import open_events
from kgplan.store.events.sent import Sent

HOUR, DAY = 3_600.0, 86_400.0
NAMES = {
    "a": "Binary numbers",
    "b": "Pointers",
    "c": "Linked lists",
    "d": "Binary trees",
    "e": "Balanced search trees",
    "f": "Graphs",
}
A = {"course_id": "A"}
STUCK = ("Ada", "Bo")  # who answers wrongly, again and again
CALM = ("Chen", "Dai", "Eli")


@pytest.fixture(scope="module")
def planner():
    courses = {"A": "c d e f", "B": "a b", "C": "a"}
    return site(courses, "ac bc cd de", names=NAMES, minutes={"A1": 12.0}).planner


def plant(planner, folder, learners, wrong=(), looks=True):
    """Learners who began two hours ago; some have answered wrongly ever since."""
    store = open_events(f"sqlite:///{folder / 'learners.db'}")
    runs, now = RunningPlans(CurrentLearners(store), usual_rules()), time.time()
    begun = now - 2 * HOUR
    for learner in learners:
        told = [Event(f"{learner} in", learner, begun - DAY, course_id="A", enrols=True)]
        if learner in wrong:
            told += [
                Event(f"{learner} {k}", learner, begun + 180 * k, "A1", "A", score=0.0)
                for k in range(1, 30)
            ]
        store.submit([Sent(each, "event", {}, each.event_id) for each in told]).result(30)
        runs.begin(planner, planner.plan(learner, "A"), 60.0, "platform", begun)
    while looks and runs.look(planner, now).plans:
        pass
    store.close()


@pytest.fixture(scope="module")
def taught(built, planner, tmp_path_factory):
    """A class of five, two of them stuck: a client of the API, and the page's address."""
    folder = tmp_path_factory.mktemp("records")
    plant(planner, folder, STUCK + CALM, STUCK)
    with served(planner, folder) as found:
        yield found


def steps_of(client, learner):
    body = client.get(f"/v1/learners/{learner}/plan", params=A).json()
    return [each["step_id"] for each in body["steps"]]


def because(page, reason):
    """Gives the reason that a decision asks for, by keyboard."""
    expect(page.get_by_role("dialog").get_by_label("Reason")).to_be_focused()
    page.keyboard.type(reason)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)


def fits(page):
    return page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize(("language", "dark", "phone"), [("en", False, False), ("zh", True, True)])
def test_a_class_is_sorted_and_tells_who_is_stuck(reader, taught, axe, language, dark, phone):
    client, address = taught
    who = reader(address, language, dark=dark, phone=phone)
    page = who.visit(place("course", "A"))
    page.locator(".page-head a[href='#/class/A']").click()
    names = page.locator(".run-class tbody th")
    expect(names).to_have_text(sorted(STUCK + CALM))
    who.settled()
    assert who.findings(axe) == []
    assert fits(page)
    # figures as the API tells them, and the two of whom answers were planted come first
    told = client.get("/v1/courses/A/class").json()["figures"]
    assert (told["stuck"], told["strained"]) == (2, 0)
    assert page.locator(".run-figures dd").all_inner_texts()[2:4] == ["0", "2"]
    state = page.locator(".run-class th.state")
    state.locator("button").click()
    expect(state).to_have_attribute("aria-sort", "ascending")
    assert set(names.all_inner_texts()[:2]) == set(STUCK)
    state.locator("button").press("Enter")
    expect(state).to_have_attribute("aria-sort", "descending")
    assert set(names.all_inner_texts()[-2:]) == set(STUCK)
    stuck = page.locator("section:has(#class-stuck) li")
    expect(stuck).to_have_count(2)
    expect(stuck.first).to_contain_text(NAMES["c"])
    expect(page.locator("section:has(#class-concepts) li")).to_contain_text(NAMES["c"])


def test_a_class_that_has_not_begun_says_what_to_do_and_a_small_one_has_no_figures(
    reader, built, planner, tmp_path
):
    with served(planner, tmp_path) as (_, address):
        who = reader(address, "en")
        page = who.visit(place("class", "B"))
        expect(page.locator(".empty")).to_contain_text("Keep this plan and let it adjust")
        plant(planner, tmp_path, ["Fay"], looks=False)
        who.visit(place("class", "A"))
        expect(page.locator(".note")).to_contain_text("KGPLAN_ADJUST")
        expect(page.locator(".page")).to_contain_text("from 5 learners on; here is 1")
        expect(page.locator(".run-figures")).to_have_count(0)


def test_a_teacher_sees_before_and_now_and_decides_with_a_reason(reader, taught, axe):
    client, address = taught
    who = reader(address, "en")
    page = who.visit(place("class", "A", learner="Ada"))
    first = steps_of(client, "Ada")
    new = next(
        each["after"]
        for each in client.get("/v1/learners/Ada/plan/changes", params=A).json()["changes"]
        if each["kind"] == "insert"
    )
    now, before = page.locator(".run-edit .run-name"), page.locator(".run-before li")
    expect(now).to_have_text([NAMES[each] for each in first])
    expect(before).to_have_text([NAMES[each] for each in first if each != new])
    expect(page.locator(".run-changes")).to_contain_text(
        f"{NAMES[new]} comes first, before {NAMES['c']}. Because it has stayed hard"
    )
    assert who.findings(axe) == []

    # by keyboard: c later, past what builds on it; the focus stays where it is
    later = page.get_by_role("button", name=f"{NAMES['c']}: later")
    later.focus()
    page.keyboard.press("Enter")
    expect(later).to_be_focused()
    assert steps_of(client, "Ada") == first  # nothing is kept yet
    page.get_by_role("button", name="Keep this order").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    assert who.findings(axe) == []
    dialog.get_by_role("button", name="Keep the new order").click()  # not without a reason
    expect(dialog).to_be_visible()
    because(page, "field trip")
    expect(page.locator(".run-broken")).to_contain_text(
        f"{NAMES['d']} builds on {NAMES['c']}, which now comes later"
    )
    at = first.index("c")
    order = [*first[:at], first[at + 1], "c", *first[at + 2 :]]
    expect(now).to_have_text([NAMES[each] for each in order])
    assert steps_of(client, "Ada") == order

    # undone, with a reason; then one is taken out, and stands struck through on the left
    page.get_by_role("button", name="Undo: A teacher put the steps").click()
    because(page, "no trip")
    expect(now).to_have_text([NAMES[each] for each in first])
    page.get_by_role("button", name=f"Remove {NAMES['f']}").click()
    because(page, "not this term")
    expect(before.locator("s")).to_have_text(NAMES["f"])
    assert "f" not in steps_of(client, "Ada")

    # put in again through the box, at the end
    page.get_by_role("combobox", name="Put a concept in").fill(NAMES["f"])
    page.get_by_role("option").first.click()
    page.get_by_label("Before this step").select_option("")
    page.get_by_role("button", name="Put a concept in").click()
    because(page, "after all")
    expect(now.last).to_have_text(NAMES["f"])
    page.get_by_role("button", name="Freeze").click()
    because(page, "exam")
    expect(page.locator(".run-standing .note")).to_contain_text("Frozen")
    told = client.get("/v1/learners/Ada/plan/changes", params=A).json()["changes"]
    assert [(x["kind"], x["reason"]) for x in told[:3]] == [
        ("freeze", "exam"),
        ("insert", "after all"),
        ("remove", "not this term"),
    ]


@pytest.mark.parametrize(("language", "dark", "phone"), [("en", True, True), ("zh", False, False)])
def test_a_learner_keeps_a_plan_which_follows_by_itself(reader, taught, axe, language, dark, phone):
    client, address = taught
    learner = f"Gus {language}"
    enrols = {"event_id": learner, "learner_id": learner, "course_id": "B", "enrols": True}
    assert client.post("/v1/events", json=enrols).status_code < 300
    who = reader(address, language, dark=dark, phone=phone)
    who.expected.add(404)  # there is no plan yet
    page = who.visit(place("learner", learner, course="A"))
    page.locator(".path-head a.button").click()
    form = page.locator(".run-keep form")
    expect(form).to_be_visible()
    who.settled()
    assert who.findings(axe) == []
    form.locator("input[type=number]").fill("90")
    form.locator("input[type=date]").fill("2031-05-20")
    form.locator("button").click()
    steps = page.locator(".run-line h3")
    expect(steps.first).to_be_visible()
    planned = steps_of(client, learner)
    expect(steps).to_have_text([NAMES[each] for each in planned])
    assert client.get(f"/v1/learners/{learner}/plan", params=A).json()["weekly"] == 90
    expect(page.locator(".run-live")).to_be_visible()
    who.settled()
    assert who.findings(axe) == []
    assert fits(page)
    # a teacher takes a step out elsewhere: the page shows it without being asked
    tag = client.get(f"/v1/learners/{learner}/plan", params=A).headers["etag"]
    out = {"kind": "remove", "step_id": planned[-1], "reason": "enough"}
    where = f"/v1/learners/{learner}/overrides"
    done = client.post(where, params=A, json=out, headers={"If-Match": tag})
    assert done.status_code == 200, done.text
    expect(steps).to_have_count(len(planned) - 1)
    expect(page.locator(".run-changes")).to_contain_text("enough")
    expect(page.locator(".run-changes button")).to_have_count(0)  # a teacher's: not to be undone
    # a date that cannot be kept says what would have to go
    expect(page.locator(".run-missed")).to_have_count(0)
    assert client.get(f"/v1/learners/{learner}/plan", params=A).json()["date"][:7] == "2031-05"
    page.locator(".run-date input").fill("2020-01-01")
    page.locator(".run-date button").click()
    expect(page.locator(".run-missed")).to_be_visible()
    (miss,) = client.get(f"/v1/learners/{learner}/plan", params=A).json()["misses"]
    for each in miss["would_go"]:
        expect(page.locator(".run-missed")).to_contain_text(NAMES[each])
    who.settled()
    assert who.findings(axe) == []
    assert fits(page)
    page.locator(".run-doing > button").click()
    expect(page.locator(".run-standing .note:not(.run-missed)")).to_be_visible()
    assert client.get(f"/v1/learners/{learner}/plan", params=A).json()["off"] is True


def test_a_learner_takes_back_what_a_rule_did(reader, taught):
    client, address = taught
    who = reader(address, "en")
    before = steps_of(client, "Bo")
    page = who.visit(place("learner", "Bo", course="A", part="running"))
    expect(page.locator(".badge.fresh")).to_have_count(1)
    page.locator(".run-changes button[aria-label*='comes first']").click()
    expect(page.locator(".run-line h3")).to_have_count(len(before) - 1)
    expect(page.locator(".run-changes .undone")).to_have_count(1)
    assert len(steps_of(client, "Bo")) == len(before) - 1


def test_a_teacher_accepts_what_is_only_suggested(reader, built, planner, tmp_path):
    plant(planner, tmp_path, ("Fay",), ("Fay",), looks=False)
    with served(planner, tmp_path) as (client, address):
        plan, frozen = "/v1/learners/Fay/plan", {"kind": "freeze", "reason": "exam"}
        tag = client.get(plan, params=A).headers["etag"]
        where = "/v1/learners/Fay/overrides"
        client.post(where, params=A, json=frozen, headers={"If-Match": tag}).raise_for_status()
        store = open_events(f"sqlite:///{tmp_path / 'learners.db'}")
        runs = RunningPlans(CurrentLearners(store), usual_rules())
        while runs.look(planner, time.time()).plans:
            pass
        store.close()
        before = steps_of(client, "Fay")
        page = reader(address, "en").visit(place("class", "A", learner="Fay"))
        accept = page.locator(".run-changes button[aria-label^='Accept: ']")
        accept.first.click()
        because(page, "asked in class")
        expect(page.locator(".run-edit .run-name")).to_have_count(len(before) + 1)
        expect(accept).to_have_count(0)
        expect(page.locator(".run-changes li").first).to_contain_text("asked in class")
        assert len(steps_of(client, "Fay")) == len(before) + 1


def test_only_teachers_see_a_class_and_a_stream_carries_the_token(reader, built, planner, tmp_path):
    plant(planner, tmp_path, ["Hal"])
    security = Security(Verifier(SecretKeys([SECRET]), "kgplan", ISSUER))
    own = hs256(claims(scope="paths:read events:write graph:read", learner_id="Hal", sub="Hal"))
    teacher = hs256(claims(scope="teach graph:read", course_ids=["A"], sub="Ms Noether"))
    other = hs256(claims(scope="teach graph:read", course_ids=["B"], sub="Mr Hilbert"))
    with served(planner, tmp_path, security) as (_, address):
        who = reader(address, "en")
        who.expected |= {401, 403}
        page = who.page
        page.goto(address)
        # what a page in this tab would have been given
        for token, found in (
            (own, ".empty:has-text('scope teach')"),
            (other, ".problem"),
            (teacher, ".run-class"),
        ):
            page.evaluate("token => sessionStorage.setItem('kgplan.token', token)", token)
            page.goto("about:blank")
            page.goto(address + place("class", "A"))
            expect(page.locator(found)).to_be_visible()
        page.locator(".run-class a").click()
        expect(page.locator(".run-live")).to_be_visible()
        page.goto("about:blank")  # a service that ends waits for who reads a stream
