"""Made-up graphs of other platforms' shapes: what is planted is what comes through the source."""

import networkx as nx
import numpy as np
import pytest

from kgplan.errors import InputError, SourceError
from kgplan.evaluation.shapes import SHAPES, junyi_like, metacademy_like, write_shape
from kgplan.evaluation.simulators.kss import Kss, KssConfig
from kgplan.pipeline.given_graph import given_graph


def digraph(shape):
    graph = nx.DiGraph(zip(shape.before.tolist(), shape.after.tolist(), strict=True))
    graph.add_nodes_from(range(shape.size))
    return graph


@pytest.mark.parametrize("draw", [junyi_like, metacademy_like])
@pytest.mark.parametrize("seed", range(3))
def test_a_shape_has_no_cycle_and_no_pair_twice(draw, seed):
    shape = draw(np.random.default_rng(seed))
    assert nx.is_directed_acyclic_graph(digraph(shape))
    assert digraph(shape).number_of_edges() == shape.before.size


def test_one_is_nearly_a_tree_and_the_other_dense():
    tree, dense = junyi_like(np.random.default_rng(0)), metacademy_like(np.random.default_rng(0))
    assert (tree.size, dense.size) == (700, 140)
    # (1 - roots) * (1 + second) drawn, and a tenth of that beside
    assert tree.drawn.sum() == pytest.approx(700 * 0.95 * 1.25, rel=0.05)
    assert (~tree.drawn).sum() == round(0.1 * tree.drawn.sum())
    assert dense.before.size == pytest.approx(140 * 0.95 * 4, rel=0.12)  # few earlier ones at first


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_planted_comes_through_the_source(name, tmp_path):
    shape, given = write_shape(name, 5, tmp_path), given_graph(name, 5)
    assert given.names.size == shape.size  # topics and areas are left out
    place = [int(each[-4:]) for each in given.names.tolist()]
    found = given.prerequisites.tocoo()
    pairs = {(place[a], place[b]) for a, b in zip(found.col, found.row, strict=True)}
    assert pairs == set(zip(shape.before.tolist(), shape.after.tolist(), strict=True))
    stands = np.argsort(given.order)
    assert all(stands[a] < stands[b] for a, b in zip(found.col, found.row, strict=True))
    kss = Kss(given.prerequisites, given.order, KssConfig(), np.random.default_rng(0), given.names)
    assert (kss.platform.prerequisites.toarray() == given.prerequisites.toarray()).all()
    # the same files, given by their place, hold the same graph
    again = given_graph(str(tmp_path))
    assert again.names.tolist() == given.names.tolist()
    assert (again.prerequisites.toarray() == given.prerequisites.toarray()).all()


def test_a_seed_gives_the_same_bytes_and_another_seed_others(tmp_path):
    for n, seed in enumerate((1, 1, 2)):
        (tmp_path / str(n)).mkdir()
        write_shape("junyi-like", seed, tmp_path / str(n))
    texts = [(tmp_path / str(n) / "junyi_Exercise_table.csv").read_bytes() for n in range(3)]
    assert texts[0] == texts[1] != texts[2]


def test_what_is_no_graph_is_said(tmp_path):
    with pytest.raises(SourceError):
        given_graph(str(tmp_path / "nothing"))
    (tmp_path / "concepts.csv").write_text("concept_id\nalone\n")
    (tmp_path / "items.csv").write_text("item_id\nvideo\n")
    with pytest.raises(InputError, match="1 concepts that are not made of others"):
        given_graph(str(tmp_path))
