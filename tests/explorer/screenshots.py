"""Take the README's pictures of the explorer: `make screenshots`, from the model in KGPLAN_HOME.

python screenshots.py FOLDER [NAME...]
"""

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn
from conftest import DESKTOP, LOCALES, PHONE, Reader
from explorer_cases import place
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from kgplan.api.keeper import keep_planner
from kgplan.api.service import make_service
from kgplan.etl.init import write_example
from kgplan.etl.stages import run_etl
from kgplan.settings import Settings, read_settings
from kgplan.store.artifacts import ArtifactStore
from kgplan.store.running import run_part

CACHE = "K_缓存_计算机科学技术"
DATA_STRUCTURES = "C_course-v1:TsinghuaX+30240184+sp"
LEARNER, COURSE = "U_177003", "C_course-v1:UST+UST001+sp"
ROAD = place("learner", LEARNER, course=COURSE, length=6)
EQUATION = "K_方程_数学"  # a step of this learner's path, which its video changes much
CHANGING = place("learner", "U_148566", course=DATA_STRUCTURES, length=5, step=EQUATION)


def nothing(page: Page) -> None:
    """Show the view as it comes."""


def watch_the_video(page: Page) -> None:
    """Send that the step's video was watched; the page tells what changed."""
    page.locator(".details form button").click()
    page.locator(".news").wait_for()


@dataclass(frozen=True)
class Picture:
    """One view, or several phones side by side.

    Attributes:
        views: address of each.
        language, dark, phone: how it is looked at.
        act: what is done before the picture is taken.
        example: whether the model is that of the tables of `kgplan init`.
        whole: whether the page is shown down to its end.
    """

    views: tuple[str, ...]
    language: str = "en"
    dark: bool = False
    phone: bool = False
    act: Callable[[Page], None] = nothing
    example: bool = False
    whole: bool = False


PICTURES = {
    "home": Picture(("",), "en"),
    "concept": Picture((place("concept", CACHE),), "zh"),
    "course": Picture((place("course", DATA_STRUCTURES),), "zh"),
    "graph": Picture((place("graph"),), "en"),
    "cycles": Picture((place("graph", mark="cycles"),), "en", dark=True),
    "health": Picture((place("health"),), "en"),
    "learner": Picture((ROAD,), "zh"),
    "learner-dark": Picture((ROAD,), "en", dark=True),
    "changes": Picture((CHANGING,), "en", act=watch_the_video),
    "own": Picture((place("learner", "ada", course="python-1"),), "en", example=True, whole=True),
    "phones": Picture(("", place("concept", CACHE), place("health"), ROAD), "zh", phone=True),
}


def example_model(home: Path) -> Settings:
    """Settings of a home with the model of the tables of `kgplan init`."""
    settings = Settings(home=home, graph="")
    write_example(home / "tables")
    run_etl(settings, home / "tables")
    for part in ("graph", "model"):
        run_part(part, settings, ArtifactStore(settings.artifacts), {})
    return settings


@contextmanager
def served(example: bool) -> Iterator[str]:
    """The address of a service of the current model, with learner records of its own."""
    with TemporaryDirectory() as folder:
        records = f"sqlite:///{Path(folder) / 'learners.db'}"
        settings = example_model(Path(folder)) if example else read_settings()
        settings = settings.model_copy(update={"auth": "dev", "records": records})
        app = make_service(settings, keep_planner(settings))
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="none"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
        server.should_exit = True
        thread.join()


def taken(browser: Browser, address: str, picture: Picture) -> Image.Image:
    """The picture, phones side by side."""
    context = browser.new_context(
        viewport=PHONE if picture.phone else DESKTOP,
        locale=LOCALES[picture.language],
        color_scheme="dark" if picture.dark else "light",
        reduced_motion="reduce",
    )
    found = []
    for view in picture.views:
        reader = Reader(context.new_page(), address)
        page = reader.visit(view)
        picture.act(page)
        page.mouse.move(0, 0)
        page.wait_for_timeout(300)  # for the picture's last frame
        shot = page.screenshot(full_page=picture.whole)
        found.append(Image.open(BytesIO(shot)).convert("RGB"))
    context.close()
    gap = 24
    width = sum(each.width for each in found) + gap * (len(found) - 1)
    whole = Image.new("RGB", (width, found[0].height), "#d9d6ce")
    left = 0
    for each in found:
        whole.paste(each, (left, 0))
        left += each.width + gap
    return whole


def main(folder: Path, names: list[str]) -> None:
    """Take the pictures of these names, or all."""
    chromium = shutil.which("chromium")
    wanted = {name: PICTURES[name] for name in names or PICTURES}
    for example in sorted({picture.example for picture in wanted.values()}):
        with served(example) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for name, picture in wanted.items():
                if picture.example == example:
                    path = folder / f"explorer-{name}.png"
                    taken(browser, address, picture).save(path, optimize=True)
                    print(f"{path} {path.stat().st_size / 1024:.0f} KiB")
            browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
