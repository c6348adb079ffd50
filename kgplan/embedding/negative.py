"""Which loss learns from few candidates? Negative sampling, as published, grouped by relation.

Each fact of a batch meets n corrupted facts, and one of PyKEEN's losses compares their scores.
A batch mixes relations, as PyKEEN's does; its projections are one matrix product per relation
(`kgplan.embedding.grouped`), and only the rows that it touches are updated and shortened.

Sizes: B facts of a batch, n negatives for each, E entities, R relations, d dimension, k relation
dimension, M entities of a batch.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from pykeen.losses import InfoNCELoss, Loss, MarginRankingLoss, NSSALoss, SoftMarginRankingLoss
from pykeen.models import TransR
from pykeen.triples import CoreTriplesFactory

from kgplan.arrays import Ints
from kgplan.embedding.config import NegativeConfig, TrainingConfig
from kgplan.embedding.grouped import Grouping, grouped_scores
from kgplan.embedding.optimiser import RowAdagrad, RowAdam, RowOptimiser
from kgplan.embedding.sampling import NegativeSampler

DRAWN_TOGETHER = 1 << 17  # negatives of several batches at once: fewer calls, little memory


def loss_for(config: NegativeConfig) -> Loss:
    """PyKEEN's loss of the configured name; each takes the mean over the batch."""
    match config.loss:
        case "margin":
            return MarginRankingLoss(margin=config.margin)
        case "soft_margin":
            return SoftMarginRankingLoss(margin=config.margin)
        case "self_adversarial":
            return NSSALoss(config.margin, adversarial_temperature=config.adversarial_temperature)
        case "infonce":
            # temperature 1: the scale of the scores is `score_scale`
            return InfoNCELoss(config.margin, log_adversarial_temperature=0.0)


class NegativeObjective:
    """Trains by sampled negatives; the loss of an epoch is the mean over its facts.

    Args:
        model: TransR, trained in place, of a factory without inverse relations.
        training: the facts.
        config: of the batches and the optimiser.
        negative: of the negatives.
        loss: PyKEEN's; by default the configured one.
    """

    def __init__(
        self,
        model: TransR,
        training: CoreTriplesFactory,
        config: TrainingConfig,
        negative: NegativeConfig,
        loss: Loss | None = None,
    ) -> None:
        self.model, self.config, self.negative = model, config, negative
        self.facts: Ints = training.mapped_triples.numpy()
        self.generator = np.random.default_rng(config.seed)
        self.loss = loss if loss is not None else loss_for(negative)
        self.sampler = NegativeSampler(
            self.facts,
            training.num_entities,
            training.num_relations,
            negative.sampler,
            negative.filtered,
        )
        self.tables = tables(model)
        self.optimiser: RowOptimiser = (
            RowAdagrad(self.tables)
            if config.optimiser == "adagrad"
            else RowAdam(self.tables, config.beta1, config.beta2)
        )
        model.post_parameter_update()  # norms of at most 1: later only touched rows are shortened

    def epoch(self, rate: float) -> float:
        """Go once through the facts, see `kgplan.embedding.objective.Objective`."""
        self.model.train()
        total = 0.0
        for heads, relations, tails in self._batches():
            total += self.step(heads, relations, tails, rate) * len(relations)
        return total / len(self.facts)

    def step(self, heads: Ints, relations: Ints, tails: Ints, rate: float) -> float:
        """Update the model by one batch and return its mean loss.

        Args:
            heads, tails: (B, 1 + n) entity numbers, the facts themselves in place 0.
            relations: (B,) relation numbers.
            rate: learning rate.
        """
        grouping = Grouping.of(heads, relations, tails, self.model.num_entities, self.model.device)
        entities, relation_vectors, projections = self.tables
        touched = torch.tensor([relation for relation, _, _ in grouping.parts])
        touched = touched.to(self.model.device)
        leaves = [
            entities[grouping.entities].requires_grad_(),
            relation_vectors.detach().requires_grad_(),
            projections.detach().requires_grad_(),
        ]
        loss = self._loss(leaves, grouping)
        of_entities, of_vectors, of_projections = torch.autograd.grad(loss, leaves)
        for place, rows, gradient in (
            (0, grouping.entities, of_entities),
            (1, touched, of_vectors[touched]),
            (2, touched, of_projections[touched]),
        ):
            moved = self.optimiser.moved(place, rows, gradient, rate)
            if place < 2:  # PyKEEN shortens entities and relations to norm 1, not projections
                moved = _shortened(moved, self.model.interaction.p)
            self.tables[place].index_copy_(0, rows, moved)
        return loss.item()

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

    def _loss(self, leaves: list[torch.Tensor], grouping: Grouping) -> torch.Tensor:
        interaction = self.model.interaction
        kept = None
        if self.config.dropout:
            shape = len(grouping.entity_of_pair), leaves[1].shape[1]
            drawn = self.generator.random(shape, dtype=np.float32) >= self.config.dropout
            kept = torch.from_numpy(drawn / np.float32(1 - self.config.dropout))
            kept = kept.to(self.model.device)
        scores = self.config.score_scale * grouped_scores(
            leaves[0],
            leaves[1],
            leaves[2],
            grouping,
            norm=interaction.p,
            squared=interaction.power_norm,
            largest=interaction.max_projection_norm,
            kept=kept,
        )
        return self.loss.process_slcwa_scores(
            positive_scores=scores[:, :1],
            negative_scores=scores[:, 1:],
            num_entities=self.model.num_entities,
        )

    def _batches(self) -> Iterator[tuple[Ints, Ints, Ints]]:
        """Heads, relations and tails of shuffled batches, each fact with its negatives."""
        size, n_negatives = self.config.batch_size, self.negative.negatives
        order = self.generator.permutation(len(self.facts))
        together = size * max(1, DRAWN_TOGETHER // (size * n_negatives))
        for first in range(0, order.size, together):
            facts = self.facts[order[first : first + together]]
            heads, tails = self.sampler.corrupt(facts, n_negatives, self.generator)
            for start in range(0, len(facts), size):
                part = slice(start, start + size)
                yield heads[part], facts[part, 1], tails[part]


def tables(model: TransR) -> list[torch.Tensor]:
    """The model's own entity (E, d), relation (R, k) and projection (R, d, k) weights, as views."""
    (entities,) = model.entity_representations
    vectors, projections = model.relation_representations
    flat = projections._embeddings.weight.detach()
    return [
        entities._embeddings.weight.detach(),
        vectors._embeddings.weight.detach(),
        flat.view(len(flat), *projections.shape),
    ]


def _shortened(vectors: torch.Tensor, norm: int) -> torch.Tensor:
    length = torch.linalg.vector_norm(vectors, norm, dim=1, keepdim=True)
    return vectors / length.clamp_min(1)
