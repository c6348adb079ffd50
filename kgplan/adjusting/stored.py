"""How are running plans, states, changes and decisions written, and read again? As JSON."""

from pydantic import TypeAdapter

from kgplan.adjusting.adjust import State
from kgplan.adjusting.deciding import Decision
from kgplan.adjusting.running import Change, RunningPlan
from kgplan.adjusting.signals import Signals

PLANS, STATES, CHANGES, DECISIONS, SIGNALS = (
    TypeAdapter(RunningPlan),
    TypeAdapter(State),
    TypeAdapter(Change),
    TypeAdapter(Decision),
    TypeAdapter(Signals),
)
"""Each reads with `validate_json` what it wrote with `dump_json`; a state that was never at a look,
whose moment is infinite, is not to be written."""
