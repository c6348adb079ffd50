"""What does training leave behind? The vectors, the figures beside them and the way there.

Sizes: N triples, E entities, R relations, d dimension, k relation dimension.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from kgplan.arrays import Array, Floats, Ids, Ints, check_axis

PARTS = ("training", "validation", "test")
INVERSE = "_inverse"  # PyKEEN's ending for the id of an inverse relation


@dataclass(frozen=True)
class TrainingProgress:
    """One epoch of training.

    Attributes:
        epoch: 1 for the first.
        epochs: the most there can be.
        loss: mean loss of the training facts while the epoch ran.
        validation_mrr: filtered MRR, head and tail side pooled; None between two evaluations.
        phase: "split" on the training part, "refit" afterwards on all facts.
    """

    epoch: int
    epochs: int
    loss: float
    validation_mrr: float | None = None
    phase: Literal["split", "refit"] = "split"


@dataclass(frozen=True)
class Measured:
    """What the figures were measured on, and from where a warm start goes on.

    It never saw a held-out fact; the vectors that are served have seen them all.

    Attributes:
        vectors, relation_vectors, projections: TransR at its best validation MRR, shapes as in
            `Embedding`.
        facts: (N, 3) places of head, relation and tail; the relation's among the R of them.
        part: (N,) 0 training, 1 validation, 2 test, as in `PARTS`.
    """

    vectors: Floats
    relation_vectors: Floats
    projections: Floats
    facts: Ints
    part: Ints

    def __post_init__(self) -> None:
        check_axis("N", facts=len(self.facts), part=self.part.size)


@dataclass(frozen=True)
class Embedding:
    """TransR as it is served: after the last fit to all facts, where the configuration has one.

    A fact (h, r, t) is the more plausible the smaller ||M_r^T e_h + w_r - M_r^T e_t||, where both
    projected entities are shortened to norm 1 if longer. In regime "softmax" each relation stands
    twice, R' = 2R: as itself (even places) and inverted (odd places, id with PyKEEN's ending
    `_inverse`); in regime "negative" once, R' = R.

    Attributes:
        entity_ids: (E,) sorted.
        vectors: (E, d) float32, e: norms of at most 1.
        relation_ids: (R',) with r sorted.
        relation_vectors: (R', k) float32, w: norms of at most 1.
        projections: (R', d, k) float32, M.
        metrics: `counts`, `best_epoch` and `epochs`, `refit` (its epochs and their losses), and
            per split (`validation`, `test`) what `kgplan.embedding.evaluate.ranking_metrics`
            returns for `measured`, `popularity` beside it.
        history: every epoch on the training part.
        measured: what the figures are of; None in an embedding stored without it.
    """

    entity_ids: Ids
    vectors: Floats
    relation_ids: Ids
    relation_vectors: Floats
    projections: Floats
    metrics: Mapping[str, Any]
    history: tuple[TrainingProgress, ...]
    measured: Measured | None = None

    def __post_init__(self) -> None:
        check_axis("E", entity_ids=self.entity_ids.size, vectors=len(self.vectors))
        check_axis(
            "R'",
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

    @classmethod
    def untrained(cls, triples: Ids) -> "Embedding":
        """Vectors that say nothing, for graphs too small to learn from: all are alike.

        Args:
            triples: (N, 3) ids of head, relation and tail.
        """
        entity_ids = np.unique(triples[:, [0, 2]]) if len(triples) else np.zeros(0, dtype="U1")
        nothing = np.zeros((0, 1, 1), np.float32)
        return cls(
            entity_ids=entity_ids,
            vectors=np.zeros((entity_ids.size, 1), np.float32),
            relation_ids=np.zeros(0, dtype="U1"),
            relation_vectors=nothing[:, :, 0],
            projections=nothing,
            metrics={"trained": False},
            history=(),
        )

    @property
    def plain_relation_ids(self) -> Ids:
        """(R,) relations without their inverses, sorted."""
        return self.relation_ids[~np.char.endswith(self.relation_ids, INVERSE)]

    def before_refit(self) -> "Embedding":
        """As it was measured; itself where that was not stored."""
        if self.measured is None:
            return self
        m = self.measured
        return replace(
            self,
            vectors=m.vectors,
            relation_vectors=m.relation_vectors,
            projections=m.projections,
        )

    def to_arrays(self) -> dict[str, Array]:
        """Plain arrays that `from_arrays` turns back."""
        arrays: dict[str, Array] = {name: getattr(self, name) for name in ARRAYS}
        if self.measured is not None:
            arrays |= {f"measured_{name}": getattr(self.measured, name) for name in MEASURED_ARRAYS}
        return arrays

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, Array],
        metrics: Mapping[str, Any],
        history: Sequence[TrainingProgress] = (),
    ) -> "Embedding":
        """Rebuild from what `to_arrays` gave, and the figures stored beside it."""
        measured = None
        if "measured_vectors" in set(arrays):
            measured = Measured(
                **{name: np.asarray(arrays[f"measured_{name}"]) for name in MEASURED_ARRAYS}
            )
        return cls(
            **{name: np.asarray(arrays[name]) for name in ARRAYS},
            metrics=metrics,
            history=tuple(history),
            measured=measured,
        )


ARRAYS = ("entity_ids", "vectors", "relation_ids", "relation_vectors", "projections")
MEASURED_ARRAYS = ("vectors", "relation_vectors", "projections", "facts", "part")
