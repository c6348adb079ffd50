"""What may a caller choose about a plan? Each option once: its type, bounds, words and default.

Command line, HTTP and its description are made from `OPTIONS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, get_args, get_type_hints

from kgplan.errors import ConfigError
from kgplan.planning.planners import planners
from kgplan.planning.texts import Detail, Language

USUAL_LENGTH = 4
MOST_STEPS = 50
THETA = 0.5
LEAST_GAIN = 0.01


@dataclass(frozen=True)
class Option:
    """How an option is described.

    Attributes:
        about: half a sentence, for a list of options.
        low, high: bounds of its value, both allowed.
        most: entries that a request may give.
        names: gives those that it is one of, each with what it means.
    """

    about: str
    low: float | None = None
    high: float | None = None
    most: int | None = None
    names: Callable[[], Mapping[str, str]] | None = None

    def told(self) -> str:
        """All that a caller needs to know beside type and bounds."""
        if self.names is None:
            return self.about
        meanings = (f"{name} {meaning}" for name, meaning in self.names().items())
        return f"{self.about}: {'; '.join(meanings)}"


@dataclass(frozen=True)
class PlanOptions:
    """What the caller may choose.

    Attributes:
        length: concepts to plan; where None, `USUAL_LENGTH`, or, where the planner expects a gain,
            as many as gain enough (`least_gain`) within `minutes`.
        max_prerequisites: prerequisites walked per start.
        neighbours: n of eq. (12), the similar concepts that a preference looks at.
        planner: name of the planner (`kgplan.planning.planners`); "kg-plppm" is Algorithm 1.
        least_gain: expected gain of mastery a minute under which a plan of no set length ends.
        exclude: concepts that are not planned, and not walked through.
        pin: concepts that are planned in any case, before other starts, `length` at most.
        theta: mastery from which a concept is left out; where None, `THETA` where the planner
            expects a gain, and else nothing is left out.
        minutes: time that all that is to be opened may take.
        language: of the sentences.
        detail: whether sentences hold figures.
        bound: whether to say what no plan of as many minutes can gain more than.

    Raises:
        ConfigError: an option is outside its range, or two contradict each other.
    """

    length: Annotated[
        int | None, Option("concepts to plan, else as many as are worth it", 1, MOST_STEPS)
    ] = None
    max_prerequisites: Annotated[int, Option("prerequisites walked per start", 0, 50)] = 10
    neighbours: Annotated[int, Option("similar concepts that a preference looks at", 1, 100)] = 10
    planner: Annotated[
        str,
        Option("planner", names=lambda: {name: each.about for name, each in planners().items()}),
    ] = "gain"
    least_gain: Annotated[
        float, Option("gain of mastery a minute under which a plan of no set length ends", 0, 10)
    ] = LEAST_GAIN
    exclude: Annotated[
        tuple[str, ...],
        Option("concepts that are not planned, nor walked through", most=1_000),
    ] = ()
    pin: Annotated[tuple[str, ...], Option("concepts that are planned in any case", most=50)] = ()
    theta: Annotated[
        float | None, Option("mastery from which a concept is not planned, nor walked", 0, 1)
    ] = None
    minutes: Annotated[
        float | None, Option("time that all there is to open may take", 1, 100_000)
    ] = None
    language: Annotated[
        Language, Option("of the sentences", names=lambda: {"en": "English", "zh": "Chinese"})
    ] = "en"
    detail: Annotated[
        Detail,
        Option(
            "of the sentences",
            names=lambda: {"words": "leaves figures out", "numbers": "has those that decided"},
        ),
    ] = "words"
    bound: Annotated[bool, Option("also the most that as many minutes could gain")] = False

    def __post_init__(self) -> None:
        for each in OPTIONS:
            each.check(getattr(self, each.name))
        for name in ("exclude", "pin"):  # their order means nothing
            object.__setattr__(self, name, tuple(sorted(set(getattr(self, name)))))
        both = sorted(set(self.pin) & set(self.exclude))
        if both:
            raise ConfigError(f"{both[0]!r} is both pinned and excluded; leave one of them out")
        if self.length is not None and len(self.pin) > self.length:
            raise ConfigError(
                f"{len(self.pin)} concepts are pinned, but the length is {self.length};"
                " pin fewer or plan more"
            )

    @property
    def most(self) -> int:
        """Concepts at most, under a planner that ranks."""
        return USUAL_LENGTH if self.length is None else self.length


@dataclass(frozen=True)
class NamedOption:
    """An option of `PlanOptions`.

    Attributes:
        name, type, default: of the field.
        option: how it is described.
    """

    name: str
    type: Any
    default: Any
    option: Option

    def check(self, value: Any) -> None:
        """Refuse a value that the option may not have.

        Raises:
            ConfigError: with the value and what it may be.
        """
        low, high, names = self.option.low, self.option.high, self.option.names
        if low is not None and high is not None and value is not None and not low <= value <= high:
            raise ConfigError(f"{self.name} is {value}; it goes from {low} to {high}")
        if names is not None and value not in names():
            raise ConfigError(f"{self.name} is {value!r}; it is one of {', '.join(names())}")


def _named_options() -> tuple[NamedOption, ...]:
    hints = get_type_hints(PlanOptions, include_extras=True)
    found = []
    for each in fields(PlanOptions):
        of, option = get_args(hints[each.name])
        found.append(NamedOption(each.name, of, each.default, option))
    return tuple(found)


OPTIONS = _named_options()
