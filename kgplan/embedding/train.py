"""Which vectors explain the graph's facts? TransR, trained by PyKEEN's classes [lin2015].

The loop: split, epochs of an objective (`kgplan.embedding.objective`), validation, the best epoch.

Sizes: N triples, E entities, R relations, d dimension, k relation dimension.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from pykeen.models import TransR
from pykeen.triples import TriplesFactory
from pykeen.utils import NoRandomSeedNecessary

from kgplan.arrays import Ids
from kgplan.embedding.config import EmbeddingConfig, ModelConfig, SplitConfig, TrainingConfig
from kgplan.embedding.evaluate import mean_reciprocal_rank, popularity_baseline, ranking_metrics
from kgplan.embedding.objective import Objective, objective_for
from kgplan.embedding.result import Embedding, TrainingProgress
from kgplan.embedding.transr import RelationwiseTransR
from kgplan.errors import InputError

INVERSE = "_inverse"  # PyKEEN's ending for the id of an inverse relation


@dataclass(frozen=True)
class Split:
    """Three disjoint parts of the facts; every entity and relation occurs in `training`."""

    training: TriplesFactory
    validation: TriplesFactory
    test: TriplesFactory

    @property
    def known(self) -> tuple[TriplesFactory, TriplesFactory, TriplesFactory]:
        """All facts: what the filtered ranking leaves out."""
        return self.training, self.validation, self.test


def train(
    triples: Ids,
    config: EmbeddingConfig,
    progress: Callable[[TrainingProgress], None] | None = None,
) -> Embedding:
    """Train TransR, stop early on the validation split, measure on the test split.

    The same triples (in any order) and configuration give the same bits on the same machine: the
    budget is counted in epochs, and the configuration holds every seed and the number of threads.

    Args:
        triples: (N, 3) ids of head, relation and tail; repeats count once.
        config: every hyper-parameter.
        progress: called after each epoch.

    Returns:
        The vectors of the best validation MRR, with the figures of both held-out splits.

    Raises:
        InputError: `triples` is no (N, 3) array or too small to be split.
    """
    split = split_triples(triples, config.split)
    with _torch_threads(config.training.threads):
        return _train(split, config, progress or (lambda _: None))


def split_triples(triples: Ids, config: SplitConfig) -> Split:
    """Sort, drop repeats and split by PyKEEN, each entity and relation kept in training.

    Raises:
        InputError: `triples` is no (N, 3) array, or a part of the split would be empty.
    """
    if triples.ndim != 2 or triples.shape[1] != 3:
        raise InputError(
            f"triples have shape {triples.shape}; give one row of head, relation and tail id each"
        )
    facts = np.unique(triples.astype(str), axis=0) if len(triples) else triples
    try:
        factory = TriplesFactory.from_labeled_triples(facts, create_inverse_triples=True)
        shares = [config.train, config.validation, config.test]
        # a generator: an integer would seed torch for the whole process
        parts = factory.split(shares, random_state=torch.Generator().manual_seed(config.seed))
    except ValueError:  # PyKEEN's: too few facts for each entity to have one in training
        parts = []
    if not parts or any(part.num_triples == 0 for part in parts):
        raise InputError(
            f"{len(facts)} different triples are too few to train, validate and test on"
            " with each entity and relation in training; embed a larger or denser graph"
        )
    return Split(*parts)


def starting_model(training: TriplesFactory, config: ModelConfig) -> RelationwiseTransR:
    """TransR before the first step.

    With `projection_start = "identity"` each relation's space is the first k of the d axes: TransR
    starts as TransE, as in the paper, and the relations pull on the same axes of an entity.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = RelationwiseTransR(
            triples_factory=training,
            embedding_dim=config.dimension,
            relation_dim=config.relation_dimension,
            scoring_fct_norm=config.norm,
            power_norm=config.squared,
            random_seed=NoRandomSeedNecessary,  # PyKEEN would seed every generator of the process
        )
    if config.projection_start == "identity":
        start = torch.eye(config.dimension, config.relation_dimension)
        with torch.no_grad():
            weight = model.relation_representations[1]._embeddings.weight
            weight.copy_(start.reshape(1, -1).expand_as(weight))
    return model


