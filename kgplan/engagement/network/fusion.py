"""How do the features of the modalities that are there become one? Eq. (12) and its variants."""

from collections.abc import Mapping
from typing import Any

Weights = Mapping[str, Any]


def shapes_of(fusion: str, modalities: int, width: int) -> dict[str, tuple[int, ...]]:
    """Weights by name."""
    if fusion == "weighted":
        return {"say": (modalities,)}
    if fusion == "concatenation":
        return {"join": (modalities * (width + 1), width), "join_bias": (width,)}
    if fusion == "gate":
        return {"gate": (width, 32), "gate_bias": (32,), "gate_out": (32,), "say": (modalities,)}
    return {}


def shares(xp: Any, fusion: str, features: Any, present: Any, weights: Weights) -> Any:
    """p lambda / sum p lambda of eq. (12): how much each modality counts.

    Args:
        xp: numpy or torch.
        fusion: weighted, equal or gate.
        features: (..., M, d) F_m.
        present: (..., M) p, 1.0 where the modality is there.
        weights: of `shapes_of`.

    Returns:
        (..., M) adding to 1; all 0 where nothing is there.
    """
    if fusion == "equal":
        logits = present * 0
    elif fusion == "gate":
        hidden = xp.tanh(features @ weights["gate"] + weights["gate_bias"])
        logits = hidden @ weights["gate_out"] + weights["say"]
    else:
        logits = present * 0 + weights["say"]
    logits = logits * present - 1e9 * (1 - present)  # what is not there is in no maximum either
    say = xp.exp(logits - xp.amax(logits, axis=-1, keepdims=True)) * present
    total = say.sum(axis=-1, keepdims=True)
    return say / (total + (total == 0))


def fused(xp: Any, fusion: str, features: Any, present: Any, weights: Weights) -> Any:
    """(..., d) F; zeros where nothing is there, but for a concatenation's bias.

    Args:
        xp, fusion, features, present, weights: as for `shares`; fusion may be concatenation, too.
    """
    there = features * present[..., None]
    if fusion == "concatenation":
        flat = there.reshape(*there.shape[:-2], -1)
        side_by_side = xp.concatenate([flat, present], axis=-1)
        found = side_by_side @ weights["join"] + weights["join_bias"]
        return found * (found > 0)
    return (shares(xp, fusion, features, present, weights)[..., None] * there).sum(axis=-2)
