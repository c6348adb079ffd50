"""Each part by loops, the whole by training on a tiny world, and served without PyTorch."""

from dataclasses import replace

import numpy as np
import pytest
from resources_cases import records
from scipy import sparse

from kgplan.errors import ConfigError, InputError
from kgplan.resources.network.config import NetworkConfig
from kgplan.resources.network.features import modalities, robust, texts_of
from kgplan.resources.network.fusion import alike, fused, gates
from kgplan.resources.network.lightgcn import propagated, two_graphs
from kgplan.resources.network.score import FARTHEST, offset_kinds
from kgplan.resources.network.sequence import attention, states

RNG = np.random.default_rng


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_gates_are_a_softmax_over_what_is_present():
    rng, d, g = RNG(0), 4, 3
    parts, taste = rng.normal(size=(5, 3, d)), rng.normal(size=(5, 3, d))
    present = np.array([[1, 1, 1], [1, 0, 1], [0, 0, 1], [0, 0, 0], [1, 1, 0]], dtype=float)
    weights = {
        "gate_part": rng.normal(size=(d, g)), "gate_taste": rng.normal(size=(d, g)),
        "gate_bias": rng.normal(size=g), "gate_out": rng.normal(size=g),
        "gate_of": rng.normal(size=3),
    }  # fmt: skip
    found = gates(np, parts, taste, present, weights)
    for i in range(5):
        e = np.zeros(3)
        for m in range(3):
            if present[i, m]:
                hidden = np.tanh(
                    parts[i, m] @ weights["gate_part"]
                    + taste[i, m] @ weights["gate_taste"]
                    + weights["gate_bias"]
                )
                e[m] = np.exp(hidden @ weights["gate_out"] + weights["gate_of"][m])
        expected = e / e.sum() if e.any() else e
        np.testing.assert_allclose(found[i], expected, atol=1e-12)
        by_loop = sum(expected[m] * parts[i, m] for m in range(3))
        np.testing.assert_allclose(fused(found, parts)[i], by_loop, atol=1e-12)
    assert alike(present)[1].tolist() == [0.5, 0, 0.5]


