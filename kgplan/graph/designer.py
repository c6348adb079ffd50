"""Which questions can a curriculum designer ask the graph, and what does each need to know?

The questions are the statements of `cypher/designer/`. The first line of a statement's comment is
the question; a line `:param name => value` declares a parameter with an example, and a number's
example is also its default. Where one database wants other words, it has a statement of its own,
named after the question and the database.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from io import BytesIO
from typing import Any
from unicodedata import normalize
from zipfile import ZipFile, ZipInfo

from kgplan.data.search import folded
from kgplan.errors import (
    InputError,
    UnknownConcept,
    UnknownCourse,
    UnknownEntity,
    UnknownQuery,
)
from kgplan.graph.queries import (
    CYPHER,
    cypher_files,
    made_queries,
    split_statements,
    written_queries,
)
from kgplan.graph.rows import Row
from kgplan.graph.schema import graph_schema
from kgplan.graph.store import GraphStore

FAMILY = "designer."
PICTURES = "picture."  # these return nodes and relationships, for Neo4j Browser to draw
PARAMETER = re.compile(r"^// :param (?P<name>\w+) => (?P<value>'[^']*'|\d+)$", re.MULTILINE)
OF_ITEMS = ":Item"  # what questions about items look for
LIMITS = "designer.limits.ladybug"
# What Ladybug's Cypher cannot say: to leave one edge or concept, found on the way, out of a path.
# And vectors are written to Neo4j alone. Question -> what to do instead.
NEO4J_ONLY = {
    "redundant_edges": "`kgplan graph health` has the answer for either",
    "bottlenecks": "`kgplan graph health` has the answer for either",
    "nearest_by_vector": "`kgplan similar CONCEPT` has the answer for either",
}

Value = str | int


@dataclass(frozen=True)
class Question:
    """One question of the library.

    Attributes:
        name: as `kgplan graph ask` takes it.
        asks: the question in one sentence.
        examples: parameter -> an example of its value.
        statement: Cypher as Neo4j Browser runs it, with its comment.
    """

    name: str
    asks: str
    examples: Mapping[str, Value]
    statement: str

    @property
    def required(self) -> list[str]:
        """Parameters without a default."""
        return [name for name, value in self.examples.items() if isinstance(value, str)]

    def values(self, given: Mapping[str, Any]) -> dict[str, Value]:
        """Complete and check the values of the parameters.

        Args:
            given: parameter -> value; texts of digits do for numbers.

        Raises:
            InputError: a parameter is missing, unknown, or not a whole number from 1.

        >>> ask = Question("unlocks", "?", {"concept_id": "K_a", "limit": 20}, "")
        >>> ask.values({"concept_id": "K_b", "limit": "5"})
        {'concept_id': 'K_b', 'limit': 5}
        >>> ask.values({})
        Traceback (most recent call last):
        kgplan.errors.InputError: unlocks needs concept_id; for example concept_id=K_a
        """
        for name in given:
            if name not in self.examples:
                known = ", ".join(self.examples) or "none"
                raise InputError(f"{self.name} has no parameter {name!r}; it has: {known}")
        missing = [name for name in self.required if name not in given]
        if missing:
            example = " ".join(f"{name}={self.examples[name]}" for name in missing)
            raise InputError(f"{self.name} needs {', '.join(missing)}; for example {example}")
        return {name: self._value(name, given) for name in self.examples}

    def _value(self, name: str, given: Mapping[str, Any]) -> Value:
        value = given.get(name, self.examples[name])
        if isinstance(self.examples[name], str):
            return str(value)
        if not str(value).isdecimal() or int(value) < 1:
            raise InputError(f"{name} is {value!r}; it takes a whole number from 1")
        return int(value)


@cache
def questions() -> Mapping[str, Question]:
    """Every question of the library, by name, in the order of its files."""
    return questions_of(FAMILY)


@cache
def pictures() -> Mapping[str, Question]:
    """What Neo4j Browser can draw, by name."""
    return questions_of(PICTURES)


def questions_of(family: str) -> dict[str, Question]:
    """The questions of a family; the embedded database's own spellings are left out."""
    found = {}
    for full_name, statement in written_queries().items():
        if full_name.startswith(family) and not full_name.endswith(".ladybug"):
            name = full_name.removeprefix(family)
            found[name] = question_of(name, statement)
    return found


