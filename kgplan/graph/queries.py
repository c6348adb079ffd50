"""Which Cypher statement has this name?

A `.cypher` file holds statements, each headed by `// name: family.statement` and ended by `;`.
Those of `cypher/each/` have places, `%name` and the like, which are filled for every class,
relation, column and index of the graph's schema. What fills them are the ontology's own names,
which the schema has checked to need no quoting.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from string import Template

from kgplan.errors import ConfigError, UnknownQuery
from kgplan.graph.schema import BOOKKEEPING, Attribute, GraphSchema, NodeClass, Relation, repeated

COLUMNS = {"string": "STRING[]", "decimal": "DOUBLE", "integer": "INT64"}
"""Kind of an annotation -> its column in the embedded database."""
HEAD = re.compile(r"^// name: (?P<name>[\w.]+)\s*$", re.MULTILINE)
CYPHER = files("kgplan") / "cypher"


class Places(Template):
    """A text with places: `%name` or `%{name}`, as `$name` is a parameter's in Cypher."""

    delimiter = "%"


def split_statements(text: str) -> dict[str, str]:
    """Split the text of a Cypher file into its named statements.

    >>> split_statements("// name: a.one\\n// why\\nRETURN 1 AS n;\\n// name: a.two\\nRETURN 2;")
    {'a.one': '// why\\nRETURN 1 AS n', 'a.two': 'RETURN 2'}
    """
    heads = list(HEAD.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return {
        head["name"]: text[head.end() : end].strip().removesuffix(";")
        for head, end in zip(heads, ends, strict=True)
    }


@cache
def named_queries(schema: GraphSchema) -> Mapping[str, str]:
    """Every statement, by name: those that the schema makes, then those written by hand.

    Raises:
        ConfigError: two have the same name.
    """
    statements = [*made_queries(schema), *written_queries().items()]
    if twice := repeated(name for name, _ in statements):
        raise ConfigError(
            "the ontology gives a class or relation a name that the graph uses otherwise:"
            f" there would be two queries {twice[0]}; choose another"
        )
    return dict(statements)


@cache
def written_queries() -> Mapping[str, str]:
    """The statements that are written by hand, by name."""
    found: dict[str, str] = {}
    for file in [*cypher_files(CYPHER), *cypher_files(CYPHER / "designer")]:
        found |= split_statements(file.read_text(encoding="utf-8"))
    return found


def cypher_files(folder: Traversable) -> list[Traversable]:
    """The Cypher files of a folder, in the order of their names."""
    found = [entry for entry in folder.iterdir() if entry.name.endswith(".cypher")]
    return sorted(found, key=lambda entry: entry.name)


def made_queries(schema: GraphSchema) -> Iterator[tuple[str, str]]:
    """Name and statement of all that `cypher/each/` makes: tables first, then their columns."""
    each = {
        "class": [class_places(class_) for class_ in schema.classes],
        "relation": [relation_places(relation) for relation in schema.relations],
        "annotation": [*annotation_places(schema)],
        "column": [*column_places(schema)],
        "index": [
            {"name": class_.name, "label": class_.label, "key": attribute.key}
            for class_ in schema.classes
            for attribute in class_.searched
        ],
    }
    for kind, places in each.items():
        text = Places((CYPHER / "each" / f"{kind}.cypher").read_text(encoding="utf-8"))
        for filled in places:
            yield from split_statements(text.substitute(filled)).items()


def class_places(class_: NodeClass) -> dict[str, str]:
    """What stands in the places of `each/class.cypher`."""
    keys = [attribute.key for attribute in class_.attributes]

    def returned(attributes: list[Attribute]) -> str:
        return ", ".join(f"n.{each.key} AS {each.key}" for each in attributes)

    return {
        "name": class_.name,
        "label": class_.label,
        "all": returned([*class_.attributes]),
        "counted": returned([each for each in class_.attributes if each.in_snapshot]),
        "set": ", ".join(f"n.{key} = row.{key}" for key in keys if key != "id"),
    }


def relation_places(relation: Relation) -> dict[str, str]:
    """What stands in the places of `each/relation.cypher`."""
    keys = [each.key for each in relation.annotations]
    return {
        "name": relation.name,
        "type": relation.type,
        "head": relation.head.label,
        "tail": relation.tail.label,
        "returned": "".join(f", r.{key} AS {key}" for key in keys),
        "loaded": "".join(
            f", r.{each.key} = "
            + (
                f"CASE WHEN row.{each.key} >= 0 THEN row.{each.key} END"
                if each.is_number
                else f"row.{each.key}"
            )
            for each in relation.annotations
        ),
        "designed": ", r.sources = ['designer']" if "sources" in keys else "",
    }


def annotation_places(schema: GraphSchema) -> Iterator[dict[str, str]]:
    """What stands in the places of `each/annotation.cypher`."""
    for relation in schema.relations:
        for each in relation.annotations:
            if each.is_number:
                yield relation_places(relation) | {"key": each.key, "title": each.title}


def column_places(schema: GraphSchema) -> Iterator[dict[str, str]]:
    """What stands in the places of `each/column.cypher`."""
    bookkeeping = dict.fromkeys(BOOKKEEPING, "STRING")
    for class_ in schema.classes:
        texts = {each.key: "STRING" for each in class_.attributes if each.key != "id"}
        for key, kind in {**texts, **bookkeeping}.items():
            yield {"name": class_.name, "table": class_.label, "key": key, "kind": kind}
    for relation in schema.relations:
        said = {each.key: COLUMNS[each.kind] for each in relation.annotations}
        for key, kind in {**said, **bookkeeping}.items():
            yield {"name": relation.name, "table": relation.type, "key": key, "kind": kind}


def query(name: str, queries: Mapping[str, str]) -> str:
    """The statement of this name.

    Raises:
        UnknownQuery: there is none.
    """
    if name not in queries:
        family = name.split(".")[0]
        raise UnknownQuery(name, [known for known in queries if known.startswith(family)][:5])
    return queries[name]
