from xml.etree import ElementTree

import pytest
from planning_cases import hand_case

from kgplan import notebook
from kgplan.errors import ConfigError, UnknownConcept
from kgplan.notebook.chain import chain_of
from kgplan.settings import Settings


@pytest.fixture(scope="module")
def settings(mini_home) -> Settings:
    """A home with the model of the miniature."""
    return mini_home


@pytest.fixture(autouse=True)
def here(monkeypatch, settings):
    """The settings that a notebook would read."""
    monkeypatch.setattr(notebook, "read_settings", lambda: settings)


def test_a_chain_has_the_fewest_steps_from_each_concept_to_its_end():
    # by hand: d needs b and c, b needs a and (in a cycle) d
    chain = chain_of(hand_case().graph, "d", depth=2)
    assert chain.steps == {"d": 0, "b": 1, "c": 1, "a": 2}
    assert chain.edges == [("a", "b"), ("b", "d"), ("c", "d"), ("d", "b")]
    assert set(chain_of(hand_case().graph, "d", depth=1).steps) == {"d", "b", "c"}


def test_a_chain_draws_itself_with_every_name_and_edge():
    svg = ElementTree.fromstring(chain_of(hand_case().graph, "d", depth=2)._repr_svg_())
    names = {text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")}
    arrows = [path for path in svg.iter() if path.get("marker-end")]
    assert (names, len(arrows)) == ({"a", "b", "c", "d"}, 4)


def test_an_unknown_concept_names_close_matches():
    with pytest.raises(UnknownConcept, match="close matches: K_递归"):
        notebook.chain("K_递归_计算机科学")


def test_a_question_and_a_plan_come_as_frames():
    found = notebook.ask("leads_to", concept_id="K_递归_计算机科学技术")
    assert {"concept_id", "name", "depth"} <= set(found.columns)
    plan = notebook.plan("U_1", "C_1", length=3)
    assert len(plan) == 3
    assert (plan["mastery"].between(0, 1)).all()


def test_py2neo_needs_a_server(settings):
    with pytest.raises(ConfigError, match="py2neo needs a Neo4j server"):
        notebook.py2neo_graph()


def test_py2neo_runs_matches_and_makes_frames_on_the_real_server(neo4j_server, monkeypatch):
    monkeypatch.setattr(notebook, "read_settings", lambda: neo4j_server.settings)
    neo4j_server.run(
        "CREATE (:Concept {id: 'K_a', name: '栈'})-[:PREREQUISITE_OF]->(:Concept {id: 'K_b'})"
    )
    graph = notebook.py2neo_graph()
    frame = graph.run("MATCH (n:Concept) RETURN n.id AS id ORDER BY id").to_data_frame()
    assert frame["id"].tolist() == ["K_a", "K_b"]
    (edge,) = graph.match(r_type="PREREQUISITE_OF")
    assert edge.start_node["name"] == "栈"
