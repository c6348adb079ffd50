"""In which states is a learner? Four regions that do not depend on one another.

A state is entered where its signal says so at several ticks running, and left at another value, not
before its shortest stay: so it does not flicker. An unknown signal breaks every run, and moves
nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kgplan.adjusting.rules import Rules, Threshold
from kgplan.adjusting.signals import MINUTE, Label, Mood, Reading

CALM = ""
LAGGING, STRAINED, STUCK, AHEAD = "lagging", "strained", "stuck", "ahead"
EASED, STRETCHED, HELPED, SUPPORT = "eased", "stretched", "helped", "support"
LOADS: Mapping[Label, str] = {
    "fatigued": EASED,
    "positive": STRETCHED,
    "confused": HELPED,
    "negative": SUPPORT,
}


@dataclass(frozen=True)
class Region:
    """One region of the state.

    Attributes:
        state: in which it is; "" where in none.
        since: when that was entered, in seconds since 1970.
        step_id: step whose signal is counted; "" where that is none's.
        over, deep, under: ticks running at which the signal was where the state is entered, where
            its deeper one is, and where it is left.
    """

    state: str = CALM
    since: float = 0.0
    step_id: str = ""
    over: int = 0
    deep: int = 0
    under: int = 0

    def to(self, state: str, at: float) -> "Region":
        """In another state."""
        return replace(self, state=state, since=at, over=0, deep=0, under=0)

    def stayed(self, minutes: float, at: float) -> bool:
        """Whether it lasted so long."""
        return at - self.since >= minutes * MINUTE


def moved(region: Region, name: str, reading: Reading | None, rule: Threshold, at: float) -> Region:
    """A region of one state after a tick.

    Args:
        region: before it.
        name: of the state.
        reading: its signal, which is large where the state is entered.
        rule: when it is entered and left.
        at: the tick.
    """
    region = _counted(region, reading, rule, rule, rule)
    if region.state == CALM and region.over >= rule.enter_ticks:
        return replace(region.to(name, at), over=region.over)
    if region.state == name and region.under >= rule.leave_ticks and region.stayed(rule.stay, at):
        return region.to(CALM, at)
    return region


def moved_ahead(
    region: Region, step_id: str, reading: Reading | None, rules: Rules, at: float
) -> Region:
    """AHEAD after a tick; ticks of another step count anew."""
    return moved(_on(region, step_id), AHEAD, reading, rules.ahead, at)


def moved_difficulty(
    region: Region,
    step_id: str,
    done: frozenset[str],
    reading: Reading | None,
    rules: Rules,
    at: float,
) -> Region:
    """DIFFICULTY after a tick: calm, strained, and stuck within strained.

    A step that is done holds nobody up: stuck becomes strained at once, and none is stuck there.
    """
    if region.state == STUCK and region.step_id in done:
        region = region.to(STRAINED, at)
    strained, stuck = rules.strained, rules.stuck
    before = region.state
    region = _on(region, step_id)
    leaving = stuck if before == STUCK else strained
    region = _counted(region, reading, strained, stuck, leaving)
    if before == CALM and region.over >= strained.enter_ticks:
        # ticks at which it was deep already count on
        return replace(region.to(STRAINED, at), deep=region.deep)
    if before == STRAINED and region.deep >= stuck.enter_ticks and step_id not in done:
        return region.to(STUCK, at)
    if before == STUCK and region.under >= stuck.leave_ticks and region.stayed(stuck.stay, at):
        return region.to(STRAINED, at)
    is_over = region.under >= strained.leave_ticks and region.stayed(strained.stay, at)
    return region.to(CALM, at) if before == STRAINED and is_over else region


def moved_load(region: Region, mood: Mood | None, rules: Rules, at: float) -> Region:
    """LOAD after a tick: the state of the label that holds; left when that ends."""
    state = CALM if mood is None else LOADS.get(mood.label, CALM)
    if state == region.state:
        return region
    if region.state != CALM and not region.stayed(rules.load.stay, at):
        return region
    return region.to(state, at)


def _on(region: Region, step_id: str) -> Region:
    """The region, its ticks counted anew where the step is another."""
    if region.step_id == step_id:
        return region
    return replace(region, step_id=step_id, over=0, deep=0, under=0)


def _counted(
    region: Region, reading: Reading | None, enter: Threshold, deeper: Threshold, leave: Threshold
) -> Region:
    if reading is None:
        return replace(region, over=0, deep=0, under=0)
    value = reading.value
    return replace(
        region,
        over=region.over + 1 if value >= enter.enter else 0,
        deep=region.deep + 1 if value >= deeper.enter else 0,
        under=region.under + 1 if value <= leave.leave else 0,
    )
