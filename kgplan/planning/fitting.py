"""The model that learners are diagnosed by, fitted to their records: one for batch and studies."""

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from kgplan.data.records import LearnerRecords, observations, time_line
from kgplan.diagnosis.attendance import fit_attended, syllabus
from kgplan.diagnosis.config import ATTENDED, LearnerModelConfig
from kgplan.diagnosis.identify import not_told_apart
from kgplan.diagnosis.newvideos import with_new_videos
from kgplan.diagnosis.vdina import Diagnosis, fit
from kgplan.planning.mastery import ItemAttendance, ItemParameters, LearnerMastery
from kgplan.progress import Progress, silent


@dataclass(frozen=True)
class FittedModel:
    """What was fitted.

    Attributes:
        mastery: in the form that plans are made from.
        diagnosis: how the fit went.
        n_observations: how many it was fitted to.
        rates: `Attended.rates`; empty where the model has none.
    """

    mastery: LearnerMastery
    diagnosis: Diagnosis
    n_observations: int
    rates: dict[float, float] = field(default_factory=dict)


def fit_learners(
    records: LearnerRecords,
    config: LearnerModelConfig | None = None,
    progress: Progress = silent,
    new_videos: bool = True,
) -> FittedModel:
    """Fit slip and guess of every item, and infer every learner's mastery.

    Args:
        records: what learners did.
        config: which model, and its settings; None: the defaults.
        progress: told what is being fitted.
        new_videos: whether items that few opened get what is usual (`with_new_videos`), which
            published V-DINA does not have.

    Raises:
        InputError: a share outside [0, 1].
    """
    config = config or LearnerModelConfig()
    watched, weights, attendance = observations(records), None, None
    rates: dict[float, float] = {}
    if config.model == ATTENDED and watched.nnz:
        courses = syllabus(records.course_items, records.expected)
        attended = fit_attended(
            watched, records.q_matrix, time_line(records), records.enrolled, courses,
            np.random.default_rng(config.seed), config.attended(), progress, config.response_rate,
        )  # fmt: skip
        diagnosis, rates, (watched, weights) = attended.diagnosis, attended.rates, attended.observed
        attendance = ItemAttendance.of(attended.attendance, records.course_ids)
    else:
        diagnosis = fit(watched, records.q_matrix, config, progress)
    if new_videos and config.class_prior == "independent":
        diagnosis = with_new_videos(
            diagnosis, watched, records.q_matrix, records.course_items, weights=weights
        )
    items = ItemParameters(records.item_ids, diagnosis.slip, diagnosis.guess, config, attendance)
    mastery = LearnerMastery(
        records.learner_ids,
        records.concept_ids,
        sparse.csr_array(diagnosis.mastery),
        diagnosis.prior,
        sparse.csr_array(not_told_apart(watched, records.q_matrix)),
        items,
        of_records=True,
    )
    return FittedModel(mastery, diagnosis, int(watched.nnz), rates)
