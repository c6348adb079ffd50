"""How does a PyKEEN pipeline train faster? Its sLCWA loop, with epochs grouped by relation.

    pipeline(model="TransR", training_loop=GroupedTrainingLoop, optimizer="adam", stopper="early")

The factory, model, loss, learning rate (a scheduler's too), evaluator and early stopper are
PyKEEN's; batches, negatives and updates are those of `kgplan.embedding.negative`. The state of the
optimiser lives here, so PyKEEN's own checkpoints cannot resume such a loop.
"""

from typing import Any

from pykeen.models import TransR
from pykeen.training import SLCWATrainingLoop

from kgplan.embedding.config import NegativeConfig, TrainingConfig
from kgplan.embedding.negative import NegativeObjective
from kgplan.errors import ConfigError


class GroupedTrainingLoop(SLCWATrainingLoop):
    """PyKEEN's loop for TransR, each epoch by `NegativeObjective`.

    Args:
        training: of the optimiser's memory, the batches' seed, dropout and score scale; PyKEEN's
            own arguments give the optimiser, the learning rate and the batch size.
        negative: sampler and number of negatives; PyKEEN's argument gives the loss.
        **kwargs: of PyKEEN's loop.

    Raises:
        ConfigError: the model is no TransR, or knows inverse relations, or the optimiser is
            neither Adam nor Adagrad.
    """

    def __init__(
        self, *, training: TrainingConfig, negative: NegativeConfig, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        name = type(self.optimizer).__name__.lower()
        if not isinstance(self.model, TransR) or self.model.use_inverse_triples:
            raise ConfigError(
                f"a grouped loop trains TransR without inverse relations, not"
                f" {type(self.model).__name__}; use PyKEEN's own loop for it"
            )
        if name not in ("adam", "adagrad"):
            raise ConfigError(f"a grouped loop has no optimiser {name!r}; use adam or adagrad")
        self.training = training.model_copy(update={"optimiser": name})
        self.negative = negative
        self.objective: NegativeObjective | None = None

    def _create_training_data_loader(self, triples_factory: Any, **kwargs: Any) -> Any:
        """Notes facts and batch size; PyKEEN counts the batches of its own loader."""
        self.facts = triples_factory
        self.training = self.training.model_copy(update={"batch_size": kwargs["batch_size"]})
        return super()._create_training_data_loader(triples_factory, **kwargs)

    def _train_epoch(self, *args: Any, **kwargs: Any) -> float:
        if self.objective is None:  # here, as PyKEEN starts the weights anew in `train`
            self.objective = NegativeObjective(
                self.model, self.facts, self.training, self.negative, self.loss
            )
        return self.objective.epoch(self.optimizer.param_groups[0]["lr"])
