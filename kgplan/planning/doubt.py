"""Whose is a mastery, and why is it not the learner's own?"""

from kgplan.diagnosis.uncertainty import WEAK_EVIDENCE
from kgplan.planning.plan import Basis, Doubt


def basis_of(reached: bool) -> Basis:
    """Whose a mastery is, by whether the learner's evidence reaches it."""
    return "own" if reached else "prior"


def doubt_of(reached: bool, not_told_apart: bool, evidence: float) -> Doubt | None:
    """Why a mastery is not the learner's own; what more views of the same kind mend comes last."""
    if not reached:
        return "no_evidence"
    if not_told_apart:
        return "not_told_apart"
    return "weak_evidence" if evidence < WEAK_EVIDENCE else None
