"""When is what was sent twice the same?"""

import hashlib
import json
from typing import Any

SET_BY_THE_STORE = frozenset({"stored", "authority", "version"})
"""Properties of a statement that differ from store to store (xAPI 1.0.3, Data 2.3.1)."""

_IN_ORDER = json.JSONEncoder(sort_keys=True, check_circular=False)  # JSON is in no circle


def digest(content: Any) -> str:
    """Names a JSON value, whatever the order of its keys."""
    return digest_of_text(_IN_ORDER.encode(content))


def digest_of_text(text: str) -> str:
    """Names a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def are_same_statement(one: str, other: str) -> bool:
    """Whether two texts of one statement's id say the same, but for what a store adds.

    Args:
        one, other: JSON.

    >>> are_same_statement('{"id": "A", "verb": 1}', '{"verb": 1, "id": "a", "stored": 5}')
    True
    >>> are_same_statement('{"id": "A", "verb": 1}', '{"id": "A", "verb": 1.0}')
    False
    """
    try:
        first, second = _said(one), _said(other)
    except (ValueError, RecursionError):  # nested deeper than can be read
        return False
    return first == second


def _said(text: str) -> str:
    content = json.loads(text)
    if isinstance(content, dict):
        content = {k: v for k, v in content.items() if k != "id" and k not in SET_BY_THE_STORE}
    return digest(content)
