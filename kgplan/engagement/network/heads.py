"""Which state, and how engaged? A softmax and a sigmoid."""

from collections.abc import Mapping
from typing import Any

from kgplan.engagement.generator import STATES

Weights = Mapping[str, Any]


def shapes_of(width: int) -> dict[str, tuple[int, ...]]:
    """Weights by name."""
    return {
        "state": (width, len(STATES)),
        "state_bias": (len(STATES),),
        "engaged": (width,),
        "engaged_bias": (),
    }


def heads(xp: Any, x: Any, weights: Weights) -> tuple[Any, Any]:
    """(..., 5) logits of the states, and (...) engagement in (0, 1).

    Args:
        xp: numpy or torch.
        x: (..., width) features or states.
        weights: of `shapes_of`.
    """
    logits = x @ weights["state"] + weights["state_bias"]
    return logits, 1 / (1 + xp.exp(-(x @ weights["engaged"] + weights["engaged_bias"])))


def softmax(xp: Any, logits: Any, temperature: float = 1.0) -> Any:
    """(..., 5) adding to 1.

    Args:
        xp: numpy or torch.
        logits: (..., 5).
        temperature: above 1 makes it less sure (Guo et al., 2017).
    """
    share = xp.exp((logits - xp.amax(logits, axis=-1, keepdims=True)) / temperature)
    return share / share.sum(axis=-1, keepdims=True)
