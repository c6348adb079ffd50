"""JSON values of a file, whatever stands between them and wherever the file ends."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplan.store.jsonfile import json_values

VALUES = st.lists(
    st.dictionaries(
        st.text(max_size=4),
        st.text(max_size=9) | st.booleans() | st.lists(st.integers(), max_size=3),
    ),
    max_size=6,
)


@given(VALUES, st.integers(1, 9), st.booleans(), st.sampled_from([None, 1]))
def test_a_list_and_lines_of_json_give_what_they_hold(values, at_once, as_list, indent):
    text = (
        json.dumps(values, indent=indent, ensure_ascii=False)
        if as_list
        else "\n".join(json.dumps(each) for each in values)
    )
    found = list(json_values(io.StringIO(text), at_once))
    assert [each.value for each in found] == values
    # each begins on the line that it is told for
    lines = text.split("\n")
    assert all(lines[line - 1].lstrip(" [,").startswith("{") for line, _, _ in found)


@pytest.mark.parametrize("at_once", [1, 5, 1 << 20])
def test_json_goes_on_after_a_line_that_cannot_be_read(at_once):
    text = '{"a": 1}\r\n{"a": \r\n{"a": tru}\n\n{"a": 4}\n{"a": "5'
    found = list(json_values(io.StringIO(text, newline=""), at_once))
    assert [(line, value) for line, _, value in found if isinstance(value, dict)] == [
        (1, {"a": 1}),
        (5, {"a": 4}),
    ]
    assert [line for line, _, value in found if isinstance(value, ValueError)] == [2, 3, 6]
