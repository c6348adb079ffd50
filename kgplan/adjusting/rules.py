"""When is a plan adjusted, and how? Every number once: its unit, its bounds and what it means.

The usual values stand in `rules.toml` beside this file. A platform writes a file with those that it
wants otherwise, and tries it by `kgplan adjust replay --rules FILE`.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

from kgplan.errors import ConfigError
from kgplan.store.faults import read_toml

VERSION = 1
"""Of the file's form."""
MANUAL = "`kgplan adjust rules` prints all keys with their bounds"


@dataclass(frozen=True)
class Bound:
    """How a number of the rules is described.

    Attributes:
        about: what it says.
        unit: of it.
        low, high: bounds of its value, both allowed.
        whole: whether it is a whole number.
    """

    about: str
    unit: str
    low: float
    high: float
    whole: bool = False

    def told(self) -> str:
        """All that a person needs to know beside the value."""
        return f"{self.about} ({self.unit}, {self.low:g} to {self.high:g})"


def _ticks(about: str) -> Bound:
    return Bound(about, "ticks running", 1, 100, whole=True)


def _count(about: str, low: int, high: int) -> Bound:
    return Bound(about, "number", low, high, whole=True)


_ENTER, _LEAVE = Bound("entered from", "share", 0, 1), Bound("left up to", "share", 0, 1)
_STAY = Bound("shortest stay", "minutes", 0, 10_080)


@dataclass(frozen=True)
class TickRules:
    """When signals are looked at.

    Attributes:
        every: minutes of a session between two looks.
        gap: minutes without events that end a session.
        idle: hours between two looks while there is no session.
    """

    every: Annotated[float, Bound("a look in a session every", "minutes", 1, 240)]
    gap: Annotated[float, Bound("silence that ends a session", "minutes", 5, 240)]
    idle: Annotated[float, Bound("a look without session every", "hours", 1, 168)]


@dataclass(frozen=True)
class SignalRules:
    """How signals are made from events.

    Attributes:
        window: days of events that count.
        least_due: minutes due in the window under which a lag is unknown.
        half_life: videos after which a pace weighs half.
        answers: latest answers on the step that count.
        least_answers: answers from which they say how difficult a step is, and that it is held.
        replay: seconds played over the video's length, from which it counts as replayed.
        back_seeks: jumps back in the step's videos from which it counts as replayed.
        risk: of the step, from which it counts.
        affect: minutes that what a learner reported holds.
        confidence: of what others supplied, from which it counts.
        reports: of one label, by others, that are needed.
    """

    window: Annotated[float, Bound("events that count", "days", 1, 60)]
    least_due: Annotated[float, Bound("due, under which lag is unknown", "minutes", 0, 10_080)]
    half_life: Annotated[float, Bound("after which a pace weighs half", "videos", 0.5, 100)]
    answers: Annotated[float, _count("latest answers that count", 1, 100)]
    least_answers: Annotated[float, _count("answers that say anything", 1, 100)]
    replay: Annotated[float, Bound("played over length, a replay from", "ratio", 1, 20)]
    back_seeks: Annotated[float, _count("jumps back, a replay from", 1, 100)]
    risk: Annotated[float, Bound("counts from", "probability", 0, 1)]
    affect: Annotated[float, Bound("life of a report", "minutes", 1, 1_440)]
    confidence: Annotated[float, Bound("of others' reports, from", "probability", 0, 1)]
    reports: Annotated[float, _count("others' reports of one label needed", 1, 10)]


@dataclass(frozen=True)
class Threshold:
    """When a state is entered, and left: later than it was entered, so that it does not flicker.

    Attributes:
        enter: value of the signal from which the state is entered,
        enter_ticks: at so many ticks running.
        leave: value up to which it is left,
        leave_ticks: at so many ticks running.
        stay: minutes that it lasts at least.
    """

    enter: Annotated[float, _ENTER]
    enter_ticks: Annotated[float, _ticks("so often")]
    leave: Annotated[float, _LEAVE]
    leave_ticks: Annotated[float, _ticks("so often")]
    stay: Annotated[float, _STAY]


@dataclass(frozen=True)
class LoadRules:
    """How long a state of `LOAD` lasts at least, in minutes."""

    stay: Annotated[float, _STAY]


@dataclass(frozen=True)
class EffectRules:
    """What states do.

    Attributes:
        offers, offers_lagging: offers shown, usually and to who lags.
        tasks, tasks_eased: tasks shown, usually and to who is tired.
        hard, hard_stretched: share of hard offers, usually and to who wants more.
        questions: asked of who finds a step hard.
        rest: minutes of rest that are proposed.
        weak: mastery under which a prerequisite may be put before a step.
    """

    offers: Annotated[float, _count("offers", 1, 20)]
    offers_lagging: Annotated[float, _count("offers while lagging", 1, 20)]
    tasks: Annotated[float, _count("tasks", 1, 20)]
    tasks_eased: Annotated[float, _count("tasks while eased", 1, 20)]
    hard: Annotated[float, Bound("hard offers", "share", 0, 1)]
    hard_stretched: Annotated[float, Bound("hard offers while stretched", "share", 0, 1)]
    questions: Annotated[float, _count("questions on what is hard", 1, 50)]
    rest: Annotated[float, Bound("rest proposed", "minutes", 1, 120)]
    weak: Annotated[float, Bound("a prerequisite is put in under", "mastery", 0, 1)]


