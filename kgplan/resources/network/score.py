"""How well does a resource suit a learner? Eq. (7), without progress."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from kgplan.arrays import Ints

FARTHEST = 10
OFFSETS = 2 * FARTHEST + 2
"""Kinds of places: none in common, up to `FARTHEST` behind or ahead, or farther."""


def match(xp: Any, learner: Any, items: tuple[Any, Any], weights: Mapping[str, Any]) -> Any:
    """(B, j) q' tanh(W_u h_u + W_i h_i) of eq. (7).

    Args:
        xp: numpy or torch.
        learner: (B, d) h_u.
        items: (B, j, d) e_i and F_i, the halves of h_i.
        weights: `match_learner`, `match_graph`, `match_content` (d, d), `match_out` (d,).
    """
    graph, content = items
    of_item = graph @ weights["match_graph"] + content @ weights["match_content"]
    of_learner = learner @ weights["match_learner"]
    return xp.tanh(of_learner[:, None, :] + of_item) @ weights["match_out"]


def offset_kinds(order: Ints, at: int, items: Ints) -> Ints:
    """(j,) which of the `OFFSETS` each resource has, from the learner's latest view.

    Args:
        order: resources of the course of that view, in its order.
        at: where the view stands in it.
        items: (j,) asked about.

    >>> offset_kinds(np.array([7, 8, 9]), 1, np.array([7, 9, 5]))
    array([10, 11,  0])
    """
    by_item = np.argsort(order, kind="stable")
    found = np.minimum(np.searchsorted(order, items, sorter=by_item), order.size - 1)
    place = by_item[found]
    off = np.clip(place - at, -FARTHEST, FARTHEST + 1)
    kind = np.where(off < 0, off + FARTHEST + 1, off + FARTHEST)
    return np.where(order[place] == items, kind, 0)
