"""Views of the miniature, the ways in which each is looked at, and services of hand-made models."""

import socket
import threading
import time
from contextlib import contextmanager
from urllib.parse import quote

import uvicorn
from fastapi.testclient import TestClient
from miniature import ALGORITHM

from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.model.current import CurrentLearners
from kgplan.store.events import open_events


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


@contextmanager
def served(model, folder, security=None):
    """A service on records of its own: a client of its API, and the page's address."""
    store = open_events(f"sqlite:///{folder / 'learners.db'}")
    app = create_app(
        Keeper(lambda: model, lambda: "always the same"),
        learners=CurrentLearners(store),
        security=security,
    )
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield TestClient(app), f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:  # a thread that goes on would keep the tests from ending
            server.should_exit = server.force_exit = True
            thread.join()
            store.close()