def test_states_are_those_of_pytorch_where_nothing_is_carried_over():
    torch = pytest.importorskip("torch")
    rng, d = RNG(1), 5
    x = rng.normal(size=(2, 6, d))
    weights = {
        "lstm_x": rng.normal(size=(d, 4 * d)), "lstm_h": rng.normal(size=(d, 4 * d)),
        "lstm_bias": rng.normal(size=4 * d), "carry": rng.normal(size=(d, d)),
    }  # fmt: skip
    found = states(np, x, np.zeros((2, 6)), np.ones((2, 6)), weights)
    theirs = torch.nn.LSTM(d, d, batch_first=True, dtype=torch.float64)
    to_theirs = np.r_[0 : 2 * d, 3 * d : 4 * d, 2 * d : 3 * d]  # i f g o
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(torch.tensor(weights["lstm_x"].T[to_theirs]))
        theirs.weight_hh_l0.copy_(torch.tensor(weights["lstm_h"].T[to_theirs]))
        theirs.bias_ih_l0.copy_(torch.tensor(weights["lstm_bias"][to_theirs]))
        theirs.bias_hh_l0.zero_()
        expected = theirs(torch.tensor(x))[0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_a_prerequisite_carries_the_state_over():
    rng, d = RNG(2), 3
    x = rng.normal(size=(1, 4, d))
    needs, there = np.array([[0.0, 1, 0, 1]]), np.array([[1.0, 1, 1, 0]])
    weights = {
        "lstm_x": rng.normal(size=(d, 4 * d)), "lstm_h": rng.normal(size=(d, 4 * d)),
        "lstm_bias": rng.normal(size=4 * d), "carry": rng.normal(size=(d, d)),
    }  # fmt: skip
    h = c = np.zeros(d)
    for t in range(3):
        four = x[0, t] @ weights["lstm_x"] + h @ weights["lstm_h"] + weights["lstm_bias"]
        i, f, o = (sigmoid(four[k * d : (k + 1) * d]) for k in range(3))
        c = f * c + i * np.tanh(four[3 * d :])
        h = o * np.tanh(c) + needs[0, t] * (h @ weights["carry"])
    found = states(np, x, needs, there, weights)
    np.testing.assert_allclose(found[0, 2], h, atol=1e-12)
    np.testing.assert_array_equal(found[0, 3], found[0, 2])  # nothing is there


def test_attention_is_a_softmax_over_views_that_are_there():
    rng, d = RNG(3), 4
    h, there = rng.normal(size=(2, 3, d)), np.array([[1.0, 1, 0], [0, 0, 0]])
    weights = {
        "att_in": rng.normal(size=(d, d)), "att_bias": rng.normal(size=d),
        "att_out": rng.normal(size=d),
    }  # fmt: skip
    e = [np.exp(np.tanh(h[0, t] @ weights["att_in"] + weights["att_bias"]) @ weights["att_out"])
         for t in range(2)]  # fmt: skip
    expected = [[e[0] / sum(e), e[1] / sum(e), 0], [0, 0, 0]]
    np.testing.assert_allclose(attention(np, h, there, weights), expected, atol=1e-12)


@pytest.mark.parametrize("knowledge", [0.0, 0.5])
def test_propagation_is_the_equation_by_loops(knowledge):
    rng = RNG(4)
    opened = rng.random((4, 5)) < 0.5
    q = rng.random((5, 3)) < 0.5
    before = np.array([[0, 1, 0], [0, 1, 1], [0, 0, 0]], dtype=bool)  # one is its own: left out
    n, items, concepts = 12, range(4, 9), range(9, 12)
    seen, kin = np.zeros((n, n)), np.zeros((n, n))
    for u in range(4):
        for k, v in enumerate(items):
            seen[u, v] = seen[v, u] = opened[u, k]
    for i, v in enumerate(items):
        for k, c in enumerate(concepts):
            kin[v, c] = kin[c, v] = q[i, k]
    for i, a in enumerate(concepts):
        for k, b in enumerate(concepts):
            if i != k and (before[i, k] or before[k, i]):
                kin[a, b] = kin[b, a] = 1
    e = [rng.normal(size=(n, 2))]
    for _ in range(2):
        new = np.zeros((n, 2))
        for v in range(n):
            for w in range(n):
                for edges, weight in ((seen, 1), (kin, knowledge)):
                    if edges[v, w]:
                        new[v] += weight * e[-1][w] / np.sqrt(edges[v].sum() * edges[w].sum())
        e.append(new)
    graph = two_graphs(*(sparse.csr_array(each) for each in (opened, q, before)), knowledge)
    np.testing.assert_allclose(propagated(graph, e[0], 2), np.mean(e, axis=0), atol=1e-12)


def test_offsets_tell_places_apart_up_to_the_farthest():
    order = np.arange(100, 140)[::-1].copy()
    kinds = offset_kinds(order, 20, order)
    assert kinds[20 + 1] == FARTHEST + 1
    assert kinds[20 - 1] == FARTHEST
    assert len(set(kinds[10:20].tolist()) | set(kinds[21:31].tolist())) == 20
    assert set(kinds[31:].tolist()) == {2 * FARTHEST + 1}
    assert set(kinds[:10].tolist()) == {1}
    assert offset_kinds(order, 20, np.array([7])).tolist() == [0]


def test_outliers_are_clipped_and_the_unknown_is_in_the_middle():
    found = robust(np.array([1.0, 2, 3, 4, 5, 1000, np.nan]))
    assert found[5] == 3.5
    assert found[6] == 0
    assert robust(np.full(3, np.nan)).tolist() == [0, 0, 0]


def small_world():
    rng = RNG(5)
    lines = []
    for _ in range(30):
        start = int(rng.integers(0, 6))
        lines.append([(start + k) % 12 for k in range(8)])
    world = records(lines, courses=(tuple(range(12)),), n_items=12)
    q = sparse.csr_array(np.eye(12, 4, dtype=np.int8))
    before = sparse.csr_array(np.diag(np.ones(3), -1))
    vectors = np.vstack([rng.normal(size=(3, 6)), np.full((1, 6), np.nan)])
    texts = texts_of(
        np.array([f"第{k}节" for k in range(12)]), q, ["集 set", "数", "图", "树"],
        world.course_items, ["course about sets"],
    )  # fmt: skip
    world = replace(world, q_matrix=q)
    return (
        world,
        modalities(texts, q, vectors, world.course_items, np.full(12, 3.0)),
        vectors,
        before,
    )


CONFIG = {"width": 8, "epochs": 30, "batch": 10, "rate": 0.02, "negatives": 2, "ahead": 1}


@pytest.fixture(scope="module")
def trained():
    pytest.importorskip("torch")
    from kgplan.resources.network.training import train

    return train(*small_world(), NetworkConfig(**CONFIG))


def test_missing_modalities_are_masked():
    contents = small_world()[1]
    # four resources cover a concept, and one of these has no vector
    assert contents.present.sum(axis=0).tolist() == [12, 3, 12]
    assert not contents.knowledge[3:].any()


def test_training_finds_the_order_that_all_follow(trained):
    network, state = trained
    assert state.losses[-1] < state.losses[0] / 2
    scores = network.scores(np.array([3, 4, 5]), 0)
    left = [k for k in range(12) if k not in (3, 4, 5)]
    assert max(left, key=lambda k: scores[k]) == 6


def test_numpy_serves_what_pytorch_says(trained):
    import torch

    from kgplan.resources.network.model import item_scores, learner_state, offsets_of, padded

    network, _ = trained
    tensors = {name: torch.tensor(each) for name, each in network.tensors.items()}
    for history in (np.array([3, 4, 5]), np.array([0]), np.array([11, 0, 1, 2, 3])):
        views = padded([history], network.config.longest, network.steps_up)
        told = {
            "items": torch.tensor(views.items), "there": torch.tensor(views.there).float(),
            "needs": torch.tensor(views.needs).float(), "e": torch.tensor(network.learners[[2]]),
        }  # fmt: skip
        asked = np.arange(12)
        offsets = torch.tensor(offsets_of(network.known, history, asked))[None]
        learner = learner_state(torch, network.config, tensors, told)
        theirs = item_scores(
            torch, network.config, tensors, learner, torch.tensor(asked)[None], offsets
        )[0].numpy()
        ours = network.scores(history, 2)
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
        assert (
            np.argsort(-ours, kind="stable").tolist() == np.argsort(-theirs, kind="stable").tolist()
        )


def test_a_network_comes_back_from_what_is_stored(trained):
    network, _ = trained
    again = type(network).from_arrays(network.to_arrays())
    assert again.config == network.config
    history = np.array([3, 4])
    np.testing.assert_array_equal(again.scores(history), network.scores(history))


def test_training_goes_on_as_if_it_had_not_stopped():
    pytest.importorskip("torch")
    from kgplan.resources.network.training import train

    world, kept = small_world(), []
    _, whole = train(*world, NetworkConfig(**CONFIG | {"epochs": 4}), keep=kept.append)
    _, resumed = train(*world, NetworkConfig(**CONFIG | {"epochs": 4}), start=kept[1])
    assert resumed.losses == whole.losses
    for name, array in whole.arrays.items():
        np.testing.assert_array_equal(resumed.arrays[name], array)


SHORT = CONFIG | {"epochs": 2}


@pytest.fixture(scope="module")
def with_all():
    pytest.importorskip("torch")
    from kgplan.resources.network.training import train

    return train(*small_world(), NetworkConfig(**SHORT))[0]


@pytest.mark.parametrize(
    "change",
    [
        {"modalities": ("place",)}, {"gated": False}, {"sequence": False}, {"attention": False},
        {"prerequisites": False}, {"knowledge": 0.0}, {"layers": 0}, {"offsets": False},
        {"near": 1.0},
    ],
)  # fmt: skip
def test_an_ablation_is_a_setting_that_changes_what_is_said(change, with_all):
    from kgplan.resources.network.training import train

    without, _ = train(*small_world(), NetworkConfig(**SHORT | change))
    history = np.array([0, 1, 2])
    assert np.abs(with_all.scores(history) - without.scores(history)).max() > 1e-6


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(ConfigError, match="modalities are smell"):
        NetworkConfig(modalities=("smell",))
    with pytest.raises(ConfigError, match="width is 0"):
        NetworkConfig(width=0)
    with pytest.raises(ConfigError, match="near is 2"):
        NetworkConfig(near=2)
    with pytest.raises(ConfigError, match="knowledge is -1"):
        NetworkConfig(knowledge=-1)


def test_records_without_steps_are_refused():
    pytest.importorskip("torch")
    from kgplan.resources.network.training import train

    world = small_world()
    alone = replace(records([[0]] * 2, (tuple(range(12)),), 12), q_matrix=world[0].q_matrix)
    with pytest.raises(InputError, match="no learner of 2 has two views"):
        train(alone, *world[1:], NetworkConfig(**CONFIG))


def test_waits_are_learned_where_the_last_view_tells_them():
    pytest.importorskip("torch")
    from kgplan.resources.network.training import train

    world = small_world()
    # behind the resources 0, 3, 6 and 9 a learner stays away for e^3 - 1 hours
    lines = [np.flatnonzero(row) for row in world[0].viewed.toarray()]
    order = world[0].viewed_order.reshape(len(lines), -1)
    lines = [line[np.argsort(places)] for line, places in zip(lines, order, strict=True)]
    waits = [np.append(0.0, np.where(line[:-1] % 3 == 0, 3.0, 0.0)) for line in lines]
    config = NetworkConfig(**CONFIG | {"epochs": 150})
    network, _ = train(*world, config, waits=waits)
    error = [
        network.wait(line[:at], u) - waits[u][at]
        for u, line in enumerate(lines)
        for at in range(1, line.size)
    ]
    spread = np.std([each for wait in waits for each in wait[1:]])
    assert np.sqrt(np.mean(np.square(error))) < spread / 2