@dataclass(frozen=True)
class LimitRules:
    """How much a plan may be changed.

    Attributes:
        a_day, a_week: changes of a plan's steps by rules.
        reverse: hours within which no rule takes a change of steps back.
        again: minutes within which a rule that changes no steps acts once.
        idle: days without events after which states begin anew.
    """

    a_day: Annotated[float, _count("changes of steps a day", 0, 100)]
    a_week: Annotated[float, _count("changes of steps a week", 0, 500)]
    reverse: Annotated[float, Bound("no change of steps is taken back within", "hours", 0, 720)]
    again: Annotated[float, Bound("other rules act once in", "minutes", 0, 10_080)]
    idle: Annotated[float, Bound("states begin anew after", "days", 1, 365)]


@dataclass(frozen=True)
class Rules:
    """A set of rules; sections and keys are those of the file.

    Attributes:
        name: of the set.
        tick, signals, lagging, strained, stuck, ahead, load, effects, limits: see their classes.
    """

    name: str
    tick: TickRules
    signals: SignalRules
    lagging: Threshold
    strained: Threshold
    stuck: Threshold
    ahead: Threshold
    load: LoadRules
    effects: EffectRules
    limits: LimitRules

    @cached_property
    def version(self) -> str:
        """The name, and what tells the values from others under the same name."""
        values = json.dumps(asdict(self), sort_keys=True).encode()
        return f"{self.name}-{hashlib.sha256(values).hexdigest()[:8]}"


@dataclass(frozen=True)
class Key:
    """A number of the rules: its place in the file, and how it is described."""

    section: str
    name: str
    bound: Bound


def keys() -> Iterator[Key]:
    """Every number of the rules, in the file's order."""
    for section, of in get_type_hints(Rules).items():
        if section != "name":
            for each, hint in get_type_hints(of, include_extras=True).items():
                yield Key(section, each, get_args(hint)[1])


@cache
def usual_rules() -> Rules:
    """The rules that come with kgplan."""
    text = (files("kgplan.adjusting") / "rules.toml").read_text(encoding="utf-8")
    return rules_of(tomllib.loads(text), "rules.toml", None)


def read_rules(path: Path) -> Rules:
    """Read a file of rules; what it leaves out is as usual.

    Raises:
        ConfigError: it cannot be read, or something in it is wrong: with file, key, value, bound.
    """
    begin = "begin one with `kgplan adjust rules > FILE`"
    values = read_toml(path, "the file of rules", begin, MANUAL, "utf-8-sig")
    return rules_of(values, str(path), usual_rules())


def rules_of(values: Mapping[str, Any], place: str, usual: Rules | None) -> Rules:
    """Rules from the values of a file.

    Args:
        values: section -> key -> number, and `version` and `name`.
        place: named in errors.
        usual: what is left out is as in these; nothing may be left out where None.

    Raises:
        ConfigError: with the place, the key, its value and what it may be.
    """
    version, name = values.get("version"), values.get("name")
    if version != VERSION or isinstance(version, bool):
        raise ConfigError(f"{place}: version is {version!r}; this kgplan reads version {VERSION}")
    if not (isinstance(name, str) and re.fullmatch(r"[a-z0-9][a-z0-9-]{0,49}", name)):
        raise ConfigError(
            f"{place}: name is {name!r}; give small letters, digits and hyphens, 50 at most"
        )
    sections = {each: hint for each, hint in get_type_hints(Rules).items() if each != "name"}
    given = {key: value for key, value in values.items() if key not in ("version", "name")}
    for section, inside in given.items():
        if section not in sections or not isinstance(inside, Mapping):
            raise ConfigError(
                f"{place}: there is no section {section!r}; there are {', '.join(sections)}"
            )
        names = [each.name for each in fields(sections[section])]
        for key in inside:
            if key not in names:
                raise ConfigError(
                    f"{place}: {section} has no key {key!r}; it has {', '.join(names)}"
                )
    found = {each: {} if usual is None else asdict(getattr(usual, each)) for each in sections}
    for key in keys():
        inside = given.get(key.section, {})
        if key.name in inside:
            found[key.section][key.name] = _checked(inside[key.name], key, place)
        elif usual is None:
            raise ConfigError(f"{place}: {key.section}.{key.name} is not there; {MANUAL}")
    rules = Rules(name, **{each: sections[each](**found[each]) for each in sections})
    for each in ("lagging", "strained", "stuck", "ahead"):
        threshold: Threshold = getattr(rules, each)
        if threshold.leave >= threshold.enter:
            raise ConfigError(
                f"{place}: {each}.leave is {threshold.leave:g}; it lies below {each}.enter,"
                f" which is {threshold.enter:g}, or the state would flicker"
            )
    return rules


def _checked(value: Any, key: Key, place: str) -> float:
    bound, named = key.bound, f"{place}: {key.section}.{key.name} is {value!r}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{named}; give a number ({bound.unit})")
    if bound.whole and value != int(value):
        raise ConfigError(f"{named}; give a whole number ({bound.unit})")
    if not bound.low <= value <= bound.high:
        raise ConfigError(f"{named}; it goes from {bound.low:g} to {bound.high:g} ({bound.unit})")
    return int(value) if bound.whole else float(value)


def rules_text(rules: Rules) -> str:
    """The file of these rules: every number with its unit, its bounds and what it says."""
    lines = [f"version = {VERSION}", f'name = "{rules.name}"']
    section = ""
    for key in keys():
        if key.section != section:
            section = key.section
            lines += ["", f"[{section}]"]
        value = getattr(getattr(rules, section), key.name)
        shown = f"{value:d}" if key.bound.whole else f"{value:.15g}"
        lines.append(f"{key.name} = {shown}  # {key.bound.told()}")
    return "\n".join(lines) + "\n"
