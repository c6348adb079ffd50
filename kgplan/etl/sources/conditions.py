"""Which activities have to be done before one opens, by its access restriction in Moodle?

A restriction is a tree in JSON: a node has an operator and children, a leaf has a type, such as
`completion` of an activity or a `grade` in it [Moodle, availability API].
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

ALL, ANY = "&", "|"
DONE = frozenset({"1", "2"})  # complete; complete with a pass
PREVIOUS = "-1"  # the activity before, whichever this is


class Needed(NamedTuple):
    """An activity that has to be done: named by its course module or by its item of grades."""

    kind: str
    id: str


@dataclass
class Restriction:
    """What a restriction asks for.

    Attributes:
        needed: each a set of alternatives, one of which will do.
        others: parts that ask for something else, or for one of several, by what they are.
    """

    needed: list[tuple[Needed, ...]] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)


def restriction(text: str) -> Restriction:
    """Read a restriction.

    >>> restriction('{"op": "&", "c": [{"type": "completion", "cm": 7, "e": 1}]}').needed
    [(Needed(kind='completion', id='7'),)]
    >>> restriction('{"op": "|", "c": [{"type": "grade", "id": 3, "min": 50}, {"type": "date"}]}')
    Restriction(needed=[], others=Counter({'grade': 1, 'date': 1}))
    """
    found = Restriction()
    try:
        if text:
            _read(json.loads(text), found)
    except (ValueError, RecursionError):
        return Restriction(others=Counter(["unreadable"]))
    return found


def _read(node: Any, found: Restriction) -> None:
    operator, children = _operator(node)
    if operator == ALL or (operator == ANY and len(children) == 1):
        for child in children:
            _read(child, found)
        return
    if operator == "" and (needed := _needed(node)):
        found.needed.append((needed,))
        return
    alternatives = [_needed(child) for child in children] if operator == ANY else []
    whole = [each for each in alternatives if each]
    if alternatives and len(whole) == len(alternatives):
        found.needed.append(tuple(whole))
    else:
        found.others.update(_types(node))


def _operator(node: Any) -> tuple[str, list[Any]]:
    """A node's operator and children; "" for a leaf."""
    if not isinstance(node, dict) or "op" not in node or "type" in node:
        return "", []
    children = node.get("c")
    return str(node["op"]), children if isinstance(children, list) else []


def _needed(leaf: Any) -> Needed | None:
    """What a leaf needs done; None where it asks for something else."""
    if not isinstance(leaf, dict):
        return None
    if leaf.get("type") == "completion" and str(leaf.get("e")) in DONE and "cm" in leaf:
        return Needed("completion", str(leaf["cm"]))
    if leaf.get("type") == "grade" and leaf.get("min") is not None and "id" in leaf:
        return Needed("grade", str(leaf["id"]))
    return None


def _types(node: Any) -> Iterator[str]:
    operator, children = _operator(node)
    if operator:
        for child in children:
            yield from _types(child)
    else:
        yield str(node.get("type") or "of no type") if isinstance(node, dict) else "of no type"
