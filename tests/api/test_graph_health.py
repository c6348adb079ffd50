import pytest
from fastapi.testclient import TestClient
from planning_cases import hand_case, random_case

from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.graph.health import covered_concepts, graph_health


@pytest.mark.parametrize("case", [hand_case(), random_case(3)], ids=["by hand", "at random"])
def test_the_graphs_health_over_http_is_the_computed_one(case):
    planner = case.planner()
    client = TestClient(create_app(Keeper(lambda: planner, lambda: "always the same")))
    answer = client.get("/v1/graph/health")
    assert answer.status_code == 200
    expected = graph_health(case.graph, covered_concepts(case.records)).to_dict()
    assert answer.json() == as_json(expected)
    assert answer.json()["edges"] == len(case.edges["prerequisite_of"])


def as_json(value):
    """Tuples as lists."""
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    return [as_json(each) for each in value] if isinstance(value, list | tuple) else value
