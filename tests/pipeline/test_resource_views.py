"""What is read for rankings of resources to be measured on, of the sample."""

import numpy as np
import pytest

from kgplan.evaluation.resources.networks import NETWORKS
from kgplan.model.opening import open_snapshot
from kgplan.pipeline.resource_views import open_views


@pytest.fixture(scope="module")
def read(sample_home):
    return open_views(sample_home)


def test_prerequisites_are_those_of_the_graph_among_concepts_of_the_records(read, sample_home):
    viewing, content = read
    graph = open_snapshot(sample_home)
    place = {k: n for n, k in enumerate(viewing.records.concept_ids.tolist())}
    edges = graph.prerequisites.tocoo()
    pairs = zip(graph.concept_ids[edges.row], graph.concept_ids[edges.col], strict=True)
    expected = {(place[a], place[b]) for a, b in pairs if a in place and b in place}
    found = content.before.tocoo()
    assert set(zip(found.row.tolist(), found.col.tolist(), strict=True)) == expected
    assert len(expected) > 500


def test_resources_are_compared_by_text_and_knowledge_alike_in_length(read):
    viewing, content = read
    assert content.alike.shape[0] == viewing.records.item_ids.size
    n = content.modalities.text.shape[1]
    length = np.linalg.norm(content.alike[:, n:], axis=1)
    covers = np.diff(viewing.records.q_matrix.indptr) > 0
    np.testing.assert_allclose(length[covers & (length > 0)], 1.0)
    assert not length[~covers].any()


def test_each_network_leaves_out_one_part_of_the_whole_one():
    whole = vars(NETWORKS["network"])
    for name, config in NETWORKS.items():
        changed = [key for key, value in vars(config).items() if value != whole[key]]
        assert len(changed) == (name != "network"), name
