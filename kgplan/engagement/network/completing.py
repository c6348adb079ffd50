"""An LSTM over the last views says whether the next one is completed.

PyTorch is imported where it trains; what is trained says it in NumPy.
Sizes: n views to come, Q numbers of a view, F of what is known of the next, h of the state.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kgplan.arrays import Array, Floats
from kgplan.engagement.network import lstm

Weights = Mapping[str, Any]


@dataclass(frozen=True)
class Completing:
    """What was trained.

    Attributes:
        weights: by name.
        of_view, of_next: means and deviations that numbers are scaled by, (2, Q) and (2, F).
    """

    weights: Weights
    of_view: Floats
    of_next: Floats

    def chances(self, sequence: Floats, coming: Floats) -> Floats:
        """(n,) that the next view is completed.

        Args:
            sequence: (n, 8, Q) views, oldest first.
            coming: (n, F) what is known of the next one; NaN where unknown.
        """
        scaled = _scaled(sequence, self.of_view), _scaled(coming, self.of_next)
        return np.asarray(1 / (1 + np.exp(-_logits(np, self.weights, *scaled, lstm.states))))


def _scaled(x: Floats, by: Floats) -> Floats:
    return np.nan_to_num((x - by[0]) / by[1]).astype(np.float32)


def _moments(x: Floats) -> Floats:
    """(2, .) means and deviations over all but the last axis; 0 and 1 where nothing is known."""
    flat = x.reshape(-1, x.shape[-1])
    known = ~np.isnan(flat).all(axis=0)
    found = np.stack([np.zeros(x.shape[-1]), np.ones(x.shape[-1])])
    found[:, known] = np.nanmean(flat[:, known], axis=0), np.nanstd(flat[:, known], axis=0)
    found[1] = np.where(found[1] > 0, found[1], 1)
    return found


def _logits(
    xp: Any, weights: Weights, sequence: Any, coming: Any, recurrence: lstm.Recurrence
) -> Any:
    there = sequence[:, :, 0] * 0 + 1
    state = recurrence(xp, sequence, there, weights)[:, -1]
    hidden = state @ weights["of_state"] + coming @ weights["of_next"] + weights["hidden_bias"]
    return xp.tanh(hidden) @ weights["out"] + weights["out_bias"]


def train_completing(
    sequence: Floats,
    coming: Floats,
    completed: Array,
    hidden: int = 32,
    epochs: int = 12,
    batch: int = 128,
    rate: float = 2e-3,
    seed: int = 0,
) -> Completing:
    """Train by Adam on log loss.

    Args:
        sequence, coming: as for `Completing.chances`.
        completed: (n,).
        hidden: h.
        epochs, batch, rate: of Adam, whose decay is 1e-3.
        seed: of what is drawn.
    """
    import torch

    from kgplan.engagement.network.training import native_recurrence

    rng = np.random.default_rng(seed)
    by = _moments(sequence), _moments(coming)
    x, known = torch.tensor(_scaled(sequence, by[0])), torch.tensor(_scaled(coming, by[1]))
    yes = torch.tensor(completed.astype(np.float32))
    shapes: dict[str, tuple[int, ...]] = {
        **lstm.shapes_of(sequence.shape[2], hidden),
        "of_state": (hidden, hidden),
        "of_next": (coming.shape[1], hidden),
        "hidden_bias": (hidden,),
        "out": (hidden,),
        "out_bias": (),
    }
    drawn = {
        name: rng.normal(0, 1 / np.sqrt(hidden), shape) * ("bias" not in name)
        for name, shape in shapes.items()
    }
    weights = {k: torch.tensor(a.astype(np.float32)).requires_grad_() for k, a in drawn.items()}
    adam = torch.optim.Adam(weights.values(), lr=rate, weight_decay=1e-3)
    remember = native_recurrence(torch)
    for _ in range(epochs):
        order = rng.permutation(len(yes))
        for rows in np.split(order, range(batch, order.size, batch)):
            at = torch.tensor(rows)
            logits = _logits(torch, weights, x[at], known[at], remember)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, yes[at])
            adam.zero_grad()
            loss.backward()
            adam.step()
    arrays = {name: tensor.detach().numpy().copy() for name, tensor in weights.items()}
    return Completing(arrays, *by)
