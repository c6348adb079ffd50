"""A learning platform opens the explorer in a frame of its own page, in a real Chromium."""

import json
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import urlopen

import jwt
import pytest
import uvicorn
from learner_cases import hand_model
from lti_platform import CLAIM, DEEP, PlayedPlatform
from playwright.sync_api import Browser, expect
from pydantic import SecretStr
from tokens_by_hand import SECRET

from kgplan.api.keeper import Keeper
from kgplan.api.service import make_service
from kgplan.settings import Settings

expect.set_options(timeout=10_000)
LOCALES = {"en": "en-US", "zh": "zh-CN"}
PHONE = {"width": 390, "height": 844}
NO_STORAGE = """
for (const name of ["localStorage", "sessionStorage"])
  Object.defineProperty(window, name, { get() { throw new DOMException("", "SecurityError"); } });
"""


@dataclass
class Pages:
    """The pages of a platform, which name the service by its address.

    Attributes:
        platform: its messages.
        service: where kgplan is.
        changed: claims of the next message.
        chosen: what came back of a choice.
    """

    platform: PlayedPlatform
    service: str
    changed: dict = field(default_factory=dict)
    chosen: list = field(default_factory=list)

    @property
    def login(self) -> str:
        """Where a launch begins."""
        hints = {"iss": self.platform.issuer, "login_hint": "me", "client_id": "kgplan-1"}
        asked = urlencode(hints | {"target_link_uri": f"{self.service}/lti/launch"})
        return f"{self.service}/lti/login?{asked}"

    def course(self) -> str:
        """A page with the tool in a frame."""
        return f'<h1>Course</h1><iframe width="380" height="800" src="{self.login}"></iframe>'

    def auth(self, asked: dict[str, str]) -> str:
        """Who is signed in, posted to the tool when the person says so."""
        target = {f"{CLAIM}target_link_uri": f"{self.service}/lti/launch"}
        claims = self.platform.claims(asked["nonce"], "A", **target, **self.changed)
        form = {"state": asked["state"], "id_token": self.platform.signed(claims)}
        inputs = "".join(
            f'<input type="hidden" name="{name}" value="{escape(value)}">'
            for name, value in form.items()
        )
        inputs += "<button>Go on</button>"
        return f'<form method="post" action="{asked["redirect_uri"]}">{inputs}</form>'

    def take(self, posted: str) -> str:
        """Take what was chosen, verified by the tool's published key."""
        message = parse_qs(posted)["JWT"][0]
        with urlopen(f"{self.service}/lti/jwks") as answer:
            (published,) = json.load(answer)["keys"]
        key = jwt.PyJWK(published, "RS256").key
        said = jwt.decode(message, key, algorithms=["RS256"], audience=self.platform.issuer)
        self.chosen.append(said[f"{DEEP}content_items"])
        return "<p>Taken</p>"


@contextmanager
def answering(pages):
    """The platform's server, on `localhost`: to browsers another site than 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            address = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(address.query).items()}
            self.tell(pages.auth(asked) if address.path == "/auth" else pages.course())

        def do_POST(self):
            self.tell(pages.take(self.rfile.read(int(self.headers["Content-Length"])).decode()))

        def tell(self, html):
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(f'<!doctype html><html lang="en"><title>LMS</title>{html}'.encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        pages.platform.issuer = f"http://localhost:{server.server_port}"
        yield
        server.shutdown()


@pytest.fixture(scope="module")
def pages(built, tmp_path_factory):
    """A platform whose people open a service of the model that was worked on paper."""
    folder, model = tmp_path_factory.mktemp("lti"), hand_model(1).planner()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        made = Pages(PlayedPlatform(), f"http://127.0.0.1:{listening.getsockname()[1]}")
        with answering(made):
            (folder / "keys.json").write_bytes(made.platform.key_set())
            registered = made.platform.registration("keys.json")
            text = json.dumps({"url": made.service, "platforms": [registered]})
            (folder / "lti.json").write_text(text)
            secret = SecretStr(SECRET.decode())
            settings = Settings(home=folder, lti=folder / "lti.json", auth_secret=secret)
            app = make_service(settings, Keeper(lambda: model, lambda: "always the same"))
            server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
            thread = threading.Thread(target=server.run, args=([listening],))
            thread.start()
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.01)
            yield made
            server.should_exit = True
            thread.join()


@dataclass
class Visits:
    """Opens the platform's page.

    Attributes:
        browser, pages: where, and which.
        contexts: that were opened.
        errors: that pages wrote on their consoles, or threw.
        expected: what may stand in one.
    """

    browser: Browser
    pages: Pages
    contexts: list = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    expected: str = "nothing"

    def __call__(self, language="en", script="", **changed):
        """The page, and the frame in it, where the platform asks who this is."""
        self.pages.changed = changed
        context = self.browser.new_context(
            locale=LOCALES[language], viewport=PHONE, reduced_motion="reduce"
        )
        context.set_default_timeout(15_000)
        self.contexts.append(context)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self.heard)
        page.goto(self.pages.platform.issuer)
        frame = page.frame_locator("iframe")
        frame.get_by_role("button", name="Go on").wait_for()
        return page, frame

    def heard(self, said):
        if said.type == "error" and self.expected not in said.text:
            self.errors.append(said.text)


@pytest.fixture
def visit(browser, pages):
    """Opens the platform's page; afterwards nothing may have gone wrong."""
    visits = Visits(browser, pages)
    yield visits
    for each in visits.contexts:
        each.close()
    assert visits.errors == []


