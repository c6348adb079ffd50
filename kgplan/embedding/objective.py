"""What does an epoch of training do? One interface for the regimes of `config.training.regime`.

An objective owns its batches, its loss, its optimiser and its generator; the loop of `train` owns
the number of epochs, the learning rate, validation and stopping.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from pykeen.triples import TriplesFactory

from kgplan.embedding.config import EmbeddingConfig
from kgplan.embedding.negative import NegativeObjective
from kgplan.embedding.softmax import SoftmaxObjective
from kgplan.embedding.transr import RelationwiseTransR


class Objective(Protocol):
    """Trains a model that it was given, epoch by epoch."""

    def epoch(self, rate: float) -> float:
        """Go once through the training facts, updating the model after each batch.

        Args:
            rate: learning rate of this epoch.

        Returns:
            Mean loss while the epoch ran.
        """
        ...

    def state(self) -> dict[str, Any]:
        """What a later process needs, beside the model, to go on as if it had never stopped."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` returned."""
        ...


def objective_for(
    model: RelationwiseTransR, training: TriplesFactory, config: EmbeddingConfig
) -> Objective:
    """The objective of the configured regime, before its first epoch."""
    if config.training.regime == "negative":
        return NegativeObjective(model, training, config.training, config.negative)
    return SoftmaxObjective(model, training, config.training)
