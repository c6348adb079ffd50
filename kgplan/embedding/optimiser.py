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
ADAGRAD_EPSILON = 1e-10  # torch's for Adagrad


class RowOptimiser(Protocol):
    """Moves rows of a fixed list of tables; what it remembers can be stored."""

    def moved(
        self, place: int, rows: torch.Tensor, gradient: torch.Tensor, rate: float
    ) -> torch.Tensor:
        """Some rows of a table after one step, for the caller to write."""
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


class RowAdam:
    """Adam of single rows: torch's SparseAdam, without its sparse tensors.

    Args:
        tables: each (E, ...); they are read, and `moved` rows are for the caller to write.
    """

    def __init__(self, tables: list[torch.Tensor], beta1: float, beta2: float) -> None:
        self.betas = beta1, beta2
        self.means = [torch.zeros_like(table) for table in tables]
        self.squares = [torch.zeros_like(table) for table in tables]
        self.steps = [0 for _ in tables]
        self.tables = tables

    @torch.no_grad()
    def moved(
        self, place: int, rows: torch.Tensor, gradient: torch.Tensor, rate: float
    ) -> torch.Tensor:
        """Some rows of a table after one step.

        Args:
            place: of the table in the list.
            rows: (M,) different row numbers.
            gradient: (M, ...) of these rows.
            rate: learning rate.

        Returns:
            (M, ...).
        """
        beta1, beta2 = self.betas
        self.steps[place] += 1
        mean = self.means[place][rows].lerp_(gradient, 1 - beta1)
        square = self.squares[place][rows].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        self.means[place].index_copy_(0, rows, mean)
        self.squares[place].index_copy_(0, rows, square)
        steps = self.steps[place]
        pace = rate * (1 - beta2**steps) ** 0.5 / (1 - beta1**steps)
        return self.tables[place][rows].addcdiv_(mean, square.sqrt_().add_(EPSILON), value=-pace)

    def state(self) -> dict[str, Any]:
        """Moments and step counts, copied."""
        return {
            "means": [value.clone() for value in self.means],
            "squares": [value.clone() for value in self.squares],
            "steps": list(self.steps),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` returned."""
        for name in ("means", "squares"):
            for mine, stored in zip(getattr(self, name), state[name], strict=True):
                mine.copy_(stored)
        self.steps = list(state["steps"])


class RowAdagrad:
    """Adagrad [duchi2011] of single rows; untouched rows would not move anyway.

    Args:
        tables: each (E, ...); they are read, and `moved` rows are for the caller to write.
    """

    def __init__(self, tables: list[torch.Tensor]) -> None:
        self.sums = [torch.zeros_like(table) for table in tables]
        self.tables = tables

    @torch.no_grad()
    def moved(
        self, place: int, rows: torch.Tensor, gradient: torch.Tensor, rate: float
    ) -> torch.Tensor:
        """Some rows of a table after one step, arguments as `RowAdam.moved`."""
        total = self.sums[place][rows].addcmul_(gradient, gradient)
        self.sums[place].index_copy_(0, rows, total)
        return self.tables[place][rows].addcdiv_(
            gradient, total.sqrt_().add_(ADAGRAD_EPSILON), value=-rate
        )

    def state(self) -> dict[str, Any]:
        """Sums of squares, copied."""
        return {"sums": [value.clone() for value in self.sums]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` returned."""
        for mine, stored in zip(self.sums, state["sums"], strict=True):
            mine.copy_(stored)
