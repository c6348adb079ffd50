"""Write a page of findings: the template that all pages share, and the file put in place whole."""

import os
from importlib import resources
from pathlib import Path


def template() -> str:
    """The page, in Jinja, with the CSS that the charts rely on."""
    return resources.files("kgplan.report").joinpath("page.html").read_text(encoding="utf-8")


def write_page(text: str, out: Path) -> None:
    """Write the page aside and put it in place."""
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        aside.write_text(text, encoding="utf-8")
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)
