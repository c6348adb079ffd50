"""What is each action worth, as a trained network says? NumPy alone.

Sizes: B learners, F numbers of a state, A actions, h hidden units.
"""

from dataclasses import dataclass

import numpy as np

from kgplan.arrays import Floats, Ints
from kgplan.data.stored import Stored


@dataclass(frozen=True)
class ActionValues(Stored):
    """Q, an MLP with two hidden layers of rectified units, float32.

    Attributes:
        first, second, last: (F, h), (h, h) and (h, A) weights.
        first_bias, second_bias, last_bias: (h,), (h,) and (A,).
    """

    first: Floats
    second: Floats
    last: Floats
    first_bias: Floats
    second_bias: Floats
    last_bias: Floats

    def of(self, states: Floats) -> Floats:
        """(B, A) what each action is worth.

        Args:
            states: (B, F).
        """
        h = np.maximum(states.astype(np.float32) @ self.first + self.first_bias, 0)
        h = np.maximum(h @ self.second + self.second_bias, 0)
        return h @ self.last + self.last_bias

    def chosen(self, states: Floats) -> Ints:
        """(B,) the action that is worth most, the first of equals."""
        return np.argmax(self.of(states), axis=1)
