"""Which Cypher statement has this name?

A `.cypher` file holds statements, each headed by `// name: file.statement` and ended by `;`.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from kgplan.errors import UnknownQuery

HEAD = re.compile(r"^// name: (?P<name>[\w.]+)\s*$", re.MULTILINE)


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
def named_queries() -> Mapping[str, str]:
    """Every statement below `cypher/`, by name."""
    found: dict[str, str] = {}
    for file in cypher_files(files("kgplan") / "cypher"):
        found |= split_statements(file.read_text(encoding="utf-8"))
    return found


def cypher_files(folder: Traversable) -> list[Traversable]:
    """All Cypher files below a folder, in the order of their names."""
    found: list[Traversable] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            found += cypher_files(entry)
        elif entry.name.endswith(".cypher"):
            found.append(entry)
    return found


def query(name: str) -> str:
    """The statement of this name.

    Raises:
        UnknownQuery: no file holds it.
    """
    queries = named_queries()
    if name not in queries:
        family = name.split(".")[0]
        raise UnknownQuery(name, [known for known in queries if known.startswith(family)][:5])
    return queries[name]
