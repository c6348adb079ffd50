"""Views of the miniature, and the ways in which each is looked at."""

from urllib.parse import quote

from miniature import ALGORITHM


def place(view: str, argument: str = "", **query: object) -> str:
    """The part of an address that names a view, as src/router.ts writes it."""
    path = f"{view}/{quote(argument, safe='')}" if argument else view
    asked = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in query.items())
    return f"#/{path}" + (f"?{asked}" if asked else "")


VIEWS = {
    "home": "",
    "concept": place("concept", ALGORITHM),
    "courses": place("courses"),
    "course": place("course", "C_1"),
    "graph": place("graph"),
    "marked": place("graph", mark="cycles"),
    "health": place("health"),
    "learner": place("learner"),
}
# language, dark, phone: each pair of two occurs
MODES = [("zh", False, False), ("zh", True, True), ("en", False, True), ("en", True, False)]
