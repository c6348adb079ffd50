"""How is the service described? OpenAPI 3.1, with the examples as they were written."""

import re
from dataclasses import is_dataclass
from importlib.resources import files
from inspect import cleandoc, getdoc
from typing import Any, get_args, get_type_hints

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.routing import RouteContext
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel

from kgplan.api.headers import page_policy
from kgplan.api.models import EXAMPLES
from kgplan.api.security import operations

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

    What the core's own types mean, which their docstrings say; the nulls in examples, without which
    they lack required fields and break their own schema; what a token may be refused with; that
    every refusal is a problem, of the type that RFC 9457 gives.
    """
    drop_nulls = app.openapi

    def describe() -> dict[str, Any]:
        document = drop_nulls()
        schemas = document["components"]["schemas"]
        for each in {of for operation in operations(app) for of in types_in(operation)}:
            if is_dataclass(each):
                tell_dataclass(schemas[each.__name__], each)
            extra = getattr(each, "model_config", {}).get("json_schema_extra", {})
            examples = [EXAMPLES[each]] if each in EXAMPLES else extra.get("examples")
            if examples and each.__name__ in schemas:
                schemas[each.__name__]["examples"] = examples
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


def types_in(route: RouteContext) -> set[type]:
    """The dataclasses and models that a route's body, answer and problems are made of."""
    found: set[type] = set()

    def look(hint: Any) -> None:
        for part in get_args(hint):
            look(part)
        if not isinstance(hint, type) or hint in found:
            return
        if issubclass(hint, BaseModel) or is_dataclass(hint):
            found.add(hint)
            for part in get_type_hints(hint).values():
                look(part)

    look(getattr(route, "response_model", None))
    for each in getattr(route, "responses", {}).values():
        look(each.get("model"))
    for name, given in get_type_hints(getattr(route, "endpoint", None)).items():
        if name != "return":  # a response, whatever it holds
            look(given)
    return found


def tell_dataclass(schema: dict[str, Any], of: type) -> None:
    """Fill the schema of answers of a dataclass: its words, the names that it knows, no defaults.

    Args:
        schema: as pydantic made it.
        of: its "Attributes:" say what the fields are, and its bases' do.
    """
    schema["description"] = summary_of(of)
    schema["required"] = list(schema["properties"])  # an answer holds every field
    told = {name: text for base in reversed(of.__mro__) for name, text in attributes(base).items()}
    hints = get_type_hints(of, include_extras=True)
    for name, field in schema["properties"].items():
        field.pop("default", None)
        if name in told:
            field["description"] = told[name]
        for each in getattr(hints[name], "__metadata__", ()):
            if getattr(each, "names", None) is not None:
                field["enum"] = list(each.names())


def summary_of(of: type) -> str:
    """The first sentence of a class' docstring, as JSON calls things."""
    return in_json((getdoc(of) or "").partition("\n\n")[0])


def attributes(of: type) -> dict[str, str]:
    """What a class' own docstring says of each attribute that it does not name with others.

    >>> from kgplan.planning import Plan
    >>> attributes(Plan)["towards"]
    'the concept that the path leads to; null for a course'
    """
    listed = cleandoc(of.__dict__.get("__doc__") or "").partition("\nAttributes:\n")[2]
    found = {}
    for name, text in re.findall(r"^    (\w+): (.+(?:\n {8}.+)*)", listed, re.MULTILINE):
        found[name] = in_json(text).rstrip(".")
    return found


def in_json(text: str) -> str:
    """Words about Python's values, in one line, as words about JSON's; names of code are left out.

    >>> in_json("a figure (`Planner.rank`); None\\n   where unknown")
    'a figure; null where unknown'
    """
    said = re.sub(r" \(`[\w.]+`\)", "", " ".join(text.split()))
    return re.sub(r"\bNone\b", "null", said)


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
