"""What do views in order say of a learner? Eq. (4) and (5).

The state after each view is all that the next one needs, so that a live learner costs one step.
"""

from collections.abc import Mapping
from typing import Any

Weights = Mapping[str, Any]


def step(xp: Any, x: Any, needs: Any, state: tuple[Any, Any], weights: Weights) -> tuple[Any, Any]:
    """One view: eq. (4) with D h read as delta W_D h.

    Args:
        xp: numpy or torch.
        x: (B, d) what was viewed.
        needs: (B,) delta, 1.0 where the view before was of a prerequisite.
        state: (B, d) h and c behind the view before.
        weights: `lstm_x`, `lstm_h` (d, 4d) and `lstm_bias` (4d,) for i, f, o and c~ in this order;
            `carry` (d, d), W_D.

    Returns:
        h and c behind this view.
    """
    h, c = state
    d = h.shape[-1]
    all_four = x @ weights["lstm_x"] + h @ weights["lstm_h"] + weights["lstm_bias"]
    gate = 1 / (1 + xp.exp(-all_four[:, : 3 * d]))
    c = gate[:, d : 2 * d] * c + gate[:, :d] * xp.tanh(all_four[:, 3 * d :])
    return gate[:, 2 * d :] * xp.tanh(c) + needs[:, None] * (h @ weights["carry"]), c


def states(xp: Any, x: Any, needs: Any, there: Any, weights: Weights) -> Any:
    """(B, T, d) h behind each view; where there is none, the state stays.

    Args:
        xp: numpy or torch.
        x: (B, T, d) views, oldest first.
        needs: (B, T) as for `step`.
        there: (B, T) 1.0 for a view, 0.0 behind the last.
        weights: as for `step`.
    """
    h = c = x[:, 0] * 0
    found = []
    for t in range(x.shape[1]):
        new_h, new_c = step(xp, x[:, t], needs[:, t], (h, c), weights)
        kept = there[:, t, None]
        h, c = kept * new_h + (1 - kept) * h, kept * new_c + (1 - kept) * c
        found.append(h)
    return xp.stack(found, axis=1)


def attention(xp: Any, h: Any, there: Any, weights: Weights) -> Any:
    """(B, T) beta of eq. (5); all 0 for a learner without views.

    Args:
        xp, h, there: as `states` has them.
        weights: `att_in` (d, d), `att_bias` (d,), `att_out` (d,).
    """
    logits = xp.tanh(h @ weights["att_in"] + weights["att_bias"]) @ weights["att_out"]
    share = xp.exp(logits - xp.amax(logits, axis=1, keepdims=True)) * there
    total = share.sum(axis=1, keepdims=True)
    return share / (total + (total == 0))
