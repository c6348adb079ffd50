"""The application: routes, error answers and the page, around one planner."""

from importlib.resources import files

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from kgplan import __version__
from kgplan.api.problems import add_problem_handlers
from kgplan.api.routes import router
from kgplan.planning import Planner


def create_app(planner: Planner) -> FastAPI:
    """Make the HTTP service.

    Args:
        planner: answers every request.
    """
    app = FastAPI(
        title="kgplan",
        version=__version__,
        summary="What should this learner learn next in this course, in what order, and why.",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    app.state.planner = planner
    app.include_router(router)
    add_problem_handlers(app)
    page = (files("kgplan") / "api" / "page" / "index.html").read_text(encoding="utf-8")

    @app.get("/", include_in_schema=False)
    def read_page() -> HTMLResponse:
        return HTMLResponse(page)

    return app
