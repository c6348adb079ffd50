"""Planning: which concepts next, in what order, and why.

Names are loaded when they are asked for: options and planners are described without the numerical
libraries.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kgplan.planning.explanation import Alternative, Change, StepExplanation
    from kgplan.planning.learner import ConceptMastery, CurrentLearner
    from kgplan.planning.options import PlanOptions
    from kgplan.planning.plan import Basis, Doubt, Gap, Plan, Step, Terms
    from kgplan.planning.planner import Planner
    from kgplan.planning.resources import Move, Resource

_PLACES = {
    "explanation": ("Alternative", "Change", "StepExplanation"),
    "learner": ("ConceptMastery", "CurrentLearner"),
    "options": ("PlanOptions",),
    "plan": ("Basis", "Doubt", "Gap", "Plan", "Step", "Terms"),
    "planner": ("Planner",),
    "resources": ("Move", "Resource"),
}
_MODULES = {name: module for module, names in _PLACES.items() for name in names}

__all__ = [
    "Alternative",
    "Basis",
    "Change",
    "ConceptMastery",
    "CurrentLearner",
    "Doubt",
    "Gap",
    "Move",
    "Plan",
    "PlanOptions",
    "Planner",
    "Resource",
    "Step",
    "StepExplanation",
    "Terms",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
