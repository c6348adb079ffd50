"""Planning: which concepts next, in what order, and why."""

from kgplan.planning.explanation import Alternative, Change, StepExplanation
from kgplan.planning.learner import ConceptMastery, CurrentLearner, Wishes
from kgplan.planning.plan import Doubt, Plan, PlanOptions, Step, Teaching, Terms
from kgplan.planning.planner import Planner

__all__ = [
    "Alternative",
    "Change",
    "ConceptMastery",
    "CurrentLearner",
    "Doubt",
    "Plan",
    "PlanOptions",
    "Planner",
    "Step",
    "StepExplanation",
    "Teaching",
    "Terms",
    "Wishes",
]
