"""How the service describes itself, as lines: one for each field, whatever the schemas are called.

`python tests/api/description.py > tests/api/description.txt` keeps what is described now.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

Schema = dict[str, Any]
KEPT = Path(__file__).with_suffix(".txt")
SAID_APART = {
    *("type", "properties", "items", "prefixItems", "anyOf", "required", "description"),
    *("title", "additionalProperties"),  # a title is the name of the field again
}


def lines_of(document: dict[str, Any]) -> Iterator[str]:
    """Every operation, parameter, body, answer and field, with its words."""
    telling = Telling(document["components"]["schemas"])
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path} {operation['operationId']} {operation.get('tags')}"
            yield f"  {operation.get('summary')} | {operation.get('description')}"
            yield f"  needs {operation.get('security')}"
            for given in operation.get("parameters", []):
                must = "" if given.get("required") else "?"
                beside = {key: given[key] for key in ("description", "example") if key in given}
                schema = given["schema"] | beside
                yield from telling.tell(f"  {given['in']} {given['name']}{must}", schema)
            body = operation.get("requestBody")
            if body:
                yield f"  body required={body.get('required')}"
                yield from telling.contents("  body", body)
            for status, answer in operation["responses"].items():
                yield f"  {status} {answer['description']}"
                yield from telling.contents(f"  {status}", answer)
    yield f"security {document['components'].get('securitySchemes')}"


class Telling:
    """Tells schemas, each object in full only where it comes first."""

    def __init__(self, schemas: dict[str, Schema]) -> None:
        self.schemas = schemas
        self.told: dict[tuple[str, ...], str] = {}

    def contents(self, name: str, holds: Schema) -> Iterator[str]:
        """What a body or an answer may hold."""
        for media, content in holds.get("content", {}).items():
            yield from self.tell(f"{name} {media} ", content.get("schema", {}))
            if "example" in content:
                yield f"{name} {media} for example {content['example']}"

    def tell(self, name: str, schema: Schema) -> Iterator[str]:
        """A schema and all below it, one line each."""
        first, *below = self.lines(schema)
        known = self.told.get((first, *below))
        if known is not None and below:
            yield f"{name}: as {known.strip()}"
            return
        yield name + first
        self.told[(first, *below)] = name
        for suffix, each in self.shape(self.resolved(schema))[2]:
            yield from self.tell(name + suffix, each)

    def lines(self, schema: Schema) -> Iterator[str]:
        """A schema and all below it in full."""
        schema = self.resolved(schema)
        kind, bounds, below = self.shape(schema)
        yield f": {kind} {bounds or ''} {schema.get('description', '')}".rstrip()
        for suffix, each in below:
            yield from (suffix + line for line in self.lines(each))

    def resolved(self, schema: Schema) -> Schema:
        """What a reference stands for, with what is said beside it."""
        while "$ref" in schema:
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            schema = self.schemas[schema["$ref"].rpartition("/")[2]] | beside
        return schema

    def shape(self, schema: Schema) -> tuple[str, Schema, list[tuple[str, Schema]]]:
        """Type, bounds and examples, and the parts of a schema with what their name ends in."""
        bounds = {key: value for key, value in sorted(schema.items()) if key not in SAID_APART}
        required = schema.get("required", [])
        below = [
            (f".{field}" + ("" if field in required else "?"), each)
            for field, each in schema.get("properties", {}).items()
        ]
        kind = str(schema.get("type", "any"))
        if "anyOf" in schema:
            kind, more = self.joined(" | ", schema["anyOf"])
            below += more
        if isinstance(schema.get("items"), dict):
            kind, more = self.joined("", [schema["items"]])
            kind, below = f"array of {kind}", below + [("[]" + name, each) for name, each in more]
        below += [(f"[{n}]", each) for n, each in enumerate(schema.get("prefixItems", []))]
        others = schema.get("additionalProperties")
        if isinstance(others, dict):
            below.append(("{}", others))
        elif others is not None:
            bounds["additionalProperties"] = others
        return kind, bounds, below

    def joined(self, between: str, schemas: list[Schema]) -> tuple[str, list[tuple[str, Schema]]]:
        """Schemas in one line, and the parts of those that need more."""
        kinds, below = [], []
        for each in map(self.resolved, schemas):
            kind, bounds, parts = self.shape(each)
            about = each.get("description", "") if parts else ""
            kinds.append(" ".join(filter(None, [kind, str(bounds or ""), about])))
            below += parts
        return between.join(kinds), below


def described() -> list[str]:
    """The lines of this service."""
    from planning_cases import hand_case

    from kgplan.api.app import create_app
    from kgplan.api.keeper import Keeper

    planner = hand_case().planner()
    document = create_app(Keeper(lambda: planner, lambda: "")).openapi()
    return [line.replace("\n", "\\n") for line in lines_of(document)]


if __name__ == "__main__":
    print("\n".join(described()))
