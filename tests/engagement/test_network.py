"""Each part by loops, NumPy beside PyTorch, and what is missing left out."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score

from kgplan.engagement.generator import GeneratorConfig, generate
from kgplan.engagement.network import encoders, fusion, heads, lstm, model
from kgplan.engagement.network.config import FUSIONS, NetworkConfig
from kgplan.engagement.serving import Network
from kgplan.errors import ConfigError, InputError

RNG = np.random.default_rng


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def drawn(shapes, rng, scale=0.3):
    return {name: rng.normal(0, scale, shape) for name, shape in shapes.items()}


# ---------------------------------------------------------------- parts by loops


def test_the_convolution_is_equation_1_cell_by_cell():
    rng = RNG(0)
    x, kernel, bias = (
        rng.normal(size=(2, 3, 6, 5)),
        rng.normal(size=(4, 3, 3, 3)),
        rng.normal(size=4),
    )
    found = encoders.convolved(x, kernel, bias, 2)
    assert found.shape == (2, 4, 3, 3)
    around = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    for n, o, i, j in np.ndindex(found.shape):
        by_loop = bias[o] + sum(
            around[n, c, 2 * i + m, 2 * j + k] * kernel[o, c, m, k]
            for c in range(3)
            for m in range(3)
            for k in range(3)
        )
        assert found[n, o, i, j] == pytest.approx(by_loop)


def test_fusion_is_equation_12_over_what_is_there():
    rng = RNG(1)
    features, say = rng.normal(size=(2, 3, 3, 4)), np.array([0.5, -1.0, 2.0])
    present = (rng.random((2, 3, 3)) < 0.6).astype(float)
    present[0, 0], present[1, 2] = 0, 1
    found = fusion.fused(np, "weighted", features, present, {"say": say})
    weight = np.exp(say) / np.exp(say).sum()  # lambda
    for s, t in np.ndindex(2, 3):
        above, below = np.zeros(4), 0.0
        for m in range(3):
            above += present[s, t, m] * weight[m] * features[s, t, m]
            below += present[s, t, m] * weight[m]
        np.testing.assert_allclose(found[s, t], above / below if below else 0 * above, atol=1e-12)
    alike = fusion.shares(np, "equal", features, present, {})
    count = present.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(alike, present / np.maximum(count, 1))


@pytest.mark.parametrize("kind", FUSIONS)
def test_what_is_not_there_has_no_say_whatever_it_holds(kind):
    rng = RNG(2)
    weights = drawn(fusion.shapes_of(kind, 3, 4), rng)
    features = rng.normal(size=(5, 3, 4))
    present = np.tile([1.0, 0.0, 1.0], (5, 1))
    other = features.copy()
    other[:, 1] = 100
    found = [fusion.fused(np, kind, each, present, weights) for each in (features, other)]
    np.testing.assert_array_equal(*found)
    if kind != "concatenation":
        shares = fusion.shares(np, kind, features, present, weights)
        np.testing.assert_allclose(shares.sum(axis=-1), 1)


def test_the_lstm_is_equations_13_to_18_gate_by_gate():
    rng, d, n = RNG(3), 3, 2
    weights = drawn(lstm.shapes_of(d, n), rng, 1.0)
    x, there = rng.normal(size=(2, 5, d)), np.ones((2, 5))
    there[1, 2] = 0
    found = lstm.states(np, x, there, weights)
    w, u, b = weights["lstm_x"], weights["lstm_h"], weights["lstm_bias"]
    for s in range(2):
        h, c = np.zeros(n), np.zeros(n)
        for t in range(5):
            if there[s, t]:
                i, f, g, o = (w @ x[s, t] + u @ h + b).reshape(4, n)
                c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
                h = sigmoid(o) * np.tanh(c)
            np.testing.assert_allclose(found[s, t], h, atol=1e-12)


def test_a_higher_temperature_is_less_sure_and_keeps_the_order():
    logits = RNG(4).normal(size=(6, 5))
    warm, cold = heads.softmax(np, logits, 2.0), heads.softmax(np, logits, 1.0)
    np.testing.assert_allclose(warm.sum(axis=1), 1)
    assert (warm.max(axis=1) < cold.max(axis=1)).all()
    np.testing.assert_array_equal(warm.argsort(axis=1), cold.argsort(axis=1))


# ---------------------------------------------------------------- PyTorch's beside ours


@pytest.mark.parametrize("modality", encoders.SHAPES)
def test_encoders_say_the_same_in_numpy_and_pytorch(modality):
    torch = pytest.importorskip("torch")
    from kgplan.engagement.network.training import _convolved

    rng = RNG(5)
    shapes = encoders.shapes_of(modality, 8)
    weights = {k: v.astype(np.float32) for k, v in drawn(shapes, rng, 0.1).items()}
    x = rng.normal(size=(3, *encoders.SHAPES[modality])).astype(np.float32)
    ours = encoders.encoded(np, modality, x, weights)
    tensors = {name: torch.tensor(array) for name, array in weights.items()}
    theirs = encoders.encoded(torch, modality, torch.tensor(x), tensors, _convolved(torch))
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-5)
    assert ours.shape == (3, 8)


@pytest.mark.parametrize("kind", FUSIONS)
def test_sessions_say_the_same_in_numpy_and_pytorch(kind):
    torch = pytest.importorskip("torch")
    from kgplan.engagement.network.training import native_recurrence

    config = NetworkConfig(fusion=kind, width=16, hidden=12)
    rng = RNG(6)
    weights = {k: v.astype(np.float32) for k, v in drawn(model.shapes_of(config), rng).items()}
    features = rng.normal(size=(2, 30, 4, 16)).astype(np.float32)
    present = np.ones((2, 30, 4), dtype=np.float32)
    present[:, 5:, 1] = 0
    ours = model.forward(np, config, weights, features, present)
    tensors = {name: torch.tensor(array) for name, array in weights.items()}
    given = torch.tensor(features), torch.tensor(present)
    for recurrence in (lstm.states, native_recurrence(torch)):
        theirs = model.forward(torch, config, tensors, *given, recurrence)
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b.numpy(), atol=1e-5)


# ---------------------------------------------------------------- the whole


@pytest.fixture(scope="module")
def trained():
    pytest.importorskip("torch")
    from kgplan.engagement.network import training

    world = generate(GeneratorConfig(60, 2, 20, ("motion", "log"), seed=3))
    fit, valid, test = world.by_learner
    truth = training.Truth(world.state, world.engagement)
    config = NetworkConfig(
        modalities=("log",), width=24, hidden=24, encoder_epochs=4, epochs=12, windows=64
    )
    encoder = training.train_encoder("log", world.inputs["log"][fit], truth.of(fit), config)
    features = {"log": training.encoded(encoder, world.inputs["log"])}
    network, history = training.train_network(
        features, {"log": encoder}, truth, (fit, valid), config
    )
    return world, test, features["log"], network, history


def test_learned_is_what_was_planted(trained):
    world, test, _, network, history = trained
    seen = network.seen(*network.features({"log": world.inputs["log"][test]}))
    state, said = world.state[test], seen.posterior.argmax(axis=-1)
    commonest = max(np.mean(state == k) for k in range(5))
    # the twins of the log cannot be told apart, the rest can: more than the commonest state alone
    assert np.mean(said == state) > commonest + 0.05
    off = np.mean((seen.engagement - world.engagement[test]) ** 2)
    assert off < 0.9 * world.engagement[test].var()
    assert history.losses[-1] < history.losses[0]
    assert history.f1[history.best] == history.f1.max()


def test_served_features_are_those_of_training(trained):
    world, test, features, network, _ = trained
    served, present = network.features({"log": world.inputs["log"][test]})
    np.testing.assert_allclose(served[:, :, 0], features[test], atol=1e-5)
    assert present.all()


def test_with_nothing_there_nothing_is_said(trained):
    world, test, _, network, _ = trained
    inputs = world.inputs["log"][test][:2].copy()
    inputs[0, 4] = np.nan
    inputs[1] = np.nan
    seen = network.seen(*network.features({"log": inputs}))
    assert np.isnan(seen.engagement[0, 4])
    assert np.isfinite(np.delete(seen.engagement[0], 4)).all()
    assert np.isnan(seen.posterior[1]).all()
    no_log = network.seen(*network.features({"motion": world.inputs["motion"][test][:1]}))
    assert np.isnan(no_log.engagement).all()


def test_it_is_stored_and_read_again(trained):
    world, test, _, network, _ = trained
    again = Network.from_arrays(network.to_arrays())
    assert again.config == network.config
    given = {"log": world.inputs["log"][test]}
    here, there = (each.seen(*each.features(given)) for each in (network, again))
    np.testing.assert_array_equal(here.posterior, there.posterior)
    assert here.spread == there.spread


def test_macro_f1_is_that_of_scikit_learn():
    pytest.importorskip("torch")
    from kgplan.engagement.network.training import macro_f1

    rng = RNG(7)
    truth, said = rng.integers(0, 5, 300), rng.integers(0, 4, 300)
    assert macro_f1(truth, said) == pytest.approx(f1_score(truth, said, average="macro"))


def test_the_temperature_undoes_logits_that_are_too_sure():
    pytest.importorskip("torch")
    from kgplan.engagement.network.training import temperature

    rng = RNG(8)
    logits = rng.normal(size=(20_000, 5))
    state = (heads.softmax(np, logits).cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)
    assert temperature(3 * logits, state) == pytest.approx(3, rel=0.05)


def test_windows_of_another_shape_are_refused():
    pytest.importorskip("torch")
    from kgplan.engagement.network.training import Truth, train_encoder

    truth = Truth(np.zeros((1, 2), int), np.zeros((1, 2)))
    with pytest.raises(InputError, match=r"windows of log are \(16, 5\); they should be \(16, 6\)"):
        train_encoder("log", np.zeros((1, 2, 16, 5), np.float32), truth, NetworkConfig())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"modalities": ("smell",)}, "modalities are smell"),
        ({"fusion": "sum"}, "fusion is 'sum'"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"patience": 0}, "patience is 0"),
        ({"decay": -1.0}, "decay is -1.0"),
    ],
)
def test_settings_that_cannot_be_are_refused(given, said):
    with pytest.raises(ConfigError, match=said):
        replace(NetworkConfig(), **given)


def test_what_serves_imports_no_pytorch():
    code = "import sys, kgplan.engagement.serving; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
