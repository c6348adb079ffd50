"""Which concepts does each learner hold? V-DINA by EM (docs/diagnosis.md)."""

from kgplan.diagnosis.config import DiagnosisConfig
from kgplan.diagnosis.live import LiveDiagnosis
from kgplan.diagnosis.vdina import Diagnosis, Inference, fit, infer

__all__ = ["Diagnosis", "DiagnosisConfig", "Inference", "LiveDiagnosis", "fit", "infer"]
