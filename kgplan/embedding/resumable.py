"""What must be kept of an objective, beside its model, so that a killed training can go on?"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np


class Kept(Protocol):
    """Whatever can tell its state and take it up again."""

    def state(self) -> dict[str, Any]:
        """All that a later process needs."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` returned."""
        ...


class Resumable:
    """An objective that draws from one generator and moves by one optimiser.

    Attributes:
        generator: of all that is drawn in training.
        optimiser: of the model's tables.
    """

    generator: np.random.Generator
    optimiser: Kept

    def state(self) -> dict[str, Any]:
        """The generator's and the optimiser's."""
        return {
            "generator": self.generator.bit_generator.state,
            "optimiser": self.optimiser.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` returned."""
        self.generator.bit_generator.state = state["generator"]
        self.optimiser.restore(state["optimiser"])