def as_pykeen(embedding: Embedding, config: EmbeddingConfig) -> TransR:
    """Load an embedding into PyKEEN's own TransR, for its prediction and evaluation tools."""
    entities = {label: number for number, label in enumerate(embedding.entity_ids.tolist())}
    relations = {label: number for number, label in enumerate(embedding.relation_ids[::2].tolist())}
    factory = TriplesFactory(
        mapped_triples=torch.empty(0, 3, dtype=torch.long),
        entity_to_id=entities,
        relation_to_id=relations,
        create_inverse_triples=True,
    )
    model = TransR(
        triples_factory=factory,
        embedding_dim=config.model.dimension,
        relation_dim=config.model.relation_dimension,
        scoring_fct_norm=config.model.norm,
        power_norm=config.model.squared,
        random_seed=NoRandomSeedNecessary,
    )
    weights = [*model.entity_representations, *model.relation_representations]
    values = [embedding.vectors, embedding.relation_vectors, embedding.projections]
    with torch.no_grad():
        for representation, value in zip(weights, values, strict=True):
            weight = representation._embeddings.weight
            weight.copy_(torch.from_numpy(np.ascontiguousarray(value)).reshape(weight.shape))
    return model.eval()


@contextmanager
def _torch_threads(number: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _train(
    split: Split, config: EmbeddingConfig, progress: Callable[[TrainingProgress], None]
) -> Embedding:
    model = starting_model(split.training, config.model)
    history = []
    best_epoch, best_mrr, best_state = 0, -1.0, {}
    evaluations_since_best = 0
    objective = objective_for(model, split.training, config)
    for epoch, loss in _epochs(objective, config.training):
        mrr = None
        if epoch % config.training.evaluate_every == 0 or epoch == config.training.epochs:
            mrr = mean_reciprocal_rank(
                model, split.validation, split.known, config.evaluation.batch_size
            )
            evaluations_since_best += 1
            if mrr > best_mrr:
                best_epoch, best_mrr, evaluations_since_best = epoch, mrr, 0
                best_state = {name: value.clone() for name, value in model.state_dict().items()}
        history.append(TrainingProgress(epoch, config.training.epochs, loss, mrr))
        progress(history[-1])
        if evaluations_since_best == config.training.patience:
            break
    model.load_state_dict(best_state)
    return _embedding(model, split, config, best_epoch, tuple(history))


def _epochs(objective: Objective, config: TrainingConfig) -> Iterator[tuple[int, float]]:
    """Train; after each epoch yield its number and its mean loss."""
    for epoch in range(1, config.epochs + 1):
        done = (epoch - 1) / max(config.epochs - 1, 1)
        rate = (1 - done) * config.learning_rate + done * config.final_learning_rate
        yield epoch, objective.epoch(rate)


def _embedding(
    model: RelationwiseTransR,
    split: Split,
    config: EmbeddingConfig,
    best_epoch: int,
    history: tuple[TrainingProgress, ...],
) -> Embedding:
    popularity = popularity_baseline(split.training)
    batch_size = config.evaluation.batch_size
    metrics: dict[str, object] = {
        "counts": {
            "entities": split.training.num_entities,
            "relations": len(split.training.relation_to_id),
            "training": split.training.num_triples,
            "validation": split.validation.num_triples,
            "test": split.test.num_triples,
        },
        "epochs": len(history),
        "best_epoch": best_epoch,
    }
    for name, facts in (("validation", split.validation), ("test", split.test)):
        metrics[name] = {
            **ranking_metrics(model, facts, split.known, batch_size),
            "popularity": ranking_metrics(popularity, facts, split.known, batch_size),
        }
    relations = sorted(split.training.relation_to_id, key=split.training.relation_to_id.__getitem__)
    with torch.no_grad():
        vectors, relation_vectors, projections = (
            representation(None).numpy().copy()
            for representation in (*model.entity_representations, *model.relation_representations)
        )
    return Embedding(
        entity_ids=np.array(sorted(split.training.entity_to_id)),
        vectors=vectors,
        relation_ids=np.array([r + ending for r in relations for ending in ("", INVERSE)]),
        relation_vectors=relation_vectors,
        projections=projections,
        metrics=metrics,
        history=history,
    )
