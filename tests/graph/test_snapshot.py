"""What the graph says of each prerequisite stands beside it: how strong, and instead of which."""

import numpy as np
import pytest

from kgplan.errors import ConstraintViolation
from kgplan.graph.schema import graph_schema
from kgplan.graph.snapshot import GraphSnapshot, snapshot_of

ENTITIES = {each.name: [] for each in graph_schema().classes} | {
    "concept": [{"id": id_, "name": id_, "name_en": None} for id_ in "abcd"]
}
EDGES = {each.name: [] for each in graph_schema().relations}
# written in an order that is neither that of the rows nor that of the columns
SAID = [
    {"head": "c", "tail": "d", "sources": ["prediction"], "strength": 0.25, "any_of": 1},
    {"head": "a", "tail": "b", "sources": ["prediction"]},
    {"head": "b", "tail": "d", "sources": ["dependency"], "strength": 0.0, "any_of": 1},
    {"head": "b", "tail": "c", "sources": ["dependency", "prediction"]},
    {"head": "a", "tail": "d", "sources": [], "strength": None, "any_of": None},
    {"head": "d", "tail": "a", "sources": ["designer"]},
]


def graph_of(said) -> GraphSnapshot:
    return snapshot_of(ENTITIES, EDGES | {"prerequisite_of": said})


@pytest.mark.parametrize("said", [SAID, SAID[::-1]])
def test_strength_and_group_stand_as_the_matrix_stores_its_entries(said):
    graph = graph_of(said)
    after, before = graph.prerequisites.nonzero()
    ends = zip(graph.concept_ids[before], graph.concept_ids[after], strict=True)
    told = zip(map("".join, ends), graph.strength.tolist(), graph.group.tolist(), strict=True)
    assert {pair: said for pair, *said in told} == {
        "ab": [0.86, 0],  # nobody but a prediction says so: 24 of 28 agree with annotators
        "ad": [1, 0],
        "bc": [1, 0],
        "bd": [0, 1],
        "cd": [0.25, 1],
        "da": [1, 0],
    }
    assert graph.prerequisites.indices.shape == graph.strength.shape == graph.group.shape


def test_strength_and_group_are_stored_with_the_graph():
    graph = graph_of(SAID)
    again = GraphSnapshot.from_arrays(graph.to_arrays())
    np.testing.assert_array_equal(graph.strength, again.strength)
    np.testing.assert_array_equal(graph.group, again.group)


def test_a_graph_without_prerequisites_has_none_to_tell_of():
    empty = graph_of([])
    assert empty.strength.shape == empty.group.shape == (0,)
    assert (empty.strength.dtype.kind, empty.group.dtype.kind) == ("f", "i")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"strength": 1.5}, r"prerequisite a -> b .* strength 1\.5, which is not a number from 0"),
        ({"strength": float("nan")}, "strength nan"),
        ({"strength": "much"}, "strength 'much'"),
        ({"any_of": -1}, "any_of -1, which is not a whole number from 0"),
        ({"any_of": 1.5}, r"any_of 1\.5"),
    ],
)
def test_what_is_no_strength_and_no_group_is_refused_by_name(said, told):
    with pytest.raises(ConstraintViolation, match=told):
        graph_of([{"head": "a", "tail": "b", "sources": [], **said}])