def question_of(name: str, statement: str) -> Question:
    """Read a question from its statement and the comment above it.

    >>> q = question_of("a", "// Which?\\n// :param limit => 5\\nRETURN $limit AS n")
    >>> q.asks, q.examples
    ('Which?', {'limit': 5})
    """
    asks = statement.partition("\n")[0].removeprefix("//").strip()
    examples = {
        found["name"]: int(found["value"]) if found["value"].isdigit() else found["value"][1:-1]
        for found in PARAMETER.finditer(statement)
    }
    return Question(name, asks, examples, statement)


def question(name: str) -> Question:
    """The question of this name.

    Raises:
        UnknownQuery: the library has none; close names are listed.
    """
    known = questions()
    if name not in known:
        raise UnknownQuery(name, get_close_matches(name, known) or list(known))
    return known[name]


def ask(store: GraphStore, database: str, name: str, **given: Any) -> list[Row]:
    """Put a question to the graph.

    Args:
        store: the open graph database.
        database: `ladybug` or `neo4j`, see `database_of`.
        name: of the question.
        **given: values of its parameters.

    Raises:
        UnknownQuery, InputError: no such question, or its parameters do not fit; or it is about
            items, and the graph holds none.
        UnknownConcept, UnknownCourse, UnknownEntity: the answer is empty as an id is unknown.
        GraphUnavailable: the database does not answer.
    """
    asked = question(name)
    embedded = database == "ladybug"
    if embedded and name in NEO4J_ONLY:
        raise InputError(
            f"{name} needs Neo4j: the embedded database cannot say it in Cypher; {NEO4J_ONLY[name]}"
        )
    values = asked.values(given)
    statement = FAMILY + name
    if embedded and f"{statement}.ladybug" in written_queries():
        store.read(LIMITS)
        statement += ".ladybug"
    rows = store.read(statement, **values)
    if not rows:
        check_ids(store, values)
        if OF_ITEMS in asked.statement and not store.read("snapshot.item"):
            raise InputError(
                "the graph holds no items; map and load them with KGPLAN_ITEMS=1: `kgplan etl run`,"
                " then `kgplan graph load`"
            )
    return rows


def check_ids(store: GraphStore, values: Mapping[str, Value]) -> None:
    """Refuse an id that the graph does not have: parameters are named `<class>_id`.

    Raises:
        UnknownConcept, UnknownCourse, UnknownEntity: with close matches.
    """
    for name, value in values.items():
        if not name.endswith("_id"):
            continue
        class_name = name.removesuffix("_id").rpartition("_")[2]
        rows = store.read(f"snapshot.{class_name}")
        ids = [str(row["id"]) for row in rows]
        if value in ids:
            continue
        wanted = folded(str(value))
        same_name = [str(row["id"]) for row in rows if folded(row["name"]) == wanted]
        by_text = {normalize("NFKC", id_): id_ for id_ in ids}
        alike = get_close_matches(normalize("NFKC", str(value)), by_text)
        near = same_name or [by_text[text] for text in alike]
        if class_name == "concept":
            raise UnknownConcept(str(value), near)
        if class_name == "course":
            raise UnknownCourse(str(value), near)
        raise UnknownEntity(class_name, str(value), near)


def browser_scripts() -> bytes:
    """The questions as saved scripts for Neo4j Browser: drop the zip file onto its window.

    Returns:
        A zip archive with a folder per Cypher file, one of edits, and a script per statement, as
        Browser's own export writes it; the same bytes every time.
    """
    folders = {
        file.name.removesuffix(".cypher"): split_statements(file.read_text(encoding="utf-8"))
        for file in cypher_files(CYPHER / "designer")
        if file.name != "ladybug.cypher"
    }
    made = made_queries(graph_schema())
    folders["edit"] = {name: text for name, text in made if name.startswith("edit.")}
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        for folder, statements in folders.items():
            for full_name, statement in statements.items():
                name = full_name.rpartition(".")[2]
                archive.writestr(ZipInfo(f"kgplan_{folder}/{name}.cypher"), statement + ";\n")
    return packed.getvalue()
