"""What concepts are, read beside snapshots, from either database."""

import pytest
from test_graph_store import node, some_rows

from kgplan.errors import GraphUnavailable
from kgplan.etl.load import load
from kgplan.graph.definition import Definitions, read_abouts, read_definitions
from kgplan.graph.snapshot import read_finished_snapshot
from kgplan.settings import GraphAccess

SAID = {"K_a": "零件\n学科：数学", "K_b": 'a "part" of it'}


def explained(texts):
    """Rows whose concepts are these, and one of which nothing is said, and an empty text."""
    nodes = [node(id_) | {"explanation": text} for id_, text in texts.items()]
    rows = some_rows(Concept=[*nodes, node("K_c"), node("K_d") | {"explanation": ""}])
    for relation in rows.relationships:
        rows.relationships[relation] = []
    return rows


def test_a_graph_says_what_its_concepts_are_and_no_version_counts_it(place):
    with place.open() as store:
        first = load(explained(SAID), store, "run")
        assert read_definitions(store) == SAID
        changed = SAID | {"K_a": "another"}
        second = load(explained(changed), store, "run 2")
        assert read_definitions(store) == changed
        assert second.changed
        versions = {first.graph_version, second.graph_version}
        assert versions == {read_finished_snapshot(store).version}


def test_a_graph_says_what_is_said_of_its_courses(place):
    rows = some_rows(Course=[node("C_a") | {"about": "on trees"}, node("C_b") | {"about": ""}])
    for relation in rows.relationships:
        rows.relationships[relation] = []
    with place.open() as store:
        load(rows, store, "run")
        assert read_abouts(store) == {"C_a": "on trees"}


class Source:
    """A graph that counts how often it is read, and can be away."""

    def __init__(self, texts):
        self.texts, self.reads, self.away = texts, 0, False

    def __call__(self):
        self.reads += 1
        if self.away:
            raise GraphUnavailable("it is being loaded")
        return dict(self.texts)


def test_texts_are_read_when_first_asked_for_and_again_after_a_change_alone():
    source = Source(SAID)
    definitions = Definitions(source)
    assert source.reads == 0
    assert [definitions.of(each, "1") for each in ("K_a", "K_b", "K_c")] == [*SAID.values(), ""]
    source.texts = {"K_a": "new"}
    assert (definitions.of("K_a", "1"), source.reads) == (SAID["K_a"], 1)
    assert (definitions.of("K_a", "2"), source.reads) == ("new", 2)
    assert (definitions.of("K_b", "2"), source.reads) == ("", 2)


def test_while_the_graph_is_away_what_it_said_last_holds_and_nothing_is_made_up():
    source = Source(SAID)
    definitions = Definitions(source)
    source.away = True
    assert definitions.of("K_a", "1") is None
    source.away = False
    assert definitions.of("K_a", "1") == SAID["K_a"]
    source.away, source.texts = True, {}
    assert definitions.of("K_a", "2") == SAID["K_a"]
    source.away = False
    assert definitions.of("K_a", "2") == ""


def test_a_graph_that_is_not_there_says_nothing(tmp_path):
    url = f"ladybug://{tmp_path / 'nothing.lbug'}"
    assert Definitions.of_graph(url, GraphAccess()).of("K_a", "1") is None
    with pytest.raises(FileNotFoundError):
        (tmp_path / "nothing.lbug").stat()
