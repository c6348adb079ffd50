"""Train encoders on single windows, then fusion, memory and heads on sessions.

PyTorch is imported here alone. The loss is cross-entropy of the state and the mean square of what
engagement is off by.
Sizes: S sessions, T windows, N windows of all sessions, M modalities, d width, E epochs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from kgplan.arrays import Array, Floats, Ints
from kgplan.engagement.generator import STATES
from kgplan.engagement.network import encoders, heads, model
from kgplan.engagement.network.config import NetworkConfig
from kgplan.engagement.serving import Network
from kgplan.errors import InputError
from kgplan.progress import Progress, silent

SCALED_OVER = {"visual": (0, 1, 2), "audio": (0, 2), "motion": (0, 2), "log": (0, 2)}
"""Axes of (N, ...) windows that share a mean and a deviation."""


@dataclass(frozen=True)
class Truth:
    """What sessions are trained on.

    Attributes:
        state: (S, T) positions in `STATES`.
        engagement: (S, T).
    """

    state: Ints
    engagement: Floats

    def of(self, rows: Ints) -> "Truth":
        """Of some sessions."""
        return Truth(self.state[rows], self.engagement[rows])


@dataclass(frozen=True)
class Encoder:
    """An encoder with heads of its own, as it was trained on single windows.

    Attributes:
        modality: its.
        weights: with `mean` and `sd`.
        heads: of `heads.shapes_of`.
    """

    modality: str
    weights: Mapping[str, Array]
    heads: Mapping[str, Array]


@dataclass(frozen=True)
class History:
    """How training went.

    Attributes:
        losses: (E,) of training sessions.
        validation: (E, S') of each validation session, mean over windows.
        f1: (E,) macro-F1 of validation windows.
        best: epoch that was kept, from 0.
    """

    losses: Floats
    validation: Floats
    f1: Floats
    best: int


def macro_f1(truth: Array, said: Array) -> float:
    """Mean over the states that occur or are said of 2 TP / (2 TP + FP + FN)."""
    found = []
    for state in np.union1d(truth, said):
        hits = np.sum((truth == state) & (said == state))
        found.append(2 * hits / (np.sum(truth == state) + np.sum(said == state)))
    return float(np.mean(found))


def train_encoder(
    modality: str, inputs: Floats, truth: Truth, config: NetworkConfig, progress: Progress = silent
) -> Encoder:
    """Train an encoder on windows of training sessions, each by itself.

    Args:
        modality: of `encoders.SHAPES`.
        inputs: (S, T, ...) of training sessions.
        truth: of them.
        config: settings.
        progress: told of epochs.

    Raises:
        InputError: the windows are of another shape.
    """
    import torch

    shape = inputs.shape[2:]
    if shape != encoders.SHAPES[modality]:
        raise InputError(
            f"windows of {modality} are {shape}; they should be {encoders.SHAPES[modality]}"
        )
    flat = inputs.reshape(-1, *shape)
    over = SCALED_OVER[modality]
    mean = flat.mean(axis=over, keepdims=True, dtype=np.float64)[0].astype(np.float32)
    sd = np.maximum(flat.std(axis=over, keepdims=True), 1e-6)[0].astype(np.float32)
    x = torch.tensor((flat - mean) / sd)
    state = torch.tensor(truth.state.ravel().astype(np.int64))
    engaged = torch.tensor(truth.engagement.ravel().astype(np.float32))
    rng = np.random.default_rng([config.seed, list(encoders.SHAPES).index(modality)])
    own = encoders.shapes_of(modality, config.width)
    parameters = _drawn(torch, own | heads.shapes_of(config.width), rng)
    adam = _adam(torch, parameters, config)
    for epoch in range(config.encoder_epochs):
        order = rng.permutation(len(flat))
        for rows in np.split(order, range(config.windows, order.size, config.windows)):
            at = torch.tensor(rows)
            features = encoders.encoded(torch, modality, x[at], parameters, _convolved(torch))
            logits, e = heads.heads(torch, features, parameters)
            loss = _loss(torch, logits, e, state[at], engaged[at]).mean()
            _descend(torch, adam, loss, parameters, config)
        progress(f"{modality} encoder", epoch + 1, config.encoder_epochs)
    arrays = _arrays(parameters)
    weights = {name: arrays[name] for name in own} | {"mean": mean, "sd": sd}
    return Encoder(modality, weights, {name: arrays[name] for name in heads.shapes_of(1)})


def encoded(encoder: Encoder, inputs: Floats) -> Floats:
    """(S, T, d) features, by PyTorch, which is faster at pictures than NumPy.

    Args:
        encoder: trained.
        inputs: (S, T, ...).
    """
    import torch

    weights = {name: torch.tensor(array) for name, array in encoder.weights.items()}
    flat = inputs.reshape(-1, *inputs.shape[2:])
    found = []
    with torch.no_grad():
        for part in np.array_split(flat, max(1, len(flat) // 1024)):
            x = (torch.tensor(part) - weights["mean"]) / weights["sd"]
            found.append(
                encoders.encoded(torch, encoder.modality, x, weights, _convolved(torch)).numpy()
            )
    return np.concatenate(found).reshape(*inputs.shape[:2], -1)


def train_network(
    features: Mapping[str, Floats],
    trained: Mapping[str, Encoder],
    truth: Truth,
    rows: tuple[Ints, Ints],
    config: NetworkConfig,
    progress: Progress = silent,
) -> tuple[Network, History]:
    """Train fusion, memory and heads on features of whole sessions.

    Args:
        features: modality -> (S, T, d) of its encoder.
        trained: the encoders.
        truth: of the S sessions.
        rows: sessions for training and for validation; no learner is in both.
        config: settings.
        progress: told of epochs.

    Returns:
        What is served, of the epoch of the best macro-F1 on validation, and how training went.
    """
    import torch

    names = config.modalities
    all_features = np.stack([features[name] for name in names], axis=2)
    x, x_valid = (torch.tensor(all_features[part]) for part in rows)
    state, engaged = (
        [torch.tensor(a[part]) for part in rows]
        for a in (truth.state.astype(np.int64), truth.engagement.astype(np.float32))
    )
    all_there = torch.ones(x_valid.shape[:3])
    rng = np.random.default_rng([config.seed, 100])
    parameters = _drawn(torch, model.shapes_of(config), rng)
    adam = _adam(torch, parameters, config)
    remember = native_recurrence(torch)
    losses: list[float] = []
    validation: list[Floats] = []
    f1: list[float] = []
    best, kept = 0, _arrays(parameters)
    for epoch in range(config.epochs):
        order, total = rng.permutation(len(x)), 0.0
        for part in np.split(order, range(config.sessions, order.size, config.sessions)):
            at = torch.tensor(part)
            present = torch.tensor(_dropped(len(part), len(names), config.dropout, rng))
            present = present[:, None].expand(-1, x.shape[1], -1)
            logits, e = model.forward(torch, config, parameters, x[at], present, remember)
            loss = _loss(torch, logits, e, state[0][at], engaged[0][at]).mean()
            total += float(loss.detach()) * len(part)
            _descend(torch, adam, loss, parameters, config)
        with torch.no_grad():
            logits, e = model.forward(torch, config, parameters, x_valid, all_there, remember)
            off = _loss(torch, logits, e, state[1], engaged[1])
        losses.append(total / len(x))
        validation.append(off.mean(dim=1).numpy())
        f1.append(macro_f1(state[1].numpy(), logits.numpy().argmax(axis=-1)))
        progress("epochs", epoch + 1, config.epochs)
        if epoch == 0 or f1[-1] > f1[best]:
            best, kept = epoch, _arrays(parameters)
        elif epoch - best >= config.patience:
            break
    weights = {name: torch.tensor(array) for name, array in kept.items()}
    with torch.no_grad():
        logits, e = model.forward(torch, config, weights, x_valid, all_there, remember)
    of_encoders = {name: trained[name].weights for name in names}
    spread = float(np.sqrt(np.mean((e.numpy() - engaged[1].numpy()) ** 2)))
    warm = temperature(logits.numpy(), state[1].numpy())
    network = Network(config, kept, of_encoders, warm, spread)
    return network, History(np.array(losses), np.stack(validation), np.array(f1), best)


def temperature(logits: Floats, state: Ints) -> float:
    """That makes validation windows likeliest, from .2 to 5 (Guo et al., 2017).

    Args:
        logits: (..., 5).
        state: (...) positions.
    """
    flat, at = logits.reshape(-1, len(STATES)).astype(np.float64), state.ravel()

    def unlikely(logarithm: float) -> float:
        scaled = flat / np.exp(logarithm)
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        log_share = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return float(-log_share[np.arange(at.size), at].mean())

    return float(np.exp(minimize_scalar(unlikely, bounds=np.log([0.2, 5.0]), method="bounded").x))


def _dropped(sessions: int, modalities: int, chance: float, rng: np.random.Generator) -> Floats:
    """(S, M) 1.0 for modalities that stay, one at least."""
    stays = rng.random((sessions, modalities)) >= chance
    nothing = ~stays.any(axis=1)
    stays[nothing, rng.integers(0, modalities, nothing.sum())] = True
    return np.asarray(stays, dtype=np.float32)


def _drawn(torch: Any, shapes: Mapping[str, tuple[int, ...]], rng: np.random.Generator) -> Any:
    """Parameters: kernels and layers of variance 2 / inputs, the LSTM's of 1 / h, biases 0 but for
    the forget gate's, which is 1."""
    made = {}
    for name, shape in shapes.items():
        array = np.zeros(shape)
        if name.startswith("kernel"):
            array = rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
        elif name.startswith("lstm_") and len(shape) == 2:
            array = rng.uniform(-1, 1, shape) / np.sqrt(shape[0] / 4)
        elif name == "lstm_bias":
            array[shape[0] // 4 : shape[0] // 2] = 1
        elif not name.endswith("_bias") and name != "say":
            array = rng.normal(0, np.sqrt((2 if name in ("out", "join") else 1) / shape[0]), shape)
        made[name] = torch.tensor(array.astype(np.float32)).requires_grad_()
    return made


def _adam(torch: Any, parameters: Mapping[str, Any], config: NetworkConfig) -> Any:
    return torch.optim.Adam(parameters.values(), lr=config.rate, weight_decay=config.decay)


def _descend(
    torch: Any, adam: Any, loss: Any, parameters: Mapping[str, Any], config: NetworkConfig
) -> None:
    adam.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters.values(), config.clip)
    adam.step()


def _loss(torch: Any, logits: Any, e: Any, state: Any, engaged: Any) -> Any:
    """(...) of each window."""
    flat = torch.nn.functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), state.reshape(-1), reduction="none"
    )
    return flat.reshape(state.shape) + (e - engaged).square()


def _convolved(torch: Any) -> encoders.Convolve:
    """PyTorch's own eq. (1)."""
    by_axes = {3: torch.nn.functional.conv1d, 4: torch.nn.functional.conv2d}

    def convolve(x: Any, kernel: Any, bias: Any, stride: int) -> Any:
        around = tuple(size // 2 for size in kernel.shape[2:])
        return by_axes[x.ndim](x, kernel, bias, stride, around)

    return convolve


def native_recurrence(torch: Any) -> Any:
    """PyTorch's own LSTM, for sessions whose windows are all there."""

    def states(xp: Any, x: Any, there: Any, weights: Any) -> Any:
        h = x.new_zeros(1, len(x), weights["lstm_h"].shape[1])
        flat = [weights["lstm_x"], weights["lstm_h"], weights["lstm_bias"]]
        flat.append(torch.zeros_like(weights["lstm_bias"]))
        found, _, _ = torch.lstm(x, (h, h), flat, True, 1, 0.0, True, False, True)
        return found

    return states


def _arrays(parameters: Mapping[str, Any]) -> dict[str, Array]:
    return {name: tensor.detach().numpy().copy() for name, tensor in parameters.items()}
