"""What is a planner, and what may it know when it ranks? The types that choosing shares with it.

Importing this loads no numerical library. Sizes: K concepts; A concepts of the course asked for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from kgplan.planning.texts import Language

if TYPE_CHECKING:
    from kgplan.arrays import Array, Floats, Ints
    from kgplan.planning.derived import Derived


@dataclass(frozen=True)
class Learner:
    """What choosing needs of one learner, on the graph's concepts.

    Attributes:
        mastery: (K,).
        reached: (K,) True where evidence reaches the mastery.
        not_told_apart: (K,) True where evidence leaves open which of several concepts is held.
        around: (K,) N_u, True for concepts of the learner's courses.
        learned: (K,) C_uj.
        courses: ids of the learner's courses.
        passed_over: (K,) True for what is not to be planned.
        too_hard: (K,) True where the walk takes all direct prerequisites before it ends.
        held: (K,) True for what the learner said to hold.
        shares: (V,) watched of each video; 0 for one of the learner's courses that was never
            opened, -1 for any other.
        scores: (V,) best score of the answers to it, NaN where there are none.
        seen_at: (V,) when it was last watched, in any unit; -inf for never.
        refused: (V,) True for what the learner said to be not for them.
        streak, lapses: (K,) answers on the concept in a row up to now that were right, and that
            were not; partly right is neither.
        told: whether the learner answered which concepts are held.
    """

    mastery: "Floats"
    reached: "Array"
    not_told_apart: "Array"
    around: "Array"
    learned: "Array"
    courses: frozenset[str]
    passed_over: "Array"
    too_hard: "Array"
    held: "Array"
    shares: "Floats"
    scores: "Floats"
    seen_at: "Floats"
    refused: "Array"
    streak: "Ints"
    lapses: "Ints"
    told: bool = False

    @property
    def is_unknown(self) -> bool:
        """Whether nothing at all is known, but that the learner may have enrolled."""
        return self.is_new and not self.told

    @property
    def is_new(self) -> bool:
        """Whether the learner did nothing yet that is known of, but enrol."""
        return not (self.shares > 0).any() and bool((self.scores != self.scores).all())


class Knowledge(Protocol):
    """What is known of concepts and learners together; `choosing.Chooser` gives it."""

    derived: "Derived"

    def preference(self, learner: Learner, asked: "Ints", neighbours: int) -> "Floats":
        """(A,) S_P of eq. (12), from so many similar concepts."""
        ...


class Asked(Protocol):
    """The options of a plan, a `PlanOptions`, as far as a ranking of ours reads them."""

    @property
    def neighbours(self) -> int:
        """n of eq. (12)."""
        ...


@dataclass(frozen=True)
class Ranking:
    """What starts are ranked by.

    Attributes:
        preference: (A,) S_P of eq. (12); None where the planner does not use it.
        value: (A,) the largest comes first; ties break by concept id.
    """

    preference: "Floats | None"
    value: "Floats"


@dataclass(frozen=True)
class NamedPlanner:
    """What ranks, whether prerequisites are walked, and how it is said.

    Attributes:
        name: as callers give it.
        title: of it, in a list to choose from.
        about: half a sentence on how it plans.
        rank: ranks what is asked for, (A,) sorted positions of concepts; None where videos are
            taken by their expected gain in place of ranking concepts (`planning.sequencing`).
        rule: names what starts are ranked by, in explanations.
        figure: the same for readers, beside the number.
        why: why a start was chosen, in terms of `{figure}`; what stands in square brackets is said
            only where figures are asked for, and behind a bar in them only where not.
        walks: whether prerequisites of a start are planned before it. A planner that walks nothing
            plans only what the learner has not learned.
        weighs_mastery: whether the value falls by as much as the mastery rises.
        start: why a start is worth learning, likewise, in terms of `{name}`, `{value}` and
            `{knowledge}`; None where preference and mastery say it.
    """

    name: str
    title: Mapping[Language, str]
    about: str
    rank: "Callable[[Knowledge, Learner, Ints, Asked], Ranking] | None"
    rule: str
    figure: Mapping[Language, str]
    why: Mapping[Language, str]
    walks: bool = False
    weighs_mastery: bool = False
    start: Mapping[Language, str] | None = None

    @property
    def expects_gain(self) -> bool:
        """Whether it takes videos by their expected gain, in place of ranking concepts."""
        return self.rank is None
