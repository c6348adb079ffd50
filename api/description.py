"""How is the service described? OpenAPI 3.1, with the examples as they were written."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel


def describe_with_examples(app: FastAPI) -> None:
    """Keep the nulls in examples, which FastAPI drops from its description.

    Without them an example lacks required fields and breaks its own schema.
    """
    drop_nulls = app.openapi

    def describe() -> dict[str, Any]:
        document = drop_nulls()
        schemas = document["components"]["schemas"]
        for model in models(BaseModel):
            extra = model.model_config.get("json_schema_extra")
            if model.__name__ in schemas and isinstance(extra, dict) and "examples" in extra:
                schemas[model.__name__]["examples"] = extra["examples"]
        return document

    app.openapi = describe  # type: ignore[method-assign]


def models(of: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """All models of this service."""
    for model in of.__subclasses__():
        if model.__module__.startswith("kgplan.api."):
            yield model
        yield from models(model)
