"""Where an empty graph is, on each database."""

import pytest
from neo4j_server import Place


@pytest.fixture(params=["ladybug", "neo4j"])
def place(request, tmp_path) -> Place:
    """Where an empty graph is."""
    if request.param == "neo4j":
        return request.getfixturevalue("neo4j_server").place
    return Place(f"ladybug://{tmp_path / 'graph.lbug'}")
