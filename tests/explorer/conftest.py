"""The explorer in a real Chromium, served by the real service.

Where Node or Chromium is missing, these tests are skipped with a sentence; never in CI.
"""

import importlib.util
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Literal

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright
from waiting import wait_for

from kgplan.api.keeper import keep_planner
from kgplan.api.service import make_service
from kgplan.settings import Settings

EXPLORER = Path(__file__).parents[2] / "explorer"
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
LOCALES = {"en": "en-US", "zh": "zh-CN"}
PATIENCE = 60_000  # ms until what should be on a page counts as missing; a machine may be busy
expect.set_options(timeout=PATIENCE)


def build_script() -> ModuleType:
    """explorer/build.py, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("explorer_build", EXPLORER / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def built() -> Path:
    """The folder of the explorer, built from the sources as they are."""
    script = build_script()
    if script.npm_command() is None:
        wait_for("Node", script.NO_NODE)
    return script.build()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which judges whether a page can be used by everyone."""
    return (EXPLORER / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium without a window."""
    chromium = shutil.which("chromium")
    if chromium is None:
        wait_for("Chromium", "on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


Serve = Callable[..., str]


@pytest.fixture(scope="module")
def serve(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Starts the service of a home on a port that the system chooses; gives its address.

    Learner records and audit log are new, and no token is asked for, unless the settings say
    otherwise.
    """
    running = []

    def start(home: Settings, **changes: object) -> str:
        folder = tmp_path_factory.mktemp("records")
        own = {"records": f"sqlite:///{folder / 'learners.db'}", "audit": folder / "audit.jsonl"}
        given = {"auth": "dev", **own, **changes}
        settings = home.model_copy(update=given)
        app = make_service(settings, keep_planner(settings))
        server = uvicorn.Server(
            uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", ws="none")
        )
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        running.append((server, thread))
        return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def mini_address(serve: Serve, mini_home: Settings) -> str:
    """The service of the miniature."""
    return serve(mini_home)


@pytest.fixture(scope="module")
def sample_address(serve: Serve, sample_home: Settings) -> str:
    """The service of the real sample."""
    return serve(sample_home)


@dataclass
class Reader:
    """Someone who looks at the explorer, and what went wrong meanwhile.

    Attributes:
        page: of Chromium.
        address: of the service.
        errors: that the page wrote on its console, or threw.
        elsewhere: requests to any other host.
        expected: statuses of answers that the browser may complain of on its console.
    """

    page: Page
    address: str
    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    expected: set[int] = field(default_factory=set)

    def watch(self) -> None:
        """Note errors and requests to other hosts."""
        for event, note in self._noted().items():
            self.page.on(event, note)

    def leave(self) -> bool:
        """Leave the window as a new one is, but for the files that it keeps; False: it cannot be.

        A page in a new window costs twice what it costs in one that has been there.
        """
        for event, note in self._noted().items():
            self.page.remove_listener(event, note)
        if len(self.page.context.pages) > 1 or not self.page.url.startswith(self.address):
            return False
        self.page.unroute_all()
        self.page.evaluate("sessionStorage.clear(); localStorage.clear()")
        self.page.context.clear_cookies()
        self.page.goto("about:blank")
        return True

    def _noted(self) -> dict[str, Callable]:
        return {"pageerror": self._threw, "console": self._heard, "request": self._asked}

    def _threw(self, error: Exception) -> None:
        self.errors.append(str(error))

    def _heard(self, message) -> None:
        known = any(f"status of {status} " in message.text for status in self.expected)
        if message.type in ("error", "warning") and not known:
            self.errors.append(message.text)

    def _asked(self, request) -> None:
        if not request.url.startswith((self.address, "about:", "blob:")):
            self.elsewhere.append(request.url)

    def visit(self, where: str = "") -> Page:
        """Open a view and wait until it has its answers."""
        self.page.goto(self.address + where)
        return self.settled()

    def settled(self) -> Page:
        """Wait until nothing is awaited any more."""
        self.page.wait_for_selector("main h1")
        self.page.wait_for_function(
            "() => !document.querySelector('.loading, [aria-busy=true]')"
            " && [...document.querySelectorAll('.canvas-box')].every(box => box.dataset.drawn)"
        )
        return self.page

    def findings(self, axe: str) -> list[str]:
        """What axe finds wrong, serious or critical."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(axe + "; null")
        found = self.page.evaluate("axe.run({resultTypes: ['violations']})")
        return [
            f"{each['id']}: {node['html'][:120]} {node['failureSummary'][:200]}"
            for each in found["violations"]
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        ]


Open = Callable[..., Reader]
Mode = tuple[str, bool, bool]
"""Language, dark, phone."""


@pytest.fixture(scope="module")
def left(browser: Browser) -> dict[Mode, list[Page]]:
    """Windows that were left, by how they are looked at."""
    return {}


@pytest.fixture
def reader(browser: Browser, left: dict[Mode, list[Page]]) -> Iterator[Open]:
    """Opens a window; afterwards nothing may have gone wrong in it.

    It is one that another test left, and has kept the page's files, unless it is to be new.
    """
    readers: list[tuple[Mode, Reader]] = []

    def open_window(
        address: str,
        language: str = "zh",
        dark: bool = False,
        phone: bool = False,
        new: bool = False,
    ) -> Reader:
        mode = (language, dark, phone)
        scheme: Literal["dark", "light"] = "dark" if dark else "light"
        viewport = PHONE if phone else DESKTOP
        if left.get(mode) and not new:
            page = left[mode].pop()
            page.set_viewport_size(viewport)
            page.emulate_media(color_scheme=scheme)
        else:
            context = browser.new_context(
                viewport=viewport,
                locale=LOCALES[language],
                color_scheme=scheme,
                reduced_motion="reduce",
            )
            context.set_default_timeout(PATIENCE)
            page = context.new_page()
        made = Reader(page, address)
        made.watch()
        readers.append((mode, made))
        return made

    yield open_window
    for mode, made in readers:
        if made.leave():
            left.setdefault(mode, []).append(made.page)
        else:
            made.page.context.close()
        assert made.errors == []
        assert made.elsewhere == []


def body(document: object) -> dict[str, object]:
    """What `route.fulfill` takes for a JSON answer."""
    return {"body": json.dumps(document), "content_type": "application/json"}
