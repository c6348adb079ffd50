"""What is carried from window to window? Eq. (13) to (18).

C = f C' + i C~, h = o tanh(C). The words of the paper make o depend on i; read is what every LSTM
has, o of its own weights.
"""

from collections.abc import Callable, Mapping
from typing import Any

Weights = Mapping[str, Any]
Recurrence = Callable[[Any, Any, Any, Weights], Any]


def shapes_of(width: int, hidden: int) -> dict[str, tuple[int, ...]]:
    """Weights by name; i, f, C~ and o stand in this order along 4h."""
    return {
        "lstm_x": (4 * hidden, width),
        "lstm_h": (4 * hidden, hidden),
        "lstm_bias": (4 * hidden,),
    }


def step(xp: Any, inner: Any, state: tuple[Any, Any], weights: Weights) -> tuple[Any, Any]:
    """One window.

    Args:
        xp: numpy or torch.
        inner: (S, 4h) W x + b.
        state: (S, h) h and C behind the window before.
        weights: of `shapes_of`.

    Returns:
        h and C behind this window.
    """
    h, c = state
    d = h.shape[-1]
    all_four = inner + h @ weights["lstm_h"].T
    gate = 1 / (1 + xp.exp(-all_four))
    c = gate[:, d : 2 * d] * c + gate[:, :d] * xp.tanh(all_four[:, 2 * d : 3 * d])
    return gate[:, 3 * d :] * xp.tanh(c), c


def states(xp: Any, x: Any, there: Any, weights: Weights) -> Any:
    """(S, T, h) behind each window; a window of which nothing is there leaves the state.

    Args:
        xp: numpy or torch.
        x: (S, T, d) fused features.
        there: (S, T) 1.0 where any modality is.
        weights: of `shapes_of`.
    """
    inner = x @ weights["lstm_x"].T + weights["lstm_bias"]
    d = weights["lstm_h"].shape[1]
    h = c = inner[:, 0, :d] * 0
    found = []
    for t in range(x.shape[1]):
        new_h, new_c = step(xp, inner[:, t], (h, c), weights)
        kept = there[:, t, None]
        h, c = kept * new_h + (1 - kept) * h, kept * new_c + (1 - kept) * c
        found.append(h)
    return xp.stack(found, axis=1)
