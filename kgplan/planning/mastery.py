"""What does the diagnosis say of all learners, in the form that plans are made from?

Sizes: U learners, V videos, K concepts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ids, positions
from kgplan.data.axis import Axis
from kgplan.data.records import LearnerRecords, observations, time_line
from kgplan.data.stored import Stored, arrays_below, csr_from_arrays, csr_to_arrays, named_below
from kgplan.diagnosis.attendance import Attendance, Observed, Popularity, observe, syllabus
from kgplan.diagnosis.config import DiagnosisConfig
from kgplan.diagnosis.logistic import Logistic


@dataclass(frozen=True)
class ItemAttendance(Stored):
    """What tells whether a learner met an item, on the ids that it was fitted to.

    Attributes:
        course_ids: (C,) sorted.
        item_odds, course_odds: (V,), (C,) how often each is opened and begun, `Popularity`.
        mean, spread, weights: of the logistic regression from `attendance.describe` to P(opened).
        response_rate: P(opened | met).
    """

    course_ids: Ids
    item_odds: Floats
    course_odds: Floats
    mean: Floats
    spread: Floats
    weights: Floats
    response_rate: float

    @classmethod
    def of(cls, found: Attendance, course_ids: Ids) -> "ItemAttendance":
        """What was fitted, with the ids of the courses."""
        popular = found.popular
        return cls(course_ids, popular.item, popular.course, *found.opening, found.response_rate)


@dataclass(frozen=True)
class ItemParameters:
    """How videos respond to mastery, for updates of single learners by `planning.live`.

    Attributes:
        item_ids: (V,) sorted.
        slip, guess: (V,).
        config: of the fit.
        attendance: by which it weighs what was never opened; None where that counts as failed.
    """

    item_ids: Ids
    slip: Floats
    guess: Floats
    config: DiagnosisConfig
    attendance: ItemAttendance | None = None

    def attendance_on(self, records: LearnerRecords) -> Attendance | None:
        """`attendance` on the axes of records; what it was not fitted to is as the mean of all."""
        fitted = self.attendance
        if fitted is None:
            return None
        popular = Popularity(
            _on(records.item_ids, self.item_ids, fitted.item_odds),
            _on(records.course_ids, fitted.course_ids, fitted.course_odds),
        )
        courses = syllabus(records.course_items, records.expected)
        opening = Logistic(fitted.mean, fitted.spread, fitted.weights)
        return Attendance(courses, popular, opening, fitted.response_rate)

    def observed_in(self, records: LearnerRecords) -> Observed:
        """What records of the fit's items say, weighed as the fit weighs it."""
        watched, attendance = observations(records), self.attendance_on(records)
        if attendance is None:
            weights = sparse.csr_array(watched, copy=True)
            weights.data[:] = 1
            return Observed(watched, weights)
        return observe(attendance, watched, time_line(records), records.enrolled)


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
            if self.items.attendance is not None:
                arrays |= named_below("attendance", self.items.attendance.to_arrays())
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
            told = arrays_below("attendance", arrays)
            attendance = ItemAttendance.from_arrays(told) if told else None
            items = ItemParameters(**of_items, config=config, attendance=attendance)
        return cls(
            **{name: np.asarray(arrays[name]) for name in ARRAYS},
            **{
                name: shared[name] if name in shared else csr_from_arrays(name, arrays)
                for name in MATRICES
            },
            items=items,
            of_records=of_records,
        )


def _on(wanted: Ids, ids: Ids, values: Floats) -> Floats:
    """Values of ids, on other ids; the mean of all where one is not among them."""
    at = positions(np.asarray(ids), wanted)
    mean = float(values.mean()) if values.size else 0.0
    return np.where(at >= 0, np.append(values, mean)[at], mean)


ARRAYS = ("learner_ids", "concept_ids", "prior")
MATRICES = ("mastery", "not_told_apart")
OF_ITEMS = ("item_ids", "slip", "guess")
