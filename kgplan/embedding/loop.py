"""How does training come from one epoch to the next, and go on where it was stopped?

A walk owns the epochs: their learning rates, the validation between them, the best one so far, when
to stop. All that its next epoch depends on can be stored between two epochs and restored by another
process, which then ends in the same bits.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from math import inf
from typing import Any, Literal

import torch

from kgplan.embedding.objective import Objective
from kgplan.embedding.result import TrainingProgress
from kgplan.embedding.transr import RelationwiseTransR

Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Schedule:
    """When an epoch's rate is what, and when training stops.

    Attributes:
        epochs: over which the learning rate falls on a straight line; at most so many run.
        learning_rate, final_learning_rate: of the first and the last of them.
        evaluate_every: epochs from one validation to the next.
        patience: validations without a better MRR before training stops.
        enough: validation MRR at which training stops.
        stop_after: epoch after which training stops, while the rates are those of all `epochs`.
    """

    epochs: int
    learning_rate: float
    final_learning_rate: float
    evaluate_every: int = 1
    patience: int = 1
    enough: float = inf
    stop_after: int | None = None

    @property
    def last(self) -> int:
        """The last epoch that can run."""
        return self.epochs if self.stop_after is None else min(self.stop_after, self.epochs)

    def rate(self, epoch: int) -> float:
        """Learning rate of an epoch, 1 for the first.

        >>> [Schedule(3, 0.5, 0.1).rate(epoch) for epoch in (1, 2, 3)]
        [0.5, 0.3, 0.1]
        """
        done = (epoch - 1) / max(self.epochs - 1, 1)
        return (1 - done) * self.learning_rate + done * self.final_learning_rate


class Walk:
    """Epochs of one objective on one model.

    Args:
        model: trained in place.
        objective: trains it, epoch by epoch.
        schedule: how long and how fast.
        phase: named in every progress report.

    Attributes:
        epoch: the last that ran; 0 before the first.
        history: every epoch that ran.
        best_epoch, best: the epoch of the best validation MRR, and the model's weights then.
    """

    def __init__(
        self,
        model: RelationwiseTransR,
        objective: Objective,
        schedule: Schedule,
        phase: Literal["split", "refit"] = "split",
    ) -> None:
        self.model, self.objective, self.schedule, self.phase = model, objective, schedule, phase
        self.epoch = 0
        self.history: list[TrainingProgress] = []
        self.best_epoch, self.best_mrr = 0, -1.0
        self.best: Weights = {}
        self._fruitless = 0  # validations since the best

    def run(
        self,
        progress: Callable[[TrainingProgress], None],
        keep: Callable[[dict[str, Any]], None],
        validate: Callable[[], float] | None = None,
    ) -> None:
        """Train to the end of the schedule.

        Args:
            progress: called after each epoch.
            keep: called after each epoch with what `restore` takes.
            validate: the model's validation MRR; without it every epoch of the schedule runs.
        """
        while not self._ended():
            epoch = self.epoch + 1
            loss = self.objective.epoch(self.schedule.rate(epoch))
            mrr = None
            due = epoch % self.schedule.evaluate_every == 0 or epoch == self.schedule.last
            if validate is not None and due:
                mrr = validate()
                self._fruitless += 1
                if mrr > self.best_mrr:
                    self._fruitless = 0
                    self.best_epoch, self.best_mrr = epoch, mrr
                    self.best = weights(self.model)
            self.epoch = epoch
            self.history.append(TrainingProgress(epoch, self.schedule.last, loss, mrr, self.phase))
            keep(self.state())  # first: who is told of an epoch can rely on it
            progress(self.history[-1])

    def state(self) -> dict[str, Any]:
        """All that the next epoch depends on."""
        return {
            "model": self.model.state_dict(),
            "objective": self.objective.state(),
            "epoch": self.epoch,
            "history": [asdict(each) for each in self.history],
            "best_epoch": self.best_epoch,
            "best_mrr": self.best_mrr,
            "best": self.best,
            "fruitless": self._fruitless,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` returned."""
        self.model.load_state_dict(state["model"])
        self.objective.restore(state["objective"])
        self.epoch = state["epoch"]
        self.history = [TrainingProgress(**each) for each in state["history"]]
        self.best_epoch, self.best_mrr = state["best_epoch"], state["best_mrr"]
        self.best = state["best"]
        self._fruitless = state["fruitless"]

    def _ended(self) -> bool:
        schedule = self.schedule
        return (
            self.epoch >= schedule.last
            or self._fruitless >= schedule.patience
            or self.best_mrr >= schedule.enough
        )


def weights(model: RelationwiseTransR) -> Weights:
    """A copy of all that was learned."""
    return {name: value.clone() for name, value in model.state_dict().items()}


def to_bytes(state: Mapping[str, Any]) -> bytes:
    """Tensors and plain values as bytes that `from_bytes` reads."""
    stream = io.BytesIO()
    torch.save(dict(state), stream)
    return stream.getvalue()


def from_bytes(stored: bytes) -> dict[str, Any]:
    """What `to_bytes` was given; tensors and plain values only, so no code is run."""
    return torch.load(io.BytesIO(stored), weights_only=True)
