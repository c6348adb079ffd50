"""How far did the entities move from one embedding to the next? Tells whether spaces compare.

Sizes: E entities, d dimension.
"""

from dataclasses import dataclass

import numpy as np

from kgplan.arrays import Floats, Ids, check_axis, positions

PAIRS = 20_000  # random pairs that the usual distance is taken from


@dataclass(frozen=True)
class Drift:
    """What became of the entities of an earlier embedding.

    Attributes:
        kept, new, gone: entities in both, only in the later, only in the earlier.
        mean: mean distance between an entity's two places; 0 where none was kept.
        share: the same as a share of the mean distance between two entities of the earlier
            embedding: near 0 the spaces are one, near 1 they have nothing in common.
    """

    kept: int
    new: int
    gone: int
    mean: float
    share: float


def drift(before_ids: Ids, before: Floats, after_ids: Ids, after: Floats, seed: int = 0) -> Drift:
    """Compare two embeddings by the entities that both have.

    Args:
        before_ids, after_ids: sorted ids of the entities.
        before, after: (E, d) their vectors.
        seed: of the random pairs that tell the usual distance.

    Raises:
        AxisMismatch: the dimensions differ.

    >>> ids = np.array(["a", "b"])
    >>> drift(ids, np.array([[0.0], [4.0]]), ids, np.array([[1.0], [4.0]]))
    Drift(kept=2, new=0, gone=0, mean=0.5, share=0.125)
    """
    check_axis("d", before=before.shape[1], after=after.shape[1])
    at = positions(before_ids, after_ids)
    kept = int((at >= 0).sum())
    mean = usual = 0.0
    if kept:
        moved = after[at >= 0].astype(np.float64) - before[at[at >= 0]]
        mean = float(np.linalg.norm(moved, axis=1).mean())
    if len(before) > 1:
        one, other = np.random.default_rng(seed).integers(0, len(before), (2, PAIRS))
        apart = before[one[one != other]].astype(np.float64) - before[other[one != other]]
        usual = float(np.linalg.norm(apart, axis=1).mean())
    share = mean / usual if usual > 0 else 0.0
    return Drift(kept, len(after_ids) - kept, len(before_ids) - kept, mean, share)
