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

from kgplan.native.negatives import adagrad_rows, adam_rows

EPSILON = 1e-8  # torch's for Adam
ADAGRAD_EPSILON = 1e-10  # torch's for Adagrad


Table = Any  # torch.Tensor or numpy array


class RowOptimiser(Protocol):
    """Moves rows of a fixed list of tables; what it remembers can be stored."""

    def update(
        self,
        place: int,
        table: Table,
        rows: Table,
        gradient: Table,
        rate: float,
        norm: int,
    ) -> None:
        """Move some rows of a table against their gradient, in place.

        Args:
            place: of the table in the list.
            table: (E, ...); an array, as `rows` and `gradient`, if the optimiser is compiled,
                else a tensor.
            rows: (M,) different row numbers.
            gradient: (M, ...) of these rows.
            rate: learning rate.
            norm: moved rows longer than 1 by this norm are shortened to it; 0 shortens none.
        """
        ...

    def state(self) -> dict[str, Any]:
        """All that it remembers of earlier steps."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` returned."""
        ...


class Adam:
    """Adam [kingma2015] by torch's function; its class would import a compiler for seconds.

    Args:
        parameters: moved in place.
        paces: of each parameter, times the learning rate; 0 holds it.
        beta1, beta2: memory of gradients and of their squares.
    """

    def __init__(
        self,
        parameters: list[torch.Tensor],
        paces: Sequence[float],
        beta1: float,
        beta2: float,
    ) -> None:
        self.betas = beta1, beta2
        self.parameters, self.paces = parameters, paces
        self.means = [torch.zeros_like(p) for p in parameters]
        self.squares = [torch.zeros_like(p) for p in parameters]
        self.steps = [torch.tensor(0.0) for _ in parameters]

    @torch.no_grad()
    def step(self, gradients: Sequence[torch.Tensor], rate: float) -> None:
        """Move every parameter against its gradient."""
        for place, (gradient, pace) in enumerate(zip(gradients, self.paces, strict=True)):
            one = slice(place, place + 1)
            adam(
                self.parameters[one],
                [gradient],
                self.means[one],
                self.squares[one],
                [],
                self.steps[one],
                amsgrad=False,
                beta1=self.betas[0],
                beta2=self.betas[1],
                lr=pace * rate,
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
        tables: each (E, ...), as they start.
        beta1, beta2: memory of gradients and of their squares.
        compiled: by `kgplan.native.negatives`, which needs main memory, instead of by torch.
    """

    def __init__(
        self, tables: list[torch.Tensor], beta1: float, beta2: float, compiled: bool
    ) -> None:
        self.betas, self.compiled = (beta1, beta2), compiled
        self.means = [torch.zeros_like(table).flatten(1) for table in tables]
        self.squares = [torch.zeros_like(table).flatten(1) for table in tables]
        self.steps = [0 for _ in tables]
        if compiled:
            self.views = [
                (mean.numpy(), square.numpy())
                for mean, square in zip(self.means, self.squares, strict=True)
            ]

    def update(
        self, place: int, table: Table, rows: Table, gradient: Table, rate: float, norm: int
    ) -> None:
        """Move some rows of a table, see `RowOptimiser`."""
        beta1, beta2 = self.betas
        self.steps[place] += 1
        n_steps = self.steps[place]
        pace = rate * (1 - beta2**n_steps) ** 0.5 / (1 - beta1**n_steps)
        if self.compiled:
            flat = table.reshape(len(table), -1), *self.views[place]
            slope = gradient.reshape(len(gradient), -1)
            adam_rows(*flat, rows, slope, pace, beta1, beta2, EPSILON, norm)
            return
        table, gradient = table.flatten(1), gradient.flatten(1)
        means, squares = self.means[place], self.squares[place]
        mean = means[rows].lerp_(gradient, 1 - beta1)
        square = squares[rows].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        means.index_copy_(0, rows, mean)
        squares.index_copy_(0, rows, square)
        moved = table[rows].addcdiv_(mean, square.sqrt_().add_(EPSILON), value=-pace)
        table.index_copy_(0, rows, _shortened(moved, norm))

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
        tables: each (E, ...), as they start.
        compiled: by `kgplan.native.negatives`, which needs main memory, instead of by torch.
    """

    def __init__(self, tables: list[torch.Tensor], compiled: bool) -> None:
        self.compiled = compiled
        self.sums = [torch.zeros_like(table).flatten(1) for table in tables]

    def update(
        self, place: int, table: Table, rows: Table, gradient: Table, rate: float, norm: int
    ) -> None:
        """Move some rows of a table, see `RowOptimiser`."""
        sums = self.sums[place]
        if self.compiled:
            flat = table.reshape(len(table), -1), sums.numpy()
            slope = gradient.reshape(len(gradient), -1)
            adagrad_rows(*flat, rows, slope, rate, ADAGRAD_EPSILON, norm)
            return
        table, gradient = table.flatten(1), gradient.flatten(1)
        total = sums[rows].addcmul_(gradient, gradient)
        sums.index_copy_(0, rows, total)
        moved = table[rows].addcdiv_(gradient, total.sqrt_().add_(ADAGRAD_EPSILON), value=-rate)
        table.index_copy_(0, rows, _shortened(moved, norm))

    def state(self) -> dict[str, Any]:
        """Sums of squares, copied."""
        return {"sums": [value.clone() for value in self.sums]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` returned."""
        for mine, stored in zip(self.sums, state["sums"], strict=True):
            mine.copy_(stored)


def _shortened(vectors: torch.Tensor, norm: int) -> torch.Tensor:
    if norm == 0:
        return vectors
    length = torch.linalg.vector_norm(vectors, norm, dim=1, keepdim=True)
    return vectors / length.clamp_min(1)
