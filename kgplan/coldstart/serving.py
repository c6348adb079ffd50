"""What vector does the tower make of groups? Written once, over arrays of NumPy or PyTorch.

Sizes: B learners, G groups, d_h width of a group's vector, d of the result.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kgplan.arrays import Floats, Ints
from kgplan.coldstart.features import Groups
from kgplan.data.stored import Stored


@dataclass(frozen=True)
class Tower(Stored):
    """Both sides of the Siamese network, as it is served.

    Attributes:
        project: (columns of all groups, d_h) W of each group, one below the other.
        starts: (G + 1,) where each group's begin.
        bias: (G, d_h).
        attend, attend_bias, attend_out: (d_h, a), (a,), (a,) what weighs groups, eq. (5).
        out, out_bias: (d_h, d), (d,).
        attends: whether groups are weighed.
    """

    project: Floats
    starts: Ints
    bias: Floats
    attend: Floats
    attend_bias: Floats
    attend_out: Floats
    out: Floats
    out_bias: Floats
    attends: bool

    @cached_property
    def _by_group(self) -> list[Floats]:
        return np.split(self.project, self.starts[1:-1])

    def __call__(self, groups: Groups) -> tuple[Floats, Floats]:
        """(B, d) vectors of length 1, and (B, G) what each group counted, alpha of eq. (5)."""
        each = [part @ weight for part, weight in zip(groups.parts, self._by_group, strict=True)]
        hidden = np.maximum(np.stack(each, axis=1) + self.bias, 0)
        weights = {name: getattr(self, name) for name in WEIGHTS}
        return embedded(np, hidden, groups.present, weights, self.attends)


WEIGHTS = ("attend", "attend_bias", "attend_out", "out", "out_bias")


def embedded(xp: Any, hidden: Any, present: Any, weights: Any, attends: bool) -> tuple[Any, Any]:
    """Weigh the groups and make the vector.

    Args:
        xp: numpy or torch.
        hidden: (B, G, d_h) z_i, 0 or more.
        present: (B, G) 1.0 where the learner has the group; the others get no weight.
        weights: `WEIGHTS` of `Tower`, by name.
        attends: False where all present groups count alike.

    Returns:
        (B, d) h of length 1, and (B, G) alpha, all 0 where no group is present.
    """
    share = present
    if attends:
        logits = xp.tanh(hidden @ weights["attend"] + weights["attend_bias"])
        logits = logits @ weights["attend_out"]
        share = xp.exp(logits - xp.amax(logits, axis=-1, keepdims=True)) * present
    total = share.sum(axis=-1, keepdims=True)
    alpha = share / (total + (total == 0))
    h = (alpha[..., None] * hidden).sum(axis=-2) @ weights["out"] + weights["out_bias"]
    length = xp.sqrt((h * h).sum(axis=-1, keepdims=True))
    return h / (length + (length == 0)), alpha
