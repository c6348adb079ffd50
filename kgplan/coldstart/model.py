"""The tower, the learners who are known, and how sure their likeness is. NumPy alone.

Sizes: B learners asked about, U known learners, V items, k neighbours, G groups, d width.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from kgplan.arrays import Floats, Ids, Ints
from kgplan.coldstart.features import Encoder, Rows
from kgplan.coldstart.neighbours import item_scores, nearest, weights_of
from kgplan.coldstart.serving import Tower
from kgplan.data.stored import Stored


@dataclass(frozen=True)
class Alike:
    """Whom some learners are like.

    Attributes:
        positions: (B, k) among the known learners, the most similar first.
        similarity, weights: (B, k) S and w of each.
        confidence: (B,) c, from 0 to 1; 0 where nothing is known of the learner.
        alpha: (B, G) what each group of features counted.
    """

    positions: Ints
    similarity: Floats
    weights: Floats
    confidence: Floats
    alpha: Floats


@dataclass(frozen=True)
class ColdStart(Stored):
    """What is lent from.

    Attributes:
        encoder, tower: make the vector of a learner.
        learner_ids: (U,) who is known; they stay inside.
        vectors: (U, d) theirs, single precision.
        opened: (U, V) 1 where the known learner opened the item.
        mean_similarity, sure: (m,) confidence by mean S of the neighbours, a line through points.
        neighbours: k.
    """

    encoder: Encoder
    tower: Tower
    learner_ids: Ids
    vectors: Floats
    opened: sparse.csr_array
    mean_similarity: Floats
    sure: Floats
    neighbours: int

    def alike(self, known: Sequence[Rows], k: int | None = None) -> Alike:
        """The nearest known learners of some learners.

        Args:
            known: what is known of each.
            k: neighbours, at most; as it was trained with where None.
        """
        groups = self.encoder.groups(known)
        h, alpha = self.tower(groups)
        found = nearest(self.vectors, h.astype(np.float32), k or self.neighbours)
        positions, similarity = found[0], found[1].astype(np.float64)
        sure = np.zeros(len(known))
        if similarity.size and self.sure.size:
            sure = np.interp(similarity.mean(axis=1), self.mean_similarity, self.sure)
        sure = np.where(groups.present.any(axis=1), sure, 0.0)
        return Alike(positions, similarity, weights_of(similarity), sure, alpha)

    def scores(self, alike: Alike) -> Floats:
        """(B, V) of each item, by what the neighbours opened."""
        return item_scores(alike.positions, alike.weights, self.opened)
