"""Which loss makes every entity a candidate? 1-vs-all softmax with inverse relations.

Each fact is a question with E answers: inverse relations make both sides tails [lacroix2018], the
scores of all entities go through one softmax, and the queries of a relation are scored together,
so that one relation projects all entities once a batch. A query with n true tails counts n^p
times, p = `query_weight_power`: with p = 1 every fact counts alike, with p = 0 every query.

Sizes: E entities, B queries of a batch.
"""

import numpy as np
import torch
from pykeen.triples import LCWAInstances, TriplesFactory
from scipy.sparse import csr_matrix

from kgplan.arrays import Array
from kgplan.embedding.config import TrainingConfig
from kgplan.embedding.optimiser import Adam
from kgplan.embedding.resumable import Resumable
from kgplan.embedding.transr import RelationwiseTransR


class SoftmaxObjective(Resumable):
    """Trains by `softmax_loss`; the loss of an epoch is the weighted mean over queries, in nats.

    Args:
        model: trained in place, of a factory with inverse relations.
        training: the facts.
        config: of the loss, the optimiser and the batches.
    """

    def __init__(
        self, model: RelationwiseTransR, training: TriplesFactory, config: TrainingConfig
    ) -> None:
        self.model, self.config = model, config
        self.generator = np.random.default_rng(config.seed)
        parameters = list(model.parameters())
        projections = model.relation_representations[1]._embeddings.weight
        paces = [config.projection_rate if p is projections else 1.0 for p in parameters]
        self.optimiser: Adam = Adam(parameters, paces, config.beta1, config.beta2)
        self.queries = LCWAInstances.from_triples_factory(training)
        n_true = np.diff(self.queries.compressed.indptr)
        self.total_weight = float((n_true**config.query_weight_power).sum())

    def epoch(self, rate: float) -> float:
        """Go once through the queries, see `kgplan.embedding.objective.Objective`."""
        self.model.train()
        total = 0.0
        batches = _batches(self.queries.pairs, self.config.batch_size, self.generator)
        for relation, batch in batches:
            loss = softmax_loss(
                self._scores(relation, self.queries.pairs[batch, 0]),
                self.queries.compressed[batch],
                self.config.query_weight_power,
                self.config.label_smoothing,
            )
            scaled = loss * (len(batches) / self.total_weight)  # a batch weighs 1 in the mean
            self.optimiser.step(torch.autograd.grad(scaled, self.optimiser.parameters), rate)
            self.model.post_parameter_update()  # norms of at most 1
            total += loss.item()
        return total / self.total_weight

    def _scores(self, relation: int, heads: Array) -> torch.Tensor:
        """(B, E) scores of a batch in training: scaled, with dropout of the projected entities."""
        device = self.model.device
        projected = self.model.project(relation)
        if self.config.dropout:
            drawn = self.generator.random(tuple(projected.shape), dtype=np.float32)
            kept = (drawn >= self.config.dropout) / np.float32(1 - self.config.dropout)
            projected = projected * torch.from_numpy(kept).to(device)
        distances = self.model.distances(torch.from_numpy(heads).to(device), relation, projected)
        return -self.config.score_scale * distances


def softmax_loss(
    scores: torch.Tensor, answers: csr_matrix, weight_power: float, smoothing: float
) -> torch.Tensor:
    """Cross-entropy of every query's true tails, the weighted sum over the queries.

    Args:
        scores: (B, E) of every entity as tail.
        answers: (B, E) sparse, stored where the tail is true; at least one a row.
        weight_power: p; a query with n true tails weighs n^p, shared equally by its tails.
        smoothing: the share of each target that is spread evenly over all entities.

    Returns:
        The loss in nats.

    >>> float(softmax_loss(torch.zeros(1, 4), csr_matrix([[1, 0, 0, 1]]), 1.0, 0.0))  # 2 ln 4
    2.7725887298583984
    """
    n_true = np.diff(answers.indptr)
    device = scores.device
    weight = torch.from_numpy((n_true**weight_power).astype(np.float32)).to(device)
    rows = torch.from_numpy(np.repeat(np.arange(n_true.size), n_true)).to(device)
    tails = torch.from_numpy(answers.indices.astype(np.int64)).to(device)
    share = weight / torch.from_numpy(n_true.astype(np.float32)).to(device)
    at_truth = scores[rows, tails] @ share[rows]
    if smoothing:
        at_truth = torch.lerp(at_truth, scores.mean(dim=1) @ weight, smoothing)
    return torch.logsumexp(scores, dim=1) @ weight - at_truth


def _batches(
    pairs: Array, batch_size: int, generator: np.random.Generator
) -> list[tuple[int, Array]]:
    """Shuffle the (head, relation) pairs into about equal batches of one relation each."""
    batches = []
    for relation in np.unique(pairs[:, 1]).tolist():
        shuffled = generator.permutation(np.flatnonzero(pairs[:, 1] == relation))
        parts = max(1, round(shuffled.size / batch_size))
        batches += [(relation, part) for part in np.array_split(shuffled, parts)]
    return [batches[i] for i in generator.permutation(len(batches))]
