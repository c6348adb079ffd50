"""What does the diagnosis say of all learners, in the form that plans are made from?

Sizes: U learners, V videos, K concepts.
"""

from dataclasses import dataclass
from functools import cached_property

from scipy import sparse

from kgplan.arrays import Floats, Ids
from kgplan.data.axis import Axis
from kgplan.diagnosis.config import DiagnosisConfig


@dataclass(frozen=True)
class ItemParameters:
    """How videos respond to mastery, for updates of single learners by `planning.live`.

    Attributes:
        video_ids: (V,) sorted.
        slip, guess: (V,).
        config: of the fit.
    """

    video_ids: Ids
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
