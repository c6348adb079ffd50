"""Which concepts does each learner hold? V-DINA by EM (docs/diagnosis.md)."""

from kgplan.diagnosis.config import DiagnosisConfig
from kgplan.diagnosis.estimator import VDina
from kgplan.diagnosis.goodness import Goodness, assess
from kgplan.diagnosis.identify import ambiguous_concepts, reached
from kgplan.diagnosis.information import StandardErrors, standard_errors
from kgplan.diagnosis.live import LiveDiagnosis
from kgplan.diagnosis.vdina import Diagnosis, Inference, fit, fit_best, infer

__all__ = [
    "Diagnosis",
    "DiagnosisConfig",
    "Goodness",
    "Inference",
    "LiveDiagnosis",
    "StandardErrors",
    "VDina",
    "ambiguous_concepts",
    "assess",
    "fit",
    "fit_best",
    "infer",
    "reached",
    "standard_errors",
]
