"""What must the triples keep? The rules written by hand, and those that follow from the ontology.

The second are made by the files of `ontology/each/` for the schema's classes, relations and
attributes. Both together are one shapes graph in SHACL Core.
"""

from collections.abc import Iterable

from kgplan.graph.queries import Places
from kgplan.graph.schema import KEY, NAME, GraphSchema, NodeClass, local_name
from kgplan.ontology import ontology_text

COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def shapes_text(schema: GraphSchema) -> str:
    """All rules as Turtle."""
    attributes = [each.iri for each in schema.attributes]
    relations = [relation.iri for relation in schema.relations]
    classes = [class_.iri for class_ in schema.classes]
    made = {
        "graph": [
            {
                "classes": iris(classes, " , "),
                "named": iris((each.iri for each in schema.classes if each.in_snapshot), " , "),
                "in_classes": iris(classes),
                "in_properties": iris([*attributes, *relations]),
                "in_annotations": iris(each.iri for each in schema.annotations),
                "attributes": iris(attributes, " , "),
                "count": COUNTS[len(classes)] if len(classes) < len(COUNTS) else str(len(classes)),
            }
        ],
        "text": [
            {"iri": each.iri, "local": local_name(each.iri), "title": each.title}
            for each in schema.attributes
            if each.iri not in (KEY, NAME)
        ],
        "class": [
            {"iri": class_.iri, "name": class_.name, "one": one(class_)}
            for class_ in schema.classes
        ],
        "relation": [
            {
                "iri": relation.iri,
                "local": local_name(relation.iri),
                "head": relation.head.iri,
                "tail": relation.tail.iri,
                "one_head": one(relation.head),
                "one_tail": one(relation.tail),
            }
            for relation in schema.relations
        ],
    }
    parts = [ontology_text("constraints.ttl")]
    for kind, places in made.items():
        text = Places(ontology_text(f"each/{kind}.ttl"))
        parts += [text.substitute(filled) for filled in places]
    return "\n".join(parts)


def iris(terms: Iterable[str], between: str = " ") -> str:
    """IRIs as Turtle lists them."""
    return between.join(f"<{term}>" for term in terms)


def one(class_: NodeClass) -> str:
    """The class's title with its article.

    >>> one(NodeClass("", "author", "Author", (), ()))
    'an author'
    """
    return f"{'an' if class_.title[0].lower() in 'aeiou' else 'a'} {class_.title}"
