"""How alike is a concept that the similarity was made without? By its vector alone.

Nobody has learned it yet, so that its collaborative part is 0; the bounds stay those of the
concepts that there were, and a pair closer than any of theirs comes out above 1.
Sizes: K concepts, A added ones, d embedding dimension.
"""

from dataclasses import replace

import numpy as np

from kgplan.arrays import Floats, Ids, check_axis
from kgplan.similarity.fused import FusedSimilarity
from kgplan.similarity.learners import LearnerSets


def with_added(fused: FusedSimilarity, concept_ids: Ids, vectors: Floats) -> FusedSimilarity:
    """The similarity with some more concepts, which no learner has learned.

    Args:
        fused: eq. (8) without them.
        concept_ids: (A,) new ids, in any order, without repeats.
        vectors: (A, d) theirs.

    Raises:
        AxisMismatch: arguments disagree on A or d.
    """
    check_axis("A", concept_ids=concept_ids.size, vectors=len(vectors))
    check_axis("d", vectors=vectors.shape[1], fused=fused.vectors.shape[1])
    ids = np.concatenate([fused.concept_ids, concept_ids])
    order = np.argsort(ids)
    sets = fused.learners
    # the group without learners, if there is one, is the first
    there = sets.sizes.size > 0 and sets.sizes[0] == 0
    group_of = np.concatenate(
        [sets.group_of + (not there), np.zeros(concept_ids.size, dtype=sets.group_of.dtype)]
    )
    starts = sets.learners_from if there else np.concatenate([[0], sets.learners_from])
    return replace(
        fused,
        concept_ids=ids[order],
        vectors=np.concatenate([fused.vectors, vectors.astype(fused.vectors.dtype)])[order],
        learners=LearnerSets(sets.n_learners, group_of[order], starts, sets.learners),
    )
