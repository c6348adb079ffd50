"""How much does each modality of a resource count for a learner? Eq. (3)."""

from collections.abc import Mapping
from typing import Any


def gates(xp: Any, parts: Any, taste: Any, present: Any, weights: Mapping[str, Any]) -> Any:
    """alpha of eq. (3), by an MLP of one layer.

    Args:
        xp: numpy or torch.
        parts: (..., M, d) F_m, the modalities in one space.
        taste: (..., M, d) A_m, what the learner viewed of each.
        present: (..., M) 1.0 where the resource has the modality; what is missing gets 0.
        weights: `gate_part`, `gate_taste` (d, g), `gate_bias` (g,), `gate_out` (g,), `gate_of` (M,).

    Returns:
        (..., M) adding to 1; all 0 where nothing is present.
    """
    hidden = xp.tanh(
        parts @ weights["gate_part"] + taste @ weights["gate_taste"] + weights["gate_bias"]
    )
    logits = hidden @ weights["gate_out"] + weights["gate_of"]
    share = xp.exp(logits - xp.amax(logits, axis=-1, keepdims=True)) * present
    total = share.sum(axis=-1, keepdims=True)
    return share / (total + (total == 0))


def alike(present: Any) -> Any:
    """The same without a gate: whatever is present counts alike."""
    total = present.sum(axis=-1, keepdims=True)
    return present / (total + (total == 0))


def fused(alpha: Any, parts: Any) -> Any:
    """(..., d) F of eq. (3)."""
    return (alpha[..., None] * parts).sum(axis=-2)
