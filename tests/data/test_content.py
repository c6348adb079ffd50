"""When is what was sent twice the same?"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplan.data.content import are_same_statement, digest

KEYS = st.text(max_size=5).filter(lambda key: key not in ("id", "stored", "authority", "version"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(KEYS, each, max_size=3),
    max_leaves=8,
)
STATEMENTS = st.dictionaries(KEYS, VALUES, max_size=5)


def shuffled(value, random):
    """The same JSON value, the keys of each object in another order."""
    if isinstance(value, list):
        return [shuffled(each, random) for each in value]
    if isinstance(value, dict):
        keys = list(value)
        random.shuffle(keys)
        return {key: shuffled(value[key], random) for key in keys}
    return value


@given(STATEMENTS, st.randoms(use_true_random=False))
def test_neither_order_nor_spaces_nor_what_a_store_adds_makes_a_difference(statement, random):
    other = shuffled(statement, random) | {"stored": "now", "authority": {"name": "us"}, "id": "A"}
    text = json.dumps(other, indent=1, ensure_ascii=False)
    assert are_same_statement(json.dumps(statement), text)
    assert digest(shuffled(statement, random)) == digest(statement)


@given(STATEMENTS, STATEMENTS)
def test_statements_are_the_same_only_where_json_says_so(one, other):
    texts = [json.dumps(each, sort_keys=True) for each in (one, other)]
    assert are_same_statement(json.dumps(one), json.dumps(other)) == (texts[0] == texts[1])


@pytest.mark.parametrize("text", ["[" * 100_000, "{", ""])
def test_what_cannot_be_read_is_the_same_as_nothing_else(text):
    assert not are_same_statement(text, "{}")
