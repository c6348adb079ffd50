"""Planning: which concepts next, in what order, and why."""

from kgplan.planning.learner import ConceptMastery, CurrentLearner, Wishes
from kgplan.planning.plan import Doubt, Plan, PlanOptions, Step, Teaching, Terms
from kgplan.planning.planner import Planner

__all__ = [
    "ConceptMastery",
    "CurrentLearner",
    "Doubt",
    "Plan",
    "PlanOptions",
    "Planner",
    "Step",
    "Teaching",
    "Terms",
    "Wishes",
]
