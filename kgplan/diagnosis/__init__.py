"""Which concepts does each learner hold? V-DINA by EM (docs/research/diagnosis.md)."""

from kgplan.diagnosis.aging import AgedState, AgingConfig, AgingModel, fit_in_order
from kgplan.diagnosis.config import DiagnosisConfig, LearnerModelConfig
from kgplan.diagnosis.estimator import VDina
from kgplan.diagnosis.goodness import Goodness, assess
from kgplan.diagnosis.identify import (
    ambiguous_concepts,
    equal_response_classes,
    exchangeable_concepts,
    not_told_apart,
    reached,
)
from kgplan.diagnosis.information import StandardErrors, standard_errors
from kgplan.diagnosis.live import LiveDiagnosis, Posterior
from kgplan.diagnosis.newvideos import (
    NewVideos,
    Pooled,
    fit_new_videos,
    pooled_parameters,
    similar_videos,
    with_new_videos,
)
from kgplan.diagnosis.vdina import Diagnosis, Inference, fit, fit_best, infer

__all__ = [
    "AgedState",
    "AgingConfig",
    "AgingModel",
    "Diagnosis",
    "DiagnosisConfig",
    "Goodness",
    "Inference",
    "LearnerModelConfig",
    "LiveDiagnosis",
    "NewVideos",
    "Pooled",
    "Posterior",
    "StandardErrors",
    "VDina",
    "ambiguous_concepts",
    "assess",
    "equal_response_classes",
    "exchangeable_concepts",
    "fit",
    "fit_best",
    "fit_in_order",
    "fit_new_videos",
    "infer",
    "not_told_apart",
    "pooled_parameters",
    "reached",
    "similar_videos",
    "standard_errors",
    "with_new_videos",
]
