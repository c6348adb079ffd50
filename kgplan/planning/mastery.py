"""What does the diagnosis say of all learners, in the form that plans are made from?

Sizes: U learners, V videos, K concepts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ids
from kgplan.data.axis import Axis
from kgplan.data.stored import csr_from_arrays, csr_to_arrays
from kgplan.diagnosis.config import DiagnosisConfig


@dataclass(frozen=True)
class ItemParameters:
    """How videos respond to mastery, for updates of single learners by `planning.live`.

    Attributes:
        item_ids: (V,) sorted.
        slip, guess: (V,).
        config: of the fit.
    """

    item_ids: Ids
    slip: Floats
    guess: Floats
    config: DiagnosisConfig


@dataclass(frozen=True)
class LearnerMastery:
    """Every learner's mastery, on its own sorted ids.

    Attributes:
        learner_ids, concept_ids: (U,), (K,) sorted.
        mastery: (U, K) stored where evidence reaches the learner's concept.
        prior: (K,) mastery where none does.
        not_told_apart: (U, K) True where the evidence leaves open which of several concepts the
            learner holds (`diagnosis.not_told_apart`).
        items: what single learners are updated by; None where no event can move the mastery.
        of_records: whether `mastery` follows from just the records that it is used with, at
            `items`; not where those were extracted anew since.
    """

    learner_ids: Ids
    concept_ids: Ids
    mastery: sparse.csr_array
    prior: Floats
    not_told_apart: sparse.csr_array
    items: ItemParameters | None = None
    of_records: bool = False

    @cached_property
    def learners(self) -> Axis:
        """Where each learner stands."""
        return Axis(self.learner_ids)

    def to_arrays(self) -> dict[str, Array]:
        """Plain arrays that `from_arrays` turns back, all but the fit's configuration."""
        arrays: dict[str, Array] = {name: getattr(self, name) for name in ARRAYS}
        for name in MATRICES:
            arrays |= csr_to_arrays(name, getattr(self, name))
        if self.items is not None:
            arrays |= {name: getattr(self.items, name) for name in OF_ITEMS}
        return arrays

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, Array],
        config: DiagnosisConfig | None,
        of_records: bool,
        shared: Mapping[str, sparse.csr_array] = MappingProxyType({}),
    ) -> "LearnerMastery":
        """Rebuild from what `to_arrays` gave.

        Args:
            arrays: those.
            config: of the fit; None where there are no items.
            of_records: see the class.
            shared: matrices that are held elsewhere, in place of arrays.
        """
        items = None
        if config is not None:
            of_items = {name: np.asarray(arrays[name]) for name in OF_ITEMS}
            items = ItemParameters(**of_items, config=config)
        return cls(
            **{name: np.asarray(arrays[name]) for name in ARRAYS},
            **{
                name: shared[name] if name in shared else csr_from_arrays(name, arrays)
                for name in MATRICES
            },
            items=items,
            of_records=of_records,
        )


ARRAYS = ("learner_ids", "concept_ids", "prior")
MATRICES = ("mastery", "not_told_apart")
OF_ITEMS = ("item_ids", "slip", "guess")
