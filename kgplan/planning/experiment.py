"""Which learner of an experiment gets which planner?

A learner's arm follows from the experiment's salt and the learner's id alone: it needs no storage,
is the same in every process, and stays when the service starts again.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_RANGE = 1 << 64


@dataclass(frozen=True)
class Arm:
    """A way to plan that some of the learners get.

    Attributes:
        name: of the arm.
        planner: that plans where a request names none.
        weight: share of the learners that it gets, against the other arms' weights.
        options: of `PlanOptions`, by name, for what a request leaves out.
    """

    name: str
    planner: str
    weight: float = 1.0
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Assignment:
    """The arm that a learner has.

    Attributes:
        name: of the experiment.
        arm: name of the arm.
    """

    name: str
    arm: str


@dataclass(frozen=True)
class Experiment:
    """What is tried on whom.

    Attributes:
        name: goes into plans.
        salt: makes it another draw than other experiments'.
        arms: two or more; the first is the one that others are compared with.
        primary: name of the outcome that decides, chosen before anything was seen.
        days: that a learner's outcomes are counted, from the first plan on.
        least_effect: difference of the primary outcome that would matter, in its own unit.
    """

    name: str
    salt: str
    arms: tuple[Arm, ...]
    primary: str
    days: float
    least_effect: float

    @property
    def shares(self) -> dict[str, float]:
        """The share of the learners that each arm gets."""
        total = sum(arm.weight for arm in self.arms)
        return {arm.name: arm.weight / total for arm in self.arms}

    def arm_of(self, learner_id: str) -> Arm:
        """The learner's arm.

        SHA-256 of salt, experiment and learner is read as a number u in [0, 1), which is even and
        independent between learners and experiments as far as anybody can tell; the arm is the one
        whose part of the unit interval, as long as its share, holds u.

        >>> arms = Arm("usual", "popularity"), Arm("new", "gain")
        >>> of = Experiment("spring", "0f1e", arms, "views", 28, 1.0).arm_of
        >>> of("U_1").name, of("U_1").name, of("U_6").name
        ('new', 'new', 'usual')
        """
        text = "\0".join((self.salt, self.name, learner_id))
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        place = int.from_bytes(digest[:8], "big") / _RANGE
        for arm, share in zip(self.arms, self.shares.values(), strict=True):
            place -= share
            if place < 0:
                return arm
        return self.arms[-1]

    def assignment(self, learner_id: str) -> Assignment:
        """The learner's arm, as plans carry it."""
        return Assignment(self.name, self.arm_of(learner_id).name)
