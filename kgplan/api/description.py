"""How is the service described? OpenAPI 3.1, with the examples as they were written."""

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel

from kgplan.api.headers import page_policy

ASSETS = "docs-assets"
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
REFUSALS = {
    "400": {"content": _PROBLEM, "description": "two Authorization headers, or malformed content"},
    "401": {"content": _PROBLEM, "description": "no token, or one that proves nothing"},
    "403": {"content": _PROBLEM, "description": "the token lacks the scope, or is a learner's"},
}
"""What every operation that needs a token may answer; an operation's own words come first."""


def describe_with_examples(app: FastAPI) -> None:
    """Tell what FastAPI leaves out of its description.

    The nulls in examples, without which they lack required fields and break their own schema; what
    a token may be refused with; that every refusal is a problem, of the type that RFC 9457 gives.
    """
    drop_nulls = app.openapi

    def describe() -> dict[str, Any]:
        document = drop_nulls()
        schemas = document["components"]["schemas"]
        for model in models(BaseModel):
            extra = model.model_config.get("json_schema_extra")
            if model.__name__ in schemas and isinstance(extra, dict) and "examples" in extra:
                schemas[model.__name__]["examples"] = extra["examples"]
        for operation in (each for path in document["paths"].values() for each in path.values()):
            if operation.get("security"):
                operation["responses"] = REFUSALS | operation["responses"]
            for status, response in operation["responses"].items():
                if status >= "400" and "content" in response:
                    response["content"] = _PROBLEM
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        return document

    app.openapi = describe  # type: ignore[method-assign]


def show_description(app: FastAPI) -> None:
    """Show the description at /docs: Swagger UI, its files from this service instead of a CDN."""
    found = get_swagger_ui_html(
        openapi_url="openapi.json",  # relative: a proxy may serve all of this below a path
        title=f"{app.title}: API",
        swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{ASSETS}/favicon.png",
    )
    html = bytes(found.body).decode()
    # Swagger UI sets styles on its elements, which no hash can allow
    policy = page_policy(html, styles="'unsafe-inline'")

    @app.get("/docs", include_in_schema=False)
    async def read_docs() -> HTMLResponse:
        return HTMLResponse(html, headers={"Content-Security-Policy": policy})

    assets = str(files("fastapi_offline") / "static")
    app.mount(f"/{ASSETS}", StaticFiles(directory=assets), name=ASSETS)


def models(of: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """All models of this service."""
    for model in of.__subclasses__():
        if model.__module__.startswith("kgplan.api."):
            yield model
        yield from models(model)
