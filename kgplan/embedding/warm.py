"""Which vectors explain a graph that changed a little? The last ones, trained on for a few epochs.

Facts that were held out before stay held out, so that the new figures are of facts which training
never saw, and the walk stops as soon as the old ones are reached again.

Sizes: N triples, E entities, R relations, d dimension, k relation dimension.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from pykeen.triples import TriplesFactory

from kgplan.arrays import Array, Ids, Ints, positions
from kgplan.embedding.cold import cold_vectors
from kgplan.embedding.config import EmbeddingConfig, ModelConfig
from kgplan.embedding.loop import Schedule, Weights, weights
from kgplan.embedding.result import INVERSE, PARTS, Embedding, Measured, TrainingProgress
from kgplan.embedding.train import (
    Split,
    distinct_facts,
    fit,
    starting_model,
    too_few,
    torch_threads,
)
from kgplan.embedding.transr import RelationwiseTransR
from kgplan.errors import InputError


def retrain(
    triples: Ids,
    before: Embedding,
    config: EmbeddingConfig,
    progress: Callable[[TrainingProgress], None] | None = None,
    resume: bytes | None = None,
    keep: Callable[[bytes], None] | None = None,
) -> Embedding:
    """Train on from an earlier embedding, to the schedule of `config.warm`.

    An entity keeps its vector by its id; a new one starts at `cold_vectors`. The more facts
    changed, the longer the steps: rates are those of `config.warm` times the root of
    `changed_share`. It stops once the validation MRR is back at what it was before. The last fit
    goes on from where the earlier one ended, see `last_fit`.

    Args:
        triples: (N, 3) ids of head, relation and tail; repeats count once.
        before: the earlier embedding, with what it was measured on.
        config: every hyper-parameter; those of the model as they were.
        progress, resume, keep: as in `kgplan.embedding.train.train`.

    Raises:
        InputError: `before` does not hold what it was measured on or has other dimensions than
            `config`, or `triples` is no (N, 3) array or too small to be split.
    """
    split = carried_split(triples, before, config)
    warm = config.warm
    pace = changed_share(split, before) ** 0.5
    schedule = Schedule(
        warm.epochs,
        pace * warm.learning_rate,
        pace * warm.final_learning_rate,
        patience=warm.epochs,  # an epoch without a gain tells little while the rate still falls
        enough=before.metrics["validation"]["both"]["mrr"],
    )
    start = "none" if config.refit.start == "none" else "best"
    refit = config.refit.model_copy(update={"start": start, "epochs": warm.refit_epochs})
    with torch_threads(config.training.threads):
        model = warm_model(split.training, before, config.model)
        carried = last_fit(model, split.training, before, config.model)
        chosen = config.model_copy(update={"refit": refit})
        return fit(model, split, chosen, schedule, progress, resume, keep, carried)


def changed_share(split: Split, before: Embedding) -> float:
    """Of the facts before and now, the share that is in one of the two only.

    Args:
        split: of the facts now.
        before: the earlier embedding, with the facts then.

    Raises:
        InputError: `before` does not hold what it was measured on.
    """
    entities, relations = (
        np.array(sorted(ids))
        for ids in (split.training.entity_to_id, split.training.relation_to_id)
    )
    earlier, there = _earlier(before, entities, relations)
    numbers = np.concatenate([part.mapped_triples.numpy() for part in split.known])
    shape = entities.size, relations.size, entities.size
    now, then = (np.ravel_multi_index(tuple(facts.T), shape) for facts in (numbers, earlier[there]))
    n_kept = int(np.isin(now, then).sum())
    n_either = now.size + there.size - n_kept
    return 1 - n_kept / n_either


def last_fit(
    start: RelationwiseTransR, training: TriplesFactory, before: Embedding, config: ModelConfig
) -> Weights | None:
    """What the earlier last fit added to each weight.

    It learned the held-out facts, most of which are still there: one epoch that goes on from it
    comes further than two from the measured weights alone.

    Args:
        start: what `warm_model` returned for these arguments.
        training: the facts of the training part.
        before: the earlier embedding.
        config: of the model.

    Returns:
        Name -> difference of the served and the measured weights; None where they come of two
        trainings, or the earlier embedding had no last fit.
    """
    if before.metrics["refit"]["start"] != "best":
        return None
    served = replace(
        before,
        measured=replace(
            _measured(before),
            vectors=before.vectors,
            relation_vectors=before.relation_vectors,
            projections=before.projections,
        ),
    )
    ended, begun = weights(warm_model(training, served, config)), weights(start)
    return {name: value - begun[name] for name, value in ended.items()}


def carried_split(triples: Ids, before: Embedding, config: EmbeddingConfig) -> Split:
    """Split facts as an earlier embedding's were, and new ones by chance.

    A held-out fact whose entity or relation has no other fact goes to the training part.

    Args:
        triples: (N, 3) ids; repeats count once.
        before: the earlier embedding.
        config: with the shares and the seed for the new facts.

    Raises:
        InputError: as `retrain`.
    """
    facts = distinct_facts(triples)
    entities = np.unique(facts[:, [0, 2]])
    relations = np.unique(facts[:, 1])
    numbers = np.column_stack(
        [
            np.searchsorted(ids, column)
            for ids, column in zip((entities, relations, entities), facts.T, strict=True)
        ]
    )
    if len(facts) == 0:
        raise too_few(facts)
    shape = entities.size, relations.size, entities.size
    codes = np.ravel_multi_index(tuple(numbers.T), shape)
    earlier, there = _earlier(before, entities, relations)
    old_codes = np.ravel_multi_index(tuple(earlier[there].T), shape)
    order = np.argsort(old_codes)
    at = positions(old_codes[order], codes)
    c = config.split
    drawn = np.random.default_rng(c.seed).choice(
        len(PARTS), codes.size, p=[c.train, c.validation, c.test]
    )
    old_part = _measured(before).part[there][order]
    part = np.where(at >= 0, old_part[at], drawn) if old_codes.size else drawn
    part = _covered(numbers, part)
    if any((part == number).sum() == 0 for number in range(len(PARTS))):
        raise too_few(facts)
    factories = [
        TriplesFactory(
            mapped_triples=torch.from_numpy(numbers[part == number]),
            entity_to_id={label: k for k, label in enumerate(entities.tolist())},
            relation_to_id={label: k for k, label in enumerate(relations.tolist())},
            # as PyKEEN's own split: the training part alone knows inverse relations
            create_inverse_triples=number == 0 and config.training.regime == "softmax",
        )
        for number in range(len(PARTS))
    ]
    return Split(*factories)


def warm_model(
    training: TriplesFactory, before: Embedding, config: ModelConfig
) -> RelationwiseTransR:
    """TransR with the weights that an embedding was measured with, by id.

    New entities start at their cold vectors, where their training facts give one; new relations
    and all else start as in `starting_model`.

    Raises:
        InputError: the dimensions are others.
    """
    measured = _measured(before)
    shape = measured.projections.shape[1:]
    if shape != (config.dimension, config.relation_dimension):
        raise InputError(
            f"the last embedding has dimensions {shape[0]} and {shape[1]}, the configuration asks"
            f" for {config.dimension} and {config.relation_dimension}; train without a warm start"
        )
    model = starting_model(training, config)
    entities = np.array(sorted(training.entity_to_id))
    labels = np.array(sorted(training.relation_to_id))
    endings = ("", INVERSE) if training.create_inverse_triples else ("",)
    relations = np.array([label + ending for label in labels for ending in endings])
    cold = entities[positions(before.entity_ids, entities) < 0]
    numbers = training.mapped_triples.numpy()
    facts = np.column_stack(
        [entities[numbers[:, 0]], labels[numbers[:, 1]], entities[numbers[:, 2]]]
    )
    estimated = cold_vectors(before.before_refit(), cold, facts)
    found = estimated.facts > 0
    with torch.no_grad():
        for representation, values, ids, old_ids in zip(
            (*model.entity_representations, *model.relation_representations),
            (measured.vectors, measured.relation_vectors, measured.projections),
            (entities, relations, relations),
            (before.entity_ids, before.relation_ids, before.relation_ids),
            strict=True,
        ):
            weight = representation._embeddings.weight
            at = _rows(old_ids, ids)
            known = torch.from_numpy(values[at[at >= 0]].reshape(-1, weight.shape[1]))
            weight[torch.from_numpy(np.flatnonzero(at >= 0))] = known
        rows = torch.from_numpy(np.searchsorted(entities, cold[found]))
        weight = model.entity_representations[0]._embeddings.weight
        weight[rows] = torch.from_numpy(estimated.vectors[found].astype(np.float32))
    return model


def _earlier(before: Embedding, entities: Ids, relations: Ids) -> tuple[Ints, Array]:
    """Earlier facts in the numbers of other ids, and which of them have all three there."""
    to_entity = positions(entities, before.entity_ids)
    to_relation = positions(relations, before.plain_relation_ids)
    head, relation, tail = _measured(before).facts.T
    earlier = np.column_stack([to_entity[head], to_relation[relation], to_entity[tail]])
    there: Array = np.all(earlier >= 0, axis=1)
    return earlier, there


def _covered(numbers: Ints, part: Ints) -> Ints:
    """Move held-out facts to training where an entity or relation would have no fact there."""
    part = part.copy()
    n_entities, n_relations = (
        numbers[:, [0, 2]].max(initial=-1) + 1,
        numbers[:, 1].max(initial=-1) + 1,
    )
    entity, relation = np.zeros(n_entities, dtype=bool), np.zeros(n_relations, dtype=bool)
    heads, kinds, tails = numbers[part == 0].T
    entity[heads] = entity[tails] = relation[kinds] = True
    heads, kinds, tails = numbers.T
    for fact in np.flatnonzero(~(entity[heads] & entity[tails] & relation[kinds])):
        head, r, tail = numbers[fact]
        if not (entity[head] and entity[tail] and relation[r]):
            part[fact] = 0
            entity[[head, tail]] = True
            relation[r] = True
    return part


def _rows(ids: Ids, wanted: Ids) -> Ints:
    """Where each wanted id stands in ids in any order; -1 where it does not."""
    order = np.argsort(ids)
    at = positions(ids[order], wanted)
    return np.where(at >= 0, order[at], -1)


def _measured(before: Embedding) -> Measured:
    if before.measured is None:
        raise InputError(
            "the last embedding was stored without what a warm start goes on from;"
            " train once without a warm start"
        )
    return before.measured
