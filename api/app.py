"""The application: routes, error answers and the page, around one keeper."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from kgplan import __version__
from kgplan.api.keeper import Keeper
from kgplan.api.problems import add_problem_handlers
from kgplan.api.routes import router


def create_app(keeper: Keeper) -> FastAPI:
    """Make the HTTP service.

    Args:
        keeper: holds the planner that answers; it watches while the service runs.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        keeper.start()
        yield
        keeper.stop()

    app = FastAPI(
        lifespan=lifespan,
        title="kgplan",
        version=__version__,
        summary="What should this learner learn next in this course, in what order, and why.",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    app.state.keeper = keeper
    app.include_router(router)
    add_problem_handlers(app)
    page = (files("kgplan") / "api" / "page" / "index.html").read_text(encoding="utf-8")

    @app.get("/", include_in_schema=False)
    def read_page() -> HTMLResponse:
        return HTMLResponse(page)

    return app
