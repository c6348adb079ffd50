"""How does a parameter move against its gradient? Adam and Adagrad, row by row where rows are few.

A batch of negative sampling touches some rows of the entity table only; a step then costs what
those rows cost. For Adagrad that changes nothing, as a row without gradient would not move; for
Adam it is the "lazy" variant of torch's SparseAdam: an untouched row keeps its moments.

Sizes: E rows of a table, M touched rows.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch.optim.adam import adam

EPSILON = 1e-8  # torch's for Adam


class Optimiser(Protocol):
    """Moves a fixed list of parameters; what it remembers can be stored."""

    parameters: list[torch.Tensor]

    def step(self, gradients: Sequence[torch.Tensor], rate: float) -> None:
        """Move every parameter against its gradient."""
        ...

    def state(self) -> dict[str, Any]:
        """All that it remembers of earlier steps."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` returned."""
        ...


class Adam:
    """Adam [kingma2015] by torch's function; its class would import a compiler for seconds."""

    def __init__(self, parameters: list[torch.Tensor], beta1: float, beta2: float) -> None:
        self.betas = beta1, beta2
        self.parameters = parameters
        self.means = [torch.zeros_like(p) for p in parameters]
        self.squares = [torch.zeros_like(p) for p in parameters]
        self.steps = [torch.tensor(0.0) for _ in parameters]

    @torch.no_grad()
    def step(self, gradients: Sequence[torch.Tensor], rate: float) -> None:
        """Move every parameter against its gradient."""
        adam(
            self.parameters,
            list(gradients),
            self.means,
            self.squares,
            [],
            self.steps,
            amsgrad=False,
            beta1=self.betas[0],
            beta2=self.betas[1],
            lr=rate,
            weight_decay=0.0,
            eps=EPSILON,
            maximize=False,
        )

    def state(self) -> dict[str, Any]:
        """Moments and step counts, copied."""
        return {
            name: [value.clone() for value in getattr(self, name)]
            for name in ("means", "squares", "steps")
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` returned."""
        for name, values in state.items():
            for mine, stored in zip(getattr(self, name), values, strict=True):
                mine.copy_(stored)
