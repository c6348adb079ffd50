"""What does training leave behind? The vectors, the figures beside them and the way there.

Sizes: E entities, R relations, d dimension, k relation dimension.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kgplan.arrays import Floats, Ids, check_axis


@dataclass(frozen=True)
class TrainingProgress:
    """One epoch of training.

    Attributes:
        epoch: 1 for the first.
        epochs: the most there can be.
        loss: weighted mean cross-entropy of the training queries, in nats, while the epoch ran.
        validation_mrr: filtered MRR, head and tail side pooled; None between two evaluations.
    """

    epoch: int
    epochs: int
    loss: float
    validation_mrr: float | None = None


@dataclass(frozen=True)
class Embedding:
    """TransR as it stood at its best validation MRR [lin2015].

    A fact (h, r, t) is the more plausible the smaller ||M_r^T e_h + w_r - M_r^T e_t||, where both
    projected entities are shortened to norm 1 if longer. Each relation stands twice: as itself
    (even places) and inverted (odd places, id with PyKEEN's ending `_inverse`).

    Attributes:
        entity_ids: (E,) sorted.
        vectors: (E, d) float32, e: norms of at most 1.
        relation_ids: (2R,) r, r_inverse, with r sorted.
        relation_vectors: (2R, k) float32, w: norms of at most 1.
        projections: (2R, d, k) float32, M.
        metrics: `counts`, `best_epoch` and `epochs`, and per split (`validation`, `test`) what
            `kgplan.embedding.evaluate.ranking_metrics` returns, `popularity` beside it.
        history: every epoch that ran.
    """

    entity_ids: Ids
    vectors: Floats
    relation_ids: Ids
    relation_vectors: Floats
    projections: Floats
    metrics: Mapping[str, Any]
    history: tuple[TrainingProgress, ...]

    def __post_init__(self) -> None:
        check_axis("E", entity_ids=self.entity_ids.size, vectors=len(self.vectors))
        check_axis(
            "2R",
            relation_ids=self.relation_ids.size,
            relation_vectors=len(self.relation_vectors),
            projections=len(self.projections),
        )
        check_axis("d", vectors=self.vectors.shape[1], projections=self.projections.shape[1])
        check_axis(
            "k",
            relation_vectors=self.relation_vectors.shape[1],
            projections=self.projections.shape[2],
        )
