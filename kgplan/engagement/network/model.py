"""From features of the windows of a session to a state and an engagement at each."""

from collections.abc import Mapping
from typing import Any

from kgplan.engagement.network import fusion, heads, lstm
from kgplan.engagement.network.config import NetworkConfig

Weights = Mapping[str, Any]


def shapes_of(config: NetworkConfig) -> dict[str, tuple[int, ...]]:
    """Weights behind the encoders, by name."""
    joined = fusion.shapes_of(config.fusion, len(config.modalities), config.width)
    if not config.recurrent:
        return joined | heads.shapes_of(config.width)
    memory = lstm.shapes_of(config.width, config.hidden)
    return joined | memory | heads.shapes_of(config.hidden)


def forward(
    xp: Any,
    config: NetworkConfig,
    weights: Weights,
    features: Any,
    present: Any,
    recurrence: lstm.Recurrence = lstm.states,
) -> tuple[Any, Any]:
    """Fusion, memory, heads.

    Args:
        xp: numpy or torch.
        config: which parts are in.
        weights: of `shapes_of`.
        features: (S, T, M, d) F_m in the order of `config.modalities`; anything where one is not
            there.
        present: (S, T, M) 1.0 where it is.
        recurrence: the LSTM.

    Returns:
        (S, T, 5) logits and (S, T) engagement.
    """
    x = fusion.fused(xp, config.fusion, features, present, weights)
    if config.recurrent:
        x = recurrence(xp, x, (present.sum(axis=-1) > 0) * 1.0, weights)
    return heads.heads(xp, x, weights)
