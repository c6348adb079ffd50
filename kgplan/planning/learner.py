"""What is known of one learner now, beside what the records and the diagnosis hold?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from kgplan.arrays import Array, Floats, Ids, Ints
from kgplan.data.wishes import Wishes
from kgplan.planning.doubt import basis_of, doubt_of
from kgplan.planning.plan import Basis, Doubt


@dataclass(frozen=True)
class CurrentLearner:
    """One learner as known now; concepts and courses by id.

    Attributes:
        axis: ids of concepts, sorted; one array for all learners of a model.
        concepts: (n,) positions on it, ascending, of the concepts that evidence reaches.
        mastery: (n,) of these; every other concept has its prior.
        not_told_apart: (n,) True where evidence leaves open which of several concepts is held.
        learned: concepts learned since the records were made.
        courses: courses taken since then.
        wishes: what the learner said.
        in_records: whether the records' own row of the learner counts; not after an erasure.
        shares: video -> share watched, as events since the records were made tell.
        scores: video -> best score of the answers to it.
        seen_at: video -> when it was last watched or answered, in seconds since 1970.
        answers: item and score of every answer to it, in the order of time.
    """

    axis: Ids
    concepts: Ints
    mastery: Floats
    not_told_apart: Array
    learned: frozenset[str] = frozenset()
    courses: frozenset[str] = frozenset()
    wishes: Wishes = field(default_factory=Wishes)
    in_records: bool = True
    shares: Mapping[str, float] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    seen_at: Mapping[str, float] = field(default_factory=dict)
    answers: tuple[tuple[str, float], ...] = ()

    @property
    def concept_ids(self) -> Ids:
        """(n,) ids of the concepts that evidence reaches."""
        return self.axis[self.concepts]


@dataclass(frozen=True)
class ConceptMastery:
    """How likely a learner holds a concept, and how sure that is.

    Attributes:
        concept_id, name: the concept.
        name_en: empty where unknown.
        mastery: probability that the learner holds the concept.
        sd: standard deviation of the concept's state: .5 wholly open.
        basis: whose the mastery is, as of a step.
        evidence: bits that views and answers said, beyond the prior.
        identified: whether the mastery is the learner's own.
        doubt: why it is not identified, as of a step; None where it is.
    """

    concept_id: str
    name: str
    name_en: str
    mastery: float
    sd: float
    basis: Basis
    evidence: float
    identified: bool
    doubt: Doubt | None

    @classmethod
    def judged(
        cls,
        names: tuple[str, str, str],
        mastery: float,
        evidence: float,
        reached: bool,
        not_told_apart: bool,
    ) -> "ConceptMastery":
        """With what follows for how sure it is.

        Args:
            names: of the concept: its id, name and English name.
            mastery, evidence: see the class.
            reached, not_told_apart: as for `doubt_of`.
        """
        doubt = doubt_of(reached, not_told_apart, evidence)
        sd = math.sqrt(mastery * (1 - mastery))
        return cls(*names, mastery, sd, basis_of(reached), evidence, doubt is None, doubt)
