"""Which loss learns from few candidates? Negative sampling, as published, grouped by relation.

Each fact of a batch meets n corrupted facts, and one of PyKEEN's losses compares their scores.
A batch mixes relations, as PyKEEN's does; its projections are one matrix product per relation
(`kgplan.embedding.grouped`), and only the rows that it touches are updated and shortened.

Sizes: B facts of a batch, n negatives for each, E entities, R relations, d dimension, k relation
dimension, M entities of a batch.
"""

from collections.abc import Iterator

import numpy as np
import torch
from pykeen.losses import InfoNCELoss, Loss, MarginRankingLoss, NSSALoss, SoftMarginRankingLoss
from pykeen.models import TransR
from pykeen.triples import CoreTriplesFactory
from threadpoolctl import threadpool_limits

from kgplan.arrays import Array, Floats, Ints
from kgplan.embedding.config import NegativeConfig, TrainingConfig
from kgplan.embedding.grouped import Grouping, grouped_scores
from kgplan.embedding.optimiser import RowAdagrad, RowAdam, RowOptimiser, Table
from kgplan.embedding.resumable import Resumable
from kgplan.embedding.sampling import NegativeSampler
from kgplan.native import negatives

Gradient = tuple[Table, Table]  # rows of a table, and the slope of each

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


class NegativeObjective(Resumable):
    """Trains by sampled negatives; the loss of an epoch is the mean over its facts.

    Args:
        model: TransR, trained in place, of a factory without inverse relations.
        training: the facts.
        config: of the batches and the optimiser.
        negative: of the negatives.
        loss: PyKEEN's; by default the configured one.
        compiled: by `kgplan.native.negatives` instead of by torch; by default where the model
            lies in main memory.
    """

    def __init__(
        self,
        model: TransR,
        training: CoreTriplesFactory,
        config: TrainingConfig,
        negative: NegativeConfig,
        loss: Loss | None = None,
        compiled: bool | None = None,
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
        (self.norm, self.squared, self.largest) = (
            model.interaction.p,
            model.interaction.power_norm,
            model.interaction.max_projection_norm,
        )
        self.n_entities, self.n_relations = training.num_entities, training.num_relations
        self.device = model.device
        self.compiled = self.device.type == "cpu" if compiled is None else compiled
        self.places = negatives.no_places(self.n_entities)
        self.optimiser: RowOptimiser = (
            RowAdagrad(tables(model), self.compiled)
            if config.optimiser == "adagrad"
            else RowAdam(tables(model), config.beta1, config.beta2, self.compiled)
        )
        model.post_parameter_update()  # norms of at most 1: later only touched rows are shortened
        self.weights = tables(model)

    def epoch(self, rate: float) -> float:
        """Go once through the facts, see `kgplan.embedding.objective.Objective`."""
        self.model.train()
        self.weights = tables(self.model)  # PyKEEN may have put other tensors in their place
        total = 0.0
        # a second thread would wait longer for the small products than it would save
        with threadpool_limits(self.config.threads, "blas"):
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
        weights: list[Table] = self.weights
        if self.compiled:
            weights = [weight.numpy() for weight in weights]
            loss, gradients = self._compiled(weights, heads, relations, tails)
        else:
            loss, gradients = self._by_torch(weights, heads, relations, tails)
        for place, (rows, gradient) in enumerate(gradients):
            # PyKEEN shortens entities and relations to norm 1, not projections
            norm = self.norm if place < 2 else 0
            pace = 1.0 if place < 2 else self.config.projection_rate
            self.optimiser.update(place, weights[place], rows, gradient, pace * rate, norm)
        return loss

    def _compiled(
        self, weights: list[Array], heads: Ints, relations: Ints, tails: Ints
    ) -> tuple[float, list[Gradient]]:
        """Mean loss, and rows and gradient of each table, by compiled loops."""
        now = negatives.Tables(*weights)
        batch = negatives.group_pairs(heads, relations, tails, self.n_relations, self.places)
        kept = self._kept(batch.entity_of_pair.size, now.relations.shape[1])
        by = negatives.Distance(kept, self.norm, self.largest)
        way = negatives.forward(now, batch, by)
        distance = way.distance
        scores = torch.from_numpy(-(distance**self.norm) if self.squared else -distance)
        loss = self._loss(scores.requires_grad_())
        (slope,) = torch.autograd.grad(loss, scores)
        gradients = negatives.backward(slope.numpy(), way, now, batch, by, self.squared)
        touched = batch.parts[:, 0].copy()
        rows = batch.entities, touched, touched
        return loss.item(), list(zip(rows, gradients, strict=True))

    def _by_torch(
        self, weights: list[torch.Tensor], heads: Ints, relations: Ints, tails: Ints
    ) -> tuple[float, list[Gradient]]:
        """The same by torch, on any device."""
        grouping = Grouping.of(heads, relations, tails, self.n_entities, self.device)
        touched = torch.tensor([part[0] for part in grouping.parts]).to(self.device)
        entities = weights[0][grouping.entities].requires_grad_()
        vectors, projections = (weight.detach().requires_grad_() for weight in weights[1:])
        kept = self._kept(len(grouping.entity_of_pair), vectors.shape[1])
        scores = grouped_scores(
            entities,
            vectors,
            projections,
            grouping,
            self.norm,
            self.squared,
            self.largest,
            torch.from_numpy(kept).to(self.device) if kept.size else None,
        )
        loss = self._loss(scores)
        of_entities, of_vectors, of_projections = torch.autograd.grad(
            loss, [entities, vectors, projections]
        )
        return loss.item(), [
            (grouping.entities, of_entities),
            (touched, of_vectors[touched]),
            (touched, of_projections[touched]),
        ]

    def _loss(self, scores: torch.Tensor) -> torch.Tensor:
        scaled = self.config.score_scale * scores
        return self.loss.process_slcwa_scores(
            positive_scores=scaled[:, :1],
            negative_scores=scaled[:, 1:],
            num_entities=self.n_entities,
        )

    def _kept(self, n_pairs: int, width: int) -> Floats:
        """Factors of dropout (n_pairs, k); (0, 0) without."""
        if not self.config.dropout:
            return np.empty((0, 0), dtype=np.float32)
        drawn = self.generator.random((n_pairs, width), dtype=np.float32)
        return (drawn >= self.config.dropout) / np.float32(1 - self.config.dropout)

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
