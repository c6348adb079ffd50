"""How is a plan changed while a learner is at work on it? Events, signals, states, changes.

Nothing here opens files, but for the rules', or keeps anything.
"""

from kgplan.adjusting.adjust import Shown, State, adjust, as_lines, shown_by
from kgplan.adjusting.rules import Rules, read_rules, rules_text, usual_rules
from kgplan.adjusting.running import (
    Change,
    Other,
    Prerequisite,
    RunningPlan,
    RunningStep,
    applied,
)
from kgplan.adjusting.signals import Affect, Mood, Reading, Signals, signals_of
from kgplan.adjusting.ticks import ticks

__all__ = [
    "Affect",
    "Change",
    "Mood",
    "Other",
    "Prerequisite",
    "Reading",
    "Rules",
    "RunningPlan",
    "RunningStep",
    "Shown",
    "Signals",
    "State",
    "adjust",
    "applied",
    "as_lines",
    "read_rules",
    "rules_text",
    "shown_by",
    "signals_of",
    "ticks",
    "usual_rules",
]