def frame_of(page, pages):
    """The frame itself, once it is the service's."""
    (found,) = [each for each in page.frames if each.url.startswith(pages.service)]
    return found


@pytest.mark.parametrize(("language", "title"), [("en", "My path"), ("zh", "我的路径")])
def test_a_launch_shows_the_path_in_the_platforms_page(visit, pages, axe, language, title):
    page, frame = visit(language, sub="someone new")
    (kept,) = page.context.cookies(pages.service)  # of the login, in a frame of another site
    with page.expect_request("**/lti/launch") as posted:
        frame.get_by_role("button", name="Go on").click()
    assert posted.value.all_headers()["cookie"] == f"{kept['name']}={kept['value']}"
    expect(frame.get_by_role("heading", level=1)).to_have_text(title)
    expect(frame.locator(".stop").first).to_be_visible()
    inside = frame_of(page, pages)
    assert inside.url == f"{pages.service}/#/learner/someone%20new?course=A"
    inside.evaluate(axe + "; null")
    found = inside.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []


def test_a_browser_that_keeps_nothing_of_embedded_pages_shows_it_too(visit, pages):
    page, frame = visit(script=NO_STORAGE)
    page.context.clear_cookies()
    frame.get_by_role("button", name="Go on").click()
    expect(frame.locator(".stop").first).to_be_visible()
    visit.expected = "401"
    frame_of(page, pages).evaluate("location.reload()")
    expect(frame.get_by_role("dialog")).to_contain_text("Open the page again in your course")


@pytest.mark.parametrize(
    ("language", "title"), [("en", "This page could not be opened"), ("zh", "无法打开此页面")]
)
def test_a_launch_that_opens_nothing_says_why(visit, language, title):
    _, frame = visit(language, **{f"{CLAIM}deployment_id": "another"})
    visit.expected = "403"
    frame.get_by_role("button", name="Go on").click()
    expect(frame.get_by_role("heading", level=1)).to_have_text(title)
    expect(frame.get_by_text("deployment that is not registered here")).to_be_visible()


def test_in_a_window_of_its_own_it_is_there_after_a_reload_too(visit, pages):
    page, _ = visit(sub="someone else")
    page.goto(pages.login)
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".stop").first).to_be_visible()
    assert page.url == f"{pages.service}/#/learner/someone%20else?course=A"
    page.reload()  # asks for no launch that was used
    expect(page.locator(".stop").first).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("My path")


@pytest.mark.parametrize(
    ("language", "title", "cancel"),
    [("en", "Which course", "Cancel"), ("zh", "链接应打开", "取消")],
)
def test_who_teaches_chooses_a_course_by_the_keyboard(visit, pages, axe, language, title, cancel):
    pages.chosen.clear()
    choosing = pages.platform.choosing()
    page, frame = visit(language, **choosing)
    frame.get_by_role("button", name="Go on").click()
    expect(frame.get_by_role("heading", level=1)).to_contain_text(title)
    course = frame.get_by_role("button", name="course B").or_(frame.locator("button[value=B]"))
    expect(course.first).to_be_visible()
    inside = frame_of(page, pages)
    inside.evaluate(axe + "; null")
    found = inside.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
    assert inside.evaluate("document.scrollingElement.scrollWidth") <= 380
    frame.get_by_role("searchbox").press("Enter")  # chooses nothing
    frame.locator("button[value=A]").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(frame.get_by_text("Taken")).to_be_visible()
    (items,) = pages.chosen
    assert [each["custom"] for each in items] == [{"course_id": "B"}]
    page, frame = visit(language, **choosing)
    frame.get_by_role("button", name="Go on").click()
    frame.get_by_role("button", name=cancel).click()
    expect(frame.get_by_text("Taken")).to_be_visible()
    assert pages.chosen[1:] == [[]]
